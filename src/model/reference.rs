//! Addresses outside Microsoft that tell "our network" from "Microsoft".

use std::net::IpAddr;
use std::sync::Arc;

use url::{Host, Url};

use super::microsoft::{is_microsofts, is_microsofts_address};
use super::quoted;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The address without its query: the label value.
    pub name: Arc<str>,
    /// What is asked.
    pub target: ReferenceTarget,
}

/// What a reference is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceTarget {
    /// An answer by https, of any status.
    Https(Url),
    /// A connection.
    Tcp {
        /// A name or an address, as it stands in a URL.
        host: Arc<str>,
        /// Its port.
        port: u16,
    },
}

impl Reference {
    /// Reads `https://…` or `tcp://HOST:PORT`.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence; it quotes nothing that
    /// may be a secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let tcp = scheme.eq_ignore_ascii_case("tcp");
        if !tcp && !scheme.eq_ignore_ascii_case("https") {
            return Err(
                "must begin with \"https://\" or \"tcp://\", as \"tcp://9.9.9.9:53\"".to_owned(),
            );
        }
        // The rules for hosts of https, for both.
        let url = Url::parse(&format!("https://{rest}"))
            .map_err(|error| format!("is no address: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has a user name or a password in it; a reference needs none".to_owned());
        }
        let host = url.host().ok_or("has no host")?;
        let inside = match &host {
            Host::Domain(name) => is_microsofts(name),
            Host::Ipv4(address) => is_microsofts_address(IpAddr::V4(*address)),
            Host::Ipv6(address) => is_microsofts_address(IpAddr::V6(*address)),
        };
        if inside {
            return Err(format!(
                "names {}, which is Microsoft's own: a reference tells whether the way out works when Microsoft does not",
                quoted(&host.to_string())
            ));
        }
        if tcp {
            return Self::tcp(rest, &url, &host);
        }
        let mut shown = url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        let name = shown.as_str();
        // A root needs no slash.
        let name = if shown.path() == "/" {
            name.trim_end_matches('/')
        } else {
            name
        };
        Ok(Self {
            name: name.into(),
            target: ReferenceTarget::Https(url),
        })
    }

    fn tcp(rest: &str, url: &Url, host: &Host<&str>) -> Result<Self, String> {
        let more = rest
            .find(['/', '?', '#'])
            .and_then(|place| rest.get(place..));
        if more.is_some_and(|more| more != "/") {
            return Err("is only a host and a port by tcp, as \"tcp://9.9.9.9:53\"".to_owned());
        }
        let named = rest.trim_end_matches('/').ends_with(":443");
        let port = match url.port() {
            Some(port) => port,
            // The port that https does not write.
            None if named => 443,
            None => return Err("needs a port by tcp, as \"tcp://9.9.9.9:53\"".to_owned()),
        };
        Ok(Self {
            name: format!("tcp://{host}:{port}").into(),
            target: ReferenceTarget::Tcp {
                host: host.to_string().into(),
                port,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("https://www.contoso.com", Ok("https://www.contoso.com")),
            ("https://www.contoso.com/", Ok("https://www.contoso.com")),
            (
                "HTTPS://WWW.contoso.com:8443/health?key=canary#x",
                Ok("https://www.contoso.com:8443/health"),
            ),
            ("tcp://9.9.9.9:53", Ok("tcp://9.9.9.9:53")),
            ("TCP://Contoso.com:443", Ok("tcp://contoso.com:443")),
            ("tcp://contoso.com:25/", Ok("tcp://contoso.com:25")),
            ("tcp://[2620:fe::fe]:53", Ok("tcp://[2620:fe::fe]:53")),
            ("http://contoso.com", Err("must begin with")),
            ("contoso.com", Err("must begin with")),
            ("", Err("must begin with")),
            ("icmp://9.9.9.9", Err("must begin with")),
            ("https://", Err("is no address")),
            ("https://con toso.com", Err("is no address")),
            ("https://canary:canary@contoso.com", Err("has a user name")),
            ("tcp://canary@contoso.com:25", Err("has a user name")),
            ("tcp://contoso.com", Err("needs a port")),
            ("tcp://[::1]", Err("needs a port")),
            ("tcp://contoso.com:25/x", Err("is only a host and a port")),
            (
                "tcp://contoso.com:25?canary",
                Err("is only a host and a port"),
            ),
            ("tcp://contoso.com:0x19", Err("is no address")),
            (
                "https://graph.microsoft.com",
                Err("names \"graph.microsoft.com\""),
            ),
            ("https://contoso.sharepoint.com./x", Err("names")),
            ("tcp://outlook.office365.com:443", Err("names")),
            ("tcp://52.112.0.1:443", Err("names \"52.112.0.1\"")),
            ("tcp://[2603:1026::1]:443", Err("names")),
        ] {
            let parsed = Reference::parse(text);
            match (&parsed, expected) {
                (Ok(reference), Ok(name)) => assert_eq!(&*reference.name, name),
                (Err(error), Err(words)) => {
                    assert!(error.starts_with(words), "{text}: {error}");
                    assert!(!error.contains("canary"), "{error}");
                }
                _ => panic!("{text}: {parsed:?}"),
            }
        }
        let parsed = Reference::parse("tcp://[2620:fe::fe]:53").unwrap();
        assert_eq!(
            parsed.target,
            ReferenceTarget::Tcp {
                host: "[2620:fe::fe]".into(),
                port: 53
            }
        );
    }
}
