//! What there is to use: mailboxes, sites, and the organization's policies.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::identity::{application, user_id};
use super::{
    CommandError, DriveChange, FilesChange, HealthChange, LicenceChange, MailChange, MailboxChange,
    OrdersChange, OrganizationChange, SiteChange, TeamChange,
};
use crate::Tenant;
use crate::directory::{Directory, Drive, Mailbox, MailboxScope, Site, TENANT_ID};
use crate::human_duration::HumanDuration;

impl MailboxChange {
    pub(super) fn perform(&self, directory: &mut Directory) -> Result<Value, CommandError> {
        let delegates = self
            .delegates
            .iter()
            .map(|name| user_id(directory, name))
            .collect::<Result<Vec<_>, _>>()?;
        let mut readers = Vec::new();
        for (folder, names) in &self.readers {
            for name in names {
                readers.push((folder.to_ascii_lowercase(), user_id(directory, name)?));
            }
        }
        let owner = user_id(directory, &self.user)?;
        if let Some(app) = &self.unassign {
            let scopes = &mut application(directory, app)?.mailbox_scopes;
            for scope in scopes.iter_mut() {
                scope.mailboxes.remove(&owner);
            }
            scopes.retain(|scope| !scope.mailboxes.is_empty());
        }
        if let Some(app) = &self.assign {
            application(directory, app)?
                .mailbox_scopes
                .push(MailboxScope {
                    role: self.role.clone().unwrap_or_else(|| "Mail.ReadBasic".into()),
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
        if let Some(events) = self.events {
            mailbox.events = events;
        }
        if let Some(code) = &self.schedule_error {
            mailbox.schedule_error = Some(code.clone()).filter(|code| !code.is_empty());
        }
        mailbox.delegates.extend(delegates);
        for (folder, reader) in readers {
            mailbox.readers.entry(folder).or_default().insert(reader);
        }
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
            site.grant(app, self.role.as_deref().unwrap_or("read"));
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

impl TeamChange {
    pub(super) fn perform(&self, directory: &mut Directory) -> Result<Value, CommandError> {
        if self.remove {
            return Ok(json!({"removed": directory.remove_team(&self.team)}));
        }
        let members = match &self.members {
            Some(members) => {
                let members = members.iter().map(|name| user_id(directory, name));
                Some(members.collect::<Result<BTreeSet<_>, _>>()?)
            }
            None => None,
        };
        let team = directory
            .team_mut(&self.team)
            .ok_or_else(|| CommandError::Unknown("team", self.team.clone()))?;
        if let Some(app) = &self.revoke {
            team.consents.remove(&app.to_ascii_lowercase());
        }
        if let Some(app) = &self.consent {
            team.consent(app, "ChannelSettings.Read.Group");
        }
        set(&mut team.members, members.as_ref());
        set(&mut team.backend_refuses, self.backend_refuses.as_ref());
        set(&mut team.front_lost, self.front_lost.as_ref());
        Ok(Value::Null)
    }
}

impl DriveChange {
    pub(super) fn perform(&self, directory: &mut Directory) -> Result<Value, CommandError> {
        let user = directory
            .user_mut(&self.user)
            .ok_or_else(|| CommandError::Unknown("user", self.user.clone()))?;
        if self.remove {
            user.drive = None;
            return Ok(Value::Null);
        }
        let id = user.id.clone();
        let drive = user.drive.get_or_insert_with(|| Drive::new(&id));
        set(&mut drive.state, self.state.as_ref());
        set(&mut drive.quota, self.quota.as_ref());
        Ok(Value::Null)
    }
}

impl FilesChange {
    pub(super) fn perform(&self, tenant: &Tenant) {
        tenant.files.change(|rules| {
            for (place, value) in [
                (&mut rules.kept, self.kept),
                (&mut rules.no_permanent_delete, self.no_permanent_delete),
                (&mut rules.spoiled, self.spoiled),
                (&mut rules.no_location, self.no_location),
                (&mut rules.elsewhere, self.elsewhere),
                (&mut rules.full, self.full),
                (&mut rules.locked, self.locked),
                (&mut rules.unsure, self.unsure),
                (&mut rules.throttle_page, self.throttle_page),
            ] {
                set(place, value.as_ref());
            }
        });
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

impl LicenceChange {
    pub(super) fn perform(&self, directory: &mut Directory) -> Result<Value, CommandError> {
        let name = self.tenant.as_deref().unwrap_or(TENANT_ID);
        let organization = directory
            .organization_mut(name)
            .ok_or_else(|| CommandError::Unknown("organization", name.to_owned()))?;
        let mut licences = organization.licences.iter_mut();
        let sku = licences
            .find(|sku| sku.part_number.eq_ignore_ascii_case(&self.sku))
            .ok_or_else(|| CommandError::Unknown("licence", self.sku.clone()))?;
        set(&mut sku.enabled, self.enabled.as_ref());
        set(&mut sku.consumed, self.consumed.as_ref());
        Ok(Value::Null)
    }
}

impl MailChange {
    pub(super) fn perform(&self, tenant: &Tenant) {
        tenant.mail.change(self.to.as_deref(), |course| {
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
        if let Some(by_flow) = self.device_code_by_flow {
            organization.device_code_by_flow = by_flow;
        }
        if let Some(code) = self.refuses_people {
            organization.refuses_people = Some(code).filter(|code| *code != 0);
        }
        if self.no_apple_push {
            organization.apple_push_days = None;
        } else if self.apple_push_days.is_some() {
            organization.apple_push_days = self.apple_push_days;
        }
        if self.synchronized.is_some() {
            organization.synchronized = self.synchronized;
        }
        if let Some(minutes) = self.synchronized_minutes {
            organization.synchronized_minutes = minutes;
        }
        if let Some(time) = self.provisioning {
            organization.provisioning = time.0;
        }
        Ok(Value::Null)
    }
}
