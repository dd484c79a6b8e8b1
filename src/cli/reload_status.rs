//! Whether the files that an exporter runs on are taken over as they are on the
//! disk.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::state::State;

/// What came of the last look at each file; one metric speaks for both.
pub(super) struct ReloadStatus {
    state: Arc<State>,
    applied: Mutex<AppliedFiles>,
}

/// Which files run as they are on the disk.
pub(super) struct AppliedFiles {
    pub(super) configuration: bool,
    pub(super) web: bool,
}

impl AppliedFiles {
    pub(super) const ALL: Self = Self {
        configuration: true,
        web: true,
    };
}

impl ReloadStatus {
    /// All files run as they were at the start.
    pub(super) fn new(state: Arc<State>) -> Self {
        Self {
            state,
            applied: Mutex::new(AppliedFiles::ALL),
        }
    }

    /// Tells the state what `note` says of the files.
    pub(super) fn note(&self, note: impl FnOnce(&mut AppliedFiles)) {
        let mut applied = self.applied.lock();
        note(&mut applied);
        let state = &self.state;
        state
            .process()
            .reloaded(applied.configuration && applied.web, state.clock().now());
    }
}
