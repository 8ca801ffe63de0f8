//! `warpshare workload`: the built-in workloads, how each does alone on a board, and workloads from logs.

mod alone;
mod from;

use super::gpus::{gpu, json, load, render, table, wrap};
use super::{Failure, note, print};
use crate::diagnostics::nearest;
use crate::scenario::preset::{self, Preset};
use std::path::PathBuf;
use std::process::ExitCode;

/// Built-in workloads: list them, show one, run one alone on a board; or make one from a log.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the built-in workloads
    List {
        /// Only workloads of this kind: inference, llm, training, desktop, video or hpc
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a workload does, where its numbers come from and what is assumed
    #[command(after_help = "\
Examples:
  warpshare workload show resnet50-infer
  warpshare workload show llama-2-7b-chat > chat.toml")]
    Show {
        /// Name, as listed
        name: String,
    },
    /// Make a workload from a log of a measured desktop
    ///
    /// Reads PresentMon's CSV, what `nvidia-smi vgpu -u`, `dmon` and `pmon` print, or the utilisation of any
    /// other CSV file. Prints the table of a scenario, which says what the log cannot tell, and writes the
    /// CSV file that it replays.
    #[command(after_help = "\
Examples:
  warpshare workload from frames.csv --of sldworks.exe --on a40 --trace cad.csv > cad.toml
  warpshare workload from vgpu.log --of \"gpu 0 vgpu 3251634213\" --rate 30/s --trace user.csv > user.toml")]
    From(from::Args),
    /// Run a workload alone on a whole board: latency, capacity, and what limits it
    ///
    /// Two runs with 3 replications: with the load of the workload itself, and with users who
    /// never pause, as many as keep it busy.
    #[command(after_help = "\
Examples:
  warpshare workload run resnet50-infer --on a40
  warpshare workload run llama-2-13b-chat --on a100-sxm4-80gb --json")]
    Run {
        /// Name, as listed
        name: String,
        /// Identifier of the board, as listed by `warpshare gpus`
        #[arg(long, value_name = "GPU")]
        on: String,
        /// Master seed
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// Add the boards of this TOML file to the catalogue
        #[arg(long, value_name = "FILE")]
        boards: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// No progress
        #[arg(long)]
        quiet: bool,
    },
}

/// Prints what the arguments ask for.
///
/// # Errors
///
/// [`Failure::BadInput`] for an unknown workload, kind or board, or one that cannot run on that board;
/// [`Failure::Running`] if a run fails or stdout cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    match &args.action {
        Action::List { kind, json } => list(kind.as_deref(), *json)?,
        Action::From(args) => from::run(args, &load(None)?)?,
        Action::Show { name } => print(&shown(&find(name)?))?,
        Action::Run {
            name,
            on,
            seed,
            boards,
            json,
            quiet,
        } => {
            let preset = find(name)?;
            let catalog = load(boards.as_deref())?;
            let on = &gpu(&catalog, on)?.id;
            let found = alone::run(&preset, on, *seed, boards.as_deref(), *quiet)?;
            print(&if *json { found.json()? } else { found.text() })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn presets() -> Result<Vec<Preset>, Failure> {
    preset::all().map_err(|error| Failure::Running(format!("error: {error}")))
}

/// The built-in workload of this name.
pub(super) fn find(name: &str) -> Result<Preset, Failure> {
    let all = presets()?;
    let known = all.iter().find(|preset| preset.name == name).cloned();
    known.ok_or_else(|| {
        let help = match nearest(name, preset::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`warpshare workload list` shows all of them".to_owned(),
        };
        Failure::BadInput(format!(
            "error: no workload `{name}` is built in\n = help: {help}"
        ))
    })
}

fn list(kind: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let mut all = presets()?;
    if let Some(kind) = kind {
        let kinds: Vec<String> = all.iter().map(|preset| preset.kind.clone()).collect();
        all.retain(|preset| preset.kind == kind);
        if all.is_empty() {
            let mut kinds = kinds;
            kinds.sort_unstable();
            kinds.dedup();
            let help = format!("the kinds are {}", kinds.join(", "));
            return Err(Failure::BadInput(format!(
                "error: there is no kind `{kind}`\n = help: {help}"
            )));
        }
    }
    if as_json {
        let rows: Vec<_> = all
            .iter()
            .map(|preset| {
                serde_json::json!({
                    "name": preset.name,
                    "kind": preset.kind,
                    "about": preset.about,
                    "sources": preset.sources,
                    "assumptions": preset.assumptions,
                })
            })
            .collect();
        return print(&json(&rows)?);
    }
    let mut rows = table(
        &["Name", "Kind", "What it does"],
        &["Name", "Kind", "What it does"],
    );
    for preset in &all {
        rows.add_row([preset.name, &preset.kind, &preset.about]);
    }
    print(&render(&rows))?;
    note(
        "Take one in a scenario with [workloads.NAME] preset = \"…\"; `warpshare workload show NAME` has its numbers.",
    );
    Ok(())
}

/// The preset as a part of a scenario, with its sources and assumptions as comments.
fn shown(preset: &Preset) -> String {
    let mut text = String::new();
    let mut comment = |lead: &str, what: &str| {
        let mut lines = String::new();
        wrap(&mut lines, lead, lead.len(), what);
        for line in lines.lines() {
            text.push_str(&format!("# {line}\n"));
        }
    };
    comment("", &preset.about);
    for source in &preset.sources {
        comment("source: ", source);
    }
    for assumption in &preset.assumptions {
        comment("assumption: ", assumption);
    }
    let name = preset.name;
    text.push_str(&format!(
        "#\n# In a scenario: [workloads.{name}] with preset = \"{name}\", or all of this:\n\n[workloads.{name}]\n"
    ));
    let body = preset.workload();
    text.push_str(&body.replace("[workload.", &format!("[workloads.{name}.")));
    text
}
