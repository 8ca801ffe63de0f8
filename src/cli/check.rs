//! `warpshare check`: scenarios against their committed baselines.

mod table;

use super::interrupt::Interrupt;
use super::simulation::{Simulation, invariants_hold};
use super::{Failure, note, print};
use crate::check::{
    Baseline, Comparison, Limit, Limits, ReadError, Tolerance, Tolerances, Values, compare, junit,
    objectives, values,
};
use crate::result::ObjectiveVerdict;
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
  warpshare check my.toml --tolerance '*.p95_ns=+1%' --limit 'guests.*.response.p95_ns < 50ms'

Shown is what moved, on stdout; with --quiet nothing but a line for each failure, on stderr. `*` in a
pattern stands for any text; of patterns that match, the one with the most other characters decides. A
scenario without a usable baseline fails, and the others are compared. The hash of the whole result counts
where no metric moved; titles and comments move nothing. docs/check.md explains the file and the use in CI.

Exit codes:
  0    all are the same or within tolerance, and every limit is kept; with --update: the baselines are written
  1    failed while running or writing, or an invariant check of a run failed
  2    bad input (command line, scenario, catalogue; a baseline that is missing or cannot be read)
  3    a scenario drifted from its baseline, or a limit or an objective is missed
  4    an objective is undecided
  130  interrupted (Ctrl-C); no half-written file remains
With several failures, the first of 1, 2, 3 and 4 that applies.";

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
    /// How far metrics may move: a percentage of the baseline (0.5% either way, +1% up only, -1% down
    /// only, -5%..+1%, ..+1% down as far as it likes), or ignore; may be repeated. Goes before the
    /// baseline's own for the same pattern; with --update it is kept there.
    #[arg(long, value_name = "PATTERN=PERCENT%|ignore", value_parser = tolerance)]
    tolerance: Vec<(String, Tolerance)>,
    /// What metrics must be, whatever they were: <, <=, > or >= an amount; may be repeated. Kept in the
    /// baseline with --update, as tolerances are.
    #[arg(long, value_name = "PATTERN < AMOUNT", value_parser = limit)]
    limit: Vec<(String, Limit)>,
    /// Also write the outcome to this file as JUnit XML, for CI systems; an existing file is replaced.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print nothing but a line for each failure, on stderr: no tables, warnings or progress.
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

fn limit(text: &str) -> Result<(String, Limit), String> {
    match text.find(['<', '>']) {
        Some(at) if !text[..at].trim().is_empty() => {
            Ok((text[..at].trim().to_owned(), text[at..].parse()?))
        }
        _ => Err("write PATTERN < AMOUNT, such as 'guests.*.response.p95_ns < 50ms'".to_owned()),
    }
}

/// A scenario and what it is compared with.
struct Case {
    scenario: Scenario,
    file: PathBuf,
    /// `None` only where it is to be written for the first time, or anew in place of a damaged one.
    before: Option<Values>,
    tolerances: Tolerances,
    limits: Limits,
}

/// A scenario by its name: what it is compared with, or why it cannot be.
type Prepared = (String, Result<Case, String>);

/// What came of a scenario.
enum Outcome {
    Compared(Comparison),
    NotCompared(String),
}

/// Runs the command.
///
/// # Errors
///
/// A command line that cannot be followed, and with `--update` any bad input, before anything is simulated;
/// failures to write afterwards.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let cases = prepare(args)?;
    let interrupt = Interrupt::install()?;
    let (mut sound, mut usable) = (true, true);
    let mut undecided: Vec<String> = Vec::new();
    let mut outcomes: Vec<(&Prepared, Outcome)> = Vec::new();
    for prepared in &cases {
        let outcome = match &prepared.1 {
            Err(reason) => {
                usable = false;
                note(reason);
                Outcome::NotCompared(reason.clone())
            }
            Ok(case) => match args.simulation.run(&case.scenario, None, args.quiet) {
                Err(error) => {
                    sound = false;
                    let reason = format!("error: {}: {error}", prepared.0);
                    note(&reason);
                    Outcome::NotCompared(reason)
                }
                Ok(result) => {
                    let holds = invariants_hold(&result);
                    sound &= holds;
                    let now = values(&result).map_err(unwritable)?;
                    let before = case.before.as_ref().unwrap_or(&now);
                    let mut comparison = compare(before, &now, &case.tolerances, &case.limits);
                    comparison.limits.extend(objectives(&result));
                    undecided.extend(result.objectives.iter().filter_map(|objective| {
                        let open = objective.verdict == ObjectiveVerdict::Undecided;
                        open.then(|| {
                            format!("{}: {}: {}", prepared.0, objective.of, objective.text)
                        })
                    }));
                    if !args.update {
                        tell(args, case, &comparison)?;
                    } else if holds {
                        let written = update(case, &now, &interrupt)?;
                        if !args.quiet {
                            let moved = table::movements(&comparison);
                            print(&format!("{}: {written}\n{moved}", case.scenario.name))?;
                        }
                    }
                    Outcome::Compared(comparison)
                }
            },
        };
        outcomes.push((prepared, outcome));
    }
    common_limits(args, &mut outcomes);
    usable &= warn_of_unused(args, &outcomes);
    if let Some(file) = &args.junit {
        write_junit(file, &outcomes, &interrupt)?;
    }
    let failed = |(_, outcome): &(&Prepared, Outcome)| match outcome {
        Outcome::Compared(comparison) => comparison.failed(),
        Outcome::NotCompared(_) => false,
    };
    if !sound {
        return Ok(ExitCode::from(super::FAILED));
    }
    if !usable {
        return Ok(ExitCode::from(super::BAD_INPUT));
    }
    if args.update {
        return Ok(ExitCode::SUCCESS);
    }
    if outcomes.iter().any(failed) {
        if !args.quiet {
            note("help: where the change is meant, the same command with --update accepts it");
        }
        return Ok(ExitCode::from(super::MISSED));
    }
    for objective in &undecided {
        note(&format!(
            "undecided: {objective}; more replications decide it"
        ));
    }
    Ok(match undecided.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(super::UNDECIDED),
    })
}

fn write_junit(
    file: &Path,
    outcomes: &[(&Prepared, Outcome)],
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let suites: Vec<_> = outcomes
        .iter()
        .map(|(prepared, outcome)| {
            let outcome = match outcome {
                Outcome::Compared(comparison) => junit::Outcome::Compared(comparison),
                Outcome::NotCompared(reason) => junit::Outcome::NotCompared(reason),
            };
            (prepared.0.as_str(), outcome)
        })
        .collect();
    let xml = junit::to_junit(&suites)
        .map_err(|error| Failure::Running(format!("error: {}: {error}", file.display())))?;
    interrupt.finish(|| write_whole(file, &xml))
}

/// Reads scenarios and baselines. What is wrong with one of them is its own failure; what is wrong with the
/// command line, or with anything that is to be written over, stops the command before it simulates.
fn prepare(args: &Args) -> Result<Vec<Prepared>, Failure> {
    let mut cases: Vec<Prepared> = Vec::new();
    let mut mistakes = Vec::new();
    let mut files = BTreeSet::new();
    for path in &args.scenarios {
        let scenario = match args.simulation.load(path, args.quiet) {
            Ok(scenario) => scenario,
            Err(Failure::BadInput(reason)) => {
                let stem = path.file_stem().unwrap_or(path.as_os_str());
                cases.push((stem.to_string_lossy().into_owned(), Err(reason)));
                continue;
            }
            Err(other) => return Err(other),
        };
        let name = scenario.name.clone();
        match baseline_file(args, &name) {
            Ok(file) if !files.insert(file.clone()) => {
                let what = format!("{}: a second scenario of this name", path.display());
                let help = "check it by itself, with a --baseline of its own";
                mistakes.push(bad(&what, help).to_string());
            }
            Ok(file) => {
                let case = case(args, scenario, file).map_err(|failure| failure.to_string());
                cases.push((name, case));
            }
            Err(failure) => mistakes.push(failure.to_string()),
        }
    }
    if let Some(file) = &args.junit
        && (file.is_dir() || file.file_name().is_none())
    {
        let what = format!("--junit {}: not the name of a file", file.display());
        mistakes.push(bad(&what, "such as check.xml").to_string());
    }
    if args.update {
        let unusable = cases.iter().filter_map(|(_, case)| case.as_ref().err());
        mistakes.extend(unusable.cloned());
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
    let (mut tolerances, mut limits, before) = match baseline {
        Some(held) => (held.tolerances, held.limits, Some(held.metrics)),
        None => (Tolerances::default(), Limits::default(), None),
    };
    tolerances.0.extend(args.tolerance.iter().cloned());
    limits.0.extend(args.limit.iter().cloned());
    Ok(Case {
        scenario,
        file,
        before,
        tolerances,
        limits,
    })
}

/// Says how a scenario compares: all that moved, or with `--quiet` only that it failed.
fn tell(args: &Args, case: &Case, comparison: &Comparison) -> Result<(), Failure> {
    let name = &case.scenario.name;
    let file = case.file.display();
    if args.quiet {
        if comparison.drifted() {
            let counts = table::counts(comparison);
            note(&format!("error: {name}: drifted from {file}: {counts}"));
        }
        for judged in comparison.missed() {
            note(&format!("error: {name}: {judged}"));
        }
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
        "{name}: {outcome} {file} ({} metrics)\n{}{}",
        comparison.compared.len(),
        table::movements(comparison),
        table::limits(comparison),
    ))
}

/// Writes a baseline if that changes a byte, and says so.
fn update(case: &Case, now: &Values, interrupt: &Interrupt) -> Result<String, Failure> {
    let tolerances = case.tolerances.clone();
    let limits = case.limits.clone();
    let baseline = Baseline::new(&case.scenario.name, tolerances, limits, now.clone());
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
/// together, one of a file for its own. A tolerance is then only told; a limit would hold whatever happens, so
/// that the outcome is not to be relied on: `false`.
fn warn_of_unused(args: &Args, outcomes: &[(&Prepared, Outcome)]) -> bool {
    let mut usable = true;
    let compared = || {
        outcomes
            .iter()
            .filter_map(|(prepared, outcome)| match (prepared, outcome) {
                ((_, Ok(case)), Outcome::Compared(found)) => Some((case, found)),
                _ => None,
            })
    };
    for (case, found) in compared() {
        let shown = case.file.display();
        let given = |pattern: &String| args.tolerance.iter().any(|(known, _)| known == pattern);
        for pattern in found.unused.iter().filter(|pattern| !given(pattern)) {
            if !args.quiet {
                note(&format!(
                    "warning: {shown}: the tolerance `{pattern}` matches no metric"
                ));
            }
        }
        let given = |pattern: &String| args.limit.iter().any(|(known, _)| known == pattern);
        for pattern in found.unused_limits.iter().filter(|pattern| !given(pattern)) {
            usable = false;
            note(&format!(
                "error: {shown}: the limit `{pattern}` matches no metric"
            ));
        }
    }
    if compared().next().is_none() {
        return usable;
    }
    for (pattern, _) in &args.tolerance {
        if !args.quiet && compared().all(|(_, found)| found.unused.contains(pattern)) {
            note(&format!("warning: --tolerance {pattern} matches no metric"));
        }
    }
    for (pattern, _) in &args.limit {
        if compared().any(|(_, found)| found.unused_limits.contains(pattern)) {
            usable = false;
            note(&format!("error: --limit {pattern} matches no metric"));
        }
    }
    usable
}

/// A limit of the command line is for all scenarios together: one that matches a metric of any of them is used.
fn common_limits(args: &Args, outcomes: &mut [(&Prepared, Outcome)]) {
    let found = |outcomes: &[(&Prepared, Outcome)], pattern: &String| {
        outcomes.iter().any(|(_, outcome)| match outcome {
            Outcome::Compared(found) => !found.unused_limits.contains(pattern),
            Outcome::NotCompared(_) => false,
        })
    };
    for (pattern, _) in &args.limit {
        if !found(outcomes, pattern) {
            continue;
        }
        for (_, outcome) in outcomes.iter_mut() {
            if let Outcome::Compared(found) = outcome {
                found.unused_limits.retain(|unused| unused != pattern);
            }
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
