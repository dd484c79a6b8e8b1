//! What can be done to a running tenant: the same words at the control
//! endpoint and in scenarios.

mod arguments;
mod identity;
mod target;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

pub use arguments::{
    AppChange, ClearFaults, ClockChange, ConsentChange, DriveChange, FilesChange, HealthChange,
    LicenceChange, Limits, MailChange, MailboxChange, OrdersChange, OrganizationChange, Revoke,
    SecretChange, SecretStep, SiteChange, TeamChange, UserChange,
};

use super::Tenant;
use super::faults::NewFault;

/// Something to do. In YAML and JSON a map with one key:
/// `{fault: {…}}`, `{clock: {advance: 24h}}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
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
    /// Changes or removes a team.
    Team(TeamChange),
    /// Changes a person's OneDrive.
    Drive(DriveChange),
    /// Changes what drives do with files.
    Files(FilesChange),
    /// Changes the policies of the organization.
    Organization(OrganizationChange),
    /// Changes what Microsoft says about a service.
    Health(HealthChange),
    /// Changes a licence.
    Licence(LicenceChange),
    /// Changes how mail goes.
    Mail(MailChange),
    /// Sets up the API that Contoso made.
    Orders(OrdersChange),
    /// Sets limits.
    Limits(Limits),
    /// Puts a word into everything that is content; empty for none.
    Canary(String),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such thing.
    #[error("there is no {0} {1:?}")]
    Unknown(&'static str, String),
    /// The order makes no sense.
    #[error("{0}")]
    Unclear(&'static str),
}

impl Command {
    /// Does it; gives what there is to tell.
    pub fn perform(&self, tenant: &Arc<Tenant>) -> Result<Value, CommandError> {
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
            Self::Team(change) => change.perform(&mut tenant.directory.write()),
            Self::Drive(change) => change.perform(&mut tenant.directory.write()),
            Self::Files(change) => {
                change.perform(tenant);
                Ok(Value::Null)
            }
            Self::Organization(change) => change.perform(&mut tenant.directory.write()),
            Self::Health(change) => change.perform(tenant),
            Self::Licence(change) => change.perform(&mut tenant.directory.write()),
            Self::Mail(change) => {
                change.perform(tenant);
                Ok(Value::Null)
            }
            Self::Orders(change) => {
                change.perform(tenant);
                Ok(Value::Null)
            }
            Self::Canary(word) => {
                *tenant.canary.lock() = Some(word.clone()).filter(|word| !word.is_empty());
                Ok(Value::Null)
            }
            Self::Limits(limits) => {
                if let Some(units) = limits.sharepoint_units {
                    tenant.throttle.set_limit(units);
                }
                if let Some(version) = &limits.endpoint_list {
                    tenant.endpoints.publish(version);
                }
                Ok(Value::Null)
            }
        }
    }
}
