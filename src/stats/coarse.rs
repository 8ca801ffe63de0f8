//! Latencies of a single guest in 4 KiB.

use super::histogram::BucketQuantile;
use super::moments::ExactMoments;
use super::quantile::rank;
use crate::engine::time::Nanos;
use serde::{Deserialize, Serialize};

/// Buckets per doubling: 2⁴.
const SUB_BITS: u32 = 4;
const SUB: u64 = 1 << SUB_BITS;
/// Values below 16 have a bucket each; then 60 doublings of 16.
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) * SUB as usize;

/// Counts of durations in nanoseconds with 16 buckets for each doubling: the middle of a bucket is
/// within 1/32 (3.1 %) of its values. Count, sum, squares and extremes are exact.
///
/// One fixed block of 4 KiB without heap; shifts only; merging is exact and commutative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Sparse", try_from = "Sparse")]
pub struct CoarseHistogram {
    counts: [u32; BUCKETS],
    moments: ExactMoments,
}

const _: () = assert!(size_of::<CoarseHistogram>() <= 4096);

/// How a histogram is written: (bucket, count) of those that are not empty.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sparse {
    counts: Vec<(usize, u32)>,
    moments: ExactMoments,
}

impl From<CoarseHistogram> for Sparse {
    fn from(histogram: CoarseHistogram) -> Sparse {
        let counts = histogram.counts.into_iter().enumerate();
        Sparse {
            counts: counts.filter(|&(_, count)| count > 0).collect(),
            moments: histogram.moments,
        }
    }
}

impl TryFrom<Sparse> for CoarseHistogram {
    type Error = String;

    fn try_from(sparse: Sparse) -> Result<CoarseHistogram, String> {
        let mut histogram = CoarseHistogram {
            moments: sparse.moments,
            ..CoarseHistogram::new()
        };
        for (bucket, count) in sparse.counts {
            let counter = histogram.counts.get_mut(bucket);
            *counter.ok_or_else(|| format!("there is no bucket {bucket}"))? = count;
        }
        Ok(histogram)
    }
}

impl Default for CoarseHistogram {
    fn default() -> CoarseHistogram {
        CoarseHistogram::new()
    }
}

#[inline]
fn bucket_of(value: u64) -> usize {
    // Setting the lowest of the sub-bucket bits makes small values take shift 0 without a branch.
    let shift = (63 - (value | SUB).leading_zeros()) - SUB_BITS;
    (u64::from(shift) * SUB + (value >> shift)) as usize
}

/// Smallest and largest value of a bucket.
fn range_of(bucket: usize) -> (u64, u64) {
    let bucket = bucket as u64;
    let shift = (bucket / SUB).saturating_sub(1);
    let low = (bucket - shift * SUB) << shift;
    (low, low + ((1 << shift) - 1))
}

impl CoarseHistogram {
    pub fn new() -> CoarseHistogram {
        CoarseHistogram {
            counts: [0; BUCKETS],
            moments: ExactMoments::default(),
        }
    }

    #[inline]
    pub fn record(&mut self, value: Nanos) {
        let counter = &mut self.counts[bucket_of(value)];
        *counter = counter.saturating_add(1);
        self.moments.push(value);
    }

    pub fn merge(&mut self, other: &CoarseHistogram) {
        for (counter, more) in self.counts.iter_mut().zip(&other.counts) {
            *counter = counter.saturating_add(*more);
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

    /// The type 1 quantile, known to half a bucket. `None` if empty, if p is outside 0…1, or if a
    /// bucket has reached 2³² − 1 values and stopped counting.
    pub fn quantile(&self, p: f64) -> Option<BucketQuantile> {
        let rank = rank(p, self.count())?;
        if self.counts.contains(&u32::MAX) {
            return None;
        }
        let mut seen = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += u64::from(count);
            if seen >= rank {
                let (low, high) = range_of(bucket);
                return Some(BucketQuantile::new(low, high, &self.moments));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_tile_the_whole_range() {
        let mut next = 0;
        for bucket in 0..BUCKETS {
            let (low, high) = range_of(bucket);
            assert_eq!(low, next, "bucket {bucket}");
            assert_eq!((bucket_of(low), bucket_of(high)), (bucket, bucket));
            next = high.wrapping_add(1);
        }
        assert_eq!(next, 0, "the last bucket ends at 2^64 - 1");
    }

    #[test]
    fn a_full_counter_gives_no_quantile() {
        let mut histogram = CoarseHistogram::new();
        histogram.record(100);
        histogram.counts[bucket_of(100)] = u32::MAX;
        histogram.record(100);
        assert_eq!(histogram.quantile(0.5), None);
        assert_eq!(histogram.count(), 2);
    }
}
