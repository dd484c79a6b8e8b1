//! What real answers of other tenants were, and what is made of each
//! (`tests/data/recorded`). A file whose verdict needs a kind that looks into
//! the body is judged as far as its status goes.

use std::path::Path;

use http::HeaderMap;
use serde_json::Value;

use super::origin::{Origin, RefusedAnswer};
use super::verdict;
use crate::http::BodyEnd;
use crate::kinds::{Envelope, ServiceError, list_of};
use crate::model::Verdict;

/// What only the kind can say: an error inside a 200, a 404 that is none, a
/// redirect to a file.
const DECIDED_BY_KIND: [&str; 6] = ["040", "065", "082", "089", "091", "095"];

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn bytes(body: &Value) -> Vec<u8> {
    match body {
        Value::String(text) => text.clone().into_bytes(),
        Value::Null => Vec::new(),
        json => serde_json::to_vec(json).unwrap(),
    }
}

#[test]
fn each_is_judged_as_it_should_be() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recorded");
    let mut wrong = Vec::new();
    let mut judged = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".json") {
            continue;
        }
        let file = read(&path);
        let (kind, expect) = (file["kind"].as_str().unwrap(), &file["expect"]);
        if kind == "sign_in" || expect.is_null() || DECIDED_BY_KIND.contains(&&name[..3]) {
            continue;
        }
        let status = u16::try_from(file["status"].as_u64().unwrap()).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in file["headers"].as_object().unwrap() {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let asked = file["request"].as_str().unwrap();
        let url = asked
            .split_whitespace()
            .find(|word| word.starts_with("http"));
        let url = url.and_then(|url| url::Url::parse(url).ok());
        let host = url
            .as_ref()
            .and_then(|url| url.host_str())
            .unwrap_or("graph.microsoft.com");
        let body = bytes(&file["body"]);
        let expected = (200..300).contains(&status);
        let error = if expected {
            ServiceError::default()
        } else {
            let diagnostics = headers
                .get("x-ms-diagnostics")
                .and_then(|v| v.to_str().ok());
            ServiceError::read(&body).or_header(diagnostics)
        };
        let refusal = RefusedAnswer {
            status,
            headers: &headers,
            body: &body,
            ours: None,
            host,
            of_microsoft: host.starts_with("graph.") || host.contains(".sharepoint"),
            proxied: false,
        };
        let origin = if expected {
            Origin::Service
        } else {
            refusal.origin()
        };
        let mut verdict = verdict(
            status,
            expected,
            &headers,
            &error,
            BodyEnd::Complete,
            origin,
            false,
        );
        if expected && matches!(kind, "sharepoint_site" | "exchange_mailbox") {
            let declared = headers.get("content-type").and_then(|v| v.to_str().ok());
            let declared = declared.unwrap_or_default().split(';').next().unwrap();
            if list_of(Envelope::PlainOrVerbose, declared, &body).is_err() {
                verdict = Verdict::Problem(crate::model::Reason::BadResponse);
            }
        }
        judged += 1;
        let found = (
            verdict.outcome().as_str(),
            verdict.reason().map(crate::model::Reason::as_str),
        );
        let wanted = (
            expect["outcome"].as_str().unwrap(),
            expect["reason"].as_str(),
        );
        if found != wanted {
            wrong.push(format!("{name}: {found:?}, wanted {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged >= 55, "{judged}");
}
