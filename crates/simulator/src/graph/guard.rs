//! Who may ask what: the token itself, then the permissions in it.

use std::sync::Arc;

use super::error::GraphError;
use crate::Tenant;
use crate::directory::{ResourceApp, Site, SiteState};
use crate::hosts::{self, Service};
use crate::incoming::{Bearer, IncomingRequest};
use crate::tokens::{Claims, TokenError};

/// The words of a claims challenge.
pub(super) const CHALLENGE: &str = "Continuous access evaluation resulted in challenge with \
result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp";

/// The claims of a token that Graph takes.
pub(super) fn authenticate(
    tenant: &Tenant,
    incoming: &IncomingRequest,
) -> Result<Arc<Claims>, GraphError> {
    let claims = match &incoming.bearer {
        Bearer::Missing => return Err(GraphError::invalid_token("Access token is empty.")),
        Bearer::Refused { why, opaque } => return Err(refused(*why, *opaque)),
        Bearer::Valid(claims) => claims,
    };
    if !is_for(&claims.aud, &incoming.host) {
        return Err(GraphError::invalid_token(
            "Access token validation failure. Invalid audience.",
        ));
    }
    if let Some(since) = tenant.tokens.challenge(claims) {
        let mut error = GraphError::invalid_token(CHALLENGE);
        error.challenge = Some(since);
        return Err(error);
    }
    Ok(Arc::clone(claims))
}

fn refused(why: TokenError, opaque: bool) -> GraphError {
    GraphError::invalid_token(match why {
        TokenError::Malformed if opaque => {
            "IDX14100: JWT is not well formed, there are no dots (.).\n\
             The token needs to be in JWS or JWE Compact Serialization Format."
        }
        TokenError::Malformed => "CompactToken parsing failed with error code: 80049217",
        TokenError::Signature => "Access token validation failure. Invalid signature.",
        TokenError::Early => "Lifetime validation failed, the token is not yet valid.",
        TokenError::Expired => "Lifetime validation failed, the token is expired.",
        TokenError::Revoked => CHALLENGE,
    })
}

/// A token is for Graph if it names this Graph, by URI or by GUID. Under a
/// local name any of them will do.
fn is_for(audience: &str, host: &str) -> bool {
    if audience.eq_ignore_ascii_case(ResourceApp::Graph.app_id()) {
        return true;
    }
    let Some(named) = audience.trim_end_matches('/').strip_prefix("https://") else {
        return false;
    };
    let named = named.split(':').next().unwrap_or_default();
    named == host
        || (hosts::is_local(host)
            && (hosts::is_local(named) || hosts::service_of(named) == Some(Service::Graph)))
}

const READ_ALL_SITES: [&str; 4] = [
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "Sites.Manage.All",
    "Sites.FullControl.All",
];
const SELECTED: [&str; 1] = ["Sites.Selected"];

/// May this token ask for sites at all?
pub(super) fn any_site(claims: &Claims) -> Result<(), GraphError> {
    if claims.scp.is_none() && claims.roles.is_none() {
        return Err(GraphError::access_denied(
            "Either scp or roles claim need to be present in the token.",
        ));
    }
    let permitted = if claims.app_only() {
        claims.has_role(&READ_ALL_SITES) || claims.has_role(&SELECTED)
    } else {
        claims.has_scope(&READ_ALL_SITES) || claims.has_scope(&SELECTED)
    };
    if permitted {
        Ok(())
    } else {
        Err(GraphError::access_denied("Access denied"))
    }
}

/// May this token look for sites? `Sites.Selected` finds nothing.
pub(super) fn all_sites(claims: &Claims) -> Result<(), GraphError> {
    any_site(claims)?;
    let permitted = if claims.app_only() {
        claims.has_role(&READ_ALL_SITES)
    } else {
        claims.has_scope(&READ_ALL_SITES)
    };
    if permitted {
        Ok(())
    } else {
        Err(GraphError::access_denied("Access denied"))
    }
}

/// May this token, which may ask for sites, ask for this one?
pub(super) fn this_site(claims: &Claims, site: &Site) -> Result<(), GraphError> {
    let everywhere = if claims.app_only() {
        claims.has_role(&READ_ALL_SITES)
    } else {
        claims.has_scope(&READ_ALL_SITES)
    };
    let person_may = claims.app_only() || site.readable_by(&claims.oid);
    if person_may && (everywhere || site.granted_to(&claims.appid)) {
        Ok(())
    } else {
        Err(GraphError::access_denied("Caller does not have access"))
    }
}

/// Is this site neither locked nor archived?
pub(super) fn is_open(site: &Site) -> Result<(), GraphError> {
    match site.state {
        SiteState::Active => Ok(()),
        SiteState::Locked => Err(GraphError::locked()),
        SiteState::Archived => {
            let message = "Access to this site has been blocked.";
            Err(GraphError::new(403, "notAllowed", message).inside("resourceLocked"))
        }
    }
}

/// What is done in a mailbox, by the permissions that allow it.
pub(super) struct MailRight {
    /// Of a person, in their own mailbox.
    own: &'static [&'static str],
    /// Of a person, in mailboxes that others shared with them.
    shared: &'static [&'static str],
    /// Of an application, in every mailbox.
    all: &'static [&'static str],
    /// Of an application, by RBAC for Applications.
    assigned: &'static [&'static str],
}

/// Messages and folders, without their bodies.
pub(super) const READ_MAIL: MailRight = MailRight {
    own: &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"],
    shared: &[
        "Mail.ReadBasic.Shared",
        "Mail.Read.Shared",
        "Mail.ReadWrite.Shared",
    ],
    all: &[
        "Mail.ReadBasic.All",
        "Mail.ReadBasic",
        "Mail.Read",
        "Mail.ReadWrite",
    ],
    assigned: &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"],
};

/// Deleting.
pub(super) const WRITE_MAIL: MailRight = MailRight {
    own: &["Mail.ReadWrite"],
    shared: &["Mail.ReadWrite.Shared"],
    all: &["Mail.ReadWrite"],
    assigned: &["Mail.ReadWrite"],
};

/// Sending.
pub(super) const SEND_MAIL: MailRight = MailRight {
    own: &["Mail.Send"],
    shared: &["Mail.Send.Shared"],
    all: &["Mail.Send"],
    assigned: &["Mail.Send"],
};

/// Events, and what others see of a calendar.
pub(super) const READ_CALENDAR: MailRight = MailRight {
    own: &[
        "Calendars.ReadBasic",
        "Calendars.Read",
        "Calendars.ReadWrite",
    ],
    shared: &["Calendars.Read.Shared", "Calendars.ReadWrite.Shared"],
    all: &[
        "Calendars.ReadBasic",
        "Calendars.ReadBasic.All",
        "Calendars.Read",
        "Calendars.ReadWrite",
    ],
    // Exchange has no role for the basic permission.
    assigned: &["Calendars.Read", "Calendars.ReadWrite"],
};

/// How far a token reaches into mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MailReach {
    /// The person's own.
    Own,
    /// The person's own, and those that others shared with them.
    Shared,
    /// Every mailbox of the organization.
    All,
    /// Only what RBAC for Applications gives.
    Assigned,
}

fn mail_denied() -> GraphError {
    GraphError::new(
        403,
        "ErrorAccessDenied",
        "Access is denied. Check credentials and try again.",
    )
}

/// What the token itself allows.
pub(super) fn mail_reach(
    tenant: &Tenant,
    claims: &Claims,
    right: &MailRight,
) -> Result<MailReach, GraphError> {
    if !claims.app_only() {
        return if claims.has_scope(right.shared) {
            Ok(MailReach::Shared)
        } else if claims.has_scope(right.own) {
            Ok(MailReach::Own)
        } else {
            Err(mail_denied())
        };
    }
    if claims.has_role(right.all) {
        return Ok(MailReach::All);
    }
    let directory = tenant.directory.read();
    let assigned = directory
        .application(&claims.appid)
        .is_some_and(|app| !app.mailbox_scopes.is_empty());
    if assigned {
        Ok(MailReach::Assigned)
    } else if claims.roles.is_none() {
        // Exchange says nothing at all where a role is missing.
        Err(GraphError::new(401, "UnknownError", ""))
    } else {
        Err(mail_denied())
    }
}

/// May it do so in this mailbox?
pub(super) fn this_mailbox(
    tenant: &Tenant,
    claims: &Claims,
    right: &MailRight,
    reach: MailReach,
    owner: &str,
    delegates: &std::collections::BTreeSet<String>,
) -> Result<(), GraphError> {
    let own = owner.eq_ignore_ascii_case(&claims.oid);
    match reach {
        MailReach::Own | MailReach::Shared if own => Ok(()),
        MailReach::Own => Err(mail_denied()),
        MailReach::Shared if delegates.contains(&claims.oid) => Ok(()),
        MailReach::Shared => Err(GraphError::new(
            404,
            "ErrorItemNotFound",
            "The specified object was not found in the store.",
        )),
        MailReach::All | MailReach::Assigned => {
            let directory = tenant.directory.read();
            let Some(app) = directory.application(&claims.appid) else {
                return Err(mail_denied());
            };
            let refused = app
                .access_policy
                .as_ref()
                .is_some_and(|p| !p.contains(owner));
            if refused {
                return Err(GraphError::new(
                    403,
                    "ErrorAccessDenied",
                    "Access to OData is disabled: [RAOP] : Blocked by tenant configured \
                     AppOnly AccessPolicy settings.",
                ));
            }
            let assigned = right
                .assigned
                .iter()
                .any(|role| app.has_mailbox_role(role, owner));
            if reach == MailReach::All || assigned {
                Ok(())
            } else {
                Err(mail_denied())
            }
        }
    }
}

/// Any of these delegated or application permissions, else the directory refuses.
pub(super) fn directory(claims: &Claims, permissions: &[&str]) -> Result<(), GraphError> {
    if claims.has_scope(permissions) || claims.has_role(permissions) {
        Ok(())
    } else {
        Err(GraphError::insufficient())
    }
}

/// Any of these delegated (`scopes`) or application permissions (`roles`), else
/// a plain 403, as services behind Graph refuse that look at permissions only.
pub(super) fn any_of(claims: &Claims, scopes: &[&str], roles: &[&str]) -> Result<(), GraphError> {
    let permitted = if claims.app_only() {
        claims.has_role(roles)
    } else {
        claims.has_scope(scopes)
    };
    if permitted {
        Ok(())
    } else {
        Err(GraphError::new(403, "Forbidden", "Forbidden"))
    }
}

/// Health and message center: the permission and, of a person, a role as
/// administrator. The refusal comes wrapped twice: JSON in a message of JSON in
/// a message.
pub(super) fn announcements(
    tenant: &Tenant,
    claims: &Claims,
    permissions: &[&str],
) -> Result<(), GraphError> {
    let permitted = claims.has_scope(permissions) || claims.has_role(permissions);
    let person_may = claims.app_only() || {
        let directory = tenant.directory.read();
        directory
            .user(&claims.oid)
            .is_some_and(|user| user.administrator)
    };
    if permitted && person_may {
        return Ok(());
    }
    let inner = serde_json::json!({"error": "User is not authorized to perform operation."});
    let error = serde_json::json!({"code": "forbidden", "message": inner.to_string()});
    let message = serde_json::json!({"error": error}).to_string();
    Err(GraphError::new(403, "UnknownError", message))
}
