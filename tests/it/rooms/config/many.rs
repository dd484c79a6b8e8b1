//! One configuration for many: resources in files of their own, values of the
//! environment, what the defaults say, labels of a place, proxies.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use m365mon::config::{self, digest};
use m365mon::kinds::Configuration;
use m365mon::model::ProxySetting;

use super::{ID, Variables, variables};

const ACCOUNT: &str = "accounts:\n  - {name: contoso, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, workload_identity: {token_file: /dev/null}}\n";

/// A folder with a configuration and other files.
pub(super) fn folder(main: &str, others: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in others.iter().chain(&[("m365mon.yml", main)]) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

pub(super) fn load(folder: &Path, pairs: &[(&str, &str)]) -> Result<Configuration, String> {
    let path = folder.join("m365mon.yml");
    config::load(&path, &variables(pairs))
        .map(|loaded| loaded.configuration)
        .map_err(|errors| {
            errors
                .to_string()
                .replace(&format!("{}/", folder.display()), "")
        })
}

pub(super) fn names(configuration: &Configuration) -> Vec<&str> {
    let resources = configuration.resources.iter();
    resources.map(|resource| &*resource.name).collect()
}

fn site(name: &str) -> String {
    format!(
        "- {{name: {name}, account: contoso, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/{name}}}\n"
    )
}

#[test]
fn resources_come_from_files() {
    let main = format!(
        "resource_files: [more.yml, sites/*.yml, sites/west.yml, none/*.yml]\n{ACCOUNT}resources:\n{}",
        site("own")
    );
    let with_labels = "- {name: west, account: contoso, kind: http_endpoint, scope: \"https://graph.microsoft.com/.default\", url_file: address, labels: {team: web}}\n";
    let files = [
        ("more.yml", site("more")),
        ("sites/east.yml", site("east") + &site("east2")),
        ("sites/west.yml", with_labels.to_owned()),
        // Paths are those of the file that names them.
        (
            "sites/address",
            "https://graph.microsoft.com/v1.0/me\n".to_owned(),
        ),
        ("sites/.west.yml.swp", "not YAML: [".to_owned()),
        ("sites/empty.yml", "# nothing yet\n[]\n".to_owned()),
        ("sites/wide.txt", "- no".to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
    let folder = folder(&main, &files);
    let loaded = config::load(&folder.path().join("m365mon.yml"), &Variables::new()).unwrap();
    let configuration = &loaded.configuration;
    assert_eq!(
        names(configuration),
        ["own", "more", "east", "east2", "west"]
    );
    let warnings: Vec<&str> = loaded.warnings.iter().map(|one| &*one.message).collect();
    assert_eq!(warnings, ["\"resource_files\": no file fits this pattern"]);

    // A reload watches them all, and what comes and goes.
    let main = folder.path().join("m365mon.yml");
    let now = || {
        let (resources, values) = (&configuration.resource_files, &configuration.value_files);
        digest::of_configuration(&main, resources, values).content
    };
    assert_eq!(now(), loaded.digest.content);
    fs::write(folder.path().join("sites/new.yml"), site("new")).unwrap();
    let with_new = now();
    assert_ne!(with_new, loaded.digest.content);
    fs::remove_file(folder.path().join("sites/new.yml")).unwrap();
    assert_eq!(now(), loaded.digest.content);
    // So is what holds a value.
    let address = folder.path().join("sites/address");
    let before = fs::read(&address).unwrap();
    fs::write(&address, "https://graph.microsoft.com/v1.0/users\n").unwrap();
    assert_ne!(now(), loaded.digest.content);
    fs::write(&address, before).unwrap();
    assert_eq!(now(), loaded.digest.content);
    fs::write(folder.path().join("more.yml"), site("less")).unwrap();
    assert_ne!(now(), loaded.digest.content);
}

#[test]
fn a_complaint_names_the_file_of_resources() {
    let main = format!(
        "resource_files: [\"sites/*.yml\", gone.yml]\n{ACCOUNT}resources:\n{}",
        site("own")
    );
    let bad = [
        (
            "sites/a.yml",
            "- {name: own, account: contoso, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/a}\n- {name: a, account: contso, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/a, audiences: {}}\n",
        ),
        ("sites/b.yml", "resources:\n  - {name: b}\n"),
        ("sites/c.yml", "- name: c\n   account: contoso\n"),
        ("sites/d.yml", "- {name: d, name: e}\n"),
        ("sites/e.yml", ""),
        ("sites/f.yml", "accounts: []\n"),
        ("sites/g.yml", "intranet\n"),
        ("sites/h.yml", "sites: []\n"),
        (
            "sites/i.yml",
            "- {name: i, account: contoso, kind: sharepoint_site, url: \"${SITE}\"}\n",
        ),
        ("sites/j.yml", "[x]\n"),
    ];
    let folder = folder(&main, &bad);
    let complaints = load(folder.path(), &[]).unwrap_err();
    let like = "a file of resources is a list, each item as \"- {name: …, kind: …}\"";
    let expected = [
        "m365mon.yml:1:33: \"resource_files\": cannot read gone.yml: there is no such file".to_owned(),
        "sites/a.yml:1:10: resource \"own\" is there twice, first at m365mon.yml:5".to_owned(),
        "sites/a.yml:2:22: unknown account \"contso\", did you mean \"contoso\"?".to_owned(),
        "sites/a.yml:2:98: unknown key \"audiences\" here; it belongs to \"accounts[]\"".to_owned(),
        format!("sites/b.yml:1:1: {like}; leave \"resources:\" away here"),
        "sites/c.yml:2:11: a \": \" is not allowed here; is the line indented wrongly, or does a value need quotes?".to_owned(),
        "sites/d.yml:1:13: key \"name\" is given twice, first at line 1".to_owned(),
        format!("sites/e.yml:1:1: the file is empty: {like}; \"[]\" is one without any"),
        format!("sites/f.yml:1:1: this is a whole configuration, and {like}; is it found by its own pattern?"),
        format!("sites/g.yml:1:1: {like}, not text"),
        format!("sites/h.yml:1:1: {like}, not a mapping"),
        "sites/i.yml:1:59: the environment variable SITE is not set, or empty; set it, or write the value here".to_owned(),
        "sites/j.yml:1:2: every item of \"resources\" must be a mapping such as {name: …}, not text".to_owned(),
    ];
    let shown: Vec<&str> = complaints.lines().collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert_eq!(shown, expected);
}

#[test]
fn defaults_name_the_account_and_the_kind() {
    let main = format!(
        "defaults: {{account: contoso, kind: sharepoint_site}}\n{ACCOUNT}  - {{name: other, tenant: contoso.com, client_id: {ID}, workload_identity: {{token_file: /dev/null}}}}\nresources:\n  - {{name: a, url: https://contoso.sharepoint.com/sites/a}}\n  - {{name: b, account: other, url: https://contoso.sharepoint.com/sites/a}}\n  - {{name: c, kind: exchange_mailbox, user: steve@contoso.com}}\n  - {{name: d, kind: endpoint_list}}\n  - {{name: e, kind: http_endpoint, url: https://contoso.com/}}\n"
    );
    let folder = folder(&main, &[]);
    let configuration = load(folder.path(), &[]).unwrap();
    let found: Vec<(&str, &str)> = configuration
        .resources
        .iter()
        .map(|one| (one.kind.as_str(), &*one.account.name))
        .collect();
    assert_eq!(
        found,
        [
            ("sharepoint_site", "contoso"),
            ("sharepoint_site", "other"),
            ("exchange_mailbox", "contoso"),
            ("endpoint_list", ""),
            ("http_endpoint", ""),
        ]
    );
    // Said once, not for each resource.
    let wrong = main.replace(
        "account: contoso, kind: sharepoint_site",
        "account: contso, kind: sharepoint",
    );
    fs::write(folder.path().join("m365mon.yml"), wrong).unwrap();
    let told = load(folder.path(), &[]).unwrap_err();
    let lines: Vec<&str> = told.lines().collect();
    assert!(
        lines[0]
            .starts_with("m365mon.yml:1:21: unknown account \"contso\", did you mean \"contoso\"?"),
        "{told}"
    );
    assert!(
        lines[1].starts_with("m365mon.yml:1:35: \"kind\" must be "),
        "{told}"
    );
    assert_eq!(lines.len(), 2, "{told}");
}

#[test]
fn labels_of_the_command_line_win() {
    let main = format!(
        "labels: {{location: file, floor: \"${{FLOOR}}\", team: web}}\n{ACCOUNT}resources:\n{}",
        site("a")
    );
    let folder = folder(&main, &[]);
    let given = ["location=amsterdam", "floor=2"].map(|text| config::label(text).unwrap());
    let path = folder.path().join("m365mon.yml");
    let environment = variables(&[("FLOOR", "1")]);
    let loaded = config::load_with(&path, &given, &environment).unwrap();
    let labels = &loaded.configuration.resources[0].labels;
    let shown: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(shown, ["floor=2", "location=amsterdam", "team=web"]);
    let page = config::redacted(&loaded.configuration);
    assert!(page.contains("floor: \"2\""), "{page}");

    for (text, says) in [
        ("location", "it must be NAME=VALUE"),
        ("1x=a", "must be letters, digits and \"_\""),
        ("__x=a", "Prometheus' own"),
        ("instance=a", "use it themselves"),
        ("sku=a", "use it themselves"),
        ("a=", "the label \"a\" is empty"),
        (
            &format!("a={}", "x".repeat(129)),
            "has 129 bytes, at most 128",
        ),
        ("a=x\ny", "a control character"),
    ] {
        let told = config::label(text).unwrap_err();
        assert!(told.contains(says), "{text}: {told}");
    }
    let many: Vec<config::Label> = (0..8)
        .map(|n| config::label(&format!("l{n}=x")).unwrap())
        .collect();
    let told = config::load_with(&path, &many, &environment)
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("11 labels, with those of --label, are too many"),
        "{told}"
    );
}

#[test]
fn accounts_and_resources_have_proxies_of_their_own() {
    let main = format!(
        "http: {{proxy_url: http://all.contoso.com:1}}\naccounts:\n  - {{name: a, tenant: contoso.com, client_id: {ID}, delegated: {{username: steve@contoso.com}}, proxy_url: http://a.contoso.com:1}}\n  - {{name: b, tenant: contoso.com, client_id: {ID}, delegated: {{username: steve@contoso.com}}}}\nresources:\n  - {{name: of account, account: a, kind: presence}}\n  - {{name: none, account: a, kind: presence, proxy_url: null}}\n  - {{name: file, account: b, kind: presence, proxy_url_file: proxy.txt}}\n  - {{name: all, account: b, kind: presence}}\n"
    );
    let folder = folder(&main, &[("proxy.txt", "http://canary@f.contoso.com:1\n")]);
    let configuration = load(folder.path(), &[]).unwrap();
    let found: Vec<Option<&ProxySetting>> = configuration
        .resources
        .iter()
        .map(|one| one.proxy_of(&one.account).map(|proxy| &**proxy))
        .collect();
    assert!(
        matches!(found[0], Some(ProxySetting::Fixed(url)) if url.expose() == "http://a.contoso.com:1")
    );
    assert!(matches!(found[1], Some(ProxySetting::Direct)));
    assert!(matches!(found[2], Some(ProxySetting::File(path)) if path.ends_with("proxy.txt")));
    assert!(found[3].is_none());
    assert_eq!(configuration.http.own_proxies.len(), 3);
    let page = config::redacted(&configuration);
    assert!(
        page.contains("proxy_url: null") && !page.contains("a.contoso.com"),
        "{page}"
    );

    let wrong = main
        .replace("http://a.contoso.com:1", "https://canary@a.contoso.com:1")
        .replace(
            "proxy_url: null",
            "proxy_url: null, proxy_url_file: proxy.txt",
        );
    fs::write(folder.path().join("m365mon.yml"), wrong).unwrap();
    let told = load(folder.path(), &[]).unwrap_err();
    for says in [
        "m365mon.yml:3:",
        "must begin with \"http://\"",
        "leave one of them out",
    ] {
        assert!(told.contains(says), "{told}");
    }
    assert!(!told.contains("canary"), "{told}");
}

/// No figure of the release, but no square of the number of files either.
#[test]
fn twenty_thousand_in_two_hundred_files_cost_what_one_file_costs() {
    let mut whole = String::new();
    let mut parts = Vec::new();
    for part in 0..200 {
        let mut text = String::new();
        for number in 0..20 {
            _ = write!(text, "{}", site(&format!("s{part}-{number}")));
        }
        whole.push_str(&text);
        parts.push((format!("sites/{part:03}.yml"), text));
    }
    let parts: Vec<(&str, &str)> = parts
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    let one = folder(&format!("{ACCOUNT}resources:\n{whole}"), &[]);
    let many = folder(&format!("resource_files: [sites/*.yml]\n{ACCOUNT}"), &parts);
    let timed = |folder: &Path| {
        let began = Instant::now();
        let configuration = load(folder, &[]).unwrap();
        assert_eq!(configuration.resources.len(), 4_000);
        began.elapsed()
    };
    let best = |folder: &Path| (0..3).map(|_| timed(folder)).min().unwrap();
    let (of_one, of_many) = (best(one.path()), best(many.path()));
    assert!(of_many < of_one * 3, "{of_one:?} {of_many:?}");
}

#[test]
fn the_example_for_many_loads() {
    let path = Path::new("examples/many/m365mon.yml");
    let environment = variables(&[("TENANT", "contoso.com"), ("CLIENT_SECRET", "canary")]);
    let loaded = config::load(path, &environment).unwrap();
    assert_eq!(loaded.configuration.resources.len(), 4);
    assert_eq!(loaded.warnings, []);
}
