//! Incomplete beta and gamma functions.

/// Continued fractions and series stop here at the latest; none comes near for the arguments that
/// output analysis has.
const MOST_TERMS: u32 = 100_000;

/// Keeps the modified Lentz algorithm away from a division by zero.
const TINY: f64 = 1e-300;

/// The regularised incomplete beta function I_x(a, b), for a, b > 0 and x, y ≥ 0 with x + y = 1.
///
/// `y` is asked for separately, so that the caller can keep its precision when x is close to one.
/// Continued fraction DLMF 8.17.22, evaluated by the modified Lentz algorithm.
pub fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean of the beta distribution.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_fraction(b, a, y, x);
    }
    beta_fraction(a, b, x, y)
}

fn beta_fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let log_front = a * libm::log(x) + b * libm::log(y) + libm::lgamma(a + b)
        - libm::lgamma(a)
        - libm::lgamma(b);
    let fraction = lentz(1.0, |n| {
        let m = f64::from(n / 2);
        let numerator = if n % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        (numerator, 1.0)
    });
    libm::exp(log_front) / (a * fraction)
}

/// b₀ + a₁/(b₁ + a₂/(b₂ + …)), with `term(n)` = (aₙ, bₙ) for n ≥ 1.
fn lentz(b0: f64, term: impl Fn(u32) -> (f64, f64)) -> f64 {
    let guard = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut f = guard(b0);
    let (mut c, mut d) = (f, 0.0);
    for n in 1..MOST_TERMS {
        let (numerator, b) = term(n);
        d = 1.0 / guard(b + numerator * d);
        c = guard(b + numerator / c);
        let change = c * d;
        f *= change;
        if (change - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    f
}

/// The regularised lower incomplete gamma function P(a, x), for a > 0: the distribution function
/// of a gamma variable with shape a and scale 1.
///
/// Series DLMF 8.11.4 below the mean, continued fraction DLMF 8.9.2 above it.
pub fn incomplete_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..MOST_TERMS {
            term *= x / (a + f64::from(n));
            sum += term;
            if term <= sum * f64::EPSILON {
                break;
            }
        }
        return f64::min(front * sum, 1.0);
    }
    let fraction = lentz(x + 1.0 - a, |n| {
        let n = f64::from(n);
        (-n * (n - a), x + 2.0 * n + 1.0 - a)
    });
    1.0 - front / fraction
}

/// P(X ≤ k) for X binomial with n trials of probability p.
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    incomplete_beta((n - k) as f64, k as f64 + 1.0, 1.0 - p, p)
}

/// P(X > x) for X chi-square with `df` degrees of freedom.
pub fn chi_square_tail(x: f64, df: f64) -> f64 {
    1.0 - incomplete_gamma(df / 2.0, x / 2.0)
}
