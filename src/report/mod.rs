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
pub mod metrics;
mod notes;
pub mod plot;
mod schema;
mod table;
mod text;
mod units;

pub use csv::{File, tables};
pub use json::{ReadError, from_json, to_json};
pub use schema::{comparison_schema, run_schema};
pub use text::to_text;
