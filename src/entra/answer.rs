//! From a token answer to its parts.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::classify::{TokenRefusal, classify};
use super::endpoint::EndpointAnswer;
use crate::model::{AccountReason, RequestId, Secret, TokenProblem};

/// A token that does not say how long it lives is trusted this long.
const UNSAID: u64 = 600;
/// Nothing that Entra issues lives longer.
const LONGEST: u64 = 31 * 24 * 3600;
const MOST_BYTES: usize = 64 * 1024;

/// A successful answer of a token endpoint.
pub(super) struct Granted {
    pub(super) access_token: Secret,
    pub(super) life: Duration,
    /// When the issuer advises to renew.
    pub(super) refresh_in: Option<Duration>,
    pub(super) refresh_token: Option<Secret>,
    /// How long the refresh token lives, where the issuer tells.
    pub(super) refresh_life: Option<Duration>,
    pub(super) id_token: Option<Secret>,
    /// Entra's id of the request, for support.
    pub(super) request_id: Option<RequestId>,
}

#[derive(Deserialize)]
struct TokenBody {
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<Secret>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    /// Managed identity on App Service gives only this: seconds since 1970.
    #[serde(default, deserialize_with = "seconds")]
    expires_on: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    refresh_in: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    refresh_token_expires_in: Option<u64>,
    #[serde(default, deserialize_with = "secret")]
    refresh_token: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    id_token: Option<Secret>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    // Managed identity answers with empty refresh tokens.
    Ok(text.filter(|text| !text.is_empty()).map(Secret::new))
}

/// A number of seconds, written as a number or as a string; `null` and what
/// is neither count as not said.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Whole(u64),
        Broken(f64),
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Option::<Either>::deserialize(from)? {
        Some(Either::Whole(number)) => Some(number),
        // `as` saturates; a negative life is no life.
        Some(Either::Broken(number)) if number.is_finite() => Some(number as u64),
        Some(Either::Text(text)) => text.trim().parse().ok(),
        Some(Either::Broken(_) | Either::Other(_)) | None => None,
    })
}

/// Reads any answer of a token endpoint. `person` as in [`classify`].
pub(super) fn read(
    answer: &EndpointAnswer,
    person: bool,
    now: Timestamp,
) -> Result<Granted, TokenRefusal> {
    if answer.status != 200 {
        return Err(classify(answer, person, now));
    }
    // serde_json's error would quote what it could not read: it is dropped.
    let Ok(body) = serde_json::from_slice::<TokenBody>(&answer.body) else {
        return Err(classify(answer, person, now));
    };
    let wrong = |what: &str| {
        let mut refusal = TokenRefusal::own(TokenProblem {
            reason: AccountReason::BadResponse,
            code: None,
            detail: format!("the token endpoint answered status 200, but {what}"),
        });
        refusal.request_id = answer.request_id();
        refusal
    };
    let Some(access_token) = body.access_token else {
        return Err(wrong("without an access token"));
    };
    if !is_sendable(&access_token) {
        return Err(wrong("its access token cannot be sent in a header"));
    }
    if body
        .token_type
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
    {
        return Err(wrong("with a token that is no bearer token"));
    }
    let life = body
        .expires_in
        .or_else(|| {
            let on = body.expires_on?;
            Some(on.saturating_sub(u64::try_from(now.as_second()).ok()?))
        })
        .unwrap_or(UNSAID)
        .min(LONGEST);
    if life == 0 {
        return Err(wrong("with a token that has already ended"));
    }
    Ok(Granted {
        access_token,
        life: Duration::from_secs(life),
        refresh_in: body
            .refresh_in
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs),
        refresh_token: body
            .refresh_token
            .filter(|token| token.expose().len() <= MOST_BYTES),
        refresh_life: body
            .refresh_token_expires_in
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(seconds.min(10 * 366 * 24 * 3600))),
        id_token: body.id_token,
        request_id: answer.request_id(),
    })
}

/// True for what RFC 6750 section 2.1 allows in a header, at most 64 KiB.
fn is_sendable(token: &Secret) -> bool {
    let bytes = token.expose().as_bytes();
    bytes.len() <= MOST_BYTES && bytes.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_506_480_273).unwrap()
    }

    fn granted(body: &str) -> Result<Granted, TokenRefusal> {
        let answer = EndpointAnswer {
            status: 200,
            headers: http::HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        read(&answer, false, now())
    }

    fn life(body: &str) -> Option<u64> {
        granted(body).ok().map(|granted| granted.life.as_secs())
    }

    #[test]
    fn numbers_of_any_spelling() {
        assert_eq!(
            life(r#"{"access_token":"a","expires_in":3599}"#),
            Some(3599)
        );
        assert_eq!(
            life(r#"{"access_token":"a","expires_in":"3599"}"#),
            Some(3599)
        );
        assert_eq!(
            life(r#"{"access_token":"a","expires_in":3599.0}"#),
            Some(3599)
        );
        assert_eq!(
            life(r#"{"access_token":"a","expires_on":"1506484173"}"#),
            Some(3900)
        );
        assert_eq!(
            life(r#"{"access_token":"a","token_type":"bearer"}"#),
            Some(600)
        );
        assert_eq!(life(r#"{"access_token":"a","expires_in":null}"#), Some(600));
        assert_eq!(
            life(r#"{"access_token":"a","expires_in":99999999999}"#),
            Some(LONGEST)
        );
    }

    #[test]
    fn what_is_no_token() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
            r#"{"access_token":"a","expires_in":0}"#,
            r#"{"access_token":"a","expires_in":-5}"#,
            r#"{"access_token":7}"#,
        ] {
            let refusal = granted(body).err().unwrap();
            assert_eq!(refusal.problem.reason, AccountReason::BadResponse, "{body}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_never_tells(canary in "[a-z]{12}", tail in "\\PC{0,40}") {
            let body = format!(r#"{{"access_token":"{canary}","expires_in":60,"x":{tail}"#);
            if let Err(refusal) = granted(&body) {
                let told = format!("{refusal:?}");
                prop_assert!(!told.contains(&canary));
            }
        }
    }
}
