//! Moments of the Weibull distribution, and its shape from a coefficient of variation.

/// ζ(2) … ζ(20).
const ZETA: [f64; 19] = [
    1.644_934_066_848_226_4,
    1.202_056_903_159_594_3,
    1.082_323_233_711_138_2,
    1.036_927_755_143_37,
    1.017_343_061_984_449,
    1.008_349_277_381_922_8,
    1.004_077_356_197_944_3,
    1.002_008_392_826_082_2,
    1.000_994_575_127_818,
    1.000_494_188_604_119_5,
    1.000_246_086_553_308,
    1.000_122_713_347_578_5,
    1.000_061_248_135_058_7,
    1.000_030_588_236_307,
    1.000_015_282_259_408_7,
    1.000_007_637_197_637_9,
    1.000_003_817_293_265,
    1.000_001_908_212_716_6,
    1.000_000_953_962_033_9,
];

/// ln(1 + scv) of a Weibull variable with shape 1/x: ln Γ(1+2x) − 2 ln Γ(1+x).
///
/// For small x the two terms cancel, so their power series
/// Σ_{n≥2} (−1)ⁿ ζ(n)/n (2ⁿ − 2) xⁿ is summed instead (it converges for |x| < 1/2).
pub(super) fn log_one_plus_scv(x: f64) -> f64 {
    if x >= 0.0625 {
        return libm::lgamma(1.0 + 2.0 * x) - 2.0 * libm::lgamma(1.0 + x);
    }
    let mut sum = 0.0;
    let mut power = x;
    let mut two = 2.0;
    let mut sign = 1.0;
    for (i, zeta) in ZETA.iter().enumerate() {
        let n = (i + 2) as f64;
        power *= x;
        two *= 2.0;
        sum += sign * zeta / n * (two - 2.0) * power;
        sign = -sign;
    }
    sum
}

/// Shape whose coefficient of variation is `cv`, which must lie in the range that the constructor
/// checks. Bisection on 1/shape until two neighbouring numbers enclose the root.
pub(super) fn shape_of_cv(cv: f64) -> f64 {
    let target = libm::log1p(cv * cv);
    // Shapes of 1e6 and 0.1 have cv 1.3e-6 and 430: outside the permitted range on both sides.
    let (mut low, mut high) = (1e-6, 10.0);
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return 1.0 / middle;
        }
        if log_one_plus_scv(middle) < target {
            low = middle;
        } else {
            high = middle;
        }
    }
}
