//! Reloads that are asked for over HTTP, again and again: at most one in a while
//! where nothing has changed, and the rest get the answer of the last one, which
//! is as true as it was. What has changed is never put off.

use std::time::Duration;

use tokio::time::Instant;

use super::watch::Inputs;
use crate::web::Reloaded;

/// Between two reloads of the same files.
const LEAST: Duration = Duration::from_secs(5);

/// What the files hold now; `None` where a disk does not say in time.
pub(crate) async fn seen(look: impl FnOnce() -> Inputs + Send + 'static) -> Option<Inputs> {
    let read = tokio::time::timeout(LEAST, tokio::task::spawn_blocking(look));
    read.await.ok()?.ok()
}

/// What came of a reload.
pub(crate) struct LastReload {
    began: Instant,
    /// What the files held before it began; `None` if they could not be read.
    inputs: Option<Inputs>,
    said: Reloaded,
}

impl LastReload {
    /// Of a reload that began then.
    pub(crate) const fn new(began: Instant, inputs: Option<Inputs>, said: Reloaded) -> Self {
        Self {
            began,
            inputs,
            said,
        }
    }

    /// What it said, for whoever asks now, with these files.
    pub(crate) fn answer(&self, inputs: Option<&Inputs>) -> Option<Reloaded> {
        let same = inputs.is_some() && self.inputs.as_ref() == inputs;
        (same && self.began.elapsed() < LEAST).then(|| self.said.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_same_files_within_five_seconds() {
        let (one, other): (Inputs, Inputs) = ([Some([1; 32]); 3], [Some([2; 32]); 3]);
        let said = Err(vec!["m365mon.yml:1:1: no".to_owned()]);
        let last = LastReload::new(Instant::now(), Some(one), said.clone());
        assert_eq!(last.answer(Some(&one)), Some(said));
        assert_eq!(last.answer(Some(&other)), None);
        assert_eq!(last.answer(None), None);
        let hung = LastReload::new(Instant::now(), None, Ok(()));
        assert_eq!(hung.answer(None), None);
        tokio::time::advance(LEAST).await;
        assert_eq!(last.answer(Some(&one)), None);
    }
}
