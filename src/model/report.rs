//! What one probe leaves behind.

use std::time::Duration;

use jiff::Timestamp;

use super::{Hold, Phase, Phases, RateLimit, Sample, TokenProblem, Verdict, bounded_text};

/// A request id that is safe to show and to use as an exemplar: 1 to 64 of
/// `[0-9A-Za-z-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// Takes an id that obeys the rule, or nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        fits.then(|| Self(text.into()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the service says about itself in headers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerHints {
    /// `SPRequestDuration` or `SPClientServiceRequestDuration`.
    pub latency: Option<Duration>,
    /// `DataCenter` of `x-ms-ags-diagnostic`, bounded, for people only.
    pub data_center: Option<Box<str>>,
    /// `RateLimit-*`.
    pub rate_limit: Option<RateLimit>,
}

/// The IP version of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What is known of the connection that carried the request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConnectionFacts {
    /// True if it was open before.
    pub reused: bool,
    /// Of the peer (the proxy's, where there is one).
    pub ip_version: Option<IpVersion>,
    /// 1.1 or 2.0.
    pub http_version: Option<f64>,
    /// `TLS 1.2` or `TLS 1.3`.
    pub tls_version: Option<&'static str>,
    /// The earliest `notAfter` of the certificates that the peer sent, also where
    /// they were refused.
    pub certificate_expiry: Option<Timestamp>,
    /// Of a host of Microsoft's that showed certificates: whether they are trusted
    /// here and by no public root, so that somebody on the way opens TLS.
    pub intercepted: Option<bool>,
}

/// The two cases in which the measured request is sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// 401 on a cached token: one fresh token, one more request.
    FreshToken,
    /// A reused connection died before the first byte: one new connection.
    NewConnection,
}

/// One request and its answer, as far as it came: measured by `http`, read by
/// `graph`, kept in the report. The default is a request that was never sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exchange {
    /// HTTP status of the answer.
    pub status: Option<u16>,
    /// They sum to the latency; `None` when no request was sent.
    pub phases: Option<Phases>,
    /// The phase in which it broke or ran out of time.
    pub broke_in: Option<Phase>,
    /// The connection that carried it.
    pub connection: ConnectionFacts,
    /// Said openly when the request was sent twice.
    pub repeat: Option<Repeat>,
    /// The service's `request-id` or `SPRequestGuid`.
    pub request_id: Option<RequestId>,
    /// Ours, sent as `client-request-id`.
    pub client_request_id: Option<RequestId>,
    /// The service's own words about itself.
    pub server: ServerHints,
    /// A wait that the service asked for.
    pub hold: Option<Hold>,
}

impl Exchange {
    /// The latency: the sum of the phases.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.phases.map(|phases| phases.total())
    }
}

/// One step of a probe that needs several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, one of the kind's.
    pub name: &'static str,
    /// Of its last request.
    pub phases: Phases,
}

/// One probe's report.
#[derive(Debug, Clone)]
pub struct Report {
    /// When the probe began.
    pub started: Timestamp,
    /// When the probe ended.
    pub finished: Timestamp,
    /// Success or the reason.
    pub verdict: Verdict,
    /// One sentence for people: what happened and what to do; bounded, without
    /// secrets and without content of the tenant.
    pub detail: Box<str>,
    /// The request that decided. Of a probe of several steps the phases are
    /// those of all steps together.
    pub exchange: Exchange,
    /// The steps of a probe that has several, as far as it came.
    pub steps: Box<[Step]>,
    /// What the answer carried beside the verdict; of a success only.
    pub readings: Box<[Sample]>,
    /// Why no token could be had, when the reason is `token`.
    pub token_problem: Option<TokenProblem>,
}

impl Report {
    /// A report of a probe that sent no request.
    #[must_use]
    pub fn without_request(
        started: Timestamp,
        finished: Timestamp,
        verdict: Verdict,
        detail: &str,
    ) -> Self {
        Self {
            started,
            finished,
            verdict,
            detail: bounded_text(detail, 300).into(),
            exchange: Exchange::default(),
            steps: Box::default(),
            readings: Box::default(),
            token_problem: None,
        }
    }

    /// The latency: the sum of the phases, token time excluded.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.exchange.latency()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_bounded() {
        assert!(RequestId::parse("81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f").is_some());
        assert!(RequestId::parse("").is_none());
        assert!(RequestId::parse(&"a".repeat(65)).is_none());
        assert!(RequestId::parse("a b").is_none());
        assert!(RequestId::parse("a\"b").is_none());
    }
}
