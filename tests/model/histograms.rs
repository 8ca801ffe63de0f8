//! Histograms: layout, agreement with the sample, exact moments, no allocation.

use serde_json::Value;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use warpshare::engine::random::Stream;
use warpshare::stats::coarse::CoarseHistogram;
use warpshare::stats::histogram::LatencyHistogram;
use warpshare::stats::moments;
use warpshare::stats::quantile::sorted_quantile;
use warpshare::workload::dist::Dist;

/// Counts allocations of the current thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../data/stats_vectors.json")).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    let list = value.as_array().unwrap();
    assert!(!list.is_empty());
    list
}

#[track_caller]
fn near(got: f64, want: f64, tolerance: f64) {
    assert!(
        (got - want).abs() <= tolerance,
        "got {got:?}, want {want:?}"
    );
}

#[test]
fn histogram_layout_is_that_of_three_digits() {
    let v = vectors();
    for case in list(&v["hdr"]) {
        let value = case["value"].as_u64().unwrap();
        let (low, high) = (&case["lowest_equivalent"], &case["highest_equivalent"]);
        let (low, high) = (low.as_u64().unwrap(), high.as_u64().unwrap());
        let mut histogram = LatencyHistogram::new();
        histogram.record(value);
        assert_eq!(histogram.buckets(), [(high, 1)]);
        // One more on each side of the bucket: three buckets, so these are its limits.
        histogram.record(low.saturating_sub(1));
        histogram.record(high + 1);
        assert_eq!(histogram.buckets().len(), 3, "{value}");
        // Alone, the middle is pulled to the only value seen.
        let mut alone = LatencyHistogram::new();
        alone.record(value);
        assert_eq!(alone.quantile(0.5).unwrap().value, value);
        assert_eq!((alone.min(), alone.max()), (Some(value), Some(value)));
    }
}

/// Both histograms against the sorted sample: the quantile is within the half-width that they
/// state, moments are exact, and splitting and merging changes nothing.
#[test]
fn histograms_agree_with_the_sample() {
    let dist = Dist::lognormal(5e6, 1.5).unwrap();
    let stream = Stream::new(7, 0, "histogram", 0, "size");
    let mut values: Vec<u64> = (0..100_000)
        .map(|i| dist.sample_nanos(&stream, i))
        .collect();
    values.extend([0, 1, 15, 16, 17, 2047, 2048, 1 << 50]);
    let mut fine = LatencyHistogram::new();
    let mut coarse = CoarseHistogram::new();
    let mut fine_parts = [LatencyHistogram::with_longest(10), LatencyHistogram::new()];
    let mut coarse_parts = [CoarseHistogram::new(), CoarseHistogram::new()];
    for (i, &value) in values.iter().enumerate() {
        fine.record(value);
        coarse.record(value);
        fine_parts[i % 2].record(value);
        coarse_parts[i % 2].record(value);
    }
    let [mut left, right] = fine_parts;
    left.merge(&right);
    assert_eq!(left.buckets(), fine.buckets());
    assert_eq!(left.moments(), fine.moments());
    let [mut coarse_left, coarse_right] = coarse_parts;
    coarse_left.merge(&coarse_right);
    assert_eq!(coarse_left, coarse);

    values.sort_unstable();
    let n = values.len() as u64;
    for p in [
        0.0, 1e-5, 0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0,
    ] {
        let exact = sorted_quantile(&values, p).unwrap();
        for (quantile, relative) in [
            (fine.quantile(p).unwrap(), 1.0 / 2048.0),
            (coarse.quantile(p).unwrap(), 1.0 / 32.0),
        ] {
            let error = quantile.value.abs_diff(exact) as f64;
            assert!(
                error <= quantile.half_width,
                "p = {p}: {quantile:?}, exact {exact}"
            );
            assert!(quantile.half_width <= (exact as f64 + 1.0) * relative + 0.5);
        }
    }
    let sum: u128 = values.iter().map(|&v| u128::from(v)).sum();
    let squares: u128 = values.iter().map(|&v| u128::from(v) * u128::from(v)).sum();
    for moments in [fine.moments(), coarse.moments()] {
        assert_eq!((moments.count(), moments.sum()), (n, sum));
        assert_eq!(moments.sum_of_squares(), Some(squares));
        assert_eq!((moments.min(), moments.max()), (Some(0), Some(1 << 50)));
    }
    let total: u64 = fine.buckets().iter().map(|b| b.1).sum();
    assert_eq!(total, n);
    let floats: Vec<f64> = values.iter().map(|&v| v as f64).collect();
    let variance = moments::variance(&floats);
    near(fine.variance().unwrap() / variance, 1.0, 1e-12);
}

#[test]
fn histograms_take_everything_and_nothing() {
    let mut fine = LatencyHistogram::new();
    assert!(fine.is_empty() && fine.quantile(0.5).is_none() && fine.mean().is_none());
    assert!(fine.buckets().is_empty());
    fine.merge(&LatencyHistogram::new());
    assert!(fine.is_empty());
    fine.record(u64::MAX);
    fine.record(0);
    assert_eq!(
        (fine.min(), fine.max(), fine.count()),
        (Some(0), Some(u64::MAX), 2)
    );
    assert_eq!(fine.quantile(0.5).unwrap().value, 0);
    let mut coarse = CoarseHistogram::new();
    assert!(coarse.quantile(0.5).is_none());
    coarse.record(u64::MAX);
    assert_eq!(coarse.quantile(0.5).unwrap().value, u64::MAX);
}

#[test]
fn recording_does_not_allocate_once_the_range_is_known() {
    let before = ALLOCATIONS.get();
    let mut fine = LatencyHistogram::with_longest(1_000_000_000);
    assert!(ALLOCATIONS.get() > before, "the counter counts");
    let mut coarse = CoarseHistogram::new();
    let mut growing = LatencyHistogram::new();
    growing.record(1_000_000_000);
    let before = ALLOCATIONS.get();
    for i in 0..1_000_000 {
        fine.record(i * 1000);
        coarse.record(i * 1000);
        growing.record(i * 1000);
    }
    assert_eq!(ALLOCATIONS.get(), before);
    assert_eq!([fine.count(), growing.count()], [1_000_000, 1_000_001]);
}

/// Drawing is part of the hot path too.
#[test]
fn drawing_does_not_allocate() {
    let stream = Stream::new(1, 0, "guest", 0, "size");
    let dists = [
        Dist::gamma(1e6, 2.0).unwrap(),
        Dist::lognormal(1e6, 0.5).unwrap(),
        Dist::empirical(&[1.0, 2.0], None).unwrap(),
    ];
    let before = ALLOCATIONS.get();
    let mut total = 0u128;
    for i in 0..10_000 {
        let stream = Stream::new(i, 0, "guest", 0, "size");
        total += dists
            .iter()
            .map(|d| u128::from(d.sample_nanos(&stream, i)))
            .sum::<u128>();
    }
    assert_eq!(ALLOCATIONS.get(), before);
    assert!(total > u128::from(dists[0].sample_nanos(&stream, 0)));
}
