//! Which exposition format a client wants (RFC 9110, section 12.5.1).

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus text 0.0.4.
    Text,
}

impl Format {
    /// The exact `Content-Type`: Prometheus 3 refuses a scrape without one.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Chooses by the values of the `Accept` headers: the greatest weight wins,
    /// then what is named first. No header, `*/*`, and whatever we cannot give
    /// get text 0.0.4, which every scraper reads.
    #[must_use]
    pub fn negotiate<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let mut best: Option<(Self, f32)> = None;
        for range in accept.into_iter().flat_map(|value| value.split(',')) {
            let Some((format, weight)) = offer(range) else {
                continue;
            };
            if weight > 0.0 && best.is_none_or(|(_, most)| weight > most) {
                best = Some((format, weight));
            }
        }
        best.map_or(Self::Text, |(format, _)| format)
    }
}

/// What we have for one media range, and how much the client wants it.
fn offer(range: &str) -> Option<(Format, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next()?;
    let (mut version, mut weight) = (None, 1.0_f32);
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            continue;
        };
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("version") {
            version = Some(value);
        } else if name.eq_ignore_ascii_case("q") {
            weight = value.parse().ok().filter(|q| (0.0..=1.0).contains(q))?;
        }
    }
    let is = |name: &str| kind.eq_ignore_ascii_case(name);
    let format = if is("application/openmetrics-text") {
        matches!(version, None | Some("1.0.0")).then_some(Format::OpenMetrics)?
    } else if is("text/plain") {
        matches!(version, None | Some("0.0.4")).then_some(Format::Text)?
    } else if is("*/*") || is("text/*") {
        Format::Text
    } else {
        return None;
    };
    Some((format, weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_clients_send() {
        use Format::{OpenMetrics, Text};
        for (accept, format) in [
            // Prometheus 2.53
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
            // Prometheus 3
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
            // Prometheus with native histograms
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
                OpenMetrics,
            ),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Text),
            ("*/*", Text),
            ("", Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Text),
            ("application/openmetrics-text", OpenMetrics),
            (
                "Application/OpenMetrics-Text; Version=\"1.0.0\"; charset=utf-8",
                OpenMetrics,
            ),
            ("application/openmetrics-text;version=0.0.1", Text),
            ("application/openmetrics-text;q=0", Text),
            ("application/openmetrics-text;q=0.2, text/plain;q=0.3", Text),
            ("text/plain, application/openmetrics-text", Text),
            ("application/openmetrics-text, text/plain", OpenMetrics),
            ("application/openmetrics-text;q=banana", Text),
            ("image/png", Text),
        ] {
            assert_eq!(Format::negotiate([accept]), format, "{accept}");
        }
        assert_eq!(Format::negotiate([]), Text);
        assert_eq!(
            Format::negotiate(["text/plain;q=0.1", "application/openmetrics-text"]),
            OpenMetrics
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(accept in ".{0,80}") {
            _ = Format::negotiate([accept.as_str()]);
        }
    }
}
