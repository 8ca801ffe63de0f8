//! What is told of a checked scenario: its hash, where its values come from, its schema.

pub(crate) mod canonical;
pub mod explain;
pub(crate) mod on_host;
pub mod schema;
