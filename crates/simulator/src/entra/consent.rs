//! Consent: what is missing, who may give it, and keeping it.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::Response;

use super::aadsts::{self, Refusal};
use super::pages::{self, ConsentPage};
use super::scope::{self, Permissions, Wanted};
use super::sessions::ApprovalRequest;
use super::visit::{Purpose, Step, Visit};
use crate::directory::{Application, Directory, Organization, User};

/// What consent is still missing, and on what.
pub(super) struct Missing {
    pub(super) wanted: Wanted,
    pub(super) names: BTreeSet<String>,
}

impl Step<'_> {
    pub(super) fn missing(
        &self,
        visit: &Visit,
        organization: &Organization,
        app: &Application,
        user: &User,
    ) -> Result<Missing, Refusal> {
        let wanted = Wanted::parse(&visit.scope, organization, &app.display_name)?;
        let granted = app.scopes(&user.id, wanted.resource);
        let names = if visit.ask_again {
            match &wanted.permissions {
                Permissions::Named(names) => names.clone(),
                Permissions::Default => granted,
            }
        } else {
            wanted.missing(&granted)
        };
        Ok(Missing { wanted, names })
    }

    pub(super) fn consent_page(
        &self,
        visit: &Visit,
        organization: &Organization,
        app: &Application,
        user: &User,
        missing: &Missing,
        everyone: bool,
    ) -> Response {
        let context = self.seal(visit);
        let may = user.administrator
            || (organization.user_consent
                && !missing.names.iter().any(|n| scope::needs_administrator(n)));
        if !may {
            let request = self.tenant.entra.policy().approval_requests;
            let html = pages::need_approval(
                &visit.organization,
                &context,
                &app.display_name,
                &user.upn,
                request,
                self.trace,
            );
            return self.trace.page(StatusCode::OK, html);
        }
        let mut permissions: Vec<String> = missing
            .names
            .iter()
            .map(|name| format!("{}/{name}", missing.wanted.audience))
            .collect();
        if missing.wanted.openid.offline_access {
            permissions.push("Maintain access to data you have given it access to".into());
        }
        let html = ConsentPage {
            tenant: &visit.organization,
            context: &context,
            app: &app.display_name,
            upn: &user.upn,
            permissions,
            administrator: user.administrator,
            everyone,
        }
        .html();
        self.trace.page(StatusCode::OK, html)
    }

    /// The person accepted, or an administrator did for everyone.
    pub(super) fn accept(&self, visit: &Visit, everyone: bool) -> Response {
        let recorded = self.record_consent(visit, everyone);
        match recorded {
            Ok(()) if matches!(visit.purpose, Purpose::Administrator { .. }) => self.finish(visit),
            Ok(()) => self.advance(&Visit {
                ask_again: false,
                ..visit.clone()
            }),
            Err(refusal) => self.fail(visit, &refusal),
        }
    }

    fn record_consent(&self, visit: &Visit, everyone: bool) -> Result<(), Refusal> {
        let mut directory = self.tenant.directory.write();
        let (user, missing) = {
            let directory: &Directory = &directory;
            let organization = super::place::anywhere(directory, &visit.organization)?;
            let unknown = || aadsts::unknown_user(&organization.display_name);
            let user = visit.user.as_ref().and_then(|(id, _)| directory.user(id));
            let user = user.ok_or_else(unknown)?;
            let app = directory
                .application(&visit.client)
                .ok_or_else(|| aadsts::unknown_app(&visit.client, &organization.display_name))?;
            self.admit(visit, organization, app, user)?;
            let missing = self.missing(visit, organization, app, user)?;
            let hard = missing.names.iter().any(|n| scope::needs_administrator(n));
            let may = user.administrator || (organization.user_consent && !hard && !everyone);
            if !may {
                return Err(aadsts::needs_administrator());
            }
            (user.id.clone(), missing)
        };
        if let Some(app) = directory.application_mut(&visit.client) {
            let names: Vec<&str> = missing.names.iter().map(String::as_str).collect();
            let whom = (!everyone).then_some(user.as_str());
            app.grant_scopes(whom, missing.wanted.resource, &names);
        }
        Ok(())
    }

    /// The person asked the administrator (AADSTS90095).
    pub(super) fn request_approval(&self, visit: &Visit) -> Response {
        let directory = self.tenant.directory.read();
        let upn = visit
            .user
            .as_ref()
            .and_then(|(id, _)| directory.user(id))
            .map(|user| user.upn.clone())
            .unwrap_or_default();
        let mut memory = self.tenant.entra.memory();
        if memory.requests.len() < 1000 {
            memory.requests.push(ApprovalRequest {
                client_id: visit.client.clone(),
                upn,
                scope: visit.scope.clone(),
            });
        }
        drop(memory);
        self.fail(visit, &aadsts::administrator_asked())
    }
}
