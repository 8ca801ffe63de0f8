//! The serialised form of a latency histogram.

use serde::{Deserialize, Serialize};

/// Non-empty buckets of a log-linear histogram (3 digits) with exact moments beside it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyHistogram {
    pub count: u64,
    /// Exact sum of the values.
    pub sum_ns: u128,
    /// (largest value of the bucket, count), increasing.
    pub buckets: Vec<(u64, u64)>,
}
