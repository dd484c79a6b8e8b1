//! How a case is written down: what happens to the tenant, how it ends, and what
//! should come of it; and the forms that many kinds share.

use std::time::Duration;

use m365mon::model::Reason::{self, *};
use m365mon_simulator::directory::DOMAIN;
use serde_json::{Value, json};

/// Long enough for a busy machine, short enough for a hang.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(1_500);

/// What happens, how it ends, and what should come of it.
pub(super) struct Case {
    pub(super) what: String,
    pub(super) orders: Vec<Value>,
    pub(super) undo: Vec<Value>,
    pub(super) timeout: Duration,
    pub(super) reason: Option<Reason>,
    /// Words that the report must say.
    pub(super) says: &'static str,
}

impl Case {
    /// With words that the report must say.
    pub(super) fn saying(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    /// The same in other circumstances, which the table names behind the case.
    pub(super) fn but(self, circumstances: &str) -> Self {
        let what = format!("{}, {circumstances}", self.what);
        Self { what, ..self }
    }
}

/// Resources of a kind as an account can use it: what a YAML line says beside
/// name, account and kind, and the cases.
pub(super) type Other = (&'static str, &'static str, String, Vec<Case>);

/// Nothing is ordered.
pub(super) fn as_it_is(what: &'static str, reason: impl Into<Option<Reason>>) -> Case {
    case(what, Value::Null, Value::Null, reason)
}

/// What is ordered, and how it is taken back.
pub(super) fn case(
    what: &'static str,
    orders: Value,
    undo: Value,
    reason: impl Into<Option<Reason>>,
) -> Case {
    let all = |value: Value| match value {
        Value::Array(all) => all,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    Case {
        what: what.to_owned(),
        orders: all(orders),
        undo: all(undo),
        timeout: TIMEOUT,
        reason: reason.into(),
        says: "",
    }
}

/// A fault where the kind asks, until the next case.
pub(super) fn fault(what: &'static str, scope: &Value, kind: Value, reason: Reason) -> Case {
    let hangs = kind == "hang";
    let mut order = json!({"fault": {"scope": scope}});
    order["fault"]["kind"] = kind;
    let made = case(what, order, json!({"clear_faults": {}}), reason);
    Case {
        timeout: if hangs { SHORT } else { TIMEOUT },
        ..made
    }
}

/// Where the requests of a kind go, as faults name it.
pub(super) fn scope(kind: &str) -> Value {
    match kind {
        "sharepoint_site" | "onedrive" | "file_round_trip" => json!({"workload": "sharepoint"}),
        "exchange_mailbox" | "mailbox_folder" | "exchange_calendar" | "free_busy"
        | "mail_round_trip" => json!({"workload": "outlook"}),
        "teams_team" => json!({"workload": "teams"}),
        "presence" => json!({"workload": "presence"}),
        "service_health" | "message_center" => json!({"workload": "service_communications"}),
        "apple_push_certificate" => json!({"workload": "security"}),
        "endpoint_list" => json!({"service": "endpoints"}),
        "http_endpoint" => json!({"service": "orders"}),
        "sign_in" => json!({"service": "login"}),
        _ => json!({"workload": "directory"}),
    }
}

/// What every kind must get right.
pub(super) fn usual(kind: &str) -> Vec<Case> {
    // To send answers 202 and nothing else.
    let page = if kind == "mail_round_trip" {
        UnexpectedStatus
    } else {
        BadResponse
    };
    usual_at(&scope(kind), page)
}

/// The same where requests go elsewhere; `page` is what a page with 200 is.
pub(super) fn usual_at(scope: &Value, page: Reason) -> Vec<Case> {
    vec![
        case("works", Value::Null, Value::Null, None),
        fault(
            "throttled, with a wait",
            scope,
            json!({"throttled": {"retry_after": {"seconds": 30}}}),
            Throttled,
        ),
        fault(
            "unavailable (503)",
            scope,
            json!({"unavailable": {}}),
            ServerError,
        ),
        fault(
            "server error (500)",
            scope,
            json!("server_error"),
            ServerError,
        ),
        fault("no answer", scope, json!("hang"), Timeout),
        fault("connection cut", scope, json!("reset_before"), Connect),
        fault("a page of a network on the way", scope, json!("html"), page),
        fault("answer cut short", scope, json!("truncated"), BadResponse),
    ]
}

/// An answer of the service, word for word, with the sign of Microsoft's that
/// each has.
pub(super) fn answered(
    what: &'static str,
    scope: &Value,
    status: u16,
    body: &Value,
    reason: impl Into<Option<Reason>>,
) -> Case {
    let (kind, text) = match body {
        Value::String(page) => ("text/html", page.clone()),
        json => ("application/json", json.to_string()),
    };
    let order = json!({"fault": {"scope": scope, "kind": {"status": {
        "status": status, "body": text, "headers": {
            "content-type": kind, "request-id": "0f0f0f0f-0000-4000-8000-00000000f001",
        },
    }}}});
    case(what, order, json!({"clear_faults": {}}), reason)
}

/// An error as Graph writes it.
pub(super) fn error(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "innerError": {
        "date": "2026-11-30T09:00:01", "request-id": "0f0f0f0f-0000-4000-8000-00000000f001",
    }}})
}

/// A command with a member more.
pub(super) fn with(kind: &str, key: &str, name: String, change: Value) -> Value {
    let mut order = change;
    order[key] = name.into();
    let mut command = json!({});
    command[kind] = order;
    command
}

/// A change of a mailbox.
pub(super) fn mailbox(user: &str, change: Value) -> Value {
    with("mailbox", "user", format!("{user}@{DOMAIN}"), change)
}

/// What every mailbox meets.
pub(super) fn of_mailbox(user: &str) -> Vec<Case> {
    vec![
        case(
            "mailbox inactive or on premises",
            mailbox(user, json!({"enabled": false})),
            mailbox(user, json!({"enabled": true})),
            NotFound,
        ),
        case(
            "mailbox being moved, asked by name",
            mailbox(user, json!({"moving": true})),
            mailbox(user, json!({"moving": false})),
            ServerError,
        ),
    ]
}

/// An answer that a real tenant gave.
pub(super) fn recorded(what: &'static str, scope: &Value, form: &str, reason: Reason) -> Case {
    fault(what, scope, json!({"recorded": form}), reason)
}

/// What every site meets, and what is in it.
pub(super) fn of_site(url: &str, scope: &Value) -> Vec<Case> {
    let site = |change: &str| json!({"site": {"url": url, "state": change}});
    vec![
        case("site locked", site("locked"), site("active"), Locked),
        case("site archived", site("archived"), site("active"), Locked),
        recorded(
            "throttling as a redirect",
            scope,
            "throttle_page",
            Throttled,
        ),
        recorded(
            "throttling as 401",
            scope,
            "unauthorized_throttle",
            Throttled,
        ),
        recorded(
            "503 of SharePoint's front",
            scope,
            "sharepoint_front",
            ServerError,
        ),
        recorded(
            "error inside of 200",
            scope,
            "error_in_success",
            BadResponse,
        ),
        recorded(
            "SharePoint's page of errors with 200",
            scope,
            "error_page",
            BadResponse,
        ),
    ]
}
