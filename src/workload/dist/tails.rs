//! Distributions with a long tail: Pareto, Fréchet, inverse Gaussian.

use super::build::{Built, checked_mean, cv_in_range, magnitude, refuse, within};
use super::{Dist, DistError};

/// The tail index: the smallest whose mean a run can see, and the largest.
fn tail_index(dist: &'static str, alpha: f64) -> Result<(), DistError> {
    if alpha <= 1.0 {
        let valid = "more than 1: up to there the mean is infinite, and no run has a long-run \
                     average; for such a tail use `bounded-pareto`, which ends somewhere";
        return refuse(dist, "alpha", alpha, valid);
    }
    within(dist, "alpha", alpha, 1.01, 1e4)
}

impl Dist {
    /// Pareto from `low` on with tail index `alpha` (1.01 to 10,000): P(X > x) = (low/x)^alpha. The
    /// variance is infinite up to alpha = 2.
    pub fn pareto(alpha: f64, low: f64) -> Built {
        tail_index("pareto", alpha)?;
        magnitude("pareto", "low", low)?;
        checked_mean("pareto", Dist::Pareto { alpha, low })
    }

    /// Pareto by mean and tail index.
    pub fn pareto_mean(mean: f64, alpha: f64) -> Built {
        magnitude("pareto", "mean", mean)?;
        tail_index("pareto", alpha)?;
        let low = mean * (alpha - 1.0) / alpha;
        Ok(Dist::Pareto { alpha, low })
    }

    /// Pareto by mean and coefficient of variation, with alpha = 1 + √(1 + 1/cv²).
    pub fn pareto_cv(mean: f64, cv: f64) -> Built {
        magnitude("pareto", "mean", mean)?;
        cv_in_range("pareto", cv)?;
        let alpha = 1.0 + libm::sqrt(1.0 + 1.0 / (cv * cv));
        Dist::pareto_mean(mean, alpha)
    }

    /// Fréchet with tail index `alpha` (1.01 to 10,000): P(X ≤ x) = exp(−(x/scale)^−alpha). The
    /// variance is infinite up to alpha = 2.
    pub fn frechet(alpha: f64, scale: f64) -> Built {
        tail_index("frechet", alpha)?;
        magnitude("frechet", "scale", scale)?;
        checked_mean("frechet", Dist::Frechet { alpha, scale })
    }

    /// Fréchet by mean and tail index.
    pub fn frechet_mean(mean: f64, alpha: f64) -> Built {
        magnitude("frechet", "mean", mean)?;
        tail_index("frechet", alpha)?;
        let scale = mean / libm::tgamma(1.0 - 1.0 / alpha);
        Ok(Dist::Frechet { alpha, scale })
    }

    /// Inverse Gaussian (first passage of a Brownian motion) by mean and coefficient of variation:
    /// shape = mean / cv².
    pub fn inverse_gaussian(mean: f64, cv: f64) -> Built {
        magnitude("inverse-gaussian", "mean", mean)?;
        cv_in_range("inverse-gaussian", cv)?;
        let scv = cv * cv;
        Ok(Dist::InverseGaussian { mean, scv })
    }
}

/// An inverse Gaussian variate from a standard normal and a uniform one (Michael, Schucany & Haas,
/// The American Statistician 30, 1976). The larger root comes first: the smaller one as a difference
/// would lose its digits.
pub(super) fn inverse_gaussian(mean: f64, scv: f64, normal: f64, uniform: f64) -> f64 {
    let y = normal * normal * scv;
    let large = 1.0 + (y + libm::sqrt(y * (4.0 + y))) / 2.0;
    let small = 1.0 / large;
    mean * if uniform <= 1.0 / (1.0 + small) {
        small
    } else {
        large
    }
}
