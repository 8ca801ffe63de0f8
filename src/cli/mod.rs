//! The command line: one file a subcommand.
//!
//! Every subcommand has `Args` (what it accepts) and
//! `execute(&Args) -> Result<ExitCode, Failure>` (what it does). Data go to stdout through
//! [`print`], everything else to stderr through `note`; neither panics when the reader has gone.

mod calibrate;
mod check;
mod compare;
mod explain;
mod figures;
mod gpus;
mod import;
mod interrupt;
mod mig;
mod new;
mod progress;
mod run;
mod schema;
mod simulation;
mod validate;
mod vgpu;
mod workload;

use crate::report::folder::{FolderError, Staging};
use clap::{Parser, Subcommand};
use interrupt::Interrupt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Exit code for input that is not valid.
const BAD_INPUT: u8 = 2;
/// Exit code for an objective that is missed, a drift from a baseline, or what does not fit.
const MISSED: u8 = 3;
/// Exit code for a question that the replications do not decide.
const UNDECIDED: u8 = 4;
/// Exit code for work that could not be finished.
const FAILED: u8 = 1;
/// Exit code after Ctrl-C: 128 + SIGINT, as shells report it.
const INTERRUPTED: u8 = 130;

/// Why a command did not do what was asked. Messages are complete: nothing is added when printed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something went wrong while running: exit code 1.
    #[error("{0}")]
    Running(String),
    /// The input is not valid; the text holds all findings, ready to print: exit code 2.
    #[error("{0}")]
    BadInput(String),
    /// Ctrl-C: exit code 130.
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// The exit code that stands for this kind of failure.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Running(_) => FAILED,
            Failure::BadInput(_) => BAD_INPUT,
            Failure::Interrupted => INTERRUPTED,
        }
    }
}

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed while running, or an invariant check of the run failed
  2    bad input (command line, scenario, catalogue, target folder)
  3    drifted from a baseline, an objective missed, or what was asked for does not fit
  4    undecided
  130  interrupted (Ctrl-C)

Data go to stdout, everything else to stderr.";

/// Simulates how a physical GPU is shared: same input, same bytes.
#[derive(Debug, Parser)]
#[command(name = "warpshare", version, about, max_term_width = 100)]
#[command(after_help = EXIT_CODES, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Compare(compare::Args),
    Check(check::Args),
    New(new::Args),
    Validate(validate::Args),
    Schema(schema::Args),
    Explain(explain::Args),
    Gpus(gpus::Args),
    Vgpu(vgpu::Args),
    Mig(mig::Args),
    Calibrate(calibrate::Args),
    Workload(workload::Args),
    Import(import::Args),
}

/// The whole program: reads the command line, does what it asks, and returns the exit code.
pub fn main() -> ExitCode {
    Cli::parse().execute()
}

impl Cli {
    /// Does what the command line asks; failures are already printed when this returns.
    pub fn execute(&self) -> ExitCode {
        let outcome: Result<ExitCode, Failure> = match &self.command {
            Command::Run(args) => run::execute(args),
            Command::Compare(args) => compare::execute(args),
            Command::Check(args) => check::execute(args),
            Command::New(args) => new::execute(args),
            Command::Validate(args) => validate::execute(args),
            Command::Schema(args) => schema::execute(args),
            Command::Explain(args) => explain::execute(args),
            Command::Gpus(args) => gpus::execute(args),
            Command::Vgpu(args) => vgpu::execute(args),
            Command::Mig(args) => mig::execute(args),
            Command::Calibrate(args) => calibrate::execute(args),
            Command::Workload(args) => workload::execute(args),
            Command::Import(args) => import::execute(args),
        };
        outcome.unwrap_or_else(|failure| {
            note(&failure.to_string());
            ExitCode::from(failure.exit_code())
        })
    }
}

/// Writes data to stdout. A reader that has gone (`warpshare … | head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Running(format!(
            "error: cannot write to stdout: {error}"
        ))),
        _ => Ok(()),
    }
}

/// A results folder: `write` fills it, and it appears complete or not at all.
fn published(
    target: &Path,
    interrupt: &Interrupt,
    write: impl FnOnce(&Staging) -> Result<(), FolderError>,
) -> Result<(), Failure> {
    let failure = |error: FolderError| match error {
        FolderError::Target { .. } => Failure::BadInput(error.to_string()),
        FolderError::Io { .. } | FolderError::View { .. } => Failure::Running(error.to_string()),
    };
    let staging = Staging::new(target).map_err(failure)?;
    interrupt.guard(staging.path());
    let written = write(&staging);
    interrupt.finish(|| written.and_then(|()| staging.publish()).map_err(failure))
}

/// Writes a message to stderr, with a line end. When stderr itself is gone there is nobody left to
/// tell, so a failure to write is ignored on purpose.
pub(crate) fn note(text: &str) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{}", text.trim_end_matches('\n'));
}
