//! `warpshare schema`: the JSON Schema of scenario files.

use super::{Failure, print};
use crate::scenario::schema::schema;
use std::process::ExitCode;

/// Print the JSON Schema of scenario files, for editors.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the schema.
///
/// # Errors
///
/// [`Failure::Running`] if stdout cannot be written.
pub fn execute(_: &Args) -> Result<ExitCode, Failure> {
    print(&schema())?;
    Ok(ExitCode::SUCCESS)
}
