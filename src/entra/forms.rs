//! The forms that the token and device code endpoints take, built by the
//! `oauth2` crate (RFC 6749, 7636, 8628) with what Entra adds to them.
//!
//! The crate is given a client that keeps the request and answers nothing of
//! use: it never sees a token. Its own copies of secrets are not wiped, but
//! live only as long as the building takes.

use std::cell::RefCell;
use std::convert::Infallible;

use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope,
    StandardDeviceAuthorizationResponse, SyncHttpClient, TokenUrl,
};
use url::Url;
use zeroize::Zeroize as _;

use super::claims::{ClaimsChallenge, claims_parameter};
use crate::http::UseProxy;
use crate::model::{Account, Secret};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How the application proves who it is in a request.
pub(super) enum Proof {
    /// A public client.
    Nothing,
    /// `client_secret`.
    Secret(Secret),
    /// `client_assertion`: a signed JWT, ours or another identity provider's.
    Assertion(Secret),
}

/// The endpoints of one application in one tenant.
#[derive(Clone)]
pub(super) struct Application {
    client_id: String,
    root: Url,
    proxy: UseProxy,
}

/// A form on its way: where to, and its fields. Values may be secret.
pub(super) struct TokenForm {
    pub(super) url: Url,
    pub(super) fields: Vec<(String, Secret)>,
    /// By which proxy it goes.
    pub(super) proxy: UseProxy,
}

type Client = BasicClient<EndpointNotSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

impl Application {
    /// `None` for an account without tenant or client id (a managed identity).
    pub(super) fn of(account: &Account) -> Option<Self> {
        let tenant = account.tenant.as_ref()?.as_str();
        let root = format!("{}/{tenant}/", account.cloud.login_url());
        Some(Self {
            client_id: account.client_id.as_deref()?.to_owned(),
            root: Url::parse(&root).ok()?,
            proxy: UseProxy::of(account),
        })
    }

    /// An endpoint of the tenant, as `oauth2/v2.0/token`.
    pub(super) fn endpoint(&self, path: &str) -> Url {
        // Joining a relative path to an https root cannot fail; the root itself is harmless.
        self.root.join(path).unwrap_or_else(|_| self.root.clone())
    }

    /// The token endpoint: also the audience of a client assertion.
    pub(super) fn token_url(&self) -> Url {
        self.endpoint("oauth2/v2.0/token")
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The form that `send` hands over.
    fn build(&self, send: impl FnOnce(&Captured)) -> TokenForm {
        TokenForm {
            proxy: self.proxy.clone(),
            ..Captured::build(send)
        }
    }

    fn client(&self, proof: &Proof) -> Client {
        let client = BasicClient::new(ClientId::new(self.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(self.token_url()))
            .set_device_authorization_url(DeviceAuthorizationUrl::from_url(
                self.endpoint("oauth2/v2.0/devicecode"),
            ));
        match proof {
            Proof::Secret(secret) => {
                client.set_client_secret(ClientSecret::new(secret.expose().to_owned()))
            }
            Proof::Nothing | Proof::Assertion(_) => client,
        }
    }

    /// RFC 6749 section 4.4: the application as itself. `scope` is
    /// `{audience}/.default`.
    pub(super) fn client_credentials(
        &self,
        proof: &Proof,
        scope: &str,
        challenge: Option<&ClaimsChallenge>,
    ) -> TokenForm {
        let client = self.client(proof);
        let mut request = client
            .exchange_client_credentials()
            .add_scope(Scope::new(scope.to_owned()))
            .add_extra_param("claims", claims_parameter(challenge));
        for (name, value) in assertion(proof) {
            request = request.add_extra_param(name, value);
        }
        self.build(|captured| _ = request.request(captured))
    }

    /// RFC 6749 section 6. `scopes` is separated by spaces.
    pub(super) fn refresh_token(
        &self,
        proof: &Proof,
        token: &Secret,
        scopes: &str,
        challenge: Option<&ClaimsChallenge>,
    ) -> TokenForm {
        let client = self.client(proof);
        let token = RefreshToken::new(token.expose().to_owned());
        let mut request = client
            .exchange_refresh_token(&token)
            .add_scopes(split(scopes))
            .add_extra_param("claims", claims_parameter(challenge));
        for (name, value) in assertion(proof) {
            request = request.add_extra_param(name, value);
        }
        self.build(|captured| _ = request.request(captured))
    }

    /// RFC 8628 section 3.1: a confidential client proves itself here as well.
    pub(super) fn device_code(&self, proof: &Proof, scopes: &str) -> TokenForm {
        let client = self.client(proof);
        let mut request = client.exchange_device_code().add_scopes(split(scopes));
        for (name, value) in assertion(proof) {
            request = request.add_extra_param(name, value);
        }
        self.build(|captured| {
            _ = request.request::<_, oauth2::EmptyExtraDeviceAuthorizationFields>(captured);
        })
    }

    /// RFC 8628 section 3.4: one poll. The crate's own loop is not used: it
    /// cannot tell what the answer said beyond `error`.
    pub(super) fn device_poll(
        &self,
        proof: &Proof,
        device: &StandardDeviceAuthorizationResponse,
    ) -> TokenForm {
        let client = self.client(proof);
        let mut request = client
            .exchange_device_access_token(device)
            .add_extra_param("claims", claims_parameter(None));
        for (name, value) in assertion(proof) {
            request = request.add_extra_param(name, value);
        }
        self.build(|captured| _ = request.request(captured, |_| {}, None))
    }

    /// RFC 6749 section 4.1.3 with RFC 7636: the code that came back to `redirect`.
    pub(super) fn authorization_code(
        &self,
        proof: &Proof,
        code: &Secret,
        verifier: &Secret,
        redirect: &RedirectUrl,
        scopes: &str,
    ) -> TokenForm {
        let client = self.client(proof).set_redirect_uri(redirect.clone());
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
            .add_extra_param("scope", scopes.to_owned())
            .add_extra_param("claims", claims_parameter(None));
        for (name, value) in assertion(proof) {
            request = request.add_extra_param(name, value);
        }
        self.build(|captured| _ = request.request(captured))
    }

    /// RFC 6749 section 4.1.1 with RFC 7636 and OpenID Connect's `nonce`:
    /// where to send the browser. `prompt=login` makes the consent an
    /// authentication.
    pub(super) fn authorize_url(
        &self,
        redirect: &RedirectUrl,
        scopes: &str,
        state: &str,
        nonce: &str,
        challenge: PkceCodeChallenge,
        login_hint: &str,
    ) -> Url {
        let state = state.to_owned();
        let client = self
            .client(&Proof::Nothing)
            .set_auth_uri(AuthUrl::from_url(self.endpoint("oauth2/v2.0/authorize")))
            .set_redirect_uri(redirect.clone());
        let mut request = client
            .authorize_url(|| CsrfToken::new(state))
            .add_scopes(split(scopes))
            .set_pkce_challenge(challenge)
            .add_extra_param("response_mode", "query")
            .add_extra_param("prompt", "login");
        if !login_hint.is_empty() {
            request = request.add_extra_param("login_hint", login_hint);
        }
        let (url, _) = request
            .add_extra_param("nonce", nonce)
            .add_extra_param("claims", claims_parameter(None))
            .url();
        url
    }
}

fn split(scopes: &str) -> impl Iterator<Item = Scope> + '_ {
    scopes
        .split_ascii_whitespace()
        .map(|scope| Scope::new(scope.to_owned()))
}

/// The fields of a client assertion (RFC 7521 section 4.2).
fn assertion(proof: &Proof) -> Vec<(&'static str, String)> {
    match proof {
        Proof::Assertion(jwt) => vec![
            ("client_assertion_type", ASSERTION_TYPE.to_owned()),
            ("client_assertion", jwt.expose().to_owned()),
        ],
        Proof::Nothing | Proof::Secret(_) => Vec::new(),
    }
}

/// The client that keeps what the crate wants to send.
#[derive(Default)]
struct Captured(RefCell<Option<TokenForm>>);

impl Captured {
    #[expect(
        clippy::expect_used,
        reason = "the crate calls its client exactly once: its requests are built from valid URLs and cannot fail before that"
    )]
    fn build(send: impl FnOnce(&Self)) -> TokenForm {
        let captured = Self::default();
        send(&captured);
        captured
            .0
            .into_inner()
            .expect("the request was handed over")
    }
}

impl SyncHttpClient for Captured {
    type Error = Infallible;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, Infallible> {
        let (head, mut body) = request.into_parts();
        let fields = url::form_urlencoded::parse(&body)
            .map(|(name, value)| (name.into_owned(), Secret::new(value.into_owned())))
            .collect();
        body.zeroize();
        if let Ok(url) = Url::parse(&head.uri.to_string()) {
            *self.0.borrow_mut() = Some(TokenForm {
                url,
                fields,
                proxy: UseProxy::Configured,
            });
        }
        // An answer that ends the crate's loop over device code polls.
        let mut answer = HttpResponse::new(br#"{"error":"access_denied"}"#.to_vec());
        *answer.status_mut() = http::StatusCode::BAD_REQUEST;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn application() -> Application {
        Application::of(&fixtures::account("contoso")).unwrap()
    }

    fn shown(form: &TokenForm) -> Vec<String> {
        let mut fields: Vec<_> = form
            .fields
            .iter()
            .filter(|(name, _)| name != "claims")
            .map(|(name, value)| format!("{name}={}", value.expose()))
            .collect();
        fields.sort();
        assert!(
            form.fields.iter().any(|(name, _)| name == "claims")
                || form.url.path().ends_with("devicecode")
        );
        fields.insert(0, form.url.path().to_owned());
        fields
    }

    #[test]
    fn fields_of_each_grant() {
        let application = application();
        let id = "client_id=11111111-2222-3333-4444-555555555555";
        let token = "/contoso.onmicrosoft.com/oauth2/v2.0/token";
        let secret = Secret::new("a+b&ü".into());
        assert_eq!(
            shown(&application.client_credentials(
                &Proof::Secret(secret.clone()),
                "https://x/.default",
                None
            )),
            [
                token,
                id,
                "client_secret=a+b&ü",
                "grant_type=client_credentials",
                "scope=https://x/.default"
            ]
        );
        assert_eq!(
            shown(&application.client_credentials(&Proof::Assertion(secret.clone()), "y", None)),
            [
                token,
                "client_assertion=a+b&ü",
                "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                id,
                "grant_type=client_credentials",
                "scope=y",
            ]
        );
        assert_eq!(
            shown(&application.refresh_token(&Proof::Nothing, &secret, "openid https://x/A", None)),
            [
                token,
                id,
                "grant_type=refresh_token",
                "refresh_token=a+b&ü",
                "scope=openid https://x/A"
            ]
        );
        assert_eq!(
            shown(&application.device_code(&Proof::Nothing, "openid a")),
            [
                "/contoso.onmicrosoft.com/oauth2/v2.0/devicecode",
                id,
                "scope=openid a"
            ]
        );
        let device = serde_json::from_str(
            r#"{"device_code":"d","user_code":"u","verification_uri":"https://x/","expires_in":900}"#,
        )
        .unwrap();
        assert_eq!(
            shown(&application.device_poll(&Proof::Nothing, &device)),
            [
                token,
                id,
                "device_code=d",
                "grant_type=urn:ietf:params:oauth:grant-type:device_code"
            ]
        );
        let redirect = RedirectUrl::new("http://localhost:1".into()).unwrap();
        assert_eq!(
            shown(&application.authorization_code(
                &Proof::Nothing,
                &Secret::new("c".into()),
                &Secret::new("v".into()),
                &redirect,
                "openid a"
            )),
            [
                token,
                id,
                "code=c",
                "code_verifier=v",
                "grant_type=authorization_code",
                "redirect_uri=http://localhost:1",
                "scope=openid a",
            ]
        );
    }
}
