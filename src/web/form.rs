//! What a form of our pages says.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use zeroize::Zeroizing;

use super::reply::plain;

/// A form of ours is far smaller.
const MOST_BYTES: usize = 4096;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Names and values; wiped when dropped, for some are secrets.
pub(super) struct FormBody(Vec<(Zeroizing<String>, Zeroizing<String>)>);

impl FormBody {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// The answer, for one that is no form, too large, or too slow.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Box<Response>> {
        let kind = headers.get(header::CONTENT_TYPE);
        let is_form = kind.is_some_and(|kind| {
            kind.as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
        if !is_form {
            let text = "this takes the form of its page only";
            return Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into());
        }
        let bytes = axum::body::to_bytes(body, MOST_BYTES);
        match tokio::time::timeout(TIMEOUT, bytes).await {
            Ok(Ok(bytes)) => {
                let fields = url::form_urlencoded::parse(&bytes)
                    .map(|(name, value)| {
                        let name = Zeroizing::new(name.into_owned());
                        (name, Zeroizing::new(value.into_owned()))
                    })
                    .collect();
                if let Ok(mut bytes) = bytes.try_into_mut() {
                    zeroize::Zeroize::zeroize(&mut bytes[..]);
                }
                Ok(Self(fields))
            }
            Ok(Err(_)) => Err(plain(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large").into()),
            Err(_) => {
                Err(plain(StatusCode::REQUEST_TIMEOUT, "the form did not come in time").into())
            }
        }
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key.as_str() == name)
            .map(|(_, value)| value.as_str())
    }
}
