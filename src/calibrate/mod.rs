//! Calibration: from measured latencies of one workload to the numbers that a scenario needs.
//!
//! [`points`] reads the measurements, [`model`] says what is fitted, [`fit()`] fits it with
//! [`least_squares`] and says which parameters the rows leave open ([`identify`]), [`errors`] compares
//! predictions with measurements and with models in one line, [`workload`] writes the result as a
//! `[workloads]` table. `docs/calibrate.md` explains it to users; `docs/measurements.md` shows how
//! far the law carries on published measurements.
//!
//! Times are in milliseconds, as in the files that are read.

mod cells;
pub mod errors;
pub mod fit;
pub mod identify;
pub mod least_squares;
pub mod model;
pub mod points;
pub mod workload;

pub use errors::{Baseline, Errors};
pub use fit::{Calibration, Fitted, NoRows, Options, Verdict, WorkForm, fit};
pub use model::{Model, Parameter, Point, Setting, Work, clock_curve};
pub use points::{Points, Reading, Row};
