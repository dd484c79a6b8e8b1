//! Single commands that mend one thing, for `doctor`.

use url::Url;

use super::plan::site_address;
use crate::entra::find_api;
use crate::kinds::{Api, Grant, Remedy, SiteRole};
use crate::model::Account;
use crate::model::powershell::{filter, quoted};

/// A word for a POSIX shell.
#[must_use]
pub fn shell(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-@".contains(&b);
    if !word.is_empty() && !word.starts_with('-') && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Lets a person read one folder of another's mailbox and nothing beside it. The
/// folder is found by its kind: its name is in its owner's language.
#[must_use]
fn read_folder(mailbox: &str, folder: &str, person: &str) -> String {
    let (mailbox, folder) = (quoted(mailbox), quoted(folder));
    format!(
        "Get-EXOMailboxFolderStatistics -Identity {mailbox} -FolderScope {folder} | \
         Where-Object FolderType -eq {folder} | ForEach-Object {{ \
         Add-MailboxFolderPermission -Identity ({mailbox} + ':' + $_.FolderId) -User {} \
         -AccessRights Reviewer }}",
        quoted(person)
    )
}

/// Consent in one team: an app package that its owner installs
/// (learn.microsoft.com, "Grant resource-specific consent permissions").
/// `client_id` is the application's.
pub(super) fn team_consent(client_id: &str, team: &str, permission: &str) -> Vec<String> {
    vec![
        format!(
            "a Teams app package whose manifest (version 1.12 or later) has these two parts; an \
             owner of the team {team} uploads it there: Manage team → Apps → Upload an app"
        ),
        format!(
            "\"webApplicationInfo\": {{\"id\": {}, \"resource\": \"https://m365mon\"}}",
            serde_json::Value::from(client_id)
        ),
        format!(
            "\"authorization\": {{\"permissions\": {{\"resourceSpecific\": [{{\"name\": \
             \"{permission}\", \"type\": \"Application\"}}]}}}}"
        ),
        "the tenant must let owners upload apps and consent for their teams; one Teams app for one \
         client id"
            .to_owned(),
    ]
}

/// The longest name of a management scope.
const LONGEST_SCOPE: usize = 64;

/// A name for the scope of one role on one mailbox. It is no other's: an
/// assignment to a scope that is there already would open whatever that names.
fn scope_name(name: &str, role: &str, user: &str) -> String {
    let role = role.strip_prefix("Application ").unwrap_or(role);
    let whole = format!("{name} {role} {user}");
    if whole.chars().count() <= LONGEST_SCOPE {
        return whole;
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, whole.as_bytes());
    let mark: String = digest.as_ref()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let kept: String = whole.chars().take(LONGEST_SCOPE - mark.len() - 1).collect();
    format!("{kept} {mark}")
}

/// Commands for one account.
#[derive(Debug, Clone, Copy)]
pub struct Commands<'a> {
    account: &'a Account,
}

impl<'a> Commands<'a> {
    /// For this account.
    #[must_use]
    pub const fn of(account: &'a Account) -> Self {
        Self { account }
    }

    pub(super) fn client_id(self) -> &'a str {
        self.account
            .client_id
            .as_deref()
            .unwrap_or("CLIENT-ID-OF-THE-IDENTITY")
    }

    fn name(self) -> String {
        format!("m365mon {}", self.account.name)
    }

    /// Where to get the whole script.
    #[must_use]
    pub fn script(self) -> String {
        format!("m365mon setup --account {}", shell(&self.account.name))
    }

    /// Signs the person in again.
    #[must_use]
    pub fn sign_in(self) -> String {
        format!("m365mon login {}", shell(&self.account.name))
    }

    /// What a remedy comes to, line by line.
    #[must_use]
    pub fn remedy(self, remedy: &Remedy) -> Vec<String> {
        match remedy {
            Remedy::Say(text) => vec![text.to_string()],
            Remedy::Grant(grant) => self.grant(grant),
            Remedy::SignIn => vec![self.sign_in()],
            Remedy::Script => vec![self.script()],
            Remedy::TestMailbox(user) => vec![self.test_mailbox(user)],
            Remedy::TestPolicy(user) => vec![self.test_policy(user)],
            Remedy::ShowMailbox(user) => vec![format!(
                "Get-EXOMailbox -Identity {} | Format-List PrimarySmtpAddress, ExternalDirectoryObjectId",
                quoted(user)
            )],
        }
    }

    /// Single commands, or steps by hand, that give one grant.
    fn grant(self, grant: &Grant) -> Vec<String> {
        match grant {
            Grant::SiteRole { url, role } => self.grant_site(url, *role),
            Grant::SiteVisitor { .. } => {
                let person = self.account.person().map_or("", |person| &*person.username);
                vec![format!(
                    "the person must be able to read the site: Settings → Site permissions → \
                     Share site → {person}, Read"
                )]
            }
            Grant::MailboxRole { user, role } => self.scope_mailbox(user, role),
            Grant::FolderReader { user, folder } => {
                let person = self.account.person().map_or("", |person| &*person.username);
                vec![read_folder(user, folder, person)]
            }
            Grant::TeamConsent { team, permission } => {
                team_consent(self.client_id(), team, permission)
            }
            Grant::ByHand(how) => vec![how.to_string()],
        }
    }

    /// A role on one site, three ways of which one is enough.
    fn grant_site(self, url: &Url, role: SiteRole) -> Vec<String> {
        let (id, name, role) = (self.client_id(), self.name(), role.as_str());
        let address = site_address(url);
        let mut letters = role.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        let capital: String = first.into_iter().chain(letters).collect();
        vec![
            format!("the role {role} on this site is missing; one of these three gives it:"),
            format!(
                "POST {}/v1.0/sites/{{id of {address}}}/permissions  \
                 {{\"roles\":[\"{role}\"],\"grantedToIdentities\":[{{\"application\":{{\"id\":\"{id}\",\"displayName\":{}}}}}]}}",
                self.account.cloud.graph_url(),
                serde_json::Value::from(&*name)
            ),
            format!(
                "New-MgSitePermission -SiteId (Get-MgSite -SiteId {}).Id -BodyParameter @{{ Roles = @('{role}'); \
                 GrantedToIdentities = @(@{{ Application = @{{ Id = {}; DisplayName = {} }} }}) }}",
                quoted(&address),
                quoted(id),
                quoted(&name)
            ),
            format!(
                "Grant-PnPAzureADAppSitePermission -AppId {} -DisplayName {} -Site {} -Permissions {capital}",
                quoted(id),
                quoted(&name),
                quoted(url.as_str())
            ),
        ]
    }

    /// What Exchange lets the application do with one mailbox, asked of
    /// Exchange itself.
    #[must_use]
    pub fn test_mailbox(self, user: &str) -> String {
        format!(
            "Test-ServicePrincipalAuthorization -Identity {} -Resource {} | Format-Table",
            quoted(self.client_id()),
            quoted(user)
        )
    }

    /// What an older access policy says of the mailbox.
    #[must_use]
    pub fn test_policy(self, user: &str) -> String {
        format!(
            "Test-ApplicationAccessPolicy -AppId {} -Identity {}",
            quoted(self.client_id()),
            quoted(user)
        )
    }

    /// One role on one mailbox by RBAC for Applications. What names the mailbox in
    /// the configuration (an object id, a name to sign in with) need not be its
    /// address, which is what a scope takes.
    #[must_use]
    pub fn scope_mailbox(self, user: &str, role: &str) -> Vec<String> {
        let (id, name) = (quoted(self.client_id()), self.name());
        let scope = quoted(&scope_name(&name, role, user));
        vec![
            format!(
                "if (-not (Get-ServicePrincipal | Where-Object AppId -eq {id})) {{ \
                 New-ServicePrincipal -AppId {id} -ObjectId (Get-MgServicePrincipal -Filter {}).Id -DisplayName {} }}",
                filter("appId", "eq", self.client_id()),
                quoted(&name)
            ),
            format!(
                "New-ManagementScope -Name {scope} -RecipientRestrictionFilter \
                 \"PrimarySmtpAddress -eq '$((Get-EXOMailbox -Identity {}).PrimarySmtpAddress -replace \"'\", \"''\")'\"",
                quoted(user)
            ),
            format!(
                "New-ManagementRoleAssignment -App {id} -Role {} -CustomResourceScope {scope}",
                quoted(role)
            ),
        ]
    }

    /// Takes an app role or the consent to a scope away.
    #[must_use]
    pub fn take_away(self, name: &str) -> String {
        let id = self.client_id();
        if self.account.person().is_some() {
            format!(
                "Entra admin center → Enterprise applications → {id} → Permissions: review and revoke {name}"
            )
        } else {
            format!(
                "Entra admin center → Enterprise applications → {id} → Permissions: revoke {name}; \
                 and App registrations → {id} → API permissions: remove it"
            )
        }
    }

    /// Grants one application permission.
    #[must_use]
    pub fn grant_role(self, api: &Api, name: &str) -> Vec<String> {
        vec![
            format!(
                "{}; {}",
                find_api("$api", &api.id),
                find_api("$sp", self.client_id())
            ),
            format!(
                "New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $sp.Id -PrincipalId $sp.Id \
                 -ResourceId $api.Id -AppRoleId ($api.AppRoles | Where-Object Value -eq {}).Id",
                quoted(name)
            ),
        ]
    }

    /// Changes the registration: `Update-MgApplication` with these arguments.
    #[must_use]
    pub fn update_application(self, arguments: &str) -> String {
        format!(
            "Update-MgApplication -ApplicationId (Get-MgApplication -Filter {}).Id {arguments}",
            filter("appId", "eq", self.client_id())
        )
    }

    /// Changes the service principal.
    #[must_use]
    pub fn update_service_principal(self, arguments: &str) -> String {
        format!(
            "Update-MgServicePrincipal -ServicePrincipalId (Get-MgServicePrincipal -Filter {}).Id {arguments}",
            filter("appId", "eq", self.client_id())
        )
    }

    /// The sign-ins that Entra refused to this application.
    #[must_use]
    pub fn sign_in_log(self) -> String {
        format!(
            "Get-MgAuditLogSignIn -Top 10 -Filter {} | Format-List CreatedDateTime, IPAddress, Status, AppliedConditionalAccessPolicies",
            filter("appId", "eq", self.client_id())
        )
    }

    /// Lets the person sign in to an application that asks for an assignment.
    #[must_use]
    pub fn assign(self) -> String {
        let person = self.account.person().map_or("", |person| &*person.username);
        format!(
            "{}; New-MgServicePrincipalAppRoleAssignedTo -ServicePrincipalId $sp.Id \
             -PrincipalId (Get-MgUser -UserId {}).Id -ResourceId $sp.Id -AppRoleId ([guid]::Empty)",
            find_api("$sp", self.client_id()),
            quoted(person)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    /// A scope is one role's on one mailbox, whatever they are called.
    #[test]
    fn scopes_are_told_apart() {
        let long = "a".repeat(60);
        let users = [
            "info@contoso.com".to_owned(),
            format!("{long}@contoso.com"),
            format!("{long}b@contoso.com"),
        ];
        let mut names = std::collections::BTreeSet::new();
        for user in &users {
            for role in ["Application Mail.ReadBasic", "Application Mail.Send"] {
                let name = scope_name("m365mon contoso", role, user);
                assert!(name.chars().count() <= LONGEST_SCOPE, "{name}");
                assert!(names.insert(name.clone()), "{name}");
            }
        }
        assert!(names.contains("m365mon contoso Mail.Send info@contoso.com"));
    }

    /// An object id is no address, and who signs in by a name need not receive by it.
    #[test]
    fn the_address_of_a_mailbox_is_asked_of_exchange() {
        let account = fixtures::account("o'neil");
        for user in ["o'neil@contoso.com", "11111111-2222-3333-4444-555555555555"] {
            let lines = Commands::of(&account).scope_mailbox(user, "Application Mail.ReadBasic");
            let [principal, scope, assignment] = &lines[..] else {
                panic!("{lines:?}");
            };
            let quoted = quoted(user);
            assert!(
                scope.contains(&format!(
                    "(Get-EXOMailbox -Identity {quoted}).PrimarySmtpAddress"
                )),
                "{scope}"
            );
            assert!(!scope.contains("-eq 'o"), "{scope}");
            assert!(
                principal.starts_with("if (-not (Get-ServicePrincipal "),
                "{principal}"
            );
            let name = scope
                .split(" -Recipient")
                .next()
                .unwrap()
                .rsplit("-Name ")
                .next()
                .unwrap();
            assert!(
                assignment.ends_with(&format!("-CustomResourceScope {name}")),
                "{assignment}"
            );
        }
    }
}
