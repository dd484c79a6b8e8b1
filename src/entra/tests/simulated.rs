//! Sign-ins of simulated persons, as another process writes and reads them.

use super::super::TokenStore;
use super::super::signed_in::{SignInRecord, SignedIn};
use crate::model::{Account, Secret, Timestamp};

impl TokenStore {
    /// Puts a sign-in with this refresh token into the store; false if the disk
    /// does not take it.
    pub(crate) fn sign_in_simulated(&self, account: &Account, token: &str, at: Timestamp) -> bool {
        let username = account.person().unwrap().username.to_string();
        let new = SignedIn {
            cloud: account.cloud.login_url().to_owned(),
            tid: "99999999-2222-3333-4444-555555555555".into(),
            client_id: account.client_id.as_deref().unwrap().to_owned(),
            oid: "o".into(),
            record: SignInRecord {
                tenant: account.tenant.as_ref().unwrap().as_str().to_owned(),
                username,
                sign_in: token.to_owned(),
                refresh_token: Secret::new(token.to_owned()),
                scopes: std::collections::BTreeMap::default(),
                consented_at: at,
                ended: None,
                renewed_at: at,
                refresh_ends: None,
            },
        };
        self.sign_in(account, &new).is_ok()
    }

    /// The refresh token that the disk has.
    pub(crate) fn refresh_token_simulated(&self, account: &Account) -> Option<String> {
        let found = self.find(account).ok().flatten()?;
        Some(found.record.refresh_token.expose().to_owned())
    }
}
