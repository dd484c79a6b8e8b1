//! Microsoft's word on its own services (PROTOCOL-KINDS section 6): overviews
//! and issues. Statuses go out as the directory holds them, also those that no
//! list knows.

use serde_json::{Map, Value, json};

use super::entity::{HEALTH_ISSUE, SERVICE_HEALTH};
use super::error::GraphError;
use super::query::Query;
use super::route::{Route, get};
use super::{Answer, Call, guard, time};
use crate::directory::{Health, HealthIssue, ServiceHealth};

pub(super) const ROUTES: &[Route] = &[
    get("admin/serviceAnnouncement/healthOverviews", overviews),
    get("admin/serviceAnnouncement/healthOverviews/{}", overview),
    // It is in Microsoft's description and answers so all the same.
    get(
        "admin/serviceAnnouncement/healthOverviews/{}/issues",
        |_, _| Err(GraphError::new(404, "UnknownError", "")),
    ),
    get("admin/serviceAnnouncement/issues", issues),
    get("admin/serviceAnnouncement/issues/{}", issue),
];

const READ: [&str; 1] = ["ServiceHealth.Read.All"];

fn health(call: &Call<'_>) -> Result<Health, GraphError> {
    guard::announcements(call.tenant, &call.claims, &READ)?;
    let directory = call.tenant.directory.read();
    directory
        .organization(&call.claims.tid)
        .map(|organization| organization.health.clone())
        .ok_or_else(|| GraphError::new(404, "UnknownError", ""))
}

fn describe(health: &Health, service: &ServiceHealth, with_issues: bool) -> Map<String, Value> {
    let mut whole = Map::new();
    whole.insert("service".into(), service.name.as_str().into());
    whole.insert("status".into(), service.status.as_str().into());
    whole.insert("id".into(), service.id.as_str().into());
    if with_issues {
        let of_it = health.issues.iter().filter(|i| i.service == service.name);
        let issues: Vec<_> = of_it.map(|i| Value::Object(describe_issue(i))).collect();
        // Not a property, so that `$select` leaves it in.
        whole.insert("issues".into(), issues.into());
    }
    whole
}

fn describe_issue(issue: &HealthIssue) -> Map<String, Value> {
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("id", issue.id.as_str().into());
    put("title", "Something that people may notice".into());
    put("service", issue.service.as_str().into());
    put("feature", "Access".into());
    put("featureGroup", "Access and availability".into());
    put("impactDescription", "Some may see errors.".into());
    put("classification", issue.classification.as_str().into());
    put("origin", "microsoft".into());
    put("status", issue.status.as_str().into());
    put("isResolved", issue.ends.is_some().into());
    put("startDateTime", time(issue.starts).into());
    put("endDateTime", issue.ends.map(time).into());
    put("lastModifiedDateTime", time(issue.modified).into());
    put("details", json!([]));
    put("posts", json!([]));
    whole
}

/// The query without `$expand=issues`, and whether that was in it.
fn expanding(call: &Call<'_>) -> (Vec<(String, String)>, bool) {
    let asked = &call.incoming.query;
    let is_it = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("$expand") && value.eq_ignore_ascii_case("issues")
    };
    let rest: Vec<_> = asked.iter().filter(|pair| !is_it(pair)).cloned().collect();
    let expands = rest.len() < asked.len();
    (rest, expands)
}

fn overviews(call: &Call<'_>, _: &[&str]) -> Result<Answer, GraphError> {
    let health = health(call)?;
    let (asked, expands) = expanding(call);
    let query = Query::parse(&asked, &SERVICE_HEALTH)?.sized(&call.incoming.prefer);
    let context = format!(
        "{}/$metadata#admin/serviceAnnouncement/healthOverviews",
        call.root
    );
    let items = health.services.iter();
    let items = items.map(|service| describe(&health, service, expands));
    Ok(query
        .page(&SERVICE_HEALTH, items, context, &call.url(), &asked)
        .into())
}

fn overview(call: &Call<'_>, names: &[&str]) -> Result<Answer, GraphError> {
    let health = health(call)?;
    let (asked, expands) = expanding(call);
    let query = Query::parse(&asked, &SERVICE_HEALTH)?;
    let service = names.first().and_then(|name| health.service(name));
    let service = service.ok_or_else(|| GraphError::new(404, "UnknownError", ""))?;
    let mut whole = describe(&health, service, expands);
    let context = format!(
        "{}/$metadata#admin/serviceAnnouncement/healthOverviews/$entity",
        call.root
    );
    whole.insert("@odata.context".into(), context.into());
    Ok(query.narrow(&SERVICE_HEALTH, whole).into())
}

fn issues(call: &Call<'_>, _: &[&str]) -> Result<Answer, GraphError> {
    let health = health(call)?;
    let asked = &call.incoming.query;
    let query = Query::parse(asked, &HEALTH_ISSUE)?.sized(&call.incoming.prefer);
    let context = format!("{}/$metadata#admin/serviceAnnouncement/issues", call.root);
    let items = health.issues.iter().map(describe_issue);
    Ok(query
        .page(&HEALTH_ISSUE, items, context, &call.url(), asked)
        .into())
}

fn issue(call: &Call<'_>, ids: &[&str]) -> Result<Answer, GraphError> {
    let health = health(call)?;
    let query = Query::parse(&call.incoming.query, &HEALTH_ISSUE)?;
    let found = ids
        .first()
        .and_then(|id| health.issues.iter().find(|i| i.id.eq_ignore_ascii_case(id)))
        .ok_or_else(|| GraphError::new(404, "UnknownError", ""))?;
    Ok(query.narrow(&HEALTH_ISSUE, describe_issue(found)).into())
}
