//! Profiles of kernels: what a job of them takes, worked out from the file.

use crate::common::*;
use std::fs;
use warpshare::engine::time::Nanos;
use warpshare::scenario::{Overrides, Scenario, parse};

const PROFILE: &str = "data/traces/orion-kernels/resnet50_4_fwd.csv";

/// One job at a time of the profile on a V100 under MPS; `guest` and `more` are lines of the file.
fn scenario_of(guest: &str, more: &str) -> Scenario {
    let text = format!(
        r#"
        [run]
        horizon = "terminating"
        duration = "50ms"
        replications = 1
        [gpus.a]
        board = "v100-pcie-16gb"
        share.mode = "spatial"
        [guests.g]
        context = true
        {guest}
        workload = "w"
        [workloads.w]
        reference = "v100-pcie-16gb"
        arrivals = {{ process = "closed" }}
        stages.infer.kernels.file = "{PROFILE}"
        {more}
        "#
    );
    let base = env!("CARGO_MANIFEST_DIR").as_ref();
    let loaded = parse("kernels", &text, base, &Overrides::default());
    loaded
        .unwrap_or_else(|findings| {
            panic!("{}", warpshare::diagnostics::Diagnostics(findings).render())
        })
        .scenario
}

/// How long jobs take.
fn times(scenario: &Scenario) -> Vec<Nanos> {
    let jobs = simulate(scenario).jobs;
    let lasting = jobs.iter().map(|(_, job)| job.ended - job.started);
    lasting.collect()
}

/// (class, SMs, duration) of each kernel, read without the code under test.
fn profile() -> Vec<(i32, u64, f64)> {
    let text = fs::read_to_string(PROFILE).expect("the profile");
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.rsplit(',').collect();
        let number = |cell: usize| cells[cell].parse::<f64>().expect("a number");
        (number(3) as i32, number(1) as u64, number(0))
    });
    rows.collect()
}

#[test]
fn alone_a_profile_takes_the_sum_of_its_kernels() {
    let scenario = scenario_of("", "");
    let stages = &scenario.guests[0].workload.stages;
    assert_eq!(stages.len(), 175);
    assert!(stages.iter().all(|stage| stage.name == "infer"));
    let times = times(&scenario);
    assert!(times.len() >= 7);
    assert!(times.iter().all(|&time| time == 6_498_424), "{times:?}");
}

/// Half of the SMs: compute takes as many waves more as the blocks need; memory traffic as long as
/// before, since half of the SMs can draw all of the bandwidth.
#[test]
fn on_half_of_the_sms_kernels_take_their_waves() {
    let half = "active_thread_percentage = 50";
    for (assumed, parts) in [
        (
            "[assumptions]\n\"kernels.memory_bound\" = 0\n\"kernels.unclassified\" = 0",
            [0.0, 0.0],
        ),
        ("", [1.0, 0.5]),
    ] {
        let expected: f64 = profile()
            .iter()
            .map(|&(class, sms, duration)| {
                let bound = match class {
                    1 => 0.0,
                    0 => parts[0],
                    _ => parts[1],
                };
                let waves = sms.div_ceil(40) as f64 / sms.div_ceil(80) as f64;
                duration * ((1.0 - bound) * waves + bound)
            })
            .sum();
        assert!(expected > 6_498_424.0 * 1.2, "{expected}");
        // Each completion rounds up to a nanosecond.
        for time in times(&scenario_of(half, assumed)) {
            assert!(
                (time as f64 - expected).abs() <= 2.0 * 175.0,
                "{time}, not {expected}"
            );
        }
    }
}

/// Side by side, small kernels fill the SMs that others leave; large ones share them.
#[test]
fn two_profiles_side_by_side_are_slower_than_one_and_faster_than_two_in_a_row() {
    let times = times(&scenario_of("count = 2", ""));
    let mean = times.iter().sum::<Nanos>() / times.len() as Nanos;
    assert!(mean > 6_498_424 * 11 / 10 && mean < 2 * 6_498_424, "{mean}");
}

/// `every` holds for all kernels of the profile.
#[test]
fn every_second_job_passes_the_whole_profile_or_none_of_it() {
    let more =
        "stages.prepare.host.time = \"1ms\"\nsequence = [\"prepare\", \"infer\"]\nevery.infer = 2";
    let mut times = times(&scenario_of("", more));
    assert!(times.len() > 8, "{}", times.len());
    times.sort_unstable();
    times.dedup();
    assert_eq!(times, [1_000_000, 7_498_424]);
}
