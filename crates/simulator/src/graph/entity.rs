//! The types that the simulated Graph answers with: what `$select` may name
//! and how long their pages are. The names of properties are not typed here:
//! `properties.txt` is taken from the OpenAPI description of Graph v1.0 by a test.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// One type of Graph.
#[derive(Debug)]
pub struct Entity {
    /// Without its namespace `microsoft.graph`.
    pub name: &'static str,
    /// A path of the OpenAPI description whose GET lists what may be selected.
    pub path: &'static str,
    /// What comes without `$select`; empty for everything there is.
    pub usual: &'static [&'static str],
    /// The greatest `$top`.
    pub most: usize,
    /// The page without `$top`.
    pub page: usize,
}

/// By name of the type: one line each, the name and its properties.
const PROPERTIES: &str = include_str!("properties.txt");

impl Entity {
    /// All that `$select` may name, in the order of the description.
    #[must_use]
    pub fn properties(&self) -> &'static [&'static str] {
        static ALL: OnceLock<BTreeMap<&str, Vec<&str>>> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            PROPERTIES
                .lines()
                .filter_map(|line| line.split_once(": "))
                .map(|(name, properties)| (name, properties.split(' ').collect()))
                .collect()
        });
        all.get(self.name).map_or(&[], Vec::as_slice)
    }

    /// The property in its true spelling, by any.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&'static str> {
        self.properties()
            .iter()
            .copied()
            .find(|p| p.eq_ignore_ascii_case(name))
    }
}

/// All of them, for tests that hold them against the OpenAPI description.
pub const ENTITIES: &[&Entity] = &[
    &SITE,
    &LIST,
    &MESSAGE,
    &MAIL_FOLDER,
    &USER,
    &DRIVE,
    &DRIVE_ITEM,
    &ORGANIZATION,
    &SERVICE_HEALTH,
    &HEALTH_ISSUE,
    &SERVICE_MESSAGE,
    &SUBSCRIBED_SKU,
    &SUBSCRIPTION,
    &APPLICATION,
    &SERVICE_PRINCIPAL,
    &EVENT,
    &TEAM,
    &CHANNEL,
];

pub(super) const SITE: Entity = Entity {
    name: "site",
    path: "/sites/{site-id}",
    usual: &[
        "id",
        "createdDateTime",
        "description",
        "displayName",
        "eTag",
        "lastModifiedDateTime",
        "name",
        "root",
        "siteCollection",
        "webUrl",
    ],
    most: 1000,
    page: 200,
};

pub(super) const LIST: Entity = Entity {
    name: "list",
    path: "/sites/{site-id}/lists",
    usual: &[
        "id",
        "createdDateTime",
        "description",
        "displayName",
        "eTag",
        "lastModifiedDateTime",
        "list",
        "name",
        "webUrl",
    ],
    most: 1000,
    page: 200,
};

pub(super) const MESSAGE: Entity = Entity {
    name: "message",
    path: "/me/messages",
    usual: &[],
    most: 1000,
    page: 10,
};

pub(super) const MAIL_FOLDER: Entity = Entity {
    name: "mailFolder",
    path: "/me/mailFolders",
    usual: &[],
    most: 1000,
    page: 10,
};

pub(super) const USER: Entity = Entity {
    name: "user",
    path: "/users",
    usual: &[
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    ],
    most: 999,
    page: 100,
};

pub(super) const DRIVE: Entity = Entity {
    name: "drive",
    path: "/me/drive",
    usual: &[],
    most: 1000,
    page: 200,
};

pub(super) const DRIVE_ITEM: Entity = Entity {
    name: "driveItem",
    path: "/me/drive/root/children",
    usual: &[],
    most: 1000,
    page: 200,
};

pub(super) const ORGANIZATION: Entity = Entity {
    name: "organization",
    path: "/organization",
    usual: &[],
    most: 999,
    page: 100,
};

pub(super) const SERVICE_HEALTH: Entity = Entity {
    name: "serviceHealth",
    path: "/admin/serviceAnnouncement/healthOverviews",
    usual: &[],
    most: 1000,
    page: 100,
};

pub(super) const HEALTH_ISSUE: Entity = Entity {
    name: "serviceHealthIssue",
    path: "/admin/serviceAnnouncement/issues",
    usual: &[],
    most: 1000,
    page: 100,
};

pub(super) const SERVICE_MESSAGE: Entity = Entity {
    name: "serviceUpdateMessage",
    path: "/admin/serviceAnnouncement/messages",
    usual: &[],
    most: 1000,
    page: 100,
};

pub(super) const SUBSCRIBED_SKU: Entity = Entity {
    name: "subscribedSku",
    path: "/subscribedSkus",
    usual: &[],
    most: 999,
    page: 100,
};

pub(super) const SUBSCRIPTION: Entity = Entity {
    name: "companySubscription",
    path: "/directory/subscriptions",
    usual: &[],
    most: 999,
    page: 100,
};

pub(super) const APPLICATION: Entity = Entity {
    name: "application",
    path: "/applications",
    usual: &[],
    most: 999,
    page: 100,
};

pub(super) const SERVICE_PRINCIPAL: Entity = Entity {
    name: "servicePrincipal",
    path: "/servicePrincipals",
    usual: &[],
    most: 999,
    page: 100,
};

pub(super) const EVENT: Entity = Entity {
    name: "event",
    path: "/me/calendar/events",
    usual: &[],
    most: 1000,
    page: 10,
};

pub(super) const TEAM: Entity = Entity {
    name: "team",
    path: "/teams/{team-id}",
    usual: &[],
    most: 100,
    page: 100,
};

pub(super) const CHANNEL: Entity = Entity {
    name: "channel",
    path: "/teams/{team-id}/channels",
    usual: &[],
    most: 100,
    page: 100,
};
