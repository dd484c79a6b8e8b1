//! `m365mon_*` and `process_*`.

use std::fmt;

use super::super::BuildInfo;
use super::super::catalogue as c;
use super::super::family::Families;
use super::super::labels::LabelSet;
use super::super::scrape::Scrape;
use super::{buckets, unix};
use crate::state::SkipCause;

/// What this process counts about itself.
pub(super) fn write(f: &mut Families<'_, '_>, scrape: &Scrape, build: BuildInfo) -> fmt::Result {
    let set = LabelSet::new(&scrape.table.process);
    let process = &scrape.process;
    let references = scrape.references.iter().zip(&scrape.table.references);
    f.gauges(
        &c::REFERENCE_UP,
        references.filter_map(|(up, row)| Some((LabelSet::new(&row.labels), u32::from((*up)?)))),
    )?;
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
    let reloads = ["success", "failure"].into_iter().zip(process.reloads);
    f.counters(
        &c::CONFIG_RELOADS,
        reloads.map(|(result, count)| (set.with("result", result), count, None)),
    )?;
    f.gauges(
        &c::STORAGE_WRITABLE,
        process
            .storage_writable
            .map(|writable| (set, u32::from(writable))),
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
    f.counters(&c::HTTP_REQUESTS, requests)?;
    let answers = process.answers.iter();
    f.histograms(
        &c::HTTP_REQUEST_DURATION,
        answers.map(|(handler, durations)| (set.with("handler", handler), buckets(durations))),
    )
}

/// What the operating system says about it.
pub(super) fn write_process(f: &mut Families<'_, '_>, scrape: &Scrape) -> fmt::Result {
    let facts = &scrape.facts;
    let bare = LabelSet::new("");
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
