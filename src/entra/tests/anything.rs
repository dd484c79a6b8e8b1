//! Whatever others send: nothing panics, everything stays bounded, nothing
//! that could be a secret is told.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use proptest::prelude::*;

use super::super::endpoint::EndpointAnswer;
use super::super::{ClaimsChallenge, ConsentError, TokenStore, answer, device_code, id_token};
use super::script::person_account;
use crate::http::retry_after;
use crate::model::{Secret, Storage, Timestamp};

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

/// JSON that is nearly what is expected: known names with any value.
fn nearly(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("-1".to_owned()),
        Just("1e400".to_owned()),
        Just("[[]]".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        "\\PC{0,40}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[0-9]{0,30}".prop_map(|digits| format!("\"{digits}\"")),
    ];
    let pair = (prop::sample::select(names), value);
    prop::collection::vec(pair, 0..8).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", pairs.join(","))
    })
}

fn headers(pairs: &[(String, Vec<u8>)]) -> http::HeaderMap {
    let mut headers = http::HeaderMap::new();
    for (name, value) in pairs {
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::try_from(name),
            http::HeaderValue::from_bytes(value),
        ) {
            headers.append(name, value);
        }
    }
    headers
}

const TOKEN_NAMES: &[&str] = &[
    "access_token",
    "token_type",
    "expires_in",
    "expires_on",
    "refresh_in",
    "refresh_token",
    "refresh_token_expires_in",
    "id_token",
    "error",
    "error_codes",
    "error_description",
    "suberror",
];

proptest! {
    #[test]
    fn token_answers(
        status in prop_oneof![Just(200_u16), Just(400), Just(401), any::<u16>()],
        body in prop_oneof![
            nearly(TOKEN_NAMES).prop_map(String::into_bytes),
            any::<Vec<u8>>(),
        ],
        date: Vec<u8>,
        wait: Vec<u8>,
        person: bool,
    ) {
        let answer = EndpointAnswer {
            status,
            headers: headers(&[
                ("date".into(), date.clone()),
                ("retry-after".into(), wait),
                ("x-ms-request-id".into(), date),
            ]),
            body: Bytes::from(body),
        };
        match answer::read(&answer, person, now()) {
            Ok(granted) => {
                prop_assert!(!granted.life.is_zero());
                prop_assert!(granted.life.as_secs() <= 31 * 24 * 3600);
                prop_assert!(granted.access_token.expose().len() <= 64 * 1024);
            }
            Err(refusal) => {
                prop_assert!(refusal.problem.detail.len() <= 500);
                let wait = refusal.retry_after.unwrap_or_default();
                prop_assert!(wait.as_secs() <= 3600);
            }
        }
    }

    #[test]
    fn device_codes(body in prop_oneof![
        nearly(&[
            "device_code", "user_code", "verification_uri", "verification_url",
            "verification_uri_complete", "expires_in", "interval", "message",
        ]).prop_map(String::into_bytes),
        any::<Vec<u8>>(),
    ]) {
        if let Some((device, message)) = device_code::read(&body) {
            prop_assert!(device.expires_in().as_secs() <= 3600);
            prop_assert!(device.interval().as_secs() <= 60);
            prop_assert!(message.len() <= 500);
        }
    }

    #[test]
    fn id_tokens(
        claims in prop_oneof![
            nearly(&[
                "iss", "aud", "exp", "sub", "tid", "oid", "nonce", "preferred_username", "idp",
            ]).prop_map(String::into_bytes),
            any::<Vec<u8>>(),
        ],
        raw in "\\PC{0,60}",
        whole: bool,
    ) {
        let token = match whole {
            true => format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims)),
            false => raw,
        };
        let account = person_account();
        let token = Secret::new(token);
        let checked = id_token::check(&token, &account, "https://issuer", Some("n"), now());
        // Chance does not make the right person.
        let error = ConsentError::from(checked.unwrap_err()).to_string();
        prop_assert!(error.len() <= 400, "{error}");
    }

    #[test]
    fn waits(text: Vec<u8>, date: Vec<u8>) {
        let headers = headers(&[("retry-after".into(), text), ("date".into(), date)]);
        let wait = retry_after(&headers, now()).unwrap_or_default();
        prop_assert!(wait.as_secs() <= 3600);
    }

    #[test]
    fn challenges(header in "(Bearer )?(error=\"insufficient_claims\"[, ]*)?(claims=\"?)?\\PC{0,60}") {
        _ = ClaimsChallenge::find([&*header]);
    }

    #[test]
    fn stores(bytes in prop_oneof![
        nearly(&["format", "generation", "rows"]).prop_map(String::into_bytes),
        any::<Vec<u8>>(),
    ]) {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage {
            file: folder.path().join("store"),
            key_file: folder.path().join("key"),
        };
        std::fs::write(&storage.file, &bytes).unwrap();
        let store = TokenStore::new(&storage, None);
        if let Ok(found) = store.find(&person_account()) {
            prop_assert!(found.is_none());
        }
        // What cannot be read is never written over.
        _ = store.sign_out(&person_account());
        prop_assert_eq!(std::fs::read(&storage.file).unwrap(), bytes);
    }
}
