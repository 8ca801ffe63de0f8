//! Frames: the limiter of each vGPU type, superseded frames, displays.

use std::path::Path;
use warpshare::experiment::{self, Silent};
use warpshare::result::RunResult;
use warpshare::scenario::{Overrides, Scenario, parse};

fn load(text: &str) -> Scenario {
    let loaded = parse("s", text, Path::new("."), &Overrides::default());
    let loaded = loaded.unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(|e| e.render()).collect::<String>())
    });
    loaded.scenario
}

/// A game that renders as fast as it may; a frame takes 4 ms of GPU work.
fn desktop(board: &str, vgpu: &str, share: &str, guest: &str, frames: &str) -> RunResult {
    let scenario = load(&format!(
        "[run]\nduration = \"18s\"\nreplications = 1\nbaselines = false\n[gpus.a]\nboard = \"{board}\"\n\
         share = {{ mode = \"time-slice\", scheduler = \"{share}\" }}\n[guests.desktop]\n\
         vgpu = \"{vgpu}\"\nworkload = \"game\"\n{guest}\n[workloads.game]\nframes = {{ {frames} }}\n\
         arrivals = {{ process = \"closed\" }}\nstages.render.gpu.time = \"4ms\"\n"
    ));
    let options = experiment::Options::default();
    experiment::run(&scenario, &options, &Silent).expect("it runs")
}

fn rate(result: &RunResult) -> f64 {
    result.guests[0].throughput_per_s.value.expect("a rate")
}

#[test]
fn the_limiter_is_exact_under_best_effort() {
    for (vgpu, fps) in [("A40-1B", 45.0), ("A40-8Q", 60.0)] {
        let found = rate(&desktop("a40", vgpu, "best-effort", "", ""));
        // A frame at each end of the window.
        assert!((found - fps).abs() <= 2.0 / 18.0, "{vgpu}: {found}");
    }
}

#[test]
fn the_limiter_is_off_elsewhere() {
    let unlimited = 1e3 / 4.0;
    let switched = desktop(
        "a40",
        "A40-1B",
        "best-effort",
        "frame_rate_limiter = false",
        "",
    );
    assert!(
        (rate(&switched) - unlimited).abs() < 0.2,
        "{}",
        rate(&switched)
    );
    for scheduler in ["equal-share", "fixed-share"] {
        let result = desktop("a40", "A40-48Q", scheduler, "", "");
        // Alone, with every slice of a type of which one fits: more than any limit.
        assert!(rate(&result) > 100.0, "{scheduler}: {}", rate(&result));
    }
}

#[test]
fn more_pixels_take_longer() {
    let off = "frame_rate_limiter = false";
    let frames = "resolution = \"3840x2160\", displays = 2";
    let result = desktop("a40", "A40-8Q", "best-effort", off, frames);
    let mean = result.guests[0].response.mean_ns.value.expect("frames");
    assert!((mean - 8.0 * 4e6).abs() < 10.0, "{mean}");
}

/// Encoding grows as rendering does: (4 + 1) ms for one display of 1920x1080, eight times that for two of
/// 3840x2160.
#[test]
fn more_pixels_take_longer_to_encode() {
    let mean = |frames: &str| {
        let scenario = load(&format!(
            "[run]\nduration = \"18s\"\nreplications = 1\nbaselines = false\n[gpus.a]\nboard = \"a40\"\n\
             [guests.desktop]\nvgpu = \"A40-8Q\"\nworkload = \"game\"\nframe_rate_limiter = false\n\
             [workloads.game]\nframes = {{ {frames} }}\narrivals = {{ process = \"closed\" }}\n\
             sequence = [\"render\", \"encode\"]\nstages.render.gpu.time = \"4ms\"\n\
             stages.encode.nvenc.time = \"1ms\"\n"
        ));
        let result = experiment::run(&scenario, &experiment::Options::default(), &Silent);
        let result = result.expect("it runs");
        result.guests[0].response.mean_ns.value.expect("frames")
    };
    let one = mean("");
    let two = mean("resolution = \"3840x2160\", displays = 2");
    assert!((one - 5e6).abs() < 10.0, "{one}");
    assert!((two - 8.0 * 5e6).abs() < 10.0, "{two}");
}

/// A frame every 10 ms, each 25 ms of work: the one that waits is replaced twice before its turn comes.
#[test]
fn only_the_newest_waiting_frame_is_shown() {
    let scenario = load(
        "[run]\nduration = \"1s\"\nreplications = 1\nbaselines = false\nhorizon = \"terminating\"\n\
         [gpus.a]\nboard = \"a40\"\n[guests.wall]\ncontext = true\nworkload = \"wall\"\n[workloads.wall]\n\
         frames = {}\narrivals = { process = \"deterministic\", period = \"10ms\" }\n\
         stages.render.gpu.time = \"25ms\"\n",
    );
    let options = experiment::Options::default();
    let result = experiment::run(&scenario, &options, &Silent).expect("it runs");
    let wall = &result.guests[0];
    // Frames come at 10, 20, ..., 990 ms. The GPU is free at 35, 60, 85, ... ms and takes the newest: those
    // of 30, 50 (the one of 60 comes after the completion), 80, ...; the last, of 990, starts at 1010.
    let jobs = &wall.jobs;
    assert_eq!(jobs.arrived, 99);
    assert_eq!(jobs.arrived, jobs.completed + jobs.dropped);
    assert_eq!(jobs.completed, 41);
    let queue = wall.parts.queue_ns.value.expect("frames");
    assert!(queue > 0.0 && queue <= 10e6, "{queue}");
}

/// Frames of 10 ms of GPU work, seen 30 ms later: a user who waits for each sees one every 40 ms; frames at
/// 50 a second go on as before, and each is seen 30 ms later. `deadline` and quantiles count all of it.
#[test]
fn network_and_client_hold_up_only_the_user() {
    let run = |arrivals: &str, outside: &str| {
        let scenario = load(&format!(
            "[run]\nduration = \"18s\"\nreplications = 1\nbaselines = false\n[gpus.a]\nboard = \"a40\"\n\
             [guests.desktop]\ncontext = true\ndeadline = \"35ms\"\nworkload = \"w\"\n\
             [workloads.w]\nframes = {{ {outside} }}\narrivals = {{ {arrivals} }}\n\
             stages.render.gpu.time = \"10ms\"\n"
        ));
        let result = experiment::run(&scenario, &experiment::Options::default(), &Silent);
        let result = result.expect("it runs");
        assert!(result.checks.iter().all(|check| check.holds));
        let guest = &result.guests[0];
        let late = guest.late_fraction.as_ref().and_then(|late| late.value);
        (
            guest.throughput_per_s.value.expect("a rate").round(),
            guest.response.mean_ns.value.expect("frames").round(),
            late.expect("a deadline"),
        )
    };
    let outside = "network = \"20ms\", client = \"10ms\"";
    let (waits, comes) = (
        "process = \"closed\"",
        "process = \"deterministic\", period = \"20ms\"",
    );
    assert_eq!(run(waits, ""), (100.0, 10e6, 0.0));
    assert_eq!(run(waits, outside), (25.0, 40e6, 1.0));
    assert_eq!(run(comes, ""), (50.0, 10e6, 0.0));
    assert_eq!(run(comes, outside), (50.0, 40e6, 1.0));
}
