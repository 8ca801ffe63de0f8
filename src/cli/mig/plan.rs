//! `warpshare mig plan`: from the instances that exist to those that are wanted.

use super::diagram::{self, Files, Row, USED, used};
use super::{Common, Existing, known, requests};
use crate::cli::gpus::{json, render, table, wrap};
use crate::cli::{Failure, MISSED};
use crate::mig::{
    Durations, INSTANCE_CREATE, Placed, Plan, Refusal, START_RULE, plan as make_plan,
};
use serde::Serialize;
use std::process::ExitCode;

/// Plan how to get from the existing GPU instances to the wanted ones
///
/// Instances that are wanted stay; idle ones that are not are destroyed; nothing moves. What is in
/// use is never touched: steps that would are listed as blocked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare mig plan --gpu a100-sxm4-40gb --existing 3g@4,1g@0,1g@1 3g,2g,2g
  warpshare mig plan --gpu a100-sxm4-40gb --existing 3g@4,3g@0 --in-use 4 4g,3g

Exit codes: 0 the plan reaches what is wanted; 3 steps are blocked; 2 the request makes no sense.")]
pub(super) struct PlanArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    existing: Existing,
    /// Starts of existing instances that clients hold: 4,0
    #[arg(long, value_name = "STARTS", value_delimiter = ',')]
    in_use: Vec<u32>,
    /// Wanted profiles, separated by commas or blanks, each with @START if the start matters
    #[arg(required = true, value_name = "PROFILE[@START]")]
    profiles: Vec<String>,
    /// Time of each step, ms, instead of the assumed ones
    #[arg(long, value_name = "MS")]
    step_ms: Option<u32>,
    #[command(flatten)]
    files: Files,
}

#[derive(Serialize)]
struct Answer {
    complete: bool,
    kept: Vec<Placed>,
    steps: Vec<Listed>,
    takes_ns: u64,
    after: Vec<Placed>,
}

#[derive(Serialize)]
struct Listed {
    action: String,
    at_ns: u64,
    takes_ns: u64,
    blocked: Option<String>,
}

pub(super) fn plan(args: &PlanArgs) -> Result<(String, ExitCode), Failure> {
    let (_, geometry) = args.common.open()?;
    let mut state = args.existing.on(&geometry)?;
    let wrong = |refusal: Refusal| Failure::BadInput(format!("error: {refusal}"));
    // Each existing instance has its default compute instance, as `-C` makes it.
    for placed in state.placed() {
        state.create_compute(placed.start, None).map_err(wrong)?;
    }
    for &start in &args.in_use {
        let in_use = |r: Refusal| Failure::BadInput(format!("error: --in-use: {r}"));
        state.attach(start, 0).map_err(in_use)?;
    }
    let list = requests(&args.profiles.join(","))?;
    known(&state, &list)?;
    let mut durations = Durations::default();
    if let Some(ms) = args.step_ms {
        let ns = u64::from(ms) * 1_000_000;
        durations = Durations {
            instance_create_ns: ns,
            instance_destroy_ns: ns,
            compute_create_ns: ns,
            compute_destroy_ns: ns,
        };
    }
    let plan = make_plan(&state, &list, durations).map_err(wrong)?;
    let code = match plan.complete() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(MISSED),
    };
    let (before, after) = (state.placed(), plan.after.placed());
    let rows: Vec<Row<'_>> = [("before", &before), ("after", &after)]
        .into_iter()
        .map(|(label, instances)| Row {
            label: label.to_owned(),
            instances,
            remark: used(&geometry, instances),
        })
        .collect();
    let title = "MIG reconfiguration".to_owned();
    diagram::write(&args.files, &geometry, title, &rows)?;
    if args.common.json {
        return Ok((json(&machine(&plan))?, code));
    }
    let mut text = format!("{} ({})\n\n", geometry.gpu_name, geometry.gpu_id);
    let verdict = if plan.complete() {
        "yes: the plan reaches what is wanted"
    } else {
        "no: steps are blocked"
    };
    wrap(&mut text, "", 0, verdict);
    if !plan.kept.is_empty() {
        let kept: Vec<String> = plan.kept.iter().map(Placed::to_string).collect();
        wrap(&mut text, "Untouched: ", 2, &kept.join(", "));
    }
    text.push('\n');
    if plan.steps.is_empty() {
        text.push_str("Nothing is to be done.\n");
    } else {
        text.push_str(&steps(&plan));
    }
    for step in &plan.steps {
        if let Some(refusal) = &step.blocked {
            let lead = format!("blocked: {}: ", step.action);
            wrap(&mut text, &lead, 2, &refusal.to_string());
        }
    }
    text.push('\n');
    text.push_str(&diagram::text(&geometry, &rows));
    wrap(&mut text, "", 0, USED);
    text.push('\n');
    if args.step_ms.is_none() {
        let lead = format!("Assumption {} and its like: ", INSTANCE_CREATE.key);
        let words = format!(
            "{} a step. {}",
            INSTANCE_CREATE.default, INSTANCE_CREATE.evidence
        );
        wrap(&mut text, &lead, 2, &words);
    }
    let lead = format!("Assumption {}: ", START_RULE.key);
    wrap(&mut text, &lead, 2, START_RULE.about);
    Ok((text, code))
}

fn steps(plan: &Plan) -> String {
    let mut rows = table(&["At ms", "Step", "Takes ms"], &["Step"]);
    let ms = |ns: u64| (ns / 1_000_000).to_string();
    for step in &plan.steps {
        let takes = match step.blocked {
            Some(_) => "blocked".to_owned(),
            None => ms(step.takes_ns),
        };
        rows.add_row([ms(step.at_ns), step.action.to_string(), takes]);
    }
    rows.add_row([ms(plan.takes_ns), "end".to_owned(), String::new()]);
    render(&rows)
}

fn machine(plan: &Plan) -> Answer {
    let steps = plan.steps.iter().map(|step| Listed {
        action: step.action.to_string(),
        at_ns: step.at_ns,
        takes_ns: step.takes_ns,
        blocked: step.blocked.as_ref().map(ToString::to_string),
    });
    Answer {
        complete: plan.complete(),
        kept: plan.kept.clone(),
        steps: steps.collect(),
        takes_ns: plan.takes_ns,
        after: plan.after.placed(),
    }
}
