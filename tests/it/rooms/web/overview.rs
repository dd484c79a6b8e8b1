//! The overview of many resources: paged, grouped, searched, refreshed.

use m365mon::model::{Reason, Verdict};
use m365mon::web::Bounds;

use super::{CONFIGURATION, Stage};
use crate::support::raw::{Answer, request};

/// A thousand sites beside the three of [`CONFIGURATION`]; every tenth belongs
/// to no team.
async fn a_thousand() -> Stage {
    let mut text = CONFIGURATION.to_owned();
    for number in 0..1000 {
        let team = match number % 10 {
            0 => String::new(),
            digit => format!(", labels: {{team: team-{digit}}}"),
        };
        text.push_str(&format!(
            "  - {{name: site-{number}, account: contoso, kind: sharepoint_site, \
             url: https://contoso.sharepoint.com/sites/{number}, mode: on_probe{team}}}\n"
        ));
    }
    Stage::of(&text, None, Bounds::default()).await
}

fn rows(page: &Answer) -> usize {
    page.text().matches("href=\"/resources/").count()
}

#[tokio::test]
async fn a_thousand_resources_stay_readable() {
    let stage = a_thousand().await;
    let page = stage.get("/").await;
    assert_eq!(rows(&page), 50);
    assert!(page.body.len() < 64 * 1024, "{} bytes", page.body.len());
    let words = page.words();
    assert!(words.contains("1 to 50 of 1,003 Next"), "{words}");
    let last = stage.get("/?page=21").await;
    assert_eq!(rows(&last), 3);
    assert!(last.words().contains("Before 1,001 to 1,003 of 1,003"));
    assert_eq!(rows(&stage.get("/?page=99").await), 0);
    let page = stage.get("/?q=site-99").await;
    assert_eq!(rows(&page), 11);
    assert!(page.words().contains("11 resources of 1,003"));
}

#[tokio::test]
async fn what_is_wrong_comes_first_whatever_its_place() {
    let stage = a_thousand().await;
    let broken = Verdict::Problem(Reason::Dns);
    stage.fake.say(broken, "no such name");
    stage.get("/probe?resource=site-999").await;
    stage.get("/probe?resource=site-998").await;
    stage
        .fake
        .say(Verdict::Problem(Reason::Throttled), "slow down");
    stage.get("/probe?resource=site-500").await;
    let page = stage.get("/").await;
    let words = page.words();
    let place = |text: &str| {
        words
            .find(text)
            .unwrap_or_else(|| panic!("{text} in {words}"))
    };
    let order = [
        "2 resources are down",
        "The name cannot be resolved dns 2 resources",
        "Microsoft asks us to slow down throttled",
        "Resources Search",
        "not probed yet intranet",
    ];
    assert!(order.map(place).is_sorted(), "{words}");
    let (_, listed) = words.split_once("Resources Search").unwrap();
    let order = [
        "down site-998",
        "throttled site-500",
        "not probed yet intranet",
    ];
    assert!(order.map(|text| listed.find(text)).is_sorted(), "{listed}");
    // Nothing that is down is no reason for red.
    assert!(!page.text().contains("state down\">0"), "{}", page.text());

    for (query, names) in [
        ("?state=down", &["site-998", "site-999"][..]),
        ("?state=unsure", &["site-500"]),
        ("?reason=throttled", &["site-500"]),
        ("?state=down&q=999", &["site-999"]),
        ("?state=up", &[]),
    ] {
        let page = stage.get(&format!("/{query}")).await;
        assert_eq!(rows(&page), names.len(), "{query}");
        for name in names {
            assert!(page.text().contains(&format!("/resources/{name}\"")));
        }
    }
}

#[tokio::test]
async fn grouped_by_any_label_the_worst_first() {
    let stage = a_thousand().await;
    stage.fake.say(Verdict::Problem(Reason::Dns), "");
    stage.get("/probe?resource=site-7").await;
    let words = stage.get("/?group=team&q=site-").await.words();
    let place = |text: &str| {
        words
            .find(text)
            .unwrap_or_else(|| panic!("{text} in {words}"))
    };
    assert!(place("team-7 1 down, 99 not probed yet") < place("down site-7"));
    assert_eq!(words.matches("not probed yet site-").count(), 49);
    // What has no team comes last.
    let last = stage.get("/?group=team&page=21").await.words();
    assert!(last.contains("without team 103 not probed yet"), "{last}");
    let kinds = stage.get("/?group=kind&q=probed").await.words();
    assert!(
        kinds.contains("Exchange mailbox 1 not probed yet"),
        "{kinds}"
    );
    // A label that nobody has is one group of all.
    let none = stage.get("/?group=%3Cb%3E").await;
    assert!(none.words().contains("without <b>"), "{}", none.words());
}

#[tokio::test]
async fn a_refresh_brings_what_changed_and_nothing_else() {
    let stage = a_thousand().await;
    stage.get("/probe?resource=site-1").await;
    let page = stage.get("/").await;
    let marks: Vec<&str> = page
        .text()
        .split("data-part=\"")
        .skip(1)
        .map(|rest| &rest[..12])
        .collect();
    assert_eq!(marks.len(), 51, "50 rows and an account");
    let seen = format!("M365mon-Seen: {}", marks.join(","));
    let same = request(stage.addr, "GET /", &[&seen]).await;
    assert!(same.body.len() < 12_000, "{} bytes", same.body.len());
    assert!(
        same.text().trim_start().starts_with("<main"),
        "{}",
        same.text()
    );
    assert_eq!(rows(&same), 0);
    for mark in &marks {
        assert!(same.text().contains(mark), "the place of {mark}");
    }
    stage.fake.say(Verdict::Problem(Reason::Timeout), "");
    stage.get("/probe?resource=site-2").await;
    let changed = request(stage.addr, "GET /", &[&seen]).await;
    // The row, and the card of its reason.
    assert_eq!(changed.text().matches("/resources/site-2\"").count(), 2);
    assert_eq!(rows(&changed), 2, "{}", changed.text());
    assert!(changed.text().contains("data-title=\"1 down · m365mon\""));
    assert!(changed.text().contains("data-icon=\"down\""));
}
