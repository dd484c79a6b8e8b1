//! What Entra remembers between requests: authorization codes and device
//! codes in memory; refresh tokens, browser sessions and half-finished
//! sign-ins sealed with a key of this run and carried by the client, as Entra
//! does it, so that any number of them costs nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bounded_map::BoundedMap;
use super::pkce::Challenge;
use crate::directory::Platform;
use m365mon_base::{Random, SystemRandom};

/// Behaviour that Microsoft does not show, or only some tenants do; for tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A client assertion works once. Microsoft's libraries use one for ten
    /// minutes, so this is off.
    pub assertions_once: bool,
    /// A refresh token works once, and a second use revokes its successors
    /// (RFC 9700 section 4.14.2). Entra keeps older ones valid: off.
    pub refresh_tokens_once: bool,
    /// `slow_down` for a device code polled faster than its interval.
    pub slow_down: bool,
    /// Seconds between polls of a device code, as the client is told.
    pub device_interval: u32,
    /// People may ask the administrator for approval (AADSTS90095) where they
    /// may not consent.
    pub approval_requests: bool,
    /// Conditional Access refuses every token to people (AADSTS53003).
    pub blocked: bool,
    /// Tokens of a day come without `refresh_in`, as in every recording.
    pub refresh_in_untold: bool,
    /// `expires_in` as a string, as the older endpoint writes it.
    pub numbers_as_strings: bool,
    /// `refresh_token_expires_in` in answers with a refresh token, as some
    /// standard servers and Entra for external tenants send it.
    pub refresh_lifetime_told: bool,
    /// What App Service would put into `IDENTITY_HEADER`.
    pub identity_header: String,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            assertions_once: false,
            refresh_tokens_once: false,
            slow_down: false,
            device_interval: 5,
            approval_requests: false,
            blocked: false,
            refresh_in_untold: false,
            numbers_as_strings: false,
            refresh_lifetime_told: false,
            identity_header: "simulated-identity-header".into(),
        }
    }
}

/// An authorization code, or what is left of it after use.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    pub(super) platform: Platform,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<Challenge>,
    /// Milliseconds since 1970.
    pub(super) issued: i64,
    pub(super) redeemed: bool,
}

/// What a person agreed to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    /// Client id.
    pub(super) client: String,
    /// Object id of the person.
    pub(super) user: String,
    /// GUID of the organization.
    pub(super) organization: String,
    /// As asked for.
    pub(super) scope: String,
    /// When the person signed in, in milliseconds since 1970.
    pub(super) signed_in: i64,
    /// With a second factor.
    pub(super) factor: bool,
}

/// Where a device code stands.
#[derive(Debug, Clone)]
pub(super) enum DeviceState {
    Pending,
    Approved(Grant),
    Declined,
    /// By Conditional Access, with this number.
    Blocked(u32),
    Redeemed,
}

/// A device code.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) user_code: String,
    pub(super) client: String,
    pub(super) organization: String,
    pub(super) scope: String,
    /// Milliseconds since 1970.
    pub(super) issued: i64,
    /// Of the last poll.
    pub(super) polled: Option<i64>,
    pub(super) state: DeviceState,
}

/// A refresh token, opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refresh {
    pub(super) id: String,
    /// Of the sign-in that it descends from.
    pub(super) family: String,
    pub(super) grant: Grant,
    /// Milliseconds since 1970.
    pub(super) issued: i64,
    /// Issued to a client that proved nothing.
    pub(super) public: bool,
    /// Of a single-page application: ends for good at this time.
    pub(super) ends: Option<i64>,
}

/// How long an authorization code lives.
pub(super) const CODE_SECONDS: i64 = 600;
/// How long a device code lives.
pub(super) const DEVICE_SECONDS: i64 = 900;
/// How long a refresh token lives unused.
pub(super) const REFRESH_DAYS: i64 = 90;

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) codes: BoundedMap<Code>,
    /// By device code.
    pub(super) devices: BoundedMap<Device>,
    /// Device codes by user code.
    pub(super) user_codes: BoundedMap<String>,
    /// Ends of assertions by `jti`.
    assertions: BoundedMap<i64>,
    used_refresh: BoundedMap<()>,
    dead_families: BoundedMap<()>,
    /// The scopes that an application last asked people for.
    pub(super) asked: BoundedMap<String>,
    /// Approval was asked for: client id, UPN and scopes.
    pub(super) requests: Vec<ApprovalRequest>,
}

/// A person asked the administrator to approve an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalRequest {
    /// Client id.
    pub client_id: String,
    /// Who asked.
    pub upn: String,
    /// For what.
    pub scope: String,
}

/// See the module. One per tenant.
pub struct Sessions {
    key: Option<LessSafeKey>,
    random: SystemRandom,
    policy: RwLock<Policy>,
    memory: Mutex<Memory>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

impl Default for Sessions {
    fn default() -> Self {
        let random = SystemRandom::new();
        let mut key = [0; 32];
        random.fill(&mut key);
        Self {
            // 32 bytes are what the algorithm takes, so there always is a key.
            key: UnboundKey::new(&CHACHA20_POLY1305, &key)
                .ok()
                .map(LessSafeKey::new),
            random,
            policy: RwLock::default(),
            memory: Mutex::default(),
        }
    }
}

impl Sessions {
    /// The behaviour in force.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy.read().clone()
    }

    /// Changes it.
    pub fn set_policy(&self, policy: Policy) {
        *self.policy.write() = policy;
    }

    /// What people asked the administrator for.
    #[must_use]
    pub fn approval_requests(&self) -> Vec<ApprovalRequest> {
        self.memory.lock().requests.clone()
    }

    /// The user codes of devices that wait for a person.
    #[must_use]
    pub fn waiting_devices(&self) -> Vec<String> {
        let memory = self.memory.lock();
        let waiting = memory
            .devices
            .values()
            .filter(|device| matches!(device.state, DeviceState::Pending));
        waiting.map(|device| device.user_code.clone()).collect()
    }

    pub(super) fn memory(&self) -> parking_lot::MutexGuard<'_, Memory> {
        self.memory.lock()
    }

    /// An unguessable name of `bytes` bytes.
    pub(super) fn name(&self, bytes: usize) -> String {
        let mut name = vec![0; bytes];
        self.random.fill(&mut name);
        URL_SAFE_NO_PAD.encode(name)
    }

    /// Seals a value for its purpose; opaque to whoever carries it.
    pub(super) fn seal(&self, purpose: &str, value: &impl Serialize) -> String {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce);
        let mut sealed = nonce.to_vec();
        let mut text = serde_json::to_vec(value).unwrap_or_default();
        let nonce = Nonce::assume_unique_for_key(nonce);
        if let Some(key) = &self.key
            && key
                .seal_in_place_append_tag(nonce, Aad::from(purpose.as_bytes()), &mut text)
                .is_ok()
        {
            sealed.append(&mut text);
        }
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Opens what [`Self::seal`] sealed for the same purpose.
    pub(super) fn open<T: DeserializeOwned>(&self, purpose: &str, sealed: &str) -> Option<T> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        if bytes.len() < NONCE_LEN {
            return None;
        }
        let (nonce, text) = bytes.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let key = self.key.as_ref()?;
        let text = key
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), text)
            .ok()?;
        serde_json::from_slice(text).ok()
    }

    /// Remembers an assertion; false if it was used before and the policy minds.
    pub(super) fn accept_assertion(&self, client: &str, id: &str, ends: i64) -> bool {
        if !self.policy.read().assertions_once {
            return true;
        }
        let name = format!("{client} {id}");
        self.memory.lock().assertions.put(name, ends).is_none()
    }

    /// Marks a refresh token as used; false if the policy minds second uses
    /// and this was one, or its family has ended by one.
    pub(super) fn accept_refresh(&self, token: &Refresh) -> bool {
        if !self.policy.read().refresh_tokens_once {
            return true;
        }
        let mut memory = self.memory.lock();
        if memory.dead_families.get(&token.family).is_some() {
            return false;
        }
        if memory.used_refresh.put(token.id.clone(), ()).is_some() {
            memory.dead_families.put(token.family.clone(), ());
            return false;
        }
        true
    }
}

/// Milliseconds since 1970 as a time.
pub(super) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_for_one_purpose() {
        let sessions = Sessions::default();
        let sealed = sessions.seal("refresh", &"value");
        assert_eq!(
            sessions.open::<String>("refresh", &sealed).as_deref(),
            Some("value")
        );
        assert_eq!(sessions.open::<String>("visit", &sealed), None);
        assert_eq!(Sessions::default().open::<String>("refresh", &sealed), None);
        for garbage in ["", "AAAA", "*"] {
            assert_eq!(sessions.open::<String>("refresh", garbage), None);
        }
    }

    #[test]
    fn second_uses_only_matter_by_policy() {
        let sessions = Sessions::default();
        assert!(sessions.accept_assertion("c", "1", 0));
        assert!(sessions.accept_assertion("c", "1", 0));
        sessions.set_policy(Policy {
            assertions_once: true,
            ..Policy::default()
        });
        assert!(sessions.accept_assertion("c", "1", 0));
        assert!(!sessions.accept_assertion("c", "1", 0));
        assert!(sessions.accept_assertion("d", "1", 0));
    }
}
