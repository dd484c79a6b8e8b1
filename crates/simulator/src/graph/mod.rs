//! The simulated Microsoft Graph (PROTOCOL sections 4, 6 and 7): reads only
//! what the exporter and Microsoft's own clients ask of it, with the checks,
//! error bodies and headers of the original. Answers are made from the
//! directory when asked for.

mod apple_push;
mod applications;
mod batch;
mod calendar;
mod drive_items;
mod drives;
mod entity;
mod error;
mod files;
mod filter;
mod guard;
mod licences;
mod mail;
mod mail_transport;
mod message_center;
mod people;
mod presence;
mod query;
mod reply;
mod route;
mod service_health;
mod sites;
mod target;
mod teams;

pub use entity::{ENTITIES, Entity};
pub(super) use reply::{challenge, claims as claims_of_challenge, refusal, tell_budget};

use std::sync::Arc;

use axum::body::Body;
use http::{Method, Response, StatusCode};
use serde_json::Value;

use super::Tenant;
use super::incoming::IncomingRequest;
use super::throttle::MailboxPermit;
use super::tokens::Claims;
use error::GraphError;
use route::Route;
use target::Target;

/// What a handler works with.
struct Call<'a> {
    tenant: &'a Tenant,
    incoming: &'a IncomingRequest,
    claims: Arc<Claims>,
    /// The root of URLs in answers: `https://graph.microsoft.com/v1.0`.
    root: String,
}

/// The kinds of things, a table of routes each. Sites, people, their mail and
/// files are older and are found by `target`.
const ROUTES: &[&[Route]] = &[
    apple_push::ROUTES,
    applications::ROUTES,
    batch::ROUTES,
    calendar::ROUTES,
    licences::ROUTES,
    mail_transport::ROUTES,
    message_center::ROUTES,
    presence::ROUTES,
    service_health::ROUTES,
    teams::ROUTES,
];

/// What a handler gives.
struct Answer {
    status: StatusCode,
    /// `None` for an answer without one.
    body: Option<Value>,
    /// SharePoint's budget, where it counted.
    budget: Option<super::throttle::Budget>,
    permit: Option<MailboxPermit>,
    /// Where a redirect leads.
    location: Option<String>,
}

impl From<Value> for Answer {
    fn from(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: Some(body),
            budget: None,
            permit: None,
            location: None,
        }
    }
}

impl From<StatusCode> for Answer {
    /// A status and nothing else.
    fn from(status: StatusCode) -> Self {
        Self {
            status,
            body: None,
            budget: None,
            permit: None,
            location: None,
        }
    }
}

/// A time as directories write it: with none to seven digits after the second,
/// as different front ends do within one answer.
fn varied(time: jiff::Timestamp) -> String {
    let digits = usize::try_from(time.as_second().rem_euclid(8)).unwrap_or_default();
    format!("{time:.digits$}")
}

/// A time as most of Graph writes it.
fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The body of a request, which must be JSON and say so.
fn json_body(call: &Call<'_>) -> Result<Value, GraphError> {
    if !call.incoming.content_type.starts_with("application/json") {
        return Err(GraphError::bad_request(
            "Write requests (excluding DELETE) must contain the Content-Type header declaration.",
        ));
    }
    serde_json::from_slice(&call.incoming.body).map_err(|_| {
        GraphError::bad_request("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
    })
}

/// Answers one request; the place in a mailbox, if it took one, is held until
/// the answer is on its way.
pub(super) fn answer(
    tenant: &Tenant,
    incoming: &IncomingRequest,
) -> (Response<Body>, Option<MailboxPermit>) {
    match handle(tenant, incoming) {
        Ok(answer) => {
            let Answer {
                status,
                body,
                budget,
                permit,
                location,
            } = answer;
            let mut made = reply::success(tenant, incoming, status, body.as_ref(), budget);
            if let Some(location) = location {
                super::response::set(&mut made, http::header::LOCATION, &location);
            }
            (made, permit)
        }
        Err(error) => (reply::failure(tenant, incoming, &error), None),
    }
}

fn handle(tenant: &Tenant, incoming: &IncomingRequest) -> Result<Answer, GraphError> {
    let claims = guard::authenticate(tenant, incoming)?;
    let path = incoming.path.trim_start_matches('/');
    let (version, rest) = path.split_once('/').unwrap_or((path, ""));
    if !matches!(version, "v1.0" | "beta") {
        return Err(GraphError::bad_request(format!(
            "Invalid version: {version}"
        )));
    }
    let call = Call {
        tenant,
        incoming,
        claims,
        root: format!("https://{}/{version}", incoming.host),
    };
    // Microsoft's SDK for Python asks for `v1.0//sites/…`.
    let path = rest.trim_matches('/');
    if let Some(answer) = drive_items::answer(&call, path) {
        return answer;
    }
    let mut routes = ROUTES.iter().copied().flatten().filter_map(|route| {
        let found = route::fit(route.pattern, path)?;
        Some((route, found))
    });
    let mut known = false;
    if let Some((route, found)) = routes.find(|(route, _)| {
        known = true;
        route.method == incoming.method
    }) {
        return (route.answer)(&call, &found);
    }
    // A path may be known to the older handlers as well.
    if incoming.method != Method::GET
        || (known && matches!(target::parse(rest), Target::Unknown(_)))
    {
        return Err(GraphError::new(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        ));
    }
    match target::parse(rest) {
        Target::Site { host, path, tail } => sites::by_path(&call, &host, &path, tail),
        Target::SiteId { id, tail } => sites::by_id(&call, id, tail),
        Target::Me { tail } => people::me(&call, tail),
        Target::User { id, tail } => people::user(&call, id, tail),
        Target::Users => people::list(&call),
        Target::Sites => sites::search(&call),
        Target::Organization => people::organization(&call),
        Target::Drive { id, tail } => files::by_id(&call, id, tail),
        Target::Unknown(segment) => Err(GraphError::no_segment(segment)),
    }
}

/// The site or mailbox that a request is about, by all its names, for faults: a
/// site's URL without its scheme; UPN and object id of a mailbox's owner.
pub(super) fn resource_of(tenant: &Tenant, incoming: &IncomingRequest) -> Vec<String> {
    let path = incoming.path.trim_start_matches('/');
    let rest = path.split_once('/').map_or("", |(_, rest)| rest);
    let directory = tenant.directory.read();
    let bare = |url: String| url.trim_start_matches("https://").to_owned();
    let of_user = |name: &str| match directory.user(name) {
        Some(user) => vec![user.upn.clone(), user.id.clone()],
        None => vec![name.to_owned()],
    };
    match target::parse(rest) {
        Target::Site { host, path, .. } if path.is_empty() => vec![host],
        Target::Site { host, path, .. } => vec![format!("{host}/{path}")],
        Target::SiteId { id: "root", .. } => incoming
            .claims()
            .and_then(|claims| directory.organization(&claims.tid))
            .and_then(|organization| organization.sharepoint_hosts.first().cloned())
            .into_iter()
            .collect(),
        Target::SiteId { id, .. } => directory
            .site_by_id(id)
            .map(|site| bare(site.web_url()))
            .into_iter()
            .collect(),
        Target::Me { .. } => incoming
            .claims()
            .map(|claims| of_user(&claims.oid))
            .unwrap_or_default(),
        Target::User { id, .. } => of_user(id),
        Target::Users
        | Target::Sites
        | Target::Organization
        | Target::Drive { .. }
        | Target::Unknown(_) => Vec::new(),
    }
}
