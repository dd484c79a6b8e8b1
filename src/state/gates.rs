//! Which gates are closed, and until when. The scheduler owns the gates; this
//! is what it tells the outside about them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::model::{GateKey, Timestamp};

/// The gates that were closed and not yet opened.
#[derive(Debug, Default)]
pub(super) struct GateTable(Mutex<HashMap<Arc<GateKey>, Timestamp>>);

impl GateTable {
    pub(super) fn close(&self, key: &GateKey, until: Timestamp, now: Timestamp) {
        let mut gates = self.0.lock();
        // Keys come from the configuration; those of removed resources go here.
        gates.retain(|_, until| *until > now);
        if !gates.contains_key(key) {
            // Without its subject, which may be a person.
            tracing::warn!(
                service = key.service.as_str(),
                tenant = &*key.tenant,
                client_id = &*key.client_id,
                until = %format_args!("{until:.0}"),
                "throttled: nothing more is asked until then"
            );
        }
        gates.insert(Arc::new(key.clone()), until);
    }

    pub(super) fn open(&self, key: &GateKey) {
        self.0.lock().remove(key);
    }

    pub(super) fn closed(&self, now: Timestamp) -> ClosedGates {
        let gates = self.0.lock();
        ClosedGates(
            gates
                .iter()
                .filter(|(_, until)| **until > now)
                .map(|(key, until)| (key.clone(), *until))
                .collect(),
        )
    }
}

/// The gates that were closed at one moment. Usually empty.
#[derive(Debug, Default)]
pub struct ClosedGates(HashMap<Arc<GateKey>, Timestamp>);

impl ClosedGates {
    /// Until when this gate is closed, if it is.
    #[must_use]
    pub fn until(&self, key: &GateKey) -> Option<Timestamp> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(key).copied()
    }

    /// True if all gates are open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
