use super::*;
use crate::kinds::testing::{ScriptedAsk, answer, value, with_status};

const GONE: &str = r#"{"error":{"code":"Request_ResourceNotFound"}}"#;
const APPLICATION: &str = r#"{"id":"9d1e","displayName":"canary",
        "passwordCredentials":[
            {"endDateTime":"2026-01-01T00:00:00Z","hint":"Xy7"},
            {"endDateTime":"2026-12-05T00:00:00.1234567Z","hint":"_~.","secretText":null},
            {"endDateTime":"2027-03-01T00:00:00Z"},
            {"endDateTime":null},{"endDateTime":"0001-01-01T00:00:00Z"},null],
        "keyCredentials":[{"endDateTime":"2025-01-01T00:00:00Z","key":null}]}"#;
const PRINCIPAL: &str = r#"{"id":"7c0e","preferredTokenSigningKeyThumbprint":"AABBCC",
        "keyCredentials":[
            {"customKeyIdentifier":"qrvM","usage":"Sign","endDateTime":"2028-01-01T00:00:00Z"},
            {"customKeyIdentifier":"qrvM","usage":"Verify","endDateTime":"2028-01-01T00:00:00Z"},
            {"customKeyIdentifier":"AAAA","usage":"Verify","endDateTime":"2026-12-01T00:00:00Z"}]}"#;

fn seconds(time: &str) -> Option<f64> {
    let time: Timestamp = time.parse().unwrap();
    Some(time.as_second() as f64)
}

fn payroll(all: bool) -> AppCredentials {
    AppCredentials {
        applications: vec![(
            "payroll".into(),
            "11111111-2222-3333-4444-555555555555".into(),
        )],
        all,
    }
}

#[tokio::test]
async fn ends_of_a_named_application() {
    let mut script = ScriptedAsk::of([answer(APPLICATION), answer(PRINCIPAL)]);
    let found = script.probe(&payroll(false)).await.unwrap().readings;
    let end = |credential: &str, end: &str| value(&found, EXPIRY, &["payroll", credential, end]);
    assert_eq!(end(SECRET, "first"), seconds("2026-12-05T00:00:00Z"));
    assert_eq!(end(SECRET, "last"), seconds("2027-03-01T00:00:00Z"));
    // All have ended: both say when the last did.
    assert_eq!(end(CERTIFICATE, "first"), seconds("2025-01-01T00:00:00Z"));
    assert_eq!(end(CERTIFICATE, "last"), seconds("2025-01-01T00:00:00Z"));
    assert_eq!(end(SIGNING, "first"), seconds("2028-01-01T00:00:00Z"));
    assert_eq!(value(&found, CREDENTIALS, &[LATER]), None);
    let steps: Vec<_> = script.sent().iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [APPLICATIONS_STEP, SIGNING_STEP]);
}

#[tokio::test]
async fn one_of_the_two_is_enough() {
    let mut script = ScriptedAsk::of([with_status(404, GONE), answer(PRINCIPAL)]);
    let found = script.probe(&payroll(false)).await.unwrap().readings;
    assert_eq!(found.len(), 2);
    let mut script = ScriptedAsk::of([with_status(404, GONE), with_status(404, GONE)]);
    let stopped = script.probe(&payroll(false)).await.unwrap_err();
    let Stopped::Partly {
        reason,
        sentence,
        readings,
    } = stopped
    else {
        panic!("{stopped:?}");
    };
    assert_eq!(reason, Reason::NotFound);
    assert!(sentence.contains("\"payroll\""), "{sentence}");
    assert!(readings.is_empty());
}

#[tokio::test]
async fn the_missing_are_named_and_the_others_stay() {
    let id: Arc<str> = "11111111-2222-3333-4444-555555555555".into();
    let applications = ["gone", "payroll", "lost"].map(|name| (name.into(), Arc::clone(&id)));
    let kind = AppCredentials {
        applications: applications.into(),
        all: false,
    };
    let gone = || with_status(404, GONE);
    let there = [answer(APPLICATION), answer(PRINCIPAL)];
    let answers = [gone(), gone()].into_iter().chain(there);
    let mut script = ScriptedAsk::of(answers.chain([gone(), gone()]));
    let stopped = script.probe(&kind).await.unwrap_err();
    let Stopped::Partly {
        sentence, readings, ..
    } = stopped
    else {
        panic!("{stopped:?}");
    };
    assert!(sentence.contains(r#""gone", "lost""#), "{sentence}");
    assert_eq!(
        value(&readings, EXPIRY, &["payroll", SECRET, "last"]),
        seconds("2027-03-01T00:00:00Z")
    );
}

#[tokio::test]
async fn all_are_counted() {
    let list = |item: &str| answer(&format!(r#"{{"value":[{item},null]}}"#));
    let mut script = ScriptedAsk::of([
        answer(APPLICATION),
        with_status(404, GONE),
        list(APPLICATION),
        list(PRINCIPAL),
    ]);
    let found = script.probe(&payroll(true)).await.unwrap().readings;
    let count = |due: &str| value(&found, CREDENTIALS, &[due]);
    assert_eq!(count("expired"), Some(2.0));
    assert_eq!(count("7d"), Some(1.0));
    assert_eq!(count("30d"), Some(0.0));
    assert_eq!(count("90d"), Some(0.0));
    assert_eq!(count(LATER), Some(2.0));
}

#[tokio::test]
async fn what_is_no_application() {
    for body in ["{}", r#"{"id":"x","error":{}}"#, r#"{"value":[]}"#] {
        let mut script = ScriptedAsk::of([answer(body), answer(PRINCIPAL)]);
        let stopped = script.probe(&payroll(false)).await.unwrap_err();
        assert!(matches!(stopped, Stopped::Bad(_)), "{body}");
    }
}

#[test]
fn buckets() {
    let now: Timestamp = "2026-11-30T08:00:00Z".parse().unwrap();
    for (end, wanted) in [
        ("2026-11-30T08:00:00Z", "expired"),
        ("2026-11-30T08:00:01Z", "7d"),
        ("2026-12-07T08:00:00Z", "7d"),
        ("2026-12-07T08:00:01Z", "30d"),
        ("2027-02-28T08:00:00Z", "90d"),
        ("2027-02-28T08:00:01Z", LATER),
    ] {
        assert_eq!(due(end.parse().unwrap(), now), wanted, "{end}");
    }
}
