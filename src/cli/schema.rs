//! `warpshare schema`: the JSON Schemas of scenario files and of results.

use super::{Failure, print};
use crate::report;
use crate::scenario::schema::schema;
use std::process::ExitCode;

/// Print the JSON Schema of scenario files, for editors, or of results, for programs that read them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of `summary.json`, which `run` writes.
    #[arg(long, conflicts_with = "comparison")]
    result: bool,
    /// Of `comparison.json`, which `compare` writes.
    #[arg(long)]
    comparison: bool,
}

/// Prints the schema.
///
/// # Errors
///
/// [`Failure::Running`] if stdout cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let text = if args.result {
        report::run_schema()
    } else if args.comparison {
        report::comparison_schema()
    } else {
        schema()
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
