//! Sites and mailboxes that are made up by the thousand, for whoever measures
//! or wants to see many: Contoso's own, or dealt out to organizations that are
//! made up as well.

use super::{
    Application, DELEGATED_CLIENT_ID, DOMAIN, Directory, Mailbox, Organization, PERSONAL_HOST,
    ResourceApp, SERVICES_CLIENT_ID, SHAREPOINT_HOST, Site, TENANT_ID, Team, User, contoso,
};
use crate::chance::{Seeded, guid_of};
use m365mon_base::{Secret, Timestamp};

/// How much to make up beyond the usual sites and mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Sites `sites/load-00001` and so on.
    pub sites: usize,
    /// Mailboxes `load-00001@…` and so on.
    pub mailboxes: usize,
    /// Organizations of their own that these are dealt out to in turn, each
    /// with one application; with none they are Contoso's.
    pub accounts: usize,
    /// Resources of each of the other kinds, with what they need: people
    /// `kinds-00001@…` with drives, rooms, teams, sites that may be written to.
    pub kinds: usize,
}

/// An organization made up to own made-up sites and mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadAccount {
    /// Of the account in a configuration: `load-01`.
    pub name: String,
    /// The organization's GUID.
    pub tenant_id: String,
    /// Its domain.
    pub domain: String,
    /// Its SharePoint host.
    pub sharepoint_host: String,
    /// Its host of personal sites.
    pub personal_host: String,
    /// Its application, a confidential client with a secret.
    pub client_id: String,
}

impl Size {
    /// The made-up organizations, in order.
    #[must_use]
    pub fn load_accounts(self) -> Vec<LoadAccount> {
        let account = |number: usize| LoadAccount {
            name: format!("load-{number:02}"),
            tenant_id: guid_of(&format!("load tenant {number}")),
            domain: format!("contoso-load-{number:02}.onmicrosoft.com"),
            sharepoint_host: format!("contoso-load-{number:02}.sharepoint.com"),
            personal_host: format!("contoso-load-{number:02}-my.sharepoint.com"),
            client_id: guid_of(&format!("load application {number}")),
        };
        (1..=self.accounts).map(account).collect()
    }

    /// Whose the made-up site or mailbox of this number is: a place in
    /// [`Self::load_accounts`], or `None` for Contoso.
    #[must_use]
    pub fn owner(self, number: usize) -> Option<usize> {
        number.saturating_sub(1).checked_rem(self.accounts)
    }
}

/// Adds it.
pub(super) fn add(directory: &mut Directory, size: Size, random: &Seeded, now: Timestamp) {
    let accounts = size.load_accounts();
    for account in &accounts {
        directory.add_organization(Organization {
            id: account.tenant_id.clone(),
            display_name: account.name.clone(),
            domains: vec![account.domain.clone()],
            sharepoint_hosts: vec![
                account.sharepoint_host.clone(),
                account.personal_host.clone(),
            ],
            ..contoso::contoso(now)
        });
        let mut app = Application::new(&account.client_id, &account.name, &account.tenant_id);
        app.secrets.push(contoso::secret(random, now));
        for role in ["Sites.Read.All", "Mail.ReadBasic.All"] {
            app.grant_role(ResourceApp::Graph, role);
        }
        if size.kinds > 0 {
            for role in contoso::SERVICE_ROLES {
                app.grant_role(ResourceApp::Graph, role);
            }
        }
        directory.add_application(app);
    }
    if size.kinds > 0
        && let Some(app) = directory.application_mut(DELEGATED_CLIENT_ID)
    {
        app.grant_scopes(None, ResourceApp::Graph, &["Presence.Read"]);
    }
    for number in 1..=size.kinds {
        let account = size.owner(number).and_then(|place| accounts.get(place));
        kinds(directory, number, account, random);
    }
    let owner = |number| size.owner(number).and_then(|place| accounts.get(place));
    for number in 1..=size.mailboxes {
        let (tenant, domain) = owner(number).map_or((TENANT_ID, DOMAIN), |account| {
            (&account.tenant_id, &account.domain)
        });
        let upn = format!("load-{number:05}@{domain}");
        let mut user = User::new(&upn, &upn, tenant, Secret::new(random.text(16)));
        user.mailbox = Some(Mailbox::new(3));
        user.drive = None;
        directory.add_user(user);
    }
    // One set of lists for all of them: ids differ between sites in truth, but
    // nothing that is asked of these can tell.
    let lists = Site::new(SHAREPOINT_HOST, "sites/load", "Load").lists;
    for number in 1..=size.sites {
        let host = owner(number).map_or(SHAREPOINT_HOST, |account| &account.sharepoint_host);
        let (path, name) = (format!("sites/load-{number:05}"), format!("Load {number}"));
        directory.add_site(Site::with_lists(host, &path, &name, lists.clone()));
    }
}

/// The team of this number.
#[must_use]
pub fn load_team(number: usize, tenant_id: &str) -> Team {
    let name = format!("kinds-{number:05}");
    Team::new(&name, &name, tenant_id)
}

/// What one resource of each of the other kinds is about.
fn kinds(directory: &mut Directory, number: usize, account: Option<&LoadAccount>, random: &Seeded) {
    let (tenant, domain, host, personal, app) = account.map_or(
        (
            TENANT_ID,
            DOMAIN,
            SHAREPOINT_HOST,
            PERSONAL_HOST,
            SERVICES_CLIENT_ID,
        ),
        |account| {
            (
                &*account.tenant_id,
                &*account.domain,
                &*account.sharepoint_host,
                &*account.personal_host,
                &*account.client_id,
            )
        },
    );
    for kind in ["kinds", "kinds-room"] {
        let upn = format!("{kind}-{number:05}@{domain}");
        let mut user = User::new(&upn, &upn, tenant, Secret::new(random.text(16)));
        user.mailbox = Some(Mailbox::new(3));
        let mut site = Site::personal(personal, &upn, &user.id, &upn);
        site.grant(app, "read");
        directory.add_site(site);
        directory.add_user(user);
    }
    let mut team = load_team(number, tenant);
    team.consent(app, "ChannelSettings.Read.Group");
    directory.add_team(team);
    let mut site = Site::new(host, &format!("sites/kinds-{number:05}"), "Kinds");
    site.grant(app, "write");
    directory.add_site(site);
}
