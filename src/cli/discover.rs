//! `m365mon discover`: a person signs in once, and what the tenant has to watch
//! is printed as resources.

use std::process::ExitCode;
use std::sync::Arc;

use super::config_file::{self, ConfigFile};
use super::logging::{self, LogFormat, LogLevel};
use super::{EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_USAGE, loopback, output, runtime};
use crate::config::Loaded;
use crate::discover::{self, COMMAND_LINE_TOOLS, Searcher};
use crate::entra::{AccessToken, Consent, ConsentError, TokenStore, Wanted};
use crate::http::{Network, ProbeClient, SimpleClient};
use crate::kinds::{Discovered, MOST_FOUND, Search};
use crate::model::{Account, Clock, Random, SystemRandom, is_guid};

/// Find sites, mailboxes and teams, and print them as resources
///
/// A person signs in once, with Microsoft Graph Command Line Tools or another
/// public client, never with the account's own registration; nothing of the
/// sign-in is stored. What is printed holds ids and addresses only and goes
/// under `resources:`. What is watched already is left out.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["sites", "users", "teams"]))]
pub(crate) struct Discover {
    /// The account whose tenant is looked at, by its name in the configuration
    account: String,

    /// Sites with this in their name or address; repeatable, * for all
    #[arg(long, value_name = "TEXT", value_parser = text)]
    sites: Vec<String>,

    /// Mailboxes whose name or address begins so; repeatable
    #[arg(long, value_name = "TEXT", value_parser = text)]
    users: Vec<String>,

    /// The teams of the person who signs in
    #[arg(long)]
    teams: bool,

    /// Sign in with this public client instead of Microsoft Graph Command Line Tools
    #[arg(long, value_name = "ID", value_parser = client_id)]
    client_id: Option<String>,

    /// Sign in on another device, with a code (many tenants block this)
    #[arg(long)]
    device_code: bool,

    #[command(flatten)]
    file: ConfigFile,
}

fn text(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        1..=100 if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err("want 1 to 100 characters".to_owned()),
    }
}

fn client_id(text: &str) -> Result<String, String> {
    match is_guid(text) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("want a client id such as 11111111-2222-3333-4444-555555555555".to_owned()),
    }
}

impl Discover {
    pub(crate) fn run(self) -> ExitCode {
        logging::start(LogLevel::Warn, LogFormat::Logfmt);
        let loaded = match self.file.load_or_complain() {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        let account = match self.account(&loaded) {
            Ok(account) => account,
            Err(code) => return code,
        };
        runtime::block_on(self.look(&loaded, &account))
    }

    fn account(&self, loaded: &Loaded) -> Result<Arc<Account>, ExitCode> {
        let accounts = &loaded.configuration.accounts;
        let account = config_file::account(accounts, &self.account)?;
        let own = self.client_id.as_deref().filter(|id| {
            let same = |of: &Account| {
                of.client_id
                    .as_deref()
                    .is_some_and(|own| own.eq_ignore_ascii_case(id))
            };
            accounts.iter().any(|account| same(account))
        });
        let name = &account.name;
        let complaint = match (&account.tenant, own) {
            (None, _) => format!("{name}: the account names no tenant to look at: add `tenant`"),
            (_, Some(id)) => format!(
                "--client-id {id} is an account's own registration: what is consented to here would \
                 stay there as a right beyond need; leave it away, or name another"
            ),
            _ => return Ok(Arc::clone(account)),
        };
        output::complain(&complaint);
        Err(ExitCode::from(EXIT_USAGE))
    }

    fn searches(&self) -> Vec<Search> {
        let sites = self.sites.iter().cloned().map(Search::Sites);
        let users = self.users.iter().cloned().map(Search::Users);
        let teams = self.teams.then_some(Search::Teams);
        sites.chain(users).chain(teams).collect()
    }

    async fn look(&self, loaded: &Loaded, account: &Account) -> ExitCode {
        let configuration = &loaded.configuration;
        let clients = Network::new(&configuration.http)
            .and_then(|network| Ok((SimpleClient::new(&network)?, ProbeClient::new(&network)?)));
        let (plain, measured) = match clients {
            Ok(clients) => clients,
            Err(error) => {
                output::complain(&error.to_string());
                return ExitCode::from(EXIT_USAGE);
            }
        };
        let (clock, random) = (
            Clock::system(),
            Arc::new(SystemRandom::new()) as Arc<dyn Random>,
        );
        let store = TokenStore::from_environment(&configuration.storage);
        let consent = Consent::new(plain, store, clock.clone(), Arc::clone(&random));
        let client_id = self.client_id.as_deref().unwrap_or(COMMAND_LINE_TOOLS);
        let visitor = discover::visitor(account, client_id);
        let searches = self.searches();
        let wanted = discover::wanted(&visitor, &searches);
        // What is for people goes to stderr: stdout is YAML.
        output::complain(&discover::announcement(&visitor, &searches));
        let token = match self.sign_in(&consent, &visitor, &wanted).await {
            Ok(token) => token,
            Err(error) => {
                output::complain(&error.to_string());
                if let Some(advice) = discover::advice(&visitor, &wanted, &error) {
                    output::complain(&advice);
                }
                return ExitCode::from(EXIT_FAILED);
            }
        };
        let discovery = Searcher::new(measured, token, visitor, clock, random);
        let (mut found, mut code) = (Vec::new(), ExitCode::SUCCESS);
        for search in &searches {
            match discovery.find(search).await {
                Ok(page) => {
                    if page.more {
                        output::complain(&format!(
                            "{}: more than {MOST_FOUND}, not all are shown; look for more of the name",
                            search.shown()
                        ));
                    }
                    if page.left_out > 0 {
                        output::complain(&format!(
                            "{}: {} left out: personal sites, guests, people without an address for mail",
                            search.shown(),
                            page.left_out
                        ));
                    }
                    found.extend(page.found);
                }
                Err(not_found) => {
                    output::complain(&not_found.message);
                    code = ExitCode::from(match not_found.refused {
                        true => EXIT_FAILED,
                        false => EXIT_INCONCLUSIVE,
                    });
                }
            }
        }
        match self.tell(loaded, account, &found) {
            true => code,
            false if code == ExitCode::SUCCESS => ExitCode::from(EXIT_FAILED),
            false => code,
        }
    }

    async fn sign_in(
        &self,
        consent: &Consent,
        visitor: &Account,
        wanted: &Wanted,
    ) -> Result<AccessToken, ConsentError> {
        if self.device_code {
            let code = consent.device_code_once(visitor, wanted).await?;
            output::complain(code.message());
            return consent.finish_device_once(visitor, &code).await;
        }
        let begin = |redirect: &str| consent.browser_once(visitor, wanted, redirect);
        let (begun, code) = loopback::come_back(begin, output::complain).await?;
        consent.finish_browser_once(visitor, begun, &code).await
    }

    /// False if there is nothing.
    fn tell(&self, loaded: &Loaded, account: &Account, found: &[Discovered]) -> bool {
        let known = &loaded.configuration.resources;
        let (text, watched) = discover::resources(account, found, known);
        if watched > 0 {
            output::complain(&format!("{watched} of what was found is watched already"));
        }
        if text.is_empty() && watched == 0 {
            output::complain("nothing was found");
            return false;
        }
        if !text.is_empty() {
            output::say(&text);
        }
        true
    }
}
