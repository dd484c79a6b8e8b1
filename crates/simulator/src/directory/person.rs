//! People and their mailboxes.

use std::collections::{BTreeMap, BTreeSet};

use super::Drive;
use m365mon_base::{Secret, Timestamp};

/// A mailbox in Exchange Online. Messages are made up from their number when
/// asked for; only how many there are is kept.
#[derive(Debug, Clone)]
pub struct Mailbox {
    /// How many messages, the newest first.
    pub messages: u32,
    /// How many of them unread.
    pub unread: u32,
    /// Object ids of people who were given access to it.
    pub delegates: BTreeSet<String>,
    /// Object ids of people who may read single folders of it, by well-known name.
    pub readers: BTreeMap<String, BTreeSet<String>>,
    /// On-premises, soft-deleted or without a licence: 404
    /// `MailboxNotEnabledForRESTAPI`.
    pub enabled: bool,
    /// Being moved: by UPN 503 `MailboxInfoStale`, by object id it works.
    pub moving: bool,
    /// How many events are in its calendar.
    pub events: u32,
    /// What others hear instead of its free and busy times: a code such as
    /// `ErrorNoFreeBusyAccess`, inside of a 200.
    pub schedule_error: Option<String>,
}

impl Mailbox {
    /// A mailbox that works.
    #[must_use]
    pub const fn new(messages: u32) -> Self {
        Self {
            messages,
            unread: messages / 3,
            delegates: BTreeSet::new(),
            readers: BTreeMap::new(),
            enabled: true,
            moving: false,
            events: 3,
            schedule_error: None,
        }
    }
}

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// Object id.
    pub id: String,
    /// User principal name.
    pub upn: String,
    /// As people see it.
    pub display_name: String,
    /// GUID of the organization.
    pub organization: String,
    /// For the sign-in form only.
    pub password: Secret,
    /// May not sign in (AADSTS50057).
    pub disabled: bool,
    /// Signs in at another organization; here a guest.
    pub guest: bool,
    /// A second factor is asked for (AADSTS50076 where it cannot be).
    pub mfa_required: bool,
    /// Refresh tokens issued before this are refused (AADSTS50173): sessions
    /// were revoked, or the password was changed.
    pub sessions_valid_from: Timestamp,
    /// An administrator: may consent for everyone, read service health and the message
    /// center, and has a role in Intune.
    pub administrator: bool,
    /// `None`: no mailbox.
    pub mailbox: Option<Mailbox>,
    /// `None`: never provisioned.
    pub drive: Option<Drive>,
    /// What Teams knows of them: `Offline` without a client, `PresenceUnknown`
    /// where the presence service has no answer.
    pub availability: String,
}

impl User {
    /// A person with a mailbox and a drive.
    #[must_use]
    pub fn new(upn: &str, display_name: &str, organization: &str, password: Secret) -> Self {
        let id = crate::chance::guid_of(&format!("user {}", upn.to_lowercase()));
        Self {
            drive: Some(Drive {
                used: 12_345_678,
                deleted: 1_024,
                children: vec!["Documents/".into(), "notes.txt".into()],
                ..Drive::new(&id)
            }),
            id,
            upn: upn.to_owned(),
            display_name: display_name.to_owned(),
            organization: organization.to_owned(),
            password,
            disabled: false,
            guest: false,
            mfa_required: false,
            sessions_valid_from: Timestamp::UNIX_EPOCH,
            administrator: false,
            mailbox: Some(Mailbox::new(42)),
            availability: "Offline".to_owned(),
        }
    }
}
