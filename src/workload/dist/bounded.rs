//! Distributions between two bounds: triangular, beta, PERT.

use super::build::{Built, magnitude, refuse, within};
use super::{Dist, LARGEST};

/// `low` < `high`, zero or more.
fn bounds(dist: &'static str, low: f64, high: f64) -> Result<(), super::DistError> {
    within(dist, "low", low, 0.0, LARGEST)?;
    magnitude(dist, "high", high)?;
    if low >= high {
        let valid = format!("more than `low` = {low}; for a single value use a constant");
        return refuse(dist, "high", high, valid);
    }
    Ok(())
}

impl Dist {
    /// Density rising from `low` to `mode` and falling from there to `high`.
    pub fn triangular(low: f64, mode: f64, high: f64) -> Built {
        bounds("triangular", low, high)?;
        within("triangular", "mode", mode, low, high)?;
        Ok(Dist::Triangular {
            low: low + 0.0,
            mode: mode + 0.0,
            high,
        })
    }

    /// Beta with shapes `alpha` and `beta` (0.01 to 1e6), from `low` to `high`.
    pub fn beta(alpha: f64, beta: f64, low: f64, high: f64) -> Built {
        within("beta", "alpha", alpha, 0.01, 1e6)?;
        within("beta", "beta", beta, 0.01, 1e6)?;
        bounds("beta", low, high)?;
        Ok(Dist::Beta {
            alpha,
            beta,
            low: low + 0.0,
            high,
        })
    }

    /// PERT: the beta distribution of a three-point estimate, with mean (low + 4 mode + high) / 6
    /// (Malcolm, Roseboom, Clark & Fazar, Operations Research 7, 1959).
    pub fn pert(low: f64, mode: f64, high: f64) -> Built {
        bounds("pert", low, high)?;
        within("pert", "mode", mode, low, high)?;
        let range = high - low;
        Ok(Dist::Beta {
            alpha: 1.0 + 4.0 * (mode - low) / range,
            beta: 1.0 + 4.0 * (high - mode) / range,
            low: low + 0.0,
            high,
        })
    }
}

/// Inverse distribution function of a triangular variable.
pub(super) fn triangular(low: f64, mode: f64, high: f64, u: f64) -> f64 {
    let rising = (mode - low) / (high - low);
    let x = if u < rising {
        low + libm::sqrt(u * (high - low) * (mode - low))
    } else {
        high - libm::sqrt((1.0 - u) * (high - low) * (high - mode))
    };
    x.clamp(low, high)
}
