//! What can be done to a running tenant: the same words at the control
//! endpoint and in scenarios.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Tenant;
use super::directory::{
    Application, ClientSecret, Directory, Mailbox, ResourceApp, Site, SiteState,
};
use super::entra;
use super::faults::NewFault;
use super::front::authority::write_private;
use super::span::Span;
use crate::model::{Random as _, Secret, Timestamp};

/// Something to do. In YAML and JSON a map with one key:
/// `{fault: {…}}`, `{clock: {advance: 24h}}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Puts a fault in force.
    Fault(Box<NewFault>),
    /// Ends faults.
    ClearFaults(ClearFaults),
    /// Sets the clock.
    Clock(ClockChange),
    /// Revokes tokens.
    Revoke(Revoke),
    /// Changes the secret of an application.
    Secret(SecretChange),
    /// Grants or takes back delegated permissions.
    Consent(ConsentChange),
    /// Grants or takes back application permissions, or disables an application.
    App(AppChange),
    /// Changes a person.
    User(UserChange),
    /// Changes a mailbox.
    Mailbox(MailboxChange),
    /// Changes, adds or removes a site.
    Site(SiteChange),
    /// Changes the policies of the organization.
    Organization(OrganizationChange),
    /// Sets limits.
    Limits(Limits),
}

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
    pub advance: Option<Span>,
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
    pub token_lifetime: Option<Span>,
    /// Refresh tokens older than this are refused; `0` for never.
    #[serde(default)]
    pub sign_in_frequency: Option<Span>,
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

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// There is no such thing.
    #[error("there is no {0} {1:?}")]
    Unknown(&'static str, String),
    /// The order makes no sense.
    #[error("{0}")]
    Unclear(&'static str),
}

impl Action {
    /// Does it; gives what there is to tell.
    pub fn perform(&self, tenant: &Arc<Tenant>) -> Result<Value, ActionError> {
        match self {
            Self::Fault(fault) => Ok(json!({"id": tenant.faults.add(NewFault::clone(fault))})),
            Self::ClearFaults(clear) => {
                let ended = match (&clear.name, clear.id) {
                    (None, None) => tenant.faults.clear(),
                    (Some(name), _) => tenant.faults.remove_named(name),
                    (None, Some(id)) => tenant.faults.remove_id(id),
                };
                Ok(json!({"ended": ended}))
            }
            Self::Clock(change) => change.perform(tenant),
            Self::Revoke(revoke) => revoke.perform(tenant),
            Self::Secret(change) => change.perform(tenant),
            Self::Consent(change) => change.perform(&mut tenant.directory.write()),
            Self::App(change) => change.perform(&mut tenant.directory.write()),
            Self::User(change) => change.perform(tenant),
            Self::Mailbox(change) => change.perform(&mut tenant.directory.write()),
            Self::Site(change) => change.perform(&mut tenant.directory.write()),
            Self::Organization(change) => change.perform(&mut tenant.directory.write()),
            Self::Limits(limits) => {
                tenant.throttle.set_limit(limits.sharepoint_units);
                Ok(Value::Null)
            }
        }
    }
}

fn application<'a>(
    directory: &'a mut Directory,
    client_id: &str,
) -> Result<&'a mut Application, ActionError> {
    directory
        .application_mut(client_id)
        .ok_or_else(|| ActionError::Unknown("application", client_id.to_owned()))
}

fn user_id(directory: &Directory, name: &str) -> Result<String, ActionError> {
    directory
        .user(name)
        .map(|user| user.id.clone())
        .ok_or_else(|| ActionError::Unknown("user", name.to_owned()))
}

impl ClockChange {
    fn perform(&self, tenant: &Tenant) -> Result<Value, ActionError> {
        match (self.advance, self.set, self.reset) {
            (Some(by), None, false) => tenant.clock.advance(by.0),
            (None, Some(time), false) => tenant.clock.set(time),
            (None, None, true) => tenant.clock.reset(),
            _ => return Err(ActionError::Unclear("want one of advance, set and reset")),
        }
        Ok(json!({"now": tenant.clock.now().to_string()}))
    }
}

impl Revoke {
    fn perform(&self, tenant: &Tenant) -> Result<Value, ActionError> {
        match (&self.user, &self.app, self.all_access_tokens) {
            (Some(user), None, false) => {
                if !entra::revoke_user(tenant, user) {
                    return Err(ActionError::Unknown("user", user.clone()));
                }
            }
            (None, Some(app), false) => {
                let mut directory = tenant.directory.write();
                let app = application(&mut directory, app)?;
                tenant.tokens.revoke_subject(&app.object_id);
            }
            (None, None, true) => tenant.tokens.revoke_all(),
            _ => {
                return Err(ActionError::Unclear(
                    "want one of user, app and all_access_tokens",
                ));
            }
        }
        Ok(Value::Null)
    }
}

impl SecretChange {
    fn perform(&self, tenant: &Tenant) -> Result<Value, ActionError> {
        const DAYS_180: Duration = Duration::from_secs(180 * 86400);
        let now = tenant.clock.now();
        let mut directory = tenant.directory.write();
        let app = application(&mut directory, &self.app)?;
        match self.change {
            SecretStep::Expire => {
                let ended = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
                for secret in &mut app.secrets {
                    secret.ends = secret.ends.min(ended);
                }
                Ok(Value::Null)
            }
            SecretStep::Remove => {
                app.secrets.clear();
                Ok(Value::Null)
            }
            SecretStep::New => {
                let random = &tenant.random;
                let text = format!("{}~{}", random.text(5), random.text(34));
                let secret = ClientSecret {
                    key_id: random.uuid(),
                    value: Secret::new(text.clone()),
                    starts: now,
                    ends: now.checked_add(DAYS_180).unwrap_or(now),
                };
                let (key_id, ends) = (secret.key_id.clone(), secret.ends.to_string());
                app.secrets.push(secret);
                drop(directory);
                let file = tenant
                    .secret_files
                    .lock()
                    .get(&self.app.to_ascii_lowercase())
                    .cloned();
                if let Some(file) = file
                    && let Err(error) = write_private(&file, &text)
                {
                    tracing::warn!(file = %file.display(), %error, "could not write the new secret");
                }
                Ok(json!({"key_id": key_id, "ends": ends, "secret": text}))
            }
        }
    }
}

impl ConsentChange {
    fn perform(&self, directory: &mut Directory) -> Result<Value, ActionError> {
        let user = match &self.user {
            Some(name) => Some(user_id(directory, name)?),
            None => None,
        };
        let app = application(directory, &self.app)?;
        if !self.revoke && self.grant.is_empty() {
            return Err(ActionError::Unclear("want grant, revoke or both"));
        }
        if self.revoke {
            app.revoke_scopes(user.as_deref(), self.resource);
        }
        if !self.grant.is_empty() {
            let Some(resource) = self.resource else {
                return Err(ActionError::Unclear("a grant needs a resource"));
            };
            let scopes: Vec<&str> = self.grant.iter().map(String::as_str).collect();
            app.grant_scopes(user.as_deref(), resource, &scopes);
        }
        Ok(Value::Null)
    }
}

impl AppChange {
    fn perform(&self, directory: &mut Directory) -> Result<Value, ActionError> {
        let app = application(directory, &self.app)?;
        let resource = self.resource.unwrap_or(ResourceApp::Graph);
        if let Some(disabled) = self.disabled {
            app.disabled = disabled;
        }
        if let Some(roles) = app.app_roles.get_mut(&resource) {
            roles.retain(|role| !self.revoke.contains(role));
        }
        for role in &self.grant {
            app.grant_role(resource, role);
        }
        Ok(Value::Null)
    }
}

impl UserChange {
    fn perform(&self, tenant: &Tenant) -> Result<Value, ActionError> {
        let mut directory = tenant.directory.write();
        let user = directory
            .user_mut(&self.user)
            .ok_or_else(|| ActionError::Unknown("user", self.user.clone()))?;
        if let Some(disabled) = self.disabled {
            user.disabled = disabled;
        }
        if let Some(required) = self.mfa_required {
            user.mfa_required = required;
        }
        if let Some(password) = &self.password {
            user.password = Secret::new(password.clone());
        }
        drop(directory);
        if self.password.is_some() || self.disabled == Some(true) {
            entra::revoke_user(tenant, &self.user);
        }
        Ok(Value::Null)
    }
}

impl MailboxChange {
    fn perform(&self, directory: &mut Directory) -> Result<Value, ActionError> {
        let delegates = self
            .delegates
            .iter()
            .map(|name| user_id(directory, name))
            .collect::<Result<Vec<_>, _>>()?;
        let user = directory
            .user_mut(&self.user)
            .ok_or_else(|| ActionError::Unknown("user", self.user.clone()))?;
        if self.remove {
            user.mailbox = None;
            return Ok(Value::Null);
        }
        let mailbox = user.mailbox.get_or_insert_with(|| Mailbox::new(0));
        if let Some(enabled) = self.enabled {
            mailbox.enabled = enabled;
        }
        if let Some(moving) = self.moving {
            mailbox.moving = moving;
        }
        if let Some(messages) = self.messages {
            mailbox.messages = messages;
            mailbox.unread = mailbox.unread.min(messages);
        }
        mailbox.delegates.extend(delegates);
        Ok(Value::Null)
    }
}

impl SiteChange {
    fn perform(&self, directory: &mut Directory) -> Result<Value, ActionError> {
        let bare = self
            .url
            .strip_prefix("https://")
            .ok_or(ActionError::Unclear(
                "the url of a site begins with https://",
            ))?;
        let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
        if self.add {
            let name = path.rsplit('/').next().unwrap_or_default();
            directory.add_site(Site::new(host, path, name));
        }
        if self.remove {
            let removed = directory.remove_site(host, path);
            return Ok(json!({"removed": removed}));
        }
        let site = directory
            .site_mut(host, path)
            .ok_or_else(|| ActionError::Unknown("site", self.url.clone()))?;
        if let Some(state) = self.state {
            site.state = state;
        }
        if let Some(app) = &self.grant {
            site.grant(app, "read");
        }
        if let Some(app) = &self.revoke {
            site.grants.remove(&app.to_ascii_lowercase());
        }
        if self.empty {
            site.lists = Arc::new([]);
        }
        Ok(Value::Null)
    }
}

impl OrganizationChange {
    fn perform(&self, directory: &mut Directory) -> Result<Value, ActionError> {
        let name = self
            .tenant
            .as_deref()
            .unwrap_or(super::directory::TENANT_ID);
        let organization = directory
            .organization_mut(name)
            .ok_or_else(|| ActionError::Unknown("organization", name.to_owned()))?;
        let some = |span: Span| (!span.0.is_zero()).then_some(span.0);
        if let Some(life) = self.token_lifetime {
            organization.token_lifetime = some(life);
        }
        if let Some(life) = self.sign_in_frequency {
            organization.sign_in_frequency = some(life);
        }
        if let Some(consent) = self.user_consent {
            organization.user_consent = consent;
        }
        if let Some(blocked) = self.device_code_blocked {
            organization.device_code_blocked = blocked;
        }
        Ok(Value::Null)
    }
}
