//! Mean and 95th percentile of response times: a bar a guest group, or a member when there is one group.

use super::axes::{Panel, Scale};
use super::canvas::{Canvas, Drawn, Page, text_width};
use super::look::{
    self, ALARM, BODY, FAINT_INK, INK, MARGIN, SERIES, SMALLER, Swatch, WIDTH, label,
};
use crate::report::units::{Shown, with_interval};
use crate::report::verdict;
use crate::result::{Estimate, RunResult};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// Rows that one page shows.
const MOST: usize = 64;

/// What one row shows.
struct Row {
    name: String,
    mean: Estimate,
    p95: Option<f64>,
    p95_half_width: Option<f64>,
    overloaded: bool,
    /// Shares late and dropped and frames a second, of a group that has them.
    delivered: Option<String>,
}

/// The rows, and how many there would be without the limit.
fn rows(result: &RunResult) -> (Vec<Row>, usize) {
    let mut rows: Vec<Row> = match result.guests.as_slice() {
        [group] if group.members.len() > 1 => group
            .members
            .iter()
            .map(|member| Row {
                name: member.name.clone(),
                mean: member.mean_response_ns.clone(),
                p95: member.p95_response_ns.map(|ns| ns as f64),
                p95_half_width: None,
                overloaded: group.overload.is_some(),
                delivered: None,
            })
            .collect(),
        groups => groups
            .iter()
            .map(|group| {
                let p95 = group
                    .response
                    .quantiles
                    .iter()
                    .find(|q| (q.p - 0.95).abs() < 1e-9);
                Row {
                    name: if group.count == 1 {
                        group.name.clone()
                    } else {
                        format!("{} x {}", group.count, group.name)
                    },
                    mean: group.response.mean_ns.clone(),
                    p95: p95.and_then(|q| q.value_ns).map(|ns| ns as f64),
                    p95_half_width: p95.and_then(|q| q.half_width_ns),
                    overloaded: group.overload.is_some(),
                    delivered: Some(verdict::delivered(group).join(", "))
                        .filter(|text| !text.is_empty()),
                }
            })
            .collect(),
    };
    let all = rows.len();
    rows.truncate(MOST);
    (rows, all)
}

/// Height of a row: few rows breathe, many stay on a page.
fn row_height(rows: usize) -> f64 {
    if rows <= 8 { 44.0 } else { 24.0 }
}

pub(super) fn page(result: &RunResult) -> Page {
    let shown = rows(result).0.len().max(1);
    let rows = row_height(shown) * shown as f64;
    let height = look::below_legend(1) + rows + 46.0 + MARGIN;
    Page {
        width: WIDTH,
        height: height as u32,
    }
}

pub(super) fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, result: &RunResult) -> Drawn<B> {
    let (rows, all) = rows(result);
    let one_group = result.guests.len() == 1 && all > 1;
    let title = if one_group {
        "Response time of each guest"
    } else {
        "Response time by guest group"
    };
    let more = if all > rows.len() {
        format!("first {} of {all}, the rest in members.csv", rows.len())
    } else {
        String::new()
    };
    look::heading(canvas, &result.scenario, &result.plan, title, &more)?;
    let level = crate::report::units::short(result.plan.confidence * 100.0);
    let mean = format!("mean, with its {level} % interval");
    let (mean_colour, p95_colour) = (SERIES[0], SERIES[1]);
    look::legend(
        canvas,
        &[
            (Swatch::Area(mean_colour), &mean),
            (Swatch::Dot(p95_colour), "95th percentile"),
        ],
    )?;
    let height = row_height(rows.len());
    let values: Vec<String> = rows.iter().map(value_text).collect();
    let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0_f64, f64::max);
    let names = widest(&mut rows.iter().map(|row| text_width(&row.name, BODY, false))).min(200.0);
    let delivered = rows.iter().filter_map(|row| row.delivered.as_ref());
    let numbers = widest(
        &mut values
            .iter()
            .chain(delivered)
            .map(|text| text_width(text, SMALLER, false)),
    );
    let top = look::below_legend(1);
    let bottom = top + height * rows.len().max(1) as f64;
    let most = rows
        .iter()
        .flat_map(|row| {
            [
                row.mean
                    .value
                    .map(|v| v + row.mean.half_width.unwrap_or(0.0)),
                row.p95.map(|v| v + row.p95_half_width.unwrap_or(0.0)),
            ]
        })
        .flatten()
        .fold(0.0_f64, f64::max);
    if most == 0.0 {
        let centre = (f64::from(WIDTH) / 2.0, (top + bottom) / 2.0);
        return look::nothing(
            canvas,
            centre,
            "No job that arrived in the window has ended.",
        );
    }
    let panel = Panel {
        left: MARGIN + names + 12.0,
        top,
        right: f64::from(WIDTH) - MARGIN - numbers - 14.0,
        bottom,
        x: Scale::times(most),
        y: Scale::linear(0.0, 1.0),
    };
    let (ticks, unit) = panel.x.time_ticks();
    let name = format!("response time ({})", unit.unwrap_or("ns"));
    panel.x_axis(canvas, &ticks, &name, true)?;
    let half = height * 0.29;
    for (n, (row, value)) in rows.iter().zip(&values).enumerate() {
        let y = top + height * (n as f64 + 0.5);
        let ink = if row.overloaded { ALARM } else { INK };
        let name = look::fit(&row.name, names, BODY);
        canvas.text(&name, (panel.left - 10.0, y), label(BODY, ink, HPos::Right))?;
        if let Some(mean) = row.mean.value {
            let colour = if row.overloaded {
                look::PALE
            } else {
                mean_colour
            };
            canvas.rectangle(
                (panel.left, y - half),
                (panel.along(mean), y + half),
                colour,
            )?;
            if let Some(width) = row.mean.half_width {
                whisker(canvas, &panel, y, (mean, width), half * 0.45, INK)?;
            }
        }
        if let Some(p95) = row.p95 {
            if let Some(width) = row.p95_half_width {
                whisker(canvas, &panel, y, (p95, width), half * 0.45, p95_colour)?;
            }
            canvas.disc((panel.along(p95), y), 4.0, p95_colour)?;
        }
        let style = label(
            SMALLER,
            if row.overloaded { ALARM } else { FAINT_INK },
            HPos::Right,
        );
        let right = f64::from(WIDTH) - MARGIN;
        // Where rows have room for a second line.
        match row.delivered.as_ref().filter(|_| height > 40.0) {
            Some(delivered) => {
                canvas.text(value, (right, y - 7.0), style)?;
                canvas.text(
                    delivered,
                    (right, y + 8.0),
                    label(SMALLER, FAINT_INK, HPos::Right),
                )?;
            }
            None => canvas.text(value, (right, y), style)?,
        }
    }
    canvas.line(&[(panel.left, top), (panel.left, bottom)], 1.0, look::AXIS)
}

/// The interval of a value: a line with short ends.
fn whisker<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    panel: &Panel,
    y: f64,
    (value, half_width): (f64, f64),
    reach: f64,
    colour: super::canvas::Colour,
) -> Drawn<B> {
    let (from, to) = (
        panel.along(value - half_width),
        panel.along(value + half_width),
    );
    canvas.line(&[(from, y), (to, y)], 1.4, colour)?;
    if to - from < 3.0 {
        return Ok(());
    }
    // Ends that touch would look like a block.
    let ends: &[f64] = if to - from > 5.0 { &[from, to] } else { &[] };
    for &x in ends {
        canvas.line(&[(x, y - reach), (x, y + reach)], 1.4, colour)?;
    }
    Ok(())
}

/// The figures of a row, at its end.
fn value_text(row: &Row) -> String {
    let bound = if row.overloaded { "≥ " } else { "" };
    match (row.mean.value, row.p95) {
        (Some(mean), p95) => {
            let mean = with_interval(mean, row.mean.half_width, Shown::Time);
            let p95 = p95.map_or_else(String::new, |p95| {
                let p95 = with_interval(p95, row.p95_half_width, Shown::Time);
                format!(" · p95 {bound}{p95}")
            });
            format!("{bound}{mean}{p95}")
        }
        (None, _) => "no job has ended".to_owned(),
    }
}
