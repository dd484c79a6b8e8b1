//! Every key that a configuration may hold: one table, from which unknown keys
//! are told and `docs/configuration.md` is written.

/// One key of a mapping.
#[derive(Debug)]
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) takes: &'static str,
    /// What holds without it; empty if it must be there or means nothing when absent.
    pub(super) default: &'static str,
    /// What it is for, in Markdown without line breaks.
    pub(super) help: &'static str,
}

/// The keys of one mapping.
#[derive(Debug)]
pub(super) struct Table {
    /// Where the mapping stands: `accounts[]`; empty for the file itself.
    pub(super) path: &'static str,
    /// What the mapping is for.
    pub(super) help: &'static str,
    /// In the order of the documentation.
    pub(super) keys: &'static [Key],
}

/// The keys that only one kind of resource has.
#[derive(Debug)]
pub(super) struct KindTable {
    /// The word for `kind`.
    pub(super) name: &'static str,
    /// What is asked.
    pub(super) help: &'static str,
    /// Besides those of every resource.
    pub(super) keys: &'static [Key],
}

impl Table {
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

pub(super) const fn key(
    name: &'static str,
    takes: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key {
    Key {
        name,
        takes,
        default,
        help,
    }
}

/// The file itself.
pub(super) static ROOT: Table = Table {
    path: "",
    help: "The file is one YAML document. Paths in it are relative to its own folder.",
    keys: &[
        key(
            "labels",
            "mapping of label names to text",
            "none",
            "On every `m365_` and `m365mon_` series of this process, for example `location: amsterdam`.",
        ),
        key(
            "storage",
            "path",
            "`m365mon.tokens`",
            "Where refresh tokens are kept; only created when something must last.",
        ),
        key(
            "storage_key_file",
            "path",
            "`m365mon.key`",
            "Keys that seal the storage.",
        ),
        key("http", "mapping", "", "How requests leave this machine."),
        key("limits", "mapping", "", "Bounds on what runs at once."),
        key("metrics", "mapping", "", "What is exposed."),
        key(
            "defaults",
            "mapping",
            "",
            "For resources that do not say otherwise.",
        ),
        key(
            "accounts",
            "list of mappings",
            "none",
            "The ways into tenants.",
        ),
        key("resources", "list of mappings", "none", "What is watched."),
    ],
};

/// `http`.
pub(super) static HTTP: Table = Table {
    path: "http",
    help: "How requests leave this machine.",
    keys: &[
        key(
            "proxy_url",
            "`http://` URL",
            "`HTTPS_PROXY`, `NO_PROXY` of the environment",
            "A proxy for everything but managed identity, by CONNECT. May hold a user and a password; it is treated as a secret.",
        ),
        key(
            "ca_file",
            "path",
            "the system's",
            "PEM certificates that are trusted instead of the system's.",
        ),
        key(
            "user_agent",
            "text",
            "`NONISV\\|m365mon\\|m365mon/VERSION`",
            "Sent with every request; Microsoft prefers decorated traffic.",
        ),
        key(
            "resolve",
            "mapping of host names to `address:port`",
            "none",
            "Connect there instead of asking DNS: `contoso.sharepoint.com: \"127.0.0.1:8445\"`. A port in \
             the URL wins over this one. Such a host is not looked for behind a proxy from the \
             environment; `proxy_url` still goes first, and is given the name.",
        ),
    ],
};

/// `limits`.
pub(super) static LIMITS: Table = Table {
    path: "limits",
    help: "Bounds on what runs at once.",
    keys: &[
        key(
            "probes_in_flight",
            "whole number from 1",
            "512",
            "Probes at once, in this process.",
        ),
        key(
            "per_account",
            "whole number from 1",
            "64",
            "Probes at once, for one account.",
        ),
        key(
            "on_scrape",
            "whole number",
            "50",
            "Most resources whose `mode` may be `on_scrape`.",
        ),
    ],
};

/// `metrics`.
pub(super) static METRICS: Table = Table {
    path: "metrics",
    help: "What is exposed.",
    keys: &[
        key(
            "histogram",
            "`true` or `false`",
            "`true`",
            "`m365_resource_probe_duration_seconds`.",
        ),
        key(
            "phases",
            "`true` or `false`",
            "`true`",
            "`m365_resource_phase_latency_seconds`.",
        ),
        key(
            "histogram_buckets",
            "list of seconds, rising",
            "`[0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]`",
            "Upper bounds of the histogram, without `+Inf`; at most 30.",
        ),
    ],
};

/// `defaults`.
pub(super) static DEFAULTS: Table = Table {
    path: "defaults",
    help: "For resources that do not say otherwise.",
    keys: &[
        key(
            "interval",
            "duration, 1s to 7d",
            "`60s`",
            "How often a resource is probed; with `on_scrape` and `on_probe` the expected distance of scrapes.",
        ),
        key(
            "timeout",
            "duration, less than the interval",
            "`10s`",
            "For the request; waiting for an access token is bounded by the same value.",
        ),
        key(
            "mode",
            "`background`, `on_scrape` or `on_probe`",
            "`background`",
            "Where a resource is probed from: by the schedule, by `/metrics`, or by `/probe?resource=NAME` only.",
        ),
        key(
            "connection",
            "`new` or `reuse`",
            "`new`",
            "`new` makes a full handshake, what a new user feels; `reuse` takes a pooled connection.",
        ),
        key(
            "min_age",
            "duration, at most the interval",
            "0.9 × interval",
            "A report younger than this is reused by `on_scrape` and `on_probe`, so that two Prometheus servers do not double the calls.",
        ),
    ],
};

/// `accounts[]`.
pub(super) static ACCOUNT: Table = Table {
    path: "accounts[]",
    help: "One way into one tenant. Exactly one of `client_secret`, `client_certificate`, `workload_identity` and `managed_identity`; or `delegated`, alone or with one of the first three.",
    keys: &[
        key(
            "name",
            "text, 1 to 128 bytes, without `/`",
            "",
            "Unique; the `account` label.",
        ),
        key(
            "tenant",
            "domain or GUID",
            "",
            "Never `common`, `organizations` or `consumers`. May be absent with `managed_identity`, and with `workload_identity` where `AZURE_TENANT_ID` is set.",
        ),
        key(
            "cloud",
            "`global` (also `gcc`), `gcc_high`, `dod`, `china`, or a mapping",
            "`global`",
            "Which of Microsoft's clouds the tenant lives in.",
        ),
        key(
            "client_id",
            "GUID",
            "",
            "The application. With `managed_identity` it names a user-assigned identity; may be absent there, and with `workload_identity` where `AZURE_CLIENT_ID` is set.",
        ),
        key(
            "delegated",
            "mapping",
            "",
            "A person consents once (on the exporter's page, or by `m365mon login`); alone it makes a public client.",
        ),
        key("client_secret", "mapping", "", "A shared secret."),
        key(
            "client_certificate",
            "mapping",
            "",
            "A certificate and its RSA key.",
        ),
        key(
            "workload_identity",
            "mapping, may be `{}`",
            "",
            "A token of another identity provider, such as Kubernetes.",
        ),
        key(
            "managed_identity",
            "`{}`",
            "",
            "The identity that Azure gave this machine.",
        ),
    ],
};

/// `accounts[].cloud`, where it is a mapping.
pub(super) static CLOUD: Table = Table {
    path: "accounts[].cloud",
    help: "A cloud that has no name here. Both are roots, `https` without a path.",
    keys: &[
        key(
            "login_url",
            "`https://` root",
            "",
            "As `https://login.microsoftonline.com`.",
        ),
        key(
            "graph_url",
            "`https://` root",
            "",
            "As `https://graph.microsoft.com`.",
        ),
    ],
};

/// `accounts[].delegated`.
pub(super) static DELEGATED: Table = Table {
    path: "accounts[].delegated",
    help: "A person who consents; no password is ever asked for.",
    keys: &[
        key(
            "username",
            "user principal name",
            "",
            "Who signs in, as `steve@contoso.com`.",
        ),
        key(
            "redirect_url",
            "`https` URL, or `http` on `localhost` or `127.0.0.1`",
            "this exporter's `/auth/callback`",
            "Where Entra sends the browser back to; its path ends in `/auth/callback`.",
        ),
        key(
            "max_age",
            "duration, 1h to 365d",
            "",
            "How long a sign-in lasts where a policy of the tenant limits it.",
        ),
    ],
};

/// `accounts[].client_secret`.
pub(super) static CLIENT_SECRET: Table = Table {
    path: "accounts[].client_secret",
    help: "Exactly one of `secret_file`, `secret_env` and `secret`.",
    keys: &[
        key(
            "secret_file",
            "path",
            "",
            "Holds the secret; white space around it does not count. Read again when it changes.",
        ),
        key(
            "secret_env",
            "name of an environment variable",
            "",
            "Holds the secret.",
        ),
        key(
            "secret",
            "text",
            "",
            "The secret itself. A file is the better place.",
        ),
        key(
            "expires",
            "date (`2027-03-01`) or time (`2027-03-01T12:00:00Z`)",
            "",
            "When the secret ends; without it nobody is warned.",
        ),
    ],
};

/// `accounts[].client_certificate`.
pub(super) static CLIENT_CERTIFICATE: Table = Table {
    path: "accounts[].client_certificate",
    help: "At most one of `key_passphrase_file`, `key_passphrase_env` and `key_passphrase`.",
    keys: &[
        key(
            "certificate_file",
            "path",
            "",
            "PEM; may hold the key as well.",
        ),
        key(
            "key_file",
            "path",
            "the same file",
            "PEM, PKCS#8 or PKCS#1.",
        ),
        key(
            "key_passphrase_file",
            "path",
            "",
            "For an encrypted key: a file that holds the passphrase.",
        ),
        key(
            "key_passphrase_env",
            "name of an environment variable",
            "",
            "Holds the passphrase.",
        ),
        key(
            "key_passphrase",
            "text",
            "",
            "The passphrase itself. A file is the better place.",
        ),
    ],
};

/// `accounts[].workload_identity`.
pub(super) static WORKLOAD_IDENTITY: Table = Table {
    path: "accounts[].workload_identity",
    help: "`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE` and `AZURE_AUTHORITY_HOST` fill what the file leaves out; where both say something, they must agree.",
    keys: &[key(
        "token_file",
        "path",
        "`AZURE_FEDERATED_TOKEN_FILE`",
        "Holds the token; read again when it changes.",
    )],
};

/// `accounts[].managed_identity`.
pub(super) static MANAGED_IDENTITY: Table = Table {
    path: "accounts[].managed_identity",
    help: "Has no keys: write `managed_identity: {}`.",
    keys: &[],
};

/// `resources[]`.
pub(super) static RESOURCE: Table = Table {
    path: "resources[]",
    help: "One thing to watch through one account.",
    keys: &[
        key(
            "name",
            "text, 1 to 128 bytes, without `/`",
            "",
            "Unique; the `resource` label. Not the name of a person.",
        ),
        key(
            "account",
            "name of an account",
            "",
            "Through which account.",
        ),
        key(
            "kind",
            "`sharepoint_site` or `exchange_mailbox`",
            "",
            "What it is, hence how it is asked and judged.",
        ),
        key(
            "interval",
            "duration, 1s to 7d",
            "`defaults.interval`",
            "How often.",
        ),
        key(
            "timeout",
            "duration, less than the interval",
            "`defaults.timeout`",
            "For the request.",
        ),
        key(
            "mode",
            "`background`, `on_scrape` or `on_probe`",
            "`defaults.mode`",
            "Where it is probed from.",
        ),
        key(
            "connection",
            "`new` or `reuse`",
            "`defaults.connection`",
            "Which connection it takes.",
        ),
        key(
            "min_age",
            "duration, at most the interval",
            "`defaults.min_age`",
            "A younger report is reused.",
        ),
        key(
            "labels",
            "mapping of label names to text",
            "none",
            "On every series of this resource, besides those of the process; of two with one name this one wins.",
        ),
    ],
};

/// The kinds of resources.
pub(super) static KINDS: &[KindTable] = &[
    KindTable {
        name: "sharepoint_site",
        help: "Asks for the names of the site's lists; one is enough.",
        keys: &[
            key(
                "url",
                "`https://` URL",
                "",
                "The site, as `https://contoso.sharepoint.com/sites/intranet`; not a page in it.",
            ),
            key(
                "api",
                "`graph` or `sharepoint`",
                "`graph`",
                "Microsoft Graph or SharePoint's own REST. The latter takes no app-only token that was had by a client secret.",
            ),
        ],
    },
    KindTable {
        name: "exchange_mailbox",
        help: "Asks for one message id.",
        keys: &[key(
            "user",
            "user principal name or object id",
            "the person of `delegated`",
            "Whose mailbox. Needed unless the account is delegated.",
        )],
    },
];

/// All mappings, in the order of the documentation.
pub(super) static TABLES: &[&Table] = &[
    &ROOT,
    &HTTP,
    &LIMITS,
    &METRICS,
    &DEFAULTS,
    &ACCOUNT,
    &CLOUD,
    &DELEGATED,
    &CLIENT_SECRET,
    &CLIENT_CERTIFICATE,
    &WORKLOAD_IDENTITY,
    &MANAGED_IDENTITY,
    &RESOURCE,
];

/// True if the keys of this mapping stand beside a secret.
pub(super) fn holds_secret(table: &Table) -> bool {
    [
        &CLIENT_SECRET,
        &CLIENT_CERTIFICATE,
        &super::web::schema::TLS,
    ]
    .iter()
    .any(|holder| holder.path == table.path)
}

/// Where a key belongs that stands in the wrong place: `to "accounts[]"`.
/// `beside` is where it was found.
pub(super) fn home_of(beside: &Table, name: &str) -> Option<String> {
    let has = |keys: &[Key]| keys.iter().any(|key| key.name == name);
    let web = super::web::schema::TABLES;
    if web.iter().any(|table| std::ptr::eq(*table, beside)) {
        return home_in(web, name);
    }
    if let Some(kind) = KINDS.iter().find(|kind| has(kind.keys)) {
        return Some(format!("to resources of the kind \"{}\"", kind.name));
    }
    home_in(TABLES, name)
}

fn home_in(tables: &[&Table], name: &str) -> Option<String> {
    let table = tables
        .iter()
        .find(|table| table.names().any(|known| known == name))?;
    Some(match table.path {
        "" => "to the top of the file".to_owned(),
        path => format!("to \"{path}\""),
    })
}
