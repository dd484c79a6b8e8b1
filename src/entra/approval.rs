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

use std::collections::BTreeMap;
use std::fmt::Write as _;

use url::Url;

use super::client_credentials::application;
use super::consent::{Wanted, scopes};
use crate::model::powershell::quoted;
use crate::model::{Account, Audience, Cloud};

/// Microsoft Graph's application id, the same in every tenant and cloud.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// SharePoint Online's.
const SHAREPOINT: &str = "00000003-0000-0ff1-ce00-000000000000";
/// What every sign-in asks of Graph beside what the resources need.
const SIGN_IN: [&str; 3] = ["openid", "profile", "offline_access"];

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
    // SharePoint has many hosts and one service principal.
    let mut apis = BTreeMap::from([((false, GRAPH), SIGN_IN.map(str::to_owned).to_vec())]);
    for (audience, names) in wanted {
        let api = if *audience == graph {
            (false, GRAPH)
        } else {
            (true, SHAREPOINT)
        };
        let scopes = apis.entry(api).or_default();
        for name in names {
            if !scopes.contains(name) {
                scopes.push(name.clone());
            }
        }
    }
    let mut text = format!(
        "# Grants these scopes to one application, on behalf of one person.\n\
         Connect-MgGraph -TenantId {tenant}{environment} `\n\
         \x20 -Scopes 'Application.ReadWrite.All', 'DelegatedPermissionGrant.ReadWrite.All', 'User.ReadBasic.All'\n\
         $user = Get-MgUser -UserId {user}\n\
         $app = Get-MgServicePrincipal -Filter \"appId eq '{client}'\"\n\
         if (-not $app) {{ $app = New-MgServicePrincipal -AppId '{client}' }}\n",
        tenant = quoted(account.tenant.as_ref().map_or("", |tenant| tenant.as_str())),
        environment = environment(&account.cloud),
        user = quoted(username),
        client = account.client_id.as_deref().unwrap_or_default(),
    );
    text.push_str("$needed = [ordered]@{\n");
    for ((_, id), scopes) in &apis {
        let name = if *id == GRAPH {
            "Microsoft Graph"
        } else {
            "SharePoint"
        };
        _ = writeln!(text, "  '{id}' = {}  # {name}", quoted(&scopes.join(" ")));
    }
    text.push_str(
        "}\n\
         foreach ($id in $needed.Keys) {\n\
         \x20 $api = Get-MgServicePrincipal -Filter \"appId eq '$id'\"\n\
         \x20 $old = Get-MgUserOauth2PermissionGrant -UserId $user.Id -All |\n\
         \x20   Where-Object { $_.ClientId -eq $app.Id -and $_.ResourceId -eq $api.Id }\n\
         \x20 $scope = (\"$($old.Scope) $($needed[$id])\".Trim() -split '\\s+' | Select-Object -Unique) -join ' '\n\
         \x20 if ($old) {\n\
         \x20   Update-MgOauth2PermissionGrant -OAuth2PermissionGrantId $old.Id -Scope $scope\n\
         \x20 } else {\n\
         \x20   New-MgOauth2PermissionGrant -ClientId $app.Id -ConsentType Principal `\n\
         \x20     -PrincipalId $user.Id -ResourceId $api.Id -Scope $scope\n\
         \x20 }\n\
         }\n",
    );
    text
}

/// Which cloud PowerShell is to go to; nothing for the usual one.
const fn environment(cloud: &Cloud) -> &'static str {
    match cloud {
        Cloud::Global | Cloud::Custom { .. } => "",
        Cloud::GccHigh => " -Environment USGov",
        Cloud::Dod => " -Environment USGovDoD",
        Cloud::China => " -Environment China",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Delegated, SignIn, Tenant};

    fn account(username: &str, cloud: Cloud) -> Account {
        Account {
            name: "contoso".into(),
            cloud,
            tenant: Tenant::parse("contoso.onmicrosoft.com"),
            client_id: Some("11111111-2222-3333-4444-555555555555".into()),
            sign_in: SignIn::Delegated {
                person: Delegated {
                    username: username.into(),
                    redirect_url: None,
                    max_age: None,
                },
                client: None,
            },
        }
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
        ]);
        let approval = Approval::of(&account, &wanted, "http://localhost").unwrap();
        let script = &approval.script;
        for line in [
            "  '00000003-0000-0000-c000-000000000000' = 'openid profile offline_access Sites.Read.All Mail.ReadBasic'  # Microsoft Graph\n",
            "  '00000003-0000-0ff1-ce00-000000000000' = 'AllSites.Read'  # SharePoint\n",
            "$user = Get-MgUser -UserId 'steve@contoso.com'\n",
            "Connect-MgGraph -TenantId 'contoso.onmicrosoft.com' `\n",
            "-ConsentType Principal `\n",
        ] {
            assert!(script.contains(line), "{line}\n{script}");
        }
        assert_eq!(approval.links.len(), 3);
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
            script.contains("= 'openid profile offline_access'"),
            "{script}"
        );
        assert!(!script.contains(SHAREPOINT), "{script}");
        assert!(script.contains("-Environment USGovDoD"), "{script}");
        assert!(
            script.contains("-UserId 'o''brien\u{2019}\u{2019}s@contoso.com'"),
            "{script}"
        );
    }
}
