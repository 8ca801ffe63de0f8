//! Student's t distribution.

use super::special::incomplete_beta;

/// P(T > t) with `df` > 0 degrees of freedom, which need not be a whole number.
pub fn student_tail(t: f64, df: f64) -> f64 {
    let square = t * t;
    let whole = df + square;
    let half = 0.5 * incomplete_beta(df / 2.0, 0.5, df / whole, square / whole);
    if t >= 0.0 { half } else { 1.0 - half }
}

/// Two-sided p-value P(|T| ≥ |t|).
pub fn student_p(t: f64, df: f64) -> f64 {
    2.0 * student_tail(t.abs(), df)
}

/// The t with P(T ≤ t) = `p`; NaN unless 0 < p < 1 and df > 0 is finite.
///
/// Bisection until two neighbouring numbers enclose the root.
pub fn student_quantile(p: f64, df: f64) -> f64 {
    let possible = p > 0.0 && p < 1.0 && df > 0.0 && df < f64::INFINITY;
    if !possible {
        return f64::NAN;
    }
    if p == 0.5 {
        return 0.0;
    }
    let tail = f64::min(p, 1.0 - p);
    let (mut low, mut high) = (0.0, 1.0);
    while student_tail(high, df) > tail && high < 1e300 {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return if p < 0.5 { -middle } else { middle };
        }
        if student_tail(middle, df) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The factor of a two-sided interval: the (1 + confidence)/2 quantile.
pub(super) fn factor(confidence: f64, df: f64) -> Option<f64> {
    let possible = confidence > 0.0 && confidence < 1.0;
    possible.then(|| student_quantile(0.5 + confidence / 2.0, df))
}
