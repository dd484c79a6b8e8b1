//! Intune's certificate for Apple's push notifications (Microsoft Graph, "Get
//! applePushNotificationCertificate"; RECORDED section 2). Intune speaks in its
//! own way: errors are JSON in a text, where no certificate was ever uploaded it says
//! 404, and people without a role of its own hear 401 (microsoft-graph-explorer-v4#706,
//! microsoft-authentication-library-for-js#7007).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::route::{Route, get};
use super::{Answer, Call, varied};

pub(super) const ROUTES: &[Route] = &[get(
    "deviceManagement/applePushNotificationCertificate",
    certificate,
)];

const READ: [&str; 2] = [
    "DeviceManagementServiceConfig.Read.All",
    "DeviceManagementServiceConfig.ReadWrite.All",
];

/// What `$select` may name; not in our part of the description.
const PROPERTIES: [&str; 8] = [
    "id",
    "appleIdentifier",
    "topicIdentifier",
    "lastModifiedDateTime",
    "expirationDateTime",
    "certificateUploadStatus",
    "certificateSerialNumber",
    "certificate",
];

/// Intune's own error, which stands as text in that of Graph.
fn intune(call: &Call<'_>, status: u16, code: &'static str, message: &str) -> GraphError {
    let text = format!(
        "{{\r\n  \"_version\": 3,\r\n  \"Message\": \"{message} - Operation ID (for customer \
         support): 00000000-0000-0000-0000-000000000000 - Activity ID: {id} - Url: \
         https://fef.msub05.manage.microsoft.com/StatelessAppleAdminFEService/deviceManagement/\
         applePushNotificationCertificate?api-version=5023-06-01\",\r\n  \
         \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \
         \"\",\r\n  \"HttpHeaders\": \"{{}}\"\r\n}}",
        id = call.incoming.request_id
    );
    GraphError::new(status, code, text)
}

/// 401 with the refusal in the message of the message.
fn no_role(call: &Call<'_>) -> GraphError {
    let said = intune(call, 401, "Forbidden", "An error has occurred").message;
    let inner = json!({
        "ErrorCode": "Forbidden", "Message": said, "Target": null, "Details": null,
        "InnerError": null, "InstanceAnnotations": [],
    });
    GraphError::new(401, "UnknownError", inner.to_string())
}

fn certificate(call: &Call<'_>, _: &[&str]) -> Result<Answer, GraphError> {
    let claims = &call.claims;
    let permitted = claims.has_role(&READ) || claims.has_scope(&READ);
    if !permitted {
        let message = "Application is not authorized to perform this operation. Application must \
                       have one of the following scopes: DeviceManagementServiceConfig.Read.All, \
                       DeviceManagementServiceConfig.ReadWrite.All";
        return Err(intune(call, 403, "Forbidden", message));
    }
    let person_may = claims.app_only() || {
        let directory = call.tenant.directory.read();
        let person = directory.user(&claims.oid);
        person.is_some_and(|person| person.administrator)
    };
    if !person_may {
        return Err(no_role(call));
    }
    let selected = call.incoming.query.iter();
    let selected = selected
        .filter(|(name, _)| name.eq_ignore_ascii_case("$select"))
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim);
    let mut wanted = Vec::new();
    for name in selected {
        let known = PROPERTIES.iter().find(|p| p.eq_ignore_ascii_case(name));
        wanted.push(*known.ok_or_else(|| {
            GraphError::bad_request(format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' \
                 on type 'microsoft.graph.applePushNotificationCertificate'."
            ))
        })?);
    }
    let directory = call.tenant.directory.read();
    let days = directory
        .organization(&claims.tid)
        .and_then(|organization| organization.apple_push_days);
    let Some(days) = days else {
        return Err(intune(
            call,
            404,
            "ResourceNotFound",
            "An error has occurred",
        ));
    };
    let now = call.tenant.clock.now();
    let day = Duration::from_secs(days.unsigned_abs() * 86_400);
    let ends = if days < 0 {
        now.checked_sub(day)
    } else {
        now.checked_add(day)
    };
    let whole = json!({
        "id": crate::chance::guid_of(&format!("apple push {}", claims.tid)),
        "appleIdentifier": "apple-account@contoso.com",
        "topicIdentifier": "com.apple.mgmt.External.contoso",
        "lastModifiedDateTime": "2026-03-01T09:00:00Z",
        "expirationDateTime": varied(ends.unwrap_or(now)),
        "certificateUploadStatus": null, "certificateSerialNumber": "0102030405060708",
        "certificate": null,
    });
    let mut kept: Map<String, Value> = match whole {
        Value::Object(whole) => whole,
        _ => Map::new(),
    };
    kept.retain(|name, _| wanted.is_empty() || wanted.contains(&name.as_str()));
    let context = format!(
        "{}/$metadata#deviceManagement/applePushNotificationCertificate/$entity",
        call.root
    );
    kept.insert("@odata.context".into(), context.into());
    Ok(Value::Object(kept).into())
}
