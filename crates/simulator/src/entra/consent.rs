//! Consent: what is missing, who may give it, and keeping it.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::Response;

use super::aadsts::{self, EntraError};
use super::authorization_session::{AuthorizationSession, Purpose, SignInFlow};
use super::pages::{self, ConsentPage};
use super::scope::{self, Permissions, RequestedScopes};
use super::sessions::ApprovalRequest;
use crate::directory::{Application, Directory, Organization, User};

/// What consent is still missing, and on what.
pub(super) struct MissingConsent {
    pub(super) wanted: RequestedScopes,
    pub(super) names: BTreeSet<String>,
}

impl SignInFlow<'_> {
    pub(super) fn missing(
        &self,
        authorization: &AuthorizationSession,
        organization: &Organization,
        app: &Application,
        user: &User,
    ) -> Result<MissingConsent, EntraError> {
        let wanted = RequestedScopes::parse(&authorization.scope, organization, &app.display_name)?;
        let granted = app.scopes(&user.id, wanted.resource);
        let names = if authorization.ask_again {
            match &wanted.permissions {
                Permissions::Named(names) => names.clone(),
                Permissions::Default => granted,
            }
        } else {
            wanted.missing(&granted)
        };
        Ok(MissingConsent { wanted, names })
    }

    pub(super) fn consent_page(
        &self,
        authorization: &AuthorizationSession,
        organization: &Organization,
        app: &Application,
        user: &User,
        missing: &MissingConsent,
        everyone: bool,
    ) -> Response {
        let context = self.seal(authorization);
        let may = user.administrator
            || (organization.user_consent
                && !missing.names.iter().any(|n| scope::needs_administrator(n)));
        if !may {
            let request = self.tenant.entra.policy().approval_requests;
            let html = pages::need_approval(
                &authorization.organization,
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
            tenant: &authorization.organization,
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
    pub(super) fn accept(&self, authorization: &AuthorizationSession, everyone: bool) -> Response {
        let recorded = self.record_consent(authorization, everyone);
        match recorded {
            Ok(()) if matches!(authorization.purpose, Purpose::Administrator { .. }) => {
                self.finish(authorization)
            }
            Ok(()) => self.advance(&AuthorizationSession {
                ask_again: false,
                ..authorization.clone()
            }),
            Err(refusal) => self.fail(authorization, &refusal),
        }
    }

    fn record_consent(
        &self,
        authorization: &AuthorizationSession,
        everyone: bool,
    ) -> Result<(), EntraError> {
        let mut directory = self.tenant.directory.write();
        let (user, missing) = {
            let directory: &Directory = &directory;
            let organization = super::tenant::anywhere(directory, &authorization.organization)?;
            let unknown = || aadsts::unknown_user(&organization.display_name);
            let user = authorization
                .user
                .as_ref()
                .and_then(|(id, _)| directory.user(id));
            let user = user.ok_or_else(unknown)?;
            let app = directory
                .application(&authorization.client)
                .ok_or_else(|| {
                    aadsts::unknown_app(&authorization.client, &organization.display_name)
                })?;
            self.admit(authorization, organization, app, user)?;
            let missing = self.missing(authorization, organization, app, user)?;
            let hard = missing.names.iter().any(|n| scope::needs_administrator(n));
            let may = user.administrator || (organization.user_consent && !hard && !everyone);
            if !may {
                return Err(aadsts::needs_administrator());
            }
            (user.id.clone(), missing)
        };
        if let Some(app) = directory.application_mut(&authorization.client) {
            let names: Vec<&str> = missing.names.iter().map(String::as_str).collect();
            let whom = (!everyone).then_some(user.as_str());
            app.grant_scopes(whom, missing.wanted.resource, &names);
        }
        Ok(())
    }

    /// The person asked the administrator (AADSTS90095).
    pub(super) fn request_approval(&self, authorization: &AuthorizationSession) -> Response {
        let directory = self.tenant.directory.read();
        let upn = authorization
            .user
            .as_ref()
            .and_then(|(id, _)| directory.user(id))
            .map(|user| user.upn.clone())
            .unwrap_or_default();
        let mut memory = self.tenant.entra.memory();
        if memory.requests.len() < 1000 {
            memory.requests.push(ApprovalRequest {
                client_id: authorization.client.clone(),
                upn,
                scope: authorization.scope.clone(),
            });
        }
        drop(memory);
        self.fail(authorization, &aadsts::administrator_asked())
    }
}
