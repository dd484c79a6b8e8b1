//! Where Entra may send a browser back to: what a registration must name.

use url::Url;

use crate::model::Account;

/// Of `m365mon login`, which listens on a port of the moment: Entra ignores
/// the port of `localhost` (RFC 8252 section 7.3; Microsoft's "Redirect URI
/// restrictions").
pub const LOOPBACK: &str = "http://localhost";
/// Of the exporter's own sign-in page.
pub const CALLBACK_PATH: &str = "/auth/callback";

/// The redirect URIs of a delegated account: those of `m365mon login`, of the
/// page on this machine, of the page under `external` (`--web.external-url`),
/// and the one that the configuration names.
#[must_use]
pub fn redirect_uris(account: &Account, external: Option<&Url>) -> Vec<String> {
    let Some(person) = account.person() else {
        return Vec::new();
    };
    let mut uris = vec![LOOPBACK.to_owned(), format!("{LOOPBACK}{CALLBACK_PATH}")];
    // Entra takes no other address without TLS (Microsoft's "Redirect URI
    // restrictions").
    let external = external.filter(|url| url.scheme() == "https").map(|url| {
        let base = url.as_str().trim_end_matches('/');
        format!("{base}{CALLBACK_PATH}")
    });
    let named = person.redirect_url.as_ref().map(ToString::to_string);
    for uri in external.into_iter().chain(named) {
        if !uris.contains(&uri) {
            uris.push(uri);
        }
    }
    uris
}
