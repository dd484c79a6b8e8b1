//! One look at a reference.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::http::ProbeClient;
use crate::model::Reference;

/// How long a look may take.
pub const REFERENCE_PATIENCE: Duration = Duration::from_secs(3);

/// Looks at references; what the scheduler knows of it.
pub trait ReferenceProber: Send + Sync {
    /// Looks once: nothing if it can be reached, else why not, in a sentence.
    /// Ends by itself.
    fn look(&self, reference: Arc<Reference>) -> BoxFuture<'static, Result<(), Box<str>>>;
}

impl ReferenceProber for ProbeClient {
    fn look(&self, reference: Arc<Reference>) -> BoxFuture<'static, Result<(), Box<str>>> {
        let client = self.clone();
        Box::pin(async move {
            let reached = client.reach(&reference.target, REFERENCE_PATIENCE).await;
            reached.map_err(|failure| failure.to_string().into())
        })
    }
}
