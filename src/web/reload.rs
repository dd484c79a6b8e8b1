//! `/-/reload`: asks whoever runs this server to read the configuration again.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;

use super::app::App;
use super::reply::{plain, refused};

/// The answer to POST and PUT.
pub(super) async fn reload(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(reloads) = &app.reloads else {
        return plain(
            StatusCode::FORBIDDEN,
            "reloading over HTTP is off; start with --web.enable-lifecycle, or send SIGHUP",
        );
    };
    let actor = match app.visitor(&parts).may_act() {
        Ok(actor) => actor,
        Err(refusal) => return refused(refusal),
    };
    tracing::info!(by = %actor, "asked to reload the configuration");
    match reloads.reload().await {
        Some(Ok(())) => plain(StatusCode::OK, "configuration reloaded"),
        Some(Err(complaints)) => plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!(
                "configuration not reloaded, the old one goes on\n{}",
                complaints.join("\n")
            ),
        ),
        None => plain(StatusCode::SERVICE_UNAVAILABLE, "m365mon is stopping"),
    }
}
