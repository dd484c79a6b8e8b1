//! What a script may and may not do: names stay names, nothing is adopted, opened or
//! left behind, and the administrator needs no more than it says.

use m365mon_simulator::directory::DOMAIN;

use super::setup;

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
