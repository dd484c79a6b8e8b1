//! Planned times as the configuration has them.

use super::Out;
use crate::config::schema;
use crate::kinds::{Criterion, PlannedWindow, Setting, Windows};
use crate::model::WindowTimes;

/// `windows`.
pub(super) fn windows(windows: &Windows) -> Out {
    Out::List(windows.list().iter().map(one).collect())
}

fn one(planned: &PlannedWindow) -> Out {
    let window = &planned.window;
    let mut entries = vec![("name".to_owned(), Out::text(&window.name))];
    let mut add = |(key, value): (&str, Setting)| entries.push((key.to_owned(), Out::of(value)));
    add(schema::TYPE.show(&window.r#type));
    match &window.times {
        WindowTimes::Weekly { days, from, to } => {
            add(schema::DAYS_OF_WEEK.show(days));
            add(schema::FROM.show(from));
            add(schema::TO.show(to));
        }
        WindowTimes::Once { start, end } => {
            add(schema::START.show(start));
            add(schema::END.show(end));
        }
    }
    add(schema::TIMEZONE.show(&window.zone));
    match &planned.matches[..] {
        [] => {}
        [one] => entries.push(("match".to_owned(), mapping(one))),
        more => {
            let matches = more.iter().map(|all| mapping(all)).collect();
            entries.push(("match".to_owned(), Out::List(matches)));
        }
    }
    Out::Mapping(entries)
}

fn mapping(all: &[Criterion]) -> Out {
    let entries = all.iter().map(|(key, values)| {
        let values = match &values[..] {
            [one] => Out::text(one),
            more => Out::List(more.iter().map(Out::text).collect()),
        };
        (key.as_str().to_owned(), values)
    });
    Out::Mapping(entries.collect())
}
