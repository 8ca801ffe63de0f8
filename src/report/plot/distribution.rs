//! Distributions of response times as curves: their axes and their steps.

use super::axes::{Panel, Scale, percent_ticks};
use super::canvas::{Canvas, Drawn, Point};
use super::look::{self, FAINT_INK, SMALLER, label};
use crate::result::LatencyHistogram;
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// A logarithmic axis from this ratio of the largest to the first percentile on.
const WIDE: f64 = 25.0;

/// An axis that shows all of these; `None` if none of them holds a job.
pub(super) fn scale<'a>(histograms: impl Iterator<Item = &'a LatencyHistogram>) -> Option<Scale> {
    let (low, high) = histograms
        .filter(|histogram| histogram.count > 0)
        .map(|histogram| (quantile(histogram, 0.01), quantile(histogram, 1.0)))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    Some(if high > low.max(1.0) * WIDE {
        Scale::log_times(low, high)
    } else {
        Scale::times(high)
    })
}

/// The axes of response times and fractions of jobs, with the 95 % line.
pub(super) fn axes<B: DrawingBackend>(canvas: &mut Canvas<B>, panel: &Panel) -> Drawn<B> {
    let (ticks, unit) = panel.x.time_ticks();
    let name = match unit {
        Some(unit) => format!("response time ({unit})"),
        None => "response time (logarithmic)".to_owned(),
    };
    panel.y_axis(canvas, &percent_ticks(20), "fraction of jobs")?;
    panel.x_axis(canvas, &ticks, &name, true)?;
    let y = panel.up(0.95);
    let ends = [(panel.left, y), (panel.right, y)];
    canvas.dashes(&ends, 1.0, FAINT_INK, (4.0, 3.0))?;
    canvas.text(
        "95 %",
        (panel.left - 8.0, y),
        label(SMALLER, FAINT_INK, HPos::Right),
    )
}

/// Curves of a figure that are drawn as finely as shows.
const FINE: usize = 20;

/// Steps that do not show, in units of the page: half a unit, or more where there are many curves, so that
/// no figure has more points than a few thousand.
pub(super) fn step(curves: usize) -> f64 {
    0.5 * (curves as f64 / FINE as f64).max(1.0)
}

/// The deadline of the n-th series: a mark on the axis of times, where it is within it.
pub(super) fn deadline<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    panel: &Panel,
    n: usize,
    deadline: u64,
) -> Drawn<B> {
    let x = panel.along(deadline as f64);
    if x < panel.left || x > panel.right {
        return Ok(());
    }
    let (colour, _) = look::series(n);
    canvas.dashes(
        &[(x, panel.bottom), (x, panel.top)],
        1.0,
        colour,
        (2.0, 3.0),
    )
}

/// The curve of the n-th series: the jobs that ended, and the number of those that did not.
pub(super) fn curve<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    panel: &Panel,
    n: usize,
    jobs: (&LatencyHistogram, u64),
    step: f64,
) -> Drawn<B> {
    let (colour, dashes) = look::series(n);
    let points = steps(panel, jobs, step);
    match dashes {
        None => canvas.line(&points, 2.0, colour),
        Some(dashes) => canvas.dashes(&points, 2.0, colour, dashes),
    }
}

/// Smallest bucket end below which at least the fraction `p` of the jobs lies.
fn quantile(histogram: &LatencyHistogram, p: f64) -> f64 {
    let rank = (histogram.count as f64 * p).ceil().max(1.0) as u64;
    let mut sum = 0;
    for &(largest, count) in &histogram.buckets {
        sum += count;
        if sum >= rank {
            return largest as f64;
        }
    }
    histogram.buckets.last().map_or(0.0, |b| b.0 as f64)
}

/// The curve as steps, without those that do not show. Jobs that did not end count as jobs: their
/// curve stays below 100 %.
fn steps(
    panel: &Panel,
    (histogram, unfinished): (&LatencyHistogram, u64),
    least: f64,
) -> Vec<Point> {
    let jobs = (histogram.count + unfinished) as f64;
    let start = histogram.buckets.first().map_or(0.0, |b| b.0 as f64);
    let mut points = vec![(panel.along(start), panel.bottom)];
    let mut sum = 0;
    let mut height = panel.bottom;
    for &(largest, count) in &histogram.buckets {
        let x = panel.along(largest as f64);
        sum += count;
        let next = panel.up(sum as f64 / jobs);
        let last = points[points.len() - 1];
        // A visible step is drawn as one; small ones join into a smooth curve.
        if height - next > 3.0 {
            points.push((x, height));
            points.push((x, next));
        } else if x - last.0 >= least || last.1 - next >= least {
            points.push((x, next));
        } else {
            height = next;
            continue;
        }
        height = next;
    }
    let end = histogram.buckets.last().map_or(0.0, |b| b.0 as f64);
    points.push(panel.at(end, sum as f64 / jobs));
    points
}
