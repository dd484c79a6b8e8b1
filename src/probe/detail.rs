//! The sentence of a report: what happened and what to do about it. It speaks
//! of known codes and of the configuration only; nothing that a service wrote
//! goes in, since that may name people or sites.

use super::BadBody;
use super::permissions::needed_permissions;
use crate::graph::{Answered, KnownText};
use crate::http::{BodyEnd, ProbeFailure};
use crate::model::{
    AppCredential, Hold, Kind, Reason, Repeat, Resource, SignIn, SiteApi, TokenProblem, Verdict,
};

/// For a request without an answer.
pub(super) fn of_failure(failure: &ProbeFailure) -> String {
    failure.net.to_string()
}

/// For a probe without a token.
pub(super) fn of_token(problem: &TokenProblem) -> String {
    let code = problem
        .code
        .map(|code| format!(" (AADSTS{code})"))
        .unwrap_or_default();
    format!("no access token{code}: {}", problem.detail)
}

/// For an answer; `verdict` is the last word on it.
pub(super) fn of_answer(
    resource: &Resource,
    answered: &Answered,
    verdict: Verdict,
    bad_body: Option<BadBody>,
) -> String {
    let status = answered.status;
    let said = match answered.error.code() {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    };
    let Verdict::Problem(reason) = verdict else {
        return success(answered);
    };
    let advice = match reason {
        Reason::Token => match &answered.token_problem {
            Some(problem) => return format!("{said}, then {}", of_token(problem)),
            None => "no access token".into(),
        },
        Reason::Forbidden => forbidden(resource, answered),
        Reason::Unauthorized => match answered.repeat {
            Some(Repeat::FreshToken) => {
                "the service refuses a fresh token as well; see the account".into()
            }
            _ => "the service refuses the token, and no other may be asked for yet".into(),
        },
        Reason::NotFound => not_found(resource, answered),
        Reason::Rejected => rejected(answered),
        Reason::Locked => "the site is locked or archived".into(),
        Reason::Proxy => {
            "a proxy wants a sign-in; give http.proxy_url a user and a password".into()
        }
        Reason::Throttled => format!("Microsoft asks us to slow down{}", wait(answered)),
        Reason::ServerError => format!("the service fails on its own side{}", wait(answered)),
        Reason::Timeout => "time ran out while reading the answer".into(),
        Reason::BadResponse => match (bad_body, answered.body_end) {
            (Some(bad), _) => format!("the body is not what was asked for: {bad}"),
            (None, BodyEnd::TooLarge) => "the body is longer than any answer should be".into(),
            (None, _) => "the body ended early or cannot be decoded".into(),
        },
        Reason::UnexpectedStatus if (300..400).contains(&status) => {
            "a redirect, which is not followed with a token; check the URL".into()
        }
        Reason::UnexpectedStatus => "a status that the service does not document here".into(),
        Reason::Dns | Reason::Connect | Reason::Tls | Reason::Internal => reason.as_str().into(),
    };
    format!("{said}: {advice}")
}

fn success(answered: &Answered) -> String {
    match answered.repeat {
        Some(Repeat::FreshToken) => "answered, with a fresh token at the second attempt".into(),
        Some(Repeat::NewConnection) => {
            "answered, on a new connection after the kept one was dead".into()
        }
        None => "answered".into(),
    }
}

fn wait(answered: &Answered) -> String {
    match answered.hold {
        Some(Hold::Gate { wait: Some(wait) } | Hold::Resource { wait }) => {
            format!(", and to come back in {} s", wait.as_secs())
        }
        Some(Hold::Gate { wait: None }) | None => String::new(),
    }
}

fn forbidden(resource: &Resource, answered: &Answered) -> String {
    match answered.error.text {
        Some(KnownText::UnsupportedAppOnlyToken) => {
            return "SharePoint takes app-only tokens only by certificate or federation, \
                    not with a client secret"
                .into();
        }
        Some(KnownText::BlockedByAccessPolicy) => {
            return "an application access policy of Exchange keeps the application out of this \
                    mailbox"
                .into();
        }
        _ => {}
    }
    let needed: Vec<String> = needed_permissions(resource)
        .iter()
        .map(|permission| {
            format!(
                "the {} permission {} of {}",
                permission.held.as_str(),
                permission.name,
                permission.api.as_str()
            )
        })
        .collect();
    let beside = match (&resource.kind, &resource.account.sign_in) {
        (Kind::SharePointSite { .. }, SignIn::Delegated { .. }) => {
            ", or the person may not read this site"
        }
        (Kind::SharePointSite { .. }, SignIn::App(_) | SignIn::ManagedIdentity) => {
            ", or the grant on this one site"
        }
        (Kind::ExchangeMailbox { user: Some(_) }, SignIn::Delegated { .. }) => {
            ", or the mailbox is not shared with the person"
        }
        (Kind::ExchangeMailbox { .. }, _) => ", or a policy of Exchange forbids it",
    };
    format!("probably missing: {}{beside}", needed.join(" and "))
}

fn not_found(resource: &Resource, answered: &Answered) -> String {
    let advice = match (&resource.kind, answered.error.code()) {
        (_, Some("MailboxNotEnabledForRESTAPI")) => {
            "no Exchange Online mailbox: unlicensed, soft-deleted or on premises"
        }
        (Kind::ExchangeMailbox { user: Some(_) }, _) => {
            "no such user or mailbox; check `user`, an object id is safest"
        }
        (Kind::ExchangeMailbox { user: None }, _) => "the signed-in person has no mailbox",
        (Kind::SharePointSite { .. }, _) => "no such site, or it was deleted; check `url`",
    };
    advice.into()
}

fn rejected(answered: &Answered) -> String {
    match answered.error.text {
        Some(KnownText::HostOfAnotherTenant) => {
            "the site's host belongs to another tenant than the account"
        }
        Some(KnownText::NoSharePointLicence) => "the tenant has no SharePoint Online",
        Some(KnownText::MeNeedsAPerson) => {
            "an application has no mailbox of its own; give the resource a `user`"
        }
        _ => "the service does not accept what we ask; check the resource's configuration",
    }
    .into()
}

/// Why SharePoint's REST cannot work with this credential at all.
pub(super) fn hopeless(resource: &Resource) -> Option<&'static str> {
    let rest = matches!(
        resource.kind,
        Kind::SharePointSite {
            api: SiteApi::SharePoint,
            ..
        }
    );
    let secret = matches!(
        resource.account.sign_in,
        SignIn::App(AppCredential::ClientSecret { .. })
    );
    (rest && secret).then_some(
        "note: SharePoint's REST takes app-only tokens only by certificate or federation, \
         this account has a secret",
    )
}
