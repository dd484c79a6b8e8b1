//! The rights that an access token carries (`scp`, `roles`; Microsoft's
//! "Access token claims reference").
//!
//! Access tokens are opaque to a client and may one day be encrypted. What is
//! read here is shown to people and counted, and decides nothing: a token that
//! cannot be read is as good as any other, its rights are just not known.

use std::sync::Arc;

use serde::Deserialize;

use super::jwt;
use crate::model::Secret;

/// No token of an application that probes carries more.
const MOST: usize = 200;
const LONGEST: usize = 128;

/// What a token lets its holder do. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Delegated scopes, for a person's token.
    pub scopes: Option<Arc<[Box<str>]>>,
    /// App roles. An application that was granted nothing gets a token without
    /// any; what Exchange assigns by itself is never among them.
    pub roles: Arc<[Box<str>]>,
}

#[derive(Deserialize)]
struct AccessTokenClaims {
    #[serde(default)]
    scp: Option<String>,
    #[serde(default)]
    roles: Option<Vec<String>>,
    /// Entra's tokens name the application, by version 1 or 2.
    #[serde(default)]
    appid: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    azp: Option<serde::de::IgnoredAny>,
}

impl Rights {
    /// Reads them; `None` for what is no readable token of Entra's. Signatures
    /// are not looked at: they are the API's business.
    #[must_use]
    pub fn read(token: &Secret) -> Option<Self> {
        let claims: AccessTokenClaims = jwt::claims(token.expose())?;
        let speaks = claims.scp.is_some() || claims.roles.is_some();
        if !speaks && claims.appid.is_none() && claims.azp.is_none() {
            return None;
        }
        let roles = claims.roles.unwrap_or_default();
        Some(Self {
            scopes: claims.scp.map(|scp| names(scp.split(' '))),
            roles: names(roles.iter().map(String::as_str)),
        })
    }

    /// Those that count: a person's scopes, or an application's roles. `None`
    /// for a person's token that names no scopes.
    #[must_use]
    pub fn held(&self, person: bool) -> Option<&[Box<str>]> {
        if person {
            self.scopes.as_deref()
        } else {
            Some(&self.roles)
        }
    }
}

/// Who a token speaks for, if it is one that can be read. Nothing is decided by
/// it: a wrong one is refused where it is asked for.
pub(super) fn object_id(token: &Secret) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        oid: String,
    }
    let named: Named = jwt::claims(token.expose())?;
    Some(named.oid)
}

/// Names that look like names, sorted, each once; bounded.
fn names<'a>(names: impl Iterator<Item = &'a str>) -> Arc<[Box<str>]> {
    let fits = |name: &&str| {
        (1..=LONGEST).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':' | b'/'))
    };
    let mut found: Vec<Box<str>> = names.filter(fits).take(MOST).map(Box::from).collect();
    found.sort_unstable();
    found.dedup();
    found.into()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(claims: &Value) -> Option<Rights> {
        let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()));
        Rights::read(&Secret::new(token))
    }

    fn shown(rights: Option<&[Box<str>]>) -> Option<String> {
        rights.map(|rights| rights.join(" "))
    }

    #[test]
    fn a_person_and_an_application() {
        let person = read(&json!({"appid": "a", "scp": "openid Mail.ReadBasic"})).unwrap();
        assert_eq!(
            shown(person.held(true)).as_deref(),
            Some("Mail.ReadBasic openid")
        );
        let app = read(&json!({"appid": "a", "roles": ["Sites.Selected", "Sites.Selected"]}));
        assert_eq!(
            shown(app.unwrap().held(false)).as_deref(),
            Some("Sites.Selected")
        );
        let bare = read(&json!({"azp": "a"})).unwrap();
        assert_eq!(shown(bare.held(false)).as_deref(), Some(""));
        assert_eq!(bare.held(true), None);
    }

    #[test]
    fn what_cannot_be_read() {
        assert_eq!(read(&json!({"sub": "x"})), None);
        assert_eq!(read(&json!({"appid": "a", "scp": 7})), None);
        assert_eq!(read(&json!([])), None);
        for token in ["", "opaque", "a.b.c", "a.b.c.d.e", "e30.e30", "e30.e30.x"] {
            assert_eq!(Rights::read(&Secret::new(token.into())), None, "{token}");
        }
    }

    #[test]
    fn odd_names_are_dropped() {
        let long = "x".repeat(129);
        let rights = read(&json!({"roles": ["<b>", "a b", "", long, "Mail.Read"]})).unwrap();
        assert_eq!(shown(rights.held(false)).as_deref(), Some("Mail.Read"));
    }

    proptest! {
        #[test]
        fn any_token_is_survived(token in "[A-Za-z0-9_.=-]{0,80}|\\PC{0,40}") {
            _ = Rights::read(&Secret::new(token));
        }

        #[test]
        fn any_claims_are_survived(scp in "\\PC{0,60}", roles in proptest::collection::vec("\\PC{0,20}", 0..5)) {
            let rights = read(&json!({"scp": scp, "roles": roles})).unwrap();
            for name in rights.roles.iter().chain(rights.scopes.iter().flat_map(|s| s.iter())) {
                prop_assert!(name.is_ascii() && !name.contains(['<', ' ', '"']));
            }
        }
    }
}
