//! What was recorded of a resource, from each place and from all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Latencies, Minute, Outage, quorum};

/// What identifies a resource over all exporters, as in the recording rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// Name of the account.
    pub account: String,
    /// Kind of the resource.
    pub kind: String,
    /// Name of the resource.
    pub resource: String,
    /// The label `location`; empty without one.
    pub location: String,
}

/// One resource in one period.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// One entry a minute.
    pub minutes: Vec<Minute>,
    /// Planned downtime, one entry a minute; empty where there was none.
    pub planned: Vec<bool>,
    /// Why probes failed: by reason, the minutes in which it was so.
    pub reasons: BTreeMap<String, Vec<usize>>,
    /// How fast it answered, once a minute.
    pub latencies: Latencies,
}

impl Course {
    /// The reason that was there for most of the minutes, the first by name of
    /// those that tie; empty when none was recorded.
    #[must_use]
    pub fn reason(&self, outage: &Outage) -> &str {
        let span = outage.first..outage.end;
        let count = |at: &[usize]| at.iter().filter(|minute| span.contains(minute)).count();
        let mut best = ("", 0);
        for (reason, at) in &self.reasons {
            let its = count(at);
            if its > best.1 {
                best = (reason, its);
            }
        }
        best.0
    }

    /// Whether a minute was planned downtime.
    #[must_use]
    pub fn is_planned(&self, minute: usize) -> bool {
        self.planned.get(minute).copied().unwrap_or(false)
    }

    /// Makes one of two that watched the same from the same place: it worked where
    /// one of them saw it work.
    fn join(&mut self, other: Self) {
        for (minute, its) in self.minutes.iter_mut().zip(&other.minutes) {
            *minute = match (*minute, *its) {
                (Minute::Up, _) | (_, Minute::Up) => Minute::Up,
                (Minute::Down, _) | (_, Minute::Down) => Minute::Down,
                (Minute::Unknown, Minute::Unknown) => Minute::Unknown,
            };
        }
        self.plan(&other.planned);
        for (reason, at) in other.reasons {
            self.reasons.entry(reason).or_default().extend(at);
        }
        self.latencies.merge(&other.latencies);
    }

    /// Adds planned downtime.
    fn plan(&mut self, planned: &[bool]) {
        if self.planned.is_empty() {
            self.planned = planned.to_vec();
        } else {
            for (mine, its) in self.planned.iter_mut().zip(planned) {
                *mine |= its;
            }
        }
    }
}

/// Everything that was recorded.
pub type Courses = BTreeMap<Watched, Course>;

/// Names that were changed within the period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames {
    /// Of resources, from old to new.
    pub resources: Vec<(String, String)>,
    /// Of accounts.
    pub accounts: Vec<(String, String)>,
    /// Of places.
    pub locations: Vec<(String, String)>,
}

impl Renames {
    /// Joins what has two names; those of the list that nothing has are returned.
    pub fn apply(&self, courses: &mut Courses) -> Vec<String> {
        let mut found = BTreeSet::new();
        for (mut watched, course) in std::mem::take(courses) {
            for (names, name) in [
                (&self.resources, &mut watched.resource),
                (&self.accounts, &mut watched.account),
                (&self.locations, &mut watched.location),
            ] {
                // One after another: what was renamed twice has one name at the end.
                for (old, new) in names {
                    if name == old {
                        found.insert(old);
                        name.clone_from(new);
                    }
                }
            }
            match courses.get_mut(&watched) {
                Some(there) => there.join(course),
                None => _ = courses.insert(watched, course),
            }
        }
        let all = [&self.resources, &self.accounts, &self.locations];
        let asked = all.into_iter().flatten().map(|(old, _)| old);
        asked.filter(|old| !found.contains(old)).cloned().collect()
    }
}

/// Whose view a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Viewpoint {
    /// All places together, by quorum.
    All,
    /// One place.
    Place,
}

impl Viewpoint {
    /// The word in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Place => "place",
        }
    }
}

/// A resource as one place, or all of them together, saw it.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// What; of all places without a location.
    pub watched: Watched,
    /// Whose view it is.
    pub view: Viewpoint,
    /// Whether it is the one that counts for the resource: that of all places, or of
    /// the only one.
    pub counts: bool,
    /// What was seen.
    pub course: Course,
}

/// One entry for each place, before them one for all together where there are
/// several. Downtime that is planned anywhere is planned everywhere.
#[must_use]
pub fn views(courses: Courses) -> Vec<Sighting> {
    let mut resources: BTreeMap<_, Vec<(Watched, Course)>> = BTreeMap::new();
    for (watched, course) in courses {
        let key = (
            watched.account.clone(),
            watched.kind.clone(),
            watched.resource.clone(),
        );
        resources.entry(key).or_default().push((watched, course));
    }
    let mut seen = Vec::new();
    for mut places in resources.into_values() {
        let mut planned = Course::default();
        for (_, course) in &places {
            planned.plan(&course.planned);
        }
        for (_, course) in &mut places {
            course.planned.clone_from(&planned.planned);
        }
        let several = places.len() > 1;
        if several {
            seen.push(together(&places));
        }
        seen.extend(places.into_iter().map(|(watched, course)| Sighting {
            watched,
            view: Viewpoint::Place,
            counts: !several,
            course,
        }));
    }
    seen
}

fn together(places: &[(Watched, Course)]) -> Sighting {
    let long = places.iter().map(|(_, course)| course.minutes.len()).max();
    let at = |minute| {
        let known = places
            .iter()
            .filter_map(move |(_, course)| course.minutes.get(minute));
        quorum(known.copied())
    };
    let mut all = Course {
        minutes: (0..long.unwrap_or(0)).map(at).collect(),
        ..Course::default()
    };
    let mut watched = Watched::default();
    for (its, course) in places {
        watched.clone_from(its);
        all.plan(&course.planned);
        for (reason, at) in &course.reasons {
            all.reasons.entry(reason.clone()).or_default().extend(at);
        }
        all.latencies.merge(&course.latencies);
    }
    watched.location.clear();
    Sighting {
        watched,
        view: Viewpoint::All,
        counts: true,
        course: all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(text: &str) -> Vec<Minute> {
        (text.chars())
            .map(|c| match c {
                '+' => Minute::Up,
                '-' => Minute::Down,
                _ => Minute::Unknown,
            })
            .collect()
    }

    fn course(text: &str) -> Course {
        Course {
            minutes: minutes(text),
            ..Course::default()
        }
    }

    fn at(resource: &str, location: &str) -> Watched {
        Watched {
            account: "contoso".into(),
            kind: "sharepoint_site".into(),
            resource: resource.into(),
            location: location.into(),
        }
    }

    #[test]
    fn several_places_have_a_view_together_and_plans_are_for_all() {
        let planned = Course {
            planned: vec![false, true, false],
            ..course("-+.")
        };
        let courses = [
            (at("hr", "ams"), course("+++")),
            (at("intranet", "ams"), planned),
            (at("intranet", "fra"), course("--.")),
            (at("intranet", "nyc"), course("++-")),
        ];
        let seen = views(courses.into());
        let told: Vec<_> = (seen.iter())
            .map(|seen| {
                (
                    &*seen.watched.resource,
                    &*seen.watched.location,
                    seen.view,
                    seen.counts,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("hr", "ams", Viewpoint::Place, true),
                ("intranet", "", Viewpoint::All, true),
                ("intranet", "ams", Viewpoint::Place, false),
                ("intranet", "fra", Viewpoint::Place, false),
                ("intranet", "nyc", Viewpoint::Place, false),
            ]
        );
        assert_eq!(seen[1].course.minutes, minutes("-+-"));
        assert!(
            seen[1..]
                .iter()
                .all(|seen| seen.course.is_planned(1) && !seen.course.is_planned(0))
        );
        assert!(!seen[0].course.is_planned(1));
    }

    #[test]
    fn renames_join_what_has_two_names() {
        let mut courses: Courses = [
            (at("old", "ams"), course("+-..")),
            (at("older", "amsterdam"), course("+...")),
            (at("new", "ams"), course(".+-+")),
            (at("hr", "ams"), course("++++")),
        ]
        .into();
        let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
        let renames = Renames {
            resources: vec![pair("older", "old"), pair("old", "new"), pair("typo", "x")],
            locations: vec![pair("amsterdam", "ams")],
            accounts: vec![pair("fabrikam", "contoso")],
        };
        assert_eq!(renames.apply(&mut courses), ["typo", "fabrikam"]);
        assert_eq!(courses.len(), 2);
        // Where both knew, one that saw it work is believed.
        assert_eq!(courses[&at("new", "ams")].minutes, minutes("++-+"));
    }
}
