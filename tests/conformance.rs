//! Every scheduler keeps what its `Properties` declare, in random scenarios: those of the registry, and
//! the example of one outside of it. A program of its own: it extends the registry, once for the process.

mod common;
#[allow(dead_code, reason = "its `main` is for the example")]
#[path = "../examples/own_policy.rs"]
mod own_policy;

use common::*;
use proptest::prelude::*;
use std::sync::Once;
use warpshare::diagnostics::Diagnostics;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::policy::registry::{self, Registered, Use};
use warpshare::policy::{Reservation, Starvation, Terms, Weights};
use warpshare::scenario::{Guest, Overrides, Scenario, parse};
use warpshare::sim::Part;

const MS: Nanos = 1_000_000;
const SLICE: Nanos = MS;
/// Turns of a round of policies that reserve them: more than there are tenants here.
const TURNS: u32 = 7;

/// Every scheduler. To be called before anything else that looks at the registry.
fn policies() -> &'static [Registered] {
    static EXTENDED: Once = Once::new();
    EXTENDED.call_once(|| {
        registry::extend(&[own_policy::LONGEST_IDLE_FIRST]).expect("nobody has looked yet");
    });
    registry::all()
}

/// The guests on one GPU under the policy, with slices of 1 ms and switches that cost nothing.
fn under(policy: &Registered, guests: &[Guest], window: Nanos) -> Scenario {
    let mut share = time_slice(policy.name, SLICE);
    share.reserved_turns = Some(TURNS);
    let mut scenario = scenario(vec![gpu(share)], guests.to_vec(), window);
    scenario.run.timeline_bins = 371;
    scenario
}

fn named(index: usize, guest: Guest) -> Guest {
    Guest {
        name: format!("g{index}"),
        ..guest
    }
}

/// A tenant that always has work.
fn busy(terms: Terms) -> Guest {
    let endless = gpu_workload(closed(1, constant(0.0)), constant(1e12));
    Guest {
        terms,
        ..guest("busy", endless)
    }
}

fn weighted(weight: u32) -> Terms {
    Terms {
        weight,
        ..Terms::default()
    }
}

/// Tenants that always have work, with these weights.
fn all_busy(weights: &[u32]) -> Vec<Guest> {
    let guests = weights.iter().map(|&weight| busy(weighted(weight)));
    guests
        .enumerate()
        .map(|(index, guest)| named(index, guest))
        .collect()
}

/// Running times of the guests, in the order of their names, at each sampling edge.
fn running_times(log: &Log) -> Vec<Vec<Nanos>> {
    let mut entries: Vec<_> = log.layout.guests.iter().zip(&log.layout.tenants).collect();
    entries.sort_by_key(|(guest, _)| guest.group);
    let at = |ran: &[Nanos]| {
        let times = entries.iter().map(|(_, own)| ran[own[0].entry as usize]);
        times.collect()
    };
    log.edges.iter().map(|(_, _, ran, _)| at(ran)).collect()
}

/// Requests of a tenant: (gap, size).
fn rows() -> impl Strategy<Value = Vec<(Nanos, Nanos)>> {
    prop::collection::vec((0..25 * MS, 1..6 * MS), 1..12).prop_map(|rows| {
        let mut at = 0;
        let arrive = |(gap, size)| {
            at += gap;
            (at, size)
        };
        rows.into_iter().map(arrive).collect()
    })
}

fn terms() -> impl Strategy<Value = Terms> {
    let reservation = prop::option::of((1u64..=100, 2u64..20));
    (1u32..=6, -1i32..=2, reservation).prop_map(|(weight, priority, reservation)| Terms {
        weight,
        priority,
        // Of five tenants, none has more than a fifth.
        reservation: reservation.map(|(percent, ms)| Reservation {
            time: (ms * MS / 5 * percent / 100).max(1),
            period: ms * MS,
        }),
    })
}

/// A tenant with requests, and these requests.
type Served = (Guest, Vec<(Nanos, Nanos)>);

fn served() -> impl Strategy<Value = Served> {
    let start = prop_oneof![2 => Just(0), 1 => 0..20 * MS];
    let deadline = prop::option::of(MS..50 * MS);
    let queue = prop::option::of(0u32..3);
    (rows(), terms(), start, deadline, queue).prop_map(|(rows, terms, start, deadline, queue)| {
        let guest = Guest {
            terms,
            start,
            deadline,
            queue,
            ..guest("served", requests(&rows))
        };
        (guest, rows)
    })
}

fn tenants() -> impl Strategy<Value = Vec<Served>> {
    prop::collection::vec(served(), 1..6).prop_map(|all| {
        let all = all.into_iter().enumerate();
        all.map(|(index, (guest, rows))| (named(index, guest), rows))
            .collect()
    })
}

fn weights() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(1u32..=6, 2..=6)
}

/// Seeds are fixed: what passes once passes always.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_125),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(40))]

    /// Nothing is lost or invented, all time is accounted for, and the same is run twice and at every speed.
    #[test]
    fn no_work_is_lost_or_invented(tenants in tenants()) {
        for policy in policies() {
            let guests: Vec<_> = tenants.iter().map(|(guest, _)| guest.clone()).collect();
            let scenario = under(policy, &guests, 200 * MS);
            let log = simulate(&scenario); // asserts that all speeds agree
            prop_assert_eq!(&log, &simulate(&scenario), "{}: twice", policy.name);
            for (now, accounts, ran, _) in &log.edges {
                let wall = u128::from(*now) * u128::from(SMS);
                prop_assert_eq!(accounts[0].total(), wall, "{} at {}", policy.name, now);
                prop_assert_eq!(accounts[0].switching, 0, "{}: switches are free", policy.name);
                prop_assert_eq!(ran.iter().sum::<Nanos>(), accounts[0].gpu_time, "{}", policy.name);
            }
            let end = log.edges.last().expect("an edge").0;
            for (local, guest) in log.layout.guests.iter().enumerate() {
                let jobs = log.jobs.iter().filter(|(of, _)| *of == local).map(|(_, job)| job);
                let done = jobs.clone().filter(|job| job.ended <= end).count() as u64;
                let known = done + log.dropped[local] + log.backlog[local];
                prop_assert_eq!(log.arrived[local], known, "{}: jobs of {:?}", policy.name, guest);
                for job in jobs {
                    let size = tenants[guest.group].1[job.index as usize].1;
                    let on_gpu = job.parts[Part::Gpu as usize];
                    prop_assert_eq!(on_gpu, size, "{}: job {:?}", policy.name, job);
                }
            }
        }
    }

    /// Policies that are work-conserving keep the GPU busy for as long as any of them, whatever the order.
    #[test]
    fn work_conserving_policies_are_busy_at_the_same_times(tenants in tenants()) {
        let guests: Vec<_> = tenants
            .into_iter()
            .map(|(guest, _)| Guest { queue: None, ..guest })
            .collect();
        let busy = |policy: &Registered| -> Vec<(Nanos, Nanos)> {
            let edges = simulate(&under(policy, &guests, 200 * MS)).edges;
            edges.into_iter().map(|(now, accounts, ..)| (now, accounts[0].gpu_time)).collect()
        };
        let all = policies();
        let fifo = busy(registry::find("fifo").expect("fifo"));
        for policy in all.iter().filter(|policy| policy.properties.work_conserving) {
            prop_assert_eq!(&fifo, &busy(policy), "{}", policy.name);
        }
    }

    /// Beside others that always have work, nobody waits for longer than declared.
    #[test]
    fn nobody_waits_for_longer_than_declared(weights in weights()) {
        for policy in policies() {
            let bound = |own: usize| match policy.properties.starvation {
                Starvation::Slices(slices) => Some(slices(&weights, own)),
                Starvation::ReservedTurns => Some(f64::from(TURNS) - 1.0),
                Starvation::Chance | Starvation::Unbounded => None,
            };
            if bound(0).is_none() {
                continue;
            }
            let log = simulate(&under(policy, &all_busy(&weights), 300 * MS));
            for (own, &wait) in log.longest_waits.iter().enumerate() {
                let slices = bound(own).expect("a bound for all");
                // Turns end at whole nanoseconds.
                let limit = (slices * SLICE as f64 + slices).ceil() as Nanos;
                prop_assert!(
                    wait <= limit,
                    "{}: {wait} ns is more than {slices} slices, tenant {own} of {weights:?}",
                    policy.name
                );
            }
        }
    }

    /// In every interval, running times differ by no more than declared.
    #[test]
    fn running_times_follow_weights_as_declared(weights in weights()) {
        for policy in policies() {
            let (slices, count) = match policy.properties.weights {
                Weights::Equal { slices } => (slices, false),
                Weights::Proportional { slices } => (slices, true),
                Weights::OnAverage | Weights::Other => continue,
            };
            let log = simulate(&under(policy, &all_busy(&weights), 300 * MS));
            let times = running_times(&log);
            let weight = |of: usize| if count { f64::from(weights[of]) } else { 1.0 };
            for one in 0..weights.len() {
                for other in 0..one {
                    // How far the one is ahead, at each edge: the difference in an interval is that of
                    // its ends.
                    let ahead = |ran: &Vec<Nanos>| {
                        ran[one] as f64 / weight(one) - ran[other] as f64 / weight(other)
                    };
                    let most = times.iter().map(ahead).fold(f64::MIN, f64::max);
                    let least = times.iter().map(ahead).fold(f64::MAX, f64::min);
                    let apart = (most - least) / SLICE as f64;
                    prop_assert!(
                        apart <= slices + 1e-5,
                        "{}: {apart} slices between tenants {one} and {other} of {weights:?}",
                        policy.name
                    );
                }
            }
        }
    }

    /// Who is numbered how makes no difference beyond what two runs may differ by anyhow.
    #[test]
    fn shares_do_not_depend_on_the_numbering(weights in weights()) {
        for policy in policies() {
            // A tenant is within the bound of its share in either run.
            let bound = |own: usize| match policy.properties.weights {
                Weights::Equal { slices } => Some(2.0 * slices),
                Weights::Proportional { slices } => Some(2.0 * slices * f64::from(weights[own])),
                Weights::OnAverage | Weights::Other => None,
            };
            if bound(0).is_none() {
                continue;
            }
            let mut guests = all_busy(&weights);
            let forward = running_times(&simulate(&under(policy, &guests, 300 * MS)));
            for (index, guest) in guests.iter_mut().enumerate() {
                guest.order = -(index as i64);
            }
            let backward = running_times(&simulate(&under(policy, &guests, 300 * MS)));
            for (one, other) in forward.iter().zip(&backward) {
                for (own, (one, other)) in one.iter().zip(other).enumerate() {
                    let apart = one.abs_diff(*other) as f64 / SLICE as f64;
                    let allowed = bound(own).expect("a bound for all");
                    prop_assert!(
                        apart <= allowed + 1e-5,
                        "{}: {apart} slices for tenant {own} of {weights:?}",
                        policy.name
                    );
                }
            }
        }
    }

    /// Whoever reserves has its time in every period, beside others that always have work.
    #[test]
    fn reservations_are_honoured(asked in prop::collection::vec((1u64..=100, 2u64..30), 2..=5)) {
        let uses = |policy: &&Registered| policy.uses.contains(&Use::Reservation);
        for policy in policies().iter().filter(uses) {
            let reserve = |&(percent, ms): &(u64, u64)| Reservation {
                time: ms * MS * percent / 100 / asked.len() as u64,
                period: ms * MS,
            };
            let reservations: Vec<_> = asked.iter().map(reserve).collect();
            let guests: Vec<_> = reservations
                .iter()
                .enumerate()
                .map(|(index, &reservation)| {
                    let terms = Terms { reservation: Some(reservation), ..Terms::default() };
                    named(index, busy(terms))
                })
                .collect();
            let mut scenario = under(policy, &guests, 300 * MS);
            scenario.run.timeline_bins = 300;
            let log = simulate(&scenario);
            let times = running_times(&log);
            for (own, Reservation { time, period }) in reservations.into_iter().enumerate() {
                let step = (period / MS) as usize;
                let ends: Vec<_> = times.iter().step_by(step).map(|ran| ran[own]).collect();
                for ends in ends.windows(2) {
                    let had = ends[1] - ends[0];
                    prop_assert!(had >= time, "{}: {had} of {time} every {period}", policy.name);
                }
                let wait = log.longest_waits[own];
                prop_assert!(
                    wait <= 2 * (period - time),
                    "{}: {wait} without {time} every {period}",
                    policy.name
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(10))]

    /// Error probability: by Bernstein's inequality below 1e-6 for each tenant and policy, 1e-4 in all.
    #[test]
    fn average_shares_follow_weights(weights in weights()) {
        let average = |policy: &&Registered| policy.properties.weights == Weights::OnAverage;
        for policy in policies().iter().filter(average) {
            let turns = 4_000.0;
            let log = simulate(&under(policy, &all_busy(&weights), 4_000 * SLICE));
            let times = running_times(&log);
            let all: u32 = weights.iter().sum();
            for (&ran, &weight) in times.last().expect("an edge").iter().zip(&weights) {
                let share = f64::from(weight) / f64::from(all);
                let apart = (ran as f64 / SLICE as f64 - turns * share).abs();
                let (spread, log_odds) = (turns * share * (1.0 - share), libm::log(2e6));
                let third = log_odds / 3.0;
                let limit = third + (third * third + 2.0 * log_odds * spread).sqrt();
                prop_assert!(
                    apart <= limit,
                    "{}: {apart} turns off for {weight} of {weights:?}",
                    policy.name
                );
            }
        }
    }
}

/// With one tenant that has work and one that has none, work waits if, and only if, it is declared.
#[test]
fn policies_that_are_not_work_conserving_leave_sms_unused() {
    for policy in policies() {
        // Equal in all; by priority 1, a virtual function of Intel Xe is scheduled whether it has work or not.
        let terms = Terms {
            priority: 1,
            ..Terms::default()
        };
        let tenant = |index, name, rows: &[_]| {
            let guest = guest(name, requests(rows));
            named(index, Guest { terms, ..guest })
        };
        let guests = [
            tenant(0, "busy", &[(0, 100 * MS)]),
            tenant(1, "idle", &[(900 * MS, MS)]),
        ];
        let scenario = under(policy, &guests, 1_000 * MS);
        let end = simulate(&scenario).ends(&scenario, "g0")[0];
        let conserving = policy.properties.work_conserving;
        assert_eq!(
            end == 100 * MS,
            conserving,
            "{}: ends at {end}",
            policy.name
        );
    }
}

/// Short work with every claim, always there, beside long work without any: who may starve does.
#[test]
fn policies_without_a_bound_starve_somebody() {
    for policy in policies() {
        let favoured = Terms {
            priority: 2,
            ..Terms::default()
        };
        let short = gpu_workload(closed(1, constant(0.0)), constant(500_000.0));
        let guests = [
            Guest {
                deadline: Some(MS),
                terms: favoured,
                ..named(0, guest("short", short))
            },
            named(1, busy(Terms::default())),
        ];
        let wait = simulate(&under(policy, &guests, 300 * MS)).longest_waits[1];
        let starves = matches!(policy.properties.starvation, Starvation::Unbounded);
        assert_eq!(wait >= 290 * MS, starves, "{}: {wait} ns", policy.name);
    }
}

/// Urgent work comes while other work has the SMs: it takes them at once if, and only if, it is declared.
#[test]
fn policies_preempt_as_declared() {
    for policy in policies() {
        let reserve = |time, period, priority| Terms {
            priority,
            reservation: Some(Reservation { time, period }),
            ..Terms::default()
        };
        let guests = [
            Guest {
                terms: reserve(5 * MS, 10 * MS, 1),
                ..named(0, guest("long", requests(&[(0, 10 * MS)])))
            },
            Guest {
                terms: reserve(500_000, MS, 2),
                deadline: Some(MS),
                ..named(1, guest("urgent", requests(&[(300_000, 100_000)])))
            },
        ];
        let scenario = under(policy, &guests, 200 * MS);
        let end = simulate(&scenario).ends(&scenario, "g1")[0];
        let preempts = policy.properties.preempts;
        assert_eq!(end == 400_000, preempts, "{}: ends at {end}", policy.name);
        assert!(preempts || end >= SLICE, "{}: ends at {end}", policy.name);
    }
}

/// The order in which a file lists its guests makes no difference to any byte of the result.
#[test]
fn the_order_of_a_file_does_not_matter() {
    for policy in policies() {
        let slice = ["", "slice = \"1ms\""][usize::from(policy.uses.contains(&Use::Slice))];
        let reserved = policy.uses.contains(&Use::ReservedTurns);
        let turns = ["", "reserved_turns = 4"][usize::from(reserved)];
        let mut guests = [
            "[guests.a]\nweight = 3\npriority = 1\ndeadline = \"5ms\"",
            "[guests.b]\nreservation = { time = \"1ms\", every = \"4ms\" }",
            "[guests.c]\ncount = 2",
        ];
        let run = |guests: [&str; 3]| {
            let guests = guests.map(|guest| format!("{guest}\ncontext = true\nworkload = \"w\"\n"));
            let text = format!(
                r#"
                preset = "neutral"
                [run]
                horizon = "terminating"
                duration = "100ms"
                replications = 2
                [gpus.a]
                board = "neutral"
                [gpus.a.share]
                scheduler = "{}"
                {slice}
                {turns}
                {}
                [workloads.w]
                arrivals = {{ process = "poisson", rate = "100/s" }}
                stages.s.gpu.time = {{ dist = "exponential", mean = "2ms" }}
                "#,
                policy.name,
                guests.concat()
            );
            let loaded = parse("order", &text, ".".as_ref(), &Overrides::default());
            let loaded = loaded.unwrap_or_else(|findings| {
                panic!("{}: {}", policy.name, Diagnostics(findings).render())
            });
            let options = Options::default();
            let result = experiment::run(&loaded.scenario, &options, &Silent).expect("a run");
            serde_json::to_string(&result).expect("a result that can be written")
        };
        let forward = run(guests);
        guests.reverse();
        assert_eq!(forward, run(guests), "{}", policy.name);
    }
}
