//! What a good answer looks like: a JSON object, with a list or with certain
//! members in it. What a verdict does not need is read over and kept nowhere;
//! an empty list is an answer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use url::Url;

use super::{Answer, Request};

/// What is wrong with the body of an answer with a good status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadBody {
    /// Nothing came.
    #[error("it is empty")]
    Empty,
    /// A page for people: a sign-in page, a gateway, an inspecting proxy.
    #[error("it is an HTML page, perhaps of a proxy or gateway between here and Microsoft")]
    Html,
    /// Not declared as JSON.
    #[error("it is not declared as JSON")]
    ContentType,
    /// Declared as JSON, but it cannot be read as such.
    #[error("it is no JSON, or it ends early")]
    Json,
    /// JSON without what was asked for: a list, or an object with members.
    #[error("it holds no {0}")]
    Shape(&'static str),
}

/// Where a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// `{"value": […]}`
    Plain,
    /// That, or SharePoint's verbose `{"d": {"results": […]}}`.
    PlainOrVerbose,
}

/// An item: a map and nothing else passes for an object.
type Item = BTreeMap<String, IgnoredAny>;

#[derive(Deserialize)]
struct Plain {
    #[serde(rename = "value")]
    _value: Vec<Item>,
}

#[derive(Deserialize)]
struct Verbose {
    #[serde(rename = "d")]
    _d: Results,
}

#[derive(Deserialize)]
struct Results {
    #[serde(rename = "results")]
    _results: Vec<Item>,
}

/// The name of a list in words for people.
pub const LIST: &str = "list";

/// Is there a list?
///
/// # Errors
/// What is wrong with the body.
pub fn list(envelope: Envelope, answer: &Answer) -> Result<(), BadBody> {
    list_in(envelope, &answer.content_type, &answer.body)
}

pub(crate) fn list_in(envelope: Envelope, content_type: &str, body: &[u8]) -> Result<(), BadBody> {
    let body = json(content_type, body)?;
    // Derived structs would also take an array for an object.
    let object = body.starts_with(b"{") && !is_error(body);
    let plain = || serde_json::from_slice::<Plain>(body).is_ok();
    let verbose = || serde_json::from_slice::<Verbose>(body).is_ok();
    let listed = match envelope {
        Envelope::Plain => plain(),
        Envelope::PlainOrVerbose => plain() || verbose(),
    };
    if object && listed {
        Ok(())
    } else {
        Err(BadBody::Shape(LIST))
    }
}

/// Reads an object with the members of `T`; others are read over. `what` names
/// it for people.
///
/// # Errors
/// What is wrong with the body.
pub fn object<T: DeserializeOwned>(what: &'static str, answer: &Answer) -> Result<T, BadBody> {
    let body = json(&answer.content_type, &answer.body)?;
    let object = body.starts_with(b"{") && !is_error(body);
    match serde_json::from_slice(body) {
        Ok(read) if object => Ok(read),
        _ => Err(BadBody::Shape(what)),
    }
}

/// The request for the next page of what `request` asked for: only on the same
/// host, below the same path, so that a token goes nowhere else.
#[must_use]
pub fn next_page(request: &Request, link: &str) -> Option<Request> {
    let url = Url::parse(link).ok()?;
    let same = url.origin() == request.url.origin()
        && url.path().eq_ignore_ascii_case(request.url.path())
        && url.username().is_empty();
    let shown = request.shown.split('?').next().unwrap_or_default();
    same.then(|| Request {
        url,
        shown: format!("{shown}?…"),
        ..request.clone()
    })
}

/// The body of an answer that is JSON, without what may stand around it.
fn json<'a>(content_type: &str, body: &'a [u8]) -> Result<&'a [u8], BadBody> {
    // A byte order mark is allowed to be ignored (RFC 8259, section 8.1).
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = body.trim_ascii();
    if body.is_empty() {
        return Err(BadBody::Empty);
    }
    if body.starts_with(b"<") || content_type == "text/html" {
        return Err(BadBody::Html);
    }
    // What declares nothing is judged by what it holds.
    let declared = matches!(content_type, "" | "application/json") || is_json_suffix(content_type);
    if !declared {
        return Err(BadBody::ContentType);
    }
    // What is read over is not looked at by the reader: texts may hold anything.
    if std::str::from_utf8(body).is_err() || serde_json::from_slice::<IgnoredAny>(body).is_err() {
        return Err(BadBody::Json);
    }
    Ok(body)
}

/// An error with a good status.
fn is_error(body: &[u8]) -> bool {
    serde_json::from_slice::<Item>(body).is_ok_and(|object| object.contains_key("error"))
}

fn is_json_suffix(content_type: &str) -> bool {
    content_type.starts_with("application/") && content_type.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JSON: &str = "application/json";
    const SHAPE: BadBody = BadBody::Shape(LIST);

    #[test]
    fn lists() {
        for body in [
            r#"{"value":[]}"#,
            r#"{"@odata.context":"x","value":[{"id":"1"}],"@odata.nextLink":"https://x"}"#,
            "\u{feff} {\"value\":[{},{\"id\":[2]}]} \r\n",
        ] {
            assert_eq!(
                list_in(Envelope::Plain, JSON, body.as_bytes()),
                Ok(()),
                "{body}"
            );
        }
        assert_eq!(list_in(Envelope::Plain, "", br#"{"value":[]}"#), Ok(()));
        let broken = b"{\"value\":[{\"id\":\"\xff\"}]}";
        assert_eq!(list_in(Envelope::Plain, JSON, broken), Err(BadBody::Json));
        let verbose = br#"{"d":{"results":[]}}"#;
        assert_eq!(list_in(Envelope::PlainOrVerbose, JSON, verbose), Ok(()));
        assert_eq!(list_in(Envelope::Plain, JSON, verbose), Err(SHAPE));
    }

    #[test]
    fn everything_else() {
        for (content_type, body, wanted) in [
            (JSON, "", BadBody::Empty),
            (JSON, " \r\n", BadBody::Empty),
            ("text/html", "<html>", BadBody::Html),
            (JSON, "<!DOCTYPE html>", BadBody::Html),
            ("text/html", r#"{"value":[]}"#, BadBody::Html),
            ("text/plain", r#"{"value":[]}"#, BadBody::ContentType),
            (JSON, r#"{"value":["#, BadBody::Json),
            (JSON, r#"{"value":[]} x"#, BadBody::Json),
            (JSON, "[]", SHAPE),
            (JSON, "[[]]", SHAPE),
            (JSON, "null", SHAPE),
            (JSON, "{}", SHAPE),
            (JSON, r#"{"value":{}}"#, SHAPE),
            (JSON, r#"{"value":null}"#, SHAPE),
            (JSON, r#"{"value":[1]}"#, SHAPE),
            (JSON, r#"{"value":[[]]}"#, SHAPE),
            (JSON, r#"{"value":["id"]}"#, SHAPE),
            (JSON, r#"{"value":[null]}"#, SHAPE),
            (JSON, r#"{"value":[{"id":"1"},2]}"#, SHAPE),
            (JSON, r#"{"value":[],"error":{"code":"x"}}"#, SHAPE),
            (JSON, r#"{"error":{"code":"x"}}"#, SHAPE),
        ] {
            let judged = list_in(Envelope::Plain, content_type, body.as_bytes());
            assert_eq!(judged, Err(wanted), "{content_type} {body}");
        }
    }

    proptest! {
        #[test]
        fn every_cut_is_noticed(at in 0_usize..26) {
            let whole = br#"{"value":[{"id":"AAMkA="}]}"#;
            prop_assert!(list_in(Envelope::Plain, JSON, &whole[..at]).is_err());
        }

        #[test]
        fn any_body_is_survived(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            _ = list_in(Envelope::PlainOrVerbose, JSON, &body);
        }
    }
}
