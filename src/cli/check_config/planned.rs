//! When each window opens next, for people.

use std::fmt::Write as _;

use serde::Serialize;

use super::count;
use crate::kinds::{Configuration, PlannedWindow};
use crate::model::{Opening, Timestamp, time_zone_edition};

/// One window, for programs.
#[derive(Serialize)]
pub(super) struct ToldWindow {
    window: String,
    r#type: &'static str,
    resources: usize,
    timezone: String,
    begin: Option<Timestamp>,
    end: Option<Timestamp>,
}

/// Each window, in the order of the file.
pub(super) fn all(configuration: &Configuration, now: Timestamp) -> Vec<ToldWindow> {
    let windows = configuration.windows.list().iter();
    windows
        .map(|planned| {
            let window = &planned.window;
            let next = window.next(now);
            ToldWindow {
                window: window.name.to_string(),
                r#type: window.r#type.as_str(),
                resources: about(planned, configuration),
                timezone: window.zone.iana_name().unwrap_or("UTC").to_owned(),
                begin: next.map(|next| next.begin),
                end: next.and_then(|next| next.end),
            }
        })
        .collect()
}

/// How many resources it is about.
fn about(planned: &PlannedWindow, configuration: &Configuration) -> usize {
    let resources = configuration.resources.iter();
    resources.filter(|one| planned.is_about(one)).count()
}

/// A line for each window; nothing without any.
pub(super) fn told(configuration: &Configuration, now: Timestamp) -> String {
    let windows = configuration.windows.list();
    let mut text = String::new();
    if windows.is_empty() {
        return text;
    }
    _ = writeln!(
        text,
        "{} (time zones of the edition {})",
        count(windows.len(), "window"),
        time_zone_edition()
    );
    for planned in windows {
        let window = &planned.window;
        _ = writeln!(
            text,
            "  {}: {}, {}, {}",
            window.name,
            window.r#type.as_str(),
            count(about(planned, configuration), "resource"),
            opening(planned, now)
        );
    }
    text
}

/// The opening of now or the next one, by the clocks of the window's zone.
fn opening(planned: &PlannedWindow, now: Timestamp) -> String {
    let zone = &planned.window.zone;
    let name = zone.iana_name().unwrap_or("UTC");
    let shown = |at: Timestamp| {
        let at = at.to_zoned(zone.clone());
        at.strftime("%a %Y-%m-%d %H:%M %:z").to_string()
    };
    match planned.window.next(now) {
        None => "over for good".to_owned(),
        Some(Opening { end: None, .. }) => "always open".to_owned(),
        Some(Opening {
            begin,
            end: Some(end),
        }) => {
            let (begin, end, since) = (shown(begin), shown(end), begin <= now);
            let word = if since { "open since" } else { "next from" };
            format!("{word} {begin} to {end} {name}")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    const HEAD: &str = "accounts:\n  - {name: contoso, tenant: contoso.onmicrosoft.com, client_id: 11111111-2222-3333-4444-555555555555, workload_identity: {token_file: /token}}\nresources:\n  - {name: intranet, account: contoso, kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/intranet\"}\n";

    #[test]
    fn next_begin_and_end() {
        let windows = [
            "{name: patches, type: maintenance, days: sun, from: \"22:00\", to: \"02:00\", timezone: Europe/Berlin}",
            "{name: office, type: service_hours, days: mon-fri, from: \"08:00\", to: \"18:00\", timezone: America/New_York, match: {resource: intranet}}",
            "{name: move, type: maintenance, start: 2026-11-01T08:00, end: 2026-11-01T12:00}",
            "{name: always, type: service_hours, days: mon-sun}",
        ];
        let text = format!("{HEAD}windows: [{}]\n", windows.join(", "));
        let environment: BTreeMap<String, String> = BTreeMap::new();
        let loaded = crate::config::parse(&text, Path::new("m365mon.yml"), &environment)
            .unwrap_or_else(|errors| panic!("{errors}"));
        // A Friday.
        let now = "2026-12-04T15:00:00Z".parse().unwrap();
        let told = told(&loaded.configuration, now);
        let lines: Vec<&str> = told.lines().skip(1).map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "patches: maintenance, 1 resource, next from Sun 2026-12-06 22:00 +01:00 to Mon 2026-12-07 02:00 +01:00 Europe/Berlin",
                "office: service_hours, 1 resource, open since Fri 2026-12-04 08:00 -05:00 to Fri 2026-12-04 18:00 -05:00 America/New_York",
                "move: maintenance, 1 resource, over for good",
                "always: service_hours, 1 resource, always open",
            ]
        );
    }
}
