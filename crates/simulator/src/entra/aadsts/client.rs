//! Refusals of the application and of how it proves itself.

use jiff::Timestamp;

use super::{EntraError, long_stamp};

/// 700016: no such application in this tenant.
pub(in crate::entra) fn unknown_app(app: &str, tenant: &str) -> EntraError {
    EntraError::new(
        "unauthorized_client",
        700_016,
        format!(
            "Application with identifier '{app}' was not found in the directory '{tenant}'. This \
             can happen if the application has not been installed by the administrator of the \
             tenant or consented to by any user in the tenant. You may have sent your \
             authentication request to the wrong tenant."
        ),
    )
}

/// 700038: the null GUID, or nothing like an identifier.
pub(in crate::entra) fn bad_app_id(app: &str) -> EntraError {
    EntraError::new(
        "unauthorized_client",
        700_038,
        format!("{app} is not a valid application identifier."),
    )
}

/// 7000112: the application is there, and switched off.
pub(in crate::entra) fn app_disabled(app: &str, name: &str) -> EntraError {
    EntraError::new(
        "unauthorized_client",
        7_000_112,
        format!("Application '{app}'({name}) is disabled."),
    )
}

/// 7000218: a confidential client without a credential.
pub(in crate::entra) fn credential_missing() -> EntraError {
    EntraError::new(
        "invalid_client",
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or \
         'client_secret'.",
    )
}

/// 700025: a public client with a credential.
pub(in crate::entra) fn credential_of_public_client() -> EntraError {
    EntraError::new(
        "invalid_client",
        700_025,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    )
}

/// 7000215: the secret is another.
pub(in crate::entra) fn wrong_secret(app: &str) -> EntraError {
    EntraError::new(
        "invalid_client",
        7_000_215,
        format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the \
             client secret value, not the client secret ID, for a secret added to app '{app}'."
        ),
    )
}

/// 7000222: the secret was right once.
pub(in crate::entra) fn expired_secret(app: &str) -> EntraError {
    EntraError::new(
        "invalid_client",
        7_000_222,
        format!(
            "The provided client secret keys for app '{app}' are expired. Visit the Azure portal \
             to create new keys for your app: https://aka.ms/NewClientSecret, or consider using \
             certificate credentials for added security: https://aka.ms/certCreds."
        ),
    )
}

const CERTIFICATE_DOCUMENT: &str = "https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials";

/// 50027: no JWT at all.
pub(in crate::entra) fn malformed_assertion() -> EntraError {
    EntraError::new(
        "invalid_client",
        50_027,
        "JWT token is invalid or malformed.",
    )
}

/// 5002723: the header names no certificate.
pub(in crate::entra) fn assertion_without_thumbprint() -> EntraError {
    EntraError::new(
        "invalid_client",
        5_002_723,
        "Invalid JWT token. No certificate thumbprint specified in token header.",
    )
}

/// 5002730: an algorithm that is not taken.
pub(in crate::entra) fn assertion_algorithm(algorithm: &str) -> EntraError {
    EntraError::new(
        "invalid_client",
        5_002_730,
        format!("Invalid JWT token. Unsupported key for the signing algorithm '{algorithm}'."),
    )
}

/// 50012: not what the credential should be; the reason says more.
pub(in crate::entra) fn assertion_invalid(reason: &str) -> EntraError {
    EntraError::new(
        "invalid_client",
        50_012,
        format!(
            "Client assertion is not valid. [Reason - {reason}] Review the documentation at \
             {CERTIFICATE_DOCUMENT} ."
        ),
    )
}

/// 700021: issued by or for another application.
pub(in crate::entra) fn assertion_of_another_app() -> EntraError {
    EntraError::new(
        "invalid_client",
        700_021,
        format!(
            "Client assertion application identifier doesn't match 'client_id' parameter. Review \
             the documentation at {CERTIFICATE_DOCUMENT} ."
        ),
    )
}

/// 700023: made for another endpoint.
pub(in crate::entra) fn assertion_audience() -> EntraError {
    EntraError::new(
        "invalid_client",
        700_023,
        format!(
            "Client assertion audience claim does not match Realm issuer. Review the documentation \
             at {CERTIFICATE_DOCUMENT} ."
        ),
    )
}

/// 700024: too early or too late; a machine's clock, or a stale file.
pub(in crate::entra) fn assertion_time(now: Timestamp, expiry: Timestamp) -> EntraError {
    EntraError::new(
        "invalid_client",
        700_024,
        format!(
            "Client assertion is not within its valid time range. Current time: {}, expiry time of \
             assertion {}. Review the documentation at {CERTIFICATE_DOCUMENT} .",
            long_stamp(now),
            long_stamp(expiry)
        ),
    )
}

/// Why a certificate does not do, inside 700027.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::entra) enum KeyTrouble {
    /// Not registered with the application.
    NotFound,
    /// Registered, and the signature does not fit.
    BadSignature,
    /// Registered, and past its end.
    Expired {
        /// From.
        start: Timestamp,
        /// To.
        end: Timestamp,
    },
}

/// 700027: the certificate does not do. `thumbprint` as the client sent it, upper-case hex.
pub(in crate::entra) fn certificate_refused(
    app: &str,
    thumbprint: &str,
    trouble: KeyTrouble,
) -> EntraError {
    let reason = match trouble {
        KeyTrouble::NotFound => format!(
            "The key was not found., Thumbprint of key used by client: '{thumbprint}', Please \
             visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured \
             keys for app Id '{app}'."
        ),
        KeyTrouble::BadSignature => format!(
            "The key was found, but use of the key to verify the signature failed., Thumbprint of \
             key used by client: '{thumbprint}'."
        ),
        KeyTrouble::Expired { start, end } => format!(
            "The key used is expired., Thumbprint of key used by client: '{thumbprint}', Found key \
             'Start={}, End={}', Please visit the Azure Portal, Graph Explorer or directly use MS \
             Graph to see configured keys for app Id '{app}'.",
            start.strftime("%m/%d/%Y %H:%M:%S"),
            end.strftime("%m/%d/%Y %H:%M:%S")
        ),
    };
    EntraError::new(
        "invalid_client",
        700_027,
        format!(
            "The certificate with identifier used to sign the client assertion is not registered \
             on application. [Reason - {reason}]"
        ),
    )
}

/// 70021 family: the other provider's token fits no federated credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::entra) enum FederationMismatch {
    /// 700211.
    Issuer,
    /// 700212.
    Audience,
    /// 700213.
    Subject,
}

/// 700211, 700212, 700213: no federated credential for this issuer, audience or subject.
pub(in crate::entra) fn no_federated_credential(
    mismatch: FederationMismatch,
    value: &str,
) -> EntraError {
    let (code, what) = match mismatch {
        FederationMismatch::Issuer => (700_211, "issuer"),
        FederationMismatch::Audience => (700_212, "audience"),
        FederationMismatch::Subject => (700_213, "subject"),
    };
    EntraError::new(
        "invalid_client",
        code,
        format!(
            "No matching federated identity record found for presented assertion {what} '{value}'. \
             Check your federated identity credential Subject, Audience and Issuer against the \
             presented assertion. \
             https://docs.microsoft.com/azure/active-directory/develop/workload-identity-federation"
        ),
    )
}

/// 70021: the application has no federated credential at all.
pub(in crate::entra) fn no_federated_record(
    issuer: &str,
    subject: &str,
    audience: &str,
) -> EntraError {
    EntraError::new(
        "invalid_request",
        70_021,
        format!(
            "No matching federated identity record found for presented assertion. Assertion \
             Issuer: '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{audience}'. \
             https://docs.microsoft.com/azure/active-directory/develop/workload-identity-federation"
        ),
    )
}

/// 7000274: the other provider's signature does not fit its keys.
pub(in crate::entra) fn federated_signature() -> EntraError {
    EntraError::new(
        "invalid_client",
        7_000_274,
        "Client assertion contains an invalid signature.",
    )
}

/// 501051: the API wants an assignment, and the application has none.
pub(in crate::entra) fn application_not_assigned(
    app: &crate::directory::Application,
    api: &str,
) -> EntraError {
    EntraError::new(
        "invalid_grant",
        501_051,
        format!(
            "Application '{}'({}) is not assigned to a role for the application '{api}'({api}).",
            app.client_id, app.display_name
        ),
    )
}
