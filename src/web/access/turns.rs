//! Turns, one at a time and fair among addresses: whoever has many waiting gets
//! one a round, like everybody else.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Turns that one address (of IPv6: one /64) may wait for.
pub(super) const MOST_PER_ADDRESS: usize = 16;
/// Turns that may be waited for by addresses that wait for one already. An
/// address that waits for none always may: there are no more of those than open
/// connections.
pub(super) const MOST_WAITING: usize = 128;

/// The queue.
#[derive(Default)]
pub(super) struct Turns(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    taken: bool,
    by_address: HashMap<IpAddr, VecDeque<oneshot::Sender<Turn>>>,
    /// Each waiting address once; the first is next.
    order: VecDeque<IpAddr>,
}

impl Queue {
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let address = self.order.pop_front()?;
        let waiting = self.by_address.get_mut(&address)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.by_address.remove(&address);
        } else {
            self.order.push_back(address);
        }
        next
    }

    fn join(&mut self, address: IpAddr) -> Option<oneshot::Receiver<Turn>> {
        let all: usize = self.by_address.values().map(VecDeque::len).sum();
        let here = self.by_address.entry(address).or_default();
        here.retain(|waiting| !waiting.is_closed());
        if !here.is_empty() && (all >= MOST_WAITING || here.len() >= MOST_PER_ADDRESS) {
            return None;
        }
        let (turn, wait) = oneshot::channel();
        here.push_back(turn);
        if !self.order.contains(&address) {
            self.order.push_back(address);
        }
        Some(wait)
    }
}

impl Turns {
    /// Waits for a turn; `None` for an address that waits for too many.
    pub(super) async fn wait(self: &Arc<Self>, address: IpAddr) -> Option<Turn> {
        let wait = {
            let mut queue = self.0.lock();
            if !queue.taken {
                queue.taken = true;
                return Some(Turn(Some(Arc::clone(self))));
            }
            queue.join(neighbourhood(address))?
        };
        wait.await.ok()
    }

    fn pass_on(self: Arc<Self>) {
        loop {
            let next = {
                let mut queue = self.0.lock();
                let next = queue.next();
                if next.is_none() && queue.order.is_empty() {
                    queue.taken = false;
                    return;
                }
                next
            };
            // Whoever left does not take it.
            let turn = Turn(Some(Arc::clone(&self)));
            if let Some(Err(mut turn)) = next.map(|next| next.send(turn)) {
                turn.0 = None;
            } else {
                return;
            }
        }
    }
}

/// A turn; the next one comes when it is dropped.
pub(super) struct Turn(Option<Arc<Turns>>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.pass_on();
        }
    }
}

/// One household has one IPv4 address, but as many IPv6 addresses as it likes.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn of(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from(number).into()
    }

    #[tokio::test]
    async fn who_waits_for_none_waits_behind_one_of_each() {
        let turns = Arc::new(Turns::default());
        let first = turns.wait(of(0)).await.unwrap();
        // Forty addresses, each with as many as it may have.
        let mut flood = Vec::new();
        for address in 1..=40 {
            let join = || turns.0.lock().join(of(address));
            flood.extend(std::iter::from_fn(join));
        }
        assert!(flood.len() >= MOST_WAITING, "{}", flood.len());
        let mut scraper = Box::pin(turns.wait(of(99)));
        assert!((&mut scraper).now_or_never().is_none(), "it may wait");
        drop(first);
        for round in 0.. {
            assert!(round <= 40, "it waits behind one of each at most");
            if let Some(turn) = (&mut scraper).now_or_never() {
                assert!(turn.is_some());
                break;
            }
            let turn = flood.iter_mut().find_map(|wait| wait.try_recv().ok());
            drop(turn.expect("somebody has the turn"));
        }
    }

    #[tokio::test]
    async fn who_leaves_keeps_no_turn() {
        let turns = Arc::new(Turns::default());
        let first = turns.wait(of(0)).await.unwrap();
        let mut gone = Box::pin(turns.wait(of(1)));
        assert!((&mut gone).now_or_never().is_none());
        let mut given = Box::pin(turns.wait(of(1)));
        assert!((&mut given).now_or_never().is_none());
        let mut last = Box::pin(turns.wait(of(2)));
        assert!((&mut last).now_or_never().is_none());
        drop(gone);
        drop(first);
        // Given to one who leaves before taking it.
        drop(given);
        let last = last.now_or_never().flatten();
        assert!(last.is_some());
        drop(last);
        assert!(!turns.0.lock().taken);
        assert!(turns.0.lock().by_address.is_empty());
    }

    #[tokio::test]
    async fn one_address_has_few() {
        let turns = Arc::new(Turns::default());
        let _first = turns.wait(of(0)).await;
        let mut waiting: Vec<_> = (0..MOST_PER_ADDRESS)
            .map(|_| Box::pin(turns.wait(of(1))))
            .collect();
        for wait in &mut waiting {
            assert!(wait.now_or_never().is_none());
        }
        assert!(turns.wait(of(1)).await.is_none());
        waiting.clear();
        let mut again = Box::pin(turns.wait(of(1)));
        assert!((&mut again).now_or_never().is_none(), "those left");
    }

    #[test]
    fn one_network_is_one_address() {
        let of = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
