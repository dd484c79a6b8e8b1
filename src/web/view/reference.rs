//! What is said about one reference.

use serde::Serialize;

use super::Reader;
use crate::model::Timestamp;
use crate::state::{LastLook, State};

/// One reference as it stood at one moment.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ReferenceView {
    /// Its address, without a query.
    pub(in crate::web) reference: String,
    /// Whether it could be reached, while that is fresh.
    pub(in crate::web) up: Option<bool>,
    pub(in crate::web) last_look: Option<Timestamp>,
    /// Why it could not, in one sentence; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) detail: Option<String>,
}

impl ReferenceView {
    /// All of them, in the order of the configuration.
    pub(in crate::web) fn all(state: &State, reader: Reader) -> Vec<Self> {
        let now = state.clock().moment();
        let board = state.board();
        let slots = board.references.iter();
        slots
            .map(|slot| {
                let look = slot.fresh(now);
                let problem = look.as_ref().and_then(|look| look.problem.as_deref());
                Self {
                    reference: slot.reference().name.to_string(),
                    up: look.as_ref().map(LastLook::is_up),
                    last_look: slot.last().map(|look| look.at.civil),
                    detail: problem.and_then(|problem| reader.secluded(|| problem.to_owned())),
                }
            })
            .collect()
    }
}
