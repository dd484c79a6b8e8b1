//! The `m365mon` command: wiring only.
#![forbid(unsafe_code)]

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory that is freed: answers of the token endpoint pass through buffers of TLS
/// and HTTP that know nothing of secrets. Costs nothing that could be measured
/// (docs/performance.md).
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    m365mon::cli::main()
}
