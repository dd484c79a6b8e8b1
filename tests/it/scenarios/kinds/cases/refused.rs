//! What is no case of a probe, because the configuration is refused: an account
//! that a kind cannot be asked through.

use std::fmt::Write as _;
use std::path::Path;

use m365mon_simulator::directory::{DOMAIN, PERSONAL_HOST, SELECTED_CLIENT_ID, SHAREPOINT_HOST};

const ACCOUNTS: &str = "accounts:
  - {name: app, tenant: contoso.onmicrosoft.com, client_id: 11111111-2222-3333-4444-555555555555, client_secret: {secret_file: secret.txt}}
  - {name: person, tenant: contoso.onmicrosoft.com, client_id: 11111111-2222-3333-4444-555555555555, delegated: {username: steve@contoso.com}}
  - {name: china, cloud: china, tenant: contoso.partner.onmschina.cn, client_id: 11111111-2222-3333-4444-555555555555, delegated: {username: steve@contoso.cn}}
  - {name: machine, managed_identity: {}}
resources:
";

/// Kind, account, and what the line says beside.
fn lines() -> Vec<(&'static str, &'static str, String)> {
    let user = format!("to: probe@{DOMAIN}");
    let drive = format!("url: https://{PERSONAL_HOST}/personal/steve_contoso_com");
    let site = format!("url: https://{SHAREPOINT_HOST}/sites/hr");
    let none = String::new;
    vec![
        (
            "app_credentials",
            "",
            format!("applications: {{own: {SELECTED_CLIENT_ID}}}"),
        ),
        ("exchange_calendar", "app", none()),
        ("exchange_mailbox", "app", none()),
        ("free_busy", "app", format!("schedule: room@{DOMAIN}")),
        (
            "http_endpoint",
            "",
            "url: https://api.contoso.com/health, scope: api://contoso-health/.default".to_owned(),
        ),
        (
            "http_endpoint",
            "app",
            "url: https://api.contoso.com/health, scope: api://contoso-health/.default".to_owned(),
        ),
        ("mail_round_trip", "app", user),
        ("mailbox_folder", "app", none()),
        ("message_center", "person", none()),
        ("onedrive", "app", none()),
        ("onedrive", "app", site.clone()),
        ("onedrive", "person", drive),
        ("presence", "app", none()),
        ("presence", "china", none()),
        ("sharepoint_site", "app", format!("{site}, api: sharepoint")),
        ("sign_in", "machine", none()),
    ]
}

/// The table of them.
pub(super) fn table() -> String {
    let mut text = String::from(
        "\n## What the configuration does not take\n\n\
         `check-config` and a start say so, with file, line and column; nothing is asked then.\n\n\
         | kind | account | with | what is said |\n|---|---|---|---|\n",
    );
    let none = std::collections::BTreeMap::<String, String>::new();
    for (kind, account, with) in lines() {
        let through = match account {
            "" => String::new(),
            name => format!(", account: {name}"),
        };
        let more = match &*with {
            "" => String::new(),
            more => format!(", {more}"),
        };
        let yaml = format!("{ACCOUNTS}  - {{name: it{through}, kind: {kind}{more}}}\n");
        let refused = m365mon::config::parse(&yaml, Path::new("m365mon.yml"), &none);
        let Err(refused) = refused else {
            panic!("{kind}, {account}, {with}: is taken");
        };
        let [one] = refused.diagnostics() else {
            panic!("{kind}, {account}, {with}: {refused}");
        };
        let account = match account {
            "" => "none",
            "app" => "application, by a secret",
            "person" => "person",
            "china" => "person, in China",
            _ => "managed identity",
        };
        let with = match &*with {
            "" => String::new(),
            with => format!("`{with}`"),
        };
        // Writing into a String does not fail.
        _ = writeln!(text, "| `{kind}` | {account} | {with} | {} |", one.message);
    }
    text
}
