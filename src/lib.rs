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
//! # From a scenario to a result
//!
//! A scenario comes from a file ([`scenario::load`]), a text ([`scenario::parse`]), or is built key by key
//! ([`scenario::Draft`]); each way has the same checks and messages. [`experiment::run`] simulates all its
//! replications and returns the one structure that every view is made of.
//!
//! ```
//! use warpshare::experiment::{self, Options, Silent};
//! use warpshare::report;
//! use warpshare::scenario::{Draft, Overrides};
//!
//! let mut draft = Draft::new();
//! draft
//!     .set(["run", "duration"], "10s")
//!     .set(["run", "replications"], 3)
//!     .set(["gpus", "a", "board"], "a40")
//!     .set(["guests", "desktop", "vgpu"], "A40-8Q")
//!     .set(["guests", "desktop", "count"], 4)
//!     .set(["guests", "desktop", "workload"], "cad")
//!     .set(["workloads", "cad", "preset"], "cad-light");
//! let loaded = draft
//!     .check("four-designers", ".".as_ref(), &Overrides::default())
//!     .map_err(|findings| findings.iter().map(|finding| finding.render()).collect::<String>())?;
//! let result = experiment::run(&loaded.scenario, &Options::default(), &Silent)?;
//! assert_eq!(result.guests[0].name, "desktop");
//! println!("{}", report::to_text(&result));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a number means
//!
//! Every figure of a result is a row of one table, with its name, unit and meaning:
//!
//! ```
//! use warpshare::metrics;
//! let names = metrics::table().map(|metric| (metric.family, metric.unit.name()));
//! assert!(names.into_iter().any(|row| row == (Some("response"), "ns")));
//! ```
//!
//! # Two schedulers on the same draws
//!
//! What a guest draws does not depend on how its board is shared, so that differences are paired:
//! [`experiment::compare::compare`] runs candidates, which differ in what they say of sharing, and tests them.
//! A scheduler of your own is a value of [`policy::registry::Registered`], which [`policy::registry::extend`]
//! makes known to scenarios, and [`conformance`] holds it to what it declares.
//!
//! # A part alone
//!
//! The rooms below `scenario` work by themselves, such as the rules of placement of MIG instances:
//!
//! ```
//! use warpshare::catalog::Catalog;
//! use warpshare::mig::Geometry;
//! let catalog = Catalog::builtin()?;
//! let geometry = Geometry::of(&catalog, "a100-sxm4-40gb")?;
//! assert!(geometry.profile("3g.20gb").is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Crates and features
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
