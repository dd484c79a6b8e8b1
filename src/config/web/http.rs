//! Headers, users and the rate limit.

use std::time::Duration;

use bcrypt::HashParts;

use super::{Context, RequestRate, User, schema};
use crate::config::diagnostic::quoted;
use crate::config::fields::Fields;
use crate::config::yaml::{Shape, Value};
use crate::model::duration;

/// Above this cost, one look at a password takes seconds.
const SLOW_COST: u32 = 14;
/// Costs that bcrypt knows.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;
/// Longest rate-limit interval.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// `http_server_config.headers`.
pub(super) fn headers(http: &Fields<'_>, context: &Context<'_>) -> Vec<(&'static str, String)> {
    let Some(fields) = http.mapping("headers", &schema::HEADERS) else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for name in schema::HEADERS.names() {
        let Some(text) = fields.text(name) else {
            continue;
        };
        let allowed: &[(&str, ())] = match name {
            "X-Content-Type-Options" => &[("nosniff", ())],
            "X-Frame-Options" => &[("deny", ()), ("sameorigin", ())],
            _ => &[],
        };
        if !allowed.is_empty() && fields.word(name, allowed).is_none() {
            continue;
        }
        // What a header may hold without being read differently on the way.
        if !text.value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            let message = format!("\"{name}\" may hold printable ASCII only, on one line");
            context.diagnostics.refuse(text.at, message);
            continue;
        }
        headers.push((name, text.value.to_owned()));
    }
    headers
}

/// `basic_auth_users`.
pub(super) fn users(root: &Fields<'_>, context: &Context<'_>) -> Vec<User> {
    let diagnostics = context.diagnostics;
    let Some(node) = root.get("basic_auth_users") else {
        return Vec::new();
    };
    let Value::Mapping(entries) = &node.value else {
        diagnostics.refuse(
            node.at,
            format!(
                "\"basic_auth_users\" must be a mapping such as {{alice: a bcrypt hash}}, not {}",
                node.shape().as_str()
            ),
        );
        return Vec::new();
    };
    let mut users = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(name) = entry.key.as_deref() else {
            diagnostics.refuse(entry.at, "the name of a user must be text");
            continue;
        };
        if name.contains(':') {
            diagnostics.refuse(
                entry.at,
                "the name of a user may not hold a colon: clients could not send it",
            );
            continue;
        }
        let at = entry.value.at;
        let Value::Sealed(Shape::Text, Some(hash)) = &entry.value.value else {
            // Without its name, which may be half of a password with a comma.
            diagnostics.refuse(
                at,
                format!(
                    "the value of this user must be a bcrypt hash, not {}; \
                     make one with `m365mon hash-password`",
                    entry.value.shape().as_str()
                ),
            );
            continue;
        };
        match hash.expose().parse::<HashParts>() {
            Ok(parts) if COSTS.contains(&parts.get_cost()) => {
                let cost = parts.get_cost();
                if cost > SLOW_COST {
                    diagnostics.warn(
                        at,
                        format!(
                            "the hash of user {} has cost {cost}: each look at a password takes \
                             seconds or more; 10 to 12 is usual",
                            quoted(name)
                        ),
                    );
                }
                users.push(User {
                    name: name.to_owned(),
                    hash: hash.clone(),
                });
            }
            Ok(parts) => diagnostics.refuse(
                at,
                format!(
                    "the hash of user {} has cost {}, allowed are {} to {}",
                    quoted(name),
                    parts.get_cost(),
                    COSTS.start(),
                    COSTS.end()
                ),
            ),
            // What stands there may be the password itself.
            Err(_) => diagnostics.refuse(
                at,
                format!(
                    "the value of user {} is not a bcrypt hash (60 letters, as $2b$10$…); \
                     make one with `m365mon hash-password`",
                    quoted(name)
                ),
            ),
        }
    }
    users
}

/// `rate_limit`; `None` without one, with an interval of 0 or after a diagnostic.
pub(super) fn rate_limit(root: &Fields<'_>, context: &Context<'_>) -> Option<RequestRate> {
    let fields = root.mapping("rate_limit", &schema::RATE_LIMIT)?;
    let burst = fields.count("burst", 0, 1_000_000);
    let node = fields.get("interval")?;
    let interval = match &node.value {
        Value::Integer(0) => Some(Duration::ZERO),
        Value::Text(text) => duration::parse(text).or_else(|| go_duration(text)),
        _ => None,
    };
    let Some(interval) = interval.filter(|interval| *interval <= LONGEST) else {
        context.diagnostics.refuse(
            node.at,
            format!(
                "\"interval\" must be a duration of at most a day such as \"500ms\", \"1.5s\" or \
                 \"1m\", not {}",
                node.found()
            ),
        );
        return None;
    };
    if interval.is_zero() {
        return None;
    }
    match burst.and_then(|burst| u32::try_from(burst).ok()) {
        Some(burst) if burst > 0 => Some(RequestRate { interval, burst }),
        _ => {
            context.diagnostics.refuse(
                fields.place("burst"),
                "\"rate_limit\" with an \"interval\" needs a \"burst\" of at least 1: \
                 otherwise nothing is ever answered",
            );
            None
        }
    }
}

/// A duration as Go's `time.ParseDuration` reads it: decimal numbers, each
/// with its unit.
fn go_duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 7] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: f64 = number.parse().ok()?;
        let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds += number * length;
        rest = after;
    }
    (!text.is_empty())
        .then(|| Duration::try_from_secs_f64(seconds).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_of_go() {
        for (text, millis) in [
            ("1s", 1_000),
            ("1.5s", 1_500),
            ("1h2m3s", 3_723_000),
            ("500ms", 500),
            ("2500us", 2),
            (".5s", 500),
            ("1m.5s", 60_500),
        ] {
            let parsed = go_duration(text).map(|duration| duration.as_millis());
            assert_eq!(parsed, Some(millis), "{text}");
        }
        for bad in ["", "1", "s", "-1s", "1 s", "1.2.3s", "1d", "ß", "1e9s"] {
            assert_eq!(go_duration(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_survived(text in "\\PC{0,20}") {
            _ = go_duration(&text);
        }
    }
}
