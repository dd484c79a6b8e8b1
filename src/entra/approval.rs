//! What to give an administrator when people may not consent by themselves:
//! a script that grants one person exactly the scopes that are needed, and,
//! as the second choice, links by which an administrator consents for everyone.
//!
//! The script follows Microsoft's page "Grant consent on behalf of a single
//! user by using PowerShell": a delegated permission grant of the type
//! `Principal` for each API. Running it twice does no harm, and it takes
//! nothing away that was granted before. The links are the admin consent
//! endpoint v2.0 with named scopes (Microsoft's page "Admin consent on the
//! Microsoft identity platform"): one API a link.
//!
//! The sign-in page and `m365mon login` show both.

use std::fmt::Write as _;

use url::Url;

use super::client_credentials::application;
use super::consent::{Wanted, scopes};
use crate::model::powershell::{filter, quoted};
use crate::model::{Account, Audience, Cloud, is_guid};

/// Microsoft Graph's application id, the same in every tenant and cloud.
pub const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";
/// SharePoint Online's, likewise.
pub const SHAREPOINT_APP_ID: &str = "00000003-0000-0ff1-ce00-000000000000";
/// What every sign-in asks of Graph beside what the resources need: who signed
/// in and staying signed in are Graph's to grant.
pub const SIGN_IN_SCOPES: [&str; 3] = ["openid", "profile", "offline_access"];

/// A function of PowerShell, `Grant-Scopes $api 'names'`: one person's (`$user`)
/// consent to scopes of an API for the application (`$sp`, both service
/// principals). Running it twice does no harm.
pub const GRANT_SCOPES: &str = r#"function Grant-Scopes($api, [string]$scopes) {
    $held = Get-MgOauth2PermissionGrant -All -Filter "clientId eq '$($sp.Id)'" | Where-Object {
        $_.ConsentType -eq 'Principal' -and $_.PrincipalId -eq $user.Id -and $_.ResourceId -eq $api.Id
    }
    if ($held) {
        # What was granted before stays.
        $scopes = ("$($held.Scope) $scopes".Trim() -split '\s+' | Select-Object -Unique) -join ' '
        Update-MgOauth2PermissionGrant -OAuth2PermissionGrantId $held.Id -BodyParameter @{ Scope = $scopes }
    } else {
        New-MgOauth2PermissionGrant -BodyParameter @{
            ClientId = $sp.Id; ConsentType = 'Principal'; PrincipalId = $user.Id
            ResourceId = $api.Id; Scope = $scopes
        } | Out-Null
    }
}"#;

/// The line that finds the service principal of an API, into a variable: by its
/// application id, or by another name that Entra knows it by (`api://…`).
#[must_use]
pub fn find_api(variable: &str, id: &str) -> String {
    let which = if is_guid(id) {
        filter("appId", "eq", id)
    } else {
        let name = id.replace('\'', "''");
        quoted(&format!("servicePrincipalNames/any(n:n eq '{name}')"))
    };
    format!("{variable} = Get-MgServicePrincipal -Filter {which}")
}

/// True for one of SharePoint's hosts; in a cloud whose hosts are not known, for
/// every one that is its own audience.
fn is_sharepoint(audience: &Audience, cloud: &Cloud) -> bool {
    let (host, suffixes) = (audience.host(), cloud.sharepoint_suffixes());
    audience.as_str() == format!("https://{host}")
        && (suffixes.is_empty() || suffixes.iter().any(|suffix| host.ends_with(suffix)))
}

/// `-Environment` of `Connect-MgGraph`; `None` for roots that Microsoft's
/// module does not know.
#[must_use]
pub const fn graph_environment(cloud: &Cloud) -> Option<&'static str> {
    match cloud {
        Cloud::Global => Some("Global"),
        Cloud::GccHigh => Some("USGov"),
        Cloud::Dod => Some("USGovDoD"),
        Cloud::China => Some("China"),
        Cloud::Custom { .. } => None,
    }
}

/// What an administrator may do for one person, or else for everyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Microsoft Graph PowerShell. Holds names, no secret.
    pub script: String,
    /// For everyone in the tenant: one link for each API, Graph first.
    pub links: Vec<(Audience, Url)>,
}

impl Approval {
    /// For the person of a delegated account; `None` for an account that needs
    /// none. `redirect` is where the links come back to; it must be registered.
    #[must_use]
    pub fn of(account: &Account, wanted: &Wanted, redirect: &str) -> Option<Self> {
        let person = account.person()?;
        let application = application(account).ok()?;
        let links = wanted.iter().map(|(audience, names)| {
            let mut url = application.endpoint("v2.0/adminconsent");
            url.query_pairs_mut()
                .append_pair("client_id", application.client_id())
                .append_pair("scope", &scopes(audience, names))
                .append_pair("redirect_uri", redirect);
            (audience.clone(), url)
        });
        let graph = Audience::graph(&account.cloud);
        let mut links: Vec<_> = links.collect();
        links.sort_by_key(|(audience, _)| *audience != graph);
        Some(Self {
            script: script(account, &person.username, wanted),
            links,
        })
    }

    /// All of it, for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "An administrator (Cloud Application Administrator or above) can approve it for this \
             one person, in PowerShell:\n\n{}\n\
             Second choice, because it approves for everyone in the tenant:\n",
            self.script
        );
        for (_, link) in &self.links {
            // Writing into a String does not fail.
            _ = writeln!(text, "\n  {link}");
        }
        text
    }
}

fn script(account: &Account, username: &str, wanted: &Wanted) -> String {
    let graph = Audience::graph(&account.cloud);
    let mut apis: Vec<(&str, Vec<&str>)> = vec![(GRAPH_APP_ID, SIGN_IN_SCOPES.to_vec())];
    for (audience, names) in wanted {
        let id = if *audience == graph {
            GRAPH_APP_ID
        } else if is_sharepoint(audience, &account.cloud) {
            // It has many hosts and one service principal.
            SHAREPOINT_APP_ID
        } else {
            audience.as_str()
        };
        let at = apis.iter().position(|(known, _)| *known == id);
        let at = at.unwrap_or_else(|| {
            apis.push((id, Vec::new()));
            apis.len() - 1
        });
        let (_, scopes) = &mut apis[at];
        for name in names {
            if !scopes.contains(&&**name) {
                scopes.push(name);
            }
        }
    }
    let environment = graph_environment(&account.cloud).map_or_else(String::new, |name| {
        format!(" -Environment {}", quoted(name))
    });
    let client = account.client_id.as_deref().unwrap_or_default();
    let mut text = format!(
        "# Grants these scopes to one application, on behalf of one person.\n\
         $ErrorActionPreference = 'Stop'\n\
         try {{\n\
         Connect-MgGraph -NoWelcome -ContextScope Process -TenantId {tenant}{environment} `\n\
         \x20 -Scopes 'Application.ReadWrite.All', 'DelegatedPermissionGrant.ReadWrite.All', 'User.ReadBasic.All'\n\
         $user = Get-MgUser -UserId {user}\n\
         {find}\n\
         if (-not $sp) {{ $sp = New-MgServicePrincipal -AppId {id} }}\n\
         {GRANT_SCOPES}\n",
        tenant = quoted(account.tenant.as_ref().map_or("", |tenant| tenant.as_str())),
        user = quoted(username),
        find = find_api("$sp", client),
        id = quoted(client),
    );
    for (id, scopes) in &apis {
        let variable = match *id {
            GRAPH_APP_ID => "$graph",
            SHAREPOINT_APP_ID => "$sharePoint",
            _ => "$api",
        };
        // Writing into a String does not fail.
        _ = writeln!(
            text,
            "{}\nGrant-Scopes {variable} {}",
            find_api(variable, id),
            quoted(&scopes.join(" "))
        );
    }
    text.push_str(
        "} finally {\n    Disconnect-MgGraph -ErrorAction SilentlyContinue | Out-Null\n}\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn account(username: &str, cloud: Cloud) -> Account {
        Account {
            cloud,
            ..fixtures::delegated("contoso", username)
        }
    }

    /// An API of one's own, whose name is no address.
    fn of_orders() -> Audience {
        let bound = [("api://contoso-orders".into(), "orders.contoso.com".into())].into();
        let url = Url::parse("https://orders.contoso.com/health").unwrap();
        let scope = "api://contoso-orders/Health.Read";
        let (audience, _) = Audience::of_scope(scope, &url, &Cloud::Global, &bound).unwrap();
        audience
    }

    #[test]
    fn each_api_has_its_own_service_principal() {
        let account = account("steve@contoso.com", Cloud::Global);
        let wanted = Wanted::from([
            (
                Audience::graph(&Cloud::Global),
                vec!["Sites.Read.All".into(), "Mail.ReadBasic".into()],
            ),
            (
                Audience::sharepoint("contoso.sharepoint.com"),
                vec!["AllSites.Read".into()],
            ),
            (
                Audience::sharepoint("contoso-my.sharepoint.com"),
                vec!["AllSites.Read".into()],
            ),
            (of_orders(), vec!["Health.Read".into()]),
        ]);
        let approval = Approval::of(&account, &wanted, "http://localhost").unwrap();
        let script = &approval.script;
        for line in [
            "$graph = Get-MgServicePrincipal -Filter 'appId eq ''00000003-0000-0000-c000-000000000000'''\n\
             Grant-Scopes $graph 'openid profile offline_access Sites.Read.All Mail.ReadBasic'\n",
            "$sharePoint = Get-MgServicePrincipal -Filter 'appId eq ''00000003-0000-0ff1-ce00-000000000000'''\n\
             Grant-Scopes $sharePoint 'AllSites.Read'\n",
            "$api = Get-MgServicePrincipal -Filter 'servicePrincipalNames/any(n:n eq ''api://contoso-orders'')'\n\
             Grant-Scopes $api 'Health.Read'\n",
            "$user = Get-MgUser -UserId 'steve@contoso.com'\n",
            "Connect-MgGraph -NoWelcome -ContextScope Process -TenantId 'contoso.onmicrosoft.com' -Environment 'Global' `\n",
            "} finally {\n    Disconnect-MgGraph ",
            "$sp = Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555'''\n",
            "ConsentType = 'Principal'",
        ] {
            assert!(script.contains(line), "{line}\n{script}");
        }
        assert_eq!(approval.links.len(), 4);
        let link = approval.links[2].1.as_str();
        assert!(
            link.starts_with(
                "https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0/adminconsent?client_id="
            ),
            "{link}"
        );
        assert!(approval.text().contains(link));
    }

    #[test]
    fn even_nothing_is_asked_for_with_a_sign_in() {
        let account = account("o'brien\u{2019}s@contoso.com", Cloud::Dod);
        let approval = Approval::of(&account, &Wanted::new(), "http://localhost").unwrap();
        let script = &approval.script;
        assert!(
            script.contains("Grant-Scopes $graph 'openid profile offline_access'\n"),
            "{script}"
        );
        assert!(!script.contains(SHAREPOINT_APP_ID), "{script}");
        assert!(script.contains("-Environment 'USGovDoD'"), "{script}");
        assert!(
            script.contains("-UserId 'o''brien\u{2019}\u{2019}s@contoso.com'"),
            "{script}"
        );
    }
}
