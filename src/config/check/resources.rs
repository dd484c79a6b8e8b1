//! What is watched.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::accounts::CheckedAccounts;
use super::labels::{self, LabelMap};
use super::names::UniqueNames;
use super::{Context, credentials, sites};
use crate::config::diagnostic::{Position, one_of, quoted};
use crate::config::duration::format;
use crate::config::fields::{Fields, Spanned};
use crate::config::schema::{self, Key};
use crate::config::suggest::suggest;
use crate::config::yaml::{Node, Value};
use crate::model::{
    Account, AppCredential, ConnectionPolicy, Kind, Labels, Limits, Mode, Resource, SignIn,
    SiteApi, is_guid,
};

const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
const LONGEST_INTERVAL: Duration = Duration::from_secs(7 * 86_400);
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);

const MODES: [(&str, Mode); 3] = [
    ("background", Mode::Background),
    ("on_scrape", Mode::OnScrape),
    ("on_probe", Mode::OnProbe),
];
const CONNECTIONS: [(&str, ConnectionPolicy); 2] = [
    ("new", ConnectionPolicy::New),
    ("reuse", ConnectionPolicy::Reuse),
];
const APIS: [(&str, SiteApi); 2] = [
    ("graph", SiteApi::Graph),
    ("sharepoint", SiteApi::SharePoint),
];

/// What holds for resources that do not say otherwise.
pub(super) struct Defaults {
    interval: Duration,
    timeout: Duration,
    mode: Mode,
    connection: ConnectionPolicy,
    min_age: Option<Duration>,
    at: Position,
    /// Its own values do not fit together, which is said once.
    reported: Cell<bool>,
}

/// The keys that resources and `defaults` share.
struct Timing {
    interval: Option<Spanned<Duration>>,
    timeout: Option<Spanned<Duration>>,
    mode: Option<Spanned<Mode>>,
    connection: Option<Spanned<ConnectionPolicy>>,
    min_age: Option<Spanned<Duration>>,
}

impl Timing {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            interval: fields.duration("interval", SHORTEST_INTERVAL, LONGEST_INTERVAL),
            timeout: fields.duration("timeout", SHORTEST_TIMEOUT, LONGEST_INTERVAL),
            mode: fields.word("mode", &MODES),
            connection: fields.word("connection", &CONNECTIONS),
            min_age: fields.duration("min_age", Duration::ZERO, LONGEST_INTERVAL),
        }
    }
}

impl Defaults {
    /// `defaults`. Whether its values fit together is judged where a resource
    /// uses them.
    pub(super) fn read(root: &Fields<'_>) -> Self {
        let mut defaults = Self {
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            mode: Mode::Background,
            connection: ConnectionPolicy::New,
            min_age: None,
            at: root.place("defaults"),
            reported: Cell::new(false),
        };
        if let Some(fields) = root.mapping("defaults", &schema::DEFAULTS) {
            let timing = Timing::read(&fields);
            if let Some(interval) = timing.interval {
                defaults.interval = interval.value;
            }
            if let Some(timeout) = timing.timeout {
                defaults.timeout = timeout.value;
            }
            if let Some(mode) = timing.mode {
                defaults.mode = mode.value;
            }
            if let Some(connection) = timing.connection {
                defaults.connection = connection.value;
            }
            defaults.min_age = timing.min_age.map(|age| age.value);
        }
        defaults
    }
}

/// `resources`.
pub(super) fn resources(
    root: &Fields<'_>,
    defaults: &Defaults,
    process: &LabelMap,
    limits: Limits,
    accounts: &CheckedAccounts,
    context: &Context<'_>,
) -> Vec<Resource> {
    let items = root.list("resources");
    let mut names = UniqueNames::new("resource", items.len());
    let mut found = Vec::with_capacity(items.len());
    // Most resources have no labels of their own and share one list.
    let shared = labels::whole(process);
    let mut on_scrape = 0;
    for item in items {
        let Some(kind) = KindOf::read(item) else {
            // Not a mapping; the diagnostic is made by the opening.
            _ = Fields::open(item, &schema::RESOURCE, &[], context.diagnostics);
            continue;
        };
        let more = kind.keys();
        let Some(fields) = Fields::open(item, &schema::RESOURCE, &more, context.diagnostics) else {
            continue;
        };
        let name = names.take(&fields, context);
        if let Some(name) = name.as_deref().filter(|name| credentials::is_upn(name)) {
            context.diagnostics.warn(
                fields.place("name"),
                format!(
                    "the name {} looks like a person's and becomes a label in Prometheus; choose a name for the purpose",
                    quoted(name)
                ),
            );
        }
        let timing = Timing::read(&fields);
        let mode = timing.mode.map_or(defaults.mode, |mode| mode.value);
        if mode == Mode::OnScrape {
            on_scrape += 1;
            if on_scrape == limits.on_scrape + 1 {
                context.diagnostics.refuse(
                    timing.mode.map_or(fields.at, |mode| mode.at),
                    format!(
                        "too many \"on_scrape\" resources, limits.on_scrape allows {}: a scrape would not end in time; use \"background\", or raise the limit",
                        limits.on_scrape
                    ),
                );
            }
        }
        let own = labels::labels(&fields, context);
        let labels = if own.is_empty() {
            shared.clone()
        } else {
            labels::merged(process, own)
        };
        let resource = resource(&fields, &kind, &timing, defaults, labels, accounts, context);
        if let (Some(name), Some(resource)) = (name, resource) {
            found.push(Resource { name, ..resource });
        }
    }
    found
}

fn resource(
    fields: &Fields<'_>,
    kind: &KindOf<'_>,
    timing: &Timing,
    defaults: &Defaults,
    labels: Labels,
    accounts: &CheckedAccounts,
    context: &Context<'_>,
) -> Option<Resource> {
    let times = times(fields, timing, defaults, context);
    let account = account(fields, accounts, context);
    let kind = kind.check(fields, account.as_deref(), context);
    let (interval, timeout, min_age) = times?;
    Some(Resource {
        name: "".into(),
        account: account?,
        kind: kind?,
        interval,
        timeout,
        mode: timing.mode.map_or(defaults.mode, |mode| mode.value),
        connection: timing
            .connection
            .map_or(defaults.connection, |connection| connection.value),
        min_age,
        labels,
    })
}

/// The interval, the timeout and the minimum age, as they fit together.
fn times(
    fields: &Fields<'_>,
    timing: &Timing,
    defaults: &Defaults,
    context: &Context<'_>,
) -> Option<(Duration, Duration, Duration)> {
    let refused = |name: &str, found: bool| fields.get(name).is_some() && !found;
    if refused("interval", timing.interval.is_some())
        || refused("timeout", timing.timeout.is_some())
        || refused("min_age", timing.min_age.is_some())
    {
        return None;
    }
    let interval = timing.interval.map_or(defaults.interval, |at| at.value);
    let timeout = timing.timeout.map_or(defaults.timeout, |at| at.value);
    let min_age = timing.min_age.map(|at| at.value).or(defaults.min_age);
    let wrong = if timeout >= interval {
        Some(("timeout", timing.timeout, timeout, "less than"))
    } else {
        min_age
            .filter(|min_age| *min_age > interval)
            .map(|min_age| ("min_age", timing.min_age, min_age, "at most"))
    };
    let Some((name, own, value, most)) = wrong else {
        return Some((interval, timeout, min_age.unwrap_or(interval * 9 / 10)));
    };
    let from = |own: bool| if own { "" } else { " (of the defaults)" };
    let message = format!(
        "the {name} {}{} must be {most} the interval {}{}",
        format(value),
        from(own.is_some()),
        format(interval),
        from(timing.interval.is_some())
    );
    match own.or(timing.interval) {
        Some(place) => context.diagnostics.refuse(place.at, message),
        None if defaults.reported.replace(true) => {}
        None => context.diagnostics.refuse(defaults.at, message),
    }
    None
}

/// The account; `None` if it is unknown (after a diagnostic) or was refused.
fn account(
    fields: &Fields<'_>,
    accounts: &CheckedAccounts,
    context: &Context<'_>,
) -> Option<Arc<Account>> {
    if fields.get("account").is_none() {
        fields.missing("account", "through which account this is watched");
        return None;
    }
    let text = fields.text("account")?;
    let known = accounts.find(text.value);
    if known.is_none() {
        context.diagnostics.refuse(
            text.at,
            format!(
                "unknown account {}{}",
                quoted(text.value),
                suggest(text.value, accounts.names())
            ),
        );
    }
    known?.account.clone()
}

/// What a resource says it is, before anything else is known about it.
enum KindOf<'n> {
    Site,
    Mailbox,
    /// Some other word, or nothing.
    Other(Option<&'n Node>, Position),
}

impl<'n> KindOf<'n> {
    /// `None` if the item is no mapping.
    fn read(item: &'n Node) -> Option<Self> {
        let Value::Mapping(entries) = &item.value else {
            return None;
        };
        let node = entries
            .iter()
            .find(|entry| entry.key.as_deref() == Some("kind"))
            .map(|entry| &entry.value);
        Some(match node.map(|node| &node.value) {
            Some(Value::Text(word)) if word == "sharepoint_site" => Self::Site,
            Some(Value::Text(word)) if word == "exchange_mailbox" => Self::Mailbox,
            _ => Self::Other(node.filter(|node| !node.is_null()), item.at),
        })
    }

    /// The keys that this kind has besides those of every resource; all of
    /// them while the kind is not known.
    fn keys(&self) -> Vec<&'static [Key]> {
        let word = match self {
            Self::Site => Some("sharepoint_site"),
            Self::Mailbox => Some("exchange_mailbox"),
            Self::Other(..) => None,
        };
        schema::KINDS
            .iter()
            .filter(|kind| word.is_none_or(|word| word == kind.name))
            .map(|kind| kind.keys)
            .collect()
    }

    fn check(
        &self,
        fields: &Fields<'_>,
        account: Option<&Account>,
        context: &Context<'_>,
    ) -> Option<Kind> {
        let words = || schema::KINDS.iter().map(|kind| kind.name);
        match self {
            Self::Site => site(fields, account, context),
            Self::Mailbox => mailbox(fields, account, context),
            Self::Other(None, at) => {
                context.diagnostics.refuse(
                    *at,
                    format!("\"kind\" is missing; it is {}", one_of(words())),
                );
                None
            }
            Self::Other(Some(node), _) => {
                let near = match &node.value {
                    Value::Text(word) => suggest(word, words()),
                    _ => String::new(),
                };
                context.diagnostics.refuse(
                    node.at,
                    format!(
                        "\"kind\" must be {}, not {}{near}",
                        one_of(words()),
                        node.found()
                    ),
                );
                None
            }
        }
    }
}

fn site(fields: &Fields<'_>, account: Option<&Account>, context: &Context<'_>) -> Option<Kind> {
    let api = fields.word("api", &APIS);
    let refused = fields.get("api").is_some() && api.is_none();
    let url = sites::url(fields, account.map(|account| &account.cloud), context);
    let by_secret = account.is_some_and(|account| {
        matches!(
            account.sign_in,
            SignIn::App(AppCredential::ClientSecret { .. })
        )
    });
    if let Some(api) = api.filter(|api| api.value == SiteApi::SharePoint && by_secret) {
        context.diagnostics.refuse(
            api.at,
            "\"api: sharepoint\" does not work with a client secret: SharePoint takes app-only tokens only by certificate or federation; use \"api: graph\", \"client_certificate\" or \"delegated\"",
        );
        return None;
    }
    if refused {
        return None;
    }
    Some(Kind::SharePointSite {
        url: url?,
        api: api.map_or(SiteApi::Graph, |api| api.value),
    })
}

fn mailbox(fields: &Fields<'_>, account: Option<&Account>, context: &Context<'_>) -> Option<Kind> {
    let person = account.and_then(Account::person);
    if fields.get("user").is_none() {
        if account.is_some_and(|account| account.person().is_none()) {
            fields.missing(
                "user",
                "an account without \"delegated\" has no mailbox of its own; name a user principal name or, better, an object id",
            );
            return None;
        }
        return Some(Kind::ExchangeMailbox { user: None });
    }
    let text = fields.text("user")?;
    if !credentials::is_upn(text.value) && !is_guid(text.value) {
        context.diagnostics.refuse(
            text.at,
            format!(
                "\"user\" must be a user principal name such as \"steve@contoso.com\" or an object id, not {}",
                quoted(text.value)
            ),
        );
        return None;
    }
    let own = person.is_some_and(|person| person.username.eq_ignore_ascii_case(text.value));
    Some(Kind::ExchangeMailbox {
        user: (!own).then(|| text.value.into()),
    })
}
