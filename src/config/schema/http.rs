//! How requests leave this machine: `http`, and the proxies of accounts and
//! resources.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::Url;

use crate::kinds::Key;
use crate::kinds::key::{FilePath, Form, KeyPart, Keys, Role, SecretText, Setting, Text, record};
use crate::model::{HttpSettings, ProxySetting, ResolveOverride, quoted};

/// What is sent unless the file says otherwise: traffic that Microsoft can
/// tell apart from the undecorated kind, which it slows down first.
const USER_AGENT: &str = concat!("NONISV|m365mon|m365mon/", env!("CARGO_PKG_VERSION"));
/// Longest `User-Agent`, in bytes.
const MOST_USER_AGENT: usize = 256;
/// Most entries of `http.resolve`.
const MOST_RESOLVE: usize = 1_000;

/// `http.proxy_url`.
pub(in crate::config) static PROXY_URL: Key<SecretText> = Key::optional(
    "proxy_url",
    SecretText {
        takes: "`http://` URL",
        check: is_proxy,
    },
    "`HTTPS_PROXY`, `NO_PROXY` of the environment",
    "A proxy for everything but managed identity, by CONNECT. May hold a user and a password; it is treated as a secret.",
);

const OWN_PROXY: SecretText = SecretText {
    takes: "`http://` URL, or `null` for none",
    check: is_proxy,
};
/// `accounts[].proxy_url`.
pub(in crate::config) static ACCOUNT_PROXY_URL: Key<SecretText> = Key::optional(
    "proxy_url",
    OWN_PROXY,
    "that of `http`",
    "The proxy for this account: its tokens and its resources.",
);
/// `resources[].proxy_url`.
pub(in crate::config) static RESOURCE_PROXY_URL: Key<SecretText> = Key::optional(
    "proxy_url",
    OWN_PROXY,
    "that of its account",
    "The proxy for this resource; its account's tokens go by the account's.",
);
/// `proxy_url_file` beside each of them.
pub(in crate::config) static PROXY_URL_FILE: Key<FilePath> = Key::optional(
    "proxy_url_file",
    FilePath::THEIRS,
    "",
    "Holds the URL in place of `proxy_url`. Read again on a reload.",
);

record!(
    /// `http`.
    pub(in crate::config) HTTP: HttpSettings, "http", "How requests leave this machine.",
    [&PROXY_URL, &PROXY_URL_FILE]
    {
        ca_file: Key::maybe(
            "ca_file",
            FilePath::THEIRS,
            "the system's",
            "PEM certificates that are trusted instead of the system's.",
        ),
        user_agent: Key::usually_told(
            "user_agent",
            Text { takes: "text", check: is_user_agent },
            (|| USER_AGENT.into(), "`NONISV\\|m365mon\\|m365mon/VERSION`"),
            "Sent with every request; Microsoft prefers decorated traffic.",
        ),
        resolve: Key::usually_told(
            "resolve",
            Resolve,
            (BTreeMap::new, "none"),
            "Connect there instead of asking DNS: `contoso.sharepoint.com: \"127.0.0.1:8445\"`. A port in \
             the URL wins over this one. Such a host is not looked for behind a proxy from the \
             environment; `proxy_url` still goes first, and is given the name.",
        ),
    }
    given { proxy: ProxySetting, own_proxies: Vec<Arc<ProxySetting>> }
);

fn is_proxy(text: &str) -> Result<(), &'static str> {
    let Ok(url) = Url::parse(text) else {
        return Err("must be a URL such as \"http://proxy.contoso.com:3128\"");
    };
    if url.scheme() != "http" {
        Err("must begin with \"http://\": the tunnel through the proxy is encrypted by itself")
    } else if url.host_str().is_none_or(str::is_empty) {
        Err("names no host")
    } else if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        Err("must end after the host and port")
    } else {
        Ok(())
    }
}

fn is_user_agent(text: &str) -> Result<(), String> {
    let visible = |b: u8| (b' '..=b'~').contains(&b);
    if text.len() > MOST_USER_AGENT {
        Err(format!(
            "is too long, at most {MOST_USER_AGENT} bytes are allowed"
        ))
    } else if !text.bytes().all(visible) || text.trim() != text {
        Err(format!(
            "must be plain ASCII without spaces around it, not {}",
            quoted(text)
        ))
    } else {
        Ok(())
    }
}

/// Hosts, each with where to connect to.
struct Resolve;

impl Form for Resolve {
    type Value = BTreeMap<Arc<str>, ResolveOverride>;

    fn takes(&self) -> Cow<'static, str> {
        "mapping of host names to `address:port`".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Self::Value> {
        let like = "a mapping such as {contoso.sharepoint.com: \"127.0.0.1:8445\"}";
        let pairs = keys.pairs(key, like)?;
        if pairs.len() > MOST_RESOLVE {
            let message = format!("too many hosts, at most {MOST_RESOLVE} are allowed");
            keys.refuse(key, message);
            return None;
        }
        let mut map = BTreeMap::new();
        for pair in pairs {
            let (name, item) = (KeyPart::Name(pair.number), KeyPart::Item(pair.number));
            let host = quoted(pair.name);
            if !is_host_name(pair.name) {
                let message =
                    format!("{host} is not a host name such as \"contoso.sharepoint.com\"");
                keys.refuse_part(key, name, message);
                continue;
            }
            let address = pair.text.parse::<SocketAddr>().ok();
            let Some(address) = address.filter(|address| address.port() != 0) else {
                let meant = match pair.text.parse::<IpAddr>() {
                    Ok(ip) => format!(", did you mean \"{}\"?", SocketAddr::new(ip, 443)),
                    Err(_) => String::new(),
                };
                let text = quoted(pair.text);
                let message = format!(
                    "{host} must be an address and a port such as \"127.0.0.1:8445\" or \"[::1]:8445\", not {text}{meant}"
                );
                keys.refuse_part(key, item, message);
                continue;
            };
            let lower: Arc<str> = pair.name.to_ascii_lowercase().into();
            let message = format!("host {} is given twice", quoted(&lower));
            if map.insert(lower, ResolveOverride { address }).is_some() {
                keys.refuse_part(key, name, message);
            }
        }
        Some(map)
    }

    fn show(&self, value: &Self::Value) -> Setting {
        let shown = value
            .iter()
            .map(|(host, to)| (host.to_string(), Setting::Text(to.address.to_string())));
        Setting::Mapping(shown.collect())
    }

    fn role(&self) -> Role {
        Role::Names
    }
}

fn is_host_name(text: &str) -> bool {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}
