//! What happens when a token is refused, or not to be had.

use super::*;

/// Refuses the first token, and the second too if told so.
fn strict(second: u16) -> impl Fn(usize, &Request<Incoming>) -> Answer + Clone + Send + Sync {
    move |_, request| {
        let refused = json(401, r#"{"error":{"code":"InvalidAuthenticationToken"}}"#);
        if request.headers()["authorization"] == "Bearer canary-token-1" {
            return refused;
        }
        json(second, r#"{"value":[]}"#)
    }
}

async fn with(
    next: Option<Result<(), TokenProblem>>,
    answer: impl Fn(usize, &Request<Incoming>) -> Answer + Clone + Send + Sync + 'static,
) -> (Report, Arc<ScriptedTokens>, usize) {
    let ca = Ca::new();
    let origin = Origin::answering(ca.good(H2), answer).await;
    let script = ScriptedTokens::new([Ok(())], next);
    let report = probe(intranet(), script.clone(), &ca, &origin).await;
    (report, script, origin.connections())
}

#[tokio::test]
async fn a_refused_one_is_replaced_once_and_that_is_said() {
    let (report, script, sent) = with(Some(Ok(())), strict(200)).await;
    assert_eq!(report.verdict.outcome(), Outcome::Success);
    assert_eq!(report.exchange.repeat, Some(Repeat::FreshToken));
    assert_eq!(*script.challenges.lock(), [None]);
    assert_eq!(sent, 2);
    let (report, _, sent) = with(Some(Ok(())), strict(401)).await;
    assert_eq!(report.verdict.reason(), Some(Reason::Unauthorized));
    assert_eq!(report.exchange.repeat, Some(Repeat::FreshToken));
    assert_eq!(sent, 2);
}

#[tokio::test]
async fn a_refused_one_may_be_the_last() {
    let (report, _, sent) = with(None, strict(200)).await;
    assert_eq!(report.verdict.reason(), Some(Reason::Unauthorized));
    assert_eq!((report.exchange.repeat, sent), (None, 1));
    let expired = problem(AccountReason::Refused, 7_000_222);
    let (report, _, sent) = with(Some(Err(expired.clone())), strict(200)).await;
    assert_eq!(report.verdict.reason(), Some(Reason::Token));
    assert_eq!(report.token_problem, Some(expired));
    assert_eq!((report.exchange.status, sent), (Some(401), 1));
}

#[tokio::test]
async fn other_claims_are_passed_on() {
    for status in [401, 403] {
        let (report, script, _) = with(Some(Ok(())), move |_, request| {
            if request.headers()["authorization"] != "Bearer canary-token-1" {
                return json(200, r#"{"value":[]}"#);
            }
            let mut answer = json(status, "");
            let challenge = "Bearer error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\"";
            let value = challenge.parse().unwrap();
            answer.headers_mut().insert("www-authenticate", value);
            answer
        })
        .await;
        assert_eq!(report.verdict.outcome(), Outcome::Success);
        assert!(script.challenges.lock()[0].is_some());
    }
}

#[tokio::test]
async fn no_fresh_one_mends_a_missing_permission() {
    for body in [
        r#"{"error":{"code":"UnknownError","message":""}}"#,
        "Unsupported app only token.",
    ] {
        let (report, script, sent) = with(Some(Ok(())), move |_, _| json(401, body)).await;
        assert_eq!(report.verdict.reason(), Some(Reason::Forbidden));
        assert!(script.challenges.lock().is_empty());
        assert_eq!(sent, 1);
    }
}

#[tokio::test]
async fn none_at_all() {
    let ca = Ca::new();
    let origin = Origin::answering(ca.good(H2), |_, _| json(200, "{}")).await;
    let refused = problem(AccountReason::Refused, 7_000_222);
    let script = ScriptedTokens::new([Err(refused.clone())], []);
    let report = probe(intranet(), script, &ca, &origin).await;
    assert_eq!(report.verdict.reason(), Some(Reason::Token));
    assert_eq!(report.token_problem, Some(refused));
    assert_eq!(
        (report.exchange.phases, report.exchange.status),
        (None, None)
    );
    let words = "no access token (AADSTS7000222): the client secret has expired";
    assert_eq!(&*report.detail, words);
    assert_eq!(origin.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn none_in_time() {
    let ca = Ca::new();
    let origin = Origin::answering(ca.good(H2), |_, _| json(200, "{}")).await;
    let began = tokio::time::Instant::now();
    let report = probe(intranet(), ScriptedTokens::new([], []), &ca, &origin).await;
    assert_eq!(report.verdict.reason(), Some(Reason::Token));
    let problem = report.token_problem.unwrap();
    assert_eq!(problem.reason, AccountReason::Timeout);
    assert!(began.elapsed() >= LONG && began.elapsed() < LONG + Duration::from_secs(1));
}

/// The tick ends before the next one is due.
#[tokio::test(start_paused = true)]
async fn none_in_what_the_interval_leaves() {
    let ca = Ca::new();
    let origin = Origin::answering(ca.good(H2), |_, _| json(200, "{}")).await;
    for (interval, timeout, wait) in [(62, 60, 2), (40, 10, 10), (60, 59, 1)] {
        let resource = Resource {
            interval: Duration::from_secs(interval),
            timeout: Duration::from_secs(timeout),
            ..intranet()
        };
        let began = tokio::time::Instant::now();
        let report = probe(resource, ScriptedTokens::new([], []), &ca, &origin).await;
        assert_eq!(report.verdict.reason(), Some(Reason::Token));
        assert_eq!(began.elapsed().as_secs(), wait);
    }
}
