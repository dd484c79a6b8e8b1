//! The `m365mon` command: wiring only.

use std::process::ExitCode;

fn main() -> ExitCode {
    m365mon::cli::main()
}
