//! From figures of replications to estimates with intervals.

use crate::engine::time::Nanos;
use crate::result::{Estimate, Method, QuantileEstimate, Reason, Remedy};
use crate::scenario::Scenario;
use crate::stats::histogram::LatencyHistogram;
use crate::stats::interval::t_interval;
use crate::stats::jackknife::pseudo_values;
use crate::stats::moments::sum;
use crate::stats::pooled::{Inversion, LEAST_BEYOND, inversion};
use crate::stats::quantile::{effective_observations, enough_for_quantile, sectioning_interval};

/// What intervals rest on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Confidence {
    /// Such as 0.95.
    pub level: f64,
    /// Whether replications differ by chance. If not they are all the same: there is no interval.
    pub chance: bool,
    /// Length of each replication's window.
    pub window: Nanos,
}

impl Confidence {
    fn new(scenario: &Scenario, chance: bool) -> Confidence {
        Confidence {
            level: scenario.run.confidence,
            chance,
            window: scenario.run.window,
        }
    }

    /// Of a guest group's figures.
    pub fn of_group(scenario: &Scenario, group: usize) -> Confidence {
        Confidence::new(scenario, scenario.chance_reaches(group))
    }

    /// Of the figures of a GPU with all its guests.
    pub fn of_gpu(scenario: &Scenario, gpu: usize) -> Confidence {
        let all = 0..scenario.guests.len();
        let mut on = all
            .filter(|&group| scenario.guests[group].count_on(gpu) > 0)
            .peekable();
        // Where nobody is, zero is what chance gives too.
        let chance = on.peek().is_none() || on.any(|group| scenario.chance_reaches(group));
        Confidence::new(scenario, chance)
    }

    /// Of what all guests share.
    pub fn of_all(scenario: &Scenario) -> Confidence {
        Confidence::new(scenario, scenario.has_chance())
    }
}

/// Nothing to estimate, for a reason.
pub(super) fn nothing(note: Reason) -> Estimate {
    Estimate {
        value: None,
        half_width: None,
        n: 0,
        method: Method::None,
        note: Some(note),
        each: Vec::new(),
    }
}

/// A value of replications that are all the same.
fn without_chance(value: f64, each: Vec<f64>) -> Estimate {
    Estimate {
        value: Some(value),
        half_width: None,
        n: each.len() as u32,
        method: Method::NoChance,
        note: Some(Reason::NothingDrawn),
        each,
    }
}

/// The mean of one value a replication, with its t interval.
pub(super) fn mean(values: &[Option<f64>], confidence: Confidence, empty: Reason) -> Estimate {
    let present: Vec<f64> = values.iter().copied().flatten().collect();
    if present.is_empty() {
        return nothing(empty);
    }
    let value = sum(present.iter().copied()) / present.len() as f64;
    let missing = values.len() - present.len();
    if !confidence.chance {
        return without_chance(value, present);
    }
    let interval = t_interval(&present, confidence.level);
    let note = match interval {
        None => Some(Reason::OneReplication),
        Some(_) if missing > 0 => Some(Reason::ReplicationsWithout {
            replications: missing as u32,
        }),
        Some(_) => None,
    };
    Estimate {
        value: Some(value),
        half_width: interval.map(|interval| interval.half_width),
        n: present.len() as u32,
        method: Method::T,
        note,
        each: if missing == 0 { present } else { Vec::new() },
    }
}

/// The mean of a value that every replication has.
pub(super) fn mean_of(values: impl IntoIterator<Item = f64>, confidence: Confidence) -> Estimate {
    let values: Vec<_> = values.into_iter().map(Some).collect();
    mean(&values, confidence, Reason::NoReplications)
}

/// A smooth function of sums over replications, with its jackknife interval. `sums` are rows, one a
/// replication; `statistic` gets their totals and answers `None` where it is undefined.
pub(super) fn of_sums<const N: usize>(
    sums: &[[f64; N]],
    confidence: Confidence,
    empty: Reason,
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
    if !confidence.chance {
        return without_chance(value, vec![value; n]);
    }
    let pseudo = if n < 2 || (0..n).any(|row| totals(Some(row)).is_none()) {
        None
    } else {
        Some(pseudo_values(n, |out| totals(out).unwrap_or(f64::NAN)))
    };
    let interval = pseudo
        .as_ref()
        .and_then(|values| t_interval(values, confidence.level));
    let note = match (n, interval) {
        (1, _) => Some(Reason::OneReplication),
        (_, None) => Some(Reason::TooFewReplications),
        _ => None,
    };
    // Around the value that is reported, which the jackknife corrects for its bias.
    let around = |interval: crate::stats::interval::Interval| {
        let shift = value - interval.mean;
        let values = pseudo.iter().flatten();
        values.map(|pseudo| pseudo + shift).collect()
    };
    Estimate {
        value: Some(value),
        half_width: interval.map(|interval| interval.half_width),
        n: n as u32,
        method: Method::Jackknife,
        note,
        each: interval.map(around).unwrap_or_default(),
    }
}

/// A ratio of two sums.
pub(super) fn ratio(sums: &[[f64; 2]], confidence: Confidence, empty: Reason) -> Estimate {
    of_sums(sums, confidence, empty, |[over, under]| {
        (under > 0.0).then(|| over / under)
    })
}

/// Quantiles beyond this one need at least [`EXTREME_COUNT`] observations to be reported at all.
const EXTREME: f64 = 0.999;
const EXTREME_COUNT: u64 = 10_000;

/// The quantile of the merged histogram with its interval: by sectioning where each replication is long enough to
/// have a quantile of its own, by inverting the pooled distribution function where they are so only together.
pub(super) fn quantile(
    p: f64,
    replications: &[&LatencyHistogram],
    merged: &LatencyHistogram,
    confidence: Confidence,
) -> QuantileEstimate {
    let without = |value_ns, note| QuantileEstimate {
        p,
        value_ns,
        half_width_ns: None,
        method: Method::None,
        note: Some(note),
        each: Vec::new(),
        resolution_ns: 0.0,
    };
    let Some(pooled) = merged.quantile(p) else {
        return without(None, Reason::NoJobsEnded);
    };
    let count = merged.count();
    let runs = replications.len();
    if p >= EXTREME && count < EXTREME_COUNT {
        let more = EXTREME_COUNT as f64 / count as f64;
        let note = Reason::NotReported {
            jobs: count,
            least: EXTREME_COUNT,
            remedy: remedy(runs, confidence, more),
        };
        return without(None, note);
    }
    if !confidence.chance {
        return QuantileEstimate {
            each: vec![pooled.value as f64; runs],
            method: Method::NoChance,
            ..without(Some(pooled.value), Reason::NothingDrawn)
        };
    }
    if runs < 2 {
        return without(Some(pooled.value), Reason::OneReplication);
    }
    let found = |half_width: f64, method, each: Vec<f64>| QuantileEstimate {
        p,
        value_ns: Some(pooled.value),
        half_width_ns: Some(half_width + pooled.half_width),
        method,
        note: None,
        each,
        resolution_ns: pooled.half_width,
    };
    if enough(p, replications) {
        let each: Vec<f64> = replications
            .iter()
            .filter_map(|histogram| histogram.quantile(p))
            .map(|quantile| quantile.value as f64)
            .collect();
        if let Some(interval) = sectioning_interval(pooled.value as f64, &each, confidence.level) {
            return found(interval.half_width, Method::Sectioning, each);
        }
    }
    match inversion(p, replications, merged, confidence.level) {
        Some(inverted) if inverted.enough() => {
            found(inverted.half_width, Method::Inversion, inverted.each)
        }
        inverted => {
            let beyond = inverted.map_or(0.0, |inverted: Inversion| inverted.beyond);
            let note = too_little(count, (p, beyond), runs, confidence);
            without(Some(pooled.value), note)
        }
    }
}

/// Jobs that count as fewer than so many independent ones in a replication, although there are at least so many
/// times more, are alike throughout it: a longer one would hardly count for more.
const ALIKE: f64 = 10.0;

/// How many jobs an interval needs, if further ones depend on each other as those at hand do, and what gives
/// them; `beyond` of those at hand count as independent ones beyond the quantile.
fn too_little(count: u64, (p, beyond): (f64, f64), runs: usize, confidence: Confidence) -> Reason {
    if beyond <= 0.0 {
        return Reason::TooLittleData;
    }
    let more = LEAST_BEYOND / beyond;
    let jobs = rounded_up(count as f64 * more);
    let independent = beyond / p.min(1.0 - p);
    if independent < ALIKE * runs as f64 && independent * ALIKE <= count as f64 && confidence.chance
    {
        let replications = (runs as f64 * more).ceil() as u64;
        return Reason::AlikeJobs { replications };
    }
    Reason::TooFewJobs {
        jobs: count,
        needed: jobs as u64,
        remedy: remedy(runs, confidence, more),
    }
}

/// The keys of `[run]` that give so many times the data.
fn remedy(runs: usize, confidence: Confidence, more: f64) -> Remedy {
    let replications = (runs as f64 * more).ceil();
    let duration = rounded_up(confidence.window as f64 * more);
    let possible = duration < crate::engine::time::LONGEST as f64 / 4.0;
    Remedy {
        replications: (confidence.chance && replications <= 10_000.0)
            .then_some(replications as u64),
        duration_ns: possible.then_some(duration as u64),
    }
}

/// Two digits, rounded up: more would claim to be known.
fn rounded_up(value: f64) -> f64 {
    let mut unit = 1.0;
    while value / unit >= 100.0 {
        unit *= 10.0;
    }
    (value / unit).ceil() * unit
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

#[cfg(test)]
mod tests {
    use super::*;

    const SURE: Confidence = Confidence {
        level: 0.95,
        chance: true,
        window: 30_000_000_000,
    };

    fn histograms(runs: u64, jobs: u64) -> Vec<LatencyHistogram> {
        let one = |run| {
            let mut found = LatencyHistogram::new();
            // The same values for all but for a shift: as good as independent.
            (0..jobs).for_each(|n| found.record(1_000 + 10 * n + (run * 7) % 10));
            found
        };
        (0..runs).map(one).collect()
    }

    fn of(p: f64, each: &[LatencyHistogram], confidence: Confidence) -> QuantileEstimate {
        let mut merged = LatencyHistogram::new();
        each.iter().for_each(|h| merged.merge(h));
        quantile(p, &each.iter().collect::<Vec<_>>(), &merged, confidence)
    }

    #[test]
    fn short_replications_have_an_interval_together() {
        // 20 values each: a p95 needs 60 in each for sectioning; 15 replications have 15 beyond it.
        let found = of(0.95, &histograms(15, 20), SURE);
        assert!(found.half_width_ns.is_some(), "{found:?}");
        assert_eq!(found.method, Method::Inversion);
        let long = of(0.95, &histograms(15, 100), SURE);
        assert!(long.half_width_ns.is_some() && long.method == Method::Sectioning);
    }

    #[test]
    fn what_is_missing_is_said_with_the_keys_that_supply_it() {
        // 5 · 20 values have 5 beyond p95, of 10: twice as many are needed.
        let found = of(0.95, &histograms(5, 20), SURE);
        assert_eq!(found.half_width_ns, None);
        let twice = Remedy {
            replications: Some(10),
            duration_ns: Some(60_000_000_000),
        };
        let short = Reason::TooFewJobs {
            jobs: 100,
            needed: 200,
            remedy: twice.clone(),
        };
        assert_eq!(found.note, Some(short));
        // And they are enough.
        assert!(of(0.95, &histograms(10, 20), SURE).half_width_ns.is_some());
        assert!(of(0.95, &histograms(5, 40), SURE).half_width_ns.is_some());
        let extreme = of(0.999, &histograms(5, 1_000), SURE);
        let rare = Reason::NotReported {
            jobs: 5_000,
            least: EXTREME_COUNT,
            remedy: twice,
        };
        assert_eq!(extreme.note, Some(rare));
    }

    /// 1,000 jobs in each of five replications, those of one all the same: longer ones would not help.
    #[test]
    fn where_jobs_are_alike_only_replications_help() {
        let all_of_one = |value: u64| {
            let mut histogram = LatencyHistogram::new();
            (0..1_000).for_each(|_| histogram.record(value));
            histogram
        };
        let each: Vec<_> = (1..=5u64).map(|run| all_of_one(run * 1_000_000)).collect();
        let note = of(0.5, &each, SURE).note.expect("a note");
        assert!(matches!(note, Reason::AlikeJobs { .. }), "{note:?}");
    }

    #[test]
    fn without_chance_there_is_no_interval() {
        let confidence = Confidence {
            chance: false,
            ..SURE
        };
        let quantile = of(0.5, &histograms(5, 1_000), confidence);
        let mean = mean_of([3.0, 3.0], confidence);
        let ratio = ratio(&[[6.0, 2.0], [6.0, 2.0]], confidence, Reason::NoJobsEnded);
        assert_eq!(quantile.half_width_ns, None);
        assert_eq!(quantile.note, Some(Reason::NothingDrawn));
        for found in [mean, ratio] {
            assert_eq!((found.value, found.half_width), (Some(3.0), None));
            assert_eq!(found.note, Some(Reason::NothingDrawn));
            assert_eq!(found.each, [3.0, 3.0]);
        }
    }

    /// The values of replications average to what is reported, and their t interval is the interval.
    #[test]
    fn values_of_replications_belong_to_the_estimate() {
        let found = ratio(
            &[[1.0, 1.0], [9.0, 3.0], [4.0, 2.0], [8.0, 2.0]],
            SURE,
            Reason::NoJobsEnded,
        );
        assert_eq!(found.value, Some(22.0 / 8.0));
        let again = t_interval(&found.each, 0.95).expect("an interval");
        assert!((again.mean - 2.75).abs() < 1e-12);
        assert!((again.half_width - found.half_width.expect("one")).abs() < 1e-12);
    }

    #[test]
    fn two_digits_are_rounded_up() {
        for (value, up) in [(7.2, 8.0), (99.0, 99.0), (101.0, 110.0), (1_201.0, 1_300.0)] {
            assert_eq!(rounded_up(value), up);
        }
    }
}
