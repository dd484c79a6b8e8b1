//! Whether a token is what it was asked to be: for the service that is going to
//! be shown it, by the `aud` that it carries (RFC 7519 section 4.1.3).
//!
//! Entra writes the name of the API there as it was asked for, or its GUID
//! (learn.microsoft.com, "Access token claims reference"); older tokens of
//! SharePoint and Exchange name the host and the tenant after the GUID.

use url::Url;

use super::audience::{MICROSOFT, plain, scheme_of};
use super::provider::{is_exchange, is_root, is_sharepoint};
use super::{Audience, Cloud};

const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const SHAREPOINT: &str = "00000003-0000-0ff1-ce00-000000000000";
const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

/// Where a token may go by its own word.
enum Home {
    /// Graph, of whatever cloud.
    Graph,
    /// Exchange, of whatever cloud.
    Exchange,
    /// SharePoint: this host of it, or whichever.
    SharePoint(Option<String>),
    /// One of these hosts.
    Hosts(&'static [&'static str]),
    /// The host in the name.
    Host(String),
    /// The name says nothing of a host.
    Untold,
}

impl Audience {
    /// False if a token that says `aud` of itself is another service's than this
    /// audience's: of another service of Microsoft's, by its name or its GUID, or of an
    /// `https://` name with another host. Names of one's own APIs say nothing of a
    /// host: they are taken.
    #[must_use]
    pub fn takes(&self, aud: &str, cloud: &Cloud) -> bool {
        if plain(aud) == plain(self.as_str()) {
            return true;
        }
        let host = without_port(self.host());
        match home_of(aud, cloud) {
            Home::Graph => is_graph(&host, cloud),
            Home::Exchange => known(|known| is_exchange(&host, known)),
            Home::SharePoint(named) => {
                // By what name it goes in a cloud of one's own is not known.
                let own = matches!(cloud, Cloud::Custom { .. }) && !is_graph(&host, cloud);
                (known(|known| is_sharepoint(&host, known)) || own)
                    && named.is_none_or(|named| named == host)
            }
            Home::Hosts(hosts) => hosts.contains(&&*host),
            Home::Host(named) => named == host,
            Home::Untold => true,
        }
    }
}

fn home_of(aud: &str, cloud: &Cloud) -> Home {
    let before_tenant = aud.split('@').next().unwrap_or_default();
    let name = plain(before_tenant);
    let host = without_port(name.split('/').next().unwrap_or_default());
    if host == GRAPH || is_graph(&host, cloud) {
        return Home::Graph;
    }
    if host == EXCHANGE || known(|known| is_exchange(&host, known)) {
        return Home::Exchange;
    }
    if host == SHAREPOINT {
        let named = before_tenant.rsplit('/').next().map(without_port);
        return Home::SharePoint(named.filter(|named| named.contains('.')));
    }
    if known(|known| is_sharepoint(&host, known)) {
        return Home::SharePoint(Some(host));
    }
    if let Some((_, hosts)) = MICROSOFT.iter().find(|(known, _)| *known == name) {
        return Home::Hosts(hosts);
    }
    if scheme_of(aud) == Some("https") {
        let url = Url::parse(aud).ok();
        let named = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        return Home::Host(without_port(named));
    }
    Home::Untold
}

fn known(is_it: impl Fn(&Cloud) -> bool) -> bool {
    Cloud::known().iter().any(is_it)
}

fn is_graph(host: &str, cloud: &Cloud) -> bool {
    is_root(host, cloud.graph_url()) || known(|known| is_root(host, known.graph_url()))
}

/// A host in lower case, without its port and the dot of the root.
fn without_port(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::BoundHosts;

    const TENANT: &str = "11111111-2222-3333-4444-555555555555";

    fn of(scope: &str, url: &str, cloud: &Cloud) -> Audience {
        let bound: BoundHosts = [
            ("api://contoso-health".into(), "api.contoso.com".into()),
            (TENANT.into(), "api.contoso.com".into()),
        ]
        .into();
        let url = Url::parse(url).unwrap();
        Audience::of_scope(scope, &url, cloud, &bound).unwrap().0
    }

    /// What Entra writes, in every form that is known.
    #[test]
    fn what_was_asked_for_is_taken() {
        let at = |host: &str| format!("{SHAREPOINT}/{host}@{TENANT}");
        for cloud in Cloud::known() {
            let graph = Audience::graph(cloud);
            for aud in [
                GRAPH.to_owned(),
                GRAPH.to_ascii_uppercase(),
                format!("spn:{GRAPH}"),
                cloud.graph_url().to_owned(),
                format!("{}/", cloud.graph_url()),
                format!("{}//", cloud.graph_url()),
            ] {
                assert!(graph.takes(&aud, cloud), "{cloud:?} {aud}");
            }
            for suffix in cloud.sharepoint_suffixes() {
                let host = format!("contoso{suffix}");
                let site = Audience::sharepoint(&host);
                for aud in [
                    SHAREPOINT.to_owned(),
                    at(&host),
                    at(&host.to_ascii_uppercase()),
                    format!("{SHAREPOINT}@{TENANT}"),
                    format!("https://{host}"),
                    format!("https://{host}/"),
                ] {
                    assert!(site.takes(&aud, cloud), "{cloud:?} {aud}");
                }
            }
            for host in cloud.exchange_hosts() {
                let scope = format!("https://{host}/.default");
                let exchange = of(&scope, &format!("https://{host}/api"), cloud);
                for aud in [
                    EXCHANGE.to_owned(),
                    format!("{EXCHANGE}/{host}@{TENANT}"),
                    format!("https://{host}"),
                    format!("https://{host}/"),
                ] {
                    assert!(exchange.takes(&aud, cloud), "{cloud:?} {aud}");
                }
            }
        }
        let custom = Cloud::Custom {
            login_url: "https://localhost:8443".into(),
            graph_url: "https://localhost:8443".into(),
        };
        let (graph, site) = (
            Audience::graph(&custom),
            Audience::sharepoint("sites.contoso.com"),
        );
        for aud in [GRAPH, "https://localhost:8443", "https://localhost:8443/"] {
            assert!(graph.takes(aud, &custom), "{aud}");
        }
        for aud in [SHAREPOINT, "https://sites.contoso.com"] {
            assert!(site.takes(aud, &custom), "{aud}");
        }
        let cloud = Cloud::Global;
        for (scope, url, auds) in [
            (
                "https://management.core.windows.net//.default",
                "https://management.azure.com/x",
                &[
                    "https://management.core.windows.net/",
                    "https://management.azure.com",
                    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
                ][..],
            ),
            (
                "https://analysis.windows.net/powerbi/api/.default",
                "https://api.powerbi.com/v1.0",
                &[
                    "https://analysis.windows.net/powerbi/api",
                    "https://analysis.windows.net/powerbi/api/",
                    "00000009-0000-0000-c000-000000000000",
                ],
            ),
            (
                "499b84ac-1321-427f-aa17-267ca6975798/.default",
                "https://dev.azure.com/contoso",
                &["499b84ac-1321-427f-aa17-267ca6975798"],
            ),
            (
                "https://contoso.crm4.dynamics.com/.default",
                "https://contoso.crm4.dynamics.com/api",
                &[
                    "https://contoso.crm4.dynamics.com",
                    "https://contoso.crm4.dynamics.com/",
                    "00000007-0000-0000-c000-000000000000",
                ],
            ),
            (
                "api://contoso-health/.default",
                "https://api.contoso.com/health",
                &[
                    "api://contoso-health",
                    TENANT,
                    "api://contoso.azurewebsites.net/app",
                    "https://api.contoso.com",
                    "https://api.contoso.com/health",
                    "contoso health",
                    "",
                ],
            ),
        ] {
            for aud in auds {
                let audience = of(scope, url, &cloud);
                assert!(audience.takes(aud, &cloud), "{scope} {aud}");
            }
        }
    }

    #[test]
    fn another_services_is_not() {
        let cloud = Cloud::Global;
        let own = of(
            "api://contoso-health/.default",
            "https://api.contoso.com/health",
            &cloud,
        );
        let site = Audience::sharepoint("contoso.sharepoint.com");
        let graph = Audience::graph(&cloud);
        let exchange = of(
            "https://outlook.office365.com/.default",
            "https://outlook.office365.com/api",
            &cloud,
        );
        let others = [
            GRAPH,
            "api://00000003-0000-0000-c000-000000000000/",
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/",
            "HTTPS://Graph.Microsoft.com:443/",
            "https://graph.microsoft.us",
            "graph.microsoft.com",
            SHAREPOINT,
            "00000003-0000-0ff1-ce00-000000000000/contoso.sharepoint.com@11111111-2222-3333-4444-555555555555",
            "https://contoso.sharepoint.com",
            EXCHANGE,
            "00000002-0000-0ff1-ce00-000000000000/outlook.office365.com@11111111-2222-3333-4444-555555555555",
            "https://outlook.office365.com",
            "https://outlook.office.com/",
            "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            "https://management.azure.com",
            "https://management.core.windows.net/",
            "00000002-0000-0000-c000-000000000000",
            "https://graph.windows.net",
            "https://vault.azure.net",
            "https://elsewhere.example",
        ];
        for aud in others {
            assert!(!own.takes(aud, &cloud), "{aud}");
        }
        let (of_graph, of_site, of_exchange) = (&others[..7], &others[7..10], &others[10..14]);
        for (audience, its) in [
            (&graph, of_graph),
            (&site, of_site),
            (&exchange, of_exchange),
        ] {
            for aud in others {
                assert_eq!(
                    audience.takes(aud, &cloud),
                    its.contains(&aud),
                    "{audience} {aud}"
                );
            }
        }
        for aud in [
            "https://contoso-my.sharepoint.com",
            "00000003-0000-0ff1-ce00-000000000000/contoso-my.sharepoint.com@11111111-2222-3333-4444-555555555555",
        ] {
            assert!(!site.takes(aud, &cloud), "{aud}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_token_says_of_itself(aud in "\\PC{0,60}|https://[a-z.:/@]{0,30}|[0-9a-f@/-]{30,60}") {
            let graph = Audience::graph(&Cloud::Global);
            _ = graph.takes(&aud, &Cloud::Global);
        }
    }
}
