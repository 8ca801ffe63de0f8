//! Distributions of a count times a unit: Poisson, Zipf.

use super::Dist;
use super::build::{Built, magnitude, refuse, within};

impl Dist {
    /// Multiples of `unit` from zero on, Poisson, with the given mean (1e-6 to 1e12 units).
    pub fn poisson(mean: f64, unit: f64) -> Built {
        magnitude("poisson", "unit", unit)?;
        magnitude("poisson", "mean", mean)?;
        let count = mean / unit;
        if !(1e-6..=1e12).contains(&count) {
            let valid = format!("from 1e-6 to 1e12 times `unit` = {unit}");
            return refuse("poisson", "mean", mean, valid);
        }
        Ok(Dist::Poisson { count, unit })
    }

    /// `unit` times K from 1 to `n` (at most 100,000) with P(K = k) proportional to k^−s (0 to 100).
    pub fn zipf(n: u32, s: f64, unit: f64) -> Built {
        within("zipf", "n", f64::from(n), 1.0, 100_000.0)?;
        within("zipf", "s", s, 0.0, 100.0)?;
        magnitude("zipf", "unit", unit)?;
        Ok(Dist::Zipf { n, s, unit })
    }
}

/// Σ k^−s, k = 1 … n, from the smallest term on.
fn harmonic(n: u32, s: f64) -> f64 {
    (1..=n).rev().map(|k| libm::pow(f64::from(k), -s)).sum()
}

/// E K^order of a Zipf variable.
pub(super) fn zipf_moment(n: u32, s: f64, order: f64) -> f64 {
    harmonic(n, s - order) / harmonic(n, s)
}
