//! What all pages have around them.

use askama::Template;
use askama::filters::HtmlSafe;

use super::piece::SeenPieces;
use super::time::At;
use super::words;
use crate::model::Timestamp;
use crate::web::view::Reader;

/// Where a page stands: where its links lead, who looks, and when.
pub(in crate::web) struct Frame<'a> {
    /// The path before ours, without a trailing slash.
    pub(in crate::web) prefix: &'a str,
    /// Where the metrics are.
    pub(in crate::web) telemetry_path: &'a str,
    /// Who looks.
    pub(in crate::web) reader: Reader,
    /// When the page is made.
    pub(in crate::web) now: Timestamp,
    /// What the browser shows already.
    pub(in crate::web) seen: SeenPieces,
    /// What is wrong with the exporter itself.
    pub(in crate::web) notices: Vec<Notice>,
}

/// What is wrong with the exporter itself, whatever page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Notice {
    /// Nothing is probed any more.
    SchedulerDead,
    /// The configuration that was read last was not taken.
    ReloadFailed,
    /// A sign-in would be lost at the next start.
    StorageUnwritable,
}

impl Notice {
    /// What it means.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::SchedulerDead => {
                "The exporter's scheduler has stopped: nothing is probed any more. Restart it."
            }
            Self::ReloadFailed => {
                "The configuration that was read last has a fault and was not taken: the one before it goes on. The log names the place."
            }
            Self::StorageUnwritable => {
                "The token store cannot be written: a sign-in would be lost at the next start."
            }
        }
    }

    /// What to do about it.
    pub(super) const fn runbook(self) -> &'static str {
        match self {
            Self::SchedulerDead => "M365ProbesLate",
            Self::ReloadFailed => "M365ConfigReloadFailed",
            Self::StorageUnwritable => "M365StorageUnwritable",
        }
    }

    pub(super) const fn is_grave(self) -> bool {
        matches!(self, Self::SchedulerDead)
    }
}

impl Frame<'_> {
    pub(super) const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    /// Whether what belongs to an operator is shown.
    pub(super) fn is_operator(&self) -> bool {
        self.reader == Reader::Operator
    }

    pub(super) fn exact_now(&self) -> String {
        words::exact(self.now)
    }

    pub(super) fn as_of(&self) -> At {
        At::of(self.now, self.now)
    }
}

/// The title and the picture of a page's tab.
pub(super) struct Head {
    pub(super) title: String,
    /// `down`, `unsure` or `up`.
    pub(super) icon: &'static str,
}

impl Head {
    pub(super) fn of(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            icon: "up",
        }
    }
}

/// A link to the page of something with a name.
#[derive(Debug, Clone, Template)]
#[template(
    source = r#"<a href="{{ prefix }}/{{ what }}/{{ segment }}">{{ name }}</a>"#,
    ext = "html"
)]
pub(super) struct NameLink {
    prefix: String,
    what: &'static str,
    segment: String,
    pub(super) name: String,
}

impl HtmlSafe for NameLink {}

impl NameLink {
    pub(super) fn resource(frame: &Frame<'_>, name: &str) -> Self {
        Self::of(frame, "resources", name)
    }

    pub(super) fn account(frame: &Frame<'_>, name: &str) -> Self {
        Self::of(frame, "accounts", name)
    }

    fn of(frame: &Frame<'_>, what: &'static str, name: &str) -> Self {
        Self {
            prefix: frame.prefix.to_owned(),
            what,
            segment: segment(name),
            name: name.to_owned(),
        }
    }
}

/// A name as one segment of a path (RFC 3986): all but unreserved characters
/// percent-encoded.
pub(in crate::web) fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    // A segment of dots alone would be taken for a step up.
    if out == "." || out == ".." {
        return out.replace('.', "%2E");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments() {
        assert_eq!(segment("intranet-1.a_b~"), "intranet-1.a_b~");
        assert_eq!(segment("a/b c?"), "a%2Fb%20c%3F");
        assert_eq!(segment("ü"), "%C3%BC");
        assert_eq!(segment(".."), "%2E%2E");
    }

    #[test]
    fn notices_have_runbooks() {
        use crate::web::runbooks::Runbook;
        for notice in [
            Notice::SchedulerDead,
            Notice::ReloadFailed,
            Notice::StorageUnwritable,
        ] {
            assert!(Runbook::find(notice.runbook()).is_some(), "{notice:?}");
        }
    }
}
