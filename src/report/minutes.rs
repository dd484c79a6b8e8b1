//! The arithmetic: minutes to outages, shares and credits, places to one verdict.
//! Whole numbers only, so that a share just below a limit is never rounded up to it.

/// What is known about one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Minute {
    /// The resource worked.
    Up,
    /// It did not.
    Down,
    /// Nobody watched, or no probe was conclusive.
    #[default]
    Unknown,
}

/// So many unknown minutes between two that are down belong to one outage: an
/// exporter that restarts does not make two of one.
const BRIDGE: usize = 15;

/// From the first minute down to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The first minute, counted from the beginning.
    pub first: usize,
    /// The minute after the last.
    pub end: usize,
    /// Minutes that were down.
    pub down: usize,
    /// Minutes in between that are unknown; they count as no downtime.
    pub unknown: usize,
}

/// All outages, in order.
#[must_use]
pub fn outages(minutes: &[Minute]) -> Vec<Outage> {
    let mut found = Vec::new();
    let mut open: Option<Outage> = None;
    let mut gap = 0;
    for (at, minute) in minutes.iter().enumerate() {
        match (minute, &mut open) {
            (Minute::Down, None) => {
                open = Some(Outage {
                    first: at,
                    end: at + 1,
                    down: 1,
                    unknown: 0,
                });
                gap = 0;
            }
            (Minute::Down, Some(outage)) => {
                outage.end = at + 1;
                outage.down += 1;
                outage.unknown += gap;
                gap = 0;
            }
            (Minute::Unknown, Some(_)) if gap < BRIDGE => gap += 1,
            (Minute::Up | Minute::Unknown, _) => found.extend(open.take()),
        }
    }
    found.extend(open);
    found
}

/// What the places say of one minute together: down where more than half of those
/// that know say so. Half against half is up, for nobody can be held to it.
#[must_use]
pub fn quorum(places: impl IntoIterator<Item = Minute>) -> Minute {
    let (mut up, mut down) = (0, 0);
    for place in places {
        match place {
            Minute::Up => up += 1,
            Minute::Down => down += 1,
            Minute::Unknown => {}
        }
    }
    if down > up {
        Minute::Down
    } else if up > 0 {
        Minute::Up
    } else {
        Minute::Unknown
    }
}

/// How many minutes were how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Worked.
    pub up: u64,
    /// Did not work.
    pub down: u64,
    /// Not known.
    pub unknown: u64,
}

impl Tally {
    /// Counts.
    #[must_use]
    pub fn of<'a>(minutes: impl IntoIterator<Item = &'a Minute>) -> Self {
        let mut tally = Self::default();
        for minute in minutes {
            match minute {
                Minute::Up => tally.up += 1,
                Minute::Down => tally.down += 1,
                Minute::Unknown => tally.unknown += 1,
            }
        }
        tally
    }

    /// Adds those of another resource, or of another time.
    pub const fn add(&mut self, other: Self) {
        self.up += other.up;
        self.down += other.down;
        self.unknown += other.unknown;
    }

    /// Minutes of which something is known.
    #[must_use]
    pub const fn known(&self) -> u64 {
        self.up + self.down
    }

    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.known() + self.unknown
    }

    /// The share of minutes that are known, in millionths, rounded down.
    #[must_use]
    pub const fn covered(&self) -> u64 {
        match (self.known() * 1_000_000).checked_div(self.all()) {
            Some(share) => share,
            None => 0,
        }
    }

    /// Whether so many percent are known: fewer make no figure.
    #[must_use]
    pub const fn says_enough(&self, percent: u8) -> bool {
        self.known() > 0 && self.known() * 100 >= self.all() * percent as u64
    }

    /// The share of known minutes that were up, in millionths, rounded down;
    /// none when nothing is known.
    #[must_use]
    pub const fn availability(&self) -> Option<u64> {
        (self.up * 1_000_000).checked_div(self.known())
    }

    /// Percent of the month's fee that Microsoft's service level agreement for
    /// online services credits at this availability: 25 below 99.9 %, 50 below
    /// 99 %, 100 below 95 %. None when nothing is known.
    #[must_use]
    pub const fn credit(&self) -> Option<u8> {
        let known = self.known();
        if known == 0 {
            return None;
        }
        Some(if self.up * 1000 < known * 950 {
            100
        } else if self.up * 1000 < known * 990 {
            50
        } else if self.up * 1000 < known * 999 {
            25
        } else {
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `+` up, `-` down, `.` unknown.
    fn minutes(text: &str) -> Vec<Minute> {
        text.chars()
            .map(|c| match c {
                '+' => Minute::Up,
                '-' => Minute::Down,
                _ => Minute::Unknown,
            })
            .collect()
    }

    fn spans(text: &str) -> Vec<(usize, usize, usize, usize)> {
        outages(&minutes(text))
            .iter()
            .map(|o| (o.first, o.end, o.down, o.unknown))
            .collect()
    }

    #[test]
    fn outages_begin_and_end() {
        assert_eq!(spans(""), []);
        assert_eq!(spans("+++"), []);
        assert_eq!(spans("..."), []);
        assert_eq!(spans("+--+"), [(1, 3, 2, 0)]);
        // At either end of the month.
        assert_eq!(spans("-+--"), [(0, 1, 1, 0), (2, 4, 2, 0)]);
        // A restart in the middle, and one at the end that nothing follows.
        assert_eq!(spans("+-..-+"), [(1, 5, 2, 2)]);
        assert_eq!(spans("--.."), [(0, 2, 2, 0)]);
        assert_eq!(spans("-.+-"), [(0, 1, 1, 0), (3, 4, 1, 0)]);
        let gap = |n: usize| format!("-{}-", ".".repeat(n));
        assert_eq!(spans(&gap(BRIDGE)), [(0, BRIDGE + 2, 2, BRIDGE)]);
        assert_eq!(spans(&gap(BRIDGE + 1)).len(), 2);
    }

    #[test]
    fn shares_and_credits_at_their_limits() {
        let tally = |up, down| Tally {
            up,
            down,
            unknown: 7,
        };
        for (up, down, availability, credit) in [
            (1000, 0, 1_000_000, 0),
            (999, 1, 999_000, 0),
            (9989, 11, 998_900, 25),
            (990, 10, 990_000, 25),
            (9899, 101, 989_900, 50),
            (950, 50, 950_000, 50),
            (9499, 501, 949_900, 100),
            (0, 1, 0, 100),
            // Below the limit by less than is shown.
            (9_989_999, 10_001, 998_999, 25),
        ] {
            assert_eq!(tally(up, down).availability(), Some(availability));
            assert_eq!(tally(up, down).credit(), Some(credit), "{up} {down}");
        }
        assert_eq!(tally(0, 0).availability(), None);
        assert_eq!(tally(0, 0).credit(), None);
    }

    #[test]
    fn places_decide_by_more_than_half_of_those_that_know() {
        for (places, together) in [
            ("", '.'),
            ("..", '.'),
            ("-", '-'),
            ("-.", '-'),
            ("-+", '+'),
            ("-+.", '+'),
            ("--+", '-'),
            ("--+.", '-'),
            ("--++", '+'),
            ("---++", '-'),
            ("+", '+'),
        ] {
            let wanted = minutes(&together.to_string());
            assert_eq!(quorum(minutes(places)), wanted[0], "{places}");
        }
    }

    #[test]
    fn little_that_is_known_makes_no_figure() {
        let tally = |up, down, unknown| Tally { up, down, unknown };
        for (tally, percent, enough) in [
            (tally(50, 0, 50), 50, true),
            (tally(40, 9, 51), 50, false),
            (tally(0, 1, 99), 0, true),
            (tally(0, 0, 100), 0, false),
            (tally(0, 0, 0), 0, false),
            (tally(99, 1, 0), 100, true),
            (tally(99, 0, 1), 100, false),
        ] {
            assert_eq!(tally.says_enough(percent), enough, "{tally:?}");
        }
        assert_eq!(tally(1, 1, 1).covered(), 666_666);
        assert_eq!(tally(0, 0, 0).covered(), 0);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[+.-]{0,200}") {
            let minutes = minutes(&text);
            let tally = Tally::of(&minutes);
            prop_assert_eq!(tally.known() + tally.unknown, minutes.len() as u64);
            let found = outages(&minutes);
            let down: usize = found.iter().map(|o| o.down).sum();
            prop_assert_eq!(down as u64, tally.down);
            for outage in &found {
                prop_assert_eq!(outage.end - outage.first, outage.down + outage.unknown);
                prop_assert_eq!(minutes[outage.first], Minute::Down);
                prop_assert_eq!(minutes[outage.end - 1], Minute::Down);
            }
            prop_assert!(found.windows(2).all(|two| two[0].end < two[1].first));
        }
    }
}
