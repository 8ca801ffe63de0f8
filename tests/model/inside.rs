//! Processes inside virtual machines: schedules worked out by hand, to the nanosecond.

use crate::common::*;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::gpu::{Charge, Preemption};
use warpshare::policy::{OnCompletion, TimeSlice};
use warpshare::result::{Holding, RunResult};
use warpshare::scenario::{Gpu, Guest, GuestMemory, Holds, Scenario, Share, SideBySide, Within};
use warpshare::sim::{BuildError, Nobody, Part, Speed, Variant, build};
use warpshare::workload::{OperationKind, Size, Workload};

const US: Nanos = 1_000;
const MS: Nanos = 1_000_000;
/// What every change costs where it costs anything.
const COST: Nanos = 250 * US;

fn vgpu(name: &str, workload: Workload) -> Guest {
    Guest {
        holds: Holds::Vgpu {
            type_name: "V".into(),
            number: 1,
            frame_buffer_mib: 1 << 10,
        },
        ..guest(name, workload)
    }
}

/// A virtual machine whose vGPU is shared within.
fn machine(name: &str, share: Share, workload: Workload) -> Guest {
    Guest {
        within: Some(Within { share, sms: None }),
        ..vgpu(name, workload)
    }
}

/// A process in the machine that is the first guest of the scenario.
fn process(name: &str, workload: Workload) -> Guest {
    Guest {
        holds: Holds::Process {
            machine: 0,
            each: 1,
            sms: None,
        },
        ..guest(name, workload)
    }
}

/// Contexts take turns.
fn turns(slice: Nanos) -> Share {
    Share::TimeSlice(time_slice("round-robin", slice))
}

fn one(work: Nanos) -> Workload {
    requests(&[(0, work)])
}

/// Work that can fill so many of the ten SMs.
fn on_sms(mut workload: Workload, sms: u32) -> Workload {
    for operation in workload.stages.iter_mut().flat_map(|s| &mut s.operations) {
        if let OperationKind::Gpu(work) = &mut operation.kind {
            work.sms = Some(sms);
        }
    }
    workload
}

fn with_cost(share: TimeSlice) -> Gpu {
    let mut device = gpu(share);
    device.board.switch = switch(COST, Charge::PerTenantChange);
    device
}

fn run(scenario: &Scenario) -> RunResult {
    experiment::run(scenario, &Options::default(), &Silent).expect("a result")
}

/// Ends of the only job of each guest.
fn ends<const N: usize>(scenario: &Scenario, names: [&str; N]) -> [Nanos; N] {
    let log = simulate(scenario);
    names.map(|name| log.ends(scenario, name)[0])
}

/// Two contexts in turns of 2 ms, within turns of 4 ms beside another vGPU:
///
/// ```text
/// 0  a  2  p  4  z  8  a 10  p 12  z 16  a 18
/// ```
#[test]
fn contexts_take_turns_within_those_of_their_vgpu() {
    let guests = vec![
        machine("a", turns(2 * MS), one(6 * MS)),
        process("p", one(4 * MS)),
        vgpu("z", one(8 * MS)),
    ];
    let device = gpu(time_slice("best-effort", 4 * MS));
    let scenario = scenario(vec![device], guests, 100 * MS);
    assert_eq!(
        ends(&scenario, ["a", "p", "z"]),
        [18 * MS, 12 * MS, 16 * MS]
    );
    let result = run(&scenario);
    let guests = result.guests.iter();
    let starved: Vec<_> = guests.map(|g| g.members[0].longest_starvation_ns).collect();
    assert_eq!(starved, [6 * MS, 6 * MS, 4 * MS]);
    assert!(result.checks.iter().all(|check| check.holds));
}

/// Three turns a round, one of them vacant: `0 a 1 p 2 z 4 - 6 a 7 p 8`.
#[test]
fn a_fixed_share_bounds_what_is_inside() {
    let mut share = time_slice("fixed-share", 2 * MS);
    share.reserved_turns = Some(3);
    let guests = vec![
        machine("a", turns(MS), one(2 * MS)),
        process("p", one(2 * MS)),
        vgpu("z", one(2 * MS)),
    ];
    let scenario = scenario(vec![gpu(share)], guests, 100 * MS);
    assert_eq!(ends(&scenario, ["a", "p", "z"]), [7 * MS, 8 * MS, 4 * MS]);
}

/// `0 a 2 (change) 2.25 p 4.25 (change) 4.5 a 5.5 (change) 5.75 p 6.75`
#[test]
fn a_change_inside_takes_time_in_which_nothing_runs() {
    let guests = vec![
        machine("a", turns(2 * MS), one(3 * MS)),
        process("p", one(3 * MS)),
    ];
    let device = with_cost(time_slice("best-effort", 100 * MS));
    let scenario = scenario(vec![device], guests, 20 * MS);
    let log = simulate(&scenario);
    assert_eq!(log.ends(&scenario, "a"), [5_500 * US]);
    assert_eq!(log.ends(&scenario, "p"), [6_750 * US]);
    let accounts = log.last_accounts();
    assert_eq!(accounts.useful, u128::from(6 * MS * 10));
    assert_eq!(accounts.switching, u128::from(3 * COST * 10));
    assert_eq!(accounts.total(), u128::from(20 * MS * 10));
    assert_eq!((accounts.gpu_time, accounts.switches), (6 * MS, 3));
    let part = |job: usize, part: Part| log.jobs[job].1.parts[part as usize];
    for (job, gpu, switch, wait) in [
        (0, 3 * MS, COST, 2_250 * US),
        (1, 3 * MS, 2 * COST, 3_250 * US),
    ] {
        assert_eq!(part(job, Part::Gpu), gpu);
        assert_eq!(part(job, Part::Switch), switch);
        assert_eq!(part(job, Part::SliceWait), wait);
    }
    // Both ran three milliseconds, the changes are nobody's GPU time.
    let result = run(&scenario);
    let guests = result.guests.iter();
    let shares: Vec<_> = guests.map(|g| g.members[0].gpu_time_share.value).collect();
    assert_eq!(shares, [Some(0.15), Some(0.15)]);
}

/// The inner turn ends with the outer one: what loads the vGPU again loads the other context at once,
/// while a vGPU that goes on alone pays for its own changes.
///
/// ```text
/// 0 a 2 (switch) 2.25 z 4.25 (switch) 4.5 p 6.5 (change) 6.75 a 7.75 (change) 8 p 9
/// ```
#[test]
fn a_switch_between_tenants_covers_the_change_inside() {
    let guests = vec![
        machine("a", turns(2 * MS), one(3 * MS)),
        process("p", one(3 * MS)),
        vgpu("z", one(2 * MS)),
    ];
    let device = with_cost(time_slice("best-effort", 2 * MS));
    let scenario = scenario(vec![device], guests, 20 * MS);
    let log = simulate(&scenario);
    assert_eq!(log.ends(&scenario, "a"), [7_750 * US]);
    assert_eq!(log.ends(&scenario, "p"), [9 * MS]);
    assert_eq!(log.ends(&scenario, "z"), [4_250 * US]);
    let accounts = log.last_accounts();
    assert_eq!(accounts.switching, u128::from(4 * COST * 10));
    assert_eq!(accounts.switches, 4);
}

/// A context alone goes on without a change, its slices following each other at 2, 4 and 6 ms; the other
/// waits for the end of the present one.
#[test]
fn a_context_without_work_is_passed_over() {
    let guests = vec![
        machine("a", turns(2 * MS), one(10 * MS)),
        process("p", requests(&[(5 * MS, MS)])),
        process("q", requests(&[(40 * MS, MS)])),
    ];
    let s = scenario(vec![gpu(time_slice("best-effort", MS))], guests, 50 * MS);
    assert_eq!(ends(&s, ["a", "p"]), [11 * MS, 7 * MS]);

    // An arrival at the very end of a slice comes after it: the next slice has begun.
    let guests = vec![
        machine("a", turns(2 * MS), one(10 * MS)),
        process("p", requests(&[(4 * MS, MS)])),
    ];
    let s = scenario(vec![gpu(time_slice("best-effort", MS))], guests, 50 * MS);
    assert_eq!(ends(&s, ["a", "p"]), [11 * MS, 7 * MS]);

    // What stays loaded is free to go on; the first dispatch of all is too.
    let guests = vec![
        machine("a", turns(2 * MS), requests(&[(0, MS), (5 * MS, MS)])),
        process("p", requests(&[(8 * MS, MS)])),
    ];
    let s = scenario(
        vec![with_cost(time_slice("best-effort", MS))],
        guests,
        50 * MS,
    );
    let log = simulate(&s);
    assert_eq!(log.ends(&s, "a"), [MS, 6 * MS]);
    assert_eq!(log.ends(&s, "p"), [9_250 * US]);
    assert_eq!(log.last_accounts().switches, 1);
}

/// Kernels of 0.6 ms give way at 2.4 ms of their own work; a delay of 0.1 ms lets each turn run on.
#[test]
fn preemption_inside_is_that_of_the_board() {
    for (preemption, a, p) in [
        (Preemption::KernelBoundary, 5_400 * US, 6 * MS),
        (Preemption::Delay(100 * US), 5_100 * US, 6 * MS),
    ] {
        let kernels = || {
            let mut workload = one(3 * MS);
            if let OperationKind::Gpu(work) = &mut workload.stages[0].operations[0].kind {
                work.kernel = Some(600 * US);
            }
            workload
        };
        let guests = vec![
            machine("a", turns(2 * MS), kernels()),
            process("p", kernels()),
        ];
        let mut device = gpu(time_slice("best-effort", 50 * MS));
        device.board.switch.preemption = preemption;
        let scenario = scenario(vec![device], guests, 50 * MS);
        assert_eq!(ends(&scenario, ["a", "p"]), [a, p]);
    }
}

/// The board's scheduler ends turns at completions, the contexts inside do not: a change of context is no
/// completion, `0 a 1 p 2 a 3 p 4 z 6`.
#[test]
fn a_turn_inside_that_ends_is_no_completion() {
    let mut share = time_slice("best-effort", 10 * MS);
    share.on_completion = OnCompletion::End;
    let guests = vec![
        machine("a", turns(MS), one(3 * MS)),
        process("p", one(2 * MS)),
        vgpu("z", one(2 * MS)),
    ];
    let scenario = scenario(vec![gpu(share)], guests, 50 * MS);
    // At 4 ms a piece of work ends, and with it the turn.
    assert_eq!(ends(&scenario, ["a", "p", "z"]), [7 * MS, 4 * MS, 6 * MS]);
}

/// First come, first served: `0 a 3 p 5`; and each piece of work a turn of its own.
#[test]
fn contexts_inside_may_run_to_completion() {
    let share = Share::TimeSlice(time_slice("fifo", FOREVER));
    let guests = vec![machine("a", share, one(3 * MS)), process("p", one(2 * MS))];
    let s = scenario(vec![gpu(time_slice("best-effort", MS))], guests, 50 * MS);
    assert_eq!(ends(&s, ["a", "p"]), [3 * MS, 5 * MS]);

    let mut share = time_slice("round-robin", 10 * MS);
    share.on_completion = OnCompletion::End;
    let mut own = machine(
        "a",
        Share::TimeSlice(share),
        requests(&[(0, MS), (0, 2 * MS)]),
    );
    own.streams = 2;
    own.workload = on_sms(own.workload, 5);
    let guests = vec![own, process("p", one(2 * MS))];
    let s = scenario(vec![gpu(time_slice("best-effort", MS))], guests, 50 * MS);
    let log = simulate(&s);
    assert_eq!(log.ends(&s, "a"), [MS, 4 * MS]);
    assert_eq!(log.ends(&s, "p"), [3 * MS]);
}

/// Side by side on five SMs each, half as long again for the interference of 0.5: 6 ms of the vGPU's
/// running time, in turns of 2 ms beside another vGPU whose 4 ms end at 8 ms.
#[test]
fn clients_of_mps_inside_share_the_turns_of_their_vgpu() {
    let spatial = |interference| Share::Spatial(SideBySide::by_default(interference));
    for (interference, end) in [(0.0, 6 * MS), (0.5, 10 * MS)] {
        let guests = vec![
            machine("a", spatial(interference), on_sms(one(4 * MS), 5)),
            process("p", on_sms(one(4 * MS), 5)),
            vgpu("z", one(4 * MS)),
        ];
        let device = gpu(time_slice("best-effort", 2 * MS));
        let s = scenario(vec![device], guests, 50 * MS);
        assert_eq!(ends(&s, ["a", "p", "z"]), [end, end, 8 * MS]);
    }
}

/// A cap of five SMs makes work for ten take twice as long; the rest of the SMs is kept by the turn, or
/// used by the machine's own workload under its own cap.
#[test]
fn a_cap_inside_limits_a_client() {
    let mut limited = process("p", one(5 * MS));
    limited.holds = Holds::Process {
        machine: 0,
        each: 1,
        sms: Some(5),
    };
    let share = Share::Spatial(SideBySide::by_default(0.0));
    let mut own = machine("a", share.clone(), requests(&[(15 * MS, MS)]));
    own.within = Some(Within {
        share,
        sms: Some(5),
    });
    let device = || gpu(time_slice("best-effort", 2 * MS));
    let guests = vec![own.clone(), limited.clone()];
    let s = scenario(vec![device()], guests, 20 * MS);
    let log = simulate(&s);
    assert_eq!(log.ends(&s, "p"), [10 * MS]);
    assert_eq!(log.ends(&s, "a"), [17 * MS]);
    let halfway = log.edges.iter().find(|edge| edge.0 == 10 * MS);
    let accounts = halfway.expect("an edge at the middle").1[0];
    assert_eq!(accounts.useful, u128::from(10 * MS * 5));
    assert_eq!(accounts.reserved_idle, u128::from(10 * MS * 5));

    own.workload = one(4 * MS);
    let s = scenario(vec![device()], vec![own, limited], 20 * MS);
    assert_eq!(ends(&s, ["a", "p"]), [8 * MS, 10 * MS]);
}

/// One process in each of two machines, each with its own share of the board; draws are by ordinal.
#[test]
fn every_machine_has_its_processes() {
    let mut own = machine("a", turns(MS), one(2 * MS));
    own.count = 2;
    let mut inner = process("p", one(2 * MS));
    inner.count = 4;
    inner.holds = Holds::Process {
        machine: 0,
        each: 2,
        sms: None,
    };
    let device = gpu(time_slice("best-effort", 3 * MS));
    let scenario = scenario(vec![device], vec![own, inner], 50 * MS);
    let log = simulate(&scenario);
    let mut found: Vec<_> = log
        .jobs
        .iter()
        .map(|(guest, job)| {
            let who = log.layout.guests[*guest];
            (who.group, who.ordinal, job.ended / MS)
        })
        .collect();
    found.sort_unstable();
    // a#0 p#0 p#1 | a#1 p#2 p#3 | a#0 p#0 p#1 | a#1 p#2 p#3
    assert_eq!(
        found,
        [
            (0, 0, 7),
            (0, 1, 10),
            (1, 0, 8),
            (1, 1, 9),
            (1, 2, 11),
            (1, 3, 12)
        ]
    );
}

/// A vGPU of each kind for streams 0 and 1, of the machine and of the process.
#[test]
fn a_process_uses_all_vgpus_of_its_machine() {
    let mut own = machine("a", turns(MS), requests(&[(0, 2 * MS), (0, 2 * MS)]));
    own.streams = 2;
    own.holds = Holds::Vgpu {
        type_name: "V".into(),
        number: 2,
        frame_buffer_mib: 1 << 10,
    };
    let mut inner = process("p", requests(&[(0, MS), (0, MS)]));
    inner.streams = 2;
    let device = gpu(time_slice("best-effort", 2 * MS));
    let s = scenario(vec![device], vec![own, inner], 50 * MS);
    let log = simulate(&s);
    // vGPU 0: a 0-1, p 1-2; vGPU 1: a 2-3, p 3-4; then what is left of a.
    assert_eq!(log.ends(&s, "a"), [5 * MS, 6 * MS]);
    assert_eq!(log.ends(&s, "p"), [2 * MS, 4 * MS]);
}

/// Processes allocate from the frame buffer of their vGPU: of 1 GiB the two hold half, and a job of the
/// process fails while one of the machine is there.
#[test]
fn processes_allocate_from_their_vgpu() {
    let allocating = |rows: &[(Nanos, Nanos)]| {
        let mut workload = requests(rows);
        workload.memory = Some(Size::Drawn(constant(400.0 * 1_048_576.0)));
        workload
    };
    let memory = GuestMemory {
        held: 256 << 20,
        limit: None,
        vgpu: Some(1 << 30),
    };
    let mut guests = vec![
        machine("a", turns(MS), allocating(&[(0, 4 * MS)])),
        process("p", allocating(&[(MS, MS), (6 * MS, MS)])),
    ];
    guests
        .iter_mut()
        .for_each(|guest| guest.memory = Some(memory));
    let device = gpu(time_slice("best-effort", 2 * MS));
    let result = run(&scenario(vec![device], guests, 50 * MS));
    let failed: Vec<_> = result.guests.iter().map(|g| g.jobs.out_of_memory).collect();
    assert_eq!(failed, [0, 1]);
    assert_eq!(result.memory.len(), 1);
    assert_eq!(result.memory[0].name, "a");
    assert_eq!(result.memory[0].held_bytes, 512 << 20);
    assert_eq!(result.memory[0].largest_bytes, 912 << 20);
}

/// A process alone on the board has all of it; alone on its share it has the turns of its vGPU, in which
/// it has no neighbour, under the cap that it has there.
#[test]
fn baselines_of_a_process() {
    let mut share = time_slice("fixed-share", 2 * MS);
    share.reserved_turns = Some(2);
    let guests = vec![
        machine("a", turns(MS), one(4 * MS)),
        process("p", one(4 * MS)),
    ];
    let mut s = scenario(vec![gpu(share)], guests, 50 * MS);
    s.run.baselines = true;
    // Alone on the board 4 ms, on its share 0-2 and 4-6; beside the machine 1-2, 5-6, 9-10 and 13-14,
    // of which the last is its own.
    let result = run(&s);
    let group = &result.guests[1];
    let inside = Some("a".to_owned());
    assert_eq!(group.holds, Holding::Context { inside });
    assert_eq!(group.slowdown.value, Some(14.0 / 4.0));
    assert_eq!(group.interference.value, Some(14.0 / 6.0));
}

/// What a program puts together wrongly is refused when it is built.
#[test]
fn what_cannot_be_inside_is_refused() {
    let refusal = |guests: Vec<Guest>| {
        let device = gpu(time_slice("best-effort", MS));
        let s = scenario(vec![device], guests, 50 * MS);
        build(&s, &[0], 0, Variant::Shared, Speed::Plain, |_| Nobody).err()
    };
    let no_machine = Some(BuildError::NoMachine { guest: "p".into() });
    let alone = vec![vgpu("a", one(MS)), process("p", one(MS))];
    assert_eq!(refusal(alone), no_machine);
    let mut lost = process("p", one(MS));
    lost.holds = Holds::Process {
        machine: 7,
        each: 1,
        sms: None,
    };
    assert_eq!(refusal(vec![lost]), no_machine);
    let reserving = Share::TimeSlice(time_slice("equal-share", MS));
    let guests = vec![machine("a", reserving, one(MS)), process("p", one(MS))];
    let expected = BuildError::InnerScheduler {
        guest: "a".into(),
        scheduler: "equal-share".into(),
    };
    assert_eq!(refusal(guests), Some(expected));
}
