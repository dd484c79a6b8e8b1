//! The two tables of a report, as text, CSV and JSON. Their columns are fixed:
//! an import that worked once keeps working, with and without rows. New columns
//! may only be added at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{Course, Month, Period, Tally, Watched, outages};

/// A month as it was.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `2026-10`.
    pub month: String,
    /// The first minute, RFC 3339 in UTC.
    pub from: String,
    /// The minute after the last.
    pub to: String,
    /// One row for each resource and location, in their order.
    pub availability: Vec<AvailabilityRow>,
    /// In the order of resources, then of time.
    pub outages: Vec<OutageRow>,
}

/// How one resource was, seen from one location.
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
    /// Empty without one.
    pub location: String,
    /// Minutes of the month so far.
    pub minutes: u64,
    /// It worked.
    pub up_minutes: u64,
    /// It did not.
    pub down_minutes: u64,
    /// Not known; part of neither.
    pub unmonitored_minutes: u64,
    /// Of the known minutes, rounded down to four places; none without any.
    pub availability_percent: Option<f64>,
    /// What Microsoft commits itself to.
    pub commitment_percent: f64,
    /// What its agreement credits at this availability, percent of the fee.
    pub credit_percent: Option<u8>,
    /// How many outages.
    pub outages: usize,
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
    /// Empty without one.
    pub location: String,
    /// The first minute down, RFC 3339 in UTC.
    pub start: String,
    /// The minute after the last.
    pub end: String,
    /// Minutes down.
    pub down_minutes: usize,
    /// Minutes in between that nobody watched.
    pub unmonitored_minutes: usize,
    /// The reason that was there most of the time.
    pub reason: String,
}

/// The part of Microsoft's service level agreement that is measured here.
const COMMITMENT: f64 = 99.9;

impl AvailabilityRow {
    /// The columns of CSV.
    pub const COLUMNS: [&str; 13] = [
        "month",
        "account",
        "kind",
        "resource",
        "location",
        "minutes",
        "up_minutes",
        "down_minutes",
        "unmonitored_minutes",
        "availability_percent",
        "commitment_percent",
        "credit_percent",
        "outages",
    ];

    fn cells(&self) -> [String; 13] {
        let number = |n: u64| n.to_string();
        [
            self.month.clone(),
            self.account.clone(),
            self.kind.clone(),
            self.resource.clone(),
            self.location.clone(),
            number(self.minutes),
            number(self.up_minutes),
            number(self.down_minutes),
            number(self.unmonitored_minutes),
            self.availability_percent
                .map_or_else(String::new, |percent| format!("{percent:.4}")),
            format!("{:.1}", self.commitment_percent),
            self.credit_percent
                .map_or_else(String::new, |credit| credit.to_string()),
            self.outages.to_string(),
        ]
    }
}

impl OutageRow {
    /// The columns of CSV.
    pub const COLUMNS: [&str; 10] = [
        "month",
        "account",
        "kind",
        "resource",
        "location",
        "start",
        "end",
        "down_minutes",
        "unmonitored_minutes",
        "reason",
    ];

    fn cells(&self) -> [String; 10] {
        [
            self.month.clone(),
            self.account.clone(),
            self.kind.clone(),
            self.resource.clone(),
            self.location.clone(),
            self.start.clone(),
            self.end.clone(),
            self.down_minutes.to_string(),
            self.unmonitored_minutes.to_string(),
            self.reason.clone(),
        ]
    }
}

impl Report {
    /// Makes the tables.
    #[must_use]
    pub fn new(month: Month, period: Period, courses: &BTreeMap<Watched, Course>) -> Self {
        let mut report = Self {
            month: month.to_string(),
            from: period.moment(0),
            to: period.moment(period.minutes),
            availability: Vec::new(),
            outages: Vec::new(),
        };
        for (watched, course) in courses {
            let tally = Tally::of(&course.minutes);
            let found = outages(&course.minutes);
            report.availability.push(AvailabilityRow {
                month: month.to_string(),
                account: watched.account.clone(),
                kind: watched.kind.clone(),
                resource: watched.resource.clone(),
                location: watched.location.clone(),
                minutes: tally.known() + tally.unknown,
                up_minutes: tally.up,
                down_minutes: tally.down,
                unmonitored_minutes: tally.unknown,
                availability_percent: tally
                    .availability()
                    .map(|millionths| millionths as f64 / 10_000.0),
                commitment_percent: COMMITMENT,
                credit_percent: tally.credit(),
                outages: found.len(),
            });
            report.outages.extend(found.iter().map(|outage| OutageRow {
                month: month.to_string(),
                account: watched.account.clone(),
                kind: watched.kind.clone(),
                resource: watched.resource.clone(),
                location: watched.location.clone(),
                start: period.moment(outage.first),
                end: period.moment(outage.end),
                down_minutes: outage.down,
                unmonitored_minutes: outage.unknown,
                reason: course.reason(outage).to_owned(),
            }));
        }
        report
    }

    /// The availability as CSV (RFC 4180), its first line the columns.
    #[must_use]
    pub fn availability_csv(&self) -> String {
        csv(
            &AvailabilityRow::COLUMNS,
            self.availability.iter().map(AvailabilityRow::cells),
        )
    }

    /// The outages as CSV (RFC 4180), its first line the columns.
    #[must_use]
    pub fn outages_csv(&self) -> String {
        csv(
            &OutageRow::COLUMNS,
            self.outages.iter().map(OutageRow::cells),
        )
    }

    /// Both tables for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        _ = writeln!(
            text,
            "Microsoft 365 as seen from here, {} to {}\n",
            self.from, self.to
        );
        // The month is in the title.
        text.push_str(&aligned(
            &AvailabilityRow::COLUMNS,
            self.availability.iter().map(AvailabilityRow::cells),
        ));
        text.push_str("\nOutages\n\n");
        text.push_str(&aligned(
            &OutageRow::COLUMNS,
            self.outages.iter().map(OutageRow::cells),
        ));
        text.push_str(
            "\nUnmonitored minutes count as neither up nor down. The credit is what Microsoft's\n\
             agreement names for such an availability; Microsoft's own measure decides.\n",
        );
        text
    }
}

fn csv<const N: usize>(columns: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut text = columns.join(",") + "\r\n";
    for row in rows {
        text.push_str(&row.map(quoted).join(","));
        text.push_str("\r\n");
    }
    text
}

fn quoted(cell: String) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

/// In columns, without the first, which is the month.
fn aligned<const N: usize>(columns: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut lines: Vec<[String; N]> = vec![columns.map(|column| column.replace('_', " "))];
    lines.extend(rows);
    let width = |at: usize| {
        let long = lines.iter().map(|line| line[at].chars().count());
        long.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths).skip(1) {
            // Numbers to the right.
            if cell.starts_with(|c: char| c.is_ascii_digit()) {
                _ = write!(row, "{cell:>width$}  ");
            } else {
                _ = write!(row, "{cell:<width$}  ");
            }
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_there_without_rows() {
        let month: Month = "2026-10".parse().unwrap();
        let period = month
            .until("2026-11-02T00:00:00Z".parse().unwrap())
            .unwrap();
        let report = Report::new(month, period, &BTreeMap::new());
        assert_eq!(
            report.availability_csv(),
            "month,account,kind,resource,location,minutes,up_minutes,down_minutes,\
             unmonitored_minutes,availability_percent,commitment_percent,credit_percent,outages\r\n"
        );
        assert_eq!(
            report.outages_csv(),
            "month,account,kind,resource,location,start,end,down_minutes,unmonitored_minutes,reason\r\n"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["availability"], serde_json::json!([]));
        assert_eq!(json["to"], "2026-11-01T00:00:00Z");
        assert!(report.text().contains("availability percent"));
        assert_eq!(quoted("a \"b\", c".into()), "\"a \"\"b\"\", c\"");
    }
}
