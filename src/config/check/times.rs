//! How often, how long, how old: the times of one resource, as they fit
//! together.

use std::time::Duration;

use super::mapping_keys::MappingKeys;
use super::resources::{Defaults, Timing};
use crate::kinds::{Effort, Info, Keys, Kind, Taken};
use crate::model::Account;
use crate::model::duration::format;

/// The interval, the timeout and the minimum age. What the resource does not say
/// is as its kind has it, else as the defaults.
pub(super) fn fitting(
    keys: &MappingKeys<'_>,
    timing: &Timing,
    defaults: &Defaults,
    info: Option<&Info>,
) -> Option<(Duration, Duration, Duration)> {
    let of_kind = |time: fn(&Info) -> Option<Duration>| info.and_then(time);
    let interval = of_kind(|info| info.interval).unwrap_or(defaults.usual.interval);
    let timeout = of_kind(|info| info.timeout).unwrap_or(defaults.usual.timeout);
    let (interval, timeout) = (
        timing.interval.clone().or(interval),
        timing.timeout.clone().or(timeout),
    );
    let min_age = timing.min_age.clone().optional();
    let (interval, timeout, min_age) = (interval?, timeout?, min_age?.or(defaults.usual.min_age));
    if let Some(info) = info
        && let Some(least) = info.least_interval
        && interval < least
    {
        keys.refuse(
            "interval",
            format!(
                "\"interval\" must be at least {} for \"{}\", not {}",
                format(least),
                info.name,
                format(interval)
            ),
        );
        return None;
    }
    let given = |own: &Taken<Duration>| matches!(own, Taken::Given(_));
    let (name, own, value, most) = if timeout >= interval {
        ("timeout", given(&timing.timeout), timeout, "less than")
    } else {
        match min_age.filter(|min_age| *min_age > interval) {
            Some(min_age) => ("min_age", given(&timing.min_age), min_age, "at most"),
            None => return Some((interval, timeout, min_age.unwrap_or(interval * 9 / 10))),
        }
    };
    let from = |own: bool| if own { "" } else { " (of the defaults)" };
    let own_interval = given(&timing.interval);
    let message = format!(
        "the {name} {}{} must be {most} the interval {}{}",
        format(value),
        from(own),
        format(interval),
        from(own_interval)
    );
    if own {
        keys.refuse(name, message);
    } else if own_interval {
        keys.refuse("interval", message);
    } else if !defaults.reported.replace(true) {
        keys.context.diagnostics.refuse(defaults.at, message);
    }
    None
}

/// A probe of several requests fits into the interval as a whole, or that is said:
/// what writes must find time to wait and to clean up, what reads is only cut short
/// where the service is slow.
pub(super) fn whole_probe(
    keys: &MappingKeys<'_>,
    kind: &Kind,
    account: &Account,
    interval: Duration,
    timeout: Duration,
) {
    let effort = kind.effort(account);
    let least = effort.least(timeout);
    if least < interval {
        return;
    }
    let takes = format!(
        "one probe may take {}: {}",
        format(least),
        made_of(&effort, timeout)
    );
    let interval = format(interval);
    if kind.info().writes {
        keys.refuse(
            "interval",
            format!("the interval {interval} is too short: {takes}"),
        );
    } else {
        let message = format!(
            "the interval {interval} is short: {takes}; where the service is slow the next one cuts it off, so probe less often or shorten the timeout"
        );
        keys.warn("interval", message);
    }
}

fn made_of(effort: &Effort, timeout: Duration) -> String {
    let requests = format!(
        "{} requests of {} at most",
        effort.requests,
        format(timeout)
    );
    match effort.waits {
        Duration::ZERO => requests,
        waits => format!("{requests}, and {} of waiting", format(waits)),
    }
}
