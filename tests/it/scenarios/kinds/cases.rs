//! Kind by kind and case by case: what the tenant does, and what is made of it.
//! The table is `docs/kinds-cases.md`.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::join_all;
use m365mon::model::Reason::{self, *};
use m365mon_simulator::directory::{
    APP_CLIENT_ID, DOMAIN, PERSONAL_HOST, SELECTED_CLIENT_ID, SHAREPOINT_HOST,
};
use serde_json::{Value, json};

use super::{Cloud, granting, lines, people, resources, revoking, team};
use crate::support::documents;

/// Long enough for a busy machine, short enough for a hang.
const TIMEOUT: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(1_500);

/// What happens, how it ends, and what should come of it.
struct Case {
    what: &'static str,
    orders: Vec<Value>,
    undo: Vec<Value>,
    timeout: Duration,
    reason: Option<Reason>,
}

fn case(what: &'static str, orders: Value, undo: Value, reason: impl Into<Option<Reason>>) -> Case {
    let all = |value: Value| match value {
        Value::Array(all) => all,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    Case {
        what,
        orders: all(orders),
        undo: all(undo),
        timeout: TIMEOUT,
        reason: reason.into(),
    }
}

/// A fault where the kind asks, until the next case.
fn fault(what: &'static str, scope: &Value, kind: Value, reason: Reason) -> Case {
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
fn scope(kind: &str) -> Value {
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
fn usual(kind: &str) -> Vec<Case> {
    let scope = scope(kind);
    // To send answers 202 and nothing else.
    let page = if kind == "mail_round_trip" {
        UnexpectedStatus
    } else {
        BadResponse
    };
    vec![
        case("works", Value::Null, Value::Null, None),
        fault(
            "throttled, with a wait",
            &scope,
            json!({"throttled": {"retry_after": {"seconds": 30}}}),
            Throttled,
        ),
        fault(
            "unavailable (503)",
            &scope,
            json!({"unavailable": {}}),
            ServerError,
        ),
        fault(
            "server error (500)",
            &scope,
            json!("server_error"),
            ServerError,
        ),
        fault("no answer", &scope, json!("hang"), Timeout),
        fault("connection cut", &scope, json!("reset_before"), Connect),
        fault(
            "a page of a network on the way",
            &scope,
            json!("html"),
            page,
        ),
        fault("answer cut short", &scope, json!("truncated"), BadResponse),
    ]
}

/// An answer of the service, word for word, with the sign of Microsoft's that
/// each has.
fn answered(
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
fn error(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "innerError": {
        "date": "2026-11-30T09:00:01", "request-id": "0f0f0f0f-0000-4000-8000-00000000f001",
    }}})
}

/// A command with a member more.
fn with(kind: &str, key: &str, name: String, change: Value) -> Value {
    let mut order = change;
    order[key] = name.into();
    let mut command = json!({});
    command[kind] = order;
    command
}

fn mailbox(user: &str, change: Value) -> Value {
    with("mailbox", "user", format!("{user}@{DOMAIN}"), change)
}

fn of_mailbox(user: &str) -> Vec<Case> {
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

fn recorded(what: &'static str, kind: &str, form: &str, reason: Reason) -> Case {
    fault(what, &scope(kind), json!({"recorded": form}), reason)
}

fn of_site(url: &str, kind: &str) -> Vec<Case> {
    let site = |change: &str| json!({"site": {"url": url, "state": change}});
    vec![
        case("site locked", site("locked"), site("active"), Locked),
        case("site archived", site("archived"), site("active"), Locked),
        recorded("throttling as a redirect", kind, "throttle_page", Throttled),
        recorded(
            "throttling as 401",
            kind,
            "unauthorized_throttle",
            Throttled,
        ),
        recorded(
            "503 of SharePoint's front",
            kind,
            "sharepoint_front",
            ServerError,
        ),
        recorded("error inside of 200", kind, "error_in_success", BadResponse),
        recorded(
            "SharePoint's page of errors with 200",
            kind,
            "error_page",
            BadResponse,
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn own(kind: &str) -> Vec<Case> {
    match kind {
        "sharepoint_site" => of_site(&format!("https://{SHAREPOINT_HOST}/sites/hr"), kind),
        "exchange_mailbox" => {
            let blocked = "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.";
            let mut cases = of_mailbox("helpdesk");
            cases.push(answered(
                "kept out by an access policy of Exchange",
                &scope(kind),
                403,
                &error("ErrorAccessDenied", blocked),
                Forbidden,
            ));
            cases.push(answered(
                "right missing, said as 401 without a text",
                &scope(kind),
                401,
                &error("UnknownError", ""),
                Forbidden,
            ));
            cases.push(answered(
                "more than four requests at once",
                &scope(kind),
                429,
                &error(
                    "ApplicationThrottled",
                    "Application is over its MailboxConcurrency limit.",
                ),
                Throttled,
            ));
            cases
        }
        "mailbox_folder" => of_mailbox("info"),
        "exchange_calendar" => {
            let mut cases = of_mailbox("steve");
            cases.push(answered(
                "user not known by this name",
                &scope(kind),
                404,
                &error("ErrorInvalidUser", "The requested user is invalid."),
                NotFound,
            ));
            cases
        }
        "free_busy" => {
            let room = |code: &str| mailbox("room-ams-4.12", json!({"schedule_error": code}));
            let inside =
                |what, code: &str, reason: Reason| case(what, room(code), room(""), reason);
            vec![
                inside("unknown address, inside of 200", "5009", NotFound),
                inside(
                    "unknown recipient, inside of 200",
                    "ErrorMailRecipientNotFound",
                    NotFound,
                ),
                inside(
                    "free and busy not shared, inside of 200",
                    "ErrorNoFreeBusyAccess",
                    Forbidden,
                ),
                inside(
                    "availability service busy, inside of 200",
                    "ErrorServerBusy",
                    Throttled,
                ),
                inside(
                    "another server not reached, inside of 200",
                    "ErrorProxyRequestProcessingFailed",
                    ServerError,
                ),
                inside(
                    "a code that nobody knows, inside of 200",
                    "ErrorOfTomorrow",
                    ServerError,
                ),
            ]
        }
        "onedrive" => {
            let drive = |change| with("drive", "user", format!("steve@{DOMAIN}"), change);
            let state = |what, state: &str, reason: Reason| {
                let ready = drive(json!({"state": "ready"}));
                case(what, drive(json!({"state": state})), ready, reason)
            };
            let quota = |what, form: &str| {
                let whole = drive(json!({"quota": "whole"}));
                case(what, drive(json!({"quota": form})), whole, None)
            };
            let mut cases = vec![
                state("never made (404 mysite)", "never_made", NotFound),
                state("never made (404 file)", "file_not_found", NotFound),
                state("no licence (400 mysite URL)", "no_my_site", Rejected),
                state(
                    "tenant without SharePoint (400)",
                    "no_share_point",
                    Rejected,
                ),
                state("denied", "denied", Forbidden),
                state("read-only or archived (423)", "locked", Locked),
                quota("quota all zero", "zero"),
                quota("quota left out", "absent"),
                quota("quota impossible", "impossible"),
            ];
            let url = format!("https://{PERSONAL_HOST}/personal/steve_contoso_onmicrosoft_com");
            cases.extend(of_site(&url, kind));
            cases
        }
        "teams_team" => {
            let id = team("project-x");
            let order = |key: &str, value: Value| json!({"team": {"team": id, key: value}});
            vec![
                case(
                    "backend of Teams refuses (403)",
                    order("backend_refuses", true.into()),
                    order("backend_refuses", false.into()),
                    Forbidden,
                ),
                case(
                    "front of Teams has lost the team (404)",
                    order("front_lost", true.into()),
                    order("front_lost", false.into()),
                    NotFound,
                ),
                recorded("403 in HTML", kind, "forbidden_page", Forbidden),
                recorded("error inside of 200", kind, "error_in_success", BadResponse),
                case(
                    "consent in another team only",
                    json!([
                        order("revoke", SELECTED_CLIENT_ID.into()),
                        {"team": {"team": team("service-desk"), "consent": SELECTED_CLIENT_ID}},
                    ]),
                    json!([
                        {"team": {"team": team("service-desk"), "revoke": SELECTED_CLIENT_ID}},
                        order("consent", SELECTED_CLIENT_ID.into()),
                    ]),
                    Forbidden,
                ),
            ]
        }
        "presence" => {
            let person = |word: &str| json!({"user": {"user": format!("steve@{DOMAIN}"), "availability": word}});
            vec![
                case(
                    "presence unknown",
                    person("PresenceUnknown"),
                    person("Offline"),
                    None,
                ),
                recorded("error inside of 200", kind, "error_in_success", BadResponse),
                answered(
                    "person without Teams",
                    &scope(kind),
                    404,
                    &error("NotFound", "User not found."),
                    NotFound,
                ),
                answered(
                    "scope missing, said as 401",
                    &scope(kind),
                    401,
                    &error("Unauthorized", "Unauthorized"),
                    Unauthorized,
                ),
                case(
                    "device-bound tokens demanded (AADSTS530084)",
                    json!({"organization": {"refuses_people": 530_084}}),
                    json!({"organization": {"refuses_people": 0}}),
                    Token,
                ),
            ]
        }
        "entra_directory" => vec![
            answered(
                "no service principal in this tenant",
                &scope(kind),
                404,
                &error("Request_ResourceNotFound", "Resource does not exist."),
                NotFound,
            ),
            answered(
                "refused its own entry",
                &scope(kind),
                403,
                &error(
                    "Authorization_RequestDenied",
                    "Insufficient privileges to complete the operation.",
                ),
                Forbidden,
            ),
            answered(
                "service principal made or removed a moment ago",
                &scope(kind),
                401,
                &error(
                    "Authorization_IdentityNotFound",
                    "The identity is not found.",
                ),
                Unauthorized,
            ),
            answered(
                "504 without a word",
                &scope(kind),
                504,
                &error("UnknownError", ""),
                ServerError,
            ),
            recorded("403 in HTML", kind, "forbidden_page", Forbidden),
            recorded(
                "claims challenge again and again, unquoted",
                kind,
                "unquoted_challenge",
                Unauthorized,
            ),
            case(
                "application disabled",
                json!({"app": {"app": SELECTED_CLIENT_ID, "disabled": true}}),
                json!({"app": {"app": SELECTED_CLIENT_ID, "disabled": false}}),
                Token,
            ),
        ],
        "sign_in" => vec![
            case(
                "application disabled",
                json!({"app": {"app": SELECTED_CLIENT_ID, "disabled": true}}),
                json!({"app": {"app": SELECTED_CLIENT_ID, "disabled": false}}),
                Token,
            ),
            case(
                "secret ended",
                json!({"secret": {"app": SELECTED_CLIENT_ID, "change": "expire"}}),
                Value::Null,
                Token,
            ),
        ],
        "service_health" => {
            let status = |service: &str, status: &str| json!({"health": {"service": service, "status": status}});
            let well = || status("Exchange", "serviceOperational");
            vec![
                case(
                    "Exchange degraded, Microsoft says",
                    status("Exchange", "serviceDegradation"),
                    well(),
                    None,
                ),
                case(
                    "status in Pascal case",
                    status("Exchange", "ServiceInterruption"),
                    well(),
                    None,
                ),
                case(
                    "status that nobody knows",
                    status("Exchange", "somethingNew"),
                    well(),
                    None,
                ),
                case(
                    "a new service",
                    status("AnotherThing", "serviceOperational"),
                    Value::Null,
                    None,
                ),
                answered(
                    "not there, as in some clouds",
                    &scope(kind),
                    404,
                    &error("UnknownError", ""),
                    NotFound,
                ),
            ]
        }
        "message_center" => vec![recorded("403 in HTML", kind, "forbidden_page", Forbidden)],
        "licenses" => vec![
            recorded("error inside of 200", kind, "error_in_success", BadResponse),
            answered(
                "no list of subscriptions",
                &json!({"path": "/directory/subscriptions"}),
                404,
                &error("Request_ResourceNotFound", "Resource does not exist."),
                NotFound,
            ),
        ],
        "directory_sync" => {
            let order = |value: Value| json!({"organization": value});
            vec![
                case(
                    "late by a day",
                    order(json!({"synchronized_minutes": 1_440})),
                    order(json!({"synchronized_minutes": 15})),
                    None,
                ),
                case(
                    "switched off",
                    order(json!({"synchronized": false})),
                    order(json!({"synchronized": true})),
                    None,
                ),
            ]
        }
        "apple_push_certificate" => {
            let order = |value: Value| json!({"organization": value});
            vec![
                case(
                    "never uploaded (404)",
                    order(json!({"no_apple_push": true})),
                    order(json!({"apple_push_days": 120})),
                    None,
                ),
                case(
                    "ended",
                    order(json!({"apple_push_days": -3})),
                    order(json!({"apple_push_days": 120})),
                    None,
                ),
                recorded(
                    "504 with an error in an error",
                    kind,
                    "nested_error",
                    ServerError,
                ),
            ]
        }
        "endpoint_list" => vec![case(
            "a new version",
            json!({"limits": {"endpoint_list": "2026123100"}}),
            Value::Null,
            None,
        )],
        "http_endpoint" => {
            let order = |value: Value| json!({"orders": value});
            vec![
                case(
                    "role wanted and missing (403)",
                    order(json!({"roles_required": true})),
                    order(json!({"roles_required": false})),
                    Forbidden,
                ),
                case(
                    "client not allowed (403)",
                    order(json!({"allowed_clients": [APP_CLIENT_ID]})),
                    order(json!({"allowed_clients": []})),
                    Forbidden,
                ),
                case(
                    "assignment required (AADSTS501051)",
                    order(json!({"assignment_required": true})),
                    order(json!({"assignment_required": false})),
                    Token,
                ),
                answered(
                    "no token taken (401)",
                    &scope(kind),
                    401,
                    &json!("<html><body>401</body></html>"),
                    Unauthorized,
                ),
                answered(
                    "the sign-in page with 200",
                    &scope(kind),
                    200,
                    &json!("<html><body>Sign in</body></html>"),
                    BadResponse,
                ),
                answered(
                    "no user of Dataverse's (403)",
                    &scope(kind),
                    403,
                    &json!({"error": {"code": "0x80072560", "message": "The user is not a member of the organization."}}),
                    Forbidden,
                ),
                answered(
                    "no workspace of Power BI's (401)",
                    &scope(kind),
                    401,
                    &json!({"error": {"code": "PowerBINotAuthorizedException"}}),
                    Unauthorized,
                ),
                fault(
                    "redirect to the login page",
                    &scope(kind),
                    json!({"redirect": {"to": "https://login.microsoftonline.com/x/oauth2/v2.0/authorize"}}),
                    Unauthorized,
                ),
                fault(
                    "203 with a sign-in page",
                    &scope(kind),
                    json!({"status": {"status": 203, "body": "<html><body>Sign in</body></html>", "headers": {"content-type": "text/html"}}}),
                    Unauthorized,
                ),
                fault(
                    "other JSON than expected",
                    &scope(kind),
                    json!({"status": {"status": 200, "body": "{\"status\":\"Unhealthy\"}", "headers": {"content-type": "application/json"}}}),
                    BadResponse,
                ),
                fault(
                    "403 of NUL bytes",
                    &scope(kind),
                    json!({"status": {"status": 403, "body": "\u{0}\u{0}\u{0}\u{0}", "headers": {"content-type": "application/json", "request-id": "0f0f0f0f-0000-4000-8000-00000000f001"}}}),
                    Forbidden,
                ),
            ]
        }
        "file_round_trip" => {
            let rule = |what, name: &str, reason: Option<Reason>| {
                case(
                    what,
                    json!({"files": {name: true}}),
                    json!({"files": {name: false}}),
                    reason,
                )
            };
            let put = json!({"workload": "sharepoint", "method": "PUT"});
            let mut cases = vec![
                answered(
                    "name taken (409)",
                    &put,
                    409,
                    &error(
                        "nameAlreadyExists",
                        "The specified item name already exists.",
                    ),
                    UnexpectedStatus,
                ),
                rule(
                    "no permanent removal: into the recycle bin",
                    "no_permanent_delete",
                    None,
                ),
                rule(
                    "removal refused by a retention policy",
                    "kept",
                    Some(Forbidden),
                ),
                rule(
                    "what comes back is not what was written",
                    "spoiled",
                    Some(BadResponse),
                ),
                rule(
                    "redirect without an address",
                    "no_location",
                    Some(BadResponse),
                ),
                rule("redirect to another host", "elsewhere", Some(BadResponse)),
                rule(
                    "redirect to the page about throttling",
                    "throttle_page",
                    Some(Throttled),
                ),
                rule("drive full (507)", "full", Some(ServerError)),
                rule("file open elsewhere (423)", "locked", Some(Locked)),
                rule("503, and written all the same", "unsure", Some(ServerError)),
            ];
            cases.extend(of_site(
                &format!("https://{SHAREPOINT_HOST}/sites/monitoring"),
                kind,
            ));
            cases
        }
        _ => Vec::new(),
    }
}

/// Cases that take long, each in a tenant of its own.
fn slow() -> Vec<(&'static str, Vec<Case>)> {
    let mail = |value: Value| json!({"mail": value});
    let one = |what, orders: Value, reason: Option<Reason>| {
        (
            "mail_round_trip",
            vec![case(what, orders, Value::Null, reason)],
        )
    };
    vec![
        one("delivered as junk", mail(json!({"junk": true})), None),
        one("late by some seconds", mail(json!({"delay": "4s"})), None),
        of_sending(
            "may not send as `from` (403)",
            403,
            "ErrorSendAsDenied",
            Forbidden,
        ),
        of_sending("no address (400)", 400, "ErrorInvalidRecipients", Rejected),
        of_sending(
            "sending mailbox full (400)",
            400,
            "ErrorQuotaExceeded",
            Rejected,
        ),
        of_sending(
            "sending mailbox full (507)",
            507,
            "ErrorQuotaExceeded",
            ServerError,
        ),
        of_sending(
            "blocked by the outbound spam policy (403)",
            403,
            "ErrorMessageSubmissionBlocked",
            Forbidden,
        ),
        of_sending(
            "limit of sending (429)",
            429,
            "ErrorExceededMessageLimit",
            Throttled,
        ),
        (
            "mail_round_trip",
            vec![answered(
                "right missing on the receiving mailbox alone",
                &json!({"path": "/users/probe@"}),
                403,
                &error(
                    "ErrorAccessDenied",
                    "Access is denied. Check credentials and try again.",
                ),
                Forbidden,
            )],
        ),
        one("lost", mail(json!({"lost": true})), Some(Timeout)),
        one(
            "came back, in German",
            mail(json!({"bounces": true, "bounce_prefix": "Unzustellbar: "})),
            Some(NotFound),
        ),
        one(
            "recipient has no mailbox",
            mailbox("probe", json!({"remove": true})),
            Some(NotFound),
        ),
        one(
            "503, and sent all the same",
            mail(json!({"unsure": true})),
            Some(ServerError),
        ),
    ]
}

/// Sending is refused, with one of Exchange's codes.
fn of_sending(
    what: &'static str,
    status: u16,
    code: &str,
    reason: Reason,
) -> (&'static str, Vec<Case>) {
    let scope = json!({"path": "/sendMail"});
    let message = "The message could not be sent.";
    let one = answered(what, &scope, status, &error(code, message), reason);
    ("mail_round_trip", vec![one])
}

/// Other resources of a kind, whose configuration differs.
fn others() -> Vec<(&'static str, &'static str, String, Vec<Case>)> {
    // What a person consents to is another thing than what an application gets.
    let of_people = people().into_iter().map(|(account, kind, more)| {
        let works = case("works, as a person", Value::Null, Value::Null, None);
        (account, kind, more, vec![works])
    });
    let gone = "11111111-2222-4333-8444-555555555555";
    // What nobody shared with the person is not there, says Exchange.
    let unshared = |kind: &'static str, more: String| {
        let hidden = case(
            "as a person, and not shared",
            Value::Null,
            Value::Null,
            Forbidden,
        );
        ("steve", kind, more, vec![hidden])
    };
    let mut all = vec![
        unshared("exchange_mailbox", format!("user: helpdesk@{DOMAIN}")),
        unshared("mailbox_folder", format!("user: helpdesk@{DOMAIN}")),
        unshared("exchange_calendar", format!("user: helpdesk@{DOMAIN}")),
        (
            "steve",
            "sign_in",
            String::new(),
            vec![answered(
                "redirect URI not registered (AADSTS50011)",
                &json!({"service": "login", "path": "/oauth2/v2.0/authorize"}),
                400,
                &json!("<html><body>AADSTS50011: The redirect URI does not match.</body></html>"),
                Rejected,
            )],
        ),
        (
            "app",
            "app_credentials",
            format!("applications: {{own: {SELECTED_CLIENT_ID}}}"),
            vec![case(
                "works for its own application, without a permission",
                Value::Null,
                Value::Null,
                None,
            )],
        ),
        (
            "app",
            "teams_team",
            format!("team: {gone}"),
            vec![case(
                "no such team, with a permission for all",
                json!({"app": {"app": SELECTED_CLIENT_ID, "grant": ["Channel.ReadBasic.All"]}}),
                Value::Null,
                NotFound,
            )],
        ),
        (
            "app",
            "app_credentials",
            format!("applications: {{payroll: {APP_CLIENT_ID}, retired: {gone}}}"),
            vec![case(
                "one of two applications is gone",
                Value::Null,
                Value::Null,
                NotFound,
            )],
        ),
        (
            "app",
            "exchange_mailbox",
            format!("user: nobody@{DOMAIN}"),
            vec![case(
                "nobody by this name",
                json!({"app": {"app": SELECTED_CLIENT_ID, "grant": ["Mail.ReadBasic.All"]}}),
                Value::Null,
                NotFound,
            )],
        ),
        (
            "app",
            "sharepoint_site",
            format!("url: \"https://{SHAREPOINT_HOST}/sites/nowhere\""),
            vec![case("no such site", Value::Null, Value::Null, NotFound)],
        ),
        (
            "app",
            "sharepoint_site",
            "url: \"https://contoso-subsidiary.sharepoint.com/sites/x\"".to_owned(),
            vec![case(
                "a site of another tenant",
                Value::Null,
                Value::Null,
                Rejected,
            )],
        ),
        (
            "app",
            "teams_team",
            format!("team: {gone}"),
            vec![case(
                "no such team, with consent in no team",
                Value::Null,
                Value::Null,
                Forbidden,
            )],
        ),
        (
            "app",
            "entra_directory",
            String::new(),
            vec![fault(
                "an identity platform that is down",
                &json!({"service": "login"}),
                json!({"unavailable": {}}),
                Token,
            )],
        ),
    ];
    all.extend(of_people);
    all
}

/// One line of the table.
type Line = (String, String, String, String, String, Option<String>);

/// Tries cases one after another in one tenant, with exactly the rights that
/// the kind declares.
async fn try_out(
    kind: &'static str,
    instead: Option<(&'static str, String)>,
    cases: Vec<Case>,
) -> Vec<Line> {
    let all = resources();
    let mut found = all.into_iter().find(|(_, name, _)| *name == kind).unwrap();
    if let Some((account, more)) = instead {
        (found.0, found.2) = (account, more);
    }
    let cloud = Cloud::with(&lines(&[found])).await;
    let resource = cloud.resource(kind).clone();
    for order in granting(&resource) {
        // What is not there cannot be granted.
        let read: m365mon_simulator::command::Command = serde_json::from_value(order).unwrap();
        drop(read.perform(&cloud.running.tenant));
    }
    if resource.account.person().is_some() {
        cloud.sign_in(&resource).await;
    }
    let mut told = Vec::new();
    for one in cases {
        cloud.act(&one.orders);
        let report = cloud.probe(kind, one.timeout).await;
        cloud.act(&one.undo);
        let reason = report.verdict.reason();
        let wrong = (reason != one.reason).then(|| {
            format!(
                "{kind}, {}: {reason:?} instead of {:?}: {}",
                one.what, one.reason, report.detail
            )
        });
        let failed_without = reason.is_some() && kind != "app_credentials";
        assert!(
            !failed_without || report.readings.is_empty(),
            "{kind}, {}",
            one.what
        );
        for (place, reading) in resource.kind.info().readings.iter().enumerate() {
            let of_it = report
                .readings
                .iter()
                .filter(|r| usize::from(r.reading) == place);
            assert!(of_it.count() <= reading.most, "{kind}: {}", reading.metric);
        }
        if kind == "mail_round_trip" {
            sent_once(&cloud, one.what);
        }
        if kind == "file_round_trip" {
            nothing_left(&cloud, one.what);
        }
        told.push((
            kind.to_owned(),
            one.what.to_owned(),
            report.verdict.outcome().as_str().to_owned(),
            reason.map_or("", Reason::as_str).to_owned(),
            report.readings.len().to_string(),
            wrong,
        ));
    }
    told
}

/// Whatever the answer to sending was: one message at most, in the other mailbox.
fn sent_once(cloud: &Cloud, what: &str) {
    let letters = cloud.running.tenant.mail.all();
    let subjects: std::collections::BTreeSet<_> = letters
        .iter()
        .map(|letter| {
            letter
                .subject
                .trim_start_matches("Unzustellbar: ")
                .trim_start_matches("Undeliverable: ")
        })
        .collect();
    assert!(subjects.len() <= letters.len(), "{what}");
    for subject in subjects {
        let of_it = |letter: &&m365mon_simulator::mail_flow::Letter| letter.subject == *subject;
        assert!(
            letters.iter().filter(of_it).count() <= 1,
            "{what}: {letters:?}"
        );
    }
}

/// What was written is gone, but where that is just what was refused.
fn nothing_left(cloud: &Cloud, what: &str) {
    let keeps = [
        "retention",
        "no answer",
        "cut",
        "throttl",
        "(503)",
        "(500)",
        "page",
        "front",
        "locked",
        "archived",
        "open",
    ];
    if keeps.iter().any(|word| what.contains(word)) {
        return;
    }
    let left = cloud.running.tenant.files.all();
    let left: Vec<_> = left.iter().filter(|file| !file.deleted).collect();
    // Of cases before, which the next hour clears.
    assert!(left.len() <= 2, "{what}: {left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_case_of_each_kind() {
    let mut work = Vec::new();
    for (_, kind, _) in resources() {
        let (mut cases, mut own) = (usual(kind), own(kind));
        let refused = lacking(kind);
        cases.append(&mut own);
        if let Some(at) = refused {
            cases.insert(1, at);
        }
        // What ends the secret comes last.
        let end = cases.len() - usize::from(kind == "sign_in");
        cases.insert(
            end,
            case("works again after all that", Value::Null, Value::Null, None),
        );
        work.push(try_out(kind, None, cases));
    }
    for (kind, cases) in slow() {
        work.push(try_out(kind, None, cases));
    }
    for (account, kind, more, cases) in others() {
        work.push(try_out(kind, Some((account, more)), cases));
    }
    // A few at a time: each has a tenant of its own.
    let mut told: Vec<Line> = Vec::new();
    while !work.is_empty() {
        let some = work.split_off(work.len().saturating_sub(8));
        told.extend(join_all(some).await.into_iter().flatten());
    }
    told.sort();
    let mut page = String::from(
        "# What is made of what happens\n\n\
         Each line was tried against the simulated tenant over TLS, with exactly the rights that the \
         kind declares; `tests/it/scenarios/kinds/cases.rs` writes this page. `series` is how many \
         readings came along. What no real tenant has confirmed is listed in \
         [unverified.md](unverified.md).\n\n\
         | kind | case | outcome | reason | series |\n|---|---|---|---|---|\n",
    );
    let wrong: Vec<_> = told.iter().filter_map(|line| line.5.as_deref()).collect();
    for (kind, what, outcome, reason, series, _) in &told {
        // Writing into a String does not fail.
        _ = writeln!(
            page,
            "| `{kind}` | {what} | {outcome} | {reason} | {series} |"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    page.push_str(&limits());
    documents::is_current("docs/kinds-cases.md", &page);
}

/// Which kinds wait together.
fn limits() -> String {
    let mut text = String::from(
        "\n## Who waits with whom\n\n\
         Where Microsoft asks to slow down, the kinds of that line wait and the others go on; \
         `tests/it/scenarios/kinds/served.rs` closes `sharepoint`, `outlook`, `directory`, \
         `service_communications` and `security` one after another and sees it. What fails in any \
         other way stops nobody else.\n\n| limit | kinds |\n|---|---|\n",
    );
    let mut by_limit: std::collections::BTreeMap<&str, Vec<&str>> =
        std::collections::BTreeMap::new();
    for info in m365mon::kinds::ALL {
        by_limit
            .entry(info.service.as_str())
            .or_default()
            .push(info.name);
    }
    for (limit, kinds) in by_limit {
        // Writing into a String does not fail.
        _ = writeln!(text, "| `{limit}` | `{}` |", kinds.join("`, `"));
    }
    text
}

/// Without the rights; `None` for a kind that needs none.
fn lacking(kind: &str) -> Option<Case> {
    // Nothing that somebody could take away.
    if matches!(
        kind,
        "entra_directory" | "sign_in" | "endpoint_list" | "http_endpoint"
    ) {
        return None;
    }
    // Microsoft leaves the members empty there, and refuses nothing.
    let reason = (kind != "directory_sync").then_some(Forbidden);
    Some(rights_case(kind, reason))
}

fn rights_case(kind: &str, reason: Option<Reason>) -> Case {
    let text = lines(
        &resources()
            .into_iter()
            .filter(|(_, name, _)| *name == kind)
            .collect::<Vec<_>>(),
    );
    let text = super::configuration("127.0.0.1:1".parse().unwrap(), "ca.pem", &text);
    let none = std::collections::BTreeMap::<String, String>::new();
    let loaded = m365mon::config::parse(&text, std::path::Path::new("m365mon.yml"), &none);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let resource = &loaded.configuration.resources[0];
    case(
        "right missing",
        Value::Array(revoking(resource)),
        Value::Array(granting(resource)),
        reason,
    )
}
