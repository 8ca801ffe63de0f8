//! `summary.json` and `comparison.json`: the whole result, and reading a run's back.

use crate::result::{FORMAT, RunResult};
use serde::{Deserialize, Serialize};

/// Why a `summary.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not the structure of this format version.
    #[error("not a warpshare result: {0}")]
    Malformed(#[source] serde_json::Error),
    /// Written by another version of the format.
    #[error(
        "result format {found}, but this program reads format {FORMAT}; run the scenario again"
    )]
    OtherFormat { found: u32 },
}

/// The result as indented JSON with a final line end; keys in the order of the structure.
///
/// # Errors
///
/// Only if a number cannot be written as JSON, which no finished run contains.
pub fn to_json<T: Serialize>(result: &T) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(result)?;
    text.push('\n');
    Ok(text)
}

/// Reads what [`to_json`] wrote, bit for bit.
///
/// # Errors
///
/// [`ReadError::OtherFormat`] for another format version, [`ReadError::Malformed`] for anything else.
pub fn from_json(text: &str) -> Result<RunResult, ReadError> {
    /// The version is read first: another version may have any other structure.
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let version: Version = serde_json::from_str(text).map_err(ReadError::Malformed)?;
    if version.format != FORMAT {
        return Err(ReadError::OtherFormat {
            found: version.format,
        });
    }
    serde_json::from_str(text).map_err(ReadError::Malformed)
}
