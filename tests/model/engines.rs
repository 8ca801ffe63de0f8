//! Media engines: schedules worked out by hand, engines of GPU instances, and what a report says.

use crate::common::*;
use std::path::Path;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::gpu::{CopyEngines, MediaEngines};
use warpshare::scenario::{
    ComputeInstance, Division, Gpu, GpuInstance, Guest, Overrides, Scenario, Share, parse,
};
use warpshare::sim::Part;
use warpshare::workload::{MediaEngine, OperationKind, Size, Workload};

const MS: Nanos = 1_000_000;

fn decoders(count: u32) -> MediaEngines {
    let mut engines = MediaEngines::default();
    engines.set(MediaEngine::Nvdec, count);
    engines
}

fn gpu_with(count: u32) -> Gpu {
    let mut gpu = gpu(time_slice("round-robin", MS));
    gpu.board.media_engines = decoders(count);
    gpu
}

fn decode(time: Nanos) -> OperationKind {
    OperationKind::Media {
        engine: MediaEngine::Nvdec,
        time: Size::Drawn(constant(time as f64)),
        factor: 1.0,
    }
}

/// One job at time 0 whose stages are single operations.
fn once(kinds: Vec<OperationKind>) -> Workload {
    let mut workload = requests(&[(0, 1)]);
    workload.stages = kinds
        .into_iter()
        .enumerate()
        .map(|(index, kind)| stage(&format!("s{index}"), vec![kind]))
        .collect();
    workload
}

fn gpu_work(time: Nanos) -> OperationKind {
    OperationKind::Gpu(work(constant(time as f64)))
}

/// When each guest's job ends, in the order of their names, and the time on engines of each.
fn ends(gpu: Gpu, guests: Vec<Guest>) -> Vec<(Nanos, Nanos)> {
    let scenario: Scenario = scenario(vec![gpu], guests, 1_000 * MS);
    let mut log = simulate(&scenario);
    log.jobs.sort_by_key(|(guest, _)| *guest);
    let jobs = log.jobs.iter();
    jobs.map(|(_, job)| (job.ended, job.parts[Part::Engine as usize]))
        .collect()
}

#[test]
fn an_engine_serves_one_operation_at_a_time_in_order_of_arrival() {
    let guests = || ["a", "b", "c"].map(|name| guest(name, once(vec![decode(10 * MS)])));
    let one = ends(gpu_with(1), guests().to_vec());
    assert_eq!(
        one,
        [(10, 10), (20, 20), (30, 30)].map(|(a, b)| (a * MS, b * MS))
    );
    let two = ends(gpu_with(2), guests().to_vec());
    assert_eq!(
        two,
        [(10, 10), (10, 10), (20, 20)].map(|(a, b)| (a * MS, b * MS))
    );
}

/// The decoder works for `a` while `b` holds the SMs: turns on the SMs do not govern it.
#[test]
fn the_scheduler_of_the_sms_has_no_say_in_the_engines() {
    let guests = vec![
        guest("a", once(vec![decode(10 * MS), gpu_work(4 * MS)])),
        guest("b", once(vec![gpu_work(12 * MS)])),
    ];
    // b alone on the SMs until 10; then a and b in turns of 1 ms: b has its last 2 ms by 13, a ends at 16.
    let found = ends(gpu_with(1), guests);
    assert_eq!(found[0].0, 16 * MS);
    assert!((12 * MS..=14 * MS).contains(&found[1].0), "{found:?}");
    assert_eq!(found[0].1, 10 * MS);
}

#[test]
fn engines_of_gpu_instances_are_their_own() {
    let instance = |name: &str, start| GpuInstance {
        name: name.into(),
        profile: "test".into(),
        start,
        bandwidth: 0.5,
        frame_buffer_mib: 1 << 10,
        sms: 5,
        copy_engines: CopyEngines {
            host_to_device: 1,
            device_to_host: 1,
        },
        media_engines: decoders(1),
        compute_instances: vec![ComputeInstance {
            name: None,
            sms: 5,
            slices: 1,
            share: Share::TimeSlice(time_slice("round-robin", MS)),
        }],
    };
    let divided = Gpu {
        division: Division::Mig(vec![instance("a", 0), instance("b", 4)]),
        ..gpu_with(2)
    };
    let job = || once(vec![decode(10 * MS)]);
    let on = |domain, name| Guest {
        domain,
        ..guest(name, job())
    };
    let found = ends(divided, vec![on(0, "a"), on(0, "b"), on(1, "c")]);
    let times: Vec<Nanos> = found.iter().map(|(end, _)| end / MS).collect();
    assert_eq!(times, [10, 20, 10]);
}

/// Three sessions on the two decoders of a 3g.20gb: 400 frames a second of 5 ms, whoever asks.
#[test]
fn a_gpu_instance_has_the_decoders_of_its_profile() {
    let text = r#"
        [run]
        duration = "2s"
        replications = 2
        [gpus.a]
        board = "a100-sxm4-40gb"
        instances.cameras = { profile = "3g.20gb" }
        instances.other = { profile = "3g.20gb" }
        [guests.camera]
        on = "a.cameras"
        context = true
        count = 3
        workload = "decode"
        [workloads.decode]
        arrivals = { process = "closed", users = 1 }
        stages.frame.nvdec.time = "5ms"
    "#;
    let loaded = parse("cameras", text, Path::new("."), &Overrides::default());
    let scenario = loaded.expect("a scenario").scenario;
    assert_eq!(scenario.gpus[0].media_engines(), decoders(2));
    assert_eq!(scenario.gpus[0].board.media_engines, decoders(5));
    let result = experiment::run(&scenario, &Options::default(), &Silent).expect("a result");
    let camera = &result.guests[0];
    assert_eq!(camera.throughput_per_s.value, Some(400.0));
    let engine = camera.parts.engine_ns.as_ref().expect("time on engines");
    assert_eq!(engine.value, camera.response.mean_ns.value);
    let nvdec = result.gpus[0].engines.last().expect("an engine");
    assert_eq!((nvdec.name.as_str(), nvdec.servers), ("NVDEC", 2));
    assert_eq!(nvdec.utilisation.value, Some(1.0));
    // Alone on the whole board each would have had a decoder to itself.
    assert_eq!(camera.slowdown.value, Some(1.5));
}
