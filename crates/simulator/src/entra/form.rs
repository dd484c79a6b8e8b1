//! Reading parameters: forms of the token endpoint, queries and forms of the
//! authorization endpoint. Bounded, and strict where Microsoft is: a parameter
//! given twice is refused, an empty one counts as missing (RFC 6749 section 3.1).

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method, header};

use super::aadsts::{self, EntraError};
use m365mon_base::Secret;

/// The longest body that is read, in bytes.
pub(super) const MOST_BYTES: usize = 64 * 1024;
const MOST_PARAMETERS: usize = 64;

/// Parameters by name. Values may be secrets, so none is ever shown.
#[derive(Debug, Default)]
pub(super) struct Form(BTreeMap<String, Secret>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` text; a query is the same.
    pub(super) fn parse(text: &[u8]) -> Result<Self, EntraError> {
        let mut form = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if form.len() >= MOST_PARAMETERS {
                return Err(aadsts::malformed_request());
            }
            let doubled = form.insert(name.to_string(), Secret::new(value.into_owned()));
            if doubled.is_some() {
                return Err(doubled_parameter(&name));
            }
        }
        Ok(Self(form))
    }

    /// What came along: the query of a GET, or the form of a POST.
    pub(super) fn of_request(
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, EntraError> {
        if *method == Method::POST {
            Self::of_body(headers, body)
        } else {
            Self::parse(query.unwrap_or_default().as_bytes())
        }
    }

    /// Reads the body of a POST. Anything but a form is read as an empty one,
    /// which is what Entra's answers look like (AADSTS900144).
    pub(super) fn of_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, EntraError> {
        let content_type = headers.get(header::CONTENT_TYPE);
        let form = content_type
            .and_then(|value| value.to_str().ok()?.split(';').next())
            .is_some_and(|kind| {
                kind.trim()
                    .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            });
        if form {
            Self::parse(body)
        } else {
            Ok(Self::default())
        }
    }

    /// A value; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(Secret::expose)
            .filter(|value| !value.is_empty())
    }

    /// A value without which nothing goes on (AADSTS900144).
    pub(super) fn require(&self, name: &str) -> Result<&str, EntraError> {
        self.get(name)
            .ok_or_else(|| aadsts::missing_parameter(name))
    }

    /// True if the name was there, even empty.
    pub(super) fn names(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// 9000411: a parameter is there twice.
fn doubled_parameter(name: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        9_000_411,
        format!("The request is not properly formatted. The parameter '{name}' is duplicated."),
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_decodes_and_refuses_doubles() {
        let form = Form::parse(b"scope=a+b%2Fc&client_secret=%7E%26&empty=").unwrap();
        assert_eq!(form.get("scope"), Some("a b/c"));
        assert_eq!(form.get("client_secret"), Some("~&"));
        assert_eq!(form.get("empty"), None);
        assert!(form.names("empty"));
        assert_eq!(form.require("code").unwrap_err().code, 900_144);
        assert_eq!(Form::parse(b"a=1&a=1").unwrap_err().code, 9_000_411);
        assert!(!format!("{form:?}").contains("a b/c"));
    }

    #[test]
    fn only_forms_are_read() {
        let read = |kind: Option<&'static str>| {
            let kind = kind.map(|kind| (header::CONTENT_TYPE, HeaderValue::from_static(kind)));
            let form = Form::of_body(&kind.into_iter().collect(), b"a=1").unwrap();
            form.get("a").is_some()
        };
        assert!(read(Some("application/x-www-form-urlencoded")));
        assert!(read(Some(
            "Application/X-WWW-form-urlencoded; charset=utf-8"
        )));
        assert!(!read(Some("application/json")));
        assert!(!read(None));
    }

    proptest! {
        #[test]
        fn anything_can_be_read(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            _ = Form::parse(&text);
        }
    }
}
