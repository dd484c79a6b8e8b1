//! No core dump holds a token, and no other process of the same user reads
//! this one's memory or environment.

use std::sync::OnceLock;

/// What was refused, for the log that begins later.
static REFUSED: OnceLock<String> = OnceLock::new();

/// Switches core dumps off and makes the process not dumpable, which also closes
/// `/proc/PID/mem`, `/proc/PID/environ` and `ptrace` to everybody but root. To
/// be called first.
pub(crate) fn protect() {
    if let Err(error) = switch_off() {
        _ = REFUSED.set(error.to_string());
    }
}

/// Says if that was refused, as a seccomp filter may do.
pub(crate) fn tell() {
    if let Some(error) = REFUSED.get() {
        tracing::debug!(error, "core dumps could not be switched off");
    }
}

#[cfg(target_os = "linux")]
fn switch_off() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let limit = setrlimit(Resource::Core, none);
    // Also where the first was refused: either is worth having.
    let dumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    Ok(limit.and(dumpable)?)
}

#[cfg(not(target_os = "linux"))]
fn switch_off() -> std::io::Result<()> {
    Ok(())
}
