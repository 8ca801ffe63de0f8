//! Who held the SMs when: a block for each policy, a lane for each tenant.

use crate::report::plot::axes::{Panel, Scale};
use crate::report::plot::canvas::{Canvas, Drawn, Page};
use crate::report::plot::look::{
    self, BODY, FAINT_INK, GRID, HEADING, INK, MARGIN, SERIES, SMALLER, WIDTH, bold, label,
};
use crate::result::{ComparisonResult, PolicyResult, TurnRow};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// The beginning of the replication that is shown, nanoseconds: some 50 turns of usual slices.
const SHOWN_NS: u64 = 100_000_000;
/// Tenants that a block shows, where there are few policies; lanes and blocks that a page shows.
const MOST: usize = 12;
const LANES: usize = 120;
const BLOCKS: usize = 30;
/// Bars that a page shows.
const BARS: usize = 7_000;
/// Height of a lane, of the bar in it, and of the strip above a block that holds its name.
const LANE: f64 = 13.0;
const BAR: f64 = 9.0;
const STRIP: f64 = 26.0;
const NAMES: f64 = 120.0;

/// Tenants of all policies, in order of first appearance: a tenant has the same lane and colour in every
/// block.
fn tenants(result: &ComparisonResult) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for row in result.policies.iter().flat_map(|policy| &policy.turns) {
        if !names.contains(&row.tenant.as_str()) {
            names.push(&row.tenant);
        }
    }
    names
}

fn has_turns(policy: &PolicyResult) -> bool {
    policy.turns.iter().any(|row| !row.turns.is_empty())
}

/// Policies that the page shows.
fn shown(result: &ComparisonResult) -> &[PolicyResult] {
    &result.policies[..result.policies.len().min(BLOCKS)]
}

/// Lanes of a block: fewer where many policies share the page.
fn lanes_of(result: &ComparisonResult, tenants: usize) -> usize {
    tenants.min((LANES / shown(result).len().max(1)).clamp(3, MOST))
}

/// Height of a policy's block without its strip.
fn block(policy: &PolicyResult, lanes: usize) -> f64 {
    if has_turns(policy) {
        LANE * lanes as f64
    } else {
        LANE
    }
}

pub(super) fn page(result: &ComparisonResult) -> Page {
    let lanes = lanes_of(result, tenants(result).len());
    let blocks: f64 = shown(result)
        .iter()
        .map(|policy| STRIP + block(policy, lanes))
        .sum();
    Page {
        width: WIDTH,
        height: ((HEADING + blocks + 46.0 + MARGIN) as u32).max(240),
    }
}

pub(super) fn draw<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    result: &ComparisonResult,
) -> Drawn<B> {
    let mut tenants = tenants(result);
    let all = tenants.len();
    tenants.truncate(lanes_of(result, all));
    let policies = shown(result);
    let mut more = "first GPU in turns, replication 0".to_owned();
    if all > tenants.len() {
        more.push_str(&format!(", {} of {all} tenants", tenants.len()));
    }
    if result.policies.len() > policies.len() {
        let all = result.policies.len();
        more.push_str(&format!(", {} of {all} policies", policies.len()));
    }
    let title = "Who held the SMs when";
    look::heading(canvas, &result.scenario, &result.plan, title, &more)?;
    let ends = policies.iter().flat_map(|policy| &policy.turns);
    let last = ends.flat_map(|row| &row.turns).map(|turn| turn.1).max();
    let Some(last) = last else {
        let centre = (f64::from(WIDTH) / 2.0, HEADING + 60.0);
        return look::nothing(canvas, centre, "No tenant held the SMs alone.");
    };
    let x = Scale::times(last.min(SHOWN_NS) as f64);
    let (ticks, unit) = x.time_ticks();
    let name = format!("simulated time ({})", unit.unwrap_or("ns"));
    let mut top = HEADING - 8.0;
    let mut joined = None;
    for (n, policy) in policies.iter().enumerate() {
        top += STRIP;
        let panel = Panel {
            left: MARGIN + NAMES,
            top,
            right: f64::from(WIDTH) - MARGIN - 16.0,
            bottom: top + block(policy, tenants.len()),
            x,
            y: Scale::linear(0.0, 1.0),
        };
        let name_of = look::fit(&policy.name, panel.right - panel.left, BODY);
        let style = bold(label(BODY, INK, HPos::Left));
        canvas.text(&name_of, (panel.left, top - 9.0), style)?;
        if n + 1 == policies.len() {
            panel.x_axis(canvas, &ticks, &name, true)?;
        } else {
            for (value, _) in &ticks {
                let x = panel.along(*value);
                canvas.line(&[(x, panel.top), (x, panel.bottom)], 1.0, GRID)?;
            }
        }
        if has_turns(policy) {
            let joined = *joined.get_or_insert_with(|| coarseness(&panel, policies, &tenants));
            lanes(canvas, &panel, policy, &tenants, joined)?;
        } else {
            let at = (panel.left + 6.0, top + LANE / 2.0);
            let text = "no turns: tenants share the SMs, or none had work";
            canvas.text(text, at, label(SMALLER, FAINT_INK, HPos::Left))?;
        }
        top = panel.bottom;
    }
    Ok(())
}

fn lanes<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    panel: &Panel,
    policy: &PolicyResult,
    tenants: &[&str],
    joined: f64,
) -> Drawn<B> {
    for (n, tenant) in tenants.iter().enumerate() {
        let y = panel.top + LANE * (n as f64 + 0.5);
        let name = look::fit(tenant, NAMES - 12.0, SMALLER - 1.0);
        let style = label(SMALLER - 1.0, FAINT_INK, HPos::Right);
        canvas.text(&name, (panel.left - 8.0, y), style)?;
        canvas.line(&[(panel.left, y), (panel.right, y)], 1.0, GRID)?;
        for row in policy.turns.iter().filter(|row| row.tenant == *tenant) {
            for (from, to) in bars(panel, row, joined) {
                let colour = SERIES[n % SERIES.len()];
                canvas.rectangle((from, y - BAR / 2.0), (to, y + BAR / 2.0), colour)?;
            }
        }
    }
    Ok(())
}

/// Less than the finest line of the page.
const JOINED: f64 = 0.2;

/// The gap below which turns are one bar: what does not show, or more where the page would have too many bars.
fn coarseness(panel: &Panel, policies: &[PolicyResult], tenants: &[&str]) -> f64 {
    let mut joined = JOINED;
    loop {
        let rows = policies.iter().flat_map(|policy| &policy.turns);
        let rows = rows.filter(|row| tenants.contains(&row.tenant.as_str()));
        let count: usize = rows.map(|row| bars(panel, row, joined).len()).sum();
        if count <= BARS || joined > panel.right - panel.left {
            return joined;
        }
        joined *= 2.0;
    }
}

/// Left and right ends of a tenant's turns; turns with less than `joined` between them are one bar.
fn bars(panel: &Panel, row: &TurnRow, joined: f64) -> Vec<(f64, f64)> {
    let end = panel.x.high as u64;
    let mut bars: Vec<(f64, f64)> = Vec::new();
    for &(from, until) in row.turns.iter().filter(|turn| turn.0 < end) {
        let (from, to) = (panel.along(from as f64), panel.along(until as f64));
        match bars.last_mut() {
            Some(last) if from - last.1 < joined => last.1 = last.1.max(to),
            _ => bars.push((from, to)),
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_beyond_the_page_are_cut_and_touching_ones_joined() {
        let panel = Panel {
            left: 0.0,
            top: 0.0,
            right: 100.0,
            bottom: 10.0,
            x: Scale::linear(0.0, 100e6),
            y: Scale::linear(0.0, 1.0),
        };
        let row = TurnRow {
            tenant: "a".to_owned(),
            turns: vec![
                (0, 2_000_000),
                (2_000_001, 4_000_000),
                (90_000_000, 120_000_000),
                (130_000_000, 140_000_000),
            ],
        };
        assert_eq!(bars(&panel, &row, JOINED), [(0.0, 4.0), (90.0, 100.0)]);
    }
}
