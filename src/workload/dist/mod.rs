//! Distributions that a scenario can name.
//!
//! The enum holds plain, checked parameters; build it with the constructors (`Dist::lognormal` and
//! the like), which refuse what has no meaning. Each draw is a pure function of a
//! [`Stream`](crate::engine::random::Stream) and an index; see [`Dist::sample`].

mod bounded;
mod build;
mod counts;
mod moments;
mod real;
mod sample;
mod tails;
mod weibull;

pub use build::{DistError, LARGEST, LARGEST_CV, SMALLEST, SMALLEST_CV};
pub use real::Real;

/// A distribution over non-negative numbers, in the unit of whatever it describes (nanoseconds,
/// bytes). Parameters are finite and checked where the value is built.
#[derive(Debug, Clone, PartialEq)]
pub enum Dist {
    Constant(f64),
    Uniform {
        low: f64,
        high: f64,
    },
    Exponential {
        mean: f64,
    },
    /// Also Erlang, with an integer shape.
    Gamma {
        shape: f64,
        scale: f64,
    },
    Weibull {
        shape: f64,
        scale: f64,
    },
    /// Parameters of the logarithm.
    Lognormal {
        mu: f64,
        sigma: f64,
    },
    /// Exponential with `mean1` with probability `p`, else with `mean2`.
    Hyperexponential {
        p: f64,
        mean1: f64,
        mean2: f64,
    },
    BoundedPareto {
        alpha: f64,
        low: f64,
        high: f64,
    },
    Triangular {
        low: f64,
        mode: f64,
        high: f64,
    },
    /// Also PERT.
    Beta {
        alpha: f64,
        beta: f64,
        low: f64,
        high: f64,
    },
    Pareto {
        alpha: f64,
        low: f64,
    },
    Frechet {
        alpha: f64,
        scale: f64,
    },
    InverseGaussian {
        mean: f64,
        /// Squared coefficient of variation.
        scv: f64,
    },
    /// `unit` times a Poisson variable with mean `count`.
    Poisson {
        count: f64,
        unit: f64,
    },
    /// `unit` times K with P(K = k) proportional to k^−s, 1 ≤ k ≤ n.
    Zipf {
        n: u32,
        s: f64,
        unit: f64,
    },
    /// `unit` times K with P(K = k) = p (1 − p)^(k−1), k ≥ 1.
    Geometric {
        p: f64,
        unit: f64,
    },
    /// One of `values` (increasing); `cumulative` are increasing integer weights.
    Empirical {
        values: Vec<f64>,
        cumulative: Vec<u64>,
    },
}
