//! Planned times, and which resources they are about.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Context;
use super::accounts::CheckedAccounts;
use super::mapping_keys::MappingKeys;
use super::names::UniqueNames;
use crate::config::diagnostic::{Position, quoted};
use crate::config::fields::{self, Fields};
use crate::config::schema;
use crate::config::suggest::suggest;
use crate::config::yaml::{MappingEntry, Node, Value};
use crate::kinds::{Criterion, Keys as _, MatchKey, PlannedWindow, Resource, Taken};
use crate::model::{MinuteOfDay, Weekdays, Window, WindowTimes};

/// Each is looked at in every scrape.
const MOST_WINDOWS: usize = 500;

/// A window that is sound by itself.
pub(super) struct CheckedWindow {
    pub(super) planned: PlannedWindow,
    at: Position,
    /// What its `match` names, each with its place.
    named: Vec<Named>,
}

/// One value of a `match`.
struct Named {
    key: MatchKey,
    value: Arc<str>,
    at: Position,
}

/// `windows`, but for whether they are about something.
pub(super) fn windows(
    root: &Fields<'_>,
    accounts: &CheckedAccounts,
    context: &Context<'_>,
) -> Vec<CheckedWindow> {
    let items = root.list("windows");
    if items.len() > MOST_WINDOWS {
        context.diagnostics.refuse(
            root.place("windows"),
            format!(
                "{} windows are too many, at most {MOST_WINDOWS} are allowed",
                items.len()
            ),
        );
        return Vec::new();
    }
    let mut names = UniqueNames::new("window", items.len());
    let read = |item: &Node| {
        let fields = Fields::open(item, &schema::WINDOW, &[], context.diagnostics)?;
        let keys = MappingKeys::naming(accounts, &fields, context);
        let name = names.take(&fields, context);
        let r#type = schema::TYPE.take(&keys).given();
        let zone = schema::TIMEZONE.take(&keys);
        let times = times(&keys);
        let mut named = Vec::new();
        let matches = match fields.get("match") {
            Some(node) => matches(node, &mut named, context),
            None => Some(Vec::new()),
        };
        let window = Window {
            name: name?,
            r#type: r#type?,
            times: times?,
            zone: zone.or(TimeZone::UTC)?,
        };
        is_somewhen(&window, &keys)?;
        let planned = PlannedWindow {
            window: Arc::new(window),
            matches: matches?,
        };
        Some(CheckedWindow {
            planned,
            at: fields.get("match").map_or(fields.at, |node| node.at),
            named,
        })
    };
    items.iter().filter_map(read).collect()
}

/// When it is open: once, or every week.
fn times(keys: &MappingKeys<'_>) -> Option<WindowTimes> {
    let weekly = ["days", "from", "to"].map(|key| keys.is_given(key));
    let once = ["start", "end"].map(|key| keys.is_given(key));
    let (days, from, to) = (
        schema::DAYS_OF_WEEK.take(keys),
        schema::FROM.take(keys),
        schema::TO.take(keys),
    );
    let (start, end) = (schema::START.take(keys), schema::END.take(keys));
    match (weekly.contains(&true), once.contains(&true)) {
        (true, true) => {
            let key = if once[0] { "start" } else { "end" };
            keys.refuse(
                key,
                "a window is either there once, with \"start\" and \"end\", or every week, with \"days\", \"from\" and \"to\""
                    .to_owned(),
            );
            None
        }
        (false, false) => {
            keys.context.diagnostics.refuse(
                keys.fields.at,
                "when the window is open is missing: \"from\" and \"to\", perhaps with \"days\", or \"start\" and \"end\"",
            );
            None
        }
        (true, false) => week(keys, days, from, to),
        (false, true) => {
            for (key, other) in [("start", "end"), ("end", "start")] {
                if !keys.is_given(key) {
                    keys.fields
                        .missing(key, &format!("\"{other}\" does not go without it"));
                }
            }
            let (start, end) = (start.given()?, end.given()?);
            if end <= start {
                keys.refuse(
                    "end",
                    format!("the window must end after its start, {start}, not at {end}"),
                );
                return None;
            }
            Some(WindowTimes::Once { start, end })
        }
    }
}

fn week(
    keys: &MappingKeys<'_>,
    days: Taken<Weekdays>,
    from: Taken<MinuteOfDay>,
    to: Taken<MinuteOfDay>,
) -> Option<WindowTimes> {
    if keys.is_given("from") != keys.is_given("to") {
        let (key, other) = if keys.is_given("from") {
            ("to", "from")
        } else {
            ("from", "to")
        };
        keys.fields
            .missing(key, &format!("\"{other}\" does not go without it"));
        return None;
    }
    let days = days.or(Weekdays::ALL);
    let from = from.or(MinuteOfDay::MIDNIGHT);
    let to = to.or(MinuteOfDay::END);
    let (days, from, to) = (days?, from?, to?);
    if from == to {
        keys.refuse(
            "to",
            format!("a window from {from} to {to} is either nothing or a whole day; a whole day is from 00:00 to 24:00"),
        );
        return None;
    }
    if from == MinuteOfDay::END {
        keys.refuse(
            "from",
            "24:00 is the end of a day; a window that begins then begins at 00:00 of the next"
                .to_owned(),
        );
        return None;
    }
    Some(WindowTimes::Weekly { days, from, to })
}

/// Complains about a window that no clock ever shows: its times are jumped over.
fn is_somewhen(window: &Window, keys: &MappingKeys<'_>) -> Option<()> {
    if matches!(window.times, WindowTimes::Once { .. })
        && window.next(jiff::Timestamp::MIN).is_none()
    {
        keys.refuse(
            "start",
            format!(
                "the clocks of {} jump over this window: it is never open",
                schema::zone_name(&window.zone)
            ),
        );
        return None;
    }
    Some(())
}

/// `match`: a mapping, or a list of them. `None` after a diagnostic.
fn matches(
    node: &Node,
    named: &mut Vec<Named>,
    context: &Context<'_>,
) -> Option<Vec<Vec<Criterion>>> {
    let mappings = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if mappings.is_empty() {
        context.diagnostics.refuse(node.at, EMPTY);
        return None;
    }
    // All of them, so that each slip is said.
    let read = mappings.iter().map(|one| mapping(one, named, context));
    let read: Vec<Option<Vec<Criterion>>> = read.collect();
    read.into_iter().collect()
}

const EMPTY: &str = "\"match\" is empty; leave it out for every resource";

fn mapping(node: &Node, named: &mut Vec<Named>, context: &Context<'_>) -> Option<Vec<Criterion>> {
    let Value::Mapping(entries) = &node.value else {
        context.diagnostics.refuse(
            node.at,
            format!(
                "\"match\" must be a mapping such as {{account: contoso}} or a list of such mappings, not {}",
                node.shape().as_str()
            ),
        );
        return None;
    };
    if entries.is_empty() {
        context.diagnostics.refuse(node.at, EMPTY);
        return None;
    }
    let read = entries.iter().map(|entry| criterion(entry, named, context));
    let read: Vec<Option<Criterion>> = read.collect();
    read.into_iter().collect()
}

/// A key and its texts; one text stands for a list of one.
fn criterion(
    entry: &MappingEntry,
    named: &mut Vec<Named>,
    context: &Context<'_>,
) -> Option<Criterion> {
    let Some(key) = entry.key.as_deref() else {
        let message = "a key of \"match\" must be a word";
        context.diagnostics.refuse(entry.at, message);
        return None;
    };
    let items = match &entry.value.value {
        Value::List(items) if !items.is_empty() => items.as_slice(),
        Value::Mapping(_) => {
            context.diagnostics.refuse(
                entry.value.at,
                format!(
                    "{} in \"match\" must be a text or a list of texts; a label stands beside \"account\" and \"kind\", as {{team: web}}",
                    quoted(key)
                ),
            );
            return None;
        }
        _ => std::slice::from_ref(&entry.value),
    };
    let key = MatchKey::of(key);
    let name = format!("match.{}", key.as_str());
    let mut values: Vec<Arc<str>> = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = fields::text(item, &name, context.diagnostics) else {
            continue;
        };
        let value: Arc<str> = text.value.into();
        values.push(value.clone());
        named.push(Named {
            key: key.clone(),
            value,
            at: text.at,
        });
    }
    (values.len() == items.len()).then_some((key, values))
}

/// Complains about windows that are about nothing, and about what none of the
/// resources has.
pub(super) fn about_something(
    windows: &[CheckedWindow],
    resources: &[Arc<Resource>],
    context: &Context<'_>,
) {
    for CheckedWindow { planned, at, named } in windows {
        let name = quoted(&planned.window.name);
        let mut known = true;
        for Named { key, value, at } in named {
            let there: BTreeSet<&str> = resources.iter().filter_map(|one| key.value(one)).collect();
            if !there.contains(&**value) {
                known = false;
                let nothing = nothing(key, value, &there);
                let message = format!("the window {name} matches nothing: {nothing}");
                context.diagnostics.refuse(*at, message);
            }
        }
        if known && !resources.iter().any(|one| planned.is_about(one)) {
            let why = if resources.is_empty() {
                "there is no resource"
            } else {
                "no resource has all that its \"match\" asks for"
            };
            let message = format!("the window {name} matches nothing: {why}");
            context.diagnostics.refuse(*at, message);
        }
    }
}

/// What is missing, and what is near.
fn nothing(key: &MatchKey, value: &str, there: &BTreeSet<&str>) -> String {
    let near = suggest(value, there.iter().copied());
    let value = quoted(value);
    match key {
        MatchKey::Resource => format!("there is no resource {value}{near}"),
        MatchKey::Account => format!("no resource is watched through the account {value}{near}"),
        MatchKey::Kind => format!("no resource is of the kind {value}{near}"),
        MatchKey::Label(label) if there.is_empty() => {
            format!("no resource has a label {}", quoted(label))
        }
        MatchKey::Label(label) => {
            format!(
                "no resource has the label {} with {value}{near}",
                quoted(label)
            )
        }
    }
}
