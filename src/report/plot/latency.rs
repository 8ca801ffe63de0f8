//! Distribution of response times: one curve a guest group.

use super::axes::{Panel, Scale, percent_ticks};
use super::canvas::{Canvas, Drawn, Page, Point};
use super::look::{
    self, ALARM, BODY, FAINT_INK, HEADING, INK, MARGIN, SMALLER, Swatch, WIDTH, label,
};
use crate::report::table::cut;
use crate::report::units::{Unit, count, with_interval};
use crate::result::{GroupResult, LatencyHistogram, RunResult};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// Width of the column of names beside the curves.
const NAMES: f64 = 170.0;
/// Height of one name with its p95 under it.
const NAME: f64 = 36.0;
/// A logarithmic axis from this ratio of the largest to the first percentile on.
const WIDE: f64 = 25.0;

pub(super) fn page(result: &RunResult) -> Page {
    let names = HEADING + NAME * result.guests.len() as f64 + MARGIN;
    Page {
        width: WIDTH,
        height: (names as u32).max(460),
    }
}

pub(super) fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, result: &RunResult) -> Drawn<B> {
    let title = "Response time: fraction of jobs that took at most this long";
    look::heading(canvas, result, title, "jobs that arrived in the window")?;
    let height = f64::from(page(result).height);
    let (left, right) = (MARGIN + 56.0, f64::from(WIDTH) - MARGIN - NAMES);
    let (top, bottom) = (HEADING + 18.0, height - MARGIN - 42.0);
    let curves: Vec<_> = result
        .guests
        .iter()
        .enumerate()
        .filter(|(_, group)| group.response.histogram.count > 0)
        .collect();
    let ends = curves
        .iter()
        .map(|(_, group)| {
            let histogram = &group.response.histogram;
            (quantile(histogram, 0.01), quantile(histogram, 1.0))
        })
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let Some((low, high)) = ends else {
        let centre = (f64::from(WIDTH) / 2.0, height / 2.0);
        return look::nothing(
            canvas,
            centre,
            "No job that arrived in the window has ended.",
        );
    };
    let x = if high > low.max(1.0) * WIDE {
        Scale::log_times(low, high)
    } else {
        Scale::times(high)
    };
    let panel = Panel {
        left,
        top,
        right,
        bottom,
        x,
        y: Scale::linear(0.0, 1.0),
    };
    let (ticks, unit) = x.time_ticks();
    let name = match unit {
        Some(unit) => format!("response time ({unit})"),
        None => "response time (logarithmic)".to_owned(),
    };
    panel.y_axis(canvas, &percent_ticks(20), "fraction of jobs")?;
    panel.x_axis(canvas, &ticks, &name, true)?;
    let y = panel.up(0.95);
    canvas.dashes(&[(left, y), (right, y)], 1.0, FAINT_INK, (4.0, 3.0))?;
    canvas.text(
        "95 %",
        (left - 8.0, y),
        label(SMALLER, FAINT_INK, HPos::Right),
    )?;
    for (n, group) in &curves {
        let (colour, dashes) = look::series(*n);
        let points = steps(&panel, group);
        match dashes {
            None => canvas.line(&points, 2.0, colour)?,
            Some(dashes) => canvas.dashes(&points, 2.0, colour, dashes)?,
        }
    }
    names(canvas, result, right + 22.0, top + 8.0)
}

/// Names with the figures that people look up first, beside the curves.
fn names<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    result: &RunResult,
    left: f64,
    top: f64,
) -> Drawn<B> {
    for (n, group) in result.guests.iter().enumerate() {
        let y = top + NAME * n as f64;
        let (colour, dashes) = look::series(n);
        look::swatch(canvas, (left, y), Swatch::Line(colour, dashes))?;
        let width = f64::from(WIDTH) - 8.0 - (left + 24.0);
        let name = look::fit(&cut(&group.name, 20), width, BODY);
        canvas.text(&name, (left + 24.0, y), label(BODY, INK, HPos::Left))?;
        let (text, colour) = caption(group);
        canvas.text(
            &text,
            (left + 24.0, y + 15.0),
            label(SMALLER, colour, HPos::Left),
        )?;
    }
    Ok(())
}

fn caption(group: &GroupResult) -> (String, super::canvas::Colour) {
    let histogram = &group.response.histogram;
    if histogram.count == 0 {
        ("no job has ended".to_owned(), FAINT_INK)
    } else if group.overload.is_some() {
        let text = match group.jobs.unfinished {
            0 => "overloaded: at least".to_owned(),
            n => format!("{} jobs unfinished", count(n)),
        };
        (text, ALARM)
    } else {
        let p95 = group
            .response
            .quantiles
            .iter()
            .find(|q| (q.p - 0.95).abs() < 1e-9);
        let text = p95.and_then(|q| {
            let value = q.value_ns? as f64;
            let value = with_interval(value, q.half_width_ns, Unit::Time);
            Some(format!("p95 {value}"))
        });
        (text.unwrap_or_default(), FAINT_INK)
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
fn steps(panel: &Panel, group: &GroupResult) -> Vec<Point> {
    let histogram = &group.response.histogram;
    let jobs = (histogram.count + group.jobs.unfinished) as f64;
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
        } else if x - last.0 >= 0.5 || last.1 - next >= 0.5 {
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
