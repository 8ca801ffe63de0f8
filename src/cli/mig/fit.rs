//! `warpshare mig fit`: do these instances fit, in this order, and where?

use super::diagram::{self, Files, Row, USED, used};
use super::{Common, Existing, known, requests};
use crate::cli::gpus::{json, or_unknown, render, table, wrap};
use crate::cli::{Failure, MISSED};
use crate::mig::{Fit, Geometry, GpuInstances, NoFit, Placed, Request, START_RULE, fit as try_fit};
use serde::Serialize;
use std::process::ExitCode;

/// Say whether GPU instances fit on a GPU, in this order, and where
///
/// Instances are created one after another, each where the driver would put it or at its @START. If
/// one does not fit, the reason is given, and an order or starts with which all do, if there are any.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare mig fit --gpu a100-sxm4-40gb 3g,2g,1g,1g
  warpshare mig fit --gpu a100-sxm4-40gb 1g,1g,2g,3g
  warpshare mig fit --gpu a100-sxm4-40gb --existing 1g@6 3g 3g
  warpshare mig fit --gpu rtx-pro-6000-blackwell-se 2g+gfx@0 1g+gfx 1g-me --svg layout.svg

Exit codes: 0 they fit; 3 they do not; 2 the request makes no sense (no such GPU or profile).")]
pub(super) struct FitArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    existing: Existing,
    /// Profiles in the order of creation, separated by commas or blanks, each with @START if the
    /// start matters
    #[arg(required = true, value_name = "PROFILE[@START]")]
    profiles: Vec<String>,
    #[command(flatten)]
    files: Files,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    fits: bool,
    requests: Vec<String>,
    existing: Vec<Placed>,
    /// Where the requests go, up to the one that fails.
    placed: Vec<Placed>,
    failure: Option<Failed>,
}

#[derive(Serialize)]
struct Failed {
    /// Counted from 1.
    request: usize,
    reason: String,
    /// Places in the list, counted from 1, in an order that works.
    other_order: Option<Vec<usize>>,
    placed_in_that_order: Option<Vec<Placed>>,
    /// Starts with which the order as given works.
    with_starts: Option<Vec<Placed>>,
}

pub(super) fn fit(args: &FitArgs) -> Result<(String, ExitCode), Failure> {
    let (_, geometry) = args.common.open()?;
    let state = args.existing.on(&geometry)?;
    let list = requests(&args.profiles.join(","))?;
    known(&state, &list)?;
    let answer = try_fit(&state, &list);
    let code = match &answer {
        Fit::Fits(_) => ExitCode::SUCCESS,
        Fit::No(_) => ExitCode::from(MISSED),
    };
    let existing = state.placed();
    let mut rows: Vec<(String, Vec<Placed>)> = Vec::new();
    let mut add = |label: &str, placed: &[Placed]| {
        rows.push((label.to_owned(), [existing.as_slice(), placed].concat()));
    };
    match &answer {
        Fit::Fits(placed) => add("", placed),
        Fit::No(why) => {
            add("as given", &why.placed);
            if let Some(other) = &why.other_order {
                add("reordered", &other.placed);
            }
            if let Some(placed) = &why.with_starts {
                add("with starts", placed);
            }
        }
    }
    let rows: Vec<Row<'_>> = rows
        .iter()
        .map(|(label, instances)| Row {
            label: label.clone(),
            instances,
            remark: used(&geometry, instances),
        })
        .collect();
    let names: Vec<String> = list.iter().map(Request::to_string).collect();
    let verdict = match &answer {
        Fit::Fits(_) => "fit",
        Fit::No(_) => "do not fit",
    };
    let title = format!("{} {verdict}", names.join(", "));
    diagram::write(&args.files, &geometry, title, &rows)?;
    if args.common.json {
        return Ok((json(&machine(&answer, names, existing))?, code));
    }
    let mut text = format!("{} ({})\n", geometry.gpu_name, geometry.gpu_id);
    if !existing.is_empty() {
        wrap(&mut text, "Existing: ", 2, &joined(&existing));
    }
    text.push('\n');
    match &answer {
        Fit::Fits(placed) => yes(&mut text, &geometry, &state, &list, placed),
        Fit::No(why) => no(&mut text, &list, why),
    }
    text.push('\n');
    text.push_str(&diagram::text(&geometry, &rows));
    wrap(&mut text, "", 0, USED);
    if list.iter().any(|request| request.start.is_none()) {
        text.push('\n');
        let lead = format!("Assumption {}: ", START_RULE.key);
        wrap(&mut text, &lead, 2, START_RULE.about);
    }
    Ok((text, code))
}

fn joined(placed: &[Placed]) -> String {
    let items: Vec<String> = placed.iter().map(Placed::to_string).collect();
    items.join(", ")
}

fn yes(
    text: &mut String,
    geometry: &Geometry,
    state: &GpuInstances,
    list: &[Request],
    placed: &[Placed],
) {
    let what = match list.len() {
        1 => "it fits".to_owned(),
        number => format!("all {number} fit, in this order"),
    };
    wrap(text, "", 0, &format!("yes: {what}"));
    text.push('\n');
    let mut rows = table(
        &[
            "Request",
            "Profile",
            "Start",
            "Size",
            "Memory GiB",
            "Memory",
            "Compute",
            "SM",
        ],
        &["Request", "Profile"],
    );
    let mut now = state.clone();
    for (request, place) in list.iter().zip(placed) {
        // It was placed there a moment ago, beside the same instances.
        if now.create(&place.profile, Some(place.start)).is_err() {
            continue;
        }
        let Some(part) = now.partition(place.start) else {
            continue;
        };
        rows.add_row([
            request.to_string(),
            part.profile,
            part.start.to_string(),
            part.size.to_string(),
            or_unknown(part.memory_gib.map(|gib| format!("{gib:.2}"))),
            format!("{}/{}", part.memory_slices, geometry.memory_slices),
            format!("{}/{}", part.compute_slices, geometry.compute_slices),
            or_unknown(part.sm_count),
        ]);
    }
    text.push_str(&render(&rows));
}

fn no(text: &mut String, list: &[Request], why: &NoFit) {
    let which = match list.len() {
        1 => String::new(),
        number => format!("request {} of {number}, ", why.failing + 1),
    };
    let words = format!("{which}`{}`: {}", list[why.failing], why.reason);
    wrap(text, "no: ", 4, &words);
    if !why.placed.is_empty() {
        wrap(text, "  before it: ", 4, &joined(&why.placed));
    }
    match &why.other_order {
        Some(other) => {
            let names = other.order.iter().map(|&at| list[at].to_string());
            let names: Vec<String> = names.collect();
            let words = format!("{}, as {}", names.join(", "), joined(&other.placed));
            wrap(text, "  this order fits: ", 4, &words);
        }
        None if list.len() == 1 => {}
        None => wrap(text, "  other orders: ", 4, "none fits"),
    }
    match &why.with_starts {
        Some(placed) => wrap(text, "  with starts this order fits: ", 4, &joined(placed)),
        None if list.len() == 1 => {}
        None => wrap(text, "  starts: ", 4, "no choice of starts helps"),
    }
}

fn machine(answer: &Fit, requests: Vec<String>, existing: Vec<Placed>) -> Answer {
    let (fits, placed, failure) = match answer {
        Fit::Fits(placed) => (true, placed.clone(), None),
        Fit::No(why) => {
            let other = why.other_order.as_ref();
            let failed = Failed {
                request: why.failing + 1,
                reason: why.reason.to_string(),
                other_order: other.map(|o| o.order.iter().map(|at| at + 1).collect()),
                placed_in_that_order: other.map(|o| o.placed.clone()),
                with_starts: why.with_starts.clone(),
            };
            (false, why.placed.clone(), Some(failed))
        }
    };
    Answer {
        fits,
        requests,
        existing,
        placed,
        failure,
    }
}
