//! Where Graph redirects to for the content of a file: an address that is a key
//! by itself, works once and is refused with a token beside it (RECORDED
//! section 3).

use axum::body::Body;
use http::{Response, StatusCode, header};

use crate::Tenant;
use crate::incoming::{Bearer, IncomingRequest};
use crate::response::set;

/// True for an address of this kind.
pub(super) fn is_it(path: &str) -> bool {
    path.to_ascii_lowercase()
        .ends_with("/_layouts/15/download.aspx")
}

fn page(status: StatusCode) -> Response<Body> {
    const PAGE: &str = "<html><head><title>Error</title></head><body>Access denied</body></html>";
    let mut answer = Response::new(Body::from(PAGE));
    *answer.status_mut() = status;
    set(
        &mut answer,
        header::CONTENT_TYPE,
        "text/html; charset=utf-8",
    );
    answer
}

/// Answers one request.
pub(super) fn answer(tenant: &Tenant, incoming: &IncomingRequest) -> Response<Body> {
    if !matches!(incoming.bearer, Bearer::Missing) {
        return page(StatusCode::UNAUTHORIZED);
    }
    let key = incoming.query.iter().find_map(|(name, value)| {
        let key = value.strip_prefix("v1.")?;
        (name == "tempauth").then_some(key)
    });
    let now = tenant.clock.now();
    let content = key.and_then(|key| tenant.files.follow(key, now));
    let Some(content) = content else {
        return page(StatusCode::UNAUTHORIZED);
    };
    let content = if tenant.files.rules().spoiled {
        content.iter().rev().copied().collect()
    } else {
        content
    };
    let mut answer = Response::new(Body::from(content));
    set(
        &mut answer,
        header::CONTENT_TYPE,
        "application/octet-stream",
    );
    set(&mut answer, header::CACHE_CONTROL, "private");
    answer
}
