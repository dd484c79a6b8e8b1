//! Asks whoever runs this server to read the configuration again.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::Instant;

/// What came of a reload: nothing, or every complaint. Complaints hold no
/// secret.
pub type Reloaded = Result<(), Vec<String>>;

/// Asks for reloads, one at a time.
#[derive(Debug, Clone)]
pub struct Reloads {
    ask: mpsc::Sender<oneshot::Sender<Reloaded>>,
    /// When the last one began, and what came of it.
    last: Arc<Mutex<Option<(Instant, Reloaded)>>>,
}

/// Who is asked: each message is to be answered.
pub type ReloadRequests = mpsc::Receiver<oneshot::Sender<Reloaded>>;

/// The two ends.
#[must_use]
pub fn reloads() -> (Reloads, ReloadRequests) {
    let (ask, asked) = mpsc::channel(1);
    let last = Arc::default();
    (Reloads { ask, last }, asked)
}

impl Reloads {
    /// Reloads, and tells what came of it; `None` when the process is stopping.
    /// However many ask while one runs, they share the next one.
    pub(super) async fn reload(&self) -> Option<Reloaded> {
        let came = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((began, reloaded)) = &*last
            && *began > came
        {
            return Some(reloaded.clone());
        }
        let began = Instant::now();
        let (answer, answered) = oneshot::channel();
        self.ask.send(answer).await.ok()?;
        let reloaded = answered.await.ok()?;
        *last = Some((began, reloaded.clone()));
        Some(reloaded)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_crowd_shares_the_next_one() {
        let (reloads, mut asked) = reloads();
        let reader = tokio::spawn(async move {
            let mut read = 0;
            while let Some(answer) = asked.recv().await {
                read += 1;
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                _ = answer.send(Err(vec![read.to_string()]));
            }
            read
        });
        let first = tokio::spawn({
            let reloads = reloads.clone();
            async move { reloads.reload().await }
        });
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let crowd = join_all((0..100).map(|_| reloads.reload())).await;
        assert!(crowd.iter().all(|one| *one == Some(Err(vec!["2".into()]))));
        assert_eq!(first.await.unwrap(), Some(Err(vec!["1".into()])));
        drop(reloads);
        assert_eq!(reader.await.unwrap(), 2);
    }
}
