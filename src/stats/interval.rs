//! Confidence intervals of a mean over independent replications.

use super::moments::{mean, skewness, variance};
use super::student::factor;

/// A symmetric confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The estimate in the middle.
    pub mean: f64,
    pub half_width: f64,
}

impl Interval {
    pub fn low(&self) -> f64 {
        self.mean - self.half_width
    }

    pub fn high(&self) -> f64 {
        self.mean + self.half_width
    }

    pub fn contains(&self, value: f64) -> bool {
        self.low() <= value && value <= self.high()
    }

    /// Half-width over the size of the estimate; `None` when the estimate is zero.
    pub fn relative(&self) -> Option<f64> {
        (self.mean != 0.0).then(|| self.half_width / self.mean.abs())
    }

    /// Whether the half-width is at most γ/(1+γ) of the estimate, which bounds the error relative
    /// to the true mean by γ (Law, Simulation Modeling and Analysis, 5th ed. 2015, ch. 9).
    pub fn is_precise(&self, gamma: f64) -> bool {
        self.half_width <= gamma / (1.0 + gamma) * self.mean.abs()
    }
}

/// How many replications to have at the next look of a sequential run: half as many again (20, 30,
/// 45, …). Looking after each replication would eat the confidence.
pub fn next_look(replications: u32) -> u32 {
    replications.saturating_add(replications.div_ceil(2).max(1))
}

/// mean ± t · s/√n over independent values, such as one mean of each replication.
///
/// `None` for fewer than two values, a value that is not finite, or a confidence outside (0, 1).
///
/// ```
/// use warpshare_model::stats::interval::t_interval;
/// let interval = t_interval(&[9.0, 10.0, 11.0], 0.95).unwrap();
/// assert_eq!(interval.mean, 10.0);
/// assert!((interval.half_width - 4.30265273 / 3f64.sqrt()).abs() < 1e-8);
/// ```
pub fn t_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    if !usable(values, 2) {
        return None;
    }
    let n = values.len() as f64;
    Some(Interval {
        mean: mean(values),
        half_width: factor(confidence, n - 1.0)? * libm::sqrt(variance(values) / n),
    })
}

/// The skewness-adjusted t interval (low, high) of Willink ("A confidence interval and test for
/// the mean of an asymmetric distribution", Communications in Statistics 34, 2005).
///
/// `variance_factor` multiplies the variance of the mean: 1 for independent values,
/// [`correlation_factor`](super::batch::correlation_factor) for batch means. `None` as for
/// [`t_interval`], and for fewer than three values.
pub fn willink_interval(
    values: &[f64],
    confidence: f64,
    variance_factor: f64,
) -> Option<(f64, f64)> {
    if !usable(values, 3) {
        return None;
    }
    let n = values.len() as f64;
    let centre = mean(values);
    let t = factor(confidence, n - 1.0)?;
    let scale = libm::sqrt(variance_factor * variance(values) / n);
    let beta = skewness(values) / (6.0 * libm::sqrt(n));
    let g = |z: f64| {
        if beta.abs() < 1e-9 {
            return z;
        }
        (libm::cbrt(1.0 + 6.0 * beta * (z - beta)) - 1.0) / (2.0 * beta)
    };
    Some((centre - g(t) * scale, centre - g(-t) * scale))
}

pub(super) fn usable(values: &[f64], least: usize) -> bool {
    values.len() >= least && values.iter().all(|v| v.is_finite())
}
