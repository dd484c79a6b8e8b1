//! The tables of a report, made from what was seen: availability, outages, totals,
//! days.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    AvailabilityRow, Course, Courses, Day, Latencies, Minute, OutageRow, Period, Sighting, Tally,
    TotalRow, outages, views,
};

/// What is agreed on.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// No figure where less than these percent are known.
    pub min_coverage: u8,
    /// Whether Microsoft's service level covers a kind; it earns no credit else.
    pub covers: fn(kind: &str) -> bool,
}

/// A period as it was.
#[derive(Debug, Clone, Serialize)]
pub struct AvailabilityReport {
    /// `2026-10`, or `2026-10-01/2026-10-15`.
    pub month: String,
    /// The first minute, RFC 3339 in the report's time zone.
    pub from: String,
    /// The minute after the last.
    pub to: String,
    /// In which it is told: a name of the IANA database.
    pub timezone: String,
    /// No figure where less is covered.
    pub min_coverage_percent: u8,
    /// One row for each resource and location, before them one for all locations
    /// together where there are several.
    pub availability: Vec<AvailabilityRow>,
    /// In the order of resources, then of time.
    pub outages: Vec<OutageRow>,
    /// All resources together, each kind, each account. A resource counts once.
    pub totals: Vec<TotalRow>,
    /// The days of each resource, for the calendar.
    #[serde(skip)]
    pub days: Vec<Vec<Day>>,
    /// Of `days`, in its order: the row of `availability`.
    #[serde(skip)]
    pub day_rows: Vec<usize>,
}

/// The part of Microsoft's service level agreement that is measured here.
const COMMITMENT: f64 = 99.9;

/// Millionths as percent.
fn percent(millionths: u64) -> f64 {
    // Exact: a million fits.
    millionths as f64 / 10_000.0
}

/// All minutes, and those that were not planned.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    all: Tally,
    unplanned: Tally,
}

impl Sums {
    fn of(course: &Course) -> Self {
        let unplanned = (course.minutes.iter().enumerate())
            .filter(|(at, _)| !course.is_planned(*at))
            .map(|(_, minute)| minute);
        Self {
            all: Tally::of(&course.minutes),
            unplanned: Tally::of(unplanned),
        }
    }

    const fn add(&mut self, other: Self) {
        self.all.add(other.all);
        self.unplanned.add(other.unplanned);
    }

    const fn planned(&self) -> u64 {
        self.all.all() - self.unplanned.all()
    }

    const fn planned_down(&self) -> u64 {
        self.all.down - self.unplanned.down
    }

    /// With planned time and without, where enough is known of each.
    fn availability(&self, terms: &Terms) -> [Option<f64>; 2] {
        [self.all, self.unplanned].map(|tally| {
            let enough = tally.says_enough(terms.min_coverage);
            tally.availability().filter(|_| enough).map(percent)
        })
    }

    /// What the agreement credits: it knows nothing of our plans, and nobody claims
    /// what we planned ourselves; so the lesser of both.
    fn credit(&self, terms: &Terms, kind: &str) -> Option<u8> {
        let credit = |tally: &Tally| {
            let enough = tally.says_enough(terms.min_coverage);
            tally.credit().filter(|_| enough)
        };
        let least = credit(&self.all)?.min(credit(&self.unplanned)?);
        (terms.covers)(kind).then_some(least)
    }
}

impl AvailabilityReport {
    /// Makes the tables.
    #[must_use]
    pub fn new(period: &Period, courses: Courses, terms: &Terms) -> Self {
        let mut report = Self {
            month: period.name.clone(),
            from: period.moment(0),
            to: period.moment(period.minutes),
            timezone: period.zone_name().to_owned(),
            min_coverage_percent: terms.min_coverage,
            availability: Vec::new(),
            outages: Vec::new(),
            totals: Vec::new(),
            days: Vec::new(),
            day_rows: Vec::new(),
        };
        let mut groups: BTreeMap<(usize, &'static str, String), Together> = BTreeMap::new();
        for seen in views(courses) {
            let sums = Sums::of(&seen.course);
            let found = report.add_outages(period, &seen);
            if seen.counts {
                let (kind, account) = (&seen.watched.kind, &seen.watched.account);
                for (order, of, name) in [
                    (0, "all", ""),
                    (1, "kind", &**kind),
                    (2, "account", account),
                ] {
                    let group = groups.entry((order, of, name.to_owned())).or_default();
                    group.add(sums, found, &seen.course.latencies);
                }
                report.day_rows.push(report.availability.len());
                report.days.push(days(period, &seen.course));
            }
            report
                .availability
                .push(row(period, &seen, sums, found, terms));
        }
        for ((_, of, name), group) in groups {
            report.totals.push(group.row(period, of, name, terms));
        }
        report
    }

    /// The rows of availability, the worst first: most minutes down without what was
    /// planned, most of which little is known, slowest.
    #[must_use]
    pub fn worst_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.availability.len()).collect();
        order.sort_by_key(|at| {
            let row = &self.availability[*at];
            let unplanned = row.down_minutes - row.planned_down_minutes;
            let slow = row
                .latency_p95_seconds
                .map(|seconds| (seconds * 1000.0) as u64);
            Reverse((unplanned, row.down_minutes, row.unmonitored_minutes, slow))
        });
        order
    }

    /// The outages of resources as such, the longest first.
    #[must_use]
    pub fn longest_outages(&self) -> Vec<&OutageRow> {
        let mut outages: Vec<&OutageRow> =
            self.outages.iter().filter(|outage| outage.counts).collect();
        outages.sort_by_key(|outage| Reverse(outage.down_minutes - outage.planned_minutes));
        outages
    }

    fn add_outages(&mut self, period: &Period, seen: &Sighting) -> usize {
        let course = &seen.course;
        let found = outages(&course.minutes);
        self.outages.extend(found.iter().map(|outage| {
            let down = |at: &usize| course.minutes[*at] == Minute::Down && course.is_planned(*at);
            OutageRow {
                month: period.name.clone(),
                account: seen.watched.account.clone(),
                kind: seen.watched.kind.clone(),
                resource: seen.watched.resource.clone(),
                location: seen.watched.location.clone(),
                start: period.moment(outage.first),
                end: period.moment(outage.end),
                down_minutes: outage.down,
                unmonitored_minutes: outage.unknown,
                reason: course.reason(outage).to_owned(),
                view: seen.view,
                planned_minutes: (outage.first..outage.end).filter(down).count(),
                begins: period.read(outage.first, "%Y-%m-%d %H:%M"),
                ends: period.read(outage.end, "%m-%d %H:%M"),
                counts: seen.counts,
            }
        }));
        found.len()
    }
}

fn row(
    period: &Period,
    seen: &Sighting,
    sums: Sums,
    outages: usize,
    terms: &Terms,
) -> AvailabilityRow {
    let [with, without] = sums.availability(terms);
    AvailabilityRow {
        month: period.name.clone(),
        account: seen.watched.account.clone(),
        kind: seen.watched.kind.clone(),
        resource: seen.watched.resource.clone(),
        location: seen.watched.location.clone(),
        minutes: sums.all.all(),
        up_minutes: sums.all.up,
        down_minutes: sums.all.down,
        unmonitored_minutes: sums.all.unknown,
        availability_percent: with,
        commitment_percent: (terms.covers)(&seen.watched.kind).then_some(COMMITMENT),
        credit_percent: sums.credit(terms, &seen.watched.kind),
        outages,
        view: seen.view,
        covered_percent: percent(sums.all.covered()),
        planned_minutes: sums.planned(),
        planned_down_minutes: sums.planned_down(),
        availability_without_planned_percent: without,
        latency_p50_seconds: seen.course.latencies.percentile(50),
        latency_p95_seconds: seen.course.latencies.percentile(95),
    }
}

fn days(period: &Period, course: &Course) -> Vec<Day> {
    (period.days().into_iter())
        .map(|(date, minutes)| {
            let planned_down = minutes.clone().filter(|at| {
                course.minutes.get(*at) == Some(&Minute::Down) && course.is_planned(*at)
            });
            Day {
                date,
                planned_down: planned_down.count() as u64,
                tally: Tally::of(course.minutes.get(minutes).unwrap_or_default()),
            }
        })
        .collect()
}

/// Resources that are told together.
#[derive(Debug, Default)]
struct Together {
    resources: usize,
    sums: Sums,
    outages: usize,
    latencies: Latencies,
}

impl Together {
    fn add(&mut self, sums: Sums, outages: usize, latencies: &Latencies) {
        self.resources += 1;
        self.sums.add(sums);
        self.outages += outages;
        self.latencies.merge(latencies);
    }

    fn row(&self, period: &Period, of: &'static str, name: String, terms: &Terms) -> TotalRow {
        let (sums, [with, without]) = (self.sums, self.sums.availability(terms));
        TotalRow {
            month: period.name.clone(),
            of,
            name,
            resources: self.resources,
            minutes: sums.all.all(),
            up_minutes: sums.all.up,
            down_minutes: sums.all.down,
            unmonitored_minutes: sums.all.unknown,
            covered_percent: percent(sums.all.covered()),
            availability_percent: with,
            planned_minutes: sums.planned(),
            planned_down_minutes: sums.planned_down(),
            availability_without_planned_percent: without,
            outages: self.outages,
            latency_p50_seconds: self.latencies.percentile(50),
            latency_p95_seconds: self.latencies.percentile(95),
        }
    }
}
