//! What each kind meets on its own, where a tenant is administered: the directory,
//! sign-ins, Microsoft's word, licences, Intune, addresses.

use m365mon::model::Reason::*;
use m365mon_simulator::directory::{APP_CLIENT_ID, SELECTED_CLIENT_ID};
use serde_json::{Value, json};

use super::forms::*;

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn own(kind: &str) -> Vec<Case> {
    match kind {
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
            recorded("403 in HTML", &scope(kind), "forbidden_page", Forbidden),
            recorded(
                "claims challenge again and again, unquoted",
                &scope(kind),
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
        "message_center" => vec![recorded(
            "403 in HTML",
            &scope(kind),
            "forbidden_page",
            Forbidden,
        )],
        "licenses" => vec![
            recorded(
                "error inside of 200",
                &scope(kind),
                "error_in_success",
                BadResponse,
            ),
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
                // How Intune refuses people without a role of its own, as seen at
                // many of its addresses.
                answered(
                    "right missing, said as 401",
                    &scope(kind),
                    401,
                    &error("UnknownError", &in_intunes_words("Forbidden")),
                    Forbidden,
                ),
                answered(
                    "right missing, said as 401 with a code of its own",
                    &scope(kind),
                    401,
                    &error("Unauthorized", INTUNES_WORDS),
                    Forbidden,
                ),
                answered(
                    "token not taken (401)",
                    &scope(kind),
                    401,
                    &error(
                        "InvalidAuthenticationToken",
                        "Access token validation failure.",
                    ),
                    Unauthorized,
                ),
                recorded(
                    "504 with an error in an error",
                    &scope(kind),
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
        _ => Vec::new(),
    }
}

/// What Intune puts into the message of an error.
const INTUNES_WORDS: &str = "{\r\n  \"_version\": 3,\r\n  \"Message\": \"An error has occurred - \
    Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: \
    0f0f0f0f-0000-4000-8000-00000000f001 - Url: https://fef.msub05.manage.microsoft.com/x\",\r\n  \
    \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \
    \"HttpHeaders\": \"{}\"\r\n}";

/// The same within an error of its own, as 401 and 504 come.
fn in_intunes_words(code: &str) -> String {
    json!({
        "ErrorCode": code, "Message": INTUNES_WORDS, "Target": null, "Details": null,
        "InnerError": null, "InstanceAnnotations": [],
    })
    .to_string()
}
