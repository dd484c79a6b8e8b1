//! Signing people in and out: what the command line and the sign-in page do.
//!
//! A sign-in asks for named scopes of one audience (the others follow by
//! refresh), checks that the right person came, and puts the refresh token
//! into the store, from where every process picks it up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::answer::Granted;
use super::classify::TokenRefusal;
use super::client_credentials::application;
use super::discovery::{self, Discovery};
use super::durable::StoreError;
use super::endpoint::{Content, EndpointRequest};
use super::endpoint_client::{TokenEndpointClient, blocking};
use super::id_token::{self, IdTokenError, Person};
use super::proof::ClientCredential;
use super::refresh;
use super::signed_in::{SignInEnd, SignInRecord, SignedIn};
use super::store::TokenStore;
use crate::http::{SimpleClient, UseProxy};
use crate::model::{
    Account, AccountReason, Audience, Clock, Random, SignIn, Timestamp, TokenProblem,
};

/// The names of the permissions that are needed, by audience, as `Mail.ReadBasic`.
pub type Wanted = BTreeMap<Audience, Vec<String>>;

/// Why a sign-in came to nothing. `Display` is for people; nothing here holds
/// a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// The account signs in by itself.
    #[error("the account needs no person: it signs in as {0}")]
    NoPerson(&'static str),
    /// Entra did not let it happen.
    #[error("{0}")]
    Refused(TokenProblem),
    /// Something here stands in the way.
    #[error("{0}")]
    Unable(String),
    /// The person said no.
    #[error("the sign-in was declined")]
    Declined,
    /// Nobody came in time.
    #[error("nobody signed in in time: start again")]
    Expired,
    /// Somebody else came; what that brought was thrown away.
    #[error("{who} signed in, but the account is for {wanted}; what was received is thrown away")]
    WrongPerson {
        /// Who it was.
        who: String,
        /// Who it should have been.
        wanted: String,
    },
    /// A guest came.
    #[error(
        "{0} is a guest here, and an account is for a member of its tenant: name one in \
         `username`; what was received is thrown away"
    )]
    Guest(String),
    /// The id token does not prove what it should.
    #[error("the id token is not acceptable: {0}")]
    IdToken(&'static str),
    /// The sign-in cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ConsentError {
    /// True where an administrator's approval may help: people may not consent
    /// (AADSTS90093, 90094, 90095), or the person did not (65004,
    /// `access_denied`), which is also how leaving Entra's page "Need admin
    /// approval" looks.
    #[must_use]
    pub const fn needs_administrator(&self) -> bool {
        match self {
            Self::Declined => true,
            Self::Refused(problem) => {
                matches!(problem.code, Some(65_001 | 65_004 | 90_093..=90_095))
            }
            Self::NoPerson(_)
            | Self::Unable(_)
            | Self::Expired
            | Self::WrongPerson { .. }
            | Self::Guest(_)
            | Self::IdToken(_)
            | Self::Store(_) => false,
        }
    }
}

impl From<IdTokenError> for ConsentError {
    fn from(error: IdTokenError) -> Self {
        match error {
            IdTokenError::WrongPerson { who, wanted } => Self::WrongPerson { who, wanted },
            IdTokenError::Guest(who) => Self::Guest(who),
            IdTokenError::Unacceptable(why) => Self::IdToken(why),
        }
    }
}

impl From<TokenRefusal> for ConsentError {
    fn from(refusal: TokenRefusal) -> Self {
        match (refusal.problem.code, refusal.error.as_deref()) {
            // Without a number, `access_denied` is what a person's "no" becomes.
            (Some(65_004), _) | (None, Some("access_denied")) => Self::Declined,
            _ => Self::Refused(refusal.problem),
        }
    }
}

/// A sign-in that is done.
#[derive(Debug)]
pub struct SignedInAs {
    /// Who it was, as Entra spells it.
    pub username: String,
    /// When the refresh token ends if it is not used.
    pub ends: Timestamp,
    /// Audiences for which no token can be had yet, and why.
    pub missing: Vec<(Audience, TokenProblem)>,
}

/// What the store holds of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInStatus {
    /// Who it is.
    pub username: String,
    /// When the person consented.
    pub consented_at: Timestamp,
    /// When the refresh token was last renewed.
    pub renewed_at: Timestamp,
    /// When the refresh token ends if it is not used.
    pub ends: Timestamp,
    /// Entra takes it no longer: a person must sign in again.
    pub ended: Option<SignInEnd>,
    /// What was asked for at consent, by audience.
    pub scopes: BTreeMap<String, String>,
}

impl SignInStatus {
    /// How old the sign-in was when it was renewed for the last time, and when
    /// it was refused: the tenant's policy is between the two.
    #[must_use]
    pub fn ages(&self, end: &SignInEnd) -> (Duration, Duration) {
        let age = |at: Timestamp| {
            let age = at.duration_since(self.consented_at).as_secs();
            Duration::from_secs(u64::try_from(age).unwrap_or_default())
        };
        (age(self.renewed_at), age(end.at))
    }
}

/// Signs people in and out. Cheap to clone.
#[derive(Clone)]
pub struct Consent {
    pub(super) client: TokenEndpointClient,
    store: TokenStore,
}

impl std::fmt::Debug for Consent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Consent")
    }
}

/// The scopes of one request: to know who came, to stay signed in, and what
/// is needed of one audience.
#[must_use]
pub fn scopes(audience: &Audience, names: &[String]) -> String {
    with_names("openid profile offline_access", audience, names)
}

/// The same without staying signed in.
pub(super) fn scopes_without_staying(audience: &Audience, names: &[String]) -> String {
    with_names("openid profile", audience, names)
}

fn with_names(first: &str, audience: &Audience, names: &[String]) -> String {
    let mut scopes = first.to_owned();
    for name in names {
        scopes.push(' ');
        scopes.push_str(audience.as_str());
        scopes.push('/');
        scopes.push_str(name);
    }
    scopes
}

impl Consent {
    /// Makes one.
    #[must_use]
    pub fn new(
        client: SimpleClient,
        store: TokenStore,
        clock: Clock,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            client: TokenEndpointClient {
                endpoint: Arc::new(client),
                clock,
                random,
            },
            store,
        }
    }

    /// What the store holds of an account; `None` if nobody is signed in.
    ///
    /// # Errors
    /// When the store cannot be read or opened.
    pub async fn status(&self, account: &Account) -> Result<Option<SignInStatus>, StoreError> {
        let found = self.stored(account).await?;
        Ok(found.map(|signed_in| SignInStatus {
            username: signed_in.username.clone(),
            consented_at: signed_in.consented_at,
            renewed_at: signed_in.renewed_at,
            ends: signed_in.ends(),
            ended: signed_in.ended,
            scopes: signed_in.scopes.clone(),
        }))
    }

    /// Forgets the sign-in of an account, for every process; false if there
    /// was none. Entra has no way to revoke one refresh token: it lapses.
    ///
    /// # Errors
    /// When the store cannot be read, opened or written.
    pub async fn sign_out(&self, account: &Account) -> Result<bool, StoreError> {
        self.with_store(account, TokenStore::sign_out).await
    }

    async fn stored(&self, account: &Account) -> Result<Option<SignedIn>, StoreError> {
        self.with_store(account, TokenStore::find).await
    }

    /// Does something with the store where it may block.
    pub(super) async fn with_store<T: Send + 'static>(
        &self,
        account: &Account,
        work: impl FnOnce(&TokenStore, &Account) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (store, account) = (self.store.clone(), account.clone());
        let done = blocking(move || work(&store, &account)).await;
        done.unwrap_or_else(|refusal| Err(StoreError::Io(refusal.problem.detail)))
    }

    /// What proves the application of a delegated account; an error for any other.
    pub(super) fn credential(account: &Account) -> Result<Arc<ClientCredential>, ConsentError> {
        match &account.sign_in {
            SignIn::Delegated { .. } => Ok(Arc::new(ClientCredential::of(account))),
            SignIn::App(_) | SignIn::ManagedIdentity | SignIn::Nobody => {
                Err(ConsentError::NoPerson(account.credential_label()))
            }
        }
    }

    /// Which audience is asked for first: Graph, if it is wanted at all.
    pub(super) fn first<'a>(account: &Account, wanted: &'a Wanted) -> Option<&'a Audience> {
        let graph = Audience::graph(&account.cloud);
        wanted
            .keys()
            .find(|audience| **audience == graph)
            .or_else(|| wanted.keys().next())
    }

    /// The scopes of the first request.
    pub(super) fn first_scopes(account: &Account, wanted: &Wanted) -> String {
        match Self::first(account, wanted) {
            Some(audience) => scopes(audience, wanted.get(audience).map_or(&[], Vec::as_slice)),
            None => scopes(&Audience::graph(&account.cloud), &[]),
        }
    }

    /// Takes over what a grant brought: checks the person, keeps the refresh
    /// token, and tries the other audiences.
    pub(super) async fn conclude(
        &self,
        account: &Account,
        wanted: &Wanted,
        granted: Granted,
        nonce: Option<&str>,
    ) -> Result<SignedInAs, ConsentError> {
        let now = self.client.clock.now();
        let Some(id_token) = &granted.id_token else {
            return Err(ConsentError::IdToken("there is none"));
        };
        let issuer = self.issuer(account).await?;
        let person = id_token::check(id_token, account, &issuer, nonce, now)?;
        let Some(refresh_token) = granted.refresh_token else {
            return Err(ConsentError::Refused(TokenProblem {
                reason: AccountReason::BadResponse,
                code: None,
                detail: "Entra gave no refresh token: grant `offline_access` to the application"
                    .into(),
            }));
        };
        let earlier = self.stored(account).await.ok().flatten();
        let mut signed_in = SignedIn {
            cloud: account.cloud.login_url().to_owned(),
            client_id: account.client_id.as_deref().unwrap_or_default().to_owned(),
            record: SignInRecord {
                tenant: account
                    .tenant
                    .as_ref()
                    .map_or("", |tenant| tenant.as_str())
                    .to_owned(),
                username: person.username.clone(),
                sign_in: self.client.random.uuid(),
                refresh_token,
                scopes: recorded(wanted, earlier, &person),
                consented_at: now,
                ended: None,
                renewed_at: now,
                refresh_ends: granted
                    .refresh_life
                    .map(|life| super::access_token::after(now, life)),
            },
            tid: person.tid,
            oid: person.oid,
        };
        let row = signed_in.clone();
        self.with_store(account, move |store, account| store.sign_in(account, &row))
            .await?;
        let missing = self.others(account, wanted, &mut signed_in).await?;
        Ok(SignedInAs {
            username: person.username,
            ends: signed_in.ends(),
            missing,
        })
    }

    /// Asks for a token for each audience but the first, to see whether it can
    /// be had.
    async fn others(
        &self,
        account: &Account,
        wanted: &Wanted,
        signed_in: &mut SignedIn,
    ) -> Result<Vec<(Audience, TokenProblem)>, ConsentError> {
        let credential = Self::credential(account)?;
        let shared = Arc::new(account.clone());
        let first = Self::first(account, wanted);
        let mut missing = Vec::new();
        for audience in wanted.keys().filter(|audience| Some(*audience) != first) {
            let result = refresh::obtain(
                &self.client,
                &self.store,
                &shared,
                &credential,
                signed_in.clone(),
                audience,
                None,
            )
            .await;
            match result {
                Ok(refreshed) => *signed_in = refreshed.signed_in,
                Err(refusal) => missing.push((audience.clone(), refusal.problem)),
            }
        }
        Ok(missing)
    }

    /// Who issues the tenant's id tokens, from its discovery document (OpenID
    /// Connect Discovery section 4). It serves this check only: no endpoint
    /// is taken from it.
    pub(super) async fn issuer(&self, account: &Account) -> Result<String, ConsentError> {
        let url = application(account)?.endpoint(discovery::PATH);
        let host = url.host_str().unwrap_or_default().to_owned();
        let request = EndpointRequest {
            url,
            content: Content::Nothing,
            headers: Vec::new(),
            proxy: UseProxy::of(account),
        };
        let answer = self
            .client
            .endpoint
            .send(request)
            .await
            .map_err(|no_answer| ConsentError::Refused(no_answer.problem(&host)))?;
        match Discovery::read(&answer.body) {
            Some(document) if answer.status == 200 => Ok(document.issuer),
            _ => Err(super::classify::classify(&answer, true, self.client.clock.now()).into()),
        }
    }
}

/// The scopes to record: what is wanted now, and what the same person
/// consented to before for other audiences.
fn recorded(
    wanted: &Wanted,
    earlier: Option<SignedIn>,
    person: &Person,
) -> BTreeMap<String, String> {
    let mut recorded = match earlier {
        Some(earlier) if earlier.oid == person.oid && earlier.tid == person.tid => {
            earlier.record.scopes
        }
        _ => BTreeMap::new(),
    };
    for (audience, names) in wanted {
        recorded.insert(audience.as_str().to_owned(), scopes(audience, names));
    }
    recorded
}
