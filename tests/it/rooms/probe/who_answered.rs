//! Who answered: what counts only if the service itself said it, whatever the
//! status, the kind and the cloud; and what a token and a wait have to do with it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use m365mon::entra::{AccessToken, ClaimsChallenge};
use m365mon::graph::TokenSource;
use m365mon::http::{BodyEnd, ProbeAnswer, ProbeFailure, ProbeRequest, ProbeTransport};
use m365mon::model::{Account, Exchange, Method, Phases, ProxySetting, Secret};
use parking_lot::Mutex;
use url::Url;

use super::*;

const ID: &str = "81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f";
const BLOCKED: &str = "<html>Blocked</html>";
const SQUID: &[(&str, &str)] = &[("x-squid-error", "ERR_ACCESS_DENIED 0")];
const VIA: &[(&str, &str)] = &[("via", "1.1 proxy.contoso.com (squid/6.6)")];
const SIGNED: &[(&str, &str)] = &[("request-id", ID)];
const BY_ENTRA: &[(&str, &str)] = &[("x-ms-request-id", ID)];
const ACCOUNTS: &str = "
accounts:
  - {name: contoso, cloud: global, &app}
  - {name: gcc_high, cloud: gcc_high, &app}
  - {name: dod, cloud: dod, &app}
  - {name: china, cloud: china, &app}
  - {name: own, cloud: {login_url: \"https://login.contoso.com\", graph_url: \"https://graph.contoso.com\"}, &app}
  - {name: steve, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, delegated: {username: steve@contoso.com}}
";
const APP: &str = "tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, \
                   client_certificate: {certificate_file: c.pem, key_file: k.pem}, \
                   audiences: {\"api://contoso-health\": api.contoso.com}";

/// One resource of an account; `line` is the rest of it.
fn of(account: &str, line: &str) -> Resource {
    let account = match account {
        "" => String::new(),
        account => format!("account: {account}, "),
    };
    let accounts = ACCOUNTS.replace("&app", APP);
    let text = format!("{accounts}resources:\n  - {{name: r, {account}{line}}}\n");
    let none = std::collections::BTreeMap::<String, String>::new();
    let loaded = m365mon::config::parse(&text, Path::new("m365mon.yml"), &none)
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    Resource::clone(&loaded.configuration.resources[0])
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> ProbeAnswer {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    ProbeAnswer {
        status,
        headers,
        body: Bytes::from(body.to_owned()),
        body_end: BodyEnd::Complete,
        exchange: Exchange {
            status: Some(status),
            phases: Some(Phases::default()),
            ..Exchange::default()
        },
    }
}

/// A service that answers by a rule.
struct Ruled<F> {
    rule: F,
    proxied: bool,
    asked: Arc<Mutex<Vec<String>>>,
}

impl<F: Fn(&ProbeRequest) -> ProbeAnswer + Send + Sync> ProbeTransport for Ruled<F> {
    fn send(&self, request: ProbeRequest) -> BoxFuture<'_, Result<ProbeAnswer, Box<ProbeFailure>>> {
        let line = format!("{} {}", request.method.as_str(), request.url);
        self.asked.lock().push(line);
        Box::pin(std::future::ready(Ok((self.rule)(&request))))
    }

    fn is_proxied(&self, _: &Url, _: Option<&ProxySetting>) -> bool {
        self.proxied
    }
}

/// Probes once; the report, and what was asked.
async fn probed(
    resource: &Resource,
    tokens: Arc<dyn TokenSource>,
    proxied: bool,
    rule: impl Fn(&ProbeRequest) -> ProbeAnswer + Send + Sync + 'static,
) -> (Report, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let transport = Ruled {
        rule,
        proxied,
        asked: Arc::clone(&asked),
    };
    let random = Arc::new(SystemRandom::new());
    let prober = TenantProber::new(transport, tokens, Clock::system(), random);
    let report = prober.explained(resource, &Story::untold()).await.0;
    let asked = asked.lock().clone();
    (report, asked)
}

fn tokens() -> Arc<ScriptedTokens> {
    ScriptedTokens::new(std::iter::repeat_n(Ok(()), 20), [])
}

async fn reason(
    resource: &Resource,
    proxied: bool,
    rule: impl Fn(&ProbeRequest) -> ProbeAnswer + Send + Sync + 'static,
) -> Option<Reason> {
    let report = probed(resource, tokens(), proxied, rule).await.0;
    report.verdict.reason()
}

const FILES: &str =
    "kind: file_round_trip, url: https://contoso.sharepoint.com/sites/monitoring, folder: m365mon";
const DOWNLOAD: &str = "https://contoso.sharepoint.com/sites/monitoring/download?tempauth=x";
const DISCOVERY: &str =
    r#"{"issuer":"https://login.contoso.com/t","token_endpoint":"https://login.contoso.com/t"}"#;

/// The round trip of a file as it should be.
fn files(request: &ProbeRequest) -> ProbeAnswer {
    let path = request.url.path();
    match request.method {
        Method::Put => answer(201, &[], r#"{"id":"01AB"}"#),
        Method::Get if path.ends_with("/content") => {
            answer(302, &[("location", DOWNLOAD), ("request-id", ID)], "")
        }
        Method::Get if path.ends_with("/children") => answer(200, &[], r#"{"value":[]}"#),
        _ => answer(204, SIGNED, ""),
    }
}

/// The content of the file is asked for a second time, and told as it was written.
fn round_trip() -> impl Fn(&ProbeRequest) -> ProbeAnswer + Send + Sync + 'static {
    let written = Mutex::new(Bytes::new());
    move |request| {
        if request.method == Method::Put {
            written.lock().clone_from(&request.body);
        }
        if request.url.as_str() == DOWNLOAD {
            let mut file = answer(200, &[], "");
            file.body.clone_from(&written.lock());
            return file;
        }
        files(request)
    }
}

/// A filter's page in the place of the service's: no word on rights, whoever was
/// asked and whether a token went along.
#[tokio::test]
async fn a_page_of_nobody_is_no_refusal() {
    let site =
        |host: &str| format!("kind: sharepoint_site, api: sharepoint, url: https://{host}/sites/a");
    let graph = "kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/a";
    for (account, line) in [
        ("contoso", "kind: sign_in".to_owned()),
        ("gcc_high", "kind: sign_in".to_owned()),
        ("china", "kind: sign_in".to_owned()),
        ("own", "kind: sign_in".to_owned()),
        ("", "kind: endpoint_list".to_owned()),
        ("contoso", site("contoso.sharepoint.com")),
        ("gcc_high", site("contoso.sharepoint.us")),
        ("dod", site("contoso.dps.mil")),
        ("dod", site("contoso.sharepoint-mil.us")),
        ("china", site("contoso.sharepoint.cn")),
        ("own", site("sites.contoso.com")),
        ("gcc_high", graph.to_owned()),
        ("dod", graph.to_owned()),
        ("china", graph.to_owned()),
        ("own", graph.to_owned()),
        (
            "contoso",
            "kind: http_endpoint, url: https://outlook.office365.com/x, \
             scope: https://outlook.office365.com/.default"
                .to_owned(),
        ),
        (
            "",
            "kind: http_endpoint, url: https://login.microsoftonline.us/x".to_owned(),
        ),
    ] {
        let resource = of(account, &line);
        for (headers, proxied, wanted) in [
            (&[][..], false, Reason::BadResponse),
            (&[], true, Reason::Proxy),
            (SQUID, false, Reason::Proxy),
            (VIA, false, Reason::Proxy),
            (SIGNED, false, Reason::Forbidden),
            (BY_ENTRA, true, Reason::Forbidden),
        ] {
            let rule = move |_: &ProbeRequest| answer(403, headers, BLOCKED);
            let found = reason(&resource, proxied, rule).await;
            assert_eq!(
                found,
                Some(wanted),
                "{account} {line} {headers:?} {proxied}"
            );
        }
    }
    // An API of one's own names no signs.
    let own =
        "kind: http_endpoint, url: https://api.contoso.com/x, scope: api://contoso-health/.default";
    for (headers, wanted) in [(&[][..], Reason::Forbidden), (SQUID, Reason::Proxy)] {
        let rule = move |_: &ProbeRequest| answer(403, headers, BLOCKED);
        let found = reason(&of("contoso", own), true, rule).await;
        assert_eq!(found, Some(wanted), "{headers:?}");
    }
}

/// The steps that ask without a token.
#[tokio::test]
async fn nor_is_it_in_the_middle_of_a_probe() {
    let steve = of("steve", "kind: sign_in");
    let back = "http://localhost/?error=login_required";
    for (status, headers, body, wanted) in [
        (302, vec![("location", back)], "", None),
        (
            302,
            vec![("location", "https://wifi.example/signin")],
            "",
            Some(Reason::BadResponse),
        ),
        (
            302,
            vec![("location", "https://elsewhere.example/"), BY_ENTRA[0]],
            "",
            Some(Reason::UnexpectedStatus),
        ),
        (403, vec![], BLOCKED, Some(Reason::BadResponse)),
        (
            200,
            vec![],
            "<html>Zscaler: not allowed</html>",
            Some(Reason::Proxy),
        ),
        (400, SQUID.to_vec(), BLOCKED, Some(Reason::Proxy)),
        (
            400,
            BY_ENTRA.to_vec(),
            "<html>AADSTS700016",
            Some(Reason::Rejected),
        ),
    ] {
        let told = headers.clone();
        let rule = move |request: &ProbeRequest| {
            if request.url.path().ends_with("/authorize") {
                return answer(status, &told, body);
            }
            answer(200, &[], DISCOVERY)
        };
        let found = reason(&steve, false, rule).await;
        assert_eq!(found, wanted, "{status} {headers:?} {body}");
    }
    let resource = of("contoso", FILES);
    assert_eq!(reason(&resource, false, round_trip()).await, None);
    for (proxied, wanted) in [(false, Reason::BadResponse), (true, Reason::Proxy)] {
        let rule = |request: &ProbeRequest| match request.url.as_str() {
            DOWNLOAD => answer(403, &[], BLOCKED),
            _ => files(request),
        };
        assert_eq!(reason(&resource, proxied, rule).await, Some(wanted));
    }
}

/// What a probe can live with is Microsoft's word, not a box's.
#[tokio::test]
async fn a_status_that_is_expected_is_asked_for_its_sender() {
    let apps =
        "kind: app_credentials, applications: {payroll: 11111111-2222-3333-4444-555555555555}";
    let apple = "kind: apple_push_certificate";
    let none = r#"{"error":{"code":"ResourceNotFound","message":"x"}}"#;
    let gone = r#"{"error":{"code":"Request_ResourceNotFound","message":"x"}}"#;
    for (line, headers, body, wanted) in [
        (apps, &[][..], BLOCKED, Some(Reason::BadResponse)),
        (apps, SQUID, gone, Some(Reason::Proxy)),
        (apps, VIA, BLOCKED, Some(Reason::Proxy)),
        (apps, &[], gone, Some(Reason::NotFound)),
        (apps, SIGNED, "", Some(Reason::NotFound)),
        (apple, &[], BLOCKED, Some(Reason::BadResponse)),
        (apple, SQUID, none, Some(Reason::Proxy)),
        (apple, &[], none, None),
        (apple, SIGNED, none, None),
    ] {
        let rule = move |_: &ProbeRequest| answer(404, headers, body);
        let found = reason(&of("contoso", line), false, rule).await;
        assert_eq!(found, wanted, "{line} {headers:?} {body}");
    }
    let resource = of("contoso", FILES);
    for (post, delete, wanted) in [
        (
            (404, &[][..], BLOCKED),
            (204, SIGNED),
            Some(Reason::BadResponse),
        ),
        ((403, VIA, BLOCKED), (204, SIGNED), Some(Reason::Proxy)),
        ((405, SIGNED, ""), (404, &[][..]), Some(Reason::BadResponse)),
        ((405, SIGNED, ""), (404, SIGNED), None),
        ((404, SIGNED, ""), (204, &[]), None),
    ] {
        let good = round_trip();
        let rule = move |request: &ProbeRequest| match request.method {
            Method::Post => answer(post.0, post.1, post.2),
            Method::Delete => answer(delete.0, delete.1, ""),
            _ => good(request),
        };
        let found = reason(&resource, false, rule).await;
        assert_eq!(found, wanted, "{post:?} {delete:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_sign_in_is_one_to_a_known_place() {
    use Reason::{BadResponse, Proxy, Unauthorized, UnexpectedStatus};
    let graph = "kind: http_endpoint, url: https://graph.microsoft.com/v1.0/organization";
    let own =
        "kind: http_endpoint, url: https://api.contoso.com/x, scope: api://contoso-health/.default";
    let bare = "kind: http_endpoint, url: https://www.contoso.com/x";
    let devops = "kind: http_endpoint, url: https://dev.azure.com/contoso, \
                  scope: 499b84ac-1321-427f-aa17-267ca6975798/.default";
    let portal = "https://wifi.example/signin";
    let login = "https://login.microsoftonline.com/common/oauth2/authorize";
    let of_own_cloud = "https://login.contoso.com/t/oauth2/authorize";
    for (account, line, headers, to, wanted) in [
        ("contoso", graph, &[][..], portal, BadResponse),
        ("contoso", graph, SQUID, portal, Proxy),
        ("contoso", graph, VIA, portal, Proxy),
        ("contoso", graph, SIGNED, portal, UnexpectedStatus),
        ("contoso", graph, &[], login, Unauthorized),
        ("contoso", graph, VIA, login, Unauthorized),
        ("contoso", own, &[], portal, UnexpectedStatus),
        ("contoso", own, SQUID, portal, Proxy),
        ("contoso", own, &[], login, Unauthorized),
        ("contoso", own, &[], "/.auth/login/aad", Unauthorized),
        ("contoso", own, &[], "/elsewhere", UnexpectedStatus),
        ("contoso", own, &[], of_own_cloud, UnexpectedStatus),
        ("own", own, &[], of_own_cloud, Unauthorized),
        ("own", own, &[], login, Unauthorized),
        (
            "own",
            own,
            &[],
            "https://login.contoso.com:8443/",
            UnexpectedStatus,
        ),
        ("", bare, &[], portal, UnexpectedStatus),
        ("", bare, VIA, portal, Proxy),
        ("", bare, VIA, "https://www.contoso.com/y", Proxy),
        (
            "contoso",
            devops,
            &[],
            "https://spsprodweu4.vssps.visualstudio.com/_signin?realm=dev.azure.com",
            Unauthorized,
        ),
        (
            "contoso",
            devops,
            &[],
            "https://wifi.example/_signin",
            BadResponse,
        ),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let mut all = headers.to_vec();
            all.push(("location", to));
            let rule = move |_: &ProbeRequest| answer(status, &all, "");
            let found = reason(&of(account, line), false, rule).await;
            assert_eq!(
                found,
                Some(wanted),
                "{account} {line} {status} {headers:?} {to}"
            );
        }
    }
    let html = ("content-type", "text/html");
    for (headers, wanted) in [(vec![html], Unauthorized), (vec![html, SQUID[0]], Proxy)] {
        let rule = move |_: &ProbeRequest| answer(203, &headers, BLOCKED);
        assert_eq!(
            reason(&of("contoso", graph), false, rule).await,
            Some(wanted)
        );
    }
    // What the configuration names counts, whoever answers.
    for status in [302, 403, 404] {
        let line = format!("{graph}, expect_status: [200, {status}]");
        let rule = move |_: &ProbeRequest| {
            let headers = [("location", portal), VIA[0]];
            answer(status, &headers, BLOCKED)
        };
        assert_eq!(
            reason(&of("contoso", &line), true, rule).await,
            None,
            "{status}"
        );
    }
}

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

/// Hands out this token, whatever it is asked for.
struct Always(String);

impl Always {
    fn for_audience(aud: &serde_json::Value) -> Arc<Self> {
        let claims = serde_json::json!({"aud": aud, "appid": CANARY}).to_string();
        Self::token(format!("e30.{}.{CANARY}", URL_SAFE_NO_PAD.encode(claims)))
    }

    fn token(token: String) -> Arc<Self> {
        Arc::new(Self(token))
    }
}

impl TokenSource for Always {
    fn access_token<'a>(
        &'a self,
        _: &'a Account,
        _: &'a Audience,
        _: &'a Story,
    ) -> BoxFuture<'a, Result<AccessToken, TokenProblem>> {
        let token = Secret::new(self.0.clone());
        let token = AccessToken::new(token, Clock::system().moment(), LONG);
        Box::pin(std::future::ready(Ok(token)))
    }

    fn fresh_token<'a>(
        &'a self,
        _: &'a Account,
        _: &'a Audience,
        _: &'a Story,
    ) -> BoxFuture<'a, Result<(), TokenProblem>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn replace_refused<'a>(
        &'a self,
        account: &'a Account,
        audience: &'a Audience,
        _: &'a AccessToken,
        _: Option<ClaimsChallenge>,
        story: &'a Story,
    ) -> BoxFuture<'a, Option<Result<AccessToken, TokenProblem>>> {
        let token = self.access_token(account, audience, story);
        Box::pin(async move { Some(token.await) })
    }
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
        let tokens = Always::for_audience(&aud);
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
        let (_, asked) = probed(
            &of("contoso", own),
            Always::token(token.into()),
            false,
            rule,
        )
        .await;
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
