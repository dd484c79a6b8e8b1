//! A folder with everything that a client of the simulated tenant needs: the
//! certificate to trust, a configuration of the exporter, its secrets, and
//! where the endpoints are.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::Running;
use super::directory::{
    APP_CLIENT_ID, DELEGATED_CLIENT_ID, DOMAIN, LoadAccount, ORDERS_ALIAS, ORDERS_HOST,
    PERSONAL_HOST, SERVICES_CLIENT_ID, SHAREPOINT_HOST, Size, TENANT_ID, load_team,
};
use super::front::authority::write_private;
use m365mon_base::Secret;

/// The file names.
pub const CONFIGURATION_FILE: &str = "m365mon.yml";
const SECRET_FILE: &str = "app-secret.txt";
pub(crate) const SERVICES_SECRET_FILE: &str = "services-secret.txt";
const ENDPOINTS_FILE: &str = "simulator.json";

/// Writes the folder; it must exist. The private files get mode 0600.
pub fn write(running: &Running, dir: &Path, size: Size, interval: Duration) -> io::Result<()> {
    std::fs::write(dir.join("ca.pem"), &running.ca_pem)?;
    let accounts = size.load_accounts();
    let load = accounts
        .iter()
        .map(|account| (account.client_id.as_str(), secret_file(&account.name)));
    let own = [
        (APP_CLIENT_ID, SECRET_FILE.to_owned()),
        (SERVICES_CLIENT_ID, SERVICES_SECRET_FILE.to_owned()),
    ];
    for (client_id, name) in own.into_iter().chain(load) {
        if let Some(secret) = secret_of(running, client_id) {
            let file = dir.join(name);
            write_private(&file, secret.expose())?;
            let mut files = running.tenant.secret_files.lock();
            files.insert(client_id.to_owned(), file);
        }
    }
    let endpoints = serde_json::json!({
        "tls": running.addr.to_string(),
        "proxy": format!("http://{}", running.proxy_addr),
        "control": format!("http://{}", running.control_addr),
        "metadata": format!("http://{}", running.metadata_addr),
        "ca_file": "ca.pem",
        "tenant_id": TENANT_ID,
        "domain": DOMAIN,
        "client_id": APP_CLIENT_ID,
        "secret_file": SECRET_FILE,
        "delegated_client_id": DELEGATED_CLIENT_ID,
        "services_client_id": SERVICES_CLIENT_ID,
        "services_secret_file": SERVICES_SECRET_FILE,
        "load_accounts": accounts.iter().map(|account| serde_json::json!({
            "name": account.name,
            "tenant_id": account.tenant_id,
            "domain": account.domain,
            "client_id": account.client_id,
            "secret_file": secret_file(&account.name),
        })).collect::<Vec<_>>(),
    });
    std::fs::write(dir.join(ENDPOINTS_FILE), format!("{endpoints:#}\n"))?;
    let configuration = configuration(running, size, interval);
    std::fs::write(dir.join(CONFIGURATION_FILE), configuration)
}

fn secret_of(running: &Running, client_id: &str) -> Option<Secret> {
    let directory = running.tenant.directory.read();
    let app = directory.application(client_id)?;
    Some(app.secrets.first()?.value.clone())
}

fn secret_file(account: &str) -> String {
    format!("{account}-secret.txt")
}

/// A configuration that works against this tenant: an account with a secret
/// and one of a person, a dozen resources of both kinds, and as many more as
/// were made up.
#[must_use]
pub fn configuration(running: &Running, size: Size, interval: Duration) -> String {
    let address = running.addr;
    let seconds = interval.as_secs_f64();
    let timeout = (seconds / 2.0).min(10.0);
    let mut text = format!(
        "# Written by `m365mon simulate`: works against the tenant that it runs.\n\
         storage: m365mon.tokens\n\
         http:\n\
         \x20 ca_file: ca.pem\n\
         \x20 resolve:\n\
         \x20   login.microsoftonline.com: \"{address}\"\n\
         \x20   graph.microsoft.com: \"{address}\"\n\
         \x20   {SHAREPOINT_HOST}: \"{address}\"\n\
         {}\
         defaults: {{interval: {}, timeout: {}}}\n\
         accounts:\n\
         \x20 - name: contoso-app\n\
         \x20   tenant: {DOMAIN}\n\
         \x20   client_id: {APP_CLIENT_ID}\n\
         \x20   client_secret: {{secret_file: {SECRET_FILE}, expires: {}}}\n\
         \x20 - name: contoso-steve\n\
         \x20   tenant: {DOMAIN}\n\
         \x20   client_id: {DELEGATED_CLIENT_ID}\n\
         \x20   delegated: {{username: steve@{DOMAIN}}}\n",
        more_hosts(size, address),
        milliseconds(seconds),
        milliseconds(timeout),
        secret_ends(running),
    );
    let load = size.load_accounts();
    if size.kinds > 0 {
        // Writing into a String does not fail.
        _ = writeln!(
            text,
            "  - name: contoso-services\n    tenant: {DOMAIN}\n    client_id: {SERVICES_CLIENT_ID}\n    client_secret: {{secret_file: {SERVICES_SECRET_FILE}}}\n    audiences: {{\"{ORDERS_ALIAS}\": {ORDERS_HOST}}}",
        );
    }
    for account in &load {
        // Writing into a String does not fail.
        _ = writeln!(
            text,
            "  - name: {}\n    tenant: {}\n    client_id: {}\n    client_secret: {{secret_file: {}}}",
            account.name,
            account.domain,
            account.client_id,
            secret_file(&account.name),
        );
    }
    text.push_str("resources:\n");
    let mut site_on = |host: &str, name: &str, account: &str, path: &str, extra: &str| {
        _ = writeln!(
            text,
            "  - {{name: {name}, account: {account}, kind: sharepoint_site, \
             url: \"https://{host}{path}\"{extra}}}"
        );
    };
    let mut site = |name: &str, account: &str, path: &str, extra: &str| {
        site_on(SHAREPOINT_HOST, name, account, path, extra);
    };
    site("home", "contoso-app", "/", "");
    for name in ["intranet", "marketing", "engineering", "finance", "hr"] {
        site(name, "contoso-app", &format!("/sites/{name}"), "");
    }
    site("project-x", "contoso-app", "/teams/project-x", "");
    site("intranet-as-steve", "contoso-steve", "/sites/intranet", "");
    site(
        "intranet-rest",
        "contoso-steve",
        "/sites/intranet",
        ", api: sharepoint",
    );
    for number in 1..=size.sites {
        let (name, path) = (
            format!("site-{number:05}"),
            format!("/sites/load-{number:05}"),
        );
        match size.owner(number).and_then(|place| load.get(place)) {
            Some(owner) => site_on(&owner.sharepoint_host, &name, &owner.name, &path, ""),
            None => site_on(SHAREPOINT_HOST, &name, "contoso-app", &path, ""),
        }
    }
    let mut mailbox = |name: &str, account: &str, user: &str| {
        _ = writeln!(
            text,
            "  - {{name: {name}, account: {account}, kind: exchange_mailbox, user: {user}}}"
        );
    };
    for name in ["monitoring", "helpdesk", "info"] {
        let user = format!("{name}@{DOMAIN}");
        mailbox(&format!("{name}-mailbox"), "contoso-app", &user);
    }
    mailbox("steve-mailbox", "contoso-steve", &format!("steve@{DOMAIN}"));
    for number in 1..=size.mailboxes {
        let name = format!("mailbox-{number:05}");
        let owner = size.owner(number).and_then(|place| load.get(place));
        let (account, domain) = owner.map_or(("contoso-app", DOMAIN), |owner| {
            (&owner.name, &owner.domain)
        });
        mailbox(&name, account, &format!("load-{number:05}@{domain}"));
    }
    for number in 1..=size.kinds {
        let owner = size.owner(number).and_then(|place| load.get(place));
        kinds(&mut text, number, owner, seconds);
    }
    text
}

/// Hosts that only the other kinds ask.
fn more_hosts(size: Size, address: std::net::SocketAddr) -> String {
    if size.kinds == 0 {
        return String::new();
    }
    let load = size.load_accounts();
    let of_load = load
        .iter()
        .flat_map(|account| [&*account.sharepoint_host, &*account.personal_host]);
    let own = [PERSONAL_HOST, ORDERS_HOST, "endpoints.office.com"];
    let line = |host| format!("    {host}: \"{address}\"\n");
    own.into_iter().chain(of_load).map(line).collect()
}

/// One resource of each of the other kinds, at the pace of the others or the
/// quickest that its kind allows.
fn kinds(text: &mut String, number: usize, owner: Option<&LoadAccount>, seconds: f64) {
    let (account, tenant, domain, host, personal) = owner.map_or(
        (
            "contoso-services",
            TENANT_ID,
            DOMAIN,
            SHAREPOINT_HOST,
            PERSONAL_HOST,
        ),
        |owner| {
            (
                &*owner.name,
                &*owner.tenant_id,
                &*owner.domain,
                &*owner.sharepoint_host,
                &*owner.personal_host,
            )
        },
    );
    let user = format!("kinds-{number:05}@{domain}");
    let room = format!("kinds-room-{number:05}@{domain}");
    let path = user.replace(['@', '.'], "_");
    let team = load_team(number, tenant).id;
    let at_least = |least: f64| format!("interval: {}", milliseconds(seconds.max(least)));
    let (minutes, quarter, hour) = (at_least(300.0), at_least(900.0), at_least(3600.0));
    let usual = at_least(0.0);
    let site = format!("url: \"https://{host}/sites/kinds-{number:05}\"");
    let mut line = |kind: &str, account: &str, more: &str| {
        let account = match account {
            "" => String::new(),
            account => format!(", account: {account}"),
        };
        let more = match more {
            "" => String::new(),
            more => format!(", {more}"),
        };
        // Most kinds have a pace of their own, which is slow.
        let pace = if more.contains("interval: ") {
            String::new()
        } else {
            format!(", {usual}")
        };
        let name = kind.replace('_', "-");
        // Writing into a String does not fail.
        _ = writeln!(
            text,
            "  - {{name: {name}-{number:05}{account}, kind: {kind}{more}{pace}}}"
        );
    };
    let whose = format!("user: {user}");
    line("sharepoint_site", account, &site);
    line("mailbox_folder", account, &format!("{whose}, oldest: true"));
    line("exchange_calendar", account, &whose);
    line("free_busy", account, &format!("{whose}, schedule: {room}"));
    let drive = format!("url: \"https://{personal}/personal/{path}\", quota: true");
    line("onedrive", account, &drive);
    line("teams_team", account, &format!("team: {team}, {minutes}"));
    line("presence", "contoso-steve", "");
    for kind in ["entra_directory", "message_center", "directory_sync"] {
        line(kind, account, "");
    }
    line("sign_in", account, "");
    line("service_health", account, &at_least(60.0));
    line("licenses", account, "expiry: true");
    line("app_credentials", account, &format!("all: true, {minutes}"));
    line("apple_push_certificate", account, "");
    line("endpoint_list", "", &hour);
    if owner.is_none() {
        let url =
            format!("url: \"https://{ORDERS_HOST}/health\", scope: \"{ORDERS_ALIAS}/.default\"");
        line("http_endpoint", account, &url);
    }
    let mail = format!("from: {user}, to: {room}, {minutes}");
    line("mail_round_trip", account, &mail);
    line(
        "file_round_trip",
        account,
        &format!("{site}, folder: m365mon, {quarter}"),
    );
}

fn milliseconds(seconds: f64) -> String {
    if seconds.fract() == 0.0 {
        format!("{seconds}s")
    } else {
        format!("{}ms", (seconds * 1000.0).round())
    }
}

fn secret_ends(running: &Running) -> String {
    let directory = running.tenant.directory.read();
    directory
        .application(APP_CLIENT_ID)
        .and_then(|app| app.secrets.first())
        .map(|secret| secret.ends.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default()
}
