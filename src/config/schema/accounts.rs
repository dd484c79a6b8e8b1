//! The ways into tenants.

use super::{Table, key};

/// `accounts[]`.
pub(in crate::config) static ACCOUNT: Table = Table {
    path: "accounts[]",
    help: "One way into one tenant. Exactly one of `client_secret`, `client_certificate`, `workload_identity` and `managed_identity`; or `delegated`, alone or with one of the first three.",
    keys: &[
        &key(
            "name",
            "text, 1 to 128 bytes, without `/`",
            "",
            "Unique; the `account` label.",
        ),
        &key(
            "tenant",
            "domain or GUID",
            "",
            "Never `common`, `organizations` or `consumers`. May be absent with `managed_identity`, and with `workload_identity` where `AZURE_TENANT_ID` is set.",
        ),
        &key(
            "cloud",
            "`global` (also `gcc`), `gcc_high`, `dod`, `china`, or a mapping",
            "`global`",
            "Which of Microsoft's clouds the tenant lives in.",
        ),
        &key(
            "client_id",
            "GUID",
            "",
            "The application. With `managed_identity` it names a user-assigned identity; may be absent there, and with `workload_identity` where `AZURE_CLIENT_ID` is set.",
        ),
        &key(
            "audiences",
            "mapping of audiences to hosts",
            "none",
            "Which host the tokens of an API behind Entra go to that is not Microsoft's, as `{\"api://contoso-health\": api.contoso.com}`. Tokens for Microsoft's own APIs go to Microsoft's hosts only.",
        ),
        &key(
            "delegated",
            "mapping",
            "",
            "A person consents once (on the exporter's page, or by `m365mon login`); alone it makes a public client.",
        ),
        &key("client_secret", "mapping", "", "A shared secret."),
        &key(
            "client_certificate",
            "mapping",
            "",
            "A certificate and its RSA key.",
        ),
        &key(
            "workload_identity",
            "mapping, may be `{}`",
            "",
            "A token of another identity provider, such as Kubernetes.",
        ),
        &key(
            "managed_identity",
            "`{}`",
            "",
            "The identity that Azure gave this machine.",
        ),
        &key(
            "proxy_url",
            "`http://` URL, or `null` for none",
            "that of `http`",
            "The proxy for this account: its tokens and its resources.",
        ),
        &key(
            "proxy_url_file",
            "path",
            "",
            "Holds the URL in place of `proxy_url`. Read again on a reload.",
        ),
    ],
};

/// `accounts[].cloud`, where it is a mapping.
pub(in crate::config) static CLOUD: Table = Table {
    path: "accounts[].cloud",
    help: "A cloud that has no name here. Both are roots, `https` without a path.",
    keys: &[
        &key(
            "login_url",
            "`https://` root",
            "",
            "As `https://login.microsoftonline.com`.",
        ),
        &key(
            "graph_url",
            "`https://` root",
            "",
            "As `https://graph.microsoft.com`.",
        ),
    ],
};

/// `accounts[].delegated`.
pub(in crate::config) static DELEGATED: Table = Table {
    path: "accounts[].delegated",
    help: "A person who consents; no password is ever asked for.",
    keys: &[
        &key(
            "username",
            "user principal name",
            "",
            "Who signs in, as `steve@contoso.com`.",
        ),
        &key(
            "redirect_url",
            "`https` URL, or `http` on `localhost` or `127.0.0.1`",
            "this exporter's `/auth/callback`",
            "Where Entra sends the browser back to; its path ends in `/auth/callback`.",
        ),
        &key(
            "max_age",
            "duration, 1h to 365d",
            "",
            "How long a sign-in lasts where a policy of the tenant limits it.",
        ),
    ],
};

/// `accounts[].client_secret`.
pub(in crate::config) static CLIENT_SECRET: Table = Table {
    path: "accounts[].client_secret",
    help: "Exactly one of `secret_file`, `secret_env` and `secret`.",
    keys: &[
        &key(
            "secret_file",
            "path",
            "",
            "Holds the secret; white space around it does not count. Read again when it changes.",
        ),
        &key(
            "secret_env",
            "name of an environment variable",
            "",
            "Holds the secret.",
        ),
        &key(
            "secret",
            "text",
            "",
            "The secret itself. A file is the better place.",
        ),
        &key(
            "expires",
            "date (`2027-03-01`) or time (`2027-03-01T12:00:00Z`)",
            "",
            "When the secret ends. Without it the directory is asked, once a day; the earlier of both counts.",
        ),
    ],
};

/// `accounts[].client_certificate`.
pub(in crate::config) static CLIENT_CERTIFICATE: Table = Table {
    path: "accounts[].client_certificate",
    help: "At most one of `key_passphrase_file`, `key_passphrase_env` and `key_passphrase`.",
    keys: &[
        &key(
            "certificate_file",
            "path",
            "",
            "PEM; may hold the key as well.",
        ),
        &key(
            "key_file",
            "path",
            "the same file",
            "PEM, PKCS#8 or PKCS#1.",
        ),
        &key(
            "key_passphrase_file",
            "path",
            "",
            "For an encrypted key: a file that holds the passphrase.",
        ),
        &key(
            "key_passphrase_env",
            "name of an environment variable",
            "",
            "Holds the passphrase.",
        ),
        &key(
            "key_passphrase",
            "text",
            "",
            "The passphrase itself. A file is the better place.",
        ),
    ],
};

/// `accounts[].workload_identity`.
pub(in crate::config) static WORKLOAD_IDENTITY: Table = Table {
    path: "accounts[].workload_identity",
    help: "`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE` and `AZURE_AUTHORITY_HOST` fill what the file leaves out; where both say something, the file counts. `AZURE_AUTHORITY_HOST` only tells which of the known clouds it is.",
    keys: &[&key(
        "token_file",
        "path",
        "`AZURE_FEDERATED_TOKEN_FILE`",
        "Holds the token; read again when it changes.",
    )],
};

/// `accounts[].managed_identity`.
pub(in crate::config) static MANAGED_IDENTITY: Table = Table {
    path: "accounts[].managed_identity",
    help: "Has no keys: write `managed_identity: {}`.",
    keys: &[],
};
