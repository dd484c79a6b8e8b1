//! The web configuration (`--web.config.file`): who may come in and how. Key
//! by key the file of the Prometheus exporter-toolkit, read as strictly as the
//! main configuration and with the same diagnostics. What it names (files,
//! certificates) is for `web` to read; a [`SourcePlace`] goes along, so that what is
//! wrong there is also said with line and column.
//!
//! Promises: hashes and keys are [`Secret`]s from the beginning and no
//! diagnostic quotes one. `web` calls [`read`] and [`check_bytes`].

mod document;
mod http;
mod lenient;
pub(super) mod schema;
mod tls;

use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::check::{Context, MappingKeys};
use super::diagnostic::{ConfigErrors, Diagnostic, Diagnostics, Position, SourcePlace};
use super::doubled;
use super::environment::ProcessEnvironment;
use super::fields::Fields;
use super::yaml::{self, Node, Value};
use crate::files;
use crate::model::Secret;
pub use document::documentation;

/// Largest file, in bytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What a web configuration says, checked as far as it can be without
/// looking at the files that it names.
#[derive(Debug, Clone)]
pub struct WebFile {
    /// TLS; without it, plain HTTP.
    pub tls: Option<TlsServer>,
    /// Whether HTTP/2 is spoken, with TLS only.
    pub http2: bool,
    /// Header names and values for every answer.
    pub headers: Vec<(&'static str, String)>,
    /// Who may come in; nobody is asked if it is empty.
    pub users: Vec<User>,
    /// How many requests are answered.
    pub rate_limit: Option<RequestRate>,
    /// True if the file says nothing at all.
    pub is_empty: bool,
    /// What works but is probably not meant, in the order of the file.
    pub warnings: Vec<Diagnostic>,
}

/// `tls_server_config`.
#[derive(Debug, Clone)]
pub struct TlsServer {
    /// The server's certificate and those between it and its root.
    pub certificate: Pem,
    /// Its private key.
    pub key: Pem,
    /// What clients are asked for.
    pub client_auth: ClientAuth,
    /// Names of which a client's certificate must have one; empty for any.
    pub allowed_sans: Vec<String>,
    /// TLS 1.2 is spoken.
    pub tls12: bool,
    /// TLS 1.3 is spoken.
    pub tls13: bool,
    /// The suites of TLS 1.2 that are spoken, by their IANA numbers; `None`
    /// for all.
    pub cipher_suites: Option<Vec<u16>>,
    /// True if the server's order of suites counts.
    pub prefer_server_order: bool,
    /// The groups of the key exchange in their order, by their IANA numbers;
    /// `None` for all.
    pub curves: Option<Vec<u16>>,
}

/// `client_auth_type`, with the CA where one is used.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// No certificate is asked for.
    None,
    /// Asked for; whatever comes is taken.
    Request,
    /// Needed; whatever comes is taken.
    RequireAny,
    /// If one comes, the CA must have signed it.
    VerifyIfGiven(Pem),
    /// Needed, and the CA must have signed it.
    RequireAndVerify(Pem),
}

/// PEM text, in the file itself or in another one.
#[derive(Debug, Clone)]
pub struct Pem {
    /// The text or where it is.
    pub source: PemSource,
    /// Where it was asked for.
    pub place: SourcePlace,
    /// The key that holds it, as `cert_file`.
    pub name: &'static str,
}

/// Where PEM text comes from.
#[derive(Debug, Clone)]
pub enum PemSource {
    /// It stands in the file.
    Text(Secret),
    /// It is in a file of its own.
    File(PathBuf),
}

/// One of `basic_auth_users`.
#[derive(Debug, Clone)]
pub struct User {
    /// Without a colon.
    pub name: String,
    /// A well-formed bcrypt hash.
    pub hash: Secret,
}

/// `rate_limit`: a bucket of `burst` tokens, one comes back every `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestRate {
    /// Not zero.
    pub interval: Duration,
    /// At least 1.
    pub burst: u32,
}

/// Reads a web configuration, for [`check_bytes`]. Blocks.
///
/// # Errors
/// If it cannot be read or is too large.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ConfigErrors> {
    files::read(path, MOST_BYTES)
        .map_err(|error| ConfigErrors::one(path, Position::NONE, super::unreadable(&error)))
}

/// Checks what was read from `path`; the files that it names are left alone.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn check_bytes(bytes: &[u8], path: &Path) -> Result<WebFile, ConfigErrors> {
    let text =
        super::text(bytes, 0).map_err(|(at, message)| ConfigErrors::one(path, at, message))?;
    parse(&text, path)
}

/// Checks a text as if it were the content of `path`.
///
/// # Errors
/// As [`check_bytes`].
pub fn parse(text: &str, path: &Path) -> Result<WebFile, ConfigErrors> {
    let one = |(at, message): (Position, String)| ConfigErrors::one(path, at, message);
    let mut root = yaml::parse_sealing(text, seal).map_err(one)?;
    lenient::resolve(&mut root);
    if let Some(doubled) = doubled::doubled(&root) {
        return Err(one(doubled));
    }
    let diagnostics = Diagnostics::new(path);
    let context = Context::new(&diagnostics, &[], &ProcessEnvironment);
    let checked = check(&root, &context);
    let warnings = diagnostics.finish()?;
    checked
        .map(|web| WebFile { warnings, ..web })
        .ok_or_else(|| {
            let message = "the file was refused without a reason; this is a bug";
            one((Position::NONE, message.to_owned()))
        })
}

fn check(root: &Node, context: &Context<'_>) -> Option<WebFile> {
    let root = Fields::open(root, &schema::ROOT, &[], context.diagnostics)?;
    let http = root.section(&schema::HTTP);
    let http2 = schema::HTTP2.value(&MappingKeys::new(&http, context))?;
    let web = WebFile {
        tls: tls::tls(&root, http2, context),
        http2,
        headers: http::headers(&http, context),
        users: http::users(&root, context),
        rate_limit: http::rate_limit(&root, context),
        is_empty: schema::ROOT.names().all(|name| root.get(name).is_none()),
        warnings: Vec::new(),
    };
    context.diagnostics.is_clean().then_some(web)
}

/// Closes every value that is a secret, or may be one by mistake.
fn seal(node: &mut Node) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(seal),
        Value::Mapping(entries) => {
            for entry in entries {
                match (entry.key.as_deref(), &mut entry.value.value) {
                    (Some("basic_auth_users"), Value::Mapping(users)) => {
                        users
                            .iter_mut()
                            .for_each(|user| yaml::close(&mut user.value));
                    }
                    (Some(key), _) if holds_secret(key) => yaml::close(&mut entry.value),
                    _ => seal(&mut entry.value),
                }
            }
        }
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Sealed(..) => {}
    }
}

fn holds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["key", "users", "password", "secret", "token", "passphrase"]
        .iter()
        .any(|word| key.contains(word))
        && !key.ends_with("_file")
}

#[cfg(test)]
mod tests;
