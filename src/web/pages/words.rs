//! Times, figures and ids as people read them.

use std::time::Duration;

use crate::model::{AccountReason, Phase, Reason, Timestamp};

/// The two largest units of a time span: `2 d 3 h`, `4 min`, `12 s`.
pub(super) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = span.as_secs();
    let Some(place) = UNITS.iter().position(|(size, _)| seconds >= *size) else {
        return "0 s".into();
    };
    let (size, unit) = UNITS[place];
    let mut text = format!("{} {unit}", seconds / size);
    if let Some((small, unit)) = UNITS.get(place + 1) {
        let rest = seconds % size / small;
        if rest > 0 {
            text.push_str(&format!(" {rest} {unit}"));
        }
    }
    text
}

/// A span up to a deadline: whole days where there are two or more.
pub(super) fn days(left: Duration) -> String {
    match left.as_secs() / 86_400 {
        0 | 1 => span(left),
        days => format!("{} days", grouped(days)),
    }
}

/// Seconds as milliseconds, or as seconds where there are many.
pub(super) fn latency(seconds: f64) -> String {
    if seconds < 0.000_95 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 10.0 {
        format!("{} ms", grouped((seconds * 1e3).round() as u64))
    } else {
        format!("{seconds:.1} s")
    }
}

/// A share in percent. Only what is whole is called 100 %.
pub(super) fn percent(share: f64) -> String {
    if share >= 1.0 {
        "100 %".into()
    } else if share <= 0.0 {
        "0 %".into()
    } else {
        // Cut off, not rounded up: 99.96 is not 100.
        format!("{:.1} %", (share * 1e3).floor() / 10.0)
    }
}

/// A whole number with a comma between thousands.
pub(super) fn grouped(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or_default().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 resource`, `1,500 resources`.
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", grouped(number))
}

/// The moment in UTC as everybody writes it: `2026-11-30 07:53:46 UTC`.
pub(super) fn utc(at: Timestamp) -> String {
    let exact = exact(at);
    let (date, time) = exact.split_once('T').unwrap_or((&exact, ""));
    format!("{date} {} UTC", time.trim_end_matches('Z'))
}

/// The time of the day in UTC; with the date where that is another than today's.
pub(super) fn clock(at: Timestamp, now: Timestamp) -> String {
    let full = utc(at);
    match full.split_once(' ') {
        Some((date, time)) if utc(now).starts_with(date) => time.to_owned(),
        _ => full,
    }
}

/// For machines, whole seconds (RFC 3339).
pub(super) fn exact(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// What a reason means, as a heading.
pub(super) const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Dns => "The name cannot be resolved",
        Reason::Connect => "No connection can be made",
        Reason::Tls => "The encrypted connection (TLS) fails",
        Reason::Proxy => "The proxy lets nothing through",
        Reason::Timeout => "No answer in time",
        Reason::ServerError => "The service answers with an error",
        Reason::NotFound => "It is not there",
        Reason::Locked => "It is locked",
        Reason::BadResponse => "The answer cannot be used",
        Reason::UnexpectedStatus => "The answer has a status that is not expected",
        Reason::Throttled => "Microsoft asks us to slow down",
        Reason::Token => "There is no access token",
        Reason::Unauthorized => "The access token is not accepted",
        Reason::Forbidden => "A permission is missing",
        Reason::Rejected => "The service does not understand the request",
        Reason::Internal => "The exporter has a fault of its own",
    }
}

/// The reason that a word of metrics and API stands for.
pub(super) fn reason_of(word: &str) -> Option<Reason> {
    let mut all = Reason::ALL.into_iter();
    all.find(|reason| reason.as_str() == word)
}

/// What the reason of a token request means, as a heading.
pub(super) fn account_reason(word: &str) -> &'static str {
    let mut all = AccountReason::ALL.into_iter();
    match all.find(|reason| reason.as_str() == word) {
        Some(AccountReason::Dns) => "The login host's name cannot be resolved",
        Some(AccountReason::Connect) => "No connection to the login host can be made",
        Some(AccountReason::Tls) => "The encrypted connection (TLS) to the login host fails",
        Some(AccountReason::Proxy) => "The proxy lets nothing through to the login host",
        Some(AccountReason::Timeout) => "The login host does not answer in time",
        Some(AccountReason::ServerError) => "Entra answers with an error",
        Some(AccountReason::BadResponse) => "The answer of the login host cannot be used",
        Some(AccountReason::UnexpectedStatus) => {
            "The login host answers with a status that is not expected"
        }
        Some(AccountReason::SignInRequired) => "Somebody must sign in",
        Some(AccountReason::Refused) => "Entra refuses this account",
        Some(AccountReason::Throttled) => "Entra asks us to slow down",
        Some(AccountReason::Internal) | None => "The exporter has a fault of its own",
    }
}

/// The page that tells what to do about an account's reason.
pub(in crate::web) fn account_runbook(word: &str) -> &'static str {
    match word {
        "sign_in_required" => "M365SignInRequired",
        "refused" => "M365AccountRefused",
        "throttled" => "M365Throttled",
        "internal" => "internal",
        _ => "M365SignInServiceDown",
    }
}

/// A phase as people call it.
pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolve => "name resolution",
        Phase::Connect => "connection",
        Phase::Tls => "TLS",
        Phase::Processing => "the service's work",
        Phase::Transfer => "transfer",
    }
}

/// The phase that a word stands for, as people call it.
pub(super) fn phase_of(word: &str) -> &'static str {
    let mut all = Phase::ALL.into_iter();
    all.find(|phase| phase.as_str() == word).map_or("", phase)
}

/// What an account signs in with.
pub(super) fn credential(word: &str) -> &'static str {
    match word {
        "delegated" => "a person's sign-in",
        "client_secret" => "client secret",
        "client_certificate" => "client certificate",
        "workload_identity" => "workload identity",
        "managed_identity" => "managed identity",
        _ => "nothing",
    }
}

/// What comes to an end, at the beginning of a sentence.
pub(super) fn ending(word: &str) -> &'static str {
    match word {
        "refresh_token" => "Sign-in",
        "consent" => "Sign-in by the tenant's policy",
        "client_secret" => "Client secret",
        "client_certificate" => "Client certificate",
        _ => "Credential",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (seconds, text, deadline) in [
            (0, "0 s", "0 s"),
            (12, "12 s", "12 s"),
            (60, "1 min", "1 min"),
            (61, "1 min 1 s", "1 min 1 s"),
            (3_600, "1 h", "1 h"),
            (3_661, "1 h 1 min", "1 h 1 min"),
            (86_400 * 2 - 1, "1 d 23 h", "1 d 23 h"),
            (86_400 * 2 + 3_600 * 3 + 5, "2 d 3 h", "2 days"),
            (86_400 * 1_000, "1000 d", "1,000 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
            assert_eq!(days(Duration::from_secs(seconds)), deadline);
        }
    }

    #[test]
    fn figures() {
        assert_eq!(latency(0.000_42), "0.4 ms");
        assert_eq!(latency(0.1234), "123 ms");
        assert_eq!(latency(9.9), "9,900 ms");
        assert_eq!(latency(12.34), "12.3 s");
        for (share, text) in [
            (1.0, "100 %"),
            (0.999_999, "99.9 %"),
            (0.5, "50.0 %"),
            (0.0, "0 %"),
            (0.000_1, "0.0 %"),
        ] {
            assert_eq!(percent(share), text);
        }
        assert_eq!(grouped(0_u64), "0");
        assert_eq!(grouped(999_u64), "999");
        assert_eq!(grouped(1_234_567_u64), "1,234,567");
        assert_eq!(counted(1, "site", "sites"), "1 site");
        assert_eq!(counted(1_500, "site", "sites"), "1,500 sites");
    }

    #[test]
    fn moments() {
        let at = Timestamp::from_second(1_764_028_800).unwrap();
        assert_eq!(utc(at), "2025-11-25 00:00:00 UTC");
        let later = Timestamp::from_second(1_764_028_800 + 86_399).unwrap();
        assert_eq!(clock(at, later), "00:00:00 UTC");
        let next = Timestamp::from_second(1_764_028_800 + 86_400).unwrap();
        assert_eq!(clock(at, next), "2025-11-25 00:00:00 UTC");
    }

    #[test]
    fn every_reason_has_words() {
        for one in Reason::ALL {
            assert_eq!(reason_of(one.as_str()), Some(one));
            assert!(!reason(one).is_empty());
        }
        for one in AccountReason::ALL {
            let fault = account_reason(one.as_str()) == account_reason("internal");
            assert_eq!(fault, one == AccountReason::Internal, "{one}");
        }
    }
}
