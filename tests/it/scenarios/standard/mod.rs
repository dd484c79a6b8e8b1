//! Every grant that the standards describe, by the binary, over TLS, against a
//! server that knows nothing but the standards.

mod canary;
mod jwt;
mod server;

use std::net::SocketAddr;
use std::path::Path;

use self::server::{ASSERTING, CONFIDENTIAL, PUBLIC, SECRET, STEVE, Server, Spelling, TENANT};
use crate::support::stack::{Process, eventually, get, http};

fn serve(file: &Path) -> (Process, SocketAddr) {
    Process::serve(file, &[])
}

/// The value of the first series that begins so.
fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics
        .lines()
        .find(|line| line.starts_with(series))
        .and_then(|line| line.rsplit(' ').next()?.parse().ok())
}

fn wait_for(address: SocketAddr, series: &str, pleases: impl Fn(f64) -> bool) {
    eventually(series, || {
        value(&get(address, "/metrics"), series).filter(|found| pleases(*found))
    });
}

fn account(name: &str, client: &str, credential: &str) -> String {
    format!("  - {{name: {name}, tenant: {TENANT}, client_id: {client}, {credential}}}\n")
}

fn site(name: &str, account: &str, more: &str) -> String {
    format!(
        "  - {{name: {name}, account: {account}, kind: sharepoint_site, \
         url: \"https://contoso.sharepoint.com/sites/intranet\"{more}}}\n"
    )
}

/// Applications as themselves: secret, certificate, another provider's token.
fn applications(spelling: Spelling) {
    let server = Server::start(spelling, 3600);
    let write = |name: &str, text: &str| std::fs::write(server.path().join(name), text).unwrap();
    write("secret", SECRET);
    write(
        "cert.pem",
        include_str!("../../../data/app-certificate.pem"),
    );
    write("key.pem", include_str!("../../../data/app-key.pem"));
    write("token", &jwt::federated());
    let accounts = [
        account(
            "secret",
            CONFIDENTIAL,
            "client_secret: {secret_file: secret}",
        ),
        account(
            "certificate",
            ASSERTING,
            "client_certificate: {certificate_file: cert.pem, key_file: key.pem}",
        ),
        account(
            "workload",
            ASSERTING,
            "workload_identity: {token_file: token}",
        ),
    ];
    let resources = ["secret", "certificate", "workload"].map(|name| site(name, name, ""));
    let direct = site("direct", "certificate", ", api: sharepoint");
    let file = server.configuration(&accounts.concat(), &(resources.concat() + &direct));
    let (_exporter, address) = serve(&file);
    for name in ["secret", "certificate", "workload", "direct"] {
        wait_for(
            address,
            &format!("m365_resource_up{{resource=\"{name}\""),
            |up| up == 1.0,
        );
    }
    assert_eq!(
        server.requests(),
        ["client_credentials"; 4],
        "one for each audience"
    );
}

#[test]
fn applications_with_bare_answers() {
    applications(Spelling::Bare);
}

#[test]
fn applications_with_usual_answers() {
    applications(Spelling::Usual);
}

#[test]
fn applications_with_odd_answers() {
    applications(Spelling::Odd);
}

/// Runs `login` and, when it prints where to go, goes there; gives what it said.
fn login(server: &Server, file: &Path, account: &str, device: bool) -> String {
    let file = file.to_str().unwrap();
    let mut words = vec!["login", account, "--config.file", file];
    if device {
        words.push("--device-code");
    }
    let mut login = Process::m365mon(&words);
    if device {
        let code = login.wait_for("a code", |text| {
            let rest = &text[text.find("WDJB-")?..];
            Some(rest.get(..9)?.to_owned())
        });
        server.approve(&code);
    } else {
        let url = login.wait_for("a link", |text| {
            let rest = &text[text.find("https://login.microsoftonline.com/")?..];
            Some(rest[..rest.find('\n')?].to_owned())
        });
        let back = url::Url::parse(&server.browse(&url)).unwrap();
        let to = SocketAddr::from(([127, 0, 0, 1], back.port().unwrap()));
        let path = format!("{}?{}", back.path(), back.query().unwrap());
        let (status, ..) = http(to, "GET", &path, &[], "").unwrap();
        assert_eq!(status, 200);
    }
    assert_eq!(login.exit_code(), 0, "{}", login.output());
    login.wait_for("who it was", |text| {
        text.contains(&format!("{STEVE} is signed in"))
            .then_some(())
    });
    login.output()
}

/// A person: code and device code, public and confidential clients, and from
/// then on by refresh for two audiences, through several renewals.
fn people(spelling: Spelling) {
    let server = Server::start(spelling, 6);
    std::fs::write(server.path().join("secret"), SECRET).unwrap();
    let person = format!("delegated: {{username: {STEVE}}}");
    let proved = format!("{person}, client_secret: {{secret_file: secret}}");
    let accounts = [
        account("alone", PUBLIC, &person),
        account("proved", CONFIDENTIAL, &proved),
    ];
    let resources = |name: &str| {
        site(name, name, "") + &site(&format!("{name}-direct"), name, ", api: sharepoint")
    };
    let both = resources("alone") + &resources("proved");
    let file = server.configuration(&accounts.concat(), &both);
    for device in [false, true] {
        login(&server, &file, "alone", device);
        login(&server, &file, "proved", device);
        watch(&server, &file, &["alone", "proved"]);
    }
    assert!(server.nothing_was_reused(), "{:?}", server.requests());
}

fn watch(server: &Server, file: &Path, accounts: &[&str]) {
    let before = server.requests().len();
    let (_exporter, address) = serve(file);
    for name in accounts {
        for resource in [(*name).to_owned(), format!("{name}-direct")] {
            wait_for(
                address,
                &format!("m365_resource_up{{resource=\"{resource}\""),
                |up| up == 1.0,
            );
        }
    }
    if server.renews_soon() {
        eventually("several renewals", || {
            (server.requests().len() >= before + 5 * accounts.len()).then_some(())
        });
    }
    let metrics = get(address, "/metrics");
    assert!(!metrics.contains("m365_resource_problem{"), "{metrics}");
    for name in accounts {
        let up = format!("m365_account_up{{account=\"{name}\"");
        assert_eq!(value(&metrics, &up), Some(1.0), "{metrics}");
    }
}

#[test]
fn people_with_bare_answers() {
    people(Spelling::Bare);
}

#[test]
fn people_with_usual_answers() {
    people(Spelling::Usual);
}

#[test]
fn people_with_odd_answers() {
    people(Spelling::Odd);
}

/// Errors that carry nothing but what RFC 6749 asks for.
fn errors(spelling: Spelling) {
    let server = Server::start(spelling, 6);
    std::fs::write(server.path().join("secret"), SECRET).unwrap();
    let accounts = [
        account("app", CONFIDENTIAL, "client_secret: {secret_file: secret}"),
        account(
            "steve",
            PUBLIC,
            &format!("delegated: {{username: {STEVE}}}"),
        ),
    ];
    let file = server.configuration(
        &accounts.concat(),
        &(site("app", "app", "") + &site("steve", "steve", "")),
    );
    login(&server, &file, "steve", false);
    std::fs::write(server.path().join("secret"), "wrong").unwrap();
    let (_exporter, address) = serve(&file);
    let problem = |account: &str, reason: &str| {
        let series = format!("m365_account_problem{{account=\"{account}\",");
        eventually(&format!("{account} is {reason}"), || {
            get(address, "/metrics")
                .lines()
                .any(|line| line.starts_with(&series) && line.contains(reason))
                .then_some(())
        });
    };
    problem("app", "refused");
    wait_for(address, "m365_resource_up{resource=\"steve\"", |up| {
        up == 1.0
    });

    // The right secret is tried at once.
    std::fs::write(server.path().join("secret"), SECRET).unwrap();
    wait_for(address, "m365_resource_up{resource=\"app\"", |up| up == 1.0);

    // Weather passes by itself.
    for (status, error, reason) in [
        (400, "temporarily_unavailable", "server_error"),
        (503, "server_error", "server_error"),
    ] {
        for _ in 0..2 {
            server.refuse(CONFIDENTIAL, status, error);
        }
        if server.renews_soon() {
            problem("app", reason);
        }
        wait_for(address, "m365_account_up{account=\"app\"", |up| up == 1.0);
    }

    // Revoked while it runs: a person is needed, and a sign-in mends it.
    server.revoke();
    if server.renews_soon() {
        problem("steve", "sign_in_required");
        wait_for(
            address,
            "m365_account_sign_in_required{account=\"steve\"",
            |one| one == 1.0,
        );
        login(&server, &file, "steve", false);
        wait_for(
            address,
            "m365_account_sign_in_required{account=\"steve\"",
            |one| one == 0.0,
        );
        wait_for(address, "m365_account_up{account=\"steve\"", |up| up == 1.0);
    }
}

#[test]
fn errors_without_numbers() {
    errors(Spelling::Usual);
}

#[test]
fn errors_with_more_than_anybody_knows() {
    errors(Spelling::Odd);
}
