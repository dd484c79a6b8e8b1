//! One file per kind: the request and the verdict.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::model::{Report, Resource, Story};

/// Makes one attempt to use a resource; what the scheduler knows of probing.
///
/// The future owns all it needs. Dropping it cuts the probe off. It ends by
/// itself: `timeout` bounds the request and, once more, the wait for a token.
pub trait Prober: Send + Sync {
    /// Probes `resource` once, telling `story` what happens.
    fn probe(&self, resource: Arc<Resource>, story: Story) -> BoxFuture<'static, Report>;
}
