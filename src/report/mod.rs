//! Views of a [`RunResult`](crate::result::RunResult) or a
//! [`ComparisonResult`](crate::result::ComparisonResult): terminal text, JSON, tables, figures, and the
//! folder that holds them.
//!
//! Architecture invariant: reports read results, never the simulator; equal results give equal bytes.

pub mod comparison;
mod csv;
pub mod figures;
pub mod folder;
mod json;
mod notes;
pub mod plot;
mod schema;
mod table;
mod text;
mod units;
mod verdict;
pub mod words;

pub use csv::{File, tables};
pub use json::{ReadError, from_json, to_json};
pub use schema::{comparison_schema, run_schema};
pub use text::to_text;

/// A paragraph of at most the width of a summary, each line after `lead`.
pub fn wrapped(lead: &str, text: &str) -> String {
    let mut out = String::new();
    table::paragraph(&mut out, lead, text);
    out
}
