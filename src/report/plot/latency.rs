//! Distribution of response times: one curve a guest group.

use super::axes::{Panel, Scale};
use super::canvas::{Canvas, Drawn, Page};
use super::distribution;
use super::look::{
    self, ALARM, BODY, FAINT_INK, HEADING, INK, MARGIN, SMALLER, Swatch, WIDTH, label,
};
use crate::report::table::cut;
use crate::report::units::{Shown, count, with_interval};
use crate::report::verdict;
use crate::result::{GroupResult, RunResult};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// Width of the column of names beside the curves.
const NAMES: f64 = 170.0;
/// Height of one name with its p95 under it, and of each further line.
const NAME: f64 = 36.0;
const LINE: f64 = 13.0;
/// Curves that one page shows.
const MOST: usize = 20;

/// Height of each name with all that stands under it.
fn name_height(result: &RunResult) -> f64 {
    let lines = result.guests.iter().take(MOST);
    let most = lines.map(|group| verdict::delivered(group).len()).max();
    NAME + LINE * most.unwrap_or(0) as f64
}

pub(super) fn page(result: &RunResult) -> Page {
    let shown = result.guests.len().min(MOST) as f64;
    let names = HEADING + name_height(result) * shown + MARGIN;
    Page {
        width: WIDTH,
        height: (names as u32).max(460),
    }
}

pub(super) fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, result: &RunResult) -> Drawn<B> {
    let title = "Response time: fraction of jobs that took at most this long";
    let more = match result.guests.len() {
        n if n > MOST => format!(
            "first {MOST} of {n} guest groups, {} more in latency_histogram.csv",
            n - MOST
        ),
        _ => "jobs that arrived in the window".to_owned(),
    };
    look::heading(canvas, &result.scenario, &result.plan, title, &more)?;
    let height = f64::from(page(result).height);
    let (left, right) = (MARGIN + 56.0, f64::from(WIDTH) - MARGIN - NAMES);
    let (top, bottom) = (HEADING + 18.0, height - MARGIN - 42.0);
    let curves: Vec<_> = result
        .guests
        .iter()
        .take(MOST)
        .enumerate()
        .filter(|(_, group)| group.response.histogram.count > 0)
        .collect();
    let Some(x) = distribution::scale(curves.iter().map(|(_, group)| &group.response.histogram))
    else {
        let centre = (f64::from(WIDTH) / 2.0, height / 2.0);
        return look::nothing(
            canvas,
            centre,
            "No job that arrived in the window has ended.",
        );
    };
    let panel = Panel {
        left,
        top,
        right,
        bottom,
        x,
        y: Scale::linear(0.0, 1.0),
    };
    distribution::axes(canvas, &panel)?;
    for (n, group) in &curves {
        let jobs = (&group.response.histogram, never_ended(group));
        distribution::curve(canvas, &panel, *n, jobs, distribution::step(curves.len()))?;
        if let Some(deadline) = group.deadline_ns {
            distribution::deadline(canvas, &panel, *n, deadline)?;
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
    let height = name_height(result);
    for (n, group) in result.guests.iter().take(MOST).enumerate() {
        let y = top + height * n as f64;
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
        for (line, text) in verdict::delivered(group).iter().enumerate() {
            let text = look::fit(text, width, SMALLER);
            canvas.text(
                &text,
                (left + 24.0, y + 28.0 + LINE * line as f64),
                label(SMALLER, FAINT_INK, HPos::Left),
            )?;
        }
    }
    Ok(())
}

/// Jobs of the window that never ended: dropped, timed out, failed or still there.
fn never_ended(group: &GroupResult) -> u64 {
    let jobs = &group.jobs;
    jobs.unfinished + jobs.dropped + jobs.timed_out + jobs.out_of_memory
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
            let value = with_interval(value, q.half_width_ns, Shown::Time);
            Some(format!("p95 {value}"))
        });
        (text.unwrap_or_default(), FAINT_INK)
    }
}
