//! The orders, as they are written in YAML and JSON.

use serde::Deserialize;

use crate::directory::{ResourceApp, SiteState};
use crate::human_duration::HumanDuration;
use crate::orders::Unauthenticated;
use m365mon_base::Timestamp;

/// Nothing set: all of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClearFaults {
    /// Those of this name.
    pub name: Option<String>,
    /// The one with this id.
    pub id: Option<u64>,
}

/// Exactly one of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockChange {
    /// Forward by.
    pub advance: Option<HumanDuration>,
    /// To a time, RFC 3339.
    pub set: Option<Timestamp>,
    /// In step with the system again.
    pub reset: bool,
}

/// Exactly one of the first three.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Revoke {
    /// A person (UPN or object id): sessions, refresh tokens, and a claims
    /// challenge for access tokens.
    pub user: Option<String>,
    /// An application (client id): a claims challenge for its app-only tokens.
    pub app: Option<String>,
    /// Every access token minted until now is refused.
    pub all_access_tokens: bool,
}

/// What happens to the secrets of an application.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretChange {
    /// Client id.
    pub app: String,
    /// What.
    pub change: SecretStep,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretStep {
    /// All of them ended a second ago (AADSTS7000222).
    Expire,
    /// All of them are removed (AADSTS7000215).
    Remove,
    /// A new one, valid for 180 days; the answer tells it, and a file of it
    /// that `simulate` wrote is written again.
    New,
}

/// Delegated permissions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentChange {
    /// Client id.
    pub app: String,
    /// UPN or object id; everyone without.
    #[serde(default)]
    pub user: Option<String>,
    /// `graph`, `sharepoint` or `exchange`; all of them without (to revoke).
    #[serde(default)]
    pub resource: Option<ResourceApp>,
    /// To grant.
    #[serde(default)]
    pub grant: Vec<String>,
    /// Takes back everything that was granted there, before granting.
    #[serde(default)]
    pub revoke: bool,
}

/// An application.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppChange {
    /// Client id.
    pub app: String,
    /// Switched off?
    #[serde(default)]
    pub disabled: Option<bool>,
    /// Of which API; Graph without.
    #[serde(default)]
    pub resource: Option<ResourceApp>,
    /// Application permissions to grant.
    #[serde(default)]
    pub grant: Vec<String>,
    /// Application permissions to take back.
    #[serde(default)]
    pub revoke: Vec<String>,
}

/// A person.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// UPN or object id.
    pub user: String,
    /// May not sign in?
    #[serde(default)]
    pub disabled: Option<bool>,
    /// Must show a second factor?
    #[serde(default)]
    pub mfa_required: Option<bool>,
    /// What Teams knows of them: `Available`, `PresenceUnknown`, …
    #[serde(default)]
    pub availability: Option<String>,
    /// A new password; sessions end.
    #[serde(default)]
    pub password: Option<String>,
}

/// A mailbox.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxChange {
    /// UPN or object id of its owner.
    pub user: String,
    /// Can it be used?
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Is it being moved?
    #[serde(default)]
    pub moving: Option<bool>,
    /// How many messages.
    #[serde(default)]
    pub messages: Option<u32>,
    /// Gives these people access.
    #[serde(default)]
    pub delegates: Vec<String>,
    /// RBAC for Applications: gives this application (client id) the role
    /// `Application Mail.ReadBasic` on it.
    #[serde(default)]
    pub assign: Option<String>,
    /// Takes back what Exchange assigned to this application (client id) on it.
    #[serde(default)]
    pub unassign: Option<String>,
    /// Removes it.
    #[serde(default)]
    pub remove: bool,
}

/// A site.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteChange {
    /// `https://contoso.sharepoint.com/sites/intranet`.
    pub url: String,
    /// Adds it.
    #[serde(default)]
    pub add: bool,
    /// Removes it.
    #[serde(default)]
    pub remove: bool,
    /// Usable or not.
    #[serde(default)]
    pub state: Option<SiteState>,
    /// Gives an application (client id) the role `read` on it.
    #[serde(default)]
    pub grant: Option<String>,
    /// Takes back what an application (client id) was given on it.
    #[serde(default)]
    pub revoke: Option<String>,
    /// Only these people (UPN or object id) may read it.
    #[serde(default)]
    pub readers: Option<Vec<String>>,
    /// Removes all its lists.
    #[serde(default)]
    pub empty: bool,
}

/// Policies.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    /// GUID or domain; Contoso without.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Access tokens live so long; `0` for the usual 60 to 90 minutes.
    #[serde(default)]
    pub token_lifetime: Option<HumanDuration>,
    /// Refresh tokens older than this are refused; `0` for never.
    #[serde(default)]
    pub sign_in_frequency: Option<HumanDuration>,
    /// May people consent for themselves?
    #[serde(default)]
    pub user_consent: Option<bool>,
    /// Is the device code flow blocked?
    #[serde(default)]
    pub device_code_blocked: Option<bool>,
}

/// Limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// SharePoint resource units a minute for each application; 0: no limit.
    pub sharepoint_units: u32,
}

/// What Microsoft says about a service of the organization.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthChange {
    /// GUID or domain; Contoso without.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Its id or name; one that is not there is added.
    pub service: String,
    /// `serviceOperational`, `serviceDegradation`, or any other word.
    pub status: String,
}

/// How mail goes from now on; what is not named stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailChange {
    /// From acceptance to delivery.
    pub delay: Option<HumanDuration>,
    /// From acceptance to the report of non-delivery.
    pub bounce_after: Option<HumanDuration>,
    /// Everything comes back as undeliverable.
    pub bounces: Option<bool>,
    /// Nothing arrives and nothing comes back.
    pub lost: Option<bool>,
    /// It is taken for junk.
    pub junk: Option<bool>,
    /// Sending answers 503, and the message is delivered all the same.
    pub unsure: Option<bool>,
    /// Before the subject of a report of non-delivery: `Unzustellbar: `.
    pub bounce_prefix: Option<String>,
}

/// How the owner of Contoso's own API set it up; what is not named stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrdersChange {
    /// What it answers without a token that it takes.
    pub unauthenticated: Option<Unauthenticated>,
    /// `Health.Read` is looked for in the token.
    pub roles_required: Option<bool>,
    /// Client ids that are let in; none for all.
    pub allowed_clients: Option<Vec<String>>,
    /// Entra gives tokens to applications with a role only (AADSTS501051).
    pub assignment_required: Option<bool>,
}
