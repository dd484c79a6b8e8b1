//! The files that a configuration names, opened as the exporter opens them:
//! `check-config` and `serve` find the same things wrong.

use std::path::Path;

use crate::config::{Diagnostic, Loaded, SourcePlace};
use crate::entra::{CredentialFault, Part, check_credential, check_key_file};
use crate::files::{missing, readable_by_everyone, shown};
use crate::http::{Network, NetworkError, proxy_in};
use crate::kinds::Configuration;
use crate::model::{Account, AppCredential, Clock, ProxySetting, SecretSource, SystemRandom};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct FileFindings {
    /// Without which nothing is sent: `http` and the environment's proxy.
    pub(crate) network: Option<Diagnostic>,
    /// Without which an account gets no token.
    pub(crate) accounts: Vec<Diagnostic>,
    /// What works and should not be so.
    pub(crate) warnings: Vec<Diagnostic>,
    /// How many files are not there, of which the configuration warns.
    pub(crate) absent: usize,
}

/// Opens everything; blocks. What is not there is none of it: the configuration
/// warns about that, and it may come yet.
pub(crate) fn check(path: &Path, loaded: &Loaded) -> FileFindings {
    let whole = SourcePlace::whole(path);
    let configuration = &loaded.configuration;
    let mut findings = FileFindings {
        network: network(configuration).map(|error| {
            let place = match &error {
                NetworkError::Roots { .. } => loaded.places.find(None, &["ca_file"]),
                NetworkError::ProxyUrl => loaded.places.find(None, &["proxy_url"]),
                NetworkError::ProxyFile { .. } => loaded.places.find(None, &["proxy_url_file"]),
                _ => None,
            };
            let place = place.as_ref().unwrap_or(&whole);
            place.diagnostic(format!("http: {error}"))
        }),
        ..FileFindings::default()
    };
    let http = &configuration.http;
    let own = http.own_proxies.iter().map(|own| &**own);
    for proxy in std::iter::once(&http.proxy).chain(own) {
        let ProxySetting::File(file) = proxy else {
            continue;
        };
        let place = loaded.places.find_file(file);
        let place = place.as_ref().unwrap_or(&whole);
        if readable_by_everyone(file) {
            findings.warnings.push(place.diagnostic(readable(file)));
        }
        findings.absent += usize::from(missing(file).is_some());
        // That of `http` keeps everybody from being asked, and was told above.
        let told = *proxy == http.proxy || missing(file).is_some();
        if !told && let Err(error) = proxy_in(file) {
            findings.accounts.push(place.diagnostic(error.to_string()));
        }
    }
    // The query of an address may be its secret.
    let mut values = configuration.value_files.clone();
    values.dedup();
    for file in values.iter().filter(|file| readable_by_everyone(file)) {
        let place = loaded.places.find_file(file);
        let place = place.as_ref().unwrap_or(&whole);
        findings.warnings.push(place.diagnostic(readable(file)));
    }
    let key_file = &configuration.storage.key_file;
    let signs_in = configuration
        .accounts
        .iter()
        .any(|one| one.person().is_some());
    if signs_in && let Err(error) = check_key_file(key_file) {
        let place = loaded.places.find_file(key_file);
        let message = format!("\"storage_key_file\": {error}");
        let place = place.as_ref().unwrap_or(&whole);
        findings.accounts.push(place.diagnostic(message));
    }
    let now = Clock::system().now();
    let random = SystemRandom::new();
    for account in &configuration.accounts {
        let at = |keys: &[&str]| {
            let places = &loaded.places;
            let place = places.find(Some(&account.name), keys);
            place
                .or_else(|| places.find(Some(&account.name), &["name"]))
                .unwrap_or_else(|| whole.clone())
        };
        match check_credential(account, now, &random) {
            Err(fault) if fault.is_missing() => findings.absent += 1,
            Err(fault) => {
                let message = format!("account \"{}\": {fault}", account.name);
                let place = at(keys_of(&fault));
                findings.accounts.push(place.diagnostic(message));
            }
            Ok(_) => {}
        }
        for (keys, file) in secrets(account, path) {
            let elsewhere = file == path && loaded.places.is_variable(Some(&account.name), keys);
            if !elsewhere && readable_by_everyone(file) {
                findings.warnings.push(at(keys).diagnostic(readable(file)));
            }
        }
    }
    findings
}

fn readable(file: &Path) -> String {
    format!(
        "every user of this machine may read {}: `chmod o-r` it",
        shown(file)
    )
}

fn network(configuration: &Configuration) -> Option<NetworkError> {
    Network::new(&configuration.http).err()
}

/// The keys that a fault is about, the likeliest first.
const fn keys_of(fault: &CredentialFault) -> &'static [&'static str] {
    match fault.part {
        Part::Secret => SECRET,
        Part::Certificate => &["certificate_file"],
        Part::Key => KEY,
        Part::Passphrase => PASSPHRASE,
        Part::Token => &["token_file"],
    }
}

const SECRET: &[&str] = &["secret_file", "secret_env", "secret"];
const KEY: &[&str] = &["key_file", "certificate_file"];
const PASSPHRASE: &[&str] = &[
    "key_passphrase_file",
    "key_passphrase_env",
    "key_passphrase",
];

/// The files that hold an account's secrets, with the keys that name them; the
/// configuration itself where it holds one. A token of workload identity is
/// none of ours: its mode is the platform's.
fn secrets<'f>(
    account: &'f Account,
    configuration: &'f Path,
) -> Vec<(&'static [&'static str], &'f Path)> {
    let source = |keys, source: &'f SecretSource| match source {
        SecretSource::File(path) => Some((keys, &**path)),
        SecretSource::Inline(_) => Some((keys, configuration)),
        SecretSource::Environment(_) => None,
    };
    match account.app_credential() {
        Some(AppCredential::ClientSecret { secret, .. }) => {
            source(SECRET, secret).into_iter().collect()
        }
        Some(AppCredential::ClientCertificate {
            key_file,
            passphrase,
            ..
        }) => std::iter::once((KEY, &**key_file))
            .chain(passphrase.iter().filter_map(|one| source(PASSPHRASE, one)))
            .collect(),
        Some(AppCredential::WorkloadIdentity { .. }) | None => Vec::new(),
    }
}
