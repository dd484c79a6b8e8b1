//! Which of several alike processes probes a resource (`--shard I/N`).

use std::fmt;
use std::str::FromStr;

use super::hash::StableHasher;
use crate::kinds::Resource;

/// One of `count` processes that share the resources between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// More than this is a mistake, and the cost of a decision grows with it.
const MOST_SHARDS: u32 = 1_024;

/// `--shard` was not `I/N` with `I` from 1 to `N`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a shard is written I/N, with I from 1 to N and N at most {MOST_SHARDS}, like 1/3")]
pub struct BadShard;

impl Shard {
    /// The one process that probes everything.
    pub const ALL: Self = Self { index: 1, count: 1 };

    /// Shard `index` of `count`, counted from 1.
    ///
    /// # Errors
    /// If there is no such shard.
    pub const fn new(index: u32, count: u32) -> Result<Self, BadShard> {
        if index >= 1 && index <= count && count <= MOST_SHARDS {
            Ok(Self { index, count })
        } else {
            Err(BadShard)
        }
    }

    /// True if this process probes `resource`.
    #[must_use]
    pub fn has(self, resource: &Resource) -> bool {
        mine(resource, self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, BadShard> {
        let (index, count) = text.split_once('/').ok_or(BadShard)?;
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten().ok_or(BadShard)
        };
        Self::new(number(index)?, number(count)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// True if shard `index` (from 1) of `count` probes `resource`.
///
/// Rendezvous hashing: every shard has a weight for every resource and the
/// greatest one takes it, so that with one shard more only the resources that
/// the new one takes over move (one in `count + 1`). Only the account's and the
/// resource's name count: labels may differ between the processes.
#[must_use]
pub fn mine(resource: &Resource, index: u32, count: u32) -> bool {
    let weight = |shard: u32| {
        StableHasher::new()
            .part(resource.account.name.as_bytes())
            .part(resource.name.as_bytes())
            .part(&shard.to_le_bytes())
            .finish()
    };
    let own = weight(index);
    // Equal weights go to the smaller number, so that exactly one shard takes it.
    (1..=count)
        .filter(|&other| other != index)
        .all(|other| match own.cmp(&weight(other)) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => index < other,
            std::cmp::Ordering::Less => false,
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::site;
    use super::*;

    #[test]
    fn every_resource_has_exactly_one_shard_and_loads_are_even() {
        let mut load = [0_u32; 3];
        for n in 0..3_000 {
            let resource = site("contoso", &format!("site-{n}"));
            let takers: Vec<u32> = (1..=3).filter(|&i| mine(&resource, i, 3)).collect();
            assert_eq!(takers.len(), 1);
            load[takers[0] as usize - 1] += 1;
        }
        for taken in load {
            assert!((900..=1_100).contains(&taken), "{load:?}");
        }
    }

    #[test]
    fn one_shard_more_moves_only_its_share() {
        let moved = (0..3_000)
            .map(|n| site("contoso", &format!("site-{n}")))
            .filter(|resource| (1..=3).any(|i| mine(resource, i, 3) && !mine(resource, i, 4)))
            .count();
        assert!((600..=900).contains(&moved), "{moved}");
    }

    #[test]
    fn spelling() {
        assert_eq!("2/3".parse(), Shard::new(2, 3));
        assert_eq!(Shard::new(2, 3).unwrap().to_string(), "2/3");
        for bad in [
            "", "1", "0/3", "4/3", "1/0", "a/b", "+1/3", "1/3/5", "1/9999", "/",
        ] {
            assert_eq!(bad.parse::<Shard>(), Err(BadShard), "{bad}");
        }
        assert!(Shard::ALL.has(&site("contoso", "x")));
    }
}
