//! A person's consent, given for that one person, and what the person may read.

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
    let folders = plan.read_folders();
    if !folders.is_empty() {
        script.section("Folders in mailboxes of others: Reviewer, on these folders only");
        script.add(GRANT_FOLDER);
        for (mailbox, folder) in folders {
            script.add(&format!(
                "Grant-Folder {} {} {}",
                quoted(mailbox),
                quoted(folder),
                quoted(&person.username)
            ));
        }
    }
}

/// A folder is found by its kind and named by its id: its name is in its
/// owner's language. What reads already is left as it is.
const GRANT_FOLDER: &str = r#"function Grant-Folder([string]$mailbox, [string]$folder, [string]$person) {
    $one = Get-EXOMailboxFolderStatistics -Identity $mailbox -FolderScope $folder |
        Where-Object FolderType -eq $folder | Select-Object -First 1
    if (-not $one) { throw "$mailbox has no folder of the kind $folder" }
    $identity = "${mailbox}:$($one.FolderId)"
    $held = Get-MailboxFolderPermission -Identity $identity -User $person -ErrorAction SilentlyContinue
    $reads = '^(Owner|PublishingEditor|Editor|PublishingAuthor|Author|NonEditingAuthor|Reviewer|ReadItems)$'
    if (-not $held) {
        Add-MailboxFolderPermission -Identity $identity -User $person -AccessRights Reviewer | Out-Null
    } elseif (-not (@($held.AccessRights) -match $reads)) {
        Set-MailboxFolderPermission -Identity $identity -User $person -AccessRights Reviewer | Out-Null
    }
}"#;
