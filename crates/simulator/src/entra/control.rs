//! The part of the control endpoint below `/entra`: what a person or test that
//! runs the simulation may register there. The list of requests is with the
//! whole endpoint, in `simulator::control`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::x509;
use crate::Tenant;
use crate::directory::{Application, FederatedCredential, Platform, RedirectUri};

/// The routes, to be nested below `/entra`.
pub fn control_router(tenant: Arc<Tenant>) -> Router {
    Router::new()
        .route("/tokens", post(tokens))
        .route("/certificates", post(certificates))
        .route("/federated", post(federated))
        .route("/redirects", post(redirects))
        .route("/approvals", get(approvals))
        .with_state(tenant)
}

/// What was done, or why not.
type CommandResult = Result<Value, String>;

fn answer(result: CommandResult) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response(),
    }
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// Changes an application.
fn change(
    tenant: &Tenant,
    app: &str,
    change: impl FnOnce(&mut Application) -> Result<(), String>,
) -> CommandResult {
    let mut directory = tenant.directory.write();
    let app = directory
        .application_mut(app)
        .ok_or_else(|| format!("there is no application {app:?}"))?;
    change(app)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenCommand {
    app: String,
    user: String,
    scope: String,
}

async fn tokens(State(tenant): State<Arc<Tenant>>, body: Bytes) -> Response {
    answer(read::<TokenCommand>(&body).and_then(|arguments| {
        super::refresh_token_for(&tenant, &arguments.app, &arguments.user, &arguments.scope)
            .map(|token| json!({"refresh_token": token.expose()}))
            .ok_or_else(|| "there is no such application or person".into())
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateCommand {
    app: String,
    pem: String,
    #[serde(default)]
    replace: bool,
}

async fn certificates(State(tenant): State<Arc<Tenant>>, body: Bytes) -> Response {
    answer(read::<CertificateCommand>(&body).and_then(|arguments| {
        let der = CertificateDer::from_pem_slice(arguments.pem.as_bytes())
            .map_err(|error| error.to_string())?;
        let certificate = x509::read(&der).ok_or("not a certificate of an RSA key")?;
        change(&tenant, &arguments.app, |app| {
            if arguments.replace {
                app.certificates.clear();
            }
            app.certificates.push(certificate);
            Ok(())
        })
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FederationCommand {
    app: String,
    issuer: String,
    subject: String,
    audience: String,
    jwk: Value,
}

/// The key of a JWK as the directory keeps it (RFC 7518 section 6).
fn public_key(jwk: &Value) -> Option<Vec<u8>> {
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
    match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
        ("EC", Some("P-256")) => {
            let (x, y) = (number("x")?, number("y")?);
            let point = [&[4][..], &x, &y].concat();
            (x.len() == 32 && y.len() == 32).then_some(point)
        }
        ("RSA", _) => {
            let integer = |bytes: Vec<u8>| {
                // A sign octet, so that the number stays positive.
                element(
                    0x02,
                    &[&[0][..usize::from(bytes.first()? >> 7)], &bytes].concat(),
                )
            };
            let both = [integer(number("n")?)?, integer(number("e")?)?].concat();
            element(0x30, &both)
        }
        _ => None,
    }
}

/// One DER element.
fn element(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len()).ok()?;
    let [high, low] = length.to_be_bytes();
    let mut der = match (high, low) {
        (0, low) if low < 0x80 => vec![tag, low],
        (0, low) => vec![tag, 0x81, low],
        (high, low) => vec![tag, 0x82, high, low],
    };
    der.extend_from_slice(content);
    Some(der)
}

async fn federated(State(tenant): State<Arc<Tenant>>, body: Bytes) -> Response {
    answer(read::<FederationCommand>(&body).and_then(|arguments| {
        let public_key = public_key(&arguments.jwk).ok_or("not a P-256 or RSA public key")?;
        change(&tenant, &arguments.app, |app| {
            app.federated.push(FederatedCredential {
                issuer: arguments.issuer,
                subject: arguments.subject,
                audience: arguments.audience,
                public_key,
            });
            Ok(())
        })
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RedirectCommand {
    app: String,
    uri: String,
    platform: String,
}

async fn redirects(State(tenant): State<Arc<Tenant>>, body: Bytes) -> Response {
    answer(read::<RedirectCommand>(&body).and_then(|arguments| {
        change(&tenant, &arguments.app, |app| {
            let platform = match arguments.platform.as_str() {
                "web" => Platform::Web,
                "spa" => Platform::Spa,
                "public" => Platform::PublicClient,
                other => return Err(format!("there is no platform {other:?}")),
            };
            app.redirect_uris.push(RedirectUri {
                uri: arguments.uri,
                platform,
            });
            Ok(())
        })
    }))
}

async fn approvals(State(tenant): State<Arc<Tenant>>) -> Response {
    answer(Ok(json!(tenant.entra.approval_requests())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_from_a_jwk_and_a_certificate() {
        let pem = include_bytes!("../../../../tests/data/app-certificate.pem");
        let der = CertificateDer::from_pem_slice(pem).unwrap();
        let key = x509::read(&der).unwrap().rsa_public_key;
        // SEQUENCE, INTEGER n with its sign octet, INTEGER 65537.
        let jwk = json!({
            "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(&key[9..265]), "e": "AQAB",
        });
        assert_eq!(public_key(&jwk), Some(key));
        assert_eq!(public_key(&json!({"kty": "oct", "k": "AA"})), None);
    }
}
