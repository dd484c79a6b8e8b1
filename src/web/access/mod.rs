//! Access: `--web.config.file` at work. TLS, who may come in, how many at
//! once, and what every answer carries.
//!
//! The file is read again every second and whenever the configuration is
//! reloaded; what it and the files that it names hold takes effect without a
//! restart, once nobody wrote to them between two looks. A file that is broken
//! while we run changes nothing: the last good one goes on, the log and
//! `m365mon_config_last_reload_successful` say so. (The exporter-toolkit
//! answers 500 instead, so that half a rotation costs scrapes.) Three things
//! a running exporter does not do, for a truncated file would ask for them:
//! switch TLS off or on, ask clients for less than before, and take an empty
//! file.
//!
//! Promises: what passes was asked for everything the file demands, in the
//! order rate limit, client certificate, password; bcrypt never runs on an
//! async thread; no complaint, log line or page holds a password, hash or key.

mod client;
mod contents;
mod demands;
mod passwords;
mod rate;
mod request;
mod tls;
mod turns;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::demands::Demands;
use self::passwords::{Passwords, Users};
use self::rate::Bucket;
pub(super) use self::request::authenticate;
#[cfg(any(test, fuzzing))]
pub(super) use self::request::credentials;
pub(super) use self::tls::ServerTls;
use crate::config::Diagnostic;
use crate::config::digest::FileDigest;
use crate::config::web::{PemSource, TlsServer, WebFile};
use crate::files;
use crate::model::Random;

/// Between two looks at the files.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Between two warnings about passwords that do not fit.
const QUIET: Duration = Duration::from_secs(10);

/// What the web configuration says, checked together with the files that it
/// names and ready to be taken over.
pub struct WebConfig {
    tls: Option<Arc<ServerTls>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    users: Users,
    bucket: Option<Bucket>,
    is_empty: bool,
    demands: Demands,
    warnings: Vec<Diagnostic>,
    from: FileDigest,
}

impl WebConfig {
    /// Reads and checks a file and what it names; blocks. With
    /// `health_without_auth` clients without a certificate get through the
    /// handshake, for health alone.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its place.
    pub fn load(path: &Path, health_without_auth: bool) -> Result<Self, Vec<Diagnostic>> {
        Self::of(contents::look(path), health_without_auth)
    }

    fn of(look: contents::Look, health_without_auth: bool) -> Result<Self, Vec<Diagnostic>> {
        let web = look.web?;
        let demands = Demands::of(&web);
        let WebFile {
            tls,
            http2,
            headers,
            users,
            rate_limit,
            is_empty,
            mut warnings,
        } = web;
        warnings.extend(tls.as_ref().and_then(readable_key));
        let tls = tls
            .map(|tls| tls::tls(&tls, http2, health_without_auth, &look.contents))
            .transpose()?
            .map(Arc::new);
        let headers = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
            .collect();
        Ok(Self {
            tls,
            headers,
            users: Users::new(&users),
            bucket: rate_limit.map(Bucket::new),
            is_empty,
            demands,
            warnings,
            from: look.seen,
        })
    }

    /// What works but is probably not meant.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// True if it has TLS.
    #[must_use]
    pub const fn has_tls(&self) -> bool {
        self.tls.is_some()
    }
}

/// The warning about a private key that every user of this machine may read.
fn readable_key(tls: &TlsServer) -> Option<Diagnostic> {
    let key = &tls.key;
    let here = key.place.diagnostic(String::new()).file;
    let file = match &key.source {
        PemSource::File(file) => file,
        // It stands in the web configuration itself.
        PemSource::Text(_) => Path::new(&*here),
    };
    files::readable_by_everyone(file).then(|| {
        let shown = files::shown(file);
        let message = format!("every user of this machine may read {shown}: `chmod o-r` it");
        key.place.diagnostic(message)
    })
}

/// Who may come in to a running server, and how.
pub struct Access {
    path: PathBuf,
    health_without_auth: bool,
    now: ArcSwap<WebConfig>,
    passwords: Passwords,
    /// When a wrong password was last complained about, and how many since.
    wrong: Mutex<(Option<Instant>, u64)>,
    /// The last look that was acted on or complained about.
    seen: Mutex<FileDigest>,
}

impl Access {
    /// With what was loaded from `path`.
    #[must_use]
    pub fn new(
        path: &Path,
        health_without_auth: bool,
        config: WebConfig,
        random: &dyn Random,
    ) -> Arc<Self> {
        let seen = Mutex::new(config.from);
        Arc::new(Self {
            path: path.to_owned(),
            health_without_auth,
            now: ArcSwap::from_pointee(config),
            passwords: Passwords::new(random),
            wrong: Mutex::default(),
            seen,
        })
    }

    /// What the file and those that it names hold now; blocks.
    #[must_use]
    pub fn look(&self) -> FileDigest {
        contents::look(&self.path).seen
    }

    /// Reads the file again, without taking it over; blocks.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, or what a running server does not do.
    pub fn load(&self) -> Result<WebConfig, Vec<Diagnostic>> {
        let look = contents::look(&self.path);
        *self.seen.lock() = look.seen;
        self.acceptable(look)
    }

    fn acceptable(&self, look: contents::Look) -> Result<WebConfig, Vec<Diagnostic>> {
        let next = WebConfig::of(look, self.health_without_auth)?;
        let now = self.now.load();
        let refuse = |message: &str| {
            Err(vec![Diagnostic {
                file: self.path.display().to_string().into(),
                line: 0,
                column: 0,
                message: message.to_owned(),
            }])
        };
        if next.is_empty && !now.is_empty {
            return refuse(
                "the file is empty; what is running does not give up its TLS or its users for \
                 that, a restart does",
            );
        }
        if let Some(what) = now.demands.given_up_by(next.demands) {
            return refuse(&format!(
                "the file has {what} no more, as if it had been cut short; what is running does \
                 not let in whom it kept out for that, a restart does"
            ));
        }
        match (now.has_tls(), next.has_tls()) {
            (true, false) => refuse("TLS is not switched off while running; restart for that"),
            (false, true) => refuse("TLS is not switched on while running; restart for that"),
            _ => Ok(next),
        }
    }

    /// Takes over what was loaded; nothing happens if nothing changed.
    pub fn take(&self, mut next: WebConfig) {
        let now = self.now.load_full();
        if now.from.content == next.from.content {
            return;
        }
        // A bucket that says the same stays as empty as it is.
        if let (Some(old), Some(new)) = (&now.bucket, &mut next.bucket)
            && old.limit() == new.limit()
        {
            new.continue_from(old);
        }
        self.now.store(Arc::new(next));
        if let Some(tls) = &now.tls {
            tls.retired.cancel();
        }
    }

    /// Looks at the files again and again, for ever. `told` hears of each
    /// change, whether it was taken over.
    pub async fn watch(self: Arc<Self>, told: impl Fn(bool)) {
        let mut ticks = interval_at(Instant::now() + LOOK_AGAIN, LOOK_AGAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut before = None;
        loop {
            ticks.tick().await;
            let path = self.path.clone();
            let Ok(look) = tokio::task::spawn_blocking(move || contents::look(&path)).await else {
                continue;
            };
            // Not while somebody writes.
            let settled = before == Some(look.seen);
            before = Some(look.seen);
            if settled && self.seen.lock().content != look.seen.content {
                *self.seen.lock() = look.seen;
                told(self.changed(look));
            }
        }
    }

    fn changed(&self, look: contents::Look) -> bool {
        match self.acceptable(look) {
            Ok(next) => {
                for warning in next.warnings() {
                    tracing::warn!("{warning}");
                }
                self.take(next);
                tracing::info!("web configuration reloaded");
                true
            }
            Err(complaints) => {
                for complaint in complaints {
                    tracing::error!("{complaint}");
                }
                tracing::error!("web configuration not reloaded, the old one goes on");
                false
            }
        }
    }

    /// True if connections begin with a handshake.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.now.load().has_tls()
    }

    /// True if nobody gets in without a password or a certificate.
    #[must_use]
    pub fn asks_everybody(&self) -> bool {
        let now = self.now.load();
        !now.users.is_empty() || now.tls.as_ref().is_some_and(|tls| tls.asks_everybody())
    }

    /// TLS as it is now, for one connection.
    pub(super) fn tls(&self) -> Option<Arc<ServerTls>> {
        self.now.load().tls.clone()
    }

    /// Somebody came with a password that does not fit: a line in the log, but
    /// not one each.
    fn wrong_password(&self, peer: SocketAddr) {
        let mut wrong = self.wrong.lock();
        let (last, more) = &mut *wrong;
        if last.is_some_and(|last| last.elapsed() < QUIET) {
            *more += 1;
            return;
        }
        let more_before = std::mem::take(more);
        *last = Some(Instant::now());
        drop(wrong);
        // Not the name: people type passwords there.
        tracing::warn!(peer = %peer.ip(), more_before, "a user name and password that do not fit");
    }
}
