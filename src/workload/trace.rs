//! Request traces: arrival times and numeric columns, read from CSV.

use crate::engine::time::Nanos;

/// A checked trace. Times never go backwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Arrival times in nanoseconds after the first row (which is at 0 unless the file's own clock says otherwise).
    pub arrivals: Vec<Nanos>,
    /// Names of the numeric columns that were read.
    pub columns: Vec<String>,
    /// `values[row * columns.len() + column]`.
    pub values: Vec<f64>,
}
