//! `warpshare run`: one scenario to a summary and a results folder.

use super::interrupt::Interrupt;
use super::simulation::{Simulation, invariants_hold};
use super::{Failure, figures, note, print, published};
use crate::experiment::RunError;
use crate::report::figures::Figures;
use crate::report::folder;
use crate::report::to_text;
use crate::result::{ObjectiveVerdict, RunResult};
use crate::scenario::{self, Scenario};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tempfile::TempDir;

const AFTER_HELP: &str = "\
Examples:
  warpshare run scenarios/quickstart.toml
  warpshare run scenarios/quickstart.toml --seed 7 --replications 30 --out results/seed-7
  warpshare run scenarios/quickstart.toml --explain --quiet
  warpshare run mine.toml --enforce

The summary goes to stdout, everything else to stderr. An existing results folder is replaced; a
folder that warpshare did not write is never touched.

Exit codes:
  0    done
  1    failed while running, or an invariant check of the run failed
  2    bad input (command line, scenario, catalogue, target folder)
  3    with --enforce: an objective is missed
  4    with --enforce: an objective is undecided
  130  interrupted (Ctrl-C); no half-written folder remains, and with --store nothing is lost";

/// Simulates a scenario; prints a summary and writes a results folder.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Scenario file (TOML).
    scenario: PathBuf,
    /// Folder for the results [default: results/NAME, with the scenario's name].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also write one row for each job to this CSV file; an existing file is replaced.
    #[arg(long, value_name = "FILE")]
    records: Option<PathBuf>,
    /// Print nothing but errors: no summary, warnings or progress.
    #[arg(long)]
    quiet: bool,
    /// End with exit code 3 if an objective of the scenario is missed, 4 if one is undecided.
    #[arg(long)]
    enforce: bool,
    /// First print every resolved value and where it comes from (also with --quiet).
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    figures: figures::Wanted,
    #[command(flatten)]
    simulation: Simulation,
}

/// Runs the command.
///
/// # Errors
///
/// Bad input before anything is simulated; failures to run or to write afterwards.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let scenario = args.simulation.load(&args.scenario, args.quiet)?;
    if args.enforce && scenario.objectives.is_empty() {
        return Err(Failure::BadInput(format!(
            "error: --enforce: {} has no objectives\n  help: add some to a guest, such as \
             objectives = [\"p95 < 50ms\"], or to [run], such as objectives = [\"jain >= 0.9\"]",
            args.scenario.display()
        )));
    }
    let target = match &args.out {
        Some(folder) => folder.clone(),
        None => Path::new("results").join(&scenario.name),
    };
    folder::check_target(&target).map_err(|error| Failure::BadInput(error.to_string()))?;
    args.simulation.keep_apart(&target)?;
    if args.explain {
        print(&format!("{}\n", scenario::explain::explain(&scenario)))?;
    }
    let interrupt = Interrupt::install()?;
    let result = simulate(args, &scenario, &interrupt)?;
    let figures = Figures::of_run(&result, args.figures.forms(&scenario, args.quiet));
    published(&target, &interrupt, |staging| {
        staging.write(&result, &figures)
    })?;
    figures::draw(&figures, &target, &interrupt);
    if !args.quiet {
        print(&to_text(&result))?;
        note(&format!("results in {}", target.display()));
    }
    // The results of a broken run are kept for the report of the bug.
    Ok(match (invariants_hold(&result), args.enforce) {
        (false, _) => ExitCode::from(super::FAILED),
        (true, true) => enforced(&result),
        (true, false) => ExitCode::SUCCESS,
    })
}

/// The exit code of a run whose objectives count.
fn enforced(result: &RunResult) -> ExitCode {
    let any = |verdict| result.objectives.iter().any(|o| o.verdict == verdict);
    if any(ObjectiveVerdict::Fail) {
        ExitCode::from(super::MISSED)
    } else if any(ObjectiveVerdict::Undecided) {
        ExitCode::from(super::UNDECIDED)
    } else {
        ExitCode::SUCCESS
    }
}

fn simulate(args: &Args, scenario: &Scenario, interrupt: &Interrupt) -> Result<RunResult, Failure> {
    let records = match &args.records {
        Some(file) => Some(Records::prepare(file, interrupt)?),
        None => None,
    };
    let file = records.as_ref().map(Records::working_file);
    let outcome = args.simulation.run(scenario, file, args.quiet);
    // Whatever the outcome: an interrupt that came first has the last word.
    interrupt.finish(|| {
        let result = outcome.map_err(|error| run_failure(&error, args.records.as_deref()))?;
        if let Some(records) = records {
            records.publish()?;
        }
        Ok(result)
    })
}

/// The file of job records, made in a folder of its own that an interrupt removes.
struct Records {
    folder: TempDir,
    target: PathBuf,
}

impl Records {
    fn prepare(target: &Path, interrupt: &Interrupt) -> Result<Records, Failure> {
        if target.is_dir() || target.file_name().is_none() {
            return Err(Failure::BadInput(format!(
                "error: --records {}: not the name of a file",
                target.display()
            )));
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let folder = fs::create_dir_all(parent)
            .and_then(|()| {
                tempfile::Builder::new()
                    .prefix(".warpshare-records-")
                    .tempdir_in(parent)
            })
            .map_err(|error| {
                Failure::BadInput(format!("error: --records {}: {error}", target.display()))
            })?;
        interrupt.guard(folder.path());
        Ok(Records {
            folder,
            target: target.to_owned(),
        })
    }

    fn working_file(&self) -> PathBuf {
        self.folder.path().join("records.csv")
    }

    fn publish(self) -> Result<(), Failure> {
        fs::rename(self.working_file(), &self.target).map_err(|error| {
            Failure::Running(format!(
                "error: cannot write {}: {error}",
                self.target.display()
            ))
        })
    }
}

/// Messages name the records file as the user did.
fn run_failure(error: &RunError, records: Option<&Path>) -> Failure {
    match (error, records) {
        (RunError::Records { source, .. }, Some(file)) => {
            Failure::Running(format!("error: cannot write {}: {source}", file.display()))
        }
        (RunError::Store { .. }, _) => Failure::BadInput(format!("error: {error}")),
        _ => Failure::Running(format!("error: {error}")),
    }
}
