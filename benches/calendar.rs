//! The hold model: take the earliest event, schedule its source again, keep the number pending.
//!
//! Beside the calendar run a standard binary heap (which cannot reschedule, so it only pops and
//! pushes) and the priority-queue crate (which can).

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use priority_queue::PriorityQueue;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use warpshare::engine::calendar::{Calendar, Class};

const HOLDS: u64 = 100_000;

/// The increments of a hold model: a fixed pseudo-random sequence (a Weyl sequence, mixed).
fn increment(step: u64) -> u64 {
    let mixed = step.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    1 + (mixed ^ (mixed >> 29)) % 1_000_000
}

fn hold(criterion: &mut Criterion) {
    for pending in [16usize, 1_000, 100_000] {
        let mut group = criterion.benchmark_group(format!("hold, {pending} pending"));
        group.throughput(Throughput::Elements(HOLDS));

        let mut calendar = Calendar::new((0..pending as u32).collect());
        (0..pending).for_each(|i| calendar.set(i, increment(i as u64), Class::Arrival));
        group.bench_function(BenchmarkId::from_parameter("calendar"), |bencher| {
            bencher.iter(|| {
                for step in 0..HOLDS {
                    let key = calendar.next().expect("an event");
                    let time = key.time() + increment(step);
                    calendar.set(key.source(), time, Class::Arrival);
                }
                black_box(calendar.next())
            });
        });

        let mut heap: BinaryHeap<_> = (0..pending)
            .map(|i| Reverse((increment(i as u64), i)))
            .collect();
        group.bench_function(BenchmarkId::from_parameter("std BinaryHeap"), |bencher| {
            bencher.iter(|| {
                for step in 0..HOLDS {
                    let Reverse((time, source)) = heap.pop().expect("an event");
                    heap.push(Reverse((time + increment(step), source)));
                }
                black_box(heap.peek().copied())
            });
        });

        let mut queue: PriorityQueue<usize, Reverse<u64>> = (0..pending)
            .map(|i| (i, Reverse(increment(i as u64))))
            .collect();
        group.bench_function(BenchmarkId::from_parameter("priority-queue"), |bencher| {
            bencher.iter(|| {
                for step in 0..HOLDS {
                    let (&source, &Reverse(time)) = queue.peek().expect("an event");
                    queue.change_priority(&source, Reverse(time + increment(step)));
                }
                black_box(queue.peek().map(|(source, _)| *source))
            });
        });
        group.finish();
    }
}

criterion_group!(benches, hold);
criterion_main!(benches);
