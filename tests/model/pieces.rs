//! `fifo` and `priority-non-preemptive` order pieces of work, also those of several streams: by hand, and
//! against first come, first served computed from the pieces alone.

use crate::common::*;
use proptest::prelude::*;
use warpshare::engine::time::Nanos;
use warpshare::policy::Terms;
use warpshare::scenario::{Guest, Holds, Overrides, Scenario, Share, Within, load};
use warpshare::sim::Part;

const MS: Nanos = 1_000_000;

/// Jobs (arrival, size), each with a stream of its own, so that they come to the SMs when they arrive.
fn on_streams(name: &str, jobs: &[(Nanos, Nanos)]) -> Guest {
    Guest {
        streams: jobs.len() as u32,
        ..guest(name, requests(jobs))
    }
}

fn with_priority(guest: Guest, priority: i32) -> Guest {
    let terms = Terms {
        priority,
        ..Terms::default()
    };
    Guest { terms, ..guest }
}

fn under(scheduler: &str, guests: Vec<Guest>) -> Scenario {
    scenario(
        vec![gpu(time_slice(scheduler, FOREVER))],
        guests,
        1_000 * MS,
    )
}

fn ends<const N: usize>(scenario: &Scenario, names: [&str; N]) -> [Vec<Nanos>; N] {
    let log = simulate(scenario);
    names.map(|name| log.ends(scenario, name))
}

/// `0 t 10 s 14 t 24`: the end of the first of two pieces gives the turn to nobody who came later.
#[test]
fn a_sibling_that_ends_gives_no_turn_away() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/cases/fifo/fifo.toml"
    );
    let loaded = load(file.as_ref(), &Overrides::default()).expect("a scenario");
    let wanted = [vec![12 * MS, 14 * MS], vec![10 * MS, 24 * MS]];
    assert_eq!(ends(&loaded.scenario, ["s", "t"]), wanted);
}

/// `a`'s second piece comes in its own turn, behind that of `b`: `0 a 10 b 12 a 13`. It waits until then,
/// which is no time on the SMs.
#[test]
fn a_piece_waits_for_one_that_came_before_it() {
    let guests = || {
        vec![
            on_streams("a", &[(0, 10 * MS), (2 * MS, MS)]),
            on_streams("b", &[(MS, 2 * MS)]),
        ]
    };
    for scheduler in ["fifo", "priority-non-preemptive"] {
        let scenario = under(scheduler, guests());
        let log = simulate(&scenario);
        assert_eq!(log.ends(&scenario, "a"), [10 * MS, 13 * MS], "{scheduler}");
        assert_eq!(log.ends(&scenario, "b"), [12 * MS], "{scheduler}");
        let parts = log.jobs.last().expect("a job").1.parts;
        assert_eq!(parts[Part::Gpu as usize], MS);
        assert_eq!(parts[Part::SliceWait as usize], 10 * MS);
    }
}

/// Until somebody else comes, streams of one tenant run side by side: 4 ms and 2 ms from 0 and from 1 ms end
/// at 6 ms and 5 ms. `b` comes at 3 ms; what `a` brings at 4 ms is behind it.
#[test]
fn pieces_in_a_row_run_side_by_side() {
    let guests = vec![
        on_streams("a", &[(0, 4 * MS), (MS, 2 * MS), (4 * MS, MS)]),
        on_streams("b", &[(3 * MS, 2 * MS)]),
    ];
    let wanted = [vec![6 * MS, 5 * MS, 9 * MS], vec![8 * MS]];
    assert_eq!(ends(&under("fifo", guests), ["a", "b"]), wanted);
}

/// `t` from 0 to 10 ms. Two pieces of `low` begin at 10 ms and run to their ends at 12 and 14 ms, although
/// `t` is back at 11 ms: `10 low 14 t 16 low 17`, where the third piece of `low` came at 11.5 ms.
#[test]
fn what_has_begun_ends_before_a_higher_priority() {
    let guests = vec![
        with_priority(
            on_streams("low", &[(MS, MS), (2 * MS, 3 * MS), (11_500_000, MS)]),
            0,
        ),
        with_priority(on_streams("t", &[(0, 10 * MS), (11 * MS, 2 * MS)]), 1),
    ];
    let scenario = under("priority-non-preemptive", guests);
    let wanted = [vec![12 * MS, 14 * MS, 17 * MS], vec![10 * MS, 16 * MS]];
    assert_eq!(ends(&scenario, ["low", "t"]), wanted);
}

/// A higher priority comes before equals that came first, a lower one waits for all.
#[test]
fn pieces_of_the_highest_priority_go_first_and_join() {
    let guests = vec![
        with_priority(on_streams("high", &[(3 * MS, 2 * MS), (7 * MS, MS)]), 2),
        with_priority(on_streams("low", &[(MS, MS)]), 0),
        with_priority(on_streams("mid", &[(0, 5 * MS), (2 * MS, MS)]), 1),
    ];
    // The second piece of `mid` joins the first at 2 ms, since only `low` waits; `high` comes at 3 ms and has
    // the SMs at 6 ms, where its second piece joins at 7 ms.
    let wanted = [vec![9 * MS, 9 * MS], vec![10 * MS], vec![6 * MS, 4 * MS]];
    let scenario = under("priority-non-preemptive", guests);
    assert_eq!(ends(&scenario, ["high", "low", "mid"]), wanted);
}

/// The case above among the processes of a machine: the same order within the turns of its vGPU.
#[test]
fn pieces_keep_their_order_inside_a_vgpu() {
    let share = || Share::TimeSlice(time_slice("fifo", FOREVER));
    let machine = |share| Guest {
        within: Some(Within { share, sms: None }),
        holds: Holds::Vgpu {
            type_name: "V".into(),
            number: 1,
            frame_buffer_mib: 1 << 10,
        },
        streams: 2,
        ..guest("m", requests(&[(MS, MS), (2 * MS, 3 * MS)]))
    };
    let process = |jobs| Guest {
        holds: Holds::Process {
            machine: 0,
            each: 1,
            sms: None,
        },
        ..guest("p", requests(jobs))
    };
    let device = || vec![gpu(time_slice("best-effort", 2 * MS))];
    let guests = vec![
        machine(share()),
        process(&[(0, 10 * MS), (5 * MS, 10 * MS)]),
    ];
    let case = scenario(device(), guests, 1_000 * MS);
    let wanted = [vec![12 * MS, 14 * MS], vec![10 * MS, 24 * MS]];
    assert_eq!(ends(&case, ["m", "p"]), wanted);

    // 0 m 10 p 12 m 13: a piece that comes in the turn of its process waits for one before it.
    let mut own = machine(share());
    own.workload = requests(&[(0, 10 * MS), (2 * MS, MS)]);
    let guests = vec![own, process(&[(MS, 2 * MS)])];
    let scenario = scenario(device(), guests, 1_000 * MS);
    let log = simulate(&scenario);
    assert_eq!(log.ends(&scenario, "m"), [10 * MS, 13 * MS]);
    assert_eq!(log.ends(&scenario, "p"), [12 * MS]);
    assert_eq!(
        log.jobs.last().expect("a job").1.parts[Part::Gpu as usize],
        MS
    );
}

/// Pieces (tenant, gap to the one before, size); none come at the same moment.
fn pieces() -> impl Strategy<Value = Vec<(usize, Nanos, Nanos)>> {
    prop::collection::vec((0..3usize, 1..8 * MS, 1..6 * MS), 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_130),
        ..ProptestConfig::default()
    })]

    /// Wherever one tenant's pieces end in the order of arrival and another's begin, all work up to there is
    /// done when a single server would have done it piece by piece, and none of the rest has begun.
    #[test]
    fn nobody_waits_for_work_that_came_later(pieces in pieces()) {
        let mut jobs: [Vec<(Nanos, Nanos)>; 3] = Default::default();
        let (mut at, mut free) = (0, 0);
        let mut order = Vec::new(); // tenant, place among its jobs, when a single server is done with it
        for (tenant, gap, size) in pieces {
            at += gap;
            free = at.max(free) + size;
            order.push((tenant, jobs[tenant].len(), free));
            jobs[tenant].push((at, size));
        }
        let names = ["a", "b", "c"];
        let there = names.iter().zip(&jobs).filter(|(_, jobs)| !jobs.is_empty());
        let guests = there.map(|(name, jobs)| on_streams(name, jobs)).collect();
        let scenario = under("fifo", guests);
        let log = simulate(&scenario);
        let ends = names.map(|name| {
            let known = scenario.guests.iter().any(|guest| guest.name == name);
            if known { log.ends(&scenario, name) } else { Vec::new() }
        });
        // One nanosecond for each change of rate where pieces run side by side.
        let slack = 2 * order.len() as Nanos;
        for place in 0..order.len() {
            let changes = order.get(place + 1).is_none_or(|next| next.0 != order[place].0);
            if !changes {
                continue;
            }
            let done = order[..=place].iter().map(|&(tenant, job, _)| ends[tenant][job]).max();
            let done = done.expect("a piece");
            let exact = order[place].2;
            prop_assert!(done.abs_diff(exact) <= slack, "{done} is not {exact}");
            for &(tenant, job, _) in &order[place + 1..] {
                prop_assert!(ends[tenant][job] > done);
            }
        }
    }
}
