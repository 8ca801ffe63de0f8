//! Schedulers without randomness: golden traces, limits of small slices, and bounds that no path violates.

use super::harness::{TABLE, row};
use super::models::*;
use crate::common::*;
use warpshare::engine::random::Stream;
use warpshare::engine::time::Nanos;
use warpshare::gpu::{Charge, Preemption};
use warpshare::policy::{OnCompletion, Reservation, Terms, registry};
use warpshare::scenario::{Gpu, Guest, Scenario};

/// (case, metric) of the rows that the tests of this file use.
pub const ROWS: &[(&str, &str)] = &[
    ("V20", "throughput_share_vm2_fixed_share"),
    ("V24", "useful_share_vm1"),
    ("V24", "useful_share_vm2"),
    ("V24", "useful_share_vm3"),
    ("V31", "lsbf"),
    ("V32", "worst_response_task1"),
    ("V32", "worst_response_task2"),
    ("V32", "worst_response_task3"),
    ("V42", "gps_finish_1"),
    ("V42", "gps_finish_2"),
    ("V42", "gps_finish_3"),
    ("V42", "gps_finish_4"),
    ("V42", "gps_finish_5"),
    ("V42", "gps_finish_6"),
    ("V42", "gps_finish_7"),
    ("V43", "guaranteed_rate_1"),
    ("V43", "guaranteed_rate_2"),
    ("V43", "guaranteed_rate_3"),
    ("V43", "latency_rate_latency_1"),
    ("V43", "latency_rate_latency_2"),
    ("V43", "latency_rate_latency_3"),
    ("V43", "max_time_for_service_1_flow1"),
    ("V43", "max_time_for_service_1_flow2"),
    ("V43", "max_time_for_service_1_flow3"),
    ("V43", "max_time_for_service_4_flow1"),
    ("V43", "max_time_for_service_4_flow2"),
    ("V43", "max_time_for_service_4_flow3"),
    ("V43", "golestani_fairness_12"),
    ("V45", "completion_1"),
    ("V45", "completion_2"),
    ("V45", "completion_3"),
    ("V45", "completion_4"),
    ("V45", "completion_5"),
];

fn weighing(weight: u32) -> Terms {
    Terms {
        weight,
        ..Terms::default()
    }
}

fn prior(priority: i32) -> Terms {
    Terms {
        priority,
        ..Terms::default()
    }
}

/// Work that ends nowhere near a test's end.
fn endless(name: &str, terms: Terms) -> Guest {
    Guest {
        terms,
        ..guest(name, gpu_workload(closed(1, det(0.0)), det(1e6)))
    }
}

/// Requests (arrival, size) in units.
fn at(rows: &[(f64, f64)]) -> warpshare::workload::Workload {
    let rows: Vec<_> = rows.iter().map(|r| (nanos(r.0), nanos(r.1))).collect();
    requests(&rows)
}

/// The five requests of V45, a guest for each.
fn golden(terms: [Terms; 5]) -> Vec<Guest> {
    let rows = [
        (0.0, 10.0),
        (1.5, 4.0),
        (2.75, 7.0),
        (12.6, 3.0),
        (13.3, 2.0),
    ];
    let guests = rows.iter().zip(terms).enumerate();
    guests
        .map(|(index, (row, terms))| Guest {
            terms,
            ..guest(&format!("r{}", index + 1), at(&[*row]))
        })
        .collect()
}

fn ends(device: Gpu, guests: Vec<Guest>) -> Vec<Nanos> {
    let names: Vec<String> = guests.iter().map(|guest| guest.name.clone()).collect();
    let scenario = scenario(vec![device], guests, nanos(100.0));
    let log = simulate(&scenario);
    let ends = names.iter().flat_map(|name| log.ends(&scenario, name));
    ends.collect()
}

fn completions(policy: &str) -> Vec<Nanos> {
    let of = |k| nanos(row("V45", policy, &format!("completion_{k}")).value);
    (1..=5).map(of).collect()
}

/// V45: priorities, and the shortest remaining work.
#[test]
fn v45_priorities_and_the_shortest_remaining_work() {
    // One is the highest of the catalogue.
    let by_priority = [3, 1, 2, 1, 2].map(|priority| prior(-priority));
    let none = [Terms::default(); 5];
    for (scheduler, policy, terms) in [
        (
            "priority-non-preemptive",
            "policy=non-preemptive",
            by_priority,
        ),
        ("priority", "policy=preemptive-resume", by_priority),
        ("shortest-remaining", "policy=srpt", none),
    ] {
        let device = gpu(time_slice(scheduler, FOREVER));
        assert_eq!(
            ends(device, golden(terms)),
            completions(policy),
            "{scheduler}"
        );
    }
}

/// Weighted turns of 100 ns and its multiples against shares without turns. From one change of the requests
/// to the next (five arrivals and four completions come before the last) everybody has its share to within
/// one of its turns, and all that is left over is at most a round.
#[test]
fn v45_discriminatory_sharing_is_the_limit_of_short_turns() {
    let slice = nanos(1e-4);
    let round = 10 * slice;
    let terms = [1, 2, 4, 1, 2].map(weighing);
    let exact = completions("policy=dps");
    let found = ends(gpu(time_slice("deficit-round-robin", slice)), golden(terms));
    for (found, exact) in found.iter().zip(exact) {
        assert!(found.abs_diff(exact) <= 9 * round, "{found} is not {exact}");
    }
}

/// V42: finish times under generalised processor sharing, first come, first served within a flow, from weighted
/// turns of 100 ns; at most thirteen changes of the set of flows with work, a round of four turns each.
#[test]
fn v42_fluid_fair_queueing_is_the_limit_of_short_turns() {
    let slice = nanos(1e-4);
    let flows = [
        (2, vec![(0.5, 1.0), (2.0, 1.0), (7.5, 2.0)]),
        (1, vec![(0.0, 4.0), (5.0, 3.0)]),
        (1, vec![(1.0, 2.0), (6.0, 4.0)]),
    ];
    // Requests by flow, as the trace numbers them.
    let numbers = [2, 4, 7, 1, 5, 3, 6];
    for scheduler in ["deficit-round-robin", "start-time-fair", "stride"] {
        let guests = flows
            .iter()
            .enumerate()
            .map(|(flow, (weight, rows))| Guest {
                terms: weighing(*weight),
                ..guest(&format!("flow{flow}"), at(rows))
            });
        let found = ends(gpu(time_slice(scheduler, slice)), guests.collect());
        for (found, number) in found.iter().zip(numbers) {
            let exact = nanos(row("V42", "rate=1", &format!("gps_finish_{number}")).value);
            assert!(
                found.abs_diff(exact) <= 13 * 4 * slice,
                "{scheduler}: request {number} ends at {found}, not {exact}"
            );
        }
    }
}

/// Running time of each guest at the edges of a grid.
fn supply(scenario: &mut Scenario, until: f64, step: f64) -> Vec<Vec<Nanos>> {
    scenario.run.window = nanos(until);
    scenario.run.drain = 0;
    scenario.run.timeline_bins = (until / step) as u32;
    let log = simulate(scenario);
    log.edges.into_iter().map(|(_, _, ran, _)| ran).collect()
}

/// Other tenants that come and go.
fn unsteady(name: &str, rate: f64, size: f64, terms: Terms) -> Guest {
    Guest {
        terms,
        ..guest(name, gpu_workload(poisson(rate), exp(size)))
    }
}

/// V31: what a periodic server of three in five supplies in every window, whatever others do.
#[test]
fn v31_supply_of_a_periodic_server() {
    const STEP: f64 = 0.25;
    let reserved = |time: f64, period: f64| Terms {
        reservation: Some(Reservation {
            time: nanos(time),
            period: nanos(period),
        }),
        ..Terms::default()
    };
    let mut longest_without = 0;
    for seed in 0..20 {
        let guests = vec![
            endless("a", reserved(3.0, 5.0)),
            unsteady("b", 0.3, 1.0, reserved(1.0, 4.0)),
            unsteady("c", 0.1, 1.0, reserved(1.0, 10.0)),
        ];
        let mut scenario = scenario(
            vec![gpu(time_slice("periodic-server", nanos(1.0)))],
            guests,
            0,
        );
        scenario.run.seed = seed;
        let supply = supply(&mut scenario, 500.0, STEP);
        let least = |length: f64| {
            let edges = (length / STEP) as usize;
            let windows = supply.windows(edges + 1).map(|w| w[edges][0] - w[0][0]);
            windows.min().expect("windows")
        };
        let mut checked = 0;
        for row in TABLE.iter().filter(|row| row.case == "V31") {
            if row.metric == "sbf" || row.metric == "lsbf" {
                let (_, length) = row.parameters.split_once("interval=").expect("a length");
                let length: f64 = length.parse().expect("a length");
                let least = least(length);
                assert!(
                    least >= nanos(row.value),
                    "{} {length}: {least}",
                    row.metric
                );
                checked += 1;
            }
        }
        assert_eq!(checked, 15);
        let without = (1..20)
            .take_while(|&edges| least(edges as f64 * STEP) == 0)
            .count();
        longest_without = longest_without.max(without);
    }
    // Never in the way of others all the time: longer without than a fixed slot would be (two units).
    assert!(longest_without as f64 * STEP > 2.0, "{longest_without}");
}

/// V32: response times of rate-monotonic tasks: attained when all start together, never exceeded.
#[test]
fn v32_response_times_of_priorities() {
    let tasks = [(1.0, 4.0), (2.0, 9.0), (3.0, 20.0)];
    let worst = |phases: [f64; 3], tau: f64| -> [Nanos; 3] {
        let guests = tasks.iter().zip(phases).enumerate();
        let guests = guests.map(|(index, (&(size, period), phase))| {
            let times = (0..(360.0 / period) as u32).map(|k| phase + period * f64::from(k));
            let rows: Vec<_> = times.map(|time| (time, size)).collect();
            Guest {
                terms: prior(-(index as i32)),
                ..guest(&format!("task{index}"), at(&rows))
            }
        });
        let device = with_switch(
            time_slice("priority", FOREVER),
            tau,
            Charge::PerTenantChange,
        );
        let scenario = scenario(vec![device], guests.collect(), nanos(400.0));
        let log = simulate(&scenario);
        let mut worst = [0; 3];
        for (guest, job) in &log.jobs {
            worst[*guest] = worst[*guest].max(job.ended - job.arrival);
        }
        worst
    };
    let bounds = |tau: &str| {
        [1, 2, 3].map(|task| {
            let metric = format!("worst_response_task{task}");
            nanos(row("V32", &format!("switch_cost={tau} charged"), &metric).value)
        })
    };
    assert_eq!(worst([0.0; 3], 0.0), bounds("0"), "attained");
    let draws = Stream::new(32, 0, "phases", 0, "phase");
    for (tau, name) in [(0.0, "0"), (0.1, "0.1")] {
        for path in 0..200 {
            let phase = |task: u64| draws.at(3 * path + task).uniform() * tasks[task as usize].1;
            let found = worst([phase(0), phase(1), phase(2)], tau);
            for (found, bound) in found.iter().zip(bounds(name)) {
                assert!(*found <= bound, "{found} is beyond {bound}");
            }
        }
    }
}

/// V43: turns of 4, 2 and 2 that over-run by up to 1 until the SMs can be taken: the largest request of the
/// bounds is what cannot be cut.
#[test]
fn v43_deficit_round_robin() {
    const STEP: f64 = 0.25;
    const QUANTA: [f64; 3] = [4.0, 2.0, 2.0];
    let value = |metric: String| row("V43", "quanta", &metric).value;
    let mut least_slack = f64::INFINITY;
    for path in 0..30 {
        // One flow always has work, the others come and go; or all have work.
        let own = path % 3;
        let guests = (0..3).map(|flow| {
            let terms = weighing(if flow == 0 { 2 } else { 1 });
            let name = format!("flow{flow}");
            if flow == own || path < 6 {
                endless(&name, terms)
            } else {
                unsteady(&name, 0.2, 2.0, terms)
            }
        });
        let mut device = gpu(time_slice("deficit-round-robin", nanos(2.0)));
        device.board.switch.preemption = Preemption::Delay(nanos(1.0));
        let mut scenario = scenario(vec![device], guests.collect(), 0);
        scenario.run.seed = path as u64;
        let supply = supply(&mut scenario, 150.0, STEP);
        let rate = value(format!("guaranteed_rate_{}", own + 1));
        let latency = value(format!("latency_rate_latency_{}", own + 1));
        let fairness = value("golestani_fairness_12".into());
        for amount in [1.0, 4.0] {
            let time = value(format!("max_time_for_service_{amount}_flow{}", own + 1));
            let edges = (time / STEP) as usize;
            for window in supply.windows(edges + 1) {
                let ran = window[edges][own] - window[0][own];
                assert!(ran >= nanos(amount), "flow {own}: {ran} in {time}");
            }
        }
        for from in 0..supply.len() {
            for to in from..supply.len() {
                let ran = |flow: usize| (supply[to][flow] - supply[from][flow]) as f64 / 1e6;
                let promised = rate * ((to - from) as f64 * STEP - latency);
                let slack = ran(own) - promised;
                assert!(slack >= -1e-6, "flow {own}, {from} to {to}: {slack}");
                least_slack = least_slack.min(slack);
                if path < 6 {
                    let apart = (ran(0) / QUANTA[0] - ran(1) / QUANTA[1]).abs();
                    assert!(apart <= fairness, "{from} to {to}: {apart}");
                }
            }
        }
    }
    assert!(
        least_slack < 2.0,
        "the bound is never approached: {least_slack}"
    );
}

/// Start-time fair queueing (Goyal, Vin and Cheng 1996) of flows with rates r and turns l for requests: two that
/// are both busy differ by no more than l/r of each (theorem 1), and a busy one gets no less than
/// r (T − Σ l) − l in any time T (theorem 2, on a server of rate 1).
#[test]
fn start_time_fair_queueing_keeps_its_bounds() {
    const STEP: f64 = 0.25;
    const RATES: [f64; 3] = [0.5, 0.25, 0.25];
    const TURN: f64 = 2.0;
    let mut least_slack = f64::INFINITY;
    let mut most_apart = 0.0f64;
    for path in 0..30 {
        let own = path % 3;
        let guests = (0..3).map(|flow| {
            let terms = weighing(if flow == 0 { 2 } else { 1 });
            let name = format!("flow{flow}");
            if flow == own || path < 6 {
                endless(&name, terms)
            } else {
                unsteady(&name, 0.2, 2.0, terms)
            }
        });
        let device = gpu(time_slice("start-time-fair", nanos(TURN)));
        let mut scenario = scenario(vec![device], guests.collect(), 0);
        scenario.run.seed = path as u64;
        let supply = supply(&mut scenario, 150.0, STEP);
        for from in 0..supply.len() {
            for to in from..supply.len() {
                let ran = |flow: usize| (supply[to][flow] - supply[from][flow]) as f64 / 1e6;
                let time = (to - from) as f64 * STEP;
                let promised = RATES[own] * (time - 3.0 * TURN) - TURN;
                let slack = ran(own) - promised;
                assert!(slack >= -1e-6, "flow {own}, {from} to {to}: {slack}");
                least_slack = least_slack.min(slack);
                if path < 6 {
                    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
                        let apart = (ran(a) / RATES[a] - ran(b) / RATES[b]).abs();
                        let most = TURN / RATES[a] + TURN / RATES[b];
                        assert!(apart <= most + 1e-6, "{a} and {b}, {from} to {to}: {apart}");
                        most_apart = most_apart.max(apart / most);
                    }
                }
            }
        }
    }
    // Both are approached: neither would hide an error of a turn.
    assert!(
        least_slack < TURN && most_apart > 0.5,
        "{least_slack}, {most_apart}"
    );
}

/// V39: no scheduler has a smaller mean response than the one that knows what will be done first.
#[test]
fn v39_nobody_is_faster_than_the_shortest_remaining_work() {
    const JOBS: u64 = 30;
    for path in 0..10 {
        let draws = Stream::new(39, path, "jobs", 0, "size");
        let total = |scheduler: &str| -> Nanos {
            let guests = (0..JOBS).map(|job| {
                let size = 0.01 - libm::log(draws.at(2 * job).uniform());
                let arrival = JOBS as f64 * draws.at(2 * job + 1).uniform();
                guest(&format!("job{job:02}"), at(&[(arrival, size)]))
            });
            let mut share = time_slice(scheduler, nanos(0.25));
            share.on_completion = OnCompletion::End;
            share.reserved_turns = scheduler.starts_with("fixed-share").then_some(JOBS as u32);
            let scenario = scenario(vec![gpu(share)], guests.collect(), nanos(5_000.0));
            let log = simulate(&scenario);
            assert_eq!(log.jobs.len() as u64, JOBS, "{scheduler}");
            let responses = log.jobs.iter().map(|(_, job)| job.ended - job.arrival);
            responses.sum()
        };
        let least = total("shortest-remaining");
        for scheduler in registry::names() {
            let found = total(scheduler);
            assert!(found >= least, "{scheduler}: {found} is below {least}");
        }
        assert!(total("fifo") > least, "a path on which the order matters");
    }
}

/// V20: a reserved share is not lent, so a tenant that always has work gets its own and no more.
#[test]
fn v20_a_reserved_share_is_not_lent() {
    let expected = row(
        "V20",
        "policy=fixed share",
        "throughput_share_vm2_fixed_share",
    )
    .value;
    let mut share = time_slice("fixed-share", nanos(0.5));
    share.reserved_turns = Some(2);
    let guests = vec![
        unsteady("a", 0.25, 1.0, Terms::default()),
        endless("b", Terms::default()),
    ];
    let mut scenario = scenario(vec![gpu(share)], guests, 0);
    let supply = supply(&mut scenario, 1_000.0, 1.0);
    assert_eq!(
        supply.last().map(|ran| ran[1]),
        Some(nanos(1_000.0 * expected))
    );
}

/// V24: turns of 3, 1 and 1 and a switch before each but the first.
#[test]
fn v24_turns_of_different_length() {
    let guests = [3, 1, 1].iter().enumerate();
    let guests = guests.map(|(vm, weight)| endless(&format!("vm{vm}"), weighing(*weight)));
    let device = with_switch(
        time_slice("deficit-round-robin", nanos(1.0)),
        0.05,
        Charge::PerTenantChange,
    );
    let mut scenario = scenario(vec![device], guests.collect(), 0);
    // A thousand cycles of 5.15, the last of which ends with the switch back.
    let supply = supply(&mut scenario, 5_150.0, 51.5);
    let ran = supply.last().expect("an edge");
    for (vm, ran) in ran.iter().enumerate() {
        let metric = format!("useful_share_vm{}", vm + 1);
        let share = row("V24", "slices=(3,1,1)", &metric).value;
        assert_eq!(*ran, nanos(5_150.0 * share), "{metric}");
    }
}
