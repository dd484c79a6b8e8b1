//! Log lines: one event, one line on stderr, as logfmt or JSON.
//!
//! `ts` (RFC 3339, UTC), `level`, at debug and trace the `target`, `msg`, then
//! the fields of the event and of the spans around it. Other people's crates
//! speak at warn and above only: what they would say at debug or trace is
//! theirs to choose, and may one day hold a header. Ours never holds a secret,
//! because secrets are a type that cannot be printed.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;

use crate::model::Clock;

/// `--log.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogLevel {
    /// Only what needs somebody.
    Error,
    /// And what may soon.
    Warn,
    /// And every change of state.
    Info,
    /// And every probe and token request.
    Debug,
    /// Everything.
    Trace,
}

/// `--log.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Pairs of key=value.
    Logfmt,
    /// One JSON object a line.
    Json,
}

impl LogLevel {
    const fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// Sends the logs of this process to stderr. Only the first call counts.
pub(crate) fn start(level: LogLevel, format: LogFormat) {
    let ours = level.filter();
    let filter = Targets::new()
        .with_target("m365mon", ours)
        .with_default(ours.min(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .fmt_fields(Fields(format))
        .event_format(Line {
            format,
            clock: Clock::system(),
        })
        .with_filter(filter);
    let subscriber = tracing_subscriber::registry().with(lines);
    // A second exporter in the same process shares the first one's logs.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        std::panic::set_hook(Box::new(panicked));
    }
}

/// A panic is a log line like any other. It ends a probe or an answer, not the
/// process.
fn panicked(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(tracing::field::display);
    let payload = panic.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(place, message = %format_args!("panicked: {message}"));
}

/// Writes one event as a line.
struct Line {
    format: LogFormat,
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let level = match *metadata.level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let mut fields = Collected::new(self.format);
        event.record(&mut fields);
        let mut line = Pairs::new(self.format);
        line.text("ts", &format!("{:.3}", self.clock.now()));
        line.text("level", level);
        if *metadata.level() >= Level::DEBUG {
            line.text("target", metadata.target());
        }
        line.text("msg", &fields.message);
        line.join(&fields.pairs.out);
        for span in ctx.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                line.join(&fields.fields);
            }
        }
        match self.format {
            LogFormat::Logfmt => writeln!(writer, "{}", line.out),
            LogFormat::Json => writeln!(writer, "{{{}}}", line.out),
        }
    }
}

/// Writes the fields of a span once, when it begins.
struct Fields(LogFormat);

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: tracing_subscriber::field::RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut collected = Collected::new(self.0);
        fields.record(&mut collected);
        writer.write_str(&collected.pairs.out)
    }
}

/// Takes in the fields of an event or a span.
struct Collected {
    message: String,
    pairs: Pairs,
}

impl Collected {
    const fn new(format: LogFormat) -> Self {
        Self {
            message: String::new(),
            pairs: Pairs::new(format),
        }
    }
}

impl Visit for Collected {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            _ = write!(self.message, "{value:?}");
        } else {
            self.pairs.text(field.name(), &format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.pairs.text(field.name(), value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Many errors say their source themselves.
            if !text.ends_with(&cause_text) {
                _ = write!(text, ": {cause_text}");
            }
            source = cause.source();
        }
        self.pairs.text(field.name(), &text);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.pairs.bare(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.pairs.bare(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.pairs.bare(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.pairs.bare(field.name(), value);
        } else {
            self.pairs.text(field.name(), &value.to_string());
        }
    }
}

/// Key-value pairs as they stand in a line, without the braces of JSON.
struct Pairs {
    format: LogFormat,
    out: String,
}

impl Pairs {
    const fn new(format: LogFormat) -> Self {
        Self {
            format,
            out: String::new(),
        }
    }

    fn separate(&mut self) {
        if !self.out.is_empty() {
            self.out.push(match self.format {
                LogFormat::Logfmt => ' ',
                LogFormat::Json => ',',
            });
        }
    }

    fn key(&mut self, key: &str) {
        self.separate();
        match self.format {
            LogFormat::Logfmt => {
                self.out.push_str(key);
                self.out.push('=');
            }
            LogFormat::Json => {
                push_quoted(&mut self.out, key);
                self.out.push(':');
            }
        }
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        let plain = |c: char| c > ' ' && c.is_ascii() && !matches!(c, '"' | '=' | '\\' | '\x7f');
        if self.format == LogFormat::Logfmt && !value.is_empty() && value.chars().all(plain) {
            self.out.push_str(value);
        } else {
            push_quoted(&mut self.out, value);
        }
    }

    fn bare(&mut self, key: &str, value: impl fmt::Display) {
        self.key(key);
        _ = write!(self.out, "{value}");
    }

    fn join(&mut self, others: &str) {
        if !others.is_empty() {
            self.separate();
            self.out.push_str(others);
        }
    }
}

/// A JSON string; also what readers of logfmt expect between quotes. Control
/// characters are escaped, so that a line stays a line and a terminal sane.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let clock = Clock::from_fn(|| "2026-11-25T10:00:00.1234567Z".parse().unwrap());
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .fmt_fields(Fields(format))
            .event_format(Line { format, clock });
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, log);
        let bytes = sink.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn say() {
        let span = tracing::info_span!("probe", resource = "intranet");
        let _entered = span.enter();
        let error = std::io::Error::other("no\nroute");
        tracing::info!(
            status = 503,
            ok = false,
            took = 0.25,
            detail = "a \"b\"",
            error = &error as &dyn std::error::Error,
            "now {}",
            "down"
        );
    }

    #[test]
    fn logfmt() {
        assert_eq!(
            logged(LogFormat::Logfmt, say),
            "ts=2026-11-25T10:00:00.123Z level=info msg=\"now down\" status=503 ok=false \
             took=0.25 detail=\"a \\\"b\\\"\" error=\"no\\nroute\" resource=intranet\n"
        );
    }

    #[test]
    fn json() {
        let line = logged(LogFormat::Json, say);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "ts": "2026-11-25T10:00:00.123Z", "level": "info", "msg": "now down",
                "status": 503, "ok": false, "took": 0.25, "detail": "a \"b\"",
                "error": "no\nroute", "resource": "intranet",
            })
        );
    }

    #[test]
    fn target_at_debug() {
        let line = logged(LogFormat::Logfmt, || tracing::debug!("x"));
        assert!(
            line.contains(" level=debug target=m365mon::cli::logging::tests msg=x"),
            "{line}"
        );
    }

    proptest! {
        #[test]
        fn quoted_text_is_json_and_one_line(text in any::<String>()) {
            let mut out = String::new();
            push_quoted(&mut out, &text);
            prop_assert!(!out.contains(['\n', '\r']));
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
