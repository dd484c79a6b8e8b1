//! A little parser of both exposition formats, written from their
//! specifications and knowing nothing of our encoder. Panics at what is wrong.

use std::collections::{BTreeMap, HashSet};

use m365mon::metrics::Format;

/// One parsed exposition.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) samples: Vec<Sample>,
    /// Type and help by the name that the format gives the family.
    pub(crate) families: BTreeMap<String, (String, String)>,
}

/// One sample line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
    /// Its labels, value and time.
    pub(crate) exemplar: Option<(BTreeMap<String, String>, f64, f64)>,
}

impl Parsed {
    /// The samples of this name.
    pub(crate) fn named(&self, name: &str) -> Vec<&Sample> {
        self.samples.iter().filter(|s| s.name == name).collect()
    }

    /// The value of the only sample of this name with this label.
    pub(crate) fn value(&self, name: &str, label: (&str, &str)) -> Option<f64> {
        let all: Vec<_> = self
            .named(name)
            .into_iter()
            .filter(|s| s.labels.get(label.0).is_some_and(|value| value == label.1))
            .collect();
        assert!(all.len() < 2, "{name} {label:?} is not one: {all:?}");
        all.first().map(|s| s.value)
    }
}

/// Parses an exposition.
pub(crate) fn parse(text: &str, format: Format) -> Parsed {
    let mut parsed = Parsed::default();
    let mut current = String::new();
    let mut series = HashSet::new();
    let mut lines = text
        .strip_suffix('\n')
        .expect("ends with a newline")
        .split('\n')
        .peekable();
    while let Some(line) = lines.next() {
        assert!(!line.is_empty(), "empty line");
        if line == "# EOF" {
            assert_eq!(format, Format::OpenMetrics, "EOF is OpenMetrics'");
            assert!(lines.peek().is_none(), "text after EOF");
            return parsed;
        }
        if let Some(comment) = line.strip_prefix("# ") {
            let parts: Vec<&str> = comment.splitn(3, ' ').collect();
            let [word, name, rest] = parts[..] else {
                panic!("odd comment: {line}");
            };
            match word {
                "HELP" => {
                    let before = parsed
                        .families
                        .insert(name.into(), (String::new(), rest.into()));
                    assert!(before.is_none(), "family {name} twice");
                    current = name.into();
                }
                "TYPE" => {
                    assert_eq!(name, current, "TYPE without HELP");
                    parsed.families.get_mut(name).unwrap().0 = rest.into();
                }
                "UNIT" => {
                    assert_eq!(format, Format::OpenMetrics, "UNIT is OpenMetrics'");
                    assert_eq!(name, current);
                    assert!(name.ends_with(&format!("_{rest}")), "{line}");
                }
                _ => panic!("odd comment: {line}"),
            }
            continue;
        }
        let sample = sample(line, format);
        let kind = parsed.families[&current].0.as_str();
        let suffixes: &[&str] = match (kind, format) {
            ("counter", Format::OpenMetrics) => &["_total"],
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        let suffix = sample.name.strip_prefix(&current);
        assert!(
            suffix.is_some_and(|suffix| suffixes.contains(&suffix)),
            "{} stands among {current} ({kind})",
            sample.name
        );
        if sample.exemplar.is_some() {
            assert!(sample.name.ends_with("_total") || sample.name.ends_with("_bucket"));
        }
        let labels = format!("{:?}", sample.labels);
        assert!(
            series.insert((sample.name.clone(), labels)),
            "twice: {line}"
        );
        parsed.samples.push(sample);
    }
    assert_eq!(format, Format::Text, "no EOF");
    parsed
}

fn sample(line: &str, format: Format) -> Sample {
    let name_end = line.find(['{', ' ']).expect("a name");
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = BTreeMap::new();
    if rest.starts_with('{') {
        (labels, rest) = label_set(rest);
    }
    let rest = rest.strip_prefix(' ').unwrap_or_else(|| panic!("{line}"));
    let (value, exemplar) = match rest.split_once(" # ") {
        None => (rest, None),
        Some((value, exemplar)) => {
            assert_eq!(
                format,
                Format::OpenMetrics,
                "exemplars are OpenMetrics': {line}"
            );
            let (labels, rest) = label_set(exemplar);
            let length: usize = labels
                .iter()
                .map(|(n, v)| n.chars().count() + v.chars().count())
                .sum();
            assert!(length <= 128, "{line}");
            let mut numbers = rest.strip_prefix(' ').unwrap().split(' ');
            let mut next = || numbers.next().unwrap().parse::<f64>().unwrap();
            let exemplar = (labels, next(), next());
            assert_eq!(numbers.next(), None, "{line}");
            (value, Some(exemplar))
        }
    };
    Sample {
        name: name.into(),
        labels,
        value: match value {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            number => {
                assert!(
                    number.starts_with(|c: char| c.is_ascii_digit() || c == '-'),
                    "{line}"
                );
                number.parse().unwrap_or_else(|_| panic!("{line}"))
            }
        },
        exemplar,
    }
}

/// Reads `{a="b",…}` and returns what follows it.
fn label_set(text: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    let mut rest = text.strip_prefix('{').expect("labels");
    if let Some(after) = rest.strip_prefix('}') {
        return (labels, after);
    }
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label");
        let head = |c: char| c.is_ascii_alphabetic() || c == '_';
        assert!(name.starts_with(head), "{text}");
        assert!(
            name.chars().all(|c| head(c) || c.is_ascii_digit()),
            "{text}"
        );
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect("the value ends") {
                (place, '"') => break place + 1,
                (_, '\\') => match chars.next().expect("something escaped").1 {
                    'n' => value.push('\n'),
                    c @ ('\\' | '"') => value.push(c),
                    c => panic!("nobody escapes {c:?}"),
                },
                (_, c) => value.push(c),
            }
        };
        assert!(
            labels.insert(name.into(), value).is_none(),
            "label {name} twice"
        );
        rest = &after[end..];
        if let Some(after) = rest.strip_prefix('}') {
            return (labels, after);
        }
        rest = rest.strip_prefix(',').expect("a comma");
    }
}
