//! From figures of replications to estimates with intervals.

use crate::result::{Estimate, QuantileEstimate};
use crate::stats::histogram::LatencyHistogram;
use crate::stats::interval::t_interval;
use crate::stats::jackknife::jackknife;
use crate::stats::moments::sum;
use crate::stats::quantile::{effective_observations, enough_for_quantile, sectioning_interval};

/// Nothing to estimate, for a reason.
pub(super) fn nothing(note: &str) -> Estimate {
    Estimate {
        value: None,
        half_width: None,
        n: 0,
        method: "none".to_owned(),
        note: Some(note.to_owned()),
    }
}

const ONE: &str = "one replication: no interval";

/// The mean of one value a replication, with its t interval.
pub(super) fn mean(values: &[Option<f64>], confidence: f64, empty: &str) -> Estimate {
    let present: Vec<f64> = values.iter().copied().flatten().collect();
    if present.is_empty() {
        return nothing(empty);
    }
    let interval = t_interval(&present, confidence);
    let missing = values.len() - present.len();
    let note = match interval {
        None => Some(ONE.to_owned()),
        Some(_) if missing > 0 => Some(format!("{missing} replications without a value")),
        Some(_) => None,
    };
    Estimate {
        value: Some(sum(present.iter().copied()) / present.len() as f64),
        half_width: interval.map(|interval| interval.half_width),
        n: present.len() as u32,
        method: "t over replications".to_owned(),
        note,
    }
}

/// The mean of a value that every replication has.
pub(super) fn mean_of(values: impl IntoIterator<Item = f64>, confidence: f64) -> Estimate {
    let values: Vec<_> = values.into_iter().map(Some).collect();
    mean(&values, confidence, "no replications")
}

/// A smooth function of sums over replications, with its jackknife interval. `sums` are rows, one a
/// replication; `statistic` gets their totals and answers `None` where it is undefined.
pub(super) fn of_sums<const N: usize>(
    sums: &[[f64; N]],
    confidence: f64,
    empty: &str,
    statistic: impl Fn([f64; N]) -> Option<f64>,
) -> Estimate {
    let totals = |out: Option<usize>| {
        let mut totals = [0.0; N];
        for (column, total) in totals.iter_mut().enumerate() {
            let kept = sums.iter().enumerate().filter(|(row, _)| Some(*row) != out);
            *total = sum(kept.map(|(_, row)| row[column]));
        }
        statistic(totals)
    };
    let Some(value) = totals(None) else {
        return nothing(empty);
    };
    let n = sums.len();
    let interval = if n < 2 || (0..n).any(|row| totals(Some(row)).is_none()) {
        None
    } else {
        jackknife(n, confidence, |out| totals(out).unwrap_or(f64::NAN))
    };
    let note = match (n, interval) {
        (1, _) => Some(ONE.to_owned()),
        (_, None) => Some("too few replications with a value for an interval".to_owned()),
        _ => None,
    };
    Estimate {
        value: Some(value),
        half_width: interval.map(|interval| interval.half_width),
        n: n as u32,
        method: "jackknife over replications".to_owned(),
        note,
    }
}

/// A ratio of two sums.
pub(super) fn ratio(sums: &[[f64; 2]], confidence: f64, empty: &str) -> Estimate {
    of_sums(sums, confidence, empty, |[over, under]| {
        (under > 0.0).then(|| over / under)
    })
}

/// Quantiles beyond this one need at least [`EXTREME_COUNT`] observations to be reported at all.
const EXTREME: f64 = 0.999;
const EXTREME_COUNT: u64 = 10_000;

/// The quantile of the merged histogram with its sectioning interval.
pub(super) fn quantile(
    p: f64,
    replications: &[&LatencyHistogram],
    merged: &LatencyHistogram,
    confidence: f64,
) -> QuantileEstimate {
    let without = |value_ns, note: String| QuantileEstimate {
        p,
        value_ns,
        half_width_ns: None,
        note: Some(note),
    };
    let Some(pooled) = merged.quantile(p) else {
        return without(None, "no jobs completed".to_owned());
    };
    if p >= EXTREME && merged.count() < EXTREME_COUNT {
        let count = merged.count();
        return without(
            None,
            format!("not reported: {count} jobs, fewer than {EXTREME_COUNT}"),
        );
    }
    if replications.len() < 2 {
        return without(Some(pooled.value), ONE.to_owned());
    }
    if !enough(p, replications) {
        return without(
            Some(pooled.value),
            "not enough data for an interval".to_owned(),
        );
    }
    let each: Vec<f64> = replications
        .iter()
        .filter_map(|histogram| histogram.quantile(p))
        .map(|quantile| quantile.value as f64)
        .collect();
    match sectioning_interval(pooled.value as f64, &each, confidence) {
        Some(interval) => QuantileEstimate {
            p,
            value_ns: Some(pooled.value),
            half_width_ns: Some(interval.half_width + pooled.half_width),
            note: None,
        },
        None => without(
            Some(pooled.value),
            "too few replications for an interval".to_owned(),
        ),
    }
}

/// Whether each replication has enough effective observations. Correlation is judged from how much
/// more the means of the replications vary than independent observations would make them.
fn enough(p: f64, replications: &[&LatencyHistogram]) -> bool {
    let means: Vec<f64> = replications.iter().filter_map(|h| h.mean()).collect();
    let counts: Vec<u64> = replications.iter().map(|h| h.count()).collect();
    let total: u64 = counts.iter().sum();
    if means.len() < replications.len() || total == 0 {
        return false;
    }
    let per_replication = total as f64 / counts.len() as f64;
    let constant = crate::stats::moments::variance(&means) * per_replication;
    let naive = replications
        .iter()
        .filter_map(|h| h.variance())
        .fold(0.0, f64::max);
    let least = counts.iter().copied().min().unwrap_or(0);
    enough_for_quantile(p, effective_observations(least, naive, constant))
}
