//! Lines with markers over a number: one line for each way, policy or setting that is compared.

use super::axes::{Panel, Scale, Tick};
use super::canvas::{Canvas, Colour, Drawn, Page, Point};
use super::look::{self, BODY, FAINT_INK, MARGIN, Swatch, WHITE, WIDTH};
use crate::report::units::short;
use plotters_backend::DrawingBackend;

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    pub title: String,
    /// One line under the title: what was run.
    pub subtitle: String,
    /// Name of the horizontal axis, with its unit in brackets.
    pub x: String,
    /// Name of the vertical axis, with its unit in brackets.
    pub y: String,
    /// A logarithmic vertical axis; values of 0 or less are then left out.
    pub logarithmic: bool,
    pub series: Vec<LineSeries>,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSeries {
    pub name: String,
    /// By increasing `x`.
    pub points: Vec<LinePoint>,
    pub marks: Marks,
}

/// How the points of a series look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// Markers on a line.
    Joined,
    /// Rings in the colour of another series, by its place: measured values of what that one predicts.
    RingsOf(usize),
}

impl LineSeries {
    /// Colour and dashes of the series at this place.
    fn look(&self, n: usize) -> (Colour, Option<(f64, f64)>) {
        match self.marks {
            Marks::Joined => look::series(n),
            Marks::RingsOf(other) => look::series(other),
        }
    }
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinePoint {
    pub x: f64,
    pub y: f64,
    /// Half-width of its interval, drawn as a vertical bar.
    pub half_width: Option<f64>,
    /// The value is a lower bound (an overloaded guest): an arrow marks it, and it does not stretch the
    /// axis.
    pub at_least: bool,
}

const HEIGHT: u32 = 460;
/// The horizontal axis names each value up to this many of them.
const MOST_NAMED: usize = 16;
const RADIUS: f64 = 4.2;

pub(super) fn page() -> Page {
    Page {
        width: WIDTH,
        height: HEIGHT,
    }
}

pub(super) fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, what: &Lines) -> Drawn<B> {
    look::heading_of(canvas, &what.title, &what.subtitle)?;
    let bounded = what.series.iter().flat_map(shown(what)).any(|p| p.at_least);
    let mut entries: Vec<(Swatch, &str)> = Vec::new();
    for (n, series) in what.series.iter().enumerate() {
        let (colour, dashes) = series.look(n);
        let swatch = match series.marks {
            Marks::Joined => Swatch::Line(colour, dashes),
            Marks::RingsOf(_) => Swatch::Ring(colour),
        };
        entries.push((swatch, &series.name));
    }
    if bounded {
        entries.push((Swatch::Pointer(FAINT_INK), "overloaded: at least this"));
    }
    look::legend(canvas, &entries)?;
    let names: Vec<&str> = entries.iter().map(|(_, name)| *name).collect();
    let top = look::below_legend(look::legend_rows(&names)) + 6.0;
    let bottom = f64::from(HEIGHT) - MARGIN - 46.0;
    let Some((x, y)) = scales(what) else {
        let centre = (f64::from(WIDTH) / 2.0, (top + bottom) / 2.0);
        return look::nothing(canvas, centre, "There are no values.");
    };
    let y_ticks = y.number_ticks();
    let widest = y_ticks
        .iter()
        .map(|(_, text)| super::canvas::text_width(text, look::SMALLER, false))
        .fold(0.0, f64::max);
    let panel = Panel {
        left: MARGIN + BODY + 18.0 + widest,
        top,
        right: f64::from(WIDTH) - MARGIN,
        bottom,
        x,
        y,
    };
    panel.y_axis(canvas, &y_ticks, &what.y)?;
    panel.x_axis(canvas, &x_ticks(what, x), &what.x, false)?;
    for (n, series) in what.series.iter().enumerate() {
        line(canvas, &panel, what, (n, series))?;
    }
    // Markers lie on top of all lines.
    for (n, series) in what.series.iter().enumerate() {
        let (colour, _) = series.look(n);
        for point in shown(what)(series) {
            let at = panel.at(point.x, point.y);
            if point.at_least {
                look::pointer(canvas, (at.0, at.1 - 5.0), colour)?;
            } else if series.marks == Marks::Joined {
                marker(canvas, at, n, colour)?;
            } else {
                look::ring(canvas, at, colour)?;
            }
        }
    }
    Ok(())
}

/// The points of a series that the axes can show.
fn shown(what: &Lines) -> impl Fn(&LineSeries) -> Vec<LinePoint> + '_ {
    |series| {
        let fits =
            |p: &&LinePoint| p.x.is_finite() && p.y.is_finite() && (!what.logarithmic || p.y > 0.0);
        series.points.iter().filter(fits).copied().collect()
    }
}

/// Scales that hold every value; `None` when there is none.
fn scales(what: &Lines) -> Option<(Scale, Scale)> {
    let all: Vec<LinePoint> = what.series.iter().flat_map(shown(what)).collect();
    let known: Vec<&LinePoint> = match all.iter().filter(|p| !p.at_least).collect::<Vec<_>>() {
        exact if exact.is_empty() => all.iter().collect(),
        exact => exact,
    };
    let first = all.first()?;
    let (mut left, mut right) = (first.x, first.x);
    for point in &all {
        (left, right) = (left.min(point.x), right.max(point.x));
    }
    // Markers stay clear of the edges.
    let margin = ((right - left) * 0.05).max(1e-9 * left.abs().max(1.0));
    let x = Scale::linear(left - margin, right + margin);
    let upper = |p: &&LinePoint| p.y + p.half_width.unwrap_or(0.0);
    let most = known.iter().map(upper).fold(0.0, f64::max);
    let least = known.iter().map(|p| p.y).fold(f64::INFINITY, f64::min);
    let y = if what.logarithmic {
        Scale::log_numbers(least, most)
    } else {
        Scale::numbers(most)
    };
    Some((x, y))
}

fn x_ticks(what: &Lines, scale: Scale) -> Vec<Tick> {
    let points = what.series.iter().flat_map(|series| &series.points);
    let mut values: Vec<f64> = points.map(|p| p.x).filter(|x| x.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    if values.len() <= MOST_NAMED {
        return values.into_iter().map(|x| (x, short(x))).collect();
    }
    scale.number_ticks()
}

/// The line of a series, and the bars of its intervals.
fn line<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    panel: &Panel,
    what: &Lines,
    (n, series): (usize, &LineSeries),
) -> Drawn<B> {
    let (colour, dashes) = series.look(n);
    let points = shown(what)(series);
    if series.marks == Marks::Joined {
        let path: Vec<Point> = points.iter().map(|p| panel.at(p.x, p.y)).collect();
        match dashes {
            None => canvas.line(&path, 2.0, colour)?,
            Some(dashes) => canvas.dashes(&path, 2.0, colour, dashes)?,
        }
    }
    for point in points.iter().filter(|p| !p.at_least) {
        let Some(half) = point.half_width else {
            continue;
        };
        let x = panel.along(point.x);
        let (from, to) = (panel.up(point.y - half), panel.up(point.y + half));
        // What the marker hides is not drawn.
        if from - to > 2.0 * RADIUS {
            canvas.line(&[(x, from), (x, to)], 1.4, colour)?;
            for y in [from, to] {
                canvas.line(&[(x - 4.0, y), (x + 4.0, y)], 1.4, colour)?;
            }
        }
    }
    Ok(())
}

/// A shape for each series, with a white rim.
fn marker<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    at: Point,
    n: usize,
    colour: Colour,
) -> Drawn<B> {
    for (radius, colour) in [(RADIUS + 1.2, WHITE), (RADIUS, colour)] {
        let (x, y) = at;
        match n % 3 {
            0 => canvas.disc(at, radius, colour)?,
            1 => {
                let half = radius * 0.9;
                canvas.rectangle((x - half, y - half), (x + half, y + half), colour)?;
            }
            _ => {
                let reach = radius * 1.3;
                let corners = [
                    (x - reach, y),
                    (x, y - reach),
                    (x + reach, y),
                    (x, y + reach),
                ];
                canvas.polygon(&corners, colour)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, y: f64) -> LinePoint {
        LinePoint {
            x,
            y,
            half_width: None,
            at_least: false,
        }
    }

    fn lines(points: Vec<LinePoint>) -> Lines {
        Lines {
            title: "T".to_owned(),
            subtitle: String::new(),
            x: "tenants".to_owned(),
            y: "jobs/s".to_owned(),
            logarithmic: false,
            series: vec![LineSeries {
                name: "one".to_owned(),
                points,
                marks: Marks::Joined,
            }],
        }
    }

    #[test]
    fn bounds_do_not_stretch_the_axis() {
        let bound = LinePoint {
            at_least: true,
            ..point(3.0, 5e3)
        };
        let what = lines(vec![point(1.0, 10.0), point(2.0, 33.0), bound]);
        let (x, y) = scales(&what).unwrap();
        assert_eq!((y.low, y.high), (0.0, 35.0));
        assert!(x.low < 1.0 && x.high > 3.0);
        let ticks: Vec<String> = x_ticks(&what, x).into_iter().map(|t| t.1).collect();
        assert_eq!(ticks, ["1", "2", "3"]);
    }

    #[test]
    fn intervals_fit_and_a_logarithmic_axis_leaves_zeros_out() {
        let mut what = lines(vec![
            point(1.0, 0.0),
            LinePoint {
                half_width: Some(30.0),
                ..point(2.0, 100.0)
            },
        ]);
        assert_eq!(scales(&what).unwrap().1.high, 140.0);
        what.logarithmic = true;
        let y = scales(&what).unwrap().1;
        assert_eq!((y.low, y.high), (100.0, 200.0));
        what.series[0].points.pop();
        assert!(scales(&what).is_none());
    }
}
