//! Teams, their channels, and what they consent to by themselves.

use std::collections::{BTreeMap, BTreeSet};

use crate::chance::guid_of;

/// A channel of a team.
#[derive(Debug, Clone)]
pub struct Channel {
    /// `19:…@thread.tacv2`; older ones end in `@thread.skype`.
    pub id: String,
    /// As people see it.
    pub display_name: String,
    /// `standard`, `private` or `shared`.
    pub membership: &'static str,
}

/// A team.
#[derive(Debug, Clone)]
pub struct Team {
    /// That of its group.
    pub id: String,
    /// As people see it.
    pub display_name: String,
    /// GUID of the organization.
    pub organization: String,
    /// Object ids of its members.
    pub members: BTreeSet<String>,
    /// The first is the primary one.
    pub channels: Vec<Channel>,
    /// Resource-specific consent: permissions by client id, given by installing
    /// an app in the team.
    pub consents: BTreeMap<String, BTreeSet<String>>,
    /// The backend of Teams refuses everything about it with 403, as it did when
    /// it was out of order.
    pub backend_refuses: bool,
    /// Its front says 404 although it is there, as it did when it was out of order.
    pub front_lost: bool,
}

impl Team {
    /// A team with two channels and nobody in it.
    #[must_use]
    pub fn new(name: &str, display_name: &str, organization: &str) -> Self {
        let id = guid_of(&format!("team {organization} {name}"));
        let thread = |channel: &str| guid_of(&format!("{id} {channel}")).replace('-', "");
        let channel = |channel: &str, kind: &str, membership| Channel {
            id: format!("19:{}@thread.{kind}", thread(channel)),
            display_name: channel.to_owned(),
            membership,
        };
        Self {
            channels: vec![
                channel("General", "tacv2", "standard"),
                channel("Rota", "skype", "private"),
            ],
            id,
            display_name: display_name.to_owned(),
            organization: organization.to_owned(),
            members: BTreeSet::new(),
            consents: BTreeMap::new(),
            backend_refuses: false,
            front_lost: false,
        }
    }

    /// Lets an application do something in this team alone.
    pub fn consent(&mut self, client_id: &str, permission: &str) {
        self.consents
            .entry(client_id.to_ascii_lowercase())
            .or_default()
            .insert(permission.to_owned());
    }

    /// What an application may do in this team alone.
    #[must_use]
    pub fn consented(&self, client_id: &str) -> BTreeSet<String> {
        self.consents
            .get(&client_id.to_ascii_lowercase())
            .cloned()
            .unwrap_or_default()
    }
}
