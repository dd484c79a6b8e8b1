//! Claims: the declaration that we answer claims challenges, and the
//! challenges themselves (continuous access evaluation; Microsoft's
//! "Claims challenges, claims requests and client capabilities").

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value, json};

/// No challenge of Microsoft's comes near it.
const LONGEST_HEADER: usize = 8 * 1024;
/// What is passed on to Entra at most (DESIGN section 2).
const MOST_JSON: usize = 4 * 1024;

/// A claims request that came with 401 or 403 `insufficient_claims`: the JSON
/// that the next token request must pass on.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimsChallenge(Map<String, Value>);

impl ClaimsChallenge {
    /// Finds the claims challenge in the values of `WWW-Authenticate`. `None`
    /// if there is none, or if it is not base64 of a JSON object of at most
    /// 4 KiB. Parameters may come in any order, in any of several headers.
    pub fn find<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        values.into_iter().find_map(Self::in_header)
    }

    fn in_header(value: &str) -> Option<Self> {
        if value.len() > LONGEST_HEADER {
            return None;
        }
        let parameters = parameters(value);
        let get = |name: &str| {
            parameters
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        if get("error") != Some("insufficient_claims") {
            return None;
        }
        Self::decode(get("claims")?)
    }

    fn decode(text: &str) -> Option<Self> {
        const EITHER: GeneralPurposeConfig =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let standard: String = text
            .chars()
            .map(|c| match c {
                '-' => '+',
                '_' => '/',
                other => other,
            })
            .collect();
        let bytes = GeneralPurpose::new(&alphabet::STANDARD, EITHER)
            .decode(standard)
            .ok()?;
        if bytes.len() > MOST_JSON {
            return None;
        }
        match serde_json::from_slice(&bytes).ok()? {
            Value::Object(map) => Some(Self(map)),
            _ => None,
        }
    }
}

/// Claims say when a session was revoked, nothing more; but they come from
/// outside and are of no use to a reader.
impl std::fmt::Debug for ClaimsChallenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClaimsChallenge")
    }
}

/// The `claims` parameter of a token request: that we answer challenges
/// (`cp1`), merged with the challenge if there is one.
pub(super) fn claims_parameter(challenge: Option<&ClaimsChallenge>) -> String {
    let mut claims = challenge
        .map(|challenge| challenge.0.clone())
        .unwrap_or_default();
    let access = claims
        .entry("access_token")
        .or_insert_with(|| Value::Object(Map::new()));
    if !access.is_object() {
        *access = Value::Object(Map::new());
    }
    if let Value::Object(access) = access {
        access.insert("xms_cc".into(), json!({"values": ["cp1"]}));
    }
    Value::Object(claims).to_string()
}

/// The `name=value` and `name="value"` pairs of a challenge header, scheme
/// names skipped; tolerant, because all that is at stake is one retry.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some(equals) = rest.find('=') {
        let name = rest[..equals]
            .trim_end()
            .rsplit([' ', ',', '\t'])
            .next()
            .unwrap_or_default()
            .to_owned();
        rest = rest[equals + 1..].trim_start();
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut chars = quoted.char_indices();
            let mut end = quoted.len();
            while let Some((at, c)) = chars.next() {
                match c {
                    '"' => {
                        end = at + 1;
                        break;
                    }
                    '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                    other => value.push(other),
                }
            }
            rest = &quoted[end..];
        } else {
            let end = rest.find([',', ' ', '\t']).unwrap_or(rest.len());
            value.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        found.push((name, value));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REAL: &str = r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", error_description="Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTcyNjI1ODEyMiJ9fX0=""#;

    #[test]
    fn reads_a_challenge_and_passes_it_on() {
        let challenge = ClaimsChallenge::find(["Basic realm=x", REAL]).unwrap();
        let sent: Value = serde_json::from_str(&claims_parameter(Some(&challenge))).unwrap();
        assert_eq!(
            sent,
            json!({"access_token": {
                "nbf": {"essential": true, "value": "1726258122"},
                "xms_cc": {"values": ["cp1"]},
            }})
        );
    }

    #[test]
    fn order_quotes_and_padding_do_not_matter() {
        for header in [
            "Bearer claims=e30, error=insufficient_claims",
            "Bearer error=\"insufficient_claims\",claims=\"e30=\"",
            "Bearer ERROR = \"insufficient_claims\" , Claims = \"e30\"",
        ] {
            assert!(ClaimsChallenge::find([header]).is_some(), "{header}");
        }
        for header in [
            "",
            "Bearer",
            "Bearer error=\"invalid_token\", claims=\"e30=\"",
            "Bearer error=\"insufficient_claims\"",
            "Bearer error=\"insufficient_claims\", claims=\"W10=\"",
            "Bearer error=\"insufficient_claims\", claims=\"%%%\"",
        ] {
            assert!(ClaimsChallenge::find([header]).is_none(), "{header}");
        }
    }

    #[test]
    fn no_more_than_four_kilobytes_of_it() {
        let with = |length: usize| {
            let empty = r#"{"a":""}"#;
            let json = format!(r#"{{"a":"{}"}}"#, "x".repeat(length - empty.len()));
            let claims = base64::engine::general_purpose::STANDARD.encode(json);
            let header = format!("Bearer error=\"insufficient_claims\", claims=\"{claims}\"");
            ClaimsChallenge::find([header.as_str()]).is_some()
        };
        assert!(with(4_096));
        assert!(!with(4_097));
        assert!(!with(6_000));
    }

    #[test]
    fn capability_alone() {
        assert_eq!(
            claims_parameter(None),
            r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#
        );
    }

    proptest! {
        #[test]
        fn never_panics(header in "\\PC*") {
            _ = ClaimsChallenge::find([header.as_str()]);
        }

        #[test]
        fn survives_odd_parameters(header in "([a-z\" =,\\\\]|error|claims|ä)*") {
            _ = ClaimsChallenge::find([header.as_str()]);
        }
    }
}
