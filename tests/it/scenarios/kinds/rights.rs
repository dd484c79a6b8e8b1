//! The rights of each kind: the least that it declares is enough, whatever it
//! says may stand in does as well and is told, and what `setup` prints is never
//! wider than that.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use m365mon::kinds::{Granting, Resource};
use m365mon::model::Outcome;
use m365mon_simulator::directory::SELECTED_CLIENT_ID;
use serde_json::{Value, json};

use super::{Cloud, giving, granting, lines, resources, revoking};

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
    let all = resources();
    let cloud = Cloud::with(&lines(&all)).await;
    let mut weak = Vec::new();
    for (_, kind, _) in &all {
        let resource = cloud.resource(kind).clone();
        if resource.permissions().is_empty() || resource.account.person().is_some() {
            continue;
        }
        for (name, broader) in stand_ins(&resource) {
            cloud.act(&revoking(&resource));
            cloud.act(&[giving(false, &resource.permissions()[0].api.name, name)]);
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
    assert!(weak.is_empty(), "{weak:#?}");
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
    for resource in told["accounts"][0]["resources"].as_array().unwrap() {
        for step in resource["steps"].as_array().unwrap() {
            assert_ne!(step["finding"], "refuted", "{resource:#}");
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
    let all = resources();
    let text = super::configuration("127.0.0.1:1".parse().unwrap(), "ca.pem", &lines(&all));
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
