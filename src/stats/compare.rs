//! Comparing two systems, and correcting for many comparisons.

use super::interval::{Interval, usable};
use super::moments::{mean, sum, variance};
use super::student::{factor, student_p};

/// Difference of two means, a − b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The difference with its interval.
    pub difference: Interval,
    /// Test statistic of "no difference"; infinite (with p = 0) if the differences do not vary.
    pub t: f64,
    pub df: f64,
    /// Two-sided.
    pub p: f64,
}

impl Comparison {
    fn new(difference: f64, std_error: f64, df: f64, confidence: f64) -> Option<Comparison> {
        let half_width = factor(confidence, df)? * std_error;
        let (t, p) = if difference == 0.0 {
            (0.0, 1.0)
        } else if std_error == 0.0 {
            (f64::INFINITY.copysign(difference), 0.0)
        } else {
            let t = difference / std_error;
            (t, student_p(t, df))
        };
        Some(Comparison {
            difference: Interval {
                mean: difference,
                half_width,
            },
            t,
            df,
            p,
        })
    }

    /// Two one-sided tests (Schuirmann, J. Pharmacokinetics 15, 1987): whether the interval lies
    /// within ±`margin`. An interval of confidence 1 − 2α tests at level α.
    pub fn within(&self, margin: f64) -> bool {
        -margin < self.difference.low() && self.difference.high() < margin
    }
}

/// Paired t: both systems saw the same draws in replication r. `None` for fewer than two pairs,
/// different lengths, a value that is not finite, or a confidence outside (0, 1).
pub fn paired(a: &[f64], b: &[f64], confidence: f64) -> Option<Comparison> {
    if a.len() != b.len() || !usable(a, 2) || !usable(b, 2) {
        return None;
    }
    let n = a.len() as f64;
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let std_error = libm::sqrt(variance(&differences) / n);
    Comparison::new(mean(&differences), std_error, n - 1.0, confidence)
}

/// One system's figure, and how sure it is: a value, and one number for each replication whose mean it is or
/// estimates (means themselves, pseudo-values of a jackknife, the quantiles of replications).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure<'a> {
    pub value: f64,
    pub each: &'a [f64],
    /// The value is known no better than this, whatever the replications say: half a bucket of a histogram.
    pub resolution: f64,
}

/// The difference of two figures from common draws, a − b ± (t √(Σ(d_r − d)²/(R(R−1))) + resolution), with d_r
/// that of replication r and d that of the values. Where d is the mean of the d_r this is the paired t; for quantiles of
/// replications it is sectioning (Asmussen & Glynn, Stochastic Simulation, 2007). `None` as for [`paired`].
pub fn paired_figures(a: Figure<'_>, b: Figure<'_>, confidence: f64) -> Option<Comparison> {
    let (difference, std_error) = apart(a, b)?;
    let n = a.each.len() as f64;
    let found = Comparison::new(difference, std_error, n - 1.0, confidence)?;
    let resolution = a.resolution + b.resolution;
    if resolution == 0.0 || difference == 0.0 {
        return Some(found);
    }
    // What the resolution can explain is no difference.
    let beyond = f64::max(difference.abs() - resolution, 0.0).copysign(difference);
    let tested = Comparison::new(beyond, std_error, n - 1.0, confidence)?;
    Some(Comparison {
        difference: Interval {
            mean: difference,
            half_width: found.difference.half_width + resolution,
        },
        ..tested
    })
}

/// The difference of two figures and its standard error.
pub(super) fn apart(a: Figure<'_>, b: Figure<'_>) -> Option<(f64, f64)> {
    let finite = a.value.is_finite() && b.value.is_finite();
    if !finite || a.each.len() != b.each.len() || !usable(a.each, 2) || !usable(b.each, 2) {
        return None;
    }
    let n = a.each.len() as f64;
    let difference = a.value - b.value;
    let squares = sum(a.each.iter().zip(b.each).map(|(a, b)| {
        let rest = a - b - difference;
        rest * rest
    }));
    Some((difference, libm::sqrt(squares / (n * (n - 1.0)))))
}

/// Welch's t for independent streams (Biometrika 34, 1947). `None` for fewer than two values on a
/// side, a value that is not finite, no variation on either side, or a confidence outside (0, 1).
pub fn welch(a: &[f64], b: &[f64], confidence: f64) -> Option<Comparison> {
    if !usable(a, 2) || !usable(b, 2) {
        return None;
    }
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let (va, vb) = (variance(a) / na, variance(b) / nb);
    let whole = va + vb;
    if whole == 0.0 {
        return None;
    }
    let df = whole * whole / (va * va / (na - 1.0) + vb * vb / (nb - 1.0));
    Comparison::new(mean(a) - mean(b), libm::sqrt(whole), df, confidence)
}

/// Pearson correlation of two systems over replications: what common random numbers achieved.
/// `None` for fewer than two pairs, different lengths, or no variation on a side.
pub fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || !usable(a, 2) || !usable(b, 2) {
        return None;
    }
    let (ma, mb) = (mean(a), mean(b));
    let products = sum(a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)));
    let spread = libm::sqrt(variance(a) * variance(b)) * (a.len() - 1) as f64;
    (spread > 0.0).then(|| products / spread)
}

/// Holm's adjusted p-values, in the order given (Scandinavian J. Statistics 6, 1979): reject those
/// at most α, and the chance of any false rejection is at most α. NaN sorts last.
///
/// ```
/// use warpshare_model::stats::compare::holm;
/// assert_eq!(holm(&[0.25, 0.125]), [0.25, 0.25]);
/// ```
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]).then(i.cmp(&j)));
    let mut adjusted = vec![0.0; p.len()];
    let mut running = 0.0;
    for (place, &i) in order.iter().enumerate() {
        let scaled = (p.len() - place) as f64 * p[i];
        running = if scaled.is_nan() {
            f64::NAN
        } else {
            f64::max(running, f64::min(scaled, 1.0))
        };
        adjusted[i] = running;
    }
    adjusted
}

/// Confidence of each of `m` intervals that hold simultaneously with `confidence` (Bonferroni).
pub fn bonferroni(confidence: f64, m: usize) -> f64 {
    1.0 - (1.0 - confidence) / m.max(1) as f64
}
