//! What went wrong, with a way on.

use askama::Template;
use axum::http::StatusCode;

use super::frame::{Frame, Head};
use super::html::Html;

#[derive(Template)]
#[template(path = "error.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    head: Head,
    status: u16,
    text: &'a str,
    /// The address that answers.
    way: Option<&'a str>,
    wants_operator: bool,
}

/// A complaint to somebody who was let in.
pub(in crate::web) fn error(
    frame: &Frame<'_>,
    status: StatusCode,
    text: &str,
    way: Option<&str>,
) -> Html {
    Html::of(&Page {
        frame,
        head: Head::of(title(status)),
        status: status.as_u16(),
        text,
        way,
        wants_operator: status == StatusCode::FORBIDDEN && !frame.is_operator(),
    })
}

#[derive(Template)]
#[template(path = "closed.html")]
struct Closed<'a> {
    title: &'static str,
    status: u16,
    text: &'a str,
}

/// A complaint to somebody who was not let in.
pub(in crate::web) fn closed(status: StatusCode, text: &str) -> Html {
    Html::of(&Closed {
        title: title(status),
        status: status.as_u16(),
        text,
    })
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "That is not understood",
        StatusCode::UNAUTHORIZED => "A user name and a password are needed",
        StatusCode::FORBIDDEN => "Not for everybody",
        StatusCode::NOT_FOUND => "There is nothing of that name",
        StatusCode::METHOD_NOT_ALLOWED => "Not in this way",
        StatusCode::MISDIRECTED_REQUEST => "Not under this address",
        StatusCode::TOO_MANY_REQUESTS => "Too much at once",
        StatusCode::SERVICE_UNAVAILABLE => "Not right now",
        status if status.is_server_error() => "The exporter has a fault of its own",
        _ => "That does not work",
    }
}
