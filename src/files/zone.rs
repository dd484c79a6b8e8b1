//! Time zones by their names in the IANA database, as this machine has it.

use std::env;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::read::read;

/// Where systems keep the database.
const PLACES: [&str; 4] = [
    "/usr/share/zoneinfo",
    "/usr/lib/zoneinfo",
    "/usr/share/lib/zoneinfo",
    "/etc/zoneinfo",
];
/// The largest file of the database has 4 kB.
const LARGEST: u64 = 65_536;

/// There is no such time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// The database does not have it.
    #[error(
        "\"{0}\" is no time zone: it must be a name of the IANA database, such as Europe/Berlin or UTC"
    )]
    Unknown(String),
    /// There is no database to ask.
    #[error(
        "the time zone {0} cannot be looked up: this machine has no time zone database; install tzdata"
    )]
    NoDatabase(String),
}

/// The zone of a name, in whatever case it is written. `UTC` needs no database.
///
/// # Errors
/// If the database does not have it, or is not there.
pub fn time_zone(name: &str) -> Result<TimeZone, ZoneError> {
    let mut places: Vec<PathBuf> = env::var_os("TZDIR")
        .map(PathBuf::from)
        .into_iter()
        .collect();
    places.extend(PLACES.map(PathBuf::from));
    look_up(name, &places)
}

fn look_up(name: &str, places: &[PathBuf]) -> Result<TimeZone, ZoneError> {
    if ["UTC", "Etc/UTC", "Z"]
        .iter()
        .any(|utc| utc.eq_ignore_ascii_case(name))
    {
        return Ok(TimeZone::UTC);
    }
    let unknown = || ZoneError::Unknown(name.to_owned());
    let plain = |part: &str| {
        !part.is_empty() && (part.bytes()).all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
    };
    if !name.split('/').all(plain) {
        return Err(unknown());
    }
    let Some(place) = places.iter().find(|place| place.is_dir()) else {
        return Err(ZoneError::NoDatabase(name.to_owned()));
    };
    let (file, name) = spelled(place, name).ok_or_else(unknown)?;
    let bytes = read(&file, LARGEST).map_err(|_| unknown())?;
    TimeZone::tzif(&name, &bytes).map_err(|_| unknown())
}

/// The file, and the name as the database spells it.
fn spelled(place: &Path, name: &str) -> Option<(PathBuf, String)> {
    let (mut file, mut spelled) = (place.to_owned(), Vec::new());
    for part in name.split('/') {
        let exact = file.join(part);
        let part = if exact.exists() {
            part.to_owned()
        } else {
            let mut entries = file.read_dir().ok()?.filter_map(Result::ok);
            entries.find_map(|entry| {
                let its = entry.file_name().into_string().ok()?;
                its.eq_ignore_ascii_case(part).then_some(its)
            })?
        };
        file.push(&part);
        spelled.push(part);
    }
    Some((file, spelled.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_database_and_nothing_else() {
        for (name, spelled) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            (
                "America/Argentina/Buenos_Aires",
                "America/Argentina/Buenos_Aires",
            ),
            ("Etc/GMT+5", "Etc/GMT+5"),
            ("utc", "UTC"),
        ] {
            assert_eq!(
                time_zone(name).unwrap().iana_name(),
                Some(spelled),
                "{name}"
            );
        }
        for name in [
            "",
            "Europe/",
            "/etc/passwd",
            "../../etc/passwd",
            "Europe/Berlin/",
            "Europe",
            "zone.tab",
            "tzdata.zi",
            "+02:00",
            "Berlin",
        ] {
            assert_eq!(
                time_zone(name).unwrap_err(),
                ZoneError::Unknown(name.to_owned())
            );
        }
    }

    #[test]
    fn a_machine_without_a_database_says_so() {
        let nowhere = [PathBuf::from("/nonexistent")];
        let error = look_up("Europe/Berlin", &nowhere).unwrap_err().to_string();
        assert!(error.contains("install tzdata"), "{error}");
        assert_eq!(look_up("UTC", &nowhere), Ok(TimeZone::UTC));
    }
}
