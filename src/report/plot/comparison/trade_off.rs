//! Fairness against throughput: a panel for each GPU, a point for each policy, and the Pareto front.

use crate::report::plot::axes::{Panel, Scale};
use crate::report::plot::canvas::{Canvas, Colour, Drawn, Page, Point, text_width};
use crate::report::plot::look::{
    self, ALARM, AXIS, BODY, INK, MARGIN, SERIES, SMALLER, Swatch, WHITE, WIDTH, bold, label,
};
use crate::report::table::cut;
use crate::report::words::reason;
use crate::result::{ComparisonResult, PolicyValue, Reason, SubjectKind};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// Panels that one page shows.
const MOST: usize = 4;
/// Height of a panel with few policies, what each further one adds, and the most.
const PANEL: f64 = 280.0;
const MORE: f64 = 12.0;
const TALLEST: f64 = 480.0;
const STRIP: f64 = 34.0;
const BELOW: f64 = 52.0;
/// A line of names that are not shown.
const LINE: f64 = 16.0;

const THROUGHPUT: &str = "stp";
const FAIRNESS: &str = "jain_progress";

const DOT: Colour = SERIES[0];
const BARS: Colour = Colour {
    alpha: 0.35,
    ..SERIES[0]
};

/// A policy under which both metrics are known.
struct Spot<'a> {
    name: &'a str,
    stp: (f64, f64),
    jain: (f64, f64),
}

/// Names of the GPUs, in the order of the scenario.
fn gpus(result: &ComparisonResult) -> Vec<&str> {
    let rows = result.metrics.iter();
    rows.filter(|row| row.kind == SubjectKind::Gpu && row.metric == THROUGHPUT)
        .map(|row| row.of.as_str())
        .collect()
}

fn spots<'a>(result: &'a ComparisonResult, gpu: &str) -> Vec<Spot<'a>> {
    let values = |metric: &str| -> &[PolicyValue] {
        let row = result
            .metrics
            .iter()
            .find(|row| row.kind == SubjectKind::Gpu && row.of == gpu && row.metric == metric);
        row.map_or(&[], |row| &row.values)
    };
    // A bound has no place among values: another policy could only seem to beat it.
    let known = |value: &PolicyValue| {
        let mean = value
            .value
            .filter(|mean| mean.is_finite() && value.note.is_none())?;
        Some((mean, value.half_width.unwrap_or(0.0)))
    };
    result
        .policies
        .iter()
        .zip(values(THROUGHPUT).iter().zip(values(FAIRNESS)))
        .filter_map(|(policy, (stp, jain))| {
            Some(Spot {
                name: &policy.name,
                stp: known(stp)?,
                jain: known(jain)?,
            })
        })
        .collect()
}

/// Policies that have no point, with the reason, in lines that fit.
fn left_out(result: &ComparisonResult, gpu: &str) -> Vec<String> {
    let drawn = spots(result, gpu);
    let rows = result.metrics.iter();
    let rows: Vec<_> = rows
        .filter(|row| row.kind == SubjectKind::Gpu && row.of == gpu)
        .filter(|row| [THROUGHPUT, FAIRNESS].contains(&row.metric.as_str()))
        .collect();
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for (n, policy) in result.policies.iter().enumerate() {
        if drawn.iter().any(|spot| spot.name == policy.name) {
            continue;
        }
        let mut notes = rows
            .iter()
            .filter_map(|row| row.values.get(n)?.note.as_ref());
        let why = reason(notes.next().unwrap_or(&Reason::NoValue));
        match reasons.iter_mut().find(|known| known.0 == why) {
            Some(known) => known.1.push(&policy.name),
            None => reasons.push((why, vec![&policy.name])),
        }
    }
    if reasons.is_empty() || drawn.is_empty() {
        return Vec::new();
    }
    let each = reasons
        .iter()
        .map(|(why, names)| format!("{} ({why})", names.join(", ")));
    let text = format!("Not shown: {}", each.collect::<Vec<_>>().join("; "));
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let longer = match lines[last].is_empty() {
            true => word.to_owned(),
            false => format!("{} {word}", lines[last]),
        };
        if text_width(&longer, SMALLER, false) <= f64::from(WIDTH) - 2.0 * MARGIN - 64.0 {
            lines[last] = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// What is below a panel: its axis, and who is not shown.
fn below(result: &ComparisonResult, gpu: &str) -> f64 {
    BELOW + LINE * left_out(result, gpu).len() as f64
}

/// Places of the points that no other point beats: none is at least as high in both and higher in one.
/// Sorted from the highest `y` to the highest `x`; of equal points each is on the front.
fn pareto_front(points: &[Point]) -> Vec<usize> {
    let beats = |a: &Point, b: &Point| a.0 >= b.0 && a.1 >= b.1 && a != b;
    let mut front: Vec<usize> = (0..points.len())
        .filter(|&n| !points.iter().any(|other| beats(other, &points[n])))
        .collect();
    front.sort_by(|&a, &b| points[a].0.total_cmp(&points[b].0));
    front
}

fn panel_height(result: &ComparisonResult) -> f64 {
    (PANEL + MORE * result.policies.len().saturating_sub(4) as f64).min(TALLEST)
}

pub(super) fn page(result: &ComparisonResult) -> Page {
    let shown: Vec<&str> = gpus(result).into_iter().take(MOST).collect();
    let panel = STRIP + panel_height(result);
    let height = match shown.is_empty() {
        true => panel + BELOW,
        false => shown.iter().map(|gpu| panel + below(result, gpu)).sum(),
    };
    Page {
        width: WIDTH,
        height: (look::below_legend(1) + height + MARGIN / 2.0) as u32,
    }
}

pub(super) fn draw<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    result: &ComparisonResult,
) -> Drawn<B> {
    let gpus = gpus(result);
    let more = match gpus.len() {
        n if n > MOST => format!("{MOST} of {n} GPUs"),
        _ => "up and right is better".to_owned(),
    };
    let title = "Fairness against throughput";
    look::heading(canvas, &result.scenario, &result.plan, title, &more)?;
    look::legend(
        canvas,
        &[
            (Swatch::Dot(DOT), "no other policy is better in both"),
            (Swatch::Ring(DOT), "another is better"),
            (Swatch::Line(AXIS, None), "Pareto front"),
        ],
    )?;
    let height = panel_height(result);
    let start = look::below_legend(1);
    if gpus.is_empty() {
        let centre = (f64::from(WIDTH) / 2.0, start + height / 2.0);
        return look::nothing(canvas, centre, "There are no values.");
    }
    let mut next = start;
    for gpu in gpus.into_iter().take(MOST) {
        let top = next + STRIP;
        next = top + height + below(result, gpu);
        let name = look::fit(&format!("GPU {gpu}"), 400.0, BODY);
        let style = bold(label(BODY, INK, HPos::Left));
        canvas.text(&name, (MARGIN + 64.0, top - 15.0), style)?;
        let spots = spots(result, gpu);
        if spots.is_empty() {
            let centre = (f64::from(WIDTH) / 2.0, top + height / 2.0);
            let text = "No policy has both throughput and fairness here.";
            look::nothing(canvas, centre, text)?;
        } else {
            panel(canvas, &spots, (top, top + height))?;
        }
        for (n, line) in left_out(result, gpu).iter().enumerate() {
            let y = top + height + BELOW + LINE * (n as f64 + 0.25);
            let style = label(SMALLER, ALARM, HPos::Left);
            canvas.text(line, (MARGIN + 64.0, y), style)?;
        }
    }
    Ok(())
}

/// A scale that keeps the points clear of the edges.
fn around(values: &[f64]) -> Scale {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let margin = ((high - low) * 0.12).max(0.02 * high.abs()).max(1e-3);
    Scale::linear(low - margin, high + margin)
}

fn panel<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    spots: &[Spot<'_>],
    (top, bottom): (f64, f64),
) -> Drawn<B> {
    let means: Vec<Point> = spots.iter().map(|s| (s.stp.0, s.jain.0)).collect();
    let panel = Panel {
        left: MARGIN + 64.0,
        top,
        right: f64::from(WIDTH) - MARGIN - 12.0,
        bottom,
        x: around(&means.iter().map(|p| p.0).collect::<Vec<_>>()),
        y: around(&means.iter().map(|p| p.1).collect::<Vec<_>>()),
    };
    // The margins around the points are no values that there could be.
    let mut jain = panel.y.number_ticks();
    jain.retain(|(value, _)| (0.0..=1.000_001).contains(value));
    panel.y_axis(canvas, &jain, "Jain index of progress")?;
    let name = "system throughput (STP)";
    let mut stp = panel.x.number_ticks();
    stp.retain(|(value, _)| *value >= 0.0);
    panel.x_axis(canvas, &stp, name, true)?;
    let front = pareto_front(&means);
    canvas.line(&stairs(&panel, &means, &front), 1.4, AXIS)?;
    let points: Vec<Point> = means.iter().map(|&(x, y)| panel.at(x, y)).collect();
    for (spot, &(x, y)) in spots.iter().zip(&points) {
        let along = |by: f64| panel.along(spot.stp.0 + by);
        let up = |by: f64| panel.up(spot.jain.0 + by);
        let (dx, dy) = (spot.stp.1, spot.jain.1);
        canvas.line(&[(along(-dx), y), (along(dx), y)], 1.2, BARS)?;
        canvas.line(&[(x, up(-dy)), (x, up(dy))], 1.2, BARS)?;
    }
    for (n, &point) in points.iter().enumerate() {
        if front.contains(&n) {
            canvas.disc(point, 6.2, WHITE)?;
            canvas.disc(point, 5.0, DOT)?;
        } else {
            look::ring(canvas, point, DOT)?;
        }
    }
    let names: Vec<String> = spots
        .iter()
        .map(|spot| look::fit(&cut(spot.name, 28), 200.0, SMALLER))
        .collect();
    for (n, place) in labels(&panel, &points, &names).into_iter().enumerate() {
        let (x, y) = points[n];
        let near = (x.clamp(place.left, place.right), place.middle);
        let (right, down) = (near.0 - x, near.1 - y);
        let far = (right * right + down * down).sqrt();
        if far > 20.0 {
            // The name gave way to others: a thin line leads to it.
            let part = 8.0 / far;
            let from = (x + (near.0 - x) * part, y + (near.1 - y) * part);
            let side = if near.1 < y { 6.0 } else { -6.0 };
            let to = if x > place.left && x < place.right {
                (near.0, near.1 + side)
            } else {
                near
            };
            canvas.line(&[from, to], 0.8, AXIS)?;
        }
        let style = label(SMALLER, INK, HPos::Left);
        canvas.text(&names[n], (place.left, place.middle), style)?;
    }
    Ok(())
}

/// The edge of what is attained: from the left edge down to the lower one.
fn stairs(panel: &Panel, means: &[Point], front: &[usize]) -> Vec<Point> {
    let mut line: Vec<Point> = Vec::new();
    let mut x = panel.left;
    for &n in front {
        let corner = panel.at(means[n].0, means[n].1);
        line.push((x, corner.1));
        line.push(corner);
        x = corner.0;
    }
    line.push((x, panel.bottom));
    line
}

/// Where a name stands.
#[derive(Clone, Copy)]
struct Place {
    left: f64,
    right: f64,
    middle: f64,
}

impl Place {
    /// Half the height of a line of names.
    const HALF: f64 = 7.0;

    fn meets(&self, other: &Place) -> bool {
        self.left < other.right + 4.0
            && other.left < self.right + 4.0
            && (self.middle - other.middle).abs() < 2.0 * Place::HALF
    }

    fn covers(&self, (x, y): Point) -> bool {
        x > self.left - 7.0 && x < self.right + 7.0 && (y - self.middle).abs() < Place::HALF + 6.0
    }

    fn inside(&self, panel: &Panel) -> bool {
        self.left > panel.left + 2.0
            && self.right < panel.right - 2.0
            && self.middle - Place::HALF > panel.top
            && self.middle + Place::HALF < panel.bottom
    }
}

/// A place for each name: the nearest beside its point that covers no point and no earlier name.
fn labels(panel: &Panel, points: &[Point], names: &[String]) -> Vec<Place> {
    let mut placed: Vec<Place> = Vec::new();
    for (&(x, y), name) in points.iter().zip(names) {
        let width = text_width(name, SMALLER, false);
        let beside = |dx: f64, dy: f64| {
            let left = match dx {
                d if d > 0.0 => x + d,
                d if d < 0.0 => x + d - width,
                _ => x - width / 2.0,
            };
            Place {
                left,
                right: left + width,
                middle: y + dy,
            }
        };
        // Bars and the front cross at the point: corners first, and that above the front before all.
        let corners = [(7.0, -13.0), (-7.0, -13.0), (7.0, 13.0), (-7.0, 13.0)];
        let mut candidates: Vec<Place> = corners.map(|(dx, dy)| beside(dx, dy)).into();
        candidates.extend([beside(10.0, 0.0), beside(-10.0, 0.0)]);
        for ring in 1..=24 {
            let dy = 14.0 + 4.0 * f64::from(ring - 1);
            let dx = 6.0 + 4.0 * f64::from(ring);
            for (dx, dy) in [
                (0.0, -dy),
                (0.0, dy),
                (dx, -dy),
                (dx, dy),
                (-dx, -dy),
                (-dx, dy),
                (4.0 * dx, -dy),
                (4.0 * dx, dy),
                (-4.0 * dx, -dy),
                (-4.0 * dx, dy),
            ] {
                candidates.push(beside(dx, dy));
            }
        }
        let free = |place: &&Place| {
            place.inside(panel)
                && !placed.iter().any(|other| place.meets(other))
                && !points.iter().any(|&point| place.covers(point))
        };
        let place = candidates.iter().find(free).unwrap_or(&candidates[0]);
        placed.push(*place);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_holds_what_nothing_beats() {
        let points = [
            (1.0, 0.9),
            (2.0, 0.8),
            (1.5, 0.8), // Beaten by the one before: as fair, less throughput.
            (3.0, 0.5),
            (2.5, 0.4), // Beaten in both.
            (0.5, 0.9), // Beaten by the first: as fair, less throughput.
        ];
        assert_eq!(pareto_front(&points), [0, 1, 3]);
        assert_eq!(pareto_front(&[(1.0, 1.0), (1.0, 1.0)]), [0, 1]);
        assert_eq!(pareto_front(&[]), [0usize; 0]);
    }

    #[test]
    fn names_of_near_points_do_not_meet() {
        let panel = Panel {
            left: 0.0,
            top: 0.0,
            right: 700.0,
            bottom: 460.0,
            x: Scale::linear(0.0, 1.0),
            y: Scale::linear(0.0, 1.0),
        };
        let points: Vec<Point> = (0..20)
            .map(|n| {
                (
                    330.0 + f64::from(n % 5) * 9.0,
                    220.0 + f64::from(n / 5) * 9.0,
                )
            })
            .collect();
        let names: Vec<String> = (0..20).map(|n| format!("policy-number-{n}")).collect();
        let places = labels(&panel, &points, &names);
        for (n, place) in places.iter().enumerate() {
            assert!(place.inside(&panel));
            assert!(!places[..n].iter().any(|other| place.meets(other)));
            assert!(!points.iter().any(|&point| place.covers(point)));
        }
    }
}
