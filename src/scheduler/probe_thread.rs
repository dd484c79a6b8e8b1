//! The thread on which probes run, with a runtime of its own.
//!
//! All that a probe does is wait, and between the waits compute some tenths of a
//! millisecond. On one thread nothing is handed over: whatever wakes a probe
//! finds its tasks, its timers and its connections where it is (a fifth of a
//! probe's cost over a new connection, docs/performance.md). And a page that is
//! being written on the other threads makes no probe start late or look slow.
//!
//! Called by `cli`, which starts it and ends it after everything else.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime;
use tokio_util::sync::CancellationToken;

/// What still reads or writes files at the end is waited for so long.
const GRACE: Duration = Duration::from_millis(100);

/// A running thread; it ends when this is dropped, and what still runs on it
/// then is dropped as well.
#[derive(Debug)]
pub struct ProbeThread {
    end: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl ProbeThread {
    /// Runs `work` on a thread of its own, and whatever it spawns there, also
    /// after it has ended itself.
    ///
    /// # Errors
    /// When there is no thread or no runtime to be had.
    pub fn start(work: impl Future<Output = ()> + Send + 'static) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let end = CancellationToken::new();
        let ended = end.clone();
        let thread = std::thread::Builder::new().name("probes".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async {
                tokio::spawn(work);
                ended.cancelled().await;
            });
            // A token that is being written may be, a file that hangs may not.
            runtime.shutdown_timeout(GRACE);
        })?;
        Ok(Self {
            end,
            thread: Some(thread),
        })
    }
}

impl Drop for ProbeThread {
    fn drop(&mut self) {
        self.end.cancel();
        if let Some(thread) = self.thread.take() {
            // It panicked: then it has ended, too.
            _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_is_spawned_there_runs_there_until_the_end() {
        let (tell, told) = oneshot::channel();
        let (gone, is_gone) = oneshot::channel::<()>();
        let thread = ProbeThread::start(async move {
            tokio::spawn(async move {
                let name = std::thread::current().name().map(str::to_owned);
                _ = tell.send((name, runtime::Handle::current()));
                let _gone = gone;
                std::future::pending::<()>().await;
            });
        })
        .unwrap();
        let (name, handle) = told.await.unwrap();
        assert_eq!(name.as_deref(), Some("probes"));
        let asked = handle.spawn(async { std::thread::current().name().map(str::to_owned) });
        assert_eq!(asked.await.unwrap().as_deref(), Some("probes"));
        drop(thread);
        is_gone.await.unwrap_err();
    }
}
