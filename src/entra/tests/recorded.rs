//! What real token endpoints answered, and what is made of each
//! (`tests/data/recorded`).

use bytes::Bytes;

use super::super::answer;
use super::super::endpoint::EndpointAnswer;
use crate::http::recorded::answers;
use crate::model::{AccountReason, Timestamp};

#[test]
fn each_is_judged_as_it_should_be() {
    let mut wrong = Vec::new();
    let mut judged = 0;
    for recorded in answers() {
        let Some((_, wanted)) = recorded.expected.filter(|_| recorded.kind == "sign_in") else {
            continue;
        };
        // Tokens are cut in the records; no real one has this character.
        let body = String::from_utf8(recorded.body).unwrap().replace('…', "x");
        let answered = EndpointAnswer {
            status: recorded.status,
            headers: recorded.headers,
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
        if found != wanted.as_deref() {
            wrong.push(format!("{}: {found:?}, wanted {wanted:?}", recorded.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged >= 9, "{judged}");
}
