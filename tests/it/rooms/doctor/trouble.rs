//! What `m365mon doctor` says of the way there, services, clocks and credentials
//! that are not well.

use m365mon_simulator::directory::SELECTED_CLIENT_ID;

use super::stage::{Stage, certificate, findings, least, mailbox, selected, site, steve};

const LOGIN: &str = "login.microsoftonline.com";
const GRAPH: &str = "graph.microsoft.com";

#[test]
fn credentials_that_do_not_do() {
    let mut stage = least();
    stage.tell(
        "/secrets",
        &format!(r#"{{"app": "{SELECTED_CLIENT_ID}", "change": "expire"}}"#),
    );
    let told = stage.doctor(&[]);
    assert_eq!(told.code, 1);
    told.is(
        "token",
        "refuted",
        &["AADSTS7000222", "Add-MgApplicationPassword", "secret.txt"],
    );
    for probe in told.steps("probe") {
        assert_eq!(probe["finding"], "cannot_be_seen", "{probe:#}");
    }
    stage.keep("secret.txt", "canary-77f0a1");
    stage
        .doctor(&[])
        .is("token", "refuted", &["AADSTS7000215", "not the id"]);
    std::fs::remove_file(stage.path("secret.txt")).unwrap();
    let told = stage.doctor(&[]);
    assert_eq!(told.code, 1);
    told.is(
        "credential",
        "refuted",
        &["secret.txt", "Add-MgApplicationPassword"],
    );

    // A secret whose end nobody wrote down.
    let made = stage.tell(
        "/secrets",
        &format!(r#"{{"app": "{SELECTED_CLIENT_ID}", "change": "new"}}"#),
    );
    stage.keep("secret.txt", made["secret"].as_str().unwrap());
    let endless = selected().replace(", expires: 2027-12-31", "");
    stage.configure(&endless, &site("app", "sites/intranet", ""));
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (0, "proved"), "{:#}", told.json);
    told.is("credential", "proved", &["by the directory"]);

    stage.tell(
        "/apps",
        &format!(r#"{{"app": "{SELECTED_CLIENT_ID}", "disabled": true}}"#),
    );
    stage.doctor(&[]).is(
        "token",
        "refuted",
        &["AADSTS7000112", "-AccountEnabled:$true"],
    );
    // A certificate that nobody uploaded.
    stage.configure(&certificate(), &site("cert", "sites/intranet", ""));
    stage.doctor(&[]).is(
        "token",
        "refuted",
        &["AADSTS700027", "thumbprint", "m365mon setup --account cert"],
    );
}

#[test]
fn the_way_there() {
    let stage = least();
    // A port on which nobody listens.
    let resources = site("app", "sites/intranet", "");
    let elsewhere = "    login.contoso.com: \"127.0.0.1:1\"\n";
    let closed = selected().replace(
        "    client_id",
        "    cloud: {login_url: https://login.contoso.com, graph_url: https://graph.microsoft.com}\n    client_id",
    );
    stage.configure_with(elsewhere, &closed, &resources);
    let told = stage.doctor(&[]);
    assert_eq!(told.code, 1);
    let connect = &told.steps("connect")[0];
    assert_eq!(connect["finding"], "refuted", "{connect:#}");
    assert!(
        connect["mend"]
            .to_string()
            .contains("curl -v https://login.contoso.com/")
    );
    told.is(
        "token",
        "cannot_be_seen",
        &["the login host cannot be reached"],
    );
    stage.configure(&selected(), &resources);
    // Somebody on the way ends the connection when he hears the name.
    stage.fault(LOGIN, r#""refuse""#);
    let told = stage.doctor(&[]);
    assert_eq!(told.steps("connect")[0]["finding"], "proved");
    assert_eq!(told.steps("tls")[0]["finding"], "refuted");
    stage.mend();

    stage.fault(LOGIN, r#""tls_untrusted""#);
    let told = stage.doctor(&[]);
    let tls = &told.steps("tls")[0];
    assert_eq!(tls["finding"], "refuted", "{tls:#}");
    assert!(tls["mend"].to_string().contains("http.ca_file"), "{tls:#}");
    stage.mend();

    stage.fault(GRAPH, r#""tls_wrong_host""#);
    let told = stage.doctor(&[]);
    assert_eq!(told.steps("tls")[1]["finding"], "refuted");
    let probe = &told.steps("probe")[0];
    assert_eq!(probe["detail"], "not probed: its host cannot be reached");
    stage.mend();

    // A name that does not resolve (RFC 6761: invalid never does).
    let nowhere = selected().replace(
        "    client_id",
        "    cloud: {login_url: https://login.contoso.invalid, graph_url: https://graph.microsoft.com}\n    client_id",
    );
    stage.configure(&nowhere, &site("app", "sites/intranet", ""));
    let told = stage.doctor(&[]);
    let dns = &told.steps("dns")[0];
    assert_eq!(dns["finding"], "refuted", "{dns:#}");
    assert!(
        dns["mend"]
            .to_string()
            .contains("getent hosts login.contoso.invalid")
    );
}

#[test]
fn services_that_are_not_well() {
    let stage = least();
    stage.fault(GRAPH, r#"{"throttled": {"retry_after": {"seconds": 30}}}"#);
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (2, "cannot_be_seen"), "{:#}", told.json);
    assert_eq!(told.steps("probe")[0]["finding"], "cannot_be_seen");
    stage.mend();
    stage.fault(GRAPH, r#"{"unavailable": {}}"#);
    let told = stage.doctor(&[]);
    assert_eq!(told.code, 1);
    assert!(
        told.steps("probe")[0]["detail"]
            .to_string()
            .contains("server_error")
    );
    stage.mend();
    stage.fault(LOGIN, r#"{"throttled": {"retry_after": {"seconds": 30}}}"#);
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (2, "cannot_be_seen"), "{:#}", told.json);
    told.is("token", "cannot_be_seen", &["wait"]);
    stage.mend();
    // A token that cannot be read leaves its rights unknown.
    stage.tell("/faults", &format!(
        r#"{{"scope": {{"host": "{LOGIN}", "path": "/oauth2/v2.0/token"}}, "kind": {{"status": {{"status": 200,
         "headers": {{"Content-Type": "application/json"}},
         "body": "{{\"access_token\":\"opaque-canary\",\"token_type\":\"Bearer\",\"expires_in\":3600}}"}}}}}}"#
    ));
    let told = stage.doctor(&[]);
    told.is("excess", "cannot_be_seen", &["cannot be read"]);
    assert_eq!(told.steps("permissions")[0]["finding"], "cannot_be_seen");
    assert!(!told.json.to_string().contains("opaque-canary"));
}

#[test]
fn clock_tenant_and_cloud() {
    let stage = least();
    stage.tell("/clock", r#"{"advance": "10m"}"#);
    let told = stage.doctor(&[]);
    told.is(
        "clock",
        "refuted",
        &["s behind", "timedatectl set-ntp true"],
    );
    stage.tell("/clock", r#"{"reset": true}"#);

    let tls = stage.tls;
    let others = format!(
        "    login.microsoftonline.us: \"{tls}\"\n    login.partner.microsoftonline.cn: \"{tls}\"\n"
    );
    let typo = selected().replace("contoso.onmicrosoft.com", "contosso.onmicrosoft.com");
    stage.configure_with(&others, &typo, &site("app", "sites/intranet", ""));
    stage.doctor(&[]).is(
        "discovery",
        "refuted",
        &["no such tenant", "Primary domain"],
    );
    let elsewhere = selected().replace("    client_id", "    cloud: gcc_high\n    client_id");
    stage.configure_with(&others, &elsewhere, "");
    stage.doctor(&[]).is(
        "discovery",
        "refuted",
        &["lives in another cloud: global", "cloud: global"],
    );
}

/// What is told of a token that Entra refuses because the tenant lives in another
/// cloud: 900382 for an application, 90038 for a person.
#[test]
fn a_refused_token_names_the_cloud() {
    let stage = Stage::set();
    let tls = stage.tls;
    let others = format!(
        "    login.microsoftonline.us: \"{tls}\"\n    login.partner.microsoftonline.cn: \"{tls}\"\n"
    );
    let word = "this tenant lives in another cloud: set `cloud: global`";
    for cloud in ["gcc_high", "dod", "china"] {
        let there = format!("    cloud: {cloud}\n    client_id");
        let app = selected().replace("    client_id", &there);
        stage.configure_with(&others, &app, &mailbox("app", "monitoring"));
        let told = stage.run(&["probe", "app-mailbox"], &[]);
        let story = String::from_utf8_lossy(&told.stdout);
        assert_eq!(told.status.code(), Some(2), "{story}");
        assert!(
            story.contains("AADSTS900382") && story.contains(word),
            "{cloud}: {story}"
        );

        let person = steve().replace("    client_id", &there);
        stage.configure_with(&others, &person, &mailbox("steve", "steve"));
        let told = stage.run(&["login", "steve", "--device-code"], &[]);
        let said = String::from_utf8_lossy(&told.stderr);
        assert_eq!(told.status.code(), Some(1), "{said}");
        assert!(
            said.contains("AADSTS90038") && said.contains(word),
            "{cloud}: {said}"
        );
    }
}

#[test]
fn different_ways_out() {
    let stage = Stage::set();
    let tls = stage.tls;
    // Graph through the proxy of the environment, Entra where it is configured.
    let text = format!(
        "http:\n  ca_file: tenant/ca.pem\n  resolve: {{{LOGIN}: \"{tls}\"}}\naccounts:\n{}\nresources:\n{}\n",
        selected(),
        site("app", "sites/intranet", ""),
    );
    std::fs::write(stage.path("m365mon.yml"), text).unwrap();
    let proxy = format!("http://{}", stage.proxy);
    let told = stage.doctor(&[("HTTPS_PROXY", &proxy)]);
    assert_eq!(findings(&told), (2, "cannot_be_seen"), "{:#}", told.json);
    told.is(
        "egress",
        "cannot_be_seen",
        &["different ways out", &stage.proxy.to_string()],
    );
    let connected = told.steps("connect")[1]["detail"].to_string();
    assert!(
        connected.contains(&format!("through the proxy {}", stage.proxy)),
        "{connected}"
    );
    // A proxy that is not there.
    let told = stage.doctor(&[("HTTPS_PROXY", "http://127.0.0.1:1")]);
    assert_eq!(told.code, 1);
    let connect = &told.steps("connect")[1];
    assert_eq!(connect["finding"], "refuted", "{connect:#}");
    assert!(connect["mend"].to_string().contains("http.proxy_url"));
}

/// A wait that Microsoft asks for is honoured by the doctor as well.
#[test]
fn who_is_throttled_is_not_asked_on_and_on() {
    let stage = Stage::set();
    let resources: Vec<String> = (0..60)
        .map(|n| site("app", "sites/intranet", "").replace("app-site", &format!("site-{n}")))
        .collect();
    stage.configure(&selected(), &resources.join("\n"));
    stage.tell(
        "/faults",
        &format!(
            r#"{{"scope": {{"host": "{GRAPH}", "path": "/lists"}}, "kind": {{"throttled": {{"retry_after": {{"seconds": 30}}}}}}}}"#
        ),
    );
    let told = stage.doctor(&[]);
    assert_eq!(findings(&told), (2, "cannot_be_seen"), "{:#}", told.json);
    let probes = told.steps("probe");
    assert_eq!(probes.len(), 60);
    let asked = probes
        .iter()
        .filter(|probe| !probe["detail"].to_string().contains("not probed"))
        .count();
    assert!((1..=16).contains(&asked), "{asked} were asked");
    // In the order of the configuration.
    let names: Vec<_> = told.json["accounts"][0]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| resource["resource"].as_str().unwrap())
        .collect();
    assert_eq!((names[0], names[59]), ("site-0", "site-59"));
}
