//! The rights of people: the least that a kind asks them for is enough, whatever
//! stands in for it does as well, is told as too much where it is, and changes
//! nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use m365mon::doctor::{Doctor, DoctorStep, Examination, Finding};
use m365mon::entra::TokenStore;
use m365mon::kinds::{Permission, Resource};
use m365mon::model::{Audience, Clock, Random, SystemRandom};
use m365mon_simulator::directory::{DELEGATED_CLIENT_ID, SHAREPOINT_HOST};
use serde_json::json;

use super::cases::people::administrator;
use super::cases::rest;
use super::{Cloud, giving, granting, lines, people, resources, revoking};

const TIMEOUT: Duration = Duration::from_secs(20);

/// What a person consents to, by audience.
type Consented = BTreeMap<Audience, Vec<String>>;

/// Everything that a person can probe, and by which API where there are two.
fn all() -> Vec<(&'static str, &'static str, String)> {
    let mut all = people();
    let own = resources();
    all.extend(own.into_iter().filter(|(account, ..)| *account == "steve"));
    all.push(("steve", "sharepoint_site", rest::site("sites/hr")));
    all
}

fn least(resource: &Resource) -> Consented {
    instead(resource, None)
}

/// The least, but another name in the place of one of them.
fn instead(resource: &Resource, other: Option<(usize, &str)>) -> Consented {
    let mut all = Consented::new();
    for (place, permission) in resource.permissions().into_iter().enumerate() {
        let name = match other {
            Some((changed, name)) if changed == place => name.to_owned(),
            _ => permission.name.to_string(),
        };
        all.entry(permission.audience).or_default().push(name);
    }
    all
}

/// Steve consented to exactly this and signs in for it; what the probe and the
/// doctor say then.
async fn seen(cloud: &Cloud, resource: &Resource, consented: &Consented) -> Seen {
    cloud.act(&revoking(resource));
    for permission in resource.permissions() {
        for name in &consented[&permission.audience] {
            cloud.act(&[giving(&resource.account, &permission.api.name, name)]);
        }
    }
    cloud.act(&granting_elsewhere(resource));
    cloud.sign_in_for(resource, consented.clone()).await;
    let info = resource.kind.info();
    // The doctor probes too, and a mail takes a while.
    let report = if info.writes {
        String::new()
    } else {
        let report = cloud.probe(info.name, TIMEOUT).await;
        let (outcome, count) = (report.verdict.outcome(), report.readings.len());
        format!("{} with {count} readings", outcome.as_str())
    };
    Seen {
        report,
        exam: examine(cloud).await,
    }
}

/// Grants beside consent, also those that only a narrower right asks for.
fn granting_elsewhere(resource: &Resource) -> Vec<serde_json::Value> {
    let mut orders = granting(resource);
    orders.retain(|order| order.get("consent").is_none());
    orders.push(json!({"site": {
        "url": format!("https://{SHAREPOINT_HOST}/sites/hr"), "grant": DELEGATED_CLIENT_ID,
    }}));
    orders
}

async fn examine(cloud: &Cloud) -> Examination {
    let configuration = &cloud.configuration;
    let store = TokenStore::new(&configuration.storage, None);
    let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
    let doctor = Doctor::new(configuration, &store, &Clock::system(), &random).unwrap();
    let mut accounts = configuration.accounts.iter();
    let steve = accounts.find(|account| *account.name == *"steve").unwrap();
    doctor.examine_all(&[steve], &()).await
}

struct Seen {
    /// The outcome of a probe, and how many readings it had.
    report: String,
    exam: Examination,
}

impl Seen {
    fn steps(&self) -> Vec<&DoctorStep> {
        let [account] = &self.exam.accounts[..] else {
            panic!("{:?}", self.exam);
        };
        let resources = account.resources.iter();
        let of_resources = resources.flat_map(|resource| &resource.steps);
        account.steps.iter().chain(of_resources).collect()
    }

    fn excess(&self) -> &DoctorStep {
        let mut steps = self.steps().into_iter();
        steps.find(|step| step.step == "excess").unwrap()
    }

    /// What was found, beside what is too much.
    fn findings(&self) -> Vec<(&str, &str, Finding)> {
        let steps = self.steps().into_iter();
        steps
            .filter(|step| step.step != "excess")
            .map(|step| (step.step, &*step.about, step.finding))
            .collect()
    }
}

/// Other names for a permission: those that may be meant, and broader ones.
fn others(permission: &Permission) -> impl Iterator<Item = (&'static str, bool)> {
    let or = permission.or.iter().map(|name| (*name, false));
    or.chain(permission.broader.iter().map(|name| (*name, true)))
}

async fn tried(one: (&'static str, &'static str, String)) -> (usize, Vec<String>) {
    let kind = one.1;
    let cloud = Cloud::with(&lines(&[one])).await;
    cloud.act(&[administrator(true)]);
    let resource = cloud.resource(kind).clone();
    let narrow = seen(&cloud, &resource, &least(&resource)).await;
    let mut wrong = Vec::new();
    if narrow.excess().finding != Finding::Proved {
        wrong.push(format!("{kind}, the least: {:?}", narrow.excess()));
    }
    for step in narrow.steps() {
        if step.finding != Finding::Proved {
            wrong.push(format!("{kind}, the least: {step:?}"));
        }
    }
    if !narrow.report.is_empty() && !narrow.report.starts_with("success") {
        wrong.push(format!("{kind}, the least: {}", narrow.report));
    }
    let mut count = 0;
    for (place, permission) in resource.permissions().iter().enumerate() {
        for (name, broader) in others(permission) {
            count += 1;
            let wide = instead(&resource, Some((place, name)));
            let wide = seen(&cloud, &resource, &wide).await;
            let told = format!("{name} of {}", permission.audience);
            if wide.excess().detail.contains(&told) != broader {
                wrong.push(format!("{kind}, {name}: {:?}", wide.excess()));
            }
            if wide.findings() != narrow.findings() {
                let (now, before) = (wide.findings(), narrow.findings());
                wrong.push(format!("{kind}, {name}: {now:?}, not {before:?}"));
            }
            if wide.report != narrow.report {
                let (now, before) = (&wide.report, &narrow.report);
                wrong.push(format!("{kind}, {name}: {now}, not {before}"));
            }
        }
    }
    (count, wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_for_a_persons_right_does_as_well_and_changes_nothing_else() {
    let tried = join_all(
        all()
            .into_iter()
            // A sign-in is its own proof.
            .filter(|(_, kind, _)| *kind != "sign_in")
            .map(tried),
    );
    let (counts, wrong): (Vec<_>, Vec<_>) = tried.await.into_iter().unzip();
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(counts.iter().sum::<usize>() > 40, "{counts:?}");
}
