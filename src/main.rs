//! The `m365mon` command: wiring only.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    m365mon::cli::main()
}
