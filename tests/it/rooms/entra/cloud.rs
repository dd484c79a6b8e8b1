//! The simulated Entra behind TLS, with trouble on command.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use m365mon::entra::{Consent, TokenStore, Tokens};
use m365mon::http::{Network, SimpleClient};
use m365mon::model::{
    Account, AppCredential, Audience, Clock, Cloud as ModelCloud, HttpSettings, IgnoreAccounts,
    ResolveOverride, Secret, SecretSource, SignIn, Storage, SystemRandom,
};
use m365mon_simulator::Tenant;
use m365mon_simulator::clock::AdjustableClock;
use m365mon_simulator::directory::{self as contoso, Directory};
use m365mon_simulator::entra;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::support::fixtures;

pub(super) const HOST: &str = "login.microsoftonline.com";

/// What happens to a request instead of an answer.
#[derive(Debug)]
pub(super) enum Trouble {
    Status(u16, &'static str, Option<&'static str>),
    Silence,
}

#[derive(Default)]
struct Shared {
    troubles: Mutex<VecDeque<Trouble>>,
    requests: AtomicUsize,
    arrived: Notify,
}

/// A simulated login host.
pub(super) struct Cloud {
    pub(super) tenant: Arc<Tenant>,
    pub(super) folder: tempfile::TempDir,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Cloud {
    pub(super) async fn start() -> Self {
        let clock = AdjustableClock::new(Clock::system());
        let directory = Directory::contoso(contoso::Size::default(), 7, clock.now());
        let tenant = Tenant::new(clock, 7, directory).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let router = entra::router(Arc::clone(&tenant))
            .layer(from_fn_with_state(Arc::clone(&shared), disturb));
        let acceptor = crate::support::tls::acceptor(&folder.path().join("ca.pem"), &[HOST]);
        tokio::spawn(crate::support::tls::serve(listener, acceptor, router));
        Self {
            tenant,
            folder,
            address,
            shared,
        }
    }

    pub(super) fn trouble(&self, trouble: Trouble) {
        self.shared.troubles.lock().push_back(trouble);
    }

    /// Requests for tokens and codes so far.
    pub(super) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Waits until there were more than so many.
    pub(super) async fn more_requests_than(&self, before: usize) {
        loop {
            let next = self.shared.arrived.notified();
            if self.requests() > before {
                return;
            }
            next.await;
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn client(&self) -> SimpleClient {
        client(self.folder.path(), self.address)
    }

    pub(super) fn store(&self) -> TokenStore {
        store(self.folder.path())
    }

    pub(super) fn tokens(&self, environment: &[(&str, &str)]) -> Arc<Tokens> {
        let var = |name: &str| {
            environment
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Tokens::with_environment(
            self.client(),
            self.store(),
            Clock::system(),
            Arc::new(SystemRandom::new()),
            Arc::new(IgnoreAccounts),
            var,
        )
    }

    pub(super) fn consent(&self) -> Consent {
        Consent::new(
            self.client(),
            self.store(),
            Clock::system(),
            Arc::new(SystemRandom::new()),
        )
    }

    /// The secret of one of Contoso's applications.
    pub(super) fn secret_of(&self, client_id: &str) -> Secret {
        let directory = self.tenant.directory.read();
        directory.application(client_id).unwrap().secrets[0]
            .value
            .clone()
    }

    pub(super) fn app(&self, client_id: &str, credential: AppCredential) -> Account {
        Account {
            client_id: Some(client_id.into()),
            sign_in: SignIn::App(credential),
            ..fixtures::account("contoso")
        }
    }

    pub(super) fn person(&self, client: Option<AppCredential>) -> Account {
        let mut account = steve();
        if client.is_some() {
            account.client_id = Some(contoso::CONFIDENTIAL_CLIENT_ID.into());
        }
        if let SignIn::Delegated { client: place, .. } = &mut account.sign_in {
            *place = client;
        }
        account
    }

    /// A configuration for the command line, with one delegated account.
    pub(super) fn configuration(&self, username: &str) -> PathBuf {
        let path = self.path("m365mon.yml");
        let (address, site) = (self.address, contoso::SHAREPOINT_HOST);
        let text = format!(
            "storage: m365mon.tokens\nstorage_key_file: m365mon.key\n\
             http: {{ca_file: ca.pem, resolve: {{{HOST}: \"{address}\", \
             graph.microsoft.com: \"{address}\", {site}: \"{address}\"}}}}\n\
             accounts:\n  - name: contoso\n    tenant: {}\n    client_id: {}\n    \
             delegated: {{username: {username}}}\n  - name: app\n    tenant: {}\n    \
             client_id: {}\n    client_secret: {{secret: canary-5d1f, expires: 2027-03-01}}\n\
             resources:\n  - {{name: intranet, account: contoso, kind: sharepoint_site, \
             url: \"https://{site}/sites/intranet\"}}\n  - {{name: direct, account: contoso, \
             kind: sharepoint_site, url: \"https://{site}/sites/intranet\", api: sharepoint}}\n",
            contoso::DOMAIN,
            contoso::DELEGATED_CLIENT_ID,
            contoso::DOMAIN,
            contoso::APP_CLIENT_ID,
        );
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A client that trusts the root in `folder` and finds every cloud at `address`.
pub(super) fn client(folder: &Path, address: SocketAddr) -> SimpleClient {
    // The others have no certificate there: they cannot be reached.
    let hosts = [
        HOST,
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
    ];
    let settings = HttpSettings {
        ca_file: Some(folder.join("ca.pem")),
        resolve: hosts
            .into_iter()
            .map(|host| (host.into(), ResolveOverride { address }))
            .collect(),
        ..fixtures::http()
    };
    SimpleClient::new(&Network::new(&settings).unwrap()).unwrap()
}

/// The store in `folder`.
pub(super) fn store(folder: &Path) -> TokenStore {
    TokenStore::new(
        &Storage {
            file: folder.join("m365mon.tokens"),
            key_file: folder.join("m365mon.key"),
        },
        None,
    )
}

/// An account of Contoso's person Steve, for a public client.
pub(super) fn steve() -> Account {
    Account {
        client_id: Some(contoso::DELEGATED_CLIENT_ID.into()),
        ..fixtures::delegated("contoso", &format!("Steve@{}", contoso::DOMAIN))
    }
}

pub(super) fn graph() -> Audience {
    Audience::graph(&ModelCloud::Global)
}

pub(super) const fn inline(secret: Secret) -> AppCredential {
    AppCredential::ClientSecret {
        secret: SecretSource::Inline(secret),
        expires: None,
    }
}

async fn disturb(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if !request.uri().path().contains("/oauth2/v2.0/") {
        return next.run(request).await;
    }
    shared.requests.fetch_add(1, Ordering::SeqCst);
    shared.arrived.notify_waiters();
    let trouble = shared.troubles.lock().pop_front();
    match trouble {
        None => next.run(request).await,
        Some(Trouble::Silence) => std::future::pending().await,
        Some(Trouble::Status(status, body, retry_after)) => {
            let mut response = body.to_owned().into_response();
            *response.status_mut() = status.try_into().unwrap();
            if let Some(wait) = retry_after {
                response
                    .headers_mut()
                    .insert("retry-after", wait.parse().unwrap());
            }
            response
        }
    }
}
