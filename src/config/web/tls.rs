//! `tls_server_config`: what is asked for is either spoken or refused; nothing
//! is left out silently.

use super::schema::{self, Policy};
use super::{ClientAuth, Context, MappingKeys, Pem, PemSource, TlsServer};
use crate::config::diagnostic::{one_of, quoted};
use crate::config::fields::{Fields, Spanned, text};
use crate::config::suggest::suggest;
use crate::config::yaml::{Node, Value};
use crate::kinds::Key;
use crate::kinds::key::OneOf;
use crate::model::Secret;

/// Suites of TLS 1.2 that are spoken, with their IANA numbers.
const SUITES: [(&str, u16); 6] = [
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca8),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca9),
];
/// RFC 9113, 9.2.2 demands one of these for HTTP/2 over TLS 1.2.
const HTTP2_SUITES: [u16; 2] = [0xc02b, 0xc02f];
/// Suites of TLS 1.3: always on, in Go as here.
const SUITES_13: [&str; 3] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];
/// Groups that are spoken, with their IANA numbers.
const CURVES: [(&str, u16); 3] = [
    ("X25519", 0x001d),
    ("CurveP256", 0x0017),
    ("CurveP384", 0x0018),
];

/// What others still speak.
const OLD_VERSIONS: [&str; 2] = ["TLS10", "TLS11"];

/// The section; `None` if it is absent, or after a diagnostic.
pub(super) fn tls(root: &Fields<'_>, http2: bool, context: &Context<'_>) -> Option<TlsServer> {
    let fields = root.mapping("tls_server_config", &schema::TLS)?;
    let certificate = pem(&fields, "cert", "cert_file", context);
    let key = pem(&fields, "key", "key_file", context);
    for (name, twin) in [("cert", "cert_file"), ("key", "key_file")] {
        if fields.get(name).is_none() && fields.get(twin).is_none() {
            fields.missing(twin, &format!("TLS needs \"{twin}\" (or \"{name}\")"));
        }
    }
    let client_auth = client_auth(&fields, context);
    let (tls12, tls13) = versions(&fields, context).unwrap_or((true, true));
    let cipher_suites = suites(&fields, http2 && tls12, context);
    let curves = curves(&fields, context);
    let keys = MappingKeys::new(&fields, context);
    let prefer_server_order = schema::PREFER_SERVER_CIPHER_SUITES.value(&keys);
    let allowed_sans = allowed_sans(&fields, client_auth.as_ref(), context);
    Some(TlsServer {
        certificate: certificate?,
        key: key?,
        client_auth: client_auth?,
        allowed_sans,
        tls12,
        tls13,
        cipher_suites,
        prefer_server_order: prefer_server_order?,
        curves,
    })
}

fn pem(
    fields: &Fields<'_>,
    name: &'static str,
    twin: &'static str,
    context: &Context<'_>,
) -> Option<Pem> {
    if fields.get(name).is_some() && fields.get(twin).is_some() {
        let message = format!("\"{name}\" and \"{twin}\" cannot both be given");
        context.diagnostics.refuse(fields.place(twin), message);
        return None;
    }
    if let Some(path) = fields.text(twin) {
        // Not quoted: it may be the key itself.
        if path.value.contains("-----BEGIN") || path.value.contains('\n') {
            let message = format!("\"{twin}\" takes a path; PEM text belongs to \"{name}\"");
            context.diagnostics.refuse(path.at, message);
            return None;
        }
        if path.value.contains('\0') {
            let message = format!("\"{twin}\" is not a path");
            context.diagnostics.refuse(path.at, message);
            return None;
        }
        return Some(Pem {
            source: PemSource::File(context.diagnostics.path_at(path.at, path.value)),
            place: context.diagnostics.place(path.at),
            name: twin,
        });
    }
    let text = match name {
        "key" => fields.secret(name)?,
        _ => Secret::new(fields.text(name)?.value.to_owned()),
    };
    Some(Pem {
        source: PemSource::Text(text),
        place: context.diagnostics.place(fields.get(name)?.at),
        name,
    })
}

fn client_auth(fields: &Fields<'_>, context: &Context<'_>) -> Option<ClientAuth> {
    let ca = pem(fields, "client_ca", "client_ca_file", context);
    let policy = schema::CLIENT_AUTH_TYPE.sound(&MappingKeys::new(fields, context))?;
    let needs_ca = matches!(policy, Policy::VerifyIfGiven | Policy::RequireAndVerify);
    let given = ["client_ca", "client_ca_file"]
        .into_iter()
        .find(|name| fields.get(name).is_some());
    match (needs_ca, given) {
        (true, None) => {
            context.diagnostics.refuse(
                fields.place("client_auth_type"),
                "this \"client_auth_type\" needs \"client_ca_file\" (or \"client_ca\")",
            );
            return None;
        }
        (false, Some(name)) if policy == Policy::None => {
            context.diagnostics.refuse(
                fields.place(name),
                format!(
                    "\"{name}\" without a \"client_auth_type\" that asks for certificates; \
                     did you mean \"client_auth_type: RequireAndVerifyClientCert\"?"
                ),
            );
            return None;
        }
        (false, Some(name)) => context.diagnostics.warn(
            fields.place(name),
            format!(
                "\"{name}\" is not used: this \"client_auth_type\" takes any certificate; \
                 \"RequireAndVerifyClientCert\" verifies it"
            ),
        ),
        (true, Some(_)) | (false, None) => {}
    }
    Some(match policy {
        Policy::None => ClientAuth::None,
        Policy::Request => ClientAuth::Request,
        Policy::RequireAny => ClientAuth::RequireAny,
        Policy::VerifyIfGiven => ClientAuth::VerifyIfGiven(ca?),
        Policy::RequireAndVerify => ClientAuth::RequireAndVerify(ca?),
    })
}

fn allowed_sans(
    fields: &Fields<'_>,
    client_auth: Option<&ClientAuth>,
    context: &Context<'_>,
) -> Vec<String> {
    const NAME: &str = "client_allowed_sans";
    let sans: Vec<String> = fields
        .list(NAME)
        .iter()
        .filter_map(|item| text(item, NAME, context.diagnostics))
        .map(|item| item.value.to_owned())
        .collect();
    if fields.get(NAME).is_none() {
        return sans;
    }
    match client_auth {
        // Something is wrong with it and was said.
        None | Some(ClientAuth::RequireAndVerify(_)) => {}
        Some(ClientAuth::RequireAny) => context.diagnostics.warn(
            fields.place(NAME),
            "\"client_allowed_sans\" keeps nobody out with \"RequireAnyClientCert\": anybody can write \
             a name into a certificate of their own; \"RequireAndVerifyClientCert\" does",
        ),
        Some(ClientAuth::None | ClientAuth::Request | ClientAuth::VerifyIfGiven(_)) => {
            context.diagnostics.refuse(
                fields.place(NAME),
                "\"client_allowed_sans\" needs \"client_auth_type: RequireAndVerifyClientCert\": \
                 otherwise a client without a certificate comes in",
            );
        }
    }
    if sans.is_empty() {
        context.diagnostics.refuse(
            fields.place(NAME),
            "\"client_allowed_sans\" is empty: leave it out to allow every name",
        );
    }
    sans
}

/// Whether TLS 1.2 and TLS 1.3 are spoken; `None` after a diagnostic.
fn versions(fields: &Fields<'_>, context: &Context<'_>) -> Option<(bool, bool)> {
    let version = |key: &Key<OneOf<u8>>| {
        let name = key.name;
        match fields.get(name) {
            Some(Node {
                at,
                value: Value::Text(text),
                ..
            }) if OLD_VERSIONS.contains(&&**text) => {
                context.diagnostics.refuse(
                    *at,
                    format!(
                        "\"{name}\": TLS 1.0 and 1.1 are broken and not spoken here; \
                         use \"TLS12\" or \"TLS13\""
                    ),
                );
                None
            }
            _ => key.value(&MappingKeys::new(fields, context)),
        }
    };
    let (min, max) = (version(&schema::MIN_VERSION), version(&schema::MAX_VERSION));
    let (min, max) = (min?, max?);
    if min > max {
        context.diagnostics.refuse(
            fields.place(schema::MIN_VERSION.name),
            "\"min_version\" is above \"max_version\": nothing would be spoken",
        );
    }
    Some((min <= 2, max >= 3))
}

fn suites(fields: &Fields<'_>, http2_over_12: bool, context: &Context<'_>) -> Option<Vec<u16>> {
    const NAME: &str = "cipher_suites";
    let diagnostics = context.diagnostics;
    let items = fields.list(NAME);
    let mut suites = Vec::with_capacity(items.len());
    for item in items {
        let Some(Spanned { value, at }) = text(item, NAME, diagnostics) else {
            continue;
        };
        if let Some((_, number)) = SUITES.iter().find(|(name, _)| *name == value) {
            suites.push(*number);
        } else if SUITES_13.contains(&value) {
            diagnostics.warn(
                at,
                format!(
                    "{} is of TLS 1.3, whose suites cannot be chosen; it changes nothing",
                    quoted(value)
                ),
            );
        } else {
            let known = || SUITES.iter().map(|(name, _)| *name);
            let why = if value.contains("_CBC_") {
                "; CBC suites are not spoken here, those with GCM and CHACHA20 are".to_owned()
            } else if value.starts_with("TLS_RSA_") {
                "; suites without forward secrecy are not spoken here, those with ECDHE are"
                    .to_owned()
            } else if value.contains("_RC4_") || value.contains("_3DES_") {
                "; RC4 and 3DES are not spoken here".to_owned()
            } else {
                match suggest(value, known()) {
                    near if near.is_empty() => format!("; allowed are {}", one_of(known())),
                    near => near,
                }
            };
            diagnostics.refuse(at, format!("unknown cipher suite {}{why}", quoted(value)));
        }
    }
    // A list of suites of TLS 1.3 alone chooses none for TLS 1.2.
    if suites.is_empty() {
        return None;
    }
    if http2_over_12 && !suites.iter().any(|suite| HTTP2_SUITES.contains(suite)) {
        diagnostics.refuse(
            fields.place(NAME),
            "HTTP/2 over TLS 1.2 needs \"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\" or \
             \"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"; add one, or set \"http2: false\" in \
             \"http_server_config\" or \"min_version: TLS13\" here",
        );
    }
    Some(suites)
}

fn curves(fields: &Fields<'_>, context: &Context<'_>) -> Option<Vec<u16>> {
    const NAME: &str = "curve_preferences";
    let items = fields.list(NAME);
    let mut curves = Vec::with_capacity(items.len());
    for item in items {
        let Some(Spanned { value, at }) = text(item, NAME, context.diagnostics) else {
            continue;
        };
        if let Some((_, number)) = CURVES.iter().find(|(name, _)| *name == value) {
            curves.push(*number);
            continue;
        }
        let known = || CURVES.iter().map(|(name, _)| *name);
        let message = if value == "CurveP521" {
            format!(
                "\"CurveP521\" is not spoken here; allowed are {}",
                one_of(known())
            )
        } else {
            format!(
                "unknown curve {}; allowed are {}{}",
                quoted(value),
                one_of(known()),
                suggest(value, known())
            )
        };
        context.diagnostics.refuse(at, message);
    }
    (!curves.is_empty()).then_some(curves)
}
