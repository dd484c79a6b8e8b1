//! The identity that the platform gave this machine: the instance metadata
//! service of a virtual machine (Microsoft's "How to use managed identities
//! for Azure resources on an Azure VM to acquire an access token") or the
//! endpoint of App Service, Functions and Container Apps.
//!
//! Nothing is repeated here: the back-off of the cache covers the phases in
//! which the platform updates its service (404, 410, 429, 5xx).

use url::{Host, Url};

use super::answer::{Granted, read};
use super::classify::{RefusalScope, TokenRefusal};
use super::endpoint::{Content, EndpointAnswer, EndpointRequest};
use super::endpoint_client::TokenEndpointClient;
use crate::http::{UseProxy, retry_after};
use crate::model::{Account, AccountReason, Audience, Secret, Timestamp, TokenProblem};

const METADATA_SERVICE: &str = "http://169.254.169.254";

/// Where the platform hands out tokens.
#[derive(Debug, Clone)]
pub(super) enum Platform {
    /// The instance metadata service.
    Metadata { root: Url },
    /// App Service and its relatives.
    AppService { endpoint: Url, header: Secret },
    /// What the environment describes is not supported, or no URL.
    Unsupported(&'static str),
}

impl Platform {
    /// Reads the environment variables by which platforms introduce themselves.
    pub(super) fn from_environment(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name| var(name).filter(|value| !value.trim().is_empty());
        match (var("IDENTITY_ENDPOINT"), var("IDENTITY_HEADER")) {
            (Some(_), _) if var("IMDS_ENDPOINT").is_some() => {
                Self::Unsupported("Azure Arc's managed identity is not supported")
            }
            (Some(_), _) if var("IDENTITY_SERVER_THUMBPRINT").is_some() => {
                Self::Unsupported("Service Fabric's managed identity is not supported")
            }
            (Some(endpoint), Some(header)) => match Url::parse(&endpoint) {
                Ok(endpoint) if is_of_platform(&endpoint) => Self::AppService {
                    endpoint,
                    header: Secret::new(header),
                },
                Ok(_) => Self::Unsupported(
                    "IDENTITY_ENDPOINT is no address of a platform: http on this machine \
                     (localhost, 127.0.0.1) or a link-local address (169.254.…), else https",
                ),
                Err(_) => Self::Unsupported("IDENTITY_ENDPOINT is no URL"),
            },
            _ => {
                let root = var("AZURE_POD_IDENTITY_AUTHORITY_HOST");
                match Url::parse(root.as_deref().unwrap_or(METADATA_SERVICE)) {
                    Ok(root) if is_of_platform(&root) => Self::Metadata { root },
                    Ok(_) => Self::Unsupported(
                        "AZURE_POD_IDENTITY_AUTHORITY_HOST is no address of a platform: http on \
                         this machine or a link-local address (169.254.…), else https",
                    ),
                    Err(_) => Self::Unsupported("AZURE_POD_IDENTITY_AUTHORITY_HOST is no URL"),
                }
            }
        }
    }

    /// Asks for a token for `audience`.
    pub(super) async fn obtain(
        &self,
        client: &TokenEndpointClient,
        account: &Account,
        audience: &Audience,
    ) -> Result<Granted, TokenRefusal> {
        let request = self.request(account, audience)?;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let answer = client
            .endpoint
            .send(request)
            .await
            .map_err(|no_answer| TokenRefusal::own(no_answer.problem(&host)))?;
        let now = client.clock.now();
        if answer.status == 200 {
            return read(&answer, false, now);
        }
        Err(refusal(&answer, now))
    }

    fn request(
        &self,
        account: &Account,
        audience: &Audience,
    ) -> Result<EndpointRequest, TokenRefusal> {
        let (mut url, version, header) = match self {
            Self::Metadata { root } => {
                let mut url = root.clone();
                url.set_path("/metadata/identity/oauth2/token");
                let header = (
                    http::HeaderName::from_static("metadata"),
                    Secret::new("true".into()),
                );
                (url, "2018-02-01", header)
            }
            Self::AppService { endpoint, header } => {
                let name = http::HeaderName::from_static("x-identity-header");
                (endpoint.clone(), "2019-08-01", (name, header.clone()))
            }
            Self::Unsupported(why) => return Err(TokenRefusal::internal(why)),
        };
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("api-version", version);
            query.append_pair("resource", audience.as_str());
            if let Some(client_id) = &account.client_id {
                query.append_pair("client_id", client_id);
            }
        }
        Ok(EndpointRequest {
            url,
            content: Content::Nothing,
            headers: vec![header],
            proxy: UseProxy::Never,
        })
    }
}

/// Where platforms document their endpoints: App Service, Functions and
/// Container Apps on the machine itself or on a link-local address, the metadata
/// service on `169.254.169.254`. Whoever answers elsewhere in the clear could
/// hand out tokens of their own and learn the header.
fn is_of_platform(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none();
    let near = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        None => false,
    };
    plain
        && match url.scheme() {
            "http" => near,
            "https" => url.has_host(),
            _ => false,
        }
}

/// The platform's refusals: some of its 4xx are weather.
fn refusal(answer: &EndpointAnswer, now: Timestamp) -> TokenRefusal {
    let (reason, says) = match answer.status {
        404 | 410 => (
            AccountReason::ServerError,
            "it is being updated, or is not there",
        ),
        429 => (AccountReason::Throttled, "it asks to slow down"),
        500.. => (AccountReason::ServerError, "it is not well"),
        400 => (
            AccountReason::Refused,
            "no such identity on this machine, or it does not know the resource: \
             check the assigned identities and `client_id`",
        ),
        401 | 403 => (AccountReason::Refused, "it does not answer this process"),
        _ => (AccountReason::UnexpectedStatus, "which it should not"),
    };
    TokenRefusal {
        problem: TokenProblem {
            reason,
            code: None,
            detail: format!(
                "the managed identity endpoint answered status {}: {says}",
                answer.status
            ),
        },
        scope: RefusalScope::Account,
        retry_after: retry_after(&answer.headers, now),
        ahead: None,
        error: None,
        request_id: answer.request_id(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::model::Cloud;

    fn account(client_id: Option<&str>) -> Account {
        fixtures::managed_identity("vm", client_id)
    }

    fn platform(pairs: &[(&str, &str)]) -> Platform {
        Platform::from_environment(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn requests_of_both_platforms() {
        let graph = Audience::graph(&Cloud::Global);
        let request = platform(&[]).request(&account(None), &graph).ok().unwrap();
        assert_eq!(
            request.url.as_str(),
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fgraph.microsoft.com"
        );
        assert_eq!(request.proxy, UseProxy::Never);
        assert_eq!(request.headers[0].0, "metadata");

        let service = platform(&[
            ("IDENTITY_ENDPOINT", "http://localhost:4141/msi/token"),
            ("IDENTITY_HEADER", "canary"),
        ]);
        assert!(!format!("{service:?}").contains("canary"));
        let request = service.request(&account(Some("id")), &graph).ok().unwrap();
        assert_eq!(
            request.url.as_str(),
            "http://localhost:4141/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fgraph.microsoft.com&client_id=id"
        );
        assert_eq!(request.headers[0].1.expose(), "canary");
    }

    #[test]
    fn endpoints_as_platforms_document_them() {
        for (endpoint, good) in [
            ("http://localhost:42356/msi/token", true),
            ("http://127.0.0.1:41741/msi/token/", true),
            ("http://[::1]:41741/msi/token", true),
            ("http://169.254.131.2:8081/msi/token", true),
            ("http://[fe80::1]/msi/token", true),
            ("https://identity.contoso.com/msi/token", true),
            ("http://identity.contoso.com/msi/token", false),
            ("http://localhost.contoso.com/msi/token", false),
            ("http://10.0.0.1/msi/token", false),
            ("http://8.8.8.8/msi/token", false),
            ("http://2130706433.contoso.com/", false),
            ("http://a:b@localhost/msi/token", false),
            ("ftp://localhost/msi/token", false),
            ("file:///msi/token", false),
        ] {
            let service = platform(&[("IDENTITY_ENDPOINT", endpoint), ("IDENTITY_HEADER", "x")]);
            let found = matches!(service, Platform::AppService { .. });
            assert_eq!(found, good, "{endpoint}");
            let metadata = platform(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", endpoint)]);
            assert_eq!(
                matches!(metadata, Platform::Metadata { .. }),
                good,
                "{endpoint}"
            );
        }
    }

    #[test]
    fn others_are_named() {
        let arc = platform(&[
            ("IDENTITY_ENDPOINT", "http://x"),
            ("IMDS_ENDPOINT", "http://y"),
        ]);
        let graph = Audience::graph(&Cloud::Global);
        let refusal = arc.request(&account(None), &graph).err().unwrap();
        assert!(refusal.problem.detail.contains("Arc"));
    }
}
