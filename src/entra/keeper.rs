//! The keeper: what happens to tokens while nobody asks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::tokens::{LOOK, Tokens};

/// How often the keeper looks around by itself.
const ROUND: Duration = Duration::from_secs(5);

impl Tokens {
    /// Starts the task that renews in time, once.
    pub(super) fn keep(&self) {
        if self.keeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let me = self.me.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(ROUND).await;
                let Some(tokens) = me.upgrade() else { return };
                tokens.round().await;
            }
        });
    }

    /// One round of the keeper: looks around, lets go what nobody asks for,
    /// renews what is due.
    async fn round(&self) {
        let desks: Vec<_> = self.desks.read().by_name.values().cloned().collect();
        for desk in desks {
            self.look(&desk, LOOK);
            self.save(&desk).await;
            let clock = &self.wire.clock;
            {
                let mut notes = desk.notes.lock();
                notes.slots.retain(|_, slot| !slot.is_idle(clock));
                let wanted = notes.must_be_used(clock, &desk.account);
                let due: Vec<_> = notes
                    .slots
                    .iter()
                    .filter(|(_, slot)| slot.flight.is_none() && slot.is_due(clock))
                    .map(|(audience, _)| audience.clone())
                    .chain(wanted)
                    .filter(|audience| self.held_back(&desk, &notes, audience).is_none())
                    .collect();
                for audience in due {
                    let landing = self.take_off(&desk, &audience, None);
                    notes.slots.entry(audience).or_default().flight = landing;
                }
            }
            self.publish(&desk);
        }
    }
}
