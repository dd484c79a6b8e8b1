//! A scrape as a collector of the registry: families outside, resources
//! inside, so that every family's series stand together.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::BuildInfo;
use super::catalogue as c;
use super::family::{Buckets, Families};
use super::labels::Set;
use super::scrape::{Sample, Samples, Scrape};
use super::stream::Hook;
use crate::model::{CredentialKind, Outcome, Phase, Resource, Timestamp};
use crate::state::{Histogram, Micros, SkipCause, seconds};

/// In the order of exposition.
const CREDENTIALS: [CredentialKind; 4] = [
    CredentialKind::RefreshToken,
    CredentialKind::Consent,
    CredentialKind::ClientSecret,
    CredentialKind::ClientCertificate,
];

/// `/metrics`.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) scrape: Scrape,
    pub(super) build: BuildInfo,
    pub(super) hook: Arc<Hook>,
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families {
            encoder,
            hook: &self.hook,
        };
        let scrape = &self.scrape;
        let rows: Vec<View<'_>> = scrape
            .rows()
            .map(|(place, row, sample)| View {
                labels: &row.labels,
                resource: row.slot.resource(),
                sample,
                place,
                token_expiry: scrape.token_expiries.get(row.token).copied().flatten(),
            })
            .collect();
        resources(
            &mut families,
            &rows,
            &scrape.samples,
            scrape.table.board.metrics.phases,
        )?;
        accounts(&mut families, scrape)?;
        exporter(&mut families, scrape, self.build)?;
        process(&mut families, scrape)
    }
}

/// One resource, ready to be written.
pub(super) struct View<'a> {
    pub(super) labels: &'a str,
    pub(super) resource: &'a Resource,
    pub(super) sample: &'a Sample,
    pub(super) place: usize,
    pub(super) token_expiry: Option<Timestamp>,
}

impl<'a> View<'a> {
    const fn set(&self) -> Set<'a> {
        Set::new(self.labels)
    }
}

/// All `m365_resource_*`.
pub(super) fn resources(
    f: &mut Families<'_, '_>,
    rows: &[View<'_>],
    samples: &Samples,
    phases: bool,
) -> fmt::Result {
    f.gauges(
        &c::RESOURCE_UP,
        each(rows, |s| s.conclusion.map(|(up, _)| u32::from(up))),
    )?;
    f.gauges(
        &c::RESOURCE_LATENCY,
        each(rows, |s| s.good.map(|good| good.latency())),
    )?;
    if phases {
        let phases = rows
            .iter()
            .filter_map(|row| Some((row, row.sample.good?)))
            .flat_map(|(row, good)| {
                let set = row.set();
                Phase::ALL.map(|phase| (set.with("phase", phase.as_str()), good.phase(phase)))
            });
        f.gauges(&c::RESOURCE_PHASE_LATENCY, phases)?;
    }
    let expiries = rows
        .iter()
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
        .iter()
        .map(|row| (row.set(), row.resource.interval.as_secs_f64()));
    f.gauges(&c::RESOURCE_INTERVAL, intervals)?;
    let timeouts = rows
        .iter()
        .map(|row| (row.set(), row.resource.timeout.as_secs_f64()));
    f.gauges(&c::RESOURCE_TIMEOUT, timeouts)?;
    f.gauges(
        &c::RESOURCE_CONSECUTIVE_FAILURES,
        each(rows, |s| s.conclusion.map(|(_, failures)| failures)),
    )?;
    f.gauges(
        &c::RESOURCE_HTTP_STATUS,
        each(rows, |s| s.http_status.map(u32::from)),
    )?;
    let problems = rows.iter().filter_map(|row| {
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
    let probes = rows.iter().flat_map(|row| {
        outcomes(row.sample.outcomes)
            .map(|(outcome, count)| (row.set().with("outcome", outcome), count, None))
    });
    f.counters(&c::RESOURCE_PROBES, probes)?;
    let problems = rows.iter().flat_map(|row| {
        samples.problems(row.place).iter().map(|problem| {
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
        let histograms = rows.iter().map(|row| {
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
            s.good?.server_latency.map(|micros| seconds(micros.into()))
        }),
    )?;
    f.gauges(
        &c::SHAREPOINT_HEALTH_SCORE,
        each(rows, |s| s.good?.health_score.map(u32::from)),
    )
}

/// The value of each resource that has one.
fn each<'a, V: 'a>(
    rows: &'a [View<'a>],
    value: impl Fn(&Sample) -> Option<V> + 'a,
) -> impl Iterator<Item = (Set<'a>, V)> + 'a {
    rows.iter()
        .filter_map(move |row| Some((row.set(), value(row.sample)?)))
}

fn outcomes(counts: [u64; 3]) -> [(&'static str, u64); 3] {
    Outcome::ALL.map(|outcome| (outcome.as_str(), counts[outcome.index()]))
}

fn accounts(f: &mut Families<'_, '_>, scrape: &Scrape) -> fmt::Result {
    let all = || {
        let rows = scrape
            .table
            .accounts
            .iter()
            .map(|row| (Set::new(&row.labels), row.slot.account()));
        rows.zip(&scrape.accounts)
            .map(|((set, account), known)| (set, account, known))
    };
    f.gauges(
        &c::ACCOUNT_UP,
        all().filter_map(|(set, _, known)| Some((set, u32::from(known.up()?)))),
    )?;
    let problems = all().filter_map(|(set, _, known)| {
        let reason = known.problem()?;
        Some((
            set.with("outcome", reason.outcome().as_str())
                .with("reason", reason.as_str()),
            1_u32,
        ))
    });
    f.gauges(&c::ACCOUNT_PROBLEM, problems)?;
    let infos = all().map(|(set, account, _)| {
        let set = set
            .with(
                "tenant",
                account.tenant.as_ref().map_or("", |tenant| tenant.as_str()),
            )
            .with("cloud", account.cloud.as_str())
            .with("credential", account.credential_label());
        (set, 1_u32)
    });
    f.gauges(&c::ACCOUNT_INFO, infos)?;
    let required = all().map(|(set, _, known)| {
        (
            set,
            u32::from(known.standing.sign_in_required_since.is_some()),
        )
    });
    f.gauges(&c::ACCOUNT_SIGN_IN_REQUIRED, required)?;
    f.gauges(
        &c::ACCOUNT_EXCESS_PERMISSIONS,
        all().filter_map(|(set, _, known)| Some((set, known.standing.excess_permissions?))),
    )?;
    let tokens = all().flat_map(|(set, _, known)| {
        let tokens = known.standing.access_tokens.iter();
        tokens.map(move |(audience, end)| (set.with("audience", audience.as_str()), unix(*end)))
    });
    f.gauges(&c::ACCESS_TOKEN_EXPIRY, tokens)?;
    let deadlines = all().flat_map(|(set, _, known)| {
        CREDENTIALS.iter().filter_map(move |kind| {
            // Of two ends of one credential the earlier one counts.
            let ends = known.standing.deadlines.iter().filter(|(of, _)| of == kind);
            let end = ends.map(|(_, end)| *end).min()?;
            Some((set.with("credential", kind.as_str()), unix(end)))
        })
    });
    f.gauges(&c::CREDENTIAL_EXPIRY, deadlines)?;
    let requests = all().flat_map(|(set, _, known)| {
        outcomes(known.outcomes).map(|(outcome, count)| (set.with("outcome", outcome), count, None))
    });
    f.counters(&c::TOKEN_REQUESTS, requests)?;
    let codes: Vec<Vec<String>> = scrape
        .accounts
        .iter()
        .map(|known| {
            let codes = known.problems.iter().map(|p| p.code);
            codes
                .map(|code| code.map(|code| code.to_string()).unwrap_or_default())
                .collect()
        })
        .collect();
    let problems = all().zip(&codes).flat_map(|((set, _, known), codes)| {
        known
            .problems
            .iter()
            .zip(codes)
            .map(move |(problem, code)| {
                let set = set
                    .with("reason", problem.reason.as_str())
                    .with("code", code);
                (set, problem.count, None)
            })
    });
    f.counters(&c::TOKEN_REQUEST_PROBLEMS, problems)?;
    f.histograms(
        &c::TOKEN_REQUEST_DURATION,
        all().map(|(set, _, known)| (set, buckets(&known.durations))),
    )?;
    let throttled = all().flat_map(|(set, _, known)| {
        let services = known.throttled.iter();
        services.map(move |(service, count)| (set.with("service", service.as_str()), *count, None))
    });
    f.counters(&c::THROTTLED_RESPONSES, throttled)?;
    let until = scrape
        .held
        .iter()
        .filter_map(|((account, service), until)| {
            let row = scrape.table.accounts.get(*account)?;
            Some((
                Set::new(&row.labels).with("service", service.as_str()),
                unix(*until),
            ))
        });
    f.gauges(&c::THROTTLED_UNTIL, until)?;
    let rates = all().flat_map(|(set, _, known)| {
        let fresh = known
            .rates
            .iter()
            .filter(|(_, rate)| rate.is_fresh(scrape.now));
        fresh.map(move |(service, rate)| {
            (set.with("service", service.as_str()), rate.remaining_ratio)
        })
    });
    f.gauges(&c::RATE_LIMIT_REMAINING, rates)
}

fn exporter(f: &mut Families<'_, '_>, scrape: &Scrape, build: BuildInfo) -> fmt::Result {
    let set = Set::new(&scrape.table.process);
    let process = &scrape.process;
    let info = set
        .with("version", build.version)
        .with("revision", build.revision)
        .with("rustc_version", build.rustc_version);
    f.gauges(&c::BUILD_INFO, [(info, 1_u32)])?;
    let reload = process.reload;
    f.gauges(
        &c::RELOAD_SUCCESSFUL,
        reload.map(|reload| (set, u32::from(reload.successful))),
    )?;
    let success = reload.and_then(|reload| reload.last_success);
    f.gauges(
        &c::RELOAD_SUCCESS_TIMESTAMP,
        success.map(|at| (set, unix(at))),
    )?;
    f.gauges(&c::PROBES_IN_FLIGHT, [(set, process.in_flight)])?;
    f.histograms(
        &c::PROBE_START_DELAY,
        [(set, buckets(&process.start_delay))],
    )?;
    let skipped = SkipCause::ALL.iter().zip(process.skipped);
    f.counters(
        &c::PROBES_SKIPPED,
        skipped.map(|(cause, count)| (set.with("cause", cause.as_str()), count, None)),
    )?;
    let codes: Vec<String> = process
        .requests
        .iter()
        .map(|(_, code, _)| code.to_string())
        .collect();
    let requests = process
        .requests
        .iter()
        .zip(&codes)
        .map(|((handler, _, count), code)| {
            (
                set.with("handler", handler).with("code", code),
                *count,
                None,
            )
        });
    f.counters(&c::HTTP_REQUESTS, requests)
}

fn process(f: &mut Families<'_, '_>, scrape: &Scrape) -> fmt::Result {
    let facts = &scrape.facts;
    let bare = Set::new("");
    f.seconds_counter(&c::PROCESS_CPU, facts.cpu_seconds)?;
    f.gauges(&c::PROCESS_OPEN_FDS, facts.open_fds.map(|fds| (bare, fds)))?;
    f.gauges(&c::PROCESS_MAX_FDS, facts.max_fds.map(|fds| (bare, fds)))?;
    f.gauges(
        &c::PROCESS_VIRTUAL_MEMORY,
        facts.virtual_bytes.map(|bytes| (bare, bytes)),
    )?;
    f.gauges(
        &c::PROCESS_RESIDENT_MEMORY,
        facts.resident_bytes.map(|bytes| (bare, bytes)),
    )?;
    f.gauges(
        &c::PROCESS_START_TIME,
        facts.start_seconds.map(|start| (bare, start)),
    )?;
    f.gauges(
        &c::PROCESS_THREADS,
        facts.threads.map(|threads| (bare, threads)),
    )
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
