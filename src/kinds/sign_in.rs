//! `sign_in`: does Entra let people and programs in? Here the token request is
//! what is measured: what is wrong with Entra, or with the way to it, is felt by
//! everyone as soon as their tokens end, long before any other probe notices.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::ask::{Answer, Ask, Findings, Stopped};
use super::body;
use super::key::Lasting;
use super::{
    Advice, AnyKey, BadBody, Define, Effort, Info, Key, Keys, Permission, ProbeFuture, Refused,
    Remedy, Request, Setting, Spec, UNADDRESSED,
};
use crate::model::{Account, Audience, Provider, Reason, Service, SignIn as Way};

/// A tenant's sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSignIn {
    /// How often a token is asked for that is not from the cache.
    token_interval: Duration,
}

const USUAL_TOKEN_INTERVAL: Duration = Duration::from_secs(300);
static TOKEN_INTERVAL: Key<Lasting> = Key::optional(
    "token_interval",
    Lasting::seconds(300, 86_400),
    "`5m`",
    "How often a token is asked for that is not from the cache; each is a row in the sign-in log.",
);
static KEYS: &[&dyn AnyKey] = &[&TOKEN_INTERVAL];

const DISCOVERY: &str = "discovery";
const AUTHORIZE: &str = "authorize";
const TOKEN: &str = "token";

/// Numbers by which Entra says on a page that it is unwell, not we (Microsoft
/// Entra "authentication and authorization error codes").
const UNWELL: &[u32] = &[
    50_033, 50_087, 50_088, 90_006, 90_012, 90_024, 90_033, 90_036, 90_090, 90_091,
];
/// What the authorize endpoint sends back, or the page that it shows instead.
const AUTHORIZE_STATUSES: &[u16] = &[200, 302, 303, 400];

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    token_endpoint: Url,
}

impl Define for TenantSignIn {
    const INFO: &'static Info = &Info {
        name: "sign_in",
        title: "Sign-in",
        help: "Asks Entra for the tenant's discovery document, for a sign-in without a session, and now and then for a token.",
        proves: "Entra answers for this tenant, knows the application, and gives it tokens.",
        proves_not: "That people pass multi-factor authentication, Conditional Access or a federated identity provider.",
        holds: "discovery document",
        keys: KEYS,
        service: Service::Entra,
        limit_per_application: true,
        steps: &[DISCOVERY, AUTHORIZE, TOKEN],
        in_service_level: true,
        example: "{name: entra, account: contoso, kind: sign_in, token_interval: 10m}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        let token_interval = TOKEN_INTERVAL.take(keys).or(USUAL_TOKEN_INTERVAL)?;
        if account.is_some_and(|account| matches!(account.sign_in, Way::ManagedIdentity)) {
            keys.refuse(
                "account",
                "a managed identity gets its tokens from the machine, not from Entra: \"sign_in\" needs another account".to_owned(),
            );
            return None;
        }
        Some(Self { token_interval })
    }
}

impl Spec for TenantSignIn {
    fn target(&self) -> Cow<'_, str> {
        "the tenant's sign-in".into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        vec![TOKEN_INTERVAL.show(&self.token_interval)]
    }

    fn host(&self, account: &Account) -> String {
        let login = Url::parse(account.cloud.login_url()).ok();
        login
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default()
    }

    fn permissions(&self, _: &Account) -> Vec<Permission> {
        Vec::new()
    }

    /// OpenID Connect Discovery 1.0, section 4.
    fn request(&self, account: &Account) -> Option<Request> {
        let tenant = account.tenant.as_ref()?.as_str();
        let login = account.cloud.login_url();
        let url = format!("{login}/{tenant}/v2.0/.well-known/openid-configuration");
        Some(Request::get(
            Url::parse(&url).ok()?,
            url,
            Provider::Microsoft,
        ))
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let found: Discovery = body::object(Self::INFO.holds, answer)?;
        if found.issuer.is_empty() || found.token_endpoint.scheme() != "https" {
            return Err(BadBody::Shape(Self::INFO.holds));
        }
        Ok(Findings::default())
    }

    fn advise(&self, _: &Account, refused: &Refused<'_>) -> Option<Advice> {
        match refused.reason {
            Reason::NotFound | Reason::Rejected if refused.step == AUTHORIZE => Some(
                Advice::say(
                    "Entra sends nobody back: it does not know the application, or not its \
                     redirect URI",
                )
                .with(vec![Remedy::say("check `client_id`"), Remedy::Script]),
            ),
            Reason::NotFound | Reason::Rejected => Some(
                Advice::say("Entra does not know this tenant; check `tenant` and `cloud`").with(
                    vec![Remedy::say("check `tenant` and `cloud` of the account")],
                ),
            ),
            Reason::Forbidden => Some(
                Advice::say("Entra refuses this place; a policy on the way may block it")
                    .with(vec![Remedy::say("see the step egress")]),
            ),
            _ => None,
        }
    }

    fn effort(&self, account: &Account) -> Effort {
        let authorizes = account.person().is_some() && account.client_id.is_some();
        Effort::of(if authorizes { 3 } else { 2 })
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let request = self.request(account).ok_or(UNADDRESSED)?;
            let answer = ask.send(DISCOVERY, request).await?;
            self.judge(&answer)?;
            let nonce = ask.nonce();
            if let Some((request, redirect)) = authorize_request(account, &nonce) {
                let answer = ask.send(AUTHORIZE, request).await?;
                judge_authorize(&answer, &redirect)?;
            }
            if ask.is_sign_in_due(self.token_interval) {
                ask.sign_in(TOKEN, &Audience::graph(&account.cloud)).await?;
            }
            Ok(Findings::default())
        })
    }
}

/// A sign-in without a session and without a page, where a redirect URI is
/// registered: Entra sends the browser back with `login_required`, which proves
/// that it knows tenant, application and address (OpenID Connect Core 1.0,
/// section 3.1.2.1, `prompt=none`).
fn authorize_request(account: &Account, nonce: &str) -> Option<(Request, Url)> {
    let person = account.person()?;
    let client_id = account.client_id.as_deref()?;
    let tenant = account.tenant.as_ref()?.as_str();
    let redirect = match &person.redirect_url {
        Some(url) => url.clone(),
        None => Url::parse("http://localhost").ok()?,
    };
    let address = format!(
        "{}/{tenant}/oauth2/v2.0/authorize",
        account.cloud.login_url()
    );
    let mut url = Url::parse(&address).ok()?;
    // Nobody will ever redeem a code for it: any challenge of the right form does.
    let challenge = nonce.repeat(3);
    url.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", redirect.as_str().trim_end_matches('/'))
        .append_pair("response_mode", "query")
        .append_pair("scope", "openid")
        .append_pair("prompt", "none")
        .append_pair("state", nonce)
        .append_pair("nonce", nonce)
        .append_pair("code_challenge", challenge.get(..43)?)
        .append_pair("code_challenge_method", "S256");
    let request = Request::get(url, format!("{address}?prompt=none&…"), Provider::Microsoft);
    let request = Request {
        accept: "text/html",
        body_limit: 512 << 10,
        // Nothing is a success by its status alone: a page may be anybody's.
        from_anyone: Some(Vec::new()),
        ..request.expecting(AUTHORIZE_STATUSES).leading_to(&redirect)
    };
    Some((request, redirect))
}

fn judge_authorize(answer: &Answer, redirect: &Url) -> Result<(), Stopped> {
    if matches!(answer.status, 302 | 303) {
        let to = answer.header("location").and_then(|to| Url::parse(to).ok());
        let home = |to: &&Url| to.origin() == redirect.origin() && to.path() == redirect.path();
        let Some(to) = to.as_ref().filter(home) else {
            return Err(Stopped::judged(
                Reason::UnexpectedStatus,
                "a sign-in is sent elsewhere than to the registered address",
            ));
        };
        let error = to.query_pairs().find(|(name, _)| name == "error");
        return match error.as_ref().map(|(_, error)| &**error) {
            Some("login_required" | "interaction_required" | "consent_required") => Ok(()),
            Some("temporarily_unavailable" | "server_error") => Err(Stopped::judged(
                Reason::ServerError,
                "Entra says itself that it cannot sign anybody in now",
            )),
            _ => Err(Stopped::judged(
                Reason::Rejected,
                "Entra does not take the request of a sign-in; check the registration",
            )),
        };
    }
    let page = String::from_utf8_lossy(&answer.body);
    let number = number_on(&page);
    let code = number.map_or_else(String::new, |number| format!(" (AADSTS{number})"));
    if number.is_some_and(|number| UNWELL.contains(&number)) {
        return Err(Stopped::judged(
            Reason::ServerError,
            format!("Entra shows an error page instead of a sign-in{code}"),
        ));
    }
    Err(Stopped::judged(
        Reason::Rejected,
        format!(
            "Entra does not know the application or its address{code}; check `client_id`, \
             `tenant` and the redirect URIs of the registration"
        ),
    ))
}

/// The number of an error on a page of Entra's.
fn number_on(page: &str) -> Option<u32> {
    let (_, rest) = page.split_once("AADSTS")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest.get(..digits.min(9))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{ScriptedAsk, answer, redirect, with_status};

    const DOCUMENT: &str = r#"{"issuer":"https://login.microsoftonline.com/t/v2.0","token_endpoint":"https://login.microsoftonline.com/t/oauth2/v2.0/token"}"#;

    fn kind() -> TenantSignIn {
        TenantSignIn {
            token_interval: USUAL_TOKEN_INTERVAL,
        }
    }

    fn person(answers: impl IntoIterator<Item = Answer>) -> ScriptedAsk {
        let mut script = ScriptedAsk::of(answers);
        script.account = crate::fixtures::delegated("steve", "steve@contoso.com");
        script
    }

    #[tokio::test]
    async fn a_token_is_asked_for_when_it_is_due() {
        for due in [true, false] {
            let mut script = ScriptedAsk::of([answer(DOCUMENT)]);
            script.sign_in_due = due;
            script.sign_ins = [Ok(())].into();
            script.probe(&kind()).await.unwrap();
            assert_eq!(script.sign_ins.is_empty(), due);
        }
    }

    #[tokio::test]
    async fn what_authorize_says() {
        let back = "http://localhost/?error=login_required&error_description=AADSTS50058&state=x";
        let mut script = person([answer(DOCUMENT), redirect(302, back)]);
        script.sign_in_due = false;
        script.probe(&kind()).await.unwrap();
        let (step, request) = &script.sent()[1];
        assert_eq!(*step, AUTHORIZE);
        assert!(request.audience.is_none() && !request.shown.contains("client_id"));
        for (answered, reason) in [
            (
                redirect(302, "https://elsewhere.example/?error=login_required"),
                Reason::UnexpectedStatus,
            ),
            (
                redirect(302, "http://localhost/?error=server_error"),
                Reason::ServerError,
            ),
            (
                redirect(302, "http://localhost/?error=invalid_request"),
                Reason::Rejected,
            ),
            (
                with_status(200, "<html>AADSTS90033: A transient error"),
                Reason::ServerError,
            ),
            (
                with_status(200, "<html>AADSTS50011: The redirect URI"),
                Reason::Rejected,
            ),
            (with_status(400, "<html>AADSTS700016"), Reason::Rejected),
            (with_status(200, "<html>"), Reason::Rejected),
        ] {
            let mut script = person([answer(DOCUMENT), answered]);
            let stopped = script.probe(&kind()).await.unwrap_err();
            assert!(
                matches!(&stopped, Stopped::Judged { reason: found, .. } if *found == reason),
                "{stopped:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_page_is_no_discovery_document() {
        for body in [
            "<html>",
            "{}",
            r#"{"issuer":"","token_endpoint":"https://x"}"#,
        ] {
            let mut script = ScriptedAsk::of([answer(body)]);
            let stopped = script.probe(&kind()).await.unwrap_err();
            assert!(matches!(stopped, Stopped::Bad(_)), "{body}");
        }
    }
}
