//! A person's consent, given for that one person, and what the person may read.

use super::commands::read_mailbox;
use super::plan::Plan;
use super::text::Script;
use crate::entra::{GRANT_SCOPES, SIGN_IN_SCOPES};
use crate::model::powershell::quoted;

/// Consent for one person and these scopes; and the person's assignment.
pub(super) fn consent(script: &mut Script, plan: &Plan<'_>) {
    let Some(person) = plan.account.person() else {
        return;
    };
    script.section("Consent, for this one person only");
    script.add(&format!(
        "$user = Get-MgUser -UserId {}",
        quoted(&person.username)
    ));
    script.add(GRANT_SCOPES);
    let graph = plan.permissions.get("$graph").map(|(_, names)| names);
    let graph = graph.into_iter().flatten().map(|name| &**name);
    let names: Vec<&str> = SIGN_IN_SCOPES.into_iter().chain(graph).collect();
    script.add(&format!("Grant-Scopes $graph {}", quoted(&names.join(" "))));
    for (variable, (_, names)) in &plan.permissions {
        if variable != "$graph" {
            let names: Vec<&str> = names.iter().map(|name| &**name).collect();
            script.add(&format!(
                "Grant-Scopes {variable} {}",
                quoted(&names.join(" "))
            ));
        }
    }
    script.section("Only this person may sign in to it");
    script.add(ASSIGN);
}

const ASSIGN: &str = r"$assigned = Get-MgServicePrincipalAppRoleAssignedTo -ServicePrincipalId $sp.Id -All |
    Where-Object PrincipalId -eq $user.Id
if (-not $assigned) {
    New-MgServicePrincipalAppRoleAssignedTo -ServicePrincipalId $sp.Id -BodyParameter @{
        PrincipalId = $user.Id; ResourceId = $sp.Id; AppRoleId = [guid]::Empty
    } | Out-Null
}";

/// What the person must be allowed to read: consent opens nothing that the
/// person could not open.
pub(super) fn reading(script: &mut Script, plan: &Plan<'_>) {
    let Some(person) = plan.account.person() else {
        return;
    };
    let sites = plan.visited();
    if !sites.is_empty() {
        script.section("Read on each site, for this person");
        script.say(
            "By hand, or with PnP.PowerShell: the site's Visitors group is enough. On each site: \
             Settings, Site permissions, Share site, Read.",
        );
        for url in sites.values() {
            script.say(&format!(
                "Connect-PnPOnline -Url {} -Interactive -ClientId <an app of yours>; \
                 Add-PnPGroupMember -Group (Get-PnPGroup -AssociatedVisitorGroup) -LoginName {}",
                quoted(url),
                quoted(&person.username)
            ));
        }
    }
    let mailboxes = plan.read_mailboxes();
    if !mailboxes.is_empty() {
        script.section("Mailboxes of others");
        script.say(
            "FullAccess is what reading all folders of another mailbox is known to need; a \
             narrower right (Reviewer on single folders) was not verified.",
        );
        for mailbox in mailboxes {
            script.add(&read_mailbox(mailbox, &person.username));
        }
    }
}
