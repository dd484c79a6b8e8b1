//! Times and figures as people read them.

use std::time::Duration;

use super::html::Html;
use crate::model::Timestamp;

/// The two largest units of a time span: `2 d 3 h`, `4 min`, `12 s`.
pub(super) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = span.as_secs();
    let Some(place) = UNITS.iter().position(|(size, _)| seconds >= *size) else {
        return "0 s".into();
    };
    let (size, unit) = UNITS[place];
    let mut text = format!("{} {unit}", seconds / size);
    if let Some((small, unit)) = UNITS.get(place + 1) {
        let rest = seconds % size / small;
        if rest > 0 {
            text.push_str(&format!(" {rest} {unit}"));
        }
    }
    text
}

/// Seconds as milliseconds, or as seconds where there are many.
pub(super) fn latency(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

/// How long ago `at` was, with the moment itself for machines and the curious.
pub(super) fn ago(html: &mut Html, at: Timestamp, now: Timestamp) {
    let passed = Duration::try_from(now.duration_since(at)).unwrap_or_default();
    let exact = format!("{at:.0}");
    html.raw("<time datetime=\"")
        .text(&exact)
        .raw("\" title=\"")
        .text(&exact)
        .raw("\">")
        .text(span(passed))
        .raw("</time>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (seconds, text) in [
            (0, "0 s"),
            (12, "12 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (3_600, "1 h"),
            (3_661, "1 h 1 min"),
            (86_400 * 2 + 3_600 * 3 + 5, "2 d 3 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn latencies() {
        assert_eq!(latency(0.1234), "123 ms");
        assert_eq!(latency(9.9), "9900 ms");
        assert_eq!(latency(12.34), "12.3 s");
    }
}
