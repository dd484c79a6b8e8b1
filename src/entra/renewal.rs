//! What happens to tokens while nobody asks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::tokens::{INPUTS_PERIOD, Tokens};

/// How often it is looked whether something is due.
const PERIOD: Duration = Duration::from_secs(5);

impl Tokens {
    /// Starts the task that renews in time, once.
    pub(super) fn start_renewal(&self) {
        if self.renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let me = self.me.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PERIOD).await;
                let Some(shared) = me.upgrade() else { return };
                shared.renew_due().await;
            }
        });
    }

    /// Looks around, lets go what nobody asks for,
    /// renews what is due.
    async fn renew_due(&self) {
        self.check_storage();
        let accounts: Vec<_> = self.by_account.read().by_name.values().cloned().collect();
        for tokens in accounts {
            self.refresh_inputs(&tokens, INPUTS_PERIOD);
            self.save(&tokens).await;
            let clock = &self.client.clock;
            {
                let mut state = tokens.state.lock();
                state.by_audience.retain(|_, cached| !cached.is_idle(clock));
                let wanted = state.must_be_used(clock, &tokens.account);
                let due: Vec<_> = state
                    .by_audience
                    .iter()
                    .filter(|(_, cached)| cached.in_flight.is_none() && cached.is_due(clock))
                    .map(|(audience, _)| audience.clone())
                    .chain(wanted)
                    .filter(|audience| self.backoff_problem(&tokens, &state, audience).is_none())
                    .collect();
                for audience in due {
                    let pending = self.start_request(&tokens, &audience, None);
                    state.by_audience.entry(audience).or_default().in_flight = pending;
                }
            }
            self.publish(&tokens);
        }
        self.publish_storage();
    }
}
