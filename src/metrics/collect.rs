//! A scrape as a collector of the registry: families outside, resources
//! inside, so that every family's series stand together.

mod accounts;
mod exporter;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::BuildInfo;
use super::catalogue::{self, self as c};
use super::family::{Buckets, Families};
use super::labels::{LabelSet, one};
use super::planned::PlannedAt;
use super::samples::{MetricSample, Samples};
use super::scrape::Scrape;
use super::stream::ExemplarSlot;
use crate::kinds::{Info, Resource};
use crate::model::{Outcome, Phase, Timestamp};
use crate::state::{Histogram, Micros, seconds};

/// `/metrics`.
#[derive(Debug)]
pub(super) struct MetricsPage {
    pub(super) scrape: Scrape,
    pub(super) build: BuildInfo,
    pub(super) exemplar_slot: Arc<ExemplarSlot>,
}

impl Collector for MetricsPage {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families {
            encoder,
            exemplar_slot: &self.exemplar_slot,
            counting: true,
        };
        let scrape = &self.scrape;
        let rows = scrape.rows().map(|(place, row, sample)| View {
            labels: &row.labels,
            info: scrape.table.info(row),
            windows: &row.windows,
            resource: row.slot.resource(),
            sample,
            place,
            token_expiry: scrape.token_expiries.get(row.token).copied().flatten(),
        });
        resources(
            &mut families,
            &rows,
            &scrape.samples,
            &scrape.planned,
            scrape.table.board.metrics.phases,
        )?;
        accounts::write(&mut families, scrape)?;
        exporter::write(&mut families, scrape, self.build)?;
        exporter::write_process(&mut families, scrape)
    }
}

/// One resource, ready to be written.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) labels: &'a str,
    /// Of `m365_resource_info` beside those, ready.
    pub(super) info: &'a str,
    /// Places of the windows that are about it.
    pub(super) windows: &'a [u16],
    pub(super) resource: &'a Resource,
    pub(super) sample: &'a MetricSample,
    pub(super) place: usize,
    pub(super) token_expiry: Option<Timestamp>,
}

impl<'a> View<'a> {
    const fn set(&self) -> LabelSet<'a> {
        LabelSet::new(self.labels)
    }
}

/// All `m365_resource_*`. Families come one after the other, so `rows` is gone
/// through for each of them.
pub(super) fn resources<'a>(
    f: &mut Families<'_, '_>,
    rows: &(impl Iterator<Item = View<'a>> + Clone),
    samples: &Samples,
    planned: &PlannedAt,
    phases: bool,
) -> fmt::Result {
    f.gauges(
        &c::RESOURCE_UP,
        each(rows, |s| s.conclusive.map(|(up, _)| u32::from(up))),
    )?;
    f.gauges(
        &c::RESOURCE_LATENCY,
        each(rows, |s| s.success.map(|success| success.latency())),
    )?;
    if phases {
        let ready = Phase::ALL.map(|phase| (phase, one("phase", phase.as_str())));
        let phases = rows
            .clone()
            .filter_map(|row| Some((row, row.sample.success?)))
            .flat_map(|(row, success)| {
                let each = ready.iter();
                each.map(move |(phase, ready)| (row.set().and(ready), success.phase(*phase)))
            });
        f.gauges(&c::RESOURCE_PHASE_LATENCY, phases)?;
    }
    let expiries = rows
        .clone()
        .filter_map(|row| Some((row.set(), unix(row.token_expiry?))));
    f.gauges(&c::RESOURCE_TOKEN_EXPIRY, expiries)?;
    f.gauges(
        &c::RESOURCE_LAST_PROBE,
        each(rows, |s| s.last_probe.map(Micros::seconds)),
    )?;
    f.gauges(
        &c::RESOURCE_LAST_SUCCESS,
        each(rows, |s| s.last_success.map(Micros::seconds)),
    )?;
    let intervals = rows
        .clone()
        .map(|row| (row.set(), row.resource.interval.as_secs_f64()));
    f.gauges(&c::RESOURCE_INTERVAL, intervals)?;
    let timeouts = rows
        .clone()
        .map(|row| (row.set(), row.resource.timeout.as_secs_f64()));
    f.gauges(&c::RESOURCE_TIMEOUT, timeouts)?;
    f.gauges(
        &c::RESOURCE_CONSECUTIVE_FAILURES,
        each(rows, |s| s.conclusive.map(|(_, failures)| failures)),
    )?;
    f.gauges(
        &c::RESOURCE_HTTP_STATUS,
        each(rows, |s| s.http_status.map(u32::from)),
    )?;
    let problems = rows.clone().filter_map(|row| {
        let reason = row.sample.problem?;
        let outcome = reason.outcome().as_str();
        Some((
            row.set()
                .with("outcome", outcome)
                .with("reason", reason.as_str()),
            1_u32,
        ))
    });
    f.gauges(&c::RESOURCE_PROBLEM, problems)?;
    let ready = Outcome::ALL.map(|outcome| one("outcome", outcome.as_str()));
    let probes = rows.clone().flat_map(|row| {
        let counts = Outcome::ALL.map(|outcome| row.sample.outcomes[outcome.index()]);
        let each = ready.iter().zip(counts);
        each.map(move |(ready, count)| (row.set().and(ready), count, None))
    });
    f.counters(&c::RESOURCE_PROBES, probes)?;
    let problems = rows.clone().flat_map(|row| {
        samples.problems(row.place).iter().map(move |problem| {
            let set = row
                .set()
                .with("outcome", problem.reason.outcome().as_str())
                .with("reason", problem.reason.as_str());
            let mark = problem.exemplar.as_ref().map(|(id, at)| (id, 1.0, *at));
            (set, problem.count, mark)
        })
    });
    f.counters(&c::RESOURCE_PROBE_PROBLEMS, problems)?;
    if let Some(bounds) = &samples.bounds {
        let histograms = rows.clone().map(|row| {
            let buckets = Buckets {
                bounds,
                counts: samples.counts(row.place),
                sum: row.sample.sum,
                exemplars: samples.exemplars(row.place),
            };
            (row.set(), buckets)
        });
        f.histograms(&c::RESOURCE_PROBE_DURATION, histograms)?;
    }
    f.gauges(
        &c::RESOURCE_SERVER_LATENCY,
        each(rows, |s| {
            s.success?
                .server_latency
                .map(|micros| seconds(micros.into()))
        }),
    )?;
    let infos = rows.clone().map(|row| (row.set().and(row.info), 1_u32));
    f.gauges(&c::RESOURCE_INFO, infos)?;
    let planned = rows.clone().flat_map(|row| {
        let windows = planned.of(row.windows);
        windows.map(move |(labels, planned)| (row.set().and(labels), u32::from(planned)))
    });
    f.gauges(&c::RESOURCE_PLANNED_DOWNTIME, planned)?;
    f.gauges(
        &c::RESOURCE_CERTIFICATE_EXPIRY,
        each(rows, |s| s.chain?.expiry.map(Micros::seconds)),
    )?;
    f.gauges(
        &c::RESOURCE_TLS_INTERCEPTED,
        each(rows, |s| s.chain?.intercepted.map(u32::from)),
    )?;
    let steps = rows.clone().flat_map(|row| {
        let steps = samples.steps(row.place).iter();
        steps.map(move |step| (row.set().with("step", step.name), step.seconds()))
    });
    f.gauges(&c::RESOURCE_STEP_LATENCY, steps)?;
    readings(f, rows, samples)
}

/// The readings that kinds declare, of the kinds that are there.
fn readings<'a>(
    f: &mut Families<'_, '_>,
    rows: &(impl Iterator<Item = View<'a>> + Clone),
    samples: &Samples,
) -> fmt::Result {
    let mut present: Vec<&'static Info> = Vec::new();
    for row in rows.clone() {
        if samples.readings(row.place).is_empty() {
            continue;
        }
        let info = row.resource.kind.info();
        if !present.iter().any(|known| std::ptr::eq(*known, info)) {
            present.push(info);
        }
    }
    for metric in catalogue::catalogue() {
        let declares = |info: &Info| info.readings.iter().any(|one| one.metric == metric.name);
        if !present.iter().any(|info| declares(info)) {
            continue;
        }
        let series = rows.clone().flat_map(|row| {
            let declared = row.resource.kind.info().readings;
            let found = samples.readings(row.place).iter();
            found.filter_map(move |sample| {
                let reading = declared.get(usize::from(sample.reading))?;
                (reading.metric == metric.name).then(|| {
                    let names = reading.labels.iter().zip(&*sample.labels);
                    let set = names.fold(row.set(), |set, (name, value)| set.with(name, value));
                    (set, sample.value)
                })
            })
        });
        f.gauges(metric, series)?;
    }
    Ok(())
}

/// The value of each resource that has one.
fn each<'a, V>(
    rows: &(impl Iterator<Item = View<'a>> + Clone),
    value: impl Fn(&MetricSample) -> Option<V>,
) -> impl Iterator<Item = (LabelSet<'a>, V)> {
    rows.clone()
        .filter_map(move |row| Some((row.set(), value(row.sample)?)))
}

fn outcomes(counts: [u64; 3]) -> [(&'static str, u64); 3] {
    Outcome::ALL.map(|outcome| (outcome.as_str(), counts[outcome.index()]))
}

fn buckets(histogram: &Histogram) -> Buckets<'_> {
    Buckets {
        bounds: histogram.bounds(),
        counts: histogram.counts(),
        sum: histogram.sum(),
        exemplars: histogram.exemplars(),
    }
}

/// Seconds since 1970.
pub(super) fn unix(time: Timestamp) -> f64 {
    Micros::of(time).seconds()
}
