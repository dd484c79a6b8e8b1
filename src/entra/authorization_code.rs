//! Signing in with a browser (RFC 6749 section 4.1 with PKCE, RFC 7636).

use oauth2::{PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use url::Url;

use super::answer::Granted;
use super::classify::{TokenRefusal, refused_in_browser};
use super::client_credentials::{application, ask_with_proof};
use super::consent::{Consent, ConsentError, SignedInAs, Wanted};
use super::endpoint::{Content, EndpointRequest};
use crate::http::UseProxy;
use crate::model::{Account, Secret};

/// A sign-in that was begun in a browser.
pub struct BrowserSignIn {
    /// Where to send the browser.
    pub url: Url,
    /// What must come back as `state`, once.
    pub state: Secret,
    wanted: Wanted,
    scopes: String,
    nonce: Secret,
    verifier: Secret,
    redirect: RedirectUrl,
}

impl BrowserSignIn {
    /// What the id token must repeat.
    pub(super) fn nonce(&self) -> &str {
        self.nonce.expose()
    }
}

impl std::fmt::Debug for BrowserSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BrowserSignIn")
    }
}

/// The same request, but no page may be shown.
fn silent(url: &Url) -> Url {
    let mut silent = url.clone();
    silent
        .query_pairs_mut()
        .clear()
        .extend_pairs(url.query_pairs().filter(|(name, _)| name != "prompt"))
        .append_pair("prompt", "none");
    silent
}

impl Consent {
    /// Begins a sign-in that ends at `redirect`, a URL that must be registered
    /// in exactly this spelling.
    ///
    /// # Errors
    /// When the account is not delegated, or `redirect` is no URL.
    pub fn browser(
        &self,
        account: &Account,
        wanted: &Wanted,
        redirect: &str,
    ) -> Result<BrowserSignIn, ConsentError> {
        let scopes = Self::first_scopes(account, wanted);
        self.begin_browser(account, wanted, scopes, redirect)
    }

    /// The same with other scopes than those of a sign-in that stays.
    pub(super) fn begin_browser(
        &self,
        account: &Account,
        wanted: &Wanted,
        scopes: String,
        redirect: &str,
    ) -> Result<BrowserSignIn, ConsentError> {
        Self::credential(account)?;
        let redirect = RedirectUrl::new(redirect.to_owned())
            .map_err(|_| TokenRefusal::internal("the redirect URI is no URL"))?;
        let application = application(account)?;
        let random = &*self.client.random;
        let (state, nonce) = (random.secret(32), random.secret(32));
        let verifier = random.secret(48);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(
            verifier.expose().to_owned(),
        ));
        let url = application.authorize_url(
            &redirect,
            &scopes,
            state.expose(),
            nonce.expose(),
            challenge,
            account.person().map_or("", |person| &*person.username),
        );
        Ok(BrowserSignIn {
            url,
            state,
            wanted: wanted.clone(),
            scopes,
            nonce,
            verifier,
            redirect,
        })
    }

    /// Asks Entra for a sign-in without a page: whatever it is, what a browser is
    /// sent back with goes to addresses of the registration only (RFC 6749 section
    /// 3.1.2.4; OpenID Connect Core section 3.1.2.1, `prompt=none`).
    ///
    /// # Errors
    /// When Entra does not know `redirect`, or does not say.
    pub(super) async fn knows_redirect(
        &self,
        account: &Account,
        wanted: &Wanted,
        redirect: &Url,
    ) -> Result<(), ConsentError> {
        let begun = self.browser(account, wanted, redirect.as_str())?;
        let host = begun.url.host_str().unwrap_or_default().to_owned();
        let request = EndpointRequest {
            url: silent(&begun.url),
            content: Content::Nothing,
            headers: Vec::new(),
            proxy: UseProxy::of(account),
        };
        let answer = self.client.endpoint.send(request).await;
        let answer = answer.map_err(|no_answer| ConsentError::Refused(no_answer.problem(&host)))?;
        let to = answer.headers.get(http::header::LOCATION);
        let to = to.and_then(|to| Url::parse(to.to_str().ok()?).ok());
        if to.is_some_and(|to| to.origin() == redirect.origin() && to.path() == redirect.path()) {
            return Ok(());
        }
        let page = String::from_utf8_lossy(&answer.body);
        let number = page.split_once("AADSTS").map(|(_, rest)| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).take(9).count();
            &rest[..digits]
        });
        Err(ConsentError::Unable(match number {
            Some("50011") => format!(
                "{redirect} is not registered as a redirect URI of the application (AADSTS50011): \
                 add it under Authentication"
            ),
            Some(number) => format!(
                "{host} does not take a sign-in that comes back to {redirect} (AADSTS{number}): \
                 check `client_id`, `tenant` and the redirect URIs of the application"
            ),
            None => format!(
                "{host} does not say whether {redirect} is registered as a redirect URI of the \
                 application (status {})",
                answer.status
            ),
        }))
    }

    /// What the `error` and `error_description` mean with which the browser
    /// came back instead of a code (RFC 6749 section 4.1.2.1).
    #[must_use]
    pub fn refused(error: &str, description: &str) -> ConsentError {
        refused_in_browser(error, description).into()
    }

    /// Redeems the code that came back, checks who it was, and keeps the
    /// sign-in. The caller has compared `state`.
    ///
    /// # Errors
    /// When Entra does not take the code, it was the wrong person, or the
    /// sign-in cannot be kept.
    pub async fn finish_browser(
        &self,
        account: &Account,
        begun: BrowserSignIn,
        code: &Secret,
    ) -> Result<SignedInAs, ConsentError> {
        let (granted, begun) = self.redeem(account, begun, code).await?;
        self.conclude(account, &begun.wanted, granted, Some(begun.nonce()))
            .await
    }

    /// What the code brings, unchecked.
    pub(super) async fn redeem(
        &self,
        account: &Account,
        begun: BrowserSignIn,
        code: &Secret,
    ) -> Result<(Granted, BrowserSignIn), ConsentError> {
        let application = application(account)?;
        let credential = Self::credential(account)?;
        let granted = ask_with_proof(&self.client, account, &credential, |proof| {
            application.authorization_code(
                proof,
                code,
                &begun.verifier,
                &begun.redirect,
                &begun.scopes,
            )
        })
        .await?;
        Ok((granted, begun))
    }
}
