//! Calls [`warpshare::cli::main`]; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    warpshare::cli::main()
}
