//! Every key of the web configuration: one table, from which unknown keys are
//! told and `docs/web-config.md` is written.

use crate::config::schema::key;
use crate::kinds::Key;
use crate::kinds::key::{Flag, Nested, OneOf, Table};

/// The file itself.
pub(in crate::config) static ROOT: Table = Table {
    path: "",
    help: "An empty file is fine and means: no TLS, no users.",
    keys: &[
        &Key::optional(
            "tls_server_config",
            Nested {
                table: &TLS,
                takes: "mapping",
            },
            "plain HTTP",
            "The server's certificate, and what is asked of clients.",
        ),
        &Key::optional(
            "http_server_config",
            Nested {
                table: &HTTP,
                takes: "mapping",
            },
            "",
            "HTTP/2 and headers of every answer.",
        ),
        &key(
            "basic_auth_users",
            "mapping of user names to bcrypt hashes",
            "nobody is asked",
            "Who may come in. `m365mon hash-password` makes a hash; `$2a$`, `$2b$`, `$2x$` and `$2y$` of any cost from 4 to 31 are taken. Not even the hashes are ever shown.",
        ),
        &Key::optional(
            "rate_limit",
            Nested {
                table: &RATE_LIMIT,
                takes: "mapping",
            },
            "no limit",
            "How many requests are answered; the others get 429 before any password is looked at.",
        ),
    ],
};

/// Whether clients are asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    None,
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}

/// `tls_server_config.client_auth_type`.
pub(super) static CLIENT_AUTH_TYPE: Key<OneOf<Policy>> = Key::usually(
    "client_auth_type",
    OneOf(&[
        ("NoClientCert", Policy::None),
        ("RequestClientCert", Policy::Request),
        ("RequireAnyClientCert", Policy::RequireAny),
        ("RequireClientCert", Policy::RequireAny),
        ("VerifyClientCertIfGiven", Policy::VerifyIfGiven),
        ("RequireAndVerifyClientCert", Policy::RequireAndVerify),
    ]),
    || Policy::None,
    "Whether clients are asked for a certificate; `RequireClientCert` is `RequireAnyClientCert` by another name. Only the two with `Verify` trust nobody but the client CA.",
);

const VERSIONS: OneOf<u8> = OneOf(&[("TLS12", 2), ("TLS13", 3)]);
/// `tls_server_config.min_version`.
pub(super) static MIN_VERSION: Key<OneOf<u8>> = Key::usually(
    "min_version",
    VERSIONS,
    || 2,
    "`TLS10` and `TLS11` are not spoken and refused.",
);
/// `tls_server_config.max_version`.
pub(super) static MAX_VERSION: Key<OneOf<u8>> = Key::usually("max_version", VERSIONS, || 3, "");
/// `tls_server_config.prefer_server_cipher_suites`.
pub(super) static PREFER_SERVER_CIPHER_SUITES: Key<Flag> = Key::usually(
    "prefer_server_cipher_suites",
    Flag,
    || true,
    "Whose order of suites counts.",
);

/// `tls_server_config`.
pub(in crate::config) static TLS: Table = Table {
    path: "tls_server_config",
    help: "A certificate and its key are needed, each from a file or in place.",
    keys: &[
        &key(
            "cert_file",
            "path",
            "",
            "PEM: the server's certificate, then those between it and its root.",
        ),
        &key("cert", "text", "", "The same in place of `cert_file`."),
        &key(
            "key_file",
            "path",
            "",
            "PEM: its private key (PKCS#8, PKCS#1 or SEC1; RSA, ECDSA or Ed25519), without a passphrase.",
        ),
        &key(
            "key",
            "text",
            "",
            "The same in place of `key_file`; never shown.",
        ),
        &CLIENT_AUTH_TYPE,
        &key(
            "client_ca_file",
            "path",
            "",
            "PEM: whose client certificates are trusted. A certificate that is listed itself is trusted, whoever signed it.",
        ),
        &key(
            "client_ca",
            "text",
            "",
            "The same in place of `client_ca_file`.",
        ),
        &key(
            "client_allowed_sans",
            "list of text",
            "any",
            "One of these must be a subject alternative name (DNS, IP address, e-mail or URI) of the client's certificate, letter by letter. Takes `RequireAndVerifyClientCert` (or `RequireAnyClientCert`, where it keeps nobody out: anybody can write a name into a certificate of their own).",
        ),
        &MIN_VERSION,
        &MAX_VERSION,
        &key(
            "cipher_suites",
            "list of names as Go has them",
            "all that are spoken",
            "For TLS 1.2. Spoken are `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`, `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384`, `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256` and the same three with `ECDHE_RSA`. CBC suites and those without forward secrecy are refused. Those of TLS 1.3 are taken and change nothing, as in Go. HTTP/2 over TLS 1.2 needs one with `AES_128_GCM`.",
        ),
        &PREFER_SERVER_CIPHER_SUITES,
        &key(
            "curve_preferences",
            "list of `X25519`, `CurveP256`, `CurveP384`",
            "these, in this order",
            "`CurveP521` is not spoken and refused.",
        ),
    ],
};

/// `http_server_config.http2`.
pub(super) static HTTP2: Key<Flag> = Key::usually("http2", Flag, || true, "HTTP/2, with TLS only.");

/// `http_server_config`.
pub(in crate::config) static HTTP: Table = Table {
    path: "http_server_config",
    help: "",
    keys: &[
        &HTTP2,
        &Key::optional(
            "headers",
            Nested {
                table: &HEADERS,
                takes: "mapping",
            },
            "none",
            "Headers that every answer gets.",
        ),
    ],
};

/// `http_server_config.headers`.
pub(in crate::config) static HEADERS: Table = Table {
    path: "http_server_config.headers",
    help: "No other header can be set here. They replace those that an answer has anyway; a policy for content is added to that of the pages, and the stricter of the two counts.",
    keys: &[
        &key(
            "Content-Security-Policy",
            "text",
            "the pages' own",
            "What a page may load.",
        ),
        &key(
            "Strict-Transport-Security",
            "text",
            "",
            "Browsers come back by TLS only: `max-age=31536000`.",
        ),
        &key(
            "X-Content-Type-Options",
            "`nosniff`",
            "`nosniff`",
            "Browsers do not guess types.",
        ),
        &key(
            "X-Frame-Options",
            "`deny` or `sameorigin`",
            "",
            "Who may show a page in a frame.",
        ),
        &key(
            "X-XSS-Protection",
            "text",
            "",
            "For browsers of the last decade.",
        ),
    ],
};

/// `rate_limit`.
pub(in crate::config) static RATE_LIMIT: Table = Table {
    path: "rate_limit",
    help: "A bucket of `burst` tokens; each request takes one, and one comes back every `interval`. It counts for all clients together.",
    keys: &[
        &key(
            "interval",
            "duration as in Go: `500ms`, `1.5s`, `1m`",
            "`0s`, no limit",
            "One request more every so often.",
        ),
        &key(
            "burst",
            "whole number from 1",
            "",
            "How many may come at once. Needed with an `interval`.",
        ),
    ],
};

/// All mappings, in the order of the documentation.
pub(in crate::config) fn tables() -> Vec<&'static Table> {
    ROOT.with_all_below()
}
