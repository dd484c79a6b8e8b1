//! Kind by kind and case by case: what the tenant does, and what is made of it.
//! The table is `docs/kinds-cases.md`.

mod administration;
mod content;
mod forms;
mod mail;
mod others;
pub(super) mod people;
mod refused;
pub(super) mod rest;

use std::fmt::Write as _;

use futures_util::future::join_all;
use m365mon::model::Reason::{self, *};
use serde_json::Value;

use self::forms::{Case, Other, as_it_is, case, usual};
use super::{Cloud, granting, lines, resources, revoking};
use crate::support::documents;

/// One line of the table.
type Line = (String, String, String, String, String, Option<String>);

/// Tries cases one after another in one tenant, with exactly the rights that
/// the kind declares.
async fn try_out((account, kind, more, cases): Other) -> Vec<Line> {
    let cloud = Cloud::with(&lines(&[(account, kind, more)])).await;
    let resource = cloud.resource(kind).clone();
    for order in granting(&resource) {
        // What is not there cannot be granted.
        let read: m365mon_simulator::command::Command = serde_json::from_value(order).unwrap();
        drop(read.perform(&cloud.running.tenant));
    }
    if resource.account.person().is_some() {
        cloud.sign_in(&resource).await;
    }
    let mut told = Vec::new();
    for one in cases {
        cloud.act(&one.orders);
        let report = cloud.probe(kind, one.timeout).await;
        cloud.act(&one.undo);
        let reason = report.verdict.reason();
        let as_wanted = reason == one.reason && report.detail.contains(one.says);
        let wrong = (!as_wanted).then(|| {
            format!(
                "{kind}, {}: {reason:?} instead of {:?} with {:?}: {}",
                one.what, one.reason, one.says, report.detail
            )
        });
        let failed_without = reason.is_some() && kind != "app_credentials";
        assert!(
            !failed_without || report.readings.is_empty(),
            "{kind}, {}",
            one.what
        );
        for (place, reading) in resource.kind.info().readings.iter().enumerate() {
            let of_it = report
                .readings
                .iter()
                .filter(|r| usize::from(r.reading) == place);
            assert!(of_it.count() <= reading.most, "{kind}: {}", reading.metric);
        }
        if kind == "mail_round_trip" {
            sent_once(&cloud, &one.what);
        }
        if kind == "file_round_trip" {
            nothing_left(&cloud, &one.what);
        }
        told.push((
            kind.to_owned(),
            one.what.clone(),
            report.verdict.outcome().as_str().to_owned(),
            reason.map_or("", Reason::as_str).to_owned(),
            report.readings.len().to_string(),
            wrong,
        ));
    }
    told
}

/// Whatever the answer to sending was: one message at most, in the other mailbox.
fn sent_once(cloud: &Cloud, what: &str) {
    let letters = cloud.running.tenant.mail.all();
    let subjects: std::collections::BTreeSet<_> = letters
        .iter()
        .map(|letter| {
            letter
                .subject
                .trim_start_matches("Unzustellbar: ")
                .trim_start_matches("Undeliverable: ")
        })
        .collect();
    assert!(subjects.len() <= letters.len(), "{what}");
    for subject in subjects {
        let of_it = |letter: &&m365mon_simulator::mail_flow::Letter| letter.subject == *subject;
        assert!(
            letters.iter().filter(of_it).count() <= 1,
            "{what}: {letters:?}"
        );
    }
}

/// What was written is gone, but where that is just what was refused.
fn nothing_left(cloud: &Cloud, what: &str) {
    let keeps = [
        "retention",
        "no answer",
        "cut",
        "throttl",
        "(503)",
        "(500)",
        "page",
        "front",
        "locked",
        "archived",
        "open",
    ];
    if keeps.iter().any(|word| what.contains(word)) {
        return;
    }
    let left = cloud.running.tenant.files.all();
    let left: Vec<_> = left.iter().filter(|file| !file.deleted).collect();
    // Of cases before, which the next hour clears.
    assert!(left.len() <= 2, "{what}: {left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_case_of_each_kind() {
    let mut work = Vec::new();
    for one in resources() {
        let kind = one.1;
        let mut cases = usual(kind);
        cases.extend(content::own(kind));
        cases.extend(administration::own(kind));
        if let Some(refused) = lacking(&one) {
            cases.insert(1, refused);
        }
        // What ends the secret comes last.
        let end = cases.len() - usize::from(kind == "sign_in");
        cases.insert(end, as_it_is("works again after all that", None));
        work.push((one.0, kind, one.2, cases));
    }
    work.extend(mail::slow().into_iter().map(|(kind, cases)| {
        let all = resources();
        let (account, _, more) = all.into_iter().find(|(_, name, _)| *name == kind).unwrap();
        (account, kind, more, cases)
    }));
    work.extend(others::others());
    work.extend(people::of_people());
    work.extend(rest::by_rest());
    // A few at a time: each has a tenant of its own.
    let mut told: Vec<Line> = Vec::new();
    while !work.is_empty() {
        let some = work.split_off(work.len().saturating_sub(8));
        let some = some.into_iter().map(try_out);
        told.extend(join_all(some).await.into_iter().flatten());
    }
    told.sort();
    let mut page = String::from(
        "# What is made of what happens\n\n\
         Each line was tried against the simulated tenant over TLS, with exactly the rights that the \
         kind declares: of an application, or of a person where the case says so; \
         `tests/it/scenarios/kinds/cases` writes this page. `series` is how many \
         readings came along. What no real tenant has confirmed is listed in \
         [unverified.md](unverified.md).\n\n\
         | kind | case | outcome | reason | series |\n|---|---|---|---|---|\n",
    );
    let wrong: Vec<_> = told.iter().filter_map(|line| line.5.as_deref()).collect();
    for (kind, what, outcome, reason, series, _) in &told {
        // Writing into a String does not fail.
        _ = writeln!(
            page,
            "| `{kind}` | {what} | {outcome} | {reason} | {series} |"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    page.push_str(&refused::table());
    page.push_str(&limits());
    documents::is_current("docs/kinds-cases.md", &page);
}

/// Which kinds wait together.
fn limits() -> String {
    let mut text = String::from(
        "\n## Who waits with whom\n\n\
         Where Microsoft asks to slow down, the kinds of that line wait and the others go on; \
         `tests/it/scenarios/kinds/gates.rs` closes each of them and sees it, also `graph`, the \
         rest of Graph, which only an `http_endpoint` comes to: one that asks a path of Graph waits \
         with the kinds of that service. What fails in any other way stops nobody else.\n\n\
         | limit | kinds |\n|---|---|\n",
    );
    let mut by_limit: std::collections::BTreeMap<&str, Vec<&str>> =
        std::collections::BTreeMap::new();
    for info in m365mon::kinds::ALL {
        by_limit
            .entry(info.service.as_str())
            .or_default()
            .push(info.name);
    }
    for (limit, kinds) in by_limit {
        // Writing into a String does not fail.
        _ = writeln!(text, "| `{limit}` | `{}` |", kinds.join("`, `"));
    }
    text
}

/// Without the rights; `None` for a kind that needs none.
fn lacking(one: &(&'static str, &'static str, String)) -> Option<Case> {
    // Nothing that somebody could take away.
    if matches!(
        one.1,
        "entra_directory" | "sign_in" | "endpoint_list" | "http_endpoint"
    ) {
        return None;
    }
    // Microsoft leaves the members empty there, and refuses nothing.
    let reason = (one.1 != "directory_sync").then_some(Forbidden);
    Some(rights_case(one, reason))
}

/// Every right of this resource is taken away, and given again.
fn rights_case(one: &(&'static str, &'static str, String), reason: Option<Reason>) -> Case {
    let text = lines(std::slice::from_ref(one));
    let text = super::configuration("127.0.0.1:1".parse().unwrap(), "ca.pem", &text);
    let none = std::collections::BTreeMap::<String, String>::new();
    let loaded = m365mon::config::parse(&text, std::path::Path::new("m365mon.yml"), &none);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let resource = &loaded.configuration.resources[0];
    case(
        "right missing",
        Value::Array(revoking(resource)),
        Value::Array(granting(resource)),
        reason,
    )
}
