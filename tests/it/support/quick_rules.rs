//! The rules, quicker than they are, so that a test need not wait for them.
//!
//! They are evaluated every second, `for` is divided by thirty, and the sums over
//! long windows, which take a point every five minutes or every hour, take one
//! every five seconds of ten minutes; else the expressions stay as they are.

use std::path::Path;

use crate::contract::queries::files;

/// `10m` as seconds, divided by thirty.
fn shortened(time: &str) -> u64 {
    let (number, unit) = time.split_at(time.len() - 1);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => panic!("a time: {time}"),
    };
    (number.parse::<u64>().unwrap() * seconds).div_ceil(30)
}

/// `[58m:5m]` as `[10m:5s]`.
fn quick_window(line: &str) -> String {
    let step = [":5m]", ":1h]"]
        .into_iter()
        .find_map(|step| line.find(step));
    match step.and_then(|at| Some((at, line[..at].rfind('[')?))) {
        Some((at, open)) => format!("{}[10m:5s]{}", &line[..open], &line[at + 4..]),
        None => line.to_owned(),
    }
}

/// The rules, quicker, in files of this folder: their names for `rule_files`.
pub(crate) fn quick_rules(folder: &Path) -> String {
    let mut names = Vec::new();
    for path in files("alerts", ".yml") {
        if path.ends_with("alertmanager.yml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let quick: String = text
            .lines()
            .map(|line| {
                let (key, value) = line.split_once(": ").unwrap_or((line, ""));
                match key.trim() {
                    "interval" => format!("{key}: 1s\n"),
                    "for" | "keep_firing_for" => format!("{key}: {}s\n", shortened(value)),
                    _ => quick_window(line).replace("offset 1m", "offset 2s") + "\n",
                }
            })
            .collect();
        let file = folder.join(path.file_name().unwrap());
        std::fs::write(&file, quick).unwrap();
        names.push(format!("'{}'", file.display()));
    }
    names.join(", ")
}
