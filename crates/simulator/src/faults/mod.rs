//! Faults on command: what goes wrong, where, how often and for how long.
//!
//! The registry only decides; `apply` makes HTTP go wrong, the TLS listener
//! asks for handshake faults by name (SNI). A fault names any number of
//! conditions and all of them must hold. Of the faults that hold for a
//! request, delays add up and the newest other one decides.

pub(super) mod apply;
mod kind;
mod recorded;
mod scope;

pub use kind::{FaultKind, Recorded, RetryAfter};
pub use scope::{Scope, Subject};

use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::human_duration::HumanDuration;
use m365mon_base::Random;

/// A fault as it is ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFault {
    /// To take it back by; an older fault of this name is replaced.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Where.
    #[serde(default)]
    pub scope: Scope,
    /// What.
    pub kind: FaultKind,
    /// How often; endless without.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<u64>,
    /// How long; endless without.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none", default)]
    pub lasts: Option<HumanDuration>,
    /// The part of requests that it strikes, 0 to 1; all without.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub share: Option<f64>,
}

impl NewFault {
    /// A fault everywhere and for good.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self {
            name: None,
            scope: Scope::default(),
            kind,
            count: None,
            lasts: None,
            share: None,
        }
    }

    /// The same, only there.
    #[must_use]
    pub fn within(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The same, at most so often.
    #[must_use]
    pub const fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// The same, at most so long.
    #[must_use]
    pub const fn lasting(mut self, time: Duration) -> Self {
        self.lasts = Some(HumanDuration(time));
        self
    }
}

/// A fault in force.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// Given out when it was ordered.
    pub id: u64,
    /// As ordered; `count` is what is left of it.
    #[serde(flatten)]
    pub fault: NewFault,
    /// How often it struck.
    pub struck: u64,
    #[serde(skip)]
    ends: Option<Instant>,
}

/// What strikes one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Wait before anything else.
    pub delay: Duration,
    /// Then this instead of, or done to, the answer.
    pub kind: Option<FaultKind>,
}

/// The faults in force.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Registry>);

#[derive(Debug, Default)]
struct Registry {
    last_id: u64,
    faults: Vec<Fault>,
}

impl Registry {
    fn prune(&mut self) {
        let now = Instant::now();
        self.faults
            .retain(|f| f.fault.count != Some(0) && f.ends.is_none_or(|end| now < end));
    }
}

impl Fault {
    fn count_one(&mut self) {
        self.struck += 1;
        if let Some(count) = &mut self.fault.count {
            *count = count.saturating_sub(1);
        }
    }
}

/// More than this many at once are refused: the oldest goes.
const MOST: usize = 1000;

impl Faults {
    /// Puts a fault in force; gives its id.
    pub fn add(&self, fault: NewFault) -> u64 {
        let mut registry = self.0.lock();
        registry.prune();
        if let Some(name) = &fault.name {
            registry
                .faults
                .retain(|f| f.fault.name.as_ref() != Some(name));
        }
        if registry.faults.len() >= MOST {
            registry.faults.remove(0);
        }
        registry.last_id += 1;
        let id = registry.last_id;
        registry.faults.push(Fault {
            id,
            ends: fault.lasts.and_then(|s| Instant::now().checked_add(s.0)),
            fault,
            struck: 0,
        });
        id
    }

    /// Ends the faults of this name; gives how many.
    pub fn remove_named(&self, name: &str) -> usize {
        self.remove(|f| f.fault.name.as_deref() == Some(name))
    }

    /// Ends the fault of this id; gives how many.
    pub fn remove_id(&self, id: u64) -> usize {
        self.remove(|f| f.id == id)
    }

    /// Ends all faults; gives how many.
    pub fn clear(&self) -> usize {
        self.remove(|_| true)
    }

    fn remove(&self, which: impl Fn(&Fault) -> bool) -> usize {
        let mut registry = self.0.lock();
        registry.prune();
        let before = registry.faults.len();
        registry.faults.retain(|f| !which(f));
        before - registry.faults.len()
    }

    /// What is in force.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        let mut registry = self.0.lock();
        registry.prune();
        registry.faults.clone()
    }

    /// True if nothing can strike an HTTP request: saves looking at it.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.0.lock().faults.is_empty()
    }

    /// Decides one HTTP request, and counts it.
    pub fn decide(&self, subject: &Subject, random: &dyn Random) -> Verdict {
        let mut verdict = Verdict::default();
        let mut registry = self.0.lock();
        registry.prune();
        for fault in registry.faults.iter_mut().rev() {
            if fault.fault.kind.is_transport() || !fault.fault.scope.holds(subject) {
                continue;
            }
            if fault
                .fault
                .share
                .is_some_and(|share| random.fraction() >= share)
            {
                continue;
            }
            if let Some(delay) = fault.fault.kind.delay(random) {
                verdict.delay += delay;
                fault.count_one();
            } else if verdict.kind.is_none() {
                verdict.kind = Some(fault.fault.kind.clone());
                fault.count_one();
            }
        }
        verdict
    }

    /// Decides one TLS handshake by the name that the client asked for.
    pub fn decide_handshake(&self, host: &str) -> Option<FaultKind> {
        let mut registry = self.0.lock();
        registry.prune();
        let fault = registry.faults.iter_mut().rev().find(|f| {
            f.fault.kind.is_transport()
                && f.fault.scope.host_holds(host)
                && f.fault
                    .scope
                    .service
                    .is_none_or(|s| super::hosts::service_of(host) == Some(s))
        })?;
        fault.count_one();
        Some(fault.fault.kind.clone())
    }

    /// True while the TLS listener must not even accept: `refuse` without a host.
    #[must_use]
    pub fn refuses_all(&self) -> bool {
        let mut registry = self.0.lock();
        registry.prune();
        registry.faults.iter().any(|f| {
            f.fault.kind == FaultKind::Refuse
                && f.fault.scope.only_host()
                && f.fault.scope.host.is_none()
                && f.fault.scope.service.is_none()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::scope::tests::subject;
    use super::*;
    use crate::chance::Seeded;

    fn scope(json: &str) -> Scope {
        serde_json::from_str(json).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn counts_and_time_limit() {
        let faults = Faults::default();
        let random = Seeded::new(1);
        faults.add(NewFault::new(FaultKind::Hang).times(1));
        assert!(faults.decide(&subject(), &random).kind.is_some());
        assert!(faults.decide(&subject(), &random).kind.is_none());
        faults.add(NewFault::new(FaultKind::Hang).lasting(Duration::from_secs(10)));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(faults.decide(&subject(), &random).kind.is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(faults.is_quiet() || faults.decide(&subject(), &random).kind.is_none());
    }

    #[tokio::test]
    async fn delays_add_up_and_the_newest_decides() {
        let faults = Faults::default();
        let random = Seeded::new(1);
        let latency = |ms| FaultKind::Latency {
            from: HumanDuration(Duration::from_millis(ms)),
            to: None,
        };
        faults.add(NewFault::new(latency(20)));
        faults.add(NewFault::new(FaultKind::Hang));
        faults.add(NewFault::new(latency(30)));
        faults.add(NewFault::new(FaultKind::EmptyBody));
        let verdict = faults.decide(&subject(), &random);
        assert_eq!(verdict.delay, Duration::from_millis(50));
        assert_eq!(verdict.kind, Some(FaultKind::EmptyBody));
    }

    #[test]
    fn handshakes_are_chosen_by_host() {
        let faults = Faults::default();
        faults.add(
            NewFault::new(FaultKind::TlsExpired)
                .within(scope(r#"{"host": "graph.microsoft.com"}"#)),
        );
        assert_eq!(
            faults.decide_handshake("graph.microsoft.com"),
            Some(FaultKind::TlsExpired)
        );
        assert_eq!(faults.decide_handshake("contoso.sharepoint.com"), None);
        assert!(faults.decide(&subject(), &Seeded::new(1)).kind.is_none());
        assert!(!faults.refuses_all());
        faults.add(NewFault::new(FaultKind::Refuse));
        assert!(faults.refuses_all());
    }
}
