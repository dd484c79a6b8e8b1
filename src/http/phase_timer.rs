//! The timer of one measured request: in which phase it is, and how long each phase
//! took. It lives outside the future that it describes, so that a request
//! that ran out of time still tells how far it came.

use tokio::time::Instant;

use crate::model::{ConnectionFacts, Exchange, Phase, Phases, Repeat};

pub(super) struct PhaseTimer {
    phase: Phase,
    since: Instant,
    phases: Phases,
    pub(super) facts: ConnectionFacts,
    pub(super) repeat: Option<Repeat>,
}

impl PhaseTimer {
    /// Begins now, in the first phase.
    pub(super) fn begin() -> Self {
        Self {
            phase: Phase::Resolve,
            since: Instant::now(),
            phases: Phases::default(),
            facts: ConnectionFacts::default(),
            repeat: None,
        }
    }

    /// Ends the current phase and enters another; each moment belongs to
    /// exactly one phase, so that they sum to the whole.
    pub(super) fn enter(&mut self, phase: Phase) {
        let now = Instant::now();
        let spent = self.phases.get(self.phase) + now.duration_since(self.since);
        self.phases.set(self.phase, spent);
        self.phase = phase;
        self.since = now;
    }

    /// The current phase is not needed after all: what little it took belongs
    /// to `phase`.
    pub(super) const fn turn_into(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// The reused connection was dead. What was lost on it was spent on
    /// getting a connection, and a user would have felt it.
    pub(super) fn connection_was_dead(&mut self) {
        self.enter(Phase::Resolve);
        self.phases = Phases {
            connect: self.phases.total(),
            ..Phases::default()
        };
        self.facts = ConnectionFacts::default();
        self.repeat = Some(Repeat::NewConnection);
    }

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    /// The phases up to now.
    pub(super) fn phases(&mut self) -> Phases {
        self.enter(self.phase);
        self.phases
    }

    /// What was measured up to now; the facts of the connection go along.
    pub(super) fn exchange(&mut self) -> Exchange {
        Exchange {
            phases: Some(self.phases()),
            connection: std::mem::take(&mut self.facts),
            repeat: self.repeat,
            ..Exchange::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn phases_sum_to_the_whole() {
        let began = Instant::now();
        let mut timer = PhaseTimer::begin();
        for (place, phase) in Phase::ALL.into_iter().enumerate() {
            timer.enter(phase);
            advance(Duration::from_millis(1 << place)).await;
        }
        let phases = timer.phases();
        assert_eq!(phases.total(), began.elapsed());
        assert_eq!(phases.tls, Duration::from_millis(4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_connection_counts_as_connecting() {
        let mut timer = PhaseTimer::begin();
        timer.enter(Phase::Processing);
        advance(Duration::from_millis(30)).await;
        timer.connection_was_dead();
        advance(Duration::from_millis(2)).await;
        let phases = timer.phases();
        assert_eq!(phases.connect, Duration::from_millis(30));
        assert_eq!(phases.resolve, Duration::from_millis(2));
        assert_eq!(phases.processing, Duration::ZERO);
    }
}
