use proptest::prelude::*;

use super::*;
use crate::model::time_zone;

fn weekly(days: &[Weekday], from: &str, to: &str, zone: &str) -> Window {
    let days = days
        .iter()
        .fold(Weekdays::default(), |all, day| all.with(*day));
    Window {
        name: "window".into(),
        r#type: WindowType::Maintenance,
        times: WindowTimes::Weekly {
            days,
            from: MinuteOfDay::parse(from).unwrap(),
            to: MinuteOfDay::parse(to).unwrap(),
        },
        zone: time_zone(zone).unwrap(),
    }
}

fn daily(from: &str, to: &str, zone: &str) -> Window {
    let week: Vec<Weekday> = Weekdays::ALL.iter().collect();
    weekly(&week, from, to, zone)
}

fn once(start: &str, end: &str, zone: &str) -> Window {
    Window {
        times: WindowTimes::Once {
            start: start.parse().unwrap(),
            end: end.parse().unwrap(),
        },
        ..daily("00:00", "24:00", zone)
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// As `2026-03-29T00:00:00Z to 2026-03-29T02:00:00Z`.
fn next(window: &Window, from: &str) -> String {
    match window.next(at(from)) {
        None => "over".to_owned(),
        Some(Opening { begin, end: None }) => format!("{begin} for ever"),
        Some(Opening {
            begin,
            end: Some(end),
        }) => format!("{begin} to {end}"),
    }
}

#[test]
fn the_nights_in_which_clocks_are_changed() {
    // 2026-03-29: 02:00 becomes 03:00 at 01:00Z; 2026-10-25: 03:00 becomes 02:00 at 01:00Z.
    let (spring, autumn) = ("2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z");
    for (from, to, in_spring, in_autumn) in [
        // Over all of it.
        ("01:00", "04:00", "29T00:00 29T02:00", "24T23:00 25T03:00"),
        ("22:00", "06:00", "28T21:00 29T04:00", "24T20:00 25T05:00"),
        // The edges of the hour, and the hour itself, which spring does not have.
        ("01:00", "02:00", "29T00:00 29T01:00", "24T23:00 25T00:00"),
        ("03:00", "04:00", "29T01:00 29T02:00", "25T02:00 25T03:00"),
        ("02:00", "03:00", "30T00:00 30T01:00", "25T00:00 25T02:00"),
        // Into it, out of it, inside of it.
        ("01:30", "02:30", "29T00:30 29T01:00", "24T23:30 25T01:30"),
        ("02:30", "03:30", "29T01:00 29T01:30", "25T00:30 25T02:30"),
        ("02:15", "02:45", "30T00:15 30T00:45", "25T00:15 25T01:45"),
        // Elsewhere in the day nothing happens but that the offset is another.
        ("08:00", "12:00", "29T06:00 29T10:00", "25T07:00 25T11:00"),
    ] {
        let window = daily(from, to, "Europe/Berlin");
        for (noon, month, expected) in [
            (spring, "2026-03", in_spring),
            (autumn, "2026-10", in_autumn),
        ] {
            let (begin, end) = expected.split_once(' ').unwrap();
            let expected = format!("{month}-{begin}:00Z to {month}-{end}:00Z");
            assert_eq!(next(&window, noon), expected, "{from} to {to}");
        }
    }
}

#[test]
fn a_week() {
    use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
    let office = [Monday, Tuesday, Wednesday, Thursday, Friday];
    // 2026-12-04 is a Friday.
    for (window, from, expected) in [
        (
            weekly(&office, "08:00", "18:00", "UTC"),
            "2026-12-04T17:59:59Z",
            "2026-12-04T08:00:00Z to 2026-12-04T18:00:00Z",
        ),
        (
            weekly(&office, "08:00", "18:00", "UTC"),
            "2026-12-04T18:00:00Z",
            "2026-12-07T08:00:00Z to 2026-12-07T18:00:00Z",
        ),
        // Over midnight it begins on its day.
        (
            weekly(&[Sunday], "22:00", "02:00", "UTC"),
            "2026-12-07T01:00:00Z",
            "2026-12-06T22:00:00Z to 2026-12-07T02:00:00Z",
        ),
        // Whole days that touch are one opening.
        (
            weekly(&[Saturday, Sunday], "00:00", "24:00", "UTC"),
            "2026-12-04T12:00:00Z",
            "2026-12-05T00:00:00Z to 2026-12-07T00:00:00Z",
        ),
        (
            weekly(&[Saturday, Sunday], "12:00", "12:00", "UTC"),
            "2026-12-07T11:00:00Z",
            "2026-12-05T12:00:00Z to 2026-12-07T12:00:00Z",
        ),
        (
            weekly(&[Monday], "08:00", "09:00", "UTC"),
            "2026-12-07T09:00:00Z",
            "2026-12-14T08:00:00Z to 2026-12-14T09:00:00Z",
        ),
        // The only one of the week lies in an hour that the clocks leave out.
        (
            weekly(&[Sunday], "02:15", "02:45", "Europe/Berlin"),
            "2026-03-24T12:00:00Z",
            "2026-04-05T00:15:00Z to 2026-04-05T00:45:00Z",
        ),
        // The clocks of the zone, not ours.
        (
            weekly(&[Monday], "08:00", "09:00", "Asia/Kolkata"),
            "2026-12-04T12:00:00Z",
            "2026-12-07T02:30:00Z to 2026-12-07T03:30:00Z",
        ),
    ] {
        assert_eq!(next(&window, from), expected, "{window:?}");
    }
    let always = next(&daily("00:00", "24:00", "UTC"), "2026-12-04T12:00:00Z");
    assert!(always.ends_with(" for ever"), "{always}");
    // A day that a zone never had: Samoa went from the 29th to the 31st.
    let apia = daily("08:00", "09:00", "Pacific/Apia");
    assert_eq!(
        next(&apia, "2011-12-29T20:00:00Z"),
        "2011-12-30T18:00:00Z to 2011-12-30T19:00:00Z"
    );
}

#[test]
fn once_is_once() {
    let window = once("2026-12-05T22:00", "2026-12-06T02:00", "Europe/Berlin");
    let expected = "2026-12-05T21:00:00Z to 2026-12-06T01:00:00Z";
    assert_eq!(next(&window, "2020-01-01T00:00:00Z"), expected);
    assert_eq!(next(&window, "2026-12-06T00:59:59Z"), expected);
    assert_eq!(next(&window, "2026-12-06T01:00:00Z"), "over");
    assert!(!window.is_open(at("2026-12-05T20:59:59Z")));
    assert!(window.is_open(at("2026-12-05T21:00:00Z")));
    assert!(!window.is_open(at("2026-12-06T01:00:00Z")));
    // At the ends of time.
    for time in [Timestamp::MIN, Timestamp::MAX] {
        assert!(!window.is_open(time));
        _ = daily("22:00", "02:00", "Europe/Berlin").is_open(time);
        _ = daily("22:00", "02:00", "Europe/Berlin").next(time);
    }
}

#[test]
fn times_of_the_day() {
    for (text, shown) in [
        ("00:00", Some("00:00")),
        ("8:05", Some("08:05")),
        ("23:59", Some("23:59")),
        ("24:00", Some("24:00")),
        ("24:01", None),
        ("25:00", None),
        ("12:60", None),
        ("12:5", None),
        ("+1:00", None),
        ("12", None),
        (":", None),
        ("", None),
    ] {
        let parsed = MinuteOfDay::parse(text).map(|minute| minute.to_string());
        assert_eq!(parsed.as_deref(), shown, "{text}");
    }
}

#[test]
fn outside_the_union_of_service_hours() {
    use WindowType::{Maintenance, ServiceHours};
    for (r#type, open, in_service, planned) in [
        (Maintenance, true, true, true),
        (Maintenance, false, false, false),
        (ServiceHours, true, true, false),
        // Another one is open.
        (ServiceHours, false, true, false),
        (ServiceHours, false, false, true),
    ] {
        assert_eq!(r#type.is_planned_downtime(open, in_service), planned);
    }
}

/// What the clocks of the zone show, without any thought of how they get there.
fn shown_inside(window: &Window, moment: Timestamp) -> bool {
    let WindowTimes::Weekly { days, from, to } = window.times else {
        unreachable!("only weekly windows are tried");
    };
    let shown = moment.to_zoned(window.zone.clone()).datetime();
    let minute = u16::try_from(shown.hour()).unwrap() * 60 + u16::try_from(shown.minute()).unwrap();
    let (today, yesterday) = (
        shown.date().weekday(),
        shown.date().yesterday().unwrap().weekday(),
    );
    if to > from {
        days.has(today) && (from.0..to.0).contains(&minute)
    } else {
        (days.has(today) && minute >= from.0) || (days.has(yesterday) && minute < to.0)
    }
}

prop_compose! {
    fn any_window()(
        days in 1_u8..0x80,
        from in 0_u16..1440,
        to in 1_u16..=1440,
        zone in prop::sample::select(&[
            "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
            "America/St_Johns", "Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo",
        ][..]),
    ) -> Window {
        Window {
            name: "window".into(),
            r#type: WindowType::ServiceHours,
            times: WindowTimes::Weekly {
                days: Weekdays(days),
                from: MinuteOfDay(from),
                to: MinuteOfDay(to),
            },
            zone: time_zone(zone).unwrap(),
        }
    }
}

/// From 2011 to 2030.
const SECONDS: std::ops::Range<i64> = 1_293_840_000..1_893_456_000;

proptest! {
    /// It is open whenever the clocks say so; otherwise only in the hours that
    /// a night has twice.
    #[test]
    fn it_is_open_when_the_clocks_say_so(window in any_window(), second in SECONDS) {
        let moment = Timestamp::from_second(second).unwrap();
        let open = window.is_open(moment);
        if shown_inside(&window, moment) {
            prop_assert!(open);
        } else if open {
            let day = 86_400;
            let offset = |second| {
                let moment = Timestamp::from_second(second).unwrap();
                window.zone.to_offset(moment).seconds()
            };
            prop_assert!(offset(second - day) > offset(second + day), "{}", moment);
        }
    }

    /// The next opening begins when it opens, ends when it closes, and there is
    /// none before it.
    #[test]
    fn the_next_opening_is_the_next(window in any_window(), second in SECONDS) {
        let moment = Timestamp::from_second(second).unwrap();
        let opening = window.next(moment).unwrap();
        let tick = 1.second();
        if let Some(end) = opening.end {
            prop_assert!(opening.begin < end && moment < end);
            prop_assert!(window.is_open(end - tick) && !window.is_open(end));
        }
        if opening.begin > moment {
            prop_assert!(!window.is_open(moment));
            prop_assert!(window.is_open(opening.begin) && !window.is_open(opening.begin - tick));
            let between = second + (opening.begin.as_second() - second) / 2;
            prop_assert!(!window.is_open(Timestamp::from_second(between).unwrap()));
        } else {
            prop_assert!(window.is_open(moment));
        }
    }
}
