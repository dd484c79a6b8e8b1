//! The proxy that the environment names, as curl reads it: `https_proxy` and
//! `all_proxy`, the lower case before the upper one, an empty one as if it
//! were not there; hosts of `no_proxy` go without.
//!
//! What cannot be a proxy is an error that names its variable, never passed
//! over: who sets one means that traffic goes that way. No message holds the
//! value, which may have a password in it.

use std::ffi::OsString;

use url::Url;

use super::NetworkError;
use super::no_proxy::NoProxy;
use super::proxy::ProxyServer;

/// In this order, by curl's manual ("Environment"). `http_proxy` is for http,
/// by which nothing is sent that a proxy could see.
const FOR_HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXEMPT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// What the environment says.
pub(super) struct ProxyEnvironment {
    /// For https.
    proxy: Option<Named>,
    exempt: NoProxy,
}

struct Named {
    variable: &'static str,
    /// Not an error before it is asked: a shell that has a SOCKS proxy for
    /// everything may well exempt what we talk to.
    server: Result<ProxyServer, UnknownScheme>,
}

/// A proxy of a kind that we do not speak to.
struct UnknownScheme(String);

impl ProxyEnvironment {
    /// Reads the variables.
    ///
    /// # Errors
    /// When one of them holds what can be no proxy, or no list of hosts.
    pub(super) fn read(var: impl Fn(&str) -> Option<OsString>) -> Result<Self, NetworkError> {
        let proxy = first(&FOR_HTTPS, &var)?
            .map(|(variable, value)| {
                let server = server(&value).map_err(|problem| problem.of(variable))?;
                Ok::<_, NetworkError>(Named { variable, server })
            })
            .transpose()?;
        let exempt = match first(&EXEMPT, &var)? {
            Some((variable, value)) if value.contains(is_quote) => {
                return Err(VariableProblem::QUOTES.of(variable));
            }
            Some((_, value)) => NoProxy::parse(&value),
            None => NoProxy::default(),
        };
        Ok(Self { proxy, exempt })
    }

    /// True if a proxy is named at all.
    pub(super) const fn names_one(&self) -> bool {
        self.proxy.is_some()
    }

    /// Whether this host and port go without.
    pub(super) fn exempts(&self, host: &str, port: u16) -> bool {
        self.exempt.has(host, port)
    }

    /// The proxy, or why it cannot be asked.
    pub(super) fn proxy(&self) -> Result<Option<&ProxyServer>, String> {
        match &self.proxy {
            None => Ok(None),
            Some(Named {
                server: Ok(server), ..
            }) => Ok(Some(server)),
            Some(Named {
                variable,
                server: Err(UnknownScheme(scheme)),
            }) => Err(format!(
                "{variable} in the environment names a proxy by {scheme}; only http proxies are \
                 supported"
            )),
        }
    }
}

/// The first that holds anything, without white space around it.
fn first(
    names: &[&'static str],
    var: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(&'static str, String)>, NetworkError> {
    for &name in names {
        let Some(value) = var(name) else { continue };
        let value = value
            .into_string()
            .map_err(|_| VariableProblem("is no text").of(name))?;
        let value = value.trim();
        if !value.is_empty() {
            return Ok(Some((name, value.to_owned())));
        }
    }
    Ok(None)
}

/// What is wrong with a value.
struct VariableProblem(&'static str);

impl VariableProblem {
    const QUOTES: Self = Self(
        "has quotation marks in it, which belong to the value here (an --env-file and a unit's \
         environment keep what a shell takes away): leave them out",
    );

    const fn of(self, variable: &'static str) -> NetworkError {
        NetworkError::ProxyVariable {
            variable,
            problem: self.0,
        }
    }
}

const fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '`' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}'
    )
}

fn server(value: &str) -> Result<Result<ProxyServer, UnknownScheme>, VariableProblem> {
    // A password may hold one inside.
    if value.starts_with(is_quote) || value.ends_with(is_quote) {
        return Err(VariableProblem::QUOTES);
    }
    if value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(VariableProblem("has a space or a control character in it"));
    }
    let no_url =
        VariableProblem("is no address of a proxy such as \"http://proxy.contoso.com:3128\"");
    let url = match value.split_once("://") {
        Some((scheme, _)) if !scheme.eq_ignore_ascii_case("http") => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
            return if scheme.is_empty() || !scheme.chars().all(plain) {
                Err(no_url)
            } else {
                Ok(Err(UnknownScheme(scheme.to_ascii_lowercase())))
            };
        }
        Some(_) => Url::parse(value),
        // Both curl and Go take it for http.
        None => Url::parse(&format!("http://{value}")),
    };
    // A path is that of a script that chooses a proxy, or a slash too few.
    let ends = |url: &Url| url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    url.ok()
        .filter(|url| url.port() != Some(0) && ends(url))
        .and_then(|url| ProxyServer::from_url(&url))
        .map(Ok)
        .ok_or(no_url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ProxyEnvironment, NetworkError> {
        ProxyEnvironment::read(|name| {
            let (_, value) = pairs.iter().find(|(key, _)| *key == name)?;
            Some((*value).into())
        })
    }

    fn proxy(pairs: &[(&str, &str)]) -> Result<Option<String>, String> {
        let read = read(pairs).map_err(|error| error.to_string())?;
        Ok(read.proxy()?.map(ProxyServer::name))
    }

    #[test]
    fn precedence_as_curl_documents_it() {
        const A: &str = "http://a:1";
        const B: &str = "http://b:2";
        for (pairs, expected) in [
            (&[][..], None),
            (&[("HTTPS_PROXY", A)], Some("a:1")),
            (&[("HTTPS_PROXY", A), ("https_proxy", B)], Some("b:2")),
            (&[("HTTPS_PROXY", A), ("https_proxy", "")], Some("a:1")),
            (&[("HTTPS_PROXY", A), ("https_proxy", " \n")], Some("a:1")),
            (&[("ALL_PROXY", A), ("https_proxy", B)], Some("b:2")),
            (&[("ALL_PROXY", A)], Some("a:1")),
            (&[("ALL_PROXY", A), ("all_proxy", B)], Some("b:2")),
            (&[("http_proxy", A), ("HTTP_PROXY", B)], None),
        ] {
            let found = proxy(pairs).unwrap();
            assert_eq!(found.as_deref(), expected, "{pairs:?}");
        }
    }

    #[test]
    fn values() {
        for (value, expected) in [
            ("http://proxy.contoso.com:3128", "proxy.contoso.com:3128"),
            ("http://proxy.contoso.com:3128/", "proxy.contoso.com:3128"),
            ("HTTP://proxy.contoso.com:3128", "proxy.contoso.com:3128"),
            ("proxy.contoso.com:3128", "proxy.contoso.com:3128"),
            (" http://proxy.contoso.com:3128\n", "proxy.contoso.com:3128"),
            ("http://proxy.contoso.com", "proxy.contoso.com:80"),
            ("127.0.0.1:3128", "127.0.0.1:3128"),
            ("http://[::1]:3128", "[::1]:3128"),
            (
                "http://user:it's@proxy.contoso.com:1",
                "proxy.contoso.com:1",
            ),
        ] {
            let found = proxy(&[("HTTPS_PROXY", value)]);
            assert_eq!(found.unwrap().as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_an_error_that_names_its_variable() {
        for (value, says) in [
            ("\"http://127.0.0.1:3128\"", "quotation marks"),
            ("'http://127.0.0.1:3128'", "quotation marks"),
            ("\"http://127.0.0.1:3128", "quotation marks"),
            ("\u{201c}http://127.0.0.1:3128\u{201d}", "quotation marks"),
            ("http://a:canary@127.0.0.1:3128 x", "a space"),
            ("http://", "no address"),
            ("http://a:canary@:3128", "no address"),
            ("http://proxy:canary", "no address"),
            ("http://proxy:0", "no address"),
            ("://proxy", "no address"),
            ("http:/canary", "no address"),
            ("http://proxy.contoso.com/canary.pac", "no address"),
            ("https://proxy.contoso.com", "https; only http"),
            ("socks5h://a:canary@127.0.0.1:1080", "socks5h; only http"),
        ] {
            for variable in FOR_HTTPS {
                let error = proxy(&[(variable, value)]).unwrap_err();
                assert!(error.contains(says), "{value}: {error}");
                assert!(error.contains(variable), "{value}: {error}");
                assert!(!error.contains("canary"), "{value}: {error}");
            }
        }
        let error = proxy(&[("NO_PROXY", "\"microsoft.com\"")]).unwrap_err();
        assert!(error.contains("NO_PROXY"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt as _;
        let read = ProxyEnvironment::read(|name| {
            (name == "HTTPS_PROXY").then(|| OsString::from_vec(vec![0xff, b'x']))
        });
        let error = read.err().unwrap().to_string();
        assert!(error.contains("HTTPS_PROXY"), "{error}");
    }

    #[test]
    fn the_list_of_the_lower_case_comes_first() {
        let both = [("NO_PROXY", "a.com"), ("no_proxy", "b.com")];
        let read = read(&both).ok().unwrap();
        assert!(read.exempts("b.com", 443) && !read.exempts("a.com", 443));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(value: String) {
            _ = proxy(&[("HTTPS_PROXY", &value), ("NO_PROXY", &value)]);
        }
    }
}
