//! What the configuration alone decides, made once per configuration: ready
//! blocks of labels, and which token each resource needs.

use std::collections::HashMap;
use std::sync::Arc;

use super::labels::append;
use crate::kinds::{Labels, Mode, Resource};
use crate::model::{Account, Audience};
use crate::state::{AccountSlot, Board, ResourceSlot};

/// The resources and accounts of one configuration, ready to be shown.
#[derive(Debug)]
pub(super) struct SeriesTable {
    pub(super) board: Arc<Board>,
    /// The resources whose home is `/metrics`.
    pub(super) rows: Box<[Row]>,
    pub(super) accounts: Box<[AccountRow]>,
    /// Different pairs of account and audience.
    pub(super) tokens: Box<[(usize, Option<Audience>)]>,
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
}

/// One account.
#[derive(Debug)]
pub(super) struct AccountRow {
    pub(super) slot: Arc<AccountSlot>,
    pub(super) labels: Box<str>,
}

impl SeriesTable {
    /// `shown` leaves out resources that are somebody else's to show.
    pub(super) fn new(board: Arc<Board>, shown: &dyn Fn(&Resource) -> bool) -> Self {
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
                Row {
                    slot: slot.clone(),
                    labels: resource_labels(resource),
                    token: *tokens.entry((account, resource.audience())).or_insert(next),
                }
            })
            .collect();
        let mut tokens: Vec<((usize, Option<Audience>), usize)> = tokens.into_iter().collect();
        tokens.sort_unstable_by_key(|(_, place)| *place);
        let mut process = String::new();
        append_all(&mut process, &board.labels);
        Self {
            rows,
            accounts,
            tokens: tokens.into_iter().map(|(token, _)| token).collect(),
            process: process.into(),
            board,
        }
    }
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

fn append_all(block: &mut String, labels: &Labels) {
    for (name, value) in labels.iter() {
        append(block, name, value);
    }
}
