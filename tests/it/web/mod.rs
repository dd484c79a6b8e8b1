//! The HTTP side over real sockets, with a prober that does as it is told.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use m365mon::config;
use m365mon::metrics::{BuildInfo, Exposition};
use m365mon::model::{Clock, Phases, Reason, Report, Resource, Story, SystemRandom, Verdict};
use m365mon::probe::Prober;
use m365mon::scheduler::Scheduler;
use m365mon::state::State;
use m365mon::web::{App, Bounds, Rooms, Server, Settings, listen};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::raw::{Answer, PATIENCE, exchange, get, request};

const CONFIGURATION: &str = r"
labels: {location: amsterdam}
accounts:
  - name: contoso
    tenant: contoso.onmicrosoft.com
    client_id: 11111111-2222-3333-4444-555555555555
    client_secret: {secret: canary-secret}
resources:
  - {name: intranet, account: contoso, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/intranet}
  - {name: scraped, account: contoso, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/s, mode: on_scrape}
  - {name: probed, account: contoso, kind: exchange_mailbox, user: steve@contoso.com, mode: on_probe}
";

/// Answers with what the test put there, when the test lets it.
struct Fake {
    clock: Clock,
    verdict: Mutex<(Verdict, String)>,
    turns: Semaphore,
    began: AtomicUsize,
}

impl Fake {
    fn say(&self, verdict: Verdict, detail: &str) {
        *self.verdict.lock() = (verdict, detail.to_owned());
    }
}

struct Told(Arc<Fake>);

impl Prober for Told {
    fn probe(&self, resource: Arc<Resource>, story: Story) -> BoxFuture<'static, Report> {
        let fake = Arc::clone(&self.0);
        async move {
            fake.began.fetch_add(1, Ordering::SeqCst);
            story.tell(|| format!("asking for {}", resource.name));
            let started = fake.clock.now();
            _ = fake.turns.acquire().await;
            let (verdict, detail) = fake.verdict.lock().clone();
            Report {
                status: Some(200),
                phases: Some(Phases {
                    processing: Duration::from_millis(250),
                    ..Phases::default()
                }),
                ..Report::without_request(started, fake.clock.now(), verdict, &detail)
            }
        }
        .boxed()
    }
}

struct Stage {
    fake: Arc<Fake>,
    app: Arc<App>,
    scheduler: Arc<Scheduler>,
    server: Server,
    addr: SocketAddr,
}

impl Stage {
    async fn new() -> Self {
        Self::with(None, Bounds::default()).await
    }

    async fn with(external_url: Option<&str>, bounds: Bounds) -> Self {
        Self::of(CONFIGURATION, external_url, bounds).await
    }

    async fn of(configuration: &str, external_url: Option<&str>, bounds: Bounds) -> Self {
        let path = Path::new("m365mon.yml");
        let none = std::collections::BTreeMap::new();
        let loaded = config::parse(configuration, path, &none).unwrap();
        let clock = Clock::system();
        let fake = Arc::new(Fake {
            clock: clock.clone(),
            verdict: Mutex::new((Verdict::Success, String::new())),
            turns: Semaphore::new(1000),
            began: AtomicUsize::new(0),
        });
        let state = State::new(clock.clone(), 20);
        state.configure(&loaded.configuration);
        let prober = Arc::new(Told(Arc::clone(&fake)));
        let random = Arc::new(SystemRandom::new());
        let scheduler = Scheduler::new(prober, Arc::clone(&state), clock, random);
        scheduler.configure(&loaded.configuration);
        // Nobody drives it: only what a test asks for is probed.
        let settings = Settings {
            telemetry_path: "/metrics".into(),
            external_url: external_url.map(|url| url.parse().unwrap()),
            timeout_offset: Duration::from_millis(500),
            tls: false,
        };
        let external = settings.external_url.clone();
        let exposition = Exposition::new(Arc::clone(&state), BuildInfo::THIS);
        let rooms = Rooms {
            state,
            scheduler: Arc::clone(&scheduler),
            exposition,
            reloads: None,
            door: None,
        };
        let app = App::new(settings, rooms);
        app.set_configuration(&loaded.configuration);
        let listeners = listen(&["127.0.0.1:0".into()]).await.unwrap();
        let server = Server::start(listeners, &app.router(), external.as_ref(), bounds, None);
        let addr = server.addresses()[0];
        Self {
            fake,
            app,
            scheduler,
            server,
            addr,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        get(self.addr, path).await
    }

    /// Waits until the exposition holds a line.
    async fn shows(&self, line: &str) {
        let shown = async {
            while !self.get("/metrics").await.text().lines().any(|l| l == line) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, shown).await.unwrap();
    }
}

#[tokio::test]
async fn a_scrape_in_both_formats_plain_and_compressed() {
    let stage = Stage::new().await;
    let plain = stage.get("/metrics").await;
    assert_eq!(plain.status, 200);
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(plain.header("content-encoding"), None);
    assert!(
        plain.text().contains("m365mon_build_info{"),
        "{}",
        plain.text()
    );

    let headers = [
        "accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1",
        "accept-encoding: gzip",
    ];
    let packed = request(stage.addr, "GET /metrics", &headers).await;
    assert_eq!(
        packed.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed.body)
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");

    let head = request(stage.addr, "HEAD /metrics", &headers).await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), packed.header("content-type"));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn a_scrape_probes_what_is_at_home_there() {
    let stage = Stage::new().await;
    let text = stage.get("/metrics").await;
    let text = text.text();
    let up = text
        .lines()
        .find(|line| line.starts_with("m365_resource_up{") && line.contains("scraped"));
    assert!(
        up.is_some_and(|line| line.ends_with(" 1") || line.ends_with(" 1.0")),
        "{text}"
    );
    assert!(!text.contains("\"probed\""), "at home in /probe: {text}");
}

#[tokio::test]
async fn a_scrape_waits_for_its_budget_only() {
    let stage = Stage::new().await;
    stage.fake.turns.forget_permits(1000);
    let headers = ["x-prometheus-scrape-timeout-seconds: 0.4"];
    let answer = request(stage.addr, "GET /metrics", &headers).await;
    assert_eq!(answer.status, 200);
    assert!(
        !answer.text().contains("m365_resource_up{"),
        "{}",
        answer.text()
    );
    // Nobody waits any more, but the probe goes on and is recorded.
    stage.fake.turns.add_permits(1000);
    stage
        .shows("m365mon_probes_in_flight{location=\"amsterdam\"} 0")
        .await;
    let answer = stage.get("/metrics").await;
    assert!(
        answer.text().contains("m365_resource_up{"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn bad_timeout_headers_are_refused() {
    let stage = Stage::new().await;
    for path in ["GET /metrics", "GET /probe?resource=probed"] {
        for value in ["ten", "-1", "NaN"] {
            let header = format!("x-prometheus-scrape-timeout-seconds: {value}");
            let answer = request(stage.addr, path, &[&header]).await;
            assert_eq!(answer.status, 400, "{path} {value}");
        }
    }
}

#[tokio::test]
async fn probe_answers_200_whatever_the_outcome() {
    let stage = Stage::new().await;
    for (verdict, success) in [
        (Verdict::Success, Some("probe_success 1")),
        (
            Verdict::Problem(Reason::ServerError),
            Some("probe_success 0"),
        ),
        (Verdict::Problem(Reason::Forbidden), None),
    ] {
        let stage = Stage::new().await;
        stage.fake.say(verdict, "");
        for path in ["/probe?resource=probed", "/probe?target=intranet&x=y"] {
            let answer = stage.get(path).await;
            assert_eq!(answer.status, 200);
            let text = answer.text();
            let line = text.lines().find(|line| line.starts_with("probe_success"));
            let line = line.map(|line| {
                line.replace("{location=\"amsterdam\"}", "")
                    .replace(".0", "")
            });
            assert_eq!(line.as_deref(), success, "{text}");
            assert_eq!(
                text.contains("m365_resource_interval_seconds"),
                path.contains("probed"),
                "{text}"
            );
        }
    }
    assert_eq!(stage.get("/probe").await.status, 400);
    assert_eq!(stage.get("/probe?resource=").await.status, 400);
    let unknown = stage.get("/probe?resource=intranett").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.text(),
        "unknown resource \"intranett\", did you mean \"intranet\"?\n"
    );
    let long = stage
        .get(&format!("/probe?resource={}", "x".repeat(4000)))
        .await;
    assert_eq!(long.status, 404);
    assert!(long.body.len() < 300);
}

#[tokio::test]
async fn debug_tells_the_story_to_somebody_here() {
    let stage = Stage::new().await;
    stage
        .fake
        .say(Verdict::Problem(Reason::Locked), "the site is locked");
    let answer = stage.get("/probe?resource=intranet&debug=true").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let text = answer.text();
    for part in ["asking for intranet", "probe_success", "probe_success"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let headers = ["host: exporter.contoso.com:10365"];
    let answer = request(
        stage.addr,
        "GET /probe?resource=intranet&debug=true",
        &headers,
    )
    .await;
    assert_eq!(answer.status, 403);
    assert!(!answer.text().contains("asking for"));
}

#[tokio::test]
async fn discovery_lists_what_probe_is_the_home_of() {
    let stage = Stage::new().await;
    let answer = stage.get("/sd").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let list: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        list,
        serde_json::json!([{
            "targets": [stage.addr.to_string()],
            "labels": {
                "__metrics_path__": "/probe", "__scheme__": "http",
                "__param_resource": "probed", "instance": "probed",
                "__meta_m365_account": "contoso", "__meta_m365_kind": "exchange_mailbox",
            },
        }])
    );
    let host = ["host: exporter:10365"];
    let answer = request(stage.addr, "GET /sd", &host).await;
    assert!(answer.text().contains("\"targets\":[\"exporter:10365\"]"));
    let answer = request(stage.addr, "GET /sd", &["host: a\"b"]).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn everything_is_served_under_the_external_path_as_well() {
    let url = "https://monitor.contoso.com/m365/";
    let stage = Stage::with(Some(url), Bounds::default()).await;
    let answer = stage.get("/m365/sd").await;
    let list: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(list[0]["targets"][0], "monitor.contoso.com");
    assert_eq!(list[0]["labels"]["__scheme__"], "https");
    assert_eq!(list[0]["labels"]["__metrics_path__"], "/m365/probe");
    for path in [
        "/m365",
        "/m365/",
        "/m365/metrics",
        "/metrics",
        "/m365/-/healthy",
    ] {
        assert_eq!(stage.get(path).await.status, 200, "{path}");
    }
    assert_eq!(stage.get("/m365x/metrics").await.status, 404);
    // Behind a proxy nobody is at this machine.
    let page = stage.get("/").await;
    assert!(!page.text().contains("intranet"));
    assert!(
        page.text().contains("href=\"/m365/metrics\""),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn the_page_shows_names_only_to_somebody_here() {
    let stage = Stage::new().await;
    stage.fake.say(
        Verdict::Problem(Reason::BadResponse),
        "<script>alert('x')</script>",
    );
    stage.get("/metrics").await;
    let page = stage.get("/").await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let text = page.text();
    for part in [
        "intranet",
        "scraped",
        "probed",
        "bad_response",
        "1 down",
        "2 unknown",
        "/accounts/contoso",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script>"), "{text}");
    assert!(text.contains("&lt;script&gt;"), "{text}");

    let strangers = [
        "host: exporter.contoso.com",
        "host: localhost\r\nx-forwarded-for: 192.0.2.1",
        "host: localhost\r\nforwarded: for=192.0.2.1",
    ];
    for headers in strangers {
        let page = request(stage.addr, "GET /", &[headers]).await;
        assert_eq!(page.status, 200);
        assert!(!page.text().contains("intranet"), "{headers}");
        assert!(page.text().contains("/metrics"), "{headers}");
    }
    let style = stage.get("/assets/style.css").await;
    assert_eq!(
        style.header("content-type"),
        Some("text/css; charset=utf-8")
    );
}

#[tokio::test]
async fn pages_and_json_of_one_and_of_all() {
    let stage = Stage::new().await;
    stage
        .fake
        .say(Verdict::Problem(Reason::Locked), "<b>locked</b>");
    stage.get("/metrics").await;

    let page = stage.get("/resources/scraped").await;
    assert_eq!(page.status, 200);
    for part in [
        "<h1>scraped",
        "failure: locked",
        "&lt;b&gt;locked",
        "Sites.Selected",
        "/accounts/contoso",
    ] {
        assert!(page.text().contains(part), "{part} in {}", page.text());
    }
    let page = stage.get("/accounts/contoso").await;
    assert_eq!(page.status, 200);
    for part in [
        "<h1>contoso",
        "client_secret",
        "/resources/probed",
        "Mail.ReadBasic",
    ] {
        assert!(page.text().contains(part), "{part} in {}", page.text());
    }
    assert_eq!(stage.get("/resources/scrapedd").await.status, 404);
    assert_eq!(stage.get("/resources/%3Cb%3E").await.status, 404);
    assert_eq!(stage.get("/accounts/nobody").await.status, 404);
    let found = stage.get("/?state=down&q=SCRAPED").await;
    assert!(found.text().contains("/resources/scraped"));
    assert!(!found.text().contains("/resources/intranet"));

    let all: serde_json::Value =
        serde_json::from_slice(&stage.get("/api/v1/resources").await.body).unwrap();
    let all = all["resources"].as_array().unwrap();
    assert_eq!(all.len(), 3);
    let scraped = &all[1];
    assert_eq!(scraped["name"], "scraped");
    assert_eq!(scraped["state"], "down");
    assert_eq!(scraped["problem"]["reason"], "locked");
    assert_eq!(scraped["probes"]["failure"], 1);
    assert_eq!(scraped["labels"]["location"], "amsterdam");
    assert!(scraped.get("history").is_none());
    let ticks = &scraped["ticks"];
    assert_eq!(ticks["due"], ticks["reported"], "{ticks}");
    assert_eq!(ticks["skipped"], 0);
    let one = stage.get("/api/v1/resources?resource=scraped").await;
    let one: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
    assert_eq!(one["resources"][0]["history"][0]["outcome"], "failure");
    assert_eq!(
        one["resources"][0]["permissions"][0]["name"],
        "Sites.Selected"
    );
    assert_eq!(stage.get("/api/v1/resources?resource=x").await.status, 404);
    let accounts = stage.get("/api/v1/accounts").await;
    let accounts: serde_json::Value = serde_json::from_slice(&accounts.body).unwrap();
    assert_eq!(accounts["accounts"][0]["credential"], "client_secret");
    assert_eq!(accounts["accounts"][0]["resources"][2], "probed");

    let config = stage.get("/config").await;
    assert!(config.text().contains("<secret>"), "{}", config.text());
    assert!(!config.text().contains("canary-secret"));

    let private = [
        "/resources/scraped",
        "/accounts/contoso",
        "/api/v1/resources",
        "/api/v1/accounts",
        "/config",
        "/resources/unknown",
    ];
    for path in private {
        let answer = request(
            stage.addr,
            &format!("GET {path}"),
            &["host: exporter.contoso.com"],
        )
        .await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(!answer.text().contains("steve"), "{path}");
    }
}

#[tokio::test]
async fn a_thousand_resources_stay_readable() {
    let mut text = CONFIGURATION.to_owned();
    for number in 0..1000 {
        text.push_str(&format!(
            "  - {{name: site-{number}, account: contoso, kind: sharepoint_site, \
             url: https://contoso.sharepoint.com/sites/{number}, mode: on_probe}}\n"
        ));
    }
    let stage = Stage::of(&text, None, Bounds::default()).await;
    let page = stage.get("/").await;
    assert_eq!(page.text().matches("<tr>").count(), 1003 + 1 + 2);
    let page = stage.get("/?q=site-99").await;
    assert_eq!(page.text().matches("/resources/site-").count(), 11);
}

#[tokio::test]
async fn reloading_is_off_unless_asked_for() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/-/reload").await.status, 405);
    let answer = request(stage.addr, "POST /-/reload", &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("--web.enable-lifecycle"));
}

#[tokio::test]
async fn health_and_readiness() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/-/ready").await.status, 503);
    stage.app.set_ready();
    assert_eq!(stage.get("/-/ready").await.status, 200);
    assert_eq!(stage.get("/-/healthy").await.status, 200);
    tokio::spawn(Arc::clone(&stage.scheduler).run());
    stage.scheduler.shutdown(Duration::ZERO).await;
    let ended = async {
        while stage.get("/-/healthy").await.status != 503 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
}

#[tokio::test]
async fn requests_are_counted_by_a_bounded_name() {
    let stage = Stage::new().await;
    for path in ["/x", "/y?z", "/-/nothing", "/metrics/"] {
        assert_eq!(stage.get(path).await.status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let answer = request(stage.addr, &format!("{method} /sd"), &[]).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    }
    stage.get("/metrics").await;
    let answer = stage.get("/metrics").await;
    let lines: Vec<&str> = answer
        .text()
        .lines()
        .filter(|line| line.starts_with("m365mon_http_requests_total{"))
        .collect();
    let counted = |handler: &str, code: &str, count: &str| {
        let handler = format!("handler=\"{handler}\"");
        let code = format!("code=\"{code}\"");
        lines
            .iter()
            .any(|l| l.contains(&handler) && l.contains(&code) && l.ends_with(&format!(" {count}")))
    };
    assert!(counted("other", "404", "4"), "{lines:#?}");
    assert!(counted("/sd", "405", "5"), "{lines:#?}");
    assert!(counted("/metrics", "200", "1"), "{lines:#?}");
    assert_eq!(lines.len(), 3, "{lines:#?}");
}

#[tokio::test]
async fn bad_http_hurts_nobody() {
    let stage = Stage::new().await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"hello\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
    ] {
        let answer = exchange(stage.addr, garbage).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() || text.starts_with("HTTP/1.1 4"),
            "{garbage:?}: {text}"
        );
    }
    let mut long = b"GET /metrics HTTP/1.1\r\nhost: x\r\nx: ".to_vec();
    long.resize(10 * 1024 * 1024, b'a');
    let answer = exchange(stage.addr, &long).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || text.starts_with("HTTP/1.1 431"),
        "{text}"
    );
    let mut many = b"GET /metrics HTTP/1.1\r\nhost: x\r\n".to_vec();
    for number in 0..2000 {
        many.extend_from_slice(format!("h{number}: x\r\n").as_bytes());
    }
    many.extend_from_slice(b"\r\n");
    let answer = exchange(stage.addr, &many).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || text.starts_with("HTTP/1.1 431"),
        "{text}"
    );
    let query = format!("/probe?resource={}", "%41".repeat(100_000));
    assert!(matches!(
        exchange(
            stage.addr,
            format!("GET {query} HTTP/1.1\r\n\r\n").as_bytes()
        )
        .await
        .get(9..12),
        None | Some(b"431" | b"414" | b"400")
    ));
    assert_eq!(stage.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_header_that_trickles_in_is_cut_off() {
    let bounds = Bounds {
        header_patience: Duration::from_millis(200),
        ..Bounds::default()
    };
    let stage = Stage::with(None, bounds).await;
    let answer = exchange(stage.addr, b"GET /metrics HTTP/1.1\r\nhost:").await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"));
}

#[tokio::test]
async fn idle_connections_give_way() {
    let bounds = Bounds {
        connections: 8,
        ..Bounds::default()
    };
    let stage = Stage::with(None, bounds).await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(stage.addr).await.unwrap();
        _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nho").await;
        idle.push(stream);
    }
    assert_eq!(stage.get("/metrics").await.status, 200);
    // The first ones were closed.
    let closed = tokio::time::timeout(PATIENCE, idle[0].read(&mut [0; 1])).await;
    assert!(matches!(closed.unwrap(), Ok(0) | Err(_)));
}

#[tokio::test]
async fn busy_connections_are_left_alone() {
    let bounds = Bounds {
        connections: 1,
        ..Bounds::default()
    };
    let stage = Stage::with(None, bounds).await;
    stage.fake.turns.forget_permits(1000);
    let addr = stage.addr;
    let busy = tokio::spawn(async move { get(addr, "/probe?resource=probed").await });
    let began = async {
        while stage.fake.began.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.unwrap();
    let waiting = tokio::spawn(async move { get(addr, "/-/healthy").await });
    stage.fake.turns.add_permits(1000);
    assert_eq!(busy.await.unwrap().status, 200);
    assert_eq!(waiting.await.unwrap().status, 200);
}

#[tokio::test]
async fn stopping_lets_answers_end() {
    let stage = Stage::new().await;
    stage.fake.turns.forget_permits(1000);
    let addr = stage.addr;
    let busy = tokio::spawn(async move { get(addr, "/probe?resource=probed").await });
    let idle = TcpStream::connect(addr).await.unwrap();
    let began = async {
        while stage.fake.began.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.unwrap();
    let stop = stage.server.stop(PATIENCE);
    let release = async { stage.fake.turns.add_permits(1000) };
    tokio::join!(stop, release);
    assert_eq!(busy.await.unwrap().status, 200);
    assert!(TcpStream::connect(addr).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let stage = Stage::new().await;
    stage.fake.turns.forget_permits(1000);
    let addr = stage.addr;
    let request = format!("GET /probe?resource=probed HTTP/1.1\r\nhost: {addr}\r\n\r\n");
    let busy = tokio::spawn(async move { exchange(addr, request.as_bytes()).await });
    let began = async {
        while stage.fake.began.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.unwrap();
    let stop = stage.server.stop(Duration::from_millis(10));
    tokio::time::timeout(PATIENCE, stop).await.unwrap();
    assert!(busy.await.unwrap().is_empty());
}
