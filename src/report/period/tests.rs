use super::*;

/// As POSIX writes them, so that no database is needed.
const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";

fn period(wanted: ReportTime, zone: &str, now: &str) -> Result<Period, PeriodError> {
    let zone = match zone {
        "UTC" => TimeZone::UTC,
        zone => TimeZone::posix(zone).unwrap(),
    };
    Period::new(wanted, zone, now.parse().unwrap())
}

fn month(text: &str, zone: &str, now: &str) -> Result<Period, PeriodError> {
    period(ReportTime::Month(text.parse().unwrap()), zone, now)
}

const LATE: &str = "2030-01-01T00:00:00Z";

#[test]
fn months_have_their_minutes() {
    for (text, zone, from, minutes) in [
        ("2026-10", "UTC", "2026-10-01T00:00:00Z", 31 * 1440),
        ("2026-12", "UTC", "2026-12-01T00:00:00Z", 31 * 1440),
        ("2028-02", "UTC", "2028-02-01T00:00:00Z", 29 * 1440),
        // Both nights in which a clock is put.
        (
            "2026-10",
            BERLIN,
            "2026-10-01T00:00:00+02:00",
            31 * 1440 + 60,
        ),
        (
            "2026-03",
            BERLIN,
            "2026-03-01T00:00:00+01:00",
            31 * 1440 - 60,
        ),
        (
            "2026-04",
            "IST-5:30",
            "2026-04-01T00:00:00+05:30",
            30 * 1440,
        ),
    ] {
        let period = month(text, zone, LATE).unwrap();
        assert_eq!(
            (&*period.name, period.minutes),
            (text, minutes),
            "{text} {zone}"
        );
        assert_eq!(period.moment(0), from);
        let days = period.days();
        assert_eq!(
            days.iter().map(|(_, minutes)| minutes.len()).sum::<usize>(),
            minutes
        );
        assert!(
            days.iter()
                .all(|(_, minutes)| [1380, 1440, 1500].contains(&minutes.len()))
        );
        assert!(days.windows(2).all(|two| two[0].1.end == two[1].1.start));
    }
    let october = |now: &str| month("2026-10", "UTC", now).map(|period| period.minutes);
    assert!(october("2026-09-30T23:59:59Z").is_err());
    assert!(october("2026-10-01T00:00:59Z").is_err());
    assert_eq!(october("2026-10-01T00:02:59Z"), Ok(2));
    for bad in [
        "",
        "2026",
        "2026-13",
        "2026-00",
        "26-10",
        "2026-1",
        "+026-10",
        "2026-10-01",
    ] {
        assert_eq!(bad.parse::<Month>(), Err(MonthError), "{bad}");
    }
}

#[test]
fn the_last_month_is_the_one_before_this_where_one_is() {
    for (zone, now, name) in [
        ("UTC", "2026-11-15T00:00:00Z", "2026-10"),
        ("UTC", "2027-01-01T00:00:00Z", "2026-12"),
        // Already November in Tokyo, still October in New York.
        ("JST-9", "2026-10-31T20:00:00Z", "2026-10"),
        (NEW_YORK, "2026-11-01T02:00:00Z", "2026-09"),
    ] {
        assert_eq!(
            period(ReportTime::LastMonth, zone, now).unwrap().name,
            name,
            "{zone}"
        );
    }
}

#[test]
fn a_period_may_begin_and_end_anywhere() {
    let between = |from: &str, to: Option<&str>, zone: &str| {
        let to = to.map(|to| to.parse().unwrap());
        period(
            ReportTime::Between(from.parse().unwrap(), to),
            zone,
            "2026-10-20T10:00:30Z",
        )
    };
    for (from, to, zone, name, minutes) in [
        (
            "2026-10-01",
            Some("2026-10-15"),
            "UTC",
            "2026-10-01/2026-10-15",
            14 * 1440,
        ),
        (
            "2026-10-01T08:30",
            Some("2026-10-01T09:30:00Z"),
            "UTC",
            "2026-10-01T08:30/2026-10-01T09:30",
            60,
        ),
        (
            "2026-10-01 08:30",
            Some("2026-10-01T09:30:00Z"),
            BERLIN,
            "2026-10-01T08:30/2026-10-01T11:30",
            180,
        ),
        (
            "2026-10-20",
            None,
            "UTC",
            "2026-10-20/2026-10-20T10:00",
            600,
        ),
        // What is to come is not told.
        (
            "2026-10-20",
            Some("2026-10-25"),
            "UTC",
            "2026-10-20/2026-10-25",
            600,
        ),
    ] {
        let period = between(from, to, zone).unwrap();
        assert_eq!((&*period.name, period.minutes), (name, minutes));
    }
    for (from, to, error) in [
        ("2026-10-02", Some("2026-10-02"), PeriodError::Reversed),
        ("2026-10-02", Some("2026-10-01"), PeriodError::Reversed),
        ("2020-01-01", Some("2026-10-01"), PeriodError::TooLong),
        (
            "2027-01-01",
            Some("2027-02-01"),
            PeriodError::Future("2027-01-01/2027-02-01".into()),
        ),
        (
            "2027-01-01",
            None,
            PeriodError::Future("2027-01-01/2026-10-20T10:00".into()),
        ),
    ] {
        assert_eq!(between(from, to, "UTC").unwrap_err(), error, "{from}");
    }
    for bad in [
        "",
        "yesterday",
        "2026-10",
        "2026-02-30",
        "2026-10-01T25:00",
        "2026-10-01T08:00[Europe/Berlin]",
    ] {
        assert_eq!(bad.parse::<Border>(), Err(BorderError), "{bad}");
    }
}
