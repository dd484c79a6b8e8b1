//! Asks whoever runs this server to read the configuration again.

use tokio::sync::{mpsc, oneshot};

/// What came of a reload: nothing, or every complaint. Complaints hold no
/// secret.
pub type Reloaded = Result<(), Vec<String>>;

/// Asks for reloads, one at a time.
#[derive(Debug, Clone)]
pub struct Reloads(pub(super) mpsc::Sender<oneshot::Sender<Reloaded>>);

/// Who is asked: each message is to be answered.
pub type ReloadRequests = mpsc::Receiver<oneshot::Sender<Reloaded>>;

/// The two ends.
#[must_use]
pub fn reloads() -> (Reloads, ReloadRequests) {
    let (ask, asked) = mpsc::channel(1);
    (Reloads(ask), asked)
}
