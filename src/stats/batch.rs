//! Intervals from one long run: batch means.
//!
//! For interactive use. Independent replications are the rule; trust no interval of this kind whose
//! relative half-width exceeds about 15 %.

use super::interval::{Interval, usable};
use super::moments::{mean, skewness, sum, variance};
use super::normal::normal_quantile;
use super::student::factor;

/// Nonoverlapping batch means of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchMeans {
    /// Observations in a batch; the remainder is dropped at the front.
    pub batch_size: usize,
    /// The mean of each batch.
    pub means: Vec<f64>,
    pub mean: f64,
    /// Estimated standard error of the mean.
    pub std_error: f64,
    /// Lag-1 autocorrelation of the batch means.
    pub lag1: f64,
    /// Σ (difference of neighbours)² / Σ (difference from the mean)²; about 2 without correlation.
    pub von_neumann: f64,
    /// Skewness of the batch means.
    pub skewness: f64,
}

impl BatchMeans {
    /// Student interval with (batches − 1) degrees of freedom. `None` for a confidence outside
    /// (0, 1).
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        let df = (self.means.len() - 1) as f64;
        Some(Interval {
            mean: self.mean,
            half_width: factor(confidence, df)? * self.std_error,
        })
    }

    /// Whether the batch means look independent enough: |lag-1| ≤ 0.2, or von Neumann's ratio is
    /// within its two-sided 95 % limits 2 ± z √(4(b−2)/(b²−1)) (normal approximation). If not,
    /// double the batch size; do not raise the number of batches.
    pub fn acceptable(&self) -> bool {
        let b = self.means.len() as f64;
        let limit = normal_quantile(0.975) * libm::sqrt(4.0 * (b - 2.0) / (b * b - 1.0));
        self.lag1.abs() <= 0.2 || (self.von_neumann - 2.0).abs() <= limit
    }
}

/// Cuts the series into `batches` (three or more; 10 to 30 is sensible: Schmeiser, Operations
/// Research 30, 1982) of equal size. `None` if there are fewer observations than batches, a value
/// is not finite, or all batch means are equal.
pub fn nonoverlapping(series: &[f64], batches: usize) -> Option<BatchMeans> {
    if batches < 3 || !usable(series, batches) {
        return None;
    }
    let batch_size = series.len() / batches;
    let used = &series[series.len() - batches * batch_size..];
    let means: Vec<f64> = used.chunks_exact(batch_size).map(mean).collect();
    let centre = mean(&means);
    let squares = sum(means.iter().map(|m| (m - centre) * (m - centre)));
    if squares == 0.0 {
        return None;
    }
    let neighbours = || means.windows(2).map(|w| (w[0], w[1]));
    let products = sum(neighbours().map(|(a, b)| (a - centre) * (b - centre)));
    let differences = sum(neighbours().map(|(a, b)| (b - a) * (b - a)));
    Some(BatchMeans {
        batch_size,
        mean: centre,
        std_error: libm::sqrt(variance(&means) / batches as f64),
        lag1: products / squares,
        von_neumann: differences / squares,
        skewness: skewness(&means),
        means,
    })
}

/// Overlapping batch means of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlapping {
    pub batch_size: usize,
    pub mean: f64,
    /// Estimate of n · Var(mean).
    pub variance_constant: f64,
    pub std_error: f64,
    /// Degrees of freedom, 1.5 (n/m − 1).
    pub df: f64,
}

impl Overlapping {
    /// `None` for a confidence outside (0, 1).
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        Some(Interval {
            mean: self.mean,
            half_width: factor(confidence, self.df)? * self.std_error,
        })
    }
}

/// All n − m + 1 batches of `batch_size` consecutive observations (Meketon & Schmeiser, WSC 1984):
/// the estimate of the variance has about 2/3 of the variance of the nonoverlapping one. `None`
/// unless 1 ≤ m < n, or if a value is not finite.
pub fn overlapping(series: &[f64], batch_size: usize) -> Option<Overlapping> {
    let n = series.len();
    if batch_size == 0 || batch_size >= n || !usable(series, 2) {
        return None;
    }
    let (size, m) = (n as f64, batch_size as f64);
    let centre = mean(series);
    // Deviations first, so that the running sum stays small and keeps its precision.
    let mut window = sum(series[..batch_size].iter().map(|x| x - centre));
    let mut squares = window * window;
    for (leaves, enters) in series.iter().zip(&series[batch_size..]) {
        window += enters - leaves;
        squares += window * window;
    }
    let variance_constant = size * m / ((size - m + 1.0) * (size - m)) * squares / (m * m);
    Some(Overlapping {
        batch_size,
        mean: centre,
        variance_constant,
        std_error: libm::sqrt(variance_constant / size),
        df: 1.5 * (size / m - 1.0),
    })
}

/// (1 + φ)/(1 − φ) with φ cut to 0…0.9: by how much a lag-1 correlation φ of the batch means
/// inflates the variance of their mean (used by Skart: Tafazzoli & Wilson 2011).
pub fn correlation_factor(lag1: f64) -> f64 {
    let phi = lag1.clamp(0.0, 0.9);
    (1.0 + phi) / (1.0 - phi)
}
