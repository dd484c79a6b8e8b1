//! Connections kept for reuse: per target, idle at most 90 seconds, one
//! shared HTTP/2 connection or some HTTP/1.1 ones.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::connection::{Connection, Target};

const MOST_IDLE: Duration = Duration::from_secs(90);
/// HTTP/1.1 connections kept of one target.
const MOST_SPARE: usize = 8;

#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<Target, Place>>);

#[derive(Default)]
struct Place {
    shared: Option<Kept>,
    spare: Vec<Kept>,
}

struct Kept {
    connection: Connection,
    since: Instant,
}

impl Kept {
    fn new(connection: Connection) -> Self {
        Self {
            connection,
            since: Instant::now(),
        }
    }

    fn is_good(&self) -> bool {
        self.since.elapsed() < MOST_IDLE && self.connection.is_ready()
    }
}

impl Pool {
    /// A connection that stands, if there is one. An HTTP/2 connection stays
    /// for others too.
    pub(super) fn take(&self, target: &Target) -> Option<Connection> {
        let mut places = self.0.lock();
        sweep(&mut places);
        let place = places.get_mut(target)?;
        if let Some(kept) = &mut place.shared {
            kept.since = Instant::now();
            return kept.connection.share();
        }
        place.spare.pop().map(|kept| kept.connection)
    }

    /// Keeps a connection on which a request ended well.
    pub(super) fn put(&self, target: &Target, connection: Connection) {
        let mut places = self.0.lock();
        sweep(&mut places);
        let place = places.entry(target.clone()).or_default();
        match connection.share() {
            None if place.spare.len() < MOST_SPARE => place.spare.push(Kept::new(connection)),
            None => {}
            // Where two were opened at once, the first stays.
            Some(shared) => match &mut place.shared {
                Some(kept) if kept.connection.is_same(&shared) => kept.since = Instant::now(),
                Some(_) => {}
                none => *none = Some(Kept::new(shared)),
            },
        }
    }

    /// Forgets a shared connection that others might still be given; those
    /// who hold it may finish.
    pub(super) fn forget(&self, target: &Target, connection: &Connection) {
        let mut places = self.0.lock();
        if let Some(place) = places.get_mut(target) {
            place
                .shared
                .take_if(|kept| kept.connection.is_same(connection));
        }
    }
}

fn sweep(places: &mut HashMap<Target, Place>) {
    places.retain(|_, place| {
        place.shared.take_if(|kept| !kept.is_good());
        place.spare.retain(Kept::is_good);
        place.shared.is_some() || !place.spare.is_empty()
    });
}
