//! When references are looked at: all of them, every minute, and at once when
//! there are others. They hold nothing back and change no outcome.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::probe::ReferenceProber;
use crate::state::{REFERENCE_INTERVAL, ReferenceSlot, State};

/// No look takes longer, whatever the prober does.
const LONGEST: Duration = Duration::from_secs(10);

/// Looks at the references of the state's board until it is stopped.
pub struct References {
    prober: Arc<dyn ReferenceProber>,
    state: Arc<State>,
    changed: Notify,
    stop: CancellationToken,
}

impl std::fmt::Debug for References {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("References")
    }
}

impl References {
    /// Looks at nothing before [`Self::run`].
    #[must_use]
    pub fn new(prober: Arc<dyn ReferenceProber>, state: Arc<State>) -> Arc<Self> {
        Arc::new(Self {
            prober,
            state,
            changed: Notify::new(),
            stop: CancellationToken::new(),
        })
    }

    /// The board has other references: those that nobody looked at yet are
    /// looked at now.
    pub fn configured(&self) {
        self.changed.notify_one();
    }

    /// To be spawned once; ends with [`Self::shutdown`].
    pub async fn run(self: Arc<Self>) {
        let mut ticks = interval(REFERENCE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let slots = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => self.of_board(|_| true),
                () = self.changed.notified() => self.of_board(|slot| slot.last().is_none()),
            };
            let looks = slots.iter().map(|slot| self.look(slot));
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = join_all(looks) => {}
            }
        }
    }

    fn of_board(&self, wanted: impl Fn(&ReferenceSlot) -> bool) -> Vec<Arc<ReferenceSlot>> {
        let board = self.state.board();
        let slots = board.references.iter();
        slots.filter(|slot| wanted(slot)).cloned().collect()
    }

    async fn look(&self, slot: &ReferenceSlot) {
        let prober = Arc::clone(&self.prober);
        let reference = Arc::clone(slot.reference());
        let look = async move { prober.look(reference).await };
        let look = AssertUnwindSafe(look).catch_unwind();
        // Neither is anything that we know of the reference.
        match tokio::time::timeout_at(Instant::now() + LONGEST, look).await {
            Ok(Ok(result)) => slot.looked(result, self.state.clock().moment()),
            Ok(Err(_)) | Err(_) => {
                tracing::error!(reference = &*slot.reference().name, "a look did not end");
            }
        }
    }

    /// Ends it; a look under way is cut off and tells nothing.
    pub fn shutdown(&self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use futures_util::future::BoxFuture;
    use parking_lot::Mutex;
    use tokio::time::advance;

    use super::*;
    use crate::fixtures;
    use crate::kinds::Configuration;
    use crate::model::{Clock, Reference, Timestamp};

    /// What each look finds; what is not named hangs.
    #[derive(Default)]
    struct ScriptedReferences {
        found: Mutex<HashMap<&'static str, Result<(), &'static str>>>,
        looks: Mutex<Vec<String>>,
    }

    impl ReferenceProber for ScriptedReferences {
        fn look(&self, reference: Arc<Reference>) -> BoxFuture<'static, Result<(), Box<str>>> {
            self.looks.lock().push(reference.name.to_string());
            let found = self.found.lock().get(&*reference.name).copied();
            Box::pin(async move {
                match found {
                    Some(found) => found.map_err(Into::into),
                    None => std::future::pending().await,
                }
            })
        }
    }

    const A: &str = "https://a.contoso.com";
    const B: &str = "tcp://b.contoso.com:25";

    fn configured(names: &[&str]) -> Configuration {
        let references = names.iter().map(|name| Reference::parse(name).unwrap());
        Configuration {
            references: references.map(Arc::new).collect(),
            ..fixtures::configuration(Vec::new())
        }
    }

    async fn turn() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_minute_and_at_once_when_there_are_others() {
        let state = State::new(Clock::following_tokio(Timestamp::UNIX_EPOCH), 1);
        let script = Arc::new(ScriptedReferences::default());
        script
            .found
            .lock()
            .extend([(A, Ok(())), (B, Err("refused"))]);
        let references = References::new(script.clone(), state.clone());
        state.configure(&configured(&[A]));
        references.configured();
        let running = tokio::spawn(references.clone().run());
        let looked = || std::mem::take(&mut *script.looks.lock());
        let up = |name: &str| {
            let board = state.board();
            let mut slots = board.references.iter();
            let slot = slots.find(|slot| &*slot.reference().name == name)?;
            Some(slot.fresh(state.clock().moment())?.is_up())
        };
        turn().await;
        assert_eq!((looked(), up(A)), (vec![A.to_owned()], Some(true)));
        advance(Duration::from_secs(59)).await;
        turn().await;
        assert!(looked().is_empty());
        advance(Duration::from_secs(1)).await;
        turn().await;
        assert_eq!(looked(), [A]);

        // One more: only that is looked at now, and the other keeps what is known.
        state.configure(&configured(&[A, B]));
        references.configured();
        turn().await;
        assert_eq!(looked(), [B]);
        assert_eq!((up(A), up(B)), (Some(true), Some(false)));
        script.found.lock().insert(A, Err("timed out"));
        advance(Duration::from_secs(60)).await;
        turn().await;
        assert_eq!(looked(), [A, B]);
        assert_eq!((up(A), up(B)), (Some(false), Some(false)));

        // A look that hangs is given up and says nothing; what is old is absent.
        script.found.lock().clear();
        for _ in 0..60 {
            advance(Duration::from_secs(10)).await;
            turn().await;
        }
        assert!(looked().len() >= 10);
        assert_eq!((up(A), up(B)), (None, None));
        script.found.lock().insert(A, Ok(()));
        for _ in 0..7 {
            advance(Duration::from_secs(10)).await;
            turn().await;
        }
        assert_eq!(up(A), Some(true));

        state.configure(&configured(&[B]));
        assert_eq!((up(A), state.board().references.len()), (None, 1));
        references.shutdown();
        running.await.unwrap();
    }
}
