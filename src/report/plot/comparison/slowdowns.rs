//! Slowdown of each guest: a row for each policy, a dot for each guest, on a logarithmic axis.

use super::groups;
use crate::report::plot::axes::{Panel, Scale};
use crate::report::plot::canvas::{Canvas, Colour, Drawn, Page, text_width};
use crate::report::plot::look::{
    self, BODY, FAINT_INK, GRID, INK, MARGIN, SERIES, SMALLER, Swatch, WHITE, WIDTH, label,
};
use crate::report::table::cut;
use crate::report::units::number;
use crate::result::{ComparisonResult, MemberSlowdown, PolicyResult};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

const ROW: f64 = 40.0;
const RADIUS: f64 = 3.6;
/// Rows and dots that one page shows.
const MOST: usize = 30;
const DOTS: usize = 4_000;
/// Most guest groups that have a colour of their own.
const COLOURS: usize = SERIES.len() - 1;

/// The group of a guest: guests of a group are `name#ordinal`, one that is alone is `name`.
fn group_of(groups: &[&str], member: &MemberSlowdown) -> Option<usize> {
    let name = member.name.rsplit_once('#').map_or("", |(name, _)| name);
    groups
        .iter()
        .position(|group| *group == member.name || *group == name)
}

fn colour(group: Option<usize>) -> Colour {
    let opaque = match group {
        Some(group) if group < COLOURS => SERIES[group],
        _ => SERIES[COLOURS],
    };
    Colour {
        alpha: 0.75,
        ..opaque
    }
}

fn legend<'a>(groups: &[&'a str], overloaded: bool) -> Vec<(Swatch, &'a str)> {
    let shown = groups.iter().take(COLOURS).enumerate();
    let mut entries: Vec<(Swatch, &str)> = shown
        .map(|(n, &name)| (Swatch::Dot(colour(Some(n))), name))
        .collect();
    if groups.len() > COLOURS {
        entries.push((Swatch::Dot(colour(None)), "other guests"));
    }
    entries.push((Swatch::Pointer(INK), "median"));
    if overloaded {
        entries.push((Swatch::Ring(INK), "overloaded: at least"));
    }
    entries
}

/// Whether a guest is overloaded anywhere.
fn any_overloaded(result: &ComparisonResult) -> bool {
    let mut policies = result.policies.iter();
    policies.any(|policy| !policy.overloaded.is_empty())
}

fn start(groups: &[&str], overloaded: bool) -> f64 {
    let names: Vec<&str> = legend(groups, overloaded)
        .iter()
        .map(|entry| entry.1)
        .collect();
    look::below_legend(look::legend_rows(&names)) + 6.0
}

pub(super) fn page(result: &ComparisonResult) -> Page {
    let rows = ROW * result.policies.len().clamp(2, MOST) as f64;
    Page {
        width: WIDTH,
        height: (start(&groups(result), any_overloaded(result)) + rows + 50.0 + MARGIN) as u32,
    }
}

/// The slowdown of a guest.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    slowdown: f64,
    group: Option<usize>,
    /// Only a bound: the guest is overloaded.
    at_least: bool,
}

/// Known slowdowns in rising order, with the guests' groups.
fn known(groups: &[&str], policy: &PolicyResult) -> Vec<Known> {
    let overloaded = |group: Option<usize>| {
        let name = group.and_then(|group| groups.get(group));
        name.is_some_and(|name| policy.overloaded.iter().any(|found| found.guest == *name))
    };
    let mut known: Vec<Known> = policy
        .members
        .iter()
        .filter_map(|member| {
            let slowdown = member.slowdown.filter(|s| s.is_finite() && *s > 0.0)?;
            let group = group_of(groups, member);
            Some(Known {
                slowdown,
                group,
                at_least: overloaded(group),
            })
        })
        .collect();
    known.sort_by(|a, b| a.slowdown.total_cmp(&b.slowdown));
    known
}

/// The middle value, or the mean of the two in the middle.
fn median(sorted: &[Known]) -> Option<f64> {
    let upper = sorted.get(sorted.len() / 2)?.slowdown;
    Some(match sorted.len() % 2 {
        1 => upper,
        _ => (sorted[sorted.len() / 2 - 1].slowdown + upper) / 2.0,
    })
}

/// The figures of a row, at its end.
fn caption(policy: &PolicyResult, known: &[Known]) -> String {
    let missing = policy.members.len() - known.len();
    let mut text = match (median(known), known.last()) {
        (Some(median), Some(worst)) => {
            let bound = if worst.at_least { "≥ " } else { "" };
            format!(
                "median {} · worst {bound}{}",
                number(median),
                number(worst.slowdown)
            )
        }
        _ => "no slowdown is known".to_owned(),
    };
    if missing > 0 && !known.is_empty() {
        text.push_str(&format!(" · {missing} unknown"));
    }
    if !policy.overloaded.is_empty() {
        let names: Vec<&str> = policy
            .overloaded
            .iter()
            .map(|found| found.guest.as_str())
            .collect();
        let names = look::fit(&names.join(", "), 120.0, SMALLER);
        text.push_str(&format!(" · overloaded: {names}"));
    }
    text
}

/// A policy with the slowdown of each guest and the colour of its group.
type Row<'a> = (&'a PolicyResult, Vec<Known>);

pub(super) fn draw<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    result: &ComparisonResult,
) -> Drawn<B> {
    let groups = groups(result);
    let title = "Slowdown of each guest";
    let policies = &result.policies[..result.policies.len().min(MOST)];
    let members = policies.iter().map(|policy| policy.members.len());
    let dots = DOTS / policies.len().max(1);
    let mut more = match members.max() {
        Some(n) if n > dots => format!("a dot is a guest; {dots} of {n}, the rest in members.csv"),
        _ => "a dot is a guest".to_owned(),
    };
    if result.policies.len() > MOST {
        let all = result.policies.len();
        more.push_str(&format!("; first {MOST} of {all} policies"));
    }
    look::heading(canvas, &result.scenario, &result.plan, title, &more)?;
    let rows: Vec<Row<'_>> = policies
        .iter()
        .map(|policy| (policy, known(&groups, policy)))
        .collect();
    let top = start(&groups, any_overloaded(result));
    let bottom = top + ROW * rows.len().max(2) as f64;
    let values = || {
        rows.iter()
            .flat_map(|row| &row.1)
            .map(|known| known.slowdown)
    };
    let least = values().fold(f64::INFINITY, f64::min);
    let most = values().fold(0.0, f64::max);
    if most == 0.0 {
        let centre = (f64::from(WIDTH) / 2.0, (top + bottom) / 2.0);
        return look::nothing(canvas, centre, "The slowdown of no guest is known.");
    }
    look::legend(canvas, &legend(&groups, any_overloaded(result)))?;
    let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0_f64, f64::max);
    let names = rows.iter().map(|row| text_width(&row.0.name, BODY, false));
    let names = widest(&mut names.into_iter()).min(190.0);
    let captions: Vec<String> = rows.iter().map(|row| caption(row.0, &row.1)).collect();
    let after = widest(&mut captions.iter().map(|text| text_width(text, SMALLER, false)));
    let panel = Panel {
        left: MARGIN + names + 12.0,
        top,
        right: f64::from(WIDTH) - MARGIN - after - 14.0,
        bottom,
        // No guest is faster than alone, but for noise: 1 is on the axis.
        x: Scale::log_numbers(least.min(1.0), most),
        y: Scale::linear(0.0, 1.0),
    };
    panel.x_axis(
        canvas,
        &panel.x.number_ticks(),
        "slowdown against the board alone (logarithmic)",
        true,
    )?;
    for (n, ((policy, known), caption)) in rows.iter().zip(&captions).enumerate() {
        let y = top + ROW * (n as f64 + 0.5);
        let name = look::fit(&cut(&policy.name, 28), names, BODY);
        canvas.text(&name, (panel.left - 10.0, y), label(BODY, INK, HPos::Right))?;
        canvas.line(&[(panel.left, y), (panel.right, y)], 1.0, GRID)?;
        for (x, offset, guest) in swarm(&panel, &sample(known, dots)) {
            canvas.disc((x, y + offset), RADIUS, colour(guest.group))?;
            if guest.at_least {
                canvas.disc((x, y + offset), RADIUS - 1.4, WHITE)?;
            }
        }
        if let Some(median) = median(known) {
            let tip = (panel.along(median), y + ROW / 2.0 - 11.0);
            look::pointer(canvas, tip, INK)?;
        }
        let style = label(SMALLER, FAINT_INK, HPos::Right);
        canvas.text(caption, (f64::from(WIDTH) - MARGIN, y), style)?;
    }
    Ok(())
}

/// At most so many of the values, evenly over their ranks, the least and the largest among them.
fn sample<T: Copy>(sorted: &[T], most: usize) -> Vec<T> {
    if sorted.len() <= most || most < 2 {
        return sorted.to_vec();
    }
    let last = sorted.len() - 1;
    let ranks = (0..most).map(|n| n * last / (most - 1));
    ranks.map(|rank| sorted[rank]).collect()
}

/// Places of dots: those that would cover one another move up or down, as far as the row allows.
fn swarm(panel: &Panel, known: &[Known]) -> Vec<(f64, f64, Known)> {
    const STEP: f64 = 3.2;
    const OFFSETS: [f64; 5] = [0.0, -STEP, STEP, -2.0 * STEP, -3.0 * STEP];
    let mut placed: Vec<(f64, f64, Known)> = Vec::new();
    for &guest in known {
        let x = panel.along(guest.slowdown);
        let free = |offset: &f64| {
            placed.iter().rev().take(16).all(|other| {
                let (dx, dy) = (x - other.0, offset - other.1);
                dx * dx + dy * dy >= (1.6 * RADIUS) * (1.6 * RADIUS)
            })
        };
        let offset = OFFSETS.into_iter().find(free).unwrap_or(0.0);
        placed.push((x, offset, guest));
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers_of_guests() {
        let values = |all: &[f64]| -> Vec<Known> {
            let known = |&slowdown| Known {
                slowdown,
                group: None,
                at_least: false,
            };
            all.iter().map(known).collect()
        };
        assert_eq!(median(&[]), None);
        assert_eq!(median(&values(&[1.0, 2.0, 7.0])), Some(2.0));
        assert_eq!(median(&values(&[1.0, 2.0, 4.0, 7.0])), Some(3.0));
    }

    #[test]
    fn a_sample_has_both_ends() {
        let values: Vec<u32> = (0..1000).collect();
        let few = sample(&values, 7);
        assert_eq!((few.len(), few[0], few[6]), (7, 0, 999));
        assert!(few.is_sorted());
        assert_eq!(sample(&values, 1000), values);
    }

    #[test]
    fn guests_have_the_colour_of_their_group() {
        let member = |name: &str| MemberSlowdown {
            name: name.to_owned(),
            slowdown: None,
        };
        let groups = ["desktop", "render"];
        assert_eq!(group_of(&groups, &member("render#3")), Some(1));
        assert_eq!(group_of(&groups, &member("desktop")), Some(0));
        assert_eq!(group_of(&groups, &member("other#0")), None);
    }
}
