//! Dynamic batching by hand, to the nanosecond.

use crate::common::*;
use warpshare::engine::time::Nanos;
use warpshare::scenario::Guest;
use warpshare::workload::{Batching, Discipline, OperationKind, Size, Workload};

const MS: Nanos = 1_000_000;

/// A batch of b takes 2 ms and 1 ms for each request.
fn batched(mut workload: Workload, max: u32, delay: Nanos) -> Workload {
    workload.discipline = Discipline::Batches(Batching { max, delay });
    let OperationKind::Gpu(work) = &mut workload.stages[0].operations[0].kind else {
        unreachable!("GPU work");
    };
    work.time = Size::Sum {
        base: 2.0 * MS as f64,
        per_item: MS as f64,
        terms: Vec::new(),
    };
    workload
}

fn at(times: &[Nanos]) -> Workload {
    let rows: Vec<_> = times.iter().map(|&time| (time * MS, 0)).collect();
    requests(&rows)
}

/// Ends of the requests in ms, in order of arrival.
fn ends(guest: Guest) -> Vec<f64> {
    let scenario = scenario(vec![gpu(time_slice("fifo", MS))], vec![guest], 1_000 * MS);
    let ends = simulate(&scenario).ends(&scenario, "a");
    ends.iter().map(|&end| end as f64 / MS as f64).collect()
}

#[test]
fn an_idle_stream_takes_what_waits() {
    // The first goes alone and takes 3 ms; three have come until then and take 5 ms; one is left.
    let workload = batched(at(&[0, 1, 2, 2, 7]), 4, 0);
    assert_eq!(ends(guest("a", workload)), [3.0, 8.0, 8.0, 8.0, 11.0]);
    // No more than two at once.
    let workload = batched(at(&[0, 1, 2, 2, 8]), 2, 0);
    assert_eq!(ends(guest("a", workload)), [3.0, 7.0, 7.0, 10.0, 13.0]);
}

#[test]
fn the_first_request_waits_for_others_up_to_the_delay() {
    // Full at 2 ms; the fourth is alone for 5 ms.
    let workload = batched(at(&[0, 1, 2, 20]), 3, 5 * MS);
    assert_eq!(ends(guest("a", workload)), [7.0, 7.0, 7.0, 28.0]);
    // A request at the very end of the delay still joins.
    let workload = batched(at(&[0, 5]), 3, 5 * MS);
    assert_eq!(ends(guest("a", workload)), [9.0, 9.0]);
    // Waiting counts from the arrival, also while the stream is busy: at 9 ms the second is overdue.
    let workload = batched(at(&[0, 2, 9]), 2, 4 * MS);
    assert_eq!(ends(guest("a", workload)), [6.0, 6.0, 16.0]);
}

#[test]
fn instances_take_batches_of_their_own() {
    let mut two = guest("a", batched(at(&[0, 0, 0, 0]), 2, 10 * MS));
    two.streams = 2;
    // Two batches of two, 4 ms of work each, share the SMs.
    assert_eq!(ends(two), [8.0, 8.0, 8.0, 8.0]);
}

#[test]
fn a_full_queue_turns_requests_away() {
    let mut bounded = guest("a", batched(at(&[0, 1, 1, 1, 2]), 2, 0));
    bounded.queue = Some(2);
    let scenario = scenario(vec![gpu(time_slice("fifo", MS))], vec![bounded], 1_000 * MS);
    let log = simulate(&scenario);
    assert_eq!(log.ends(&scenario, "a"), [3 * MS, 7 * MS, 7 * MS]);
}

#[test]
fn users_of_a_batch_ask_again_together() {
    let mut workload = batched(at(&[0]), 3, 0);
    workload.arrivals = warpshare::workload::Arrivals::Closed {
        users: 3,
        think: constant(0.0),
    };
    let scenario = scenario(
        vec![gpu(time_slice("fifo", MS))],
        vec![guest("a", workload)],
        50 * MS,
    );
    let mut ends = simulate(&scenario).ends(&scenario, "a");
    ends.sort_unstable();
    // At 0 the first starts alone; from then on all three are served together.
    assert_eq!(ends[..6], [3, 8, 8, 8, 13, 13].map(|ms| ms * MS));
}

#[test]
fn a_table_by_batch_is_linear_between_its_rows() {
    let table = [(1, 3.0), (4, 6.0), (8, 8.0)];
    for (requests, value) in [(1, 3.0), (2, 4.0), (4, 6.0), (6, 7.0), (8, 8.0), (9, 8.0)] {
        assert_eq!(Size::by_batch(&table, requests), value);
    }
    assert_eq!(Size::by_batch(&[(4, 6.0)], 1), 6.0);
}
