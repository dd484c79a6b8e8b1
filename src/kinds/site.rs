//! What kinds share that ask for something in a SharePoint site: its address,
//! and the permissions that open sites.

use url::Url;

use super::key::Address;
use super::{Key, Keys, Permission, Wide};
use crate::model::{Cloud, quoted, quoted_url};

/// Where sites stand below their host. What follows one of these is the name of
/// a site, whatever it is: people call sites "Forms" and "Documents" too.
const MANAGED: [&str; 3] = ["sites", "teams", "personal"];
/// Folders that every site has. No subsite can have such a name, so that an
/// address that goes this far is one of a page or a file.
const INSIDE: [&str; 3] = ["lists", "sitepages", "shared documents"];

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
    let place = Place::of(&url);
    if url.query().is_some() || url.fragment().is_some() || place != Place::Site {
        let kept = match place {
            Place::Site => Some(url.path().to_owned()),
            Place::Below(site) => site,
        };
        let meant = kept.map_or_else(String::new, |path| {
            let mut site = url.clone();
            site.set_query(None);
            site.set_fragment(None);
            site.set_path(&path);
            let site = site.as_str().trim_end_matches('/');
            format!(", did you mean {}?", quoted_url(site))
        });
        return Err(format!(
            "must be the address of a site, without a page, query or fragment, not {word}{meant}"
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

/// What an address leads to.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// As far as can be told, a site.
    Site,
    /// Something below a site: the path of that site, only where it is sure.
    Below(Option<String>),
}

impl Place {
    fn of(url: &Url) -> Self {
        let segments: Vec<&str> = url
            .path_segments()
            .map(Iterator::collect)
            .unwrap_or_default();
        match segments.split_first() {
            Some((first, rest)) if first.starts_with(':') => Self::Below(shared(rest)),
            _ => match below(&segments) {
                None => Self::Site,
                Some(kept) => Self::Below(kept.map(|kept| segments[..kept].join("/"))),
            },
        }
    }
}

/// The site of a sharing link, by what follows `:w:`: only `r` is followed by
/// the path itself, the others by names that lead nowhere by themselves. The
/// root site is never meant by a link: there, the path begins with a library.
fn shared(rest: &[&str]) -> Option<String> {
    let (how, path) = rest.split_first()?;
    if *how != "r" || !path.first().is_some_and(|first| is_managed(first)) {
        return None;
    }
    let kept = match below(path) {
        Some(kept) => kept?,
        // A link to a library of an own name looks like one to a subsite.
        None if path.len() == 2 => 2,
        None => return None,
    };
    (kept >= 2).then(|| path[..kept].join("/"))
}

fn is_managed(segment: &str) -> bool {
    MANAGED.iter().any(|one| one.eq_ignore_ascii_case(segment))
}

/// Whether a path leads below a site, and how many of its segments are the
/// site's where that is sure.
fn below(segments: &[&str]) -> Option<Option<usize>> {
    let names: Vec<String> = segments
        .iter()
        .map(|segment| segment.to_ascii_lowercase().replace("%20", " "))
        .collect();
    // Names of site collections are no folders.
    let first = if names.first().is_some_and(|name| is_managed(name)) {
        2
    } else {
        0
    };
    let personal = names.first().is_some_and(|name| name == "personal");
    for (at, name) in names.iter().enumerate().skip(first) {
        let before = |back: usize| at.checked_sub(back).filter(|at| *at >= first);
        if name.starts_with('_') {
            // `_layouts`, `_api`, `_vti_bin`: at the top they belong to no site more than to
            // another (SharePoint's start page, OneDrive's).
            return Some((at > 0).then_some(at));
        }
        let library = INSIDE.contains(&&**name) || (personal && at == 2 && name == "documents");
        if library {
            return Some(Some(at));
        }
        if name.contains(".aspx") {
            let parent = before(1).map(|at| &*names[at]);
            return Some(match parent {
                None => Some(at),
                // Every library keeps its own pages in a folder of this name.
                Some("forms") => before(2),
                Some("pages") => before(1),
                Some(_) => None,
            });
        }
        if name.starts_with(':') {
            return Some(None);
        }
    }
    None
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
            "https://contoso.sharepoint.com/sites/Forms",
            "https://contoso.sharepoint.com/sites/forms/",
            "https://contoso.sharepoint.com/sites/Documents",
            "https://contoso.sharepoint.com/sites/LISTS",
            "https://contoso.sharepoint.com/sites/Pages/news",
            "https://contoso.sharepoint.com/Sites/SitePages",
            "https://contoso.sharepoint.com/teams/Forms",
            "https://contoso.sharepoint.com/TEAMS/documents",
            "https://contoso.sharepoint.com/teams/lists/Forms",
            "https://contoso.sharepoint.com/teams/Shared%20Documents",
            "https://contoso.sharepoint.com/sites/hr/Documents",
            "https://contoso.sharepoint.com/sites/hr/forms",
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
                "did you mean \"https://contoso.sharepoint.com/sites/a\"?",
            ),
            ("https://contoso.sharepoint.com//sites", "empty part"),
            ("", "must be an address"),
        ] {
            let message = parse(bad).unwrap_err();
            assert!(message.contains(says), "{bad}: {message}");
        }
    }

    /// Wrong addresses, with the site that is surely meant; the empty word where
    /// none is.
    #[test]
    fn a_suggestion_only_where_it_is_sure() {
        for (path, meant) in [
            ("/:f:/r/sites/hr/Shared%20Documents?csf=1", "/sites/hr"),
            (
                "/:f:/r/sites/hr/shared%20documents/a/b?csf=1&web=1",
                "/sites/hr",
            ),
            ("/:f:/r/teams/hr/Lists/x", "/teams/hr"),
            (
                "/:u:/r/sites/Forms/SitePages/Home.aspx?csf=1",
                "/sites/Forms",
            ),
            ("/:f:/r/sites/hr/sub/Shared%20Documents", "/sites/hr/sub"),
            (
                "/:w:/r/personal/steve_contoso_com/Documents/a.docx?d=w1",
                "/personal/steve_contoso_com",
            ),
            ("/:x:/r/sites/a", "/sites/a"),
            // A library or a subsite: who knows.
            ("/:f:/r/sites/hr/Projects/x?csf=1", ""),
            ("/:f:/r/sites/hr/Documents?csf=1", ""),
            // The root site is another one.
            ("/:f:/r/Shared%20Documents?csf=1", ""),
            ("/:f:/r/", ""),
            ("/:f:/s/hr/EaBcDeF?e=1", ""),
            ("/:f:/g/personal/steve_contoso_com/EaBcDeF", ""),
            ("/:f:", ""),
            ("/sites/hr/:f:/r", ""),
            ("/_layouts/15/sharepoint.aspx", ""),
            ("/sites/hr/_layouts/15/viewlsts.aspx", "/sites/hr"),
            ("/sites/hr/_api/web/lists", "/sites/hr"),
            ("/sites/hr/_vti_bin/x", "/sites/hr"),
            ("/sites/hr/_catalogs", "/sites/hr"),
            ("/sites/hr/default.aspx", "/sites/hr"),
            ("/sites/hr/Pages/home.aspx", "/sites/hr"),
            ("/sites/hr/Projects/Forms/AllItems.aspx", "/sites/hr"),
            ("/sites/hr/Projects/home.aspx", ""),
            ("/sites/Forms/Forms/AllItems.aspx", ""),
            (
                "/sites/Documents/Lists/Tasks/AllItems.aspx",
                "/sites/Documents",
            ),
            ("/sites/hr/LISTS/Tasks", "/sites/hr"),
            (
                "/personal/steve_contoso_com/Documents",
                "/personal/steve_contoso_com",
            ),
            ("/sites/hr#x", "/sites/hr"),
            ("/sites/hr?", "/sites/hr"),
        ] {
            let url = format!("https://contoso.sharepoint.com{path}");
            let message = parse(&url).unwrap_err();
            let suggested = message.split_once(", did you mean ").map(|(_, rest)| rest);
            let wanted = format!("\"https://contoso.sharepoint.com{meant}\"?");
            let wanted = (!meant.is_empty()).then_some(&*wanted);
            assert_eq!(suggested, wanted, "{path}: {message}");
        }
    }
}
