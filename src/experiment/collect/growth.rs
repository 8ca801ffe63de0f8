//! Remarks on responses that grow over a terminating window: its figures are of that length and no other.

use super::Shared;
use crate::scenario::{Horizon, Scenario};
use crate::sim::Schedule;
use crate::stats::interval::t_interval;

/// The first and the last part of the window that are compared: one in so many.
const PART: usize = 3;
/// How much longer the responses of the last part must be.
const FACTOR: f64 = 1.5;
/// Jobs that each part must have, over all replications.
const LEAST: u64 = 20;

/// One remark for each guest group whose responses grow.
pub(super) fn remarks(scenario: &Scenario, shared: &Shared) -> Vec<String> {
    if scenario.run.horizon != Horizon::Terminating {
        return Vec::new();
    }
    let groups = 0..scenario.guests.len();
    groups
        .filter_map(|group| remark(scenario, shared, group))
        .collect()
}

fn remark(scenario: &Scenario, shared: &Shared, group: usize) -> Option<String> {
    let end = Schedule::new(&scenario.run).end;
    let mut differences = Vec::new();
    let mut totals = [(0u128, 0u64); 2];
    for replication in shared.each_replication() {
        let series = &shared.group(replication, group).series;
        let part = series.len() / PART;
        let sum = |bins: &[(u128, u64)]| {
            bins.iter()
                .fold((0u128, 0u64), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1))
        };
        let parts = [sum(&series[..part]), sum(&series[series.len() - part..])];
        for (total, part) in totals.iter_mut().zip(parts) {
            total.0 += part.0;
            total.1 += part.1;
        }
        let [first, last] = parts.map(mean);
        differences.push(last? - first?);
    }
    if totals.iter().any(|total| total.1 < LEAST) {
        return None;
    }
    let [first, last] = totals.map(mean);
    let (first, last) = (first?, last?);
    // With one replication chance cannot be judged; the factor alone decides.
    let beyond_chance = match t_interval(&differences, scenario.run.confidence) {
        Some(interval) => interval.low() > 0.0,
        None => true,
    };
    (last > FACTOR * first && beyond_chance).then(|| {
        format!(
            "the response of {} grows over the window: {} on average for jobs of its first third, {} for those \
             of its last ({} window); over a longer period it would be longer",
            scenario.guests[group].name,
            milliseconds(first),
            milliseconds(last),
            milliseconds(end as f64),
        )
    })
}

fn mean((sum, jobs): (u128, u64)) -> Option<f64> {
    (jobs > 0).then(|| sum as f64 / jobs as f64)
}

/// A duration as people read it, to three digits.
fn milliseconds(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns >= 1e9 => (ns / 1e9, "s"),
        ns => (ns / 1e6, "ms"),
    };
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}")
}
