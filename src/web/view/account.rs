//! What is said about one account.

use std::collections::BTreeMap;

use serde::Serialize;

use super::resource::{PermissionView, permissions};
use super::{Reader, UpState};
use crate::model::{Outcome, Right, Timestamp};
use crate::state::{AccountSlot, State};

/// One account as it stood at one moment.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AccountView {
    pub(in crate::web) name: String,
    pub(in crate::web) tenant: Option<String>,
    pub(in crate::web) cloud: &'static str,
    /// For operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) client_id: Option<String>,
    pub(in crate::web) credential: &'static str,
    /// The person of a delegated account; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) username: Option<String>,
    /// By the last token request.
    pub(in crate::web) state: UpState,
    /// Present while the last token request did not succeed.
    pub(in crate::web) problem: Option<TokenProblemView>,
    /// Only a person can mend it.
    pub(in crate::web) sign_in_required: bool,
    pub(in crate::web) sign_in_required_since: Option<Timestamp>,
    /// Credentials that need a person, the earliest end first.
    pub(in crate::web) deadlines: Vec<CredentialExpiryView>,
    pub(in crate::web) access_tokens: Vec<Held>,
    /// How many rights are granted beyond need; absent while unknown.
    pub(in crate::web) excess_permissions: Option<usize>,
    /// Which; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) excess_rights: Option<Vec<RightView>>,
    /// How many rights open a whole tenant though something narrower does; absent
    /// while unknown.
    pub(in crate::web) tenant_wide_permissions: Option<usize>,
    /// Which; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) tenant_wide_rights: Option<Vec<RightView>>,
    /// No token request is sent before then.
    pub(in crate::web) held_until: Option<Timestamp>,
    /// By outcome, since this process began.
    pub(in crate::web) token_requests: BTreeMap<&'static str, u64>,
    /// Throttled answers by service, since this process began.
    pub(in crate::web) throttled_responses: BTreeMap<&'static str, u64>,
    /// What is left of the rate limit, where a service tells.
    pub(in crate::web) rate_limit_remaining_ratio: BTreeMap<&'static str, f64>,
    /// The resources that it opens, in the order of the configuration.
    pub(in crate::web) resources: Vec<String>,
    /// What they need together; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) permissions: Option<Vec<PermissionView>>,
}

/// Why no token could be had.
#[derive(Debug, Serialize)]
pub(in crate::web) struct TokenProblemView {
    pub(in crate::web) outcome: &'static str,
    pub(in crate::web) reason: &'static str,
    /// The AADSTS number, where Entra gave one.
    pub(in crate::web) code: Option<u32>,
    /// One sentence for people; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) detail: Option<String>,
    /// What Microsoft's support asks for.
    pub(in crate::web) request_id: Option<String>,
    /// When the token request ended that had it.
    pub(in crate::web) finished: Option<Timestamp>,
}

/// The end of a credential.
#[derive(Debug, Serialize)]
pub(in crate::web) struct CredentialExpiryView {
    pub(in crate::web) credential: &'static str,
    pub(in crate::web) expires: Timestamp,
}

/// A right that was granted.
#[derive(Debug, Serialize)]
pub(in crate::web) struct RightView {
    pub(in crate::web) audience: String,
    pub(in crate::web) name: String,
}

impl RightView {
    fn all(rights: &[Right]) -> Vec<Self> {
        let granted = rights.iter().map(|right| Self {
            audience: right.audience.to_string(),
            name: right.name.to_string(),
        });
        granted.collect()
    }
}

/// An access token that is held.
#[derive(Debug, Serialize)]
pub(in crate::web) struct Held {
    pub(in crate::web) audience: String,
    pub(in crate::web) expires: Timestamp,
}

impl AccountView {
    pub(in crate::web) fn of(slot: &AccountSlot, state: &State, reader: Reader) -> Self {
        let account = slot.account();
        let snapshot = slot.snapshot();
        let status = &snapshot.status;
        let last_problem = snapshot
            .last
            .as_ref()
            .and_then(|last| Some((last, last.result.as_ref().err()?)));
        let mut deadlines: Vec<_> = status
            .deadlines
            .iter()
            .map(|(credential, expires)| CredentialExpiryView {
                credential: credential.as_str(),
                expires: *expires,
            })
            .collect();
        deadlines.sort_by_key(|deadline| deadline.expires);
        let slots = state.slots();
        let mine = || {
            slots
                .iter()
                .map(|slot| slot.resource())
                .filter(|resource| resource.account.name == account.name)
        };
        let mut needed: Vec<PermissionView> = Vec::new();
        for permission in mine().flat_map(|resource| permissions(resource)) {
            let known = needed
                .iter()
                .any(|n| (&n.api, &n.name) == (&permission.api, &permission.name));
            if !known {
                needed.push(permission);
            }
        }
        let named = |rights: Option<&[Right]>| {
            let rights = rights.filter(|_| reader == Reader::Operator);
            rights.map(RightView::all)
        };
        Self {
            name: account.name.to_string(),
            tenant: account.tenant.as_ref().map(ToString::to_string),
            cloud: account.cloud.as_str(),
            client_id: reader
                .secluded(|| account.client_id.as_ref().map(ToString::to_string))
                .flatten(),
            credential: account.credential_label(),
            username: reader
                .secluded(|| account.person().map(|person| person.username.to_string()))
                .flatten(),
            state: match snapshot.up() {
                Some(true) => UpState::Up,
                Some(false) => UpState::Down,
                None => UpState::Unknown,
            },
            problem: snapshot.problem().map(|reason| TokenProblemView {
                outcome: reason.outcome().as_str(),
                reason: reason.as_str(),
                code: last_problem.and_then(|(_, problem)| problem.code),
                detail: reader.secluded(|| {
                    last_problem.map_or_else(String::new, |(_, problem)| problem.detail.clone())
                }),
                request_id: last_problem
                    .and_then(|(last, _)| last.request_id.as_ref())
                    .map(ToString::to_string),
                finished: last_problem.map(|(last, _)| last.at),
            }),
            sign_in_required: status.sign_in_required_since.is_some(),
            sign_in_required_since: status.sign_in_required_since,
            deadlines,
            access_tokens: status
                .access_tokens
                .iter()
                .map(|(audience, expires)| Held {
                    audience: audience.to_string(),
                    expires: *expires,
                })
                .collect(),
            excess_permissions: status.excess_permissions.as_ref().map(Vec::len),
            excess_rights: named(status.excess_permissions.as_deref()),
            tenant_wide_permissions: status.tenant_wide_permissions.as_ref().map(Vec::len),
            tenant_wide_rights: named(status.tenant_wide_permissions.as_deref()),
            held_until: status.held_until.filter(|at| *at > state.clock().now()),
            token_requests: Outcome::ALL
                .into_iter()
                .zip(snapshot.outcomes)
                .map(|(outcome, count)| (outcome.as_str(), count))
                .collect(),
            throttled_responses: snapshot
                .throttled
                .iter()
                .map(|(service, count)| (service.as_str(), *count))
                .collect(),
            rate_limit_remaining_ratio: snapshot
                .rates
                .iter()
                .filter(|(_, rate)| rate.is_fresh(state.clock().moment()))
                .map(|(service, rate)| (service.as_str(), rate.remaining_ratio))
                .collect(),
            resources: mine().map(|resource| resource.name.to_string()).collect(),
            permissions: reader.secluded(|| needed),
        }
    }
}
