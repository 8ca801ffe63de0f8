//! Stages that repeat or that only some jobs pass, and guests with a number of jobs, by hand.

use crate::common::*;
use std::path::Path;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Silent};
use warpshare::result::Reason;
use warpshare::scenario::{Guest, Overrides, parse};
use warpshare::workload::dist::Dist;
use warpshare::workload::{OperationKind, Size};

const MS: Nanos = 1_000_000;

fn host(ms: u64) -> OperationKind {
    OperationKind::Host {
        time: Size::Drawn(constant((ms * MS) as f64)),
    }
}

fn ends(guest: Guest) -> Vec<u64> {
    let scenario = scenario(vec![gpu(time_slice("fifo", MS))], vec![guest], 100 * MS);
    let ends = simulate(&scenario).ends(&scenario, "a");
    ends.iter().map(|&end| end / MS).collect()
}

#[test]
fn only_some_jobs_pass_a_stage() {
    let mut stages = vec![
        stage("step", vec![host(2)]),
        stage("checkpoint", vec![host(7)]),
    ];
    stages[1].every = 3;
    let mut workload = workload(closed(1, constant(0.0)), stages);
    workload.jobs = Some(7);
    assert_eq!(ends(guest("a", workload)), [2, 4, 13, 15, 17, 26, 28]);
}

#[test]
fn a_stage_repeats() {
    let mut stages = vec![stage("load", vec![host(1)]), stage("kernel", vec![host(2)])];
    stages[1].repeat = 4;
    let mut workload = workload(closed(1, constant(0.0)), stages);
    workload.jobs = Some(2);
    assert_eq!(ends(guest("a", workload)), [9, 18]);
}

/// Each pass has a draw of its own: the mean of a job is the mean of the sum, and its spread shrinks.
#[test]
fn every_pass_is_drawn_anew() {
    let time = || OperationKind::Host {
        time: Size::Drawn(Dist::exponential(1e6).expect("a mean")),
    };
    let lengths = |repeat: u32| -> Vec<f64> {
        let mut stages = vec![stage("s", vec![time()])];
        stages[0].repeat = repeat;
        let mut workload = workload(closed(1, constant(0.0)), stages);
        workload.jobs = Some(400);
        let scenario = scenario(
            vec![gpu(time_slice("fifo", MS))],
            vec![guest("a", workload)],
            60_000 * MS,
        );
        let ends = simulate(&scenario).ends(&scenario, "a");
        assert_eq!(ends.len(), 400);
        let mut last = 0;
        let length = |end: &Nanos| {
            let length = end - last;
            last = *end;
            length as f64 / MS as f64
        };
        ends.iter().map(length).collect()
    };
    let spread = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
        (mean, (square / values.len() as f64).sqrt() / mean)
    };
    let (mean, cv) = spread(&lengths(16));
    // Sixteen exponential times: mean 16, cv 1/4; fixed seed, six standard errors.
    assert!((mean - 16.0).abs() < 6.0 * 4.0 / 20.0, "{mean}");
    assert!((cv - 0.25).abs() < 0.06, "{cv}");
}

#[test]
fn a_training_job_is_done_in_time() {
    let text = "[run]\nduration = \"60s\"\nreplications = 2\nhorizon = \"terminating\"\nbaselines = false\n\
        [gpus.a]\nboard = \"a40\"\n[guests.train]\ncontext = true\nworkload = \"train\"\n[workloads.train]\n\
        arrivals = { process = \"closed\", jobs = 500 }\nsequence = [\"step\", \"checkpoint\"]\n\
        every = { checkpoint = 100 }\nrepeat = { step = 2 }\nstages.step.gpu.time = \"10ms\"\n\
        stages.checkpoint.host.time = \"1s\"\n";
    let loaded = parse("s", text, Path::new("."), &Overrides::default()).expect("valid");
    let run = |scenario| {
        experiment::run(scenario, &experiment::Options::default(), &Silent).expect("it runs")
    };
    let result = run(&loaded.scenario);
    let completion = result.guests[0]
        .completion_ns
        .as_ref()
        .expect("jobs are given");
    // 500 steps of 20 ms and five checkpoints.
    assert_eq!(completion.value, Some(15e9));
    let report = warpshare::report::to_text(&result);
    assert!(
        report.contains("15.00 s") && report.contains("Completion"),
        "{report}"
    );
    // Not done: said, not guessed.
    let short = text.replace("60s", "10s");
    let loaded = parse("s", &short, Path::new("."), &Overrides::default()).expect("valid");
    let result = run(&loaded.scenario);
    let completion = result.guests[0]
        .completion_ns
        .as_ref()
        .expect("jobs are given");
    assert_eq!(completion.value, None);
    assert_eq!(completion.note, Some(Reason::JobsLeft));
}
