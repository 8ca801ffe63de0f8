//! What a GPU is shared with, and how: the rooms that the simulator runs on, from the ground up.
//!
//! They know no scenario file and no result. [`engine`] knows no GPU either.

pub mod diagnostics;
pub mod engine;
pub mod gpu;
pub mod policy;
pub mod stats;
pub mod workload;
