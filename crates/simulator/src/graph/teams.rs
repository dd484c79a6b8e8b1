//! Teams and their channels (PROTOCOL-KINDS section 2): a permission for all of
//! them, or the consent of one team, which is told from the token only by the
//! role `Group.Selected`.

use serde_json::{Map, Value, json};

use super::entity::{CHANNEL, Entity, TEAM};
use super::error::GraphError;
use super::query::Query;
use super::route::{Route, get};
use super::{Answer, Call};
use crate::directory::{Channel, Team};

pub(super) const ROUTES: &[Route] = &[
    get("me/joinedTeams", joined),
    get("teams/{}", one),
    get("teams/{}/channels", channels),
    get("teams/{}/primaryChannel", primary),
];

/// Who may ask for something of a team.
struct TeamRight {
    /// Of applications in every team, in Microsoft's order.
    roles: &'static [&'static str],
    /// Of applications in a team that consented.
    consented: &'static [&'static str],
    /// Of persons, in their own teams.
    scopes: &'static [&'static str],
}

const CHANNELS: TeamRight = TeamRight {
    roles: &[
        "Channel.ReadBasic.All",
        "ChannelSettings.Read.All",
        "ChannelSettings.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    consented: &[
        "ChannelSettings.Read.Group",
        "ChannelSettings.ReadWrite.Group",
    ],
    scopes: &[
        "Channel.ReadBasic.All",
        "ChannelSettings.Read.All",
        "ChannelSettings.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
};
const SETTINGS: TeamRight = TeamRight {
    roles: &[
        "Team.ReadBasic.All",
        "TeamSettings.Read.All",
        "TeamSettings.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    consented: &["TeamSettings.Read.Group", "TeamSettings.ReadWrite.Group"],
    scopes: &[
        "Team.ReadBasic.All",
        "TeamSettings.Read.All",
        "TeamSettings.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
    ],
};

fn forbidden(message: String) -> GraphError {
    GraphError::new(403, "Forbidden", message)
}

/// The team, as far as this token reaches.
fn open(call: &Call<'_>, id: &str, right: &TeamRight) -> Result<Team, GraphError> {
    let claims = &call.claims;
    let directory = call.tenant.directory.read();
    let team = directory
        .team(id)
        .filter(|team| team.organization == claims.tid);
    if claims.app_only() {
        let roles = claims.roles.as_deref().unwrap_or_default();
        // Its consents count only where the token tells that there are some.
        let selected = roles.iter().any(|role| role == "Group.Selected");
        let consents = match team {
            Some(team) if selected => team.consented(&claims.appid),
            _ => std::collections::BTreeSet::new(),
        };
        let consented = right.consented.iter().any(|c| consents.contains(*c));
        if !(consented || claims.has_role(right.roles)) {
            let needed: Vec<_> = right.consented.iter().chain(right.roles).copied().collect();
            let grants: Vec<_> = consents.iter().map(String::as_str).collect();
            return Err(forbidden(format!(
                "Missing role permissions on the request. API requires one of '{}'. Roles on the \
                 request '{}'. Resource specific consent grants on the request '{}'.",
                needed.join(", "),
                roles.join(", "),
                grants.join(", ")
            )));
        }
    } else if !claims.has_scope(right.scopes) {
        return Err(forbidden(format!(
            "Missing scope permissions on the request. API requires one of '{}'. Scopes on the \
             request '{}'.",
            right.scopes.join(", "),
            claims.scp.as_deref().unwrap_or_default().replace(' ', ", ")
        )));
    }
    let Some(team) = team else {
        let message = format!("No team found with Group Id {id}");
        return Err(GraphError::new(404, "NotFound", message));
    };
    if team.front_lost {
        return Err(GraphError::new(404, "UnknownError", "404 page not found\n"));
    }
    let member = claims.app_only() || team.members.contains(&claims.oid);
    if team.backend_refuses || !member {
        return Err(forbidden(
            "Failed to execute Skype backend request GetThreadsRequest.".to_owned(),
        ));
    }
    Ok(team.clone())
}

/// Teams does not know the options of pages.
fn query(call: &Call<'_>, entity: &'static Entity) -> Result<Query, GraphError> {
    let paging = |(name, _): &&(String, String)| {
        ["$top", "$skip", "$orderby"].contains(&name.to_ascii_lowercase().as_str())
    };
    if let Some((name, _)) = call.incoming.query.iter().find(paging) {
        return Err(GraphError::bad_request(format!(
            "Query option '{}' is not allowed. To allow it, set the 'AllowedQueryOptions' \
             property on EnableQueryAttribute or QueryValidationSettings.",
            name.trim_start_matches('$')
        )));
    }
    Query::parse(&call.incoming.query, entity)
}

fn describe(channel: &Channel) -> Map<String, Value> {
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("id", channel.id.as_str().into());
    put("createdDateTime", "2024-02-01T09:00:00.123Z".into());
    put("displayName", channel.display_name.as_str().into());
    put("description", Value::Null);
    put("isFavoriteByDefault", Value::Null);
    put("email", "".into());
    put("membershipType", channel.membership.into());
    put("isArchived", false.into());
    whole
}

fn one(call: &Call<'_>, ids: &[&str]) -> Result<Answer, GraphError> {
    let team = open(call, ids.first().copied().unwrap_or_default(), &SETTINGS)?;
    let query = query(call, &TEAM)?;
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    let context = format!("{}/$metadata#teams/$entity", call.root);
    put("@odata.context", context.into());
    put("id", team.id.as_str().into());
    put("displayName", team.display_name.as_str().into());
    put("description", Value::Null);
    put("isArchived", false.into());
    Ok(query.narrow(&TEAM, whole).into())
}

/// The teams of the person who asks (Microsoft Graph, "List joinedTeams"): it
/// takes no options.
fn joined(call: &Call<'_>, _: &[&str]) -> Result<Answer, GraphError> {
    let claims = &call.claims;
    if claims.app_only() {
        return Err(GraphError::bad_request(
            "/me request is only valid with delegated authentication flow.",
        ));
    }
    if !claims.has_scope(SETTINGS.scopes) {
        return Err(forbidden(format!(
            "Missing scope permissions on the request. API requires one of '{}'. Scopes on the \
             request '{}'.",
            SETTINGS.scopes.join(", "),
            claims.scp.as_deref().unwrap_or_default().replace(' ', ", ")
        )));
    }
    if let Some((name, _)) = call
        .incoming
        .query
        .iter()
        .find(|(name, _)| name.starts_with('$'))
    {
        return Err(GraphError::bad_request(format!(
            "Query option '{}' is not allowed.",
            name.trim_start_matches('$')
        )));
    }
    let directory = call.tenant.directory.read();
    let teams = directory
        .teams()
        .filter(|team| team.organization == claims.tid && team.members.contains(&claims.oid));
    let items: Vec<Value> = teams
        .map(|team| {
            json!({
                "id": team.id, "displayName": team.display_name, "description": null,
                "isArchived": false, "tenantId": claims.tid,
            })
        })
        .collect();
    Ok(json!({
        "@odata.context": format!("{}/$metadata#teams", call.root),
        "@odata.count": items.len(),
        "value": items,
    })
    .into())
}

fn channels(call: &Call<'_>, ids: &[&str]) -> Result<Answer, GraphError> {
    let team = open(call, ids.first().copied().unwrap_or_default(), &CHANNELS)?;
    let asked = &call.incoming.query;
    let query = query(call, &CHANNEL)?;
    let selected = query.select.as_ref().map(|names| names.join(","));
    let selected = selected.map_or_else(String::new, |names| format!("({names})"));
    let context = format!(
        "{}/$metadata#teams('{}')/channels{selected}",
        call.root, team.id
    );
    let items = team.channels.iter().map(describe);
    let mut body = query.page(&CHANNEL, items, context, &call.url(), asked);
    // It comes unasked.
    let count = body["value"].as_array().map_or(0, Vec::len);
    body["@odata.count"] = json!(count);
    Ok(body.into())
}

fn primary(call: &Call<'_>, ids: &[&str]) -> Result<Answer, GraphError> {
    let team = open(call, ids.first().copied().unwrap_or_default(), &CHANNELS)?;
    let query = query(call, &CHANNEL)?;
    let channel = team
        .channels
        .first()
        .ok_or_else(|| GraphError::new(404, "NotFound", "Primary channel not found."))?;
    let mut whole = describe(channel);
    let context = format!(
        "{}/$metadata#teams('{}')/primaryChannel/$entity",
        call.root, team.id
    );
    whole.insert("@odata.context".into(), context.into());
    Ok(query.narrow(&CHANNEL, whole).into())
}
