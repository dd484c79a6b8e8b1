//! How a probe or a token request ended: outcomes and the closed sets of
//! reasons. The spelling returned by `as_str` is the metric label, the log
//! field, the API value and the name of the runbook page.

use std::fmt;

/// What a probe tells about its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The service answered as it should.
    Success,
    /// Conclusive: users would feel it.
    Failure,
    /// We could not find out.
    Inconclusive,
}

impl Outcome {
    /// All outcomes, in the order of exposition.
    pub const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Inconclusive];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// Dense index into arrays of length 3, in the order of [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a probe did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// The host name could not be resolved.
    Dns,
    /// Refused, unreachable, or closed before the first byte of an answer.
    Connect,
    /// Handshake or certificate.
    Tls,
    /// Anything before CONNECT succeeded, and 407.
    Proxy,
    /// Any phase took too long.
    Timeout,
    /// 5xx.
    ServerError,
    /// 404 and its relatives.
    NotFound,
    /// 423, or 403 resourceLocked.
    Locked,
    /// It ended early, or the body is empty, HTML, too large or of the wrong shape.
    BadResponse,
    /// 1xx, 3xx, other 2xx and 4xx.
    UnexpectedStatus,
    /// The service asks us to slow down.
    Throttled,
    /// No access token could be had.
    Token,
    /// 401 again after one fresh token.
    Unauthorized,
    /// 403: a permission or a grant is missing.
    Forbidden,
    /// We ask wrongly: 400, 405, 406, 414, 403 notAllowed.
    Rejected,
    /// Our own fault.
    Internal,
}

impl Reason {
    /// All reasons, in the order of exposition.
    pub const ALL: [Self; 16] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Proxy,
        Self::Timeout,
        Self::ServerError,
        Self::NotFound,
        Self::Locked,
        Self::BadResponse,
        Self::UnexpectedStatus,
        Self::Throttled,
        Self::Token,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Rejected,
        Self::Internal,
    ];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Proxy => "proxy",
            Self::Timeout => "timeout",
            Self::ServerError => "server_error",
            Self::NotFound => "not_found",
            Self::Locked => "locked",
            Self::BadResponse => "bad_response",
            Self::UnexpectedStatus => "unexpected_status",
            Self::Throttled => "throttled",
            Self::Token => "token",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Rejected => "rejected",
            Self::Internal => "internal",
        }
    }

    /// The outcome that this reason stands for; never `Success`.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Dns
            | Self::Connect
            | Self::Tls
            | Self::Proxy
            | Self::Timeout
            | Self::ServerError
            | Self::NotFound
            | Self::Locked
            | Self::BadResponse
            | Self::UnexpectedStatus => Outcome::Failure,
            Self::Throttled
            | Self::Token
            | Self::Unauthorized
            | Self::Forbidden
            | Self::Rejected
            | Self::Internal => Outcome::Inconclusive,
        }
    }

    /// Dense index into arrays of length 16, in the order of [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The verdict on one probe: success, or the one reason why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The service answered as it should.
    Success,
    /// It did not, or we could not find out.
    Problem(Reason),
}

impl Verdict {
    /// The outcome of the verdict.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Success => Outcome::Success,
            Self::Problem(reason) => reason.outcome(),
        }
    }

    /// The reason, unless it is a success.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Success => None,
            Self::Problem(reason) => Some(reason),
        }
    }
}

/// Why a token request did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum AccountReason {
    /// The login host could not be resolved.
    Dns,
    /// Refused, unreachable, or closed before the first byte.
    Connect,
    /// Handshake or certificate.
    Tls,
    /// Anything before CONNECT succeeded, and 407.
    Proxy,
    /// No answer in time.
    Timeout,
    /// 5xx, or an error that Entra itself calls temporary.
    ServerError,
    /// An answer that is no token answer.
    BadResponse,
    /// A status that the token endpoint has no business to give.
    UnexpectedStatus,
    /// Only a person can mend it: sign in or consent again.
    SignInRequired,
    /// An administrator or the configuration must mend it.
    Refused,
    /// Entra asks us to slow down.
    Throttled,
    /// Our own fault: a file that cannot be read, a store that cannot be opened.
    Internal,
}

impl AccountReason {
    /// All reasons, in the order of exposition.
    pub const ALL: [Self; 12] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Proxy,
        Self::Timeout,
        Self::ServerError,
        Self::BadResponse,
        Self::UnexpectedStatus,
        Self::SignInRequired,
        Self::Refused,
        Self::Throttled,
        Self::Internal,
    ];

    /// What it means for a probe whose measured request is the token request:
    /// what is wrong with Entra or the way to it is felt by everyone, what it
    /// refuses is not known to be.
    #[must_use]
    pub const fn of_a_probe(self) -> Reason {
        match self {
            Self::Dns => Reason::Dns,
            Self::Connect => Reason::Connect,
            Self::Tls => Reason::Tls,
            Self::Proxy => Reason::Proxy,
            Self::Timeout => Reason::Timeout,
            Self::ServerError => Reason::ServerError,
            Self::BadResponse => Reason::BadResponse,
            Self::UnexpectedStatus => Reason::UnexpectedStatus,
            Self::SignInRequired | Self::Refused => Reason::Token,
            Self::Throttled => Reason::Throttled,
            Self::Internal => Reason::Internal,
        }
    }

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Proxy => "proxy",
            Self::Timeout => "timeout",
            Self::ServerError => "server_error",
            Self::BadResponse => "bad_response",
            Self::UnexpectedStatus => "unexpected_status",
            Self::SignInRequired => "sign_in_required",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Internal => "internal",
        }
    }

    /// `Failure` when Entra is not working for anyone here, else `Inconclusive`.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Dns
            | Self::Connect
            | Self::Tls
            | Self::Proxy
            | Self::Timeout
            | Self::ServerError
            | Self::BadResponse
            | Self::UnexpectedStatus => Outcome::Failure,
            Self::SignInRequired | Self::Refused | Self::Throttled | Self::Internal => {
                Outcome::Inconclusive
            }
        }
    }
}

impl fmt::Display for AccountReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A token request that did not succeed, classified once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct TokenProblem {
    /// The class.
    pub reason: AccountReason,
    /// The AADSTS number, where Entra gave one.
    pub code: Option<u32>,
    /// One sentence for people: what happened and what to do. Holds no secret.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_dense_and_in_order() {
        for (place, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), place);
            assert_ne!(reason.outcome(), Outcome::Success);
        }
        for (place, outcome) in Outcome::ALL.iter().enumerate() {
            assert_eq!(outcome.index(), place);
        }
    }
}
