//! How a probe or a token request ended: outcomes and the closed sets of
//! reasons. The spelling returned by `as_str` is the metric label, the log
//! field, the API value and the name of the runbook page.

use std::fmt;

use super::words;

words! {
    /// What a probe tells about its resource.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    Outcome {
        /// The service answered as it should.
        Success = "success",
        /// Conclusive: users would feel it.
        Failure = "failure",
        /// We could not find out.
        Inconclusive = "inconclusive",
    }
}

impl Outcome {
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

words! {
    /// Why a probe did not succeed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[repr(u8)]
    Reason {
        /// The host name could not be resolved.
        Dns = "dns",
        /// Refused, unreachable, or closed before the first byte of an answer.
        Connect = "connect",
        /// Handshake or certificate.
        Tls = "tls",
        /// Anything before CONNECT succeeded, and 407.
        Proxy = "proxy",
        /// Any phase took too long.
        Timeout = "timeout",
        /// 5xx.
        ServerError = "server_error",
        /// 404 and its relatives.
        NotFound = "not_found",
        /// 423, or 403 resourceLocked.
        Locked = "locked",
        /// It ended early, or the body is empty, HTML, too large or of the wrong shape.
        BadResponse = "bad_response",
        /// 1xx, 3xx, other 2xx and 4xx.
        UnexpectedStatus = "unexpected_status",
        /// The service asks us to slow down.
        Throttled = "throttled",
        /// No access token could be had.
        Token = "token",
        /// 401 again after one fresh token.
        Unauthorized = "unauthorized",
        /// 403: a permission or a grant is missing.
        Forbidden = "forbidden",
        /// We ask wrongly: 400, 405, 406, 414, 403 notAllowed.
        Rejected = "rejected",
        /// Our own fault.
        Internal = "internal",
    }
}

impl Reason {
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

words! {
    /// Why a token request did not succeed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[repr(u8)]
    AccountReason {
        /// The login host could not be resolved.
        Dns = "dns",
        /// Refused, unreachable, or closed before the first byte.
        Connect = "connect",
        /// Handshake or certificate.
        Tls = "tls",
        /// Anything before CONNECT succeeded, and 407.
        Proxy = "proxy",
        /// No answer in time.
        Timeout = "timeout",
        /// 5xx, or an error that Entra itself calls temporary.
        ServerError = "server_error",
        /// An answer that is no token answer.
        BadResponse = "bad_response",
        /// A status that the token endpoint has no business to give.
        UnexpectedStatus = "unexpected_status",
        /// Only a person can mend it: sign in or consent again.
        SignInRequired = "sign_in_required",
        /// An administrator or the configuration must mend it.
        Refused = "refused",
        /// Entra asks us to slow down.
        Throttled = "throttled",
        /// Our own fault: a file that cannot be read, a store that cannot be opened.
        Internal = "internal",
    }
}

impl AccountReason {
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
