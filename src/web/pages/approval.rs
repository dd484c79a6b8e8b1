//! `/accounts/NAME/approval`: what an administrator can do where people may not
//! consent by themselves.

use std::sync::Arc;

use super::frame::{Links, account_path, still_page};
use super::html::Html;
use super::pieces::account_link;
use super::sign_in::{username, why};
use crate::entra::{Approval, ConsentError};
use crate::model::Account;
use crate::web::sign_in::sessions::SessionOutcome;

/// What an administrator can do.
pub(in crate::web) fn approval(
    links: &Links<'_>,
    account: &Account,
    approval: &Approval,
    outcome: Option<Arc<SessionOutcome>>,
) -> Html {
    let title = format!("Approval for {}", account.name);
    still_page(&title, links, |html| {
        html.raw("<h1>Approval for ");
        account_link(html, links, &account.name);
        html.raw("</h1>\n");
        if let Some(outcome) = outcome.filter(|outcome| outcome.needs_administrator()) {
            failed_with_approval(html, &outcome);
        }
        html.raw("<p>Where people may not approve applications by themselves, an administrator does it once. Send them this page's text; it holds no secret.</p>\n")
            .raw("<h2>For this one person: the first choice</h2>\n<p>In PowerShell with the module Microsoft.Graph, as Cloud Application Administrator or above. It gives the application these rights when <strong>")
            .text(username(account))
            .raw("</strong> signs in, and takes nothing away that was granted before.</p>\n<pre tabindex=\"0\" aria-label=\"PowerShell\"><code>")
            .text(&approval.script)
            .raw("</code></pre>\n<h2>For everyone in the tenant: the second choice</h2>\n<p>Approves the same rights for every person of the tenant who signs in to this application. Each service has its own link; where this exporter is on another machine, the browser ends on a page that cannot be reached, and the approval is given all the same.</p>\n<ul>\n");
        for (audience, link) in &approval.links {
            html.raw("<li><a rel=\"noreferrer\" href=\"")
                .text(link)
                .raw("\">Approve for everyone: ")
                .text(audience.host())
                .raw("</a></li>\n");
        }
        html.raw("</ul>\n<h2>Then</h2>\n<p><a class=\"button\" href=\"");
        account_path(html, links, &account.name, "sign-in").raw("\">Sign in again</a></p>\n");
    })
}

fn failed_with_approval(html: &mut Html, outcome: &SessionOutcome) {
    html.raw("<div class=\"problem\" role=\"alert\"><p><strong>");
    match outcome {
        SessionOutcome::Failed(ConsentError::Declined) => html.raw("The permissions were not accepted.</strong> If Microsoft said that an administrator must approve them, this is how; if you cancelled, just sign in again."),
        SessionOutcome::Failed(error) => {
            html.raw("Microsoft wants an administrator's approval.</strong> ");
            why(html, error)
        }
        _ => html.raw("</strong>"),
    };
    html.raw("</p></div>\n");
}
