//! Rights granted against rights needed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Held;
use super::finding::{DoctorStep, Finding};
use crate::kinds::{
    Api, Granting, Permission, PermissionType, Refused, Remedy, Resource, ServiceError, account_of,
};
use crate::model::{Account, Audience, NeededRights, Reason};
use crate::setup::Commands;

/// What an account holds beyond need; `None` where no token was had.
pub(super) fn excess(
    account: &Account,
    needed: &NeededRights,
    held: &BTreeMap<Audience, Held>,
) -> Option<DoctorStep> {
    let person = account.person().is_some();
    let (mut beyond, mut unread, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for (audience, held) in held {
        let Ok(rights) = held else { continue };
        match rights.as_ref().and_then(|rights| rights.held(person)) {
            Some(granted) => {
                read.push(audience.as_str());
                for name in needed.beyond(audience, granted) {
                    beyond.push((audience, name));
                }
            }
            None => unread.push(audience.as_str()),
        }
    }
    let commands = Commands::of(account);
    if !beyond.is_empty() {
        let shown: Vec<String> = beyond
            .iter()
            .map(|(audience, name)| format!("{name} of {audience}"))
            .collect();
        let detail = format!("granted beyond need: {}", shown.join(", "));
        let how = beyond.iter().map(|(_, name)| commands.take_away(name));
        return Some(DoctorStep::refuted("excess", "", detail).mend(how));
    }
    if !unread.is_empty() {
        let detail = format!("the token for {} cannot be read", unread.join(", "));
        return Some(DoctorStep::unseen("excess", "", detail));
    }
    (!read.is_empty()).then(|| {
        let detail = format!("nothing beyond need, by the token for {}", read.join(", "));
        DoctorStep::proved("excess", "", detail)
    })
}

/// Whether a right opens a whole tenant though a narrower one does; `None` where
/// no right could be read.
pub(super) fn tenant_wide(
    account: &Account,
    resources: &[&Arc<Resource>],
    held: &BTreeMap<Audience, Held>,
) -> Option<DoctorStep> {
    let person = account.person().is_some();
    let mut granted: Vec<(&Audience, &str)> = Vec::new();
    let mut read = Vec::new();
    for (audience, held) in held {
        let rights = held.as_ref().ok().and_then(Option::as_ref);
        if let Some(rights) = rights.and_then(|rights| rights.held(person)) {
            read.push(audience.as_str());
            granted.extend(rights.iter().map(|right| (audience, &**right)));
        }
    }
    let commands = Commands::of(account);
    let mut opening: Vec<&str> = Vec::new();
    let (mut says, mut tests) = (Vec::new(), Vec::new());
    // Until a right is found that nothing can restrict.
    let mut restricted = true;
    for permission in resources.iter().flat_map(|one| one.permissions()) {
        let Some(wide) = &permission.wide else {
            continue;
        };
        for name in permission.tenant_wide() {
            if !granted.contains(&(&permission.audience, name)) {
                continue;
            }
            tests.extend(wide.test.iter().flat_map(|test| commands.remedy(test)));
            restricted &= matches!(wide.test, Some(Remedy::TestPolicy(_)));
            if !opening.contains(&name) {
                opening.push(name);
                says.push(format!("{name} {}", wide.says));
            }
        }
    }
    if opening.is_empty() {
        let detail = "no right that was granted opens the whole tenant where a narrower one does";
        return (!read.is_empty()).then(|| DoctorStep::proved("tenant_wide", "", detail));
    }
    let mut known = BTreeSet::new();
    tests.retain(|test| known.insert(test.clone()));
    let detail = says.join("; ");
    let step = if restricted {
        DoctorStep::unseen("tenant_wide", "", detail)
    } else {
        DoctorStep::refuted("tenant_wide", "", detail)
    };
    let how = tests
        .into_iter()
        .chain([format!("{}   # prints the narrow way", commands.script())])
        .chain(opening.iter().map(|right| commands.take_away(right)));
    Some(step.mend(how))
}

/// Whether the token holds what one resource needs. `works`: the probe with
/// this very token succeeded, which proves what no claim can.
pub(super) fn permissions(
    resource: &Resource,
    held: Option<&Held>,
    works: bool,
) -> Vec<DoctorStep> {
    let permissions = resource.permissions();
    permissions
        .iter()
        .filter(|needed| account_of(resource, needed).name == resource.account.name)
        .map(|needed| one(resource, needed, held, works))
        .collect()
}

fn one(resource: &Resource, needed: &Permission, held: Option<&Held>, works: bool) -> DoctorStep {
    let api = &*needed.api.name;
    let Some(Ok(rights)) = held else {
        return DoctorStep::unseen("permissions", api, "there is no token to read them from");
    };
    let person = resource.account.person().is_some();
    let Some(granted) = rights.as_ref().and_then(|rights| rights.held(person)) else {
        return if works {
            let detail = "the token cannot be read, but the probe works";
            DoctorStep::proved("permissions", api, detail)
        } else {
            let detail = format!("the token cannot be read; needed is {}", needed.describe());
            DoctorStep::unseen("permissions", api, detail)
        };
    };
    let mut fitting = granted.iter().filter(|right| needed.is_met_by(right));
    match fitting.next() {
        Some(right) => DoctorStep::proved("permissions", api, format!("{right} is granted")),
        None => missing(resource, needed, works),
    }
}

/// None of the names that are known to do is in the token.
fn missing(resource: &Resource, needed: &Permission, works: bool) -> DoctorStep {
    let api = &*needed.api.name;
    let account = &resource.account;
    let commands = Commands::of(account);
    let name = &*needed.name;
    if let Granting::Elsewhere(stand_in) = needed.granting {
        let instead = &resource.kind.info().instead;
        if works {
            let detail = format!("{}, and the probe works: {}", instead.absent, instead.works);
            return DoctorStep::proved("permissions", api, detail);
        }
        let detail = format!("{}; {}", instead.absent, instead.fine);
        let refused = Refused {
            reason: Reason::Forbidden,
            error: &ServiceError::default(),
            step: "",
            held: None,
            lacking: false,
        };
        let advice = resource.kind.advise(account, &refused).unwrap_or_default();
        let tests = advice
            .remedies
            .into_iter()
            .filter(|remedy| !matches!(remedy, Remedy::TestPolicy(_)));
        let grants = resource.kind.grants(account).into_iter();
        let grants = grants.filter(|grant| stand_in.is_given_by(grant));
        let how = tests
            .filter(|remedy| !matches!(remedy, Remedy::Grant(_)))
            .chain(grants.map(Remedy::Grant))
            .flat_map(|remedy| commands.remedy(&remedy));
        return DoctorStep::unseen("permissions", api, detail).mend(how);
    }
    if works && !needed.silent {
        let detail = format!("{name} is not in the token, yet the probe works");
        return DoctorStep::proved("permissions", api, detail);
    }
    let all_the_same = if works {
        "; the service answers all the same, and leaves out what was asked for"
    } else {
        ""
    };
    match needed.held {
        PermissionType::Delegated => {
            let detail = format!("{name} was not consented to{all_the_same}");
            DoctorStep::refuted("permissions", api, detail).mend([
                commands.sign_in(),
                format!("{}   # consent by an administrator", commands.script()),
            ])
        }
        PermissionType::Application => {
            let detail = format!("{name} is not granted{all_the_same}");
            let step = DoctorStep::refuted("permissions", api, detail)
                .mend(commands.grant_role(&needed.api, name));
            if needed.api == Api::SHAREPOINT {
                step.mend([
                    "it must be SharePoint's own permission: Graph's of the same name does not count here",
                ])
            } else {
                step
            }
        }
    }
}

/// The worst of some steps.
pub(super) fn worst(steps: &[DoctorStep]) -> Finding {
    let findings = steps.iter().map(|step| step.finding);
    findings.max().unwrap_or(Finding::Proved)
}
