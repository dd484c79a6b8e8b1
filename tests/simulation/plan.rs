//! What a seed decides before anything runs, and what it changes later.

use std::sync::Arc;
use std::time::Duration;

use super::chance::Chance;
use super::world::{Mood, Place};
use crate::fixtures;
use crate::kinds::{Configuration, Define as _, Kind, Mode, Presence, Resource, ServiceHealth};
use crate::model::Account;

const INTERVALS: [u64; 6] = [5, 15, 60, 60, 120, 600];

/// Some accounts, each with some resources.
pub(super) fn configuration(plan: &Chance) -> Configuration {
    let mut resources = Vec::new();
    for account in 0..plan.between(1, 3) {
        let account = Arc::new(account_of(plan, account));
        for _ in 0..plan.between(1, 5) {
            let name = format!("resource-{}", resources.len());
            resources.push(resource(plan, &name, &account));
        }
    }
    let mut configuration = fixtures::configuration(resources);
    configuration.limits.probes_in_flight = usize::try_from(plan.between(1, 8)).unwrap();
    configuration.limits.per_account = usize::try_from(plan.between(1, 4)).unwrap();
    configuration
}

fn account_of(plan: &Chance, number: u64) -> Account {
    let name = format!("account-{number}");
    let account = match plan.once_in(2) {
        true => fixtures::delegated(&name, "steve@contoso.com"),
        false => fixtures::account(&name),
    };
    Account {
        client_id: Some(format!("1111111{number}-2222-3333-4444-555555555555").into()),
        ..account
    }
}

fn resource(plan: &Chance, name: &str, account: &Arc<Account>) -> Resource {
    let person = account.person().is_some();
    let site = format!("https://contoso.sharepoint.com/sites/{name}");
    let kind = match plan.below(4) {
        0 if person => fixtures::mailbox_of(None),
        0 => fixtures::mailbox_of(Some("steve@contoso.com")),
        1 if person => Kind::from(Presence),
        1 => fixtures::example(ServiceHealth::INFO).kind,
        2 if person => fixtures::rest_site_at(&site),
        _ => fixtures::site_at(&site),
    };
    let interval = Duration::from_secs(*plan.pick(&INTERVALS));
    Resource {
        interval,
        timeout: plan.seconds(1, 10).min(interval),
        min_age: interval.mul_f64(0.9),
        mode: *plan.pick(&[Mode::Background, Mode::Background, Mode::OnScrape]),
        ..fixtures::resource(name, account, kind)
    }
}

/// A reload: one resource goes, comes or changes.
pub(super) fn change(configuration: &mut Configuration, plan: &Chance) {
    let mut resources: Vec<Resource> = configuration
        .resources
        .iter()
        .map(|resource| Resource::clone(resource))
        .collect();
    let at = usize::try_from(plan.below(resources.len() as u64)).unwrap();
    match plan.below(3) {
        0 if resources.len() > 1 => {
            resources.remove(at);
        }
        1 if resources.len() < 16 => {
            let name = format!("resource-{}", 100 + plan.below(1000));
            if resources.iter().all(|one| *one.name != *name) {
                let account = Arc::clone(&resources[at].account);
                resources.push(resource(plan, &name, &account));
            }
        }
        _ => {
            let interval = Duration::from_secs(*plan.pick(&INTERVALS));
            let one = &mut resources[at];
            one.interval = interval;
            one.timeout = one.timeout.min(interval);
        }
    }
    let limits = configuration.limits;
    *configuration = fixtures::configuration(resources);
    configuration.limits = limits;
}

/// How somebody answers from now on; more often well than not.
pub(super) fn mood(plan: &Chance, place: Place) -> Mood {
    if plan.once_in(2) {
        return Mood::Fine;
    }
    let wait = *plan.pick(&[1, 5, 30, 120, 600, 4000]);
    match plan.below(11) {
        0 => Mood::Slow(plan.between(500, 9000)),
        1 | 2 => Mood::Throttles(wait),
        3 => Mood::Sick(None),
        4 => Mood::Sick(Some(wait)),
        5 if place == Place::Entra => Mood::EndsSignIns,
        5 => Mood::Refuses(plan.once_in(2)),
        6 if place != Place::Entra => Mood::Forbids,
        7 if place != Place::Entra => Mood::KnowsNothing,
        8 => Mood::Unreachable,
        9 => Mood::NoName,
        10 => Mood::Html,
        _ => Mood::Hangs,
    }
}
