//! `m365mon setup`: what the script grants is what is asked for, and a name
//! in the configuration stays a name.

mod script;

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
