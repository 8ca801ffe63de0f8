//! warpshare simulates how a physical GPU is shared, deterministically.
//!
//! The modules in reading order, from the ground up; dependencies point upwards in this list only:
//!
//! 1. [`engine`]: time, exact work, the calendar, random streams. Knows nothing of GPUs.
//! 2. [`catalog`]: boards and vGPU types, with sources.
//! 3. [`stats`]: intervals, warm-up, histograms, fairness.
//! 4. [`policy`]: the schedulers.
//! 5. [`workload`]: arrivals, distributions, traces, jobs.
//! 6. [`gpu`]: SMs, rates, engines, links.
//! 7. [`scenario`]: the file that a user writes, checked and resolved.
//! 8. [`vgpu`]: what the vGPU manager admits.
//! 9. [`sim`]: builds the world from a scenario and runs it: the only place where the rooms meet.
//! 10. [`result`]: the one structure that a run returns.
//! 11. [`experiment`]: replications, baselines, estimates.
//! 12. [`report`]: views of a result.
//! 13. [`calibrate`]: from measured points to a workload.
//! 14. [`cli`]: one file a subcommand.
//!
//! [`diagnostics`] stands beside them: messages about a user's text, used by every reader of one.

pub mod calibrate;
pub mod catalog;
pub mod cli;
pub mod diagnostics;
pub mod engine;
pub mod experiment;
pub mod gpu;
pub mod policy;
pub mod report;
pub mod result;
pub mod scenario;
pub mod sim;
pub mod stats;
pub mod vgpu;
pub mod workload;
