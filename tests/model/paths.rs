//! Properties over random scenarios: the plain path, run-ahead and round jump give the same bytes, SM time is
//! conserved, and no work is lost or invented. Every scheduler takes part, also with processes inside vGPUs.

use crate::common::*;
use proptest::prelude::*;
use std::sync::Arc;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent, Speed};
use warpshare::gpu::law::ClockCurve;
use warpshare::gpu::{Charge, Preemption};
use warpshare::gpu::{CopyEngines, MediaEngines};
use warpshare::policy::{
    OnCompletion, OnIdle, Reservation, Rotation, Terms, Ties, TimeSlice, Turns, registry, spatial,
};
use warpshare::scenario::{
    ComputeInstance, Division, EncoderLists, GpuInstance, Guest, GuestMemory, Holds, Scenario,
    Share, SideBySide, Within,
};
use warpshare::sim::Variant;
use warpshare::workload::dist::Dist;
use warpshare::workload::trace::Trace;
use warpshare::workload::windows::{Gaps, Window};
use warpshare::workload::{
    Arrivals, Batching, Class, Direction, Discipline, Entry, FirstArrival, Frames, MediaEngine,
    OperationKind, Phase, Replay, SessionLength, Size, Spacing, Workload,
};

const US: f64 = 1_000.0;

/// A longer search from another seed: `PATHS_SEED=7 PATHS_CASES=20000 cargo test --test model paths`.
pub fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

fn dist() -> impl Strategy<Value = Dist> {
    prop_oneof![
        (1u32..3_000).prop_map(|us| constant(f64::from(us) * US)),
        // Long enough for rounds to repeat.
        (10u32..200).prop_map(|ms| constant(f64::from(ms) * 1_000.0 * US)),
        (1u32..2_000).prop_map(|us| Dist::exponential(f64::from(us) * US).unwrap()),
        (1u32..2_000).prop_map(|us| Dist::lognormal(f64::from(us) * US, 1.5).unwrap()),
        Just(Dist::geometric(4_000.0 * US, 1_000.0 * US).unwrap()),
    ]
}

fn a_workload() -> impl Strategy<Value = Workload> {
    let arrivals = prop_oneof![
        (1u32..4, prop_oneof![Just(constant(0.0)), dist()])
            .prop_map(|(users, think)| closed(users, think)),
        dist().prop_map(open),
        (100u32..4_000).prop_map(|us| open(Dist::weibull(f64::from(us) * US, 2.0).unwrap())),
        (1u64..5_000, dist(), 0usize..3).prop_map(|(us, jitter, first)| Arrivals::Paced {
            period: us * 1_000,
            jitter,
            first: [
                FirstArrival::AfterGap,
                FirstArrival::AtStart,
                FirstArrival::RandomPhase
            ][first],
        }),
        prop::collection::vec((prop::option::of(50u32..4_000), dist()), 1..4).prop_map(modulated),
        (1u32..20, 200u32..3_000, prop::option::of(0u32..5)).prop_map(|(ms, us, lasts)| {
            let exponential = |us: u32| Dist::exponential(f64::from(us) * US).unwrap();
            Arrivals::Sessions {
                gap: exponential(ms * 1_000),
                think: exponential(us),
                length: match lasts {
                    Some(ms) => SessionLength::Time(constant(f64::from(ms) * 1_000.0 * US)),
                    None => SessionLength::Requests(Dist::geometric(3.0, 1.0).unwrap()),
                },
            }
        }),
        (
            100u32..4_000,
            any::<bool>(),
            prop_oneof![Just(1.0), Just(0.4)]
        )
            .prop_map(|(us, again, keep)| (f64::from(us) * US, again, keep))
            .prop_flat_map(|(mean, again, keep)| entry(false)
                .prop_map(move |entry| windowed(mean, again, keep, entry))),
        (
            prop::collection::vec(0u64..3_000, 1..8),
            any::<bool>(),
            prop_oneof![Just(1.0), Just(0.4)],
            entry(true),
            prop_oneof![Just(0), 0u64..5_000_000],
        )
            .prop_map(|(gaps, again, keep, entry, delay)| traced(&gaps, again, keep, entry, delay)),
    ];
    let batch = prop_oneof![
        3 => Just(None),
        1 => Just(Some(constant(3.0))),
        1 => Just(Some(Dist::geometric(2.0, 1.0).unwrap())),
    ];
    let gpu = || {
        let arithmetic = prop::option::of(prop_oneof![Just(0.2), Just(1.0)]);
        let sms = prop::option::of(1u32..=SMS);
        (dist(), sms, 1u64..4, 0u32..3, arithmetic).prop_map(
            |(time, sms, speed, kernel, arithmetic)| {
                let mut gpu = work(time);
                gpu.sms = sms;
                gpu.speed = [1.0, 0.7, 1.9][speed as usize - 1];
                gpu.kernel = (kernel > 0).then(|| u64::from(kernel) * 300_000);
                gpu.memory_bound = [0.0, 0.3, 1.0][kernel as usize];
                gpu.reach = (speed != 1).then_some(1.5);
                // Under a roofline, one of the two parts is all of the time.
                gpu.arithmetic = match gpu.memory_bound {
                    1.0 => arithmetic,
                    _ => arithmetic.map(|_| 1.0),
                };
                OperationKind::Gpu(gpu)
            },
        )
    };
    let host = dist().prop_map(|time| OperationKind::Host {
        time: Size::Drawn(time),
    });
    let copy = (dist(), any::<bool>()).prop_map(|(bytes, up)| OperationKind::Copy {
        direction: if up {
            Direction::HostToDevice
        } else {
            Direction::DeviceToHost
        },
        bytes: Size::Drawn(bytes),
    });
    let media = (dist(), 0..3usize).prop_map(|(time, engine)| OperationKind::Media {
        engine: [MediaEngine::Nvdec, MediaEngine::Nvenc, MediaEngine::Ofa][engine],
        time: Size::Drawn(time),
        factor: [1.0, 0.7, 1.7][engine],
    });
    let operation = prop_oneof![3 => gpu(), 1 => host, 1 => copy, 1 => media];
    let stages = prop::collection::vec(prop::collection::vec(operation, 1..3), 0..2);
    // As many bytes as the operations last: some jobs fail, some do not.
    let memory = prop::option::of(
        (1u32..4_000).prop_map(|bytes| Size::Drawn(Dist::exponential(f64::from(bytes)).unwrap())),
    );
    // One at a time, several together, or frames of which the newest counts.
    let serving = prop_oneof![
        2 => Just((Discipline::Streams, None)),
        1 => dist().prop_map(|timeout| (Discipline::Streams, Some(timeout))),
        1 => (1u32..5, 0u64..4_000, prop::option::of(dist())).prop_map(|(max, us, timeout)| {
            let delay = us * 1_000;
            (Discipline::Batches(Batching { max, delay }), timeout)
        }),
        1 => (0u64..20_000).prop_map(|us| {
            let gap = us * 1_000;
            let resolution = (1920, 1080);
            let outside = us % 3 * 1_000_000;
            (Discipline::Frames(Frames { displays: 1, resolution, gap, outside }), None)
        }),
    ];
    let several = (batch, serving);
    (arrivals, several, gpu(), stages, memory).prop_map(|(arrivals, several, gpu, more, memory)| {
        let mut stages = vec![stage("first", vec![gpu])];
        for (index, kinds) in more.into_iter().enumerate() {
            stages.push(stage(&format!("more{index}"), kinds));
        }
        let mut workload = workload(arrivals, stages);
        let at_once = matches!(&workload.arrivals, Arrivals::Closed { think, .. }
            if *think == constant(0.0));
        workload.memory = memory.filter(|_| !at_once);
        let (batch, serving) = several;
        (workload.discipline, workload.timeout) = serving;
        let frames = workload.discipline.frames().is_some();
        if let (true, Arrivals::Closed { users, .. }) = (frames, &mut workload.arrivals) {
            *users = 1; // only one can wait for a frame
        }
        if !frames && workload.stages.len() > 1 {
            let class = |(name, part): (&str, f64)| Class {
                name: name.into(),
                part,
            };
            workload.classes = [("first", 0.3), ("second", 0.7)].map(class).into();
        }
        workload.batch = batch.filter(|_| {
            !matches!(
                workload.arrivals,
                Arrivals::Closed { .. } | Arrivals::Sessions { .. }
            )
        });
        workload
    })
}

/// Phases of milliseconds, with and without arrivals; the first has some. At equal gaps where there are two.
fn modulated(phases: Vec<(Option<u32>, Dist)>) -> Arrivals {
    let phase = |(index, (gap, stay)): (usize, (Option<u32>, Dist))| Phase {
        gap: gap
            .or((index == 0).then_some(1_000))
            .map(|us| f64::from(us) * US),
        stay,
    };
    Arrivals::Modulated {
        spacing: match phases.len() {
            2 => Spacing::Regular,
            _ => Spacing::Random,
        },
        phases: phases.into_iter().enumerate().map(phase).collect(),
    }
}

/// Bursty windows of 7 ms around an idle one.
fn windowed(mean: f64, again: bool, keep: f64, entry: Entry) -> Arrivals {
    let gaps = [
        Gaps::gamma(mean, 3.0).ok(),
        None,
        Gaps::weibull(mean, 2.0).ok(),
    ];
    let windows = (1..).zip(gaps).map(|(number, gaps)| Window {
        ends: number * 7_000_000,
        gaps,
    });
    Arrivals::Windowed {
        windows: windows.collect(),
        replay: Replay {
            keep,
            period: again.then_some(25_000_000),
            entry,
            ..Replay::once(if again { 25_000_000 } else { 21_000_000 })
        },
    }
}

fn entry(rows: bool) -> impl Strategy<Value = Entry> {
    let blocks = match rows {
        // As long as the mean distance of rows at least: no shorter than any.
        true => (3_000_000u64..9_000_000).prop_map(Entry::Blocks).boxed(),
        false => Just(Entry::Start).boxed(),
    };
    prop_oneof![
        Just(Entry::Start),
        Just(Entry::Apart),
        Just(Entry::Random),
        blocks
    ]
}

/// Rows after these gaps, in microseconds.
fn traced(gaps: &[u64], again: bool, keep: f64, entry: Entry, delay: Nanos) -> Arrivals {
    let times = gaps.iter().scan(0, |time, us| {
        *time += us * 1_000;
        Some(*time)
    });
    let trace = Trace {
        arrivals: std::iter::once(0).chain(times).collect(),
        ..Trace::default()
    };
    let last = trace.arrivals[gaps.len()];
    let cycle = last + 3_000_000;
    Arrivals::Trace {
        trace: Arc::new(trace),
        replay: Replay {
            keep,
            period: again.then_some(cycle),
            entry: match entry {
                Entry::Blocks(length) => Entry::Blocks(length.min(cycle)),
                other => other,
            },
            delay,
            ..Replay::once(cycle)
        },
    }
}

fn a_guest() -> impl Strategy<Value = Guest> {
    (
        a_workload(),
        1u32..3,
        1u32..4,
        prop::option::of(0u32..4),
        prop_oneof![3 => Just(0u64), 1 => 0u64..30_000_000],
        -1i64..2,
    )
        .prop_map(|(workload, count, streams, queue, start, order)| {
            let guest = Guest {
                count,
                streams,
                queue,
                start,
                order,
                ..guest("g", workload)
            };
            // Users who do not think and find no room would ask again at once, for ever.
            let room = match (&guest.workload.arrivals, guest.room()) {
                (Arrivals::Closed { users, think }, Some(room)) => {
                    *think != constant(0.0) || u64::from(*users) <= room
                }
                _ => true,
            };
            Guest {
                queue: guest.queue.filter(|_| room),
                ..guest
            }
        })
}

pub fn a_scenario() -> impl Strategy<Value = Scenario> {
    let switch = (
        prop_oneof![
            Just(Preemption::Delay(0)),
            Just(Preemption::Delay(70_000)),
            Just(Preemption::Delay(1_500_000)),
            Just(Preemption::KernelBoundary)
        ],
        0u64..200_000,
        prop_oneof![
            Just(Charge::PerTenantChange),
            Just(Charge::PerEntryChange),
            Just(Charge::PerDispatch),
            Just(Charge::PerSlot)
        ],
    );
    let rules = (
        prop_oneof![Just(Turns::PerTenant), Just(Turns::PerChannel)],
        prop_oneof![Just(Rotation::Queue), Just(Rotation::List)],
        prop_oneof![Just(OnCompletion::Keep), Just(OnCompletion::End)],
        prop_oneof![3 => Just(OnIdle::Hold), 1 => Just(OnIdle::End)],
        prop_oneof![Just(Ties::PreemptedFirst), Just(Ties::ArrivalFirst)],
    );
    (
        0..registry::all().len(),
        250_000u64..3_000_000,
        prop::option::of(1u32..40),
        rules,
        switch,
        prop::collection::vec(a_guest(), 1..4),
        prop::option::of(1u32..3),
        any::<u64>(),
        (0u32..5, side_by_side(), any::<bool>()),
        (within(), prop::option::of(encoders())),
    )
        .prop_map(
            |(
                scheduler,
                slice,
                arr_factor,
                rules,
                (preemption, tau, charge),
                guests,
                cores,
                seed,
                (division, beside, clock),
                (within, encoders),
            )| {
                let mut share = time_slice(registry::all()[scheduler].name, slice);
                share.arr_factor = arr_factor;
                share.reserved_turns = Some(7);
                share.extra = [0, slice / 3, 10 * slice][seed as usize % 3];
                (
                    share.turns,
                    share.rotation,
                    share.on_completion,
                    share.on_idle,
                    share.ties,
                ) = rules;
                let time_slice = share.clone();
                let mut device = gpu(share);
                device.board.media_engines = media_engines();
                device.board.switch = switch_of(preemption, tau, charge);
                device.board.link.bytes_per_second = 1e9;
                device.board.copy_engines.host_to_device = 2;
                if clock {
                    device.clock = ClockCurve::new(vec![(0.3, 1.3), (1.0, 1.0)]);
                }
                device.division = divide(division, beside, time_slice);
                device.encoders = encoders;
                let domains = device.domains().len();
                let guests = guests
                    .into_iter()
                    .enumerate()
                    .map(|(index, guest)| Guest {
                        memory: guest.workload.memory.is_some().then(|| GuestMemory {
                            held: 100,
                            limit: [None, Some(2_000)][index % 2],
                            vgpu: None,
                        }),
                        name: format!("guest{index}"),
                        domain: index % domains,
                        holds: Holds::Client {
                            sms: [None, Some(3), Some(8)][index % 3],
                        },
                        deadline: [None, Some(5_000_000), Some(50_000_000)][index % 3],
                        terms: Terms {
                            weight: 1 + 2 * index as u32,
                            priority: index as i32 % 3,
                            reservation: (index % 2 == 1).then_some(Reservation {
                                time: 1_000_000,
                                period: 7_000_000,
                            }),
                        },
                        ..guest
                    })
                    .collect();
                let mut scenario = scenario(vec![device], guests, 100_000_000);
                if let Some((share, number)) = within {
                    put_inside(&mut scenario, share, number);
                }
                scenario.host_cores = cores;
                scenario.run.seed = seed;
                scenario
            },
        )
}

/// Run lists of the encoders.
fn encoders() -> impl Strategy<Value = EncoderLists> {
    (100_000u64..3_000_000, any::<bool>(), any::<bool>()).prop_map(|(slice, fixed, end)| {
        let mut turns = time_slice(if fixed { "fixed-share" } else { "equal-share" }, slice);
        turns.reserved_turns = Some(7);
        if end {
            turns.on_idle = OnIdle::End;
        }
        EncoderLists {
            turns,
            change: slice / 10,
        }
    })
}

fn side_by_side() -> impl Strategy<Value = SideBySide> {
    let policy = 0..spatial::all().len();
    (policy, 0u32..3).prop_map(|(policy, tenths)| SideBySide {
        policy: spatial::all()[policy],
        interference: f64::from(tenths) / 10.0,
    })
}

/// How processes share a vGPU, and how many vGPUs their machine has.
fn within() -> impl Strategy<Value = Option<(Share, u32)>> {
    let turns = (
        100_000u64..2_000_000,
        any::<bool>(),
        prop_oneof![Just(Rotation::Queue), Just(Rotation::List)],
        prop_oneof![Just(OnCompletion::Keep), Just(OnCompletion::End)],
    );
    let turns = turns.prop_map(|(slice, fifo, rotation, on_completion)| {
        Share::TimeSlice(TimeSlice {
            rotation,
            on_completion,
            ..time_slice(if fifo { "fifo" } else { "round-robin" }, slice)
        })
    });
    let share = prop_oneof![3 => turns, 1 => side_by_side().prop_map(Share::Spatial)];
    prop::option::of((share, 1u32..3))
}

/// Makes the first guest a virtual machine, and the second one processes in it, where the first one's SMs
/// are shared in turns.
fn put_inside(scenario: &mut Scenario, share: Share, number: u32) {
    let turns = matches!(scenario.gpus[0].domains()[0].share, Share::TimeSlice(_));
    let [machine, process, ..] = scenario.guests.as_mut_slice() else {
        return;
    };
    if !turns {
        return;
    }
    machine.holds = Holds::Vgpu {
        type_name: "V".into(),
        number,
        frame_buffer_mib: 1,
    };
    machine.within = Some(Within {
        share,
        sms: Some(6),
    });
    let each = process.count;
    process.count = each * machine.count;
    process.domain = machine.domain;
    process.start = machine.start;
    process.holds = Holds::Process {
        machine: 0,
        each,
        sms: Some(7),
    };
    for memory in [machine, process]
        .into_iter()
        .filter_map(|g| g.memory.as_mut())
    {
        memory.vgpu = Some(3_000);
    }
}

/// The whole board in turns or in space, or two GPU instances of which one has two compute
/// instances.
fn media_engines() -> MediaEngines {
    let mut engines = MediaEngines::default();
    engines.set(MediaEngine::Nvdec, 2);
    engines.set(MediaEngine::Nvenc, 2);
    engines.set(MediaEngine::Ofa, 1);
    engines
}

fn divide(division: u32, beside: SideBySide, share: TimeSlice) -> Division {
    let spatial = Share::Spatial(beside);
    let compute = |name: Option<&str>, sms, share: &Share| ComputeInstance {
        name: name.map(Into::into),
        sms,
        slices: 1,
        share: share.clone(),
    };
    let turns = Share::TimeSlice(share);
    let instance = |name: &str, start, bandwidth, compute_instances| GpuInstance {
        name: name.into(),
        profile: "test".into(),
        start,
        bandwidth,
        frame_buffer_mib: 1 << 10,
        sms: 5,
        media_engines: media_engines(),
        copy_engines: CopyEngines {
            host_to_device: 1,
            device_to_host: 2,
        },
        compute_instances,
    };
    match division {
        0 | 1 => Division::Whole(turns),
        2 => Division::Whole(spatial),
        3 => Division::Mig(vec![
            instance("a", 0, 0.5, vec![compute(None, 5, &turns)]),
            instance("b", 4, 0.5, vec![compute(None, 4, &spatial)]),
        ]),
        _ => Division::Mig(vec![
            instance(
                "a",
                0,
                0.5,
                vec![
                    compute(Some("x"), 3, &turns),
                    compute(Some("y"), 2, &spatial),
                ],
            ),
            instance("b", 4, 0.375, vec![compute(None, 4, &turns)]),
        ]),
    }
}

fn switch_of(preemption: Preemption, tau: Nanos, charge: Charge) -> warpshare::gpu::SwitchCost {
    warpshare::gpu::SwitchCost {
        preemption,
        save: tau / 2,
        restore: tau - tau / 2,
        scheduler_call: 500,
        charge,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: from_environment("PATHS_CASES", 400) as u32,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(from_environment("PATHS_SEED", 20_261_124)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn all_speeds_agree_and_nothing_is_lost(scenario in a_scenario()) {
        let log = simulate(&scenario); // asserts that all speeds agree
        let domains = scenario.gpus[0].domains();
        for (now, accounts, ran, _) in &log.edges {
            // SM time is conserved at every edge, and running times add up to the GPU time.
            for (domain, accounts) in domains.iter().zip(accounts) {
                let wall = u128::from(*now) * u128::from(domain.sms);
                prop_assert_eq!(accounts.total(), wall);
            }
            prop_assert_eq!(ran.iter().sum::<Nanos>(), accounts[0].gpu_time);
        }
        // Jobs are conserved: the terminating run's jobs all arrive in the window.
        let in_system: u64 = log.arrived.iter().sum::<u64>() - log.dropped.iter().sum::<u64>();
        prop_assert!(log.jobs.len() as u64 <= in_system);
        for (_, job) in &log.jobs {
            prop_assert!(job.arrival <= job.started && job.started <= job.ended);
            prop_assert_eq!(job.parts.iter().sum::<Nanos>(), job.ended - job.arrival);
        }
    }

    #[test]
    fn baselines_agree_at_every_speed(scenario in a_scenario()) {
        let only = warpshare::sim::instances(&scenario)[0];
        for variant in [Variant::AloneOnBoard(only), Variant::AloneOnShare(only)] {
            let plain = simulate_variant(&scenario, 0, variant, Speed::Plain);
            for speed in [Speed::RunAhead, Speed::RoundJump] {
                prop_assert_eq!(&plain, &simulate_variant(&scenario, 0, variant, speed));
            }
        }
    }

    /// The whole result, with histograms and estimates, for any number of threads.
    #[test]
    fn results_do_not_depend_on_threads_or_path(scenario in a_scenario()) {
        let mut scenario = scenario;
        scenario.run.replications = 3;
        scenario.run.baselines = true;
        scenario.run.window = 20_000_000;
        let run = |threads, speed| {
            let options = Options { threads: Some(threads), speed, ..Options::default() };
            let result = experiment::run(&scenario, &options, &Silent).expect("a run");
            serde_json::to_string(&result).expect("a result that can be written")
        };
        let one = run(1, Speed::RoundJump);
        prop_assert_eq!(&one, &run(2, Speed::RunAhead));
        prop_assert_eq!(&one, &run(7, Speed::Plain));
        prop_assert!(!one.contains("\"holds\":false"), "an invariant is violated");
    }
}
