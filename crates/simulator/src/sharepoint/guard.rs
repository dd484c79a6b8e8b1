//! Who may ask SharePoint what.

use std::sync::Arc;

use super::{DENIED, SharePointError};
use crate::directory::{Organization, ResourceApp, Site};
use crate::incoming::{Bearer, IncomingRequest};
use crate::tokens::{Claims, TokenError};
use crate::{Tenant, hosts};

pub(super) fn authenticate(
    tenant: &Tenant,
    incoming: &IncomingRequest,
) -> Result<Arc<Claims>, SharePointError> {
    let claims = match &incoming.bearer {
        Bearer::Missing => return Err(SharePointError::token("")),
        Bearer::Refused { why, .. } => {
            return Err(SharePointError::token(match why {
                TokenError::Expired => "Invalid JWT token. The token is expired.",
                TokenError::Early => "Invalid JWT token. The token is not yet valid.",
                TokenError::Signature => "Invalid issuer or signature.",
                TokenError::Malformed => "Invalid JWT token. The token could not be parsed.",
                TokenError::Revoked => "The token has been revoked.",
            }));
        }
        Bearer::Valid(claims) => claims,
    };
    let directory = tenant.directory.read();
    let owner = directory.owner_of_host(&incoming.host);
    let local = hosts::is_local(&incoming.host);
    if !local && !is_for(&claims.aud, &incoming.host) {
        return Err(SharePointError::token(
            "Exception of type 'Microsoft.IdentityModel.Tokens.AudienceUriValidationFailedException' \
             was thrown.",
        ));
    }
    if !local && !owner.is_some_and(|owner: &Organization| owner.is_called(&claims.tid)) {
        return Err(SharePointError::token("Invalid issuer or signature."));
    }
    if claims.app_only() && claims.appidacr == "1" {
        return Err(SharePointError::token("Unsupported app only token."));
    }
    if let Some(since) = tenant.tokens.challenge(claims) {
        return Err(SharePointError {
            challenge: Some(since),
            ..SharePointError::token("The token was issued before a revocation.")
        });
    }
    Ok(Arc::clone(claims))
}

/// `https://contoso.sharepoint.com` or `{SharePoint's GUID}/contoso.sharepoint.com@{tenant}`.
fn is_for(audience: &str, host: &str) -> bool {
    let audience = audience.trim_end_matches('/');
    if let Some(named) = audience.strip_prefix("https://") {
        return named.eq_ignore_ascii_case(host);
    }
    audience
        .strip_prefix(ResourceApp::SharePoint.app_id())
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.split('@').next())
        .is_some_and(|named| named.eq_ignore_ascii_case(host))
}

const SCOPES: [&str; 5] = [
    "AllSites.Read",
    "AllSites.Write",
    "AllSites.Manage",
    "AllSites.FullControl",
    "Sites.Selected",
];
const ROLES: [&str; 5] = [
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "Sites.Manage.All",
    "Sites.FullControl.All",
    "Sites.Selected",
];

fn denied() -> SharePointError {
    SharePointError::new(
        403,
        DENIED,
        "Access denied. You do not have permission to perform this action or access this resource.",
    )
}

pub(super) fn may_ask(claims: &Claims) -> Result<(), SharePointError> {
    let permitted = if claims.app_only() {
        claims.has_role(&ROLES)
    } else {
        claims.has_scope(&SCOPES)
    };
    if permitted { Ok(()) } else { Err(denied()) }
}

pub(super) fn may_read(claims: &Claims, site: &Site) -> Result<(), SharePointError> {
    let everywhere = if claims.app_only() {
        claims.has_role(&ROLES[..4])
    } else {
        claims.has_scope(&SCOPES[..4])
    };
    let person_may = claims.app_only() || site.readable_by(&claims.oid);
    if person_may && (everywhere || site.granted_to(&claims.appid)) {
        Ok(())
    } else {
        Err(denied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences() {
        let host = "contoso.sharepoint.com";
        assert!(is_for("https://Contoso.sharepoint.com/", host));
        assert!(is_for(
            "00000003-0000-0ff1-ce00-000000000000/contoso.sharepoint.com@guid",
            host
        ));
        assert!(!is_for("https://contoso-my.sharepoint.com", host));
        assert!(!is_for("https://graph.microsoft.com", host));
    }
}
