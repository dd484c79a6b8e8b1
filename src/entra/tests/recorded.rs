//! What real token endpoints answered, and what is made of each
//! (`tests/data/recorded`).

use std::path::Path;

use bytes::Bytes;
use serde_json::Value;

use super::super::answer;
use super::super::endpoint::EndpointAnswer;
use crate::model::{AccountReason, Timestamp};

#[test]
fn each_is_judged_as_it_should_be() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recorded");
    let mut wrong = Vec::new();
    let mut judged = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.contains("-sign_in-") {
            continue;
        }
        let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let Some(wanted) = file["expect"].as_object() else {
            continue;
        };
        let body = match &file["body"] {
            Value::String(text) => text.clone().into_bytes(),
            json => serde_json::to_vec(json).unwrap(),
        };
        // Tokens are cut in the records; no real one has this character.
        let body = String::from_utf8(body).unwrap().replace('…', "x");
        let answered = EndpointAnswer {
            status: u16::try_from(file["status"].as_u64().unwrap()).unwrap(),
            headers: http::HeaderMap::new(),
            body: Bytes::from(body.into_bytes()),
        };
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let found = match answer::read(&answered, false, now) {
            Ok(_) => None,
            Err(refusal) if refusal.problem.reason == AccountReason::ServerError => {
                Some("server_error")
            }
            Err(_) => Some("token"),
        };
        judged += 1;
        if found != wanted["reason"].as_str() {
            wrong.push(format!("{name}: {found:?}, wanted {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged >= 9, "{judged}");
}
