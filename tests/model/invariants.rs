//! Invariants of `docs/invariants.md` that need more than the accounts of a run.

use crate::common::*;
use warpshare::gpu::{Charge, Preemption};
use warpshare::policy::{Turns, registry};
use warpshare::workload::OperationKind;
use warpshare::workload::dist::Dist;

/// I6: with work that fills the device, the useful SM time of a run whose jobs have all ended is the
/// sum of the sizes, whatever was preempted and switched in between.
#[test]
fn i6_work_is_neither_lost_nor_invented() {
    for scheduler in registry::all() {
        for (turns, preemption) in [
            (Turns::PerTenant, Preemption::Delay(30_000)),
            (Turns::PerChannel, Preemption::Delay(0)),
        ] {
            let sizes: Vec<u64> = (1..=40).map(|i| i * 137_911 % 5_000_000 + 1).collect();
            let guests: Vec<_> = (0..4u64)
                .map(|g| {
                    let rows: Vec<_> = sizes
                        .iter()
                        .enumerate()
                        .map(|(i, size)| (i as u64 * 9_000_000 + g * 777_777, size + g))
                        .collect();
                    let mut guest = guest(&format!("g{g}"), requests(&rows));
                    guest.streams = 2;
                    guest
                })
                .collect();
            let mut share = time_slice(scheduler.name, 1_000_000);
            share.turns = turns;
            share.arr_factor = Some(5);
            share.reserved_turns = Some(5);
            let mut device = gpu(share);
            device.board.switch = switch(40_000, Charge::PerTenantChange);
            device.board.switch.preemption = preemption;
            let scenario = scenario(vec![device], guests, 20_000_000_000);
            let log = simulate(&scenario);
            assert_eq!(log.jobs.len(), 160, "{}: all jobs end", scheduler.name);
            let work: u64 = (0..4u64)
                .map(|g| sizes.iter().map(|size| size + g).sum::<u64>())
                .sum();
            // Two streams of a tenant may share the SMs, and every change of rate may round a
            // completion up by a nanosecond: at most two changes a job.
            let received = log.last_accounts().useful / u128::from(SMS);
            let rounding = u128::from(2 * 160u64);
            assert!(
                received >= u128::from(work) && received <= u128::from(work) + rounding,
                "{}: {received} of {work}",
                scheduler.name
            );
        }
    }
}

/// I6 for work that cannot fill the device: SMs in use times running time.
#[test]
fn i6_narrow_work_uses_what_it_needs() {
    let mut narrow = work(Dist::constant(3_000_000.0).expect("a constant"));
    narrow.sms = Some(SMS / 2);
    let mut one = guest(
        "a",
        workload(
            closed(2, constant(0.0)),
            vec![stage("s", vec![OperationKind::Gpu(narrow)])],
        ),
    );
    one.streams = 2;
    let scenario = scenario(
        vec![gpu(time_slice("round-robin", 1_000_000))],
        vec![one],
        30_000_000,
    );
    let log = simulate(&scenario);
    // Two streams of half the SMs fill the device and do not slow each other.
    assert_eq!(log.ends(&scenario, "a").len(), 20);
    assert_eq!(log.last_accounts().useful, 30_000_000 * u128::from(SMS));
}
