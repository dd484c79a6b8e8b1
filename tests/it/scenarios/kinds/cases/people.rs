//! What people meet: consent, what is shared with them, roles that they hold, and
//! drives that are not there yet.

use m365mon::model::Reason::*;
use m365mon_simulator::directory::DOMAIN;
use serde_json::{Value, json};

use super::super::people;
use super::forms::*;
use super::rights_case;

/// All of it.
pub(super) fn of_people() -> Vec<Other> {
    // What a person consents to is another thing than what an application gets.
    let mut all: Vec<Other> = people()
        .into_iter()
        .map(|one| {
            let mut cases = vec![works(one.1)];
            cases.extend(lacking(&one));
            cases.extend(own(one.1));
            (one.0, one.1, one.2, cases)
        })
        .collect();
    all.extend([
        unshared("exchange_mailbox"),
        unshared("mailbox_folder"),
        unshared("exchange_calendar"),
        ("steve", "onedrive", "quota: true".to_owned(), quotas()),
    ]);
    all
}

/// What people need beside what they consented to.
pub(crate) fn administrator(is: bool) -> Value {
    json!({"user": {"user": format!("steve@{DOMAIN}"), "administrator": is}})
}

fn works(kind: &str) -> Case {
    if matches!(kind, "service_health" | "apple_push_certificate") {
        let works = case("works", administrator(true), administrator(false), None);
        return works.but("as a person with a role");
    }
    as_it_is("works", None).but("as a person")
}

/// What was consented to is taken back: Entra gives no token then.
fn lacking(one: &(&'static str, &'static str, String)) -> Option<Case> {
    if one.1 == "sign_in" {
        return None;
    }
    let taken_back = Case {
        what: "consent taken back (AADSTS65001)".to_owned(),
        ..rights_case(one, Forbidden.into())
    };
    Some(taken_back.but("as a person"))
}

fn own(kind: &str) -> Vec<Case> {
    match kind {
        "onedrive" => drives(),
        "service_health" => vec![
            as_it_is("no role as administrator", Forbidden)
                .but("as a person")
                .saying("the person's administrative role"),
        ],
        "apple_push_certificate" => vec![
            as_it_is("no role in Intune", Forbidden)
                .but("as a person")
                .saying("a role of Intune"),
        ],
        "sign_in" => vec![answered(
            "redirect URI not registered (AADSTS50011)",
            &json!({"service": "login", "path": "/oauth2/v2.0/authorize"}),
            400,
            &json!("<html><body>AADSTS50011: The redirect URI does not match.</body></html>"),
            Rejected,
        )],
        "teams_team" => {
            let team = super::super::team("project-x");
            let members = |names: Value| json!({"team": {"team": team, "members": names}});
            vec![
                case(
                    "no member of the team",
                    members(json!([format!("helpdesk@{DOMAIN}")])),
                    members(json!([format!("steve@{DOMAIN}")])),
                    Forbidden,
                )
                .but("as a person")
                .saying("no member of the team"),
            ]
        }
        _ => Vec::new(),
    }
}

/// What nobody shared with the person is not there, says Exchange.
fn unshared(kind: &'static str) -> Other {
    let hidden = as_it_is("as a person, and not shared", Forbidden);
    let more = format!("user: helpdesk@{DOMAIN}");
    ("steve", kind, more, vec![hidden])
}

fn drive(change: Value) -> Value {
    with("drive", "user", format!("steve@{DOMAIN}"), change)
}

/// A person's own first look makes the drive, which takes a while. The states say
/// what else comes instead of a drive.
fn drives() -> Vec<Case> {
    let state = |what, state: &str, reason| {
        let ready = drive(json!({"state": "ready"}));
        case(what, drive(json!({"state": state})), ready, reason).but("as a person")
    };
    vec![
        case(
            "not made yet: asking makes it (404 mysite)",
            json!([
                drive(json!({"remove": true})),
                {"organization": {"provisioning": "10m"}},
            ]),
            Value::Null,
            NotFound,
        )
        .but("as a person")
        .saying("made when the person asks for it"),
        as_it_is("being made (404 mysite)", NotFound)
            .but("as a person")
            .saying("made when the person asks for it"),
        case(
            "made meanwhile",
            json!({"clock": {"advance": "10m"}}),
            Value::Null,
            None,
        )
        .but("as a person"),
        state("not made yet (404 file)", "file_not_found", NotFound),
        state("no licence (400 mysite URL)", "no_my_site", Rejected),
        state(
            "tenant without SharePoint (400)",
            "no_share_point",
            Rejected,
        ),
        state("denied", "denied", Forbidden).saying("the person has no drive"),
        state("read-only or archived (423)", "locked", Locked),
    ]
}

fn quotas() -> Vec<Case> {
    let quota = |what, form: &str| {
        let whole = drive(json!({"quota": "whole"}));
        let made = case(what, drive(json!({"quota": form})), whole, None);
        made.but("as a person")
    };
    vec![
        as_it_is("works with its quota", None).but("as a person"),
        quota("quota all zero", "zero"),
        quota("quota left out", "absent"),
        quota("quota impossible", "impossible"),
    ]
}
