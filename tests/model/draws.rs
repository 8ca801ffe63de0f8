//! A guest's draws belong to the guest: no scheduler, board or neighbour changes them.

use crate::common::*;
use std::collections::BTreeMap;
use warpshare::engine::time::Nanos;
use warpshare::gpu::{Charge, Preemption};
use warpshare::policy::Turns;
use warpshare::scenario::{Division, Gpu, Guest, Scenario, Share};
use warpshare::sim::{Instance, Part, Speed, Variant};
use warpshare::workload::dist::Dist;
use warpshare::workload::{Arrivals, FirstArrival, OperationKind, Phase, Size, Spacing, Workload};

const MS: Nanos = 1_000_000;

fn host_then_gpu(arrivals: Arrivals) -> Workload {
    let host = OperationKind::Host {
        time: Size::Drawn(Dist::lognormal(1e5, 1.5).expect("a distribution")),
    };
    let gpu = OperationKind::Gpu(work(Dist::gamma(3e5, 0.7).expect("a distribution")));
    workload(
        arrivals,
        vec![stage("prepare", vec![host]), stage("run", vec![gpu])],
    )
}

/// Open, frame-paced and closed guests; one stream each, so that a job's time on the SMs is its size.
fn guests() -> Vec<Guest> {
    let gap = Dist::weibull(3e6, 2.0).expect("a distribution");
    let paced = Arrivals::Open {
        gap: constant(4e6),
        first: FirstArrival::RandomPhase,
    };
    let think = Dist::exponential(2e6).expect("a distribution");
    let mut twins = guest("twins", host_then_gpu(open(gap.clone())));
    twins.count = 2;
    let phase = |gap, stay| Phase {
        gap,
        stay: Dist::exponential(stay).expect("a distribution"),
    };
    let phases = vec![phase(Some(2e6), 2e7), phase(None, 1e7)];
    let mut bursts = guest(
        "bursts",
        host_then_gpu(Arrivals::Modulated {
            phases,
            spacing: Spacing::Random,
        }),
    );
    bursts.workload.batch = Dist::geometric(1.5, 1.0).ok();
    vec![
        guest("desk", host_then_gpu(paced)),
        guest("infer", host_then_gpu(open(gap))),
        twins,
        guest("users", host_then_gpu(closed(2, think))),
        bursts,
    ]
}

/// By guest name and ordinal, by job index: arrival (of open guests), host work, GPU work.
type Seen = BTreeMap<(String, u32), BTreeMap<u64, (Option<Nanos>, Nanos, Nanos)>>;

fn seen(scenario: &Scenario, variant: Variant) -> Seen {
    let mut seen = Seen::new();
    for log in simulate_variant(scenario, 3, variant, Speed::RoundJump) {
        for (local, job) in &log.jobs {
            let Instance { group, ordinal } = log.layout.guests[*local];
            let guest = &scenario.guests[group];
            let open = !matches!(guest.workload.arrivals, Arrivals::Closed { .. });
            let draws = (
                open.then_some(job.arrival),
                job.parts[Part::Host as usize],
                job.parts[Part::Gpu as usize],
            );
            let jobs = seen.entry((guest.name.clone(), ordinal)).or_default();
            assert_eq!(jobs.insert(job.index, draws), None, "a job ended twice");
        }
    }
    seen
}

/// Every job that both runs have seen is the same in both; open guests have all the same jobs.
fn assert_same(a: &Seen, b: &Seen, what: &str) {
    let mut compared = 0;
    for (guest, jobs) in a {
        let Some(others) = b.get(guest) else { continue };
        for (index, draws) in jobs {
            match others.get(index) {
                Some(other) => {
                    assert_eq!(draws, other, "{what}: job {index} of {guest:?}");
                    compared += 1;
                }
                None => assert!(
                    draws.0.is_none(),
                    "{what}: job {index} of {guest:?} is missing"
                ),
            }
        }
    }
    assert!(compared > 50, "{what}: only {compared} jobs compared");
}

fn with(device: Gpu, guests: Vec<Guest>) -> Scenario {
    let mut scenario = scenario(vec![device], guests, 400 * MS);
    scenario.run.drain = 20_000 * MS;
    scenario
}

#[test]
fn the_scheduler_changes_no_draw() {
    let reference = seen(
        &with(gpu(time_slice("fifo", FOREVER)), guests()),
        Variant::Shared,
    );
    assert_eq!(reference.len(), 6);
    for scheduler in ["best-effort", "equal-share", "fixed-share", "round-robin"] {
        for turns in [Turns::PerTenant, Turns::PerChannel] {
            for arr_factor in [None, Some(33)] {
                let mut share = time_slice(scheduler, MS);
                share.turns = turns;
                share.arr_factor = arr_factor;
                share.reserved_turns = Some(6);
                let other = seen(&with(gpu(share), guests()), Variant::Shared);
                assert_same(&reference, &other, scheduler);
                assert_same(&other, &reference, scheduler);
            }
        }
    }
}

#[test]
fn the_board_changes_no_draw() {
    let reference = seen(
        &with(gpu(time_slice("best-effort", MS)), guests()),
        Variant::Shared,
    );
    let mut exclusive = gpu(time_slice("best-effort", MS));
    exclusive.division = Division::Whole(Share::Exclusive);
    let mut other = gpu(time_slice("best-effort", MS));
    other.name = "z".into();
    other.board.id = "other".into();
    other.board.sms = 142;
    other.board.copy_engines.host_to_device = 4;
    other.board.switch = switch(MS / 10, Charge::PerDispatch);
    other.board.switch.preemption = Preemption::Delay(MS / 5);
    for (device, what) in [(exclusive, "exclusive"), (other, "another board")] {
        let now = seen(&with(device, guests()), Variant::Shared);
        assert_same(&reference, &now, what);
        assert_same(&now, &reference, what);
    }
    // Two boards: which one a guest is on does not matter either.
    let mut two = with(gpu(time_slice("best-effort", MS)), guests());
    let mut second = two.gpus[0].clone();
    second.name = "b".into();
    second.board.sms = 7;
    two.gpus.push(second);
    for (place, guest) in two.guests.iter_mut().enumerate() {
        guest.gpu = place % 2;
    }
    assert_same(&reference, &seen(&two, Variant::Shared), "two boards");
}

#[test]
fn neighbours_change_no_draw() {
    let device = || gpu(time_slice("best-effort", MS));
    let all = with(device(), guests());
    let reference = seen(&all, Variant::Shared);

    let mut more = guests();
    more.insert(0, guest("aaa", host_then_gpu(open(constant(5e6)))));
    more.push(guest("zzz", host_then_gpu(closed(3, constant(1e6)))));
    more[3].count = 4; // more twins: the first two stay what they were
    let now = seen(&with(device(), more), Variant::Shared);
    assert_eq!(now.len(), 10);
    assert_same(&reference, &now, "added");

    for gone in 0..5 {
        let mut fewer = guests();
        fewer.remove(gone);
        let now = seen(&with(device(), fewer), Variant::Shared);
        assert_same(&now, &reference, "removed");
    }

    let mut reordered = all.clone();
    reordered.guests.reverse();
    for (order, guest) in reordered.guests.iter_mut().enumerate() {
        guest.order = order as i64;
    }
    assert_same(&reference, &seen(&reordered, Variant::Shared), "reordered");
}

/// What makes slowdown and interference paired comparisons.
#[test]
fn the_baselines_see_the_same_draws() {
    let all = with(gpu(time_slice("equal-share", MS)), guests());
    let reference = seen(&all, Variant::Shared);
    for instance in warpshare::sim::instances(&all) {
        for variant in [
            Variant::AloneOnBoard(instance),
            Variant::AloneOnShare(instance),
        ] {
            let alone = seen(&all, variant);
            assert_eq!(alone.len(), 1);
            let name = &all.guests[instance.group].name;
            let key = (name.clone(), instance.ordinal);
            assert_same(&alone, &reference, name);
            let closed = matches!(
                all.guests[instance.group].workload.arrivals,
                Arrivals::Closed { .. }
            );
            assert!(closed || alone[&key] == reference[&key], "{name}");
        }
    }
}

/// The other direction: what must change a draw does.
#[test]
fn seed_replication_name_and_ordinal_change_the_draws() {
    let all = with(gpu(time_slice("best-effort", MS)), guests());
    let reference = seen(&all, Variant::Shared);
    let jobs = |seen: &Seen, name: &str, ordinal| seen[&(name.to_owned(), ordinal)].clone();
    assert_ne!(jobs(&reference, "twins", 0), jobs(&reference, "twins", 1));
    assert_ne!(jobs(&reference, "infer", 0), jobs(&reference, "twins", 0));
    let mut other = all.clone();
    other.run.seed += 1;
    let other = seen(&other, Variant::Shared);
    assert_ne!(jobs(&reference, "infer", 0), jobs(&other, "infer", 0));
}
