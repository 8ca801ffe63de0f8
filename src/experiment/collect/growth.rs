//! Responses that grow over a terminating window: its figures are of that length and no other.

use super::Shared;
use crate::result::Growth;
use crate::scenario::{Horizon, Scenario};
use crate::sim::Schedule;
use crate::stats::interval::t_interval;

/// The first and the last part of the window that are compared: one in so many.
const PART: usize = 3;
/// How much longer the responses of the last part must be.
const FACTOR: f64 = 1.5;
/// Jobs that each part must have, over all replications.
const LEAST: u64 = 20;

/// The guest groups whose responses grow.
pub(super) fn growing(scenario: &Scenario, shared: &Shared) -> Vec<Growth> {
    if scenario.run.horizon != Horizon::Terminating {
        return Vec::new();
    }
    let groups = 0..scenario.guests.len();
    groups
        .filter_map(|group| growth(scenario, shared, group))
        .collect()
}

fn growth(scenario: &Scenario, shared: &Shared, group: usize) -> Option<Growth> {
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
    (last > FACTOR * first && beyond_chance).then(|| Growth {
        guest: scenario.guests[group].name.clone(),
        first_ns: first,
        last_ns: last,
        window_ns: end,
    })
}

fn mean((sum, jobs): (u128, u64)) -> Option<f64> {
    (jobs > 0).then(|| sum as f64 / jobs as f64)
}
