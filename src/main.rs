//! Parses the arguments and calls [`warpshare::cli`]; nothing else.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    warpshare::cli::Cli::parse().execute()
}
