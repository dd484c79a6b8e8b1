//! The report as one file of HTML that needs nothing else: for people who read no
//! CSV, to be sent by mail, printed or kept.

use std::fmt::{self, Write as _};

use jiff::civil::Date;

use super::{AvailabilityReport, AvailabilityRow, Day, TotalRow, Viewpoint};

const STYLE: &str = include_str!("page.css");
/// Outages that are listed; the rest is in the table of CSV.
const LISTED: usize = 500;

/// Text for HTML, in elements and in quoted attributes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;"),
                '<' => f.write_str("&lt;"),
                '>' => f.write_str("&gt;"),
                '"' => f.write_str("&quot;"),
                '\'' => f.write_str("&#39;"),
                c => f.write_char(c),
            }?;
        }
        Ok(())
    }
}

impl AvailabilityReport {
    /// The whole page.
    #[must_use]
    pub fn html(&self) -> String {
        let mut page = String::new();
        // Writing into a String does not fail.
        _ = self.write_page(&mut page);
        page
    }

    fn write_page(&self, out: &mut String) -> fmt::Result {
        let title = Escaped(&self.month);
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>Microsoft 365, {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <h1>Microsoft 365 as seen from here: {title}</h1>\n\
             <p class=\"dim\">{} to {}, {}</p>\n",
            Escaped(&self.from),
            Escaped(&self.to),
            Escaped(&self.timezone),
        )?;
        if let Some(all) = self.totals.first() {
            self.write_summary(out, all)?;
        }
        self.write_calendar(out)?;
        self.write_availability(out)?;
        self.write_outages(out)?;
        self.write_totals(out)?;
        write!(
            out,
            "<h2>How to read it</h2>\n<p>A minute is up or down as the last probe seen in it says. Minutes that nobody watched count as \
             neither; where less than {} % is covered there is no figure. From several places, a minute is down where more than half \
             of those that know say so.</p>\n<p>The credit is what Microsoft's service level agreement for online services names for \
             such an availability (25 % below 99.9 %, 50 % below 99 %, 100 % below 95 %), by the better of the two figures, and only for \
             what it covers. What counts for a claim is Microsoft's own measure.</p>\n</body>\n</html>\n",
            self.min_coverage_percent
        )
    }

    fn write_summary(&self, out: &mut String, all: &TotalRow) -> fmt::Result {
        let credits = (self.availability.iter())
            .filter(|row| row.credit_percent.is_some_and(|credit| credit > 0))
            .filter(|row| row.view == Viewpoint::All || self.is_the_only_place(row));
        let fact = |out: &mut String, what: &str, value: String| {
            writeln!(
                out,
                "<div><dt>{what}</dt><dd>{}</dd></div>",
                Escaped(&value)
            )
        };
        out.push_str("<dl>\n");
        fact(out, "available", shown(all.availability_percent))?;
        if all.planned_minutes > 0 {
            fact(
                out,
                "planned downtime apart",
                shown(all.availability_without_planned_percent),
            )?;
        }
        fact(
            out,
            "covered",
            format!("{:.1} %", (all.covered_percent * 10.0).floor() / 10.0),
        )?;
        fact(out, "resources", all.resources.to_string())?;
        fact(out, "outages", all.outages.to_string())?;
        fact(
            out,
            "minutes down, all together",
            all.down_minutes.to_string(),
        )?;
        fact(out, "below the commitment", credits.count().to_string())?;
        out.push_str("</dl>\n");
        Ok(())
    }

    /// Whether a row of a place is the row of its resource.
    fn is_the_only_place(&self, row: &AvailabilityRow) -> bool {
        (self.day_rows.iter()).any(|at| std::ptr::eq(&raw const self.availability[*at], row))
    }

    fn write_calendar(&self, out: &mut String) -> fmt::Result {
        let Some(first) = self.days.first() else {
            return Ok(());
        };
        out.push_str(
            "<h2>Days</h2>\n<p class=\"legend\"><span class=\"good\">· no minute down</span>\
             <span class=\"some\">minutes down, below 15</span><span class=\"bad\">from 15</span>\
             <span class=\"worst\">from 60</span><span class=\"planned\">planned only</span>\
             <span class=\"none\">– less than half is known</span></p>\n",
        );
        let mut order: Vec<usize> = (0..self.days.len()).collect();
        let worst = self.worst_first();
        let place = |at: &usize| worst.iter().position(|row| row == at);
        let mut rank: Vec<Option<usize>> = self.day_rows.iter().map(place).collect();
        order.sort_by_key(|at| rank.get(*at).copied().flatten());
        rank.clear();
        // A table a month.
        let mut begin = 0;
        while begin < first.len() {
            let month = first[begin].date.first_of_month();
            let days = (first[begin..].iter()).take_while(|day| day.date.first_of_month() == month);
            let end = begin + days.count();
            self.write_month(out, &order, begin, end, month)?;
            begin = end;
        }
        Ok(())
    }

    fn write_month(
        &self,
        out: &mut String,
        order: &[usize],
        begin: usize,
        end: usize,
        month: Date,
    ) -> fmt::Result {
        write!(
            out,
            "<div class=\"wide\"><table class=\"days\">\n<caption>{}</caption>\n<thead><tr><th scope=\"col\">resource</th>",
            month.strftime("%B %Y")
        )?;
        for day in self.days.first().map_or(&[][..], |days| &days[begin..end]) {
            let weekend = day.date.weekday().to_monday_zero_offset() > 4;
            let class = if weekend { " class=\"w\"" } else { "" };
            write!(
                out,
                "<th scope=\"col\"{class}>{}<br>{}</th>",
                day.date
                    .strftime("%a")
                    .to_string()
                    .get(..2)
                    .unwrap_or_default(),
                day.date.day()
            )?;
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for at in order {
            let Some(row) = self
                .day_rows
                .get(*at)
                .and_then(|row| self.availability.get(*row))
            else {
                continue;
            };
            write!(out, "<tr><th scope=\"row\">{}</th>", Escaped(&row.resource))?;
            for day in &self.days[*at][begin..end] {
                write_day(out, day)?;
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n");
        Ok(())
    }

    fn write_availability(&self, out: &mut String) -> fmt::Result {
        out.push_str(
            "<h2>Availability, the worst first</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>resource</th><th>place</th><th>kind</th>\
             <th>account</th><th class=\"n\">available</th><th class=\"n\">planned apart</th><th class=\"n\">covered</th>\
             <th class=\"n\">credit</th><th class=\"n\">min down</th><th class=\"n\">min planned</th><th class=\"n\">outages</th><th class=\"n\">p50</th>\
             <th class=\"n\">p95</th></tr></thead>\n<tbody>\n",
        );
        for at in self.worst_first() {
            let row = &self.availability[at];
            let place = match row.view {
                Viewpoint::All => "all places",
                Viewpoint::Place => &row.location,
            };
            // By the better of the two figures, as the credit.
            let figures = [
                row.availability_percent,
                row.availability_without_planned_percent,
            ];
            let best = figures.into_iter().flatten().reduce(f64::max);
            let low = match (best, row.commitment_percent) {
                (Some(percent), Some(commitment)) if percent < commitment => " low",
                _ => "",
            };
            writeln!(
                out,
                "<tr><td class=\"name\">{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"n{low}\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{:.1} %</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                Escaped(&row.resource),
                Escaped(place),
                Escaped(&row.kind),
                Escaped(&row.account),
                shown(row.availability_percent),
                shown(row.availability_without_planned_percent),
                (row.covered_percent * 10.0).floor() / 10.0,
                row.credit_percent
                    .map_or_else(|| "–".to_owned(), |credit| format!("{credit} %")),
                row.down_minutes,
                row.planned_minutes,
                row.outages,
                time(row.latency_p50_seconds),
                time(row.latency_p95_seconds),
            )?;
        }
        out.push_str("</tbody></table></div>\n");
        Ok(())
    }

    fn write_outages(&self, out: &mut String) -> fmt::Result {
        let outages = self.longest_outages();
        out.push_str("<h2>Outages, the longest first</h2>\n");
        if outages.is_empty() {
            out.push_str("<p>None.</p>\n");
            return Ok(());
        }
        out.push_str(
            "<div class=\"wide\"><table>\n<thead><tr><th>began</th><th>ended</th><th class=\"n\">min down</th><th class=\"n\">of them planned</th>\
             <th class=\"n\">min unwatched</th><th>reason</th><th>resource</th><th>place</th></tr></thead>\n<tbody>\n",
        );
        for row in outages.iter().take(LISTED) {
            let place = match row.view {
                Viewpoint::All => "all places",
                Viewpoint::Place => &row.location,
            };
            writeln!(
                out,
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td>\
                 <td class=\"name\">{}</td><td>{}</td></tr>",
                Escaped(&row.begins),
                Escaped(&row.ends),
                row.down_minutes,
                row.planned_minutes,
                row.unmonitored_minutes,
                Escaped(&row.reason),
                Escaped(&row.resource),
                Escaped(place),
            )?;
        }
        out.push_str("</tbody></table></div>\n");
        if outages.len() > LISTED {
            writeln!(
                out,
                "<p>And {} more: <code>--format csv --table outages</code>.</p>",
                outages.len() - LISTED
            )?;
        }
        Ok(())
    }

    fn write_totals(&self, out: &mut String) -> fmt::Result {
        out.push_str(
            "<h2>Together</h2>\n<div class=\"wide\"><table>\n<thead><tr><th></th><th class=\"n\">resources</th><th class=\"n\">available</th>\
             <th class=\"n\">planned apart</th><th class=\"n\">covered</th><th class=\"n\">min down</th><th class=\"n\">outages</th>\
             <th class=\"n\">p50</th><th class=\"n\">p95</th></tr></thead>\n<tbody>\n",
        );
        for row in &self.totals {
            let name = match (row.of, &*row.name) {
                ("account", "") => "without an account".to_owned(),
                (of, name) => format!("{of} {name}"),
            };
            writeln!(
                out,
                "<tr><td class=\"name\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.1} %</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                Escaped(&name),
                row.resources,
                shown(row.availability_percent),
                shown(row.availability_without_planned_percent),
                (row.covered_percent * 10.0).floor() / 10.0,
                row.down_minutes,
                row.outages,
                time(row.latency_p50_seconds),
                time(row.latency_p95_seconds),
            )?;
        }
        out.push_str("</tbody></table></div>\n");
        Ok(())
    }
}

fn write_day(out: &mut String, day: &Day) -> fmt::Result {
    let tally = day.tally;
    let unplanned = tally.down - day.planned_down;
    let (class, mark) = if tally.known() * 2 < tally.all() && unplanned == 0 {
        ("none", "–".to_owned())
    } else {
        match (unplanned, day.planned_down) {
            (0, 0) => ("good", "·".to_owned()),
            (0, planned) => ("planned", planned.to_string()),
            (1..15, _) => ("some", unplanned.to_string()),
            (15..60, _) => ("bad", unplanned.to_string()),
            _ => ("worst", unplanned.to_string()),
        }
    };
    write!(
        out,
        "<td class=\"{class}\" title=\"{}: {} min down",
        day.date, tally.down
    )?;
    if day.planned_down > 0 {
        write!(out, ", {} of them planned", day.planned_down)?;
    }
    if tally.unknown > 0 {
        write!(out, ", {} min not watched", tally.unknown)?;
    }
    write!(out, "\">{mark}</td>")
}

fn shown(percent: Option<f64>) -> String {
    percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent:.4} %"))
}

fn time(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.3} s"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Course, Courses, Minute, Month, Period, ReportTime, Terms, Watched};
    use jiff::tz::TimeZone;

    #[test]
    fn names_are_text_and_nothing_is_fetched() {
        let month: Month = "2026-10".parse().unwrap();
        let late = "2026-11-02T00:00:00Z".parse().unwrap();
        let period = Period::new(ReportTime::Month(month), TimeZone::UTC, late).unwrap();
        let mut minutes = vec![Minute::Up; period.minutes];
        minutes[..20].fill(Minute::Down);
        let watched = Watched {
            account: "contoso".into(),
            kind: "sharepoint_site".into(),
            resource: "<b>\"'&".into(),
            location: String::new(),
        };
        let courses: Courses = [(
            watched,
            Course {
                minutes,
                ..Course::default()
            },
        )]
        .into();
        let terms = Terms {
            min_coverage: 50,
            covers: |_| true,
        };
        let page = AvailabilityReport::new(&period, courses, &terms).html();
        assert!(
            page.contains("<td class=\"name\">&lt;b&gt;&quot;&#39;&amp;</td>"),
            "{page}"
        );
        for fetched in ["http://", "https://", "<script", "<link", "<img", "url("] {
            assert!(!page.contains(fetched), "{fetched}");
        }
        assert!(page.contains("title=\"2026-10-01: 20 min down\">20</td>"));
        assert_eq!(page.matches("class=\"good\" title").count(), 30);
    }
}
