use super::*;
use crate::kinds::Stopped;
use crate::kinds::testing::{ScriptedAsk, answer, value};
use crate::model::Timestamp;

const OVERVIEWS: &str = r#"{"value":[
        {"service":"Exchange Online","status":"serviceDegradation","id":"Exchange"},
        {"service":"Microsoft Teams","status":"ServiceOperational","id":"microsoftteams"},
        {"service":"Some New Service","status":"somethingNew","id":"NewThing"},
        {"service":"Odd","id":"an id with blanks"},
        {"service":"Nothing said","status":null,"id":"Quiet"}]}"#;
const ISSUES: &str = r#"{"value":[
        {"id":"EX1","service":"Exchange Online","classification":"incident","isResolved":false,"startDateTime":"2026-11-30T06:10:00.0000000Z"},
        {"service":"Exchange Online","classification":"Advisory","isResolved":false,"startDateTime":"2026-11-29T06:10:00Z"},
        {"service":"Exchange Online","classification":"incident","isResolved":true,"startDateTime":"2026-01-01T00:00:00Z"},
        {"service":"Nobody's","classification":"incident"}]}"#;

fn all() -> ServiceHealth {
    ServiceHealth {
        services: Vec::new(),
    }
}

#[tokio::test]
async fn words_become_readings() {
    let mut script = ScriptedAsk::of([answer(OVERVIEWS), answer(ISSUES)]);
    let found = script.probe(&all()).await.unwrap().readings;
    let status = |service: &str, status: &str| value(&found, STATUS, &[service, status]);
    assert_eq!(status("Exchange", "degraded"), Some(1.0));
    assert_eq!(status("Exchange", "operational"), Some(0.0));
    assert_eq!(status("microsoftteams", "operational"), Some(1.0));
    assert_eq!(status("NewThing", "unknown"), Some(1.0));
    assert_eq!(status("Quiet", "unknown"), Some(1.0));
    assert!(!found.iter().any(|one| one.labels[0].contains(' ')));
    let open = |class: &str| value(&found, OPEN_ISSUES, &["Exchange", class]);
    assert_eq!((open("incident"), open("advisory")), (Some(1.0), Some(1.0)));
    let oldest = value(&found, OLDEST_ISSUE, &["Exchange"]);
    let began: Timestamp = "2026-11-29T06:10:00Z".parse().unwrap();
    assert_eq!(oldest, Some(began.as_second() as f64));
    assert_eq!(value(&found, OLDEST_ISSUE, &["microsoftteams"]), None);
}

#[tokio::test]
async fn only_what_is_wanted() {
    let some = ServiceHealth {
        services: vec!["exchange".into()],
    };
    let mut script = ScriptedAsk::of([answer(OVERVIEWS), answer(ISSUES)]);
    let found = script.probe(&some).await.unwrap().readings;
    assert!(found.iter().all(|one| &*one.labels[0] == "Exchange"));
}

#[tokio::test]
async fn pages_are_followed_on_their_own_host_and_bounded() {
    let page = |next: &str| answer(&format!(r#"{{"value":[],"@odata.nextLink":"{next}"}}"#));
    let here = "https://graph.microsoft.com/v1.0/admin/serviceAnnouncement/issues?$skiptoken=x";
    let mut script = ScriptedAsk::of([
        answer(OVERVIEWS),
        page(here),
        page("https://elsewhere.example/x"),
    ]);
    script.probe(&all()).await.unwrap();
    assert_eq!(script.sent().len(), 3);
    let many = (0..20).map(|_| page(here));
    let mut script = ScriptedAsk::of(std::iter::once(answer(OVERVIEWS)).chain(many));
    let found = script.probe(&all()).await.unwrap().readings;
    assert_eq!(script.sent().len(), 1 + super::ISSUES.most);
    // More than can be counted.
    assert_eq!(value(&found, OPEN_ISSUES, &["Exchange", "incident"]), None);
    assert_eq!(value(&found, STATUS, &["Exchange", "degraded"]), Some(1.0));
}

/// A reading never decides: what is of no use costs its own figure.
#[tokio::test]
async fn odd_words_and_dates_decide_nothing() {
    let overviews = r#"{"value":[
        {"service":"Exchange Online","status":7,"id":"Exchange"},
        {"service":"Microsoft Teams","status":"serviceOperational","id":null},null,
        {"service":7,"status":"serviceOperational","id":"SharePoint"}]}"#;
    for date in [
        r#""""#,
        "null",
        "7",
        r#""soon""#,
        r#""0001-01-01T00:00:00Z""#,
        r#""0001-01-01T08:00:00.0000000Z""#,
    ] {
        let issue = |date: &str| {
            format!(
                r#"{{"service":"Exchange Online","classification":"incident","isResolved":"no","startDateTime":{date}}}"#
            )
        };
        let dated = issue(r#""2026-11-30T06:10:00Z""#);
        let odd = r#"{"service":"Exchange Online","classification":7,"isResolved":null},null"#;
        for (issues, count, oldest) in [
            (issue(date), 1.0, None),
            (
                format!("{},{odd},{dated}", issue(date)),
                2.0,
                Some("2026-11-30T06:10:00Z"),
            ),
        ] {
            let issues = answer(&format!(r#"{{"value":[{issues}],"@odata.nextLink":null}}"#));
            let mut script = ScriptedAsk::of([answer(overviews), issues]);
            let found = script.probe(&all()).await.unwrap().readings;
            let open = value(&found, OPEN_ISSUES, &["Exchange", "incident"]);
            assert_eq!(open, Some(count), "{date}");
            let oldest = oldest.map(|date| date.parse::<Timestamp>().unwrap().as_second() as f64);
            assert_eq!(value(&found, OLDEST_ISSUE, &["Exchange"]), oldest, "{date}");
            assert_eq!(value(&found, STATUS, &["Exchange", "unknown"]), Some(1.0));
            assert_eq!(
                value(&found, STATUS, &["SharePoint", "operational"]),
                Some(1.0)
            );
        }
    }
}

#[tokio::test]
async fn what_is_none_is_bad() {
    for body in [r#"{"value":{}}"#, r#"{"error":{"code":"x"}}"#, "[]"] {
        let mut script = ScriptedAsk::of([answer(body)]);
        let stopped = script.probe(&all()).await.unwrap_err();
        assert!(matches!(stopped, Stopped::Bad(_)), "{body}");
    }
}
