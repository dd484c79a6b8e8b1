//! `m365mon tokens`: the accounts and what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use super::config_file::ConfigFile;
use super::logging::{self, LogFormat, LogLevel};
use super::login::{consent, date};
use super::output::OutputFormat;
use super::{EXIT_FAILED, output, runtime};
use crate::entra::{SignInEnd, SignInStatus, StoreError, credential_expiry};
use crate::model::{
    Account, AppCredential, CredentialExpiry, CredentialKind, SignIn, Timestamp, duration,
};

/// List the accounts and what they hold, one line each
///
/// Reads the store of sign-ins and the files of credentials, and sends nothing.
/// Exits with 0, with 1 if the store cannot be read, with 3 for a wrong usage or
/// configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct TokensCommand {
    /// How to tell it
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,

    #[command(flatten)]
    file: ConfigFile,
}

/// What the store says of an account: `None` where no person signs in.
type Stored = Option<Result<Option<SignInStatus>, StoreError>>;

impl TokensCommand {
    pub(crate) fn run(self) -> ExitCode {
        let loaded = match self.file.load_or_complain() {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        logging::start(LogLevel::Error, LogFormat::Logfmt);
        runtime::block_on(async {
            let consent = match consent(&loaded.configuration) {
                Ok(consent) => consent,
                Err(code) => return code,
            };
            let mut code = ExitCode::SUCCESS;
            let mut document = TokensDocument {
                accounts: Vec::new(),
            };
            for account in &loaded.configuration.accounts {
                let stored: Stored = match account.person() {
                    Some(_) => Some(consent.status(account).await),
                    None => None,
                };
                if let Some(Err(error)) = &stored {
                    output::complain(&error.to_string());
                    code = ExitCode::from(EXIT_FAILED);
                }
                match self.format {
                    OutputFormat::Text => {
                        output::say(&format!("{}: {}", account.name, line(account, &stored)));
                    }
                    OutputFormat::Json => document.accounts.push(ToldTokens::of(account, &stored)),
                }
            }
            if self.format == OutputFormat::Json {
                output::say(&output::json(&document));
            }
            code
        })
    }
}

fn line(account: &Account, stored: &Stored) -> String {
    match stored {
        None => by_itself(account),
        Some(Ok(Some(status))) => signed_in(account, status),
        Some(Ok(None)) => "not signed in".to_owned(),
        Some(Err(_)) => "unknown".to_owned(),
    }
}

/// The document of `docs/schemas/tokens.json`. Fields are only ever added.
#[derive(Serialize)]
struct TokensDocument {
    accounts: Vec<ToldTokens>,
}

#[derive(Serialize)]
struct ToldTokens {
    account: String,
    credential: &'static str,
    state: &'static str,
    ends: BTreeMap<&'static str, Timestamp>,
    sign_in: Option<ToldSignIn>,
}

/// Who signed in.
#[derive(Serialize)]
struct ToldSignIn {
    username: String,
    consented: Timestamp,
    renewed: Timestamp,
    scopes: BTreeSet<String>,
    ended: Option<ToldEnd>,
}

/// A sign-in that Entra takes no longer.
#[derive(Serialize)]
struct ToldEnd {
    at: Timestamp,
    code: Option<u32>,
    by_policy: bool,
}

impl ToldTokens {
    fn of(account: &Account, stored: &Stored) -> Self {
        let status = stored
            .as_ref()
            .and_then(|stored| stored.as_ref().ok()?.as_ref());
        let state = match stored {
            None => "ready",
            Some(Err(_)) => "unknown",
            Some(Ok(None)) => "not_signed_in",
            Some(Ok(Some(status))) if status.ended.is_some() => "sign_in_required",
            Some(Ok(Some(_))) => "signed_in",
        };
        let own = credential_expiry(account);
        let refresh = status.map(|status| (CredentialKind::RefreshToken, status.ends));
        let consent = status
            .and_then(|status| consent_end(account, status))
            .map(|end| (CredentialKind::Consent, end));
        let ends: [Option<CredentialExpiry>; 3] = [own, refresh, consent];
        Self {
            account: account.name.to_string(),
            credential: account.credential_label(),
            state,
            ends: ends
                .into_iter()
                .flatten()
                .map(|(kind, end)| (kind.as_str(), end))
                .collect(),
            sign_in: status.map(|status| ToldSignIn {
                username: status.username.clone(),
                consented: status.consented_at,
                renewed: status.renewed_at,
                scopes: scopes(status).into_iter().map(str::to_owned).collect(),
                ended: status.ended.as_ref().map(|end| ToldEnd {
                    at: end.at,
                    code: end.code,
                    by_policy: end.is_by_policy(),
                }),
            }),
        }
    }
}

/// When the consent is over, where the configuration says how long it lasts.
fn consent_end(account: &Account, status: &SignInStatus) -> Option<Timestamp> {
    let most = account.person()?.max_age?;
    status.consented_at.checked_add(most).ok()
}

/// The names of what was consented to, without those of OpenID Connect.
fn scopes(status: &SignInStatus) -> BTreeSet<&str> {
    let all = status.scopes.values().flat_map(|scopes| scopes.split(' '));
    all.filter_map(|scope| scope.rsplit_once('/'))
        .map(|(_, name)| name)
        .collect()
}

/// What is told about an account that needs no person.
fn by_itself(account: &Account) -> String {
    let end = credential_expiry(account).map(|(_, end)| date(end));
    let credential = match &account.sign_in {
        SignIn::App(AppCredential::ClientSecret { .. }) => "client secret",
        SignIn::App(AppCredential::ClientCertificate { .. }) => "client certificate",
        SignIn::App(AppCredential::WorkloadIdentity { .. }) => "workload identity, no end",
        SignIn::ManagedIdentity => "managed identity, no end",
        SignIn::Delegated { .. } => "delegated",
        SignIn::Nobody => "none",
    };
    match end {
        Some(end) => format!("{credential} until {end}"),
        None if credential.ends_with("no end") => credential.to_owned(),
        None => format!("{credential}, its end is not known"),
    }
}

/// What is told about a sign-in that Entra takes no longer.
fn over(status: &SignInStatus, end: &SignInEnd) -> String {
    let (worked, refused) = status.ages(end);
    let (worked, refused) = (duration::format(worked), duration::format(refused));
    let code = end
        .code
        .map_or_else(String::new, |code| format!(" (AADSTS{code})"));
    let whose = if end.is_by_policy() {
        ", a policy of the tenant on the sign-in frequency"
    } else {
        ""
    };
    format!(
        "sign-in required: renewed for the last time at the age of {worked}, refused at {refused} \
         on {}{code}{whose}",
        date(end.at)
    )
}

/// What is told about an account whose person is signed in.
fn signed_in(account: &Account, status: &SignInStatus) -> String {
    let mut line = match &status.ended {
        Some(end) => over(status, end),
        None => format!("refresh token until {}", date(status.ends)),
    };
    if let Some((kind, end)) = credential_expiry(account) {
        let kind = match kind {
            CredentialKind::ClientSecret => "client secret",
            CredentialKind::ClientCertificate => "client certificate",
            CredentialKind::RefreshToken | CredentialKind::Consent => kind.as_str(),
        };
        _ = write!(line, ", {kind} until {}", date(end));
    }
    if let Some(end) = consent_end(account, status) {
        _ = write!(line, ", consent until {}", date(end));
    }
    _ = write!(
        line,
        ", {} consented {} and was renewed {}, for",
        status.username,
        date(status.consented_at),
        date(status.renewed_at)
    );
    for name in scopes(status) {
        line.push(' ');
        line.push_str(name);
    }
    line
}
