//! Which windows are about which resources, and which of them make a downtime
//! of now a planned one.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Resource, ResourceName};
use crate::model::{Timestamp, Window, WindowType};

/// What a criterion looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchKey {
    /// The name of the resource.
    Resource,
    /// The name of its account.
    Account,
    /// The word of its kind.
    Kind,
    /// One of its labels, those of the process included.
    Label(Arc<str>),
}

impl MatchKey {
    /// As the configuration spells it.
    #[must_use]
    pub fn of(key: &str) -> Self {
        match key {
            "resource" => Self::Resource,
            "account" => Self::Account,
            "kind" => Self::Kind,
            label => Self::Label(label.into()),
        }
    }

    /// As the configuration spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Resource => "resource",
            Self::Account => "account",
            Self::Kind => "kind",
            Self::Label(name) => name,
        }
    }

    /// What a resource has there.
    #[must_use]
    pub fn value<'r>(&self, resource: &'r Resource) -> Option<&'r str> {
        match self {
            Self::Resource => Some(&*resource.name),
            Self::Account => Some(&*resource.account.name),
            Self::Kind => Some(resource.kind.as_str()),
            Self::Label(name) => {
                let found = resource.labels.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| &**value)
            }
        }
    }
}

/// One line of a `match`: a resource fits if it has one of the values.
pub type Criterion = (MatchKey, Vec<Arc<str>>);

/// A window and the resources that it is about.
#[derive(Debug, Clone)]
pub struct PlannedWindow {
    /// When it is open, and what for.
    pub window: Arc<Window>,
    /// All of one mapping must fit; one mapping is enough. Without any it is
    /// about every resource.
    pub matches: Vec<Vec<Criterion>>,
}

impl PlannedWindow {
    /// True if it is about this resource.
    #[must_use]
    pub fn is_about(&self, resource: &Resource) -> bool {
        let fits = |(key, values): &Criterion| {
            let value = key.value(resource);
            value.is_some_and(|value| values.iter().any(|one| **one == *value))
        };
        self.matches.is_empty() || self.matches.iter().any(|all| all.iter().all(fits))
    }
}

/// The windows of a configuration, by the resources that they are about.
#[derive(Debug, Clone, Default)]
pub struct Windows {
    list: Vec<PlannedWindow>,
    /// Places in the list, rising; nothing for a resource without windows.
    places: HashMap<ResourceName, Box<[u16]>>,
}

/// A window that makes a downtime of now a planned one.
#[derive(Debug, Clone)]
pub struct PlannedDowntime {
    /// Which.
    pub window: Arc<Window>,
    /// Until when; `None` for ever.
    pub until: Option<Timestamp>,
}

impl Windows {
    /// In the order of the file.
    #[must_use]
    pub fn new(list: Vec<PlannedWindow>, resources: &[Arc<Resource>]) -> Self {
        let mut places = HashMap::new();
        for resource in resources.iter().filter(|_| !list.is_empty()) {
            let about = (0..).zip(&list).filter(|(_, one)| one.is_about(resource));
            let about: Box<[u16]> = about.map(|(place, _)| place).collect();
            if !about.is_empty() {
                places.insert(resource.name.clone(), about);
            }
        }
        Self { list, places }
    }

    /// In the order of the file.
    #[must_use]
    pub fn list(&self) -> &[PlannedWindow] {
        &self.list
    }

    /// The places in the list of those that are about a resource.
    #[must_use]
    pub fn places(&self, resource: &str) -> &[u16] {
        self.places.get(resource).map_or(&[], |places| places)
    }

    /// Which of the list are open at a moment.
    #[must_use]
    pub fn open(&self, at: Timestamp) -> Vec<bool> {
        self.list.iter().map(|one| one.window.is_open(at)).collect()
    }

    /// The windows at these places and whether each makes a downtime of now a
    /// planned one; `open` is [`Self::open`].
    pub fn states<'a>(
        &'a self,
        places: &'a [u16],
        open: &'a [bool],
    ) -> impl Iterator<Item = (usize, bool)> + Clone + use<'a> {
        let at = |place: &u16| {
            let place = usize::from(*place);
            let window = &self.list.get(place)?.window;
            Some((place, window.r#type, open.get(place).copied()?))
        };
        let in_service = places
            .iter()
            .filter_map(at)
            .any(|(_, r#type, open)| r#type == WindowType::ServiceHours && open);
        places
            .iter()
            .filter_map(at)
            .map(move |(place, r#type, open)| (place, r#type.is_planned_downtime(open, in_service)))
    }

    /// Why a downtime of now is planned: the windows that say so, and until when.
    #[must_use]
    pub fn planned(&self, resource: &str, at: Timestamp) -> Vec<PlannedDowntime> {
        let places = self.places(resource);
        if places.is_empty() {
            return Vec::new();
        }
        // Only of these: there may be many of others.
        let mut open = vec![false; self.list.len()];
        let mut windows = Vec::with_capacity(places.len());
        for place in places.iter().map(|place| usize::from(*place)) {
            if let (Some(one), Some(open)) = (self.list.get(place), open.get_mut(place)) {
                *open = one.window.is_open(at);
                windows.push(one);
            }
        }
        let service = windows
            .iter()
            .filter(|one| one.window.r#type == WindowType::ServiceHours);
        // Whichever opens first ends it.
        let in_service_at = service
            .filter_map(|one| Some(one.window.next(at)?.begin))
            .min();
        let planned = self.states(places, &open).filter(|(_, planned)| *planned);
        planned
            .filter_map(|(place, _)| {
                let window = self.list.get(place)?.window.clone();
                let until = match window.r#type {
                    WindowType::Maintenance => window.next(at).and_then(|next| next.end),
                    WindowType::ServiceHours => in_service_at,
                };
                Some(PlannedDowntime { window, until })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::model::{WindowTimes, time_zone};

    fn window(name: &str, r#type: WindowType, start: &str, end: &str) -> Window {
        Window {
            name: name.into(),
            r#type,
            times: WindowTimes::Once {
                start: format!("2026-12-04T{start}").parse().unwrap(),
                end: format!("2026-12-04T{end}").parse().unwrap(),
            },
            zone: time_zone("UTC").unwrap(),
        }
    }

    /// A mapping of a `match`.
    type Mapping<'a> = &'a [(&'a str, &'a [&'a str])];

    fn about(window: Window, matches: &[Mapping<'_>]) -> PlannedWindow {
        let criterion = |(key, values): &(&str, &[&str])| {
            let values = values.iter().map(|value| (*value).into());
            (MatchKey::of(key), values.collect())
        };
        PlannedWindow {
            window: Arc::new(window),
            matches: matches
                .iter()
                .map(|all| all.iter().map(criterion).collect())
                .collect(),
        }
    }

    fn labelled(name: &str, labels: &[(&str, &str)]) -> Arc<Resource> {
        let labels = labels.iter();
        Arc::new(Resource {
            name: name.into(),
            labels: labels
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            ..fixtures::site(name, &Arc::new(fixtures::account("contoso")))
        })
    }

    #[test]
    fn all_of_a_mapping_must_fit_and_one_mapping_is_enough() {
        let resources = [
            labelled("intranet", &[("team", "web")]),
            labelled("wiki", &[("team", "web"), ("env", "test")]),
            labelled("shop", &[]),
        ];
        let kind = resources[0].kind.as_str();
        let account = &*resources[0].account.name;
        let cases: &[(&[Mapping<'_>], &[&str])] = &[
            (&[], &["intranet", "wiki", "shop"]),
            (&[&[("resource", &["wiki"])]], &["wiki"]),
            (&[&[("resource", &["shop", "wiki"])]], &["wiki", "shop"]),
            (&[&[("team", &["web"])]], &["intranet", "wiki"]),
            (&[&[("team", &["web"]), ("env", &["test"])]], &["wiki"]),
            (&[&[("team", &["web"]), ("resource", &["shop"])]], &[]),
            (
                &[&[("env", &["test"])], &[("resource", &["shop"])]],
                &["wiki", "shop"],
            ),
            (
                &[&[("kind", &[kind]), ("account", &[account])]],
                &["intranet", "wiki", "shop"],
            ),
            (&[&[("kind", &["presence"])]], &[]),
        ];
        for (matches, expected) in cases {
            let window = window("w", WindowType::Maintenance, "01:00", "02:00");
            let windows = Windows::new(vec![about(window, matches)], &resources);
            let found = resources
                .iter()
                .map(|one| &*one.name)
                .filter(|name| !windows.places(name).is_empty());
            assert_eq!(found.collect::<Vec<_>>(), *expected, "{matches:?}");
        }
    }

    #[test]
    fn overlapping_windows() {
        let resources = [labelled("intranet", &[])];
        let windows = Windows::new(
            vec![
                about(
                    window("early", WindowType::ServiceHours, "06:00", "12:00"),
                    &[],
                ),
                about(
                    window("late", WindowType::ServiceHours, "10:00", "20:00"),
                    &[],
                ),
                about(
                    window("patches", WindowType::Maintenance, "11:00", "13:00"),
                    &[],
                ),
                about(
                    window("reboot", WindowType::Maintenance, "12:00", "12:30"),
                    &[],
                ),
            ],
            &resources,
        );
        for (time, expected) in [
            ("05:59", "early until 06:00, late until 06:00"),
            ("06:00", ""),
            ("11:00", "patches until 13:00"),
            ("12:15", "patches until 13:00, reboot until 12:30"),
            ("13:00", ""),
            // Over for good.
            ("20:00", "early for ever, late for ever"),
        ] {
            let at = format!("2026-12-04T{time}:00Z").parse().unwrap();
            let planned = windows.planned("intranet", at).into_iter().map(|planned| {
                let until = planned
                    .until
                    .map(|until| until.strftime("until %H:%M").to_string());
                format!(
                    "{} {}",
                    planned.window.name,
                    until.unwrap_or("for ever".into())
                )
            });
            assert_eq!(planned.collect::<Vec<_>>().join(", "), expected, "{time}");
            let open = windows.open(at);
            let states = windows.states(windows.places("intranet"), &open);
            let shown = states.filter(|(_, planned)| *planned).count();
            assert_eq!(shown, windows.planned("intranet", at).len(), "{time}");
        }
        assert!(windows.planned("shop", Timestamp::UNIX_EPOCH).is_empty());
    }
}
