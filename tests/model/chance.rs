//! Whether replications can differ: what the scenario says, and that it is so.

use crate::common::*;
use std::fs;
use warpshare::scenario::{Overrides, Scenario, parse};

const GPU: &str = "share = { scheduler = \"round-robin\", slice = \"2ms\" }";

fn scenario(gpu: &str, run: &str, guests: &[(&str, &str, &str)]) -> Scenario {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("t.csv"), "t\n0\n3\n4\n9\n17\n").expect("a trace");
    let mut text = format!(
        "preset = \"neutral\"\n[run]\nhorizon = \"terminating\"\nduration = \"200ms\"\nreplications = 2\n{run}\n\
         [gpus.a]\nboard = \"neutral\"\n{gpu}\n"
    );
    if guests.iter().any(|(on, ..)| *on == "b") {
        text.push_str(&format!("[gpus.b]\nboard = \"neutral\"\n{GPU}\n"));
    }
    for (index, (on, arrivals, rest)) in guests.iter().enumerate() {
        text.push_str(&format!(
            "[guests.g{index}]\non = \"{on}\"\ncontext = true\nworkload = \"w{index}\"\n\
             [workloads.w{index}]\narrivals = {{ {arrivals} }}\n{rest}\n"
        ));
    }
    let loaded = parse("chance", &text, folder.path(), &Overrides::default());
    loaded
        .unwrap_or_else(|findings| {
            panic!("{}", warpshare::diagnostics::Diagnostics(findings).render())
        })
        .scenario
}

const TRACE: &str =
    "process = \"trace\", file = \"t.csv\", time = \"t\", time_format = \"milliseconds\"";
const WORK: &str = "stages.s.gpu.time = \"3ms\"";

/// Jobs of each guest in two replications: whether they are the same.
fn differs(scenario: &Scenario, guest: usize) -> bool {
    let of = |seed: u64| {
        let mut scenario = scenario.clone();
        scenario.run.seed = seed;
        let jobs = jobs(&scenario);
        let own = jobs.iter().filter(|(who, _)| who.group == guest);
        let mut own: Vec<_> = own
            .map(|(_, job)| (job.index, job.arrival, job.ended))
            .collect();
        own.sort_unstable();
        own
    };
    (1..30).any(|seed| of(seed) != of(seed + 100))
}

#[test]
fn chance_is_where_something_is_drawn() {
    let none = [
        ("process = \"closed\"", WORK),
        ("process = \"deterministic\", period = \"7ms\"", WORK),
        (TRACE, WORK),
        ("process = \"renewal\", gap = \"5ms\"", WORK),
        (
            "process = \"deterministic\", period = \"7ms\", batch = 2",
            WORK,
        ),
    ];
    for (arrivals, rest) in none {
        let scenario = scenario(GPU, "", &[("a", arrivals, rest)]);
        assert!(!scenario.has_chance(), "{arrivals}");
        assert!(!scenario.guests[0].has_chance());
        assert!(!differs(&scenario, 0), "{arrivals}");
    }
    let thinned = format!("{TRACE}, keep = 0.5");
    let some = [
        ("process = \"poisson\", rate = \"100/s\"", WORK),
        (
            "process = \"deterministic\", period = \"7ms\", first = \"random-phase\"",
            WORK,
        ),
        (
            "process = \"deterministic\", period = \"7ms\", batch_mean = 2.0",
            WORK,
        ),
        (
            "process = \"deterministic\", period = \"7ms\", jitter = { dist = \"exponential\", mean = \"1ms\" }",
            WORK,
        ),
        (
            "process = \"closed\", think = { dist = \"exponential\", mean = \"1ms\" }",
            WORK,
        ),
        (thinned.as_str(), WORK),
        (
            TRACE,
            "stages.s.gpu.time = { dist = \"exponential\", mean = \"3ms\" }",
        ),
        (
            TRACE,
            "timeout = { dist = \"exponential\", mean = \"1ms\" }\nstages.s.gpu.time = \"3ms\"",
        ),
    ];
    for (arrivals, rest) in some {
        let scenario = scenario(GPU, "", &[("a", arrivals, rest)]);
        assert!(
            scenario.has_chance() && scenario.guests[0].has_chance(),
            "{arrivals} {rest}"
        );
        assert!(differs(&scenario, 0), "{arrivals} {rest}");
    }
}

#[test]
fn chance_reaches_those_who_share_with_it() {
    let poisson = "process = \"poisson\", rate = \"100/s\"";
    let guests = [("a", TRACE, WORK), ("a", poisson, WORK), ("b", TRACE, WORK)];
    let alone = scenario(GPU, "", &guests);
    let reached = |scenario: &Scenario| {
        (0..3)
            .map(|g| scenario.chance_reaches(g))
            .collect::<Vec<_>>()
    };
    assert_eq!(reached(&alone), [true, true, false]);
    assert_eq!(
        (0..3).map(|g| differs(&alone, g)).collect::<Vec<_>>(),
        [true, true, false]
    );
    assert!(alone.has_chance());
    assert!(!alone.guests[0].has_chance());
    // One host for all.
    let joined = scenario(GPU, "[host]\ncores = 1\n", &guests);
    assert_eq!(reached(&joined), [true, true, true]);
}

#[test]
fn a_lottery_is_chance() {
    let lottery = "share = { scheduler = \"lottery\", slice = \"1ms\" }";
    let guests = [("a", TRACE, WORK), ("a", TRACE, WORK)];
    let drawn = scenario(lottery, "", &guests);
    assert!(drawn.has_chance() && !drawn.guests[0].has_chance());
    assert!(differs(&drawn, 0));
    assert!(!scenario(GPU, "", &guests).has_chance());
}
