//! How a resource looks to somebody who glances at it: one word, one colour,
//! and how soon it should be seen.

use crate::model::{Outcome, Reason};
use crate::web::view::UpState;

/// What a resource is shown as. The worst first: lists are sorted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::web) enum Appearance {
    /// Users feel it.
    Down,
    /// We cannot find out, or were asked to wait.
    Unsure,
    /// It does not work, in a window in which it may.
    Planned,
    /// It was probed, but not lately.
    Quiet,
    /// It was never probed.
    New,
    /// It works.
    Up,
}

impl Appearance {
    /// All, the worst first.
    pub(super) const ALL: [Self; 6] = [
        Self::Down,
        Self::Unsure,
        Self::Planned,
        Self::Quiet,
        Self::New,
        Self::Up,
    ];

    /// By the last conclusive probe, by what the last one had to complain of, and
    /// by whether a window makes a downtime of now a planned one.
    pub(super) fn of(
        up_state: UpState,
        problem: Option<Reason>,
        was_probed: bool,
        is_planned: bool,
    ) -> Self {
        let unsure = problem.is_some_and(|reason| reason.outcome() == Outcome::Inconclusive);
        match up_state {
            UpState::Down if is_planned => Self::Planned,
            UpState::Down => Self::Down,
            _ if unsure => Self::Unsure,
            UpState::Up => Self::Up,
            UpState::Unknown if was_probed => Self::Quiet,
            UpState::Unknown => Self::New,
        }
    }

    /// The class of its colour, and its word in `?state=`.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Unsure => "unsure",
            Self::Planned => "planned",
            Self::Quiet => "quiet",
            Self::New => "new",
            Self::Up => "up",
        }
    }

    /// What a state is called in general.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Unsure => "cannot tell",
            Self::Planned => "planned downtime",
            Self::Quiet => "no news",
            Self::New => "not probed yet",
            Self::Up => "up",
        }
    }

    /// What one resource is called.
    pub(super) fn badge(self, problem: Option<Reason>) -> &'static str {
        match (self, problem) {
            (Self::Unsure, Some(Reason::Throttled)) => "throttled",
            _ => self.word(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_a_colour_that_tell_the_truth() {
        let throttled = Some(Reason::Throttled);
        for (up_state, problem, probed, class, badge) in [
            (UpState::Up, None, true, "up", "up"),
            (UpState::Up, throttled, true, "unsure", "throttled"),
            (
                UpState::Up,
                Some(Reason::Token),
                true,
                "unsure",
                "cannot tell",
            ),
            (UpState::Down, Some(Reason::Dns), true, "down", "down"),
            (UpState::Down, throttled, true, "down", "down"),
            (
                UpState::Unknown,
                Some(Reason::Forbidden),
                true,
                "unsure",
                "cannot tell",
            ),
            (UpState::Unknown, None, true, "quiet", "no news"),
            (UpState::Unknown, None, false, "new", "not probed yet"),
        ] {
            let look = Appearance::of(up_state, problem, probed, false);
            assert_eq!((look.class(), look.badge(problem)), (class, badge));
        }
        let dns = Some(Reason::Dns);
        let planned = Appearance::of(UpState::Down, dns, true, true);
        assert_eq!(planned.badge(dns), "planned downtime");
        let up = Appearance::of(UpState::Up, None, true, true);
        assert_eq!(up, Appearance::Up);
        assert!(Appearance::ALL.is_sorted());
    }
}
