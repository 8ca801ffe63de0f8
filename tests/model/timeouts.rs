//! Jobs that leave when no stream has taken them in time.

use crate::common::*;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Options, Silent};
use warpshare::scenario::{Guest, Scenario};
use warpshare::workload::dist::Dist;
use warpshare::workload::{Arrivals, Batching, Discipline, Workload};

const MS: Nanos = 1_000_000;

fn impatient(mut workload: Workload, timeout: Nanos) -> Guest {
    workload.timeout = Some(constant(timeout as f64));
    guest("g", workload)
}

/// (index, start, end) of the jobs that ended, in milliseconds.
fn ends(guest: Guest) -> Vec<(u64, Nanos, Nanos)> {
    let scenario = scenario(
        vec![gpu(time_slice("round-robin", MS))],
        vec![guest],
        1_000 * MS,
    );
    let log = simulate(&scenario);
    let jobs = log.jobs.iter().map(|(_, job)| job);
    jobs.map(|job| (job.index, job.started / MS, job.ended / MS))
        .collect()
}

/// Jobs of 10 ms at 0, 1, 2 and 5: the first is served until 10; those of 1 and 2 have left at 9 and 10 (a
/// stream that is free at 10 takes the job of 2, which leaves only then); that of 5 would leave at 13.
#[test]
fn who_has_waited_long_enough_leaves() {
    let rows = [(0, 10), (1, 10), (2, 10), (5, 10)].map(|(at, size)| (at * MS, size * MS));
    assert_eq!(
        ends(impatient(requests(&rows), 8 * MS)),
        [(0, 0, 10), (2, 10, 20)]
    );
    assert_eq!(
        ends(impatient(requests(&rows), 7 * MS)),
        [(0, 0, 10), (3, 10, 20)]
    );
}

/// Two users of one stream, 10 ms of work without think time, a time-out of 4 ms: the one that is served
/// first comes again at 10 behind the other, who has been turned away at 4 and 8 and asked again at once.
#[test]
fn a_user_who_is_turned_away_asks_again() {
    let arrivals = Arrivals::Closed {
        users: 2,
        think: constant(0.0),
    };
    let guest = impatient(gpu_workload(arrivals, constant((10 * MS) as f64)), 4 * MS);
    let found = ends(guest);
    // User 1 has jobs 1, 3, 5: turned away twice, job 5 is taken at 10; then user 0 with jobs 2, 4, 6.
    assert_eq!(found[..3], [(0, 0, 10), (5, 10, 20), (6, 20, 30)]);
}

/// A batch of two waits up to 20 ms for its second request; the first leaves after 5.
#[test]
fn a_request_leaves_before_its_batch_is_full() {
    let rows = [(0, 10), (8, 10), (9, 10)].map(|(at, size)| (at * MS, size * MS));
    let mut workload = requests(&rows);
    workload.discipline = Discipline::Batches(Batching {
        max: 2,
        delay: 20 * MS,
    });
    let found = ends(impatient(workload, 5 * MS));
    assert_eq!(found, [(1, 9, 29), (2, 9, 29)]);
}

/// Arrived = completed + timed out + unfinished, and the report says so.
#[test]
fn those_who_left_are_counted() {
    let open = Arrivals::Open {
        gap: Dist::Exponential {
            mean: (5 * MS) as f64,
        },
        first: warpshare::workload::FirstArrival::AfterGap,
    };
    let mut guest = impatient(gpu_workload(open, constant((10 * MS) as f64)), MS);
    guest.workload.timeout = Some(Dist::Exponential {
        mean: (20 * MS) as f64,
    });
    let mut scenario: Scenario = scenario(
        vec![gpu(time_slice("round-robin", MS))],
        vec![guest],
        2_000 * MS,
    );
    scenario.run.replications = 3;
    let result = experiment::run(&scenario, &Options::default(), &Silent).expect("a result");
    let jobs = &result.guests[0].jobs;
    assert!(jobs.timed_out > 100, "{jobs:?}");
    assert_eq!(
        jobs.arrived,
        jobs.completed + jobs.timed_out + jobs.unfinished
    );
    assert!(result.checks.iter().all(|check| check.holds));
    assert!(
        result.guests[0].overload.is_none(),
        "who leaves cannot pile up"
    );
    let text = warpshare::report::to_text(&result);
    assert!(text.contains("timed out"), "{text}");
}
