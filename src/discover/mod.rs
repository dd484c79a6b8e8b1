//! What a tenant has to watch, found by a person who signs in for this once, and
//! told as resources of the configuration: ids and addresses, no other word of
//! the tenant's.
//!
//! It promises that the sign-in is an application's that is not the account's
//! own, that nothing is stored, and that a search is one request whose answer is
//! bounded. Who calls: `m365mon discover`.

mod yaml;

use std::fmt::Write as _;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::entra::{AccessToken, Approval, ClaimsChallenge, ConsentError, LOOPBACK, Wanted};
use crate::graph::{Attempt, Client, Response, TokenSource};
use crate::http::ProbeClient;
use crate::kinds::{Ask as _, FoundPage, Search, own_entry};
use crate::model::{
    Account, Audience, Clock, Delegated, Random, Reason, SignIn, Story, TokenProblem, Verdict,
};

pub use yaml::resources;

/// *Microsoft Graph Command Line Tools*, Microsoft's own application for such
/// errands; the same in every tenant.
pub const COMMAND_LINE_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// The account's tenant, visited by a person through the application
/// `client_id`; whoever of the tenant comes is welcome.
#[must_use]
pub fn visitor(account: &Account, client_id: &str) -> Account {
    Account {
        client_id: Some(client_id.to_ascii_lowercase().into()),
        sign_in: SignIn::Delegated {
            person: Delegated {
                username: "".into(),
                redirect_url: None,
                max_age: None,
            },
            client: None,
        },
        ..account.clone()
    }
}

/// What is asked for at the sign-in.
#[must_use]
pub fn wanted(account: &Account, searches: &[Search]) -> Wanted {
    let mut names: Vec<String> = searches.iter().map(|one| one.scope().to_owned()).collect();
    names.sort();
    names.dedup();
    Wanted::from([(Audience::graph(&account.cloud), names)])
}

/// The same for people, before they sign in.
#[must_use]
pub fn announcement(visitor: &Account, searches: &[Search]) -> String {
    let client_id = visitor.client_id.as_deref().unwrap_or_default();
    let name = match client_id {
        COMMAND_LINE_TOOLS => "Microsoft Graph Command Line Tools, ",
        _ => "",
    };
    let mut text = format!(
        "Whoever signs in will be asked to let the application {name}{client_id}\n  \
         know who signed in (openid, profile)\n"
    );
    for search in searches {
        // Writing into a String does not fail.
        _ = writeln!(text, "  {}, to find {}", search.scope(), search.shown());
    }
    text.push_str(
        "The sign-in is for this once: nothing of it is stored. The consent stays with that \
         application, the account's own is not touched.\n",
    );
    text
}

/// What to do about a sign-in that came to nothing.
#[must_use]
pub fn advice(visitor: &Account, wanted: &Wanted, error: &ConsentError) -> Option<String> {
    const OWN: &str = "or name a public client of your own by --client-id: an app registration \
                       with the redirect URI http://localhost (Mobile and desktop applications)";
    if error.needs_administrator() {
        let link = Approval::of(visitor, wanted, LOOPBACK)
            .and_then(|approval| approval.links.into_iter().next())
            .map(|(_, link)| format!("\n\n  {link}\n\n"))?;
        return Some(format!(
            "People may not consent to this by themselves here. Sign in as an administrator, or \
             have one open this, which consents for everyone in the tenant:{link}{OWN}"
        ));
    }
    match error {
        // Not in this tenant; disabled; assignment required; not allowed.
        ConsentError::Refused(TokenProblem {
            code: Some(700_016 | 7_000_112 | 50_105 | 650_052 | 53_003 | 530_003),
            ..
        }) => Some(format!(
            "Sign in as somebody who may use this application, {OWN}"
        )),
        _ => None,
    }
}

/// Why a search came to nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct NotFound {
    /// For people.
    pub message: String,
    /// It was refused; else nobody can tell.
    pub refused: bool,
}

/// Looks around in a tenant with the one token.
pub struct Searcher {
    client: Client,
    visitor: Arc<Account>,
}

impl Searcher {
    /// One for a visitor who signed in.
    #[must_use]
    pub fn new(
        http: ProbeClient,
        token: AccessToken,
        visitor: Account,
        clock: Clock,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            client: Client::new(http, Arc::new(OneToken(token)), clock, random),
            visitor: Arc::new(visitor),
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// There is no answer, or none of use.
    pub async fn find(&self, search: &Search) -> Result<FoundPage, NotFound> {
        let unclear = |message: String| NotFound {
            message: format!("{}: {message}", search.shown()),
            refused: false,
        };
        let request = search.request(&self.visitor.cloud);
        let request = request.ok_or_else(|| unclear("that makes no address".to_owned()))?;
        let (entry, story) = (own_entry(&self.visitor), Story::untold());
        let mut probing = self.client.begin(&entry, &story, None);
        let answer = probing.send("", request).await;
        let Ok(answer) = answer else {
            let (outcome, _) = probing.end();
            return Err(explained(search, outcome.as_ref()));
        };
        search
            .read(&answer)
            .map_err(|bad| unclear(format!("the answer is of no use, {bad}")))
    }
}

impl std::fmt::Debug for Searcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Searcher")
    }
}

fn explained(search: &Search, outcome: Option<&Attempt>) -> NotFound {
    let what = search.shown();
    match outcome {
        Some(Attempt::Response(response)) => refused(search, response),
        Some(Attempt::NoAnswer { net, .. }) => NotFound {
            message: format!("{what}: no answer, {net}"),
            refused: false,
        },
        Some(Attempt::NoToken(problem)) => NotFound {
            message: format!("{what}: {problem}"),
            refused: false,
        },
        Some(Attempt::Held) | None => NotFound {
            message: format!("{what}: nothing was asked"),
            refused: false,
        },
    }
}

fn refused(search: &Search, response: &Response) -> NotFound {
    let status = response.status;
    let code = response
        .error
        .code()
        .map_or_else(String::new, |code| format!(" ({code})"));
    let why = match response.verdict {
        Verdict::Problem(Reason::Forbidden | Reason::Unauthorized) => format!(
            "; is {} in the consent, and may this person read the directory?",
            search.scope()
        ),
        Verdict::Problem(Reason::Throttled) => "; Microsoft asks us to wait: try again".to_owned(),
        Verdict::Problem(Reason::Rejected) => "; try another text".to_owned(),
        _ => String::new(),
    };
    NotFound {
        message: format!("{}: Graph answered {status}{code}{why}", search.shown()),
        refused: (400..500).contains(&status) && status != 429,
    }
}

/// The token of this once; it is not renewed.
struct OneToken(AccessToken);

impl TokenSource for OneToken {
    fn access_token<'a>(
        &'a self,
        _: &'a Account,
        _: &'a Audience,
        _: &'a Story,
    ) -> BoxFuture<'a, Result<AccessToken, TokenProblem>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn fresh_token<'a>(
        &'a self,
        _: &'a Account,
        _: &'a Audience,
        _: &'a Story,
    ) -> BoxFuture<'a, Result<(), TokenProblem>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn replace_refused<'a>(
        &'a self,
        _: &'a Account,
        _: &'a Audience,
        _: &'a AccessToken,
        _: Option<ClaimsChallenge>,
        _: &'a Story,
    ) -> BoxFuture<'a, Option<Result<AccessToken, TokenProblem>>> {
        Box::pin(std::future::ready(None))
    }
}
