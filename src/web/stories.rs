//! The last story of each resource. Telling one costs Microsoft a request, so
//! that each resource is probed for it at most once in a while; whoever asks
//! meanwhile gets the last story.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::model::Report;

/// Between two probes of one resource for the sake of a story.
const LEAST: Duration = Duration::from_secs(5);

/// What was told of one probe.
#[derive(Debug, Default)]
pub(super) struct ToldStory {
    /// Step by step.
    pub(super) lines: Vec<String>,
    /// Nothing where nothing was sent, or the probe was cut off.
    pub(super) report: Option<Report>,
    /// What a scrape would show.
    pub(super) scrape: String,
}

/// A story, and when its probe began.
#[derive(Clone)]
struct Told {
    began: Instant,
    story: Arc<ToldStory>,
}

type Slot = Arc<Mutex<Option<Told>>>;

/// The last stories.
#[derive(Default)]
pub(super) struct Stories(parking_lot::Mutex<HashMap<String, Slot>>);

impl Stories {
    /// The story of a resource: what `tell` finds out, or the last one with its
    /// age where that is young. Only names that `exists` are kept.
    pub(super) async fn of(
        &self,
        name: &str,
        exists: impl Fn(&str) -> bool,
        tell: impl AsyncFnOnce() -> ToldStory,
    ) -> (Arc<ToldStory>, Option<Duration>) {
        let slot = {
            let mut slots = self.0.lock();
            slots.retain(|name, _| exists(name));
            Arc::clone(slots.entry(name.to_owned()).or_default())
        };
        // Whoever comes while one is told waits for it.
        let mut last = slot.lock().await;
        if let Some(told) = last.as_ref()
            && told.began.elapsed() < LEAST
        {
            return (Arc::clone(&told.story), Some(told.began.elapsed()));
        }
        let began = Instant::now();
        let story = Arc::new(tell().await);
        *last = Some(Told {
            began,
            story: Arc::clone(&story),
        });
        (story, None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_in_five_seconds_and_the_rest_get_the_last() {
        let (stories, probes) = (Stories::default(), AtomicUsize::new(0));
        let ask = async |name: &str| {
            let tell = async || {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let number = probes.fetch_add(1, Ordering::SeqCst);
                ToldStory {
                    lines: vec![number.to_string()],
                    ..ToldStory::default()
                }
            };
            stories.of(name, |name| name != "gone", tell).await
        };
        let all = join_all((0..100).map(|_| ask("a"))).await;
        assert!(all.iter().all(|(story, _)| story.lines == ["0"]));
        assert_eq!(probes.load(Ordering::SeqCst), 1);
        ask("gone").await;
        ask("b").await;
        assert_eq!(probes.load(Ordering::SeqCst), 3, "each for itself");
        assert_eq!(stories.0.lock().len(), 2);
        tokio::time::advance(LEAST).await;
        assert_eq!(ask("a").await.0.lines, ["3"]);
    }
}
