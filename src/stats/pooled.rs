//! The interval of a pooled quantile, however short each replication is.

use super::histogram::LatencyHistogram;
use super::moments::{sum, variance};
use super::student::factor;

/// Effective observations beyond the quantile (on its rarer side) that all replications together need before
/// an interval is given. With fewer, whether the tail was seen at all is chance.
pub const LEAST_BEYOND: f64 = 10.0;

/// What replications say about the precision of their pooled quantile.
#[derive(Debug, Clone, PartialEq)]
pub struct Inversion {
    /// Of the interval, from the histograms' point of view: without the width of a bucket.
    pub half_width: f64,
    /// One value for each replication: their mean is the pooled quantile, and their t interval is the interval
    /// above. What a paired comparison needs.
    pub each: Vec<f64>,
    /// Effective observations beyond the quantile: see [`LEAST_BEYOND`].
    pub beyond: f64,
}

impl Inversion {
    /// Whether there is enough data for the interval to be given.
    pub fn enough(&self) -> bool {
        self.beyond >= LEAST_BEYOND
    }
}

/// The interval of the p-quantile of `merged`, which holds what all `replications` hold.
///
/// The fraction of observations at or below the pooled quantile is a ratio of two sums over independent
/// replications, so its standard error follows from how the counts of replications differ, whatever their
/// length and however their observations depend on each other. The interval of the fraction (on the scale of
/// log odds, so that it stays inside 0…1) is read back through the pooled distribution function: Woodruff, J.
/// American Statistical Association 47 (1952); Francisco & Fuller, Annals of Statistics 19 (1991), with
/// replications in place of clusters. The wider of the two sides is the half-width.
///
/// Effective observations are the smaller of two numbers: p(1 − p) over the squared standard error of the
/// fraction, and the number of observations over how much more the means of replications vary than independent
/// observations would make them.
///
/// `None` for fewer than two replications, no observations, p or a confidence outside (0, 1).
pub fn inversion(
    p: f64,
    replications: &[&LatencyHistogram],
    merged: &LatencyHistogram,
    confidence: f64,
) -> Option<Inversion> {
    let inside = |x: f64| x > 0.0 && x < 1.0;
    if replications.len() < 2 || !inside(p) || !inside(confidence) {
        return None;
    }
    let pooled = merged.quantile(p)?.value;
    let (runs, total) = (replications.len() as f64, merged.count() as f64);
    // The part of the quantile's own bucket that counts as below it, so that exactly p are.
    let (below, at) = merged.below_and_at(pooled);
    let part = ((p * total - below as f64) / at.max(1) as f64).clamp(0.0, 1.0);
    let excess: Vec<f64> = replications
        .iter()
        .map(|histogram| {
            let (below, at) = histogram.below_and_at(pooled);
            below as f64 + part * at as f64 - p * histogram.count() as f64
        })
        .collect();
    let squares = sum(excess.iter().map(|x| x * x));
    let error = libm::sqrt(runs / (runs - 1.0) * squares) / total;
    let t = factor(confidence, runs - 1.0)?;
    let odds = libm::log(p / (1.0 - p));
    let reach = t * error / (p * (1.0 - p));
    let fraction = |odds: f64| 1.0 / (1.0 + libm::exp(-odds));
    let value = pooled as f64;
    let end = |odds: f64| Some(merged.quantile(fraction(odds))?.value as f64);
    let (low, high) = (end(odds - reach)?, end(odds + reach)?);
    let half_width = f64::max(high - value, value - low);
    let slope = if error > 0.0 {
        half_width / (t * error)
    } else {
        0.0
    };
    let each = excess.iter().map(|x| value - slope * x * runs / total);
    let by_counts = p * (1.0 - p) / (error * error);
    let effective = by_counts.min(by_means(replications, merged)).min(total);
    Some(Inversion {
        half_width,
        each: each.collect(),
        beyond: effective * p.min(1.0 - p),
    })
}

/// Observations over how much more the means of replications vary than those of independent ones would.
fn by_means(replications: &[&LatencyHistogram], merged: &LatencyHistogram) -> f64 {
    let total = merged.count() as f64;
    let means: Vec<f64> = replications.iter().filter_map(|h| h.mean()).collect();
    let each = total / means.len().max(1) as f64;
    match merged.variance() {
        Some(naive) if means.len() > 1 && variance(&means) * each > naive => {
            total * naive / (variance(&means) * each)
        }
        _ => total,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        values.into_iter().for_each(|value| histogram.record(value));
        histogram
    }

    fn of(p: f64, replications: &[LatencyHistogram]) -> Inversion {
        let mut merged = LatencyHistogram::new();
        replications.iter().for_each(|h| merged.merge(h));
        let list: Vec<&LatencyHistogram> = replications.iter().collect();
        inversion(p, &list, &merged, 0.95).expect("an interval")
    }

    /// By hand. The values 1 to 200 in two replications of 100: the odd ones with 12 of the even, so that 44 of
    /// the first and 56 of the second are at most 100. Excesses of −6 and 6: error √(2 · 72)/200 = 0.06,
    /// t(1) = 12.7062, reach 12.7062 · 0.06/0.25 = 3.0495 in log odds, fractions 1/(1 + e^±3.0495) = 0.04524 and
    /// 0.95476: the 10th and the 191st value, of which the second is further from the 100th.
    #[test]
    fn an_interval_by_hand() {
        let first = (1..=44).chain(101..=156);
        let second = (45..=100).chain(157..=200);
        let found = of(0.5, &[histogram(first), histogram(second)]);
        assert_eq!(found.half_width, 91.0);
        // The mean is the pooled quantile, and t · s/√2 the half-width.
        let [a, b] = found.each[..] else { panic!() };
        assert!(((a + b) / 2.0 - 100.0).abs() < 1e-9);
        assert!((12.706_204_736 * (a - b).abs() / 2.0 - 91.0).abs() < 1e-6);
        assert!(a > b, "the first has fewer values below the quantile");
        // 0.25/0.06² = 69.4 effective observations, or fewer by their means.
        assert!(found.beyond <= 0.5 * 69.45);
    }

    #[test]
    fn replications_that_agree_have_no_width() {
        let same = || histogram((1..=1_000).map(|n| 10 * n));
        let found = of(0.9, &[same(), same(), same()]);
        assert_eq!(found.half_width, 0.0);
        assert!(found.each.iter().all(|value| *value == found.each[0]));
        assert!((found.beyond - 300.0).abs() < 1e-9);
    }

    /// One replication with all that is long: the others say nothing about the tail.
    #[test]
    fn one_long_replication_is_not_enough() {
        let short = || histogram((1..=400).map(|n| 1_000 + n));
        let long = histogram((1..=400).map(|n| 1_000_000 + n));
        let found = of(0.9, &[short(), short(), short(), long]);
        assert!(found.beyond < 1.0 && !found.enough(), "{found:?}");
    }

    #[test]
    fn an_atom_is_known_exactly() {
        let each: Vec<_> = (0..4)
            .map(|n| {
                histogram(std::iter::repeat_n(50, 990 + n).chain(std::iter::repeat_n(90, 10 - n)))
            })
            .collect();
        let found = of(0.95, &each);
        assert_eq!(found.half_width, 0.0, "{found:?}");
    }

    #[test]
    fn nothing_comes_of_nothing() {
        let empty = LatencyHistogram::new();
        assert_eq!(inversion(0.5, &[&empty, &empty], &empty, 0.95), None);
        let one = histogram([1, 2, 3]);
        assert_eq!(inversion(0.5, &[&one], &one, 0.95), None);
        assert_eq!(inversion(0.5, &[&one, &one], &one, 1.0), None);
        assert_eq!(inversion(1.0, &[&one, &one], &one, 0.95), None);
    }
}
