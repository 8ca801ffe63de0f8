//! Cases without randomness: equal to the nanosecond, or a bound that no path violates.

use super::harness::{Row, TABLE, row};
use super::models::*;
use crate::common::*;
use warpshare::engine::time::Nanos;
use warpshare::gpu::Charge;
use warpshare::policy::Rotation;
use warpshare::scenario::{Gpu, Guest, Holds, Scenario};
use warpshare::workload::{Arrivals, FirstArrival};

/// (case, metric) of the rows that the tests of this file use.
pub const ROWS: &[(&str, &str)] = &[
    ("V04", "max_wait"),
    ("V12", "throughput_upper_bound"),
    ("V30", "mean_response"),
    ("V30", "max_response"),
    ("V31", "sbf"),
    ("V31", "sbf_tdma"),
    ("V32", "response"),
];

fn always_busy(name: &str) -> Guest {
    guest(name, gpu_workload(closed(1, det(0.0)), det(50.0)))
}

/// A slot of 4 in each period of 10: two turns of 5, of which a switch takes the first unit.
fn four_of_ten() -> Gpu {
    let mut share = time_slice("fixed-share", nanos(5.0));
    share.reserved_turns = Some(2);
    with_switch(share, 1.0, Charge::PerSlot)
}

/// V30: a lone request in a reserved slot, over all phases.
#[test]
fn v30_lone_request_over_all_phases() {
    let responses = |size: f64, phases: &mut dyn Iterator<Item = Nanos>| -> Vec<Nanos> {
        phases
            .map(|phase| {
                let requests = requests(&[(3 * nanos(10.0) + phase, nanos(size))]);
                let scenario = scenario(
                    vec![four_of_ten()],
                    vec![guest("A", requests)],
                    nanos(200.0),
                );
                let log = simulate(&scenario);
                assert_eq!(log.jobs.len(), 1);
                log.jobs[0].1.ended - log.jobs[0].1.arrival
            })
            .collect()
    };
    let step = nanos(0.1);
    for size in [1.0, 4.0] {
        let parameters = format!("work {size} at a uniformly random phase, nothing else;period=10");
        // The response is piecewise linear in the phase with kinks on the grid: midpoints give the
        // mean exactly.
        let all = responses(size, &mut (0..100).map(|i| i * step + step / 2));
        let mean = all.iter().sum::<Nanos>() as f64 / all.len() as f64;
        let expected = nanos(row("V30", &parameters, "mean_response").value);
        assert_eq!(mean, expected as f64, "size {size}");
    }
    for (size, parameters) in [
        (
            1.0,
            "work 1 at a uniformly random phase, nothing else;period=10",
        ),
        (
            4.0,
            "work 4 at a uniformly random phase, nothing else;period=10",
        ),
        (8.0, "work 8;period=10"),
        (9.0, "work 9;period=10"),
    ] {
        let bound = nanos(row("V30", parameters, "max_response").value);
        let grid = (0..100).flat_map(|i| [i * step, i * step + 1]);
        let worst = responses(size, &mut grid.collect::<Vec<_>>().into_iter());
        let worst = worst.into_iter().max().expect("phases");
        // The supremum is approached from one side: within a nanosecond.
        assert!(worst <= bound && worst + 1 >= bound, "size {size}: {worst}");
    }
}

/// V31: what a reserved slot of three in five supplies, in every window.
#[test]
fn v31_supply_of_a_reserved_slot() {
    // Three vGPUs of one guest, side by side, in five turns of one unit.
    let mut share = time_slice("fixed-share", nanos(1.0));
    share.reserved_turns = Some(5);
    let mut busy = always_busy("A");
    busy.streams = 3;
    busy.holds = Holds::Vgpu {
        type_name: "neutral".into(),
        number: 3,
        frame_buffer_mib: 1,
    };
    busy.workload = gpu_workload(closed(3, det(0.0)), det(50.0));
    for arr_factor in [None, Some(33)] {
        share.arr_factor = arr_factor;
        let window = 100.0;
        let step = 0.25;
        let mut scenario = scenario(vec![gpu(share.clone())], vec![busy.clone()], nanos(window));
        scenario.run.drain = 0;
        scenario.run.timeline_bins = (window / step) as u32;
        let log = simulate(&scenario);
        let supply: Vec<Nanos> = log
            .edges
            .iter()
            .map(|(_, _, ran, _)| ran.iter().sum())
            .collect();
        let mut checked = 0;
        for Row {
            case,
            metric,
            parameters,
            value,
            kind,
            ..
        } in TABLE.iter()
        {
            if case != "V31" {
                continue;
            }
            assert_eq!(kind, "lower");
            let (_, length) = parameters.split_once("interval=").expect("a length");
            let length: f64 = length.parse().expect("a length");
            let edges = (length / step) as usize;
            let least = supply.windows(edges + 1).map(|w| w[edges] - w[0]).min();
            let least = least.expect("windows");
            assert!(least >= nanos(*value), "{metric} {length}: {least}");
            if metric == "sbf_tdma" {
                assert_eq!(least, nanos(*value), "the bound is attained: {length}");
            }
            checked += 1;
        }
        assert!(checked > 10);
    }
}

/// V32: a request that has just missed its turn among tenants that are always backlogged.
#[test]
fn v32_round_robin_response_time() {
    for (vms, quantum, tau, size) in [(4u32, 2.0, 0.1, 5.0), (8, 1.0, 0.05, 10.0)] {
        let expected = row("V32", &format!("vms={vms},"), "response").value;
        // First dispatch free: the last of the others ends its first turn then, and the switch to the
        // first of them begins.
        let others = f64::from(vms - 1);
        let missed = others * (quantum + tau) - tau;
        for scheduler in ["best-effort", "round-robin", "equal-share"] {
            let mut share = time_slice(scheduler, nanos(quantum));
            // In rank order, so that an idle tenant has a place that can be missed.
            share.rotation = Rotation::List;
            // Under equal share the tenant's own turn passes unused before.
            let reserved = if scheduler == "equal-share" {
                quantum
            } else {
                0.0
            };
            let mut guests: Vec<Guest> =
                (1..vms).map(|vm| always_busy(&format!("vm{vm}"))).collect();
            let arrival = nanos(missed + reserved);
            guests.push(guest("vm9", requests(&[(arrival, nanos(size))])));
            let device = with_switch(share, tau, Charge::PerTenantChange);
            let scenario = scenario(vec![device], guests, nanos(200.0));
            let ends = simulate(&scenario).ends(&scenario, "vm9");
            assert_eq!(ends, [arrival + nanos(expected)], "{scheduler} {vms}");
        }
    }
}

/// V04: with periodic sources nobody waits longer than one request of each other source.
#[test]
fn v04_longest_wait() {
    for (parameters, vms, period) in [("vms=8", 8, 10.0), ("vms=4", 4, 5.0)] {
        let arrivals = Arrivals::Open {
            gap: det(period),
            first: FirstArrival::RandomPhase,
        };
        let bound = nanos(row("V04", parameters, "max_wait").value);
        let guests = (0..vms)
            .map(|vm| guest(&format!("vm{vm}"), gpu_workload(arrivals.clone(), det(1.0))))
            .collect();
        let mut scenario = scenario(vec![fifo()], guests, nanos(5.0 * period));
        let mut longest = 0;
        for seed in 0..500 {
            scenario.run.seed = seed;
            let log = simulate(&scenario);
            assert_eq!(log.jobs.len(), 5 * vms);
            let waits = log
                .jobs
                .iter()
                .map(|(_, job)| job.ended - job.arrival - nanos(1.0));
            longest = waits.fold(longest, Nanos::max);
        }
        assert!(longest <= bound, "{longest}");
        assert!(
            longest > bound / 2,
            "the bound is never approached: {longest}"
        );
    }
}

/// V12: no more jobs end than the server can do, or than the users submit without any queue.
#[test]
fn v12_asymptotic_bounds() {
    let bound = row(
        "V12",
        "users=10;think=9;service=1",
        "throughput_upper_bound",
    )
    .value;
    let run = |users: u32, streams_: u32| -> (Scenario, f64) {
        let guest = streams(gpu_workload(closed(users, det(9.0)), det(1.0)), streams_);
        let scenario = scenario(vec![fifo()], vec![guest], nanos(900.0));
        let jobs = simulate(&scenario).jobs;
        let ended = jobs.iter().filter(|(_, job)| job.ended <= nanos(900.0));
        let rate = ended.count() as f64 / 900.0;
        (scenario, rate)
    };
    // Ten users in step with one server: the knee N* = (Z + S) / S, where both bounds meet.
    let (_, rate) = run(10, 1);
    assert!(rate <= bound && rate > 0.98 * bound, "{rate}");
    for (users, streams) in [(1, 1), (3, 2), (30, 1), (30, 5)] {
        let (_, rate) = run(users, streams);
        assert!(
            rate <= bound.min(f64::from(users) / 10.0),
            "{users}: {rate}"
        );
    }
}
