//! What is watched, and what holds for all that is watched.

use std::borrow::Cow;
use std::time::Duration;

use super::{PROXY_URL_FILE, RESOURCE_PROXY_URL, key, labels};
use crate::kinds::key::{
    AccountReference, Form, Key, Keys, Lasting, OneOf, Setting, Table, record,
};
use crate::kinds::{self, Impact, Mode};
use crate::model::ConnectionPolicy;

const WEEK: Duration = Duration::from_secs(7 * 86_400);
const INTERVALS: Lasting = Lasting::seconds(1, 7 * 86_400);
const TIMEOUTS: Lasting = Lasting {
    least: Duration::from_millis(100),
    most: WEEK,
    takes: Some("duration, less than the interval"),
};
const AGES: Lasting = Lasting::seconds(0, 7 * 86_400).takes("duration, at most the interval");
const MODES: OneOf<Mode> = OneOf(&[
    ("background", Mode::Background),
    ("on_scrape", Mode::OnScrape),
    ("on_probe", Mode::OnProbe),
]);
const CONNECTIONS: OneOf<ConnectionPolicy> = OneOf(&[
    ("new", ConnectionPolicy::New),
    ("reuse", ConnectionPolicy::Reuse),
]);

/// The word of a kind.
pub(in crate::config) struct KindWord;

impl Form for KindWord {
    type Value = &'static str;

    fn takes(&self) -> Cow<'static, str> {
        let words: Vec<String> = kinds::ALL
            .iter()
            .map(|info| format!("`{}`", info.name))
            .collect();
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => {
                format!("{} or {last}", rest.join(", ")).into()
            }
            _ => words.concat().into(),
        }
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<&'static str> {
        let words: Vec<&'static str> = kinds::ALL.iter().map(|info| info.name).collect();
        words.get(keys.word(key, &words)?).copied()
    }

    fn show(&self, value: &&'static str) -> Setting {
        Setting::Plain((*value).to_owned())
    }
}

static KIND: Key<KindWord> = Key::optional(
    "kind",
    KindWord,
    "`defaults.kind`",
    "What it is, hence how it is asked and judged.",
);
/// `resources[].interval`.
pub(in crate::config) static INTERVAL: Key<Lasting> =
    Key::optional("interval", INTERVALS, "`defaults.interval`", "How often.");
/// `resources[].timeout`.
pub(in crate::config) static TIMEOUT: Key<Lasting> = Key::optional(
    "timeout",
    TIMEOUTS,
    "`defaults.timeout`",
    "For the request.",
);
/// `resources[].mode`.
pub(in crate::config) static MODE: Key<OneOf<Mode>> =
    Key::optional("mode", MODES, "`defaults.mode`", "Where it is probed from.");
/// `resources[].connection`.
pub(in crate::config) static CONNECTION: Key<OneOf<ConnectionPolicy>> = Key::optional(
    "connection",
    CONNECTIONS,
    "`defaults.connection`",
    "Which connection it takes.",
);
/// `resources[].min_age`.
pub(in crate::config) static MIN_AGE: Key<Lasting> = Key::optional(
    "min_age",
    AGES,
    "`defaults.min_age`",
    "A younger report is reused.",
);
/// `resources[].impact`.
pub(in crate::config) static IMPACT: Key<OneOf<Impact>> = Key::optional(
    "impact",
    OneOf(&Impact::WORDS),
    "the kind's own",
    "Whether users feel its failure (it may call somebody at night) or not (a ticket at most).",
);

/// `resources[]`.
pub(in crate::config) static RESOURCE: Table = Table {
    path: "resources[]",
    help: "One thing to watch through one account.",
    keys: &[
        &key(
            "name",
            "text, 1 to 128 bytes, without `/`",
            "",
            "Unique; the `resource` label. Not the name of a person.",
        ),
        &key(
            "account",
            "name of an account",
            "`defaults.account`",
            "Through which account.",
        ),
        &KIND,
        &INTERVAL,
        &TIMEOUT,
        &MODE,
        &CONNECTION,
        &MIN_AGE,
        &IMPACT,
        &labels(
            "On every series of this resource, besides those of the process; of two with one name this one wins.",
        ),
        &RESOURCE_PROXY_URL,
        &PROXY_URL_FILE,
    ],
};

/// `defaults.account`.
pub(in crate::config) static DEFAULT_ACCOUNT: Key<AccountReference> = Key::optional(
    "account",
    AccountReference,
    "",
    "Through which account; for kinds that need one.",
);
/// `defaults.kind`.
pub(in crate::config) static DEFAULT_KIND: Key<KindWord> = Key::optional(
    "kind",
    KindWord,
    "",
    "What a resource is, as under `resources[]`.",
);

/// When and how resources are asked that do not say otherwise.
pub(in crate::config) struct UsualTiming {
    pub(in crate::config) interval: Duration,
    pub(in crate::config) timeout: Duration,
    pub(in crate::config) mode: Mode,
    pub(in crate::config) connection: ConnectionPolicy,
    pub(in crate::config) min_age: Option<Duration>,
}

record!(
    /// `defaults`.
    pub(in crate::config) DEFAULTS: UsualTiming, "defaults", "For resources that do not say otherwise.",
    {
        interval: Key::usually(
            "interval",
            INTERVALS,
            // It suits most kinds.
            || Duration::from_secs(60),
            "How often a resource is probed; with `on_scrape` and `on_probe` the expected distance of scrapes.",
        ),
        timeout: Key::usually(
            "timeout",
            TIMEOUTS,
            // Longer than any healthy answer takes.
            || Duration::from_secs(10),
            "For the request; waiting for an access token is bounded by the same value.",
        ),
        mode: Key::usually(
            "mode",
            MODES,
            || Mode::Background,
            "Where a resource is probed from: by the schedule, by `/metrics`, or by `/probe?resource=NAME` only.",
        ),
        connection: Key::usually(
            "connection",
            CONNECTIONS,
            || ConnectionPolicy::New,
            "`new` makes a full handshake, what a new user feels; `reuse` takes a pooled connection.",
        ),
        min_age: Key::maybe(
            "min_age",
            AGES,
            "0.9 × interval",
            "A report younger than this is reused by `on_scrape` and `on_probe`, so that two Prometheus servers do not double the calls.",
        ),
    }
    [&DEFAULT_ACCOUNT, &DEFAULT_KIND]
);
