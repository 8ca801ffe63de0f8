//! Policies in space: schedules of MPS clients worked out by hand under each of them.

use crate::common::*;
use std::path::Path;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::policy::spatial;
use warpshare::scenario::{Division, Gpu, Guest, Holds, Overrides, Share, SideBySide, parse};

const MS: Nanos = 1_000_000;

fn mps(policy: &str) -> Gpu {
    let beside = SideBySide {
        policy: spatial::find(policy).expect("a policy"),
        interference: 0.0,
    };
    Gpu {
        division: Division::Whole(Share::Spatial(beside)),
        ..gpu(time_slice("fifo", MS))
    }
}

/// A client with so many streams, each with one job of 4 ms that fills the GPU.
fn client(name: &str, weight: u32, streams: u32) -> Guest {
    let mut guest = guest(name, requests(&vec![(0, 4 * MS); streams as usize]));
    guest.holds = Holds::Client { sms: None };
    guest.streams = streams;
    guest.terms.weight = weight;
    guest
}

/// When the last job of each guest ends, in microseconds.
fn ends(policy: &str, guests: Vec<Guest>) -> Vec<Nanos> {
    let number = guests.len();
    let scenario = scenario(vec![mps(policy)], guests, 1_000 * MS);
    let mut last = vec![0; number];
    for (guest, job) in &simulate(&scenario).jobs {
        last[*guest] = last[*guest].max(job.ended);
    }
    last.iter().map(|end| (end + 500) / 1_000).collect()
}

/// 3 to 1: three quarters of the SMs until 16/3 ms, when `b` has had 4/3 ms; then `b` has them all. By
/// default weights do not count.
#[test]
fn weights_divide_the_sms() {
    let guests = || vec![client("a", 3, 1), client("b", 1, 1)];
    assert_eq!(ends("mps-proportional", guests()), [5_333, 8_000]);
    assert_eq!(ends("mps-per-stream", guests()), [5_333, 8_000]);
    assert_eq!(ends("mps-default", guests()), [8_000, 8_000]);
}

/// One job against three: half each by clients, until 8 ms, when each of the three has had 4/3 ms; a
/// quarter for each job by streams.
#[test]
fn streams_count_where_operations_divide_the_sms() {
    let guests = || vec![client("a", 1, 1), client("b", 1, 3)];
    assert_eq!(ends("mps-proportional", guests()), [8_000, 16_000]);
    assert_eq!(ends("mps-per-stream", guests()), [16_000, 16_000]);
}

/// `a` runs as if it were alone, and `b` behind it.
#[test]
fn a_higher_priority_runs_as_if_alone() {
    let mut guests = vec![client("a", 1, 1), client("b", 1, 1), client("c", 1, 1)];
    guests[0].terms.priority = 5;
    assert_eq!(ends("mps-priority", guests), [4_000, 12_000, 12_000]);
}

/// 84 SMs by weights 2, 1 and 1: 42, 21 and 21, of which 21 stay unused while a client has no work; one with
/// a percentage of its own keeps that. Work of 10 ms on 84 SMs.
#[test]
fn fixed_parts_are_those_of_a_percentage() {
    let run = |division: &str| {
        let text = format!(
            r#"
            [run]
            duration = "2s"
            replications = 2
            baselines = false
            [gpus.a]
            board = "a40"
            share = {{ mode = "spatial", division = "{division}", interference = 0 }}
            [guests.heavy]
            on = "a"
            context = true
            weight = 2
            workload = "busy"
            [guests.light]
            on = "a"
            context = true
            workload = "busy"
            [guests.idle]
            on = "a"
            context = true
            workload = "never"
            [workloads.busy]
            arrivals = {{ process = "closed", users = 1 }}
            stages.s.gpu.time = "10ms"
            [workloads.never]
            arrivals = {{ process = "closed", users = 1, think = "1h" }}
            stages.s.gpu.time = "10ms"
        "#
        );
        let loaded = parse("parts", &text, Path::new("."), &Overrides::default());
        let scenario = loaded.expect("a scenario").scenario;
        let result = experiment::run(&scenario, &Options::default(), &Silent).expect("a result");
        let rate = |name: &str| {
            let group = result.guests.iter().find(|group| group.name == name);
            group.and_then(|group| group.throughput_per_s.value)
        };
        assert!(result.checks.iter().all(|check| check.holds));
        [rate("heavy"), rate("light")].map(|rate| rate.expect("a rate").round())
    };
    assert_eq!(run("mps-percentage"), [50.0, 25.0]);
    assert_eq!(run("mps-proportional"), [67.0, 33.0]);
    assert_eq!(run("mps-default"), [50.0, 50.0]);
}
