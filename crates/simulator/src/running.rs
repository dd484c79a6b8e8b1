//! Starting a simulated tenant and stopping it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::AdjustableClock;
use super::directory::{Directory, Size};
use super::front::listen::{self, Listeners};
use super::front::{Authority, AuthorityError, Front};
use super::scenario::Scenario;
use super::tokens::KeyError;
use super::{Tenant, control};
use m365mon_base::Clock;

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// TLS: Entra, Graph and SharePoint. Port 0 for any free one, here and below.
    pub listen: SocketAddr,
    /// The CONNECT proxy.
    pub proxy_listen: SocketAddr,
    /// The control endpoint; must be loopback, it asks for no password.
    pub control_listen: SocketAddr,
    /// The metadata service of managed identities, plain HTTP.
    pub metadata_listen: SocketAddr,
    /// Where the certificate authority is kept; a new one for each run without.
    pub authority_dir: Option<PathBuf>,
    /// One for every host instead of one for each: a chain, the authority last,
    /// and the private key of its first, as PEM.
    pub certificate: Option<(String, String)>,
    /// What exists; Contoso of `size` without.
    pub directory: Option<Directory>,
    /// How much of it. With any, SharePoint's limit is off: no tenant of the
    /// smallest tier is watched with a thousand probes a minute.
    pub size: Size,
    /// What happens.
    pub scenario: Option<Scenario>,
    /// How many times as fast.
    pub speed: f64,
    /// Of ids, secrets and jitter.
    pub seed: u64,
    /// The clock that the tenant's own is set against.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: any,
            proxy_listen: any,
            control_listen: any,
            metadata_listen: any,
            authority_dir: None,
            certificate: None,
            directory: None,
            size: Size::default(),
            scenario: None,
            speed: 1.0,
            seed: 1,
            clock: Clock::system(),
        }
    }
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken, most likely.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The control endpoint lets anyone do anything.
    #[error("the control endpoint must be on loopback, not on {0}")]
    OpenControl(SocketAddr),
    /// No certificates.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// No tokens.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A running tenant. Dropping it stops it as well, without waiting.
#[derive(Debug)]
pub struct Running {
    /// The TLS listener.
    pub addr: SocketAddr,
    /// The CONNECT proxy.
    pub proxy_addr: SocketAddr,
    /// The control endpoint.
    pub control_addr: SocketAddr,
    /// The metadata service.
    pub metadata_addr: SocketAddr,
    /// The certificate to trust.
    pub ca_pem: String,
    /// Its state, for tests and the demo.
    pub tenant: Arc<Tenant>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let fail = |error| StartError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((listener, bound))
}

/// Starts a tenant; ready when this returns.
pub async fn start(options: Options) -> Result<Running, StartError> {
    if !options.control_listen.ip().is_loopback() {
        return Err(StartError::OpenControl(options.control_listen));
    }
    // The certificates are checked against the client's clock, not the tenant's.
    let year = i32::from(options.clock.now().to_zoned(jiff::tz::TimeZone::UTC).year());
    let authority = match (&options.certificate, &options.authority_dir) {
        (Some((chain, key)), _) => Authority::new(year)?.showing(chain, key)?,
        (None, Some(dir)) => Authority::kept_in(dir, year)?,
        (None, None) => Authority::new(year)?,
    };
    let clock = AdjustableClock::new(options.clock);
    let directory = options
        .directory
        .unwrap_or_else(|| Directory::contoso(options.size, options.seed, clock.now()));
    let tenant = Tenant::new(clock, options.seed, directory)?;
    if options.size != Size::default() {
        tenant.throttle.set_limit(0);
    }

    let (tls, addr) = bind(options.listen).await?;
    let (proxy, proxy_addr) = bind(options.proxy_listen).await?;
    let (control, control_addr) = bind(options.control_listen).await?;
    let (metadata, metadata_addr) = bind(options.metadata_listen).await?;

    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let ca_pem = authority.pem().to_owned();
    let doors = Arc::new(Listeners {
        front: Front::new(Arc::clone(&tenant)),
        authority,
        stop: stop.clone(),
        tasks: tasks.clone(),
        connections: AtomicU64::new(0),
    });
    tasks.spawn(listen::tls(Arc::clone(&doors), tls));
    tasks.spawn(listen::proxy(Arc::clone(&doors), proxy));
    tasks.spawn(listen::metadata(doors, metadata));
    let routes = control::router(Arc::clone(&tenant), ca_pem.clone());
    let stopped = stop.clone().cancelled_owned();
    tasks.spawn(async move {
        let serving = axum::serve(control, routes).with_graceful_shutdown(stopped);
        if let Err(error) = serving.await {
            tracing::warn!(%error, "the control endpoint ended");
        }
    });
    if let Some(scenario) = options.scenario {
        let (tenant, stop, speed) = (Arc::clone(&tenant), stop.clone(), options.speed);
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = scenario.run(tenant, speed) => {}
            }
        });
    }
    tasks.close();
    Ok(Running {
        addr,
        proxy_addr,
        control_addr,
        metadata_addr,
        ca_pem,
        tenant,
        stop,
        tasks,
    })
}

impl Running {
    /// Stops listening, ends all connections and waits until everything has
    /// ended; at most five seconds.
    pub async fn shutdown(self) {
        const MOST: Duration = Duration::from_secs(5);
        self.stop.cancel();
        _ = tokio::time::timeout(MOST, self.tasks.wait()).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
