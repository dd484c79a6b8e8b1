//! The device authorization grant's front (RFC 8628): the endpoint that hands
//! out codes, the page where a person types one, and the same without a browser.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::aadsts::{self, EntraError};
use super::answer::Trace;
use super::authorization_session::{AuthorizationSession, Purpose, SignInFlow};
use super::form::Form;
use super::grants::check_person;
use super::pages;
use super::scope::RequestedScopes;
use super::sessions::{DEVICE_SECONDS, Device, DeviceState, Grant};
use super::tenant::{self, TenantName};
use crate::Tenant;
use m365mon_base::Random;

const PAGE: &str = "https://microsoft.com/devicelogin";

/// Letters and digits that nobody confuses.
const ALPHABET: &[u8; 28] = b"ABCDEFGHJKLMNPQRSTUVWXYZ2345";

fn user_code(random: &dyn Random) -> String {
    let mut bytes = [0; 9];
    random.fill(&mut bytes);
    bytes
        .iter()
        .map(|b| char::from(ALPHABET[usize::from(*b) % ALPHABET.len()]))
        .collect()
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`.
pub(super) async fn device_code(
    State(tenant): State<Arc<Tenant>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = Trace::new(&tenant, &headers);
    let host = tenant::host_of(&headers, &uri);
    let answer =
        Form::of_body(&headers, &body).and_then(|form| begin(&tenant, &trace, &host, &name, &form));
    match answer {
        Ok(body) => trace.json(StatusCode::OK, &body),
        Err(refusal) => trace.refuse(&refusal),
    }
}

fn begin(
    tenant: &Tenant,
    trace: &Trace,
    host: &str,
    name: &str,
    form: &Form,
) -> Result<Value, EntraError> {
    let client = form.require("client_id")?;
    if form.names("resource") {
        return Err(aadsts::resource_parameter());
    }
    let scope = form.require("scope")?;
    let directory = tenant.directory.read();
    let (organization, app) =
        tenant::find(&directory, host, TenantName::parse(name), client, false)?;
    RequestedScopes::parse(scope, organization, &app.display_name)?;
    let entra = &tenant.entra;
    let (device_code, user_code) = (entra.name(64), user_code(&tenant.random));
    let mut memory = entra.memory();
    memory
        .user_codes
        .put(user_code.clone(), device_code.clone());
    memory.asked.put(app.client_id.clone(), scope.to_owned());
    memory.devices.put(
        device_code.clone(),
        Device {
            user_code: user_code.clone(),
            client: app.client_id.clone(),
            organization: organization.id.clone(),
            scope: scope.to_owned(),
            issued: trace.now.as_millisecond(),
            polled: None,
            state: DeviceState::Pending,
        },
    );
    drop(memory);
    Ok(json!({
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": PAGE,
        "expires_in": DEVICE_SECONDS,
        "interval": entra.policy().device_interval,
        "message": format!(
            "To sign in, use a web browser to open the page {PAGE} and enter the code {user_code} \
             to authenticate."
        ),
    }))
}

/// The device that shows this code and still waits; codes are typed in any case.
fn find(tenant: &Tenant, code: &str) -> Option<(String, Device)> {
    let now = tenant.clock.now().as_millisecond();
    let memory = tenant.entra.memory();
    let name = memory.user_codes.get(&code.trim().to_ascii_uppercase())?;
    let device = memory.devices.get(name)?;
    let waits =
        matches!(device.state, DeviceState::Pending) && now - device.issued < DEVICE_SECONDS * 1000;
    waits.then(|| (name.clone(), device.clone()))
}

/// `/devicelogin` and `/common/oauth2/deviceauth`: the page to type a code into.
pub(super) async fn page(
    State(tenant): State<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = Trace::new(&tenant, &headers);
    let flow = SignInFlow {
        tenant: &tenant,
        trace: &trace,
    };
    let form = match Form::of_request(&method, query.as_deref(), &headers, &body) {
        Ok(form) => form,
        Err(refusal) => return flow.show(&refusal),
    };
    let code = form.get("otc").unwrap_or_default();
    if method != Method::POST {
        return trace.page(StatusCode::OK, pages::enter_code(code, false));
    }
    let Some((device_code, device)) = find(&tenant, code) else {
        return trace.page(StatusCode::OK, pages::enter_code("", true));
    };
    let authorization = AuthorizationSession {
        purpose: Purpose::Device { device_code },
        client: device.client,
        organization: device.organization,
        scope: device.scope,
        hint: String::new(),
        silent: false,
        ask_again: false,
        user: None,
        factor: false,
        began: trace.now.as_millisecond(),
    };
    flow.ask_sign_in(&authorization, None)
}

impl SignInFlow<'_> {
    /// A device that was said no to is told so.
    pub(super) fn decline_device(&self, authorization: &AuthorizationSession) {
        if let Purpose::Device { device_code } = &authorization.purpose
            && let Some(device) = self.tenant.entra.memory().devices.get_mut(device_code)
        {
            device.state = DeviceState::Declined;
        }
    }
}

/// Signs in for a device without a browser, as this person would: with
/// consent already there, and through the same checks. The device learns of
/// the outcome as if it had happened on the page.
pub fn approve_device(tenant: &Tenant, user_code: &str, upn: &str) -> Result<(), EntraError> {
    let (name, device) = find(tenant, user_code).ok_or_else(aadsts::device_unknown)?;
    let directory = tenant.directory.read();
    let organization = tenant::anywhere(&directory, &device.organization)?;
    let app = directory
        .application(&device.client)
        .ok_or_else(|| aadsts::unknown_app(&device.client, &organization.display_name))?;
    let user = directory
        .user(upn)
        .ok_or_else(|| aadsts::unknown_user(&organization.display_name))?;
    let state = if organization.device_code_blocked {
        DeviceState::Blocked(organization.device_code_refusal())
    } else {
        check_person(organization, app, user, tenant.entra.policy().blocked)?;
        let wanted = RequestedScopes::parse(&device.scope, organization, &app.display_name)?;
        let granted = app.scopes(&user.id, wanted.resource);
        if !wanted.missing(&granted).is_empty() {
            return Err(aadsts::needs_administrator());
        }
        DeviceState::Approved(Grant {
            client: app.client_id.clone(),
            user: user.id.clone(),
            organization: organization.id.clone(),
            scope: device.scope,
            signed_in: tenant.clock.now().as_millisecond(),
            factor: true,
        })
    };
    if let Some(device) = tenant.entra.memory().devices.get_mut(&name) {
        device.state = state;
    }
    Ok(())
}

/// Says no for a person; false if no device waits with this code.
pub fn decline_device(tenant: &Tenant, user_code: &str) -> bool {
    let Some((name, _)) = find(tenant, user_code) else {
        return false;
    };
    if let Some(device) = tenant.entra.memory().devices.get_mut(&name) {
        device.state = DeviceState::Declined;
    }
    true
}
