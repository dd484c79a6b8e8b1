//! What went wrong, for whom it concerns: a line of text for programs and at a
//! terminal, a page with a way on in a browser.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::app::App;
use super::pages::{self, Html};

/// The text of a plain answer, beside it for whoever makes a page of it.
#[derive(Debug, Clone)]
pub(super) struct Said(pub(super) String);

/// Marks an answer to somebody who was not let in: it shows nothing of what is
/// inside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outside;

/// Whether a person with a browser asks: browsers name HTML, programs do not.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let mut accepts = headers.get_all(header::ACCEPT).iter();
    accepts.any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.to_ascii_lowercase().contains("text/html"))
    })
}

/// Makes a page of a plain complaint. Status and headers stay.
pub(super) fn as_page(app: &App, parts: &Parts, mut response: Response) -> Response {
    let status = response.status();
    let Some(Said(text)) = response.extensions_mut().remove() else {
        return response;
    };
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let page = if response.extensions().get::<Outside>().is_some() {
        pages::closed(status, text.trim())
    } else {
        let way = way_on(app, status);
        pages::error(&app.frame(parts), status, text.trim(), way.as_deref())
    };
    for (name, value) in Html::headers() {
        response.headers_mut().insert(name, value);
    }
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(page.into_text());
    response
}

/// Where a request belongs that asked for a name which is not ours.
fn way_on(app: &App, status: StatusCode) -> Option<String> {
    let url = app.settings.external_url.as_ref()?;
    (status == StatusCode::MISDIRECTED_REQUEST)
        .then(|| format!("{}://{}{}/", url.scheme(), url.host(), url.prefix()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_programs() {
        for (accept, page) in [
            (None, false),
            (Some("*/*"), false),
            (Some("text/plain;version=0.0.4"), false),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), true),
            (Some("Text/HTML"), true),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(wants_page(&headers), page, "{accept:?}");
        }
    }
}
