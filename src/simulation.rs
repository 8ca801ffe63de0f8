//! From a checked scenario to its result: the world that runs it, and the experiments made of such runs.

pub use warpshare_input::{
    catalog, diagnostics, engine, gpu, import, metrics, mig, policy, result, scenario, stats, vgpu,
    workload,
};

pub mod conformance;
pub mod experiment;
pub mod sim;
