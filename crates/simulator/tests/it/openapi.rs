//! Graph's answers against Microsoft's own description of Graph.

use m365mon_simulator::directory::{DOMAIN, SHAREPOINT_HOST};
use m365mon_simulator::graph::ENTITIES;
use serde_json::Value;

use super::support::{GRAPH, client, get_json, tenant, user_claims};

/// Holds a value against a schema of the OpenAPI description, objects closed.
fn check(schemas: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return check(schemas, &schemas[name], value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array()
        && schema["properties"].is_null()
    {
        let tried: Vec<_> = choices
            .iter()
            .map(|choice| check(schemas, choice, value, at))
            .collect();
        return tried
            .iter()
            .find(|t| t.is_ok())
            .unwrap_or(&tried[0])
            .clone();
    }
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &schema["type"] {
        Value::String(one) => one == name || one == "number" && name == "integer",
        Value::Array(many) => many.iter().any(|one| one == name),
        _ => true,
    };
    if !fits {
        return Err(format!("{at}: {name} instead of {}", schema["type"]));
    }
    match value {
        Value::Object(object) => {
            for (key, inner) in object.iter().filter(|(key, _)| !key.contains('@')) {
                let known = &schema["properties"][key];
                if known.is_null() && schema["additionalProperties"] == false {
                    return Err(format!("{at}.{key} is not in the description"));
                }
                check(schemas, known, inner, &format!("{at}.{key}"))?;
            }
            Ok(())
        }
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| check(schemas, &schema["items"], item, &format!("{at}[]"))),
        _ => Ok(()),
    }
}

fn openapi() -> Value {
    serde_json::from_str(include_str!(
        "../../../../tests/data/graph-v1.0.openapi.json"
    ))
    .unwrap()
}

#[tokio::test]
async fn answers_fit_the_openapi_description() {
    let running = tenant().await;
    let client = client(&running);
    let description = openapi();
    let everything = "Sites.Read.All Mail.Read User.Read.All Files.Read.All Organization.Read.All \
                      Presence.Read.All ServiceHealth.Read.All ServiceMessage.Read.All \
                      Application.Read.All Calendars.ReadBasic Channel.ReadBasic.All \
                      Team.ReadBasic.All";
    let claims = user_claims(&running, "steve", everything);
    // Health is for administrators only.
    running
        .tenant
        .directory
        .write()
        .user_mut(&claims.oid)
        .unwrap()
        .administrator = true;
    let token = running.tenant.tokens.mint(&claims);
    let team = running
        .tenant
        .directory
        .read()
        .teams()
        .next()
        .unwrap()
        .id
        .clone();
    let (site_id, list_id) = {
        let directory = running.tenant.directory.read();
        let site = directory.site(SHAREPOINT_HOST, "sites/intranet").unwrap();
        (site.id(), site.lists[0].id.clone())
    };
    let by_path = format!("/sites/{SHAREPOINT_HOST}:/sites/intranet");
    let cases = [
        (
            format!("{by_path}:/lists"),
            "/sites/{site-host}:/{site-path}:/lists",
        ),
        (by_path.clone(), "/sites/{site-host}:/{site-path}"),
        (
            format!("{by_path}:/drive"),
            "/sites/{site-host}:/{site-path}:/drive",
        ),
        (
            format!("/sites/{SHAREPOINT_HOST}/lists"),
            "/sites/{site-id}/lists",
        ),
        (
            "/sites/root/lists?$select=displayName,system".into(),
            "/sites/{site-id}/lists",
        ),
        (format!("/sites/{site_id}"), "/sites/{site-id}"),
        (
            format!("/sites/{site_id}/lists/{list_id}"),
            "/sites/{site-id}/lists/{list-id}",
        ),
        ("/me".into(), "/me"),
        ("/me/messages?$top=2".into(), "/me/messages"),
        ("/me/mailFolders".into(), "/me/mailFolders"),
        ("/me/drive".into(), "/me/drive"),
        ("/me/drive/root".into(), "/me/drive/root"),
        ("/me/drive/root/children".into(), "/me/drive/root/children"),
        ("/users?$top=2".into(), "/users"),
        ("/sites?search=e&$select=id,webUrl".into(), "/sites"),
        (format!("/users/info@{DOMAIN}"), "/users/{user-id}"),
        (
            format!("/users/{}/messages?$select=id&$top=1", claims.oid),
            "/users/{user-id}/messages",
        ),
        ("/me/calendar/events?$top=2".into(), "/me/calendar/events"),
        (
            "/me/calendar/calendarView?startDateTime=2026-11-30T00:00:00Z&endDateTime=2026-12-01T00:00:00Z"
                .into(),
            "/me/calendar/calendarView",
        ),
        (format!("/teams/{team}"), "/teams/{team-id}"),
        ("/me/joinedTeams".into(), "/me/joinedTeams"),
        (format!("/teams/{team}/channels"), "/teams/{team-id}/channels"),
        (
            format!("/teams/{team}/primaryChannel"),
            "/teams/{team-id}/primaryChannel",
        ),
        ("/organization".into(), "/organization"),
        ("/me/presence".into(), "/me/presence"),
        ("/applications?$top=2".into(), "/applications"),
        ("/servicePrincipals?$top=2".into(), "/servicePrincipals"),
        (
            "/subscribedSkus?$select=id,skuId,prepaidUnits,consumedUnits".into(),
            "/subscribedSkus",
        ),
        (
            "/directory/subscriptions".into(),
            "/directory/subscriptions",
        ),
        (
            "/admin/serviceAnnouncement/messages".into(),
            "/admin/serviceAnnouncement/messages",
        ),
        (
            format!("/users/{}/presence", claims.oid),
            "/users/{user-id}/presence",
        ),
        (
            "/admin/serviceAnnouncement/healthOverviews?$expand=issues".into(),
            "/admin/serviceAnnouncement/healthOverviews",
        ),
        (
            "/admin/serviceAnnouncement/healthOverviews/Exchange".into(),
            "/admin/serviceAnnouncement/healthOverviews/{serviceHealth-id}",
        ),
        (
            "/admin/serviceAnnouncement/issues".into(),
            "/admin/serviceAnnouncement/issues",
        ),
    ];
    for (path, described) in cases {
        let body = get_json(&client, &format!("{GRAPH}{path}"), &token).await;
        let content = &description["paths"][described]["get"]["responses"]["200"]["content"];
        let schema = &content["application/json"]["schema"];
        assert!(!schema.is_null(), "{described} is not described");
        let schemas = &description["components"]["schemas"];
        if let Err(wrong) = check(schemas, schema, &body, &path) {
            panic!("{wrong}\n{body:#}");
        }
    }
}

/// Writes the file anew where `M365MON_WRITE` is set.
#[test]
fn what_can_be_selected_is_what_the_description_says() {
    let description = openapi();
    let described: String = ENTITIES
        .iter()
        .map(|entity| {
            let get = &description["paths"][entity.path]["get"];
            let parameters = get["parameters"].as_array().unwrap();
            let select = parameters.iter().find(|p| p["name"] == "$select").unwrap();
            let names = select["schema"]["items"]["enum"].as_array().unwrap();
            let names: Vec<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
            format!("{}: {}\n", entity.name, names.join(" "))
        })
        .collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/graph/properties.txt");
    if std::env::var_os("M365MON_WRITE").is_some() {
        std::fs::write(file, &described).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), described);
}
