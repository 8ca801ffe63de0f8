//! `warpshare validate`: checks scenario files without running them.

use super::{Failure, note, print};
use crate::diagnostics::Diagnostics;
use crate::engine::time::Nanos;
use crate::scenario::{self, Horizon, Overrides, Scenario};
use std::path::PathBuf;
use std::process::ExitCode;

/// Check scenario files without running them; all mistakes are reported at once.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// File with boards and vGPU types of your own, besides those that the scenarios name.
    #[arg(long, value_name = "FILE")]
    boards: Option<PathBuf>,
    /// A value in place of each scenario's, such as run.duration=10s; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Checks each file. Findings go to stderr, one line about each sound file to stdout.
///
/// # Errors
///
/// [`Failure::BadInput`] with all findings if any file has an error; [`Failure::Running`] if stdout
/// cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let overrides = Overrides {
        boards: args.boards.clone(),
        set: args.set.clone(),
        ..Overrides::default()
    };
    let mut errors = Diagnostics::default();
    for path in &args.files {
        match scenario::load(path, &overrides) {
            Ok(loaded) => {
                if !loaded.warnings.is_empty() {
                    note(&Diagnostics(loaded.warnings).render());
                }
                for notice in &loaded.scenario.notices {
                    note(&format!("notice: {notice}"));
                }
                print(&format!(
                    "{}: ok ({})\n",
                    path.display(),
                    summary(&loaded.scenario)
                ))?;
            }
            Err(findings) => errors.0.extend(findings),
        }
    }
    if errors.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let number = errors
        .iter()
        .filter(|d| d.severity == crate::diagnostics::Severity::Error)
        .count();
    let ending = if number == 1 { "" } else { "s" };
    Err(Failure::BadInput(format!(
        "{}\n{number} error{ending}",
        errors.render()
    )))
}

/// Such as `1 GPU, 4 guests, steady 6s + 30s x 5`.
fn summary(scenario: &Scenario) -> String {
    let counted = |number: u64, one: &str| match number {
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    };
    let guests = scenario.guests.iter().map(|g| u64::from(g.count)).sum();
    let horizon = match scenario.run.horizon {
        Horizon::Steady => "steady",
        Horizon::Terminating => "terminating",
    };
    let text = |nanos: Nanos| scenario::units::write_nanos(nanos as f64);
    let mut summary = format!(
        "{}, {}, {horizon}, warm-up {}, window {}, {}",
        counted(scenario.gpus.len() as u64, "GPU"),
        counted(guests, "guest"),
        text(scenario.run.warmup),
        text(scenario.run.window),
        counted(u64::from(scenario.run.replications), "replication"),
    );
    // A trace that lost rows shows in their number.
    for value in &scenario.resolved {
        if value.path.ends_with(".arrivals.file") {
            summary.push_str(", ");
            summary.push_str(&value.value);
        }
    }
    summary
}
