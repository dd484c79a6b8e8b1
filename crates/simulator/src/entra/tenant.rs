//! Which organization and application a request is about: the first part of
//! the path, the host it came to (a cloud has its own hosts), and the client id.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

use super::aadsts::{self, EntraError};
use crate::directory::{Application, Cloud, Directory, Organization};
use m365mon_base::is_guid;

/// The tenant of personal accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// What stands where the tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TenantName<'a> {
    Common,
    Organizations,
    Consumers,
    Tenant(&'a str),
}

impl<'a> TenantName<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        match text {
            "common" => Self::Common,
            "organizations" => Self::Organizations,
            "consumers" | CONSUMERS => Self::Consumers,
            other => Self::Tenant(other),
        }
    }
}

/// The host that was asked, with its port where one was named.
pub(super) fn host_of(headers: &HeaderMap, uri: &Uri) -> String {
    // HTTP/2 has it in the URI, HTTP/1.1 in a header.
    uri.authority()
        .map(Authority::as_str)
        .or_else(|| headers.get(header::HOST).and_then(|h| h.to_str().ok()))
        .unwrap_or("login.microsoftonline.com")
        .to_ascii_lowercase()
}

/// True if this host signs in for this cloud. Hosts that are not Microsoft's
/// stand for a cloud with roots of its own, and sign in for all.
fn serves(host: &str, cloud: Cloud) -> bool {
    match host.split(':').next().unwrap_or(host) {
        "login.microsoftonline.com"
        | "login.windows.net"
        | "login.microsoft.com"
        | "sts.windows.net"
        | "microsoft.com"
        | "www.microsoft.com"
        | "aka.ms" => {
            matches!(cloud, Cloud::Global)
        }
        "login.microsoftonline.us" => matches!(cloud, Cloud::GccHigh | Cloud::Dod),
        "login.partner.microsoftonline.cn" | "login.chinacloudapi.cn" => {
            matches!(cloud, Cloud::China)
        }
        _ => true,
    }
}

/// The root of the endpoints for an organization, as its documents name them:
/// the host that was asked if it is of the right cloud, else that of the cloud.
pub(super) fn base(host: &str, cloud: Cloud) -> String {
    match host.split(':').next().unwrap_or(host) {
        // Aliases and pages send on to the one name.
        "login.windows.net"
        | "login.microsoft.com"
        | "sts.windows.net"
        | "microsoft.com"
        | "www.microsoft.com"
        | "aka.ms" => cloud.login_url().to_owned(),
        _ if serves(host, cloud) => format!("https://{host}"),
        _ => cloud.login_url().to_owned(),
    }
}

/// `microsoftonline.com` and the like: `cloud_instance_name`.
pub(super) const fn instance_name(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Global => "microsoftonline.com",
        Cloud::GccHigh | Cloud::Dod => "microsoftonline.us",
        Cloud::China => "partner.microsoftonline.cn",
    }
}

/// An organization by what stands in the path, in any cloud (AADSTS90002, 900023).
pub(super) fn anywhere<'d>(
    directory: &'d Directory,
    tenant: &str,
) -> Result<&'d Organization, EntraError> {
    if !is_guid(tenant) && !tenant.contains('.') {
        return Err(aadsts::tenant_malformed(tenant));
    }
    directory
        .organization(tenant)
        .ok_or_else(|| aadsts::tenant_not_found(tenant))
}

/// The organization and the application of a request.
///
/// `confidential`: the client sent a credential, which decides between two
/// numbers where the organization lives in another cloud.
pub(super) fn find<'d>(
    directory: &'d Directory,
    host: &str,
    named: TenantName<'_>,
    client_id: &str,
    confidential: bool,
) -> Result<(&'d Organization, &'d Application), EntraError> {
    if client_id == "00000000-0000-0000-0000-000000000000" {
        return Err(aadsts::bad_app_id(client_id));
    }
    let application = directory.application(client_id);
    let organization = match named {
        TenantName::Tenant(tenant) => {
            let organization = anywhere(directory, tenant)?;
            if !serves(host, organization.cloud) {
                return Err(if confidential {
                    aadsts::confidential_cross_cloud()
                } else {
                    aadsts::tenant_elsewhere(tenant, instance_name(organization.cloud), host)
                });
            }
            organization
        }
        // Every application here is of one tenant.
        TenantName::Common | TenantName::Organizations => {
            return Err(match application {
                Some(app) => aadsts::single_tenant(&app.client_id, &app.display_name),
                None => aadsts::no_tenant_information(),
            });
        }
        TenantName::Consumers => return Err(aadsts::unknown_app(client_id, "Microsoft Accounts")),
    };
    let application = application
        .filter(|app| app.organization.eq_ignore_ascii_case(&organization.id))
        .ok_or_else(|| aadsts::unknown_app(client_id, &organization.display_name))?;
    if application.disabled {
        return Err(aadsts::app_disabled(
            &application.client_id,
            &application.display_name,
        ));
    }
    Ok((organization, application))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{APP_CLIENT_ID, DOMAIN, OTHER_TENANT_ID, Size};

    #[test]
    fn clouds_have_their_hosts() {
        let mut directory = Directory::contoso(Size::default(), 1, jiff::Timestamp::UNIX_EPOCH);
        let global = "login.microsoftonline.com";
        let code = |directory: &Directory, host, tenant, confidential| {
            find(
                directory,
                host,
                TenantName::parse(tenant),
                APP_CLIENT_ID,
                confidential,
            )
            .map_err(|r| r.code)
            .err()
        };
        assert_eq!(code(&directory, global, DOMAIN, true), None);
        assert_eq!(code(&directory, "localhost:8443", DOMAIN, true), None);
        let us = "login.microsoftonline.us";
        assert_eq!(code(&directory, us, DOMAIN, true), Some(900_382));
        assert_eq!(code(&directory, us, DOMAIN, false), Some(90_038));
        assert_eq!(
            code(&directory, global, OTHER_TENANT_ID, false),
            Some(700_016)
        );
        assert_eq!(
            code(&directory, global, "contoso2.com", false),
            Some(90_002)
        );
        assert_eq!(code(&directory, global, "contoso2", false), Some(900_023));
        assert_eq!(code(&directory, global, "common", false), Some(50_194));
        assert_eq!(code(&directory, global, "consumers", false), Some(700_016));
        directory.application_mut(APP_CLIENT_ID).unwrap().disabled = true;
        assert_eq!(code(&directory, global, DOMAIN, false), Some(7_000_112));
    }
}
