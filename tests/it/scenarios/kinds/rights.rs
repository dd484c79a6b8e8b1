//! The rights of each kind: the least that it declares is enough, whatever it
//! says may stand in does as well and is told, and what `setup` prints is never
//! wider than that.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use m365mon::kinds::{Granting, Resource, StandIn};
use m365mon::model::Outcome;
use m365mon_simulator::directory::SELECTED_CLIENT_ID;
use serde_json::{Value, json};

use super::{Cloud, giving, granting, lines, people, resources, revoking};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Stand-ins of a permission: what may be meant, and what is broader.
fn stand_ins(resource: &Resource) -> Vec<(&'static str, bool)> {
    let permissions = resource.permissions();
    let [one] = &permissions[..] else {
        return Vec::new();
    };
    let or = one.or.iter().map(|name| (*name, false));
    or.chain(one.broader.iter().map(|name| (*name, true)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_is_enough_and_what_stands_in_for_it_does_as_well() {
    // What some resources do not ask for, or ask by another API.
    let others = vec![
        ("app", "licenses", String::new()),
        (
            "certified",
            "sharepoint_site",
            super::cases::rest::site("sites/hr"),
        ),
    ];
    let mut weak = Vec::new();
    for all in [resources(), others] {
        weak.extend(weak_of(&all).await);
    }
    assert!(weak.is_empty(), "{weak:#?}");
}

/// Which names do not do what they are said to.
async fn weak_of(all: &[(&str, &str, String)]) -> Vec<String> {
    let cloud = Cloud::with(&lines(all)).await;
    let mut weak = Vec::new();
    for (_, kind, _) in all {
        let resource = cloud.resource(kind).clone();
        if resource.permissions().is_empty() || resource.account.person().is_some() {
            continue;
        }
        for (name, broader) in stand_ins(&resource) {
            cloud.act(&revoking(&resource));
            cloud.act(&[giving(
                &resource.account,
                &resource.permissions()[0].api.name,
                name,
            )]);
            // Another role in the token must not help.
            let report = cloud.probe(kind, TIMEOUT).await;
            let works = report.verdict.outcome() == Outcome::Success;
            // Consent of a team, or a site's grant, is not in the token.
            let elsewhere = matches!(name, "Group.Selected" | "Sites.Selected");
            if !works && !elsewhere {
                weak.push(format!(
                    "{kind}: {name} (broader: {broader}): {}",
                    report.detail
                ));
            }
        }
        cloud.act(&revoking(&resource));
    }
    weak
}

/// One application with the union of all least rights: the doctor finds
/// everything proved and nothing too much; then each wider right is named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_what_is_too_much_and_nothing_else() {
    let all = resources();
    let of_app: Vec<_> = all
        .into_iter()
        .filter(|(account, ..)| *account != "steve")
        .collect();
    let cloud = Cloud::with(&lines(&of_app)).await;
    for (_, kind, _) in &of_app {
        cloud.act(&granting(cloud.resource(kind)));
    }
    let told = doctor(&cloud).await;
    let excess = |told: &Value| -> String {
        let steps = told["accounts"][0]["steps"].as_array().unwrap();
        let mut found = steps.iter().filter(|step| step["step"] == "excess");
        found
            .next()
            .map(|step| step["detail"].as_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    assert!(excess(&told).starts_with("nothing beyond need"), "{told:#}");
    let account = &told["accounts"][0];
    for step in account["steps"].as_array().unwrap() {
        // How far Exchange's roles reach no token shows.
        assert_eq!(step["finding"], "proved", "{step:#}");
    }
    for resource in account["resources"].as_array().unwrap() {
        for step in resource["steps"].as_array().unwrap() {
            assert_eq!(step["finding"], "proved", "{resource:#}");
        }
    }
    let mut wide = BTreeSet::new();
    for (_, kind, _) in &of_app {
        for permission in cloud.resource(kind).permissions() {
            wide.extend(permission.broader.iter().copied());
        }
    }
    // What one kind needs is too much for no other.
    for (_, kind, _) in &of_app {
        for permission in cloud.resource(kind).permissions() {
            for name in permission.fitting() {
                wide.remove(&*name);
            }
        }
    }
    let names: Vec<_> = wide.iter().collect();
    cloud.act(&[json!({"app": {"app": SELECTED_CLIENT_ID, "grant": names}})]);
    let told = doctor(&cloud).await;
    for name in &wide {
        assert!(
            excess(&told).contains(&format!("{name} of ")),
            "{name}: {told:#}"
        );
    }
}

/// Without any right each kind is told what it lacks: the least, by the name of
/// what grants it, and never a permission that would open a whole tenant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_asks_for_the_least_and_for_nothing_wider() {
    let of_app: Vec<_> = resources()
        .into_iter()
        // The first needs none, the last two have an API of their own or no account.
        .filter(|(account, kind, _)| *account == "app" && *kind != "http_endpoint")
        .collect();
    let cloud = Cloud::with(&lines(&of_app)).await;
    for (_, kind, _) in &of_app {
        cloud.act(&revoking(cloud.resource(kind)));
    }
    let told = doctor(&cloud).await;
    for exam in told["accounts"][0]["resources"].as_array().unwrap() {
        let kind = exam["kind"].as_str().unwrap();
        let resource = cloud.resource(kind);
        let text = exam.to_string();
        let bare = without_names(&text);
        let said = names_in(&bare);
        for permission in resource.permissions() {
            let least = match permission.granting {
                Granting::Entra => permission.describe(),
                Granting::Elsewhere(StandIn::MailboxRole(name) | StandIn::TeamConsent(name)) => {
                    name.to_owned()
                }
            };
            let least = least.trim_start_matches("the ");
            let named =
                text.contains(least) || text.contains(&format!("{} is not", permission.name));
            assert!(named, "{kind}: no {least} in {exam:#}");
            let refuted = exam["steps"].as_array().unwrap().iter();
            let refuted = refuted.filter(|step| step["finding"] == "refuted").count();
            assert!(refuted > 0, "{kind}: {exam:#}");
            let opening = permission.wide.iter().flat_map(|wide| wide.names);
            for wider in permission
                .broader
                .iter()
                .chain(permission.or)
                .chain(opening)
            {
                assert!(!said.contains(wider), "{kind}: {wider} in {exam:#}");
            }
        }
    }
}

/// Without the names that commands give to what they make, which hold a role.
fn without_names(text: &str) -> String {
    let mut parts = text.split("'m365mon ");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.filter_map(|part| part.split_once('\'').map(|(_, rest)| rest));
    rest.fold(first, |all, rest| all + rest)
}

/// Names of permissions in a text; "Application Mail.Send" is a role of Exchange.
fn names_in(text: &str) -> BTreeSet<&str> {
    let words = |c: char| !c.is_ascii_alphanumeric() && c != '.';
    let words: Vec<&str> = text.split(words).filter(|word| !word.is_empty()).collect();
    words
        .windows(2)
        .filter(|pair| pair[0] != "Application")
        .map(|pair| pair[1].trim_end_matches('.'))
        .collect()
}

async fn doctor(cloud: &Cloud) -> Value {
    let file = cloud.file();
    let run = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .args(["doctor", "--json", "--config.file"])
            .arg(file)
            .output()
            .unwrap()
    });
    let output = run.await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr))
    })
}

/// What `setup` prints grants the least and names nothing wider.
#[test]
fn setup_prints_nothing_wider() {
    let by_rest = ["certified", "steve"].map(|account| {
        let site = super::cases::rest::site("sites/hr");
        vec![(account, "sharepoint_site", site)]
    });
    for all in [resources(), people()].into_iter().chain(by_rest) {
        prints_nothing_wider(&all);
    }
}

fn prints_nothing_wider(all: &[(&str, &str, String)]) {
    let text = super::configuration("127.0.0.1:1".parse().unwrap(), "ca.pem", &lines(all));
    let none = std::collections::BTreeMap::<String, String>::new();
    let loaded = m365mon::config::parse(&text, std::path::Path::new("m365mon.yml"), &none);
    let configuration = loaded
        .unwrap_or_else(|error| panic!("{error}"))
        .configuration;
    for resource in &configuration.resources {
        let kind = resource.kind.as_str();
        let person = resource.account.person().is_some();
        let own = [std::sync::Arc::clone(resource)];
        let script = m365mon::setup::script(&resource.account, &own, None);
        for permission in resource.permissions() {
            let granted = permission.granting == Granting::Entra;
            assert_eq!(
                words(&script, person).contains(&*permission.name),
                granted,
                "{kind}: {}\n{script}",
                permission.name
            );
            for wider in permission.broader.iter().chain(permission.or) {
                let same = *wider == permission.name;
                assert!(
                    same || !words(&script, person).contains(wider),
                    "{kind}: {wider}\n{script}"
                );
            }
        }
    }
}

/// Names of permissions in quotes, as a command takes them: one by one, and for
/// a person all in one text.
fn words(script: &str, person: bool) -> BTreeSet<&str> {
    // An application's names stand alone; "Application Mail.Send" is a role of
    // Exchange.
    let parts = |text: &str| if person { text.len().max(1) } else { 1 };
    script
        .lines()
        // What the administrator signs in with is not what the application gets.
        .filter(|line| !line.trim_start().starts_with('#') && !line.contains("Connect-"))
        .flat_map(|line| line.split(['"', '\'']).skip(1).step_by(2))
        .flat_map(|text| text.splitn(parts(text), ' '))
        .collect()
}
