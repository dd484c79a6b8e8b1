//! People, their mailboxes and drives.

use std::collections::BTreeSet;

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
    /// On-premises, soft-deleted or without a licence: 404
    /// `MailboxNotEnabledForRESTAPI`.
    pub enabled: bool,
    /// Being moved: by UPN 503 `MailboxInfoStale`, by object id it works.
    pub moving: bool,
}

impl Mailbox {
    /// A mailbox that works.
    #[must_use]
    pub const fn new(messages: u32) -> Self {
        Self {
            messages,
            unread: messages / 3,
            delegates: BTreeSet::new(),
            enabled: true,
            moving: false,
        }
    }
}

/// A OneDrive.
#[derive(Debug, Clone)]
pub struct Drive {
    /// `b!…`.
    pub id: String,
    /// Bytes in use.
    pub used: u64,
    /// Bytes allowed.
    pub total: u64,
    /// Names of the files and (ending in `/`) folders in its root.
    pub children: Vec<String>,
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
    /// An administrator: may consent for everyone.
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
                id: format!("b!{}", crate::chance::guid_of(&format!("drive {id}"))),
                used: 12_345_678,
                total: 1_099_511_627_776,
                children: vec!["Documents/".into(), "notes.txt".into()],
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
