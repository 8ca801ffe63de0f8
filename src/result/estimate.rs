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
    /// `t over replications`, `sectioning`, `jackknife`, `exact` …
    pub method: String,
    /// Why there is no value or no interval.
    pub note: Option<String>,
}

/// A quantile of the pooled sample (Hyndman-Fan type 1) with its sectioning interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuantileEstimate {
    /// Such as 0.95.
    pub p: f64,
    /// The quantile; `None` if no job ended.
    pub value_ns: Option<u64>,
    /// Statistical half-width plus half a bucket of the histogram.
    pub half_width_ns: Option<f64>,
    /// Why there is no value or no interval.
    pub note: Option<String>,
}
