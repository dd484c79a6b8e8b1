//! What others send or write, each with one function that reads it: whatever the
//! bytes are, it ends, and what it says holds. The targets of `cargo fuzz` call
//! these functions, and a plain test calls them with the corpus beside this file.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what does not hold is to be found"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use ::http::{HeaderMap, HeaderName, HeaderValue};

use crate::config;
use crate::entra::{self, ClaimsChallenge, Discovery, Rights};
use crate::files::{self, FileForm, WantedForm};
use crate::http::{self, LONGEST_WAIT};
use crate::kinds::{self, Answer, Resource, ServiceError};
use crate::metrics::Format;
use crate::model::{Secret, Timestamp};
use crate::{graph, web};

/// Reads bytes.
pub type Entry = fn(&[u8]);

/// Every entry, by the name of its target and of its folder in the corpus.
pub const ALL: [(&str, Entry); 10] = [
    ("retry_after", retry_after),
    ("challenge", challenge),
    ("entra_answer", entra_answer),
    ("sign_in", sign_in),
    ("service", service),
    ("graph_answer", graph_answer),
    ("files", key_files),
    ("configuration", configuration),
    ("web_configuration", web_configuration),
    ("request", request),
];

fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).expect("a time of today")
}

/// `name: value` by lines up to an empty one, and what follows it.
fn headers_and_body(data: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = data;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return (headers, rest);
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let value = line[colon + 1..].trim_ascii();
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(&line[..colon]),
            HeaderValue::from_bytes(value),
        ) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

/// A `Retry-After`, one a line: no wait is longer than an hour.
pub fn retry_after(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(8) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append("retry-after", value);
        }
    }
    let wait = http::retry_after(&headers, now());
    assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT), "{wait:?}");
}

/// `WWW-Authenticate`.
pub fn challenge(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        _ = ClaimsChallenge::find(text.lines());
    }
}

/// An answer of the token endpoint: the status in the first line, headers, body.
pub fn entra_answer(data: &[u8]) {
    let (status, rest) = status(data);
    let (headers, body) = headers_and_body(rest);
    entra::fuzzing::answer(status, headers, body, now());
}

/// Discovery documents, tokens, codes for devices, what a scraper accepts.
pub fn sign_in(data: &[u8]) {
    if let Some(document) = Discovery::read(data) {
        _ = (document.cloud(), document.tenant_id());
    }
    entra::fuzzing::device_code(data);
    if let Ok(text) = std::str::from_utf8(data) {
        if let Some(rights) = Rights::read(&Secret::new(text.to_owned())) {
            _ = (rights.held(true), rights.held(false));
        }
        entra::fuzzing::id_token(text, now());
        _ = Format::negotiate([text]);
        _ = Format::negotiate(text.lines());
    }
}

/// One resource of each kind.
static RESOURCES: LazyLock<Vec<Arc<Resource>>> = LazyLock::new(|| {
    let mut text = "accounts:\n  - name: contoso\n    tenant: contoso.onmicrosoft.com\n    \
                    client_id: 11111111-2222-3333-4444-555555555555\n    \
                    client_certificate: {certificate_file: c.pem, key_file: k.pem}\n    \
                    audiences: {\"api://contoso-health\": api.contoso.com}\n  \
                    - {name: steve, tenant: contoso.onmicrosoft.com, client_id: \
                    11111111-2222-3333-4444-555555555555, delegated: {username: steve@contoso.com}}\n\
                    resources:\n"
        .to_owned();
    for info in kinds::ALL {
        text += &format!("  - {}\n", info.example);
    }
    let none = BTreeMap::<String, String>::new();
    let loaded = config::parse(&text, Path::new("m365mon.yml"), &none);
    match loaded {
        Ok(loaded) => loaded.configuration.resources,
        Err(errors) => panic!("{errors}"),
    }
});

/// The body of a 200, for each kind, and of an error.
pub fn service(data: &[u8]) {
    for resource in RESOURCES.iter() {
        for content_type in ["application/json", "text/html", ""] {
            let answer = Answer::new(
                200,
                content_type.to_owned(),
                bytes::Bytes::copy_from_slice(data),
                ServiceError::default(),
                HeaderMap::new(),
            );
            _ = resource.kind.judge(&answer);
        }
    }
    let error = ServiceError::read(data).or_header(std::str::from_utf8(data).ok());
    _ = (error.code(), error.has("itemNotFound"));
}

/// An answer of a service: the status in the first line, headers, body.
pub fn graph_answer(data: &[u8]) {
    let (status, rest) = status(data);
    let (headers, body) = headers_and_body(rest);
    graph::fuzzing::answer(status, &headers, body, now());
}

/// PEM, DER and what else stands where a secret or a certificate should.
pub fn key_files(data: &[u8]) {
    let path = Path::new("key.pem");
    let form = FileForm::of(data);
    for wanted in [WantedForm::Roots, WantedForm::Secret] {
        let advice = form.advice(wanted, path);
        assert!(
            advice.len() < 2_000 && !advice.chars().any(|c| c.is_control() && c != '\n'),
            "{advice}"
        );
    }
    if let Ok(text) = files::decode(data) {
        _ = files::line(&text);
        for section in files::pem::sections(&text) {
            if let Some(der) = section.der {
                der_of(&der);
            }
        }
    }
    der_of(data);
    entra::fuzzing::certificate(data);
}

fn der_of(der: &[u8]) {
    _ = http::certificate_facts(der);
    _ = http::alternative_names(der);
    _ = files::other_than_rsa(der);
}

/// Taken, or refused with places that are in the file; what is taken is shown
/// redacted in a form that is taken.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let path = Path::new("m365mon.yml");
    let none = BTreeMap::<String, String>::new();
    match config::parse(text, path, &none) {
        Ok(loaded) => {
            let shown = config::redacted(&loaded.configuration);
            // A hidden proxy is the one thing that does not come back.
            if !shown.contains("proxy_url") {
                match config::parse(&shown, path, &none) {
                    Ok(again) => assert_eq!(config::redacted(&again.configuration), shown),
                    Err(errors) => panic!("what is shown is not read again: {errors}\n{shown}"),
                }
            }
        }
        Err(errors) => places(text, &errors),
    }
}

/// As [`configuration`].
pub fn web_configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Err(errors) = config::web::parse(text, Path::new("web.yml")) {
        places(text, &errors);
    }
}

fn places(text: &str, errors: &config::ConfigErrors) {
    // A carriage return alone breaks a line, too (YAML 1.2.2, section 5.4).
    let lines = text.matches(['\r', '\n']).count() + 1;
    for complaint in errors.diagnostics() {
        assert!(complaint.line as usize <= lines, "{complaint}");
    }
}

/// A request to our own server, in its first line method and target, through the
/// rules of who may see and do what: without a key or a password nobody acts.
pub fn request(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let line = parts.next().unwrap_or_default();
    let (headers, _) = headers_and_body(parts.next().unwrap_or_default());
    web::fuzzing::request(line, &headers);
}

fn status(data: &[u8]) -> (u16, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (line, rest) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + 1..]));
    let status = std::str::from_utf8(line).ok();
    let status = status.and_then(|line| line.trim().parse().ok());
    (status.unwrap_or(200), rest)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// How long a file may be whose every beginning is tried as well.
    const SHORT: usize = 600;
    /// At so many places of it.
    const PLACES: usize = 12;

    fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    }

    /// Each file of the corpus, and what is near it: its beginnings, and one byte
    /// of it changed.
    #[test]
    fn the_corpus_is_read() {
        for (name, entry) in ALL {
            let files = corpus(name);
            assert!(files.len() >= 3, "{name}: {} files", files.len());
            for (path, bytes) in files {
                assert!(bytes.len() <= 16 << 10, "{}: too long", path.display());
                entry(&bytes);
                if bytes.len() > SHORT {
                    continue;
                }
                for at in (0..bytes.len()).step_by(bytes.len() / PLACES + 1) {
                    entry(&bytes[..at]);
                    let mut near = bytes.clone();
                    near[at] = near[at].wrapping_add(0x80 + u8::try_from(at % 7).unwrap());
                    entry(&near);
                    near[at] = b'"';
                    entry(&near);
                }
            }
        }
    }

    /// Every target has its file and its place in the manifest.
    #[test]
    fn each_entry_has_a_target() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        for (name, _) in ALL {
            let target = fuzz.join("fuzz_targets").join(name).with_extension("rs");
            let text = std::fs::read_to_string(&target).unwrap();
            let call = match name {
                "files" => "key_files",
                name => name,
            };
            assert!(text.contains(&format!("entries::{call}(data)")), "{name}");
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        }
    }
}
