//! A number with its interval, or with the reason why it has none.

use super::{Method, Reason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A mean over independent replications with its Student-t interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// In the unit of the field that it is in; `None` when there is nothing to average.
    pub value: Option<f64>,
    /// Half-width of the interval at the run's confidence level, in the unit of the value, from 0.
    pub half_width: Option<f64>,
    /// Replications that contributed.
    pub n: u32,
    /// What the interval rests on.
    pub method: Method,
    /// Why there is no value or no interval, or why it is of fewer replications than there are.
    pub note: Option<Reason>,
    /// One value for each replication, whose mean is `value` and whose t interval is the interval: what paired
    /// comparisons rest on. Not part of a file.
    #[serde(skip)]
    pub each: Vec<f64>,
}

/// A quantile of the pooled sample (Hyndman-Fan type 1) with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuantileEstimate {
    /// Fraction of the jobs that do not exceed it, above 0 and below 1, such as 0.95.
    pub p: f64,
    /// The quantile; `None` if no job ended.
    pub value_ns: Option<u64>,
    /// Statistical half-width plus half a bucket of the histogram.
    pub half_width_ns: Option<f64>,
    /// What the interval rests on.
    pub method: Method,
    /// Why there is no value or no interval.
    pub note: Option<Reason>,
    /// As [`Estimate::each`]: with the value they make the sectioning interval. Not part of a file.
    #[serde(skip)]
    pub each: Vec<f64>,
    /// Half the width of the histogram's bucket, which the half-width includes. Not part of a file.
    #[serde(skip)]
    pub resolution_ns: f64,
}
