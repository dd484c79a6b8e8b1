//! Whose service is asked, as far as that is known before it answers: the signs
//! that its answers carry and what they may ask of us hang on it.

use url::Url;

use super::Cloud;

/// Azure, Azure DevOps and Power BI: what their answers are signed with is known.
const SIGNED_HOSTS: &[&str] = &[
    "management.azure.com",
    "management.usgovcloudapi.net",
    "management.chinacloudapi.cn",
    "dev.azure.com",
    "vssps.dev.azure.com",
    "app.vssps.visualstudio.com",
    "api.powerbi.com",
    "api.powerbigov.us",
    "api.powerbi.cn",
    "api.fabric.microsoft.com",
];
/// Dataverse in every cloud: `contoso.crm4.dynamics.com`.
const DATAVERSE: &[&str] = &[
    ".dynamics.com",
    ".dynamics.cn",
    ".microsoftdynamics.us",
    ".appsplatform.us",
];

/// Whose service a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Graph, SharePoint or Exchange of the account's cloud: its answers carry
    /// signs, and it alone may ask for a token with other claims.
    Workload,
    /// Another service of Microsoft's whose answers carry signs: Entra, the list
    /// of addresses, Azure.
    Microsoft,
    /// Anyone else, who names no signs.
    Other,
}

impl Provider {
    /// Who answers at a host (a name without port) that the configuration names,
    /// for an account in `cloud`.
    #[must_use]
    pub fn of_host(host: &str, cloud: &Cloud) -> Self {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let dataverse = DATAVERSE.iter().any(|domain| {
            let name = host.strip_suffix(domain).unwrap_or_default();
            name.split('.').skip(1).any(|part| part.starts_with("crm"))
        });
        if is_workload(&host, cloud) {
            Self::Workload
        } else if Cloud::known()
            .iter()
            .chain([cloud])
            .any(|cloud| is_workload(&host, cloud) || is_root(&host, cloud.login_url()))
            || SIGNED_HOSTS.contains(&&*host)
            || dataverse
        {
            Self::Microsoft
        } else {
            Self::Other
        }
    }

    /// True if its own answers can be told from those of a box on the way.
    #[must_use]
    pub const fn has_signs(self) -> bool {
        matches!(self, Self::Workload | Self::Microsoft)
    }
}

/// Graph, SharePoint or Exchange of this cloud. One whose roots were configured
/// may be any of the others by another name.
fn is_workload(host: &str, cloud: &Cloud) -> bool {
    is_root(host, cloud.graph_url())
        || is_sharepoint(host, cloud)
        || is_exchange(host, cloud)
        || (matches!(cloud, Cloud::Custom { .. })
            && Cloud::known().iter().any(|known| is_workload(host, known)))
}

/// `root` is a URL.
pub(super) fn is_root(host: &str, root: &str) -> bool {
    let root = Url::parse(root).ok();
    root.is_some_and(|root| root.host_str() == Some(host))
}

pub(super) fn is_sharepoint(host: &str, cloud: &Cloud) -> bool {
    let mut suffixes = cloud.sharepoint_suffixes().iter();
    suffixes.any(|suffix| host.ends_with(suffix))
}

pub(super) fn is_exchange(host: &str, cloud: &Cloud) -> bool {
    cloud.exchange_hosts().contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_at_a_host() {
        use Provider::{Microsoft, Other, Workload};
        let custom = Cloud::Custom {
            login_url: "https://login.contoso.com".into(),
            graph_url: "https://graph.contoso.com:8443".into(),
        };
        for (cloud, host, wanted) in [
            (Cloud::Global, "graph.microsoft.com", Workload),
            (Cloud::Global, "Graph.Microsoft.com.", Workload),
            (Cloud::Global, "contoso.sharepoint.com", Workload),
            (Cloud::Global, "outlook.office365.com", Workload),
            (Cloud::Global, "outlook.office.com", Workload),
            (Cloud::Global, "graph.microsoft.us", Microsoft),
            (Cloud::GccHigh, "graph.microsoft.us", Workload),
            (Cloud::GccHigh, "contoso.sharepoint.us", Workload),
            (Cloud::GccHigh, "outlook.office365.us", Workload),
            (Cloud::GccHigh, "graph.microsoft.com", Microsoft),
            (Cloud::Dod, "dod-graph.microsoft.us", Workload),
            (Cloud::Dod, "contoso.dps.mil", Workload),
            (Cloud::Dod, "contoso.sharepoint-mil.us", Workload),
            (Cloud::Dod, "outlook-dod.office365.us", Workload),
            (Cloud::China, "microsoftgraph.chinacloudapi.cn", Workload),
            (Cloud::China, "contoso.sharepoint.cn", Workload),
            (Cloud::China, "partner.outlook.cn", Workload),
            (custom.clone(), "graph.contoso.com", Workload),
            (custom.clone(), "contoso.dps.mil", Workload),
            (custom.clone(), "login.contoso.com", Microsoft),
            (custom, "api.contoso.com", Other),
            (Cloud::Global, "login.microsoftonline.com", Microsoft),
            (Cloud::Global, "management.azure.com", Microsoft),
            (Cloud::Global, "dev.azure.com", Microsoft),
            (Cloud::Global, "api.powerbi.com", Microsoft),
            (Cloud::Global, "contoso.crm4.dynamics.com", Microsoft),
            (Cloud::Global, "contoso.api.crm.dynamics.com", Microsoft),
            // Anybody's own service may run there.
            (Cloud::Global, "contoso.azurewebsites.net", Other),
            (
                Cloud::Global,
                "contoso.westeurope.cloudapp.azure.com",
                Other,
            ),
            (Cloud::Global, "crm.dynamics.com", Other),
            (Cloud::Global, "api.contoso.com", Other),
            (Cloud::Global, "sharepoint.com.contoso.com", Other),
            (Cloud::Global, "graph.microsoft.com.contoso.com", Other),
            (Cloud::Global, "", Other),
        ] {
            assert_eq!(Provider::of_host(host, &cloud), wanted, "{cloud:?} {host}");
        }
    }
}
