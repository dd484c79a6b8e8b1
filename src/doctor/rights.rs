//! Rights granted against rights needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Held;
use super::finding::{Finding, Step};
use crate::model::{Account, Audience, Kind, NeededRights, Resource};
use crate::probe::{NeededPermission, PermissionApi, PermissionType, needed_permissions};
use crate::setup::Mend;

/// What an account holds beyond need; `None` where no token was had.
pub(super) fn excess(
    account: &Account,
    needed: &NeededRights,
    resources: &[&Arc<Resource>],
    held: &BTreeMap<Audience, Held>,
) -> Option<Step> {
    let person = account.person().is_some();
    let (mut beyond, mut unread, mut read) = (Vec::new(), Vec::new(), Vec::new());
    let mut all: Vec<&str> = Vec::new();
    for (audience, held) in held {
        let Ok(rights) = held else { continue };
        match rights.as_ref().and_then(|rights| rights.held(person)) {
            Some(granted) => {
                read.push(audience.as_str());
                all.extend(granted.iter().map(|right| &**right));
                for name in needed.beyond(audience, granted) {
                    beyond.push((audience, name));
                }
            }
            None => unread.push(audience.as_str()),
        }
    }
    let mend = Mend::of(account);
    if !beyond.is_empty() {
        let shown: Vec<String> = beyond
            .iter()
            .map(|(audience, name)| format!("{name} of {audience}"))
            .collect();
        let detail = format!("granted beyond need: {}", shown.join(", "));
        let how = beyond.iter().map(|(_, name)| mend.take_away(name));
        return Some(Step::refuted("excess", "", detail).mend(how));
    }
    if !unread.is_empty() {
        let detail = format!("the token for {} cannot be read", unread.join(", "));
        return Some(Step::unseen("excess", "", detail));
    }
    (!read.is_empty()).then(|| {
        let detail = format!("nothing beyond need, by the token for {}", read.join(", "));
        let step = Step::proved("excess", "", detail);
        if person {
            // What a person may not open, no scope opens.
            return step;
        }
        step.narrower(narrower(account, resources, &all))
    })
}

/// Whether the token holds what one resource needs. `works`: the probe with
/// this very token succeeded, which proves what no claim can.
pub(super) fn permissions(resource: &Resource, held: Option<&Held>, works: bool) -> Vec<Step> {
    needed_permissions(resource)
        .iter()
        .map(|needed| one(resource, needed, held, works))
        .collect()
}

fn one(resource: &Resource, needed: &NeededPermission, held: Option<&Held>, works: bool) -> Step {
    let api = needed.api.as_str();
    let Some(Ok(rights)) = held else {
        return Step::unseen("permissions", api, "there is no token to read them from");
    };
    let person = resource.account.person().is_some();
    let Some(granted) = rights.as_ref().and_then(|rights| rights.held(person)) else {
        return if works {
            let detail = "the token cannot be read, but the probe works";
            Step::proved("permissions", api, detail)
        } else {
            let detail = format!("the token cannot be read; {} is needed", needed.name);
            Step::unseen("permissions", api, detail)
        };
    };
    let mut fitting = granted.iter().filter(|right| needed.is_met_by(right));
    match fitting.next() {
        Some(right) => Step::proved("permissions", api, format!("{right} is granted")),
        None => missing(resource, needed, works),
    }
}

/// None of the names that are known to do is in the token.
fn missing(resource: &Resource, needed: &NeededPermission, works: bool) -> Step {
    let api = needed.api.as_str();
    let mend = Mend::of(&resource.account);
    let name = needed.name;
    match (&resource.kind, needed.held) {
        (Kind::ExchangeMailbox { user: Some(user) }, PermissionType::Application) => {
            if works {
                let detail = "no Mail role is in the token, and the probe works: Exchange assigns \
                              the right itself (RBAC for Applications), for what its scope names";
                return Step::proved("permissions", api, detail);
            }
            let detail = "no Mail role is in the token; that is right with RBAC for Applications, \
                          whose roles are never in it";
            let mut how = vec![
                mend.test_mailbox(user),
                "a role assigned less than two hours ago may not act yet: wait".to_owned(),
            ];
            how.extend(mend.scope_mailbox(user));
            Step::unseen("permissions", api, detail).mend(how)
        }
        _ if works => {
            let detail = format!("{name} is not in the token, yet the probe works");
            Step::proved("permissions", api, detail)
        }
        (_, PermissionType::Delegated) => {
            let detail = format!("{name} was not consented to");
            Step::refuted("permissions", api, detail).mend([
                mend.sign_in(),
                format!("{}   # consent by an administrator", mend.script()),
            ])
        }
        (kind, PermissionType::Application) => {
            let detail = format!("{name} is not granted");
            let step = Step::refuted("permissions", api, detail).mend(mend.grant_role(kind, name));
            match needed.api {
                PermissionApi::SharePoint => step.mend([
                    "it must be SharePoint's own permission: Graph's of the same name does not count here",
                ]),
                PermissionApi::Graph => step,
            }
        }
    }
}

/// How rights that open the whole tenant can be narrowed down.
fn narrower(account: &Account, resources: &[&Arc<Resource>], held: &[&str]) -> Vec<String> {
    let mend = Mend::of(account);
    let mut wide = Vec::new();
    let mut how = Vec::new();
    if let Some(right) = held.iter().find(|right| **right == "Sites.Read.All") {
        wide.push(*right);
        how.push(format!(
            "{right} opens every site of the tenant; Sites.Selected with the role read on each \
             configured one does"
        ));
    }
    if let Some(right) = held
        .iter()
        .find(|right| right.starts_with("Mail.ReadBasic"))
    {
        wide.push(*right);
        how.push(format!(
            "{right} opens every mailbox of the tenant, unless an access policy restricts it, \
             which cannot be seen from here; a role of Exchange on the configured ones does"
        ));
        let mailbox = resources.iter().find_map(|resource| match &resource.kind {
            Kind::ExchangeMailbox { user } => user.as_deref(),
            Kind::SharePointSite { .. } => None,
        });
        how.extend(mailbox.map(|mailbox| mend.test_policy(mailbox)));
    }
    if !how.is_empty() {
        how.push(format!("{}   # prints the narrow way", mend.script()));
        how.extend(wide.iter().map(|right| mend.take_away(right)));
    }
    how
}

/// True if a person's token for this site says `Sites.Selected` and nothing
/// that opens all sites.
pub(super) fn only_selected(site: &Resource, held: Option<&Held>) -> bool {
    const SELECTED: &str = "Sites.Selected";
    let Some(Ok(Some(rights))) = held else {
        return false;
    };
    let granted = rights.held(true).unwrap_or_default();
    let needed = needed_permissions(site);
    let opens = |right: &str| right != SELECTED && needed.iter().any(|one| one.is_met_by(right));
    granted.iter().any(|right| &**right == SELECTED) && !granted.iter().any(|right| opens(right))
}

/// The worst of some steps.
pub(super) fn worst(steps: &[Step]) -> Finding {
    let findings = steps.iter().map(|step| step.finding);
    findings.max().unwrap_or(Finding::Proved)
}
