//! `m365mon login` and `logout`: the sign-ins of delegated accounts.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use super::config_file::{self, ConfigFile};
use super::flags::ReachedAt;
use super::logging::{self, LogFormat, LogLevel};
use super::{EXIT_FAILED, EXIT_USAGE, loopback, output, runtime};
use crate::config::Loaded;
use crate::entra::{
    Approval, Consent, ConsentError, INVITATION_STARTS, SignedInAs, TokenStore, Wanted,
};
use crate::http::{Network, SimpleClient};
use crate::kinds::{Configuration, needs_of};
use crate::model::{Account, Clock, SystemRandom, Timestamp};
use crate::web::InvitationAddress;

/// Sign in to a delegated account
///
/// Says which permissions will be asked for and why, then lets a person sign
/// in with a browser. Only the person that the configuration names is
/// accepted. A running exporter picks the sign-in up by itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// The account, by its name in the configuration
    account: String,

    /// Sign in on another device, with a code (many tenants block this)
    #[arg(long)]
    device_code: bool,

    /// Print an invitation for the person to sign in with the running exporter:
    /// a link, good for a day
    #[arg(long, conflicts_with = "device_code")]
    link: bool,

    #[command(flatten)]
    reached: ReachedAt,

    #[command(flatten)]
    file: ConfigFile,
}

/// Forget the sign-in of a delegated account
///
/// A running exporter notices by itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Logout {
    /// The account, by its name in the configuration
    account: String,

    #[command(flatten)]
    file: ConfigFile,
}

impl Login {
    pub(crate) fn run(self) -> ExitCode {
        let (loaded, account) = match find(&self.file, &self.account) {
            Ok(found) => found,
            Err(code) => return code,
        };
        runtime::block_on(async {
            let consent = match consent(&loaded.configuration) {
                Ok(consent) => consent,
                Err(code) => return code,
            };
            let (wanted, because) = wanted(&loaded.configuration, &account);
            if self.link {
                return self.invite(&consent, &account, &wanted).await;
            }
            output::say(&because);
            match self.sign_in(&consent, &account, &wanted).await {
                Ok(signed_in) => {
                    consent.end_invitation(&account).await;
                    output::say(&format!(
                        "{} is signed in for {}, refresh token until {}",
                        signed_in.username,
                        account.name,
                        date(signed_in.ends)
                    ));
                    for (audience, problem) in signed_in.missing {
                        output::complain(&format!("no token for {audience} yet: {problem}"));
                    }
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    output::complain(&error.to_string());
                    if error.needs_administrator()
                        && let Some(approval) = Approval::of(&account, &wanted, loopback::REDIRECT)
                    {
                        output::say(&approval.text());
                        output::say("Then sign in again.");
                    }
                    ExitCode::from(match error {
                        ConsentError::NoPerson(_) => EXIT_USAGE,
                        _ => EXIT_FAILED,
                    })
                }
            }
        })
    }

    /// Prints what the person opens, and nothing else, to stdout.
    async fn invite(&self, consent: &Consent, account: &Account, wanted: &Wanted) -> ExitCode {
        let address = match InvitationAddress::of(account, self.reached.external_url.as_ref()) {
            Ok(address) => address,
            Err(why) => {
                output::complain(&why);
                return ExitCode::from(EXIT_USAGE);
            }
        };
        let made = consent.invite(account, wanted, &address.redirect, "m365mon login");
        match made.await {
            Ok(invitation) => {
                output::complain(&format!(
                    "For {}, good for a day or {INVITATION_STARTS} starts:",
                    account.person().map_or("", |person| &*person.username),
                ));
                output::say(address.link(&invitation).expose());
                ExitCode::SUCCESS
            }
            Err(error) => {
                output::complain(&error.to_string());
                ExitCode::from(EXIT_FAILED)
            }
        }
    }

    /// One round for the first audience, and one more for each that nobody has
    /// consented to yet: Entra takes the scopes of one audience at a time.
    async fn sign_in(
        &self,
        consent: &Consent,
        account: &Account,
        wanted: &Wanted,
    ) -> Result<SignedInAs, ConsentError> {
        let mut signed_in = self.round(consent, account, wanted).await?;
        let mut missing = Vec::new();
        for (audience, problem) in std::mem::take(&mut signed_in.missing) {
            let names = wanted.get(&audience).cloned().unwrap_or_default();
            if problem.code == Some(65_001) && !names.is_empty() {
                output::say(&format!(
                    "{audience} needs a consent of its own: once more, please."
                ));
                let one = Wanted::from([(audience, names)]);
                signed_in = match self.round(consent, account, &one).await {
                    Ok(more) => more,
                    Err(error) => {
                        output::complain(&format!(
                            "{} is signed in for {}, but not for all of it",
                            signed_in.username, account.name
                        ));
                        return Err(error);
                    }
                };
            } else {
                missing.push((audience, problem));
            }
        }
        signed_in.missing.extend(missing);
        Ok(signed_in)
    }

    async fn round(
        &self,
        consent: &Consent,
        account: &Account,
        wanted: &Wanted,
    ) -> Result<SignedInAs, ConsentError> {
        if self.device_code {
            let code = consent.device_code(account, wanted).await?;
            output::say(code.message());
            consent.finish_device(account, code).await
        } else {
            loopback::sign_in(consent, account, wanted).await
        }
    }
}

impl Logout {
    pub(crate) fn run(self) -> ExitCode {
        let (loaded, account) = match find(&self.file, &self.account) {
            Ok(found) => found,
            Err(code) => return code,
        };
        runtime::block_on(async {
            let consent = match consent(&loaded.configuration) {
                Ok(consent) => consent,
                Err(code) => return code,
            };
            match consent.sign_out(&account).await {
                Ok(true) => output::say(&format!(
                    "the sign-in of {} is forgotten here; to end it at Microsoft too, \
                     revoke the person's sessions there",
                    account.name
                )),
                Ok(false) => output::say(&format!("{}: not signed in", account.name)),
                Err(error) => {
                    output::complain(&error.to_string());
                    return ExitCode::from(EXIT_FAILED);
                }
            }
            ExitCode::SUCCESS
        })
    }
}

pub(super) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// Reads the configuration and finds the account in it.
fn find(file: &ConfigFile, name: &str) -> Result<(Loaded, Arc<Account>), ExitCode> {
    logging::start(LogLevel::Warn, LogFormat::Logfmt);
    let loaded = file.load_or_complain()?;
    let account = Arc::clone(config_file::account(&loaded.configuration.accounts, name)?);
    if account.person().is_none() {
        let error = ConsentError::NoPerson(account.credential_label());
        output::complain(&format!("{name}: {error}"));
        return Err(ExitCode::from(EXIT_USAGE));
    }
    Ok((loaded, account))
}

pub(crate) fn consent(configuration: &Configuration) -> Result<Consent, ExitCode> {
    let client = Network::new(&configuration.http)
        .and_then(|network| SimpleClient::new(&network))
        .map_err(|error| {
            output::complain(&error.to_string());
            ExitCode::from(EXIT_USAGE)
        })?;
    Ok(Consent::new(
        client,
        TokenStore::from_environment(&configuration.storage),
        Clock::system(),
        Arc::new(SystemRandom::new()),
    ))
}

/// What to ask for, and the same for people, with the reasons.
pub(crate) fn wanted(configuration: &Configuration, account: &Account) -> (Wanted, String) {
    let needs = needs_of(account, &configuration.resources);
    let mut text = format!(
        "{} will be asked to let the application {}\n  \
         know who signed in (openid, profile) and stay signed in (offline_access)\n",
        account.person().map_or("", |person| &*person.username),
        account.client_id.as_deref().unwrap_or_default(),
    );
    for need in &needs {
        _ = writeln!(
            text,
            "  {} of {}, for {}: {}",
            need.name,
            need.audience,
            need.because_of(),
            need.reason
        );
    }
    (crate::kinds::wanted(&needs), text)
}
