//! Who answered: Microsoft's service, or a box on the way (a proxy, a filter, a
//! gateway that opens TLS). What an answer says of rights, names and tokens
//! counts only if the service itself said it.
//!
//! A sign of the service wins, whatever else the headers say. The signs are
//! those that recorded answers carry; `X-Cache` and `Via` alone say nothing,
//! because Microsoft's own front doors send them.

use http::HeaderMap;

use crate::kinds::{is_service_error, is_signed_error};
use crate::model::is_guid;

/// Headers that only Microsoft's services send.
const SIGNS: [&str; 19] = [
    "x-ms-ags-diagnostic",
    "sprequestduration",
    "spiislatency",
    "x-sharepointhealthscore",
    "microsoftsharepointteamservices",
    "x-ms-invokeapp",
    "ms-cv",
    "x-ms-diagnostics",
    "x-ms-request-id",
    "x-ms-ests-server",
    "x-feserver",
    "x-calculatedbetarget",
    "x-azure-ref",
    "x-msedge-ref",
    "x-ms-service-request-id",
    "x-tfs-processid",
    "x-vss-e2eid",
    "x-ms-correlation-request-id",
    "x-ms-middleware-request-id",
];
/// Signs where their value is a GUID: others send headers of these names too.
const SIGNS_WITH_GUID: [&str; 4] = ["request-id", "sprequestguid", "req_id", "requestid"];
/// How boxes call themselves in `Server`, `Via` and their pages; lower case.
const BOXES: [&str; 20] = [
    "squid",
    "zscaler",
    "bluecoat",
    "blue coat",
    "proxysg",
    "mcafee",
    "skyhigh",
    "websense",
    "forcepoint",
    "fortigate",
    "fortiproxy",
    "fortiguard",
    "palo alto",
    "netskope",
    "ironport",
    "cisco umbrella",
    "sophos",
    "barracuda",
    "check point",
    "menlo security",
];
/// The short page of http.sys is smaller.
const SHORT_PAGE: usize = 1024;
/// A block page says who made it near its beginning.
const PAGE: usize = 16 << 10;

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The service, or nothing speaks against it.
    Service,
    /// A box that says what it is.
    NamedBox,
    /// A box, for the service would have said so otherwise.
    SilentBox,
}

/// An answer that is no success.
pub(super) struct RefusedAnswer<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    /// The `client-request-id` that we sent.
    pub(super) ours: Option<&'a str>,
    /// The host that was asked.
    pub(super) host: &'a str,
    /// Microsoft's own service was asked, whose signs are known.
    pub(super) of_microsoft: bool,
    /// A proxy is configured for this host.
    pub(super) proxied: bool,
}

impl RefusedAnswer<'_> {
    /// Who sent it.
    pub(super) fn origin(&self) -> Origin {
        if self.has_sign() {
            return Origin::Service;
        }
        if self.status == 511 || self.names_a_box() {
            return Origin::NamedBox;
        }
        if !self.of_microsoft {
            return Origin::Service;
        }
        let speaks_of_access = matches!(self.status, 401 | 403 | 404 | 407);
        if (speaks_of_access && !is_service_error(self.body)) || self.leads_elsewhere() {
            return Origin::SilentBox;
        }
        Origin::Service
    }

    /// A redirect to another host.
    fn leads_elsewhere(&self) -> bool {
        if !(300..400).contains(&self.status) {
            return false;
        }
        let Some(location) = self.text("location") else {
            return false;
        };
        let elsewhere = |url: url::Url| {
            let host = url.host_str().unwrap_or_default();
            !host.eq_ignore_ascii_case(self.host)
        };
        url::Url::parse(location).is_ok_and(elsewhere)
    }

    fn has_sign(&self) -> bool {
        let headers = self.headers;
        let is_id = |name: &&str| {
            self.text(name)
                .is_some_and(|id| is_guid(id.trim_matches(['{', '}'])))
        };
        let is_ours = || {
            let echoed = self.text("client-request-id");
            echoed.is_some() && echoed == self.ours
        };
        SIGNS.iter().any(|name| headers.contains_key(*name))
            || SIGNS_WITH_GUID.iter().any(is_id)
            || is_ours()
            || self.server_is_microsoft()
            || self.page().contains("ref a:")
            || (self.of_microsoft && is_signed_error(self.body))
    }

    fn server_is_microsoft(&self) -> bool {
        let Some(server) = self.text("server") else {
            return false;
        };
        let server = server.to_ascii_lowercase();
        server == "microsoft-azure-application-gateway/v2"
            || server.starts_with("imds/")
            || (server == "microsoft-httpapi/2.0" && self.body.len() <= SHORT_PAGE)
            // Others run it too: it counts where nobody stands between.
            || (server.starts_with("microsoft-iis/") && self.of_microsoft && !self.proxied)
    }

    fn names_a_box(&self) -> bool {
        if self.headers.contains_key("x-squid-error") {
            return true;
        }
        let named = |text: &str| BOXES.iter().any(|name| text.contains(name));
        let values = ["server", "via", "x-powered-by"].iter().flat_map(|name| {
            let values = self.headers.get_all(*name).iter();
            values.filter_map(|value| value.to_str().ok())
        });
        let mut values = values.map(str::to_ascii_lowercase);
        let page = self.page();
        values.any(|value| named(&value)) || (page.contains("<html") && named(&page))
    }

    fn page(&self) -> String {
        let begin = self.body.get(..PAGE).unwrap_or(self.body);
        String::from_utf8_lossy(begin).to_ascii_lowercase()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }
}

/// SharePoint throttles by sending to a page for people.
pub(super) fn leads_to_throttle_page(status: u16, headers: &HeaderMap) -> bool {
    let location = headers
        .get("location")
        .and_then(|value| value.to_str().ok());
    (300..400).contains(&status)
        && location.is_some_and(|location| {
            let path = location.split(['?', '#']).next().unwrap_or_default();
            let page = path.rsplit('/').next().unwrap_or_default();
            ["throttle.htm", "fraudthrottle.htm"].contains(&&*page.to_ascii_lowercase())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f";

    #[test]
    fn who_answered() {
        use Origin::{NamedBox, Service, SilentBox};
        let json = r#"{"error":{"code":"accessDenied"}}"#;
        let html = "<html><title>Blocked</title></html>";
        for (status, pairs, body, wanted) in [
            (403, &[("request-id", ID)][..], html, Service),
            (403, &[("request-id", "1")], html, SilentBox),
            (403, &[("client-request-id", ID)], html, Service),
            (
                403,
                &[("client-request-id", "b1170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f")],
                html,
                SilentBox,
            ),
            (403, &[("x-azure-ref", "x")], html, Service),
            (
                403,
                &[("server", "Microsoft-Azure-Application-Gateway/v2")],
                html,
                Service,
            ),
            (403, &[("x-cache", "CONFIG_NOCACHE")], html, SilentBox),
            (403, &[], html, SilentBox),
            (403, &[], json, Service),
            // Anybody can write this much; with the request's GUID it is Graph's, and with
            // its own two it is Entra's.
            (
                403,
                &[("via", "1.1 proxy.contoso.com (squid/6.6)")],
                json,
                NamedBox,
            ),
            (
                403,
                &[("via", "1.1 proxy.contoso.com (squid/6.6)")],
                r#"{"error":{"code":"accessDenied","innerError":{"request-id":"1"}}}"#,
                NamedBox,
            ),
            (
                403,
                &[
                    ("via", "1.1 proxy.contoso.com (squid/6.6)"),
                    ("request-id", ID),
                ],
                html,
                Service,
            ),
            (
                403,
                &[("x-squid-error", "ERR_ACCESS_DENIED 0")],
                html,
                NamedBox,
            ),
            (
                503,
                &[("x-squid-error", "ERR_CONNECT_FAIL 111")],
                html,
                NamedBox,
            ),
            (503, &[], html, Service),
            (503, &[], "<html>Zscaler: not allowed</html>", NamedBox),
            (511, &[], "", NamedBox),
            (
                401,
                &[],
                r#"{"error_description":"Invalid issuer or signature."}"#,
                Service,
            ),
            (401, &[], r#""Unsupported security token.""#, Service),
            (
                401,
                &[("x-ms-diagnostics", "3000006;reason=\"x\"")],
                "",
                Service,
            ),
            (404, &[], "404 FILE NOT FOUND", SilentBox),
            (
                404,
                &[],
                r#"{"errorCode":"MissingProvider","message":"x"}"#,
                Service,
            ),
            (
                503,
                &[("server", "Microsoft-IIS/10.0")],
                "<html>Ref A: 1 Ref B: 2",
                Service,
            ),
            (
                302,
                &[("location", "https://login.contoso.com/portal")],
                "",
                SilentBox,
            ),
            (
                302,
                &[("location", "https://graph.microsoft.com/x")],
                "",
                Service,
            ),
            (302, &[("location", "/x")], "", Service),
            (429, &[], "", Service),
        ] {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<HeaderMap>();
            let refusal = RefusedAnswer {
                status,
                headers: &headers,
                body: body.as_bytes(),
                ours: Some(ID),
                host: "graph.microsoft.com",
                of_microsoft: true,
                proxied: false,
            };
            assert_eq!(refusal.origin(), wanted, "{status} {pairs:?} {body}");
            let elsewhere = RefusedAnswer {
                of_microsoft: false,
                ..refusal
            };
            let wanted = if wanted == NamedBox {
                NamedBox
            } else {
                Service
            };
            assert_eq!(elsewhere.origin(), wanted, "{status} {pairs:?} {body}");
        }
    }

    #[test]
    fn an_error_with_ids_is_signed_whatever_was_taken_off() {
        let squid: HeaderMap = [("via".parse().unwrap(), "1.1 squid".parse().unwrap())]
            .into_iter()
            .collect();
        let inner = format!(r#"{{"error":{{"code":"x","innererror":{{"request-id":"{ID}"}}}}}}"#);
        let entra = format!(r#"{{"error":"x","trace_id":"{ID}","correlation_id":"{ID}"}}"#);
        for body in [inner.clone(), inner.replace("innere", "innerE"), entra] {
            let mut refusal = RefusedAnswer {
                status: 403,
                headers: &squid,
                body: body.as_bytes(),
                ours: None,
                host: "graph.microsoft.com",
                of_microsoft: true,
                proxied: true,
            };
            assert_eq!(refusal.origin(), Origin::Service, "{body}");
            refusal.of_microsoft = false;
            assert_eq!(refusal.origin(), Origin::NamedBox, "elsewhere: {body}");
        }
    }

    #[test]
    fn pages_that_throttle() {
        for (status, location, wanted) in [
            (302, "/_layouts/15/Throttle.htm", true),
            (
                302,
                "https://contoso.sharepoint.com/_layouts/15/FraudThrottle.htm?x=1",
                true,
            ),
            (302, "/sites/throttle.htm/more", false),
            (200, "/_layouts/15/Throttle.htm", false),
            (302, "/_layouts/15/AccessDenied.aspx", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("location", location.parse().unwrap());
            assert_eq!(
                leads_to_throttle_page(status, &headers),
                wanted,
                "{location}"
            );
        }
    }
}
