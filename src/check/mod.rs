//! The regression gate: a result against a committed baseline.
//!
//! [`values`] flattens a result to named values; a [`Baseline`] keeps them in a file that reads well
//! in a diff; [`compare`] says what moved, by how much, whether a [`Tolerance`] allows it, and whether every [`Limit`] is kept;
//! [`junit`] tells it to a CI system. Equal input gives equal bytes of every one of them.

mod baseline;
mod compare;
pub mod junit;
mod limit;
mod tolerance;
mod values;

pub use baseline::{Baseline, FORMAT, ReadError};
pub use compare::{Comparison, Movement, Verdict, compare};
pub use limit::{Judged, Limit, Limits, objectives};
pub use tolerance::{Tolerance, Tolerances};
pub use values::{RESULT_HASH, SCENARIO_HASH, Value, Values, values};
