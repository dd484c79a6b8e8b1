//! Other resources of a kind, whose configuration differs.

use m365mon::model::Reason::*;
use m365mon_simulator::directory::{APP_CLIENT_ID, DOMAIN, SELECTED_CLIENT_ID, SHAREPOINT_HOST};
use serde_json::{Value, json};

use super::forms::*;

pub(super) fn others() -> Vec<Other> {
    let gone = "11111111-2222-4333-8444-555555555555";
    vec![
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
    ]
}
