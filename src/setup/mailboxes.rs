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
    script.add(OURS);
}

/// `$held`: what this application was assigned. What has the right name and is
/// used by somebody else, or by nobody, is not ours to change or to use: whoever
/// made it could widen it afterwards.
const OURS: &str = r#"$known = @(Get-ServicePrincipal | Where-Object AppId -eq $sp.AppId)
if (-not $known) {
    $known = @(New-ServicePrincipal -AppId $sp.AppId -ObjectId $sp.Id -DisplayName $sp.DisplayName)
}
if ($known[0].ObjectId -ne $sp.Id) {
    throw "Exchange knows the application $($sp.AppId) by the object id $($known[0].ObjectId), Entra by $($sp.Id): Remove-ServicePrincipal it, and run this again"
}
# What Exchange calls this application by. Its display name is none of them: anybody may have that.
$names = @($known[0].ObjectId, $known[0].AppId, $known[0].Guid, $known[0].Identity, $known[0].Name) |
    Where-Object { $_ -as [guid] } | ForEach-Object { "$_" }
function Get-Assignee($assignment) {
    @($assignment.RoleAssignee, $assignment.RoleAssigneeName) | Where-Object { $_ } |
        ForEach-Object { ("$_" -split '[/\\]')[-1] }
}
function Get-OwnAssignment([string]$scope) {
    if (-not (Get-ManagementScope -Identity $scope -ErrorAction SilentlyContinue)) { return }
    $uses = @(Get-ManagementRoleAssignment | Where-Object {
        @($_.CustomResourceScope, $_.CustomRecipientWriteScope, $_.CustomConfigWriteScope) -contains $scope
    })
    $others = @($uses | Where-Object { -not (Get-Assignee $_ | Where-Object { $_ -in $names }) })
    if (-not $uses) {
        throw "the management scope $scope is there already and nobody uses it: look at it (Get-ManagementScope), remove it, and run this again"
    }
    if ($others) {
        $who = ($others | ForEach-Object { Get-Assignee $_ } | Select-Object -Unique) -join ', '
        throw "the management scope $scope is there already, for somebody else ($who): rename or remove it, and run this again"
    }
    $uses
}"#;

fn assign_one(script: &mut Script, role: &str, name: &str, mailboxes: &BTreeSet<&str>) {
    script.add("$mailboxes = @(");
    for mailbox in mailboxes {
        script.add(&format!("    {}", quoted(mailbox)));
    }
    script.add(") | ForEach-Object { Get-EXOMailbox -Identity $_ }");
    script.add(&format!(
        "$name = {name}\n$held = @(Get-OwnAssignment $name)"
    ));
    if mailboxes.len() > MOST_IN_A_FILTER {
        script.say("Members of the group count, members of groups in it do not.");
        script.add(GROUP);
    } else {
        script.add(
            "$filter = @($mailboxes | ForEach-Object {\n    \
                 \"PrimarySmtpAddress -eq '$($_.PrimarySmtpAddress -replace \"'\", \"''\")'\"\n\
             }) -join ' -or '",
        );
    }
    let role = quoted(role);
    script.add(&format!(
        "if ($held) {{\n    \
             Set-ManagementScope -Identity $name -RecipientRestrictionFilter $filter\n\
         }} else {{\n    \
             New-ManagementScope -Name $name -RecipientRestrictionFilter $filter\n}}\n\
         if (-not ($held | Where-Object Role -eq {role})) {{\n    \
             New-ManagementRoleAssignment -App $sp.Id -Role {role} -CustomResourceScope $name\n}}\n\
         foreach ($mailbox in $mailboxes) {{\n    \
             Test-ServicePrincipalAuthorization -Identity $sp.Id -Resource $mailbox.PrimarySmtpAddress |\n        \
                 Format-Table\n}}"
    ));
}

/// A group decides what is in the scope, and its owners decide who is in it: one
/// that is there already is ours only if our own scope names it.
const GROUP: &str = r#"$group = Get-DistributionGroup -Identity $name -ErrorAction SilentlyContinue
$scope = if ($held) { Get-ManagementScope -Identity $name }
if ($group -and "$($scope.RecipientFilter)" -notlike "*$($group.DistinguishedName)*") {
    throw "the group $($group.PrimarySmtpAddress) is there already, managed by $($group.ManagedBy -join ', '): rename or remove it, and run this again"
}
if (-not $group) {
    $group = New-DistributionGroup -Name $name -Type Security -MemberJoinRestriction Closed -MemberDepartRestriction Closed
}
Update-DistributionGroupMember -Identity $group.Identity -Confirm:$false -Members $mailboxes.PrimarySmtpAddress
$filter = "MemberOfGroup -eq '$($group.DistinguishedName -replace "'", "''")'""#;
