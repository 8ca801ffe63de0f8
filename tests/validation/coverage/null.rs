//! A policy against itself: what is found although there is nothing to find.

use super::experiments::{EXPERIMENTS, each, result};
use super::models::turns;
use crate::common::*;
use crate::theory::models::*;
use std::sync::LazyLock;
use warpshare::experiment::compare::{Candidate, Plan, Primary, compare};
use warpshare::experiment::{Options, Silent};
use warpshare::gpu::Charge;
use warpshare::result::{ComparisonResult, Replication, RunResult};
use warpshare::stats::compare::welch;

/// A metric of the trials.
pub struct Null {
    pub metric: &'static str,
    pub trials: usize,
    /// Trials in which Welch's test at 95 % found no difference.
    nothing: usize,
}

impl Null {
    pub fn undecided(&self) -> f64 {
        self.nothing as f64 / self.trials as f64
    }
}

type Of = fn(&Replication) -> Option<f64>;

const METRICS: [(&str, Of); 4] = [
    ("throughput", |r| Some(r.guests[0].ended_in_window as f64)),
    ("mean response", |r| r.guests[0].response.mean_ns()),
    ("p95 of the response", |r| {
        r.guests[0].response.p95_ns.map(|ns| ns as f64)
    }),
    ("switching", |r| {
        Some(r.gpus[0].switching_sm_ns as f64 / r.gpus[0].total_sm_ns as f64)
    }),
];

/// Turns of V23 twice, with seeds of their own on both sides: the streams are independent, so the test
/// is Welch's.
pub static NULL: LazyLock<Vec<Null>> = LazyLock::new(|| {
    // No exact value is asked for: short runs will do.
    let model = turns(50.0, 500.0);
    let values = |result: &RunResult, of: Of| -> Vec<f64> {
        let each = result.replications.iter().map(of);
        each.collect::<Option<_>>().expect("values")
    };
    let trials = each(EXPERIMENTS, |trial| {
        // Seeds beyond those of the coverage of the same model.
        let seed = EXPERIMENTS + 2 * trial;
        let (a, b) = (result(&model, seed), result(&model, seed + 1));
        METRICS.map(|(_, of)| {
            let found = welch(&values(&a, of), &values(&b, of), 0.95).expect("values that vary");
            found.difference.contains(0.0)
        })
    });
    let metrics = METRICS.iter().enumerate().map(|(place, (metric, _))| Null {
        metric,
        trials: trials.len(),
        nothing: trials.iter().filter(|trial| trial[place]).count(),
    });
    metrics.collect()
});

/// A small mix under this scheduler, compared with itself.
pub fn with_itself(scheduler: &str) -> ComparisonResult {
    let mut share = time_slice(scheduler, nanos(2.0));
    share.reserved_turns = (scheduler.starts_with("fixed-share")).then_some(4);
    let mut desktop = guest("desktop", gpu_workload(users(1, 6.0), exp(1.0)));
    desktop.count = 2;
    let guests = vec![
        desktop,
        guest("batch", gpu_workload(users(1, 1.0), exp(20.0))),
        guest("service", gpu_workload(poisson(0.05), exp(2.0))),
    ];
    let device = with_switch(share, 0.1, Charge::PerTenantChange);
    let mut scenario = steady(device, guests, 100.0, 1_000.0);
    scenario.run.replications = 5;
    scenario.run.baselines = true;
    let mut twice = ["once", "again"].map(|name| Candidate {
        name: name.into(),
        scheduler: scheduler.into(),
        scenario: scenario.clone(),
    });
    let plan = Plan {
        primary: Primary::default(),
        precision: None,
        most: 5,
    };
    compare(&mut twice, plan, &Options::default(), &Silent).expect("a comparison")
}
