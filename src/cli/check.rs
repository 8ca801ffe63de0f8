//! `warpshare check`: scenarios against their committed baselines.

mod table;

use super::interrupt::Interrupt;
use super::simulation::{Simulation, invariants_hold};
use super::{Failure, note, print};
use crate::check::{
    Baseline, Comparison, ReadError, Tolerance, Tolerances, Values, compare, junit, values,
};
use crate::scenario::Scenario;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Examples:
  warpshare check scenarios/*.toml
  warpshare check scenarios/*.toml --update
  warpshare check my.toml --baseline ci/my.json --junit check.xml
  warpshare check my.toml --tolerance 'guests.*.response.*=0.5%' --tolerance '*.half_width=ignore'

Shown is what moved, on stdout; with --quiet, only of scenarios that drifted. `*` in a pattern
stands for any text; of patterns that match, the one with the most other characters decides. The
hash of the whole result counts where no metric moved. docs/check.md explains the file and the use
in CI.

Exit codes:
  0    all are the same or within tolerance; with --update: the baselines are written
  1    failed while running or writing, or an invariant check of a run failed
  2    bad input (command line, scenario, catalogue; a baseline that is missing or cannot be read)
  3    a scenario drifted from its baseline
  130  interrupted (Ctrl-C); no half-written file remains";

/// Compares scenarios with their committed baselines: a gate for CI.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Scenario files (TOML).
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    /// Baseline of one scenario (a name that ends in .json), or the folder of the baselines, each
    /// with its scenario's name.
    #[arg(long, value_name = "FILE|DIR", default_value = "results/baselines")]
    baseline: PathBuf,
    /// Write the baselines anew, and say what changed; their tolerances stay.
    #[arg(long, conflicts_with = "junit")]
    update: bool,
    /// How far metrics may move: a percentage of the baseline, or ignore; may be repeated. Goes before
    /// the baseline's own for the same pattern; with --update it is kept there.
    #[arg(long, value_name = "PATTERN=PERCENT%|ignore", value_parser = tolerance)]
    tolerance: Vec<(String, Tolerance)>,
    /// Also write the outcome to this file as JUnit XML, for CI systems; an existing file is replaced.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print nothing but errors and drifts: nothing of scenarios that are the same, no warnings or
    /// progress.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    simulation: Simulation,
}

fn tolerance(text: &str) -> Result<(String, Tolerance), String> {
    match text.rsplit_once('=') {
        Some((pattern, tolerance)) if !pattern.is_empty() => {
            Ok((pattern.to_owned(), tolerance.parse()?))
        }
        _ => Err("write PATTERN=TOLERANCE, such as guests.*.response.*=0.5%".to_owned()),
    }
}

/// A scenario and what it is compared with.
struct Case {
    scenario: Scenario,
    file: PathBuf,
    /// `None` only where it is to be written for the first time, or anew in place of a damaged one.
    before: Option<Values>,
    tolerances: Tolerances,
}

/// Runs the command.
///
/// # Errors
///
/// All bad input before anything is simulated; failures to run or to write afterwards.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let cases = prepare(args)?;
    let interrupt = Interrupt::install()?;
    let mut sound = true;
    let mut outcomes: Vec<(&str, Comparison)> = Vec::new();
    for case in &cases {
        let run = args.simulation.run(&case.scenario, None, args.quiet);
        let result = run.map_err(|error| Failure::Running(format!("error: {error}")))?;
        let holds = invariants_hold(&result);
        sound &= holds;
        let now = values(&result).map_err(unwritable)?;
        let before = case.before.as_ref().unwrap_or(&now);
        let comparison = compare(before, &now, &case.tolerances);
        if !args.update {
            tell(args, case, &comparison)?;
        } else if holds {
            let written = update(case, &now, &interrupt)?;
            if !args.quiet {
                let moved = table::movements(&comparison);
                print(&format!("{}: {written}\n{moved}", case.scenario.name))?;
            }
        }
        outcomes.push((&case.scenario.name, comparison));
    }
    warn_of_unused(args, &cases, &outcomes);
    if let Some(file) = &args.junit {
        let scenarios: Vec<_> = outcomes
            .iter()
            .map(|(name, found)| (*name, found))
            .collect();
        let xml = junit::to_junit(&scenarios)
            .map_err(|error| Failure::Running(format!("error: {}: {error}", file.display())))?;
        interrupt.finish(|| write_whole(file, &xml))?;
    }
    if !sound {
        return Ok(ExitCode::from(super::FAILED));
    }
    if args.update || !outcomes.iter().any(|(_, found)| found.drifted()) {
        return Ok(ExitCode::SUCCESS);
    }
    note("help: where the change is meant, the same command with --update accepts it");
    Ok(ExitCode::from(super::MISSED))
}

/// Reads scenarios and baselines; every mistake is reported at once.
fn prepare(args: &Args) -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    let mut mistakes = Vec::new();
    let mut files = BTreeSet::new();
    for path in &args.scenarios {
        let prepared = args.simulation.load(path, args.quiet).and_then(|scenario| {
            let file = baseline_file(args, &scenario.name)?;
            if !files.insert(file.clone()) {
                let what = format!("{}: a second scenario of this name", path.display());
                return Err(bad(
                    &what,
                    "check it by itself, with a --baseline of its own",
                ));
            }
            case(args, scenario, file)
        });
        match prepared {
            Ok(case) => cases.push(case),
            Err(Failure::BadInput(text)) => mistakes.push(text),
            Err(other) => return Err(other),
        }
    }
    if let Some(file) = &args.junit
        && (file.is_dir() || file.file_name().is_none())
    {
        let what = format!("--junit {}: not the name of a file", file.display());
        mistakes.push(bad(&what, "such as check.xml").to_string());
    }
    if mistakes.is_empty() {
        Ok(cases)
    } else {
        Err(Failure::BadInput(mistakes.join("\n")))
    }
}

fn bad(what: &str, help: &str) -> Failure {
    Failure::BadInput(format!("error: {what}\n  help: {help}"))
}

fn baseline_file(args: &Args, name: &str) -> Result<PathBuf, Failure> {
    let path = &args.baseline;
    let shown = format!("--baseline {}", path.display());
    if path.is_dir() || path.extension().is_none_or(|ending| ending != "json") {
        if path.exists() && !path.is_dir() {
            let help = "name a folder, or a file whose name ends in .json";
            return Err(bad(&format!("{shown}: not a folder"), help));
        }
        return Ok(path.join(format!("{name}.json")));
    }
    if args.scenarios.len() > 1 {
        let help = "name the folder of their baselines";
        return Err(bad(
            &format!("{shown}: one file for several scenarios"),
            help,
        ));
    }
    Ok(path.clone())
}

fn case(args: &Args, scenario: Scenario, file: PathBuf) -> Result<Case, Failure> {
    let shown = file.display();
    let anew = "the same command with --update writes it";
    let baseline = match fs::read_to_string(&file) {
        Ok(text) => match Baseline::from_text(&text) {
            Ok(baseline) if baseline.scenario != scenario.name => {
                let what = format!("{shown}: the baseline of `{}`", baseline.scenario);
                let help = format!("this scenario is `{}`: name another file", scenario.name);
                return Err(bad(&what, &help));
            }
            Ok(baseline) => Some(baseline),
            Err(error @ ReadError::Foreign) => {
                let help = "name another file with --baseline, or remove this one yourself";
                return Err(bad(&format!("{shown}: {error}"), help));
            }
            Err(error) if args.update => {
                note(&format!(
                    "warning: {shown}: {error}; its tolerances, if it had any, are lost"
                ));
                None
            }
            Err(error) => return Err(bad(&format!("{shown}: {error}"), anew)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !args.update {
                let what = format!("{shown}: there is no baseline of `{}`", scenario.name);
                return Err(bad(&what, anew));
            }
            None
        }
        Err(error) => {
            let help = "a baseline is a file that --update writes";
            return Err(bad(&format!("{shown}: {error}"), help));
        }
    };
    let (mut tolerances, before) = match baseline {
        Some(baseline) => (baseline.tolerances, Some(baseline.metrics)),
        None => (Tolerances::default(), None),
    };
    tolerances.0.extend(args.tolerance.iter().cloned());
    Ok(Case {
        scenario,
        file,
        before,
        tolerances,
    })
}

/// Says how a scenario compares.
fn tell(args: &Args, case: &Case, comparison: &Comparison) -> Result<(), Failure> {
    if args.quiet && !comparison.drifted() {
        return Ok(());
    }
    let outcome = if comparison.drifted() {
        "drifted from"
    } else if comparison.moved.is_empty() {
        "same as"
    } else {
        "within tolerance of"
    };
    print(&format!(
        "{}: {outcome} {} ({} metrics)\n{}",
        case.scenario.name,
        case.file.display(),
        comparison.compared.len(),
        table::movements(comparison)
    ))
}

/// Writes a baseline if that changes a byte, and says so.
fn update(case: &Case, now: &Values, interrupt: &Interrupt) -> Result<String, Failure> {
    let tolerances = case.tolerances.clone();
    let baseline = Baseline::new(&case.scenario.name, tolerances, now.clone());
    let text = baseline.to_text().map_err(unwritable)?;
    let shown = case.file.display();
    // A file that cannot be read as text is not what is to be written.
    if fs::read_to_string(&case.file).is_ok_and(|old| old == text) {
        return Ok(format!("{shown} is unchanged ({} metrics)", now.len()));
    }
    interrupt.finish(|| write_whole(&case.file, &text))?;
    Ok(format!("{shown} is written ({} metrics)", now.len()))
}

fn unwritable(error: serde_json::Error) -> Failure {
    Failure::Running(format!("error: cannot write JSON: {error}"))
}

/// A pattern that matches nothing is probably misspelt. One of the command line is for all scenarios
/// together, one of a file for its own.
fn warn_of_unused(args: &Args, cases: &[Case], outcomes: &[(&str, Comparison)]) {
    if args.quiet {
        return;
    }
    let given = |pattern: &String| args.tolerance.iter().any(|(known, _)| known == pattern);
    for (case, (_, found)) in cases.iter().zip(outcomes) {
        for pattern in found.unused.iter().filter(|pattern| !given(pattern)) {
            let shown = case.file.display();
            note(&format!(
                "warning: {shown}: the tolerance `{pattern}` matches no metric"
            ));
        }
    }
    for (pattern, _) in &args.tolerance {
        if outcomes
            .iter()
            .all(|(_, found)| found.unused.contains(pattern))
        {
            note(&format!("warning: --tolerance {pattern} matches no metric"));
        }
    }
}

/// Writes a file that appears complete or not at all: beside its place, then renamed.
fn write_whole(file: &Path, text: &str) -> Result<(), Failure> {
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let write = || -> io::Result<()> {
        fs::create_dir_all(parent)?;
        let mut new = new_file(parent)?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        new.persist(file)?;
        Ok(())
    };
    write().map_err(|error| {
        Failure::Running(format!("error: cannot write {}: {error}", file.display()))
    })
}

/// A temporary file with the permissions of any new file, as the process's umask asks for.
fn new_file(parent: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".warpshare-writing-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(parent)
}
