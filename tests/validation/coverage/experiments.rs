//! Many small experiments, each through the door that a user's scenario goes through.

use std::num::NonZero;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use warpshare::experiment::{Options, Silent, run};
use warpshare::result::RunResult;
use warpshare::scenario::Scenario;
use warpshare::stats::moments::mean;

/// Independent experiments on each model.
pub const EXPERIMENTS: usize = 1_000;
/// Replications of each: the least of docs/statistics.md.
pub const REPLICATIONS: u32 = 20;

/// A figure of a report whose exact value is known.
#[derive(Clone)]
pub struct Target {
    pub name: &'static str,
    /// In units of the catalogue.
    pub exact: f64,
    /// Estimate and half-width of its interval, in these units.
    pub reported: fn(&RunResult) -> Option<(f64, f64)>,
    pub quantile: bool,
    /// Least and largest part of the intervals that may hold the exact value.
    pub band: (f64, f64),
}

/// A model and what is known about it.
pub struct Experiment {
    pub case: &'static str,
    pub parameters: &'static str,
    pub scenario: Scenario,
    targets: Vec<Target>,
    /// Tells the seeds of models apart.
    family: u64,
}

impl Experiment {
    pub fn new(
        case: &'static str,
        parameters: &'static str,
        family: u64,
        mut scenario: Scenario,
    ) -> Self {
        scenario.run.replications = REPLICATIONS;
        Experiment {
            case,
            parameters,
            scenario,
            targets: Vec::new(),
            family,
        }
    }

    /// One long run, whose interval comes from batches.
    pub fn in_one_run(mut self) -> Self {
        self.scenario.run.replications = 1;
        self
    }

    pub fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }
}

/// What the experiments on one target found.
pub struct Found {
    pub case: &'static str,
    pub target: Target,
    /// Of a replication, in units of the catalogue.
    pub warmup: u64,
    pub window: u64,
    /// (estimate, half-width) of each experiment that reported an interval.
    pub intervals: Vec<(f64, f64)>,
    /// Experiments that reported none.
    pub without: usize,
}

impl Found {
    fn holding(&self) -> usize {
        let exact = self.target.exact;
        let holds = |(value, half): &&(f64, f64)| (value - exact).abs() <= *half;
        self.intervals.iter().filter(holds).count()
    }

    /// Part of the reported intervals that hold the exact value.
    pub fn coverage(&self) -> f64 {
        self.holding() as f64 / self.intervals.len() as f64
    }

    pub fn half_width(&self) -> f64 {
        mean(&self.intervals.iter().map(|i| i.1).collect::<Vec<_>>())
    }

    /// Of the estimates, in mean half-widths.
    pub fn bias(&self) -> f64 {
        let values: Vec<f64> = self.intervals.iter().map(|i| i.0).collect();
        (mean(&values) - self.target.exact) / self.half_width()
    }
}

/// All experiments, run once in this process.
pub static OUTCOME: LazyLock<Vec<Found>> =
    LazyLock::new(|| super::models::all().iter().flat_map(carry_out).collect());

fn carry_out(experiment: &Experiment) -> Vec<Found> {
    let targets = &experiment.targets;
    let reported = each(EXPERIMENTS, |index| {
        let result = result(experiment, index);
        let figures = targets.iter().map(|target| (target.reported)(&result));
        figures.collect::<Vec<_>>()
    });
    let units = |nanos: u64| (nanos as f64 / crate::theory::measure::UNIT) as u64;
    let found = targets.iter().enumerate().map(|(place, target)| {
        let intervals: Vec<_> = reported.iter().filter_map(|row| row[place]).collect();
        Found {
            case: experiment.case,
            target: target.clone(),
            warmup: units(experiment.scenario.run.warmup),
            window: units(experiment.scenario.run.window),
            without: reported.len() - intervals.len(),
            intervals,
        }
    });
    found.collect()
}

/// The report of one experiment: its own seed, and the whole path of the product.
pub fn result(experiment: &Experiment, index: usize) -> RunResult {
    let mut scenario = experiment.scenario.clone();
    scenario.run.seed = experiment.family * 1_000_000 + index as u64;
    let options = Options {
        threads: Some(1),
        ..Options::default()
    };
    run(&scenario, &options, &Silent).expect("a scenario that runs")
}

/// What `work` makes of 0, 1, …, in this order; on all processors.
pub fn each<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let some = || {
            let mut mine = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return mine;
                }
                mine.push((index, work(index)));
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(some)).collect();
        let each = workers.into_iter().map(|worker| worker.join());
        each.flat_map(|done| done.expect("a worker")).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, made)| made).collect()
}
