//! Writes `docs/kinds.md` from what the kinds state; a test holds the file
//! against it.

use std::fmt::Write as _;

use super::key::AnyKey;
use super::{ALL, Info};
use crate::model::duration;

const BEFORE: &str = "\
# What can be watched

<!-- Written by the test `kinds::the_documentation_is_current`; change `src/kinds/`. -->

Each resource has a kind. It says what is asked, what a success proves and what it does not, and what the
account needs for it. Keys that every resource has are in [configuration.md](configuration.md); rights and how
to grant the least of them are in [least-privilege.md](least-privilege.md), and `m365mon setup` prints what
grants exactly those.
";

/// The page about every kind, in Markdown.
#[must_use]
pub fn documentation() -> String {
    let mut page = BEFORE.to_owned();
    page.push_str("\n| kind | asks | proves | does not prove |\n|---|---|---|---|\n");
    for info in ALL {
        _ = writeln!(
            page,
            "| [`{0}`](#{0}) | {1} | {2} | {3} |",
            info.name, info.help, info.proves, info.proves_not
        );
    }
    for info in ALL {
        section(&mut page, info);
    }
    page
}

fn section(page: &mut String, info: &Info) {
    _ = writeln!(page, "\n## {}\n{}\n", info.name, info.help);
    _ = writeln!(page, "```yaml\nresources:\n  - {}\n```\n", info.example);
    _ = writeln!(
        page,
        "{} It does not prove: {}\n",
        info.proves,
        lower(info.proves_not)
    );
    for line in facts(info) {
        _ = writeln!(page, "- {line}");
    }
    if !info.keys.is_empty() {
        table(page, info.keys);
    }
    if !info.readings.is_empty() {
        page.push_str("\n| reading | labels | |\n|---|---|---|\n");
        for reading in info.readings {
            let labels: Vec<String> = reading
                .labels
                .iter()
                .map(|one| format!("`{one}`"))
                .collect();
            _ = writeln!(
                page,
                "| `{}` | {} | {} |",
                reading.metric,
                labels.join(", "),
                reading.help
            );
        }
    }
}

fn facts(info: &Info) -> Vec<String> {
    let mut facts = vec![format!(
        "Its failure is felt by {}: `impact: {}` unless the resource says otherwise.",
        match info.impact {
            super::Impact::Users => "users",
            super::Impact::Housekeeping => "nobody at once",
        },
        info.impact.as_str()
    )];
    if let Some(interval) = info.interval {
        facts.push(format!(
            "Asked every {} by default.",
            duration::format(interval)
        ));
    }
    if let Some(least) = info.least_interval {
        facts.push(format!(
            "Never asked oftener than every {}; `mode: background` only.",
            duration::format(least)
        ));
    }
    if info.writes {
        facts.push("It writes, and cleans up after itself; `mode: background` only.".to_owned());
    }
    if !info.steps.is_empty() {
        facts.push(format!("Its steps: {}.", info.steps.join(", ")));
    }
    if !info.not_in.is_empty() {
        facts.push(format!(
            "Not there in the clouds {}.",
            info.not_in.join(", ")
        ));
    }
    facts
}

/// The table of these keys, with an empty line before it.
pub(crate) fn table(page: &mut String, keys: &[&dyn AnyKey]) {
    page.push_str("\n| key | takes | default | |\n|---|---|---|---|\n");
    for key in keys {
        _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            key.name(),
            key.takes(),
            &key.default(),
            key.help()
        );
    }
}

/// With a small letter at the beginning.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
