//! What a user writes and what vendors' tables say, checked and resolved; and the structure of a result with
//! the table of its metrics, which objectives in a scenario name.

pub use warpshare_model::{diagnostics, engine, gpu, policy, stats, workload};

pub mod catalog;
pub mod import;
pub mod metrics;
pub mod mig;
pub mod result;
pub mod scenario;
pub mod vgpu;
