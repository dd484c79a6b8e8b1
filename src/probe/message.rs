//! The sentence of a report: what happened and what to do about it. It speaks
//! of known codes and of the configuration only; nothing that a service wrote
//! goes in, since that may name people or sites.

use crate::graph::{Origin, Response};
use crate::http::BodyEnd;
use crate::kinds::{BadBody, Findings, KnownMessage, Refused, Resource, Stopped, probably_missing};
use crate::model::{Hold, Reason, Repeat, TokenProblem, Verdict};

/// For a probe without a token.
pub(super) fn of_token(problem: &TokenProblem) -> String {
    let code = problem
        .code
        .map(|code| format!(" (AADSTS{code})"))
        .unwrap_or_default();
    format!("no access token{code}: {}", problem.detail)
}

/// The last word on an answer, and the sentence for it.
pub(super) fn of_response(
    resource: &Resource,
    response: &Response,
    result: &Result<Findings, Stopped>,
    step: &str,
) -> (Verdict, String) {
    let said = match response.error.code() {
        Some(code) => format!("{} {code}", response.status),
        None => response.status.to_string(),
    };
    let (reason, advice) = match (result, response.verdict) {
        (Ok(_), _) => return (Verdict::Success, success(response)),
        (
            Err(
                Stopped::Judged { reason, sentence }
                | Stopped::Partly {
                    reason, sentence, ..
                },
            ),
            _,
        ) => (*reason, sentence.to_string()),
        (Err(Stopped::SignIn(problem)), _) => {
            let verdict = Verdict::Problem(problem.reason.of_a_probe());
            return (verdict, of_token(problem));
        }
        (Err(Stopped::Bad(bad)), _) => (Reason::BadResponse, of_body(*bad)),
        (Err(Stopped::Asked), Verdict::Problem(Reason::Token)) => {
            let advice = match &response.token_problem {
                Some(problem) => format!("{said}, then {}", of_token(problem)),
                None => format!("{said}: no access token"),
            };
            return (Verdict::Problem(Reason::Token), advice);
        }
        (Err(Stopped::Asked), Verdict::Problem(reason)) => {
            let error = &response.error;
            let reason = resource.kind.reason(&resource.account, reason, error);
            (reason, of_refusal(resource, response, reason, step))
        }
        (Err(Stopped::Asked), Verdict::Success) => {
            (Reason::Internal, "a good answer was not taken".to_owned())
        }
    };
    (Verdict::Problem(reason), format!("{said}: {advice}"))
}

fn of_body(bad: BadBody) -> String {
    format!("the body is not what was asked for: {bad}")
}

fn of_refusal(resource: &Resource, response: &Response, reason: Reason, step: &str) -> String {
    if let Some(sentence) = of_a_box(response, reason) {
        return sentence;
    }
    let (account, exchange) = (&resource.account, &response.exchange);
    let refused = Refused {
        reason,
        error: &response.error,
        step,
        held: None,
        lacking: false,
    };
    let known = known_message(&refused);
    let of_kind = || resource.kind.advise(account, &refused)?.sentence;
    if let Some(sentence) = known.map(Into::into).or_else(of_kind) {
        return sentence.into_owned();
    }
    let wait = match exchange.hold {
        Some(Hold::Gate { wait: Some(wait) } | Hold::Resource { wait }) => {
            format!("to come back in {} s", wait.as_secs())
        }
        Some(Hold::Gate { wait: None }) | None => String::new(),
    };
    match reason {
        Reason::Forbidden => probably_missing(&resource.permissions(), ""),
        Reason::Unauthorized => match exchange.repeat {
            Some(Repeat::FreshToken) => {
                "the service refuses a fresh token as well; see the account".into()
            }
            _ => "the service refuses the token, and no other may be asked for yet".into(),
        },
        Reason::NotFound => "there is no such thing; check what the configuration names".into(),
        Reason::Rejected => {
            "the service does not accept what we ask; check the resource's configuration".into()
        }
        Reason::Locked => "the site is locked or archived".into(),
        Reason::Proxy => {
            "a proxy wants a sign-in; give http.proxy_url a user and a password".into()
        }
        Reason::Throttled if wait.is_empty() => "Microsoft asks us to slow down".into(),
        Reason::Throttled => format!("Microsoft asks us to slow down, and {wait}"),
        Reason::ServerError if wait.is_empty() => "the service fails on its own side".into(),
        Reason::ServerError => format!("the service fails on its own side, and asks us {wait}"),
        Reason::Timeout => "time ran out while reading the answer".into(),
        Reason::BadResponse => match response.body_end {
            BodyEnd::TooLarge => "the body is longer than any answer should be".into(),
            _ => "the body ended early or cannot be decoded".into(),
        },
        Reason::UnexpectedStatus if (300..400).contains(&response.status) => {
            "a redirect, which is not followed with a token; check the URL".into()
        }
        Reason::UnexpectedStatus => "a status that the service does not document here".into(),
        Reason::Dns | Reason::Connect | Reason::Tls | Reason::Token | Reason::Internal => {
            reason.as_str().into()
        }
    }
}

/// Something between here and Microsoft answered in its place.
fn of_a_box(response: &Response, reason: Reason) -> Option<String> {
    if response.status == 407 || !matches!(reason, Reason::Proxy | Reason::BadResponse) {
        return None;
    }
    let who = match response.origin {
        Origin::Service => return None,
        Origin::NamedBox => "a proxy or filter on the way answered in Microsoft's place",
        Origin::SilentBox => {
            "the answer has no sign of Microsoft's: a proxy or filter on the way seems to have \
             given it"
        }
    };
    Some(format!(
        "{who}; whoever runs it must let these requests pass"
    ))
}

/// Sentences of the services that mean the same whatever was asked.
fn known_message(refused: &Refused<'_>) -> Option<&'static str> {
    match (refused.reason, refused.error.text?) {
        (Reason::Forbidden, KnownMessage::UnsupportedAppOnlyToken) => Some(
            "SharePoint takes app-only tokens only by certificate or federation, not with a \
             client secret",
        ),
        (Reason::Forbidden, KnownMessage::BlockedByAccessPolicy) => Some(
            "an application access policy of Exchange keeps the application out of this mailbox",
        ),
        (Reason::Rejected, KnownMessage::HostOfAnotherTenant) => {
            Some("the site's host belongs to another tenant than the account")
        }
        (Reason::Rejected, KnownMessage::NoSharePointLicence) => {
            Some("the tenant has no SharePoint Online")
        }
        (Reason::Rejected, KnownMessage::MeNeedsAPerson) => {
            Some("an application has no mailbox of its own; give the resource a `user`")
        }
        _ => None,
    }
}

fn success(response: &Response) -> String {
    match response.exchange.repeat {
        Some(Repeat::FreshToken) => "answered, with a fresh token at the second attempt".into(),
        Some(Repeat::NewConnection) => {
            "answered, on a new connection after the kept one was dead".into()
        }
        None => "answered".into(),
    }
}
