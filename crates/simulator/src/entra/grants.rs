//! The grants, one function each. They run under the directory's read lock
//! and never wait.

use std::collections::BTreeSet;

use serde_json::Value;

use super::aadsts::{self, EntraError};
use super::client::Proof;
use super::issue::{PersonExtras, RefreshOptions, open_refresh};
use super::request::Request;
use super::scope::RequestedScopes;
use super::sessions::{
    CODE_SECONDS, DEVICE_SECONDS, DeviceState, Grant, REFRESH_DAYS, Refresh, at,
};
use crate::directory::{Application, Directory, Organization, Platform, ResourceApp, User};

const DAY_MILLISECONDS: i64 = 86_400_000;
/// Refresh tokens of single-page applications live this long, whatever happens.
const SPA_MILLISECONDS: i64 = DAY_MILLISECONDS;

/// Client credentials (RFC 6749 section 4.4): by secret, certificate or federation.
pub(super) fn client_credentials(request: &Request<'_>) -> Result<Value, EntraError> {
    let scope = request
        .form
        .get("scope")
        .ok_or_else(|| aadsts::missing_field("scope"))?;
    let proof = request.prove()?;
    let wanted = RequestedScopes::app_only(scope, request.organization)?;
    if wanted.resource == ResourceApp::Orders
        && request.organization.assignment_required
        && request.app.roles(wanted.resource).is_empty()
    {
        return Err(aadsts::application_not_assigned(
            request.app,
            wanted.resource.app_id(),
        ));
    }
    Ok(request.issue(proof).for_app(&wanted))
}

/// An authorization code (RFC 6749 section 4.1.3, RFC 7636).
pub(super) fn authorization_code(request: &Request<'_>) -> Result<Value, EntraError> {
    let form = request.form;
    let (name, redirect_uri) = (form.require("code")?, form.require("redirect_uri")?);
    let entra = &request.tenant.entra;
    let code = entra
        .memory()
        .codes
        .get(name)
        .cloned()
        .filter(|code| code.grant.client == request.app.client_id)
        .ok_or_else(|| aadsts::invalid_grant("code"))?;
    if code.grant.organization != request.organization.id {
        return Err(aadsts::invalid_grant("code"));
    }
    let now = request.now.as_millisecond();
    if now - code.issued >= CODE_SECONDS * 1000 {
        return Err(aadsts::code_expired());
    }
    if code.redirect_uri != redirect_uri {
        return Err(aadsts::reply_address_differs(
            redirect_uri,
            &code.redirect_uri,
        ));
    }
    let proof = match code.platform {
        Platform::Web => request.prove()?,
        Platform::PublicClient => {
            request.refuse_origin()?;
            request.client.prove_nothing()?
        }
        Platform::Spa if request.origin.is_none() => {
            return Err(EntraError::new(
                "invalid_request",
                9_002_327,
                "Tokens issued for the 'Single-Page Application' client-type may only be redeemed \
                 via cross-origin requests.",
            ));
        }
        Platform::Spa => request.client.prove_nothing()?,
    };
    match (&code.challenge, form.get("code_verifier")) {
        (Some(challenge), verifier) => challenge.check(verifier)?,
        (None, None) => {}
        // A verifier without a challenge: somebody took the challenge out (RFC 9700 section 2.1.1).
        (None, Some(_)) => return Err(aadsts::wrong_verifier()),
    }
    // Only now, so that nobody else can use a code up; and only once.
    match entra.memory().codes.get_mut(name) {
        Some(code) if !code.redeemed => code.redeemed = true,
        _ => return Err(aadsts::code_redeemed()),
    }
    let agreed = RequestedScopes::parse(
        &code.grant.scope,
        request.organization,
        &request.app.display_name,
    )?;
    let mut wanted = match form.get("scope") {
        Some(scope) => {
            RequestedScopes::parse(scope, request.organization, &request.app.display_name)?
        }
        None => agreed.clone(),
    };
    wanted.openid.openid |= agreed.openid.openid;
    wanted.openid.profile |= agreed.openid.profile;
    wanted.openid.email |= agreed.openid.email;
    let extras = PersonExtras {
        nonce: code.nonce.as_deref(),
        client_info: form.get("client_info") == Some("1"),
        refresh: agreed.openid.offline_access.then(|| RefreshOptions {
            family: None,
            ends: (code.platform == Platform::Spa).then(|| now + SPA_MILLISECONDS),
        }),
    };
    person(request, proof, &code.grant, &wanted, &extras)
}

/// A device code (RFC 8628 section 3.4).
pub(super) fn device_code(request: &Request<'_>) -> Result<Value, EntraError> {
    let name = request.form.require("device_code")?;
    let entra = &request.tenant.entra;
    let device = entra
        .memory()
        .devices
        .get(name)
        .cloned()
        .filter(|device| {
            device.client == request.app.client_id && device.organization == request.organization.id
        })
        .ok_or_else(aadsts::device_unknown)?;
    let proof = request.prove_if_needed()?;
    let now = request.now.as_millisecond();
    if now - device.issued >= DEVICE_SECONDS * 1000 {
        return Err(aadsts::device_expired());
    }
    let policy = entra.policy();
    let too_fast = policy.slow_down
        && device
            .polled
            .is_some_and(|last| now - last < i64::from(policy.device_interval) * 1000);
    let grant = {
        let mut memory = entra.memory();
        let device = memory
            .devices
            .get_mut(name)
            .ok_or_else(aadsts::device_unknown)?;
        device.polled = Some(now);
        match &device.state {
            DeviceState::Pending if too_fast => return Err(aadsts::device_slow_down()),
            DeviceState::Pending => return Err(aadsts::device_pending()),
            DeviceState::Declined => return Err(aadsts::device_declined()),
            DeviceState::Blocked(code) => return Err(aadsts::refused_by_policy(*code)),
            DeviceState::Redeemed => return Err(aadsts::code_redeemed()),
            DeviceState::Approved(grant) => {
                let grant = grant.clone();
                device.state = DeviceState::Redeemed;
                grant
            }
        }
    };
    let wanted = RequestedScopes::parse(
        &grant.scope,
        request.organization,
        &request.app.display_name,
    )?;
    let extras = PersonExtras {
        nonce: None,
        client_info: request.form.get("client_info") == Some("1"),
        refresh: wanted.openid.offline_access.then_some(RefreshOptions {
            family: None,
            ends: None,
        }),
    };
    person(request, proof, &grant, &wanted, &extras)
}

/// A refresh token (RFC 6749 section 6): a new one comes back each time, and
/// the old one stays valid for its ninety days.
pub(super) fn refresh_token(request: &Request<'_>) -> Result<Value, EntraError> {
    let token = request.form.require("refresh_token")?;
    let token = open_refresh(request.tenant, token).ok_or_else(|| {
        EntraError::new(
            "invalid_grant",
            9_002_313,
            "Invalid request. Request is malformed or invalid.",
        )
    })?;
    if token.grant.client != request.app.client_id
        || token.grant.organization != request.organization.id
    {
        return Err(aadsts::refresh_of_another_client());
    }
    let proof = match (token.ends, token.public) {
        (Some(_), _) => request.client.prove_nothing()?,
        (None, true) => {
            request.refuse_origin()?;
            request.client.prove_nothing()?
        }
        (None, false) => request.prove()?,
    };
    check_age(request, &token)?;
    if !request.tenant.entra.accept_refresh(&token) {
        return Err(aadsts::invalid_grant("refresh_token").suberror("bad_token"));
    }
    let scope = request.form.get("scope").unwrap_or(&token.grant.scope);
    let wanted = RequestedScopes::parse(scope, request.organization, &request.app.display_name)?;
    let extras = PersonExtras {
        nonce: None,
        client_info: request.form.get("client_info") == Some("1"),
        refresh: Some(RefreshOptions {
            family: Some(token.family.clone()),
            ends: token.ends,
        }),
    };
    person(request, proof, &token.grant, &wanted, &extras)
}

fn check_age(request: &Request<'_>, token: &Refresh) -> Result<(), EntraError> {
    let now = request.now.as_millisecond();
    let issued = at(token.issued);
    if let Some(ends) = token.ends
        && now >= ends
    {
        return Err(EntraError::new(
            "invalid_grant",
            700_084,
            format!(
                "The refresh token was issued to a single page app (SPA), and therefore has a \
                 fixed, limited lifetime of 1.00:00:00, which can't be extended. It is now expired \
                 and a new sign in request must be sent by the SPA to the sign in page. The token \
                 was issued on {}.",
                aadsts::long_stamp(issued)
            ),
        )
        .suberror("token_expired"));
    }
    if now - token.issued >= REFRESH_DAYS * DAY_MILLISECONDS {
        return Err(aadsts::refresh_expired(issued, REFRESH_DAYS));
    }
    if let Some(frequency) = request.organization.sign_in_frequency {
        let most = i64::try_from(frequency.as_millis()).unwrap_or(i64::MAX);
        if now - token.grant.signed_in >= most {
            return Err(aadsts::sign_in_frequency(
                at(token.grant.signed_in),
                most / 1000,
            ));
        }
    }
    let user = find_user(request.directory, request.organization, &token.grant.user)?;
    if issued < user.sessions_valid_from {
        return Err(aadsts::revoked(issued, user.sessions_valid_from));
    }
    Ok(())
}

fn find_user<'d>(
    directory: &'d Directory,
    organization: &Organization,
    user: &str,
) -> Result<&'d User, EntraError> {
    directory
        .user(user)
        .filter(|user| user.organization == organization.id)
        .ok_or_else(|| aadsts::unknown_user(&organization.display_name))
}

/// Whether this person may use this application at all, today.
pub(super) fn check_person(
    organization: &Organization,
    app: &Application,
    user: &User,
    blocked: bool,
) -> Result<(), EntraError> {
    if user.organization != organization.id {
        return Err(aadsts::unknown_user(&organization.display_name));
    }
    if user.disabled {
        return Err(aadsts::user_disabled());
    }
    if let Some(assigned) = &app.assigned_users
        && !assigned.iter().any(|id| id.eq_ignore_ascii_case(&user.id))
    {
        return Err(aadsts::not_assigned(&app.client_id, &app.display_name));
    }
    if blocked {
        return Err(aadsts::blocked_by_policy());
    }
    if let Some(code) = organization.refuses_people {
        return Err(aadsts::refused_by_policy(code));
    }
    Ok(())
}

/// The common end of a person's grants: is the person still allowed, and did
/// somebody consent to all of this?
fn person(
    request: &Request<'_>,
    proof: Proof,
    grant: &Grant,
    wanted: &RequestedScopes,
    extras: &PersonExtras<'_>,
) -> Result<Value, EntraError> {
    let user = find_user(request.directory, request.organization, &grant.user)?;
    let blocked = request.tenant.entra.policy().blocked;
    check_person(request.organization, request.app, user, blocked)?;
    if user.mfa_required && !grant.factor {
        return Err(aadsts::factor_needed(wanted.resource.app_id()));
    }
    let granted: BTreeSet<String> = request.app.scopes(&user.id, wanted.resource);
    if !wanted.missing(&granted).is_empty() {
        return Err(aadsts::no_consent(
            &request.app.client_id,
            &request.app.display_name,
        ));
    }
    Ok(request
        .issue(proof)
        .for_person(user, grant, wanted, &granted, extras))
}
