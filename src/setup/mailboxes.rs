//! RBAC for Applications: Exchange lets an application use single mailboxes
//! without any permission in Entra (learn.microsoft.com, "Role Based Access
//! Control for Applications in Exchange Online").

use std::collections::BTreeSet;

use super::plan::Plan;
use super::text::Script;
use crate::model::powershell::quoted;

/// More mailboxes than this are named by a group: a filter has its limits.
const MOST_IN_A_FILTER: usize = 10;

/// Each role on exactly the configured mailboxes. Roles that concern different
/// mailboxes have scopes of their own.
pub(super) fn assign(script: &mut Script, plan: &Plan<'_>) {
    let roles = plan.mailbox_roles();
    for (index, (role, mailboxes)) in roles.iter().enumerate() {
        let name = match roles.len() {
            1 => plan.name(),
            _ => {
                let short = role.strip_prefix("Application ").unwrap_or(role);
                format!("{} {short}", plan.name())
            }
        };
        if index == 0 {
            introduce(script);
        } else {
            script.section(&format!("Mailboxes: {role}"));
        }
        assign_one(script, role, &quoted(&name), mailboxes);
    }
}

fn introduce(script: &mut Script) {
    script.section("Mailboxes: a role of Exchange, scoped; no Mail permission in Entra");
    script.say(
        "What Entra grants and what Exchange grants add up: a Mail permission of Graph would open \
         every mailbox. Take it away if it is there.",
    );
    script.add(
        "if (-not (Get-ServicePrincipal | Where-Object AppId -eq $sp.AppId)) {\n    \
             New-ServicePrincipal -AppId $sp.AppId -ObjectId $sp.Id -DisplayName $sp.DisplayName\n}",
    );
}

fn assign_one(script: &mut Script, role: &str, name: &str, mailboxes: &BTreeSet<&str>) {
    script.add("$mailboxes = @(");
    for mailbox in mailboxes {
        script.add(&format!("    {}", quoted(mailbox)));
    }
    script.add(") | ForEach-Object { Get-EXOMailbox -Identity $_ }");
    if mailboxes.len() > MOST_IN_A_FILTER {
        script.say("Members of the group count, members of groups in it do not.");
        script.add(&format!(
            "$group = Get-DistributionGroup -Identity {name} -ErrorAction SilentlyContinue\n\
             if (-not $group) {{\n    $group = New-DistributionGroup -Name {name} -Type Security\n}}\n\
             Update-DistributionGroupMember -Identity $group.Identity -Confirm:$false `\n    \
                 -Members $mailboxes.PrimarySmtpAddress\n\
             $filter = \"MemberOfGroup -eq '$($group.DistinguishedName -replace \"'\", \"''\")'\""
        ));
    } else {
        script.add(
            "$filter = @($mailboxes | ForEach-Object {\n    \
                 \"PrimarySmtpAddress -eq '$($_.PrimarySmtpAddress -replace \"'\", \"''\")'\"\n\
             }) -join ' -or '",
        );
    }
    let role = quoted(role);
    script.add(&format!(
        "if (Get-ManagementScope -Identity {name} -ErrorAction SilentlyContinue) {{\n    \
             Set-ManagementScope -Identity {name} -RecipientRestrictionFilter $filter\n\
         }} else {{\n    \
             New-ManagementScope -Name {name} -RecipientRestrictionFilter $filter\n}}\n\
         $held = Get-ManagementRoleAssignment -Role {role} -ErrorAction SilentlyContinue |\n    \
             Where-Object CustomResourceScope -eq {name}\n\
         if (-not $held) {{\n    \
             New-ManagementRoleAssignment -App $sp.Id -Role {role} -CustomResourceScope {name}\n}}\n\
         foreach ($mailbox in $mailboxes) {{\n    \
             Test-ServicePrincipalAuthorization -Identity $sp.Id -Resource $mailbox.PrimarySmtpAddress |\n        \
                 Format-Table\n}}"
    ));
}
