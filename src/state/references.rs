//! What is known of the references: the last look at each.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::window;
use crate::model::{Moment, Reference};

/// How often a reference is looked at.
pub const REFERENCE_INTERVAL: Duration = Duration::from_secs(60);

/// One reference of the current configuration.
#[derive(Debug)]
pub struct ReferenceSlot {
    reference: Arc<Reference>,
    last: Mutex<Option<LastLook>>,
}

/// What a look left.
#[derive(Debug, Clone)]
pub struct LastLook {
    /// When it ended.
    pub at: Moment,
    /// Why it could not be reached, in a sentence; `None` if it could.
    pub problem: Option<Box<str>>,
}

impl LastLook {
    /// True if it could be reached.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.problem.is_none()
    }
}

impl ReferenceSlot {
    /// The slots of these references; those that were there before keep theirs.
    pub(super) fn follow(before: &[Arc<Self>], references: &[Arc<Reference>]) -> Arc<[Arc<Self>]> {
        let slot = |reference: &Arc<Reference>| {
            let known = before.iter().find(|slot| *slot.reference == **reference);
            known.cloned().unwrap_or_else(|| {
                Arc::new(Self {
                    reference: reference.clone(),
                    last: Mutex::default(),
                })
            })
        };
        references.iter().map(slot).collect()
    }

    /// Which it is.
    #[must_use]
    pub const fn reference(&self) -> &Arc<Reference> {
        &self.reference
    }

    /// A look ended; a change is logged.
    pub fn looked(&self, result: Result<(), Box<str>>, at: Moment) {
        let look = LastLook {
            at,
            problem: result.err(),
        };
        let before = self.last.lock().replace(look.clone());
        let reference = &*self.reference.name;
        let detail = look.problem.as_deref();
        // The first is news only if it is bad news.
        if before.is_none_or(|before| before.is_up()) == look.is_up() {
            tracing::debug!(reference, up = look.is_up(), detail, "reference looked at");
        } else {
            tracing::info!(reference, up = look.is_up(), detail, "reference changed");
        }
    }

    /// The last look, however old.
    #[must_use]
    pub fn last(&self) -> Option<LastLook> {
        self.last.lock().clone()
    }

    /// The last look, while it speaks for the reference.
    #[must_use]
    pub fn fresh(&self, now: Moment) -> Option<LastLook> {
        let last = self.last.lock();
        let fresh = |look: &&LastLook| look.at.age_at(&now) <= window(REFERENCE_INTERVAL);
        last.as_ref().filter(fresh).cloned()
    }
}
