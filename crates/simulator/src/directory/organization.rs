//! An organization (Microsoft's "tenant") and the APIs its tokens can be for.

use std::time::Duration;

use super::{Cloud, Health, ORDERS_ALIAS, ORDERS_CLIENT_ID, ORDERS_URI, Sku};

/// One Microsoft Entra tenant.
#[derive(Debug, Clone)]
pub struct Organization {
    /// The tenant GUID.
    pub id: String,
    /// As people see it.
    pub display_name: String,
    /// Verified domains, the initial one first.
    pub domains: Vec<String>,
    /// Where it lives.
    pub cloud: Cloud,
    /// `contoso.sharepoint.com`, `contoso-my.sharepoint.com`, …
    pub sharepoint_hosts: Vec<String>,
    /// May people consent for themselves? Off by default: an administrator
    /// must grant (AADSTS90094).
    pub user_consent: bool,
    /// Conditional Access blocks the device code flow (AADSTS53003).
    pub device_code_blocked: bool,
    /// A fixed life for access tokens instead of 60 to 90 minutes.
    pub token_lifetime: Option<Duration>,
    /// Sign-in frequency: a refresh token older than this is refused (AADSTS70043).
    pub sign_in_frequency: Option<Duration>,
    /// What Microsoft says about its services.
    pub health: Health,
    /// What it bought.
    pub licences: Vec<Sku>,
    /// How long a person's first look at OneDrive takes to make it.
    pub provisioning: Duration,
    /// Days until Intune's certificate for Apple's push notifications ends;
    /// `None`: none was ever uploaded.
    pub apple_push_days: Option<i64>,
    /// Its directory is fed from one on premises; `None`: it never was.
    pub synchronized: Option<bool>,
    /// Minutes since the last run of that.
    pub synchronized_minutes: u64,
    /// Conditional Access refuses every token to people with this number, such
    /// as 530084: tokens have to be bound to a device.
    pub refuses_people: Option<u32>,
    /// The block of the device code flow answers AADSTS530036, as newer tenants do.
    pub device_code_by_flow: bool,
    /// An application must have a role of Contoso's own API to get a token for
    /// it (AADSTS501051).
    pub assignment_required: bool,
}

impl Organization {
    /// The number with which the device code flow is refused.
    #[must_use]
    pub const fn device_code_refusal(&self) -> u32 {
        if self.device_code_by_flow {
            530_036
        } else {
            53_003
        }
    }

    /// True for its GUID or one of its domains, in any spelling.
    #[must_use]
    pub fn is_called(&self, tenant: &str) -> bool {
        self.id.eq_ignore_ascii_case(tenant)
            || self.domains.iter().any(|d| d.eq_ignore_ascii_case(tenant))
    }

    /// What a resource identifier (the part of a scope before the permission)
    /// means here, with the `aud` of its tokens; `None` is AADSTS500011. Takes
    /// a URI with or without trailing slashes, or the GUID of the API.
    #[must_use]
    pub fn resource(&self, identifier: &str) -> Option<(ResourceApp, String)> {
        let plain = identifier.trim_end_matches('/');
        if plain.eq_ignore_ascii_case(ResourceApp::Graph.app_id()) {
            return Some((ResourceApp::Graph, self.cloud.graph_url().to_owned()));
        }
        let orders = [ResourceApp::Orders.app_id(), ORDERS_URI, ORDERS_ALIAS];
        if orders.iter().any(|name| plain.eq_ignore_ascii_case(name)) {
            // An API of the first version: `aud` is what was asked for.
            return Some((ResourceApp::Orders, plain.to_owned()));
        }
        let host = plain.strip_prefix("https://")?.to_ascii_lowercase();
        let name = host.split(':').next().unwrap_or_default();
        let graph = self.cloud.graph_url().trim_start_matches("https://");
        // A local address stands for a cloud with roots of its own.
        if host == graph || matches!(name, "localhost" | "127.0.0.1") {
            return Some((ResourceApp::Graph, format!("https://{host}")));
        }
        if self
            .sharepoint_hosts
            .iter()
            .any(|h| h.eq_ignore_ascii_case(&host))
        {
            return Some((ResourceApp::SharePoint, format!("https://{host}")));
        }
        (host == "outlook.office365.com")
            .then(|| (ResourceApp::Exchange, format!("https://{host}")))
    }
}

/// An API that permissions belong to; of Microsoft's but for the last.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ResourceApp {
    /// Microsoft Graph.
    Graph,
    /// SharePoint Online's own REST.
    SharePoint,
    /// Exchange Online.
    Exchange,
    /// An API that Contoso made and protected with Entra.
    Orders,
}

impl ResourceApp {
    /// The client id of the API in every tenant.
    #[must_use]
    pub const fn app_id(self) -> &'static str {
        match self {
            Self::Graph => "00000003-0000-0000-c000-000000000000",
            Self::SharePoint => "00000003-0000-0ff1-ce00-000000000000",
            Self::Exchange => "00000002-0000-0ff1-ce00-000000000000",
            Self::Orders => ORDERS_CLIENT_ID,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Directory, SHAREPOINT_HOST, Size, TENANT_ID};
    use super::*;

    #[test]
    fn identifiers() {
        let directory = Directory::contoso(Size::default(), 1, jiff::Timestamp::UNIX_EPOCH);
        let contoso = directory.organization(TENANT_ID).unwrap();
        let api = |text: &str| contoso.resource(text).map(|(api, _)| api);
        assert_eq!(api("https://graph.microsoft.com"), Some(ResourceApp::Graph));
        assert_eq!(
            api("https://graph.microsoft.com/"),
            Some(ResourceApp::Graph)
        );
        assert_eq!(api("https://localhost:8443"), Some(ResourceApp::Graph));
        assert_eq!(api(ResourceApp::Graph.app_id()), Some(ResourceApp::Graph));
        let site = format!("https://{SHAREPOINT_HOST}/");
        assert_eq!(api(&site), Some(ResourceApp::SharePoint));
        let orders = contoso.resource("api://orders.contoso.com/");
        let aud = "api://orders.contoso.com".to_owned();
        assert_eq!(orders, Some((ResourceApp::Orders, aud)));
        assert_eq!(api("api://other.contoso.com"), None);
        assert_eq!(api("https://contoso2.sharepoint.com"), None);
        assert_eq!(api("https://graph.microsoft.us"), None);
    }
}
