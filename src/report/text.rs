//! The report for a terminal: a hundred columns, the worst first. Figures stand to
//! the left; what they are about may go on in the next line, so that no name is cut.

use std::fmt::Write as _;

use super::{AvailabilityReport, AvailabilityRow, OutageRow, TotalRow, Viewpoint};

/// No line is longer.
const WIDTH: usize = 100;
/// Outages that are listed; the rest is in the table of CSV.
const LISTED: usize = 40;

const FIGURES: &str = "  avail.  planned  covered    down    p50    p95  credit";
const UNITS: &str = "       %    apart        %     min      s      s       %";

/// What stands below [`FIGURES`], for rows of two types.
macro_rules! figures {
    ($row:expr, $credit:expr) => {
        format!(
            "{:>8}{:>9}{:>9}{:>8}{:>7}{:>7}{:>8}",
            share($row.availability_percent),
            share($row.availability_without_planned_percent),
            covered($row.covered_percent),
            $row.down_minutes,
            seconds($row.latency_p50_seconds),
            seconds($row.latency_p95_seconds),
            $credit,
        )
    };
}

impl AvailabilityReport {
    /// All tables for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        _ = writeln!(
            text,
            "Microsoft 365 as seen from here: {}\n{} to {}, {}\n",
            self.month, self.from, self.to, self.timezone
        );
        _ = writeln!(text, "{FIGURES}  together\n{UNITS}");
        for total in &self.totals {
            line(&mut text, &figures!(total, ""), &name_of_total(total));
        }
        _ = writeln!(text, "\n{FIGURES}  resource, place, kind, account\n{UNITS}");
        for at in self.worst_first() {
            let row = &self.availability[at];
            let credit = row.credit_percent.map(|credit| credit.to_string());
            let credit = credit.as_deref().unwrap_or("–");
            line(&mut text, &figures!(row, credit), &name(row));
        }
        let outages = self.longest_outages();
        if outages.is_empty() {
            text.push_str("\nNo outages.\n");
        } else {
            _ = writeln!(
                text,
                "\n{:<16}   {:<11}{:>7}  {:<17}  resource",
                "began", "ended", "minutes", "reason"
            );
        }
        for outage in outages.iter().take(LISTED) {
            line(
                &mut text,
                &figures_of_outage(outage),
                &name_of_outage(outage),
            );
        }
        if outages.len() > LISTED {
            let more = outages.len() - LISTED;
            _ = writeln!(text, "and {more} more: --format csv --table outages");
        }
        _ = write!(text, "\n{}", self.notes(WIDTH));
        text
    }

    /// What must be known to read it.
    fn notes(&self, width: usize) -> String {
        let percent = self.min_coverage_percent;
        let notes = format!(
            "Minutes that nobody watched count as neither up nor down; where less than {percent} % is covered there \
             is no figure. \"Planned apart\" leaves planned downtime out. The credit is what Microsoft's agreement \
             names for such an availability, by the better of the two figures; what counts for a claim is \
             Microsoft's own measure."
        );
        wrapped(&notes, width, width).join("\n") + "\n"
    }
}

/// Figures, then words that may go on below themselves.
fn line(text: &mut String, figures: &str, words: &str) {
    let left = width_of(figures) + 2;
    let room = WIDTH.saturating_sub(left).max(20);
    let mut lines = wrapped(words, room, room).into_iter();
    let first = lines.next().unwrap_or_default();
    _ = writeln!(text, "{}", format!("{figures}  {first}").trim_end());
    for more in lines {
        _ = writeln!(text, "{:left$}{more}", "");
    }
}

fn share(percent: Option<f64>) -> String {
    percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent:.4}"))
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.3}"))
}

/// A share of time that is rounded down, so that 100.0 is all of it.
fn covered(percent: f64) -> String {
    format!("{:.1}", (percent * 10.0).floor() / 10.0)
}

fn figures_of_outage(row: &OutageRow) -> String {
    format!(
        "{} – {}{:>7}  {:<17}",
        row.begins, row.ends, row.down_minutes, row.reason
    )
}

fn name(row: &AvailabilityRow) -> String {
    let place = match (row.view, &*row.location) {
        (Viewpoint::All, _) => " · all places",
        (Viewpoint::Place, "") => "",
        (Viewpoint::Place, place) => &format!(" · {place}"),
    };
    let account = match &*row.account {
        "" => String::new(),
        account => format!(" · {account}"),
    };
    format!("{}{place} · {}{account}", row.resource, row.kind)
}

fn name_of_total(row: &TotalRow) -> String {
    let many = if row.resources == 1 {
        "resource"
    } else {
        "resources"
    };
    let what = match (row.of, &*row.name) {
        ("all", _) => "all".to_owned(),
        ("account", "") => "without an account".to_owned(),
        (of, name) => format!("{of} {name}"),
    };
    format!("{what}: {} {many}", row.resources)
}

fn name_of_outage(row: &OutageRow) -> String {
    let place = match &*row.location {
        "" => String::new(),
        place => format!(" · {place}"),
    };
    let planned = match row.planned_minutes {
        0 => String::new(),
        planned => format!(" ({planned} min planned)"),
    };
    format!("{}{place}{planned}", row.resource)
}

/// Columns that a terminal needs for it: two for what is as wide as it is high.
fn width_of(text: &str) -> usize {
    let wide = |c: char| {
        matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// In lines of so many columns; a word that is longer is broken.
fn wrapped(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let room = if lines.len() == 1 { first } else { rest };
        let Some(last) = lines.last_mut() else { break };
        let gap = usize::from(!last.is_empty());
        if width_of(last) + gap + width_of(word) <= room {
            last.push_str(if gap == 1 { " " } else { "" });
            last.push_str(word);
            continue;
        }
        let mut line = String::new();
        for c in word.chars() {
            if width_of(&line) + width_of(c.encode_utf8(&mut [0; 4])) > rest {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
        lines.push(line);
    }
    lines.retain(|line| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_or_within_long_ones() {
        assert_eq!(wrapped("", 5, 5), [""; 0]);
        assert_eq!(wrapped("a bc def", 5, 5), ["a bc", "def"]);
        assert_eq!(
            wrapped("abcdefgh ij", 5, 5),
            ["abcde", "fgh", "ij"][..].to_vec()
        );
        assert_eq!(wrapped("日本語の名前", 5, 5), ["日本", "語の", "名前"]);
        assert_eq!(width_of("é日"), 3);
    }
}
