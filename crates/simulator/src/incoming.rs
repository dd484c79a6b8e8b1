//! A request, read as far as every service needs it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};

use crate::Tenant;
use crate::tokens::{Claims, TokenError};
use m365mon_base::Random as _;

/// The token of a request.
#[derive(Debug, Clone)]
pub(crate) enum Bearer {
    /// None, or an empty one.
    Missing,
    /// One that is not taken.
    Refused {
        /// Why.
        why: TokenError,
        /// It is no JWT at all: there are no dots in it.
        opaque: bool,
    },
    /// One that is valid now; its audience was not looked at.
    Valid(Arc<Claims>),
}

/// A request for Graph or SharePoint.
#[derive(Debug)]
pub(crate) struct IncomingRequest {
    pub(crate) host: String,
    pub(crate) method: http::Method,
    /// Decoded, without query.
    pub(crate) path: String,
    /// As it was sent.
    pub(crate) raw_path: String,
    /// Decoded.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) accept: String,
    pub(crate) takes_gzip: bool,
    pub(crate) bearer: Bearer,
    /// Given to this request by the service.
    pub(crate) request_id: String,
    /// What the client called it.
    pub(crate) client_request_id: Option<String>,
    pub(crate) content_type: String,
    /// `Prefer` (RFC 7240), lower case.
    pub(crate) prefer: String,
    /// `ConsistencyLevel`, lower case.
    pub(crate) consistency: String,
    pub(crate) body: Bytes,
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

impl IncomingRequest {
    pub(crate) fn read(
        tenant: &Tenant,
        host: &str,
        parts: &http::request::Parts,
        body: Bytes,
    ) -> Self {
        let headers = &parts.headers;
        let query = parts.uri.query().unwrap_or_default();
        let lower = |name: header::HeaderName| {
            text(headers, name.as_str())
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        Self {
            host: host.to_owned(),
            method: parts.method.clone(),
            path: percent_decode(parts.uri.path()),
            raw_path: parts.uri.path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            accept: lower(header::ACCEPT),
            content_type: lower(header::CONTENT_TYPE),
            prefer: lower(header::HeaderName::from_static("prefer")),
            consistency: lower(header::HeaderName::from_static("consistencylevel")),
            body,
            takes_gzip: text(headers, header::ACCEPT_ENCODING.as_str())
                .is_some_and(|accepted| accepted.contains("gzip")),
            bearer: bearer(tenant, headers),
            request_id: tenant.random.uuid(),
            client_request_id: client_request_id(headers),
        }
    }

    /// The claims of a valid token.
    pub(crate) const fn claims(&self) -> Option<&Arc<Claims>> {
        match &self.bearer {
            Bearer::Valid(claims) => Some(claims),
            Bearer::Missing | Bearer::Refused { .. } => None,
        }
    }
}

/// The `client-request-id`, if it is one that could be echoed.
pub(crate) fn client_request_id(headers: &HeaderMap) -> Option<String> {
    text(headers, "client-request-id")
        .filter(|id| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .map(str::to_owned)
}

fn bearer(tenant: &Tenant, headers: &HeaderMap) -> Bearer {
    let token = text(headers, header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token.trim());
    if token.is_empty() {
        return Bearer::Missing;
    }
    match tenant.tokens.verify(token) {
        Ok(claims) => Bearer::Valid(claims),
        Err(why) => Bearer::Refused {
            why,
            opaque: !token.contains('.'),
        },
    }
}

/// Undoes `%XX`; what is not valid UTF-8 is replaced.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = hex {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::percent_decode;

    #[test]
    fn decodes() {
        assert_eq!(percent_decode("a%20b%2Fc"), "a b/c");
        assert_eq!(percent_decode("100%"), "100%");
        assert_eq!(percent_decode("%zz%4"), "%zz%4");
        assert_eq!(percent_decode("caf%C3%A9%é"), "café%é");
    }
}
