use super::*;
use crate::config::{self, ProcessEnvironment};
use crate::model::{Phases, Reason, Verdict};

/// Probes of resources with these names: how each ended, and how long it took.
fn probes(all: &[(&str, Option<Reason>, u64)]) -> Vec<Probed> {
    let mut file = "accounts: [{name: a, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, client_secret: {secret: x}}]\nresources:\n".to_owned();
    for (name, _, _) in all {
        file.push_str(&format!(
            "  - {{name: \"{name}\", account: a, kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/x\"}}\n"
        ));
    }
    let loaded = config::parse(&file, Path::new("m365mon.yml"), &ProcessEnvironment).unwrap();
    let now = crate::model::Clock::system().now();
    let each = loaded.configuration.resources.iter().zip(all);
    each.map(|(resource, (_, reason, millis))| {
        let verdict = reason.map_or(Verdict::Success, Verdict::Problem);
        let mut report = Report::without_request(now, now, verdict, "it said | no\nand more");
        report.exchange.phases = (*millis > 0).then(|| Phases {
            processing: Duration::from_millis(*millis),
            ..Phases::default()
        });
        Probed {
            resource: resource.clone(),
            report,
            story: Story::untold(),
        }
    })
    .collect()
}

#[test]
fn a_plugin_says_the_worst_first() {
    let slow = Some(Duration::from_secs(4));
    for (all, code, first) in [
        (
            &[("a", None, 187)][..],
            0,
            "M365 OK - a: answered in 0.187 s | time=0.187000s;4;;0 resolve=0.000000s;;;0 \
             connect=0.000000s;;;0 tls=0.000000s;;;0 processing=0.187000s;;;0 transfer=0.000000s;;;0",
        ),
        // Slower than the limit, not as slow as it.
        (
            &[("a", None, 4_000), ("b", None, 1)],
            0,
            "M365 OK - all 2 answered | 'a'=4.000000s;4;;0 'b'=0.001000s;4;;0",
        ),
        (
            &[("a", None, 4_001), ("b", None, 1)],
            1,
            "M365 WARNING - 1 of 2 slow: a | 'a'=4.001000s;4;;0 'b'=0.001000s;4;;0",
        ),
        (
            &[("a", Some(Reason::Timeout), 10_000)],
            2,
            "M365 CRITICAL - a: timeout: it said / no and more |",
        ),
        (
            &[("a", Some(Reason::Token), 0)],
            3,
            "M365 UNKNOWN - a: token: it said / no and more |",
        ),
        // Critical before warning before unknown.
        (
            &[("a", Some(Reason::Throttled), 1), ("b", None, 5_000)],
            1,
            "M365 WARNING - 1 of 2 slow: b - 1 of 2 not known: a (throttled) | 'b'=5.000000s;4;;0",
        ),
        (
            &[
                ("it's=a|b", Some(Reason::Dns), 1),
                ("b", Some(Reason::Token), 0),
                ("c", None, 9),
            ],
            2,
            "M365 CRITICAL - 1 of 3 down: it's=a/b (dns) - 1 of 3 not known: b (token) | 'c'=0.009000s;4;;0",
        ),
        (
            &[("it's=a|b", None, 9), ("c", None, 9)],
            0,
            "M365 OK - all 2 answered | 'it_s_a_b'=0.009000s;4;;0 'c'=0.009000s;4;;0",
        ),
    ] {
        let probes = probes(all);
        let told = nagios::told(&probes, slow);
        assert_eq!(told.lines().next(), Some(first));
        assert_eq!(nagios::worst(&probes, slow).code(), code, "{told}");
        assert_eq!(told.matches('|').count(), 1, "{told}");
        let lines = if all.len() == 1 { 1 } else { all.len() + 1 };
        assert_eq!(told.lines().count(), lines, "{told}");
    }
}

#[test]
fn without_a_limit_nothing_is_slow() {
    let told = nagios::told(&probes(&[("a", None, 60_000)]), None);
    assert!(
        told.starts_with("M365 OK - a: answered in 60.000 s | time=60.000000s;;;0 "),
        "{told}"
    );
}

#[test]
fn a_plugin_is_brief() {
    let names: Vec<String> = (0..300).map(|n| format!("resource-{n}")).collect();
    let all: Vec<_> = names
        .iter()
        .map(|name| (&**name, Some(Reason::Dns), 1))
        .collect();
    let told = nagios::told(&probes(&all), None);
    assert!(
        told.starts_with("M365 CRITICAL - 300 of 300 down: resource-0 (dns), "),
        "{told}"
    );
    assert!(told.ends_with("\nand 280 more"), "{told}");
    assert!(told.len() < 8192, "{} bytes", told.len());
}

#[test]
fn the_worst_decides_the_code() {
    let ok = ("a", None, 1);
    let (down, unknown) = (
        ("b", Some(Reason::Tls), 1),
        ("c", Some(Reason::Forbidden), 1),
    );
    for (all, expected) in [
        (vec![ok], Outcome::Success),
        (vec![ok, unknown], Outcome::Inconclusive),
        (vec![unknown, down, ok], Outcome::Failure),
    ] {
        assert_eq!(render::worst(&probes(&all)), expected);
    }
}

#[test]
fn a_file_is_replaced_as_a_whole_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m365mon.prom");
    let (mut before, mut held) = (None, Vec::new());
    for content in ["a 1\n# EOF\n", "a 2"] {
        // Who has the old file open goes on reading the old one.
        held.extend(
            before
                .replace(content)
                .map(|_| std::fs::File::open(&path).unwrap()),
        );
        replace(&path, content).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a 2\n");
    assert_eq!(io::read_to_string(held.remove(0)).unwrap(), "a 1\n# EOF\n");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }
    assert!(replace(&folder.path().join("missing/file"), "x").is_err());
}

#[test]
fn what_is_slow_is_a_duration() {
    assert_eq!(slow("800ms"), Ok(Duration::from_millis(800)));
    for wrong in ["", "0", "0s", "4", "fast"] {
        assert!(slow(wrong).is_err(), "{wrong}");
    }
}
