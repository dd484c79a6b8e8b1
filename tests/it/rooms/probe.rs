//! Probes from the configured resource to the report, against a server that
//! answers whatever it is told and a source of tokens that follows a script.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Incoming;
use m365mon::http::ProbeClient;
use m365mon::kinds::{Kind, Resource};
use m365mon::model::{
    AccountReason, Audience, Clock, Hold, Outcome, Phase, Reason, Repeat, Report, Sample, Story,
    SystemRandom, TokenProblem,
};
use m365mon::probe::TenantProber;

use script::{ScriptedTokens, problem};

use crate::support::fixtures::{self, mailbox_of};
use crate::support::origin::{self, Ca, GRAPH, H2, HOST, LONG, Origin};

mod batch;
mod command;
mod kinds;
mod ruled;
pub(crate) mod script;
mod simulated;
mod tokens;
mod tokens_and_waits;
mod who_answered;

/// Never to be seen in anything that comes out.
const CANARY: &str = "canary-token";

type Answer = Response<Full<bytes::Bytes>>;

/// As [`origin::json`]; a refusal with the sign that it is the service's own.
fn json(status: u16, body: &str) -> Answer {
    let mut answer = origin::json(status, body);
    if status >= 300 {
        let id = "81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f".parse().unwrap();
        answer.headers_mut().insert("request-id", id);
    }
    answer
}

fn resource(kind: Kind, person: bool) -> Resource {
    let account = if person {
        fixtures::delegated("contoso", "steve@contoso.com")
    } else {
        fixtures::account("contoso")
    };
    Resource {
        interval: LONG * 2,
        timeout: LONG,
        min_age: Duration::ZERO,
        ..fixtures::resource("watched", &Arc::new(account), kind)
    }
}

fn site(path: &str) -> Kind {
    fixtures::site_at(&format!("https://{HOST}{path}"))
}

fn rest_site(path: &str) -> Kind {
    fixtures::rest_site_at(&format!("https://{HOST}{path}"))
}

/// Every way to ask, with the request that it makes.
fn all() -> Vec<(Resource, &'static str, &'static str)> {
    vec![
        (
            resource(site("/sites/intranet"), false),
            GRAPH,
            "/v1.0/sites/contoso.sharepoint.com:/sites/intranet:/lists?$select=displayName&$top=1",
        ),
        (
            resource(site(""), true),
            GRAPH,
            "/v1.0/sites/contoso.sharepoint.com/lists?$select=displayName&$top=1",
        ),
        (
            resource(rest_site("/teams/a%20b"), true),
            HOST,
            "/teams/a%20b/_api/web/lists?$select=Title&$top=1",
        ),
        (
            resource(rest_site(""), true),
            HOST,
            "/_api/web/lists?$select=Title&$top=1",
        ),
        (
            resource(mailbox_of(None), true),
            GRAPH,
            "/v1.0/me/messages?$select=id&$top=1",
        ),
        (
            resource(mailbox_of(Some("ann@contoso.com")), false),
            GRAPH,
            "/v1.0/users/ann@contoso.com/messages?$select=id&$top=1",
        ),
        (
            resource(mailbox_of(Some("ann@contoso.com")), true),
            GRAPH,
            "/v1.0/users/ann@contoso.com/mailFolders/inbox/messages?$select=id&$top=1",
        ),
    ]
}

fn intranet() -> Resource {
    resource(site("/sites/intranet"), false)
}

/// Probes once; what came out holds neither the token nor what the service
/// wrote about the tenant.
async fn probe(
    resource: Resource,
    tokens: Arc<ScriptedTokens>,
    ca: &Ca,
    origin: &Origin,
) -> Report {
    let client = ProbeClient::new(&ca.network(origin.address)).unwrap();
    let random = Arc::new(SystemRandom::new());
    let prober = TenantProber::new(client, tokens, Clock::system(), random);
    let story = Story::begin();
    let report = prober.explained(&resource, &story).await.0;
    let out = format!("{report:?}\n{}", story.lines().join("\n"));
    for secret in [CANARY, "Payroll", "ann@contoso.com"] {
        assert!(!out.contains(secret), "{out}");
    }
    assert!(story.lines().len() >= 2, "{out}");
    assert!(!report.detail.is_empty());
    report
}

/// One probe of a site through Graph, with a good token.
async fn answered<F>(answer: F) -> Report
where
    F: Fn(usize, &Request<Incoming>) -> Answer + Clone + Send + Sync + 'static,
{
    let ca = Ca::new();
    let origin = Origin::answering(ca.good(H2), answer).await;
    probe(intranet(), ScriptedTokens::new([Ok(())], []), &ca, &origin).await
}

#[tokio::test]
async fn every_kind_asks_as_it_should() {
    let ca = Ca::new();
    for (resource, host, wanted) in all() {
        let rest = host == HOST;
        let origin = Origin::answering(ca.good(H2), move |_, request| {
            let headers = request.headers();
            assert_eq!(request.uri().path_and_query().unwrap().as_str(), wanted);
            assert_eq!(request.uri().host(), Some(host));
            assert_eq!(headers["authorization"], "Bearer canary-token-1");
            assert_eq!(headers["user-agent"], "NONISV|m365mon|m365mon/0");
            assert_eq!(headers["client-request-id"].len(), 36);
            let accept = if rest {
                "application/json;odata=nometadata"
            } else {
                "application/json"
            };
            assert_eq!(headers["accept"], accept);
            json(200, r#"{"value":[]}"#)
        })
        .await;
        let tokens = ScriptedTokens::new([Ok(())], []);
        let report = probe(resource, tokens.clone(), &ca, &origin).await;
        assert_eq!(report.verdict.outcome(), Outcome::Success, "{report:?}");
        assert_eq!(report.exchange.status, Some(200));
        assert!(report.latency().unwrap() > Duration::ZERO);
        assert!(report.exchange.client_request_id.is_some());
        let audience = Audience::sharepoint(host);
        assert_eq!(*tokens.audiences.lock(), [audience]);
    }
}

/// What is asked for exists, and no more than one name or id is asked for.
#[test]
fn requests_are_what_microsoft_describes() {
    let text = include_str!("../../data/graph-v1.0.openapi.json");
    let api: serde_json::Value = serde_json::from_str(text).unwrap();
    let template = |path: &str| match path.split('/').collect::<Vec<_>>()[..] {
        ["", "v1.0", "sites", _, "lists"] => "/sites/{site-id}/lists",
        ["", "v1.0", "sites", host, _, site, "lists"] => {
            assert!(host.ends_with(':') && site.ends_with(':'));
            "/sites/{site-host}:/{site-path}:/lists"
        }
        ["", "v1.0", "me", "messages"] => "/me/messages",
        ["", "v1.0", "users", _, "messages"] => "/users/{user-id}/messages",
        ["", "v1.0", "users", _, "mailFolders", "inbox", "messages"] => {
            "/users/{user-id}/mailFolders/{mailFolder-id}/messages"
        }
        _ => panic!("{path}"),
    };
    for (resource, host, _) in all().iter().filter(|(_, host, _)| *host == GRAPH) {
        let url = resource.kind.request(&resource.account).unwrap().url;
        assert_eq!(url.host_str(), Some(*host));
        let get = &api["paths"][template(url.path())]["get"];
        let parameters = get["parameters"].as_array().unwrap();
        let query: Vec<(&str, &str)> = url
            .query()
            .unwrap()
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .collect();
        assert_eq!(query[1], ("$top", "1"));
        let top = |p: &serde_json::Value| p["$ref"] == "#/components/parameters/top";
        assert!(parameters.iter().any(top));
        let select = parameters.iter().find(|p| p["name"] == "$select").unwrap();
        let selectable = select["schema"]["items"]["enum"].as_array().unwrap();
        assert_eq!(query[0].0, "$select");
        assert!(
            selectable.iter().any(|name| name == query[0].1),
            "{query:?}"
        );
        assert!(["id", "displayName"].contains(&query[0].1));
        assert_eq!(query.len(), 2);
    }
}

#[tokio::test]
async fn what_the_service_says_about_itself() {
    let report = answered(|_, _| {
        let mut answer = json(200, r#"{"value":[{"displayName":"Payroll"}]}"#);
        for (name, value) in [
            ("request-id", "81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f"),
            (
                "x-ms-ags-diagnostic",
                r#"{"ServerInfo":{"DataCenter":"West Europe"}}"#,
            ),
            ("sprequestduration", "42"),
            ("x-sharepointhealthscore", "2"),
            ("ratelimit-limit", "1200"),
            ("ratelimit-remaining", "120"),
            ("ratelimit-reset", "5"),
        ] {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        answer
    })
    .await;
    let id = report.exchange.request_id.unwrap();
    assert_eq!(id.as_str(), "81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f");
    assert_eq!(
        report.exchange.server.latency,
        Some(Duration::from_millis(42))
    );
    let score = Sample::plain(0, 2.0);
    assert_eq!(*report.readings, [score]);
    assert_eq!(
        report.exchange.server.data_center.as_deref(),
        Some("West Europe")
    );
    assert_eq!(report.exchange.server.rate_limit.unwrap().remaining, 120);
    assert_eq!((report.exchange.hold, report.exchange.repeat), (None, None));
}

#[tokio::test]
async fn bodies_of_the_wrong_kind() {
    for (content_type, body, words) in [
        ("text/html", "<html>Payroll</html>", "HTML"),
        ("application/json", "<html>Payroll", "HTML"),
        ("application/json", "", "empty"),
        (
            "application/json",
            r#"{"value":[{"displayName":"Payroll"#,
            "no JSON",
        ),
        (
            "application/json",
            r#"{"displayName":"Payroll"}"#,
            "no list",
        ),
        ("text/plain", r#"{"value":[]}"#, "not declared as JSON"),
    ] {
        let report = answered(move |_, _| {
            let mut answer = json(200, body);
            let value = content_type.parse().unwrap();
            answer.headers_mut().insert("content-type", value);
            answer
        })
        .await;
        assert_eq!(report.verdict.reason(), Some(Reason::BadResponse));
        assert!(report.detail.contains(words), "{}", report.detail);
    }
    let endless = format!(r#"{{"value":["{}"]}}"#, "x".repeat(100_000));
    let report = answered(move |_, _| json(200, &endless)).await;
    assert_eq!(report.verdict.reason(), Some(Reason::BadResponse));
    assert_eq!(report.exchange.broke_in, Some(Phase::Transfer));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (status, body, reason, words) in [
        (
            403,
            r#"{"error":{"code":"accessDenied","message":"ann@contoso.com may not read Payroll"}}"#,
            Reason::Forbidden,
            "403 accessDenied: probably missing: the application permission Sites.Selected of \
             Microsoft Graph, or the grant on this one site",
        ),
        (
            404,
            r#"{"error":{"code":"itemNotFound","message":"Payroll could not be found"}}"#,
            Reason::NotFound,
            "404 itemNotFound: no such site, or it was deleted; check `url`",
        ),
        (
            400,
            r#"{"error":{"code":"invalidRequest","message":"Invalid hostname for this tenancy"}}"#,
            Reason::Rejected,
            "400 invalidRequest: the site's host belongs to another tenant than the account",
        ),
        (
            423,
            "",
            Reason::Locked,
            "423: the site is locked or archived",
        ),
        (
            302,
            "",
            Reason::UnexpectedStatus,
            "302: a redirect, which is not followed with a token; check the URL",
        ),
        (
            502,
            "<html>",
            Reason::ServerError,
            "502: the service fails on its own side",
        ),
    ] {
        let report = answered(move |_, _| json(status, body)).await;
        assert_eq!(report.verdict.reason(), Some(reason));
        assert_eq!(&*report.detail, words);
        assert_eq!(report.exchange.status, Some(status));
    }
}

/// Exchange says "not found" of what a person may not read in another one's
/// mailbox; in the own one, and to an application, it means what it says.
#[tokio::test]
async fn a_missing_right_that_exchange_hides() {
    let of = |user, person| (resource(mailbox_of(user), person), person && user.is_some());
    let watched = [
        of(Some("shared@contoso.com"), true),
        of(None, true),
        of(Some("shared@contoso.com"), false),
    ];
    for (resource, hidden) in watched {
        for (code, hides) in [
            ("ErrorItemNotFound", true),
            ("ErrorFolderNotFound", true),
            ("ResourceNotFound", false),
        ] {
            let body = format!(
                r#"{{"error":{{"code":"{code}","message":"Default folder Root not found."}}}}"#
            );
            let ca = Ca::new();
            let origin = Origin::answering(ca.good(H2), move |_, _| json(404, &body)).await;
            let tokens = ScriptedTokens::new([Ok(())], []);
            let report = probe(resource.clone(), tokens, &ca, &origin).await;
            let (reason, outcome) = if hidden && hides {
                (Reason::Forbidden, Outcome::Inconclusive)
            } else {
                (Reason::NotFound, Outcome::Failure)
            };
            assert_eq!(report.verdict.reason(), Some(reason), "{report:?}");
            assert_eq!(report.verdict.outcome(), outcome, "{report:?}");
            if reason == Reason::Forbidden {
                let right = "Mail.ReadBasic.Shared";
                assert!(report.detail.contains(right), "{}", report.detail);
            }
        }
    }
}

#[tokio::test]
async fn waits_that_are_asked_for() {
    let seconds = Duration::from_secs;
    for (status, reason, hold) in [
        (
            429,
            Reason::Throttled,
            Hold::Gate {
                wait: Some(seconds(31)),
            },
        ),
        (
            503,
            Reason::ServerError,
            Hold::Resource { wait: seconds(31) },
        ),
    ] {
        let report = answered(move |_, _| {
            let mut answer = json(status, "");
            answer
                .headers_mut()
                .insert("retry-after", "31".parse().unwrap());
            answer
        })
        .await;
        assert_eq!(report.verdict.reason(), Some(reason));
        assert_eq!(report.exchange.hold, Some(hold));
        assert!(
            report.detail.ends_with("to come back in 31 s"),
            "{}",
            report.detail
        );
    }
}

#[test]
fn permissions_are_the_least() {
    let names = |kind: Kind, person| {
        let needed = resource(kind, person).permissions();
        assert_eq!(needed.len(), 1);
        assert!(!needed[0].reason.is_empty());
        needed[0].scope()
    };
    let graph = |name: &str| format!("https://{GRAPH}/{name}");
    let sharepoint = |name: &str| format!("https://{HOST}/{name}");
    let (by_graph, by_rest) = (site("/sites/a"), rest_site("/sites/a"));
    assert_eq!(names(by_graph.clone(), true), graph("Sites.Read.All"));
    assert_eq!(names(by_graph, false), graph("Sites.Selected"));
    assert_eq!(names(by_rest.clone(), true), sharepoint("AllSites.Read"));
    assert_eq!(names(by_rest, false), sharepoint("Sites.Selected"));
    assert_eq!(names(mailbox_of(None), true), graph("Mail.ReadBasic"));
    assert_eq!(
        names(mailbox_of(Some("a@b.c")), true),
        graph("Mail.ReadBasic.Shared")
    );
    assert_eq!(
        names(mailbox_of(Some("a@b.c")), false),
        graph("Mail.ReadBasic.All")
    );
}
