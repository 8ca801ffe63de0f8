//! Choosing the best of several systems.

use super::compare::{Figure, apart};
use super::interval::usable;
use super::moments::sum;
use super::normal::{normal_cdf, normal_density};
use super::student::factor;

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
    /// Index of the system with the largest value; the first of them.
    pub best: usize,
    /// With the confidence, no system is better than `best` by more than this. Zero where no other may be the
    /// best.
    pub within: f64,
    /// Whether each system may be the best. With the confidence, the one that truly is best is among them.
    pub candidates: Vec<bool>,
}

/// Which of several systems is the largest, and which cannot be told from it.
///
/// Subset selection by paired differences (Nelson, Swann, Goldsman & Song, Operations Research 49, 2001, the
/// screening step): system i is out if some j exceeds it by more than t S_ij/√R, with S_ij from the differences
/// of these two alone. Variances need not be equal, and common random numbers need no model. `i` is out as well if
/// some j exceeds it in every replication and chance would do that too rarely (sign test). Both at half of the error
/// over the k − 1 others (Bonferroni): the truly best system is lost with at most that error.
///
/// `within` is the upper end of the interval of the best of the others less `best`, by the same differences (multiple
/// comparisons with the best: Hsu, Annals of Statistics 12, 1984).
///
/// `None` for fewer than two systems or replications, lists of different lengths, values that are not finite, or
/// a confidence outside (0, 1).
pub fn best_of(systems: &[Figure<'_>], confidence: f64) -> Option<BestOf> {
    let k = systems.len();
    if k < 2 || !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    // One-sided, half of the error for each of the two tests.
    let error = (1.0 - confidence) / 2.0 / (k - 1) as f64;
    let runs = systems[0].each.len();
    // A two-sided interval of this confidence has that much error on either side.
    let t = factor(1.0 - 2.0 * error, runs as f64 - 1.0)?;
    // Upper end of the interval of one less the other.
    let most = |one: usize, other: usize| {
        let (difference, std_error) = apart(systems[one], systems[other])?;
        let resolution = systems[one].resolution + systems[other].resolution;
        Some(difference + t * std_error + resolution)
    };
    let by_signs = libm::pow(0.5, runs as f64) <= error;
    let best = (0..k).fold(0, |best, i| {
        if systems[i].value > systems[best].value {
            i
        } else {
            best
        }
    });
    let mut candidates = vec![true; k];
    let mut within = 0.0;
    for i in 0..k {
        for j in (0..k).filter(|&j| j != i) {
            let shown = most(i, j)? < 0.0;
            let mut pairs = systems[i].each.iter().zip(systems[j].each);
            let always = by_signs && pairs.all(|(a, b)| a < b);
            if shown || always {
                candidates[i] = false;
            }
        }
    }
    candidates[best] = true;
    for i in (0..k).filter(|&i| i != best && candidates[i]) {
        within = f64::max(within, most(i, best)?);
    }
    Some(BestOf {
        best,
        within,
        candidates,
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
