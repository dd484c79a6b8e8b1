//! The configuration: what is refused and where, what is read and how, and
//! that no secret is ever quoted.

mod bounds;
mod command;
mod effort;
mod files;
mod many;
mod platform;
mod roots;
mod secrets;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use m365mon::config::{self, Loaded};
use m365mon::kinds::{ExchangeMailbox, SharePointSite, mailbox::Mailbox};
use m365mon::kinds::{Kind, Mode, SiteApi};
use m365mon::model::{AppCredential, Cloud, ConnectionPolicy, ProxySetting, SecretSource, SignIn};

use crate::support::documents;

type Variables = BTreeMap<String, String>;

const ID: &str = "11111111-2222-3333-4444-555555555555";

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder}");
    files
}

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn parse_with(text: &str, pairs: &[(&str, &str)]) -> Result<Loaded, String> {
    config::parse(text, Path::new("m365mon.yml"), &variables(pairs))
        .map_err(|errors| errors.to_string())
}

fn parse(text: &str) -> Result<Loaded, String> {
    parse_with(text, &[])
}

/// The lines of a file that begin with `mark`, as they are shown for that file.
fn expected(path: &Path, mark: &str) -> Vec<String> {
    let words = m365mon::kinds::ALL.iter().map(|info| info.name);
    let kinds = m365mon::model::one_of(words);
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix(mark))
        .map(|line| line.replace("{kinds}", &kinds))
        .map(|line| format!("{}:{line}", path.display()))
        .collect()
}

#[test]
fn every_bad_file_gets_all_its_complaints() {
    let mut wrong = Vec::new();
    for path in files("tests/data/config/bad") {
        let errors = config::load(&path, &Variables::new()).unwrap_err();
        let shown: Vec<String> = errors
            .diagnostics()
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected = expected(&path, "#! ");
        assert!(
            !expected.is_empty(),
            "{} names no diagnostic",
            path.display()
        );
        if shown != expected {
            wrong.push(format!("{}\n{}", shown.join("\n"), expected.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A table of small ones; `M365MON_UPDATE_DOCS=1` writes what is said of each
/// behind it, to be read before it is kept.
#[test]
fn every_wrong_configuration_of_the_table() {
    const TABLE: &str = "tests/data/config/wrong.txt";
    const ACCOUNT: &str = "accounts: [{name: contoso, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, delegated: {username: steve@contoso.com}}]";
    let environment = [("SET", "c4n4ry")];
    let words = m365mon::kinds::ALL.iter().map(|info| info.name);
    let kinds = m365mon::model::one_of(words);
    let table = std::fs::read_to_string(TABLE).unwrap();
    let (head, cases) = table.split_once("\n---\n").unwrap();
    let mut now = head.to_owned();
    let mut number = 0;
    for case in cases.split("\n---\n") {
        let lines = case.lines().filter(|line| !line.starts_with("#! "));
        let text = lines.collect::<Vec<_>>().join("\n");
        let filled = text.replace("{ACCOUNT}", ACCOUNT);
        let Err(told) = parse_with(&filled, &environment) else {
            panic!("nothing is wrong with this:\n{filled}")
        };
        assert!(!told.contains("c4n4ry"), "{told}");
        number += 1;
        now.push_str(&format!("\n---\n{text}"));
        for line in told.replace(&kinds, "{kinds}").lines() {
            let line = line.strip_prefix("m365mon.yml:").unwrap();
            now.push_str(&format!("\n#! {line}"));
        }
    }
    now.push('\n');
    documents::is_current(TABLE, &now);
    assert!(number >= 85, "{number}");
}

#[test]
fn every_good_file_loads_with_its_warnings() {
    for path in files("tests/data/config/good") {
        let loaded =
            config::load(&path, &Variables::new()).unwrap_or_else(|errors| panic!("{errors}"));
        let shown: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected(&path, "#? "));
    }
}

#[test]
fn defaults_hold_where_nothing_is_said() {
    let path = Path::new("tests/data/config/good/design.yml");
    let loaded = config::load(path, &Variables::new()).unwrap();
    let configuration = loaded.configuration;
    assert_eq!(
        configuration.storage.file,
        Path::new("tests/data/config/good/m365mon.tokens")
    );
    assert_eq!(configuration.http.proxy, ProxySetting::Environment);
    assert_eq!(
        &*configuration.http.user_agent,
        concat!("NONISV|m365mon|m365mon/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(configuration.limits.probes_in_flight, 512);
    assert_eq!(configuration.limits.per_account, 64);
    assert_eq!(configuration.limits.on_scrape, 50);
    assert_eq!(
        *configuration.metrics.histogram_buckets,
        m365mon::model::DEFAULT_BUCKETS
    );

    let [site, mailbox] = &configuration.resources[..] else {
        panic!("two resources");
    };
    assert_eq!(site.interval, Duration::from_secs(60));
    assert_eq!(site.timeout, Duration::from_secs(10));
    assert_eq!(site.min_age, Duration::from_secs(54));
    assert_eq!(site.mode, Mode::Background);
    assert_eq!(site.connection, ConnectionPolicy::New);
    let labels: Vec<_> = site
        .labels
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(labels, [("location", "amsterdam"), ("team", "web")]);
    assert_eq!(mailbox.interval, Duration::from_secs(120));
    assert_eq!(
        mailbox.kind,
        Kind::from(ExchangeMailbox {
            mailbox: Mailbox(None)
        })
    );
}

#[test]
fn everything_that_can_be_said_arrives() {
    let path = Path::new("tests/data/config/good/everything.yml");
    let configuration = config::load(path, &Variables::new()).unwrap().configuration;
    assert_eq!(
        configuration.storage.file,
        Path::new("/var/lib/m365mon/tokens")
    );
    assert_eq!(
        configuration.http.resolve["contoso.sharepoint.com"].address,
        "127.0.0.1:8445".parse().unwrap()
    );
    assert_eq!(*configuration.metrics.histogram_buckets, [0.5, 1.0, 2.5]);
    assert!(!configuration.metrics.histogram && !configuration.metrics.phases);

    let account = |name: &str| {
        configuration
            .accounts
            .iter()
            .find(|account| &*account.name == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        account("person").tenant.as_ref().unwrap().as_str(),
        "contoso.onmicrosoft.com"
    );
    assert_eq!(
        account("person").client_id.as_deref(),
        Some("11111111-2222-3333-4444-55555555555a")
    );
    assert!(
        matches!(&account("person").sign_in, SignIn::Delegated { client: None, person }
        if person.max_age == Some(Duration::from_secs(30 * 86_400)))
    );
    let SignIn::Delegated {
        client: Some(AppCredential::ClientSecret { secret, expires }),
        ..
    } = &account("confidential").sign_in
    else {
        panic!("a confidential client");
    };
    assert!(matches!(secret, SecretSource::Inline(secret) if secret.expose() == "inline"));
    assert_eq!(expires.unwrap().to_string(), "2027-03-01T10:00:00Z");
    assert_eq!(account("certificate").cloud, Cloud::Global);
    assert!(matches!(&account("certificate").sign_in,
        SignIn::App(AppCredential::ClientCertificate { certificate_file, key_file, .. })
        if certificate_file == key_file));
    assert_eq!(account("machine").client_id, None);
    assert_eq!(account("machine 2").sign_in, SignIn::ManagedIdentity);
    assert_eq!(
        account("own cloud").cloud.login_url(),
        "https://login.contoso.com:8443"
    );
    assert_eq!(
        account("own cloud").cloud.graph_url(),
        "https://graph.contoso.com"
    );

    let resource = |name: &str| {
        configuration
            .resources
            .iter()
            .find(|one| &*one.name == name)
            .unwrap()
            .clone()
    };
    let Kind::SharePointSite(SharePointSite { url, api }) = &resource("site").kind else {
        panic!("a site");
    };
    assert_eq!(
        url.as_str(),
        "https://contoso.sharepoint.com/sites/intranet"
    );
    assert_eq!(*api, SiteApi::Graph);
    assert_eq!(
        resource("rest").audience().unwrap().host(),
        "contoso.sharepoint.com:8445"
    );
    assert_eq!(
        resource("own too").kind,
        Kind::from(ExchangeMailbox {
            mailbox: Mailbox(None)
        })
    );
    let other = resource("other");
    assert_eq!(other.min_age, Duration::ZERO);
    assert_eq!(other.mode, Mode::OnScrape);
    assert_eq!(other.connection, ConnectionPolicy::Reuse);
    let app = resource("app");
    let labels: Vec<_> = app
        .labels
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(
        labels,
        [("location", "amsterdam"), ("stage", "2"), ("team", "mail")]
    );
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let load = |path: &str| {
        config::load(Path::new(path), &Variables::new())
            .unwrap_err()
            .to_string()
    };
    let missing = load("not/there.yml");
    assert!(
        missing.starts_with("not/there.yml: there is no such file"),
        "{missing}"
    );
    for way_out in [
        "--config.file",
        "M365MON_CONFIG_FILE",
        "m365mon demo",
        "examples",
    ] {
        assert!(missing.contains(way_out), "{missing}");
    }
    assert!(load("src").contains("this is a folder"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin.yml");
    std::fs::write(&path, b"labels: {}\nstorage: M\xfcnchen\n").unwrap();
    let errors = config::load(&path, &Variables::new()).unwrap_err();
    let diagnostic = &errors.diagnostics()[0];
    assert_eq!((diagnostic.line, diagnostic.column), (2, 1));
    assert!(diagnostic.message.contains("not UTF-8"));
}

#[test]
fn quota_is_added_up_as_microsoft_counts() {
    let text = format!(
        "defaults: {{interval: 30s}}
accounts:
  - {{name: a, tenant: contoso.com, client_id: {ID}, client_certificate: {{certificate_file: /dev/null}}}}
  - {{name: b, tenant: CONTOSO.com, client_id: {ID}, delegated: {{username: steve@contoso.com}}}}
  - {{name: c, tenant: contoso.com, cloud: china, client_id: {ID}, delegated: {{username: steve@contoso.com}}}}
resources:
  - {{name: 1st, account: a, kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/a\"}}
  - {{name: 2nd, account: b, kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/b\", mode: on_probe}}
  - {{name: 3rd, account: b, kind: exchange_mailbox, interval: 2m}}
  - {{name: 4th, account: c, kind: exchange_mailbox}}
"
    );
    let configuration = parse(&text).unwrap().configuration;
    let shares = config::quota::shares(&configuration);
    assert_eq!(shares.len(), 2);
    assert_eq!(shares[0].accounts, ["a".into(), "b".into()]);
    assert!((shares[0].calls_a_minute - 4.5).abs() < 1e-9);
    assert!((shares[0].units_a_minute - 8.0).abs() < 1e-9);
    assert!((shares[0].of_minute() - 8.0 / 1_250.0).abs() < 1e-9);
    assert!((shares[0].of_day() - 8.0 * 1_440.0 / 1_200_000.0).abs() < 1e-9);
    assert!(!shares[0].is_high());
    assert_eq!(shares[1].cloud, "china");
    assert!(shares[1].units_a_minute.abs() < 1e-9);
    assert!((config::quota::calls_a_minute(&configuration) - 6.5).abs() < 1e-9);
}

#[test]
fn the_redacted_configuration_reads_back() {
    for path in files("tests/data/config/good")
        .into_iter()
        .chain(files("examples"))
    {
        let text = std::fs::read_to_string(&path)
            .unwrap()
            .replace("  proxy_url:", "  # proxy_url:");
        let place = Path::new("/etc/m365mon/m365mon.yml");
        let first = config::parse(&text, place, &Variables::new())
            .unwrap()
            .configuration;
        let page = config::redacted(&first);
        let second = config::parse(&page, place, &Variables::new())
            .unwrap_or_else(|errors| panic!("{errors}\n{page}"))
            .configuration;
        assert_eq!(config::redacted(&second), page);
        assert_eq!(second.labels, first.labels);
        assert_eq!(second.storage, first.storage);
        assert_eq!(second.http, first.http);
        assert_eq!(second.limits, first.limits);
        assert_eq!(second.metrics, first.metrics);
        assert_eq!(second.resources.len(), first.resources.len());
        if !page.contains("<secret>") {
            assert_eq!(second.accounts, first.accounts);
            assert_eq!(second.resources, first.resources);
        }
    }
}

#[test]
fn the_documentation_is_current() {
    let page = config::documentation();
    documents::is_current("docs/configuration.md", &page);
}
