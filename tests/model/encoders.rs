//! NVENC under run lists: schedules worked out by hand, and what a scenario file says.

use crate::common::*;
use std::path::Path;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::gpu::MediaEngines;
use warpshare::policy::TimeSlice;
use warpshare::result::RunResult;
use warpshare::scenario::{EncoderLists, Gpu, Guest, Overrides, Scenario, parse};
use warpshare::sim::Part;
use warpshare::workload::{MediaEngine, OperationKind, Size};

const MS: Nanos = 1_000_000;

/// A GPU with so many NVENC engines; the SMs play no part.
fn encoders(count: u32, lists: Option<TimeSlice>) -> Gpu {
    let mut gpu = gpu(time_slice("round-robin", MS));
    let mut engines = MediaEngines::default();
    engines.set(MediaEngine::Nvenc, count);
    gpu.board.media_engines = engines;
    gpu.encoders = lists.map(|turns| EncoderLists { turns, change: 0 });
    gpu
}

/// So many frames at time 0, in so many sessions.
fn frames(name: &str, streams: u32, number: u32, time: Nanos) -> Guest {
    let mut workload = requests(&vec![(0, 1); number as usize]);
    workload.stages = vec![stage(
        "encode",
        vec![OperationKind::Media {
            engine: MediaEngine::Nvenc,
            time: Size::Drawn(constant(time as f64)),
            factor: 1.0,
        }],
    )];
    Guest {
        streams,
        ..guest(name, workload)
    }
}

/// When the frames of each guest end, in tenths of a millisecond.
fn ends(gpu: Gpu, guests: Vec<Guest>) -> Vec<Vec<Nanos>> {
    let number = guests.len();
    let scenario: Scenario = scenario(vec![gpu], guests, 1_000 * MS);
    let log = simulate(&scenario);
    let mut ends = vec![Vec::new(); number];
    for (guest, job) in &log.jobs {
        ends[*guest].push(job.ended * 10 / MS);
        let engine = job.parts[Part::Engine as usize];
        assert_eq!(engine, job.ended - job.started, "all of it on the engine");
    }
    for of_guest in &mut ends {
        of_guest.sort_unstable();
    }
    ends
}

fn a_and_b() -> Vec<Guest> {
    vec![frames("a", 2, 6, MS), frames("b", 1, 3, MS)]
}

/// Best effort serves sessions alike, so a guest with two of them has twice as much; equal share gives
/// each guest its turn.
#[test]
fn equal_share_gives_guests_turns_where_best_effort_serves_sessions() {
    let found = ends(encoders(1, None), a_and_b());
    assert_eq!(found[0], [10, 20, 40, 50, 70, 80]);
    assert_eq!(found[1], [30, 60, 90]);
    let equal = time_slice("equal-share", 3 * MS);
    let found = ends(encoders(1, Some(equal)), a_and_b());
    assert_eq!(found[0], [10, 20, 30, 70, 80, 90]);
    assert_eq!(found[1], [40, 50, 60]);
}

/// A slice of 2.5 ms ends within a frame, which is encoded to its end: `a` has 3 ms, the over-run counted.
/// At 5.5 ms `b` has had 2.5 ms and goes on; at 8 ms it is the turn of `a`, once the last frame of `b` is
/// done.
#[test]
fn a_frame_is_encoded_to_its_end() {
    let guests = vec![frames("a", 1, 6, MS), frames("b", 1, 3, 2 * MS)];
    let equal = time_slice("equal-share", 5 * MS / 2);
    let found = ends(encoders(1, Some(equal)), guests);
    assert_eq!(found[0], [10, 20, 30, 100, 110, 120]);
    assert_eq!(found[1], [50, 70, 90]);
}

/// Four turns of 2 ms, of which three have no guest.
#[test]
fn fixed_share_keeps_the_turns_of_guests_that_are_not_there() {
    let mut fixed = time_slice("fixed-share", 2 * MS);
    fixed.reserved_turns = Some(4);
    let found = ends(encoders(1, Some(fixed)), vec![frames("a", 1, 5, MS)]);
    assert_eq!(found[0], [10, 20, 90, 100, 170]);
}

/// Three sessions on two engines: those of `a` on one each, that of `b` on the first again.
#[test]
fn sessions_go_to_the_engines_in_turn() {
    let equal = time_slice("equal-share", 2 * MS);
    let guests = vec![frames("a", 2, 4, MS), frames("b", 1, 2, MS)];
    let found = ends(encoders(2, Some(equal)), guests);
    // First engine: a 0 to 2, b 2 to 4. Second: a 0 to 2, and the turn of b, who is not there, unused.
    assert_eq!(found, [vec![10, 10, 20, 20], vec![30, 40]]);
}

/// The cost of going to another guest is paid for each turn of another.
#[test]
fn a_change_of_guest_takes_time() {
    let mut gpu = encoders(1, Some(time_slice("equal-share", 3 * MS)));
    if let Some(lists) = &mut gpu.encoders {
        lists.change = MS / 2;
    }
    let found = ends(gpu, a_and_b());
    assert_eq!(found[0], [10, 20, 30, 80, 90, 100]);
    assert_eq!(found[1], [45, 55, 65]);
}

fn run(encoders: &str) -> RunResult {
    let text = format!(
        r#"
        [run]
        duration = "2s"
        replications = 2
        [gpus.a]
        board = "a40"
        {encoders}
        [guests.one]
        on = "a"
        vgpu = "A40-12Q"
        workload = "stream"
        [guests.many]
        on = "a"
        vgpu = "A40-12Q"
        streams = 3
        workload = "stream"
        [workloads.stream]
        arrivals = {{ process = "closed", users = 3 }}
        stages.frame.nvenc.time = "2ms"
    "#
    );
    let loaded = parse("encode", &text, Path::new("."), &Overrides::default());
    let scenario = loaded.expect("a scenario").scenario;
    experiment::run(&scenario, &Options::default(), &Silent).expect("a result")
}

/// One engine of 500 frames a second: by sessions 1 to 3, by guests 1 to 1, and of fixed share a quarter
/// each, since four A40-12Q fit. Alone on the board each guest would have had 500.
#[test]
fn a_scenario_names_the_scheduler_of_the_encoders() {
    let rates = |result: &RunResult| {
        let guests = ["one", "many"].map(|name| {
            let group = result.guests.iter().find(|g| g.name == name);
            group
                .expect("a guest")
                .throughput_per_s
                .value
                .expect("a rate")
        });
        let nvenc = result.gpus[0].engines.iter().find(|e| e.name == "NVENC");
        (
            guests,
            nvenc.expect("NVENC").utilisation.value.expect("busy"),
        )
    };
    assert_eq!(rates(&run("")), ([125.0, 375.0], 1.0));
    let equal = run("encoders = { scheduler = \"equal-share\" }");
    assert_eq!(rates(&equal), ([250.0, 250.0], 1.0));
    let fixed = run("encoders = { scheduler = \"fixed-share\" }");
    assert_eq!(rates(&fixed), ([125.0, 125.0], 0.5));
    assert_eq!(fixed.guests[0].slowdown.value, Some(4.0));
}

/// A process encodes in the turns of its machine: the two vGPUs have 250 frames a second each, and within
/// `host` the machine's own session and that of the process take them in order.
#[test]
fn a_process_encodes_in_the_turns_of_its_machine() {
    let text = r#"
        [run]
        duration = "2s"
        replications = 2
        baselines = false
        [gpus.a]
        board = "a40"
        encoders = { scheduler = "equal-share" }
        [guests.host]
        on = "a"
        vgpu = "A40-12Q"
        share = { mode = "time-slice", scheduler = "round-robin" }
        workload = "stream"
        [guests.process]
        inside = "host"
        workload = "stream"
        [guests.other]
        on = "a"
        vgpu = "A40-12Q"
        workload = "stream"
        [workloads.stream]
        arrivals = { process = "closed", users = 1 }
        stages.frame.nvenc.time = "2ms"
    "#;
    let loaded = parse("inside", text, Path::new("."), &Overrides::default());
    let scenario = loaded.expect("a scenario").scenario;
    let result = experiment::run(&scenario, &Options::default(), &Silent).expect("a result");
    let rate = |name: &str| {
        let group = result.guests.iter().find(|group| group.name == name);
        group.expect("a guest").throughput_per_s.value
    };
    assert_eq!(rate("host"), Some(125.0));
    assert_eq!(rate("process"), Some(125.0));
    assert_eq!(rate("other"), Some(250.0));
}
