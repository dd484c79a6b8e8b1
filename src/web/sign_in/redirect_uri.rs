//! Where Entra sends the browser back to: `redirect_url` of the account, the
//! external URL, or this machine's `localhost`; never what a request names
//! beyond that.

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use url::Url;

use crate::entra::{CALLBACK_PATH, external_redirect};
use crate::model::Account;
use crate::web::external::{ExternalUrl, host_of};
use crate::web::visitor::is_loopback_host;

/// Where a sign-in with a browser ends, and where it therefore must begin: a
/// cookie belongs to one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RedirectUri {
    /// The redirect URI, exactly as it must be registered.
    pub(super) uri: Url,
    /// It was taken from the request's Host, which is a name of this machine.
    pub(super) local: bool,
}

impl RedirectUri {
    /// For a request that may act.
    ///
    /// # Errors
    ///
    /// Why there is no redirect URI that Entra would accept; for people.
    pub(super) fn of(
        account: &Account,
        external_url: Option<&ExternalUrl>,
        tls: bool,
        parts: &Parts,
    ) -> Result<Self, String> {
        if let Some(url) = account.person().and_then(|p| p.redirect_url.as_ref()) {
            return Ok(Self {
                uri: url.clone(),
                local: false,
            });
        }
        if let Some(external) = external_url {
            let uri = external_redirect(external.url()).ok_or_else(|| {
                format!(
                    "Microsoft takes addresses with https only, and --web.external-url is {}",
                    external.url().origin().ascii_serialization()
                )
            })?;
            return Ok(Self { uri, local: false });
        }
        let scheme = if tls { "https" } else { "http" };
        host_of(&parts.uri, &parts.headers)
            .filter(|host| is_loopback_host(host))
            .and_then(|host| Url::parse(&format!("{scheme}://{host}{CALLBACK_PATH}")).ok())
            .and_then(|mut url| {
                // The one name of this machine that the Entra admin center lets
                // people register; Entra takes any port of it.
                url.set_host(Some("localhost")).ok()?;
                Some(Self {
                    uri: url,
                    local: true,
                })
            })
            .ok_or_else(|| "the request does not say which port it came to".to_owned())
    }

    /// Whether cookies need a secure channel.
    pub(super) fn is_secure(&self) -> bool {
        self.uri.scheme() == "https"
    }

    /// The page that begins a sign-in, as the same host shows it.
    pub(super) fn page(&self, path: &str) -> Url {
        let mut url = self.uri.clone();
        let prefix = self.uri.path().strip_suffix(CALLBACK_PATH);
        url.set_path(&format!("{}{path}", prefix.unwrap_or_default()));
        url
    }

    /// Whether the request came to another name of this machine than the one
    /// that Entra knows.
    pub(super) fn is_elsewhere(&self, parts: &Parts) -> bool {
        let authority = self.uri.authority();
        self.local
            && host_of(&parts.uri, &parts.headers)
                .is_some_and(|host| !host.eq_ignore_ascii_case(authority))
    }

    /// Whether the page that sent a form is of the host to which the answer
    /// will come. What a browser does not say is not held against it.
    pub(super) fn is_origin_of(&self, headers: &HeaderMap) -> bool {
        let ours = self.uri.origin().ascii_serialization();
        headers
            .get(header::ORIGIN)
            .is_none_or(|origin| origin.as_bytes() == ours.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::model::Delegated;

    fn found(
        host: &str,
        redirect: Option<&str>,
        external: Option<&str>,
    ) -> Result<RedirectUri, String> {
        let person = Delegated {
            redirect_url: redirect.map(|url| Url::parse(url).unwrap()),
            ..fixtures::person("steve@contoso.com")
        };
        let account = fixtures::signs_in("contoso", person);
        let external: Option<ExternalUrl> = external.map(|url| url.parse().unwrap());
        let request = http::Request::builder().header("host", host).body(());
        let (parts, ()) = request.unwrap().into_parts();
        RedirectUri::of(&account, external.as_ref(), false, &parts)
    }

    fn redirect(host: &str, redirect: Option<&str>, external: Option<&str>) -> String {
        found(host, redirect, external).unwrap().uri.into()
    }

    #[test]
    fn the_configuration_then_the_external_url_then_this_machine() {
        let own = "https://m365mon.contoso.com/x/auth/callback";
        let external = Some("https://monitor.contoso.com/m365/");
        let host = "localhost:10365";
        assert_eq!(redirect(host, Some(own), external), own);
        assert_eq!(
            redirect(host, None, external),
            "https://monitor.contoso.com/m365/auth/callback"
        );
        for host in ["localhost:10365", "127.0.0.1:10365", "[::1]:10365"] {
            assert_eq!(
                redirect(host, None, None),
                "http://localhost:10365/auth/callback"
            );
        }
        assert_eq!(
            redirect("localhost", None, None),
            "http://localhost/auth/callback"
        );
        for host in ["evil.example", "", "evil.example:80", "a b"] {
            assert!(found(host, None, None).is_err(), "{host}");
        }
        assert!(found(host, None, Some("http://monitor.contoso.com")).is_err());
        assert!(found(host, None, Some("http://localhost:80/x")).is_ok());
    }

    #[test]
    fn where_it_begins() {
        let redirect = found("localhost", Some("https://a/x/auth/callback"), None).unwrap();
        assert_eq!(
            redirect.page("/accounts/a/sign-in").as_str(),
            "https://a/x/accounts/a/sign-in"
        );
        let mut headers = HeaderMap::new();
        assert!(redirect.is_origin_of(&headers));
        headers.insert(header::ORIGIN, "https://a".parse().unwrap());
        assert!(redirect.is_origin_of(&headers));
        headers.insert(header::ORIGIN, "http://localhost".parse().unwrap());
        assert!(!redirect.is_origin_of(&headers));
    }
}
