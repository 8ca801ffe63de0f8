//! Frames: the limiter of each vGPU type, applications that pace themselves, superseded frames, displays.

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

/// Pictures are wanted every 10 ms, and the limiter lets 60 a second be drawn: none is dropped, and none waits for
/// the limiter, since it is not drawn before.
#[test]
fn a_limiter_holds_up_the_application_and_drops_nothing() {
    for arrivals in [
        "process = \"deterministic\", period = \"10ms\"",
        "process = \"poisson\", rate = \"400/s\"",
    ] {
        let scenario = load(&format!(
            "[run]\nduration = \"18s\"\nreplications = 1\nbaselines = false\n[gpus.a]\nboard = \"a40\"\n\
             [guests.desktop]\nvgpu = \"A40-8Q\"\nworkload = \"w\"\n[workloads.w]\nframes = {{}}\n\
             arrivals = {{ {arrivals} }}\nstages.render.gpu.time = \"4ms\"\n"
        ));
        let options = experiment::Options::default();
        let result = experiment::run(&scenario, &options, &Silent).expect("it runs");
        let desktop = &result.guests[0];
        assert_eq!(desktop.jobs.dropped, 0, "{arrivals}");
        let mean = desktop.response.mean_ns.value.expect("frames");
        assert!((mean - 4e6).abs() < 1.0, "{arrivals}: {mean}");
        let found = rate(&result);
        // At random, the next picture is wanted 2.5 ms after the limiter would have let it, at most and on average.
        let least = if arrivals.contains("poisson") {
            58.0
        } else {
            59.8
        };
        assert!((least..=60.1).contains(&found), "{arrivals}: {found}");
    }
}

/// Phases of 100 ms at equal gaps of 10 ms have ten frames each, and none of the pauses of 50 ms has any.
#[test]
fn frames_of_a_phase_come_at_equal_gaps() {
    let spacing = |frames: &str, spacing: &str| {
        let scenario = load(&format!(
            "[run]\nduration = \"1500ms\"\nhorizon = \"terminating\"\nreplications = 1\nbaselines = false\n\
             [gpus.a]\nboard = \"a40\"\n[guests.g]\ncontext = true\nworkload = \"w\"\n[workloads.w]\n{frames}\
             arrivals = {{ process = \"on-off\", rate = \"100/s\", on = \"100ms\", off = \"50ms\"{spacing} }}\n\
             stages.render.gpu.time = \"1ms\"\n"
        ));
        let options = experiment::Options::default();
        let result = experiment::run(&scenario, &options, &Silent).expect("it runs");
        (scenario.hash, result.guests[0].jobs.arrived)
    };
    let frames = "frames = {}\n";
    let paced = spacing(frames, "");
    assert_eq!(paced.1, 100);
    assert_eq!(paced, spacing(frames, ", spacing = \"regular\""));
    assert_eq!(spacing("", ", spacing = \"regular\"").1, 100);
    // What is no frame comes at random, as before, and so may frames.
    let random = spacing("", "");
    assert_eq!(random, spacing("", ", spacing = \"random\""));
    assert_ne!(random.1, 100);
    assert_eq!(spacing(frames, ", spacing = \"random\"").1, random.1);
}

/// One designer alone on an idle board, as the case has it: nothing is dropped, nothing late.
#[test]
fn a_lone_designer_loses_no_frame() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/cases/lone-user.toml"
    );
    let loaded = warpshare::scenario::load(Path::new(file), &Overrides::default());
    let mut scenario = loaded.expect("valid").scenario;
    scenario.guests[0].deadline = Some(50_000_000);
    scenario.run.replications = 2;
    let options = experiment::Options::default();
    let result = experiment::run(&scenario, &options, &Silent).expect("it runs");
    let designer = &result.guests[0];
    assert!(designer.jobs.arrived > 1_000, "{}", designer.jobs.arrived);
    assert_eq!(designer.jobs.dropped, 0);
    let late = designer.late_fraction.as_ref().and_then(|late| late.value);
    assert_eq!(late, Some(0.0));
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
