//! For supervisors.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;

use super::app::App;
use super::reply::plain;

/// `/-/healthy`: false once the scheduler is dead.
pub(super) async fn healthy(Shared(app): Shared<Arc<App>>) -> Response {
    if app.scheduler.healthy() {
        plain(StatusCode::OK, "m365mon is healthy")
    } else {
        plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "m365mon is not healthy: its scheduler has stopped",
        )
    }
}

/// `/-/ready`: true once the first schedule is built.
pub(super) async fn ready(Shared(app): Shared<Arc<App>>) -> Response {
    if app.is_ready() {
        plain(StatusCode::OK, "m365mon is ready")
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, "m365mon is not ready yet")
    }
}
