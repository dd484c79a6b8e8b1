//! Who signed in: the checks on an id token (OpenID Connect Core section
//! 3.1.3.7). It comes straight from the token endpoint over TLS, which takes
//! the place of its signature there.

use serde::Deserialize;

use super::jwt::{self, Audiences};
use crate::model::{Account, Secret, Timestamp, bounded_text, is_guid};

/// How far clocks may be apart, in seconds.
const LEEWAY: f64 = 300.0;

/// Why an id token does not say that the right person came.
#[derive(Debug)]
pub(super) enum IdTokenError {
    /// `who` is as they are called there, bounded; `wanted` as configured.
    WrongPerson { who: String, wanted: String },
    /// Of another tenant, by this name.
    Guest(String),
    /// What is wrong with the token itself.
    Unacceptable(&'static str),
}

/// A person, known to Entra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The tenant's GUID.
    pub(super) tid: String,
    /// The person's GUID in the tenant.
    pub(super) oid: String,
    /// As it is spelled there.
    pub(super) username: String,
}

#[derive(Deserialize)]
struct IdTokenClaims {
    iss: String,
    aud: Audiences,
    /// Seconds since 1970, perhaps with a fraction (RFC 7519 section 2).
    exp: f64,
    sub: String,
    #[serde(default)]
    tid: Option<String>,
    #[serde(default)]
    oid: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    /// Present for guests: where they come from.
    #[serde(default)]
    idp: Option<String>,
}

/// Reads and checks an id token: meant for this application, issued by
/// `issuer` and not expired, of the account's tenant, no guest, and the very
/// person that the configuration names.
pub(super) fn check(
    token: &Secret,
    account: &Account,
    issuer: &str,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<Person, IdTokenError> {
    let (claims, tid) = of_the_tenant(token, account, issuer, nonce, now)?;
    let Some(username) = claims.preferred_username else {
        return Err(IdTokenError::Unacceptable(
            "it does not say who signed in (`preferred_username`)",
        ));
    };
    let shown = bounded_text(&username, 128);
    if claims
        .idp
        .is_some_and(|idp| !idp.to_lowercase().contains(&tid))
    {
        return Err(IdTokenError::Guest(shown));
    }
    let wanted = account.person().map_or("", |person| &*person.username);
    if username.to_lowercase() != wanted.to_lowercase() || wanted.is_empty() {
        return Err(IdTokenError::WrongPerson {
            who: shown,
            wanted: wanted.to_owned(),
        });
    }
    Ok(Person {
        tid,
        // `oid` is Entra's; `sub` is what any other issuer has in its place.
        oid: claims.oid.unwrap_or(claims.sub),
        username,
    })
}

/// The same where anybody of the tenant will do, its guests too.
pub(super) fn check_tenant(
    token: &Secret,
    account: &Account,
    issuer: &str,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<(), IdTokenError> {
    of_the_tenant(token, account, issuer, nonce, now).map(|_| ())
}

/// What concerns the application, the tenant and this one sign-in; the claims,
/// and the tenant's GUID.
fn of_the_tenant(
    token: &Secret,
    account: &Account,
    issuer: &str,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<(IdTokenClaims, String), IdTokenError> {
    let wrong = |what: &'static str| Err(IdTokenError::Unacceptable(what));
    let Some(claims) = jwt::claims::<IdTokenClaims>(token.expose()) else {
        return wrong("it cannot be read");
    };
    let client_id = account.client_id.as_deref().unwrap_or_default();
    let meant_for_us = match &claims.aud {
        Audiences::One(one) => one == client_id,
        Audiences::Many(many) => many.len() == 1 && many.iter().any(|one| one == client_id),
    };
    if !meant_for_us {
        return wrong("it is for another application");
    }
    if claims.iss != issuer {
        return wrong("another tenant issued it");
    }
    if claims.exp + LEEWAY <= now.as_second() as f64 {
        return wrong("it has expired; check this machine's clock");
    }
    if nonce.is_some() && claims.nonce.as_deref() != nonce {
        return wrong("it belongs to another sign-in");
    }
    let configured = account.tenant.as_ref().map_or("", |tenant| tenant.as_str());
    let tid = claims
        .tid
        .clone()
        .unwrap_or_else(|| {
            let named = issuer.split('/').find(|part| is_guid(part));
            named.unwrap_or(configured).to_owned()
        })
        .to_lowercase();
    // The issuer of the tenant's discovery names its GUID, also where the
    // configuration has a domain.
    let issued_by = issuer.split('/').find(|part| is_guid(part));
    let expected = issued_by.map_or_else(
        || is_guid(configured).then(|| configured.to_owned()),
        |id| Some(id.to_lowercase()),
    );
    if expected.is_some_and(|expected| tid != expected) || is_guid(configured) && tid != configured
    {
        return wrong("another tenant issued it");
    }
    Ok((claims, tid))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::fixtures;
    use crate::model::Tenant;
    use serde_json::{Value, json};

    const TID: &str = "99999999-2222-3333-4444-555555555555";
    const ISSUER: &str =
        "https://login.microsoftonline.com/99999999-2222-3333-4444-555555555555/v2.0";

    fn account(tenant: &str) -> Account {
        Account {
            tenant: Tenant::parse(tenant),
            client_id: Some("app".into()),
            ..fixtures::delegated("contoso", "Steve@contoso.com")
        }
    }

    fn good() -> Value {
        json!({
            "iss": ISSUER, "aud": "app", "exp": 1000, "sub": "s", "tid": TID, "oid": "o",
            "nonce": "n", "preferred_username": "steve@Contoso.com",
        })
    }

    fn read(claims: &Value, tenant: &str) -> Result<Person, IdTokenError> {
        let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let now = Timestamp::from_second(900).unwrap();
        check(
            &Secret::new(token),
            &account(tenant),
            ISSUER,
            Some("n"),
            now,
        )
    }

    fn with(name: &str, value: Value) -> Result<Person, IdTokenError> {
        let mut claims = good();
        claims[name] = value;
        read(&claims, TID)
    }

    #[test]
    fn the_right_person() {
        let person = read(&good(), TID).unwrap();
        assert_eq!((person.tid.as_str(), person.oid.as_str()), (TID, "o"));
        assert!(read(&good(), "contoso.onmicrosoft.com").is_ok());
        assert!(with("aud", json!(["app"])).is_ok());
        assert!(with("exp", json!(1000.75)).is_ok());
        assert!(with("idp", json!(format!("https://sts.windows.net/{TID}/"))).is_ok());
    }

    #[test]
    fn anybody_else() {
        for (name, value) in [
            ("aud", json!("other")),
            ("aud", json!(["app", "other"])),
            ("iss", json!("https://login.microsoftonline.com/x/v2.0")),
            ("exp", json!(100)),
            ("nonce", json!("other")),
            ("nonce", Value::Null),
            ("preferred_username", Value::Null),
            ("tid", json!("88888888-2222-3333-4444-555555555555")),
        ] {
            let result = with(name, value.clone());
            assert!(
                matches!(result, Err(IdTokenError::Unacceptable(_))),
                "{name} {value}"
            );
        }
        // A tenant that is named by its domain is known by its issuer.
        let mut other = good();
        other["tid"] = json!("88888888-2222-3333-4444-555555555555");
        assert!(matches!(
            read(&other, "contoso.onmicrosoft.com"),
            Err(IdTokenError::Unacceptable(_))
        ));
        assert!(matches!(
            with("preferred_username", json!("ann@contoso.com")),
            Err(IdTokenError::WrongPerson { who, .. }) if who == "ann@contoso.com"
        ));
        assert!(matches!(
            with("idp", json!("https://sts.windows.net/other/")),
            Err(IdTokenError::Guest(_))
        ));
        let odd = check(
            &Secret::new("no.token".into()),
            &account(TID),
            ISSUER,
            None,
            Timestamp::from_second(0).unwrap(),
        );
        assert!(matches!(odd, Err(IdTokenError::Unacceptable(_))));
    }
}
