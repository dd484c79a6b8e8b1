//! What every grant needs to talk to Entra: the way there, time and chance.

use std::sync::Arc;

use super::answer::{Granted, read};
use super::classify::TokenRefusal;
use super::endpoint::{Content, Endpoint, EndpointAnswer, EndpointRequest};
use super::forms::TokenForm;
use crate::model::{Clock, Random};

/// The way to Entra. Cheap to clone.
#[derive(Clone)]
pub(super) struct TokenEndpointClient {
    pub(super) endpoint: Arc<dyn Endpoint>,
    pub(super) clock: Clock,
    pub(super) random: Arc<dyn Random>,
}

impl TokenEndpointClient {
    /// Sends a form and takes whatever comes back. Microsoft's token service
    /// is told that its `Retry-After` is honoured.
    pub(super) async fn post(&self, form: TokenForm) -> Result<EndpointAnswer, TokenRefusal> {
        let host = form.url.host_str().unwrap_or_default().to_owned();
        let header = |name, value: &str| {
            (
                http::HeaderName::from_static(name),
                crate::model::Secret::new(value.to_owned()),
            )
        };
        let request = EndpointRequest {
            url: form.url,
            content: Content::Form(form.fields),
            headers: vec![
                header("accept", "application/json"),
                header("client-request-id", &self.random.uuid()),
                header("x-ms-lib-capability", "retry-after, h429"),
            ],
            proxy: form.proxy,
        };
        self.endpoint
            .send(request)
            .await
            .map_err(|no_answer| TokenRefusal::own(no_answer.problem(&host)))
    }

    /// Sends a form and expects a token. `person` tells whether somebody
    /// could sign in for this account.
    pub(super) async fn ask(&self, form: TokenForm, person: bool) -> Result<Granted, TokenRefusal> {
        let answer = self.post(form).await?;
        read(&answer, person, self.clock.now())
    }
}

/// Runs what blocks on the disk away from the asynchronous threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TokenRefusal> {
    #[cfg(test)]
    if let Some(wait) = crate::simulation::disk::wait() {
        tokio::time::sleep(wait).await;
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| TokenRefusal::internal("a background task failed"))
}
