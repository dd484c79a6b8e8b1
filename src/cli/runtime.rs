//! The async runtime: few threads, for all they do is wait.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use super::{EXIT_FAILED, output};

/// Runs a command to its end. What still runs then in the background is
/// dropped, without waiting for a name that is being resolved.
pub(crate) fn block_on(command: impl Future<Output = ExitCode>) -> ExitCode {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(command);
            runtime.shutdown_timeout(Duration::from_millis(100));
            code
        }
        Err(error) => {
            output::complain(&format!("cannot start: {error}"));
            ExitCode::from(EXIT_FAILED)
        }
    }
}
