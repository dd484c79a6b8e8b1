//! An access token, and when it is renewed.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;

use super::jwt::{self, Audiences};
use super::rights::Rights;
use crate::model::{Audience, Clock, Cloud, Moment, Random, Secret, Timestamp};

/// An access token with its age and its end. Cheap to clone; clones are the
/// same token.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

struct Inner {
    secret: Secret,
    issued: Moment,
    life: Duration,
    /// Whether it is for the audience that it was first shown to: read once, and asked
    /// at every request.
    fits: OnceLock<(Audience, bool)>,
}

impl AccessToken {
    /// A token asked for at `issued` (the start of the request, so that its
    /// end is never later than the issuer's) that lives for `life`.
    #[must_use]
    pub fn new(secret: Secret, issued: Moment, life: Duration) -> Self {
        Self(Arc::new(Inner {
            secret,
            issued,
            life,
            fits: OnceLock::new(),
        }))
    }

    /// The token itself, for the `Authorization` header and nothing else.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.0.secret
    }

    /// The rights it carries, for people; `None` where it cannot be read.
    #[must_use]
    pub fn rights(&self) -> Option<Rights> {
        Rights::read(&self.0.secret)
    }

    /// Who it speaks for: the object id (`oid`) of a person or of a service
    /// principal; `None` where it cannot be read.
    #[must_use]
    pub fn object_id(&self) -> Option<String> {
        super::rights::object_id(&self.0.secret)
    }

    /// False if it says of itself (`aud`) that it is for another service than this
    /// audience's. What cannot be read is for whatever it was asked for.
    #[must_use]
    pub fn is_for(&self, audience: &Audience, cloud: &Cloud) -> bool {
        let takes = || {
            let mut auds = self.audiences().into_iter();
            auds.all(|aud| audience.takes(&aud, cloud))
        };
        let (first, fits) = self.0.fits.get_or_init(|| (audience.clone(), takes()));
        if first == audience { *fits } else { takes() }
    }

    fn audiences(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Meant {
            aud: Audiences,
        }
        match jwt::claims(self.0.secret.expose()) {
            Some(Meant {
                aud: Audiences::One(one),
            }) => vec![one],
            Some(Meant {
                aud: Audiences::Many(many),
            }) => many,
            None => Vec::new(),
        }
    }

    /// When it was asked for.
    #[must_use]
    pub fn issued(&self) -> Moment {
        self.0.issued
    }

    /// How long it lives.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.0.life
    }

    /// When it ends, by the civil clock of its issue.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        after(self.0.issued.civil, self.0.life)
    }

    /// How old it is, by the clock that says more.
    #[must_use]
    pub fn age(&self, clock: &Clock) -> Duration {
        self.0.issued.age(clock)
    }

    /// True until its real end.
    #[must_use]
    pub fn is_valid(&self, clock: &Clock) -> bool {
        self.age(clock) < self.0.life
    }

    /// True if both are one and the same token.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.secret == other.0.secret
    }
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccessToken(until {})", self.expires())
    }
}

/// `at` plus `span`; the end of time where that does not exist.
pub(super) fn after(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// The age at which a token is renewed in the background: the earliest of an
/// hour, the issuer's `refresh_in` and five minutes before the end; two thirds
/// of a life under a quarter of an hour. Up to a tenth earlier by chance, so
/// that many accounts do not renew at once.
pub(super) fn renewal_age(
    life: Duration,
    refresh_in: Option<Duration>,
    random: &dyn Random,
) -> Duration {
    let by_life = if life < Duration::from_secs(15 * 60) {
        life * 2 / 3
    } else {
        life - Duration::from_secs(5 * 60)
    };
    let latest = by_life
        .min(Duration::from_secs(60 * 60))
        .min(refresh_in.unwrap_or(Duration::MAX));
    latest.mul_f64(1.0 - random.fraction() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Chance(u8);
    impl Random for Chance {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn minutes(life: u64, refresh_in: Option<u64>) -> f64 {
        let refresh_in = refresh_in.map(|minutes| Duration::from_secs(minutes * 60));
        renewal_age(Duration::from_secs(life * 60), refresh_in, &Chance(0)).as_secs_f64() / 60.0
    }

    #[test]
    fn renewal_is_the_earliest_of_three() {
        assert!((minutes(60, None) - 55.0).abs() < 1e-9);
        assert!((minutes(90, None) - 60.0).abs() < 1e-9);
        assert!((minutes(28 * 60, None) - 60.0).abs() < 1e-9);
        assert!((minutes(24 * 60, Some(30)) - 30.0).abs() < 1e-9);
        assert!((minutes(15, None) - 10.0).abs() < 1e-9);
        assert!((minutes(12, None) - 8.0).abs() < 1e-9);
        assert!((minutes(1, None) - 2.0 / 3.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn renewal_comes_before_the_end(life in 1_u64..200_000, chance: u8) {
            let life = Duration::from_secs(life);
            let at = renewal_age(life, None, &Chance(chance));
            prop_assert!(at < life);
            prop_assert!(at >= life.min(Duration::from_secs(60 * 60)) / 2);
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let clock = Clock::from_fn(|| "2026-11-25T12:00:00Z".parse().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let token = AccessToken::new(
                Secret::new("canary".into()),
                clock.moment(),
                Duration::from_secs(60),
            );
            assert_eq!(
                format!("{token:?}"),
                "AccessToken(until 2026-11-25T12:01:00Z)"
            );
        });
    }
}
