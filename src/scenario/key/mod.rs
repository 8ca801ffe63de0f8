//! What a key is: a value with its place, its units, and where it came from.

pub mod assumptions;
pub(crate) mod checker;
pub mod field;
pub(crate) mod lines;
pub mod origin;
pub mod units;
