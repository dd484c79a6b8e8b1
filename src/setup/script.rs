//! The whole script for one account.

use std::sync::Arc;

use url::Url;

use super::commands::{Commands, shell, team_consent};
use super::plan::{Plan, exchange_environment};
use super::text::Script;
use super::{application, delegated, mailboxes};
use crate::entra::{GRAPH_APP_ID, find_api, graph_environment};
use crate::kinds::{Grant, Resource};
use crate::model::powershell::quoted;
use crate::model::{Account, Cloud, SignIn};

/// The PowerShell that registers what `account` needs and grants it what
/// `resources` (those of the configuration; others are passed over) need, and
/// nothing else. It may be run again: what is there already is left alone.
/// `external` is where the exporter's pages are seen from outside.
#[must_use]
pub fn script(account: &Account, resources: &[Arc<Resource>], external: Option<&Url>) -> String {
    let plan = Plan::of(account, resources);
    let mut script = Script::default();
    head(&mut script, &plan);
    connect(&mut script, &plan);
    if matches!(account.sign_in, SignIn::ManagedIdentity) {
        application::identity(&mut script, &plan);
    } else {
        application::registration(&mut script, &plan, external);
        application::credential(&mut script, &plan);
    }
    if account.person().is_some() {
        delegated::consent(&mut script, &plan);
        delegated::reading(&mut script, &plan);
    } else {
        application::roles(&mut script, &plan);
        mailboxes::assign(&mut script, &plan);
    }
    // Of a person as well: who signs in with Sites.Selected needs both.
    application::sites(&mut script, &plan);
    by_hand(&mut script, &plan);
    tail(&mut script, &plan);
    disconnect(&mut script, &plan);
    script.into_text()
}

fn head(script: &mut Script, plan: &Plan<'_>) {
    let account = plan.account;
    script.say(&format!(
        "Written by `m365mon setup` for the account {} ({}, {} resource{}).",
        account.name,
        account.credential_label(),
        plan.resources,
        if plan.resources == 1 { "" } else { "s" }
    ));
    script.add(
        "# It grants what the configured resources need and nothing else. It holds no secret;\n\
         # read it before you run it. It may be run again: what is there already stays.\n\
         #\n\
         #",
    );
    // Microsoft Entra, "Grant tenant-wide admin consent to an application": only
    // application permissions of Graph ask for the privileged role.
    script.add(match (registers(plan), plan.grants_roles_of_graph()) {
        (true, true) => {
            "# Who may run it: a Cloud Application Administrator (registration)\n\
             #   who is also a Privileged Role Administrator (application permissions of Microsoft Graph)"
        }
        (true, false) => {
            "# Who may run it: a Cloud Application Administrator (registration and consent)"
        }
        (false, true) => {
            "# Who may run it: a Privileged Role Administrator (application permissions of Microsoft Graph)"
        }
        (false, false) => "# Who may run it: anybody of the tenant (nothing changes in Entra)",
    });
    if plan.needs_sites() {
        script.add("#   who is also a SharePoint Administrator (the grant on each site)");
    }
    if plan.needs_exchange() {
        script.add("#   who is also an Exchange Administrator (rights on mailboxes)");
    }
    let mut modules = vec![
        "Microsoft.Graph.Authentication",
        "Microsoft.Graph.Applications",
    ];
    if account.person().is_some() {
        modules.extend(["Microsoft.Graph.Identity.SignIns", "Microsoft.Graph.Users"]);
    }
    if plan.needs_sites() {
        modules.push("Microsoft.Graph.Sites");
    }
    if plan.needs_exchange() {
        modules.push("ExchangeOnlineManagement");
    }
    script.add(&format!(
        "#\n# Install-Module {} -Scope CurrentUser\n\
         #Requires -Version 7.4\n#Requires -Modules {}\n\
         Set-StrictMode -Version 1.0\n$ErrorActionPreference = 'Stop'",
        modules.join(", "),
        modules.join(", ")
    ));
}

/// True if an application is registered, or what is registered is changed.
const fn registers(plan: &Plan<'_>) -> bool {
    !matches!(plan.account.sign_in, SignIn::ManagedIdentity)
}

fn connect(script: &mut Script, plan: &Plan<'_>) {
    let account = plan.account;
    let mut scopes = vec![if registers(plan) {
        "Application.ReadWrite.All"
    } else {
        "Application.Read.All"
    }];
    if account.person().is_some() {
        scopes.extend([
            "DelegatedPermissionGrant.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "User.ReadBasic.All",
        ]);
    } else if !plan.permissions.is_empty() {
        scopes.push("AppRoleAssignment.ReadWrite.All");
    }
    if plan.needs_sites() {
        scopes.push("Sites.FullControl.All");
    }
    script.section("Sign in: for this one process, and signed out at the end whatever happens");
    if plan.needs_exchange() {
        script.add("$exchange = $null");
    }
    script.add("try {");
    let tenant = account.tenant.as_ref();
    let tenant = tenant.map(|tenant| format!(" -TenantId {}", quoted(tenant.as_str())));
    let environment = match (&account.cloud, graph_environment(&account.cloud)) {
        (_, Some(name)) => name,
        (cloud, None) => {
            register_environment(script, cloud);
            "m365mon"
        }
    };
    let list = scopes.iter().map(|scope| quoted(scope));
    script.add(&format!(
        "Connect-MgGraph -NoWelcome -ContextScope Process -Environment {}{} -Scopes {}",
        quoted(environment),
        tenant.unwrap_or_default(),
        list.collect::<Vec<_>>().join(", ")
    ));
    if plan.needs_exchange() {
        match exchange_environment(&account.cloud) {
            Some("O365Default") => script.add("Connect-ExchangeOnline -ShowBanner:$false"),
            Some(name) => script.add(&format!(
                "Connect-ExchangeOnline -ShowBanner:$false -ExchangeEnvironmentName {name}"
            )),
            None => script.add(
                "# This cloud's Exchange is not known here: name its -ConnectionUri yourself.\n\
                 Connect-ExchangeOnline -ShowBanner:$false",
            ),
        }
        script.add(ONE_TENANT);
    }
    script.add(&find_api("$graph", GRAPH_APP_ID));
    for (variable, (api, _)) in &plan.permissions {
        if variable != "$graph" {
            script.add(&find_api(variable, &api.id));
        }
    }
}

/// Exchange's sign-in asks for no tenant: an administrator of several may have
/// chosen another one.
const ONE_TENANT: &str = r"$exchange = Get-ConnectionInformation | Where-Object State -eq 'Connected' | Select-Object -Last 1
if ($exchange.TenantID -ne (Get-MgContext).TenantId) {
    throw 'Graph and Exchange are signed in to two different tenants'
}";

fn disconnect(script: &mut Script, plan: &Plan<'_>) {
    script.add("} finally {");
    if plan.needs_exchange() {
        script.add(
            "    if ($exchange) { Disconnect-ExchangeOnline -ConnectionId $exchange.ConnectionId -Confirm:$false }",
        );
    }
    script.add("    Disconnect-MgGraph -ErrorAction SilentlyContinue | Out-Null\n}");
}

fn register_environment(script: &mut Script, cloud: &Cloud) {
    script.add(&format!(
        "Remove-MgEnvironment -Name 'm365mon' -ErrorAction SilentlyContinue\n\
         Add-MgEnvironment -Name 'm365mon' -AzureADEndpoint {} -GraphEndpoint {}",
        quoted(cloud.login_url()),
        quoted(cloud.graph_url())
    ));
}

/// What no command of the modules does.
fn by_hand(script: &mut Script, plan: &Plan<'_>) {
    let client_id = Commands::of(plan.account).client_id();
    let remarks: Vec<String> = plan
        .grants
        .iter()
        .flat_map(|grant| match grant {
            Grant::TeamConsent { team, permission } => team_consent(client_id, team, permission),
            Grant::ByHand(how) => vec![how.to_string()],
            _ => Vec::new(),
        })
        .collect();
    if !remarks.is_empty() {
        script.section("By hand");
        for remark in remarks {
            script.say(&remark);
        }
    }
}

fn tail(script: &mut Script, plan: &Plan<'_>) {
    script.section("Now");
    let name = shell(&plan.account.name);
    let mut next = vec!["m365mon check-config".to_owned()];
    if plan.account.person().is_some() {
        next.push(format!("m365mon login {name}"));
    }
    next.push(format!("m365mon doctor --account {name}"));
    script.add(&format!(
        "Write-Host {}",
        quoted(&format!(
            "On the exporter's machine: {}",
            next.join(", then ")
        ))
    ));
    if plan.account.person().is_none() && plan.needs_exchange() {
        script.add("Write-Host 'What Exchange assigned takes up to two hours to act.'");
    }
}
