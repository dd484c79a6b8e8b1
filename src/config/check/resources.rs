//! What is watched.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::accounts::CheckedAccounts;
use super::labels::{self, LabelMap};
use super::mapping_keys::MappingKeys;
use super::names::UniqueNames;
use super::{Context, proxy, times};
use crate::config::diagnostic::{Position, one_of, quoted};
use crate::config::fields::Fields;
use crate::config::schema;
use crate::config::suggest::suggest;
use crate::config::yaml::{Node, Value};
use crate::kinds::AnyKey;
use crate::kinds::{self, Info, Keys, Kind, Labels, Mode, Resource, Taken, Variables};
use crate::model::{Account, ConnectionPolicy, Limits, is_upn};

/// What holds for resources that do not say otherwise.
pub(super) struct Defaults {
    pub(super) usual: schema::UsualTiming,
    /// Which account, for kinds that need one.
    account: Option<Arc<Account>>,
    /// True if it names one, sound or not.
    has_account: bool,
    kind: Option<&'static Info>,
    /// It names one that there is not; the complaint is made.
    refused_kind: bool,
    pub(super) at: Position,
    /// Its own values do not fit together, which is said once.
    pub(super) reported: Cell<bool>,
}

/// What a resource itself says of its times and its home.
pub(super) struct Timing {
    pub(super) interval: Taken<Duration>,
    pub(super) timeout: Taken<Duration>,
    mode: Taken<Mode>,
    connection: Taken<ConnectionPolicy>,
    pub(super) min_age: Taken<Duration>,
}

impl Timing {
    fn read(keys: &dyn Keys) -> Self {
        Self {
            interval: schema::INTERVAL.take(keys),
            timeout: schema::TIMEOUT.take(keys),
            mode: schema::MODE.take(keys),
            connection: schema::CONNECTION.take(keys),
            min_age: schema::MIN_AGE.take(keys),
        }
    }
}

impl Defaults {
    /// `defaults`. Whether its values fit together is judged where a resource
    /// uses them.
    pub(super) fn read(
        root: &Fields<'_>,
        accounts: &CheckedAccounts,
        context: &Context<'_>,
    ) -> Option<Self> {
        let fields = root.section(&schema::DEFAULTS.table);
        let keys = &MappingKeys::naming(accounts, &fields, context);
        let usual = schema::DEFAULTS.read(keys, ())?;
        let account = schema::DEFAULT_ACCOUNT.take(keys);
        let kind = schema::DEFAULT_KIND.take(keys);
        Some(Self {
            usual,
            has_account: !matches!(account, Taken::Absent),
            account: account.given(),
            refused_kind: matches!(kind, Taken::Refused),
            kind: kind.given().and_then(kinds::find),
            at: root.place("defaults"),
            reported: Cell::new(false),
        })
    }

    /// What a resource takes from here that came from the environment is shown
    /// by its name there too.
    fn pass_on_variables(
        &self,
        number: usize,
        own: &Fields<'_>,
        info: Option<&Info>,
        context: &Context<'_>,
    ) {
        let mut variables = context.variables.borrow_mut();
        if variables.is_empty() {
            return;
        }
        for key in schema::DEFAULTS.table.names() {
            let of_the_kind = info.is_some_and(|info| match key {
                "interval" => info.interval.is_some(),
                "timeout" => info.timeout.is_some(),
                "mode" => info.background_only(),
                "account" => !info.needs_account,
                _ => false,
            });
            if of_the_kind || own.get(key).is_some() {
                continue;
            }
            if let Some(name) = variables.get(&Variables::join("defaults", key)).cloned() {
                variables.insert(format!("resources[{number}].{key}"), name);
            }
        }
    }
}

/// `resources`.
pub(super) fn resources(
    items: &[&Node],
    defaults: &Defaults,
    process: &LabelMap,
    limits: Limits,
    accounts: &CheckedAccounts,
    context: &Context<'_>,
) -> Vec<Resource> {
    let mut names = UniqueNames::new("resource", items.len());
    let mut found = Vec::with_capacity(items.len());
    // Most resources have no labels of their own and share one list.
    let shared = labels::whole(process);
    let mut on_scrape = 0;
    for (number, &item) in items.iter().enumerate() {
        let Some(kind) = KindOf::read(item, defaults) else {
            // Not a mapping; the diagnostic is made by the opening.
            _ = Fields::open(item, &schema::RESOURCE, &[], context.diagnostics);
            continue;
        };
        let more = kind.keys();
        let Some(fields) = Fields::open(item, &schema::RESOURCE, &more, context.diagnostics) else {
            continue;
        };
        let name = names.take(&fields, context);
        if let Some(name) = name.as_deref().filter(|name| is_upn(name)) {
            context.diagnostics.warn(
                fields.place("name"),
                format!(
                    "the name {} looks like a person's and becomes a label in Prometheus; choose a name for the purpose",
                    quoted(name)
                ),
            );
        }
        let keys = MappingKeys::naming(accounts, &fields, context);
        let timing = Timing::read(&keys);
        let mode = mode(&keys, &timing, kind.info(), defaults);
        if mode == Some(Mode::OnScrape) {
            on_scrape += 1;
            if on_scrape == limits.on_scrape + 1 {
                keys.refuse(
                    "mode",
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
        defaults.pass_on_variables(number, &fields, kind.info(), context);
        let resource = resource(&keys, &kind, timing, mode, defaults, labels);
        if let (Some(name), Some(resource)) = (name, resource) {
            found.push(Resource { name, ..resource });
        }
    }
    found
}

fn resource(
    keys: &MappingKeys<'_>,
    kind: &KindOf<'_>,
    timing: Timing,
    mode: Option<Mode>,
    defaults: &Defaults,
    labels: Labels,
) -> Option<Resource> {
    let info = kind.info();
    let impact = schema::IMPACT.take(keys);
    let times = times::fitting(keys, &timing, defaults, info);
    let account = account(keys, info, defaults);
    let proxy = proxy::own(keys);
    let kind = kind.check(keys, account.as_deref());
    let (interval, timeout, min_age) = times?;
    let kind = kind?;
    let account = account?;
    times::whole_probe(keys, &kind, &account, interval, timeout);
    if !kind.info().exists_in(&account.cloud) {
        keys.refuse(
            "kind",
            format!(
                "the cloud \"{}\" has nothing that \"{}\" could ask",
                account.cloud.as_str(),
                kind.as_str()
            ),
        );
    }
    Some(Resource {
        name: "".into(),
        account,
        impact: impact.or(kind.info().impact)?,
        kind,
        interval,
        timeout,
        mode: mode?,
        connection: timing.connection.or(defaults.usual.connection)?,
        min_age,
        labels,
        proxy,
    })
}

/// Where it is probed from. A kind that keeps its own pace, or writes, is asked
/// by the scheduler only.
fn mode(
    keys: &dyn Keys,
    timing: &Timing,
    info: Option<&Info>,
    defaults: &Defaults,
) -> Option<Mode> {
    let own = timing.mode.clone();
    let Some(info) = info.filter(|info| info.background_only()) else {
        return own.or(defaults.usual.mode);
    };
    match own.or(Mode::Background)? {
        Mode::Background => Some(Mode::Background),
        Mode::OnScrape | Mode::OnProbe => {
            let why = if info.writes {
                "writes"
            } else {
                "keeps a pace of its own"
            };
            keys.refuse(
                "mode",
                format!(
                    "\"mode\" must be \"background\" for \"{}\", which {why}",
                    info.name
                ),
            );
            None
        }
    }
}

/// The account; `None` if it is unknown (after a diagnostic) or was refused.
fn account(
    keys: &MappingKeys<'_>,
    info: Option<&Info>,
    defaults: &Defaults,
) -> Option<Arc<Account>> {
    if keys.is_given("account") {
        return keys.account("account");
    }
    if info.is_some_and(|info| !info.needs_account) {
        return Some(Account::nobody());
    }
    if defaults.has_account {
        return defaults.account.clone();
    }
    keys.fields
        .missing("account", "through which account this is watched");
    None
}

/// What a resource says it is, before anything else is known about it.
enum KindOf<'n> {
    Known(&'static Info),
    /// Some other word, or nothing.
    Other(Option<&'n Node>, Position),
    /// What the defaults say, and that is none.
    Refused,
}

impl<'n> KindOf<'n> {
    /// `None` if the item is no mapping.
    fn read(item: &'n Node, defaults: &Defaults) -> Option<Self> {
        let Value::Mapping(entries) = &item.value else {
            return None;
        };
        let node = entries
            .iter()
            .find(|entry| entry.key.as_deref() == Some("kind"))
            .map(|entry| &entry.value);
        let known = match node.map(|node| &node.value) {
            Some(Value::Text(word)) => kinds::find(word),
            _ => None,
        };
        let absent = node.is_none_or(Node::is_null);
        Some(match known.or(defaults.kind.filter(|_| absent)) {
            Some(info) => Self::Known(info),
            None if absent && defaults.refused_kind => Self::Refused,
            None => Self::Other(node.filter(|node| !node.is_null()), item.at),
        })
    }

    const fn info(&self) -> Option<&'static Info> {
        match self {
            Self::Known(info) => Some(info),
            Self::Other(..) | Self::Refused => None,
        }
    }

    /// The keys that this kind has besides those of every resource; all of
    /// them while the kind is not known.
    fn keys(&self) -> Vec<&'static [&'static dyn AnyKey]> {
        match self {
            Self::Known(info) => vec![info.keys],
            Self::Other(..) | Self::Refused => kinds::ALL.iter().map(|info| info.keys).collect(),
        }
    }

    fn check(&self, keys: &MappingKeys<'_>, account: Option<&Account>) -> Option<Kind> {
        let words = || kinds::ALL.iter().map(|info| info.name);
        let (at, message) = match self {
            Self::Known(info) => return Kind::read(info.name, keys, account),
            Self::Refused => return None,
            Self::Other(None, at) => (
                *at,
                format!("\"kind\" is missing; it is {}", one_of(words())),
            ),
            Self::Other(Some(node), _) => {
                let near = match &node.value {
                    Value::Text(word) => suggest(word, words()),
                    _ => String::new(),
                };
                let found = node.found();
                (
                    node.at,
                    format!("\"kind\" must be {}, not {found}{near}", one_of(words())),
                )
            }
        };
        keys.context.diagnostics.refuse(at, message);
        None
    }
}
