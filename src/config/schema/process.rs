//! The file itself, and what holds for the whole process.

use super::{Table, key};

/// The file itself.
pub(in crate::config) static ROOT: Table = Table {
    path: "",
    help: "The file is one YAML document. Paths in it are relative to its own folder.",
    keys: &[
        &key(
            "labels",
            "mapping of label names to text",
            "none",
            "On every `m365_` and `m365mon_` series of this process, for example `location: amsterdam`.",
        ),
        &key(
            "storage",
            "path",
            "`m365mon.tokens`",
            "Where refresh tokens are kept; only created when something must last.",
        ),
        &key(
            "storage_key_file",
            "path",
            "`m365mon.key`",
            "Keys that seal the storage.",
        ),
        &key("http", "mapping", "", "How requests leave this machine."),
        &key("limits", "mapping", "", "Bounds on what runs at once."),
        &key("metrics", "mapping", "", "What is exposed."),
        &key(
            "defaults",
            "mapping",
            "",
            "For resources that do not say otherwise.",
        ),
        &key(
            "accounts",
            "list of mappings",
            "none",
            "The ways into tenants.",
        ),
        &key("resources", "list of mappings", "none", "What is watched."),
        &key(
            "resource_files",
            "list of paths or patterns",
            "none",
            "More of what is watched: each file is a list as under `resources`. `*` and `?` stand within one part of a path, `[a-z]` for one character; what begins with a dot is left out. Paths in such a file are relative to its own folder.",
        ),
        &key(
            "windows",
            "list of mappings",
            "none",
            "When it may be down without anybody being called.",
        ),
        &key(
            "references",
            "list of `https://…` or `tcp://HOST:PORT`",
            "none",
            "Addresses outside Microsoft that tell \"our network\" from \"Microsoft\": asked every minute, with 3 seconds at most, the way that probes go (the same proxy, the same roots). A connection by TCP, or an answer of any status by https, is enough; no token is ever sent. They change no outcome. `labels` must say the `location`. At most 20; a query is sent and never shown.",
        ),
    ],
};

/// `http`.
pub(in crate::config) static HTTP: Table = Table {
    path: "http",
    help: "How requests leave this machine.",
    keys: &[
        &key(
            "proxy_url",
            "`http://` URL",
            "`HTTPS_PROXY`, `NO_PROXY` of the environment",
            "A proxy for everything but managed identity, by CONNECT. May hold a user and a password; it is treated as a secret.",
        ),
        &key(
            "proxy_url_file",
            "path",
            "",
            "Holds the URL in place of `proxy_url`. Read again on a reload.",
        ),
        &key(
            "ca_file",
            "path",
            "the system's",
            "PEM certificates that are trusted instead of the system's.",
        ),
        &key(
            "user_agent",
            "text",
            "`NONISV\\|m365mon\\|m365mon/VERSION`",
            "Sent with every request; Microsoft prefers decorated traffic.",
        ),
        &key(
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
pub(in crate::config) static LIMITS: Table = Table {
    path: "limits",
    help: "Bounds on what runs at once.",
    keys: &[
        &key(
            "probes_in_flight",
            "whole number from 1",
            "512",
            "Probes at once, in this process.",
        ),
        &key(
            "per_account",
            "whole number from 1",
            "64",
            "Probes at once, for one account.",
        ),
        &key(
            "on_scrape",
            "whole number",
            "50",
            "Most resources whose `mode` may be `on_scrape`.",
        ),
    ],
};

/// `metrics`.
pub(in crate::config) static METRICS: Table = Table {
    path: "metrics",
    help: "What is exposed.",
    keys: &[
        &key(
            "histogram",
            "`true` or `false`",
            "`true`",
            "`m365_resource_probe_duration_seconds`.",
        ),
        &key(
            "phases",
            "`true` or `false`",
            "`true`",
            "`m365_resource_phase_latency_seconds`.",
        ),
        &key(
            "histogram_buckets",
            "list of seconds, rising",
            "`[0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0]`",
            "Upper bounds of the histogram, without `+Inf`; at most 30.",
        ),
    ],
};
