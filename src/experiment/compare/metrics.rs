//! The metrics of a comparison: one value a replication and policy.

use crate::result::{Better, Replication, ReplicationGpu, ReplicationGuest, RunResult};

/// A metric of one GPU or guest group.
pub(super) struct Row {
    pub of: String,
    /// `gpu` or `guest`.
    pub kind: &'static str,
    pub metric: &'static str,
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

type OfGpu = fn(&ReplicationGpu) -> Option<f64>;
type OfGuest = fn(&ReplicationGuest) -> Option<f64>;

const GPU: [(&str, &str, Better, OfGpu); 6] = [
    ("antt", "", Better::Lower, |gpu| gpu.antt),
    ("stp", "", Better::Higher, |gpu| gpu.stp),
    ("jain_progress", "", Better::Higher, |gpu| gpu.jain_progress),
    ("jain_gpu_time", "", Better::Higher, |gpu| gpu.jain_gpu_time),
    ("longest_starvation", "ns", Better::Lower, |gpu| {
        Some(gpu.longest_starvation_ns as f64)
    }),
    ("switching", "fraction", Better::Lower, |gpu| {
        Some(gpu.switching_sm_ns as f64 / gpu.total_sm_ns.max(1) as f64)
    }),
];

const GUEST: [(&str, &str, Better, OfGuest); 6] = [
    ("throughput", "1/s", Better::Higher, |guest| {
        Some(guest.throughput_per_s)
    }),
    ("mean", "ns", Better::Lower, |guest| guest.mean_response_ns),
    ("p50", "ns", Better::Lower, |guest| {
        guest.p50_response_ns.map(|ns| ns as f64)
    }),
    ("p95", "ns", Better::Lower, |guest| {
        guest.p95_response_ns.map(|ns| ns as f64)
    }),
    ("p99", "ns", Better::Lower, |guest| {
        guest.p99_response_ns.map(|ns| ns as f64)
    }),
    ("slowdown", "", Better::Lower, |guest| guest.slowdown),
];

/// All metrics of results that differ in their schedulers only.
pub(super) fn rows(results: &[RunResult]) -> Vec<Row> {
    let mut rows = Vec::new();
    let each = |value: &dyn Fn(&Replication) -> Option<f64>| -> Vec<Vec<Option<f64>>> {
        let of = |result: &RunResult| result.replications.iter().map(value).collect();
        results.iter().map(of).collect()
    };
    for (index, gpu) in results[0].gpus.iter().enumerate() {
        for (metric, unit, better, value) in GPU {
            rows.push(Row {
                of: gpu.name.clone(),
                kind: "gpu",
                metric,
                unit,
                better,
                values: each(&|replication| value(&replication.gpus[index])),
                notes: results
                    .iter()
                    .map(|result| note_of_gpu(result, &gpu.name, metric))
                    .collect(),
            });
        }
    }
    for (index, group) in results[0].guests.iter().enumerate() {
        for (metric, unit, better, value) in GUEST {
            rows.push(Row {
                of: group.name.clone(),
                kind: "guest",
                metric,
                unit,
                better,
                values: each(&|replication| value(&replication.guests[index])),
                notes: results
                    .iter()
                    .map(|result| note_of_guest(result, index, metric))
                    .collect(),
            });
        }
    }
    rows
}

/// What rests on the latency of an overloaded guest is only a bound.
fn note_of_gpu(result: &RunResult, gpu: &str, metric: &str) -> Option<String> {
    let from_slowdowns = matches!(metric, "antt" | "stp" | "jain_progress");
    let mut guests = result.guests.iter().filter(|guest| guest.is_on(gpu));
    let overloaded = guests.find(|guest| guest.overload.is_some());
    match overloaded {
        Some(guest) if from_slowdowns => Some(format!("{} is overloaded", guest.name)),
        _ => None,
    }
}

fn note_of_guest(result: &RunResult, index: usize, metric: &str) -> Option<String> {
    let group = &result.guests[index];
    if metric != "throughput" && group.overload.is_some() {
        return Some("overloaded: at least".to_owned());
    }
    let p = match metric {
        "p50" => 0.5,
        "p95" => 0.95,
        "p99" => 0.99,
        _ => return None,
    };
    // A quantile of a replication needs as much data here as in a report.
    let found = group.response.quantiles.iter();
    let mut found = found.filter(|quantile| (quantile.p - p).abs() < 1e-9);
    found.next().and_then(|quantile| quantile.note.clone())
}
