//! SMs and engines over time: stacked areas, one panel a GPU, engines as lines.

use super::axes::{Panel, Scale, percent_ticks};
use super::canvas::{Canvas, Colour, Drawn, Page, Point};
use super::look::{
    self, BODY, IDLE, INK, MARGIN, RESERVED_IDLE, SERIES, SWITCHING, Swatch, USEFUL, WHITE, WIDTH,
    label,
};
use crate::result::{GpuResult, RunResult, Timeline};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// Height of a panel's areas, and of the strip above it that holds its name.
const PANEL: f64 = 190.0;
const STRIP: f64 = 50.0;

/// Panels that one page shows, and bins that one panel shows.
const MOST: usize = 8;
const BINS: usize = 300;

/// Colours of engines: those of the series that no part of SM time has, on a white edge.
const ENGINES: [Colour; 4] = [SERIES[6], SERIES[3], SERIES[2], SERIES[5]];

/// Engines of all GPUs and the host, by name, in order of first appearance.
fn engines(result: &RunResult) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let all = result.gpus.iter().flat_map(|gpu| &gpu.engines);
    for engine in all.chain(&result.host) {
        if !names.contains(&engine.name.as_str()) {
            names.push(&engine.name);
        }
    }
    names
}

fn legend(result: &RunResult) -> Vec<(Swatch, &str)> {
    let mut entries = vec![
        (Swatch::Area(USEFUL), "useful work"),
        (Swatch::Area(SWITCHING), "switching"),
        (Swatch::Area(RESERVED_IDLE), "reserved, unused"),
        (Swatch::Area(IDLE), "idle"),
    ];
    for (n, name) in engines(result).into_iter().enumerate() {
        entries.push((Swatch::Line(ENGINES[n % ENGINES.len()], None), name));
    }
    entries
}

/// Where the first panel's strip begins.
fn start(result: &RunResult) -> f64 {
    let names: Vec<&str> = legend(result).iter().map(|entry| entry.1).collect();
    look::below_legend(look::legend_rows(&names)) - 14.0
}

pub(super) fn page(result: &RunResult) -> Page {
    let panels = (PANEL + STRIP) * result.gpus.len().min(MOST) as f64;
    Page {
        width: WIDTH,
        height: (start(result) + panels + 46.0 + MARGIN) as u32,
    }
}

pub(super) fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, result: &RunResult) -> Drawn<B> {
    let title = "What the SMs did over time";
    let more = match result.gpus.len() {
        n if n > MOST => format!(
            "first {MOST} of {n} GPUs, {} more in timeline.csv",
            n - MOST
        ),
        _ => "mean over replications".to_owned(),
    };
    look::heading(canvas, &result.scenario, &result.plan, title, &more)?;
    look::legend(canvas, &legend(result))?;
    let plan = &result.plan;
    let end = (plan.warmup_ns + plan.window_ns).max(1) as f64;
    let names = engines(result);
    let top = start(result);
    let shown = result.gpus.len().min(MOST);
    for (n, gpu) in result.gpus.iter().take(MOST).enumerate() {
        let top = top + (PANEL + STRIP) * n as f64 + STRIP;
        let panel = Panel {
            left: MARGIN + 56.0,
            top,
            right: f64::from(WIDTH) - MARGIN - 16.0,
            bottom: top + PANEL,
            x: Scale::linear(0.0, end),
            y: Scale::linear(0.0, 1.0),
        };
        let board = format!("{} · {}", gpu.name, gpu.board_name);
        let board = look::fit(&board, (panel.right - panel.left) / 2.0, BODY);
        let style = look::bold(label(BODY, INK, HPos::Left));
        canvas.text(&board, (panel.left, top - 27.0), style)?;
        panel.y_axis(canvas, &percent_ticks(25), "share of capacity")?;
        areas(canvas, &panel, gpu)?;
        for engine in gpu.engines.iter().chain(&result.host) {
            let colour = names
                .iter()
                .position(|name| *name == engine.name)
                .map_or(INK, |n| ENGINES[n % ENGINES.len()]);
            let joined = joined(gpu.timeline.useful.len());
            let values = coarser(&engine.timeline, joined);
            let line = through(&panel, gpu.timeline.bin_ns * joined as u64, &values);
            canvas.line(&line, 4.0, WHITE)?;
            canvas.line(&line, 2.0, colour)?;
        }
        let (ticks, unit) = panel.x.time_ticks();
        let last = n + 1 == shown;
        let name = format!("simulated time ({})", unit.unwrap_or("ns"));
        let texts: Vec<_> = if last {
            ticks
        } else {
            ticks
                .into_iter()
                .map(|(at, _)| (at, String::new()))
                .collect()
        };
        panel.x_axis(canvas, &texts, if last { &name } else { "" }, false)?;
        if plan.warmup_ns > 0 {
            panel.mark_x(canvas, plan.warmup_ns as f64, "window starts")?;
        }
    }
    Ok(())
}

/// The four parts: the whole panel idle, then each sum of the lower parts over it.
fn areas<B: DrawingBackend>(canvas: &mut Canvas<B>, panel: &Panel, gpu: &GpuResult) -> Drawn<B> {
    let joined = joined(gpu.timeline.useful.len());
    let line = Timeline {
        bin_ns: gpu.timeline.bin_ns * joined as u64,
        useful: coarser(&gpu.timeline.useful, joined),
        switching: coarser(&gpu.timeline.switching, joined),
        reserved_idle: coarser(&gpu.timeline.reserved_idle, joined),
        idle: Vec::new(),
    };
    let ends = (panel.left, panel.top);
    canvas.rectangle(ends, (panel.right, panel.bottom), IDLE)?;
    let sum = |parts: &[&Vec<f64>]| -> Vec<f64> {
        (0..line.useful.len())
            .map(|bin| parts.iter().filter_map(|part| part.get(bin)).sum())
            .collect()
    };
    for (heights, colour) in [
        (
            sum(&[&line.useful, &line.switching, &line.reserved_idle]),
            RESERVED_IDLE,
        ),
        (sum(&[&line.useful, &line.switching]), SWITCHING),
        (sum(&[&line.useful]), USEFUL),
    ] {
        let mut outline = steps(panel, line.bin_ns, &heights);
        if let (Some(first), Some(last)) = (outline.first().copied(), outline.last().copied()) {
            outline.push((last.0, panel.bottom));
            outline.push((first.0, panel.bottom));
            canvas.polygon(&outline, colour)?;
        }
    }
    Ok(())
}

/// How many bins become one of the figure.
fn joined(bins: usize) -> usize {
    bins.div_ceil(BINS).max(1)
}

/// Means of so many bins each; the last may be of fewer.
fn coarser(values: &[f64], joined: usize) -> Vec<f64> {
    if joined == 1 {
        return values.to_vec();
    }
    let groups = values.chunks(joined);
    groups
        .map(|group| group.iter().sum::<f64>() / group.len() as f64)
        .collect()
}

/// A value per bin as a line through the middles of the bins.
fn through(panel: &Panel, bin_ns: u64, values: &[f64]) -> Vec<Point> {
    let middle = |bin: usize| (bin as f64 + 0.5) * bin_ns as f64;
    let points = values.iter().enumerate();
    points
        .map(|(bin, &value)| panel.at(middle(bin), value))
        .collect()
}

/// A value per bin as steps; bins of equal value share one.
fn steps(panel: &Panel, bin_ns: u64, values: &[f64]) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::with_capacity(values.len() * 2);
    for (bin, &value) in values.iter().enumerate() {
        let from = panel.at(bin as f64 * bin_ns as f64, value);
        let to = panel.at((bin + 1) as f64 * bin_ns as f64, value);
        if points.last().is_some_and(|last| last.1 == from.1) {
            points.pop();
        } else {
            points.push(from);
        }
        points.push(to);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_bins_become_means_of_a_few() {
        assert_eq!((joined(0), joined(300), joined(301)), (1, 1, 2));
        assert_eq!(joined(10_000), 34);
        let values = [0.0, 1.0, 0.5, 0.5, 0.25];
        assert_eq!(coarser(&values, 1), values);
        assert_eq!(coarser(&values, 2), [0.5, 0.5, 0.25]);
    }
}
