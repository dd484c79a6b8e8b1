//! Which hosts and addresses are Microsoft's own.
//!
//! The names are those of "Microsoft 365 URLs and IP address ranges" of each
//! cloud (endpoints.office.com, instances Worldwide, USGovDoD, USGovGCCHigh and
//! China) and of Azure's own services, each cut to the name that Microsoft
//! registered. The addresses are the same list's ranges; of IPv6 the blocks
//! that Microsoft was given as a whole.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names under which everything is Microsoft's, lower case.
const DOMAINS: &[&str] = &[
    "microsoft.com",
    "microsoft.us",
    "microsoft.cn",
    "cloud.microsoft",
    "static.microsoft",
    "usercontent.microsoft",
    "microsoft365.com",
    "microsoftonline.com",
    "microsoftonline.us",
    "microsoftonline.cn",
    "microsoftonline-p.com",
    "microsoftonline-p.net",
    "microsoftazuread-sso.com",
    "microsoftstream.com",
    "onmicrosoft.com",
    "onmicrosoft.us",
    "onmicrosoft.cn",
    "msauth.net",
    "msauthimages.net",
    "msftauth.net",
    "msftauthimages.net",
    "msftidentity.com",
    "msidentity.com",
    "office.com",
    "office.net",
    "office365.com",
    "office365.us",
    "office365.cn",
    "officeapps-mil.us",
    "sharepoint.com",
    "sharepoint.us",
    "sharepoint.cn",
    "sharepoint-mil.us",
    "sharepointonline.com",
    "dps.mil",
    "outlook.com",
    "outlook.cn",
    "hotmail.com",
    "live.com",
    "live.net",
    "onedrive.com",
    "onenote.com",
    "onenote.net",
    "skype.com",
    "lync.com",
    "lync.cn",
    "teams.cn",
    "svc.ms",
    "sfx.ms",
    "sway.com",
    "yammer.com",
    "msn.com",
    "bing.com",
    "msedge.net",
    "msocdn.com",
    "aspnetcdn.com",
    "azure.com",
    "azure.us",
    "azure.cn",
    "azure.net",
    "azure-api.net",
    "azureedge.net",
    "azurefd.net",
    "azurerms.com",
    "azurewebsites.net",
    "azurewebsites.us",
    "trafficmanager.net",
    "windows.net",
    "windows.com",
    "windowsazure.com",
    "chinacloudapi.cn",
    "chinacloudsites.cn",
    "usgovcloudapi.net",
    "usgovtrafficmanager.net",
    "visualstudio.com",
    "dynamics.com",
    "dynamics.cn",
    "appsplatform.us",
    "powerapps.com",
    "powerapps.us",
    "powerautomate.com",
    "powerbi.com",
    "powerbi.cn",
    "powerbigov.us",
    "powerplatform.com",
];

/// Ranges of addresses: the first, and how many bits all have in common.
const RANGES_V4: &[([u8; 4], u32)] = &[
    // Exchange Online
    ([13, 107, 6, 152], 31),
    ([13, 107, 18, 10], 31),
    ([13, 107, 128, 0], 22),
    ([23, 103, 160, 0], 20),
    ([40, 92, 0, 0], 15),
    ([40, 96, 0, 0], 13),
    ([40, 104, 0, 0], 15),
    ([40, 107, 0, 0], 16),
    ([52, 96, 0, 0], 14),
    ([52, 100, 0, 0], 14),
    ([104, 47, 0, 0], 17),
    ([131, 253, 33, 215], 32),
    ([132, 245, 0, 0], 16),
    ([150, 171, 32, 0], 22),
    ([204, 79, 197, 215], 32),
    // SharePoint Online and OneDrive
    ([13, 107, 136, 0], 22),
    ([40, 108, 128, 0], 17),
    ([52, 104, 0, 0], 14),
    ([104, 146, 128, 0], 17),
    ([150, 171, 40, 0], 22),
    // Teams
    ([13, 107, 64, 0], 18),
    ([52, 112, 0, 0], 14),
    ([52, 122, 0, 0], 15),
    // Entra, Office in the browser, and what all share
    ([13, 107, 6, 171], 32),
    ([13, 107, 18, 15], 32),
    ([13, 107, 140, 6], 32),
    ([20, 20, 32, 0], 19),
    ([20, 190, 128, 0], 18),
    ([20, 231, 128, 0], 19),
    ([40, 126, 0, 0], 18),
    ([52, 108, 0, 0], 14),
];
const RANGES_V6: &[([u16; 4], u32)] = &[
    ([0x2603, 0x1000, 0, 0], 24),
    ([0x2620, 0x01ec, 0, 0], 36),
    ([0x2a01, 0x0110, 0, 0], 31),
];

/// True for a host of one of Microsoft's clouds. `host` is a name without a
/// port, in any case, perhaps with the dot of the root at its end.
#[must_use]
pub fn is_microsofts(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    DOMAINS.iter().any(|domain| is_under(host, domain))
}

/// True for `domain` itself and every name in it.
fn is_under(host: &str, domain: &str) -> bool {
    let Some(begin) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    let (before, end) = host.as_bytes().split_at(begin);
    end.eq_ignore_ascii_case(domain.as_bytes()) && before.last().is_none_or(|last| *last == b'.')
}

/// True for an address that Microsoft 365 answers on.
#[must_use]
pub fn is_microsofts_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => RANGES_V4.iter().any(|(first, bits)| {
            let differs = address.to_bits() ^ Ipv4Addr::from(*first).to_bits();
            differs.leading_zeros() >= *bits
        }),
        IpAddr::V6(address) => RANGES_V6.iter().any(|([a, b, c, d], bits)| {
            let first = Ipv6Addr::new(*a, *b, *c, *d, 0, 0, 0, 0);
            (address.to_bits() ^ first.to_bits()).leading_zeros() >= *bits
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (host, expected) in [
            ("graph.microsoft.com", true),
            ("Contoso.SharePoint.com", true),
            ("contoso.sharepoint.com.", true),
            ("contoso.sharepoint-mil.us", true),
            ("dod-graph.microsoft.us", true),
            ("microsoftgraph.chinacloudapi.cn", true),
            ("login.partner.microsoftonline.cn", true),
            ("endpoints.office.com", true),
            ("teams.cloud.microsoft", true),
            ("office.com", true),
            ("api.contoso.com", false),
            ("notmicrosoft.com", false),
            ("microsoft.com.contoso.com", false),
            ("com", false),
            ("", false),
        ] {
            assert_eq!(is_microsofts(host), expected, "{host}");
        }
    }

    #[test]
    fn addresses() {
        for (address, expected) in [
            ("52.112.3.4", true),
            ("52.111.255.255", true),
            ("52.124.0.1", false),
            ("13.107.6.153", true),
            ("13.107.6.154", false),
            ("::ffff:40.96.1.1", true),
            ("2603:1026:3000::1", true),
            ("2603:1126::1", false),
            ("2620:1ec:8f8::8", true),
            ("2a01:111:f403::1", true),
            ("9.9.9.9", false),
            ("127.0.0.1", false),
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(is_microsofts_address(parsed), expected, "{address}");
        }
    }

    #[test]
    fn every_host_that_the_clouds_are_asked_at() {
        use crate::model::Cloud;
        for cloud in [Cloud::Global, Cloud::GccHigh, Cloud::Dod, Cloud::China] {
            for url in [cloud.login_url(), cloud.graph_url()] {
                assert!(is_microsofts(url.trim_start_matches("https://")), "{url}");
            }
            for suffix in cloud.sharepoint_suffixes() {
                assert!(is_microsofts(&format!("contoso{suffix}")), "{suffix}");
            }
        }
    }
}
