//! Intervals of smooth functions of means.

use super::interval::{Interval, t_interval, usable};
use super::moments::sum;

/// Jackknife interval (Miller, Biometrika 61, 1974) of a statistic of `n` replications.
///
/// `statistic` gets the number of the replication to leave out, or `None` for all of them. With
/// J_r = n g(all) − (n−1) g(all but r) the estimate is the mean of the J_r, and the interval is
/// their t interval. `None` as for [`t_interval`].
pub fn jackknife(
    n: usize,
    confidence: f64,
    statistic: impl Fn(Option<usize>) -> f64,
) -> Option<Interval> {
    t_interval(&pseudo_values(n, statistic), confidence)
}

/// The J_r of [`jackknife`].
pub fn pseudo_values(n: usize, statistic: impl Fn(Option<usize>) -> f64) -> Vec<f64> {
    let all = n as f64 * statistic(None);
    let one = |r| all - (n as f64 - 1.0) * statistic(Some(r));
    (0..n).map(one).collect()
}

/// Jackknife interval of Σ numerators / Σ denominators, one pair for each replication: mean
/// response as total time over number of completions, and the like.
///
/// `None` as for [`t_interval`], for lists of different lengths, or if leaving out one replication
/// leaves a denominator of zero.
pub fn ratio_interval(
    numerators: &[f64],
    denominators: &[f64],
    confidence: f64,
) -> Option<Interval> {
    let n = numerators.len();
    if denominators.len() != n || !usable(numerators, 2) || !usable(denominators, 2) {
        return None;
    }
    let total = |values: &[f64], out: Option<usize>| {
        let kept = values.iter().enumerate().filter(|(i, _)| Some(*i) != out);
        sum(kept.map(|(_, v)| *v))
    };
    jackknife(n, confidence, |out| {
        total(numerators, out) / total(denominators, out)
    })
}
