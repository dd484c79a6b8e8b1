//! The tables as CSV (RFC 4180), for spreadsheets and imports.

use super::{AvailabilityReport, AvailabilityRow, OutageRow, TotalRow};

impl AvailabilityRow {
    /// The columns of CSV.
    pub const COLUMNS: [&str; 20] = [
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
        "view",
        "covered_percent",
        "planned_minutes",
        "planned_down_minutes",
        "availability_without_planned_percent",
        "latency_p50_seconds",
        "latency_p95_seconds",
    ];

    fn cells(&self) -> [String; 20] {
        [
            self.month.clone(),
            self.account.clone(),
            self.kind.clone(),
            self.resource.clone(),
            self.location.clone(),
            self.minutes.to_string(),
            self.up_minutes.to_string(),
            self.down_minutes.to_string(),
            self.unmonitored_minutes.to_string(),
            share(self.availability_percent),
            (self.commitment_percent).map_or_else(String::new, |percent| format!("{percent:.1}")),
            (self.credit_percent).map_or_else(String::new, |credit| credit.to_string()),
            self.outages.to_string(),
            self.view.as_str().to_owned(),
            share(Some(self.covered_percent)),
            self.planned_minutes.to_string(),
            self.planned_down_minutes.to_string(),
            share(self.availability_without_planned_percent),
            seconds(self.latency_p50_seconds),
            seconds(self.latency_p95_seconds),
        ]
    }
}

impl OutageRow {
    /// The columns of CSV.
    pub const COLUMNS: [&str; 12] = [
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
        "view",
        "planned_minutes",
    ];

    fn cells(&self) -> [String; 12] {
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
            self.view.as_str().to_owned(),
            self.planned_minutes.to_string(),
        ]
    }
}

impl TotalRow {
    /// The columns of CSV.
    pub const COLUMNS: [&str; 16] = [
        "month",
        "of",
        "name",
        "resources",
        "minutes",
        "up_minutes",
        "down_minutes",
        "unmonitored_minutes",
        "covered_percent",
        "availability_percent",
        "planned_minutes",
        "planned_down_minutes",
        "availability_without_planned_percent",
        "outages",
        "latency_p50_seconds",
        "latency_p95_seconds",
    ];

    fn cells(&self) -> [String; 16] {
        [
            self.month.clone(),
            self.of.to_owned(),
            self.name.clone(),
            self.resources.to_string(),
            self.minutes.to_string(),
            self.up_minutes.to_string(),
            self.down_minutes.to_string(),
            self.unmonitored_minutes.to_string(),
            share(Some(self.covered_percent)),
            share(self.availability_percent),
            self.planned_minutes.to_string(),
            self.planned_down_minutes.to_string(),
            share(self.availability_without_planned_percent),
            self.outages.to_string(),
            seconds(self.latency_p50_seconds),
            seconds(self.latency_p95_seconds),
        ]
    }
}

impl AvailabilityReport {
    /// The availability, its first line the columns.
    #[must_use]
    pub fn availability_csv(&self) -> String {
        let rows = self.availability.iter().map(AvailabilityRow::cells);
        csv(&AvailabilityRow::COLUMNS, rows)
    }

    /// The outages, their first line the columns.
    #[must_use]
    pub fn outages_csv(&self) -> String {
        csv(
            &OutageRow::COLUMNS,
            self.outages.iter().map(OutageRow::cells),
        )
    }

    /// The totals, their first line the columns.
    #[must_use]
    pub fn totals_csv(&self) -> String {
        csv(&TotalRow::COLUMNS, self.totals.iter().map(TotalRow::cells))
    }
}

fn share(percent: Option<f64>) -> String {
    percent.map_or_else(String::new, |percent| format!("{percent:.4}"))
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(String::new, |seconds| format!("{seconds:.3}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        for (cell, written) in [
            ("a b", "a b"),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("a\nb", "\"a\nb\""),
            ("help; desk", "help; desk"),
        ] {
            assert_eq!(quoted(cell.into()), written);
        }
    }

    /// What stood there once stands there for ever.
    #[test]
    fn columns_are_only_appended() {
        assert!(AvailabilityRow::COLUMNS.join(",").starts_with(
            "month,account,kind,resource,location,minutes,up_minutes,down_minutes,unmonitored_minutes,\
             availability_percent,commitment_percent,credit_percent,outages,view,covered_percent,planned_minutes,\
             planned_down_minutes,availability_without_planned_percent,latency_p50_seconds,latency_p95_seconds"
        ));
        assert!(OutageRow::COLUMNS.join(",").starts_with(
            "month,account,kind,resource,location,start,end,down_minutes,unmonitored_minutes,reason,view,planned_minutes"
        ));
        assert!(TotalRow::COLUMNS.join(",").starts_with(
            "month,of,name,resources,minutes,up_minutes,down_minutes,unmonitored_minutes,covered_percent,\
             availability_percent,planned_minutes,planned_down_minutes,availability_without_planned_percent,\
             outages,latency_p50_seconds,latency_p95_seconds"
        ));
    }
}
