//! Schedules worked out by hand, to the nanosecond.

use crate::common::*;
use warpshare::engine::time::Nanos;
use warpshare::gpu::{Charge, Preemption};
use warpshare::policy::{OnCompletion, OnIdle, Rotation, Ties, Turns};
use warpshare::scenario::Scenario;
use warpshare::workload::OperationKind;

const MS: Nanos = 1_000_000;

/// V45 of the theory catalogue in microseconds: five requests of three VMs.
fn golden() -> Vec<warpshare::scenario::Guest> {
    vec![
        guest("A", requests(&[(0, 10_000), (12_600, 3_000)])),
        guest("B", requests(&[(1_500, 4_000), (13_300, 2_000)])),
        guest("C", requests(&[(2_750, 7_000)])),
    ]
}

/// Completions of the five golden requests, in the catalogue's order.
fn completions(scenario: &Scenario) -> [Nanos; 5] {
    let log = simulate(scenario);
    let (a, b, c) = (
        log.ends(scenario, "A"),
        log.ends(scenario, "B"),
        log.ends(scenario, "C"),
    );
    [a[0], b[0], c[0], a[1], b[1]]
}

#[test]
fn v45_round_robin_over_vms() {
    let mut share = time_slice("best-effort", 2_000);
    for (on_completion, expected) in [
        (OnCompletion::End, [24_500, 11_000, 25_750, 29_000, 20_000]),
        (OnCompletion::Keep, [24_500, 11_000, 25_750, 29_000, 20_000]),
    ] {
        share.on_completion = on_completion;
        let mut device = gpu(share.clone());
        device.board.switch = switch(250, Charge::PerTenantChange);
        let scenario = scenario(vec![device], golden(), 100_000);
        assert_eq!(completions(&scenario), expected);
    }
}

#[test]
fn v45_round_robin_over_requests() {
    for (tau, expected) in [
        (0, [24_000, 10_000, 26_000, 25_000, 20_000]),
        (250, [28_000, 11_000, 29_250, 25_750, 22_250]),
    ] {
        let mut share = time_slice("best-effort", 2_000);
        share.turns = Turns::PerChannel;
        let mut device = gpu(share);
        device.board.switch = switch(tau, Charge::PerEntryChange);
        let mut guests = golden();
        guests.iter_mut().for_each(|guest| guest.streams = 2);
        let scenario = scenario(vec![device], guests, 100_000);
        assert_eq!(completions(&scenario), expected);
    }
}

#[test]
fn v45_fifo() {
    for (tau, expected) in [
        (0, [10_000, 14_000, 21_000, 24_000, 26_000]),
        (500, [10_000, 14_500, 22_000, 25_500, 28_000]),
    ] {
        let mut share = time_slice("fifo", FOREVER);
        share.turns = Turns::PerChannel;
        let mut device = gpu(share);
        device.board.switch = switch(tau, Charge::PerEntryChange);
        let mut guests = golden();
        guests.iter_mut().for_each(|guest| guest.streams = 2);
        let scenario = scenario(vec![device], guests, 100_000);
        assert_eq!(completions(&scenario), expected);
    }
}

#[test]
fn v45_fixed_share_slots() {
    for arr_factor in [None, Some(33)] {
        let mut share = time_slice("fixed-share", 2_000);
        share.reserved_turns = Some(3);
        share.arr_factor = arr_factor;
        let scenario = scenario(vec![gpu(share)], golden(), 100_000);
        assert_eq!(
            completions(&scenario),
            [26_000, 10_000, 23_000, 37_000, 16_000]
        );
    }
}

#[test]
fn v45_processor_sharing_by_streams_of_one_tenant() {
    let rows = [
        (0, 10_000_000),
        (1_500_000, 4_000_000),
        (2_750_000, 7_000_000),
        (12_600_000, 3_000_000),
        (13_300_000, 2_000_000),
    ];
    let mut one = guest("A", requests(&rows));
    one.streams = 5;
    let scenario = scenario(
        vec![gpu(time_slice("fifo", FOREVER))],
        vec![one],
        100_000_000,
    );
    let ends = simulate(&scenario).ends(&scenario, "A");
    let exact = [26e6, 12_966_666.7, 25_125_000.0, 23_691_666.7, 21_300_000.0];
    for (end, exact) in ends.iter().zip(exact) {
        // Exact under rate sharing means one nanosecond for each change of rate (at most nine).
        assert!((*end as f64 - exact).abs() <= 9.0, "{end} is not {exact}");
    }
}

/// The catalogue's probe: does a VM keep its slice after a request completes?
#[test]
fn v45_probe_slice_kept_or_ended_at_completion() {
    for (on_completion, expected) in [
        (OnCompletion::End, ([1_000, 8_000], [6_750])),
        (OnCompletion::Keep, ([1_000, 6_500], [7_750])),
    ] {
        let mut share = time_slice("best-effort", 2_000);
        share.on_completion = on_completion;
        let mut device = gpu(share);
        device.board.switch = switch(250, Charge::PerTenantChange);
        let guests = vec![
            guest("A", requests(&[(0, 1_000), (100, 3_000)])),
            guest("B", requests(&[(200, 3_000)])),
        ];
        let scenario = scenario(vec![device], guests, 100_000);
        let log = simulate(&scenario);
        assert_eq!(log.ends(&scenario, "A"), expected.0);
        assert_eq!(log.ends(&scenario, "B"), expected.1);
    }
}

/// The catalogue's probe: an arrival at the very end of a slice.
#[test]
fn v45_probe_tie_of_arrival_and_slice_end() {
    for (ties, expected) in [
        (Ties::ArrivalFirst, [6_000, 8_000]),
        (Ties::PreemptedFirst, [4_000, 8_000]),
    ] {
        let mut share = time_slice("best-effort", 2_000);
        share.turns = Turns::PerChannel;
        share.ties = ties;
        let mut one = guest("A", requests(&[(0, 4_000), (2_000, 4_000)]));
        one.streams = 2;
        let scenario = scenario(vec![gpu(share)], vec![one], 100_000);
        assert_eq!(simulate(&scenario).ends(&scenario, "A"), expected);
    }
}

/// An idle tenant under each policy: A always has work, B never.
#[test]
fn an_idle_tenant_gives_its_turn_away_or_keeps_it() {
    let tenants = || {
        vec![
            guest("A", requests(&[(0, 10 * MS)])),
            guest("B", requests(&[(90 * MS, MS)])),
        ]
    };
    let run = |share| {
        let scenario = scenario(vec![gpu(share)], tenants(), 100 * MS);
        simulate(&scenario).ends(&scenario, "A")[0]
    };
    // Best effort: B is skipped.
    assert_eq!(run(time_slice("best-effort", 2 * MS)), 10 * MS);
    // Equal share: five slices of A with B's four turns of 2 ms between them.
    assert_eq!(run(time_slice("equal-share", 2 * MS)), 18 * MS);
    // Fixed share, one of four running: five slices, four rounds of three foreign turns between.
    let mut fixed = time_slice("fixed-share", 2 * MS);
    fixed.reserved_turns = Some(4);
    assert_eq!(run(fixed), (10 + 4 * 3 * 2) * MS);
}

/// The rest of a reserved slice in which its tenant runs out of work is held, or ended.
#[test]
fn a_reserved_slice_without_work_is_held_or_ended() {
    for (on_idle, expected) in [(OnIdle::Hold, 5 * MS), (OnIdle::End, 4_500_000)] {
        let mut share = time_slice("equal-share", 2 * MS);
        share.arr_factor = Some(33);
        share.on_idle = on_idle;
        // A works for 1.5 ms; B's turn of 2 ms follows at 2 or 1.5 ms and passes unused; C works for
        // 1 ms from 4 or 3.5 ms.
        let tenants = vec![
            guest("A", requests(&[(0, 1_500_000)])),
            guest("B", requests(&[(40 * MS, MS)])),
            guest("C", requests(&[(0, MS)])),
        ];
        let s = scenario(vec![gpu(share)], tenants, 50 * MS);
        assert_eq!(simulate(&s).ends(&s, "C"), [expected]);
    }
}

#[test]
fn fixed_share_with_one_of_four_running_leaves_three_quarters_unused() {
    let mut share = time_slice("fixed-share", MS);
    share.reserved_turns = Some(4);
    let busy = guest(
        "A",
        gpu_workload(closed(1, constant(0.0)), constant(7.0 * MS as f64)),
    );
    let scenario = scenario(vec![gpu(share)], vec![busy], 400 * MS);
    let accounts = simulate(&scenario).last_accounts();
    let sm_ns = u128::from(400 * MS) * u128::from(SMS);
    assert_eq!(accounts.useful, sm_ns / 4);
    assert_eq!(accounts.reserved_idle, sm_ns * 3 / 4);
    assert_eq!((accounts.idle, accounts.switching), (0, 0));
}

/// One of four runs and may have 30 % more than its quarter: 32.5 % of the GPU, and with a wide cap all of
/// it. Two that run have half each, and no more than the cap.
#[test]
fn an_elastic_cap_gives_vacant_turns_to_those_who_run() {
    let share_of_each = |running: u64, extra, arr_factor| {
        let mut share = time_slice("fixed-share", MS);
        (share.reserved_turns, share.extra) = (Some(4), extra);
        share.arr_factor = arr_factor;
        let busy = |index| {
            let endless = gpu_workload(closed(1, constant(0.0)), constant(1e12));
            guest(&format!("vm{index}"), endless)
        };
        let guests = (0..running).map(busy).collect();
        // Whole rounds of four slices.
        let scenario = scenario(vec![gpu(share)], guests, 400 * MS);
        let log = simulate(&scenario);
        let ran = &log.edges.last().unwrap().2;
        assert_eq!(ran, &vec![ran[0]; running as usize]);
        ran[0] as f64 / (400 * MS) as f64
    };
    for arr_factor in [None, Some(33)] {
        assert_eq!(share_of_each(1, 300_000, arr_factor), 1.3 / 4.0);
        assert_eq!(share_of_each(1, 32 * MS, arr_factor), 1.0);
        assert_eq!(share_of_each(2, 300_000, arr_factor), 1.3 / 4.0);
        assert_eq!(share_of_each(2, 32 * MS, arr_factor), 0.5);
        assert_eq!(share_of_each(4, 32 * MS, arr_factor), 0.25);
    }
}

/// Intel Xe, quanta of 2 ms. A is low and has 20 ms of work, B normal, C high. At the start only B has a turn, so
/// its turns are 0 to 2, 4 to 6, and so on, with A's between them. B's work of 1.5 ms comes at 5 in its turn, and
/// is done in the next, whose rest passes unused; C's 1 ms comes at 13, waits for the end of B's turn at 14, and
/// moves all others by 1: A's ten turns end at 4, 8, 12, 17, 21, 25, 29, 33, 37 and 41.
#[test]
fn functions_of_intel_xe_by_hand() {
    let priority = |name, priority, rows: &[_]| {
        let mut guest = guest(name, requests(rows));
        guest.terms.priority = priority;
        guest
    };
    let tenants = vec![
        priority("A", 0, &[(0, 20 * MS)]),
        priority("B", 1, &[(5 * MS, 1_500_000)]),
        priority("C", 2, &[(13 * MS, MS)]),
    ];
    let s = scenario(vec![gpu(time_slice("xe-sriov", 2 * MS))], tenants, 50 * MS);
    let log = simulate(&s);
    assert_eq!(log.ends(&s, "B"), [8_500_000]);
    assert_eq!(log.ends(&s, "C"), [15 * MS]);
    assert_eq!(log.ends(&s, "A"), [41 * MS]);
}

/// GVT-g with a timer of 1 ms and two vGPUs, so 50 ms of every 100 for each. B's 3 ms come at 10.5 and take the
/// GPU; then ticks alternate, and B is done at 16.5. Up to the tick at 17 it is still B's. A has had 50.5 at 54
/// and waits for 100, has had 100.5 at 150, waits for 200 and needs another 19.5.
#[test]
fn vgpus_of_gvt_g_by_hand() {
    let tenants = vec![
        guest("A", requests(&[(0, 120 * MS)])),
        guest("B", requests(&[(10_500_000, 3 * MS)])),
    ];
    let s = scenario(vec![gpu(time_slice("gvt-g", MS))], tenants, 300 * MS);
    let log = simulate(&s);
    assert_eq!(log.ends(&s, "B"), [16_500_000]);
    assert_eq!(log.ends(&s, "A"), [219_500_000]);
}

/// GPreempt: an urgent request comes in the middle of a slice of 1 µs of endless work and has the next turn, to
/// its end.
#[test]
fn urgent_work_waits_for_a_microsecond() {
    let mut urgent = guest("urgent", requests(&[(3_000_400, 5 * MS)]));
    urgent.terms.priority = 1;
    let endless = gpu_workload(closed(1, constant(0.0)), constant(1e12));
    let tenants = vec![guest("other", endless), urgent];
    let s = scenario(vec![gpu(time_slice("gpreempt", 1_000))], tenants, 20 * MS);
    assert_eq!(simulate(&s).ends(&s, "urgent"), [8_001_000]);
}

#[test]
fn an_arrival_in_the_middle_of_a_slice() {
    let tenants = || {
        vec![
            guest("A", requests(&[(0, 5 * MS)])),
            guest("B", requests(&[(1_300_000, MS)])),
        ]
    };
    // Best effort: B waits for the end of A's first slice at 2 ms.
    let s = scenario(
        vec![gpu(time_slice("best-effort", 2 * MS))],
        tenants(),
        50 * MS,
    );
    let log = simulate(&s);
    assert_eq!(log.ends(&s, "B"), [3 * MS]);
    assert_eq!(log.ends(&s, "A"), [6 * MS]);
    // Equal share, slices of 1 ms: it is B's own turn (1 to 2 ms) when its work arrives, so B starts
    // at once, is cut off after 0.7 ms, and ends in its next turn (3 to 4 ms).
    let s = scenario(vec![gpu(time_slice("equal-share", MS))], tenants(), 50 * MS);
    let log = simulate(&s);
    assert_eq!(log.ends(&s, "B"), [3_300_000]);
    assert_eq!(log.ends(&s, "A"), [9 * MS]);
}

#[test]
fn a_vgpu_that_starts_late_shrinks_the_equal_shares() {
    let mut late = guest("B", requests(&[(0, 2 * MS)]));
    late.start = 3_500_000;
    let tenants = vec![guest("A", requests(&[(0, 8 * MS)])), late];
    for arr_factor in [None, Some(33)] {
        let mut share = time_slice("equal-share", MS);
        share.arr_factor = arr_factor;
        let s = scenario(vec![gpu(share)], tenants.clone(), 50 * MS);
        let log = simulate(&s);
        // A alone until its slice ends at 4 ms. B joined at 3.5 ms: under ARR behind A in the circle,
        // without ARR at A's total at that time (3 ms): B's turn is 4 to 5 ms in both cases.
        // Then turns alternate: B 6 to 7 ms and done; A ends its last 4 ms in turns from 5, 7, 9, 11.
        // (without ARR, totals at 5 ms are 4 and 4: A first by rank.)
        assert_eq!(log.ends(&s, "B"), [7 * MS]);
        assert_eq!(log.ends(&s, "A"), [12 * MS]);
    }
}

/// Over-run by a preemption delay, repaid under ARR with factor 1 in the next turn.
#[test]
fn over_run_is_repaid_under_arr() {
    let mut share = time_slice("equal-share", MS);
    share.arr_factor = Some(1);
    let mut device = gpu(share);
    device.board.switch.preemption = Preemption::Delay(100_000);
    let tenants = vec![
        guest("A", requests(&[(0, 3 * MS)])),
        guest("B", requests(&[(0, 3 * MS)])),
    ];
    let s = scenario(vec![device], tenants, 50 * MS);
    let log = simulate(&s);
    // A runs 0 to 1.1 (0.1 of over-run), B 1.1 to 2.2, then slices of 0.9 and 0.1 of over-run:
    // A 2.2 to 3.2, B 3.2 to 4.2; now both have had 2.1 ms and 0.9 are left: A 4.2 to 5.1 and done
    // exactly at its slice's end (a completion comes first, so nothing is left to preempt).
    assert_eq!(log.ends(&s, "A"), [5_100_000]);
    assert_eq!(log.ends(&s, "B"), [6_000_000]);
    let accounts = log.last_accounts();
    assert_eq!(accounts.useful, u128::from(6 * MS) * u128::from(SMS));
    assert_eq!(accounts.switching, 0);
}

/// V24: kernels that cannot be interrupted stretch a slice to the next kernel boundary.
#[test]
fn v24_kernels_stretch_the_slice() {
    let mut device = gpu(time_slice("best-effort", 2_000_000));
    device.board.switch = switch(100_000, Charge::PerTenantChange);
    device.board.switch.preemption = Preemption::KernelBoundary;
    let tenant = |name: &str, kernel: Nanos| {
        let mut endless = work(constant(1e15));
        endless.kernel = Some(kernel);
        guest(
            name,
            workload(
                closed(1, constant(0.0)),
                vec![stage("s", vec![OperationKind::Gpu(endless)])],
            ),
        )
    };
    let tenants = vec![
        tenant("A", 700_000),
        tenant("B", 3_000_000),
        tenant("C", 500_000),
    ];
    // A round is 2.1 + 3 + 2 of work and three switches of 0.1.
    let round = 7_400_000;
    let mut s = scenario(vec![device], tenants, 100 * round);
    s.run.drain = 0;
    let log = simulate(&s);
    let ran = &log.edges.last().unwrap().2;
    // The first dispatch is free, and the switch back to A is over: whole rounds.
    assert_eq!(ran[1..], [300_000_000, 200_000_000]);
    assert_eq!(ran[0], 210_000_000);
    assert_eq!(
        log.last_accounts().switching,
        u128::from(300 * 100_000u64) * u128::from(SMS)
    );
}

/// V24: the cycle of always backlogged VMs is n (q + τ), the largest gap (n − 1)(q + τ) + τ.
#[test]
fn v24_saturated_round_robin() {
    for (n, quantum, tau) in [
        (2u64, 2 * MS, 100_000u64),
        (4, 2 * MS, 100_000),
        (8, MS, 100_000),
        (4, MS / 2, 100_000),
    ] {
        for scheduler in ["best-effort", "round-robin", "equal-share"] {
            let mut device = gpu(time_slice(scheduler, quantum));
            device.board.switch = switch(tau, Charge::PerTenantChange);
            let tenants = (0..n)
                .map(|i| {
                    let busy = gpu_workload(closed(1, constant(0.0)), constant(20e6));
                    guest(&format!("vm{i}"), busy)
                })
                .collect();
            let cycle = n * (quantum + tau);
            let mut s = scenario(vec![device], tenants, 50 * cycle);
            s.run.drain = 0;
            let log = simulate(&s);
            let (_, accounts, ran, _) = log.edges.last().unwrap();
            // The first dispatch is free, and the switch back to the first VM is over: whole cycles.
            assert_eq!(ran, &vec![50 * quantum; n as usize], "{scheduler} n={n}");
            assert_eq!(
                accounts[0].switching,
                u128::from(50 * n * tau) * u128::from(SMS)
            );
            let gap = (n - 1) * (quantum + tau) + tau;
            assert_eq!(log.longest_waits, vec![gap; n as usize]);
        }
    }
    // One VM alone never pays.
    let mut device = gpu(time_slice("best-effort", 2 * MS));
    device.board.switch = switch(100_000, Charge::PerTenantChange);
    let busy = guest("A", gpu_workload(closed(1, constant(0.0)), constant(20e6)));
    let s = scenario(vec![device], vec![busy], 100 * MS);
    let accounts = simulate(&s).last_accounts();
    assert_eq!(accounts.useful, accounts.total());
}

/// The three ways to charge a switch, on two tenants with two slices each.
#[test]
fn a_switch_is_charged_per_change_per_dispatch_or_per_slot() {
    let tenants = || {
        vec![
            guest("A", requests(&[(0, 4 * MS)])),
            guest("B", requests(&[(0, 2 * MS)])),
        ]
    };
    let run = |charge| {
        let mut device = gpu(time_slice("best-effort", 2 * MS));
        device.board.switch = switch(100_000, charge);
        let s = scenario(vec![device], tenants(), 50 * MS);
        let log = simulate(&s);
        (log.ends(&s, "A")[0], log.ends(&s, "B")[0])
    };
    // A 0-2, change, B 2.1-4.1, change, A 4.2-6.2.
    assert_eq!(run(Charge::PerTenantChange), (6_200_000, 4_100_000));
    // The same with the first dispatch charged too.
    assert_eq!(run(Charge::PerDispatch), (6_300_000, 4_200_000));
    // Slots of 2 ms of which 0.1 is lost: A 0.1-2, B 2.1-4, A 4.1-6, B 6.1-6.2, A 6.3-6.5 (B's slot
    // ends with its work, since best effort holds nothing).
    assert_eq!(run(Charge::PerSlot), (6_500_000, 6_200_000));
}

/// Work that arrives within a reserved turn pays for its dispatch there, at every speed: the turn has
/// paid for nothing while it was idle, however many idle turns went before.
#[test]
fn work_within_an_idle_reserved_turn_pays_for_its_dispatch() {
    let mut device = gpu(time_slice("equal-share", 2 * MS));
    device.board.switch = switch(100_000, Charge::PerDispatch);
    // The first dispatch of the turn of 6 to 8 ms pays; the second, in the same turn, does not.
    let guests = vec![guest("A", requests(&[(7 * MS, 1_000), (7_500_000, 1_000)]))];
    let s = scenario(vec![device], guests, 20 * MS);
    let log = simulate(&s);
    assert_eq!(log.ends(&s, "A"), [7_101_000, 7_501_000]);
}

/// V30: a switch cost inside the slot leaves (C − τ) / P.
#[test]
fn v30_switch_inside_the_slot() {
    let mut share = time_slice("fixed-share", 2_000_000);
    share.reserved_turns = Some(5);
    let mut device = gpu(share);
    device.board.switch = switch(250_000, Charge::PerSlot);
    let busy = guest("A", gpu_workload(closed(1, constant(0.0)), constant(7e6)));
    let s = scenario(vec![device], vec![busy], 100 * MS);
    let accounts = simulate(&s).last_accounts();
    let sm_ns = |share: u64| u128::from(share) * u128::from(SMS);
    assert_eq!(accounts.useful, sm_ns(10 * 1_750_000));
    assert_eq!(accounts.switching, sm_ns(10 * 250_000));
    assert_eq!(accounts.reserved_idle, sm_ns(80_000_000));
}

/// V30: a lone request of size e at phase t of a period P with a slot of C.
#[test]
fn v30_lone_request_in_a_reserved_slot() {
    // P = 10, C = 4 cannot be cut into equal turns of 4; two tenants with turns of 4 in P = 8 can,
    // and P = 20, C = 2 is the catalogue's own.
    let (period, slot): (Nanos, Nanos) = (20_000, 2_000);
    let mut share = time_slice("fixed-share", slot);
    share.reserved_turns = Some(10);
    let response = |size: Nanos, phase: Nanos| {
        let s = scenario(
            vec![gpu(share.clone())],
            vec![guest("A", requests(&[(3 * period + phase, size)]))],
            1_000_000,
        );
        let log = simulate(&s);
        log.jobs[0].1.ended - log.jobs[0].1.arrival
    };
    // Mean over all phases to the nanosecond grid's limit: sum over the 20 microsecond-phases, at
    // midpoints; the response is piecewise linear in between with kinks on the grid only.
    let mean: f64 = (0..20_000)
        .step_by(100)
        .map(|phase| response(1_000, phase + 50) as f64)
        .sum::<f64>()
        / 200.0;
    assert_eq!(mean, 10_000.0);
    // The worst phase: just after the point from which the rest of the slot is too short.
    let worst = (0..20_000)
        .step_by(250)
        .map(|phase| response(1_000, phase))
        .max();
    assert!(worst <= Some(19_000));
    assert_eq!(response(1_000, 1_001), 19_000); // P − C + e: 999 ns now, the last one a period on
}

#[test]
fn a_run_list_in_rank_order_skips_idle_entries() {
    // Work arrives for C, then B, while A runs: a queue serves C first, a list B.
    let tenants = || {
        vec![
            guest("A", requests(&[(0, 4 * MS)])),
            guest("B", requests(&[(700_000, MS)])),
            guest("C", requests(&[(300_000, MS)])),
        ]
    };
    let run = |rotation| {
        let mut share = time_slice("best-effort", 2 * MS);
        share.rotation = rotation;
        let s = scenario(vec![gpu(share)], tenants(), 50 * MS);
        let log = simulate(&s);
        (log.ends(&s, "B")[0], log.ends(&s, "C")[0])
    };
    assert_eq!(run(Rotation::Queue), (4 * MS, 3 * MS));
    assert_eq!(run(Rotation::List), (3 * MS, 4 * MS));
}
