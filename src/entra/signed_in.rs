//! One sign-in, and the row of the store that it becomes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::access_token::after;
use super::durable::StoreError;
use super::seal::{SealKeys, Sealed};
use crate::model::{Account, Audience, Secret, Timestamp};

/// How long Entra keeps a refresh token that is not used (Microsoft's
/// "Refresh tokens in the Microsoft identity platform").
pub(super) const UNUSED_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

/// A person who signed in for an account.
#[derive(Clone)]
pub(super) struct SignedIn {
    /// The login root of the cloud.
    pub(super) cloud: String,
    /// The tenant's GUID, from the id token.
    pub(super) tid: String,
    pub(super) client_id: String,
    /// The person's GUID in the tenant.
    pub(super) oid: String,
    pub(super) record: SignInRecord,
}

/// The part of a sign-in that is sealed.
#[derive(Clone)]
pub(super) struct SignInRecord {
    /// As configured: domain or GUID.
    pub(super) tenant: String,
    pub(super) username: String,
    /// Tells one consent from the next; the same through all renewals.
    pub(super) sign_in: String,
    pub(super) refresh_token: Secret,
    /// Scopes asked for at consent, by audience; repeated by each renewal.
    pub(super) scopes: BTreeMap<String, String>,
    pub(super) consented_at: Timestamp,
    pub(super) renewed_at: Timestamp,
    /// Where the issuer told; else 90 days after the last renewal.
    pub(super) refresh_ends: Option<Timestamp>,
    /// Entra takes it no longer.
    pub(super) ended: Option<SignInEnd>,
}

/// Entra refused a sign-in in a way that only a person mends; a renewal that
/// works after all takes it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInEnd {
    /// When that was first seen.
    pub at: Timestamp,
    /// The AADSTS number, where there was one.
    pub code: Option<u32>,
}

impl SignInEnd {
    /// True if the tenant's sign-in frequency ended it (AADSTS70043, and 70044
    /// for sessions).
    #[must_use]
    pub const fn is_by_policy(&self) -> bool {
        matches!(self.code, Some(70_043 | 70_044))
    }
}

impl std::ops::Deref for SignedIn {
    type Target = SignInRecord;
    fn deref(&self) -> &SignInRecord {
        &self.record
    }
}

impl SignedIn {
    /// True if this is the sign-in of the account's person.
    pub(super) fn belongs_to(&self, account: &Account) -> bool {
        let tenant = account.tenant.as_ref().map(crate::model::Tenant::as_str);
        account.person().is_some_and(|person| {
            self.cloud == account.cloud.login_url()
                && account.client_id.as_deref() == Some(self.client_id.as_str())
                && (tenant == Some(self.record.tenant.as_str())
                    || tenant == Some(self.tid.as_str()))
                && person.username.to_lowercase() == self.record.username.to_lowercase()
        })
    }

    /// The scopes to ask for; all that was ever granted where none were
    /// recorded for this audience.
    pub(super) fn scopes_for(&self, audience: &Audience) -> String {
        self.record
            .scopes
            .get(audience.as_str())
            .cloned()
            .unwrap_or_else(|| {
                format!("openid profile offline_access {}", audience.default_scope())
            })
    }

    /// When the refresh token ends if it is not used.
    pub(super) fn ends(&self) -> Timestamp {
        self.record
            .refresh_ends
            .unwrap_or_else(|| after(self.record.renewed_at, UNUSED_LIFE))
    }

    /// The sign-in after a renewal at `at`; an issuer that sends no new
    /// refresh token means that the old one goes on.
    pub(super) fn renewed(
        &self,
        refresh_token: Option<Secret>,
        refresh_life: Option<Duration>,
        at: Timestamp,
    ) -> Self {
        let mut new = self.clone();
        if let Some(token) = refresh_token {
            new.record.refresh_token = token;
            new.record.refresh_ends = refresh_life.map(|life| after(at, life));
        } else if let Some(life) = refresh_life {
            new.record.refresh_ends = Some(after(at, life));
        }
        new.record.renewed_at = at;
        new.record.ended = None;
        new
    }

    pub(super) fn seal(&self, keys: &SealKeys) -> Result<SealedRow, StoreError> {
        let mut row = SealedRow {
            cloud: self.cloud.clone(),
            tid: self.tid.clone(),
            client_id: self.client_id.clone(),
            oid: self.oid.clone(),
            key: String::new(),
            sealed: String::new(),
        };
        let plain = OpenedRow {
            tenant: self.record.tenant.clone(),
            username: self.record.username.clone(),
            sign_in: self.record.sign_in.clone(),
            refresh_token: Zeroizing::new(self.record.refresh_token.expose().to_owned()),
            scopes: self.record.scopes.clone(),
            consented_at: self.record.consented_at,
            renewed_at: self.record.renewed_at,
            refresh_ends: self.record.refresh_ends,
            ended: self.record.ended,
        };
        let text = serde_json::to_vec(&plain)
            .map(Zeroizing::new)
            .map_err(|_| StoreError::Damaged("a sign-in cannot be written down".into()))?;
        let sealed = keys.seal(&text, &row.bound_to())?;
        row.key = sealed.key;
        row.sealed = sealed.text;
        Ok(row)
    }
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignedIn(renewed {})", self.record.renewed_at)
    }
}

#[derive(Serialize, Deserialize)]
struct OpenedRow {
    tenant: String,
    username: String,
    sign_in: String,
    refresh_token: Zeroizing<String>,
    scopes: BTreeMap<String, String>,
    consented_at: Timestamp,
    renewed_at: Timestamp,
    refresh_ends: Option<Timestamp>,
    /// Absent in what earlier versions wrote.
    #[serde(default)]
    ended: Option<SignInEnd>,
}

/// One row of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedRow {
    cloud: String,
    tid: String,
    client_id: String,
    oid: String,
    /// Which key sealed it.
    key: String,
    sealed: String,
}

impl SealedRow {
    /// As far as can be told without opening it.
    pub(super) fn may_belong_to(&self, account: &Account) -> bool {
        account.person().is_some()
            && self.cloud == account.cloud.login_url()
            && account.client_id.as_deref() == Some(self.client_id.as_str())
    }

    /// What seals the row to its place: each part with its length, so that no
    /// two rows have the same.
    fn bound_to(&self) -> Vec<u8> {
        let mut bytes = b"m365mon sign-in 1".to_vec();
        for part in [&self.cloud, &self.tid, &self.client_id, &self.oid] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }

    pub(super) fn open(&self, keys: &SealKeys) -> Option<SignedIn> {
        let sealed = Sealed {
            key: self.key.clone(),
            text: self.sealed.clone(),
        };
        let text = keys.open(&sealed, &self.bound_to())?;
        let mut plain: OpenedRow = serde_json::from_slice(&text).ok()?;
        Some(SignedIn {
            cloud: self.cloud.clone(),
            tid: self.tid.clone(),
            client_id: self.client_id.clone(),
            oid: self.oid.clone(),
            record: SignInRecord {
                tenant: plain.tenant,
                username: plain.username,
                sign_in: plain.sign_in,
                refresh_token: Secret::new(std::mem::take(&mut *plain.refresh_token)),
                scopes: plain.scopes,
                consented_at: plain.consented_at,
                renewed_at: plain.renewed_at,
                refresh_ends: plain.refresh_ends,
                ended: plain.ended,
            },
        })
    }
}
