//! An examination as text for a terminal, and as JSON.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::finding::{AccountExam, DoctorStep, Examination, Finding, ResourceExam};
use crate::model::wrap;

/// How the text is to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextStyle {
    /// With colours, which only a terminal understands.
    pub colours: bool,
    /// Lines of at most so many characters; `None` for as long as they are.
    pub width: Option<usize>,
}

/// Where the lines of a step go on.
const INDENT: usize = 28;
/// Where commands and clicks begin, and go on.
const MEND_INDENT: usize = INDENT + 10;
/// Resources that share a problem and are named.
const MOST_NAMED: usize = 8;

/// As text: what is wrong first, then what cannot be seen, then the rest, of
/// accounts, of steps and of resources; the sum at the end.
#[must_use]
pub fn text(examination: &Examination, look: TextStyle) -> String {
    let mut out = String::new();
    let mut accounts: Vec<&AccountExam> = examination.accounts.iter().collect();
    accounts.sort_by_key(|account| Reverse(account.finding()));
    for (place, account) in accounts.into_iter().enumerate() {
        if place > 0 {
            out.push('\n');
        }
        account_text(&mut out, account, look);
    }
    let count = |finding| {
        let steps = examination.accounts.iter().flat_map(AccountExam::all);
        steps.filter(|step| step.finding == finding).count()
    };
    // Writing into a String does not fail.
    _ = writeln!(
        out,
        "\n{} proved, {} refuted, {} cannot be seen from here",
        count(Finding::Proved),
        count(Finding::Refuted),
        count(Finding::CannotBeSeen)
    );
    out
}

fn account_text(out: &mut String, account: &AccountExam, look: TextStyle) {
    let tenant = account.tenant.as_deref();
    if account.account.is_empty() {
        out.push_str("without an account\n");
    } else {
        _ = writeln!(
            out,
            "account {}: {}, {}, cloud {}",
            account.account,
            account.credential,
            tenant.unwrap_or("the tenant of this machine"),
            account.cloud
        );
    }
    let (proved, mut wrong): (Vec<&DoctorStep>, Vec<&DoctorStep>) = account
        .steps
        .iter()
        .partition(|step| step.finding == Finding::Proved);
    wrong.sort_by_key(|step| Reverse(step.finding));
    for step in wrong {
        step_text(out, step, look);
    }
    resources_with_problems(out, &account.resources, look);
    for step in proved {
        step_text(out, step, look);
    }
    let fine = account.resources.iter();
    for resource in fine.filter(|one| one.finding() == Finding::Proved) {
        let details: Vec<&str> = resource.steps.iter().map(|one| &*one.detail).collect();
        let about = format!("{} ({})", resource.resource, resource.kind);
        step_text(
            out,
            &DoctorStep::proved("probe", &about, details.join("; ")),
            look,
        );
    }
}

/// Each with its steps; those to which the same happened are told together.
fn resources_with_problems(out: &mut String, resources: &[ResourceExam], look: TextStyle) {
    let mut groups: Vec<Vec<&ResourceExam>> = Vec::new();
    for resource in resources {
        if resource.finding() == Finding::Proved {
            continue;
        }
        let alike = |group: &&mut Vec<&ResourceExam>| {
            group
                .first()
                .is_some_and(|one| one.kind == resource.kind && one.steps == resource.steps)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(resource),
            None => groups.push(vec![resource]),
        }
    }
    groups.sort_by_key(|group| Reverse(group.first().map(|one| one.finding())));
    for group in groups {
        let Some(first) = group.first() else {
            continue;
        };
        let names: Vec<&str> = group.iter().map(|one| &*one.resource).collect();
        let named = &names[..names.len().min(MOST_NAMED)];
        let more = match names.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let line = format!("  {}{more} ({})", named.join(", "), first.kind);
        _ = writeln!(out, "{}", wrapped(&line, look, 0, 4));
        let mut steps: Vec<&DoctorStep> = first.steps.iter().collect();
        steps.sort_by_key(|step| Reverse(step.finding));
        for step in steps {
            step_text(out, step, look);
        }
    }
}

fn step_text(out: &mut String, step: &DoctorStep, look: TextStyle) {
    let (on, off) = match (look.colours, step.finding) {
        (false, _) => ("", ""),
        (true, Finding::Proved) => ("\x1b[32m", "\x1b[0m"),
        (true, Finding::CannotBeSeen) => ("\x1b[33m", "\x1b[0m"),
        (true, Finding::Refuted) => ("\x1b[31m", "\x1b[0m"),
    };
    let about = if step.about.is_empty() {
        String::new()
    } else {
        format!("{}: ", step.about)
    };
    let said = format!("{:<13}  {about}{}", step.step, step.detail);
    _ = writeln!(
        out,
        "  {on}{:<24}{off}  {}",
        step.finding.as_str(),
        wrapped(&said, look, INDENT, INDENT)
    );
    for (place, line) in step.mend.iter().enumerate() {
        let title = if place == 0 { "mend" } else { "" };
        let line = if is_command(line) {
            // Whole, to be copied.
            line.clone()
        } else {
            wrapped(line, look, MEND_INDENT, MEND_INDENT)
        };
        _ = writeln!(out, "{:>26}  {title:<8}  {line}", "");
    }
}

fn wrapped(text: &str, look: TextStyle, begin: usize, indent: usize) -> String {
    look.width
        .map_or_else(|| text.to_owned(), |width| wrap(text, width, begin, indent))
}

/// True for a line that a shell, `PowerShell` or a configuration takes as it is.
fn is_command(line: &str) -> bool {
    const PROGRAMS: [&str; 14] = [
        "m365mon",
        "curl",
        "openssl",
        "getent",
        "timedatectl",
        "export",
        "ulimit",
        "chmod",
        "chown",
        "sudo",
        "ssh-keygen",
        "puttygen",
        "keytool",
        "printf",
    ];
    let first = line.split(' ').next().unwrap_or_default();
    let is_cmdlet = first.split_once('-').is_some_and(|(verb, noun)| {
        [
            "Add", "Get", "Grant", "New", "Remove", "Set", "Test", "Update",
        ]
        .contains(&verb)
            && noun.starts_with(|c: char| c.is_ascii_uppercase())
    });
    PROGRAMS.contains(&first) || is_cmdlet || first.starts_with('$') || first.ends_with(':')
}

/// As JSON; `docs/schemas/doctor.json` is its schema.
#[must_use]
pub fn json(examination: &Examination) -> String {
    // Nothing in it can fail to be written: strings, lists and words.
    serde_json::to_string_pretty(examination).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(name: &str, steps: Vec<DoctorStep>) -> ResourceExam {
        ResourceExam {
            resource: name.into(),
            kind: "sharepoint_site",
            steps,
        }
    }

    fn account(name: &str, steps: Vec<DoctorStep>, resources: Vec<ResourceExam>) -> AccountExam {
        AccountExam {
            account: name.into(),
            tenant: None,
            cloud: "global",
            credential: "managed_identity",
            steps,
            resources,
        }
    }

    fn examination() -> Examination {
        let step =
            DoctorStep::refuted("token", "https://graph.microsoft.com", "no").mend(["a", "b"]);
        let steps = vec![
            DoctorStep::proved("configuration", "", "1 sharepoint_site"),
            step,
        ];
        Examination::of(vec![account("contoso", steps, Vec::new())])
    }

    #[test]
    fn a_line_for_a_step_and_for_each_way_to_mend_it() {
        let wanted = "\
account contoso: managed_identity, the tenant of this machine, cloud global
  refuted                   token          https://graph.microsoft.com: no
                            mend      a
                                      b
  proved                    configuration  1 sharepoint_site

1 proved, 1 refuted, 0 cannot be seen from here
";
        assert_eq!(text(&examination(), TextStyle::default()), wanted);
    }

    #[test]
    fn problems_first_and_alike_ones_together() {
        let fine = || vec![DoctorStep::proved("probe", "", "a list in 20 ms")];
        let unseen = || {
            vec![DoctorStep::unseen(
                "probe",
                "",
                "not probed: there is no token",
            )]
        };
        let down = vec![DoctorStep::refuted("probe", "", "not_found")];
        let told = text(
            &Examination::of(vec![
                account("fine", Vec::new(), vec![resource("one", fine())]),
                account(
                    "worse",
                    vec![DoctorStep::proved("configuration", "", "")],
                    (0..10)
                        .map(|n| resource(&format!("s{n}"), unseen()))
                        .chain([resource("ok", fine()), resource("gone", down)])
                        .collect(),
                ),
            ]),
            TextStyle::default(),
        );
        let wanted = "\
account worse: managed_identity, the tenant of this machine, cloud global
  gone (sharepoint_site)
  refuted                   probe          not_found
  s0, s1, s2, s3, s4, s5, s6, s7 and 2 more (sharepoint_site)
  cannot be seen from here  probe          not probed: there is no token
  proved                    configuration  
  proved                    probe          ok (sharepoint_site): a list in 20 ms

account fine: managed_identity, the tenant of this machine, cloud global
  proved                    probe          one (sharepoint_site): a list in 20 ms

3 proved, 1 refuted, 10 cannot be seen from here
";
        assert_eq!(told, wanted);
    }

    #[test]
    fn lines_end_at_the_width_and_commands_stay_whole() {
        let command = "openssl x509 -noout -fingerprint -sha1 -in /etc/m365mon/certificate.pem";
        let words = "Entra admin center → App registrations → the application";
        let step = DoctorStep::refuted(
            "credential",
            "",
            "the key does not belong to the certificate",
        )
        .mend([command, words]);
        let exam = Examination::of(vec![account("a", vec![step], Vec::new())]);
        let look = TextStyle {
            width: Some(60),
            ..TextStyle::default()
        };
        let told = text(&exam, look);
        assert!(told.contains(command), "{told}");
        for line in told.lines().filter(|line| !line.contains("openssl")) {
            assert!(line.chars().count() <= 75, "{line}");
        }
        assert!(
            told.contains("\n                            belong to the certificate\n"),
            "{told}"
        );
        assert!(!told.contains(words), "{told}");
    }

    #[test]
    fn commands_are_known_from_words() {
        for command in [
            "m365mon login contoso",
            "Get-MgServicePrincipal -Filter 'x'",
            "$app = 1",
            "client_secret: {…, expires: YYYY-MM-DD}   # in m365mon.yml",
        ] {
            assert!(is_command(command), "{command}");
        }
        for words in [
            "wait and try again",
            "Entra admin center → x",
            "a-B is wrong",
        ] {
            assert!(!is_command(words), "{words}");
        }
    }

    #[test]
    fn colours_only_where_asked_for() {
        let look = TextStyle {
            colours: true,
            width: None,
        };
        let coloured = text(&examination(), look);
        assert!(coloured.contains("\x1b[31mrefuted"), "{coloured}");
        assert!(!text(&examination(), TextStyle::default()).contains('\x1b'));
    }
}
