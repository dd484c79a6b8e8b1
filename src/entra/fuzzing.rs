//! For `fuzz/entries.rs`: what Entra and files send, read as the grants do.

use std::path::Path;

use bytes::Bytes;
use http::HeaderMap;

use super::endpoint::EndpointAnswer;
use super::{answer, certificate, device_code, id_token};
use crate::model::{Account, Cloud, Delegated, Secret, SignIn, Tenant, Timestamp};

/// An answer of the token endpoint.
pub(crate) fn answer(status: u16, headers: HeaderMap, body: &[u8], now: Timestamp) {
    let answer = EndpointAnswer {
        status,
        headers,
        body: Bytes::copy_from_slice(body),
    };
    for person in [false, true] {
        match answer::read(&answer, person, now) {
            Ok(granted) => assert!(!granted.life.is_zero()),
            Err(refusal) => assert!(!refusal.problem.detail.is_empty()),
        }
    }
}

/// The answer to a request for a code.
pub(crate) fn device_code(body: &[u8]) {
    _ = device_code::read(body);
}

/// An id token of nobody is nobody's.
pub(crate) fn id_token(token: &str, now: Timestamp) {
    let account = Account {
        name: "contoso".into(),
        cloud: Cloud::Global,
        tenant: Tenant::parse("contoso.onmicrosoft.com"),
        client_id: Some("11111111-2222-3333-4444-555555555555".into()),
        sign_in: SignIn::Delegated {
            person: Delegated {
                username: "steve@contoso.com".into(),
                redirect_url: None,
                max_age: None,
            },
            client: None,
        },
        audiences: Default::default(),
        proxy: None,
    };
    let token = Secret::new(token.to_owned());
    _ = id_token::check(
        &token,
        &account,
        "https://login.microsoftonline.com/x/v2.0",
        None,
        now,
    );
}

/// One file that holds a certificate and its key, or something else.
pub(crate) fn certificate(bytes: &[u8]) {
    let path = Path::new("pair.pem");
    for passphrase in [None, Some(Secret::new("x".to_owned()))] {
        _ = certificate::read_pair(path, bytes, passphrase.as_ref());
    }
}
