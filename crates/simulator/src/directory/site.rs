//! SharePoint sites and their lists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::chance::guid_of;

/// A list or library.
#[derive(Debug, Clone)]
pub struct List {
    /// GUID.
    pub id: String,
    /// `displayName` in Graph, `Title` in SharePoint.
    pub title: String,
    /// `documentLibrary`, `genericList`, …
    pub template: &'static str,
    /// Not shown unless `system` is selected.
    pub system: bool,
}

impl List {
    /// A list that people see.
    #[must_use]
    pub fn new(site: &str, title: &str, template: &'static str) -> Self {
        Self {
            id: guid_of(&format!("list {site} {title}")),
            title: title.to_owned(),
            template,
            system: false,
        }
    }
}

/// What an administrator did to a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SiteState {
    /// In use.
    #[default]
    Active,
    /// No access: 423.
    Locked,
    /// Archived: 403 `notAllowed`, inner `resourceLocked`.
    Archived,
}

/// `Sites.Selected` grants: roles (`read`, `write`, `owner`, `fullcontrol`) by client id.
pub type Grants = BTreeMap<String, BTreeSet<String>>;

/// A SharePoint site.
#[derive(Debug, Clone)]
pub struct Site {
    /// `contoso.sharepoint.com`.
    pub host: String,
    /// Server-relative without slashes at its ends; empty for the root site.
    pub path: String,
    /// GUID of the site collection.
    pub collection_id: String,
    /// GUID of the web.
    pub web_id: String,
    /// As people see it.
    pub display_name: String,
    /// Shared by sites that were made alike.
    pub lists: Arc<[List]>,
    /// To applications.
    pub grants: Grants,
    /// Object ids of the people with access; `None`: everyone in the organization.
    pub readers: Option<BTreeSet<String>>,
    /// Usable or not.
    pub state: SiteState,
    /// Object id of the person whose OneDrive it holds.
    pub owner: Option<String>,
}

impl Site {
    /// A site with the usual lists.
    #[must_use]
    pub fn new(host: &str, path: &str, display_name: &str) -> Self {
        let name = format!("{host}/{path}");
        let mut lists = vec![
            List::new(&name, "Documents", "documentLibrary"),
            List::new(&name, "Events", "events"),
            List::new(&name, "Site Pages", "webPageLibrary"),
        ];
        lists.push(List {
            system: true,
            ..List::new(&name, "User Information List", "genericList")
        });
        Self::with_lists(host, path, display_name, lists.into())
    }

    /// A site with these lists.
    #[must_use]
    pub fn with_lists(host: &str, path: &str, display_name: &str, lists: Arc<[List]>) -> Self {
        Self {
            host: host.to_ascii_lowercase(),
            path: path.trim_matches('/').to_owned(),
            collection_id: guid_of(&format!("site collection {host}/{path}")),
            web_id: guid_of(&format!("web {host}/{path}")),
            display_name: display_name.to_owned(),
            lists,
            grants: Grants::new(),
            readers: None,
            state: SiteState::Active,
            owner: None,
        }
    }

    /// Graph's id: host, site collection and web.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{},{},{}", self.host, self.collection_id, self.web_id)
    }

    /// Where a browser finds it.
    #[must_use]
    pub fn web_url(&self) -> String {
        if self.path.is_empty() {
            format!("https://{}", self.host)
        } else {
            format!("https://{}/{}", self.host, self.path)
        }
    }

    /// The personal site of a person, on the host of personal sites.
    #[must_use]
    pub fn personal(host: &str, upn: &str, owner: &str, display_name: &str) -> Self {
        let name = upn.replace(['@', '.'], "_");
        Self {
            owner: Some(owner.to_owned()),
            ..Self::new(host, &format!("personal/{name}"), display_name)
        }
    }

    /// True if the application may write here.
    #[must_use]
    pub fn writable_by(&self, client_id: &str) -> bool {
        let roles = self.grants.get(&client_id.to_ascii_lowercase());
        roles.is_some_and(|roles| roles.iter().any(|role| role != "read"))
    }

    /// Gives an application a role on this site alone.
    pub fn grant(&mut self, client_id: &str, role: &str) {
        self.grants
            .entry(client_id.to_ascii_lowercase())
            .or_default()
            .insert(role.to_owned());
    }

    /// True if the application was given any role here: each includes reading.
    #[must_use]
    pub fn granted_to(&self, client_id: &str) -> bool {
        self.grants
            .get(&client_id.to_ascii_lowercase())
            .is_some_and(|roles| !roles.is_empty())
    }

    /// True if this person may read it.
    #[must_use]
    pub fn readable_by(&self, user: &str) -> bool {
        self.readers
            .as_ref()
            .is_none_or(|readers| readers.iter().any(|r| r.eq_ignore_ascii_case(user)))
    }
}
