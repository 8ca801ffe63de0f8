//! No figure grows without bound: whatever there is to show, its file is small and its page can be looked at.

use super::compared;
use crate::synthetic;
use warpshare::report::figures::LARGEST;
use warpshare::report::plot::{ComparisonFigure, Figure, comparison_png, comparison_svg, png, svg};
use warpshare::result::{ComparisonResult, RunResult};

/// Tallest page, in units of the SVG.
const TALLEST: u32 = 2600;

/// 1,000 guest groups on 1,000 GPUs, with the finest timelines that a scenario can ask for.
fn crowd() -> RunResult {
    let mut result = synthetic::calm();
    let (group, gpu) = (result.guests[0].clone(), result.gpus[0].clone());
    let bins = |values: &[f64]| -> Vec<f64> {
        (0..10_000)
            .map(|bin| values[bin % values.len()] * if bin % 2 == 0 { 1.0 } else { 0.7 })
            .collect()
    };
    result.guests = (0..1000)
        .map(|n| {
            let mut group = group.clone();
            group.name = format!("guest-{n:04}");
            group
        })
        .collect();
    result.gpus = (0..1000)
        .map(|n| {
            let mut gpu = gpu.clone();
            gpu.name = format!("gpu-{n:04}");
            let line = &mut gpu.timeline;
            line.bin_ns = (line.bin_ns * line.useful.len() as u64 / 10_000).max(1);
            for part in [
                &mut line.useful,
                &mut line.switching,
                &mut line.reserved_idle,
                &mut line.idle,
            ] {
                *part = bins(part);
            }
            for engine in &mut gpu.engines {
                engine.timeline = bins(&engine.timeline);
            }
            gpu
        })
        .collect();
    result
}

/// 40 policies, 8 groups and 3,000 guests of each, with turns of a microsecond.
fn many_policies() -> ComparisonResult {
    let mut result = compared::crowd();
    let (policy, group) = (
        result.policies[0].clone(),
        result.policies[0].response[0].clone(),
    );
    let member = policy.members[0].clone();
    let row = policy.turns[0].clone();
    result.policies = (0..40)
        .map(|n| {
            let mut policy = policy.clone();
            policy.name = format!("policy-{n}");
            policy.response = (0..8)
                .map(|g| {
                    let mut group = group.clone();
                    group.guest = format!("group-{g}");
                    group
                })
                .collect();
            policy.members = (0..3000)
                .map(|m| {
                    let mut member = member.clone();
                    member.name = format!("group-{}#{m}", m % 8);
                    member.slowdown = Some(1.0 + f64::from(m) * 0.01);
                    member
                })
                .collect();
            policy.turns = (0..64)
                .map(|t| {
                    let mut row = row.clone();
                    row.tenant = format!("group-{t}");
                    let starts = (0..1500).map(|k| (k * 64 + t) * 1_000);
                    row.turns = starts.map(|start| (start, start + 900)).collect();
                    row
                })
                .collect();
            policy
        })
        .collect();
    for metric in &mut result.metrics {
        let value = metric.values[0].clone();
        metric.values = vec![value; 40];
    }
    result
}

/// Width and height of a PNG, from its header.
fn size(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

fn small(what: &str, svg: &str, png: &[u8]) {
    assert!(svg.len() < LARGEST, "{what}.svg: {} bytes", svg.len());
    assert!(png.len() < LARGEST, "{what}.png: {} bytes", png.len());
    let (width, height) = size(png);
    assert_eq!(width, 1600, "{what}");
    assert!(height <= 2 * TALLEST, "{what}.png: {height} pixels high");
}

#[test]
fn figures_of_a_large_run_are_small_and_say_what_they_leave_out() {
    let result = crowd();
    for (figure, left_out) in [
        (Figure::LatencyCdf, "980 more in latency_histogram.csv"),
        (Figure::ResponseTimes, "first 64 of 1000"),
        (Figure::GpuSplit, "976 more in gpus.csv"),
        (Figure::Utilisation, "992 more in timeline.csv"),
    ] {
        let drawn = svg(figure, &result).unwrap();
        assert!(drawn.contains(left_out), "{figure:?}");
        small(figure.file_stem(), &drawn, &png(figure, &result).unwrap());
    }
}

#[test]
fn figures_of_a_large_comparison_are_small() {
    let result = many_policies();
    for figure in ComparisonFigure::ALL {
        let drawn = comparison_svg(figure, &result).unwrap();
        let pixels = comparison_png(figure, &result).unwrap();
        small(figure.file_stem(), &drawn, &pixels);
    }
}
