//! What a service may ask for and what it gets: another token, a wait.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use m365mon::http::ProbeRequest;
use m365mon::model::Method;

use super::ruled::{FILES, ID, SIGNED, answer, of, probed, round_trip, tokens};
use super::*;
use crate::support::one_secret::OneSecret;

/// What a claims challenge asks is passed on to Entra, and may end a sign-in there.
#[tokio::test]
async fn only_workloads_of_the_cloud_ask_for_other_claims() {
    let own =
        "kind: http_endpoint, url: https://api.contoso.com/x, scope: api://contoso-health/.default";
    let exchange = "kind: http_endpoint, url: https://outlook.office365.com/x, \
                    scope: https://outlook.office365.com/.default";
    let of_exchange_in_gcc = "kind: http_endpoint, url: https://outlook.office365.us/x, \
                              scope: https://outlook.office365.us/.default";
    let azure = "kind: http_endpoint, url: https://management.azure.com/x, \
                 scope: https://management.azure.com/.default";
    let graph = "kind: http_endpoint, url: https://graph.microsoft.com/v1.0/organization, \
                 scope: https://graph.microsoft.com/.default";
    let site =
        |host: &str| format!("kind: sharepoint_site, api: sharepoint, url: https://{host}/sites/a");
    let through_graph = "kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/a";
    for (account, line, may) in [
        ("contoso", own.to_owned(), false),
        ("contoso", azure.to_owned(), false),
        ("contoso", graph.to_owned(), true),
        ("gcc_high", graph.to_owned(), false),
        ("contoso", exchange.to_owned(), true),
        ("gcc_high", exchange.to_owned(), false),
        ("gcc_high", of_exchange_in_gcc.to_owned(), true),
        ("contoso", site("contoso.sharepoint.com"), true),
        ("dod", site("contoso.dps.mil"), true),
        ("china", site("contoso.sharepoint.cn"), true),
        ("own", site("sites.contoso.com"), true),
        ("gcc_high", through_graph.to_owned(), true),
        ("dod", through_graph.to_owned(), true),
        ("china", through_graph.to_owned(), true),
        ("own", through_graph.to_owned(), true),
    ] {
        for (length, fits) in [(4_096, true), (4_097, false), (5_900, false)] {
            for status in [401, 403] {
                let claims = format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
                let claims = STANDARD.encode(claims);
                let challenge =
                    format!("Bearer error=\"insufficient_claims\", claims=\"{claims}\"");
                let rule = move |_: &ProbeRequest| {
                    let headers = [("www-authenticate", &*challenge), SIGNED[0]];
                    answer(status, &headers, "")
                };
                let script = tokens();
                let resource = of(account, &line);
                let asked = probed(&resource, Arc::clone(&script) as _, false, rule)
                    .await
                    .1;
                let challenges = script.challenges.lock();
                let passed: Vec<bool> = challenges.iter().map(Option::is_some).collect();
                let wanted = match (may && fits, status) {
                    (true, _) => vec![true],
                    // As any refused token it may be replaced, by the usual rule.
                    (false, 401) => vec![false],
                    (false, _) => vec![],
                };
                assert_eq!(passed, wanted, "{account} {line} {status} {length}");
                assert_eq!(asked.len(), 1);
            }
        }
    }
}

/// This token, whatever is asked for.
fn always(token: String) -> Arc<OneSecret> {
    Arc::new(OneSecret {
        secret: token,
        ..OneSecret::default()
    })
}

/// A token that says for whom it is.
fn for_audience(aud: &serde_json::Value) -> Arc<OneSecret> {
    let claims = serde_json::json!({"aud": aud, "appid": CANARY}).to_string();
    always(format!("e30.{}.{CANARY}", URL_SAFE_NO_PAD.encode(claims)))
}

#[tokio::test]
async fn a_token_for_another_service_is_not_sent() {
    use serde_json::json;
    let own =
        "kind: http_endpoint, url: https://api.contoso.com/x, scope: api://contoso-health/.default";
    let site =
        "kind: sharepoint_site, api: sharepoint, url: https://contoso.sharepoint.com/sites/a";
    let graph = "kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/a";
    for (line, aud, sent) in [
        (own, json!("api://contoso-health"), true),
        (own, json!(ID), true),
        (own, json!(7), true),
        (own, json!(null), true),
        (own, json!("00000003-0000-0000-c000-000000000000"), false),
        (own, json!("https://graph.microsoft.com/"), false),
        (own, json!("https://contoso.sharepoint.com"), false),
        (own, json!("https://management.azure.com"), false),
        (own, json!("https://elsewhere.example"), false),
        (own, json!(["api://contoso-health"]), true),
        (
            own,
            json!(["api://contoso-health", "https://graph.microsoft.com"]),
            false,
        ),
        (site, json!("https://contoso.sharepoint.com"), true),
        (site, json!("00000003-0000-0ff1-ce00-000000000000"), true),
        (site, json!("https://contoso-my.sharepoint.com"), false),
        (site, json!("https://graph.microsoft.com"), false),
        (graph, json!("https://graph.microsoft.com"), true),
        (graph, json!("00000003-0000-0000-c000-000000000000"), true),
        (graph, json!("https://contoso.sharepoint.com"), false),
    ] {
        let rule = |_: &ProbeRequest| answer(200, &[], r#"{"value":[]}"#);
        let tokens = for_audience(&aud);
        let (report, asked) = probed(&of("contoso", line), tokens, false, rule).await;
        assert_eq!(asked.len(), usize::from(sent), "{line} {aud}");
        let wanted = (!sent).then_some(Reason::Token);
        assert_eq!(report.verdict.reason(), wanted, "{line} {aud}");
        assert_eq!(
            report.detail.contains("another service"),
            !sent,
            "{report:?}"
        );
        assert!(!format!("{report:?}").contains(CANARY), "{report:?}");
    }
    // What cannot be read is as good as any.
    for token in ["opaque", "a.b.c", "a.b.c.d.e"] {
        let rule = |_: &ProbeRequest| answer(200, &[], "{}");
        let (_, asked) = probed(&of("contoso", own), always(token.into()), false, rule).await;
        assert_eq!(asked.len(), 1, "{token}");
    }
}

/// Whichever answer of a probe asks for a wait: it is kept, whatever came of the probe.
#[tokio::test]
async fn a_wait_that_is_asked_for_while_cleaning_up_is_kept() {
    let resource = of("contoso", FILES);
    let wait = |seconds| {
        Some(Hold::Gate {
            wait: Some(Duration::from_secs(seconds)),
        })
    };
    let good = round_trip();
    let rule = move |request: &ProbeRequest| match request.url.path().ends_with("/children") {
        true => answer(429, &[("retry-after", "120")], ""),
        false => good(request),
    };
    let (report, _) = probed(&resource, tokens(), false, rule).await;
    assert_eq!(report.verdict.outcome(), Outcome::Success, "{report:?}");
    assert_eq!(report.exchange.hold, wait(120));

    let rule = |request: &ProbeRequest| match request.method {
        Method::Put => answer(500, SIGNED, ""),
        _ => answer(429, &[("retry-after", "120")], ""),
    };
    let (report, asked) = probed(&resource, tokens(), false, rule).await;
    assert_eq!(report.verdict.reason(), Some(Reason::ServerError));
    assert_eq!(report.exchange.hold, wait(120));
    // Nothing more is asked of whom wants to be left alone.
    assert_eq!(asked.len(), 2, "{asked:?}");

    let rule = |request: &ProbeRequest| match request.method {
        Method::Put => answer(429, &[("retry-after", "9")], ""),
        _ => answer(429, &[("retry-after", "120")], ""),
    };
    let (report, asked) = probed(&resource, tokens(), false, rule).await;
    assert_eq!(report.verdict.reason(), Some(Reason::Throttled));
    assert_eq!((report.exchange.hold, asked.len()), (wait(9), 1));
}
