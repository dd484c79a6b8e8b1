//! What is known of one account: its tokens, its holds, its sign-in.
//!
//! Nothing here waits: the lock is held for looking and noting only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Shared;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::access_token::{AccessToken, after};
use super::backoff::Backoff;
use super::claims::ClaimsChallenge;
use super::proof::ClientCredential;
use super::registered::earlier;
use super::rights::Rights;
use super::signed_in::SignedIn;
use super::store::Stamp;
use crate::model::{
    Account, AccountStatus, Audience, Clock, CredentialExpiry, CredentialKind, Moment,
    NeededRights, Right, Timestamp, TokenProblem,
};

/// What a request ended with; `None` while it is in flight.
pub(super) type RequestResult = Result<AccessToken, TokenProblem>;

/// A request in flight, for all who wait for it; they hear of its end in the order
/// in which they came.
pub(super) type PendingRequest = Shared<oneshot::Receiver<RequestResult>>;

/// One forced renewal per audience in this time, and no token younger than
/// this is believed to be refused for its age.
pub(super) const FORCED: Duration = Duration::from_secs(5 * 60);
/// Different claims that may force a renewal in [`FORCED`].
const MOST_CLAIMS: usize = 3;
/// Claims are remembered this long, so that none is answered twice.
const CLAIMS_MEMORY: Duration = Duration::from_secs(24 * 3600);

/// The tokens of one account, and what requests for them need.
pub(super) struct AccountTokens {
    pub(super) account: Arc<Account>,
    pub(super) credential: Arc<ClientCredential>,
    /// Held during a token request: one at a time per account, so that a
    /// refused account is asked once per step and refresh tokens renew in order.
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) state: Mutex<AccountState>,
}

/// What is known of one account at a moment.
#[derive(Default)]
pub(super) struct AccountState {
    pub(super) by_audience: BTreeMap<Audience, CachedToken>,
    /// Holds all requests of the account.
    pub(super) backoff: Option<Backoff>,
    /// Transient failures in a row.
    pub(super) failures: u32,
    pub(super) sign_in_required_since: Option<Timestamp>,
    /// Credential files as last seen.
    pub(super) files: Vec<Stamp>,
    /// The store as last seen; `None` before the first look.
    pub(super) store: Option<Stamp>,
    /// It could not be read when last looked at.
    pub(super) store_broken: bool,
    pub(super) inputs_read: Option<Instant>,
    pub(super) signed_in: Option<SignedIn>,
    /// The sign-in in memory is newer than the store's; when it was last tried.
    pub(super) unsaved: Option<Instant>,
    /// When the refresh token ends that lies on the disk: after a restart
    /// there is no other one.
    pub(super) stored_ends: Option<Timestamp>,
    /// The end of the application's own credential.
    pub(super) credential_ends: Option<CredentialExpiry>,
    /// What the directory says of it; `None` until it was asked, and again after
    /// the credential's files have changed.
    pub(super) registered: Option<Option<CredentialExpiry>>,
    /// Since when Entra refuses the client secret as ended, whatever else is said
    /// of its end.
    pub(super) secret_ended: Option<Timestamp>,
    /// Removed from the configuration: tells nobody anything any more.
    pub(super) retired: bool,
    /// What the observer was told last.
    pub(super) last_published: Option<AccountStatus>,
}

/// One audience of one account.
#[derive(Default)]
pub(super) struct CachedToken {
    pub(super) token: Option<Renewable>,
    pub(super) in_flight: Option<PendingRequest>,
    /// Holds requests for this audience only.
    pub(super) backoff: Option<Backoff>,
    /// When somebody last asked; `None` if only we did.
    pub(super) last_used: Option<Moment>,
    forced: Option<Moment>,
    claims: Vec<(ClaimsChallenge, Moment)>,
}

/// A token with the age at which it is renewed.
pub(super) struct Renewable {
    pub(super) token: AccessToken,
    /// What it lets us do; `None` where it cannot be read.
    pub(super) rights: Option<Rights>,
    pub(super) renew_at: Duration,
}

impl AccountTokens {
    pub(super) fn new(account: Arc<Account>) -> Self {
        let credential = ClientCredential::of(&account);
        let state = AccountState {
            files: credential.stamps(),
            credential_ends: credential.expiry(),
            ..AccountState::default()
        };
        Self {
            account,
            credential: Arc::new(credential),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
        }
    }
}

impl AccountState {
    /// Forgets the holds that a change outside may have mended.
    pub(super) fn mend(&mut self) {
        for backoff in self
            .by_audience
            .values_mut()
            .map(|cached| &mut cached.backoff)
            .chain([&mut self.backoff])
        {
            if backoff.as_ref().is_some_and(|backoff| backoff.mendable) {
                *backoff = None;
            }
        }
    }

    /// Takes over what the store says. What it knows of a sign-in that is over,
    /// or that nobody signed in, is known from now on, without asking Entra.
    pub(super) fn adopt(&mut self, found: Option<SignedIn>, problem: &TokenProblem, now: Moment) {
        self.stored_ends = found.as_ref().map(SignedIn::ends);
        match (&self.signed_in, &found) {
            (Some(mine), Some(theirs)) if mine.sign_in == theirs.sign_in => {
                // What could not be written yet is newer than the same age.
                if theirs.renewed_at > mine.renewed_at
                    || (theirs.renewed_at == mine.renewed_at && self.unsaved.is_none())
                {
                    if let Some(end) = theirs.ended {
                        let since = self.sign_in_required_since.unwrap_or(end.at);
                        self.sign_in_required_since = Some(since.min(end.at));
                    }
                    self.unsaved = None;
                    self.signed_in = found;
                }
                return;
            }
            (None, None) => {
                self.sign_in_required_since.get_or_insert(now.civil);
                return;
            }
            _ => {}
        }
        let signed_out = found.is_none();
        let ended = found.as_ref().and_then(|found| found.ended);
        self.signed_in = found;
        self.unsaved = None;
        self.failures = 0;
        for cached in self.by_audience.values_mut() {
            cached.token = None;
            cached.backoff = None;
        }
        if signed_out {
            self.backoff = Some(Backoff::new(
                now,
                super::backoff::HUMAN,
                true,
                problem.clone(),
            ));
            self.sign_in_required_since = Some(now.civil);
        } else {
            self.backoff = None;
            self.sign_in_required_since = ended.map(|end| end.at);
        }
    }

    /// Why no request may be sent now, if so.
    pub(super) fn backoff_problem(
        &self,
        audience: &Audience,
        clock: &Clock,
    ) -> Option<TokenProblem> {
        let cached = self
            .by_audience
            .get(audience)
            .and_then(|cached| cached.backoff.as_ref());
        [self.backoff.as_ref(), cached]
            .into_iter()
            .flatten()
            .find(|backoff| !backoff.is_over(clock))
            .map(|backoff| backoff.problem.clone())
    }

    /// What `of` finds among the rights that the tokens held carry. `None` if
    /// that is unknown: no token could be read, or nothing was found while the
    /// token for an API that is needed is missing or cannot be read.
    fn noted(
        &self,
        account: &Account,
        needed: &NeededRights,
        clock: &Clock,
        of: for<'a> fn(&NeededRights, &Audience, &'a [Box<str>]) -> Vec<&'a str>,
    ) -> Option<Vec<Right>> {
        let person = account.person().is_some();
        let mut unread: Vec<&Audience> = needed.audiences().collect();
        let (mut noted, mut read) = (Vec::new(), false);
        for (audience, cached) in &self.by_audience {
            let rights = cached
                .token
                .as_ref()
                .filter(|held| held.token.is_valid(clock));
            let rights = rights.and_then(|held| held.rights.as_ref()?.held(person));
            let Some(rights) = rights else { continue };
            read = true;
            unread.retain(|needed| *needed != audience);
            for name in of(needed, audience, rights) {
                noted.push(Right {
                    audience: audience.clone(),
                    name: name.into(),
                });
            }
        }
        (read && (unread.is_empty() || !noted.is_empty())).then_some(noted)
    }

    /// Where the account stands; `needed` is what its resources need, where
    /// that is known.
    pub(super) fn status(
        &self,
        account: &Account,
        needed: Option<&NeededRights>,
        clock: &Clock,
    ) -> AccountStatus {
        let mut deadlines: Vec<CredentialExpiry> = Vec::new();
        if let Some(signed_in) = &self.signed_in {
            let ends = match self.stored_ends {
                Some(stored) if self.unsaved.is_some() => stored,
                _ => signed_in.ends(),
            };
            deadlines.push((CredentialKind::RefreshToken, ends));
            if let Some(most) = account.person().and_then(|person| person.max_age) {
                deadlines.push((CredentialKind::Consent, after(signed_in.consented_at, most)));
            }
        }
        let ends = earlier(self.credential_ends, self.registered.flatten());
        let ended = self
            .secret_ended
            .map(|at| (CredentialKind::ClientSecret, at));
        deadlines.extend(earlier(ends, ended));
        AccountStatus {
            sign_in_required_since: self.sign_in_required_since,
            access_tokens: self
                .by_audience
                .iter()
                .filter_map(|(audience, cached)| {
                    let token = cached.valid(clock)?;
                    Some((audience.clone(), token.expires()))
                })
                .collect(),
            deadlines,
            excess_permissions: needed
                .and_then(|needed| self.noted(account, needed, clock, NeededRights::beyond)),
            tenant_wide_permissions: needed
                .and_then(|needed| self.noted(account, needed, clock, NeededRights::tenant_wide)),
            held_until: self
                .backoff
                .as_ref()
                .filter(|backoff| !backoff.is_over(clock))
                .map(Backoff::until),
        }
    }
}

/// What may be done about a refused token.
pub(super) enum Forced {
    /// A renewal.
    Allowed,
    /// Nothing, for now.
    NotNow,
}

impl CachedToken {
    /// The token, while it is valid.
    pub(super) fn valid(&self, clock: &Clock) -> Option<&AccessToken> {
        self.token
            .as_ref()
            .map(|held| &held.token)
            .filter(|token| token.is_valid(clock))
    }

    /// True if the token should be renewed, or there is none.
    pub(super) fn is_due(&self, clock: &Clock) -> bool {
        self.token
            .as_ref()
            .is_none_or(|held| held.token.age(clock) >= held.renew_at)
    }

    /// True if nobody has asked for this audience for twice the token's life
    /// (ten minutes at least).
    pub(super) fn is_idle(&self, clock: &Clock) -> bool {
        let life = self.token.as_ref().map(|held| held.token.life());
        let patience = (life.unwrap_or_default() * 2).max(Duration::from_secs(10 * 60));
        self.in_flight.is_none()
            && self
                .last_used
                .is_none_or(|used| used.age(clock) >= patience)
    }

    /// Notes that `refused` was refused, and decides (DESIGN section 2).
    pub(super) fn force(
        &mut self,
        refused: &AccessToken,
        challenge: Option<&ClaimsChallenge>,
        clock: &Clock,
    ) -> Forced {
        let now = clock.moment();
        if let Some(challenge) = challenge {
            self.claims.retain(|(_, at)| at.age(clock) < CLAIMS_MEMORY);
            let lately = self
                .claims
                .iter()
                .filter(|(_, at)| at.age(clock) < FORCED)
                .count();
            let known = self.claims.iter().any(|(claims, _)| claims == challenge);
            if known || lately >= MOST_CLAIMS {
                return Forced::NotNow;
            }
            self.claims.push((challenge.clone(), now));
            // It is dead for everybody, whatever becomes of the renewal.
            self.token = None;
            return Forced::Allowed;
        }
        if refused.age(clock) < FORCED || self.forced.is_some_and(|at| at.age(clock) < FORCED) {
            return Forced::NotNow;
        }
        self.forced = Some(now);
        Forced::Allowed
    }
}
