//! What a time was like, from what Prometheus recorded: outages, availability
//! against Microsoft's commitment, and the time that nobody watched.
//!
//! Prometheus is the only record; nothing is kept here. A period is cut into
//! minutes. A minute is up or down as the last sample of `m365_resource_up` within
//! it says, and unknown without one: a sample speaks for no later minute (but for
//! the next one where it lies within a second of the border, for scrapes are not
//! exact), so restarts and missed scrapes show as what they are. Called by
//! `m365mon report`.

mod access;
mod course;
mod csv;
mod html;
mod latency;
mod minutes;
mod period;
mod rows;
mod source;
mod tables;
mod text;

pub use access::PrometheusAccess;
pub use course::{Course, Courses, Renames, Sighting, Viewpoint, Watched, views};
pub use latency::Latencies;
pub use minutes::{Minute, Outage, Tally, outages, quorum};
pub use period::{Border, BorderError, Month, MonthError, Period, PeriodError, ReportTime};
pub use rows::{AvailabilityRow, Day, OutageRow, TotalRow};
pub use source::{Prometheus, SourceError};
pub use tables::{AvailabilityReport, Terms};
