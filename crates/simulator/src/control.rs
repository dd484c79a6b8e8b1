//! The control endpoint: plain HTTP, on loopback unless told otherwise,
//! without authentication, for the person or test that runs the simulation.
//!
//! | request | does |
//! |---|---|
//! | `POST /faults` | puts a fault in force: `{"name": "down", "scope": {"resource": "https://contoso.sharepoint.com/sites/intranet"}, "kind": {"unavailable": {}}, "count": 3, "for": "90s", "share": 0.5}`; answers its id. Kinds: [`FaultKind`](super::faults::FaultKind); conditions: [`Scope`](super::faults::Scope) |
//! | `GET /faults` | those in force |
//! | `DELETE /faults[?name=N or ?id=N]` | ends them |
//! | `POST /clock` | `{"advance": "24h"}`, `{"set": "2027-03-01T00:00:00Z"}` or `{"reset": true}` |
//! | `POST /revoke` | `{"user": UPN}`, `{"app": client id}` or `{"all_access_tokens": true}` |
//! | `POST /licences` | a licence: `{"sku": "SPE_E3", "consumed": 424}` |
//! | `POST /secrets` | `{"app": client id, "change": "expire", "remove" or "new"}` |
//! | `POST /consents` | `{"app", "user", "resource": "graph", "grant": ["Mail.ReadBasic"], "revoke": true}` |
//! | `POST /apps` | `{"app", "disabled": true, "resource": "graph", "grant": [], "revoke": []}` |
//! | `POST /users` | `{"user", "disabled", "mfa_required", "administrator", "password", "availability": "Busy"}` |
//! | `POST /mailboxes` | `{"user", "enabled", "moving", "messages", "events", "schedule_error", "delegates": [], "readers": {"inbox": []}, "assign": client id, "role": "Mail.Send", "unassign": client id, "remove"}` |
//! | `POST /sites` | `{"url", "add", "remove", "state": "locked", "grant": client id, "role": "write", "revoke": client id, "readers": [], "empty"}` |
//! | `POST /teams` | `{"team": id, "consent": client id, "revoke": client id, "members": [], "backend_refuses", "front_lost", "remove"}` |
//! | `POST /drives` | `{"user", "state": "ready", "never_made", "file_not_found", "no_my_site", "no_share_point", "denied" or "locked", "quota": "whole", "zero", "absent" or "impossible", "remove"}` |
//! | `POST /files` | `{"kept", "no_permanent_delete", "spoiled", "no_location", "elsewhere", "full", "locked", "unsure", "throttle_page"}`: what drives do with files |
//! | `POST /organizations` | `{"token_lifetime": "60s", "sign_in_frequency", "user_consent", "device_code_blocked", "device_code_by_flow", "refuses_people": 530084, "apple_push_days", "no_apple_push", "synchronized", "synchronized_minutes", "provisioning": "60s"}` |
//! | `POST /health` | `{"service": "Exchange", "status": "serviceDegradation"}`: what Microsoft says about a service |
//! | `POST /mail` | `{"delay": "30s", "bounce_after": "5s", "bounces", "lost", "junk", "unsure", "bounce_prefix"}`: how mail goes from now on |
//! | `POST /orders` | `{"unauthenticated": "return401", "return403", "redirect_to_login_page" or "sign_in_page", "roles_required", "allowed_clients": [], "assignment_required"}`: the API that Contoso made |
//! | `POST /limits` | `{"sharepoint_units": 1250, "endpoint_list": "2026123100"}` |
//! | `POST /canary` | `"a word"` that stands from now on in every text that is content of the tenant |
//! | `POST /actions` | any of these as in a scenario: `{"fault": {…}}` |
//! | `GET /` | this table, as text |
//! | `GET /requests[?latest=100]` | how many requests came, by service and status, and the latest, without tokens |
//! | `DELETE /requests` | forgets them |
//! | `GET /state` | the clock, the faults and what exists, without secrets |
//! | `GET /ca.pem` | the certificate to trust |
//! | `GET /devices` | the user codes of devices that wait for a person |
//! | `POST /devices` | `{"user": UPN, "code": "ABCD"}` signs a person in for a waiting device (the only one without a code), `"decline": true` says no |
//! | `GET /entra`, `PUT /entra` | how Entra behaves where tenants differ: [`Policy`] |
//! | `POST /entra/tokens` | `{"app", "user", "scope"}` gives a refresh token, as after a sign-in |
//! | `POST /entra/certificates` | `{"app", "pem"}` registers a certificate (RSA); `"replace": true` instead of all others |
//! | `POST /entra/federated` | `{"app", "issuer", "subject", "audience", "jwk"}` trusts another provider |
//! | `POST /entra/redirects` | `{"app", "uri", "platform": "web", "spa" or "public"}` registers a redirect URI |
//! | `GET /entra/approvals` | what people asked their administrator for |
//!
//! Errors are 400 with `{"error": …}`.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Tenant;
use super::command::{ClearFaults, Command};
use super::entra::{self, Policy};

/// The routes; `ca_pem` is what `/ca.pem` answers.
pub(super) fn router(tenant: Arc<Tenant>, ca_pem: String) -> Router {
    Router::new()
        .route("/", get(|| async { help() }))
        .route(
            "/faults",
            post(|t, body| perform(t, body, Command::Fault))
                .get(list_faults)
                .delete(clear_faults),
        )
        .route("/clock", post(|t, body| perform(t, body, Command::Clock)))
        .route("/revoke", post(|t, body| perform(t, body, Command::Revoke)))
        .route(
            "/secrets",
            post(|t, body| perform(t, body, Command::Secret)),
        )
        .route(
            "/consents",
            post(|t, body| perform(t, body, Command::Consent)),
        )
        .route("/apps", post(|t, body| perform(t, body, Command::App)))
        .route("/users", post(|t, body| perform(t, body, Command::User)))
        .route(
            "/mailboxes",
            post(|t, body| perform(t, body, Command::Mailbox)),
        )
        .route("/sites", post(|t, body| perform(t, body, Command::Site)))
        .route("/teams", post(|t, body| perform(t, body, Command::Team)))
        .route("/drives", post(|t, body| perform(t, body, Command::Drive)))
        .route("/files", post(|t, body| perform(t, body, Command::Files)))
        .route(
            "/organizations",
            post(|t, body| perform(t, body, Command::Organization)),
        )
        .route(
            "/licences",
            post(|t, body| perform(t, body, Command::Licence)),
        )
        .route("/mail", post(|t, body| perform(t, body, Command::Mail)))
        .route("/orders", post(|t, body| perform(t, body, Command::Orders)))
        .route("/health", post(|t, body| perform(t, body, Command::Health)))
        .route("/canary", post(|t, body| perform(t, body, Command::Canary)))
        .route("/limits", post(|t, body| perform(t, body, Command::Limits)))
        .route(
            "/actions",
            post(|t, body| perform(t, body, std::convert::identity)),
        )
        .route("/requests", get(requests).delete(forget))
        .route("/state", get(state))
        .route("/ca.pem", get(|| async { ca_pem }))
        .route("/devices", get(devices).post(answer_device))
        .route("/entra", get(policy).put(set_policy))
        .with_state(Arc::clone(&tenant))
        .nest("/entra", entra::control_router(tenant))
}

/// The table at the head of this file, for `curl`.
fn help() -> String {
    let lines = include_str!("control.rs")
        .lines()
        .map_while(|line| line.strip_prefix("//!"));
    let mut text = String::from(
        "The control endpoint of a simulated tenant. Bodies are JSON; errors are 400 with {\"error\": ...}.\n\
         For example: curl -d '{\"kind\": \"server_error\", \"for\": \"60s\"}' THIS/faults\n\n",
    );
    text.push_str(
        "Kinds of faults: latency {from, to}, throttled {retry_after: {seconds}}, unavailable {retry_after, empty}, \
         server_error, bad_gateway, html, status {status, body, headers}, redirect {to}, hang, hang_body, \
         reset_before, reset_after, truncated, endless, gzip_bomb, empty_body, wrong_content_type, \
         claims_challenge, tls_wrong_host, tls_expired, tls_untrusted, tls_broken, tls_hang, refuse.\n\
         Whom they strike: \"scope\": {\"host\", \"path\", \"resource\": URL or mailbox, ...}.\n\n",
    );
    for line in lines {
        let cells = line
            .trim()
            .strip_prefix("| ")
            .and_then(|line| line.strip_suffix(" |"));
        let Some((request, does)) = cells.and_then(|cells| cells.split_once(" | ")) else {
            continue;
        };
        if request.starts_with('`') {
            text.push_str(&format!("{:<30} {}\n", plain(request), plain(does)));
        }
    }
    text
}

/// Markdown without its marks: `` `a` `` and `` [`A`](path) ``.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once("](") {
        text.push_str(before);
        rest = link.split_once(')').map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    text.replace("[`", "").replace("`]", "").replace('`', "")
}

async fn perform<T: serde::de::DeserializeOwned>(
    State(tenant): State<Arc<Tenant>>,
    body: axum::body::Bytes,
    wrap: fn(T) -> Command,
) -> Response {
    let command = match serde_json::from_slice(&body) {
        Ok(arguments) => wrap(arguments),
        Err(error) => return refuse(&error.to_string()),
    };
    match command.perform(&tenant) {
        Ok(report) => Json(report).into_response(),
        Err(error) => refuse(&error.to_string()),
    }
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}

async fn list_faults(State(tenant): State<Arc<Tenant>>) -> Response {
    Json(tenant.faults.list()).into_response()
}

async fn clear_faults(
    State(tenant): State<Arc<Tenant>>,
    Query(which): Query<ClearFaults>,
) -> Response {
    match Command::ClearFaults(which).perform(&tenant) {
        Ok(report) => Json(report).into_response(),
        Err(error) => refuse(&error.to_string()),
    }
}

#[derive(Deserialize)]
struct Latest {
    latest: Option<usize>,
}

async fn requests(State(tenant): State<Arc<Tenant>>, Query(wish): Query<Latest>) -> Response {
    Json(tenant.journal.read(wish.latest.unwrap_or(100))).into_response()
}

async fn forget(State(tenant): State<Arc<Tenant>>) -> StatusCode {
    tenant.journal.clear();
    StatusCode::NO_CONTENT
}

async fn state(State(tenant): State<Arc<Tenant>>) -> Json<Value> {
    /// More of a kind are counted, not listed.
    const MOST: usize = 100;
    let directory = tenant.directory.read();
    let organizations: Vec<_> = directory
        .organizations()
        .iter()
        .map(|o| {
            json!({
                "id": o.id, "domains": o.domains, "cloud": o.cloud.as_str(),
                "sharepoint_hosts": o.sharepoint_hosts, "user_consent": o.user_consent,
                "device_code_blocked": o.device_code_blocked,
                "token_lifetime_seconds": o.token_lifetime.map(|l| l.as_secs_f64()),
            })
        })
        .collect();
    let applications: Vec<_> = directory
        .applications()
        .map(|app| {
            let secrets: Vec<_> = app
                .secrets
                .iter()
                .map(|s| json!({"key_id": s.key_id, "ends": s.ends.to_string()}))
                .collect();
            let consents: Vec<_> = app
                .consents
                .iter()
                .map(|c| json!({"user": c.user, "resource": c.resource, "scopes": c.scopes}))
                .collect();
            json!({
                "client_id": app.client_id, "name": app.display_name, "disabled": app.disabled,
                "public_client": app.public_client, "secrets": secrets,
                "certificates": app.certificates.len(), "consents": consents,
                "roles": app.app_roles.iter().map(|(api, roles)| json!({"resource": api, "roles": roles})).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut sites: Vec<_> = directory
        .sites()
        .take(MOST)
        .map(|s| json!({"url": s.web_url(), "state": s.state, "lists": s.lists.len()}))
        .collect();
    sites.sort_by_key(|site| site["url"].to_string());
    let mut users: Vec<_> = directory
        .users()
        .take(MOST)
        .map(|u| {
            json!({
                "upn": u.upn, "id": u.id, "disabled": u.disabled,
                "messages": u.mailbox.as_ref().map(|m| m.messages),
            })
        })
        .collect();
    users.sort_by_key(|user| user["upn"].to_string());
    let teams: Vec<_> = directory
        .teams()
        .take(MOST)
        .map(|team| json!({"id": team.id, "name": team.display_name}))
        .collect();
    let files = tenant.files.all().into_iter().map(|file| {
        json!({
            "folder": file.folder, "name": file.name, "deleted": file.deleted,
            "created": file.created.to_string(),
        })
    });
    let letters = tenant.mail.all().into_iter().map(|letter| {
        json!({
            "owner": letter.owner, "folder": letter.folder.well_known(),
            "subject": letter.subject, "sent": letter.sent.to_string(),
        })
    });
    Json(json!({
        "teams": teams,
        "files": files.collect::<Vec<_>>(),
        "letters": letters.collect::<Vec<_>>(),
        "now": tenant.clock.now().to_string(),
        "faults": tenant.faults.list(),
        "organizations": organizations,
        "applications": applications,
        "sites": {"count": directory.site_count(), "some": sites},
        "users": {"count": directory.user_count(), "some": users},
    }))
}

async fn devices(State(tenant): State<Arc<Tenant>>) -> Json<Vec<String>> {
    Json(tenant.entra.waiting_devices())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceAnswer {
    user: Option<String>,
    code: Option<String>,
    #[serde(default)]
    decline: bool,
}

async fn answer_device(State(tenant): State<Arc<Tenant>>, body: axum::body::Bytes) -> Response {
    let arguments: DeviceAnswer = match serde_json::from_slice(&body) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error.to_string()),
    };
    let waiting = tenant.entra.waiting_devices();
    let code = match (arguments.code, &waiting[..]) {
        (Some(code), _) => code,
        (None, [only]) => only.clone(),
        (None, _) => return refuse("not exactly one device waits: name its code"),
    };
    if arguments.decline {
        return Json(json!({"declined": entra::decline_device(&tenant, &code)})).into_response();
    }
    let Some(user) = arguments.user else {
        return refuse("want user, or decline");
    };
    match entra::approve_device(&tenant, &code, &user) {
        Ok(()) => Json(Value::Null).into_response(),
        Err(refusal) => refuse(&format!("{refusal:?}")),
    }
}

async fn policy(State(tenant): State<Arc<Tenant>>) -> Json<Policy> {
    Json(tenant.entra.policy())
}

async fn set_policy(State(tenant): State<Arc<Tenant>>, body: axum::body::Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(policy) => {
            tenant.entra.set_policy(policy);
            Json(tenant.entra.policy()).into_response()
        }
        Err(error) => refuse(&error.to_string()),
    }
}
