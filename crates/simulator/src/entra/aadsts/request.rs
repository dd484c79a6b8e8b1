//! Refusals of what was asked: the request itself, the tenant, the scopes,
//! and trouble of the service.

use super::EntraError;

/// 900144: a parameter of the body is missing.
pub(in crate::entra) fn missing_parameter(name: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        900_144,
        format!("The request body must contain the following parameter: '{name}'."),
    )
}

/// 90014: a field that the chosen credential needs is missing.
pub(in crate::entra) fn missing_field(name: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        90_014,
        format!(
            "The required field '{name}' is missing from the credential. Ensure that you have \
             all the necessary parameters for the login request."
        ),
    )
}

/// 9002313: neither form nor query could be read.
pub(in crate::entra) fn malformed_request() -> EntraError {
    EntraError::new(
        "invalid_request",
        9_002_313,
        "Invalid request. Request is malformed or invalid.",
    )
}

/// 90013: a parameter has a value that cannot be.
pub(in crate::entra) fn bad_input(name: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        90_013,
        format!("Invalid input received from the user. The parameter '{name}' is not valid."),
    )
}

/// 901002: the parameter of the older endpoint.
pub(in crate::entra) fn resource_parameter() -> EntraError {
    EntraError::new(
        "invalid_request",
        901_002,
        "The 'resource' request parameter is not supported.",
    )
}

/// 70003: no such grant here.
pub(in crate::entra) fn unsupported_grant(grant: &str) -> EntraError {
    EntraError::new(
        "unsupported_grant_type",
        70_003,
        format!("The app requested an unsupported grant type '{grant}'."),
    )
}

/// 9002326: an `Origin` header from something that is no single-page application.
pub(in crate::entra) fn cross_origin(origin: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        9_002_326,
        format!(
            "Cross-origin token redemption is permitted only for the 'Single-Page Application' \
             client-type. Request origin: '{origin}'."
        ),
    )
}

/// 90002: no such tenant in this cloud.
pub(in crate::entra) fn tenant_not_found(tenant: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        90_002,
        format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and \
             are signing into the correct cloud. Check with your subscription administrator, this \
             may happen if there are no active subscriptions for the tenant."
        ),
    )
}

/// 900023: what stands in the place of the tenant cannot be one.
pub(in crate::entra) fn tenant_malformed(tenant: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        900_023,
        format!(
            "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid \
             external domain."
        ),
    )
}

/// 50059: nothing says which tenant is meant.
pub(in crate::entra) fn no_tenant_information() -> EntraError {
    EntraError::new(
        "invalid_request",
        50_059,
        "No tenant-identifying information found in either the request or implied by any provided \
         credentials.",
    )
}

/// 50194: a single-tenant application at `/common`.
pub(in crate::entra) fn single_tenant(app: &str, name: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        50_194,
        format!(
            "Application '{app}'({name}) is not configured as a multi-tenant application. Usage of \
             the /common endpoint is not supported for such apps created after '10/15/2018'. Use a \
             tenant-specific endpoint or configure the application to be multi-tenant."
        ),
    )
}

/// 9001023: this grant needs a tenant.
pub(in crate::entra) fn grant_needs_tenant() -> EntraError {
    EntraError::new(
        "invalid_request",
        9_001_023,
        "The grant type is not supported over the /common or /consumers endpoints. Please use the \
         /organizations or tenant-specific endpoint.",
    )
}

/// 90038: the tenant lives in another cloud.
pub(in crate::entra) fn tenant_elsewhere(tenant: &str, home: &str, here: &str) -> EntraError {
    EntraError::new(
        "invalid_request",
        90_038,
        format!(
            "The specified tenant '{tenant}' belongs to the National Cloud '{home}'. Current cloud \
             instance '{here}' does not federate with {home}."
        ),
    )
}

/// 900382: a confidential client asked across clouds.
pub(in crate::entra) fn confidential_cross_cloud() -> EntraError {
    EntraError::new(
        "invalid_client",
        900_382,
        "Confidential Client is not supported in Cross Cloud request.",
    )
}

/// 70011: a scope that is none.
pub(in crate::entra) fn bad_scope(scope: &str) -> EntraError {
    EntraError::new(
        "invalid_scope",
        70_011,
        format!(
            "The provided request must include a 'scope' input parameter. The provided value for \
             the input parameter 'scope' is not valid. The scope {scope} is not valid."
        ),
    )
}

/// 70011: `.default` beside named scopes.
pub(in crate::entra) fn mixed_default(scope: &str) -> EntraError {
    EntraError::new(
        "invalid_scope",
        70_011,
        format!(
            "The provided value for the input parameter 'scope' is not valid. The scope {scope} is \
             not valid. .default scope can't be combined with resource-specific scopes."
        ),
    )
}

/// 1002012: named scopes, and nobody who could have consented to them.
pub(in crate::entra) fn scope_needs_default(scope: &str) -> EntraError {
    EntraError::new(
        "invalid_scope",
        1_002_012,
        format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have \
             a scope value with /.default suffixed to the resource identifier (application ID URI)."
        ),
    )
}

/// 700022: scopes of more than one resource.
pub(in crate::entra) fn several_resources(scope: &str) -> EntraError {
    EntraError::new(
        "invalid_scope",
        700_022,
        format!(
            "The provided value for the input parameter scope '{scope}' is not valid because it \
             contains more than one resource."
        ),
    )
}

/// 500011: no such resource in this tenant.
pub(in crate::entra) fn unknown_resource(resource: &str, tenant: &str) -> EntraError {
    EntraError::new(
        "invalid_resource",
        500_011,
        format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. \
             This can happen if the application has not been installed by the administrator of the \
             tenant or consented to by any user in the tenant. You might have sent your \
             authentication request to the wrong tenant."
        ),
    )
}

/// 650053: the resource knows no such permission.
pub(in crate::entra) fn unknown_scope(app: &str, scope: &str, resource: &str) -> EntraError {
    EntraError::new(
        "invalid_scope",
        650_053,
        format!(
            "The application '{app}' asked for scope '{scope}' that doesn't exist on the resource \
             '{resource}'. Contact the app vendor."
        ),
    )
}

/// 65001: nobody consented to this.
pub(in crate::entra) fn no_consent(app: &str, name: &str) -> EntraError {
    EntraError::new(
        "invalid_grant",
        65_001,
        format!(
            "The user or administrator has not consented to use the application with ID '{app}' \
             named '{name}'. Send an interactive authorization request for this user and resource."
        ),
    )
    .suberror("consent_required")
}

/// 90033: a passing fault of the service; answered with 503.
pub(in crate::entra) fn service_trouble() -> EntraError {
    EntraError {
        status: 503,
        ..EntraError::new(
            "temporarily_unavailable",
            90_033,
            "A transient error has occurred. Please try again.",
        )
    }
}

/// 90055: the tenant asks too often; answered with 429.
pub(in crate::entra) fn tenant_throttled() -> EntraError {
    EntraError {
        status: 429,
        ..EntraError::new(
            "temporarily_unavailable",
            90_055,
            "The server has terminated the request because there have been too many requests from \
             the same tenant.",
        )
    }
}
