//! The services behind the one door of Graph, each with a limit of its own.

use serde::{Deserialize, Serialize};

/// Whose limit a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// Sites, drives, files.
    Sharepoint,
    /// Mail and calendars.
    Outlook,
    /// Teams and their channels.
    Teams,
    /// Presence.
    Presence,
    /// Service health and the message center.
    ServiceCommunications,
    /// People, applications, licences, the organization.
    Directory,
    /// Devices and security.
    Security,
    /// The rest.
    Graph,
}

impl Workload {
    /// By a path of Graph, version included.
    #[must_use]
    pub fn of_graph(path: &str) -> Self {
        let mut segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .skip(1);
        let first = segments.next().unwrap_or_default();
        let of_person = match first {
            "me" => segments.next(),
            "users" => segments.nth(1),
            _ => None,
        };
        match (first, of_person.unwrap_or_default()) {
            ("sites" | "drives", _) | (_, "drive" | "drives") => Self::Sharepoint,
            ("teams" | "chats", _) | (_, "joinedTeams") => Self::Teams,
            ("communications", _) | (_, "presence") => Self::Presence,
            (
                _,
                "messages" | "mailFolders" | "calendar" | "calendarView" | "events" | "sendMail",
            ) => Self::Outlook,
            ("admin", _) => Self::ServiceCommunications,
            ("security" | "deviceManagement", _) => Self::Security,
            ("$batch" | "places" | "planner" | "print" | "reports" | "search", _) => Self::Graph,
            _ => Self::Directory,
        }
    }
}
