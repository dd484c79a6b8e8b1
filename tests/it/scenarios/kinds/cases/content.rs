//! What each kind meets on its own, where people keep and say things: sites,
//! drives, mailboxes, calendars, teams.

use m365mon::model::Reason::{self, *};
use m365mon_simulator::directory::{DOMAIN, PERSONAL_HOST, SELECTED_CLIENT_ID, SHAREPOINT_HOST};
use serde_json::{Value, json};

use super::super::team;
use super::forms::*;

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn own(kind: &str) -> Vec<Case> {
    match kind {
        "sharepoint_site" => of_site(&format!("https://{SHAREPOINT_HOST}/sites/hr"), &scope(kind)),
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
            cases.extend(of_site(&url, &scope(kind)));
            cases
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
                &scope(kind),
            ));
            cases
        }
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
                recorded("403 in HTML", &scope(kind), "forbidden_page", Forbidden),
                recorded(
                    "error inside of 200",
                    &scope(kind),
                    "error_in_success",
                    BadResponse,
                ),
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
                recorded(
                    "error inside of 200",
                    &scope(kind),
                    "error_in_success",
                    BadResponse,
                ),
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
        _ => Vec::new(),
    }
}
