//! Every kind, by the example that it states: what holds for one holds for all.

use std::collections::BTreeSet;
use std::sync::Arc;

use m365mon::config;
use m365mon::kinds::{self, Configuration, Info, Refused, Resource, ServiceError};
use m365mon::model::{Account, Reason};
use url::Url;

use crate::support::documents;

const ACCOUNTS: &str = "
accounts:
  - name: contoso
    tenant: contoso.onmicrosoft.com
    client_id: 11111111-2222-3333-4444-555555555555
    client_certificate: {certificate_file: c.pem, key_file: k.pem}
    audiences: {\"api://contoso-health\": api.contoso.com}
  - name: steve
    tenant: contoso.onmicrosoft.com
    client_id: 11111111-2222-3333-4444-555555555555
    delegated: {username: steve@contoso.com}
    audiences: {\"api://contoso-health\": api.contoso.com}
";

/// The example of a kind, as it stands in the documentation.
fn example(info: &Info) -> Configuration {
    let text = format!("{ACCOUNTS}resources:\n  - {}\n", info.example);
    load(&text).unwrap_or_else(|error| panic!("{}: {error}", info.name))
}

fn load(text: &str) -> Result<Configuration, String> {
    let none = std::collections::BTreeMap::<String, String>::new();
    config::parse(text, std::path::Path::new("m365mon.yml"), &none)
        .map(|loaded| loaded.configuration)
        .map_err(|errors| errors.to_string())
}

fn resource(info: &Info) -> Arc<Resource> {
    Arc::clone(&example(info).resources[0])
}

#[test]
fn the_documentation_is_current() {
    let page = kinds::documentation();
    documents::is_current("docs/kinds.md", &page);
}

#[test]
fn each_states_what_people_need() {
    let mut names = BTreeSet::new();
    for info in kinds::ALL {
        assert!(names.insert(info.name), "{} twice", info.name);
        for text in [
            info.title,
            info.help,
            info.proves,
            info.proves_not,
            info.holds,
        ] {
            assert!(!text.is_empty(), "{}: {info:?}", info.name);
        }
        for text in [info.help, info.proves, info.proves_not] {
            assert!(text.ends_with('.'), "{}: {text}", info.name);
        }
        assert!(info.example.contains(info.name), "{}", info.example);
        if let (Some(interval), Some(least)) = (info.interval, info.least_interval) {
            assert!(interval >= least, "{}", info.name);
        }
        for reading in info.readings {
            assert!(reading.metric.starts_with("m365_"), "{}", reading.metric);
            assert!((1..=600).contains(&reading.most), "{}", reading.metric);
            assert!(reading.labels.len() <= 3, "{}", reading.metric);
        }
    }
}

#[test]
fn each_example_loads_and_reads_back() {
    for info in kinds::ALL {
        let first = example(info);
        let resource = &first.resources[0];
        assert_eq!(resource.kind.as_str(), info.name);
        let shown = config::redacted(&first);
        let again = load(&shown).unwrap_or_else(|error| panic!("{}: {error}\n{shown}", info.name));
        assert_eq!(again.resources[0].kind, resource.kind, "{shown}");
        assert_eq!(again.resources[0].interval, resource.interval, "{shown}");
        assert_eq!(config::redacted(&again), shown);
    }
}

#[test]
fn a_kind_that_keeps_its_pace_is_asked_by_nobody_else() {
    for info in kinds::ALL.iter().filter(|info| info.background_only()) {
        for mode in ["on_scrape", "on_probe"] {
            let line = info.example.replace('}', &format!(", mode: {mode}}}"));
            let error = load(&format!("{ACCOUNTS}resources:\n  - {line}\n")).unwrap_err();
            assert!(error.contains("must be \"background\""), "{error}");
        }
        if let Some(least) = info.least_interval {
            let short = least.as_secs() / 2;
            let line = info
                .example
                .replace('}', &format!(", interval: {short}s, timeout: 1s}}"));
            let error = load(&format!("{ACCOUNTS}resources:\n  - {line}\n")).unwrap_err();
            assert!(error.contains("must be at least"), "{error}");
        }
    }
}

#[test]
fn each_request_is_sent_where_its_token_belongs() {
    for info in kinds::ALL {
        let resource = resource(info);
        let Some(request) = resource.kind.request(&resource.account) else {
            continue;
        };
        assert!(request.is_consistent(), "{request:?}");
        if request.audience.is_some() {
            assert_eq!(request.audience, resource.audience(), "{request:?}");
        }
        let mut elsewhere = request.clone();
        elsewhere.url = Url::parse("https://elsewhere.example/").unwrap();
        assert_eq!(
            elsewhere.is_consistent(),
            request.audience.is_none(),
            "{request:?}"
        );
    }
}

/// Every refusal has a sentence or a remedy, or is one that holds for all.
#[test]
fn each_has_advice() {
    for info in kinds::ALL {
        let resource = resource(info);
        for reason in [Reason::Forbidden, Reason::NotFound] {
            if resource.permissions().is_empty() && reason == Reason::Forbidden {
                continue;
            }
            let refused = Refused {
                reason,
                error: &ServiceError::default(),
                step: "",
                held: None,
                lacking: false,
            };
            let advice = resource.kind.advise(&resource.account, &refused);
            let advice = advice.unwrap_or_else(|| panic!("{} on {reason}", info.name));
            assert!(
                advice.sentence.is_some() && !advice.remedies.is_empty(),
                "{} on {reason}: {advice:?}",
                info.name
            );
        }
    }
}

/// What a kind needs is named by `setup`, for whoever needs it.
#[test]
fn each_is_set_up() {
    for info in kinds::ALL {
        let configuration = example(info);
        let resource = &configuration.resources[0];
        for permission in resource.permissions() {
            let account: &Arc<Account> = kinds::account_of(resource, &permission);
            let script = m365mon::setup::script(account, &configuration.resources, None);
            let granted = permission.granting == kinds::Granting::Entra;
            let named = script.contains(&*permission.name);
            assert!(
                named || !granted,
                "{}: {}\n{script}",
                info.name,
                permission.name
            );
            if !granted {
                assert!(!resource.kind.grants(account).is_empty(), "{}", info.name);
            }
        }
    }
}
