//! warpshare simulates how a physical GPU is shared, deterministically.
//!
//! The modules in reading order, from the ground up; dependencies point upwards in this list only:
//!
//! 1. [`engine`]: time, exact work, the calendar, random streams. Knows nothing of GPUs.
//! 2. [`catalog`]: boards, MIG profiles and vGPU types, with sources.
//! 3. [`mig`]: GPU and compute instances, where they go.
//! 4. [`import`]: configurations of other programs, read as GPUs of a scenario.
//! 5. [`stats`]: intervals, warm-up, histograms, fairness.
//! 6. [`policy`]: the schedulers.
//! 7. [`workload`]: arrivals, distributions, traces, jobs.
//! 8. [`gpu`]: SMs, rates, engines, links.
//! 9. [`result`]: the one structure that a run returns.
//! 10. [`metrics`]: what the figures of a result are called, mean, and where they are read.
//! 11. [`scenario`]: the file that a user writes, checked and resolved.
//! 12. [`vgpu`]: what the vGPU manager admits.
//! 13. [`sim`]: builds the world from a scenario and runs it: the only place where the rooms meet.
//! 14. [`experiment`]: replications, baselines, estimates.
//! 15. [`conformance`]: whether policies keep what they declare.
//! 16. [`report`]: views of a result.
//! 17. [`check`]: a result against a committed baseline.
//! 18. [`calibrate`]: from measured points to a workload.
//! 19. [`cli`]: one file a subcommand.
//!
//! They are built as four crates, for short builds and for programs that need less: `model.rs`, `input.rs` and
//! `simulation.rs` beside this file list the rooms of each, and all are here under one name. Without the
//! default feature `cli` there is no command line, and none of what only it needs.
//!
//! [`diagnostics`] stands beside them: messages about a user's text, used by every reader of one.

pub use warpshare_simulation::{
    catalog, conformance, diagnostics, engine, experiment, gpu, import, metrics, mig, policy,
    result, scenario, sim, stats, vgpu, workload,
};

pub mod calibrate;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod report;
