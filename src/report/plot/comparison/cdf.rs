//! Distribution of response times: a panel for each guest group, a curve for each policy.

use super::groups;
use crate::report::plot::axes::{Panel, Scale};
use crate::report::plot::canvas::{Canvas, Drawn, Page};
use crate::report::plot::distribution;
use crate::report::plot::look::{
    self, ALARM, BODY, INK, MARGIN, SMALLER, Swatch, WIDTH, bold, label,
};
use crate::report::table::cut;
use crate::result::{ComparisonResult, GroupLatency};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// Panels that one page shows.
const MOST: usize = 4;
/// Curves that one panel shows.
const CURVES: usize = 24;
/// Height of a panel's curves, of the strip above that holds its name, and of its axis below.
const PANEL: f64 = 250.0;
const STRIP: f64 = 34.0;
const AXIS: f64 = 50.0;

/// Longest name in the legend.
const NAME: f64 = 200.0;

fn names(result: &ComparisonResult) -> Vec<String> {
    let policies = result.policies.iter();
    policies
        .take(CURVES)
        .map(|p| look::fit(&cut(&p.name, 28), NAME, BODY))
        .collect()
}

/// Where the first panel's strip begins.
fn start(names: &[String]) -> f64 {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    look::below_legend(look::legend_rows(&names))
}

pub(super) fn page(result: &ComparisonResult) -> Page {
    let panels = groups(result).len().clamp(1, MOST);
    Page {
        width: WIDTH,
        height: (start(&names(result)) + (STRIP + PANEL + AXIS) * panels as f64 + MARGIN / 2.0)
            as u32,
    }
}

pub(super) fn draw<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    result: &ComparisonResult,
) -> Drawn<B> {
    let groups = groups(result);
    let title = "Response time: fraction of jobs that took at most this long";
    let mut more = match groups.len() {
        n if n > MOST => format!("{MOST} of {n} guest groups"),
        _ => "jobs that arrived in the window".to_owned(),
    };
    if result.policies.len() > CURVES {
        let all = result.policies.len();
        more.push_str(&format!(", first {CURVES} of {all} policies"));
    }
    look::heading(canvas, &result.scenario, &result.plan, title, &more)?;
    let names = names(result);
    let entries: Vec<(Swatch, &str)> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            let (colour, dashes) = look::series(n);
            (Swatch::Line(colour, dashes), name.as_str())
        })
        .collect();
    look::legend(canvas, &entries)?;
    let start = start(&names);
    if groups.is_empty() {
        let centre = (f64::from(WIDTH) / 2.0, start + STRIP + PANEL / 2.0);
        return look::nothing(canvas, centre, "There are no guests.");
    }
    for (n, guest) in groups.into_iter().take(MOST).enumerate() {
        let top = start + (STRIP + PANEL + AXIS) * n as f64 + STRIP;
        panel(canvas, result, guest, top)?;
    }
    Ok(())
}

fn panel<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    result: &ComparisonResult,
    guest: &str,
    top: f64,
) -> Drawn<B> {
    let curves: Vec<(usize, &GroupLatency)> = result
        .policies
        .iter()
        .take(CURVES)
        .enumerate()
        .filter_map(|(n, policy)| {
            let group = policy.response.iter().find(|group| group.guest == guest)?;
            (group.histogram.count > 0).then_some((n, group))
        })
        .collect();
    let (left, right) = (MARGIN + 56.0, f64::from(WIDTH) - MARGIN - 16.0);
    let name = look::fit(guest, (right - left) / 2.0, BODY);
    let style = bold(label(BODY, INK, HPos::Left));
    canvas.text(&name, (left, top - 15.0), style)?;
    let Some(x) = distribution::scale(curves.iter().map(|(_, group)| &group.histogram)) else {
        let centre = ((left + right) / 2.0, top + PANEL / 2.0);
        return look::nothing(
            canvas,
            centre,
            "No job that arrived in the window has ended.",
        );
    };
    let overloaded =
        |p: &&crate::result::PolicyResult| p.overloaded.iter().any(|found| found.guest == guest);
    let bounds: Vec<&str> = result
        .policies
        .iter()
        .filter(overloaded)
        .map(|policy| policy.name.as_str())
        .collect();
    let absent: Vec<&str> = result
        .policies
        .iter()
        .enumerate()
        .filter(|(n, _)| !curves.iter().any(|(drawn, _)| drawn == n))
        .map(|(_, policy)| policy.name.as_str())
        .collect();
    let mut remarks = Vec::new();
    if !bounds.is_empty() {
        remarks.push(format!("overloaded under {}", bounds.join(", ")));
    }
    if !absent.is_empty() {
        remarks.push(format!("no job ended under {}", absent.join(", ")));
    }
    if !remarks.is_empty() {
        let room = right - left - crate::report::plot::canvas::text_width(&name, BODY, true) - 30.0;
        let text = look::fit(&remarks.join("; "), room, SMALLER);
        let style = label(SMALLER, ALARM, HPos::Right);
        canvas.text(&text, (right, top - 15.0), style)?;
    }
    let panel = Panel {
        left,
        top,
        right,
        bottom: top + PANEL,
        x,
        y: Scale::linear(0.0, 1.0),
    };
    distribution::axes(canvas, &panel)?;
    let panels = groups(result).len().min(MOST);
    let step = distribution::step(panels * result.policies.len().min(CURVES));
    for (n, group) in curves {
        let jobs = (&group.histogram, group.unfinished);
        distribution::curve(canvas, &panel, n, jobs, step)?;
    }
    Ok(())
}
