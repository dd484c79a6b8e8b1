//! Invitations: whoever owns the mailbox may sign in without being an operator.
//!
//! An invitation is for one account, and for the person, application and tenant
//! that the account had then. Of what was handed out the store keeps a hash, in a
//! sealed row: a restart does not end an invitation, and nobody who reads the file
//! can use one. An account has at most one, the newest. It ends when the right
//! person has consented, after a day, or after five starts.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::access_token::after;
use super::consent::{Consent, ConsentError, Wanted};
use super::durable::StoreError;
use super::seal::{SealKeys, Sealed};
use super::store::TokenStore;
use crate::model::{Account, Random, Secret, Tenant, Timestamp};

/// How long an invitation is good for.
pub const INVITATION_LIFE: Duration = Duration::from_secs(24 * 3600);
/// How often a sign-in may be begun with one.
pub const INVITATION_STARTS: u32 = 5;
/// What is random of one.
const BYTES: usize = 32;

/// One row of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedInvitation {
    account: String,
    ends: Timestamp,
    /// Which key sealed it.
    key: String,
    sealed: String,
}

#[derive(Serialize, Deserialize)]
struct OpenedInvitation {
    /// SHA-256 of what was handed out, base64url.
    hash: String,
    starts: u32,
    /// Who made it, for the log.
    made_by: String,
}

impl OpenedInvitation {
    fn is(&self, shown: &Secret) -> bool {
        self.starts < INVITATION_STARTS && Secret::new(self.hash.clone()) == hash(shown)
    }
}

fn hash(invitation: &Secret) -> Secret {
    let digest = digest::digest(&digest::SHA256, invitation.expose().as_bytes());
    Secret::new(URL_SAFE_NO_PAD.encode(digest))
}

impl SealedInvitation {
    fn seal(
        account: &Account,
        ends: Timestamp,
        plain: &OpenedInvitation,
        keys: &SealKeys,
    ) -> Result<Self, StoreError> {
        let text = serde_json::to_vec(plain)
            .map(Zeroizing::new)
            .map_err(|_| StoreError::Damaged("an invitation cannot be written down".into()))?;
        let Sealed { key, text } = keys.seal(&text, &bound_to(account, ends))?;
        Ok(Self {
            account: account.name.to_string(),
            ends,
            key,
            sealed: text,
        })
    }

    /// `None` if another key sealed it, if it was altered, or if the account has
    /// another person, application or tenant by now.
    fn open(&self, account: &Account, keys: &SealKeys) -> Option<OpenedInvitation> {
        let sealed = Sealed {
            key: self.key.clone(),
            text: self.sealed.clone(),
        };
        let text = keys.open(&sealed, &bound_to(account, self.ends))?;
        serde_json::from_slice(&text).ok()
    }

    fn is_of(&self, account: &Account) -> bool {
        *self.account == *account.name
    }
}

/// What seals a row to its place: each part with its length, so that no two have
/// the same.
fn bound_to(account: &Account, ends: Timestamp) -> Vec<u8> {
    let person = account
        .person()
        .map(|person| person.username.to_lowercase());
    let mut bytes = b"m365mon invitation 1".to_vec();
    for part in [
        &*account.name,
        account.cloud.login_url(),
        account.tenant.as_ref().map_or("", Tenant::as_str),
        account.client_id.as_deref().unwrap_or_default(),
        person.as_deref().unwrap_or_default(),
        &ends.to_string(),
    ] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

impl TokenStore {
    /// Makes an invitation for an account, in the place of an earlier one; those
    /// that have ended go.
    fn invite(
        &self,
        account: &Account,
        made_by: &str,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<Secret, StoreError> {
        let invitation = random.secret(BYTES);
        let plain = OpenedInvitation {
            hash: hash(&invitation).expose().to_owned(),
            starts: 0,
            made_by: made_by.into(),
        };
        let ends = after(now, INVITATION_LIFE);
        self.change(|contents| {
            let keys = self.keys(contents.is_new())?;
            let new = SealedInvitation::seal(account, ends, &plain, &keys)?;
            contents
                .invitations
                .retain(|one| !one.is_of(account) && now < one.ends);
            contents.invitations.push(new);
            Ok((true, ()))
        })?;
        Ok(invitation)
    }

    /// Who made the invitation that was shown, if it is good for the account.
    fn inviter(
        &self,
        account: &Account,
        shown: &Secret,
        now: Timestamp,
    ) -> Result<Option<Arc<str>>, StoreError> {
        let contents = self.read()?;
        let mut invitations = contents.invitations.iter();
        let Some(row) = invitations.find(|one| one.is_of(account) && now < one.ends) else {
            return Ok(None);
        };
        let opened = row.open(account, &self.keys(false)?);
        Ok(opened
            .filter(|one| one.is(shown))
            .map(|one| one.made_by.into()))
    }

    /// The same, and counts a start.
    fn start_invited(
        &self,
        account: &Account,
        shown: &Secret,
        now: Timestamp,
    ) -> Result<Option<Arc<str>>, StoreError> {
        // Whoever guesses does not get as far as the lock.
        if self.inviter(account, shown, now)?.is_none() {
            return Ok(None);
        }
        self.change(|contents| {
            let keys = self.keys(false)?;
            let mut invitations = contents.invitations.iter_mut();
            let row = invitations.find(|one| one.is_of(account) && now < one.ends);
            let Some((row, mut opened)) = row.and_then(|row| {
                let opened = row.open(account, &keys).filter(|one| one.is(shown))?;
                Some((row, opened))
            }) else {
                return Ok((false, None));
            };
            opened.starts += 1;
            *row = SealedInvitation::seal(account, row.ends, &opened, &keys)?;
            Ok((true, Some(opened.made_by.into())))
        })
    }

    /// The invitation of an account is used up; false if there was none.
    fn end_invitation(&self, account: &Account) -> Result<bool, StoreError> {
        if !self
            .read()?
            .invitations
            .iter()
            .any(|one| one.is_of(account))
        {
            return Ok(false);
        }
        self.change(|contents| {
            let before = contents.invitations.len();
            contents.invitations.retain(|one| !one.is_of(account));
            let ended = contents.invitations.len() < before;
            Ok((ended, ended))
        })
    }
}

impl Consent {
    /// Makes an invitation to a sign-in that comes back to `redirect`, in the place
    /// of an earlier one of the account: what its link ends with. `made_by` is for
    /// the log.
    ///
    /// # Errors
    /// When Entra does not know `redirect` as one of the application's, or does
    /// not say; when the store cannot be read, opened or written.
    pub async fn invite(
        &self,
        account: &Account,
        wanted: &Wanted,
        redirect: &Url,
        made_by: &str,
    ) -> Result<Secret, ConsentError> {
        self.knows_redirect(account, wanted, redirect).await?;
        let (random, now) = (Arc::clone(&self.client.random), self.client.clock.now());
        let made_by: Arc<str> = made_by.into();
        let made = self.with_store(account, move |store, account| {
            store.invite(account, &made_by, &*random, now)
        });
        Ok(made.await?)
    }

    /// Who made the invitation that was shown, if it is good for the account.
    ///
    /// # Errors
    /// When the store cannot be read or opened.
    pub async fn inviter(
        &self,
        account: &Account,
        shown: &Secret,
    ) -> Result<Option<Arc<str>>, StoreError> {
        self.with_shown(account, shown, TokenStore::inviter).await
    }

    /// The same, and counts a start of a sign-in.
    ///
    /// # Errors
    /// When the store cannot be read, opened or written.
    pub async fn start_invited(
        &self,
        account: &Account,
        shown: &Secret,
    ) -> Result<Option<Arc<str>>, StoreError> {
        self.with_shown(account, shown, TokenStore::start_invited)
            .await
    }

    /// Asks the store about the invitation that was shown now.
    async fn with_shown<T: Send + 'static>(
        &self,
        account: &Account,
        shown: &Secret,
        ask: fn(&TokenStore, &Account, &Secret, Timestamp) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (shown, now) = (shown.clone(), self.client.clock.now());
        self.with_store(account, move |store, account| {
            ask(store, account, &shown, now)
        })
        .await
    }

    /// The right person has consented: the invitation of the account is used up,
    /// if there is one.
    pub async fn end_invitation(&self, account: &Account) {
        let ended = self.with_store(account, TokenStore::end_invitation).await;
        let account = &*account.name;
        match ended {
            Ok(true) => tracing::info!(account, "its invitation is used up"),
            Ok(false) => {}
            Err(error) => tracing::warn!(account, %error, "its invitation goes on"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::model::{Storage, SystemRandom};

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
    }

    struct House {
        folder: tempfile::TempDir,
        account: Account,
    }

    impl House {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                account: fixtures::delegated("steve", "steve@contoso.com"),
            }
        }

        /// Opened anew, as after a restart.
        fn store(&self) -> TokenStore {
            let storage = Storage {
                file: self.folder.path().join("store"),
                key_file: self.folder.path().join("key"),
            };
            TokenStore::new(&storage, None)
        }

        fn invite(&self) -> Secret {
            let random = SystemRandom::new();
            let made = self
                .store()
                .invite(&self.account, "user:alice", &random, at(0));
            made.unwrap()
        }

        fn is_good(&self, account: &Account, shown: &Secret, hours: i64) -> bool {
            let inviter = self.store().inviter(account, shown, at(hours)).unwrap();
            assert!(inviter.as_deref().is_none_or(|by| by == "user:alice"));
            inviter.is_some()
        }

        fn start(&self, shown: &Secret) -> bool {
            let started = self.store().start_invited(&self.account, shown, at(1));
            started.unwrap().is_some()
        }
    }

    #[test]
    fn good_for_a_day_and_five_starts() {
        let house = House::new();
        let shown = Secret::new("x".into());
        assert!(!house.is_good(&house.account, &shown, 0), "there is none");
        let shown = house.invite();
        let text = std::fs::read_to_string(house.folder.path().join("store")).unwrap();
        for secret in [shown.expose(), hash(&shown).expose()] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(house.is_good(&house.account, &shown, 0));
        assert!(house.is_good(&house.account, &shown, 23));
        assert!(!house.is_good(&house.account, &shown, 24));
        for _ in 0..INVITATION_STARTS {
            assert!(
                house.is_good(&house.account, &shown, 1),
                "looking counts nothing"
            );
            assert!(house.start(&shown));
        }
        assert!(!house.start(&shown) && !house.is_good(&house.account, &shown, 1));
    }

    #[test]
    fn the_newest_counts_until_somebody_has_consented() {
        let house = House::new();
        let (older, newer) = (house.invite(), house.invite());
        assert!(!house.is_good(&house.account, &older, 1));
        assert!(!house.start(&older) && house.start(&newer));
        assert!(house.store().end_invitation(&house.account).unwrap());
        assert!(!house.is_good(&house.account, &newer, 1));
        assert!(!house.store().end_invitation(&house.account).unwrap());
    }

    #[test]
    fn for_one_account_as_it_is() {
        let house = House::new();
        let shown = house.invite();
        let account = || house.account.clone();
        let others = [
            Account {
                name: "other".into(),
                ..account()
            },
            Account {
                client_id: Some("00000000-0000-0000-0000-000000000001".into()),
                ..account()
            },
            Account {
                tenant: Tenant::parse("other.contoso.com"),
                ..account()
            },
            fixtures::delegated("steve", "helpdesk@contoso.com"),
        ];
        for other in &others {
            assert!(!house.is_good(other, &shown, 1), "{other:?}");
        }
        assert!(house.is_good(&house.account, &shown, 1));
        // Nor may a row be moved, or kept longer than it was made for.
        let path = house.folder.path().join("store");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut store: serde_json::Value = serde_json::from_str(&text).unwrap();
        store["invitations"][0]["ends"] = at(999).to_string().into();
        std::fs::write(&path, store.to_string()).unwrap();
        assert!(!house.is_good(&house.account, &shown, 1));
    }

    #[test]
    fn those_that_have_ended_go() {
        let house = House::new();
        house.invite();
        let other = Account {
            name: "other".into(),
            ..house.account.clone()
        };
        let random = SystemRandom::new();
        for (hours, left) in [(1, 2), (25, 1)] {
            house
                .store()
                .invite(&other, "x", &random, at(hours))
                .unwrap();
            assert_eq!(house.store().read().unwrap().invitations.len(), left);
        }
    }
}
