//! Quantiles: point estimates are observed values, intervals rest on replications.

use super::interval::{Interval, usable};
use super::moments::sum;
use super::special::binomial_cdf;
use super::student::factor;

/// The rank (1 to n) of the p-quantile among n values: ⌈pn⌉, at least 1 (Hyndman & Fan type 1,
/// American Statistician 50, 1996).
///
/// Decimal p are not exact in binary: a product that exceeds a whole number by rounding only (less
/// than 2⁻⁵⁰ of itself) counts as that number. `None` if n is zero or p is outside 0…1.
pub fn rank(p: f64, n: u64) -> Option<u64> {
    const SLACK: f64 = 1.0 - 1.0 / (1u64 << 50) as f64;
    if n == 0 || !(0.0..=1.0).contains(&p) {
        return None;
    }
    let rank = libm::ceil(p * n as f64 * SLACK) as u64;
    Some(rank.clamp(1, n))
}

/// The type 1 quantile of a sorted sample: an observed value, no interpolation.
///
/// ```
/// use warpshare_model::stats::quantile::sorted_quantile;
/// assert_eq!(sorted_quantile(&[10, 20, 30, 40], 0.5), Some(20));
/// ```
pub fn sorted_quantile<T: Copy>(sorted: &[T], p: f64) -> Option<T> {
    let rank = rank(p, sorted.len() as u64)?;
    sorted.get(rank as usize - 1).copied()
}

/// The sectioning interval (Asmussen & Glynn, Stochastic Simulation, 2007; Nakayama, ACM TOMACS 24,
/// 2014): centred at the quantile of the pooled sample, its width from the quantiles of the R
/// replications, q ± t √(Σ(q_r − q)²/(R(R−1))). `None` for fewer than two replications, a value
/// that is not finite, or a confidence outside (0, 1).
pub fn sectioning_interval(pooled: f64, replications: &[f64], confidence: f64) -> Option<Interval> {
    if !pooled.is_finite() || !usable(replications, 2) {
        return None;
    }
    let r = replications.len() as f64;
    let squares = sum(replications.iter().map(|q| (q - pooled) * (q - pooled)));
    Some(Interval {
        mean: pooled,
        half_width: factor(confidence, r - 1.0)? * libm::sqrt(squares / (r * (r - 1.0))),
    })
}

/// Ranks (1 to n) of the order statistics that enclose a quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderInterval {
    /// `None`: no observed value is low enough.
    pub lower: Option<u64>,
    /// `None`: no observed value is high enough.
    pub upper: Option<u64>,
    /// P(X₍lower₎ ≤ quantile < X₍upper₎), where both exist.
    pub coverage: Option<f64>,
}

/// Distribution-free interval of the p-quantile from n **independent** values, with at most
/// (1 − confidence)/2 in each tail. `None` if n is zero or p or confidence is outside (0, 1).
pub fn order_statistic_interval(n: u64, p: f64, confidence: f64) -> Option<OrderInterval> {
    let inside = |x: f64| x > 0.0 && x < 1.0;
    if n == 0 || !inside(p) || !inside(confidence) {
        return None;
    }
    let tail = (1.0 - confidence) / 2.0;
    // P(Bin ≤ l − 1) ≤ tail for the largest l; P(Bin ≤ u − 1) ≥ 1 − tail for the smallest u.
    let lower = first(n, |k| binomial_cdf(k, n, p) > tail);
    let upper = first(n, |k| binomial_cdf(k, n, p) >= 1.0 - tail) + 1;
    let lower = (lower > 0).then_some(lower);
    let upper = (upper <= n).then_some(upper);
    let coverage = lower
        .zip(upper)
        .map(|(l, u)| binomial_cdf(u - 1, n, p) - binomial_cdf(l - 1, n, p));
    Some(OrderInterval {
        lower,
        upper,
        coverage,
    })
}

/// The smallest k in 0..=n for which a monotone condition holds (it holds at n).
fn first(n: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// How many independent observations n correlated ones are worth for a mean: n times naive over
/// asymptotic variance (the latter n · Var(mean)). Never more than n.
pub fn effective_observations(n: u64, variance: f64, variance_constant: f64) -> f64 {
    let n = n as f64;
    if variance_constant > variance {
        n * (variance / variance_constant)
    } else {
        n
    }
}

/// Whether a replication with so many effective observations supports the p-quantile: at least
/// 3/(1 − p).
pub fn enough_for_quantile(p: f64, effective: f64) -> bool {
    effective * (1.0 - p) >= 3.0 * (1.0 - f64::EPSILON)
}
