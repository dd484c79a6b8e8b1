//! The disk of the store of sign-ins: what blocks on it is done inline, after a
//! time that the seed decides; and it may be full, or lie.
//!
//! The files are real ones in a folder of their own, so that a crash leaves what
//! it would leave; everything runs on one thread, hence the thread's own state.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::chance::Chance;

/// What a write comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    Good,
    /// Writing fails.
    Full,
    /// Writing is said to have worked, and did not: what no code can mend, for
    /// the check that finds it.
    Lying,
}

thread_local! {
    static CHANCE: RefCell<Option<Rc<Chance>>> = const { RefCell::new(None) };
    static DISK: Cell<Disk> = const { Cell::new(Disk::Good) };
}

/// From now on this thread is a simulated one.
pub(super) fn begin(seed: u64) {
    CHANCE.set(Some(Rc::new(Chance::new(seed, 4))));
    DISK.set(Disk::Good);
}

pub(super) fn end() {
    CHANCE.set(None);
    DISK.set(Disk::Good);
}

pub(super) fn set(disk: Disk) {
    DISK.set(disk);
}

/// How long the disk takes, where there is a simulated one.
pub(crate) fn wait() -> Option<Duration> {
    CHANCE.with_borrow(|chance| chance.as_ref().map(|chance| chance.millis(0, 40)))
}

/// What becomes of a write: `None` if it is done as always.
pub(crate) fn write() -> Option<io::Result<()>> {
    match DISK.get() {
        Disk::Good => None,
        Disk::Full => Some(Err(io::ErrorKind::StorageFull.into())),
        Disk::Lying => Some(Ok(())),
    }
}
