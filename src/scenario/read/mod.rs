//! From text to the raw types: syntax, presets, values of the command line, other schedulers.

pub(crate) mod alternative;
pub(crate) mod merge;
pub mod parameters;
pub mod preset;
pub mod raw;
pub mod raw_amount;
pub mod raw_llm;
pub mod raw_workload;
pub mod scheduler;
pub(crate) mod set;
pub(crate) mod syntax;
pub(crate) mod text;
