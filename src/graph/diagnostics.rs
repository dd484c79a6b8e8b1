//! What the service says about itself in headers: ids for support cases, its
//! own timing, where it ran.

use std::time::Duration;

use http::HeaderMap;

use super::throttling;
use crate::model::{RequestId, ServerHints, bounded_text};

/// `x-ms-ags-diagnostic` is a few hundred bytes.
const MOST_DIAGNOSTIC: usize = 4 << 10;
const MOST_NAME: usize = 64;

/// The id that Microsoft's support asks for: Graph's `request-id`, SharePoint's
/// `SPRequestGuid`.
pub(super) fn request_id(headers: &HeaderMap) -> Option<RequestId> {
    ["request-id", "sprequestguid"].iter().find_map(|name| {
        let text = headers.get(*name)?.to_str().ok()?.trim();
        RequestId::parse(text.trim_matches(|c| c == '{' || c == '}'))
    })
}

/// The rest.
pub(super) fn hints(headers: &HeaderMap) -> ServerHints {
    let milliseconds = ["sprequestduration", "spclientservicerequestduration"]
        .iter()
        .find_map(|name| number(headers, name));
    ServerHints {
        latency: milliseconds.map(|ms| Duration::from_millis(ms.into())),
        data_center: data_center(headers),
        rate_limit: throttling::rate_limit(headers),
    }
}

/// Milliseconds; a day's worth is plausible, more is not.
fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    let number: u32 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    (number <= 86_400_000).then_some(number)
}

fn data_center(headers: &HeaderMap) -> Option<Box<str>> {
    let text = headers.get("x-ms-ags-diagnostic")?.as_bytes();
    if text.len() > MOST_DIAGNOSTIC {
        return None;
    }
    let diagnostic: serde_json::Value = serde_json::from_slice(text).ok()?;
    let name = diagnostic.get("ServerInfo")?.get("DataCenter")?.as_str()?;
    let name = bounded_text(name.trim(), MOST_NAME);
    (!name.is_empty()).then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<HeaderMap>()
    }

    #[test]
    fn graph_and_sharepoint() {
        let graph = headers(&[
            ("request-id", "81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f"),
            (
                "x-ms-ags-diagnostic",
                r#"{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5"}}"#,
            ),
        ]);
        assert!(request_id(&graph).is_some());
        assert_eq!(hints(&graph).data_center.as_deref(), Some("West Europe"));
        let sharepoint = headers(&[
            ("sprequestguid", "{A0B1}"),
            ("spclientservicerequestduration", "9"),
        ]);
        assert_eq!(request_id(&sharepoint), RequestId::parse("A0B1"));
        let hints = hints(&sharepoint);
        assert_eq!(hints.latency, Some(Duration::from_millis(9)));
    }

    #[test]
    fn nonsense_is_left_out() {
        let odd = headers(&[
            ("request-id", "a\"b"),
            ("sprequestduration", "-4"),
            ("x-ms-ags-diagnostic", "{\"ServerInfo\":7}"),
        ]);
        assert_eq!(request_id(&odd), None);
        assert_eq!(hints(&odd), ServerHints::default());
    }

    proptest::proptest! {
        #[test]
        fn anything_in_any_header(name in 0_usize..7, value: Vec<u8>) {
            let names = [
                "request-id",
                "sprequestguid",
                "x-ms-ags-diagnostic",
                "sprequestduration",
                "spclientservicerequestduration",
                "x-ms-diagnostics",
                "date",
            ];
            let mut headers = HeaderMap::new();
            if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                headers.append(names[name], value);
            }
            _ = hints(&headers);
            if let Some(id) = request_id(&headers) {
                proptest::prop_assert!(id.as_str().len() <= 64);
            }
        }
    }
}
