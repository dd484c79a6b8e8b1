//! What an access token is for, and the only host that it may be sent to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use url::Url;

use super::{Cloud, is_guid};

/// What an access token is for: a root URL (`https://graph.microsoft.com`,
/// `https://contoso.sharepoint.com`) or another name of an API (`api://…`), and
/// the host that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Audience {
    /// As Entra is asked for it.
    resource: Arc<str>,
    /// The host, and the port where one is named, where it is not the one in
    /// the resource's own name.
    host: Option<Arc<str>>,
}

/// Hosts of APIs that an account binds to audiences, by audience.
pub type BoundHosts = BTreeMap<Arc<str>, Arc<str>>;

/// Why a scope may not be asked for, or not for this host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongAudience {
    /// It has no `resource/name` in it, or characters that no scope has.
    #[error("is no scope such as \"https://graph.microsoft.com/.default\" or \"api://…/.default\"")]
    NoScope,
    /// The audience has a host of its own, another one.
    #[error("is for {0} only: its token would go to another host")]
    OtherHost(String),
    /// SharePoint has no host of its own by its id.
    #[error(
        "names SharePoint by its id; name the host: \"https://contoso.sharepoint.com/.default\""
    )]
    SharePointById,
    /// Nobody said which host it belongs to.
    #[error("has no host of its own; bind it in the account: audiences: {{\"{0}\": {1}}}")]
    Unbound(String, String),
}

/// Names of Microsoft's own APIs that have another host than their name says,
/// lower case, without scheme and slashes at the end, and the hosts that they
/// may be sent to (learn.microsoft.com: "Verify first-party Microsoft
/// applications", and the authentication pages of each service). `{graph}` is
/// Graph of the account's cloud, `{exchange}` Exchange of every cloud.
pub(super) const MICROSOFT: &[(&str, &[&str])] = &[
    ("00000003-0000-0000-c000-000000000000", &["{graph}"]),
    (
        "00000002-0000-0000-c000-000000000000",
        &["graph.windows.net"],
    ),
    ("00000003-0000-0ff1-ce00-000000000000", &[]),
    ("00000002-0000-0ff1-ce00-000000000000", &["{exchange}"]),
    ("outlook.office365.com", EXCHANGE),
    ("outlook.office.com", EXCHANGE),
    (
        "797f4846-ba00-4fd7-ba43-dac1f8f63013",
        &[
            "management.azure.com",
            "management.usgovcloudapi.net",
            "management.chinacloudapi.cn",
        ],
    ),
    ("management.core.windows.net", &["management.azure.com"]),
    (
        "management.core.usgovcloudapi.net",
        &["management.usgovcloudapi.net"],
    ),
    (
        "management.core.chinacloudapi.cn",
        &["management.chinacloudapi.cn"],
    ),
    ("499b84ac-1321-427f-aa17-267ca6975798", DEV_OPS),
    ("app.vssps.visualstudio.com", DEV_OPS),
    (
        "00000009-0000-0000-c000-000000000000",
        &[
            "api.powerbi.com",
            "api.fabric.microsoft.com",
            "api.powerbigov.us",
            "api.powerbi.cn",
        ],
    ),
    ("analysis.windows.net/powerbi/api", POWER_BI),
    (
        "analysis.usgovcloudapi.net/powerbi/api",
        &["api.powerbigov.us"],
    ),
    ("analysis.chinacloudapi.cn/powerbi/api", &["api.powerbi.cn"]),
    (
        "c5393580-f805-4401-95e8-94b7a6ef2fc2",
        &["manage.office.com"],
    ),
];
const EXCHANGE: &[&str] = Cloud::Global.exchange_hosts();
const DEV_OPS: &[&str] = &[
    "dev.azure.com",
    "app.vssps.visualstudio.com",
    "vssps.dev.azure.com",
];
const POWER_BI: &[&str] = &["api.powerbi.com", "api.fabric.microsoft.com"];

impl Audience {
    /// Graph of the given cloud.
    #[must_use]
    pub fn graph(cloud: &Cloud) -> Self {
        Self::own(cloud.graph_url().into())
    }

    /// One SharePoint host.
    #[must_use]
    pub fn sharepoint(host: &str) -> Self {
        Self::own(format!("https://{}", host.to_ascii_lowercase()).into())
    }

    /// The SharePoint host of an address, with its port where one is named.
    #[must_use]
    pub fn sharepoint_of(url: &Url) -> Self {
        Self::sharepoint(&place_of(url))
    }

    const fn own(resource: Arc<str>) -> Self {
        Self {
            resource,
            host: None,
        }
    }

    /// The audience of a scope whose token is to go to `url`, and the name of
    /// the permission in it (`.default`, or a delegated scope). A token goes
    /// only to the host that its audience belongs to: an audience of Microsoft,
    /// in whatever spelling, to Microsoft's hosts for it; an `https://` audience
    /// to its own host; any other to the host that the account binds it to.
    ///
    /// # Errors
    /// When it may not go there.
    pub fn of_scope<'s>(
        scope: &'s str,
        url: &Url,
        cloud: &Cloud,
        bound: &BoundHosts,
    ) -> Result<(Self, &'s str), WrongAudience> {
        let fits = |b: u8| b.is_ascii_graphic() && !b"%\\@\"'<>?#".contains(&b);
        let (resource, name) = scope.rsplit_once('/').ok_or(WrongAudience::NoScope)?;
        if resource.is_empty() || name.is_empty() || !scope.bytes().all(fits) || scope.len() > 400 {
            return Err(WrongAudience::NoScope);
        }
        let place = place_of(url);
        let plain = plain(resource);
        let hosts = match MICROSOFT.iter().find(|(known, _)| *known == plain) {
            Some((_, [])) => return Err(WrongAudience::SharePointById),
            Some((_, hosts)) => hosts.to_vec(),
            None => Vec::new(),
        };
        let graph = cloud.graph_url().trim_start_matches("https://");
        let hosts: Vec<&str> = hosts
            .into_iter()
            .flat_map(|host| match host {
                "{graph}" => vec![graph],
                "{exchange}" => Cloud::known()
                    .iter()
                    .flat_map(Cloud::exchange_hosts)
                    .copied()
                    .collect(),
                host => vec![host],
            })
            .collect();
        let hosts = match (hosts.is_empty(), scheme_of(resource)) {
            (false, _) => hosts.iter().map(|host| (*host).to_owned()).collect(),
            (true, Some("https")) => {
                let own = Url::parse(resource).map_err(|_| WrongAudience::NoScope)?;
                if own
                    .host_str()
                    .is_none_or(|host| host.is_empty() || host.ends_with('.'))
                {
                    return Err(WrongAudience::NoScope);
                }
                vec![place_of(&own)]
            }
            (true, Some("http")) => return Err(WrongAudience::NoScope),
            (true, _) => {
                let found = bound.iter().find(|(name, _)| self::plain(name) == plain);
                match found {
                    Some((_, host)) => vec![host.to_ascii_lowercase()],
                    None => {
                        return Err(WrongAudience::Unbound(resource.to_owned(), place));
                    }
                }
            }
        };
        if !hosts.contains(&place) {
            return Err(WrongAudience::OtherHost(hosts.join(" or ")));
        }
        let resource: Arc<str> = resource.into();
        let own = Self::own(resource.clone());
        let audience = if own.host() == place {
            own
        } else {
            Self {
                resource,
                host: Some(place.into()),
            }
        };
        Ok((audience, name))
    }

    /// True for a name of one of Microsoft's own APIs, in any spelling: nobody
    /// may bind it to a host.
    #[must_use]
    pub fn is_microsofts(name: &str) -> bool {
        let plain = plain(name);
        MICROSOFT.iter().any(|(known, _)| *known == plain)
    }

    /// As Entra is asked for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.resource
    }

    /// The host, and the port where one is named: the only place this token may go to.
    #[must_use]
    pub fn host(&self) -> &str {
        match &self.host {
            Some(host) => host,
            None => self
                .resource
                .strip_prefix("https://")
                .unwrap_or(&self.resource),
        }
    }

    /// The scope that asks for all that was granted to the application.
    #[must_use]
    pub fn default_scope(&self) -> String {
        format!("{}/.default", self.resource)
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)
    }
}

/// The host of an address, lower case, with its port where one is named.
#[must_use]
pub fn place_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
    .to_ascii_lowercase()
}

pub(super) fn scheme_of(resource: &str) -> Option<&'static str> {
    let lower = resource.to_ascii_lowercase();
    ["https", "http"]
        .into_iter()
        .find(|scheme| lower.starts_with(&format!("{scheme}:")))
}

/// A name of an API without the differences that Entra overlooks: case, the
/// scheme, slashes at the end, and a GUID by whatever prefix.
pub(super) fn plain(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let bare = ["https://", "http://", "api://", "spn:"]
        .iter()
        .fold(&*lower, |rest, prefix| {
            rest.strip_prefix(prefix).unwrap_or(rest)
        });
    let bare = bare.trim_end_matches('/');
    let host = bare.split('/').next().unwrap_or_default();
    let host = host
        .strip_suffix(":443")
        .unwrap_or(host)
        .trim_end_matches('.');
    if is_guid(host) {
        return host.to_owned();
    }
    match bare.split_once('/') {
        Some((_, path)) => format!("{host}/{path}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(scope: &str, url: &str) -> Result<(Audience, String), WrongAudience> {
        let bound: BoundHosts = [("api://contoso-health".into(), "api.contoso.com".into())].into();
        let url = Url::parse(url).unwrap();
        Audience::of_scope(scope, &url, &Cloud::Global, &bound)
            .map(|(audience, name)| (audience, name.to_owned()))
    }

    #[test]
    fn audience_is_the_host() {
        let audience = Audience::sharepoint("Contoso.SharePoint.com");
        assert_eq!(audience.as_str(), "https://contoso.sharepoint.com");
        assert_eq!(audience.host(), "contoso.sharepoint.com");
        assert_eq!(
            audience.default_scope(),
            "https://contoso.sharepoint.com/.default"
        );
    }

    #[test]
    fn each_to_its_host() {
        for (scope, url) in [
            (
                "https://graph.microsoft.com/.default",
                "https://graph.microsoft.com/v1.0/me",
            ),
            (
                "00000003-0000-0000-c000-000000000000/.default",
                "https://graph.microsoft.com/v1.0/x",
            ),
            (
                "https://contoso.sharepoint.com/.default",
                "https://contoso.sharepoint.com/_api/web",
            ),
            (
                "https://contoso.crm4.dynamics.com/.default",
                "https://contoso.crm4.dynamics.com/api",
            ),
            (
                "https://analysis.windows.net/powerbi/api/.default",
                "https://api.powerbi.com/v1.0",
            ),
            (
                "https://management.core.windows.net//.default",
                "https://management.azure.com/x",
            ),
            (
                "499b84ac-1321-427f-aa17-267ca6975798/.default",
                "https://dev.azure.com/contoso",
            ),
            (
                "api://contoso-health/.default",
                "https://api.contoso.com/health",
            ),
            (
                "API://Contoso-Health/Read.All",
                "https://API.contoso.com/health",
            ),
        ] {
            let host = Url::parse(url).unwrap().host_str().unwrap().to_owned();
            let (audience, name) = of(scope, url).unwrap_or_else(|e| panic!("{scope}: {e}"));
            assert_eq!(audience.host(), host, "{scope}");
            assert_eq!(format!("{audience}/{name}"), *scope);
        }
    }

    #[test]
    fn nowhere_else() {
        let elsewhere = "https://api.contoso.com/health";
        for scope in [
            "https://graph.microsoft.com/.default",
            "https://graph.microsoft.com//.default",
            "HTTPS://Graph.Microsoft.Com/.default",
            "https://graph.microsoft.com./.default",
            "https://graph.microsoft.com:443/.default",
            "https://api.contoso.com@graph.microsoft.com/.default",
            "http://graph.microsoft.com/.default",
            "00000003-0000-0000-c000-000000000000/.default",
            "00000003-0000-0000-C000-000000000000//.default",
            "api://00000003-0000-0000-c000-000000000000/.default",
            "spn:00000003-0000-0000-c000-000000000000/.default",
            "00000003-0000-0ff1-ce00-000000000000/.default",
            "https://contoso.sharepoint.com/.default",
            "https://outlook.office365.com/.default",
            "00000002-0000-0ff1-ce00-000000000000/.default",
            "https://management.azure.com/.default",
            "https://analysis.windows.net/powerbi/api/.default",
            "499b84ac-1321-427f-aa17-267ca6975798/.default",
            "api://somebody-else/.default",
            "https:graph.microsoft.com/.default",
            "https://graph%2emicrosoft.com/.default",
            "User.Read",
            "/.default",
            "api://contoso-health/",
            "",
        ] {
            assert!(of(scope, elsewhere).is_err(), "{scope}");
        }
        for (name, microsofts) in [
            ("00000003-0000-0000-C000-000000000000", true),
            ("api://00000003-0000-0000-c000-000000000000/", true),
            ("https://management.core.windows.net/", true),
            ("api://contoso-health", false),
        ] {
            assert_eq!(Audience::is_microsofts(name), microsofts, "{name}");
        }
    }

    proptest! {
        /// Whatever is written: a token for `https://` goes to that very host or
        /// one that Microsoft gave it, and one for anything else where it was bound to.
        #[test]
        fn no_token_goes_elsewhere(
            scheme in "(https://|http://|api://|spn:|HTTPS://|)",
            resource in "(graph\\.microsoft\\.com|00000003-0000-0000-c000-000000000000|contoso-health|[a-z.:/@]{1,20})",
            slashes in "/{1,3}",
            name in "[A-Za-z.]{1,12}",
        ) {
            let scope = format!("{scheme}{resource}{slashes}{name}");
            if let Ok((audience, _)) = of(&scope, "https://api.contoso.com/x") {
                prop_assert_eq!(audience.host(), "api.contoso.com");
                let own = plain(audience.as_str());
                prop_assert!(own.starts_with("api.contoso.com") || own == "contoso-health", "{}", scope);
            }
        }
    }
}
