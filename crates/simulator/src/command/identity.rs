//! Who may do what: tokens, applications, consent, people.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    AppChange, ClockChange, CommandError, ConsentChange, Revoke, SecretChange, SecretStep,
    UserChange,
};
use crate::directory::{Application, ClientSecret, Directory, ResourceApp};
use crate::front::authority::write_private;
use crate::{Tenant, entra};
use m365mon_base::{Random as _, Secret};

pub(super) fn application<'a>(
    directory: &'a mut Directory,
    client_id: &str,
) -> Result<&'a mut Application, CommandError> {
    directory
        .application_mut(client_id)
        .ok_or_else(|| CommandError::Unknown("application", client_id.to_owned()))
}

pub(super) fn user_id(directory: &Directory, name: &str) -> Result<String, CommandError> {
    directory
        .user(name)
        .map(|user| user.id.clone())
        .ok_or_else(|| CommandError::Unknown("user", name.to_owned()))
}

impl ClockChange {
    pub(super) fn perform(&self, tenant: &Tenant) -> Result<Value, CommandError> {
        match (self.advance, self.set, self.reset) {
            (Some(by), None, false) => tenant.clock.advance(by.0),
            (None, Some(time), false) => tenant.clock.set(time),
            (None, None, true) => tenant.clock.reset(),
            _ => return Err(CommandError::Unclear("want one of advance, set and reset")),
        }
        Ok(json!({"now": tenant.clock.now().to_string()}))
    }
}

impl Revoke {
    pub(super) fn perform(&self, tenant: &Tenant) -> Result<Value, CommandError> {
        match (&self.user, &self.app, self.all_access_tokens) {
            (Some(user), None, false) => {
                if !entra::revoke_user(tenant, user) {
                    return Err(CommandError::Unknown("user", user.clone()));
                }
            }
            (None, Some(app), false) => {
                let mut directory = tenant.directory.write();
                let app = application(&mut directory, app)?;
                tenant.tokens.revoke_subject(&app.object_id);
            }
            (None, None, true) => tenant.tokens.revoke_all(),
            _ => {
                return Err(CommandError::Unclear(
                    "want one of user, app and all_access_tokens",
                ));
            }
        }
        Ok(Value::Null)
    }
}

impl SecretChange {
    pub(super) fn perform(&self, tenant: &Tenant) -> Result<Value, CommandError> {
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
                    hinted: true,
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
    pub(super) fn perform(&self, directory: &mut Directory) -> Result<Value, CommandError> {
        let user = match &self.user {
            Some(name) => Some(user_id(directory, name)?),
            None => None,
        };
        let app = application(directory, &self.app)?;
        if !self.revoke && self.grant.is_empty() {
            return Err(CommandError::Unclear("want grant, revoke or both"));
        }
        if self.revoke {
            app.revoke_scopes(user.as_deref(), self.resource);
        }
        if !self.grant.is_empty() {
            let Some(resource) = self.resource else {
                return Err(CommandError::Unclear("a grant needs a resource"));
            };
            let scopes: Vec<&str> = self.grant.iter().map(String::as_str).collect();
            app.grant_scopes(user.as_deref(), resource, &scopes);
        }
        Ok(Value::Null)
    }
}

impl AppChange {
    pub(super) fn perform(&self, directory: &mut Directory) -> Result<Value, CommandError> {
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
    pub(super) fn perform(&self, tenant: &Tenant) -> Result<Value, CommandError> {
        let mut directory = tenant.directory.write();
        let user = directory
            .user_mut(&self.user)
            .ok_or_else(|| CommandError::Unknown("user", self.user.clone()))?;
        if let Some(disabled) = self.disabled {
            user.disabled = disabled;
        }
        if let Some(required) = self.mfa_required {
            user.mfa_required = required;
        }
        if let Some(administrator) = self.administrator {
            user.administrator = administrator;
        }
        if let Some(availability) = &self.availability {
            user.availability.clone_from(availability);
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
