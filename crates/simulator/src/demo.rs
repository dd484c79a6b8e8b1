//! What the demo watches beyond sites and mailboxes: one thing of every kind that
//! the tenant answers for, with the narrowest rights that do.

use std::fmt::Write as _;
use std::time::Duration;

use crate::Running;
use crate::directory::{
    APP_CLIENT_ID, DELEGATED_CLIENT_ID, DOMAIN, Directory, MailboxScope, PERSONAL_HOST,
    ResourceApp, SERVICES_CLIENT_ID, SHAREPOINT_HOST, TENANT_ID, Team,
};
use crate::files::SERVICES_SECRET_FILE;

/// Name, kind and keys of each, and how many times the pace of a site it is
/// asked. A real tenant is asked much less often.
const WATCHED: [(&str, &str, u32); 18] = [
    ("directory", "kind: entra_directory", 1),
    ("sign-in", "kind: sign_in", 1),
    ("teams-service-desk", "kind: teams_team, team: {team}", 2),
    (
        "steves-files",
        "kind: onedrive, url: \"https://{personal}\", quota: true",
        1,
    ),
    (
        "files",
        "kind: file_round_trip, url: \"https://{host}/sites/monitoring\", folder: m365mon",
        6,
    ),
    (
        "mail-to-probe",
        "kind: mail_round_trip, from: monitoring@{domain}, to: probe@{domain}",
        18,
    ),
    (
        "mail-to-monitoring",
        "kind: mail_round_trip, from: probe@{domain}, to: monitoring@{domain}",
        18,
    ),
    (
        "tickets",
        "kind: mailbox_folder, user: helpdesk@{domain}, oldest: true",
        1,
    ),
    (
        "room-calendar",
        "kind: exchange_calendar, user: room-ams-4.12@{domain}",
        1,
    ),
    (
        "room-finder",
        "kind: free_busy, user: probe@{domain}, schedule: room-ams-4.12@{domain}",
        1,
    ),
    ("microsofts-word", "kind: service_health", 3),
    ("announcements", "kind: message_center", 6),
    ("licences", "kind: licenses, expiry: true", 3),
    (
        "app-credentials",
        "kind: app_credentials, applications: {m365mon: {app}}, all: true",
        6,
    ),
    ("directory-sync", "kind: directory_sync", 6),
    ("apple-push", "kind: apple_push_certificate", 6),
    ("endpoint-list", "kind: endpoint_list", 6),
    ("teams-presence", "kind: presence", 1),
];
/// What a configuration may not ask as often as the demo does.
const SLOW: [&str; 4] = [
    "teams_team",
    "mail_round_trip",
    "service_health",
    "endpoint_list",
];
/// Which of them no account is needed for, and which a person's is.
const NO_ACCOUNT: &str = "endpoint-list";
const OF_STEVE: &str = "teams-presence";

/// How often the resource of this name is asked, where it is one of these.
#[must_use]
pub fn pace(name: &str, interval: Duration) -> Option<Duration> {
    let (_, _, times) = WATCHED.iter().find(|(known, ..)| *known == name)?;
    Some(interval * *times)
}

/// Grants what is needed, and takes from the application what is not.
pub fn prepare(running: &Running) {
    let mut directory = running.tenant.directory.write();
    let id_of = |directory: &Directory, name: &str| {
        let user = directory.user(&format!("{name}@{DOMAIN}"));
        user.map(|user| user.id.clone()).unwrap_or_default()
    };
    let mut scopes: Vec<MailboxScope> = Vec::new();
    for (role, names) in [
        ("Mail.Send", &["monitoring", "probe"][..]),
        ("Mail.ReadWrite", &["monitoring", "probe"]),
        ("Mail.ReadBasic", &["helpdesk"]),
        ("Calendars.Read", &["probe", "room-ams-4.12"]),
    ] {
        scopes.push(MailboxScope {
            role: role.into(),
            mailboxes: names.iter().map(|name| id_of(&directory, name)).collect(),
        });
    }
    let steve = id_of(&directory, "steve");
    if let Some(app) = directory.application_mut(SERVICES_CLIENT_ID) {
        app.mailbox_scopes = scopes;
        if let Some(roles) = app.app_roles.get_mut(&ResourceApp::Graph) {
            roles.retain(|role| {
                !(role.starts_with("Mail.")
                    || role.starts_with("Calendars.")
                    || role.starts_with("Presence."))
            });
        }
    }
    if let Some(app) = directory.application_mut(DELEGATED_CLIENT_ID) {
        app.grant_scopes(Some(&steve), ResourceApp::Graph, &["Presence.Read"]);
    }
}

/// Adds all of it to the configuration that [`crate::files::configuration`] makes.
#[must_use]
pub fn configuration(running: &Running, usual: &str, interval: Duration) -> String {
    let address = running.addr;
    let hosts = format!(
        "\x20   {PERSONAL_HOST}: \"{address}\"\n\
         \x20   endpoints.office.com: \"{address}\"\n\
         defaults:"
    );
    let account = format!(
        "\x20 - name: contoso-services\n\
         \x20   tenant: {DOMAIN}\n\
         \x20   client_id: {SERVICES_CLIENT_ID}\n\
         \x20   client_secret: {{secret_file: {SERVICES_SECRET_FILE}}}\n\
         resources:\n"
    );
    let mut text = usual
        .replacen("defaults:", &hosts, 1)
        .replacen("resources:\n", &account, 1);
    let (timeout, delivery) = (interval.as_millis() / 2, delivery(interval).as_secs());
    for (name, keys, times) in WATCHED {
        let keys = keys
            .replace("{team}", &Team::new("service-desk", "", TENANT_ID).id)
            .replace("{domain}", DOMAIN)
            .replace("{host}", SHAREPOINT_HOST)
            .replace("{app}", APP_CLIENT_ID)
            .replace("{personal}", &personal());
        let account = match name {
            NO_ACCOUNT => String::new(),
            OF_STEVE => ", account: contoso-steve".to_owned(),
            _ => ", account: contoso-services".to_owned(),
        };
        let more = match keys.contains("mail_round_trip") {
            true => format!(", delivery_timeout: {delivery}s"),
            false => String::new(),
        };
        let pace = match SLOW.iter().any(|kind| keys.contains(kind)) {
            true => "1h".to_owned(),
            false => format!("{}ms", (interval * times).as_millis()),
        };
        // Writing into a String does not fail.
        _ = writeln!(
            text,
            "  - {{name: {name}{account}, {keys}{more}, interval: {pace}, timeout: {timeout}ms}}"
        );
    }
    text
}

/// How long mail may take.
fn delivery(interval: Duration) -> Duration {
    (interval * 15).max(Duration::from_secs(10))
}

fn personal() -> String {
    let name = format!("steve@{DOMAIN}").replace(['@', '.'], "_");
    format!("{PERSONAL_HOST}/personal/{name}")
}
