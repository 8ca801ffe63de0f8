//! Classes of jobs: who goes first when jobs wait, and what becomes of each class.

use crate::common::*;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::scenario::Guest;
use warpshare::sim::JobEnd;
use warpshare::workload::dist::Dist;
use warpshare::workload::{Arrivals, Batching, Class, Discipline, FirstArrival, Workload};

const MS: Nanos = 1_000_000;

fn classed(mut workload: Workload, parts: &[f64]) -> Guest {
    let class = |(index, &part): (usize, &f64)| Class {
        name: format!("c{index}"),
        part,
    };
    workload.classes = parts.iter().enumerate().map(class).collect();
    guest("g", workload)
}

fn poisson(mean: Nanos) -> Arrivals {
    Arrivals::Open {
        gap: Dist::Exponential { mean: mean as f64 },
        first: FirstArrival::AfterGap,
    }
}

fn jobs(guest: Guest) -> Vec<JobEnd> {
    let scenario = scenario(vec![gpu(time_slice("fifo", MS))], vec![guest], 5_000 * MS);
    let log = simulate(&scenario);
    log.jobs.iter().map(|(_, job)| *job).collect()
}

/// Whoever starts is of the first class that waits, and has waited longest of it.
#[test]
fn earlier_classes_go_first_and_each_in_its_order() {
    let workload = gpu_workload(poisson(12 * MS), constant((10 * MS) as f64));
    let jobs = jobs(classed(workload, &[0.2, 0.3, 0.5]));
    assert!(jobs.len() > 300, "{}", jobs.len());
    let mut overtaken = 0;
    for one in &jobs {
        for other in &jobs {
            let waits = other.arrival < one.started && other.started > one.started;
            if waits {
                assert!((one.class, one.arrival) <= (other.class, other.arrival));
                overtaken += u32::from(one.arrival > other.arrival);
            }
        }
    }
    assert!(overtaken > 100, "{overtaken}");
    // 5 standard deviations of a binomial: an error probability below 1e-6.
    let urgent = jobs.iter().filter(|job| job.class == 0).count() as f64;
    let (number, part) = (jobs.len() as f64, 0.2);
    assert!((urgent - number * part).abs() < 5.0 * (number * part * (1.0 - part)).sqrt());
}

/// The class of a job depends on its index alone.
#[test]
fn classes_do_not_depend_on_the_load() {
    let of = |work: Nanos| {
        let workload = gpu_workload(poisson(12 * MS), constant(work as f64));
        let mut jobs = jobs(classed(workload, &[0.4, 0.6]));
        jobs.sort_by_key(|job| job.index);
        jobs.iter().map(|job| job.class).collect::<Vec<_>>()
    };
    assert_eq!(of(MS), of(9 * MS));
}

/// Batches of two: nobody of a later class is taken while more than fit of an earlier one wait.
#[test]
fn batches_are_filled_by_class() {
    let mut workload = gpu_workload(poisson(4 * MS), constant((10 * MS) as f64));
    workload.discipline = Discipline::Batches(Batching {
        max: 2,
        delay: 3 * MS,
    });
    workload.timeout = Some(Dist::Exponential {
        mean: (50 * MS) as f64,
    });
    let jobs = jobs(classed(workload, &[0.3, 0.7]));
    let mut compared = 0;
    for one in jobs.iter().filter(|job| job.class == 1) {
        let passed = jobs.iter().filter(|other| {
            other.class == 0 && other.arrival < one.started && other.started > one.started
        });
        assert_eq!(passed.count(), 0);
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}

/// M/M/1 with two classes that do not preempt (Cobham 1954; Kleinrock 1976, ch. 3): at 0.7 jobs a unit of
/// exponential work of mean 1, W0 = 0.7; the first class (30 %) waits W0 / (1 - 0.21), the second
/// W0 / ((1 - 0.21)(1 - 0.7)). Within 4 half-widths of 95 % over 40 replications: an error probability of
/// 1e-9 or so.
#[test]
fn waits_are_those_of_theory() {
    let unit = MS as f64;
    let arrivals = Arrivals::Open {
        gap: Dist::Exponential { mean: unit / 0.7 },
        first: FirstArrival::AfterGap,
    };
    let workload = gpu_workload(arrivals, Dist::Exponential { mean: unit });
    let guest = classed(workload, &[0.3, 0.7]);
    let mut scenario = scenario(vec![gpu(time_slice("fifo", MS))], vec![guest], 20_000 * MS);
    scenario.run.warmup = 1_000 * MS;
    scenario.run.horizon = warpshare::scenario::Horizon::Steady;
    scenario.run.replications = 40;
    scenario.run.baselines = false;
    let result = experiment::run(&scenario, &Options::default(), &Silent).expect("a result");
    let expected = [1.0 + 0.7 / 0.79, 1.0 + 0.7 / (0.79 * 0.3)];
    for (class, expected) in result.guests[0].classes.iter().zip(expected) {
        let mean = &class.response.mean_ns;
        let (value, half) = (mean.value.expect("a mean"), mean.half_width.expect("one"));
        assert!(half < 0.03 * value, "{}: {half} of {value}", class.name);
        let found = value / unit;
        let error = (found - expected).abs();
        assert!(error < 4.0 * half / unit, "{}: {found}", class.name);
    }
    let text = warpshare::report::to_text(&result);
    assert!(
        text.contains("by class of jobs") && text.contains("g: c0"),
        "{text}"
    );
}
