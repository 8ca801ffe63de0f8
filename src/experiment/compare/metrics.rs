//! The metrics of a comparison: one value a replication and policy.

use crate::metrics::{Chosen, Once, Scope, Statistic, of_scope};
use crate::result::{Better, GroupResult, Replication, RunResult};

/// A metric of one GPU or guest group.
pub(super) struct Row {
    pub of: String,
    /// `gpu` or `guest`.
    pub kind: &'static str,
    pub metric: String,
    pub unit: &'static str,
    pub better: Better,
    /// By policy, then replication.
    pub values: Vec<Vec<Option<f64>>>,
    /// By policy: why the values are not compared.
    pub notes: Vec<Option<String>>,
}

impl Row {
    /// The values under one policy, if all are there and can be compared.
    pub fn whole(&self, policy: usize) -> Option<Vec<f64>> {
        if self.notes[policy].is_some() {
            return None;
        }
        self.values[policy].iter().copied().collect()
    }
}

/// What is compared, of all that a result has: of GPUs, then of guest groups.
const GPU: [&str; 6] = [
    "antt",
    "stp",
    "jain_progress",
    "jain_gpu_time",
    "longest_starvation",
    "switching",
];
const GUEST: [&str; 6] = [
    "throughput",
    "response.mean",
    "response.p50",
    "response.p95",
    "response.p99",
    "slowdown",
];

/// The metrics of these names, in the order of the names, each with the way that is better.
fn chosen(scope: Scope, names: &[&str]) -> Vec<(Chosen, Better)> {
    let all = of_scope(scope, &[]);
    let named = names.iter().flat_map(|name| {
        let found = all.iter().filter(|metric| metric.name(".") == *name);
        found.filter_map(|metric| Some((metric.clone(), metric.metric.better?)))
    });
    named.collect()
}

/// All metrics of results that differ in their schedulers only.
pub(super) fn rows(results: &[RunResult]) -> Vec<Row> {
    let mut rows = Vec::new();
    let each = |value: &dyn Fn(&Replication, &RunResult) -> Option<f64>| -> Vec<Vec<Option<f64>>> {
        let of = |result: &RunResult| {
            let each = result.replications.iter();
            each.map(|replication| value(replication, result)).collect()
        };
        results.iter().map(of).collect()
    };
    for (index, gpu) in results[0].gpus.iter().enumerate() {
        for (metric, better) in chosen(Scope::Gpu, &GPU) {
            rows.push(Row {
                of: gpu.name.clone(),
                kind: "gpu",
                metric: metric.short_name(),
                unit: metric.metric.unit.name(),
                better,
                values: each(&|replication, result| {
                    metric.once(Once::Gpu(&replication.gpus[index]), result.plan.window_ns)
                }),
                notes: results
                    .iter()
                    .map(|result| note_of_gpu(result, &gpu.name, &metric))
                    .collect(),
            });
        }
    }
    for (index, group) in results[0].guests.iter().enumerate() {
        for (metric, better) in chosen(Scope::Group, &GUEST) {
            rows.push(Row {
                of: group.name.clone(),
                kind: "guest",
                metric: metric.short_name(),
                unit: metric.metric.unit.name(),
                better,
                values: each(&|replication, result| {
                    let once = Once::Guest(&replication.guests[index], &result.guests[index]);
                    metric.once(once, result.plan.window_ns)
                }),
                notes: results
                    .iter()
                    .map(|result| note_of_guest(&result.guests[index], &metric))
                    .collect(),
            });
        }
    }
    rows
}

/// What rests on the latency of an overloaded guest is only a bound.
fn note_of_gpu(result: &RunResult, gpu: &str, metric: &Chosen) -> Option<String> {
    let mut guests = result.guests.iter().filter(|guest| guest.gpu == gpu);
    let overloaded = guests.find(|guest| guest.overload.is_some())?;
    let bounded = metric.metric.bounded;
    bounded.then(|| format!("{} is overloaded", overloaded.name))
}

fn note_of_guest(group: &GroupResult, metric: &Chosen) -> Option<String> {
    let figure = metric.figure(group.into())?;
    if figure.lower_bound {
        return Some("overloaded: at least".to_owned());
    }
    // A quantile of a replication needs as much data here as in a report.
    let quantile = matches!(metric.statistic, Some(Statistic::Quantile(_)));
    (quantile && !figure.note.is_empty()).then(|| figure.note.to_owned())
}
