//! What the configuration alone decides, made once per configuration: ready
//! blocks of labels, and which token each resource needs.

use std::collections::HashMap;
use std::sync::Arc;

use super::labels::append;
use super::planned::{self, WindowLabels};
use crate::kinds::{Labels, Mode, Resource};
use crate::model::{Account, Audience, Reference};
use crate::state::{AccountSlot, Board, ReferenceSlot, ResourceSlot};

/// The resources and accounts of one configuration, ready to be shown.
#[derive(Debug)]
pub(super) struct SeriesTable {
    pub(super) board: Arc<Board>,
    /// The resources whose home is `/metrics`.
    pub(super) rows: Box<[Row]>,
    pub(super) accounts: Box<[AccountRow]>,
    /// Different pairs of account and audience.
    pub(super) tokens: Box<[(usize, Option<Audience>)]>,
    /// Different labels of `m365_resource_info`.
    infos: Box<[Box<str>]>,
    pub(super) window_labels: WindowLabels,
    pub(super) references: Box<[ReferenceRow]>,
    /// Labels of the process.
    pub(super) process: Box<str>,
}

/// One resource.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) slot: Arc<ResourceSlot>,
    pub(super) labels: Box<str>,
    /// Place in [`SeriesTable::tokens`].
    pub(super) token: usize,
    /// Place in [`SeriesTable::infos`].
    info: usize,
    /// Places of the windows that are about it.
    pub(super) windows: Box<[u16]>,
}

/// One account.
#[derive(Debug)]
pub(super) struct AccountRow {
    pub(super) slot: Arc<AccountSlot>,
    pub(super) labels: Box<str>,
}

/// One reference.
#[derive(Debug)]
pub(super) struct ReferenceRow {
    pub(super) slot: Arc<ReferenceSlot>,
    pub(super) labels: Box<str>,
}

impl SeriesTable {
    /// `shown` leaves out resources that are somebody else's to show, `proxied`
    /// tells whose requests go through a proxy.
    pub(super) fn new(
        board: Arc<Board>,
        shown: &dyn Fn(&Resource) -> bool,
        proxied: &dyn Fn(&Resource) -> bool,
    ) -> Self {
        let accounts: Box<[AccountRow]> = board
            .accounts
            .iter()
            .map(|slot| AccountRow {
                slot: slot.clone(),
                labels: account_labels(slot.account(), &board.labels),
            })
            .collect();
        let places: HashMap<&str, usize> = (board.accounts.iter())
            .map(|slot| &*slot.account().name)
            .zip(0..)
            .collect();
        let mut tokens: HashMap<(usize, Option<Audience>), usize> = HashMap::new();
        let mut infos: HashMap<Box<str>, usize> = HashMap::new();
        let rows = board
            .slots
            .iter()
            .filter(|slot| slot.resource().mode != Mode::OnProbe && shown(slot.resource()))
            .map(|slot| {
                let resource = slot.resource();
                // An account that is not on the board has a place beyond it.
                let account = places
                    .get(&*resource.account.name)
                    .copied()
                    .unwrap_or(usize::MAX);
                let next = tokens.len();
                let next_info = infos.len();
                let info = info_labels(resource, proxied(resource));
                Row {
                    info: *infos.entry(info).or_insert(next_info),
                    slot: slot.clone(),
                    labels: resource_labels(resource),
                    token: *tokens.entry((account, resource.audience())).or_insert(next),
                    windows: board.windows.places(&resource.name).into(),
                }
            })
            .collect();
        let mut process = String::new();
        append_all(&mut process, &board.labels);
        Self {
            rows,
            accounts,
            tokens: by_place(tokens),
            infos: by_place(infos),
            window_labels: planned::labels(&board.windows),
            references: board
                .references
                .iter()
                .map(|slot| ReferenceRow {
                    slot: slot.clone(),
                    labels: reference_labels(slot.reference(), &board.labels),
                })
                .collect(),
            process: process.into(),
            board,
        }
    }

    /// The labels of `m365_resource_info` beside those of every series.
    pub(super) fn info(&self, row: &Row) -> &str {
        self.infos.get(row.info).map_or("", |info| info)
    }
}

/// The keys in the order of their places.
fn by_place<T>(places: HashMap<T, usize>) -> Box<[T]> {
    let mut all: Vec<(T, usize)> = places.into_iter().collect();
    all.sort_unstable_by_key(|(_, place)| *place);
    all.into_iter().map(|(key, _)| key).collect()
}

/// What `m365_resource_info` says beside the labels of every series.
pub(super) fn info_labels(resource: &Resource, proxied: bool) -> Box<str> {
    let mut block = String::new();
    append(&mut block, "mode", resource.mode.as_str());
    append(&mut block, "connection", resource.connection.as_str());
    append(&mut block, "via", if proxied { "proxy" } else { "direct" });
    append(&mut block, "host", &resource.kind.host(&resource.account));
    append(&mut block, "service", resource.kind.microsoft_service());
    append(&mut block, "impact", resource.impact.as_str());
    block.into()
}

/// The labels of every series of a resource.
pub(super) fn resource_labels(resource: &Resource) -> Box<str> {
    let mut block = String::new();
    append(&mut block, "resource", &resource.name);
    append(&mut block, "kind", resource.kind.as_str());
    append(&mut block, "account", &resource.account.name);
    append_all(&mut block, &resource.labels);
    block.into()
}

fn account_labels(account: &Account, process: &Labels) -> Box<str> {
    let mut block = String::new();
    append(&mut block, "account", &account.name);
    append_all(&mut block, process);
    block.into()
}

fn reference_labels(reference: &Reference, process: &Labels) -> Box<str> {
    let mut block = String::new();
    append(&mut block, "reference", &reference.name);
    append_all(&mut block, process);
    block.into()
}

fn append_all(block: &mut String, labels: &Labels) {
    for (name, value) in labels.iter() {
        append(block, name, value);
    }
}
