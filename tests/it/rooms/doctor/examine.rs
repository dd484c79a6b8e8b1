//! `m365mon doctor` by its outcome, its exit code and what it says mends it.

use std::collections::BTreeSet;

use m365mon_simulator::directory::{DELEGATED_CLIENT_ID, DOMAIN, SELECTED_CLIENT_ID};

use serde_json::Value;

use super::stage::{Stage, certificate, findings, identity, least, mailbox, selected, site, steve};

const LOGIN: &str = "login.microsoftonline.com";
const INTRANET: &str = "https://contoso.sharepoint.com/sites/intranet";

#[test]
fn the_least_of_all_applications_is_proved() {
    let stage = least();
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (0, "proved"), "{:#}", told.json);
    told.is("excess", "proved", &["nothing beyond need"]);
    told.is("tenant_wide", "proved", &["no right that was granted"]);
    // No Mail role is in the token: what the probe proves.
    let permissions = told.steps("permissions");
    assert!(
        permissions[0]["detail"]
            .to_string()
            .contains("Sites.Selected is granted")
    );
    assert!(
        permissions[1]["detail"]
            .to_string()
            .contains("RBAC for Applications")
    );

    let output = stage.run(&["doctor", "--account", "app"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\x1b'), "no colours in a pipe: {text}");
    assert!(text.starts_with("account app: client_secret, "), "{text}");
    assert!(
        text.contains("\n  proved                    token "),
        "{text}"
    );
    assert!(
        text.ends_with(" proved, 0 refuted, 0 cannot be seen from here\n"),
        "{text}"
    );
    let output = stage.run(&["doctor", "--account", "nobody"], &[]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn what_exchange_and_a_site_grant_by_themselves() {
    let stage = least();
    let mailboxes = |what: &str| {
        let order =
            format!(r#"{{"user": "monitoring@{DOMAIN}", "{what}": "{SELECTED_CLIENT_ID}"}}"#);
        stage.tell("/mailboxes", &order);
    };
    mailboxes("unassign");
    let sites = |what: &str| {
        stage.tell(
            "/sites",
            &format!(r#"{{"url": "{INTRANET}", "{what}": "{SELECTED_CLIENT_ID}"}}"#),
        );
    };
    sites("revoke");
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (1, "refuted"), "{:#}", told.json);
    let probes = told.steps("probe");
    let site = probes[0].to_string();
    for word in [
        "/v1.0/sites/{id of contoso.sharepoint.com:/sites/intranet}/permissions",
        "New-MgSitePermission -SiteId (Get-MgSite -SiteId 'contoso.sharepoint.com:/sites/intranet').Id",
        "Grant-PnPAzureADAppSitePermission -AppId '11111111-aaaa-4000-8000-000000000005'",
    ] {
        assert!(site.contains(word), "no {word} in {site}");
    }
    let mailbox = probes[1].to_string();
    for word in [
        "Test-ServicePrincipalAuthorization -Identity '11111111-aaaa-4000-8000-000000000005' -Resource 'monitoring@contoso.onmicrosoft.com'",
        "less than two hours ago",
    ] {
        assert!(mailbox.contains(word), "no {word} in {mailbox}");
    }
    let permissions = told.steps("permissions");
    assert_eq!(permissions[0]["finding"], "proved");
    assert_eq!(permissions[1]["finding"], "cannot_be_seen");

    // Both given back: proved again.
    mailboxes("assign");
    sites("grant");
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (0, "proved"), "{:#}", told.json);
}

#[test]
fn a_role_too_few_and_a_role_too_many() {
    let stage = least();
    let apps = |what: &str| {
        stage.tell(
            "/apps",
            &format!(r#"{{"app": "{SELECTED_CLIENT_ID}", {what}}}"#),
        );
    };
    apps(r#""grant": ["Mail.Read", "Directory.Read.All"]"#);
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (1, "refuted"), "{:#}", told.json);
    told.is(
        "excess",
        "refuted",
        &[
            "Directory.Read.All of https://graph.microsoft.com",
            "Mail.Read of",
        ],
    );
    apps(r#""revoke": ["Mail.Read", "Directory.Read.All"], "grant": ["Mail.ReadBasic.All"]"#);
    let told = stage.doctor(&[]);
    // Exchange may restrict it, which no token shows.
    assert_eq!(findings(&told), (2, "cannot_be_seen"), "{:#}", told.json);
    told.is("excess", "proved", &[]);
    told.is(
        "tenant_wide",
        "cannot_be_seen",
        &[
            "every mailbox of the tenant, unless an access policy",
            "Test-ApplicationAccessPolicy",
            "m365mon setup --account app",
        ],
    );
    // What nothing can restrict, beside the narrow one and in its place.
    for change in [
        r#""revoke": ["Mail.ReadBasic.All"], "grant": ["Sites.Read.All"]"#,
        r#""revoke": ["Sites.Selected"]"#,
    ] {
        apps(change);
        let told = stage.doctor(&[]);
        assert_eq!(findings(&told), (1, "refuted"), "{:#}", told.json);
        told.is(
            "tenant_wide",
            "refuted",
            &[
                "Sites.Read.All opens every site of the tenant",
                "m365mon setup --account app",
                "revoke Sites.Read.All",
            ],
        );
    }
    apps(r#""revoke": ["Sites.Read.All"]"#);
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (1, "refuted"), "{:#}", told.json);
    let site = told.steps("permissions")[0].to_string();
    assert!(site.contains("Sites.Selected is not granted"), "{site}");
    assert!(
        site.contains("New-MgServicePrincipalAppRoleAssignment"),
        "{site}"
    );
}

#[test]
fn sharepoint_wants_its_own_permission_and_a_certificate() {
    let stage = Stage::set();
    stage.upload();
    stage.configure(
        &certificate(),
        &site("cert", "sites/intranet", ", api: sharepoint"),
    );
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (0, "proved"), "{:#}", told.json);
    told.is(
        "credential",
        "proved",
        &["the key belongs to the certificate "],
    );
    told.is("tenant", "proved", &["contoso.sharepoint.com"]);
    stage.tell(
        "/apps",
        r#"{"app": "11111111-aaaa-4000-8000-000000000003", "resource": "sharepoint", "revoke": ["Sites.Selected"]}"#,
    );
    let told = stage.doctor(&[]);
    assert_eq!(told.code, 1);
    told.is(
        "permissions",
        "refuted",
        &[
            "00000003-0000-0ff1-ce00-000000000000",
            "Graph's of the same name does not count here",
        ],
    );
    // With a secret there is nothing to examine: the configuration is wrong.
    stage.configure(
        &selected(),
        &site("app", "sites/intranet", ", api: sharepoint"),
    );
    let output = stage.run(&["doctor"], &[]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("certificate"), "{text}");
}

#[test]
fn a_person_who_consented() {
    let stage = Stage::set();
    let resources = [
        site("steve", "sites/intranet", ""),
        mailbox("steve", "steve"),
    ];
    stage.configure(&steve(), &resources.join("\n"));
    let told = stage.doctor(&[]);
    assert_eq!(told.code, 1);
    told.is("sign_in", "refuted", &["m365mon login steve"]);
    stage.sign_in("steve");
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (0, "proved"), "{:#}", told.json);

    // The site is not for steve.
    stage.tell(
        "/sites",
        &format!(r#"{{"url": "{INTRANET}", "readers": ["info@{DOMAIN}"]}}"#),
    );
    let told = stage.doctor(&[]);
    let probe = &told.steps("probe")[0];
    assert_eq!(probe["finding"], "refuted");
    assert!(
        probe["mend"].to_string().contains("Site permissions"),
        "{probe:#}"
    );

    // The consent is taken back.
    stage.tell("/consents", &format!(
        r#"{{"app": "{DELEGATED_CLIENT_ID}", "user": "steve@{DOMAIN}", "resource": "graph", "revoke": true}}"#
    ));
    let told = stage.doctor(&[]);
    told.is(
        "token",
        "refuted",
        &[
            "AADSTS65001",
            "m365mon login steve",
            "m365mon setup --account steve",
        ],
    );

    // A policy stands in the way.
    stage.tell("/faults", &format!(
        r#"{{"scope": {{"host": "{LOGIN}", "path": "/oauth2/v2.0/token"}}, "kind": {{"status": {{"status": 400,
         "headers": {{"Content-Type": "application/json"}},
         "body": "{{\"error\":\"invalid_grant\",\"error_codes\":[53003],\"error_description\":\"AADSTS53003: x\"}}"}}}}}}"#
    ));
    let told = stage.doctor(&[]);
    told.is(
        "token",
        "refuted",
        &[
            "AADSTS53003",
            "Get-MgAuditLogSignIn",
            "Conditional Access",
            "egress",
        ],
    );
}

#[test]
fn a_machine_with_an_identity() {
    let stage = Stage::set();
    stage.configure(&identity(), &site("machine", "sites/intranet", ""));
    let metadata = format!("http://{}", stage.metadata);
    let told = stage.doctor(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &metadata)]);
    told.is("token", "proved", &[]);
    assert!(told.steps("discovery").is_empty());
    assert_eq!(
        told.steps("probe")[0]["finding"],
        "proved",
        "{:#}",
        told.json
    );
}

#[test]
fn a_scope_that_the_sign_in_did_not_ask_for() {
    let stage = Stage::set();
    stage.configure(&steve(), &site("steve", "sites/intranet", ""));
    stage.sign_in("steve");
    // A mailbox of somebody else came later.
    let resources = [
        site("steve", "sites/intranet", ""),
        mailbox("steve", "info"),
    ];
    stage.configure(&steve(), &resources.join("\n"));
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (1, "refuted"), "{:#}", told.json);
    let permissions = told.steps("permissions");
    assert_eq!(permissions[0]["finding"], "proved");
    let missing = permissions[1].to_string();
    assert!(
        missing.contains("Mail.ReadBasic.Shared was not consented to"),
        "{missing}"
    );
    let probe = told.steps("probe")[1].to_string();
    assert!(
        probe.contains("first what the step permissions says"),
        "{probe}"
    );
}

/// The keys of a JSON value and of what is in it.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn the_document_says_what_there_is() {
    let stage = least();
    let told = stage.doctor(&[]);
    let document = std::fs::read_to_string("docs/doctor.md").unwrap();
    let example = document.split("```json").nth(1).unwrap();
    let example: Value = serde_json::from_str(example.split("```").next().unwrap()).unwrap();
    let (mut written, mut seen) = (BTreeSet::new(), BTreeSet::new());
    keys(&example, &mut written);
    keys(&told.json, &mut seen);
    assert_eq!(written, seen);
    // Every word that a step may have.
    let mut words = BTreeSet::new();
    for file in std::fs::read_dir("src/doctor").unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for part in source.split("DoctorStep::").skip(1) {
            let name = part
                .split_once("(\"")
                .filter(|(function, _)| ["proved", "refuted", "unseen"].contains(function))
                .and_then(|(_, rest)| rest.split('"').next());
            words.extend(name.map(str::to_owned));
        }
    }
    words.extend(["dns", "connect", "tls"].map(str::to_owned));
    assert!(words.len() > 10, "{words:?}");
    for word in words {
        assert!(
            document.contains(&format!("`{word}`")),
            "{word} is not in docs/doctor.md"
        );
    }
}
