//! What exists: organizations, their applications, people, sites and
//! mailboxes, and who may do what. Plain data behind one lock in
//! [`Tenant`](super::Tenant); lookups take constant time, so that ten thousand
//! sites cost no more than ten. Names are compared without regard to case, as
//! Microsoft does.

mod application;
mod cloud;
mod contoso;
mod drive;
mod health;
mod licence;
mod load;
mod names;
mod organization;
mod person;
mod site;
mod team;

pub use application::{
    Application, Certificate, ClientSecret, Consent, FederatedCredential, MailboxScope, Platform,
    RedirectUri,
};
pub use cloud::Cloud;
pub use drive::{Drive, DriveState, QuotaForm};
pub use health::{Health, HealthIssue, ServiceHealth};
pub use licence::{Sku, usual as usual_licences};
pub use load::{LoadAccount, Size, load_team};
pub use names::{
    APP_CLIENT_ID, CERTIFICATE_CLIENT_ID, COMMAND_LINE_TOOLS_CLIENT_ID, CONFIDENTIAL_CLIENT_ID,
    DELEGATED_CLIENT_ID, DOMAIN, IDENTITY_CLIENT_ID, ORDERS_ALIAS, ORDERS_CLIENT_ID, ORDERS_HOST,
    ORDERS_URI, OTHER_TENANT_ID, PERSONAL_HOST, SELECTED_CLIENT_ID, SERVICES_CLIENT_ID,
    SHAREPOINT_HOST, TENANT_ID,
};
pub use organization::{Organization, ResourceApp};
pub use person::{Mailbox, User};
pub use site::{Grants, List, Site, SiteState};
pub use team::{Channel, Team};

use std::collections::{BTreeMap, HashMap};

use crate::chance::Seeded;

/// Everything that exists in the simulated cloud.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    organizations: Vec<Organization>,
    applications: BTreeMap<String, Application>,
    /// By object id.
    users: HashMap<String, User>,
    /// Object id by UPN.
    upns: HashMap<String, String>,
    /// By `host/path`.
    sites: HashMap<String, Site>,
    /// `host/path` by the triple of ids.
    site_ids: HashMap<String, String>,
    /// By id.
    teams: BTreeMap<String, Team>,
}

fn site_key(host: &str, path: &str) -> String {
    format!("{host}/{}", path.trim_matches('/')).to_ascii_lowercase()
}

impl Directory {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Contoso: one organization with sites, mailboxes and an application for
    /// every kind of credential, and a second organization to be refused by.
    /// Secrets come from `seed`.
    #[must_use]
    pub fn contoso(size: Size, seed: u64, now: m365mon_base::Timestamp) -> Self {
        let random = Seeded::new(seed);
        let mut directory = contoso::build(&random, now);
        load::add(&mut directory, size, &random, now);
        directory
    }

    /// Adds an organization.
    pub fn add_organization(&mut self, organization: Organization) {
        self.organizations.push(organization);
    }

    /// Adds or replaces an application.
    pub fn add_application(&mut self, application: Application) {
        self.applications
            .insert(application.client_id.to_ascii_lowercase(), application);
    }

    /// Adds or replaces a person.
    pub fn add_user(&mut self, user: User) {
        self.upns
            .insert(user.upn.to_lowercase(), user.id.to_ascii_lowercase());
        self.users.insert(user.id.to_ascii_lowercase(), user);
    }

    /// Adds or replaces a site.
    pub fn add_site(&mut self, site: Site) {
        let key = site_key(&site.host, &site.path);
        self.site_ids
            .insert(site.id().to_ascii_lowercase(), key.clone());
        self.sites.insert(key, site);
    }

    /// Adds or replaces a team.
    pub fn add_team(&mut self, team: Team) {
        self.teams.insert(team.id.to_ascii_lowercase(), team);
    }

    /// Removes a team; false if there was none.
    pub fn remove_team(&mut self, id: &str) -> bool {
        self.teams.remove(&id.to_ascii_lowercase()).is_some()
    }

    /// A team by its id.
    #[must_use]
    pub fn team(&self, id: &str) -> Option<&Team> {
        self.teams.get(&id.to_ascii_lowercase())
    }

    /// The same, to be changed (all but its id).
    pub fn team_mut(&mut self, id: &str) -> Option<&mut Team> {
        self.teams.get_mut(&id.to_ascii_lowercase())
    }

    /// True if some team consented to this application.
    #[must_use]
    pub fn is_in_a_team(&self, client_id: &str) -> bool {
        self.teams()
            .any(|team| !team.consented(client_id).is_empty())
    }

    /// All teams, by id.
    pub fn teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.values()
    }

    /// Removes a site; false if there was none.
    pub fn remove_site(&mut self, host: &str, path: &str) -> bool {
        let Some(site) = self.sites.remove(&site_key(host, path)) else {
            return false;
        };
        self.site_ids.remove(&site.id().to_ascii_lowercase());
        true
    }

    /// An organization by GUID or verified domain.
    #[must_use]
    pub fn organization(&self, tenant: &str) -> Option<&Organization> {
        self.organizations.iter().find(|o| o.is_called(tenant))
    }

    /// The same, to be changed.
    pub fn organization_mut(&mut self, tenant: &str) -> Option<&mut Organization> {
        self.organizations.iter_mut().find(|o| o.is_called(tenant))
    }

    /// All of them.
    #[must_use]
    pub fn organizations(&self) -> &[Organization] {
        &self.organizations
    }

    /// All of them, to be changed.
    pub fn organizations_mut(&mut self) -> &mut [Organization] {
        &mut self.organizations
    }

    /// The organization that owns a SharePoint host.
    #[must_use]
    pub fn owner_of_host(&self, host: &str) -> Option<&Organization> {
        self.organizations.iter().find(|o| {
            o.sharepoint_hosts
                .iter()
                .any(|h| h.eq_ignore_ascii_case(host))
        })
    }

    /// An application by its client id.
    #[must_use]
    pub fn application(&self, client_id: &str) -> Option<&Application> {
        self.applications.get(&client_id.to_ascii_lowercase())
    }

    /// The same, to be changed.
    pub fn application_mut(&mut self, client_id: &str) -> Option<&mut Application> {
        self.applications.get_mut(&client_id.to_ascii_lowercase())
    }

    /// All applications, by client id.
    pub fn applications(&self) -> impl Iterator<Item = &Application> {
        self.applications.values()
    }

    /// A person by object id or UPN.
    #[must_use]
    pub fn user(&self, id_or_upn: &str) -> Option<&User> {
        let name = id_or_upn.to_lowercase();
        self.users
            .get(&name)
            .or_else(|| self.users.get(self.upns.get(&name)?))
    }

    /// The same, to be changed (all but `id` and `upn`, which are the keys).
    pub fn user_mut(&mut self, id_or_upn: &str) -> Option<&mut User> {
        let name = id_or_upn.to_lowercase();
        let id = if self.users.contains_key(&name) {
            name
        } else {
            self.upns.get(&name)?.clone()
        };
        self.users.get_mut(&id)
    }

    /// How many people.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// All people, in no order.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// A site by host and server-relative path (empty: the root site).
    #[must_use]
    pub fn site(&self, host: &str, path: &str) -> Option<&Site> {
        self.sites.get(&site_key(host, path))
    }

    /// The same, to be changed (all but host, path and ids).
    pub fn site_mut(&mut self, host: &str, path: &str) -> Option<&mut Site> {
        self.sites.get_mut(&site_key(host, path))
    }

    /// A site by `{host},{site collection id},{web id}`, or by the host alone.
    #[must_use]
    pub fn site_by_id(&self, id: &str) -> Option<&Site> {
        let id = id.to_ascii_lowercase();
        match self.site_ids.get(&id) {
            Some(key) => self.sites.get(key),
            None => self.sites.get(&site_key(&id, "")),
        }
    }

    /// How many sites.
    #[must_use]
    pub fn site_count(&self) -> usize {
        self.sites.len()
    }

    /// All sites, in no order.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.sites.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_spelling() {
        let directory = Directory::contoso(Size::default(), 1, jiff::Timestamp::UNIX_EPOCH);
        let site = directory
            .site("CONTOSO.sharepoint.com", "/Sites/Intranet/")
            .unwrap();
        assert_eq!(
            directory.site_by_id(&site.id()).unwrap().path,
            "sites/intranet"
        );
        assert_eq!(directory.site_by_id(SHAREPOINT_HOST).unwrap().path, "");
        let steve = directory.user("Steve@contoso.onmicrosoft.com").unwrap();
        assert_eq!(
            directory.user(&steve.id.to_uppercase()).unwrap().upn,
            steve.upn
        );
        assert!(directory.organization("CONTOSO.onmicrosoft.com").is_some());
        assert!(directory.organization("contoso2.com").is_none());
    }

    #[test]
    fn a_removed_site_is_gone_both_ways() {
        let mut directory = Directory::contoso(Size::default(), 1, jiff::Timestamp::UNIX_EPOCH);
        let id = directory
            .site(SHAREPOINT_HOST, "sites/intranet")
            .unwrap()
            .id();
        assert!(directory.remove_site(SHAREPOINT_HOST, "sites/intranet"));
        assert!(directory.site_by_id(&id).is_none());
        assert!(!directory.remove_site(SHAREPOINT_HOST, "sites/intranet"));
    }
}
