//! An examination as text for a terminal, and as JSON.

use std::fmt::Write as _;

use super::finding::{AccountExam, DoctorStep, Examination, Finding};

/// As text; with colours only where somebody looks at a terminal.
#[must_use]
pub fn text(examination: &Examination, colours: bool) -> String {
    let mut out = String::new();
    for (place, account) in examination.accounts.iter().enumerate() {
        if place > 0 {
            out.push('\n');
        }
        account_text(&mut out, account, colours);
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

fn account_text(out: &mut String, account: &AccountExam, colours: bool) {
    let tenant = account.tenant.as_deref();
    _ = writeln!(
        out,
        "account {}: {}, {}, cloud {}",
        account.account,
        account.credential,
        tenant.unwrap_or("the tenant of this machine"),
        account.cloud
    );
    for step in &account.steps {
        step_text(out, step, colours);
    }
    for resource in &account.resources {
        _ = writeln!(out, "  {} ({})", resource.resource, resource.kind);
        for step in &resource.steps {
            step_text(out, step, colours);
        }
    }
}

fn step_text(out: &mut String, step: &DoctorStep, colours: bool) {
    let (on, off) = match (colours, step.finding) {
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
    _ = writeln!(
        out,
        "  {on}{:<24}{off}  {:<13}  {about}{}",
        step.finding.as_str(),
        step.step,
        step.detail
    );
    let lists = [("mend", &step.mend), ("narrower", &step.narrower)];
    for (title, lines) in lists {
        for (place, line) in lines.iter().enumerate() {
            let title = if place == 0 { title } else { "" };
            _ = writeln!(out, "{:>26}  {title:<8}  {line}", "");
        }
    }
}

/// As JSON; the schema is in docs/doctor.md.
#[must_use]
pub fn json(examination: &Examination) -> String {
    // Nothing in it can fail to be written: strings, lists and words.
    serde_json::to_string_pretty(examination).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examination() -> Examination {
        let step =
            DoctorStep::refuted("token", "https://graph.microsoft.com", "no").mend(["a", "b"]);
        let mut account = AccountExam {
            account: "contoso".into(),
            tenant: None,
            cloud: "global",
            credential: "managed_identity",
            steps: vec![DoctorStep::proved("configuration", "", "1 sharepoint_site")],
            resources: Vec::new(),
        };
        account.steps.push(step.narrower(["c"]));
        Examination::of(vec![account])
    }

    #[test]
    fn a_line_for_a_step_and_for_each_way_to_mend_it() {
        let wanted = "\
account contoso: managed_identity, the tenant of this machine, cloud global
  proved                    configuration  1 sharepoint_site
  refuted                   token          https://graph.microsoft.com: no
                            mend      a
                                      b
                            narrower  c

1 proved, 1 refuted, 0 cannot be seen from here
";
        assert_eq!(text(&examination(), false), wanted);
    }

    #[test]
    fn colours_only_where_asked_for() {
        let coloured = text(&examination(), true);
        assert!(coloured.contains("\x1b[31mrefuted"), "{coloured}");
        assert!(!text(&examination(), false).contains('\x1b'));
    }
}
