//! Drawing: a pure function of the distribution, a stream and an index.

use super::moments::pareto_log_ratio;
use super::{Dist, Real, bounded, tails};
use crate::engine::random::{Draws, Stream};
use crate::engine::time::{LONGEST, Nanos, round_nanos};
use rand::distr::Distribution;
use rand_distr::{Beta, Exp1, Gamma, LogNormal, Poisson, StandardNormal, Weibull, Zipf};

impl Dist {
    /// Variate `index` of `stream`: finite and not negative.
    ///
    /// Most families use one random word for a variate, by inversion. The methods are part of the results and are listed in `docs/determinism.md`.
    #[inline]
    pub fn sample(&self, stream: &Stream, index: u64) -> f64 {
        match self {
            Dist::Constant(value) => *value,
            _ => self.draw(&mut stream.at(index)),
        }
    }

    /// Variate `index` of `stream`, in nanoseconds: the draw rounded to whole nanoseconds, ties to
    /// even. Draws beyond [`LONGEST`] (292 years) become [`LONGEST`].
    #[inline]
    pub fn sample_nanos(&self, stream: &Stream, index: u64) -> Nanos {
        // The only values that `round_nanos` refuses here are too large: no draw is negative or NaN.
        round_nanos(self.sample(stream, index)).unwrap_or(LONGEST)
    }

    fn draw(&self, draws: &mut Draws) -> f64 {
        match self {
            Dist::Constant(value) => *value,
            Dist::Uniform { low, high } => low + (high - low) * draws.uniform(),
            Dist::Exponential { mean } => mean * exponential(draws),
            Dist::Gamma { shape, scale } => {
                let gamma = Gamma::new(Real(*shape), Real(*scale));
                finite(gamma.map(|d| d.sample(draws).0))
            }
            Dist::Weibull { shape, scale } => {
                let weibull = Weibull::new(Real(*scale), Real(*shape));
                finite(weibull.map(|d| d.sample(draws).0))
            }
            Dist::Lognormal { mu, sigma } => {
                let lognormal = LogNormal::new(Real(*mu), Real(*sigma));
                finite(lognormal.map(|d| d.sample(draws).0))
            }
            Dist::Hyperexponential { p, mean1, mean2 } => {
                let mean = if draws.uniform() < *p { mean1 } else { mean2 };
                mean * exponential(draws)
            }
            Dist::BoundedPareto { alpha, low, high } => {
                // Inverse of F(x) = (1 − (low/x)^α) / (1 − (low/high)^α).
                let whole = -libm::expm1(alpha * pareto_log_ratio(*low, *high));
                let log_x = -libm::log1p(-draws.uniform() * whole) / alpha;
                (low * libm::exp(log_x)).clamp(*low, *high)
            }
            Dist::Triangular { low, mode, high } => {
                bounded::triangular(*low, *mode, *high, draws.uniform())
            }
            Dist::Beta {
                alpha,
                beta,
                low,
                high,
            } => {
                let beta = Beta::new(Real(*alpha), Real(*beta));
                let part = finite(beta.map(|d| d.sample(draws).0));
                (low + (high - low) * part).clamp(*low, *high)
            }
            Dist::Pareto { alpha, low } => low * libm::pow(draws.uniform(), -1.0 / alpha),
            Dist::Frechet { alpha, scale } => scale * libm::pow(exponential(draws), -1.0 / alpha),
            Dist::InverseGaussian { mean, scv } => {
                let Real(normal) = StandardNormal.sample(draws);
                tails::inverse_gaussian(*mean, *scv, normal, draws.uniform())
            }
            Dist::Poisson { count, unit } => {
                let poisson = Poisson::new(Real(*count));
                unit * finite(poisson.map(|d| d.sample(draws).0))
            }
            Dist::Zipf { n, s, unit } => {
                let zipf = Zipf::new(Real(f64::from(*n)), Real(*s));
                unit * finite(zipf.map(|d| d.sample(draws).0))
            }
            Dist::Geometric { p, unit } => {
                // P(K > k) = (1 − p)^k.
                let k = libm::ceil(libm::log(draws.uniform()) / libm::log1p(-p));
                unit * f64::max(k, 1.0)
            }
            Dist::Empirical { values, cumulative } => empirical(values, cumulative, draws.word()),
        }
    }
}

#[inline]
fn exponential(draws: &mut Draws) -> f64 {
    let Real(x) = Exp1.sample(draws);
    x
}

/// Falls back to "as large as can be" where a hand-made `Dist` has parameters that the
/// constructors refuse, or where a draw overflows; callers saturate.
#[inline]
fn finite<E>(draw: Result<f64, E>) -> f64 {
    match draw {
        Ok(x) if x <= f64::MAX => x,
        _ => f64::MAX,
    }
}

/// Integer thresholds: the value whose cumulative weight first exceeds word · total / 2⁶⁴.
fn empirical(values: &[f64], cumulative: &[u64], word: u64) -> f64 {
    let total = cumulative.last().copied().unwrap_or(0);
    let target = ((u128::from(word) * u128::from(total)) >> 64) as u64;
    let i = cumulative.partition_point(|&c| c <= target);
    values.get(i).copied().unwrap_or(0.0)
}
