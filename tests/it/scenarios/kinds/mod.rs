//! All kinds from end to end against the simulated tenant: each case of each
//! kind, the rights that each needs, gates, and what must never be seen.

mod cases;
mod cloud;
mod gates;
mod kills;
mod leftovers;
mod mixed;
mod rights;
mod rights_of_people;
mod served;

use m365mon::kinds::{Grant, Granting, Resource};
use m365mon::model::Account;
use m365mon_simulator::directory::{
    CERTIFICATE_CLIENT_ID, DELEGATED_CLIENT_ID, DOMAIN, ORDERS_ALIAS, PERSONAL_HOST,
    SELECTED_CLIENT_ID, SHAREPOINT_HOST,
};
use serde_json::{Value, json};

use self::cloud::Cloud;

/// The id of the team without an app in it, which every test starts with.
pub(super) fn team(name: &str) -> String {
    m365mon_simulator::directory::Team::new(name, "", m365mon_simulator::directory::TENANT_ID).id
}

/// One resource of every kind, by the account that can use it: what a YAML line
/// says beside name, account and kind.
pub(super) fn resources() -> Vec<(&'static str, &'static str, String)> {
    let user = |name: &str| format!("user: {name}@{DOMAIN}");
    let team = team("project-x");
    vec![
        (
            "app",
            "sharepoint_site",
            format!("url: \"https://{SHAREPOINT_HOST}/sites/hr\""),
        ),
        ("app", "exchange_mailbox", user("helpdesk")),
        (
            "app",
            "mailbox_folder",
            format!("{}, oldest: true", user("info")),
        ),
        ("app", "exchange_calendar", user("steve")),
        (
            "app",
            "free_busy",
            format!("{}, schedule: room-ams-4.12@{DOMAIN}", user("monitoring")),
        ),
        (
            "app",
            "onedrive",
            format!(
                "url: \"https://{PERSONAL_HOST}/personal/steve_contoso_onmicrosoft_com\", quota: true"
            ),
        ),
        ("app", "teams_team", format!("team: {team}")),
        ("steve", "presence", String::new()),
        ("app", "entra_directory", String::new()),
        ("app", "sign_in", String::new()),
        ("app", "service_health", String::new()),
        ("app", "message_center", String::new()),
        ("app", "licenses", "expiry: true".to_owned()),
        (
            "app",
            "app_credentials",
            format!(
                "applications: {{payroll: {}}}, all: true",
                m365mon_simulator::directory::APP_CLIENT_ID
            ),
        ),
        ("app", "directory_sync", String::new()),
        ("app", "apple_push_certificate", String::new()),
        ("", "endpoint_list", String::new()),
        (
            "app",
            "http_endpoint",
            format!(
                "url: \"https://orders.contoso.com/health\", scope: \"{ORDERS_ALIAS}/.default\", \
                 expect_json: {{status: Healthy}}"
            ),
        ),
        (
            "app",
            "mail_round_trip",
            format!("from: monitoring@{DOMAIN}, to: probe@{DOMAIN}, delivery_timeout: 10s"),
        ),
        (
            "app",
            "file_round_trip",
            format!("url: \"https://{SHAREPOINT_HOST}/sites/monitoring\", folder: m365mon"),
        ),
    ]
}

/// What a person may probe, beside the presence of [`resources`].
pub(super) fn people() -> Vec<(&'static str, &'static str, String)> {
    [
        (
            "sharepoint_site",
            format!("url: \"https://{SHAREPOINT_HOST}/sites/hr\""),
        ),
        ("exchange_mailbox", String::new()),
        ("mailbox_folder", "oldest: true".to_owned()),
        ("exchange_calendar", String::new()),
        ("free_busy", format!("schedule: room-ams-4.12@{DOMAIN}")),
        ("onedrive", String::new()),
        ("teams_team", format!("team: {}", team("project-x"))),
        ("entra_directory", String::new()),
        ("sign_in", String::new()),
        ("service_health", String::new()),
        ("licenses", String::new()),
        (
            "app_credentials",
            format!(
                "applications: {{payroll: {}}}",
                m365mon_simulator::directory::APP_CLIENT_ID
            ),
        ),
        ("directory_sync", String::new()),
        ("apple_push_certificate", String::new()),
        (
            "http_endpoint",
            format!(
                "url: \"https://orders.contoso.com/health\", scope: \"{ORDERS_ALIAS}/Health.Read\""
            ),
        ),
        ("mail_round_trip", format!("to: steve@{DOMAIN}")),
        (
            "file_round_trip",
            format!("url: \"https://{SHAREPOINT_HOST}/sites/monitoring\", folder: m365mon"),
        ),
    ]
    .map(|(kind, more)| ("steve", kind, more))
    .into()
}

/// Lines of YAML of these, named by their kinds.
pub(super) fn lines(resources: &[(&str, &str, String)]) -> String {
    let line = |(account, kind, more): &(&str, &str, String)| {
        let account = match *account {
            "" => String::new(),
            account => format!(", account: {account}"),
        };
        let more = match &**more {
            "" => String::new(),
            more => format!(", {more}"),
        };
        format!("  - {{name: {kind}{account}, kind: {kind}{more}}}\n")
    };
    resources.iter().map(line).collect()
}

/// The configuration around the resources; `tls` is where the tenant is.
pub(super) fn configuration(tls: std::net::SocketAddr, ca_file: &str, lines: &str) -> String {
    let hosts = [
        "login.microsoftonline.com",
        "graph.microsoft.com",
        "endpoints.office.com",
        "orders.contoso.com",
        SHAREPOINT_HOST,
        PERSONAL_HOST,
    ];
    let resolve: String = hosts
        .iter()
        .map(|host| format!("    {host}: \"{tls}\"\n"))
        .collect();
    // Only where it is used: the others need no certificate.
    let certified = match lines.contains("account: certified") {
        true => certified(),
        false => String::new(),
    };
    format!(
        "storage: m365mon.tokens\nhttp:\n  ca_file: {ca_file}\n  resolve:\n{resolve}accounts:\n  \
         - {{name: app, tenant: {DOMAIN}, client_id: {SELECTED_CLIENT_ID}, \
         client_secret: {{secret_file: secret.txt}}, audiences: {{\"{ORDERS_ALIAS}\": orders.contoso.com}}}}\n  \
         - {{name: steve, tenant: {DOMAIN}, client_id: {DELEGATED_CLIENT_ID}, \
         delegated: {{username: steve@{DOMAIN}}}, audiences: {{\"{ORDERS_ALIAS}\": orders.contoso.com}}}}\n\
         {certified}resources:\n{lines}"
    )
}

/// An application with a certificate: SharePoint's REST takes no secret.
fn certified() -> String {
    let folder = std::env::current_dir().unwrap().join("tests/data");
    let folder = folder.display();
    format!(
        "  - {{name: certified, tenant: {DOMAIN}, client_id: {CERTIFICATE_CLIENT_ID}, \
         client_certificate: {{certificate_file: {folder}/app-certificate.pem, \
         key_file: {folder}/app-key.pem}}}}\n"
    )
}

/// What gives a resource exactly the rights that its kind declares: commands to
/// the tenant.
pub(super) fn granting(resource: &Resource) -> Vec<Value> {
    let account = &resource.account;
    let client_id = account.client_id.as_deref().unwrap_or_default();
    let mut commands = Vec::new();
    for permission in resource.permissions() {
        if permission.granting == Granting::Entra {
            commands.push(giving(account, &permission.api.name, &permission.name));
        }
    }
    for grant in resource.kind.grants(account) {
        match grant {
            Grant::SiteRole { url, role } => commands.push(json!({"site": {
                "url": url.as_str().trim_end_matches('/'), "grant": client_id,
                "role": role.as_str(),
            }})),
            Grant::MailboxRole { user, role } => commands.push(json!({"mailbox": {
                "user": user, "assign": client_id,
                "role": role.trim_start_matches("Application "),
            }})),
            Grant::TeamConsent { team, .. } => {
                commands.push(json!({"team": {"team": team, "consent": client_id}}));
            }
            Grant::SiteVisitor { .. } | Grant::FolderReader { .. } | Grant::ByHand(_) => {}
        }
    }
    commands
}

/// A permission in Entra, of an application or of steve.
pub(super) fn giving(account: &Account, api: &str, name: &str) -> Value {
    let api = match api {
        "Microsoft Graph" => "graph",
        "SharePoint" => "sharepoint",
        _ => "orders",
    };
    if account.person().is_some() {
        let steve = format!("steve@{DOMAIN}");
        json!({"consent": {"app": DELEGATED_CLIENT_ID, "user": steve, "resource": api, "grant": [name]}})
    } else {
        json!({"app": {"app": account.client_id.as_deref(), "resource": api, "grant": [name]}})
    }
}

/// What takes every right of the application and of steve away.
pub(super) fn revoking(resource: &Resource) -> Vec<Value> {
    let client_id = resource.account.client_id.as_deref().unwrap_or_default();
    let mut commands = vec![
        json!({"consent": {"app": DELEGATED_CLIENT_ID, "user": format!("steve@{DOMAIN}"), "revoke": true}}),
    ];
    for permission in resource.permissions() {
        let names: Vec<&str> = permission
            .fitting()
            .iter()
            .map(ToString::to_string)
            .chain(permission.broader.iter().map(|name| (*name).to_owned()))
            .map(|name| &*name.leak())
            .collect();
        for api in ["graph", "orders", "sharepoint"] {
            commands.push(json!({"app": {"app": client_id, "resource": api, "revoke": names}}));
        }
    }
    for grant in resource.kind.grants(&resource.account) {
        match grant {
            Grant::SiteRole { url, .. } => commands.push(json!({"site": {
                "url": url.as_str().trim_end_matches('/'), "revoke": client_id,
            }})),
            Grant::MailboxRole { user, .. } => {
                commands.push(json!({"mailbox": {"user": user, "unassign": client_id}}));
            }
            Grant::TeamConsent { team, .. } => {
                commands.push(json!({"team": {"team": team, "revoke": client_id}}));
            }
            Grant::SiteVisitor { .. } | Grant::FolderReader { .. } | Grant::ByHand(_) => {}
        }
    }
    commands
}
