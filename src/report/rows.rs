//! The rows of a report's tables. Their columns are fixed: an import that worked
//! once keeps working, with and without rows. New columns may only be added at the
//! end.

use jiff::civil::Date;
use serde::Serialize;

use super::{Tally, Viewpoint};

/// How one resource was, seen from one location or from all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AvailabilityRow {
    /// `2026-10`.
    pub month: String,
    /// Name of the account.
    pub account: String,
    /// Kind.
    pub kind: String,
    /// Name of the resource.
    pub resource: String,
    /// Empty without one, and for all together.
    pub location: String,
    /// Minutes of the period so far.
    pub minutes: u64,
    /// It worked.
    pub up_minutes: u64,
    /// It did not.
    pub down_minutes: u64,
    /// Not known; part of neither.
    pub unmonitored_minutes: u64,
    /// Of the known minutes, rounded down to four places; none where too little is
    /// known.
    pub availability_percent: Option<f64>,
    /// What Microsoft commits itself to; none for what its agreement does not cover.
    pub commitment_percent: Option<f64>,
    /// What its agreement credits, percent of the fee: by the better of the two
    /// availabilities.
    pub credit_percent: Option<u8>,
    /// How many outages.
    pub outages: usize,
    /// `all` or `place`.
    pub view: Viewpoint,
    /// The share of minutes of which something is known.
    pub covered_percent: f64,
    /// Minutes of planned downtime.
    pub planned_minutes: u64,
    /// Of those that were down.
    pub planned_down_minutes: u64,
    /// The availability of what was not planned.
    pub availability_without_planned_percent: Option<f64>,
    /// Half of the answers took no longer.
    pub latency_p50_seconds: Option<f64>,
    /// 95 of 100 answers took no longer.
    pub latency_p95_seconds: Option<f64>,
}

/// One outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutageRow {
    /// `2026-10`.
    pub month: String,
    /// Name of the account.
    pub account: String,
    /// Kind.
    pub kind: String,
    /// Name of the resource.
    pub resource: String,
    /// Empty without one, and for all together.
    pub location: String,
    /// The first minute down, RFC 3339.
    pub start: String,
    /// The minute after the last.
    pub end: String,
    /// Minutes down.
    pub down_minutes: usize,
    /// Minutes in between that nobody watched.
    pub unmonitored_minutes: usize,
    /// The reason that was there most of the time.
    pub reason: String,
    /// `all` or `place`.
    pub view: Viewpoint,
    /// Minutes down that were planned.
    pub planned_minutes: usize,
    /// The first minute, for people.
    #[serde(skip)]
    pub begins: String,
    /// The minute after the last, for people.
    #[serde(skip)]
    pub ends: String,
    /// The outage of the resource itself: that of all places, or of the only one.
    #[serde(skip)]
    pub counts: bool,
}

/// Several resources together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TotalRow {
    /// `2026-10`.
    pub month: String,
    /// `all`, `kind` or `account`.
    pub of: &'static str,
    /// Which kind or account; empty for all.
    pub name: String,
    /// How many resources.
    pub resources: usize,
    /// Their minutes.
    pub minutes: u64,
    /// They worked.
    pub up_minutes: u64,
    /// They did not.
    pub down_minutes: u64,
    /// Not known.
    pub unmonitored_minutes: u64,
    /// The share of minutes of which something is known.
    pub covered_percent: f64,
    /// Of the known minutes; none where too little is known.
    pub availability_percent: Option<f64>,
    /// Minutes of planned downtime.
    pub planned_minutes: u64,
    /// Of those that were down.
    pub planned_down_minutes: u64,
    /// The availability of what was not planned.
    pub availability_without_planned_percent: Option<f64>,
    /// How many outages.
    pub outages: usize,
    /// Half of the answers took no longer.
    pub latency_p50_seconds: Option<f64>,
    /// 95 of 100 answers took no longer.
    pub latency_p95_seconds: Option<f64>,
}

/// One day of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub date: Date,
    /// Its minutes.
    pub tally: Tally,
    /// Minutes down that were planned.
    pub planned_down: u64,
}
