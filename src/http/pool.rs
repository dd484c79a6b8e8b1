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
pub(super) struct Pool(Mutex<HashMap<Target, TargetConnections>>);

#[derive(Default)]
struct TargetConnections {
    shared: Option<Idle>,
    spare: Vec<Idle>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Idle {
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
        let mut targets = self.0.lock();
        sweep(&mut targets);
        let connections = targets.get_mut(target)?;
        if let Some(idle) = &mut connections.shared {
            idle.since = Instant::now();
            return idle.connection.share();
        }
        connections.spare.pop().map(|idle| idle.connection)
    }

    /// Keeps a connection on which a request ended well.
    pub(super) fn put(&self, target: &Target, connection: Connection) {
        let mut targets = self.0.lock();
        sweep(&mut targets);
        let connections = targets.entry(target.clone()).or_default();
        match connection.share() {
            None if connections.spare.len() < MOST_SPARE => {
                connections.spare.push(Idle::new(connection));
            }
            None => {}
            // Where two were opened at once, the first stays.
            Some(shared) => match &mut connections.shared {
                Some(idle) if idle.connection.is_same(&shared) => idle.since = Instant::now(),
                Some(_) => {}
                none => *none = Some(Idle::new(shared)),
            },
        }
    }

    /// Forgets a shared connection that others might still be given; those
    /// who hold it may finish.
    pub(super) fn forget(&self, target: &Target, connection: &Connection) {
        let mut targets = self.0.lock();
        if let Some(connections) = targets.get_mut(target) {
            connections
                .shared
                .take_if(|idle| idle.connection.is_same(connection));
        }
    }
}

fn sweep(targets: &mut HashMap<Target, TargetConnections>) {
    targets.retain(|_, connections| {
        connections.shared.take_if(|idle| !idle.is_good());
        connections.spare.retain(Idle::is_good);
        connections.shared.is_some() || !connections.spare.is_empty()
    });
}
