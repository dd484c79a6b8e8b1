//! `m365mon setup`: what the script grants is what is asked for, and a name
//! in the configuration stays a name.

use std::collections::BTreeSet;
use std::process::Command;

use m365mon_simulator::directory::{DOMAIN, ResourceApp, SELECTED_CLIENT_ID};

use crate::rooms::doctor::stage::{Stage, certificate, mailbox, site, steve};

fn setup(configuration: &str, words: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m365mon.yml");
    std::fs::write(&file, configuration).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .arg("setup")
        .args(words)
        .arg("--config.file")
        .arg(&file)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The arguments of every call of a function of the script, quotes removed.
fn calls(script: &str, function: &str) -> Vec<(String, String)> {
    script
        .lines()
        .filter_map(|line| line.strip_prefix(function)?.strip_prefix(' '))
        .map(|rest| {
            let (api, names) = rest.split_once(' ').unwrap();
            (api.to_owned(), names.trim_matches('\'').to_owned())
        })
        .collect()
}

fn lines(script: &str) -> BTreeSet<&str> {
    script.lines().map(str::trim).collect()
}

/// The script's grants, made in a tenant where the application has none, are
/// just what the doctor wants to see.
#[test]
fn what_an_application_is_granted_is_enough_and_no_more() {
    let stage = Stage::set();
    let resources = [site("app", "sites/finance", ""), mailbox("app", "helpdesk")].join("\n");
    let account = crate::rooms::doctor::stage::selected();
    stage.configure(&account, &resources);
    let output = stage.run(&["setup"], &[]);
    let script = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{script}");

    stage.tell(
        "/apps",
        &format!(r#"{{"app": "{SELECTED_CLIENT_ID}", "revoke": ["Sites.Selected"]}}"#),
    );
    assert_eq!(stage.doctor(&[]).code, 1);
    for (api, role) in calls(&script, "Grant-Role") {
        assert_eq!(api, "$graph");
        stage.tell(
            "/apps",
            &format!(r#"{{"app": "{SELECTED_CLIENT_ID}", "grant": ["{role}"]}}"#),
        );
    }
    let between = |from: &str, to: &str| -> Vec<String> {
        let part = script.split(from).nth(1).unwrap().split(to).next().unwrap();
        part.lines()
            .map(|line| line.trim().trim_matches('\'').to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    };
    let sites = between("foreach ($address in @(", ")) {");
    assert_eq!(sites, ["contoso.sharepoint.com:/sites/finance"]);
    for address in sites {
        let url = format!("https://{}", address.replacen(":/", "/", 1));
        stage.tell(
            "/sites",
            &format!(r#"{{"url": "{url}", "grant": "{SELECTED_CLIENT_ID}"}}"#),
        );
    }
    let mailboxes = between("$mailboxes = @(", ") | ForEach-Object");
    assert_eq!(mailboxes, [format!("helpdesk@{DOMAIN}")]);
    for mailbox in mailboxes {
        stage.tell(
            "/mailboxes",
            &format!(r#"{{"user": "{mailbox}", "assign": "{SELECTED_CLIENT_ID}"}}"#),
        );
    }
    let told = stage.doctor(&[]);
    assert_eq!(told.code, 0, "{:#}", told.json);
    told.is("excess", "proved", &["nothing beyond need"]);
    // The same ids of the APIs as the tenant knows them by.
    let graph = format!(
        "$graph = Get-MgServicePrincipal -Filter 'appId eq ''{}'''\n",
        ResourceApp::Graph.app_id()
    );
    assert!(script.contains(&graph), "{script}");
}

/// The same for a person: consent as the script gives it is what a sign-in
/// asks for.
#[test]
fn what_a_person_consents_to_is_what_login_asks_for() {
    let stage = Stage::set();
    let resources = [
        site("steve", "sites/intranet", ""),
        mailbox("steve", "steve"),
        site("steve", "sites/hr", ", api: sharepoint").replace("steve-site", "steve-rest"),
    ]
    .join("\n");
    stage.configure(&steve(), &resources);
    let output = stage.run(&["setup"], &[]);
    let script = String::from_utf8(output.stdout).unwrap();
    let app = m365mon_simulator::directory::DELEGATED_CLIENT_ID;
    stage.tell(
        "/consents",
        &format!(r#"{{"app": "{app}", "user": "steve@{DOMAIN}", "revoke": true}}"#),
    );
    let grants = calls(&script, "Grant-Scopes");
    assert_eq!(grants.len(), 2, "{script}");
    for (api, scopes) in grants {
        let resource = if api == "$graph" {
            "graph"
        } else {
            "sharepoint"
        };
        let names: Vec<&str> = scopes
            .split(' ')
            .filter(|name| !["openid", "profile", "offline_access"].contains(name))
            .collect();
        stage.tell(
            "/consents",
            &serde_json::json!({
                "app": app, "user": format!("steve@{DOMAIN}"), "resource": resource, "grant": names,
            })
            .to_string(),
        );
    }
    // The tenant lets nobody consent: what is not granted cannot be had.
    stage.sign_in("steve");
    let told = stage.doctor(&[]);
    assert_eq!(told.code, 0, "{:#}", told.json);
    assert!(script.contains("ConsentType = 'Principal'"), "{script}");
    assert!(
        script.contains("-AppRoleAssignmentRequired:$true"),
        "{script}"
    );
    assert!(!script.contains("IsFallbackPublicClient"), "{script}");
    assert!(script.contains("'http://localhost', 'http://localhost/auth/callback'"));
}

#[test]
fn every_kind_of_credential_has_its_section() {
    let accounts = format!(
        "accounts:\n{}\n  - name: secret\n    tenant: {DOMAIN}\n    \
         client_id: 11111111-2222-3333-4444-555555555555\n    client_secret: {{secret: canary-91b2}}\n  \
         - name: federated\n    tenant: {DOMAIN}\n    client_id: 11111111-2222-3333-4444-666666666666\n    \
         workload_identity: {{token_file: token.jwt}}\n  - name: machine\n    managed_identity: {{}}\n  \
         - name: government\n    cloud: dod\n    tenant: contoso.onmicrosoft.us\n    \
         client_id: 11111111-2222-3333-4444-777777777777\n    client_secret: {{secret: canary-91b2}}\n    \
         delegated: {{username: steve@contoso.us, redirect_url: \"https://m365mon.contoso.us/auth/callback\"}}\n\
         resources:\n{}\n{}\n",
        certificate(),
        site("cert", "sites/intranet", ", api: sharepoint"),
        mailbox("government", "info"),
    );
    let of = |account: &str| {
        let (code, script, error) = setup(&accounts, &["--account", account]);
        assert_eq!(code, 0, "{error}");
        assert!(!script.contains("canary-91b2"), "{script}");
        assert!(!script.contains("PRIVATE KEY"), "{script}");
        script
    };
    let script = of("cert");
    assert!(script.contains("-KeyCredentials $keys"), "{script}");
    assert!(
        script.contains("app-certificate.pem -out m365mon-cert.crt"),
        "{script}"
    );
    let granted = calls(&script, "Grant-Role");
    assert_eq!(
        granted,
        [("$sharePoint".to_owned(), "Sites.Selected".to_owned())]
    );
    assert!(
        script.contains(ResourceApp::SharePoint.app_id()),
        "{script}"
    );
    assert!(lines(&script).contains("'contoso.sharepoint.com:/sites/intranet'"));
    assert!(!script.contains("Connect-ExchangeOnline"), "{script}");
    assert!(of("secret").contains("Add-MgApplicationPassword"));
    assert!(of("federated").contains("New-MgApplicationFederatedIdentityCredential"));
    let script = of("machine");
    assert!(
        script.contains("$sp.ServicePrincipalType -ne 'ManagedIdentity'"),
        "{script}"
    );
    assert!(!script.contains("New-MgApplication "), "{script}");
    let script = of("government");
    for word in [
        "-Environment 'USGovDoD'",
        "-ExchangeEnvironmentName O365USGovDoD",
        "-Web @{ RedirectUris",
        "'https://m365mon.contoso.us/auth/callback'",
        "Grant-Folder 'info@contoso.onmicrosoft.com' 'Inbox' 'steve@contoso.us'",
    ] {
        assert!(script.contains(word), "no {word} in {script}");
    }
    let (code, all, _) = setup(
        &accounts,
        &["--web.external-url=https://watch.contoso.com/m365mon/"],
    );
    assert_eq!(code, 0);
    assert!(
        all.contains("'https://watch.contoso.com/m365mon/auth/callback'"),
        "{all}"
    );
    let (code, _, error) = setup(&accounts, &["--account", "nobody"]);
    assert_eq!(code, 3);
    assert!(error.contains("there is no account \"nobody\""), "{error}");
}

#[test]
fn a_name_stays_a_name() {
    let configuration = "accounts:\n  - name: \"o'neil\"\n    tenant: contoso.onmicrosoft.com\n    \
         client_id: 11111111-2222-3333-4444-555555555555\n    \
         delegated: {username: \"o'neil\u{2019};$(calc)@contoso.com\"}\n\
         resources:\n  - {name: box, account: \"o'neil\", kind: exchange_mailbox}\n";
    let (code, script, error) = setup(configuration, &[]);
    assert_eq!(code, 0, "{error}");
    assert!(script.contains("$name = 'm365mon o''neil'\n"), "{script}");
    assert!(
        script.contains("Get-MgUser -UserId 'o''neil\u{2019}\u{2019};$(calc)@contoso.com'"),
        "{script}"
    );
}

/// One account of each credential, with everything that a script may hold.
fn everything() -> String {
    let account = |name: &str, rest: &str| {
        format!(
            "  - {{name: {name}, tenant: {DOMAIN}, client_id: 11111111-2222-3333-4444-555555555555, {rest}}}\n"
        )
    };
    let many: String = (0..12)
        .map(|number| {
            format!("  - {{name: many-{number}, account: certificate, kind: exchange_mailbox, user: box{number}@{DOMAIN}}}\n")
        })
        .collect();
    [
        "accounts:\n".to_owned(),
        account("public", "delegated: {username: steve@contoso.com}"),
        account(
            "confidential",
            "delegated: {username: steve@contoso.com}, client_secret: {secret_file: secret.txt}",
        ),
        account("secret", "client_secret: {secret_file: secret.txt}"),
        account(
            "certificate",
            "client_certificate: {certificate_file: cert.pem, key_file: key.pem}",
        ),
        account("federated", "workload_identity: {token_file: token.jwt}"),
        "  - {name: machine, managed_identity: {}}\nresources:\n".to_owned(),
        "  - {name: shared, account: public, kind: exchange_mailbox, user: info@contoso.com}\n".to_owned(),
        "  - {name: folder, account: public, kind: mailbox_folder, user: info@contoso.com, folder: archive}\n".to_owned(),
        "  - {name: calendar, account: confidential, kind: exchange_calendar, user: info@contoso.com}\n".to_owned(),
        "  - {name: site, account: secret, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/a}\n".to_owned(),
        "  - {name: file, account: secret, kind: file_round_trip, url: https://contoso.sharepoint.com/sites/b, folder: probe}\n".to_owned(),
        "  - {name: mine, account: machine, kind: exchange_mailbox, user: info@contoso.com}\n".to_owned(),
        many,
    ]
    .concat()
}

fn each_script() -> Vec<(&'static str, String)> {
    let configuration = everything();
    [
        "public",
        "confidential",
        "secret",
        "certificate",
        "federated",
        "machine",
    ]
    .map(|name| {
        let (code, script, error) = setup(&configuration, &["--account", name]);
        assert_eq!(code, 0, "{name}: {error}");
        (name, script)
    })
    .to_vec()
}

/// Whoever made something of the right name first would be given the rights: the
/// script goes on only with the id of the configuration, or with what only this
/// application uses.
#[test]
fn nothing_is_adopted_by_its_name() {
    for (name, script) in each_script() {
        assert!(!script.contains("displayName eq ''m365mon") || script.contains("$namesakes"));
        for line in script.lines() {
            let by_name = line.contains("Get-MgApplication -Filter $byName");
            assert!(
                !by_name || line.trim_start().starts_with("$namesakes = "),
                "{line}"
            );
            assert!(!line.contains("displayName eq '$"), "{line}");
        }
        let made = script.find("New-MgApplication ");
        if name == "machine" {
            assert!(made.is_none());
            assert!(script.contains("-ServicePrincipalId $identity"), "{script}");
        } else {
            let stop = script.find("throw 'An application of this name").unwrap();
            assert!(stop < made.unwrap(), "{script}");
            assert!(script.contains("Get-MgApplicationOwner"), "{script}");
        }
        if let Some(change) = script.find("Set-ManagementScope") {
            let asked = script.find("$held = @(Get-OwnAssignment $name)").unwrap();
            assert!(asked < change, "{script}");
            assert!(script[asked..change].contains("if ($held) {"), "{script}");
        }
        assert_eq!(
            name == "certificate",
            script.contains("New-DistributionGroup")
        );
    }
}

/// What a stranger looks for first.
#[test]
fn a_script_opens_nothing_beside_and_leaves_nothing_behind() {
    for (name, script) in each_script() {
        for word in [
            "FullAccess",
            "Add-MailboxPermission",
            "IsFallbackPublicClient",
            "Set-Content",
        ] {
            assert!(!script.contains(word), "{name}: {word}");
        }
        assert!(script.contains("Connect-MgGraph -NoWelcome -ContextScope Process "));
        let end = script.rfind("} finally {").unwrap();
        assert!(script[end..].contains("Disconnect-MgGraph"), "{name}");
        let exchange = script.contains("Connect-ExchangeOnline");
        assert_eq!(
            exchange,
            script[end..].contains("Disconnect-ExchangeOnline"),
            "{name}"
        );
        assert_eq!(exchange, script.contains("two different tenants"), "{name}");
        if let Some(made) = script.find("Add-MgApplicationPassword") {
            let mode = script.find("UnixFileMode]'UserRead, UserWrite'").unwrap();
            let windows = script.find("FileSystemAclExtensions]::Create").unwrap();
            assert!(mode < made && windows < made, "{script}");
            assert_eq!(script.matches("'CreateNew'").count(), 2);
        }
    }
    let public = &each_script()[0].1;
    for line in [
        "Grant-Folder 'info@contoso.com' 'Archive' 'steve@contoso.com'",
        "Grant-Folder 'info@contoso.com' 'Inbox' 'steve@contoso.com'",
    ] {
        assert!(public.contains(line), "{line} in {public}");
    }
}

/// What the administrator signs in with, and must be, is no more than the script
/// does.
#[test]
fn the_administrator_needs_no_more_than_the_script_does() {
    let app = format!(
        "  - {{name: it, tenant: {DOMAIN}, client_id: 11111111-2222-3333-4444-555555555555, client_secret: {{secret_file: secret.txt}}}}\n"
    );
    let person = format!(
        "  - {{name: it, tenant: {DOMAIN}, client_id: 11111111-2222-3333-4444-555555555555, delegated: {{username: steve@{DOMAIN}}}}}\n"
    );
    let machine = "  - {name: it, managed_identity: {}}\n".to_owned();
    let bound = app.replace(
        "client_secret",
        "audiences: {\"api://contoso-orders\": orders.contoso.com}, client_secret",
    );
    let mailbox = format!("kind: exchange_mailbox, user: info@{DOMAIN}");
    let files =
        "kind: file_round_trip, url: https://contoso.sharepoint.com/sites/probe, folder: m365mon";
    let orders = "kind: http_endpoint, url: https://orders.contoso.com/health, scope: api://contoso-orders/.default, permissions: [Health.Read]";
    for (account, resource, there, absent) in [
        (
            &app,
            "kind: entra_directory",
            &["a Cloud Application Administrator (registration and consent)"][..],
            &[
                "AppRoleAssignment.ReadWrite.All",
                "Privileged Role",
                "Grant-Role",
            ][..],
        ),
        (
            &app,
            &mailbox,
            &["Cloud Application Administrator", "Exchange Administrator"],
            &[
                "AppRoleAssignment.ReadWrite.All",
                "Privileged Role",
                "Sites.FullControl.All",
            ],
        ),
        (
            &app,
            "kind: service_health",
            &[
                "AppRoleAssignment.ReadWrite.All",
                "also a Privileged Role Administrator",
            ],
            &["Sites.FullControl.All", "Exchange"],
        ),
        (
            &machine,
            &mailbox,
            &["'Application.Read.All'"],
            &[
                "Application.ReadWrite.All",
                "AppRoleAssignment.ReadWrite.All",
                "Privileged Role",
            ],
        ),
        (
            &machine,
            files,
            &["'Application.Read.All', 'AppRoleAssignment.ReadWrite.All', 'Sites.FullControl.All'"],
            &["Application.ReadWrite.All", "Cloud Application"],
        ),
        (
            &person,
            "kind: exchange_mailbox",
            &["'User.ReadBasic.All'", "(registration and consent)"],
            &[
                "'User.Read.All'",
                "Privileged Role",
                "Sites.FullControl.All",
            ],
        ),
        // Sites.Selected opens nothing by a person's consent alone.
        (
            &person,
            files,
            &[
                "Grant-Scopes $graph 'openid profile offline_access Sites.Selected'",
                "Roles = @('write'); GrantedToIdentities",
                "Microsoft.Graph.Sites",
                "Sites.FullControl.All",
            ],
            &["Roles = @('read')"],
        ),
        // The API is found by the name that Entra knows it by.
        (
            &bound,
            orders,
            &[
                "$api1 = Get-MgServicePrincipal -Filter 'servicePrincipalNames/any(n:n eq ''api://contoso-orders'')'",
                "Grant-Role $api1 'Health.Read'",
            ],
            &["appId eq ''api", "Privileged Role"],
        ),
        // One right that is needed anyway does for both.
        (
            &app,
            "kind: licenses}\n  - {name: lapsing, account: it, kind: licenses, expiry: true}\n  - {name: sync, account: it, kind: directory_sync",
            &["Grant-Role $graph 'Organization.Read.All'"],
            &["LicenseAssignment.Read.All"],
        ),
        (
            &person,
            "kind: onedrive, quota: true}\n  - {name: bare, account: it, kind: onedrive}\n  - {name: me, account: it, kind: entra_directory",
            // Of the directory only the first says who one is.
            &["offline_access Files.Read User.Read'"],
            &[],
        ),
        // What nobody may be given beside: permissions of a whole tenant.
        (
            &app,
            "kind: teams_team, team: 5f1c0000-2222-3333-4444-555555555555",
            &[
                "# \"webApplicationInfo\": {\"id\": \"11111111-2222-3333-4444-555555555555\", \"resource\": \"https://m365mon\"}",
                "{\"name\": \"ChannelSettings.Read.Group\", \"type\": \"Application\"}",
            ],
            &["Channel.ReadBasic.All", "AppRoleAssignment.ReadWrite.All"],
        ),
    ] {
        let text =
            format!("accounts:\n{account}resources:\n  - {{name: it, account: it, {resource}}}\n");
        let (code, script, error) = setup(&text, &[]);
        assert_eq!(code, 0, "{error}");
        for word in there {
            assert!(script.contains(word), "{resource}: no {word} in {script}");
        }
        for word in absent {
            assert!(!script.contains(word), "{resource}: {word} in {script}");
        }
    }
}

/// Each cloud has its own audience for what a cluster issues.
#[test]
fn a_federated_credential_is_of_the_clouds_audience() {
    for (cloud, audience) in [
        ("global", "'api://AzureADTokenExchange'"),
        ("gcc_high", "'api://AzureADTokenExchangeUSGov'"),
        ("dod", "'api://AzureADTokenExchangeUSGov'"),
        ("china", "'api://AzureADTokenExchangeChina'"),
    ] {
        let text = format!(
            "accounts:\n  - {{name: it, cloud: {cloud}, tenant: {DOMAIN}, client_id: 11111111-2222-3333-4444-555555555555, workload_identity: {{token_file: token.jwt}}}}\n\
             resources:\n  - {{name: it, account: it, kind: entra_directory}}\n"
        );
        let (code, script, error) = setup(&text, &[]);
        assert_eq!(code, 0, "{error}");
        assert!(
            script.contains(&format!("Audiences = @({audience})")),
            "{script}"
        );
        assert!(!script.contains("$audience"), "{script}");
    }
}
