//! Device memory: what fits, what fails, and what a report says of it.

use crate::common::*;
use std::path::Path;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::result::{MemoryOf, RunResult};
use warpshare::scenario::{
    Division, Gpu, Guest, GuestMemory, Holds, Overrides, Scenario, Share, SideBySide, parse,
};
use warpshare::workload::{Size, Workload};

const MS: Nanos = 1_000_000;
const GIB: u64 = 1 << 30;

/// A board of 8 GiB whose guests run side by side.
fn device() -> Gpu {
    let mut gpu = gpu(time_slice("fifo", MS));
    gpu.board.frame_buffer_mib = 8 << 10;
    gpu.division = Division::Whole(Share::Spatial(SideBySide::by_default(0.0)));
    gpu
}

/// Jobs (arrival, GPU time) on one SM, each of which allocates `gib`.
fn jobs(rows: &[(Nanos, Nanos)], gib: f64) -> Workload {
    let mut workload = requests(rows);
    for operation in workload.stages.iter_mut().flat_map(|s| &mut s.operations) {
        if let warpshare::workload::OperationKind::Gpu(work) = &mut operation.kind {
            work.sms = Some(1);
        }
    }
    workload.memory = Some(Size::Drawn(constant(gib * GIB as f64)));
    workload
}

fn client(name: &str, held: u64, limit: Option<u64>, workload: Workload) -> Guest {
    Guest {
        holds: Holds::Client { sms: None },
        streams: 2,
        memory: Some(GuestMemory {
            held: held * GIB,
            limit: limit.map(|limit| limit * GIB),
            vgpu: None,
        }),
        ..guest(name, workload)
    }
}

fn completed(result: &RunResult) -> Vec<(u64, u64, u64)> {
    let groups = result.guests.iter();
    groups
        .map(|group| {
            let jobs = &group.jobs;
            (jobs.completed, jobs.out_of_memory, jobs.unfinished)
        })
        .collect()
}

fn run(scenario: &Scenario) -> RunResult {
    experiment::run(scenario, &Options::default(), &Silent).expect("a result")
}

/// 8 GiB less the 2 that are held leave room for two jobs of 3 GiB: the third, which comes while
/// both run, fails, and one that comes after they have ended does not.
#[test]
fn a_job_that_finds_too_little_memory_fails_and_is_counted() {
    let rows = [(0, 10 * MS), (MS, 10 * MS), (12 * MS, 5 * MS)];
    let guests = vec![
        client("a", 1, None, jobs(&rows, 3.0)),
        client("b", 1, None, jobs(&[(2 * MS, MS)], 3.0)),
    ];
    let scenario = scenario(vec![device()], guests, 100 * MS);
    let log = simulate(&scenario);
    assert_eq!(log.ends(&scenario, "a"), [10 * MS, 11 * MS, 17 * MS]);
    assert!(log.ends(&scenario, "b").is_empty());
    let result = run(&scenario);
    assert_eq!(completed(&result), [(3, 0, 0), (0, 1, 0)]);
    let memory = &result.memory[0];
    assert_eq!((memory.name.as_str(), &memory.what), ("a", &MemoryOf::Gpu));
    assert_eq!(memory.capacity_bytes, Some(8 * GIB));
    assert_eq!(
        (memory.held_bytes, memory.largest_bytes),
        (2 * GIB, 8 * GIB)
    );
    assert!(result.checks.iter().all(|check| check.holds));
}

/// The limit of a client binds before the board does.
#[test]
fn a_client_has_a_limit_of_its_own() {
    let rows = [(0, 10 * MS), (MS, 10 * MS)];
    let guests = vec![client("a", 1, Some(5), jobs(&rows, 3.0))];
    let scenario = scenario(vec![device()], guests, 100 * MS);
    assert_eq!(completed(&run(&scenario)), [(1, 1, 0)]);
}

/// A waiting job that fails does not hold up those behind it, and their stream is free again.
#[test]
fn the_queue_goes_on_behind_a_job_that_failed() {
    let mut workload = jobs(&[(0, 4 * MS), (MS, 3 * MS), (2 * MS, 2 * MS)], 3.0);
    // The second job wants more than there is: its memory is a thousand times its time.
    workload.memory = Some(Size::Sum {
        base: -(3.0 * MS as f64 * 1e6),
        per_item: 0.0,
        terms: vec![(0, 2e6)],
    });
    let mut only = client("a", 0, None, workload);
    only.streams = 1;
    only.memory = Some(GuestMemory {
        held: 0,
        limit: Some(4_000_000_000_000),
        vgpu: None,
    });
    let mut device = device();
    device.board.frame_buffer_mib = 4_000_000_000_000 >> 20;
    // Times 4, 3 and 2 ms want 5, 3 and 1 TB: the first never fits.
    let scenario = scenario(vec![device], vec![only], 100 * MS);
    let log = simulate(&scenario);
    assert_eq!(log.ends(&scenario, "a"), [4 * MS, 6 * MS]);
    assert_eq!(completed(&run(&scenario)), [(2, 1, 0)]);
}

/// A guest of an A40-4Q sees 3776 MiB of its 4096; two jobs of 1.5 GiB and its 512 MiB fit, three do not.
#[test]
fn the_guest_of_a_vgpu_has_what_it_sees() {
    let text = r#"
        [run]
        duration = "2s"
        replications = 2
        [gpus.a]
        board = "a40"
        [guests.desktop]
        vgpu = "A40-4Q"
        count = 2
        streams = 3
        queue = 0
        memory = "512MiB"
        workload = "render"
        [workloads.render]
        memory = "1536MiB"
        arrivals = { process = "poisson", rate = "100/s" }
        stages.frame.gpu.time = "5ms"
    "#;
    let loaded = parse("desktops", text, Path::new("."), &Overrides::default());
    let scenario = loaded.expect("a scenario").scenario;
    let result = run(&scenario);
    let memory = &result.memory[0];
    let vgpu_type = "A40-4Q".to_owned();
    assert_eq!(
        (memory.name.as_str(), &memory.what),
        ("desktop", &MemoryOf::Vgpu { vgpu_type })
    );
    assert_eq!(memory.capacity_bytes, Some(3776 << 20));
    assert_eq!(memory.largest_bytes, (512 + 2 * 1536) << 20);
    let jobs = &result.guests[0].jobs;
    assert!(jobs.out_of_memory > 0 && jobs.dropped == 0, "{jobs:?}");
    assert_eq!(
        jobs.arrived,
        jobs.completed + jobs.out_of_memory + jobs.unfinished
    );
}
