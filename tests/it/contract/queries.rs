//! The queries of the dashboards and of the rules, read for the names that
//! they use: metrics, and the labels asked of each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One query, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Dashboard and panel, or rule file and rule.
    pub(crate) place: String,
    /// PromQL, as it is written there.
    pub(crate) expr: String,
    /// What a recording rule calls its result.
    pub(crate) records: Option<String>,
    /// Labels that the text around the query names: legends, annotations.
    pub(crate) shown: BTreeSet<String>,
}

/// What a query names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Metrics, with the labels that selectors ask of them.
    pub(crate) metrics: BTreeMap<String, BTreeSet<String>>,
    /// Labels of `by`, `on`, `group_left` and their like.
    pub(crate) labels: BTreeSet<String>,
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder whose names end so.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Every query of every panel, variable and annotation.
pub(crate) fn of_dashboards() -> Vec<Query> {
    let mut queries = Vec::new();
    for path in files("dashboards", ".json") {
        let board: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let name = stem(&path);
        let mut add = |place: String, expr: String, around: &str| {
            queries.push(Query {
                place: format!("{name}: {place}"),
                expr,
                records: None,
                shown: placeholders(around, "{{", "}}"),
            });
        };
        // A collapsed row holds its panels.
        let panels = board["panels"].as_array().unwrap();
        let folded =
            (panels.iter()).flat_map(|panel| panel["panels"].as_array().into_iter().flatten());
        for panel in panels.iter().chain(folded) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                add(
                    text(&panel["title"]),
                    text(&target["expr"]),
                    &text(&target["legendFormat"]),
                );
            }
        }
        for annotation in board["annotations"]["list"].as_array().unwrap() {
            if annotation["expr"].is_string() {
                let around = text(&annotation["titleFormat"]) + &text(&annotation["textFormat"]);
                add(
                    format!("annotation {}", annotation["name"]),
                    text(&annotation["expr"]),
                    &around,
                );
            }
        }
        for variable in board["templating"]["list"].as_array().unwrap() {
            let query = text(&variable["query"]["query"]);
            if let Some(inside) = query.strip_prefix("label_values(") {
                let (expr, label) = inside.trim_end_matches(')').rsplit_once(',').unwrap();
                add(
                    format!("variable {}", text(&variable["name"])),
                    format!("count by ({}) ({expr})", label.trim()),
                    "",
                );
            }
        }
    }
    queries
}

/// Every query of every rule.
pub(crate) fn of_rules() -> Vec<Query> {
    let mut queries = Vec::new();
    for path in files("alerts", ".yml") {
        if path.ends_with("alertmanager.yml") {
            continue;
        }
        let file: Value = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for rule in (file["groups"].as_array().unwrap().iter())
            .flat_map(|group| group["rules"].as_array().unwrap())
        {
            let name = rule["record"].as_str().or(rule["alert"].as_str()).unwrap();
            let around = rule["annotations"].to_string();
            queries.push(Query {
                place: format!("{}: {name}", stem(&path)),
                expr: text(&rule["expr"]),
                records: rule["record"].as_str().map(str::to_owned),
                shown: placeholders(&around, "$labels.", ""),
            });
        }
    }
    queries
}

/// The names between two marks, or the word after one.
fn placeholders(text: &str, open: &str, close: &str) -> BTreeSet<String> {
    text.split(open)
        .skip(1)
        .map(|rest| {
            let end = if close.is_empty() {
                rest.find(|c: char| !is_word(c))
            } else {
                rest.find(close)
            };
            rest[..end.unwrap_or(rest.len())].trim().to_owned()
        })
        .collect()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Words that are no metric wherever they stand.
const KEYWORDS: [&str; 13] = [
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "inf",
    "nan",
];

/// Reads a query. Enough of PromQL for ours; what it does not know it takes for
/// a metric, which then fails for being unknown.
pub(crate) fn names(expr: &str) -> Names {
    let mut names = Names::default();
    let mut rest = expr;
    let mut last: Option<String> = None;
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '\'' {
            rest = &rest[quoted(rest)..];
        } else if first == '{' {
            let end = closing(rest, '}');
            let labels = matchers(&rest[1..end]);
            let metric = last.take().expect("a selector without a metric's name");
            names.metrics.entry(metric).or_default().extend(labels);
            rest = &rest[end + 1..];
        } else if first == '[' {
            rest = &rest[closing(rest, ']') + 1..];
        } else if first.is_ascii_digit() || first == '$' {
            let end = rest[1..].find(|c: char| !is_word(c) && c != '.');
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        } else if first.is_ascii_alphabetic() || first == '_' || first == ':' {
            let end = rest.find(|c: char| !is_word(c) && c != ':');
            let word = &rest[..end.unwrap_or(rest.len())];
            rest = &rest[word.len()..];
            let opens = rest.trim_start().starts_with('(');
            let lists = [
                "by",
                "without",
                "on",
                "ignoring",
                "group_left",
                "group_right",
            ];
            if lists.contains(&word) && opens {
                let start = rest.find('(').unwrap();
                let end = rest.find(')').unwrap();
                let list = rest[start + 1..end].split(',').map(str::trim);
                names
                    .labels
                    .extend(list.filter(|label| !label.is_empty()).map(str::to_owned));
                rest = &rest[end + 1..];
            } else if rest.trim_start().starts_with("by ")
                || rest.trim_start().starts_with("without ")
            {
                // An aggregation with its labels before its argument.
            } else if !opens && !KEYWORDS.contains(&&*word.to_ascii_lowercase()) {
                names.metrics.entry(word.to_owned()).or_default();
                last = Some(word.to_owned());
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    names
}

/// The length of the string that `text` begins with.
fn quoted(text: &str) -> usize {
    let quote = text.chars().next().unwrap();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    panic!("an open string in {text}")
}

/// Where the bracket that `text` begins with is closed; strings may hold any.
fn closing(text: &str, bracket: char) -> usize {
    let mut at = 1;
    loop {
        let c = text[at..].chars().next().expect("an open bracket");
        if c == bracket {
            return at;
        }
        at += if c == '"' || c == '\'' {
            quoted(&text[at..])
        } else {
            c.len_utf8()
        };
    }
}

/// The labels of a selector.
fn matchers(text: &str) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find(['=', '!']) {
        labels.insert(rest[..at].trim_matches([',', ' ', '\n']).to_owned());
        let string = at + rest[at..].find(['"', '\'']).unwrap();
        rest = &rest[string + quoted(&rest[string..])..];
    }
    labels
}

#[test]
fn queries_are_read_right() {
    let read = names(
        r#"sum by (le, a) (increase(x_bucket{job=~"$job", l!="a}\"{"}[$__rate_interval])) * 60
           / on (b) group_left () (y:z unless q offset 1m > bool 14.4) or vector(0)"#,
    );
    let set = |words: &[&str]| -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    };
    assert_eq!(read.labels, set(&["le", "a", "b"]));
    let metrics: Vec<(&str, BTreeSet<String>)> = (read.metrics.iter())
        .map(|(name, labels)| (&**name, labels.clone()))
        .collect();
    assert_eq!(
        metrics,
        [
            ("q", set(&[])),
            ("x_bucket", set(&["job", "l"])),
            ("y:z", set(&[])),
        ]
    );
}
