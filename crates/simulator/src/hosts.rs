//! The services of the simulated cloud, and the hosts that each answers for.

use serde::{Deserialize, Serialize};

use super::directory::ORDERS_HOST;

/// Whose front door a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Entra ID.
    Login,
    /// Microsoft Graph.
    Graph,
    /// SharePoint's own REST.
    SharePoint,
    /// An API that Contoso protected with Entra.
    Orders,
    /// The web service that publishes Microsoft's addresses.
    Endpoints,
    /// The metadata service of managed identities.
    Metadata,
    /// The CONNECT proxy.
    Proxy,
}

/// Entra's, with the pages where people enter device codes.
const LOGIN: [&str; 10] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
    "microsoft.com",
    "www.microsoft.com",
    "aka.ms",
];

const ENDPOINTS: &str = "endpoints.office.com";

const GRAPH: [&str; 4] = [
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
];

const SHAREPOINT: [&str; 5] = [
    ".sharepoint.com",
    ".sharepoint.us",
    ".dps.mil",
    ".sharepoint-mil.us",
    ".sharepoint.cn",
];

/// The names under which everything can be reached, by path.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The service behind a host name in lower case, without port; `None` for a
/// host that is nobody's here, and for local names.
#[must_use]
pub fn service_of(host: &str) -> Option<Service> {
    if LOGIN.contains(&host) {
        Some(Service::Login)
    } else if GRAPH.contains(&host) {
        Some(Service::Graph)
    } else if SHAREPOINT.iter().any(|suffix| host.ends_with(suffix)) {
        Some(Service::SharePoint)
    } else if host == ORDERS_HOST {
        Some(Service::Orders)
    } else if host == ENDPOINTS {
        Some(Service::Endpoints)
    } else {
        None
    }
}

/// True for the names of this machine.
#[must_use]
pub fn is_local(host: &str) -> bool {
    LOCAL.contains(&host)
}

/// True if there is anything here under this name.
#[must_use]
pub fn is_served(host: &str) -> bool {
    is_local(host) || service_of(host).is_some()
}

/// The service that a request is for. Under a local name the path decides.
#[must_use]
pub fn route(host: &str, path: &str) -> Option<Service> {
    if !is_local(host) {
        return service_of(host);
    }
    let first = path.trim_start_matches('/').split('/').next();
    Some(match first {
        Some("v1.0" | "beta" | "oidc") => Service::Graph,
        _ if path.contains("/_api/") => Service::SharePoint,
        _ => Service::Login,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        assert_eq!(
            route("graph.microsoft.com", "/v1.0/me"),
            Some(Service::Graph)
        );
        assert_eq!(
            route("contoso.sharepoint.com", "/"),
            Some(Service::SharePoint)
        );
        assert_eq!(route("localhost", "/v1.0/me"), Some(Service::Graph));
        assert_eq!(
            route("localhost", "/t/oauth2/v2.0/token"),
            Some(Service::Login)
        );
        assert_eq!(route("example.com", "/v1.0/me"), None);
        assert_eq!(service_of("evilsharepoint.com"), None);
    }
}
