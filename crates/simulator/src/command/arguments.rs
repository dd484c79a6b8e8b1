//! The orders, as they are written in YAML and JSON.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::directory::{DriveState, QuotaForm, ResourceApp, SiteState};
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
    /// Has a role as administrator, which health, the message center and Intune ask
    /// of people?
    #[serde(default)]
    pub administrator: Option<bool>,
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
    /// Lets these people read single folders of it, by well-known name.
    #[serde(default)]
    pub readers: BTreeMap<String, Vec<String>>,
    /// RBAC for Applications: gives this application (client id) the role
    /// `Application Mail.ReadBasic`, or `role`, on it.
    #[serde(default)]
    pub assign: Option<String>,
    /// Without its first word: `Mail.Send`.
    #[serde(default)]
    pub role: Option<String>,
    /// How many events are in its calendar.
    #[serde(default)]
    pub events: Option<u32>,
    /// What others hear instead of its free and busy times; empty for nothing.
    #[serde(default)]
    pub schedule_error: Option<String>,
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
    /// Gives an application (client id) the role `read`, or `role`, on it.
    #[serde(default)]
    pub grant: Option<String>,
    /// `write`, `owner` or `fullcontrol`.
    #[serde(default)]
    pub role: Option<String>,
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
    /// Does that block answer AADSTS530036?
    #[serde(default)]
    pub device_code_by_flow: Option<bool>,
    /// Refuses people every token with this AADSTS number, such as 530084; 0 for no more.
    #[serde(default)]
    pub refuses_people: Option<u32>,
    /// Days until Intune's certificate for Apple ends.
    #[serde(default)]
    pub apple_push_days: Option<i64>,
    /// No certificate for Apple was ever uploaded.
    #[serde(default)]
    pub no_apple_push: bool,
    /// Is the directory fed from one on premises?
    #[serde(default)]
    pub synchronized: Option<bool>,
    /// Minutes since the last run of that.
    #[serde(default)]
    pub synchronized_minutes: Option<u64>,
    /// How long a first look at OneDrive takes to make it.
    #[serde(default)]
    pub provisioning: Option<HumanDuration>,
}

/// Limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// SharePoint resource units a minute for each application; 0: no limit.
    #[serde(default)]
    pub sharepoint_units: Option<u32>,
    /// The version of Microsoft's list of addresses, `2026123100`.
    #[serde(default)]
    pub endpoint_list: Option<String>,
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

/// A licence; what is not named stays as it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceChange {
    /// GUID or domain; Contoso without.
    #[serde(default)]
    pub tenant: Option<String>,
    /// `SPE_E3`.
    pub sku: String,
    /// Paid for.
    #[serde(default)]
    pub enabled: Option<i64>,
    /// Given to people.
    #[serde(default)]
    pub consumed: Option<i64>,
}

/// How mail goes from now on; what is not named stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailChange {
    /// Only what is sent to this address (UPN); all mail without.
    pub to: Option<String>,
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

/// A team.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamChange {
    /// Its id.
    pub team: String,
    /// Removes it.
    #[serde(default)]
    pub remove: bool,
    /// Consents: this application (client id) may read its channels.
    #[serde(default)]
    pub consent: Option<String>,
    /// Takes back everything that it consented to for this application.
    #[serde(default)]
    pub revoke: Option<String>,
    /// Only these people (UPN or object id) are members.
    #[serde(default)]
    pub members: Option<Vec<String>>,
    /// The backend of Teams refuses everything about it with 403.
    #[serde(default)]
    pub backend_refuses: Option<bool>,
    /// The front of Teams says 404 although it is there.
    #[serde(default)]
    pub front_lost: Option<bool>,
}

/// A person's OneDrive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriveChange {
    /// UPN or object id of its owner.
    pub user: String,
    /// How it answers.
    #[serde(default)]
    pub state: Option<DriveState>,
    /// What it says of its quota.
    #[serde(default)]
    pub quota: Option<QuotaForm>,
    /// It was never made: a first look of its owner makes it.
    #[serde(default)]
    pub remove: bool,
}

/// What drives do with files from now on; what is not named stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesChange {
    /// A retention policy keeps them.
    pub kept: Option<bool>,
    /// `permanentDelete` is not there.
    pub no_permanent_delete: Option<bool>,
    /// What is downloaded is not what was uploaded.
    pub spoiled: Option<bool>,
    /// The redirect to the download has no address.
    pub no_location: Option<bool>,
    /// The redirect leads to another host.
    pub elsewhere: Option<bool>,
    /// The drive is full.
    pub full: Option<bool>,
    /// Somebody has the file open.
    pub locked: Option<bool>,
    /// Writing answers 503, and the file is written all the same.
    pub unsure: Option<bool>,
    /// The redirect leads to the page of those who ask too much.
    pub throttle_page: Option<bool>,
}
