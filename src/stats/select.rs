//! Choosing the best of several systems.

use super::interval::usable;
use super::moments::sum;
use super::normal::{normal_cdf, normal_density};

/// Constants of the procedure of Kim & Nelson (ACM TOMACS 11, 2001) with c = 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnConstants {
    pub eta: f64,
    /// h² = 2 η (n₀ − 1).
    pub h2: f64,
}

/// For `systems` ≥ 2 compared with a first stage of `first_stage` ≥ 2 replications and error
/// probability 0 < α < 1; `None` otherwise.
pub fn kn_constants(systems: u32, first_stage: u32, alpha: f64) -> Option<KnConstants> {
    if systems < 2 || first_stage < 2 || !(alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    let df = f64::from(first_stage - 1);
    let share = 2.0 * alpha / f64::from(systems - 1);
    let eta = (libm::pow(share, -2.0 / df) - 1.0) / 2.0;
    Some(KnConstants {
        eta,
        h2: 2.0 * eta * df,
    })
}

/// The constant g of Nelson & Matejcik (Management Science 41, 1995): the `confidence` quantile of
/// the largest of `systems` − 1 components of a multivariate t with correlations 1/2 and
/// (systems − 1)(first_stage − 1) degrees of freedom. `None` as for [`kn_constants`].
pub fn nelson_matejcik_g(systems: u32, first_stage: u32, confidence: f64) -> Option<f64> {
    if systems < 2 || first_stage < 2 || !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let components = systems - 1;
    let df = f64::from(components) * f64::from(first_stage - 1);
    let scales = chi_scale(df);
    let (mut low, mut high) = (-100.0, 1.0);
    while largest_t_cdf(high, components, &scales) < confidence && high < 1e12 {
        high *= 2.0;
    }
    // Twelve digits; each step evaluates a double integral.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if high - low < 1e-12 * f64::max(middle.abs(), 1.0) {
            break;
        }
        if largest_t_cdf(middle, components, &scales) < confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some((low + high) / 2.0)
}

/// Nodes and weights (adding up to one) for S = √(χ²/df).
///
/// In u = ln S the density is proportional to exp(df (u − e^{2u}/2)): smooth, with tails that
/// vanish fast, for which the trapezoidal rule converges geometrically.
fn chi_scale(df: f64) -> Vec<(f64, f64)> {
    let sigma = 1.0 / libm::sqrt(2.0 * df);
    let step = sigma / 8.0;
    let below = 40.0 / df + 12.0 * sigma;
    let count = libm::ceil((below + libm::log1p(12.0 * sigma)) / step) as u32;
    let node = |i: u32| step * f64::from(i) - below;
    let log_density = |u: f64| df * (u - libm::expm1(2.0 * u) / 2.0);
    let mut nodes: Vec<(f64, f64)> = (0..=count)
        .map(|i| (libm::exp(node(i)), libm::exp(log_density(node(i)))))
        .collect();
    let total = sum(nodes.iter().map(|n| n.1));
    for (_, weight) in &mut nodes {
        *weight /= total;
    }
    nodes
}

/// P(max (Z_i − Z₀)/(√2 S) ≤ g) over the components i.
fn largest_t_cdf(g: f64, components: u32, scales: &[(f64, f64)]) -> f64 {
    const STEP: f64 = 0.125;
    let given = |s: f64| {
        sum((-72..=72).map(|i| {
            let z = STEP * f64::from(i);
            let one = normal_cdf(std::f64::consts::SQRT_2 * g * s - z);
            normal_density(z) * libm::pow(one, f64::from(components)) * STEP
        }))
    };
    sum(scales.iter().map(|&(s, weight)| weight * given(s)))
}

/// Multiple comparisons with the best after a fixed number of replications with common random numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct BestOf {
    /// Index of the system with the largest mean; the first of them.
    pub best: usize,
    /// With the confidence, no system's mean is larger than that of `best` by more than this: the
    /// indifference that the replications at hand pay for.
    pub within: f64,
    /// Whether each system may be the best: its mean is within `within` of the largest.
    pub candidates: Vec<bool>,
}

/// Which of several systems has the largest mean, and which cannot be told from it (Nelson & Matejcik,
/// Management Science 41, 1995: intervals of each mean less the best of the others, for differences of
/// equal variance). Row i holds the replications of system i; `g` is [`nelson_matejcik_g`] of their numbers,
/// which takes longer than all the rest and is the same for all metrics.
///
/// `None` for fewer than two systems or replications, rows of different lengths, or values that are not
/// finite.
pub fn best_of(rows: &[Vec<f64>], g: f64) -> Option<BestOf> {
    let (k, n) = (rows.len(), rows.first()?.len());
    if k < 2 || !g.is_finite() || rows.iter().any(|row| row.len() != n || !usable(row, 2)) {
        return None;
    }
    let mean = |row: &Vec<f64>| sum(row.iter().copied()) / n as f64;
    let means: Vec<f64> = rows.iter().map(mean).collect();
    let grand = sum(means.iter().copied()) / k as f64;
    let of_replication = |r: usize| sum(rows.iter().map(|row| row[r])) / k as f64;
    let columns: Vec<f64> = (0..n).map(of_replication).collect();
    let squares = rows.iter().zip(&means).flat_map(|(row, mean)| {
        let columns = &columns;
        row.iter().enumerate().map(move |(r, x)| {
            let rest = x - mean - columns[r] + grand;
            rest * rest
        })
    });
    let variance = 2.0 * sum(squares) / ((k - 1) as f64 * (n - 1) as f64);
    let within = g * libm::sqrt(variance / n as f64);
    let best = (0..k).fold(0, |best, i| if means[i] > means[best] { i } else { best });
    let candidates = means.iter().map(|mean| means[best] - mean <= within);
    Some(BestOf {
        best,
        within,
        candidates: candidates.collect(),
    })
}

/// Fractions of a budget by optimal computing budget allocation (Chen, Lin, Yücesan & Chick,
/// Discrete Event Dynamic Systems 10, 2000); the smallest mean is the best.
///
/// `None` for fewer than two systems, lists of different lengths, a deviation that is not positive,
/// or a tie for the best.
pub fn ocba_fractions(means: &[f64], deviations: &[f64]) -> Option<Vec<f64>> {
    let n = means.len();
    if deviations.len() != n || !usable(means, 2) || !usable(deviations, 2) {
        return None;
    }
    let best = (0..n).min_by(|&i, &j| means[i].total_cmp(&means[j]))?;
    let tie = (0..n).any(|i| i != best && means[i] == means[best]);
    if tie || deviations.iter().any(|&d| d <= 0.0) {
        return None;
    }
    let mut parts: Vec<f64> = (0..n)
        .map(|i| {
            let ratio = deviations[i] / (means[i] - means[best]);
            if i == best { 0.0 } else { ratio * ratio }
        })
        .collect();
    let squares = (0..n).filter(|&i| i != best).map(|i| {
        let r = parts[i] / deviations[i];
        r * r
    });
    parts[best] = deviations[best] * libm::sqrt(sum(squares));
    let total = sum(parts.iter().copied());
    Some(parts.iter().map(|p| p / total).collect())
}
