//! Sites and their lists.

use serde_json::{Map, Value, json};

use super::drives::{self, Place, Use};
use super::entity::{LIST, SITE};
use super::error::GraphError;
use super::query::Query;
use super::{Answer, Call, files, guard};
use crate::directory::{List, Site};
use crate::throttle::Budget;

/// `sites/{host}:/{path}[:/{tail}]`.
pub(super) fn by_path(
    call: &Call<'_>,
    host: &str,
    path: &str,
    tail: &str,
) -> Result<Answer, GraphError> {
    check_host(call, host)?;
    any_site(call, tail)?;
    let budget = spend(call, units(tail))?;
    let site = {
        let directory = call.tenant.directory.read();
        directory.site(host, path).cloned().ok_or_else(not_found)?
    };
    answer(call, &site, tail, budget)
}

/// The library of the site that stands before `/drive/`, for what is to be done
/// with a file in it.
pub(super) fn library(call: &Call<'_>, site: &str, what: Use) -> Result<Place, GraphError> {
    spend(call, if what == Use::Write { 2 } else { 1 })?;
    let site = match site.split_once(":/") {
        Some((host, path)) => {
            check_host(call, host)?;
            let directory = call.tenant.directory.read();
            let site = directory.site(host, path.trim_end_matches(':'));
            site.cloned().ok_or_else(not_found)?
        }
        None => find(call, site)?,
    };
    drives::of_site(call, &site, what)
}

/// `sites/{id}[/{tail}]`: the triple of ids, a host, or `root`.
pub(super) fn by_id(call: &Call<'_>, id: &str, tail: &str) -> Result<Answer, GraphError> {
    any_site(call, tail)?;
    let budget = spend(call, units(tail))?;
    let site = find(call, id)?;
    answer(call, &site, tail, budget)
}

fn find(call: &Call<'_>, id: &str) -> Result<Site, GraphError> {
    if id != "root" {
        check_host(call, id.split(',').next().unwrap_or_default())?;
    }
    let directory = call.tenant.directory.read();
    let site = if id == "root" {
        directory
            .organization(&call.claims.tid)
            .and_then(|o| o.sharepoint_hosts.first())
            .and_then(|host| directory.site(host, ""))
    } else {
        let host = id.split(',').next().unwrap_or_default();
        let site = directory.site_by_id(id);
        if site.is_none() && id != host && id.split(',').count() != 3 {
            return Err(GraphError::new(
                400,
                "invalidRequest",
                "Provided identifier is malformed - site collection id is not valid",
            ));
        }
        site
    };
    site.cloned().ok_or_else(not_found)
}

/// `sites?search={text}` (Microsoft Graph, "Search for sites"): of a person the
/// sites that the person may open; `*` finds all of them.
pub(super) fn search(call: &Call<'_>) -> Result<Answer, GraphError> {
    guard::all_sites(&call.claims)?;
    let budget = spend(call, 2)?;
    let asked = &call.incoming.query;
    let text = asked.iter().find(|(name, _)| {
        name.eq_ignore_ascii_case("search") || name.eq_ignore_ascii_case("$search")
    });
    let Some(text) = text.map(|(_, text)| text.trim().to_lowercase()) else {
        return Err(GraphError::new(
            400,
            "invalidRequest",
            "The search query parameter is required.",
        ));
    };
    let options: Vec<_> = asked
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("$search"))
        .cloned()
        .collect();
    let query = Query::parse(&options, &SITE)?;
    let directory = call.tenant.directory.read();
    let owner = directory.organization(&call.claims.tid);
    let hosts = owner.map_or(&[][..], |owner| &owner.sharepoint_hosts);
    let holds = |word: &str| text == "*" || word.to_lowercase().contains(&text);
    let found = directory.sites().filter(|site| {
        hosts.contains(&site.host)
            && (call.claims.app_only() || site.readable_by(&call.claims.oid))
            && (holds(&site.display_name) || holds(&site.web_url()))
    });
    let mut found: Vec<&Site> = found.collect();
    found.sort_by_key(|site| site.web_url());
    let context = format!("{}/$metadata#sites", call.root);
    let items = found.into_iter().map(describe);
    let body = query.page(&SITE, items, context, &call.url(), &options);
    Ok(Answer {
        budget,
        ..body.into()
    })
}

/// A library is a drive as well: permissions on files will do, and are looked at
/// there.
fn any_site(call: &Call<'_>, tail: &str) -> Result<(), GraphError> {
    if tail == "drive" || tail.starts_with("drive/") {
        return Ok(());
    }
    guard::any_site(&call.claims)
}

fn not_found() -> GraphError {
    GraphError::new(404, "itemNotFound", "Requested site could not be found")
}

/// The host must be one of the organization that the token is of.
fn check_host(call: &Call<'_>, host: &str) -> Result<(), GraphError> {
    let directory = call.tenant.directory.read();
    let owner = directory.owner_of_host(host);
    if owner.is_some_and(|owner| owner.is_called(&call.claims.tid)) {
        Ok(())
    } else {
        Err(GraphError::new(
            400,
            "invalidRequest",
            "Invalid hostname for this tenancy",
        ))
    }
}

/// 2 for a list, 1 for an item.
fn units(tail: &str) -> u32 {
    if matches!(tail, "" | "drive" | "drive/root") {
        1
    } else {
        2
    }
}

/// Counts against SharePoint's limit.
fn spend(call: &Call<'_>, units: u32) -> Result<Option<Budget>, GraphError> {
    let (app, tid) = (&call.claims.appid, &call.claims.tid);
    let budget = call.tenant.throttle.spend(app, tid, units);
    match budget {
        Some(over) if over.refused => {
            let mut error = GraphError::new(
                429,
                "activityLimitReached",
                "The request has been throttled.",
            )
            .inside("throttledRequest")
            .retry_after(over.reset);
            error.budget = budget;
            Err(error)
        }
        _ => Ok(budget),
    }
}

fn answer(
    call: &Call<'_>,
    site: &Site,
    tail: &str,
    budget: Option<Budget>,
) -> Result<Answer, GraphError> {
    if tail == "drive" || tail.starts_with("drive/") {
        let body = files::of_site(call, site, tail.trim_start_matches("drive"))?;
        return Ok(Answer {
            budget,
            ..body.into()
        });
    }
    guard::this_site(&call.claims, site)?;
    guard::is_open(site)?;
    let asked = &call.incoming.query;
    let body = match tail {
        "" => {
            let query = Query::parse(asked, &SITE)?;
            let mut whole = describe(site);
            whole.insert(
                "@odata.context".into(),
                format!("{}/$metadata#sites/$entity", call.root).into(),
            );
            query.narrow(&SITE, whole)
        }
        "lists" => {
            let query = Query::parse(asked, &LIST)?;
            let selected = query
                .select
                .as_ref()
                .map(|s| format!("({})", s.join(",")))
                .unwrap_or_default();
            let id = site.id().replace(',', "%2C");
            let context = format!("{}/$metadata#sites('{id}')/lists{selected}", call.root);
            let system = query.selects("system");
            let lists = site
                .lists
                .iter()
                .filter(|list| system || !list.system)
                .map(|list| describe_list(site, list));
            query.page(&LIST, lists, context, &call.url(), asked)
        }
        _ => match tail.split_once('/') {
            Some(("lists", id)) => {
                let query = Query::parse(asked, &LIST)?;
                let list = site
                    .lists
                    .iter()
                    .find(|l| l.id.eq_ignore_ascii_case(id) || l.title.eq_ignore_ascii_case(id))
                    .ok_or_else(|| {
                        let message = "The specified list was not found";
                        GraphError::new(404, "itemNotFound", message)
                    })?;
                query.narrow(&LIST, describe_list(site, list))
            }
            _ => {
                let segment = tail.split('/').next().unwrap_or_default();
                return Err(GraphError::no_segment(segment));
            }
        },
    };
    Ok(Answer {
        budget,
        ..body.into()
    })
}

impl Call<'_> {
    /// The URL of the request without its query.
    pub(super) fn url(&self) -> String {
        format!("https://{}{}", self.incoming.host, self.incoming.raw_path)
    }
}

fn describe(site: &Site) -> Map<String, Value> {
    let name = site.path.rsplit('/').next().unwrap_or_default();
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("id", site.id().into());
    put("name", name.into());
    put("displayName", site.display_name.as_str().into());
    put("webUrl", site.web_url().into());
    put("createdDateTime", "2017-05-09T20:56:00Z".into());
    put("lastModifiedDateTime", "2026-10-01T08:15:12Z".into());
    put("siteCollection", json!({"hostname": site.host}));
    if site.path.is_empty() {
        put("root", json!({}));
    }
    whole
}

fn describe_list(site: &Site, list: &List) -> Map<String, Value> {
    let etag = format!("\"{},1\"", list.id);
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("@odata.etag", etag.as_str().into());
    put("id", list.id.as_str().into());
    put("name", list.title.as_str().into());
    put("displayName", list.title.as_str().into());
    put("description", "".into());
    put("eTag", etag.into());
    put("createdDateTime", "2017-05-09T20:56:00Z".into());
    put("lastModifiedDateTime", "2026-10-01T08:15:12Z".into());
    put(
        "webUrl",
        format!("{}/{}", site.web_url(), list.title.replace(' ', "%20")).into(),
    );
    put(
        "list",
        json!({
            "contentTypesEnabled": false, "hidden": list.system, "template": list.template,
        }),
    );
    if list.system {
        put("system", json!({}));
    }
    whole
}
