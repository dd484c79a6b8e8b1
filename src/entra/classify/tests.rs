use super::*;
use bytes::Bytes;
use proptest::prelude::*;

fn answer(status: u16, body: &str) -> EndpointAnswer {
    EndpointAnswer {
        status,
        headers: http::HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn read(status: u16, body: &str, person: bool) -> (AccountReason, Option<u32>, RefusalScope) {
    let refusal = classify(&answer(status, body), person, now());
    (refusal.problem.reason, refusal.problem.code, refusal.scope)
}

fn entra(error: &str, code: u32) -> String {
    format!(
        r#"{{"error":"{error}","error_description":"AADSTS{code}: steve@contoso.com canary.","error_codes":[{code}]}}"#
    )
}

#[test]
fn codes_and_fallbacks() {
    use AccountReason::*;
    use RefusalScope::{Account as All, Audience as One};
    for (status, body, person, expected) in [
        (
            401,
            entra("invalid_client", 7_000_215),
            false,
            (Refused, Some(7_000_215), All),
        ),
        (
            400,
            entra("invalid_grant", 50_173),
            true,
            (SignInRequired, Some(50_173), All),
        ),
        (
            400,
            entra("invalid_grant", 65_001),
            true,
            (SignInRequired, Some(65_001), One),
        ),
        (
            400,
            entra("invalid_grant", 65_001),
            false,
            (Refused, Some(65_001), One),
        ),
        (
            400,
            entra("invalid_grant", 999),
            true,
            (SignInRequired, None, All),
        ),
        (400, entra("unheard_of", 999), true, (Refused, None, All)),
        // A browser mends the one, an exemption the other.
        (
            400,
            entra("invalid_grant", 530_036),
            true,
            (SignInRequired, Some(530_036), All),
        ),
        (
            400,
            entra("invalid_grant", 530_084),
            true,
            (Refused, Some(530_084), All),
        ),
        (
            400,
            entra("temporarily_unavailable", 90_033),
            false,
            (ServerError, Some(90_033), All),
        ),
        (
            400,
            entra("invalid_grant", 50_196),
            true,
            (Throttled, Some(50_196), All),
        ),
        // What other servers may say in the same place.
        (
            400,
            r#"{"error":"invalid_grant","error_codes":null}"#.into(),
            true,
            (SignInRequired, None, All),
        ),
        (
            401,
            r#"{"error_codes":50173,"error":"invalid_client"}"#.into(),
            true,
            (Refused, None, All),
        ),
        (429, String::new(), false, (Throttled, None, All)),
        (503, "<html>".into(), false, (ServerError, None, All)),
        (
            503,
            entra("temporarily_unavailable", 90_055),
            false,
            (Throttled, Some(90_055), All),
        ),
        (200, "<html>".into(), false, (BadResponse, None, All)),
        (200, String::new(), false, (BadResponse, None, All)),
        (400, "no".into(), false, (BadResponse, None, All)),
        (302, String::new(), false, (UnexpectedStatus, None, All)),
        (404, "<html>".into(), false, (BadResponse, None, All)),
        (407, String::new(), false, (Proxy, None, All)),
        (600, String::new(), false, (UnexpectedStatus, None, All)),
        (999, "<html>".into(), false, (UnexpectedStatus, None, All)),
    ] {
        assert_eq!(read(status, &body, person), expected, "{status} {body}");
    }
}

#[test]
fn descriptions_do_not_come_through() {
    let refusal = classify(&answer(400, &entra("invalid_grant", 50_173)), true, now());
    assert!(!format!("{refusal:?}").contains("canary"));
    let refusal = classify(&answer(400, &entra("x<y>", 12)), true, now());
    assert!(!format!("{:?}", refusal.problem).contains("canary"));
    assert!(refusal.problem.detail.contains("code=12"));
}

#[test]
fn skew_is_named() {
    let mut answer = answer(401, &entra("invalid_client", 700_024));
    answer
        .headers
        .insert("date", "Wed, 25 Nov 2026 11:50:00 GMT".parse().unwrap());
    let detail = classify(&answer, false, now()).problem.detail;
    assert!(detail.contains("600 s ahead of"), "{detail}");
}

proptest! {
    #[test]
    fn anything_has_a_reason(status: u16, body: Vec<u8>, person: bool) {
        let answer = EndpointAnswer {
            status,
            headers: http::HeaderMap::new(),
            body: Bytes::from(body),
        };
        let refusal = classify(&answer, person, now());
        prop_assert!(refusal.problem.detail.len() <= 400);
    }
}
