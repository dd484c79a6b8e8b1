//! Planned times as the configuration has them.

use super::{mapping, text};
use crate::config::schema;
use crate::kinds::{Criterion, PlannedWindow, Setting, Windows};
use crate::model::WindowTimes;

/// `windows`.
pub(super) fn windows(windows: &Windows) -> Setting {
    Setting::List(windows.list().iter().map(one).collect())
}

fn one(planned: &PlannedWindow) -> Setting {
    let window = &planned.window;
    let mut entries = vec![
        ("name", text(&window.name)),
        schema::TYPE.show(&window.r#type),
    ];
    match &window.times {
        WindowTimes::Weekly { days, from, to } => {
            entries.extend([
                schema::DAYS_OF_WEEK.show(days),
                schema::FROM.show(from),
                schema::TO.show(to),
            ]);
        }
        WindowTimes::Once { start, end } => {
            entries.extend([schema::START.show(start), schema::END.show(end)]);
        }
    }
    entries.push(schema::TIMEZONE.show(&window.zone));
    match &planned.matches[..] {
        [] => {}
        [one] => entries.push(("match", criteria(one))),
        more => {
            let matches = more.iter().map(|all| criteria(all)).collect();
            entries.push(("match", Setting::List(matches)));
        }
    }
    mapping(entries)
}

fn criteria(all: &[Criterion]) -> Setting {
    let entries = all.iter().map(|(key, values)| {
        let values = match &values[..] {
            [one] => text(one),
            more => Setting::List(more.iter().map(text).collect()),
        };
        (key.as_str(), values)
    });
    mapping(entries)
}
