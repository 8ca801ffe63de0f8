//! A number with its interval, or with the reason why it has none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A mean over independent replications with its Student-t interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// `None` when there is nothing to average.
    pub value: Option<f64>,
    /// Half-width of the interval at the run's confidence level.
    pub half_width: Option<f64>,
    /// Replications that contributed.
    pub n: u32,
    /// `t over replications`, `jackknife over replications`, `no chance` …
    pub method: String,
    /// Why there is no value or no interval.
    pub note: Option<String>,
    /// One value for each replication, whose mean is `value` and whose t interval is the interval: what paired
    /// comparisons rest on. Not part of a file.
    #[serde(skip)]
    pub each: Vec<f64>,
}

/// A quantile of the pooled sample (Hyndman-Fan type 1) with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuantileEstimate {
    /// Such as 0.95.
    pub p: f64,
    /// The quantile; `None` if no job ended.
    pub value_ns: Option<u64>,
    /// Statistical half-width plus half a bucket of the histogram.
    pub half_width_ns: Option<f64>,
    /// `sectioning`, `inversion` (where replications are long enough only together), `no chance`, `none`.
    pub method: String,
    /// Why there is no value or no interval.
    pub note: Option<String>,
    /// As [`Estimate::each`]: with the value they make the sectioning interval. Not part of a file.
    #[serde(skip)]
    pub each: Vec<f64>,
    /// Half the width of the histogram's bucket, which the half-width includes. Not part of a file.
    #[serde(skip)]
    pub resolution_ns: f64,
}
