//! What real services answered (`tests/data/recorded`), for the tests of those
//! who judge it.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// One answer, and what should be made of it.
pub(crate) struct RecordedAnswer {
    /// Of the file.
    pub(crate) name: String,
    /// The kind of resource that would have asked.
    pub(crate) kind: String,
    /// Method and URL, with words around it.
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Outcome and, unless it is a success, reason; `None` where nothing is
    /// judged.
    pub(crate) expected: Option<(String, Option<String>)>,
}

impl RecordedAnswer {
    fn read(path: &Path) -> Self {
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let header = |(name, value): (&String, &Value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let name: HeaderName = name.parse().unwrap();
            // Some have a sign where a token was cut off.
            (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        let expected = &file["expect"];
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            kind: text(&file["kind"]),
            request: text(&file["request"]),
            status: u16::try_from(file["status"].as_u64().unwrap()).unwrap(),
            headers: file["headers"]
                .as_object()
                .unwrap()
                .iter()
                .map(header)
                .collect(),
            body: match &file["body"] {
                Value::String(text) => text.clone().into_bytes(),
                Value::Null => Vec::new(),
                json => serde_json::to_vec(json).unwrap(),
            },
            expected: (!expected.is_null()).then(|| {
                let reason = expected["reason"].as_str().map(str::to_owned);
                (text(&expected["outcome"]), reason)
            }),
        }
    }
}

/// All of them.
pub(crate) fn answers() -> Vec<RecordedAnswer> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recorded");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| RecordedAnswer::read(&path))
        .collect()
}
