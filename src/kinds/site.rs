//! What kinds share that ask for something in a SharePoint site: its address,
//! and the permissions that open sites.

use url::Url;

use super::key::Address;
use super::{Key, Keys, Permission, Wide};
use crate::model::{Cloud, quoted, quoted_url};

/// Folders and handlers inside of a site; an address that goes this far is one
/// of a page or file.
const INSIDE: [&str; 9] = [
    "_layouts",
    "_api",
    "_vti_bin",
    "sitepages",
    "lists",
    "shared documents",
    "documents",
    "forms",
    "pages",
];

/// The permission that opens only the sites which granted the application a role.
pub(super) const SELECTED: &str = "Sites.Selected";
/// Permissions that open every site for writing.
pub(super) const WRITING: [&str; 3] = [
    "Sites.ReadWrite.All",
    "Sites.Manage.All",
    "Sites.FullControl.All",
];

/// What opens every site to an application that reads.
pub(super) const EVERY_SITE: Wide = Wide {
    names: &["Sites.Read.All"],
    says: "opens every site of the tenant; Sites.Selected with the role read on each configured \
           one does",
    test: None,
};

/// `url`: the address of a site.
pub(super) const fn url_key(help: &'static str) -> Key<Address> {
    Key::required(
        "url",
        Address {
            takes: "`https://` URL",
            parse,
        },
        "the site, as \"https://contoso.sharepoint.com/sites/intranet\"",
        help,
    )
}

/// True if a person's token says `Sites.Selected` and nothing that opens all
/// sites.
pub(super) fn only_selected(permissions: &[Permission], held: Option<&[Box<str>]>) -> bool {
    let opens =
        |right: &str| right != SELECTED && permissions.iter().any(|one| one.is_met_by(right));
    held.is_some_and(|held| {
        held.iter().any(|right| &**right == SELECTED) && !held.iter().any(|right| opens(right))
    })
}

/// The address of a site, without a trailing slash.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let mut url = check(text)?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn check(text: &str) -> Result<Url, String> {
    let word = quoted_url(text);
    let Ok(url) = Url::parse(text) else {
        let meant = format!("https://{text}");
        let meant = Url::parse(&meant)
            .ok()
            .filter(|url| url.host_str().is_some_and(|host| host.contains('.')))
            .map_or_else(String::new, |_| {
                format!(", did you mean {}?", quoted_url(&meant))
            });
        return Err(format!(
            "must be an address such as \"https://contoso.sharepoint.com/sites/intranet\", not {word}{meant}"
        ));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user or a password in it (not shown)".to_owned());
    }
    if url.scheme() == "http" {
        let meant = text.replacen("http", "https", 1);
        return Err(format!(
            "must begin with https, for an access token is sent there, not {word}, did you mean {}?",
            quoted_url(&meant)
        ));
    }
    if url.scheme() != "https" || url.host_str().is_none_or(str::is_empty) {
        return Err(format!(
            "must begin with \"https://\" and a host, not {word}"
        ));
    }
    if url.host_str().is_some_and(|host| host.ends_with('.')) {
        return Err(format!("has a dot after its host: {word}"));
    }
    let inside = url.path_segments().and_then(|mut segments| {
        segments.position(|segment| {
            let segment = segment.to_ascii_lowercase().replace("%20", " ");
            segment.contains(".aspx") || segment.starts_with(':') || INSIDE.contains(&&*segment)
        })
    });
    if url.query().is_some() || url.fragment().is_some() || inside.is_some() {
        let mut site = url.clone();
        site.set_query(None);
        site.set_fragment(None);
        if let Some(inside) = inside {
            let kept: Vec<&str> = site
                .path_segments()
                .map(|segments| segments.take(inside).collect())
                .unwrap_or_default();
            let path = kept.join("/");
            site.set_path(&path);
        }
        let site = site.as_str().trim_end_matches('/').to_owned();
        return Err(format!(
            "must be the address of a site, without a page, query or fragment, not {word}, did you mean {}?",
            quoted_url(&site)
        ));
    }
    if url.path().contains("//") {
        return Err(format!("has an empty part in its path: {word}"));
    }
    if text.len() > 400 {
        return Err("is longer than the 400 characters that SharePoint allows".to_owned());
    }
    Ok(url)
}

/// A host of another cloud answers, but takes no token of this one.
pub(super) fn warn_of_cloud(url: &Url, cloud: &Cloud, keys: &dyn Keys) {
    let suffixes = cloud.sharepoint_suffixes();
    let host = url.host_str().unwrap_or_default();
    if !suffixes.is_empty() && !suffixes.iter().any(|suffix| host.ends_with(suffix)) {
        keys.warn(
            "url",
            format!(
                "the host {} does not fit the cloud \"{}\", whose SharePoint hosts end in {}",
                quoted(host),
                cloud.as_str(),
                suffixes.join(" or ")
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites() {
        for good in [
            "https://contoso.sharepoint.com",
            "https://contoso.sharepoint.com/",
            "https://contoso.sharepoint.com/sites/intranet",
            "https://contoso.sharepoint.com/teams/R&D/sub",
            "https://contoso.sharepoint.com:8443/sites/a%20b",
            "https://contoso-my.sharepoint.com/personal/steve_contoso_com",
        ] {
            assert!(parse(good).is_ok(), "{good}: {:?}", parse(good));
        }
    }

    #[test]
    fn not_sites() {
        for (bad, says) in [
            (
                "contoso.sharepoint.com/sites/a",
                "did you mean \"https://contoso.sharepoint.com/sites/a\"?",
            ),
            (
                "http://contoso.sharepoint.com",
                "did you mean \"https://contoso.sharepoint.com\"?",
            ),
            (
                "ftp://contoso.sharepoint.com",
                "must begin with \"https://\"",
            ),
            ("https://a:b@contoso.sharepoint.com", "(not shown)"),
            (
                "https://contoso.sharepoint.com/sites/a/SitePages/Home.aspx",
                "did you mean \"https://contoso.sharepoint.com/sites/a\"?",
            ),
            (
                "https://contoso.sharepoint.com/sites/a?web=1",
                "did you mean \"https://contoso.sharepoint.com/sites/a\"?",
            ),
            (
                "https://contoso.sharepoint.com/:x:/r/sites/a",
                "did you mean \"https://contoso.sharepoint.com\"?",
            ),
            ("https://contoso.sharepoint.com//sites", "empty part"),
            ("", "must be an address"),
        ] {
            let message = parse(bad).unwrap_err();
            assert!(message.contains(says), "{bad}: {message}");
        }
    }
}
