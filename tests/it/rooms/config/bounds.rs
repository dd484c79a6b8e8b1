//! Large, deep and senseless files.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use m365mon::config;
use proptest::prelude::*;

use super::{ID, Variables, files, parse};

fn many(count: usize) -> String {
    let mut text = format!(
        "accounts:\n  - name: contoso\n    tenant: contoso.com\n    client_id: {ID}\n    client_certificate: {{certificate_file: /dev/null}}\nresources:\n"
    );
    for number in 0..count {
        writeln!(
            text,
            "  - name: site {number}\n    account: contoso\n    kind: sharepoint_site\n    url: https://contoso.sharepoint.com/sites/site{number}\n    interval: 1h\n    labels: {{team: team{}, stage: production}}",
            number % 100
        )
        .unwrap();
    }
    text
}

#[test]
fn twenty_thousand_resources_load() {
    let text = many(20_000);
    let began = Instant::now();
    let loaded = parse(&text).unwrap();
    let took = began.elapsed();
    println!("20,000 resources, {} bytes: {took:?}", text.len());
    assert_eq!(loaded.configuration.resources.len(), 20_000);
    // Only against something that grows with the square.
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn twenty_thousand_uses_of_one_anchor_load() {
    let mut text = format!(
        "accounts:\n  - {{name: contoso, tenant: contoso.com, client_id: {ID}, delegated: {{username: steve@contoso.com}}}}\nresources:\n  - &common {{name: first, account: contoso, kind: exchange_mailbox, interval: 1h, labels: {{team: mail}}}}\n"
    );
    for number in 1..20_000 {
        writeln!(text, "  - {{<<: *common, name: mailbox {number}}}").unwrap();
    }
    assert_eq!(parse(&text).unwrap().configuration.resources.len(), 20_000);
}

#[test]
fn twenty_thousand_mistakes_are_bounded() {
    let text = many(20_000).replace("interval: 1h", "intervall: 1h");
    let errors = parse(&text).unwrap_err();
    assert_eq!(errors.lines().count(), 1_001);
    assert!(
        errors.ends_with("and 19000 more"),
        "{}",
        &errors[errors.len() - 80..]
    );
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let text = format!("{}{}", open.repeat(20_000), close.repeat(20_000));
        assert!(parse(&text).is_err());
    }
    let indented = (0..2_000).fold(String::new(), |mut text, depth| {
        writeln!(text, "{:depth$}a:", "").unwrap();
        text
    });
    assert!(parse(&indented).is_err());
}

fn good_texts() -> Vec<String> {
    files("tests/data/config/good")
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// Complaints point into the text, whatever the text is.
fn read_anything(text: &str) {
    let Err(errors) = config::parse(text, Path::new("m365mon.yml"), &Variables::new()) else {
        return;
    };
    // A line break is what YAML calls one: "\n", "\r\n", and "\r" by itself.
    let breaks = text.replace("\r\n", "\n").matches(['\n', '\r']).count();
    let lines = u32::try_from(breaks + 1).unwrap();
    assert!(!errors.diagnostics().is_empty());
    for diagnostic in errors.diagnostics() {
        assert!(diagnostic.line <= lines + 1, "{diagnostic}\n{text}");
        assert!(
            !diagnostic.message.contains(['\n', '\r', '\u{1b}']),
            "{diagnostic:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_anything(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn arbitrary_yaml_never_panics(text in "([a-z]{1,3}|[-:{}\\[\\],&*!|>'\"#%@?~ \n\t]|null|0x1|1e9|<<: |accounts:\n|resources:\n|  - name: ){0,60}") {
        read_anything(&text);
    }

    #[test]
    fn mutated_files_never_panic(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..30, "[-a-z0-9:{}\\[\\],&*!|>'\"#% \n\t]{0,6}|\\PC"), 1..4),
    ) {
        let texts = good_texts();
        let mut text: Vec<char> = which.get(&texts).chars().collect();
        for (at, length, with) in cuts {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, with.chars());
        }
        read_anything(&text.into_iter().collect::<String>());
    }
}
