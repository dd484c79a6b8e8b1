//! Where Entra may send a browser back to: what a registration must name.

use url::Url;

use crate::model::Account;

/// Of `m365mon login`, which listens on a port of the moment: Entra ignores
/// the port of `localhost` (RFC 8252 section 7.3; Microsoft's "Redirect URI
/// restrictions").
pub const LOOPBACK: &str = "http://localhost";
/// Of the exporter's own sign-in page.
pub const CALLBACK_PATH: &str = "/auth/callback";

/// The redirect URI of the sign-in page under `external`
/// (`--web.external-url`), its prefix included; `None` where Entra takes no such
/// address: without TLS it takes this machine's alone (Microsoft's "Redirect URI
/// restrictions").
#[must_use]
pub fn external_redirect(external: &Url) -> Option<Url> {
    let is_local = matches!(external.host_str(), Some("localhost" | "127.0.0.1"));
    if external.scheme() != "https" && !is_local {
        return None;
    }
    let mut url = external.clone();
    let prefix = external.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}{CALLBACK_PATH}"));
    Some(url)
}

/// The redirect URIs of a delegated account: those of `m365mon login`, of the
/// page on this machine, of the page under `external`, and the one that the
/// configuration names.
#[must_use]
pub fn redirect_uris(account: &Account, external: Option<&Url>) -> Vec<String> {
    let Some(person) = account.person() else {
        return Vec::new();
    };
    let mut uris = vec![LOOPBACK.to_owned(), format!("{LOOPBACK}{CALLBACK_PATH}")];
    let external = external.and_then(external_redirect);
    for uri in external.iter().chain(&person.redirect_url) {
        if !uris.iter().any(|known| known == uri.as_str()) {
            uris.push(uri.to_string());
        }
    }
    uris
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_entra_takes() {
        let of = |url: &str| external_redirect(&url.parse().unwrap()).map(String::from);
        for (url, redirect) in [
            (
                "https://m.contoso.com",
                "https://m.contoso.com/auth/callback",
            ),
            (
                "https://m.contoso.com:8443/m365/",
                "https://m.contoso.com:8443/m365/auth/callback",
            ),
            (
                "http://localhost:10365/m365",
                "http://localhost:10365/m365/auth/callback",
            ),
        ] {
            assert_eq!(of(url).as_deref(), Some(redirect));
        }
        assert_eq!(of("http://m.contoso.com"), None);
    }
}
