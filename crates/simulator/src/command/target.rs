//! What there is to use: mailboxes, sites, and the organization's policies.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::identity::{application, user_id};
use super::{
    CommandError, HealthChange, MailChange, MailboxChange, OrdersChange, OrganizationChange,
    SiteChange,
};
use crate::Tenant;
use crate::directory::{Directory, Mailbox, MailboxScope, Site, TENANT_ID};
use crate::human_duration::HumanDuration;

impl MailboxChange {
    pub(super) fn perform(&self, directory: &mut Directory) -> Result<Value, CommandError> {
        let delegates = self
            .delegates
            .iter()
            .map(|name| user_id(directory, name))
            .collect::<Result<Vec<_>, _>>()?;
        let owner = user_id(directory, &self.user)?;
        if let Some(app) = &self.unassign {
            for scope in &mut application(directory, app)?.mailbox_scopes {
                scope.mailboxes.remove(&owner);
            }
        }
        if let Some(app) = &self.assign {
            application(directory, app)?
                .mailbox_scopes
                .push(MailboxScope {
                    role: "Mail.ReadBasic".into(),
                    mailboxes: BTreeSet::from([owner]),
                });
        }
        let user = directory
            .user_mut(&self.user)
            .ok_or_else(|| CommandError::Unknown("user", self.user.clone()))?;
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
    pub(super) fn perform(&self, directory: &mut Directory) -> Result<Value, CommandError> {
        let bare = self
            .url
            .strip_prefix("https://")
            .ok_or(CommandError::Unclear(
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
        let readers = match &self.readers {
            Some(readers) => {
                let readers = readers.iter().map(|name| user_id(directory, name));
                Some(readers.collect::<Result<BTreeSet<_>, _>>()?)
            }
            None => None,
        };
        let site = directory
            .site_mut(host, path)
            .ok_or_else(|| CommandError::Unknown("site", self.url.clone()))?;
        if let Some(state) = self.state {
            site.state = state;
        }
        if let Some(app) = &self.grant {
            site.grant(app, "read");
        }
        if let Some(app) = &self.revoke {
            site.grants.remove(&app.to_ascii_lowercase());
        }
        if readers.is_some() {
            site.readers = readers;
        }
        if self.empty {
            site.lists = Arc::new([]);
        }
        Ok(Value::Null)
    }
}

impl HealthChange {
    pub(super) fn perform(&self, tenant: &Tenant) -> Result<Value, CommandError> {
        let name = self.tenant.as_deref().unwrap_or(TENANT_ID);
        let now = tenant.clock.now();
        let mut directory = tenant.directory.write();
        let organization = directory
            .organization_mut(name)
            .ok_or_else(|| CommandError::Unknown("organization", name.to_owned()))?;
        organization.health.set(&self.service, &self.status, now);
        Ok(Value::Null)
    }
}

fn set<T: Clone>(place: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}

impl OrdersChange {
    pub(super) fn perform(&self, tenant: &Tenant) {
        tenant.orders.change(|setup| {
            set(&mut setup.unauthenticated, self.unauthenticated.as_ref());
            set(&mut setup.roles_required, self.roles_required.as_ref());
            set(&mut setup.allowed_clients, self.allowed_clients.as_ref());
        });
        if let Some(contoso) = tenant.directory.write().organization_mut(TENANT_ID) {
            set(
                &mut contoso.assignment_required,
                self.assignment_required.as_ref(),
            );
        }
    }
}

impl MailChange {
    pub(super) fn perform(&self, tenant: &Tenant) {
        tenant.mail.change(|course| {
            set(&mut course.delay, self.delay.map(|d| d.0).as_ref());
            set(
                &mut course.bounce_after,
                self.bounce_after.map(|d| d.0).as_ref(),
            );
            set(&mut course.bounces, self.bounces.as_ref());
            set(&mut course.lost, self.lost.as_ref());
            set(&mut course.junk, self.junk.as_ref());
            set(&mut course.unsure, self.unsure.as_ref());
            set(&mut course.bounce_prefix, self.bounce_prefix.as_ref());
        });
    }
}

impl OrganizationChange {
    pub(super) fn perform(&self, directory: &mut Directory) -> Result<Value, CommandError> {
        let name = self.tenant.as_deref().unwrap_or(TENANT_ID);
        let organization = directory
            .organization_mut(name)
            .ok_or_else(|| CommandError::Unknown("organization", name.to_owned()))?;
        let some = |time: HumanDuration| (!time.0.is_zero()).then_some(time.0);
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
