//! `/accounts/NAME/sign-in` and what belongs to it: who must sign in, what will
//! be asked for and why, what came of it, and what an administrator can do.

use std::collections::BTreeSet;
use std::sync::Arc;

use url::Url;

use super::frame::{Links, account_path, page, still_page};
use super::html::Html;
use super::pieces::{account_link, countdown};
use super::words::{ago, span};
use crate::entra::{ConsentError, SignInEnd, SignInStatus, SignedInAs, StoreError};
use crate::kinds::Need;
use crate::model::{Account, Audience, Timestamp};
use crate::web::sign_in::sessions::{SessionOutcome, Waiting};

/// What the page of a sign-in shows.
pub(in crate::web) struct SignInView<'a> {
    pub(in crate::web) account: &'a Account,
    pub(in crate::web) needs: &'a [Need],
    /// The redirect URI, or why there is none.
    pub(in crate::web) redirect: Result<&'a str, &'a String>,
    /// Who is signed in, as the store has it.
    pub(in crate::web) status: Result<Option<&'a SignInStatus>, &'a StoreError>,
    pub(in crate::web) ended: Option<SignInEnd>,
    pub(in crate::web) outcome: Option<Arc<SessionOutcome>>,
    pub(in crate::web) waiting: Option<Waiting>,
    pub(in crate::web) sign_in_token: String,
    pub(in crate::web) sign_out_token: String,
}

pub(super) fn username(account: &Account) -> &str {
    account.person().map_or("", |person| &*person.username)
}

/// The page that begins a sign-in.
pub(in crate::web) fn sign_in(links: &Links<'_>, view: &SignInView<'_>, now: Timestamp) -> Html {
    let title = format!("Sign in for {}", view.account.name);
    page(&title, links, |html| {
        html.raw("<h1>Sign in for ");
        account_link(html, links, &view.account.name);
        html.raw("</h1>\n");
        if let Some(outcome) = &view.outcome {
            told(html, links, view, outcome);
        }
        if let Some(waiting) = &view.waiting {
            code(html, view.account, waiting, now);
        }
        status(html, view, now);
        facts(html, view);
        asked(html, view);
        ways(html, links, view);
        if matches!(view.status, Ok(Some(_))) {
            out(html, links, view);
        }
    })
}

/// Opens a form with its token.
fn form<'a>(
    html: &'a mut Html,
    links: &Links<'_>,
    account: &Account,
    action: &'static str,
    token: &str,
) -> &'a mut Html {
    html.raw("<form method=\"post\" class=\"action\" action=\"");
    account_path(html, links, &account.name, action)
        .raw("\">\n<input type=\"hidden\" name=\"token\" value=\"")
        .text(token)
        .raw("\">\n")
}

/// What came of the last sign-in or sign-out.
fn told(html: &mut Html, links: &Links<'_>, view: &SignInView<'_>, outcome: &SessionOutcome) {
    match outcome {
        SessionOutcome::SignedIn(signed_in) => {
            html.raw("<div class=\"done\" role=\"status\"><p><strong>Thank you, ")
                .text(&signed_in.username)
                .raw(" is signed in.</strong> Probes go on by themselves.</p></div>\n");
            more(html, links, view, signed_in);
        }
        SessionOutcome::SignedOut(true) => {
            html.raw("<div class=\"done\" role=\"status\"><p><strong>Signed out.</strong> The sign-in is forgotten here. To end it at Microsoft too, revoke the person's sessions there.</p></div>\n");
        }
        SessionOutcome::SignedOut(false) => {
            html.raw("<div class=\"done\" role=\"status\"><p><strong>Nobody was signed in.</strong></p></div>\n");
        }
        other => failed(html, links, view.account, other),
    }
}

/// Audiences that need a round of their own: Entra takes the scopes of one at
/// a time.
fn more(html: &mut Html, links: &Links<'_>, view: &SignInView<'_>, signed_in: &SignedInAs) {
    for (audience, problem) in &signed_in.missing {
        html.raw("<div class=\"problem\" role=\"status\"><p><strong>No token for ")
            .text(audience)
            .raw(" yet.</strong> ")
            .text(&problem.detail)
            .raw("</p>\n");
        if problem.code == Some(65_001) {
            html.raw("<p>Microsoft asks for the permissions of one service at a time: once more, please.</p>\n");
            form(html, links, view.account, "sign-in", &view.sign_in_token);
            audience_field(html, audience);
            html.raw("<button type=\"submit\" class=\"first\">Sign in for ")
                .text(audience.host())
                .raw("</button>\n</form>\n");
        }
        html.raw("</div>\n");
    }
}

fn audience_field(html: &mut Html, audience: &Audience) {
    html.raw("<input type=\"hidden\" name=\"audience\" value=\"")
        .text(audience)
        .raw("\">\n");
}

/// The sentence of an error, without the word that metrics have for it.
pub(super) fn why<'a>(html: &'a mut Html, error: &ConsentError) -> &'a mut Html {
    match error {
        ConsentError::Refused(problem) => html.text(&problem.detail),
        other => html.text(other),
    }
}

/// Why a sign-in came to nothing, and what to do.
fn failed(html: &mut Html, links: &Links<'_>, account: &Account, outcome: &SessionOutcome) {
    html.raw("<div class=\"problem\" role=\"alert\"><p><strong>");
    match outcome {
        SessionOutcome::OtherBrowser => html
            .raw("This sign-in was begun in another browser.</strong> What came back was not used. Begin again, and stay in one browser; it must accept the cookie of this page."),
        SessionOutcome::Changed => html.raw("The configuration of this account changed during the sign-in.</strong> Begin again."),
        SessionOutcome::Failed(ConsentError::Expired) => html.raw("The sign-in took too long.</strong> Begin again; there are ten minutes for it."),
        SessionOutcome::Failed(ConsentError::Declined) => html.raw("The sign-in was cancelled, or the permissions were not accepted.</strong>"),
        SessionOutcome::Failed(ConsentError::WrongPerson { who, wanted }) => html
            .text(who)
            .raw(" signed in, but this account is for ")
            .text(wanted)
            .raw(".</strong> What was received is thrown away. Begin again as ")
            .text(wanted)
            .raw("; a private window helps where Microsoft remembers somebody else."),
        SessionOutcome::Failed(error) => {
            html.raw("That did not work.</strong> ");
            why(html, error)
        }
        SessionOutcome::SignedIn(_) | SessionOutcome::SignedOut(_) => html.raw("</strong>"),
    };
    html.raw("</p>\n");
    if outcome.needs_administrator() {
        html.raw(
            "<p>If your organization lets only administrators approve applications: <a href=\"",
        );
        account_path(html, links, &account.name, "approval")
            .raw("\">what an administrator can do</a>.</p>\n");
    }
    html.raw("</div>\n");
}

/// The code to enter on another device.
fn code(html: &mut Html, account: &Account, waiting: &Waiting, now: Timestamp) {
    html.raw("<div class=\"waiting\" role=\"status\" data-soon>\n<p>On any device, open ");
    if waiting.uri.starts_with("https://") {
        html.raw("<a target=\"_blank\" rel=\"noreferrer\" href=\"")
            .text(&waiting.uri)
            .raw("\">")
            .text(&waiting.uri)
            .raw("</a>");
    } else {
        html.text(&waiting.uri);
    }
    html.raw(", enter this code, and sign in as <strong>")
        .text(username(account))
        .raw("</strong>:</p>\n<p class=\"code\"><code>")
        .text(waiting.user_code.expose())
        .raw("</code></p>\n<p class=\"soft\">This page notices when it is done. The code ends ");
    countdown(html, waiting.ends, now);
    html.raw(".</p>\n<noscript><p>Load this page again to see.</p></noscript>\n</div>\n");
}

fn status(html: &mut Html, view: &SignInView<'_>, now: Timestamp) {
    match view.status {
        Ok(Some(status)) => {
            html.raw("<p><strong>")
                .text(&status.username)
                .raw("</strong> signed in ");
            ago(html, status.consented_at, now);
            html.raw(" ago");
            match &view.ended {
                Some(end) => over(html, status, end),
                None => goes_on(html, view, status, now),
            }
        }
        Ok(None) => {
            html.raw("<p><strong>Nobody is signed in.</strong></p>\n");
        }
        Err(error) => {
            html.raw("<p class=\"problem\"><strong>Whether somebody is signed in cannot be seen.</strong> ")
                .text(error)
                .raw("</p>\n");
        }
    }
}

fn over(html: &mut Html, status: &SignInStatus, end: &SignInEnd) {
    let (worked, refused) = status.ages(end);
    html.raw(", and that works no longer: <strong>please sign in again</strong>.</p>\n")
        .raw("<p class=\"problem\">It was renewed for the last time at the age of ")
        .text(span(worked))
        .raw(" and <strong>refused at the age of ")
        .text(span(refused))
        .raw("</strong>");
    if let Some(code) = end.code {
        html.raw(" (AADSTS").text(code).raw(")");
    }
    html.raw(".");
    if end.is_by_policy() {
        html.raw(" A policy of the tenant asks for a sign-in that often: with <code>max_age</code> in the configuration of the account, no longer than the first of the two, the deadline is told in time.");
    }
    html.raw("</p>\n");
}

fn goes_on(html: &mut Html, view: &SignInView<'_>, status: &SignInStatus, now: Timestamp) {
    html.raw(". The sign-in is renewed daily; unused, it ends ");
    countdown(html, status.ends, now);
    html.raw(".</p>\n");
    let most = view.account.person().and_then(|person| person.max_age);
    if let Some(end) = most.and_then(|most| status.consented_at.checked_add(most).ok()) {
        html.raw(
            "<p>By the policy that <code>max_age</code> stands for, somebody must sign in again ",
        );
        countdown(html, end, now);
        html.raw(".</p>\n");
    }
}

fn facts(html: &mut Html, view: &SignInView<'_>) {
    let account = view.account;
    html.raw("<dl>\n<dt>Who</dt><dd><strong>")
        .text(username(account))
        .raw("</strong>, and nobody else</dd>\n<dt>Tenant</dt><dd>")
        .text(account.tenant.as_ref().map_or("", |tenant| tenant.as_str()))
        .raw("</dd>\n<dt>Application</dt><dd>")
        .text(account.client_id.as_deref().unwrap_or_default())
        .raw("</dd>\n");
    if let Ok(redirect) = view.redirect {
        html.raw("<dt>Comes back to</dt><dd><code>")
            .text(redirect)
            .raw("</code> <span class=\"soft\">(must be registered as a redirect URI of the application");
        if redirect.starts_with("http://localhost") {
            html.raw("; the port of localhost does not matter");
        }
        html.raw(")</span></dd>\n");
    }
    html.raw("</dl>\n");
}

/// The exact scopes, with the reason of each.
fn asked(html: &mut Html, view: &SignInView<'_>) {
    html.raw("<h2>What Microsoft will ask for</h2>\n<p>Never a right to change anything, and nothing beyond what the configured resources need.");
    let audiences = view.needs.iter().map(|need| &need.audience);
    if audiences.collect::<BTreeSet<_>>().len() > 1 {
        html.raw(" Microsoft asks for one service at a time; where a second consent is needed, this page says so afterwards.");
    }
    html.raw("</p>\n");
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Permissions\">\n<table class=\"cards scopes\">\n<thead><tr><th scope=\"col\">Scope</th><th scope=\"col\">Why</th><th scope=\"col\">For</th></tr></thead>\n<tbody>\n");
    html.raw("<tr><th scope=\"row\"><code>openid profile offline_access</code></th><td data-label=\"Why\">tells who signed in, and stays signed in without a password</td><td data-label=\"For\">the sign-in itself</td></tr>\n");
    for need in view.needs {
        html.raw("<tr><th scope=\"row\"><code>")
            .text(&need.audience)
            .raw("/<wbr>")
            .text(&need.name)
            .raw("</code>");
        if is_new(view, need) {
            html.raw("<br><strong>not asked for yet: sign in again</strong>");
        }
        html.raw("</th><td data-label=\"Why\">")
            .raw(need.reason)
            .raw("</td><td data-label=\"For\">")
            .text(need.because_of())
            .raw("</td></tr>\n");
    }
    html.raw("</tbody>\n</table>\n</div>\n");
}

/// Whether somebody is signed in, but was not asked for this: a renewal asks for
/// exactly what the sign-in asked for.
fn is_new(view: &SignInView<'_>, need: &Need) -> bool {
    let Ok(Some(status)) = view.status else {
        return false;
    };
    let wanted = format!("{}/{}", need.audience, need.name);
    let asked = status.scopes.get(need.audience.as_str());
    !asked.is_some_and(|asked| asked.split(' ').any(|scope| scope == wanted))
}

fn ways(html: &mut Html, links: &Links<'_>, view: &SignInView<'_>) {
    html.raw("<h2>Sign in</h2>\n<ul class=\"ways\">\n<li>");
    match view.redirect {
        Ok(_) => {
            form(html, links, view.account, "sign-in", &view.sign_in_token)
                .raw("<button type=\"submit\" class=\"first\">Sign in with this browser</button>\n</form>");
        }
        Err(why) => {
            html.raw("Not with this browser: ").text(why).raw(".");
        }
    }
    html.raw("</li>\n<li>");
    form(html, links, view.account, "sign-in", &view.sign_in_token)
        .raw("<input type=\"hidden\" name=\"how\" value=\"device\">\n<button type=\"submit\">Get a code for another device</button>\n<span class=\"soft\">Many organizations block this.</span>\n</form></li>\n")
        .raw("<li>In a terminal on this machine: <code>m365mon login ")
        .text(&view.account.name)
        .raw("</code></li>\n</ul>\n<p>If only administrators may approve applications: <a href=\"");
    account_path(html, links, &view.account.name, "approval")
        .raw("\">what an administrator can do</a>.</p>\n");
}

fn out(html: &mut Html, links: &Links<'_>, view: &SignInView<'_>) {
    html.raw("<h2>Sign out</h2>\n");
    form(html, links, view.account, "sign-out", &view.sign_out_token)
        .raw("<button type=\"submit\">Forget the sign-in</button>\n<span class=\"soft\">Probes of this account stop until somebody signs in again.</span>\n</form>\n");
}

/// What the start of a sign-in answers: a plain link, so that nothing leads
/// there without a person.
pub(in crate::web) fn leave(links: &Links<'_>, account: &Account, url: &Url) -> Html {
    still_page("Continue at Microsoft", links, |html| {
        html.raw("<h1>Continue at Microsoft</h1>\n<p>Sign in there as <strong>")
            .text(username(account))
            .raw("</strong>. This works once, in this browser, within ten minutes.</p>\n<p><a class=\"button\" rel=\"noreferrer\" href=\"")
            .text(url)
            .raw("\">Continue at ")
            .text(url.host_str().unwrap_or_default())
            .raw("</a></p>\n<p>Look at the address before you type a password. m365mon never asks for one.</p>\n<p><a href=\"");
        account_path(html, links, &account.name, "sign-in").raw("\">Back</a></p>\n");
    })
}

/// The answer would come to another host than the one that was asked.
pub(in crate::web) fn elsewhere(links: &Links<'_>, there: &Url) -> Html {
    still_page("Sign in elsewhere", links, |html| {
        html.raw("<h1>Sign in at the other address</h1>\n<p>Microsoft sends the browser back to another address of this exporter than the one you came to. Begin there: <a href=\"")
            .text(there)
            .raw("\">")
            .text(there)
            .raw("</a></p>\n");
    })
}

/// A form from a page that is older than this process.
pub(in crate::web) fn again(links: &Links<'_>, path: &str) -> Html {
    still_page("Once more, please", links, |html| {
        html.raw("<h1>Once more, please</h1>\n<p>The page that sent this is not from this run of the exporter; nothing was done. <a href=\"")
            .text(links.prefix)
            .text(path)
            .raw("\">Show it again</a></p>\n");
    })
}

/// `/auth/callback` without a sign-in that it could belong to.
pub(in crate::web) fn no_sign_in(links: &Links<'_>, accounts: &[String]) -> Html {
    still_page("No sign-in is under way", links, |html| {
        html.raw("<h1>This sign-in is not known here</h1>\n")
            .raw("<p>It may have been used already, have taken more than ten minutes, or been begun before the exporter started. Nothing was taken from it.</p>\n")
            .raw("<p>If an administrator has just approved the application for everyone, that is done, and the person can sign in now.</p>\n<h2>Begin again</h2>\n<ul>\n");
        for name in accounts {
            html.raw("<li><a href=\"");
            account_path(html, links, name, "sign-in")
                .raw("\">Sign in for ")
                .text(name)
                .raw("</a></li>\n");
        }
        html.raw("</ul>\n");
        if accounts.is_empty() {
            html.raw("<p class=\"soft\">No account of the configuration needs a person.</p>\n");
        }
    })
}
