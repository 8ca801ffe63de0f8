//! Slices and completions a second, with full accounting and histograms.
//!
//! Sixteen busy tenants share one GPU in turns. The yardstick beside them is the barest loop that a
//! round robin of sixteen can be: what part of the machine's speed the simulator keeps is a ratio
//! from one run, which is comparable between machines where seconds are not.

#[path = "../tests/common/mod.rs"]
mod common;

use common::*;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::scenario::Scenario;
use warpshare::sim::Speed;

const MS: Nanos = 1_000_000;
const TENANTS: u32 = 16;
const SPEEDS: [(&str, Speed); 3] = [
    ("plain path", Speed::Plain),
    ("run-ahead", Speed::RunAhead),
    ("round jump", Speed::RoundJump),
];

fn busy(job: Nanos, window: Nanos) -> Scenario {
    let mut group = guest(
        "vm",
        gpu_workload(closed(1, constant(0.0)), constant(job as f64)),
    );
    group.count = TENANTS;
    let mut scenario = scenario(
        vec![gpu(time_slice("best-effort", MS))],
        vec![group],
        window,
    );
    scenario.run.drain = 0;
    scenario
}

/// Runs the scenario as `warpshare run` does, on one thread; returns the turns of the window.
fn run(scenario: &Scenario, speed: Speed) -> u64 {
    let options = Options {
        threads: Some(1),
        speed,
        ..Options::default()
    };
    let result = experiment::run(scenario, &options, &Silent).expect("a scenario that runs");
    result.replications[0].gpus[0].turns
}

/// Sixteen counters in a circle: the least that a simulator of slices must do.
fn yardstick(slices: u64) -> u64 {
    let mut left = [20 * MS; TENANTS as usize];
    let mut used = [0u64; TENANTS as usize];
    let (mut now, mut done) = (0u64, 0u64);
    for slice in 0..slices {
        let tenant = black_box(slice as usize % TENANTS as usize);
        let run = left[tenant].min(MS);
        now += run;
        used[tenant] += run;
        left[tenant] -= run;
        if left[tenant] == 0 {
            left[tenant] = 20 * MS;
            done += 1;
        }
    }
    now ^ done ^ used[3]
}

fn slices(criterion: &mut Criterion) {
    // Long enough for the cost of building the world not to show.
    let seconds = 4_000;
    let slices = seconds * 1_000;
    let scenario = busy(20 * MS, seconds * 1_000 * MS);
    assert!(run(&scenario, Speed::RunAhead).abs_diff(slices) <= 1);
    let mut group = criterion.benchmark_group("slices of 16 busy tenants, 20 ms jobs");
    group.throughput(Throughput::Elements(slices));
    group.sample_size(10);
    for (name, speed) in SPEEDS {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| run(black_box(&scenario), speed));
        });
    }
    group.bench_function(BenchmarkId::from_parameter("yardstick"), |bencher| {
        bencher.iter(|| yardstick(black_box(slices)));
    });
    group.finish();
}

fn completions(criterion: &mut Criterion) {
    let seconds = 2_000;
    let scenario = busy(2 * MS, seconds * 1_000 * MS);
    let mut group = criterion.benchmark_group("completions of 16 busy tenants, 2 ms jobs");
    group.throughput(Throughput::Elements(seconds * 500));
    group.sample_size(10);
    for (name, speed) in SPEEDS {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| run(black_box(&scenario), speed));
        });
    }
    group.finish();
}

criterion_group!(benches, slices, completions);
criterion_main!(benches);
