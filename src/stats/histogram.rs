//! Latencies of a group: a log-linear histogram with exact moments beside it.

use super::moments::ExactMoments;
use super::quantile::rank;
use crate::engine::time::Nanos;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Significant decimal digits: a bucket is at most 1/1024 of its values wide.
const DIGITS: u8 = 3;

/// A quantile as a histogram knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BucketQuantile {
    /// The middle of the bucket that holds the quantile (within the extremes that were seen).
    pub value: u64,
    /// Half the width of that bucket: the true value is no further away. Zero if the bucket holds a
    /// single value.
    pub half_width: f64,
}

impl BucketQuantile {
    /// Of a bucket of the values low..=high.
    pub(super) fn new(low: u64, high: u64, moments: &ExactMoments) -> BucketQuantile {
        let spread = high - low;
        let middle = low + spread / 2;
        let min = moments.min().unwrap_or(low);
        let max = moments.max().unwrap_or(high);
        BucketQuantile {
            value: middle.clamp(min, max),
            half_width: if spread == 0 {
                0.0
            } else {
                (spread as f64 + 1.0) / 2.0
            },
        }
    }
}

/// Counts of durations in nanoseconds, in the layout of HdrHistogram with three digits: values
/// below 2048 are exact, above that a bucket is at most 1/1024 of its values wide.
///
/// Memory grows with the range (8 KiB for each doubling of the largest value, 0.5 MB at most), not
/// with the count. Shifts and comparisons only; merging is exact and commutative, so neither order
/// nor grouping can change a bit of the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Sparse", try_from = "Sparse")]
pub struct LatencyHistogram {
    counts: Histogram<u64>,
    moments: ExactMoments,
}

/// How a histogram is written: its [`buckets`](LatencyHistogram::buckets), and what is exact.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sparse {
    buckets: Vec<(Nanos, u64)>,
    moments: ExactMoments,
}

impl From<LatencyHistogram> for Sparse {
    fn from(histogram: LatencyHistogram) -> Sparse {
        Sparse {
            buckets: histogram.buckets(),
            moments: histogram.moments,
        }
    }
}

impl TryFrom<Sparse> for LatencyHistogram {
    type Error = hdrhistogram::RecordError;

    fn try_from(sparse: Sparse) -> Result<LatencyHistogram, Self::Error> {
        let mut histogram = LatencyHistogram {
            moments: sparse.moments,
            ..LatencyHistogram::new()
        };
        for (value, count) in sparse.buckets {
            histogram.counts.record_n(value, count)?;
        }
        Ok(histogram)
    }
}

impl Default for LatencyHistogram {
    fn default() -> LatencyHistogram {
        LatencyHistogram::new()
    }
}

impl LatencyHistogram {
    /// Empty; grows with the values that it sees.
    pub fn new() -> LatencyHistogram {
        LatencyHistogram::with_longest(1 << 20)
    }

    /// Empty, with room for values up to `longest`: recording them does not allocate. Longer ones
    /// still make it grow.
    pub fn with_longest(longest: Nanos) -> LatencyHistogram {
        let mut counts = Histogram::new_with_max(longest.max(2), DIGITS)
            .expect("three digits and a maximum of at least two are always accepted");
        counts.auto(true);
        LatencyHistogram {
            counts,
            moments: ExactMoments::default(),
        }
    }

    #[inline]
    pub fn record(&mut self, value: Nanos) {
        if self.counts.record(value).is_err() {
            // Only where usize is too small to index the buckets: count it in the last one.
            self.counts.saturating_record(value);
        }
        self.moments.push(value);
    }

    pub fn merge(&mut self, other: &LatencyHistogram) {
        if self.counts.add(&other.counts).is_err() {
            for (value, count) in other.buckets() {
                self.counts.saturating_record_n(value, count);
            }
        }
        self.moments.merge(&other.moments);
    }

    /// Exact count, sum, sum of squares and extremes.
    pub fn moments(&self) -> &ExactMoments {
        &self.moments
    }

    pub fn count(&self) -> u64 {
        self.moments.count()
    }

    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Exact.
    pub fn sum(&self) -> u128 {
        self.moments.sum()
    }

    /// Exact.
    pub fn min(&self) -> Option<Nanos> {
        self.moments.min()
    }

    /// Exact.
    pub fn max(&self) -> Option<Nanos> {
        self.moments.max()
    }

    /// From exact sums.
    pub fn mean(&self) -> Option<f64> {
        self.moments.mean()
    }

    /// From exact sums.
    pub fn variance(&self) -> Option<f64> {
        self.moments.variance()
    }

    /// The type 1 quantile, known to half a bucket. `None` if empty or p is outside 0…1.
    pub fn quantile(&self, p: f64) -> Option<BucketQuantile> {
        let rank = rank(p, self.count())?;
        // Half a rank below: what rounding does to it, the library's ceiling undoes.
        let just_below = (rank as f64 - 0.5) / self.count() as f64;
        let high = self.counts.value_at_quantile(just_below);
        let low = self.counts.lowest_equivalent(high);
        Some(BucketQuantile::new(low, high, &self.moments))
    }

    /// How many values are in buckets below the one that holds `value`, and how many are in that bucket.
    pub fn below_and_at(&self, value: Nanos) -> (u64, u64) {
        let low = self.counts.lowest_equivalent(value);
        let high = self.counts.highest_equivalent(value);
        let steps = self.counts.iter_recorded();
        let (mut below, mut at) = (0, 0);
        for step in steps {
            match step.value_iterated_to() {
                end if end < low => below += step.count_at_value(),
                end if end <= high => at += step.count_at_value(),
                _ => break,
            }
        }
        (below, at)
    }

    /// The nonempty buckets, increasing: (largest value of the bucket, count).
    pub fn buckets(&self) -> Vec<(Nanos, u64)> {
        let steps = self.counts.iter_recorded();
        steps
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect()
    }
}
