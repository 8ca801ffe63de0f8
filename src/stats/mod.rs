//! Output analysis: what may be said about a number that a simulation produced.
//!
//! Own code on f64 and the pinned `libm` only, because its numbers are results: they must have the
//! same bits everywhere. What each procedure means, and when to use it, is in `docs/statistics.md`.
//!
//! Architecture invariant: nothing here knows what a GPU, a guest or a scenario is.
//!
//! - Distributions: [`normal`], [`student`], and the functions behind them, [`special`].
//! - Sums and moments: [`moments`].
//! - One mean: [`interval`] over replications, [`batch`] within one run, [`jackknife`] for ratios.
//! - [`warmup`], [`quantile`] and [`pooled`] of short replications, [`compare`], [`select`].
//! - Counting: [`histogram`] for groups, [`coarse`] for single guests.
//! - [`fairness`].

pub mod batch;
pub mod coarse;
pub mod compare;
pub mod fairness;
pub mod histogram;
pub mod interval;
pub mod jackknife;
pub mod moments;
pub mod normal;
pub mod pooled;
pub mod quantile;
pub mod select;
pub mod special;
pub mod student;
pub mod warmup;
