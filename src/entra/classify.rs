//! From an answer that is no token to the one problem that it stands for.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::codes::{self, Class};
use super::endpoint::EndpointAnswer;
use crate::http::{date, retry_after};
use crate::model::{AccountReason, RequestId, TokenProblem, bounded_text};

/// Clocks so many seconds apart are worth a word.
const SKEW: u32 = 30;

/// Whom a refusal concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalScope {
    /// All token requests of the account.
    Account,
    /// Only those for this audience.
    Audience,
}

/// A token request that did not succeed.
#[derive(Debug, Clone)]
pub(super) struct TokenRefusal {
    pub(super) problem: TokenProblem,
    pub(super) scope: RefusalScope,
    /// The wait that was asked for, at most an hour.
    pub(super) retry_after: Option<Duration>,
    /// How many seconds this machine's clock is ahead of the answer's `Date`,
    /// where that is worth a word.
    pub(super) ahead: Option<i32>,
    /// The OAuth `error`, for grants that poll.
    pub(super) error: Option<String>,
    /// Entra's id of the request, for support.
    pub(super) request_id: Option<RequestId>,
}

impl TokenRefusal {
    /// A refusal of the account that no answer brought.
    pub(super) const fn own(problem: TokenProblem) -> Self {
        Self {
            problem,
            scope: RefusalScope::Account,
            retry_after: None,
            ahead: None,
            error: None,
            request_id: None,
        }
    }

    /// Our own fault: a file, the store.
    pub(super) fn internal(detail: &str) -> Self {
        Self::own(TokenProblem {
            reason: AccountReason::Internal,
            code: None,
            detail: bounded_text(detail, 300),
        })
    }
}

/// The error body of the token endpoint (RFC 6749 section 5.2 and Entra's own
/// fields). Descriptions are not read: they hold names of people and could
/// hold what we sent.
#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    /// An array of numbers, by Entra; whatever it is elsewhere.
    #[serde(default)]
    error_codes: serde_json::Value,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    suberror: Option<String>,
}

/// Reads an answer that is not a token. `person` tells whether somebody could
/// sign in for this account at all.
pub(super) fn classify(answer: &EndpointAnswer, person: bool, now: Timestamp) -> TokenRefusal {
    let body: Option<ErrorBody> = serde_json::from_slice(&answer.body).ok();
    let retry_after = retry_after(&answer.headers, now);
    let number = body.as_ref().and_then(number);
    let known = number.and_then(codes::known);
    let status = answer.status;
    let mut scope = RefusalScope::Account;
    let reason = match (&body, status) {
        (_, 429 | 509) => AccountReason::Throttled,
        (None, 511) => AccountReason::Proxy,
        _ if answer.headers.contains_key("x-squid-error") && !is_signed(answer) => {
            AccountReason::Proxy
        }
        (_, 500..=599) => match known.map(|code| code.class) {
            Some(Class::Throttled) => AccountReason::Throttled,
            _ => AccountReason::ServerError,
        },
        (_, 407) => AccountReason::Proxy,
        (Some(body), 400..=499) => {
            let class = known.map_or_else(|| by_error(body), |code| code.class);
            if matches!(class, Class::Consent | Class::Audience) {
                scope = RefusalScope::Audience;
            }
            match class {
                Class::Transient => AccountReason::ServerError,
                Class::Throttled => AccountReason::Throttled,
                Class::Person | Class::Consent if person => AccountReason::SignInRequired,
                Class::Person | Class::Consent | Class::Administrator | Class::Audience => {
                    AccountReason::Refused
                }
            }
        }
        (_, 200) | (None, 400 | 401) => AccountReason::BadResponse,
        // A page that nobody signed comes from a box on the way.
        (None, 403 | 404) if is_html(answer) && !is_signed(answer) => AccountReason::BadResponse,
        _ => AccountReason::UnexpectedStatus,
    };
    let mut detail = match (known, &body, number) {
        (Some(code), ..) => format!("AADSTS{}: {}", code.number, code.says),
        (None, Some(body), Some(number)) => format!(
            "AADSTS{number}: the token endpoint answered {} \
             (see https://login.microsoftonline.com/error?code={number})",
            shown(&body.error)
        ),
        (None, Some(body), None) => {
            format!(
                "the token endpoint answered {} with status {status}",
                shown(&body.error)
            )
        }
        (None, None, _) => no_error_body(answer),
    };
    let ahead = ahead(answer, now);
    if number == Some(700_024)
        && let Some(ahead) = ahead
    {
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        let by = ahead.unsigned_abs();
        detail.push_str(&format!(
            "; this machine's clock is {by} s {direction} Entra's"
        ));
    }
    TokenRefusal {
        problem: TokenProblem {
            reason,
            code: known.map(|code| code.number),
            detail: bounded_text(&detail, 400),
        },
        scope,
        // Entra's loop detection wants at least a minute of silence.
        retry_after: match number {
            Some(50_196) => Some(retry_after.unwrap_or_default().max(Duration::from_secs(60))),
            _ => retry_after,
        },
        ahead,
        error: body.map(|body| body.error),
        request_id: answer.request_id(),
    }
}

/// What Entra's own answers carry.
fn is_signed(answer: &EndpointAnswer) -> bool {
    ["x-ms-request-id", "x-ms-ests-server"]
        .iter()
        .any(|name| answer.headers.contains_key(*name))
}

/// What a browser brought back from the authorize endpoint instead of a code.
pub(super) fn refused_in_browser(error: &str, description: &str) -> TokenRefusal {
    let body = ErrorBody {
        error: error.to_owned(),
        error_codes: serde_json::Value::Null,
        error_description: Some(description.to_owned()),
        suberror: None,
    };
    let known = number(&body).and_then(codes::known);
    let class = known.map_or_else(|| by_error(&body), |code| code.class);
    TokenRefusal {
        problem: TokenProblem {
            reason: match class {
                Class::Transient => AccountReason::ServerError,
                Class::Throttled => AccountReason::Throttled,
                Class::Person | Class::Consent => AccountReason::SignInRequired,
                Class::Administrator | Class::Audience => AccountReason::Refused,
            },
            code: known.map(|code| code.number),
            detail: match known {
                Some(code) => format!("AADSTS{}: {}", code.number, code.says),
                None => format!("Entra answered {}", shown(error)),
            },
        },
        scope: RefusalScope::Account,
        retry_after: None,
        ahead: None,
        error: Some(error.to_owned()),
        request_id: None,
    }
}

/// The number of an error: the first known of `error_codes`, else the first,
/// else the one that begins the description.
fn number(body: &ErrorBody) -> Option<u32> {
    let listed = body.error_codes.as_array().map_or(&[][..], Vec::as_slice);
    let numbers: Vec<u32> = listed
        .iter()
        .take(8)
        .filter_map(|value| match value {
            serde_json::Value::Number(number) => number.as_u64()?.try_into().ok(),
            serde_json::Value::String(text) => text.parse().ok(),
            _ => None,
        })
        .collect();
    numbers
        .iter()
        .copied()
        .find(|number| codes::known(*number).is_some())
        .or_else(|| numbers.first().copied())
        .or_else(|| {
            let rest = body.error_description.as_deref()?.strip_prefix("AADSTS")?;
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            rest[..digits].parse().ok()
        })
}

/// What an unknown number means, by `error` and `suberror` (RFC 6749 section
/// 5.2, OpenID Connect Core section 3.1.2.6, Microsoft's libraries).
fn by_error(body: &ErrorBody) -> Class {
    match body.suberror.as_deref() {
        Some("consent_required") => return Class::Consent,
        Some("message_only" | "client_mismatch" | "protection_policy_required") => {
            return Class::Administrator;
        }
        Some(
            "basic_action"
            | "additional_action"
            | "user_password_expired"
            | "bad_token"
            | "token_expired",
        ) => return Class::Person,
        _ => {}
    }
    match body.error.as_str() {
        "invalid_grant" | "interaction_required" | "login_required" => Class::Person,
        "consent_required" => Class::Consent,
        "temporarily_unavailable" | "server_error" => Class::Transient,
        "slow_down" => Class::Throttled,
        "invalid_scope" | "invalid_resource" | "invalid_target" => Class::Audience,
        _ => Class::Administrator,
    }
}

fn is_html(answer: &EndpointAnswer) -> bool {
    answer.body.trim_ascii_start().starts_with(b"<")
}

fn no_error_body(answer: &EndpointAnswer) -> String {
    let kind = if answer.body.is_empty() {
        "an empty body"
    } else if is_html(answer) {
        "HTML, perhaps from a proxy"
    } else {
        "a body that is no token answer"
    };
    format!(
        "the token endpoint answered status {} with {kind}",
        answer.status
    )
}

/// An `error` from outside, bounded and without surprises.
fn shown(error: &str) -> String {
    error
        .chars()
        .take(60)
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '))
        .collect()
}

/// How far this machine's clock is ahead of the answer's, in seconds, if worth
/// a word.
fn ahead(answer: &EndpointAnswer, now: Timestamp) -> Option<i32> {
    let ahead = now.duration_since(date(&answer.headers, now)?).as_secs();
    let ahead = i32::try_from(ahead).ok()?;
    (ahead.unsigned_abs() > SKEW).then_some(ahead)
}

#[cfg(test)]
mod tests;
