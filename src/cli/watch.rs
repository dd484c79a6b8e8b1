//! `--config.auto-reload-interval`: reloads when the configuration, or a file
//! of resources, secrets or certificates that it names, holds something else. (The web
//! configuration is watched anyway.)

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::config::digest::{self, FileDigest};
use crate::kinds::Configuration;
use crate::model::{AppCredential, ProxySetting, SecretSource};
use crate::web::Access;

/// Once something changed, how soon to look whether somebody still writes.
const SETTLE: Duration = Duration::from_secs(1);
/// Of each file, in bytes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// What the files that a configuration names were like. To be taken before it
/// is taken over. Blocks.
pub(crate) fn digest_of_named(configuration: &Configuration) -> FileDigest {
    digest::of_files(files(configuration), MOST_BYTES)
}

/// What was read (the configuration and its files of resources), and the files
/// that it names.
pub(crate) type Digests = (FileDigest, FileDigest);

/// What all files hold: those of [`Digests`], and the web configuration with what
/// it names.
pub(crate) type Inputs = [Option<[u8; 32]>; 3];

/// Looks at the files of a configuration.
pub(crate) struct Watch {
    every: Option<Duration>,
    config: PathBuf,
    resource_files: Vec<PathBuf>,
    value_files: Vec<PathBuf>,
    files: Vec<PathBuf>,
    /// What was last acted on.
    known: Digests,
    /// The look before.
    before: Option<Digests>,
    next: Instant,
}

impl Watch {
    /// Begins with `configuration`, whose files had these `digests`. `every`: off if it
    /// is zero. Must be called inside a tokio runtime.
    pub(crate) fn new(
        every: Duration,
        config: &Path,
        digests: Digests,
        configuration: &Configuration,
    ) -> Self {
        Self {
            every: (!every.is_zero()).then_some(every),
            config: config.to_owned(),
            resource_files: configuration.resource_files.clone(),
            value_files: configuration.value_files.clone(),
            files: files(configuration),
            known: digests,
            before: None,
            next: Instant::now(),
        }
    }

    /// Ends when it is time to reload. May be dropped and called again.
    pub(crate) async fn changed(&mut self) {
        let Some(every) = self.every else {
            return std::future::pending().await;
        };
        loop {
            sleep_until(self.next).await;
            let Ok(now) = tokio::task::spawn_blocking(self.look()).await else {
                self.next = Instant::now() + every;
                continue;
            };
            let before = self.before.replace(now);
            let contents = |(config, files): Digests| (config.content, files.content);
            if contents(self.known) == contents(now) {
                self.next = Instant::now() + every;
                continue;
            }
            self.next = Instant::now() + SETTLE.min(every);
            if before == Some(now) {
                self.known = now;
                return;
            }
        }
    }

    /// Reads the files; blocks.
    fn look(&self) -> impl FnOnce() -> Digests + Send + use<> {
        let (config, files) = (self.config.clone(), self.files.clone());
        let (resources, values) = (self.resource_files.clone(), self.value_files.clone());
        move || {
            (
                digest::of_configuration(&config, &resources, &values),
                digest::of_files(&files, MOST_BYTES),
            )
        }
    }

    /// Reads what a reload would read; blocks.
    pub(crate) fn inputs(
        &self,
        access: Option<Arc<Access>>,
    ) -> impl FnOnce() -> Inputs + Send + use<> {
        let look = self.look();
        move || {
            let (config, files) = look();
            let web = access.map(|access| access.look().content);
            [Some(config.content), Some(files.content), web]
        }
    }

    /// A configuration was taken over, whose files had these `digests`.
    pub(crate) fn follow(&mut self, digests: Digests, configuration: &Configuration) {
        self.files = files(configuration);
        self.resource_files
            .clone_from(&configuration.resource_files);
        self.value_files.clone_from(&configuration.value_files);
        self.known = digests;
        self.before = None;
        self.next = Instant::now();
    }
}

/// The files of secrets and certificates that a configuration names. A token
/// of workload identity is none: it changes by nature.
fn files(configuration: &Configuration) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = configuration.http.ca_file.iter().cloned().collect();
    let http = &configuration.http;
    let proxies = http.own_proxies.iter().map(|own| &**own);
    for proxy in std::iter::once(&http.proxy).chain(proxies) {
        if let ProxySetting::File(path) = proxy {
            files.push(path.clone());
        }
    }
    for account in &configuration.accounts {
        match account.app_credential() {
            Some(AppCredential::ClientSecret { secret, .. }) => files.extend(file_of(secret)),
            Some(AppCredential::ClientCertificate {
                certificate_file,
                key_file,
                passphrase,
            }) => {
                files.push(certificate_file.clone());
                files.push(key_file.clone());
                files.extend(passphrase.as_ref().and_then(file_of));
            }
            Some(AppCredential::WorkloadIdentity { .. }) | None => {}
        }
    }
    files.sort();
    files.dedup();
    files
}

fn file_of(secret: &SecretSource) -> Option<PathBuf> {
    match secret {
        SecretSource::File(path) => Some(path.clone()),
        SecretSource::Inline(_) | SecretSource::Environment(_) => None,
    }
}
