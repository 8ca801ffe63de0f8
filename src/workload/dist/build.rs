//! Constructors: every parameter is checked here, once.

use super::Dist;
use super::weibull;
use thiserror::Error;

/// The smallest positive mean, scale or bound.
pub const SMALLEST: f64 = 1e-9;
/// The largest mean, scale or bound: 31 years in nanoseconds, an exabyte in bytes.
pub const LARGEST: f64 = 1e18;
/// The smallest coefficient of variation; below it, say a constant.
pub const SMALLEST_CV: f64 = 1e-4;
/// The largest coefficient of variation: above that of the burstiest ten minutes of ServeGen's clients
/// (148.6). No run of practical length sees the mean then.
pub const LARGEST_CV: f64 = 150.0;

/// Why parameters make no distribution.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DistError {
    #[error("{dist}: `{parameter}` is {value}, but must be {valid}")]
    Parameter {
        dist: &'static str,
        parameter: &'static str,
        value: f64,
        /// The valid range in words.
        valid: String,
    },
    #[error("empirical: there are no values; give at least one")]
    NoValues,
    #[error("empirical: {values} values but {weights} weights; give one weight for each value")]
    WeightCount { values: usize, weights: usize },
    #[error("empirical: all weights are zero; at least one must be positive")]
    ZeroWeights,
    #[error("empirical: the weights add up to more than 2^64 - 1; divide them by a common factor")]
    WeightsOverflow,
}

pub(super) type Built = Result<Dist, DistError>;

pub(super) fn refuse<T>(
    dist: &'static str,
    parameter: &'static str,
    value: f64,
    valid: impl Into<String>,
) -> Result<T, DistError> {
    Err(DistError::Parameter {
        dist,
        parameter,
        value,
        valid: valid.into(),
    })
}

/// `value` must lie in `low..=high`; NaN never does.
pub(super) fn within(
    dist: &'static str,
    parameter: &'static str,
    value: f64,
    low: f64,
    high: f64,
) -> Result<(), DistError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        let valid = format!("at least {} and at most {}", text(low), text(high));
        refuse(dist, parameter, value, valid)
    }
}

/// Bounds as a person writes them: `1e18`, not nineteen digits.
fn text(x: f64) -> String {
    if x != 0.0 && !(1e-3..1e6).contains(&x) {
        format!("{x:e}")
    } else {
        format!("{x}")
    }
}

pub(super) fn magnitude(
    dist: &'static str,
    parameter: &'static str,
    value: f64,
) -> Result<(), DistError> {
    within(dist, parameter, value, SMALLEST, LARGEST)
}

pub(super) fn cv_in_range(dist: &'static str, cv: f64) -> Result<(), DistError> {
    if cv == 0.0 {
        let valid = format!(
            "at least {} and at most {}; without variation it is a constant",
            text(SMALLEST_CV),
            text(LARGEST_CV)
        );
        return refuse(dist, "cv", cv, valid);
    }
    within(dist, "cv", cv, SMALLEST_CV, LARGEST_CV)
}

impl Dist {
    /// Always `value`: zero to [`LARGEST`].
    pub fn constant(value: f64) -> Built {
        within("constant", "value", value, 0.0, LARGEST)?;
        // Adding zero turns -0 into 0, so that equal distributions have equal bits.
        Ok(Dist::Constant(value + 0.0))
    }

    /// Uniform between `low` (zero or more) and a larger `high`.
    pub fn uniform(low: f64, high: f64) -> Built {
        within("uniform", "low", low, 0.0, LARGEST)?;
        magnitude("uniform", "high", high)?;
        if low >= high {
            let valid = format!("more than `low` = {low}; for a single value use a constant");
            return refuse("uniform", "high", high, valid);
        }
        let low = low + 0.0;
        Ok(Dist::Uniform { low, high })
    }

    /// Exponential with the given mean.
    pub fn exponential(mean: f64) -> Built {
        magnitude("exponential", "mean", mean)?;
        Ok(Dist::Exponential { mean })
    }

    /// Sum of `k` (1 to 1,000,000) independent exponentials with the given total mean:
    /// cv = 1/√k.
    pub fn erlang(mean: f64, k: u32) -> Built {
        magnitude("erlang", "mean", mean)?;
        let k = f64::from(k);
        within("erlang", "k", k, 1.0, 1e6)?;
        Ok(Dist::Gamma {
            shape: k,
            scale: mean / k,
        })
    }

    /// Gamma by mean and coefficient of variation.
    pub fn gamma(mean: f64, cv: f64) -> Built {
        magnitude("gamma", "mean", mean)?;
        cv_in_range("gamma", cv)?;
        let scv = cv * cv;
        Ok(Dist::Gamma {
            shape: 1.0 / scv,
            scale: mean * scv,
        })
    }

    /// Gamma by shape (1e-4 to 1e8) and scale: mean = shape × scale, cv = 1/√shape.
    pub fn gamma_shape(shape: f64, scale: f64) -> Built {
        within("gamma", "shape", shape, 1e-4, 1e8)?;
        magnitude("gamma", "scale", scale)?;
        checked_mean("gamma", Dist::Gamma { shape, scale })
    }

    /// Weibull by mean and coefficient of variation. The shape k solves
    /// 1 + cv² = Γ(1 + 2/k) / Γ(1 + 1/k)², to the last bit that bisection can give.
    pub fn weibull(mean: f64, cv: f64) -> Built {
        magnitude("weibull", "mean", mean)?;
        cv_in_range("weibull", cv)?;
        let shape = weibull::shape_of_cv(cv);
        let scale = mean / libm::tgamma(1.0 + 1.0 / shape);
        Ok(Dist::Weibull { shape, scale })
    }

    /// Weibull by shape (0.1 to 1e6) and scale: P(X > x) = exp(−(x/scale)^shape).
    pub fn weibull_shape(shape: f64, scale: f64) -> Built {
        within("weibull", "shape", shape, 0.1, 1e6)?;
        magnitude("weibull", "scale", scale)?;
        checked_mean("weibull", Dist::Weibull { shape, scale })
    }

    /// Lognormal by its own mean and coefficient of variation (not those of the logarithm).
    pub fn lognormal(mean: f64, cv: f64) -> Built {
        magnitude("lognormal", "mean", mean)?;
        cv_in_range("lognormal", cv)?;
        let sigma2 = libm::log1p(cv * cv);
        Ok(Dist::Lognormal {
            mu: libm::log(mean) - sigma2 / 2.0,
            sigma: libm::sqrt(sigma2),
        })
    }

    /// Lognormal by mean `mu` and standard deviation `sigma` (1e-4 to 5) of the natural logarithm.
    pub fn lognormal_log(mu: f64, sigma: f64) -> Built {
        within("lognormal", "mu", mu, -50.0, 50.0)?;
        within("lognormal", "sigma", sigma, 1e-4, 5.0)?;
        checked_mean("lognormal", Dist::Lognormal { mu, sigma })
    }

    /// Two exponential phases with balanced means (each phase carries half of the mean), by mean
    /// and coefficient of variation (1 to [`LARGEST_CV`]): p = (1 + √((cv²−1)/(cv²+1)))/2.
    pub fn hyperexponential(mean: f64, cv: f64) -> Built {
        magnitude("hyperexponential", "mean", mean)?;
        if cv < 1.0 {
            let valid = format!(
                "at least 1 and at most {LARGEST_CV}; below 1 use gamma, weibull or lognormal"
            );
            return refuse("hyperexponential", "cv", cv, valid);
        }
        within("hyperexponential", "cv", cv, 1.0, LARGEST_CV)?;
        let scv = cv * cv;
        let p = (1.0 + libm::sqrt((scv - 1.0) / (scv + 1.0))) / 2.0;
        Ok(Dist::Hyperexponential {
            p,
            mean1: mean / (2.0 * p),
            mean2: mean / (2.0 * (1.0 - p)),
        })
    }

    /// Exponential with `mean1` with probability `p` (0 < p < 1), else with `mean2`.
    pub fn hyperexponential_phases(p: f64, mean1: f64, mean2: f64) -> Built {
        if !(p > 0.0 && p < 1.0) {
            return refuse("hyperexponential", "p", p, "more than 0 and less than 1");
        }
        magnitude("hyperexponential", "mean1", mean1)?;
        magnitude("hyperexponential", "mean2", mean2)?;
        Ok(Dist::Hyperexponential { p, mean1, mean2 })
    }

    /// Pareto with tail index `alpha` (0.01 to 100), cut to `low..high`: P(X > x) falls as
    /// x^−alpha. All moments exist, whatever alpha is.
    pub fn bounded_pareto(alpha: f64, low: f64, high: f64) -> Built {
        within("bounded-pareto", "alpha", alpha, 0.01, 100.0)?;
        magnitude("bounded-pareto", "low", low)?;
        magnitude("bounded-pareto", "high", high)?;
        if low >= high {
            let valid = format!("more than `low` = {low}");
            return refuse("bounded-pareto", "high", high, valid);
        }
        Ok(Dist::BoundedPareto { alpha, low, high })
    }

    /// Multiples of `unit`, at least one, with the given mean (at least `unit`, at most 1e12
    /// units): the discrete memoryless distribution with p = unit/mean.
    pub fn geometric(mean: f64, unit: f64) -> Built {
        magnitude("geometric", "unit", unit)?;
        magnitude("geometric", "mean", mean)?;
        let p = unit / mean;
        if !(1e-12..=1.0).contains(&p) {
            let valid = format!("at least `unit` = {unit} and at most 1e12 times that");
            return refuse("geometric", "mean", mean, valid);
        }
        Ok(Dist::Geometric { p, unit })
    }

    /// One of `values` (zero to [`LARGEST`], not all zero) with probability proportional to its
    /// integer weight; without weights each has the same chance. The order of the values has no
    /// meaning: they are kept sorted, and those of weight zero are left out.
    pub fn empirical(values: &[f64], weights: Option<&[u64]>) -> Built {
        if values.is_empty() {
            return Err(DistError::NoValues);
        }
        if let Some(weights) = weights
            && weights.len() != values.len()
        {
            return Err(DistError::WeightCount {
                values: values.len(),
                weights: weights.len(),
            });
        }
        for &value in values {
            within("empirical", "value", value, 0.0, LARGEST)?;
        }
        let weight = |i: usize| weights.map_or(1, |w| w[i]);
        let mut pairs: Vec<(f64, u64)> = (0..values.len())
            .map(|i| (values[i] + 0.0, weight(i)))
            .filter(|&(_, w)| w > 0)
            .collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let Some(&(largest, _)) = pairs.last() else {
            return Err(DistError::ZeroWeights);
        };
        if largest < SMALLEST {
            let valid = format!("at least {} for one of the values", text(SMALLEST));
            return refuse("empirical", "value", largest, valid);
        }
        let mut total = 0u64;
        let mut cumulative = Vec::with_capacity(pairs.len());
        for &(_, w) in &pairs {
            total = total.checked_add(w).ok_or(DistError::WeightsOverflow)?;
            cumulative.push(total);
        }
        Ok(Dist::Empirical {
            values: pairs.into_iter().map(|(v, _)| v).collect(),
            cumulative,
        })
    }
}

/// For parameters that fix the mean only indirectly.
pub(super) fn checked_mean(name: &'static str, dist: Dist) -> Built {
    magnitude(name, "mean", dist.mean())?;
    Ok(dist)
}
