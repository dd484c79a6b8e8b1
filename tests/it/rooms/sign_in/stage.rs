//! The pages with a simulated tenant behind them, and a clock of their own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use m365mon::config::{self, Loaded};
use m365mon::entra::{Consent, TokenStore, Tokens};
use m365mon::http::{Network, SimpleClient};
use m365mon::kinds::{Configuration, Resource};
use m365mon::metrics::{BuildInfo, Exposition};
use m365mon::model::{
    Account, Clock, IgnoreAccounts, Reason, Report, Story, SystemRandom, Verdict,
};
use m365mon::probe::{MayAsk, Prober};
use m365mon::scheduler::Scheduler;
use m365mon::state::State;
use m365mon::web::{App, Authenticated, Bounds, Dependencies, Server, Settings, listen, router};
use m365mon_simulator::clock::AdjustableClock;
use m365mon_simulator::directory::{
    CONFIDENTIAL_CLIENT_ID, DELEGATED_CLIENT_ID, DOMAIN, ResourceApp, Size, TENANT_ID,
};
use m365mon_simulator::{Options, Running, files};
use url::Url;

use super::entra::{Person, Says};
use crate::support::raw::{Answer, request, request_with};

const PASSWORD: &str = "canary-password-7c21";

/// Nothing is probed here.
struct Nobody;

impl Prober for Nobody {
    fn probe(
        &self,
        _: Arc<Resource>,
        _: Story,
        _: MayAsk,
        _: tokio::time::Instant,
    ) -> BoxFuture<'static, Option<Report>> {
        let now = Clock::system().now();
        let verdict = Verdict::Problem(Reason::Internal);
        async move { Some(Report::without_request(now, now, verdict, "")) }.boxed()
    }
}

/// Where the visitors come from.
#[derive(Default)]
pub(super) struct Given<'a> {
    pub(super) external_url: Option<&'a str>,
    /// Everybody is a user of the web configuration.
    pub(super) known: bool,
    /// Put into the configuration of the account.
    pub(super) redirect_url: Option<&'a str>,
    /// A client with a secret, whose redirect URIs are on the web.
    pub(super) confidential: bool,
}

pub(super) struct Stage {
    pub(super) tenant: Running,
    pub(super) clock: AdjustableClock,
    pub(super) app: Arc<App>,
    pub(super) configuration: Configuration,
    pub(super) consent: Consent,
    pub(super) addr: SocketAddr,
    pub(super) folder: tempfile::TempDir,
    _server: Server,
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::given(Given::default()).await
    }

    pub(super) async fn given(given: Given<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tenant = m365mon_simulator::start(Options::default()).await.unwrap();
        let every = Duration::from_secs(60);
        files::write(&tenant, folder.path(), Size::default(), every).unwrap();
        let configuration = load(&tenant, folder.path(), &given).configuration;
        {
            let mut directory = tenant.tenant.directory.write();
            for name in ["steve", "helpdesk"] {
                let user = directory.user_mut(&upn(name)).unwrap();
                user.password = m365mon::model::Secret::new(PASSWORD.to_owned());
            }
        }
        let clock = AdjustableClock::new(Clock::system());
        let state = State::new(clock.clock(), 20);
        state.configure(&configuration);
        let random = Arc::new(SystemRandom::new());
        let scheduler = Scheduler::new(
            Arc::new(Nobody),
            Arc::clone(&state),
            clock.clock(),
            Arc::clone(&random) as _,
        );
        let settings = Settings {
            telemetry_path: "/metrics".into(),
            external_url: given.external_url.map(|url| url.parse().unwrap()),
            timeout_offset: Duration::from_millis(500),
            tls: false,
            operators: vec!["user:alice".parse().unwrap()],
        };
        let external = settings.external_url.clone();
        let dependencies = Dependencies {
            exposition: Exposition::new(Arc::clone(&state), BuildInfo::THIS),
            state,
            scheduler,
            reloads: None,
            access: None,
            operator_key: Some(crate::support::operator::key()),
            random: Arc::new(SystemRandom::new()),
        };
        let app = App::new(settings, dependencies);
        let client = SimpleClient::new(&Network::new(&configuration.http).unwrap()).unwrap();
        let consent = Consent::new(
            client,
            TokenStore::new(&configuration.storage, None),
            clock.clock(),
            Arc::clone(&random) as _,
        );
        app.offer_sign_in(consent.clone());
        app.set_configuration(&configuration);
        let mut router = router(&app);
        if given.known {
            router = router.layer(Extension(Authenticated {
                user: Some("alice".into()),
                ..Authenticated::default()
            }));
        }
        let listeners = listen(&["127.0.0.1:0".into()]).await.unwrap();
        let server = Server::start(
            listeners,
            &router,
            external.as_ref(),
            Bounds::default(),
            None,
        );
        Self {
            addr: server.addresses()[0],
            tenant,
            clock,
            app,
            configuration,
            consent,
            folder,
            _server: server,
        }
    }

    /// The name under which browsers come.
    pub(super) fn localhost(&self) -> String {
        format!("localhost:{}", self.addr.port())
    }

    pub(super) fn account(&self) -> &Arc<Account> {
        let mut accounts = self.configuration.accounts.iter();
        accounts.find(|account| account.person().is_some()).unwrap()
    }

    pub(super) fn person(&self, name: &str) -> Person {
        Person::new(&self.configuration.http, name, PASSWORD)
    }

    /// The tokens of another process with the same store.
    pub(super) fn tokens(&self) -> Arc<Tokens> {
        Tokens::new(
            SimpleClient::new(&Network::new(&self.configuration.http).unwrap()).unwrap(),
            TokenStore::new(&self.configuration.storage, None),
            self.clock.clock(),
            Arc::new(SystemRandom::new()),
            Arc::new(IgnoreAccounts),
        )
    }

    pub(super) async fn signed_in(&self) -> bool {
        self.consent.status(self.account()).await.unwrap().is_some()
    }

    /// Nobody has consented to anything; `allowed` says whether people may.
    pub(super) fn forget_consents(&self, allowed: bool) {
        let mut directory = self.tenant.tenant.directory.write();
        directory.organization_mut(TENANT_ID).unwrap().user_consent = allowed;
        let app = directory.application_mut(DELEGATED_CLIENT_ID).unwrap();
        app.consents.clear();
    }

    /// Consent of helpdesk to all that is wanted.
    pub(super) fn consent_of_helpdesk(&self) {
        let mut directory = self.tenant.tenant.directory.write();
        let id = directory.user(&upn("helpdesk")).unwrap().id.clone();
        let app = directory.application_mut(DELEGATED_CLIENT_ID).unwrap();
        let names = ["Sites.Read.All", "Mail.ReadBasic"];
        app.grant_scopes(Some(&id), ResourceApp::Graph, &names);
    }

    pub(super) async fn get(&self, path: &str, headers: &[&str]) -> Answer {
        let host = format!("host: {}", self.localhost());
        let mut all = vec![host.as_str()];
        all.extend_from_slice(headers);
        request(self.addr, &format!("GET {path}"), &all).await
    }

    /// The token of a form on the account's page.
    pub(super) async fn token(&self, action: &str) -> String {
        let page = self.get(SIGN_IN, &[]).await;
        token_of(page.text(), action)
    }

    /// Sends a form as a browser does.
    pub(super) async fn post(&self, path: &str, headers: &[&str], body: &str) -> Answer {
        let host = format!("host: {}", self.localhost());
        let mut all = vec![host.as_str(), FORM];
        all.extend_from_slice(headers);
        request_with(self.addr, &format!("POST {path}"), &all, body).await
    }

    /// Begins a sign-in with a browser.
    pub(super) async fn begin(&self) -> Begun {
        let body = format!("token={}", self.token("sign-in").await);
        let origin = format!("origin: http://{}", self.localhost());
        let answer = self.post(SIGN_IN, &[&origin], &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Begun::of(&answer)
    }

    /// What the browser brings back from Entra, with these cookies.
    pub(super) async fn come_back(&self, to: &Url, cookie: &str) -> Answer {
        let path = format!("{}?{}", to.path(), to.query().unwrap());
        // As Chromium sends it after Entra's redirect.
        let cookie = format!("cookie: {cookie}");
        let headers = ["sec-fetch-site: cross-site", cookie.as_str()];
        self.get(&path, &headers).await
    }

    /// Begins, and lets somebody sign in at Entra.
    pub(super) async fn sign_in(&self, name: &str, says: Says) -> (Answer, Url, String) {
        let begun = self.begin().await;
        let to = self.person(name).go(&begun.url, says).await;
        let answer = self.come_back(&to, &begun.cookie).await;
        (answer, to, begun.cookie)
    }
}

pub(super) const SIGN_IN: &str = "/accounts/contoso-steve/sign-in";
pub(super) const APPROVAL: &str = "/accounts/contoso-steve/approval";
pub(super) const FORM: &str = "content-type: application/x-www-form-urlencoded";

pub(super) fn upn(name: &str) -> String {
    format!("{name}@{DOMAIN}")
}

pub(super) fn token_of(page: &str, action: &str) -> String {
    let form = page
        .split("<form ")
        .find(|form| form.contains(&format!("/{action}\">")))
        .unwrap_or_else(|| panic!("no form for {action}: {page}"));
    let rest = form.split("name=\"token\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// What the browser got at the beginning.
pub(super) struct Begun {
    /// Where the link leads.
    pub(super) url: String,
    /// The whole header.
    pub(super) set_cookie: String,
    /// `name=value`.
    pub(super) cookie: String,
}

impl Begun {
    pub(super) fn of(answer: &Answer) -> Self {
        let set_cookie = answer.header("set-cookie").unwrap().to_owned();
        let cookie = set_cookie.split(';').next().unwrap().to_owned();
        let link = answer.text().split("rel=\"noreferrer\" href=\"").nth(1);
        let url = link.unwrap().split('"').next().unwrap();
        Self {
            url: url.replace("&#38;", "&"),
            set_cookie,
            cookie,
        }
    }

    pub(super) fn parameter(&self, name: &str) -> String {
        let url = Url::parse(&self.url).unwrap();
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.unwrap().1.into_owned()
    }
}

fn load(tenant: &Running, folder: &Path, given: &Given<'_>) -> Loaded {
    let path = folder.join("m365mon.yml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    if let Some(url) = given.redirect_url {
        let username = upn("steve");
        text = text.replace(
            &format!("{{username: {username}}}"),
            &format!("{{username: {username}, redirect_url: \"{url}\"}}"),
        );
    }
    if given.confidential {
        let directory = tenant.tenant.directory.read();
        let app = directory.application(CONFIDENTIAL_CLIENT_ID).unwrap();
        std::fs::write(folder.join("secret"), app.secrets[0].value.expose()).unwrap();
        text = text.replace(
            &format!("client_id: {DELEGATED_CLIENT_ID}\n"),
            &format!(
                "client_id: {CONFIDENTIAL_CLIENT_ID}\n    \
                 client_secret: {{secret_file: secret, expires: 2099-01-01}}\n"
            ),
        );
    }
    std::fs::write(&path, text).unwrap();
    let none = std::collections::BTreeMap::new();
    config::load(&path, &none).unwrap()
}
