//! Arrival processes: times worked out by hand, and their rates.

mod common;

use common::*;
use std::fs;
use warpshare::engine::time::Nanos;
use warpshare::scenario::{Overrides, Scenario, parse};

const MS: Nanos = 1_000_000;

fn scenario_of(arrivals: &str, window: &str) -> Scenario {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = "at,size\n5,1\n15,2\n35,4\n";
    fs::write(folder.path().join("requests.csv"), rows).expect("a trace");
    let text = format!(
        r#"
        preset = "neutral"
        [run]
        horizon = "terminating"
        duration = "{window}"
        replications = 1
        [gpus.a]
        board = "neutral"
        share.mode = "exclusive"
        [guests.g]
        context = true
        streams = 1000
        workload = "w"
        [workloads.w]
        arrivals = {{ {arrivals} }}
        stages.s.gpu = {{ time = "1ns", sms = 1 }}
        "#
    );
    let loaded = parse("arrivals", &text, folder.path(), &Overrides::default());
    loaded
        .unwrap_or_else(|findings| {
            panic!("{}", warpshare::diagnostics::Diagnostics(findings).render())
        })
        .scenario
}

/// Arrival times of the guest's jobs, by job index.
fn times(arrivals: &str, window: &str) -> Vec<Nanos> {
    let mut jobs: Vec<_> = simulate(&scenario_of(arrivals, window)).jobs;
    jobs.sort_by_key(|(_, job)| job.index);
    jobs.iter().map(|(_, job)| job.arrival).collect()
}

#[test]
fn jobs_of_a_batch_arrive_together() {
    let found = times(
        r#"process = "deterministic", period = "10ms", batch = 3"#,
        "25ms",
    );
    assert_eq!(found, [10, 10, 10, 20, 20, 20].map(|ms| ms * MS));
}

#[test]
fn a_beat_does_not_drift_however_late_its_jobs_are() {
    let found = times(
        r#"process = "deterministic", period = "10ms", first = "at-start", jitter = { dist = "uniform", low = "0ms", high = "4ms" }"#,
        "10s",
    );
    assert_eq!(found.len(), 1_000);
    let late = found
        .iter()
        .enumerate()
        .map(|(k, time)| time - k as u64 * 10 * MS);
    let late: Vec<Nanos> = late.collect();
    assert!(late.iter().all(|&late| late <= 4 * MS));
    // The mean of 1,000 uniform draws: 2 ms, with a standard error of 36.5 us; seven of them.
    let mean = late.iter().sum::<Nanos>() / 1_000;
    assert!(mean.abs_diff(2 * MS) < 256_000, "{mean}");
    // Jitter beyond a period never lets a job overtake the one before it.
    let wild = times(
        r#"process = "deterministic", period = "1ms", jitter = { dist = "exponential", mean = "5ms" }"#,
        "1s",
    );
    assert!(wild.is_sorted());
    assert!(wild.len() > 900);
}

/// A day of two hours: one with 600 arrivals, one with none, ten times.
#[test]
fn a_profile_has_arrivals_only_where_it_says_so() {
    let found = times(
        r#"process = "modulated", phases = [{ stay = "1h", rate = "10/min" }, { stay = "1h" }]"#,
        "20h",
    );
    let hour = 3_600_000 * MS;
    assert!(found.iter().all(|time| (time / hour).is_multiple_of(2)));
    // Poisson with mean 6,000: 5 standard deviations are 387.
    assert!(found.len().abs_diff(6_000) < 388, "{}", found.len());
}

/// On for 1 s and off for 3 s on average, 40 arrivals a second while on: 10 a second in the long run.
#[test]
fn on_and_off_give_their_mean_rate() {
    let found = times(
        r#"process = "on-off", rate = "40/s", on = { dist = "exponential", mean = "1s" }, off = { dist = "exponential", mean = "3s" }"#,
        "20000s",
    );
    // 5,000 cycles with a coefficient of variation below 1.5 in each: 2.1 % is one standard error.
    let rate = found.len() as f64 / 20_000.0;
    assert!((rate - 10.0).abs() < 1.0, "{rate}");
}

#[test]
fn weibull_gaps_give_their_rate() {
    let found = times(r#"process = "weibull", rate = "100/s", cv = 2.0"#, "1000s");
    // 100,000 gaps: 2 / sqrt(100,000) = 0.6 % is one standard error.
    assert!(
        (found.len() as f64 / 100_000.0 - 1.0).abs() < 0.04,
        "{}",
        found.len()
    );
}

/// Rows at 0, 10 and 30 ms after the first.
#[test]
fn a_trace_is_stretched_entered_late_and_begun_anew() {
    let trace = |more: &str| {
        let text = format!(
            r#"process = "trace", file = "requests.csv", time = "at", time_format = "milliseconds"{more}"#
        );
        times(&text, "200ms")
            .iter()
            .map(|time| time / MS)
            .collect::<Vec<_>>()
    };
    assert_eq!(trace(""), [0, 10, 30]);
    assert_eq!(trace(", stretch = 2.5"), [0, 25, 75]);
    assert_eq!(trace(r#", offset = "6ms""#), [4, 24]);
    assert_eq!(
        trace(r#", repeat_every = "80ms""#),
        [0, 10, 30, 80, 90, 110, 160, 170, 190]
    );
    assert_eq!(
        trace(r#", stretch = 2.0, offset = "10ms", repeat_every = "90ms""#),
        [0, 40, 90, 130, 180]
    );
}
