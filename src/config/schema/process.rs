//! The file itself, and what holds for the whole process.

use std::borrow::Cow;
use std::sync::Arc;

use super::{ACCOUNT, DEFAULTS, HTTP, RESOURCE, WINDOW, key, labels, list_of};
use crate::kinds::Key;
use crate::kinds::key::{Count, FilePath, Flag, Form, KeyPart, Keys, Setting, record};
use crate::model::{DEFAULT_BUCKETS, Limits, MetricsSettings, Storage};

record!(
    /// The file itself, of which the storage is read as it stands.
    pub(in crate::config) ROOT: Storage, "", "The file is one YAML document. Paths in it are relative to its own folder.",
    [&labels(
        "On every `m365_` and `m365mon_` series of this process, for example `location: amsterdam`.",
    )]
    {
        file: Key::usually(
            "storage",
            FilePath::OURS,
            || "m365mon.tokens".into(),
            "Where refresh tokens are kept; only created when something must last.",
        ),
        key_file: Key::usually(
            "storage_key_file",
            FilePath::OURS,
            || "m365mon.key".into(),
            "Keys that seal the storage.",
        ),
    }
    [
        &Key::mapping(&HTTP.table),
        &Key::mapping(&LIMITS.table),
        &Key::mapping(&METRICS.table),
        &Key::mapping(&DEFAULTS.table),
        &list_of("accounts", &ACCOUNT, "The ways into tenants."),
        &list_of("resources", &RESOURCE, "What is watched."),
        &key(
            "resource_files",
            "list of paths or patterns",
            "none",
            "More of what is watched: each file is a list as under `resources`. `*` and `?` stand within one part of a path, `[a-z]` for one character; what begins with a dot is left out. Paths in such a file are relative to its own folder.",
        ),
        &list_of("windows", &WINDOW, "When it may be down without anybody being called."),
        &key(
            "references",
            "list of `https://…` or `tcp://HOST:PORT`",
            "none",
            "Addresses outside Microsoft that tell \"our network\" from \"Microsoft\": asked every minute, with 3 seconds at most, the way that probes go (the same proxy, the same roots). A connection by TCP, or an answer of any status by https, is enough; no token is ever sent. They change no outcome. `labels` must say the `location`. At most 20; a query is sent and never shown.",
        ),
    ]
);

record!(
    /// `limits`.
    pub(in crate::config) LIMITS: Limits, "limits", "Bounds on what runs at once.",
    {
        probes_in_flight: Key::usually(
            "probes_in_flight",
            Count(1, 10_000),
            || 512,
            "Probes at once, in this process.",
        ),
        per_account: Key::usually(
            "per_account",
            Count(1, 10_000),
            || 64,
            "Probes at once, for one account.",
        ),
        on_scrape: Key::usually(
            "on_scrape",
            Count(0, 1_000),
            || 50,
            "Most resources whose `mode` may be `on_scrape`.",
        ),
    }
);

record!(
    /// `metrics`.
    pub(in crate::config) METRICS: MetricsSettings, "metrics", "What is exposed.",
    {
        histogram: Key::usually(
            "histogram",
            Flag,
            || true,
            "`m365_resource_probe_duration_seconds`.",
        ),
        phases: Key::usually(
            "phases",
            Flag,
            || true,
            "`m365_resource_phase_latency_seconds`.",
        ),
        histogram_buckets: Key::usually(
            "histogram_buckets",
            BucketBounds { most: 30 },
            || DEFAULT_BUCKETS.into(),
            "Upper bounds of the histogram, without `+Inf`; at most 30.",
        ),
    }
);

/// Upper bounds of buckets in seconds, rising.
struct BucketBounds {
    /// At most so many.
    most: usize,
}

impl Form for BucketBounds {
    type Value = Arc<[f64]>;

    fn takes(&self) -> Cow<'static, str> {
        "list of seconds, rising".into()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<Arc<[f64]>> {
        let numbers = keys.numbers(key, "a list of seconds such as [0.1, 1, 10]")?;
        if numbers.is_empty() || numbers.len() > self.most {
            let (most, found) = (self.most, numbers.len());
            let message = format!("\"{key}\" must hold from 1 to {most} numbers, not {found}");
            keys.refuse(key, message);
            return None;
        }
        let mut bounds: Vec<f64> = Vec::with_capacity(numbers.len());
        for (index, number) in numbers.into_iter().enumerate() {
            let item = KeyPart::Item(index);
            let found = || keys.found(key, item);
            let wrong = match (number, bounds.last()) {
                (None, _) => format!(
                    "must hold numbers of seconds, not {}; \"+Inf\" is always there",
                    found()
                ),
                (Some(bound), _) if !(bound > 0.0 && bound <= 86_400.0) => {
                    format!("must hold seconds above 0, at most 86400, not {}", found())
                }
                (Some(bound), Some(last)) if *last >= bound => {
                    format!("must rise, but {bound} follows {last}")
                }
                (Some(bound), _) => {
                    bounds.push(bound);
                    continue;
                }
            };
            keys.refuse_part(key, item, format!("\"{key}\" {wrong}"));
            return None;
        }
        Some(bounds.into())
    }

    fn show(&self, value: &Arc<[f64]>) -> Setting {
        let bounds = value.iter().map(|bound| Setting::Plain(bound.to_string()));
        Setting::List(bounds.collect())
    }
}
