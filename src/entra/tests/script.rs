//! A token endpoint that answers by script, and what tests need around it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::super::endpoint::{Content, Endpoint, EndpointAnswer, EndpointRequest, NoAnswer};
use super::super::{TokenStore, Tokens};
use crate::fixtures;
use crate::model::{
    Account, AccountObserver, AccountReason, AccountStatus, Audience, Clock, Delegated, Random,
    SignIn, Storage, Story, TokenReport,
};

/// Never in anything that is shown.
pub(super) const CANARY: &str = "canary-5d1f";

/// What the endpoint does next.
pub(super) enum Act {
    Answer(u16, String, Vec<(&'static str, String)>),
    Fail(AccountReason),
    Wait(Duration, Box<Act>),
    Panic,
}

/// A token answer with a token of its own.
pub(super) fn token(name: &str, life: u64) -> Act {
    Act::Answer(
        200,
        format!(
            r#"{{"token_type":"Bearer","expires_in":{life},"access_token":"{CANARY}-{name}"}}"#
        ),
        vec![],
    )
}

/// An Entra error.
pub(super) fn error(status: u16, error: &str, code: u32) -> Act {
    Act::Answer(
        status,
        format!(
            r#"{{"error":"{error}","error_description":"AADSTS{code}: {CANARY}.","error_codes":[{code}]}}"#
        ),
        vec![(
            "x-ms-request-id",
            "81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f".into(),
        )],
    )
}

/// One request as it came.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) fields: Vec<(String, String)>,
}

impl Seen {
    pub(super) fn get(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }
}

#[derive(Default)]
pub(super) struct ScriptedEntra {
    acts: Mutex<VecDeque<Act>>,
    seen: Mutex<Vec<Seen>>,
}

impl ScriptedEntra {
    pub(super) fn then(&self, act: Act) -> &Self {
        self.acts.lock().push_back(act);
        self
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().len()
    }

    pub(super) fn last(&self) -> Seen {
        self.seen.lock().last().cloned().unwrap()
    }
}

impl Endpoint for ScriptedEntra {
    fn send(&self, request: EndpointRequest) -> BoxFuture<'_, Result<EndpointAnswer, NoAnswer>> {
        let fields = match request.content {
            Content::Form(fields) => fields
                .into_iter()
                .map(|(name, value)| (name, value.expose().to_owned()))
                .collect(),
            Content::Nothing => Vec::new(),
        };
        self.seen.lock().push(Seen { fields });
        let act = self.acts.lock().pop_front();
        let mut act = act.unwrap_or_else(|| token("default", 3600));
        Box::pin(async move {
            loop {
                match act {
                    Act::Wait(time, next) => {
                        tokio::time::sleep(time).await;
                        act = *next;
                    }
                    Act::Fail(reason) => {
                        return Err(NoAnswer {
                            reason,
                            detail: "scripted".into(),
                        });
                    }
                    Act::Panic => panic!("scripted"),
                    Act::Answer(status, body, pairs) => {
                        let mut headers = http::HeaderMap::new();
                        for (name, value) in pairs {
                            headers.insert(name, value.parse().unwrap());
                        }
                        return Ok(EndpointAnswer {
                            status,
                            headers,
                            body: Bytes::from(body),
                        });
                    }
                }
            }
        })
    }
}

/// Remembers what it was told.
#[derive(Default)]
pub(super) struct Ear {
    pub(super) reports: Mutex<Vec<TokenReport>>,
    pub(super) status: Mutex<Option<AccountStatus>>,
    pub(super) storage: Mutex<Option<bool>>,
}

impl AccountObserver for Ear {
    fn token_request(&self, _: &Account, report: &TokenReport) {
        self.reports.lock().push(report.clone());
    }
    fn status(&self, _: &Account, status: &AccountStatus) {
        *self.status.lock() = Some(status.clone());
    }
    fn storage(&self, writable: Option<bool>) {
        *self.storage.lock() = writable;
    }
}

/// No jitter: fractions are zero, spread is at its low end.
pub(super) struct NoChance;
impl Random for NoChance {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

pub(super) fn app_account() -> Account {
    Account {
        sign_in: SignIn::App(fixtures::client_secret(CANARY)),
        ..fixtures::account("contoso")
    }
}

pub(super) fn person_account() -> Account {
    Account {
        sign_in: SignIn::Delegated {
            person: Delegated {
                max_age: Some(Duration::from_secs(7 * 86400)),
                ..fixtures::person("steve@contoso.com")
            },
            client: None,
        },
        ..app_account()
    }
}

/// A cache with everything around it.
pub(super) struct House {
    pub(super) script: Arc<ScriptedEntra>,
    pub(super) ear: Arc<Ear>,
    pub(super) clock: Clock,
    pub(super) tokens: Arc<Tokens>,
    pub(super) store: TokenStore,
    pub(super) account: Arc<Account>,
    pub(super) folder: Arc<tempfile::TempDir>,
}

impl House {
    pub(super) fn new(account: Account) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage {
            file: folder.path().join("tokens"),
            key_file: folder.path().join("key"),
        };
        let clock = Clock::following_tokio("2026-11-25T12:00:00Z".parse().unwrap());
        Self::with(Arc::new(account), &storage, clock, Arc::new(folder))
    }

    /// The same account after a restart: another cache on the same store.
    pub(super) fn beside(other: &Self) -> Self {
        let storage = Storage {
            file: other.folder.path().join("tokens"),
            key_file: other.folder.path().join("key"),
        };
        let (account, folder) = (other.account.clone(), other.folder.clone());
        Self::with(account, &storage, other.clock.clone(), folder)
    }

    fn with(
        account: Arc<Account>,
        storage: &Storage,
        clock: Clock,
        folder: Arc<tempfile::TempDir>,
    ) -> Self {
        let store = TokenStore::new(storage, None);
        let (script, ear) = (Arc::new(ScriptedEntra::default()), Arc::new(Ear::default()));
        let tokens = Tokens::with_endpoint(
            script.clone(),
            store.clone(),
            clock.clone(),
            Arc::new(NoChance),
            ear.clone(),
        );
        Self {
            script,
            ear,
            clock,
            tokens,
            store,
            account,
            folder,
        }
    }

    pub(super) fn configure(&self) {
        self.tokens.configure(std::slice::from_ref(&self.account));
    }

    pub(super) fn graph(&self) -> Audience {
        Audience::graph(&self.account.cloud)
    }

    /// The name of the token, or the reason why there is none.
    pub(super) async fn ask(&self) -> Result<String, AccountReason> {
        self.ask_for(&self.graph()).await
    }

    pub(super) async fn ask_for(&self, audience: &Audience) -> Result<String, AccountReason> {
        self.tokens
            .access_token(&self.account, audience, &Story::untold())
            .await
            .map(|token| name(&token))
            .map_err(|problem| problem.reason)
    }
}

pub(super) fn name(token: &super::super::AccessToken) -> String {
    token
        .secret()
        .expose()
        .trim_start_matches(CANARY)
        .trim_start_matches('-')
        .to_owned()
}

pub(super) async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
