//! The HTTP side over real sockets, with a prober that does as it is told.

mod browser;
mod connections;
mod overview;
mod pages;
mod scrape;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use m365mon::config;
use m365mon::kinds::Resource;
use m365mon::metrics::{BuildInfo, Exposition};
use m365mon::model::{Clock, Exchange, Phases, Report, RequestId, Story, SystemRandom, Verdict};
use m365mon::probe::{MayAsk, Prober};
use m365mon::scheduler::Scheduler;
use m365mon::state::State;
use m365mon::web::{App, Bounds, Dependencies, Server, Settings, listen, router};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::support::raw::{Answer, PATIENCE, get};

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
    fn probe(
        &self,
        resource: Arc<Resource>,
        story: Story,
        _may_ask: MayAsk,
        _until: tokio::time::Instant,
    ) -> BoxFuture<'static, Option<Report>> {
        let fake = Arc::clone(&self.0);
        async move {
            fake.began.fetch_add(1, Ordering::SeqCst);
            story.tell(|| format!("asking for {}", resource.name));
            let started = fake.clock.now();
            _ = fake.turns.acquire().await;
            let (verdict, detail) = fake.verdict.lock().clone();
            Some(Report {
                exchange: Exchange {
                    status: Some(200),
                    phases: Some(Phases {
                        processing: Duration::from_millis(250),
                        ..Phases::default()
                    }),
                    request_id: RequestId::parse("5b0e7f4a-0000-4000-8000-000000000001"),
                    client_request_id: RequestId::parse("5b0e7f4a-0000-4000-8000-000000000002"),
                    ..Exchange::default()
                },
                ..Report::without_request(started, fake.clock.now(), verdict, &detail)
            })
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
            operators: vec!["user:alice".parse().unwrap()],
        };
        let external = settings.external_url.clone();
        let exposition = Exposition::new(Arc::clone(&state), BuildInfo::THIS);
        let dependencies = Dependencies {
            state,
            scheduler: Arc::clone(&scheduler),
            exposition,
            reloads: None,
            access: None,
            operator_key: Some(crate::support::operator::key()),
            random: Arc::new(SystemRandom::new()),
        };
        let app = App::new(settings, dependencies);
        app.set_configuration(&loaded.configuration);
        let listeners = listen(&["127.0.0.1:0".into()]).await.unwrap();
        let server = Server::start(listeners, &router(&app), external.as_ref(), bounds, None);
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
