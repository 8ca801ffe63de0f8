//! The interval of a mean from one long run: batch means by time of arrival.
//!
//! Independent replications are the rule; this is for a first look with one. Twenty batches of equal length
//! (Schmeiser, Operations Research 30, 1982); where their means depend on each other, ten of twice the
//! length; where these still do, no interval. What is left of the dependence widens the interval
//! ([`correlation_factor`]).

use crate::experiment::recorder::series_bin;
use crate::result::{Estimate, Method, Reason};
use crate::sim::Schedule;
use crate::stats::batch::{correlation_factor, nonoverlapping};

/// Batches at first, and if these depend on each other.
const BATCHES: [usize; 2] = [20, 10];
/// Half-width over mean beyond which an interval from one run is not to be relied on
/// (docs/statistics.md).
const UNSURE: f64 = 0.15;

/// The estimate with the interval that `series`, (sum, jobs) by time of arrival, gives it.
pub(super) fn with_batches(
    estimate: Estimate,
    series: &[(u128, u64)],
    schedule: &Schedule,
    confidence: f64,
) -> Estimate {
    let Some(value) = estimate.value else {
        return estimate;
    };
    let width = series_bin(schedule);
    let first = schedule.warmup.div_ceil(width) as usize;
    let last = (schedule.end / width) as usize;
    let series = &series[first.min(last)..last.min(series.len())];
    let without = |note| Estimate {
        method: Method::BatchMeans { batches: None },
        note: Some(note),
        ..estimate.clone()
    };
    let mut note = Reason::TooFewForBatches;
    for batches in BATCHES {
        let Some(means) = of_batches(series, batches, value) else {
            continue;
        };
        let Some(found) = nonoverlapping(&means, batches) else {
            continue;
        };
        if !found.acceptable() {
            note = Reason::DependentBatches;
            continue;
        }
        let Some(interval) = found.interval(confidence) else {
            continue;
        };
        let half = interval.half_width * libm::sqrt(correlation_factor(found.lag1));
        let unsure = half > UNSURE * value.abs();
        return Estimate {
            value: Some(value),
            half_width: Some(half),
            n: 1,
            method: Method::BatchMeans {
                batches: Some(batches as u32),
            },
            note: unsure.then_some(Reason::WideInOneRun { limit: UNSURE }),
            each: Vec::new(),
        };
    }
    without(note)
}

/// Means by batch, made linear around the mean over all: jobs of a batch are random, and their ratio would be
/// biased. `None` if a batch has no jobs.
fn of_batches(series: &[(u128, u64)], batches: usize, mean: f64) -> Option<Vec<f64>> {
    let size = series.len() / batches;
    if size == 0 {
        return None;
    }
    let used = &series[series.len() - batches * size..];
    let sums: Vec<(u128, u64)> = used
        .chunks_exact(size)
        .map(|bins| {
            bins.iter()
                .fold((0, 0), |(sum, jobs), bin| (sum + bin.0, jobs + bin.1))
        })
        .collect();
    let jobs: u64 = sums.iter().map(|sum| sum.1).sum();
    let each = jobs as f64 / batches as f64;
    let linear = |&(sum, jobs): &(u128, u64)| mean + (sum as f64 - mean * jobs as f64) / each;
    let all = sums.iter().all(|sum| sum.1 > 0);
    all.then(|| sums.iter().map(linear).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Horizon, RunPlan};

    /// A run of 500 ms after 125 ms of warm-up: bins of 1.25 ms, of which 400 are in the window.
    fn schedule() -> Schedule {
        Schedule::new(&RunPlan {
            horizon: Horizon::Steady,
            warmup: 125_000_000,
            window: 500_000_000,
            drain: 0,
            replications: 1,
            seed: 1,
            confidence: 0.95,
            baselines: false,
            timeline_bins: 10,
        })
    }

    /// One job in each bin; `of` says how long those of each of the 20 batches take. In the warm-up they
    /// take for ever.
    fn found(value: f64, of: impl Fn(usize) -> u128) -> Estimate {
        let estimate = Estimate {
            value: Some(value),
            half_width: None,
            n: 1,
            method: Method::Jackknife,
            note: Some(Reason::OneReplication),
            each: Vec::new(),
        };
        let warmup = std::iter::repeat_n((1 << 60, 1), 100);
        let window = (0..400).map(|bin| (of(bin / 20), 1));
        let series: Vec<(u128, u64)> = warmup.chain(window).collect();
        with_batches(estimate, &series, &schedule(), 0.95)
    }

    /// Batch means 11, 11, 9, 9, 11, …: s² = 20/19, a lag-1 correlation of 1/20, t(19) = 2.093024.
    #[test]
    fn twenty_batches_make_an_interval() {
        let found = found(10.0, |batch| if batch % 4 < 2 { 11 } else { 9 });
        let half = 2.093_024 * libm::sqrt(1.0 / 19.0) * libm::sqrt(1.05 / 0.95);
        let error = found.half_width.expect("an interval") - half;
        assert!(error.abs() < 1e-6, "{found:?}");
        assert_eq!(found.method, Method::BatchMeans { batches: Some(20) });
        assert_eq!(found.note, None);
    }

    #[test]
    fn a_wide_interval_says_so() {
        let found = found(2.0, |batch| if batch % 4 < 2 { 3 } else { 1 });
        assert!(found.half_width.expect("an interval") > 0.3);
        assert_eq!(found.note, Some(Reason::WideInOneRun { limit: UNSURE }));
    }

    #[test]
    fn batches_that_depend_on_each_other_make_none() {
        let found = found(105.0, |batch| 10 * batch as u128 + 10);
        assert_eq!(found.half_width, None);
        assert_eq!(found.note, Some(Reason::DependentBatches));
    }

    #[test]
    fn a_batch_without_jobs_makes_none() {
        let estimate = found(10.0, |_| 10);
        assert_eq!(estimate.half_width, None, "all batches are equal");
        let series = vec![(0, 0); 500];
        let found = with_batches(estimate, &series, &schedule(), 0.95);
        assert_eq!(found.note, Some(Reason::TooFewForBatches));
    }
}
