//! What can be watched: one file a kind, and everything that is true of it in
//! that file. A kind is pure: it builds requests and judges answers, and knows
//! no connection, no clock and no YAML.
//!
//! One more kind is one file, two lines here (its module and its place in the
//! list), one handler in the simulated tenant. What a kind must state is in
//! [`Spec`] and [`Info`]; every room above reads it from there and knows no kind
//! by its name.

pub mod advice;
pub mod ask;
pub mod body;
mod configuration;
mod discoverable;
mod document;
mod effort;
pub mod key;
mod lenient;
pub mod mailbox;
mod mark;
mod needs;
mod own_credentials;
mod pages;
pub mod permission;
mod reading;
pub mod request;
mod resource;
mod service_error;
pub mod site;
mod spec;
#[cfg(test)]
mod testing;
mod windows;

mod app_credentials;
mod apple_push_certificate;
mod directory_sync;
mod endpoint_list;
mod entra_directory;
mod exchange_calendar;
mod exchange_mailbox;
mod file_round_trip;
mod free_busy;
mod http_endpoint;
mod licenses;
mod mail_round_trip;
mod mailbox_folder;
mod message_center;
mod onedrive;
mod presence;
mod service_health;
mod sharepoint_site;
mod sign_in;
mod teams_team;

use std::ops::Deref;

use crate::model::Account;

pub use advice::{Advice, Grant, Refused, Remedy, SiteRole, probably_missing};
pub use ask::{Answer, Ask, Findings, Stopped};
pub use body::BadBody;
#[cfg(test)]
pub(crate) use body::{Envelope, list_in as list_of};
pub use configuration::{Configuration, Variables};
pub use discoverable::{Discovered, FoundPage, MOST_FOUND, Search};
pub use document::documentation;
pub(crate) use document::table;
pub use effort::Effort;
pub use key::{AnyKey, Key, Keys, Setting, Taken};
pub use needs::{Need, needs_of, only_read, wanted};
pub use own_credentials::{own_credentials, own_entry, with_own_credential};
pub use permission::{
    Api, Granting, Permission, PermissionType, StandIn, Wide, account_of, covering, needed_rights,
};
pub use reading::{Reading, ReadingUnit, bounded, label_value};
pub use request::Request;
pub use resource::{Labels, Mode, Resource, ResourceName};
pub use service_error::{KnownMessage, ServiceError, is_service_error, is_signed_error};
pub use spec::{
    Define, Impact, Info, Instead, OfKind, ProbeFuture, ProbeMail, Refusals, Spec, UNADDRESSED,
};
pub use windows::{Criterion, MatchKey, PlannedDowntime, PlannedWindow, Windows};

pub use app_credentials::AppCredentials;
pub use apple_push_certificate::ApplePushCertificate;
pub use directory_sync::DirectorySync;
pub use endpoint_list::EndpointList;
pub use entra_directory::EntraDirectory;
pub use exchange_calendar::ExchangeCalendar;
pub use exchange_mailbox::ExchangeMailbox;
pub use file_round_trip::FileRoundTrip;
pub use free_busy::FreeBusy;
pub use http_endpoint::HttpEndpoint;
pub use licenses::Licenses;
pub use mail_round_trip::MailRoundTrip;
pub use mailbox_folder::MailboxFolder;
pub use message_center::MessageCenter;
pub use onedrive::OneDrive;
pub use presence::Presence;
pub use service_health::ServiceHealth;
pub use sharepoint_site::{SharePointSite, SiteApi};
pub use sign_in::TenantSignIn;
pub use teams_team::TeamsTeam;

/// Makes the list of kinds: the type that a resource holds, the table of what
/// is true of each, and the way from a word of the configuration to one.
macro_rules! kinds {
    ($($Type:ident),+ $(,)?) => {
        /// What a resource is, with what it takes to ask for it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Kind {
            $(
                #[doc = concat!("See [`", stringify!($Type), "`].")]
                $Type($Type)
            ),+
        }

        /// All kinds, in the order of the documentation.
        pub static ALL: &[&Info] = &[$($Type::INFO),+];

        impl Deref for Kind {
            type Target = dyn Spec;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Self::$Type(kind) => kind),+
                }
            }
        }

        impl Kind {
            /// Reads the keys of the kind with this word. `None` if there is no
            /// such kind, or after a complaint.
            pub fn read(word: &str, keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
                $(if word == $Type::INFO.name {
                    return $Type::read(keys, account).map(Self::$Type);
                })+
                None
            }
        }

        $(impl From<$Type> for Kind {
            fn from(kind: $Type) -> Self {
                Self::$Type(kind)
            }
        })+
    };
}

kinds! {
    SharePointSite,
    ExchangeMailbox,
    ServiceHealth,
    TenantSignIn,
    HttpEndpoint,
    MailRoundTrip,
    Presence,
    EntraDirectory,
    MailboxFolder,
    ExchangeCalendar,
    TeamsTeam,
    OneDrive,
    Licenses,
    DirectorySync,
    MessageCenter,
    AppCredentials,
    FreeBusy,
    EndpointList,
    ApplePushCertificate,
    FileRoundTrip,
}

impl Kind {
    /// The label value, and the word in the configuration.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.info().name
    }
}

/// The kind with this word.
#[must_use]
pub fn find(word: &str) -> Option<&'static Info> {
    ALL.iter().find(|info| info.name == word).copied()
}
