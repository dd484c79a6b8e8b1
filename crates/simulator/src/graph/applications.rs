//! Applications, their service principals and when their credentials end
//! (PROTOCOL-KINDS section 8). An application may read its own without a
//! permission, everything else wants `Application.Read.All`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Map, Value, json};

use super::entity::{APPLICATION, Entity, SERVICE_PRINCIPAL};
use super::error::GraphError;
use super::query::Query;
use super::route::{Route, get};
use super::{Answer, Call, guard, varied};
use crate::chance::guid_of;
use crate::directory::Application;
use crate::tokens::Claims;

pub(super) const ROUTES: &[Route] = &[
    get("applications", |call, _| list(call, &APPLICATION)),
    get("applications(appId='{}')", |call, ids| {
        one(call, &APPLICATION, ids)
    }),
    get("applications/{}", |call, ids| one(call, &APPLICATION, ids)),
    get("servicePrincipals", |call, _| {
        list(call, &SERVICE_PRINCIPAL)
    }),
    get("servicePrincipals(appId='{}')", |call, ids| {
        one(call, &SERVICE_PRINCIPAL, ids)
    }),
    get("servicePrincipals/{}", |call, ids| {
        one(call, &SERVICE_PRINCIPAL, ids)
    }),
];

const READ: [&str; 3] = [
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
];

/// Of applications only: it lists all of them, and may write to its own.
const READ_OWNED: [&str; 1] = ["Application.ReadWrite.OwnedBy"];

fn may_read(claims: &Claims) -> Result<(), GraphError> {
    if claims.has_role(&READ_OWNED) {
        return Ok(());
    }
    guard::directory(claims, &READ)
}

/// The application's object and its service principal have an id each.
fn object_id(entity: &Entity, app: &Application) -> String {
    if entity.name == APPLICATION.name {
        guid_of(&format!("application object {}", app.client_id))
    } else {
        app.object_id.clone()
    }
}

/// A managed identity is a service principal only.
fn exists(entity: &Entity, app: &Application) -> bool {
    entity.name != APPLICATION.name || !app.managed_identity
}

fn describe(entity: &Entity, app: &Application, with_keys: bool) -> Map<String, Value> {
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("id", object_id(entity, app).into());
    put("appId", app.client_id.as_str().into());
    put("displayName", app.display_name.as_str().into());
    let principal = entity.name == SERVICE_PRINCIPAL.name;
    let secrets = match principal {
        true => &app.principal_secrets,
        false => &app.secrets,
    };
    let secrets = secrets.iter().map(|secret| {
        let hint = secret.value.expose().get(..3).filter(|_| secret.hinted);
        json!({
            "customKeyIdentifier": null, "displayName": "secret", "keyId": secret.key_id,
            "startDateTime": varied(secret.starts), "endDateTime": varied(secret.ends),
            "hint": hint, "secretText": null,
        })
    });
    put("passwordCredentials", secrets.collect::<Vec<_>>().into());
    let keys = app.certificates.iter().map(|certificate| {
        let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate.der);
        let thumbprint = STANDARD.encode(sha1);
        json!({
            "keyId": guid_of(&thumbprint), "customKeyIdentifier": thumbprint,
            "displayName": "CN=certificate", "type": "AsymmetricX509Cert", "usage": "Verify",
            "startDateTime": varied(certificate.starts), "endDateTime": varied(certificate.ends),
            // Only where it was asked for by name.
            "key": with_keys.then(|| STANDARD.encode(&certificate.der)),
        })
    });
    put("keyCredentials", keys.collect::<Vec<_>>().into());
    if principal {
        put("accountEnabled", (!app.disabled).into());
        let kind = if app.managed_identity {
            "ManagedIdentity"
        } else {
            "Application"
        };
        put("servicePrincipalType", kind.into());
        put("preferredSingleSignOnMode", Value::Null);
    }
    whole
}

fn list(call: &Call<'_>, entity: &'static Entity) -> Result<Answer, GraphError> {
    may_read(&call.claims)?;
    let asked = &call.incoming.query;
    let query = Query::parse(asked, entity)?;
    let with_keys = query.selects("keyCredentials");
    let directory = call.tenant.directory.read();
    let items = directory
        .applications()
        .filter(|app| app.organization == call.claims.tid && exists(entity, app))
        .map(|app| describe(entity, app, with_keys));
    let context = format!("{}/$metadata#{}s", call.root, entity.name);
    Ok(query
        .page(entity, items, context, &call.url(), asked)
        .into())
}

fn one(call: &Call<'_>, entity: &'static Entity, ids: &[&str]) -> Result<Answer, GraphError> {
    let id = ids.first().copied().unwrap_or_default();
    let claims = &call.claims;
    let directory = call.tenant.directory.read();
    let found = directory.applications().find(|app| {
        app.organization == claims.tid
            && exists(entity, app)
            && (app.client_id.eq_ignore_ascii_case(id)
                || object_id(entity, app).eq_ignore_ascii_case(id))
    });
    let own = claims.app_only()
        && (claims.appid.eq_ignore_ascii_case(id)
            || found.is_some_and(|app| app.client_id.eq_ignore_ascii_case(&claims.appid)));
    if !own {
        may_read(claims)?;
    }
    let query = Query::parse(&call.incoming.query, entity)?;
    let app = found.ok_or_else(|| {
        GraphError::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects \
                 are not present."
            ),
        )
    })?;
    let mut whole = describe(entity, app, query.selects("keyCredentials"));
    let context = format!("{}/$metadata#{}s/$entity", call.root, entity.name);
    whole.insert("@odata.context".into(), context.into());
    Ok(query.narrow(entity, whole).into())
}
