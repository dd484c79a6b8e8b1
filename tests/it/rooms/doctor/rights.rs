//! Rights beyond need: counted as a metric, named on the page and in the API,
//! told by the alert; and the opposite, a right that is missing.

use serde_json::Value;

use crate::contract::queries;
use crate::support::quick_rules::quick_rules;
use crate::support::stack::{Prometheus, eventually, get, http};
use crate::support::tenant::{Pair, client_id, pair, tell};

/// The expression of an alert, as it stands in the rules.
fn alert(name: &str) -> String {
    let rules = queries::of_rules();
    let rule = rules.iter().find(|rule| rule.place.ends_with(name));
    rule.unwrap_or_else(|| panic!("no rule {name}"))
        .expr
        .clone()
}

#[test]
fn more_than_is_needed_is_counted_named_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let Pair {
        tenant: _tenant,
        exporter: _exporter,
        address,
        control,
    } = pair(folder.path(), &[], |control| {
        // Rights are read from tokens: the next one tells what has changed.
        tell(control, "/organizations", r#"{"token_lifetime": "10s"}"#);
    });
    let prometheus = Prometheus::start(
        folder.path(),
        &format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\nscrape_configs:\n\
             - {{job_name: m365mon, static_configs: [{{targets: ['{address}']}}]}}\n",
            quick_rules(folder.path())
        ),
    );
    let app = client_id(folder.path()).unwrap();
    let change = |change: &str| {
        tell(
            control,
            "/apps",
            &format!(r#"{{"app": "{app}", {change}}}"#),
        );
    };
    let account = || -> Value {
        let all: Value = serde_json::from_str(&get(address, "/api/v1/accounts")).unwrap();
        let all = all.as_array().or(all["accounts"].as_array()).unwrap();
        let mut all = all.iter().filter(|one| one["name"] == "contoso-app");
        all.next().unwrap().clone()
    };
    let excess = "m365_account_excess_permissions{account=\"contoso-app\"}";
    prometheus.wait_for(excess, |count| count == 0.0);
    assert_eq!(account()["excess_permissions"], 0);
    assert_eq!(account()["excess_rights"], serde_json::json!([]));
    // Nobody has signed in: nothing is known of what steve's account holds.
    prometheus.wait_for_none("m365_account_excess_permissions{account=\"contoso-steve\"}");

    change(r#""grant": ["Mail.ReadWrite", "Directory.Read.All"]"#);
    prometheus.wait_for(excess, |count| count == 2.0);
    prometheus.wait_for(&alert("M365ExcessPermissions"), |count| count == 2.0);
    let rights = account()["excess_rights"].clone();
    assert_eq!(rights[0]["name"], "Directory.Read.All", "{rights}");
    assert_eq!(rights[1]["audience"], "https://graph.microsoft.com");
    let page = get(address, "/accounts/contoso-app");
    assert!(page.contains("Mail.ReadWrite"), "{page}");
    assert!(!page.contains("eyJ"), "a token is on the page");

    // Its sites are opened by Sites.Read.All: a whole tenant.
    let wide = "m365_account_tenant_wide_permissions{account=\"contoso-app\"}";
    prometheus.wait_for(wide, |count| count >= 1.0);
    prometheus.wait_for_none("m365_account_tenant_wide_permissions{account=\"contoso-steve\"}");
    let told = account();
    let rights = told["tenant_wide_rights"].as_array().unwrap();
    assert_eq!(told["tenant_wide_permissions"], rights.len(), "{told}");
    let named = |name: &str| rights.iter().any(|right| right["name"] == name);
    assert!(named("Sites.Read.All"), "{told}");
    let page = get(address, "/accounts/contoso-app");
    for says in [
        "the whole tenant where a narrower one does",
        "<strong>Sites.Read.All</strong>",
        "/runbooks/M365TenantWidePermissions",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    // How many is in the metrics; which is an operator's.
    let nobody = [(crate::support::operator::HEADER, "none")];
    let (_, _, all) = http(address, "GET", "/api/v1/accounts", &nobody, "").unwrap();
    assert!(all.contains("\"tenant_wide_permissions\":"), "{all}");
    let (_, _, page) = http(address, "GET", "/accounts/contoso-app", &nobody, "").unwrap();
    for text in [all, page] {
        assert!(!text.contains("Sites.Read.All"), "{text}");
    }

    // Taken back; and then too much is taken.
    change(r#""revoke": ["Mail.ReadWrite", "Directory.Read.All"]"#);
    prometheus.wait_for(excess, |count| count == 0.0);
    prometheus.wait_for_none(&alert("M365ExcessPermissions"));
    change(r#""revoke": ["Sites.Read.All"]"#);
    eventually("the sites are forbidden, and the alert sees it", || {
        let found = prometheus.query(&alert("M365ResourceForbidden"));
        found
            .iter()
            .any(|(labels, _)| labels["resource"] == "intranet")
            .then_some(())
    });
    prometheus.wait_for(excess, |count| count == 0.0);
}

#[test]
fn accounts_of_one_registration_need_what_all_of_them_need() {
    let text = "accounts:\n\
        - {name: a, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, client_secret: {secret: x, expires: 2027-01-01}}\n\
        - {name: b, tenant: Contoso.com, client_id: 11111111-2222-3333-4444-555555555555, client_secret: {secret: y, expires: 2027-01-01}}\n\
        - {name: c, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, delegated: {username: steve@contoso.com}}\n\
        resources:\n\
        - {name: site, account: a, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/a}\n\
        - {name: box, account: b, kind: exchange_mailbox, user: info@contoso.com}\n";
    let loaded = m365mon::config::parse(
        text,
        std::path::Path::new("m365mon.yml"),
        &m365mon::config::ProcessEnvironment,
    )
    .unwrap();
    let needed = m365mon::kinds::needed_rights(&loaded.configuration);
    let graph = loaded.configuration.resources[0].audience().unwrap();
    let granted: Vec<Box<str>> = ["Mail.ReadBasic.All", "Sites.Selected", "Sites.Read.All"]
        .map(Box::from)
        .into();
    for account in ["a", "b"] {
        assert_eq!(needed[account].beyond(&graph, &granted), ["Sites.Read.All"]);
    }
    // A person's scopes are another thing.
    assert_eq!(needed["c"].beyond(&graph, &granted).len(), 3);
}
