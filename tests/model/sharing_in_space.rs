//! Schedules worked out by hand: MPS clients, compute instances and GPU instances.
//!
//! The board has 10 SMs. A job is GPU work that takes 10 ms alone on the whole board, unless a test
//! says otherwise, and arrives at time 0.

use crate::common::*;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::gpu::law::ClockCurve;
use warpshare::gpu::{CopyEngines, MediaEngines};
use warpshare::scenario::{
    ComputeInstance, Division, Gpu, GpuInstance, Guest, Holds, Overrides, Scenario, Share,
    SideBySide, parse,
};
use warpshare::workload::{GpuWork, Grid, OperationKind, Workload};

const MS: Nanos = 1_000_000;

fn shaped(time: Nanos, change: impl Fn(&mut GpuWork)) -> Workload {
    let mut work = work(constant(time as f64));
    change(&mut work);
    let mut workload = requests(&[(0, time)]);
    workload.stages = vec![stage("s", vec![OperationKind::Gpu(work)])];
    workload
}

/// A job that fills `sms`.
fn job(time: Nanos, sms: u32) -> Workload {
    shaped(time, |work| work.sms = Some(sms))
}

fn client(name: &str, cap: Option<u32>, workload: Workload) -> Guest {
    Guest {
        holds: Holds::Client { sms: cap },
        ..guest(name, workload)
    }
}

fn mps(interference: f64) -> Gpu {
    Gpu {
        division: Division::Whole(Share::Spatial(SideBySide::by_default(interference))),
        ..gpu(time_slice("fifo", MS))
    }
}

/// When each guest's job ends, in the order of their names.
fn ends(scenario: &Scenario) -> Vec<Nanos> {
    let log = simulate(scenario);
    let names: Vec<_> = scenario.guests.iter().map(|guest| &*guest.name).collect();
    names
        .iter()
        .flat_map(|name| log.ends(scenario, name))
        .collect()
}

/// Equal up to the nanosecond that a rate which is no binary fraction may cost.
fn nearly(found: &[Nanos], wanted: &[Nanos]) {
    let near = found.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) <= 1);
    assert!(
        near && found.len() == wanted.len(),
        "{found:?} is not {wanted:?}"
    );
}

fn side_by_side(gpu: Gpu, guests: Vec<Guest>) -> Vec<Nanos> {
    ends(&scenario(vec![gpu], guests, 1_000 * MS))
}

#[test]
fn clients_run_side_by_side_under_their_caps() {
    let guests = vec![
        client("a", Some(5), job(10 * MS, 10)),
        client("b", Some(2), job(10 * MS, 10)),
    ];
    nearly(&side_by_side(mps(0.0), guests), &[20 * MS, 50 * MS]);
}

#[test]
fn sms_that_no_client_fills_are_idle_and_not_reserved() {
    let guests = vec![client("a", Some(5), job(10 * MS, 10))];
    let log = simulate(&scenario(vec![mps(0.0)], guests, 100 * MS));
    let accounts = log.last_accounts();
    let sm_ns = |ms: u128| ms * u128::from(MS);
    // 5 of 10 SMs for 20 ms.
    assert_eq!((accounts.useful, accounts.reserved_idle), (sm_ns(100), 0));
    assert_eq!(accounts.idle, sm_ns(900));
}

#[test]
fn a_cap_does_not_reserve() {
    // Both may fill 8 of the 10 SMs and get 5: half speed until 8 ms, when b has its 4 ms. Then a has
    // 6 ms left on 8 SMs.
    let guests = vec![
        client("a", Some(8), job(10 * MS, 10)),
        client("b", Some(8), job(4 * MS, 10)),
    ];
    assert_eq!(side_by_side(mps(0.0), guests), [8 * MS + 7_500_000, 8 * MS]);
}

#[test]
fn small_work_leaves_room_for_others() {
    let guests = vec![
        client("a", None, job(10 * MS, 3)),
        client("b", None, job(10 * MS, 7)),
    ];
    assert_eq!(side_by_side(mps(0.0), guests), [10 * MS, 10 * MS]);
    // 3 + 9 SMs are wanted: a has what it needs, b 7 of 9 until a ends, then all.
    let guests = vec![
        client("a", None, job(7 * MS, 3)),
        client("b", None, job(9 * MS, 9)),
    ];
    let done = 7.0 * 7.0 / 9.0;
    let end = (7.0 + (9.0 - done)) * MS as f64;
    let found = side_by_side(mps(0.0), guests);
    assert_eq!(found[0], 7 * MS);
    assert!(
        (found[1] as f64 - end).abs() < 2.0,
        "{} is not {end}",
        found[1]
    );
}

#[test]
fn memory_bandwidth_is_shared_by_demand() {
    let bound = |part: f64| {
        shaped(10 * MS, move |work| {
            work.sms = Some(5);
            work.memory_bound = part;
        })
    };
    let pair = |a: f64, b: f64| {
        let guests = vec![client("a", None, bound(a)), client("b", None, bound(b))];
        side_by_side(mps(0.0), guests)
    };
    assert_eq!(pair(0.5, 0.5), [10 * MS, 10 * MS]);
    assert_eq!(pair(1.0, 1.0), [20 * MS, 20 * MS]);
    // Demands 0.25 and 1: the small one is met, the other has 0.75 until 10 ms, then all.
    assert_eq!(pair(0.25, 1.0), [10 * MS, 12_500_000]);
}

#[test]
fn interference_lengthens_work_only_beside_others() {
    let guests = vec![
        client("a", Some(5), job(10 * MS, 5)),
        client("b", Some(5), job(5 * MS, 5)),
    ];
    // Together at 1 / 1.1 until b ends at 5.5 ms; a has done 5 ms then and goes on alone.
    let found = side_by_side(mps(0.1), guests);
    assert!(found[1].abs_diff(5_500_000) <= 1, "{found:?}");
    assert!(found[0].abs_diff(10_500_000) <= 2, "{found:?}");
}

#[test]
fn work_that_wants_the_same_sms_takes_turns_on_them() {
    let fills = |memory_bound: f64, sms: u32| {
        shaped(10 * MS, move |work| {
            work.sms = Some(sms);
            work.memory_bound = memory_bound;
        })
    };
    let pair = |interference, cap: Option<u32>, sms| {
        let guests = vec![
            client("a", cap, fills(0.4, sms)),
            client("b", cap, fills(0.4, sms)),
        ];
        side_by_side(mps(interference), guests)
    };
    // Each holds the SMs while it waits for memory: two together are no faster than one after the other,
    // and interference does not make them slower than that.
    assert_eq!(pair(0.0, None, 10), [20 * MS, 20 * MS]);
    assert_eq!(pair(0.3, None, 10), [20 * MS, 20 * MS]);
    // With SMs of their own each is as slow as alone on them, 0.6 x 2 + 0.4, and then interference counts.
    nearly(&pair(0.0, Some(5), 10), &[16 * MS, 16 * MS]);
    nearly(&pair(0.1, Some(5), 10), &[17_600_000, 17_600_000]);
    // 16 SMs are wanted: each has 10 of 16 of its speed, less interference up to one after the other.
    nearly(&pair(0.0, None, 8), &[16 * MS, 16 * MS]);
    nearly(&pair(0.1, None, 8), &[17_600_000, 17_600_000]);
    nearly(&pair(0.5, None, 8), &[20 * MS, 20 * MS]);
}

#[test]
fn few_sms_do_not_draw_all_of_the_bandwidth() {
    let capped = |cap, reach| {
        let workload = shaped(10 * MS, move |work| {
            work.sms = Some(10);
            work.memory_bound = 1.0;
            work.reach = reach;
        });
        side_by_side(mps(0.0), vec![client("a", Some(cap), workload)])
    };
    assert_eq!(capped(2, None), [10 * MS]);
    assert_eq!(capped(5, Some(2.0)), [10 * MS]);
    nearly(&capped(4, Some(2.0)), &[12_500_000]);
    nearly(&capped(2, Some(2.0)), &[25 * MS]);
}

#[test]
fn fewer_busy_sms_run_faster_on_a_clock_curve() {
    let gpu = |curve| Gpu {
        clock: curve,
        ..mps(0.0)
    };
    let curve = ClockCurve::new(vec![(0.5, 1.25), (1.0, 1.0)]);
    let guests = || vec![client("a", Some(5), job(10 * MS, 10))];
    assert_eq!(side_by_side(gpu(None), guests()), [20 * MS]);
    assert_eq!(side_by_side(gpu(curve.clone()), guests()), [16 * MS]);
    // With the other half busy the clock is that of the whole board.
    let mut both = guests();
    both.push(client("b", Some(5), job(10 * MS, 10)));
    assert_eq!(side_by_side(gpu(curve), both), [20 * MS, 20 * MS]);
}

#[test]
fn a_grid_runs_in_whole_waves() {
    let grid = |cap| {
        let workload = shaped(10 * MS, |work| {
            work.sms = Some(10);
            work.grid = Some(Grid {
                blocks: 20,
                blocks_per_sm: 2,
            });
        });
        side_by_side(mps(0.0), vec![client("a", cap, workload)])
    };
    assert_eq!(grid(None), [10 * MS]);
    assert_eq!(grid(Some(9)), [20 * MS]); // 18 blocks, then 2
    assert_eq!(grid(Some(5)), [20 * MS]);
    nearly(&grid(Some(4)), &[30 * MS]);
}

fn instance(name: &str, start: u32, bandwidth: f64, cis: &[(Option<&str>, u32)]) -> GpuInstance {
    GpuInstance {
        name: name.into(),
        profile: "test".into(),
        start,
        bandwidth,
        frame_buffer_mib: 1 << 10,
        sms: cis.iter().map(|(_, sms)| sms).sum(),
        media_engines: MediaEngines::default(),
        copy_engines: CopyEngines {
            host_to_device: 1,
            device_to_host: 1,
        },
        compute_instances: cis
            .iter()
            .map(|&(name, sms)| ComputeInstance {
                name: name.map(Into::into),
                sms,
                slices: 1,
                share: Share::Exclusive,
            })
            .collect(),
    }
}

fn divided(instances: Vec<GpuInstance>) -> Gpu {
    Gpu {
        division: Division::Mig(instances),
        ..gpu(time_slice("fifo", MS))
    }
}

fn on(domain: usize, guest: Guest) -> Guest {
    Guest { domain, ..guest }
}

fn memory_job(part: f64) -> Workload {
    shaped(10 * MS, move |work| work.memory_bound = part)
}

#[test]
fn an_instance_stretches_work_between_its_sm_and_memory_ratios() {
    let gpu = || divided(vec![instance("small", 0, 0.125, &[(None, 2)])]);
    let run = |workload| side_by_side(gpu(), vec![guest("a", workload)]);
    nearly(&run(memory_job(0.0)), &[50 * MS]);
    nearly(&run(memory_job(0.25)), &[57_500_000]); // 0.75 x 5 + 0.25 x 8
    nearly(&run(memory_job(1.0)), &[80 * MS]);
    assert_eq!(run(job(10 * MS, 2)), [10 * MS]);
}

#[test]
fn instances_do_not_feel_each_other() {
    let instances = || {
        divided(vec![
            instance("a", 0, 0.5, &[(None, 5)]),
            instance("b", 4, 0.5, &[(None, 5)]),
        ])
    };
    let alone = side_by_side(instances(), vec![guest("a", memory_job(0.5))]);
    let guests = vec![
        guest("a", memory_job(0.5)),
        on(1, guest("b", memory_job(1.0))),
    ];
    let both = side_by_side(instances(), guests);
    assert_eq!(alone[0], both[0]);
    assert_eq!(both, [20 * MS, 20 * MS]);
}

#[test]
fn compute_instances_share_the_bandwidth_of_their_gpu_instance() {
    let gpu = || {
        divided(vec![instance(
            "a",
            0,
            0.5,
            &[(Some("x"), 2), (Some("y"), 3)],
        )])
    };
    let bound = || {
        shaped(10 * MS, |work| {
            work.sms = Some(2);
            work.memory_bound = 1.0;
        })
    };
    assert_eq!(side_by_side(gpu(), vec![guest("x", bound())]), [20 * MS]);
    let both = vec![guest("x", bound()), on(1, guest("y", bound()))];
    assert_eq!(side_by_side(gpu(), both), [40 * MS, 40 * MS]);
    // SMs are each instance's own.
    let both = vec![
        guest("x", job(10 * MS, 2)),
        on(1, guest("y", job(10 * MS, 3))),
    ];
    assert_eq!(side_by_side(gpu(), both), [10 * MS, 10 * MS]);
}

#[test]
fn the_clock_is_that_of_the_whole_board() {
    let gpu = || Gpu {
        clock: ClockCurve::new(vec![(0.5, 1.25), (1.0, 1.0)]),
        ..divided(vec![
            instance("a", 0, 0.5, &[(None, 5)]),
            instance("b", 4, 0.5, &[(None, 5)]),
        ])
    };
    assert_eq!(
        side_by_side(gpu(), vec![guest("a", job(10 * MS, 10))]),
        [16 * MS]
    );
    // Both busy: 20 ms of work at the full clock; b ends at 10 ms, when a has half of its work left
    // and the faster clock.
    let guests = vec![
        guest("a", job(10 * MS, 10)),
        on(1, guest("b", job(5 * MS, 10))),
    ];
    assert_eq!(side_by_side(gpu(), guests), [18 * MS, 10 * MS]);
}

#[test]
fn sm_time_is_conserved_on_a_divided_gpu() {
    let gpu = divided(vec![
        instance("a", 0, 0.5, &[(Some("x"), 2), (Some("y"), 3)]),
        instance("b", 4, 0.5, &[(None, 4)]),
    ]);
    let guests = vec![
        guest("x", memory_job(0.7)),
        on(1, guest("y", memory_job(0.4))),
        on(2, guest("z", job(10 * MS, 3))),
    ];
    let log = simulate(&scenario(vec![gpu], guests, 200 * MS));
    for (now, accounts, _, _) in &log.edges {
        for (domain, sms) in [2u32, 3, 4].into_iter().enumerate() {
            let wall = u128::from(*now) * u128::from(sms);
            assert_eq!(accounts[domain].total(), wall);
        }
    }
}

/// On an H100 the largest instance has all SMs of the board: what holds for the GPU holds for it.
#[test]
fn an_instance_with_all_sms_has_results_of_its_own() {
    let text = "[run]\nduration = \"1s\"\nreplications = 2\nbaselines = false\n\
                [gpus.a]\nboard = \"h100-sxm5-80gb\"\ninstances.all = { profile = \"7g.80gb\" }\n\
                [guests.g]\non = \"a.all\"\ncontext = true\nworkload = \"w\"\n\
                [workloads.w]\narrivals = { process = \"poisson\", rate = \"100/s\" }\n\
                stages.s.gpu.time = \"4ms\"\n";
    let loaded = parse("s", text, ".".as_ref(), &Overrides::default()).expect("a scenario");
    let result = experiment::run(&loaded.scenario, &Options::default(), &Silent).expect("a run");
    let gpu = &result.gpus[0];
    let [instance] = gpu.instances.as_slice() else {
        panic!("{} instances", gpu.instances.len());
    };
    assert_eq!(instance.sms, gpu.sms);
    assert!(gpu.gpu_time.value.expect("a mean") > 0.3);
    assert_eq!(instance.gpu_time, gpu.gpu_time);
    assert_eq!(instance.split, gpu.split);
}
