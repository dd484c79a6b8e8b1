//! Who is at their desk (PROTOCOL-KINDS section 3).

use serde_json::{Value, json};

use super::error::GraphError;
use super::route::{Route, get, post};
use super::{Answer, Call, guard, json_body};
use crate::directory::{Cloud, User};
use m365mon_base::is_guid;

pub(super) const ROUTES: &[Route] = &[
    get("{person}/presence", of_person),
    post("communications/getPresencesByUserId", of_several),
];

const READ_OWN: [&str; 2] = ["Presence.Read", "Presence.Read.All"];
const READ_ALL: [&str; 1] = ["Presence.Read.All"];
/// Ids in one request.
const MOST: usize = 650;

/// The whole of it; there is no presence in the cloud of China.
fn in_this_cloud(call: &Call<'_>) -> Result<(), GraphError> {
    let directory = call.tenant.directory.read();
    let china = directory
        .organization(&call.claims.tid)
        .is_some_and(|organization| organization.cloud == Cloud::China);
    if china {
        return Err(GraphError::no_segment("presence"));
    }
    // The service knows no options: it refuses them.
    let option = call.incoming.query.iter().find(|(n, _)| n.starts_with('$'));
    option.map_or(Ok(()), |(name, _)| {
        Err(GraphError::bad_request(format!(
            "The query parameter '{name}' is not supported."
        )))
    })
}

fn describe(user: &User) -> Value {
    json!({
        "id": user.id, "availability": user.availability, "activity": user.availability,
        "statusMessage": null, "workLocation": null,
        "outOfOfficeSettings": {"message": null, "isOutOfOffice": false},
    })
}

fn of_person(call: &Call<'_>, names: &[&str]) -> Result<Answer, GraphError> {
    let name = names.first().copied().unwrap_or_default();
    let claims = &call.claims;
    if name == "me" && claims.app_only() {
        return Err(GraphError::bad_request(
            "/me request is only valid with delegated authentication flow.",
        ));
    }
    let id = if name == "me" {
        claims.oid.as_str()
    } else {
        name
    };
    let own = id.eq_ignore_ascii_case(&claims.oid);
    guard::any_of(claims, if own { &READ_OWN } else { &READ_ALL }, &READ_ALL)?;
    in_this_cloud(call)?;
    if !is_guid(id) {
        // A user principal name is not one, whatever other APIs take.
        return Err(GraphError::bad_request(format!(
            "Invalid user id '{id}'. The id has to be a GUID."
        )));
    }
    let directory = call.tenant.directory.read();
    let user = directory
        .user(id)
        .filter(|user| user.organization == claims.tid)
        .ok_or_else(|| GraphError::new(404, "NotFound", "User not found."))?;
    let mut whole = describe(user);
    let context = format!(
        "{}/$metadata#users('{}')/presence/$entity",
        call.root, user.id
    );
    whole["@odata.context"] = context.into();
    Ok(whole.into())
}

fn of_several(call: &Call<'_>, _: &[&str]) -> Result<Answer, GraphError> {
    guard::any_of(&call.claims, &READ_ALL, &READ_ALL)?;
    in_this_cloud(call)?;
    let body = json_body(call)?;
    let ids = body["ids"].as_array().filter(|ids| ids.len() <= MOST);
    let ids = ids.ok_or_else(|| GraphError::bad_request("Invalid list of ids."))?;
    let directory = call.tenant.directory.read();
    // Those that nobody has are left out.
    let found: Vec<Value> = ids
        .iter()
        .filter_map(|id| id.as_str().filter(|id| is_guid(id)))
        .filter_map(|id| directory.user(id))
        .filter(|user| user.organization == call.claims.tid)
        .map(describe)
        .collect();
    let context = format!(
        "{}/$metadata#Collection(microsoft.graph.presence)",
        call.root
    );
    Ok(json!({"@odata.context": context, "value": found}).into())
}
