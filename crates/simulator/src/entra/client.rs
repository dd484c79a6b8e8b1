//! Client authentication at the token endpoint (RFC 6749 section 2.3, RFC
//! 7523): a secret in the form or by HTTP Basic, or an assertion.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::aadsts::{self, EntraError};
use super::assertion::{self, Assertion};
use super::form::Form;
use super::sessions::Sessions;
use crate::directory::Application;
use m365mon_base::Secret;

/// What the client presents, not yet believed.
pub(super) enum Credential<'a> {
    /// Nothing.
    None,
    /// A secret.
    Secret(Secret),
    /// A JWT.
    Assertion(&'a str),
}

/// How the client proved itself, as `appidacr` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Not at all.
    Public,
    /// By a secret.
    Secret,
    /// By a certificate or another provider's word.
    Assertion,
}

impl Proof {
    /// The claim's value.
    pub(super) const fn acr(self) -> &'static str {
        match self {
            Self::Public => "0",
            Self::Secret => "1",
            Self::Assertion => "2",
        }
    }
}

/// Client id and credential of a request.
pub(super) struct Client<'a> {
    /// As sent.
    pub(super) id: String,
    /// What it presents.
    pub(super) credential: Credential<'a>,
}

/// `client id:secret` from the header, both percent-decoded (RFC 6749 section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, Secret)>, EntraError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let malformed = aadsts::malformed_request;
    let value = value.to_str().map_err(|_| malformed())?;
    let Some((scheme, credentials)) = value.split_once(' ') else {
        return Err(malformed());
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let text = STANDARD
        .decode(credentials.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Secret::new)
        .ok_or_else(malformed)?;
    let (id, secret) = text.expose().split_once(':').ok_or_else(malformed)?;
    let decode = |part: &str| {
        // A form of one nameless value.
        url::form_urlencoded::parse(format!("={}", part.replace('&', "%26")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    Ok(Some((decode(id), Secret::new(decode(secret)))))
}

impl<'a> Client<'a> {
    /// Reads who asks and with what.
    pub(super) fn read(form: &'a Form, headers: &HeaderMap) -> Result<Self, EntraError> {
        let basic = basic(headers)?;
        let secret = form.get("client_secret");
        let assertion = form.get("client_assertion");
        let several = usize::from(basic.is_some())
            + usize::from(secret.is_some())
            + usize::from(assertion.is_some());
        if several > 1 {
            return Err(aadsts::malformed_request());
        }
        let id = match (&basic, form.get("client_id")) {
            (Some((id, _)), Some(named)) if !id.eq_ignore_ascii_case(named) => {
                return Err(aadsts::malformed_request());
            }
            (Some((id, _)), _) => id.clone(),
            (None, named) => named
                .ok_or_else(|| aadsts::missing_parameter("client_id"))?
                .to_owned(),
        };
        let credential = if let Some((_, secret)) = basic {
            Credential::Secret(secret)
        } else if let Some(secret) = secret {
            Credential::Secret(Secret::new(secret.to_owned()))
        } else if let Some(assertion) = assertion {
            if form.require("client_assertion_type")? != assertion::TYPE {
                return Err(aadsts::bad_input("client_assertion_type"));
            }
            Credential::Assertion(assertion)
        } else {
            Credential::None
        };
        Ok(Self { id, credential })
    }

    /// True if it presents anything.
    pub(super) const fn is_confidential(&self) -> bool {
        !matches!(self.credential, Credential::None)
    }

    /// For grants that a confidential client alone may use (AADSTS7000218).
    pub(super) fn prove(
        &self,
        app: &Application,
        endpoints: &[String],
        sessions: &Sessions,
        now: Timestamp,
    ) -> Result<Proof, EntraError> {
        let has_credentials =
            !(app.secrets.is_empty() && app.certificates.is_empty() && app.federated.is_empty());
        if self.is_confidential() && app.public_client && !has_credentials {
            return Err(aadsts::credential_of_public_client());
        }
        match &self.credential {
            Credential::None => Err(aadsts::credential_missing()),
            Credential::Secret(secret) => check_secret(app, secret, now).map(|()| Proof::Secret),
            Credential::Assertion(token) => {
                let assertion = Assertion::parse(token)?;
                let believed = if assertion.is_federated() {
                    assertion.check_federated(app, now)?
                } else {
                    assertion.check_own(app, endpoints, now)?
                };
                if let Some((id, ends)) = believed.unique
                    && !sessions.accept_assertion(&app.client_id, &id, ends)
                {
                    return Err(aadsts::assertion_invalid(
                        "The assertion with this 'jti' claim was used before.",
                    ));
                }
                Ok(Proof::Assertion)
            }
        }
    }

    /// For grants of a public client: nothing may be presented (AADSTS700025).
    pub(super) fn prove_nothing(&self) -> Result<Proof, EntraError> {
        if self.is_confidential() {
            Err(aadsts::credential_of_public_client())
        } else {
            Ok(Proof::Public)
        }
    }

    /// For grants that an application with public flows may use without proof.
    pub(super) fn prove_if_needed(
        &self,
        app: &Application,
        endpoints: &[String],
        sessions: &Sessions,
        now: Timestamp,
    ) -> Result<Proof, EntraError> {
        if app.public_client && !self.is_confidential() {
            Ok(Proof::Public)
        } else {
            self.prove(app, endpoints, sessions, now)
        }
    }
}

fn check_secret(app: &Application, secret: &Secret, now: Timestamp) -> Result<(), EntraError> {
    let mut registered = app.secrets.iter().chain(&app.principal_secrets);
    let known = registered.find(|known| known.value == *secret);
    match known {
        Some(known) if now >= known.ends => Err(aadsts::expired_secret(&app.client_id)),
        Some(known) if now >= known.starts => Ok(()),
        Some(_) | None => Err(aadsts::wrong_secret(&app.client_id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str, authorization: Option<&str>) -> Result<(String, bool), u32> {
        let form = Form::parse(form.as_bytes()).unwrap();
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        Client::read(&form, &headers)
            .map(|client| (client.id.clone(), client.is_confidential()))
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn ways_to_present_a_credential() {
        assert_eq!(read("client_id=a", None), Ok(("a".into(), false)));
        assert_eq!(
            read("client_id=a&client_secret=s", None),
            Ok(("a".into(), true))
        );
        // a:b%7Ec
        assert_eq!(read("", Some("Basic YTpiJTdFYw==")), Ok(("a".into(), true)));
        assert_eq!(read("", None), Err(900_144));
        assert_eq!(read("", Some("Basic *")), Err(9_002_313));
        assert_eq!(
            read("client_id=b", Some("Basic YTpiJTdFYw==")),
            Err(9_002_313)
        );
        assert_eq!(
            read("client_id=a&client_secret=s&client_assertion=x", None),
            Err(9_002_313)
        );
        assert_eq!(read("client_id=a&client_assertion=x", None), Err(900_144));
        assert_eq!(
            read(
                "client_id=a&client_assertion=x&client_assertion_type=y",
                None
            ),
            Err(90_013)
        );
    }

    #[test]
    fn basic_is_percent_decoded() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Basic YTpiJTdFYw==".parse().unwrap());
        let (id, secret) = basic(&headers).unwrap().unwrap();
        assert_eq!((id.as_str(), secret.expose()), ("a", "b~c"));
    }
}
