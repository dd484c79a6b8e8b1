//! `NO_PROXY`: which hosts a proxy of the environment is not asked for. There
//! is no standard. What curl takes (its manual, `NO_PROXY` and
//! `CURLOPT_NOPROXY`) and what Go takes (`golang.org/x/net/http/httpproxy`,
//! `Config.NoProxy`) are both taken, for a list that one of them honours is
//! one that somebody has tried.

use std::net::IpAddr;

/// A list, read once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NoProxy {
    /// `*` is in it.
    all: bool,
    entries: Vec<Exempt>,
}

#[derive(Debug, PartialEq, Eq)]
struct Exempt {
    hosts: Hosts,
    /// Go alone knows it; any port without.
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Hosts {
    /// The addresses that begin with these bits.
    Network(IpAddr, u8),
    /// The hosts below a domain, and perhaps the one of its name.
    Domain { name: String, itself: bool },
}

impl NoProxy {
    /// Reads a list; what is no entry is passed over, as curl and Go do.
    pub(super) fn parse(list: &str) -> Self {
        // Go separates by commas only, curl by white space as well; no host
        // has any in it.
        let entries = list
            .split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|entry| !entry.is_empty());
        let mut read = Self::default();
        for entry in entries {
            if entry == "*" {
                read.all = true;
            } else {
                read.entries.extend(Exempt::parse(entry));
            }
        }
        read
    }

    /// Whether a request to this host and port goes without the proxy. This
    /// machine always does (Go: "localhost" and loopback addresses): a proxy
    /// elsewhere has another one.
    pub(super) fn has(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = unbracketed(&host).parse().ok();
        self.all
            || host == "localhost"
            || address.is_some_and(|address: IpAddr| address.to_canonical().is_loopback())
            || self
                .entries
                .iter()
                .any(|entry| entry.has(&host, address, port))
    }
}

impl Exempt {
    fn parse(entry: &str) -> Option<Self> {
        if let Some((address, bits)) = entry.split_once('/') {
            let address: IpAddr = unbracketed(address).parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
            return Some(Self {
                hosts: Hosts::Network(address, bits),
                port: None,
            });
        }
        let whole = |address: IpAddr| Hosts::Network(address, width(address));
        // Before the port: the last part of an IPv6 address looks like one.
        if let Ok(address) = unbracketed(entry).parse() {
            return Some(Self {
                hosts: whole(address),
                port: None,
            });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        if let Ok(address) = unbracketed(host).parse() {
            return Some(Self {
                hosts: whole(address),
                port,
            });
        }
        // curl takes a leading dot for the domain and its hosts.
        let (name, itself) = match host.strip_prefix("*.") {
            Some(domain) => (domain, false),
            None => (host.strip_prefix('.').unwrap_or(host), true),
        };
        let name = name.trim_end_matches('.');
        // As it is in a request: in lower case and ASCII.
        let name = match url::Host::parse(name) {
            Ok(url::Host::Domain(name)) => name,
            _ => name.to_ascii_lowercase(),
        };
        (!name.is_empty()).then_some(Self {
            hosts: Hosts::Domain { name, itself },
            port,
        })
    }

    fn has(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        match &self.hosts {
            Hosts::Network(network, bits) => {
                address.is_some_and(|address| within(address, *network, *bits))
            }
            Hosts::Domain { name, itself } => match host.strip_suffix(name.as_str()) {
                Some("") => *itself,
                Some(below) => below.ends_with('.'),
                None => false,
            },
        }
    }
}

/// An IPv6 address without its brackets.
fn unbracketed(text: &str) -> &str {
    text.strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text)
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Whether both begin with the same bits. An IPv4 address is the same one
/// when it is written in IPv6.
fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let address = match network {
        IpAddr::V4(_) => address.to_canonical(),
        IpAddr::V6(_) => address,
    };
    address.is_ipv4() == network.is_ipv4()
        && (number(address) ^ number(network))
            .checked_shr(128 - u32::from(bits))
            .unwrap_or_default()
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// List, host, and who takes it: `c` for curl 7.88 and `g` for Go 1.19,
    /// as they were seen to; `m` for what is meant and neither takes.
    const TABLE: [(&str, &str, &str); 45] = [
        ("*", "graph.microsoft.com", "cg"),
        ("contoso.com,*", "graph.microsoft.com", "g"),
        ("*.microsoft.com", "graph.microsoft.com", "g"),
        ("*.microsoft.com", "microsoft.com", ""),
        ("*.microsoft.com:443", "graph.microsoft.com", "g"),
        (".microsoft.com", "graph.microsoft.com", "cg"),
        (".microsoft.com", "microsoft.com", "c"),
        ("microsoft.com", "graph.microsoft.com", "cg"),
        ("microsoft.com", "microsoft.com", "cg"),
        ("microsoft.com", "notmicrosoft.com", ""),
        ("Microsoft.COM", "graph.microsoft.com", "cg"),
        ("microsoft.com.", "graph.microsoft.com", "c"),
        ("microsoft.com", "graph.microsoft.com.", "c"),
        (" a, microsoft.com", "graph.microsoft.com", "cg"),
        ("a microsoft.com b", "graph.microsoft.com", "c"),
        ("a\tmicrosoft.com\n", "graph.microsoft.com", "c"),
        ("microsoft.com:443", "graph.microsoft.com", "g"),
        ("microsoft.com:8443", "graph.microsoft.com", ""),
        ("graph.microsoft.com", "microsoft.com", ""),
        ("10.0.0.0/8", "10.1.2.3", "cg"),
        ("10.9.9.9/8", "10.1.2.3", "cg"),
        ("10.1.2.3", "10.1.2.3", "cg"),
        ("10.1.2.3:443", "10.1.2.3", "g"),
        ("10.1.2.3:8443", "10.1.2.3", ""),
        ("10.0.0.0/8", "11.1.2.3", ""),
        ("10.0.0.0/33", "10.1.2.3", ""),
        ("0.0.0.0/0", "10.1.2.3", "g"),
        ("0.0.0.0/0", "[fd00::1]", ""),
        ("0.0.0.0/0", "graph.microsoft.com", ""),
        ("10.", "10.1.2.3", ""),
        ("[fd00::1]:443", "[fd00::1]", "g"),
        ("[fd00::1]:8443", "[fd00::1]", ""),
        ("fd00::/8", "[fd00::1]", "g"),
        ("FD00::1", "[fd00::1]", "cg"),
        ("fd00:0::1", "[fd00::1]", "g"),
        ("[fd00::1]", "[fd00::1]", "m"),
        ("", "localhost", "g"),
        ("", "127.0.0.1", "g"),
        ("", "127.9.9.9", "g"),
        ("", "[::1]", "g"),
        ("", "localhost.contoso.com", ""),
        ("", "graph.microsoft.com", ""),
        ("https://graph.microsoft.com", "graph.microsoft.com", ""),
        (":443", "graph.microsoft.com", ""),
        ("bücher.contoso.com", "xn--bcher-kva.contoso.com", "g"),
    ];

    #[test]
    fn what_curl_or_go_take() {
        for (list, host, by) in TABLE {
            let exempt = NoProxy::parse(list).has(host, 443);
            assert_eq!(exempt, !by.is_empty(), "{list:?} {host}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(list: String, host: String, port: u16) {
            _ = NoProxy::parse(&list).has(&host, port);
        }

        #[test]
        fn networks_are_prefixes(address: u32, network: u32, bits in 0_u8..=32) {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            proptest::prop_assert_eq!(
                within(IpAddr::V4(address.into()), IpAddr::V4(network.into()), bits),
                address & mask == network & mask
            );
        }
    }
}
