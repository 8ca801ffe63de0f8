//! The serialised form of a latency histogram.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Non-empty buckets of a log-linear histogram (3 digits) with exact moments beside it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyHistogram {
    /// Jobs in it.
    pub count: u64,
    /// Exact sum of the values.
    pub sum_ns: u128,
    /// (largest value of the bucket, count), increasing.
    pub buckets: Vec<(u64, u64)>,
}
