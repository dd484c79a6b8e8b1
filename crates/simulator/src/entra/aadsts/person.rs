//! Refusals of what a person granted, of the person, and of the pages.

use jiff::Timestamp;

use super::{EntraError, long_stamp};

/// 70000: the code or token is no such thing, or another client's.
pub(in crate::entra) fn invalid_grant(what: &str) -> EntraError {
    EntraError::new(
        "invalid_grant",
        70_000,
        format!("The provided value for the '{what}' parameter is not valid."),
    )
}

/// 70000 with `bad_token`: a refresh token of another client or tenant.
pub(in crate::entra) fn refresh_of_another_client() -> EntraError {
    EntraError::new(
        "invalid_grant",
        70_000,
        "Provided grant is invalid or malformed. The refresh token was issued to another client.",
    )
    .suberror("bad_token")
}

/// 54005: a code works once.
pub(in crate::entra) fn code_redeemed() -> EntraError {
    EntraError::new(
        "invalid_grant",
        54_005,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use \
         an existing refresh token.",
    )
}

/// 70008: the code is too old.
pub(in crate::entra) fn code_expired() -> EntraError {
    EntraError::new(
        "invalid_grant",
        70_008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a \
         new interactive authorization request for this user and resource.",
    )
}

/// 500112: the redirect URI differs from the one the code went to.
pub(in crate::entra) fn reply_address_differs(given: &str, expected: &str) -> EntraError {
    EntraError::new(
        "invalid_client",
        500_112,
        format!(
            "The reply address '{given}' does not match the reply address '{expected}' provided \
             when requesting Authorization code."
        ),
    )
}

/// 501481: the verifier is not that of the challenge.
pub(in crate::entra) fn wrong_verifier() -> EntraError {
    EntraError::new(
        "invalid_grant",
        501_481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    )
}

/// 50148: a verifier that cannot be one, or none where there was a challenge.
pub(in crate::entra) fn bad_verifier() -> EntraError {
    EntraError::new(
        "invalid_grant",
        50_148,
        "The code_verifier does not match the code_challenge supplied in the authorization request \
         for PKCE.",
    )
}

/// 700082: unused for too long.
pub(in crate::entra) fn refresh_expired(issued: Timestamp, days: i64) -> EntraError {
    EntraError::new(
        "invalid_grant",
        700_082,
        format!(
            "The refresh token has expired due to inactivity. The token was issued on {} and was \
             inactive for {days}.00:00:00.",
            long_stamp(issued)
        ),
    )
    .suberror("token_expired")
}

/// 50173: revoked, by whatever event.
pub(in crate::entra) fn revoked(issued: Timestamp, valid_from: Timestamp) -> EntraError {
    EntraError::new(
        "invalid_grant",
        50_173,
        format!(
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. \
             The user might have changed or reset their password. The grant was issued on '{}' and \
             the TokensValidFrom date (before which tokens are not valid) for this user is '{}'.",
            long_stamp(issued),
            long_stamp(valid_from)
        ),
    )
    .suberror("bad_token")
}

/// 70043: the tenant's policy asks for a sign-in again.
pub(in crate::entra) fn sign_in_frequency(issued: Timestamp, seconds: i64) -> EntraError {
    EntraError::new(
        "invalid_grant",
        70_043,
        format!(
            "The refresh token has expired or is invalid due to sign-in frequency checks by \
             conditional access. The token was issued on {} and the maximum allowed lifetime for \
             this request is {seconds}.",
            long_stamp(issued)
        ),
    )
    .suberror("token_expired")
}

/// 50034: no such person here.
pub(in crate::entra) fn unknown_user(tenant: &str) -> EntraError {
    EntraError::new(
        "invalid_grant",
        50_034,
        format!(
            "The user account {{EmailHidden}} does not exist in the {tenant} directory. To sign \
             into this application, the account must be added to the directory."
        ),
    )
    .suberror("bad_token")
}

/// 50057: the account is switched off.
pub(in crate::entra) fn user_disabled() -> EntraError {
    EntraError::new("invalid_grant", 50_057, "The user account is disabled.")
}

/// 50058: nobody is signed in, and nobody may be asked.
pub(in crate::entra) fn silent_sign_in() -> EntraError {
    EntraError::new(
        "login_required",
        50_058,
        "Session information is not sufficient for single-sign-on. A silent sign-in request was \
         sent but no user is signed in.",
    )
}

/// 50076: a second factor is wanted; from a policy of the tenant.
pub(in crate::entra) fn factor_needed(resource: &str) -> EntraError {
    EntraError::new(
        "interaction_required",
        50_076,
        format!(
            "Due to a configuration change made by your administrator, or because you moved to a \
             new location, you must use multi-factor authentication to access '{resource}'."
        ),
    )
    .suberror("basic_action")
    .claims(r#"{"access_token":{"capolids":{"essential":true,"values":["3a0f8d2c-6d1e-4a9e-9d0b-5d2f4f6f3c11"]}}}"#)
}

/// 50105: the application wants an assignment that this person has not.
pub(in crate::entra) fn not_assigned(app: &str, name: &str) -> EntraError {
    EntraError::new(
        "invalid_grant",
        50_105,
        format!(
            "Your administrator has configured the application {name} ('{app}') to block users \
             unless they are specifically granted ('assigned') access to the application."
        ),
    )
}

/// 53003: Conditional Access says no.
pub(in crate::entra) fn blocked_by_policy() -> EntraError {
    EntraError::new(
        "invalid_grant",
        53_003,
        "Access has been blocked by Conditional Access policies. The access policy does not allow \
         token issuance.",
    )
    .suberror("message_only")
}

/// What Conditional Access refuses people with, beside 53003.
pub(in crate::entra) fn refused_by_policy(code: u32) -> EntraError {
    let text = match code {
        530_084 => {
            "Access has been blocked by conditional access token protection policy configured by \
             this organization."
        }
        530_036 => {
            "Access has been blocked by conditional access policies: the device code flow is not \
             allowed."
        }
        _ => return blocked_by_policy(),
    };
    EntraError::new("invalid_grant", code, text).suberror("message_only")
}

/// 65004: the person said no.
pub(in crate::entra) fn declined() -> EntraError {
    EntraError::new(
        "access_denied",
        65_004,
        "User declined to consent to access the app.",
    )
}

/// 90094: only an administrator may say yes.
pub(in crate::entra) fn needs_administrator() -> EntraError {
    EntraError::new(
        "access_denied",
        90_094,
        "Admin consent is required for the permissions requested by this application.",
    )
}

/// 90095: the administrator has been asked.
pub(in crate::entra) fn administrator_asked() -> EntraError {
    EntraError::new(
        "access_denied",
        90_095,
        "Admin consent is required for the permissions requested by this application. An admin \
         consent request may be sent to the admin.",
    )
}

/// 70016: not yet.
pub(in crate::entra) fn device_pending() -> EntraError {
    EntraError::new(
        "authorization_pending",
        70_016,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    )
}

/// RFC 8628 `slow_down`; on command only, Microsoft's page does not list it.
pub(in crate::entra) fn device_slow_down() -> EntraError {
    EntraError::new(
        "slow_down",
        70_016,
        "OAuth 2.0 device flow error. The client is polling too quickly.",
    )
}

/// The person said no to a device.
pub(in crate::entra) fn device_declined() -> EntraError {
    EntraError::new(
        "authorization_declined",
        65_004,
        "User declined to consent to access the app.",
    )
}

/// 70018: no such device code.
pub(in crate::entra) fn device_unknown() -> EntraError {
    EntraError::new(
        "bad_verification_code",
        70_018,
        "The provided value for the input parameter 'device_code' is not valid.",
    )
}

/// 70019: fifteen minutes are over.
pub(in crate::entra) fn device_expired() -> EntraError {
    EntraError::new(
        "expired_token",
        70_019,
        "The provided value for the input parameter 'device_code' is not valid. This device code \
         has expired.",
    )
}

/// 50011: shown as a page, never redirected to.
pub(in crate::entra) fn redirect_uri_unknown(uri: &str, app: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        50_011,
        format!(
            "The redirect URI '{uri}' specified in the request does not match the redirect URIs \
             configured for the application '{app}'. Make sure the redirect URI sent in the \
             request matches one added to your application in the Azure portal. Navigate to \
             https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this \
             error."
        ),
    )
}

/// 70005: only codes are handed out.
pub(in crate::entra) fn response_type(value: &str) -> EntraError {
    EntraError::new(
        "unsupported_response_type",
        70_005,
        format!("The response type '{value}' is not supported for this application."),
    )
}

/// 70007: a response mode that there is not.
pub(in crate::entra) fn response_mode(value: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        70_007,
        format!("'{value}' is not a supported value of 'response_mode'."),
    )
}

/// 50147: a challenge that cannot be one.
pub(in crate::entra) fn bad_challenge() -> EntraError {
    EntraError::new(
        "invalid_request",
        50_147,
        "Invalid size of Code_Challenge parameter, or unsupported 'code_challenge_method'.",
    )
}
