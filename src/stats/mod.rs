//! Output analysis: what may be said about a number that a simulation produced.
//!
//! Own code on f64 and the pinned `libm` only, because its numbers are results: they must have the
//! same bits everywhere. What each procedure means, and when to use it, is in `docs/statistics.md`.
//!
//! Architecture invariant: nothing here knows what a GPU, a guest or a scenario is.

pub mod normal;
