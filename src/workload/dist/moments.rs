//! Mean, variation and a short text.

use super::{Dist, counts, weibull};

impl Dist {
    /// The mean, in the unit of the variable.
    pub fn mean(&self) -> f64 {
        match self {
            Dist::Constant(value) => *value,
            Dist::Uniform { low, high } => low + (high - low) / 2.0,
            Dist::Exponential { mean } => *mean,
            Dist::Gamma { shape, scale } => shape * scale,
            Dist::Weibull { shape, scale } => scale * libm::tgamma(1.0 + 1.0 / shape),
            Dist::Lognormal { mu, sigma } => libm::exp(mu + sigma * sigma / 2.0),
            Dist::Hyperexponential { p, mean1, mean2 } => p * mean1 + (1.0 - p) * mean2,
            Dist::BoundedPareto { alpha, low, high } => pareto_moment(*alpha, *low, *high, 1.0),
            Dist::Triangular { low, mode, high } => low + ((mode - low) + (high - low)) / 3.0,
            Dist::Beta {
                alpha,
                beta,
                low,
                high,
            } => low + (high - low) * (alpha / (alpha + beta)),
            Dist::Pareto { alpha, low } => low * alpha / (alpha - 1.0),
            Dist::Frechet { alpha, scale } => scale * libm::tgamma(1.0 - 1.0 / alpha),
            Dist::InverseGaussian { mean, .. } => *mean,
            Dist::Poisson { count, unit } => count * unit,
            Dist::Zipf { n, s, unit } => unit * counts::zipf_moment(*n, *s, 1.0),
            Dist::Geometric { p, unit } => unit / p,
            Dist::Empirical { values, cumulative } => empirical_mean(values, cumulative, |v| v),
        }
    }

    /// Squared coefficient of variation: variance / mean². Zero for a constant, infinite for a tail
    /// without a variance.
    pub fn scv(&self) -> f64 {
        match self {
            Dist::Constant(_) => 0.0,
            Dist::Uniform { low, high } => {
                let ratio = (high - low) / self.mean();
                ratio * ratio / 12.0
            }
            Dist::Exponential { .. } => 1.0,
            Dist::Gamma { shape, .. } => 1.0 / shape,
            Dist::Weibull { shape, .. } => libm::expm1(weibull::log_one_plus_scv(1.0 / shape)),
            Dist::Lognormal { sigma, .. } => libm::expm1(sigma * sigma),
            Dist::Hyperexponential { p, mean1, mean2 } => {
                let mean = self.mean();
                let (a, b) = (mean1 / mean, mean2 / mean);
                2.0 * (p * a * a + (1.0 - p) * b * b) - 1.0
            }
            Dist::BoundedPareto { alpha, low, high } => {
                let mean = self.mean();
                let ratio = pareto_moment(*alpha, *low, *high, 2.0) / (mean * mean);
                // Rounding must not make a narrow distribution's variance negative.
                f64::max(ratio - 1.0, 0.0)
            }
            Dist::Triangular { low, mode, high } => {
                let (a, b) = ((mode - low) / self.mean(), (high - low) / self.mean());
                (a * a + b * b - a * b) / 18.0
            }
            Dist::Beta {
                alpha,
                beta,
                low,
                high,
            } => {
                let (sum, range) = (alpha + beta, (high - low) / self.mean());
                range * range * alpha * beta / (sum * sum * (sum + 1.0))
            }
            Dist::Pareto { alpha, .. } | Dist::Frechet { alpha, .. } if *alpha <= 2.0 => {
                f64::INFINITY
            }
            Dist::Pareto { alpha, .. } => 1.0 / (alpha * (alpha - 2.0)),
            Dist::Frechet { alpha, .. } => libm::expm1(
                // Γ(1 − 2/α) / Γ(1 − 1/α)²
                libm::lgamma(1.0 - 2.0 / alpha) - 2.0 * libm::lgamma(1.0 - 1.0 / alpha),
            ),
            Dist::InverseGaussian { scv, .. } => *scv,
            Dist::Poisson { count, .. } => 1.0 / count,
            Dist::Zipf { n, s, .. } => {
                let mean = counts::zipf_moment(*n, *s, 1.0);
                f64::max(counts::zipf_moment(*n, *s, 2.0) / (mean * mean) - 1.0, 0.0)
            }
            Dist::Geometric { p, .. } => 1.0 - p,
            Dist::Empirical { values, cumulative } => {
                let mean = self.mean();
                empirical_mean(values, cumulative, |v| {
                    let d = v / mean - 1.0;
                    d * d
                })
            }
        }
    }

    /// Whether every draw is the same number.
    pub fn is_constant(&self) -> bool {
        match self {
            Dist::Constant(_) => true,
            Dist::Geometric { p, .. } => *p == 1.0,
            Dist::Empirical { values, .. } => values.first() == values.last(),
            _ => false,
        }
    }

    /// Short text for reports, such as `lognormal, mean 4 ms, cv 0.5`; `unit` writes an amount in
    /// the unit of the variable.
    ///
    /// ```
    /// use warpshare_model::workload::dist::Dist;
    /// let size = Dist::lognormal(4e6, 0.5).unwrap();
    /// let text = size.describe(|ns| format!("{} ms", (ns / 1e6 * 1e3).round() / 1e3));
    /// assert_eq!(text, "lognormal, mean 4 ms, cv 0.5");
    /// ```
    pub fn describe(&self, unit: impl Fn(f64) -> String) -> String {
        let mean = unit(self.mean());
        let cv = short(libm::sqrt(self.scv()));
        match self {
            Dist::Constant(value) => format!("constant {}", unit(*value)),
            Dist::Uniform { low, high } => format!("uniform, {} to {}", unit(*low), unit(*high)),
            Dist::Exponential { .. } => format!("exponential, mean {mean}"),
            Dist::Gamma { shape, .. } if *shape >= 1.0 && *shape == libm::floor(*shape) => {
                format!("Erlang-{shape}, mean {mean}")
            }
            Dist::Gamma { .. } => format!("gamma, mean {mean}, cv {cv}"),
            Dist::Weibull { .. } => format!("Weibull, mean {mean}, cv {cv}"),
            Dist::Lognormal { .. } => format!("lognormal, mean {mean}, cv {cv}"),
            Dist::Hyperexponential { .. } => format!("hyperexponential, mean {mean}, cv {cv}"),
            Dist::BoundedPareto { alpha, low, high } => format!(
                "bounded Pareto, alpha {}, {} to {}, mean {mean}",
                short(*alpha),
                unit(*low),
                unit(*high)
            ),
            Dist::Triangular { low, mode, high } => format!(
                "triangular, {} to {} with mode {}, mean {mean}",
                unit(*low),
                unit(*high),
                unit(*mode)
            ),
            Dist::Beta { low, high, .. } => {
                format!(
                    "beta, {} to {}, mean {mean}, cv {cv}",
                    unit(*low),
                    unit(*high)
                )
            }
            Dist::Pareto { alpha, low } => format!(
                "Pareto, alpha {}, from {} on, mean {mean}",
                short(*alpha),
                unit(*low)
            ),
            Dist::Frechet { alpha, .. } => {
                format!("Fréchet, alpha {}, mean {mean}", short(*alpha))
            }
            Dist::InverseGaussian { .. } => format!("inverse Gaussian, mean {mean}, cv {cv}"),
            Dist::Poisson { unit: step, .. } => {
                format!("Poisson in steps of {}, mean {mean}", unit(*step))
            }
            Dist::Zipf { n, s, unit: step } => format!(
                "Zipf, 1 to {n} times {}, s {}, mean {mean}",
                unit(*step),
                short(*s)
            ),
            Dist::Geometric { unit: step, .. } => {
                format!("geometric in steps of {}, mean {mean}", unit(*step))
            }
            Dist::Empirical { values, .. } => {
                format!("empirical, {} values, mean {mean}, cv {cv}", values.len())
            }
        }
    }
}

/// E[X^order] of a Pareto variable cut to `low..high`; `order` is 1 or 2.
///
/// With r = low/high it is low^order · α · A / B, A = (1 − r^(α−order))/(α − order) and
/// B = 1 − r^α, written so that it stays smooth where α passes `order`.
fn pareto_moment(alpha: f64, low: f64, high: f64, order: f64) -> f64 {
    let log_ratio = pareto_log_ratio(low, high);
    let excess = alpha - order;
    let a = if excess == 0.0 {
        -log_ratio
    } else {
        -libm::expm1(excess * log_ratio) / excess
    };
    let b = -libm::expm1(alpha * log_ratio);
    let factor = if order == 2.0 { low * low } else { low };
    factor * alpha * a / b
}

/// ln(low/high), accurate also when the two are close.
pub(super) fn pareto_log_ratio(low: f64, high: f64) -> f64 {
    if low > high / 2.0 {
        libm::log1p((low - high) / high)
    } else {
        libm::log(low / high)
    }
}

fn empirical_mean(values: &[f64], cumulative: &[u64], f: impl Fn(f64) -> f64) -> f64 {
    let mut before = 0;
    let mut sum = 0.0;
    for (&value, &until) in values.iter().zip(cumulative) {
        sum += f(value) * (until - before) as f64;
        before = until;
    }
    sum / before as f64
}

/// Four significant digits, without trailing zeros.
fn short(x: f64) -> String {
    let rounded: f64 = format!("{x:.3e}").parse().unwrap_or(x);
    format!("{rounded}")
}
