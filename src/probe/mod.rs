//! One attempt to use a resource: what its kind asks, sent by `graph`, and the
//! report of it, with a sentence for people.
//!
//! Nothing of an answer's content is kept: a body is looked at and dropped.
//! The scheduler and the commands `probe`, `login` and `doctor` call this room.

mod batch;
mod message;
mod reference;
mod tenant;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::kinds::Resource;
use crate::model::{Account, Report, Story};

/// Says whether a request may still be sent.
pub type MayAsk = Arc<dyn Fn() -> bool + Send + Sync>;

pub use batch::{Batch, Permit, Watcher};
pub use reference::{REFERENCE_PATIENCE, ReferenceProber};
pub use tenant::{ServiceRefusal, TenantProber};

/// Makes one attempt to use a resource; what the scheduler knows of probing.
///
/// The future owns all it needs. Dropping it cuts the probe off. It ends by
/// itself: `timeout` bounds each request and, once more, the wait for a token, and
/// all of it ends before the next tick.
pub trait Prober: Send + Sync {
    /// Probes `resource` once, telling `story` what happens. `may_ask` is heard before
    /// the first request, when its token is there: that may have been long in coming,
    /// and a service may have asked for a wait meanwhile. `None` if it says no; then
    /// nothing was sent. Whoever waits for nothing need not ask. By `until` the probe
    /// ends.
    fn probe(
        &self,
        resource: Arc<Resource>,
        story: Story,
        may_ask: MayAsk,
        until: Instant,
    ) -> BoxFuture<'static, Option<Report>>;

    /// Asks the directory when the account's own credential ends. What is found
    /// goes where the account's tokens are kept; the report says how asking went.
    /// `None` from those who cannot ask, and where `may_ask` says no, as in
    /// [`Self::probe`].
    fn own_credential(
        &self,
        _account: Arc<Account>,
        _may_ask: MayAsk,
    ) -> BoxFuture<'static, Option<Report>> {
        Box::pin(std::future::ready(None))
    }

    /// True if the credential has changed since that was last found out.
    fn wants_own_credential(&self, _account: &Account) -> bool {
        false
    }
}
