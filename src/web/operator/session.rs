//! What the operator key opens: links, once each, and the cookies that they are
//! exchanged for.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::HeaderMap;
use parking_lot::Mutex;

use super::KEY_HEADER;
use super::key::{Number, OperatorKey, Purpose};
use crate::model::{Clock, Random, Secret, Timestamp};
use crate::web::cookies::cookies;

/// What the names of our cookies begin with; a port follows, because browsers
/// give cookies to every port of a host.
pub(in crate::web) const COOKIE_NAME: &str = "m365mon-operator-";
/// Browsers take a cookie with this in front only over https, for the host that
/// set it alone and for all of its paths.
pub(in crate::web) const HOST_PREFIX: &str = "__Host-";
/// Cookies of one request that are looked at.
const MOST_COOKIES: usize = 8;
/// Links that were used and have not ended. Only who holds the key makes links;
/// beyond this none is taken until some have ended.
const MOST_USED: usize = 4096;

/// The key at work.
pub(super) struct Sessions {
    key: OperatorKey,
    clock: Clock,
    random: Arc<dyn Random>,
    used: Mutex<HashMap<Number, Timestamp>>,
}

impl Sessions {
    pub(super) fn new(key: OperatorKey, clock: Clock, random: Arc<dyn Random>) -> Self {
        Self {
            key,
            clock,
            random,
            used: Mutex::default(),
        }
    }

    /// Whether a request carries the key itself or a cookie made with it.
    pub(super) fn holds_key(&self, headers: &HeaderMap) -> bool {
        let mut keys = headers.get_all(KEY_HEADER).iter();
        let shown = keys
            .next()
            .and_then(|key| OperatorKey::parse(key.as_bytes()));
        if shown.is_some_and(|shown| self.key.is(&shown)) && keys.next().is_none() {
            return true;
        }
        let now = self.clock.now();
        cookies(headers)
            .filter(|(name, _)| {
                let name = name.strip_prefix(HOST_PREFIX).unwrap_or(name);
                name.starts_with(COOKIE_NAME)
            })
            .take(MOST_COOKIES)
            .any(|(_, value)| self.key.accepts(Purpose::Cookie, value, now).is_some())
    }

    pub(super) fn exchange(&self, link: &str) -> Option<Secret> {
        let now = self.clock.now();
        let (number, ends) = self.key.accepts(Purpose::Link, link, now)?;
        let mut used = self.used.lock();
        used.retain(|_, ends| *ends > now);
        if used.len() >= MOST_USED || used.insert(number, ends).is_some() {
            return None;
        }
        drop(used);
        Some(self.key.token(Purpose::Cookie, now, &*self.random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemRandom;

    #[test]
    fn a_link_is_good_once_and_its_cookie_opens() {
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let key = OperatorKey::generate(&*random);
        let clock = Clock::system();
        let sessions = || Sessions::new(key.clone(), clock.clone(), Arc::clone(&random));
        let (one, replica) = (sessions(), sessions());
        let link = key.link(clock.now(), &*random);
        let cookie = one.exchange(link.expose()).unwrap();
        assert!(one.exchange(link.expose()).is_none(), "once");
        assert!(
            replica.exchange(link.expose()).is_some(),
            "once per process"
        );
        let holds = |name: &str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
            replica.holds_key(&headers)
        };
        let cookie = cookie.expose();
        for good in [
            format!("m365mon-operator-1={cookie}"),
            format!("a=b; m365mon-operator-2=old; m365mon-operator-1={cookie}"),
            format!("__Host-m365mon-operator-443={cookie}"),
        ] {
            assert!(holds("cookie", &good), "{good}");
        }
        for bad in [
            format!("m365mon-operator-1={}", link.expose()),
            format!("other={cookie}"),
            format!("m365mon-operator-1={}", key.text().expose()),
        ] {
            assert!(!holds("cookie", &bad), "{bad}");
        }
        assert!(holds(KEY_HEADER, key.text().expose()));
        assert!(!holds(KEY_HEADER, cookie));
        assert!(!holds(KEY_HEADER, ""));
    }
}
