//! The ways in which a service can go wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::human_duration::HumanDuration;
use m365mon_base::Random;

/// The `Retry-After` of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetryAfter {
    /// Whole seconds.
    Seconds(u64),
    /// An HTTP date so many seconds ahead of the tenant's clock.
    Date(u64),
}

/// What goes wrong. In JSON and YAML: the word, or a map of it to its
/// settings: `hang`, `{throttled: {retry_after: {seconds: 30}}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The answer comes later by a time between `from` and `to`.
    Latency {
        /// At least.
        from: HumanDuration,
        /// At most; the same without.
        #[serde(default)]
        to: Option<HumanDuration>,
    },
    /// 429, with the body of the service that was asked.
    Throttled {
        /// Microsoft's services do not always send one.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
    },
    /// 503, with a body of the service or an empty one.
    Unavailable {
        /// When to come back.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
        /// No body at all.
        #[serde(default)]
        empty: bool,
    },
    /// 500 with an error body.
    ServerError,
    /// 502 with an HTML page.
    BadGateway,
    /// 200 with an HTML page, as from a captive portal.
    Html,
    /// Any status with any body.
    Status {
        /// 200 to 599.
        status: u16,
        /// As it is sent.
        #[serde(default)]
        body: String,
        /// Besides those of every answer.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// An answer that a real tenant gave, which is not what one would think.
    Recorded(Recorded),
    /// 302 to somewhere else.
    Redirect {
        /// The `Location`.
        to: String,
    },
    /// The request is taken and never answered.
    Hang,
    /// Head and half of the body, then nothing more.
    HangBody,
    /// The connection is reset before the first byte of an answer.
    ResetBefore,
    /// The connection is reset after the head and half of the body.
    ResetAfter,
    /// The true answer, announced at full length, ends in the middle.
    Truncated,
    /// A body that never ends.
    Endless,
    /// 64 MiB of spaces in a few kilobytes of gzip.
    GzipBomb,
    /// The true status and no body.
    EmptyBody,
    /// The true answer, said to be `text/plain`.
    WrongContentType,
    /// A token of a client that takes challenges gets a claims challenge.
    ClaimsChallenge,
    /// A certificate of another host.
    TlsWrongHost,
    /// A certificate that ended in 2020.
    TlsExpired,
    /// A certificate of an authority that nobody knows.
    TlsUntrusted,
    /// The handshake is cut off with an alert.
    TlsBroken,
    /// The handshake never goes on.
    TlsHang,
    /// No connection: the port is closed, or, for one host of many, the
    /// connection is reset when the client has said which.
    Refuse,
}

/// Answers of real tenants (RECORDED sections 1 to 3) that no document
/// describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recorded {
    /// Throttling as a redirect to SharePoint's page about it.
    ThrottlePage,
    /// Throttling as 401 whose text says 429.
    UnauthorizedThrottle,
    /// 403 in HTML from the gateway before Graph.
    ForbiddenPage,
    /// A claims challenge whose `authorization_uri` is not quoted.
    UnquotedChallenge,
    /// 200 with an error in it.
    ErrorInSuccess,
    /// 200 with SharePoint's page of errors.
    ErrorPage,
    /// 302 without an address.
    NoLocation,
    /// 503 of the front of SharePoint, which signs in its own way.
    SharepointFront,
    /// 504 with a nested error of Intune.
    NestedError,
}

impl FaultKind {
    /// True for what strikes before there is a request.
    #[must_use]
    pub const fn is_transport(&self) -> bool {
        matches!(
            self,
            Self::TlsWrongHost
                | Self::TlsExpired
                | Self::TlsUntrusted
                | Self::TlsBroken
                | Self::TlsHang
                | Self::Refuse
        )
    }

    /// For latency: how long this time.
    pub(super) fn delay(&self, random: &dyn Random) -> Option<Duration> {
        let Self::Latency { from, to } = self else {
            return None;
        };
        let width = to.map_or(Duration::ZERO, |to| to.0.saturating_sub(from.0));
        Some(from.0 + width.mul_f64(random.fraction()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_from_a_word_or_a_map() {
        let read = |json: &str| serde_json::from_str::<FaultKind>(json).unwrap();
        assert_eq!(read(r#""hang""#), FaultKind::Hang);
        assert_eq!(
            read(r#"{"throttled": {"retry_after": {"seconds": 30}}}"#),
            FaultKind::Throttled {
                retry_after: Some(RetryAfter::Seconds(30))
            }
        );
        assert!(serde_json::from_str::<FaultKind>(r#"{"latency": {"form": "1s"}}"#).is_err());
    }
}
