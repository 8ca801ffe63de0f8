//! The models: rows of the theory's catalogue, in runs that are as short as is honest.

use super::experiments::{Experiment, Target};
use crate::common::*;
use crate::theory::harness::row;
use crate::theory::measure::UNIT;
use crate::theory::models::*;
use warpshare::gpu::Charge;
use warpshare::result::RunResult;
use warpshare::workload::dist::Dist;

/// (case, metric) of the rows of the table that are used here and not by the theory itself.
pub const ROWS: &[(&str, &str)] = &[("V02", "wait_p95")];

/// A band for means: 95 % and three in a hundred on both sides, which leave room for what t intervals
/// lose on skewed means and none for an error of a factor. By chance alone a rate of exactly 95 % leaves
/// it once in a hundred thousand times.
const MEAN: (f64, f64) = (0.92, 0.98);
/// For quantiles: sectioning promises its coverage for long runs only.
const QUANTILE: (f64, f64) = (0.90, 0.99);

type Reported = fn(&RunResult) -> Option<(f64, f64)>;

fn estimate(estimate: &warpshare::result::Estimate, unit: f64) -> Option<(f64, f64)> {
    Some((estimate.value? / unit, estimate.half_width? / unit))
}

fn response(result: &RunResult) -> Option<(f64, f64)> {
    estimate(&result.guests[0].response.mean_ns, UNIT)
}

fn wait(result: &RunResult) -> Option<(f64, f64)> {
    estimate(&result.guests[0].parts.queue_ns, UNIT)
}

/// Jobs in a unit of time.
fn throughput(result: &RunResult) -> Option<(f64, f64)> {
    estimate(&result.guests[0].throughput_per_s, 1e9 / UNIT)
}

fn running(result: &RunResult) -> Option<(f64, f64)> {
    estimate(&result.guests[0].gpu_time_share, 1.0)
}

fn p95(result: &RunResult) -> Option<(f64, f64)> {
    let quantiles = &result.guests[0].response.quantiles;
    let found = quantiles.iter().find(|found| found.p == 0.95)?;
    Some((found.value_ns? as f64 / UNIT, found.half_width_ns? / UNIT))
}

impl Experiment {
    /// An interval of a mean, against this row of the catalogue.
    fn mean(self, name: &'static str, reported: Reported) -> Self {
        let exact = row(self.case, self.parameters, name).value;
        self.target(Target {
            name,
            exact,
            reported,
            quantile: false,
            band: MEAN,
        })
    }

    fn p95(self, exact: f64) -> Self {
        self.target(Target {
            name: "response_p95",
            exact,
            reported: p95,
            quantile: true,
            band: QUANTILE,
        })
    }
}

pub fn all() -> Vec<Experiment> {
    vec![
        one_server(),
        one_long_run(),
        short_runs(),
        fixed_work(),
        pool(),
        turns(100.0, 1_000.0),
        slots(),
    ]
}

/// One server at 0.7: its relaxation time is 37 units.
fn one_server() -> Experiment {
    const PARAMETERS: &str = "lambda=0.7";
    let guest = streams(gpu_workload(poisson(0.7), exp(1.0)), 1);
    let scenario = steady(fifo(), vec![guest], 200.0, 3_500.0);
    Experiment::new("V01", PARAMETERS, 101, scenario)
        .mean("mean_response", response)
        .mean("mean_wait", wait)
        .mean("utilisation", running)
        .p95(row("V01", PARAMETERS, "response_p95").value)
}

/// As long as fifteen or so of the runs above.
fn one_long_run() -> Experiment {
    const PARAMETERS: &str = "lambda=0.7";
    let guest = streams(gpu_workload(poisson(0.7), exp(1.0)), 1);
    let scenario = steady(fifo(), vec![guest], 200.0, 50_000.0);
    let experiment = Experiment::new("V01", PARAMETERS, 151, scenario).in_one_run();
    let exact = row("V01", PARAMETERS, "mean_response").value;
    experiment.target(Target {
        name: "mean_response, one run",
        exact,
        reported: response,
        quantile: false,
        band: MEAN,
    })
}

/// Too short for a quantile of its own, and long enough together: of the jobs of the window above, which is what sectioning
/// asks of each, less than half.
fn short_runs() -> Experiment {
    const PARAMETERS: &str = "lambda=0.7";
    let guest = streams(gpu_workload(poisson(0.7), exp(1.0)), 1);
    let scenario = steady(fifo(), vec![guest], 200.0, 1_500.0);
    Experiment::new("V01", PARAMETERS, 161, scenario).target(Target {
        name: "response_p95, short runs",
        exact: row("V01", PARAMETERS, "response_p95").value,
        reported: p95,
        quantile: true,
        band: QUANTILE,
    })
}

fn fixed_work() -> Experiment {
    const PARAMETERS: &str = "service=det(1)";
    let guest = streams(gpu_workload(poisson(0.7), det(1.0)), 1);
    let scenario = steady(fifo(), vec![guest], 200.0, 2_000.0);
    Experiment::new("V02", PARAMETERS, 102, scenario)
        .mean("mean_wait", wait)
        .p95(row("V02", PARAMETERS, "wait_p95").value + 1.0)
}

/// Three servers at 0.8, as the streams of a guest: relaxation time 30.
fn pool() -> Experiment {
    const PARAMETERS: &str = "servers=3";
    let guest = streams(host_workload(poisson(2.4), exp(1.0)), 3);
    let scenario = steady(fifo(), vec![guest], 120.0, 1_300.0);
    let waits = row("V05", PARAMETERS, "prob_wait_positive").value;
    Experiment::new("V05", PARAMETERS, 105, scenario)
        .mean("mean_response", response)
        .p95(pool_quantile(waits, 0.6, 0.05))
}

/// The response time that a part `tail` exceeds, where a part `waits` has a wait that is exponential at
/// this rate, and all have exponential work of mean 1 after it.
fn pool_quantile(waits: f64, rate: f64, tail: f64) -> f64 {
    let above = |t: f64| {
        let sum = (libm::exp(-rate * t) - rate * libm::exp(-t)) / (1.0 - rate);
        (1.0 - waits) * libm::exp(-t) + waits * sum
    };
    let (mut low, mut high) = (0.0, 100.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if above(middle) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Four guests in turns of 2, a switch of 0.2 between them.
pub fn turns(warmup: f64, window: f64) -> Experiment {
    let sizes = Dist::geometric(4e6, 2e6).expect("a geometric distribution");
    let mut four = guest("g", gpu_workload(users(1, 10.0), sizes));
    four.count = 4;
    let share = time_slice("best-effort", nanos(2.0));
    let device = with_switch(share, 0.2, Charge::PerTenantChange);
    let scenario = steady(device, vec![four], warmup, window);
    Experiment::new("V23", "vms=4;one request per VM at a time;think=exp(10);service=geometric quanta(continue prob 0.5);quantum=2;switch_cost=0.2 ", 123, scenario)
        .mean("mean_response", response)
        .mean("throughput", throughput)
}

/// Slots of 4 in 10 at a load of one half; whole periods in the window.
fn slots() -> Experiment {
    let mut share = time_slice("fixed-share", nanos(5.0));
    share.reserved_turns = Some(2);
    let device = with_switch(share, 1.0, Charge::PerSlot);
    let guest = streams(gpu_workload(poisson(0.2), exp(1.0)), 1);
    let scenario = steady(device, vec![guest], 120.0, 1_200.0);
    Experiment::new("V29", "lambda=0.2", 129, scenario).mean("mean_response", response)
}
