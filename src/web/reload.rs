//! `/-/reload`: asks whoever runs this server to read the configuration again.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::{mpsc, oneshot};

use super::app::{App, plain};
use super::local_access::may_act;

/// What came of a reload: nothing, or every complaint. Complaints hold no
/// secret.
pub type Reloaded = Result<(), Vec<String>>;

/// Asks for reloads, one at a time.
#[derive(Debug, Clone)]
pub struct Reloads(mpsc::Sender<oneshot::Sender<Reloaded>>);

/// Who is asked: each message is to be answered.
pub type ReloadRequests = mpsc::Receiver<oneshot::Sender<Reloaded>>;

/// The two ends.
#[must_use]
pub fn reloads() -> (Reloads, ReloadRequests) {
    let (ask, asked) = mpsc::channel(1);
    (Reloads(ask), asked)
}

/// The answer to POST and PUT.
pub(super) async fn reload(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(Reloads(ask)) = &app.reloads else {
        return plain(
            StatusCode::FORBIDDEN,
            "reloading over HTTP is off; start with --web.enable-lifecycle, or send SIGHUP",
        );
    };
    if let Err(refusal) = may_act(&parts, app.settings.external_url.as_ref()) {
        return plain(refusal.status(), refusal.to_string());
    }
    let (answer, answered) = oneshot::channel();
    if ask.send(answer).await.is_err() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "m365mon is stopping");
    }
    match answered.await {
        Ok(Ok(())) => plain(StatusCode::OK, "configuration reloaded"),
        Ok(Err(complaints)) => plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!(
                "configuration not reloaded, the old one goes on\n{}",
                complaints.join("\n")
            ),
        ),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "m365mon is stopping"),
    }
}
