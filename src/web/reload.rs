//! `/-/reload`: asks whoever runs this server to read the configuration again.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::oneshot;

use super::app::App;
use super::local_access::may_act;
use super::reload_requests::Reloads;
use super::reply::plain;

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
