//! Every resource at a glance: enough to count, sort and filter ten thousand.

use std::sync::Arc;

use super::appearance::Appearance;
use crate::model::Reason;
use crate::state::{ResourceSlot, State};
use crate::web::view::up_state;

/// As much of a resource as is needed to sort it.
pub(super) struct Glance<'a> {
    pub(super) slot: &'a Arc<ResourceSlot>,
    pub(super) look: Appearance,
    pub(super) reason: Option<Reason>,
}

impl<'a> Glance<'a> {
    /// One of every resource, in the order of the configuration.
    pub(super) fn all(slots: &'a [Arc<ResourceSlot>], state: &State) -> Vec<Self> {
        let gates = state.closed_gates();
        let now = state.clock().moment();
        let windows = state.board().windows.clone();
        let glance = |slot: &'a Arc<ResourceSlot>| {
            let interval = slot.resource().interval;
            let is_held = gates.until(slot.gate_key()).is_some();
            let planned = windows.planned(&slot.resource().name, now.civil);
            slot.read(|record| {
                let reason = record.problem(interval, now, is_held);
                let up_state = up_state(record, interval, now);
                Self {
                    slot,
                    look: Appearance::of(
                        up_state,
                        reason,
                        record.last().is_some(),
                        !planned.is_empty(),
                    ),
                    reason,
                }
            })
        };
        slots.iter().map(glance).collect()
    }
}
