//! The simulated SharePoint Online REST (PROTOCOL section 4.2): the lists of a
//! web, in the three formats that clients ask for, with SharePoint's own
//! refusals and headers.

mod download;
mod format;
mod guard;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};

use super::Tenant;
use super::directory::{ResourceApp, Site, SiteState};
use super::graph::{claims_of_challenge, tell_budget};
use super::incoming::IncomingRequest;
use super::throttle::Budget;
use format::{Format, Row};
use m365mon_base::Random as _;

/// A refusal.
struct SharePointError {
    status: StatusCode,
    /// SharePoint's code and the exception's name.
    code: &'static str,
    message: String,
    /// `x-ms-diagnostics`, and a plain JSON body with `error_description`.
    token: bool,
    challenge: Option<i64>,
    retry_after: Option<u64>,
}

impl SharePointError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            code,
            message: message.into(),
            token: false,
            challenge: None,
            retry_after: None,
        }
    }

    fn token(message: impl Into<String>) -> Self {
        Self {
            token: true,
            ..Self::new(401, "", message)
        }
    }
}

/// Members that people wrote.
const TITLES: [&str; 2] = ["Title", "Description"];
const DENIED: &str = "-2147024891, System.UnauthorizedAccessException";

/// Answers one request.
pub(super) fn answer(tenant: &Tenant, incoming: &IncomingRequest) -> Response<Body> {
    if download::is_it(&incoming.path) {
        let answer = download::answer(tenant, incoming);
        return dress(tenant, incoming, answer);
    }
    let mut budget = None;
    let mut answer = match handle(tenant, incoming, &mut budget) {
        Ok((name, rows)) => Format::of(&incoming.accept).collection(&incoming.host, name, &rows),
        Err(refused) => refuse(tenant, incoming, &refused),
    };
    tell_budget(&mut answer, budget);
    dress(tenant, incoming, answer)
}

fn handle(
    tenant: &Tenant,
    incoming: &IncomingRequest,
    budget: &mut Option<Budget>,
) -> Result<(&'static str, Vec<Row>), SharePointError> {
    let (site_path, api) = split(&incoming.path);
    let Some(api) = api else {
        return Err(SharePointError::new(404, "", "404 FILE NOT FOUND"));
    };
    let claims = guard::authenticate(tenant, incoming)?;
    let spent = tenant.throttle.spend(&claims.appid, &claims.tid, 2);
    *budget = spent;
    if let Some(over) = spent.filter(|b| b.refused) {
        let mut refused = SharePointError::new(429, "", "429 TOO MANY REQUESTS");
        refused.retry_after = Some(over.reset);
        return Err(refused);
    }
    if incoming.method != Method::GET {
        return Err(SharePointError::new(
            405,
            "-1, Microsoft.SharePoint.Client.ClientServiceException",
            format!(
                "The HTTP method '{}' cannot be used to access the resource.",
                incoming.method
            ),
        ));
    }
    guard::may_ask(&claims)?;
    let directory = tenant.directory.read();
    let site = directory
        .site(&incoming.host, site_path)
        .ok_or_else(|| SharePointError::new(404, "", "404 FILE NOT FOUND"))?;
    guard::may_read(&claims, site)?;
    match site.state {
        SiteState::Active => {}
        SiteState::Locked => {
            return Err(SharePointError::new(
                423,
                "-2147024860, Microsoft.SharePoint.SPException",
                "Access to this Web site has been blocked.",
            ));
        }
        SiteState::Archived => {
            return Err(SharePointError::new(
                403,
                "-2147024891, System.UnauthorizedAccessException",
                "Access to this Web site has been blocked. The site is archived.",
            ));
        }
    }
    let (name, mut rows) = rows(incoming, site, api)?;
    if let Some(word) = tenant.canary.lock().as_deref() {
        for (name, value) in rows.iter_mut().flatten() {
            if let (true, serde_json::Value::String(text)) = (TITLES.contains(name), value) {
                text.push_str(word);
            }
        }
    }
    Ok((name, rows))
}

/// What a path says before and after `/_api/`.
fn split(path: &str) -> (&str, Option<&str>) {
    let path = path.trim_end_matches('/');
    match path.split_once("/_api/") {
        Some((site, api)) => (site, Some(api)),
        None => (path, None),
    }
}

/// The site that a request is about, for faults.
pub(super) fn resource_of(incoming: &IncomingRequest) -> String {
    let (site, _) = split(&incoming.path);
    format!("{}{}", incoming.host, site)
}

fn rows(
    incoming: &IncomingRequest,
    site: &Site,
    api: &str,
) -> Result<(&'static str, Vec<Row>), SharePointError> {
    let option = |name: &str| {
        incoming
            .query
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    let top = match option("$top").map(str::parse::<usize>) {
        None => usize::MAX,
        Some(Ok(top)) => top,
        Some(Err(_)) => {
            return Err(invalid("The query string \"$top\" is not valid."));
        }
    };
    let (name, all): (_, Vec<Row>) = match api.to_ascii_lowercase().as_str() {
        "web" => ("SP.Web", vec![format::web(site)]),
        "web/lists" => (
            "SP.List",
            site.lists
                .iter()
                .take(top)
                .map(|list| format::list(site, list))
                .collect(),
        ),
        _ => {
            return Err(SharePointError::new(
                404,
                "-1, Microsoft.SharePoint.Client.ResourceNotFoundException",
                format!("Cannot find resource for the request {api}."),
            ));
        }
    };
    let Some(select) = option("$select") else {
        return Ok((name, all));
    };
    let wanted: Vec<&str> = select.split(',').map(str::trim).collect();
    if let Some(unknown) = wanted.iter().find(|w| {
        all.first()
            .is_some_and(|row| !row.iter().any(|(n, _)| n.eq_ignore_ascii_case(w)))
    }) {
        return Err(invalid(&format!(
            "The field or property '{unknown}' does not exist."
        )));
    }
    let narrowed = all
        .into_iter()
        .map(|row| {
            row.into_iter()
                .filter(|(n, _)| wanted.iter().any(|w| n.eq_ignore_ascii_case(w)))
                .collect()
        })
        .collect();
    Ok((name, narrowed))
}

fn invalid(message: &str) -> SharePointError {
    SharePointError::new(
        400,
        "-1, Microsoft.SharePoint.Client.InvalidClientQueryException",
        message,
    )
}

fn refuse(
    tenant: &Tenant,
    incoming: &IncomingRequest,
    refused: &SharePointError,
) -> Response<Body> {
    let mut answer = if refused.token {
        let mut body = String::new();
        if !refused.message.is_empty() {
            body = serde_json::json!({"error_description": refused.message}).to_string();
        }
        let mut answer = Response::new(Body::from(body));
        let challenge = challenge_header(tenant, incoming, refused.challenge);
        set(&mut answer, "www-authenticate", &challenge);
        set(
            &mut answer,
            "content-type",
            "application/json; charset=utf-8",
        );
        if !refused.message.is_empty() {
            let reason = format!(
                "3000003;reason=\"{}\";category=\"invalid_client\"",
                refused.message
            );
            set(&mut answer, "x-ms-diagnostics", &reason);
        }
        answer
    } else if refused.code.is_empty() {
        let mut answer = Response::new(Body::from(refused.message.clone()));
        set(&mut answer, "content-type", "text/plain; charset=utf-8");
        answer
    } else {
        Format::of(&incoming.accept).error(refused.code, &refused.message)
    };
    *answer.status_mut() = refused.status;
    if let Some(seconds) = refused.retry_after {
        set(&mut answer, "retry-after", &seconds.to_string());
    }
    answer
}

fn challenge_header(tenant: &Tenant, incoming: &IncomingRequest, since: Option<i64>) -> String {
    let directory = tenant.directory.read();
    let realm = directory
        .owner_of_host(&incoming.host)
        .map_or("", |owner| owner.id.as_str());
    let mut text = format!(
        "Bearer realm=\"{realm}\",client_id=\"{}\",\
         trusted_issuers=\"00000001-0000-0000-c000-000000000000@*,\
         D3776938-3DBA-481F-A652-4BEDFCAB7CD8@*,https://sts.windows.net/*/,\
         00000003-0000-0ff1-ce00-000000000000@90140122-8516-11e1-8eff-49304924019b\",\
         authorization_uri=\"https://login.windows.net/common/oauth2/authorize\"",
        ResourceApp::SharePoint.app_id()
    );
    if let Some(since) = since {
        text.push_str(&format!(
            ",error=\"insufficient_claims\",claims=\"{}\"",
            claims_of_challenge(since)
        ));
    }
    text
}

/// What a fault on command looks like here.
pub(super) fn refusal(
    tenant: &Tenant,
    incoming: &IncomingRequest,
    status: StatusCode,
) -> Response<Body> {
    let refused = match status {
        StatusCode::TOO_MANY_REQUESTS => SharePointError::new(429, "", "429 TOO MANY REQUESTS"),
        StatusCode::SERVICE_UNAVAILABLE => SharePointError::new(503, "", "503 SERVER UNAVAILABLE"),
        _ => SharePointError::new(
            500,
            "-1, Microsoft.SharePoint.Client.ServerException",
            "An unexpected error has occurred.",
        ),
    };
    let answer = refuse(tenant, incoming, &refused);
    dress(tenant, incoming, answer)
}

/// A claims challenge on command.
pub(super) fn challenge(tenant: &Tenant, incoming: &IncomingRequest, since: i64) -> Response<Body> {
    let refused = SharePointError {
        challenge: Some(since),
        ..SharePointError::token("The token was issued before a revocation.")
    };
    let answer = refuse(tenant, incoming, &refused);
    dress(tenant, incoming, answer)
}

/// The headers of every answer.
fn dress(
    tenant: &Tenant,
    incoming: &IncomingRequest,
    mut answer: Response<Body>,
) -> Response<Body> {
    let busy =
        answer.status() == StatusCode::TOO_MANY_REQUESTS || answer.status().is_server_error();
    let score = if busy { 8 } else { tenant.random.next() % 3 };
    let took = 5 + (tenant.random.fraction() * 40.0) as u64;
    let headers = [
        ("sprequestguid", incoming.request_id.as_str()),
        ("request-id", &incoming.request_id),
        ("spclientservicerequestduration", &took.to_string()),
        ("x-sharepointhealthscore", &score.to_string()),
        ("x-sp-serverstate", "ReadOnly=0"),
        ("microsoftsharepointteamservices", "16.0.0.26622"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        ("x-ms-invokeapp", "1; RequireReadOnly"),
        ("cache-control", "private, max-age=0"),
        ("date", &super::response::http_date(tenant.clock.now())),
    ];
    for (name, value) in headers {
        set(&mut answer, name, value);
    }
    answer
}

fn set(answer: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_the_api() {
        assert_eq!(
            split("/sites/x/_api/web/lists/"),
            ("/sites/x", Some("web/lists"))
        );
        assert_eq!(split("/_api/web"), ("", Some("web")));
        assert_eq!(split("/sites/x"), ("/sites/x", None));
    }
}
