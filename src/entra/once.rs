//! A sign-in for one errand: a person comes, one access token is had, nothing is
//! kept. No `offline_access` is asked for, so there is no refresh token, and the
//! store is not touched.

use super::access_token::AccessToken;
use super::answer::Granted;
use super::authorization_code::BrowserSignIn;
use super::consent::{Consent, ConsentError, Wanted, scopes_without_staying};
use super::device_code::DeviceCode;
use super::id_token;
use crate::model::{Account, Moment, Secret};

impl Consent {
    /// Begins such a sign-in in a browser. It asks for what is wanted of the
    /// first audience only.
    ///
    /// # Errors
    /// As [`Self::browser`].
    pub fn browser_once(
        &self,
        account: &Account,
        wanted: &Wanted,
        redirect: &str,
    ) -> Result<BrowserSignIn, ConsentError> {
        let scopes = once(account, wanted);
        self.begin_browser(account, wanted, scopes, redirect)
    }

    /// Redeems the code that came back.
    ///
    /// # Errors
    /// As [`Self::finish_browser`], but that anybody of the tenant will do.
    pub async fn finish_browser_once(
        &self,
        account: &Account,
        begun: BrowserSignIn,
        code: &Secret,
    ) -> Result<AccessToken, ConsentError> {
        let began = self.client.clock.moment();
        let (granted, begun) = self.redeem(account, begun, code).await?;
        self.take_once(account, granted, Some(begun.nonce()), began)
            .await
    }

    /// Asks for a code that is entered on another device.
    ///
    /// # Errors
    /// As [`Self::device_code`].
    pub async fn device_code_once(
        &self,
        account: &Account,
        wanted: &Wanted,
    ) -> Result<DeviceCode, ConsentError> {
        let scopes = once(account, wanted);
        self.ask_for_code(account, wanted, &scopes).await
    }

    /// Polls until the person is done.
    ///
    /// # Errors
    /// As [`Self::finish_device`], but that anybody of the tenant will do.
    pub async fn finish_device_once(
        &self,
        account: &Account,
        code: &DeviceCode,
    ) -> Result<AccessToken, ConsentError> {
        let began = self.client.clock.moment();
        let granted = self.poll(account, code).await?;
        self.take_once(account, granted, None, began).await
    }

    /// `began` is before the token was issued, so that its end is never later
    /// than the issuer's.
    async fn take_once(
        &self,
        account: &Account,
        granted: Granted,
        nonce: Option<&str>,
        began: Moment,
    ) -> Result<AccessToken, ConsentError> {
        let Some(id_token) = &granted.id_token else {
            return Err(ConsentError::IdToken("there is none"));
        };
        let issuer = self.issuer(account).await?;
        let now = self.client.clock.now();
        id_token::check_tenant(id_token, account, &issuer, nonce, now)?;
        Ok(AccessToken::new(granted.access_token, began, granted.life))
    }
}

fn once(account: &Account, wanted: &Wanted) -> String {
    let first = Consent::first(account, wanted);
    let names = first.and_then(|audience| wanted.get(audience));
    let graph = crate::model::Audience::graph(&account.cloud);
    scopes_without_staying(first.unwrap_or(&graph), names.map_or(&[], Vec::as_slice))
}
