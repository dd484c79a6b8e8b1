//! What can go wrong on the way, classified once.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::model::{AccountReason, Phase, Reason, Timestamp, bounded_text};

const LONGEST_DETAIL: usize = 300;

/// The class of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetFailureKind {
    /// The host name could not be resolved.
    Dns,
    /// Refused, unreachable, or ended before the first byte of an answer.
    Connect,
    /// The handshake or the certificate.
    Tls,
    /// Anything before CONNECT succeeded, and 407.
    Proxy,
    /// Time ran out in this phase.
    Timeout(Phase),
    /// It ended after the first byte: truncated, reset, or not HTTP.
    Broken,
    /// More than the caller wants to read.
    TooLarge,
    /// Our own fault: descriptors, memory, a request that cannot be built.
    Internal,
}

/// A request that brought no (whole) answer. `Display` is one sentence for
/// people; neither it nor `Debug` ever holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct NetFailure {
    /// The class.
    pub kind: NetFailureKind,
    /// One sentence for people, bounded.
    pub detail: String,
    /// What the layer below said.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl NetFailure {
    /// A failure without a deeper cause.
    #[must_use]
    pub fn new(kind: NetFailureKind, detail: impl AsRef<str>) -> Self {
        Self {
            kind,
            detail: bounded_text(detail.as_ref(), LONGEST_DETAIL),
            source: None,
        }
    }

    /// The same with what the layer below said.
    #[must_use]
    pub fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Time ran out.
    #[must_use]
    pub fn timeout(phase: Phase, host: &str) -> Self {
        let doing = match phase {
            Phase::Resolve => "resolving the name",
            Phase::Connect => "connecting",
            Phase::Tls => "shaking hands by TLS",
            Phase::Processing => "waiting for the answer",
            Phase::Transfer => "reading the answer",
        };
        Self::new(
            NetFailureKind::Timeout(phase),
            format!("{host}: time ran out while {doing}"),
        )
    }

    /// An error of the operating system before the first byte of an answer.
    #[must_use]
    pub fn before_the_answer(host: &str, doing: &str, error: io::Error) -> Self {
        if let Some(tls) = rustls_error(&error) {
            return Self::tls(host, tls);
        }
        let kind = if is_our_shortage(&error) {
            NetFailureKind::Internal
        } else {
            NetFailureKind::Connect
        };
        let what = plain_words(&error);
        Self::new(kind, format!("{host}: {what} while {doing}")).caused_by(error)
    }

    /// A handshake that failed, or a certificate that is not good.
    #[must_use]
    pub fn tls(host: &str, error: &rustls::Error) -> Self {
        Self::new(NetFailureKind::Tls, format!("{host}: {}", tls_words(error)))
            .caused_by(error.clone())
    }

    /// The reason of a probe that ended like this.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self.kind {
            NetFailureKind::Dns => Reason::Dns,
            NetFailureKind::Connect => Reason::Connect,
            NetFailureKind::Tls => Reason::Tls,
            NetFailureKind::Proxy => Reason::Proxy,
            NetFailureKind::Timeout(_) => Reason::Timeout,
            NetFailureKind::Broken | NetFailureKind::TooLarge => Reason::BadResponse,
            NetFailureKind::Internal => Reason::Internal,
        }
    }

    /// The reason of a token request that ended like this.
    #[must_use]
    pub const fn account_reason(&self) -> AccountReason {
        match self.kind {
            NetFailureKind::Dns => AccountReason::Dns,
            NetFailureKind::Connect => AccountReason::Connect,
            NetFailureKind::Tls => AccountReason::Tls,
            NetFailureKind::Proxy => AccountReason::Proxy,
            NetFailureKind::Timeout(_) => AccountReason::Timeout,
            NetFailureKind::Broken | NetFailureKind::TooLarge => AccountReason::BadResponse,
            NetFailureKind::Internal => AccountReason::Internal,
        }
    }
}

/// True when the machine, not the network, is out of something: descriptors
/// (EMFILE, ENFILE), memory (ENOMEM) or buffers (ENOBUFS).
pub(super) fn is_our_shortage(error: &io::Error) -> bool {
    const ENOMEM: i32 = 12;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOBUFS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };
    error.kind() == io::ErrorKind::OutOfMemory
        || (cfg!(unix)
            && matches!(
                error.raw_os_error(),
                Some(ENOMEM | ENFILE | EMFILE | ENOBUFS)
            ))
}

/// The TLS error inside an I/O error, where there is one: tokio-rustls hands
/// them over wrapped.
pub(super) fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    let mut inner = error.get_ref().map(|e| e as &(dyn Error + 'static));
    while let Some(error) = inner {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        inner = match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|e| e as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

/// An I/O error in the words of the log and the status page.
pub(super) fn plain_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "connection reset by the peer".into(),
        io::ErrorKind::ConnectionAborted => "connection aborted".into(),
        io::ErrorKind::UnexpectedEof => "connection closed by the peer".into(),
        io::ErrorKind::BrokenPipe => "connection closed by the peer".into(),
        io::ErrorKind::HostUnreachable => "host unreachable".into(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".into(),
        _ => error.to_string(),
    }
}

/// A TLS error in words that say what to check.
fn tls_words(error: &rustls::Error) -> String {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(problem) => match problem {
            CertificateError::ExpiredContext { not_after, .. } => {
                match i64::try_from(not_after.as_secs())
                    .ok()
                    .and_then(|s| Timestamp::from_second(s).ok())
                {
                    Some(end) => format!("the certificate expired at {end}"),
                    None => "the certificate has expired".into(),
                }
            }
            CertificateError::Expired => "the certificate has expired".into(),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet; check this machine's clock".into()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another name".into()
            }
            CertificateError::UnknownIssuer => "the certificate is signed by nobody we trust; \
                 behind an inspecting proxy, name its root in http.ca_file"
                .into(),
            // What signed it has the name of a root that is trusted, or of a
            // certificate that was sent along, and is another one.
            CertificateError::BadSignature => "the certificate is signed by nobody we trust: its \
                 signature does not fit the root that has its issuer's name; name the issuer's \
                 own root in http.ca_file"
                .into(),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "the certificate is not for servers".into()
            }
            other if other.to_string().contains("CaUsedAsEndEntity") => {
                "the certificate is one of an authority, not of a host".into()
            }
            CertificateError::Revoked => "the certificate is revoked".into(),
            other => format!("the certificate is not acceptable ({other})"),
        },
        Tls::AlertReceived(AlertDescription::CertificateRequired) => {
            "the peer wants a certificate of ours, and we have none to show".into()
        }
        Tls::AlertReceived(alert) => format!("the peer ended the TLS handshake ({alert:?})"),
        Tls::InvalidMessage(_) => "the peer does not speak TLS there".into(),
        Tls::NoCertificatesPresented => "the peer showed no certificate".into(),
        other => format!("the TLS handshake failed ({other})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortage_is_our_own_fault() {
        let failure =
            NetFailure::before_the_answer("h", "connecting", io::Error::from_raw_os_error(24));
        assert_eq!(failure.reason(), Reason::Internal);
        let failure = NetFailure::before_the_answer(
            "h",
            "connecting",
            io::ErrorKind::ConnectionRefused.into(),
        );
        assert_eq!(failure.reason(), Reason::Connect);
        assert_eq!(
            failure.to_string(),
            "h: connection refused while connecting"
        );
    }

    #[test]
    fn wrapped_tls_errors_are_found() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::other(tls));
        let failure = NetFailure::before_the_answer("h", "shaking hands", wrapped);
        assert_eq!(failure.reason(), Reason::Tls);
        assert_eq!(failure.to_string(), "h: the certificate has expired");
    }
}
