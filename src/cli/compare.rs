//! `warpshare compare`: schedulers side by side on one scenario.

use super::interrupt::Interrupt;
use super::progress::Bar;
use super::simulation::Simulation;
use super::{Failure, figures, note, print, published};
use crate::experiment::compare::{self, Candidate, Plan, Primary};
use crate::policy::{registry, spatial};
use crate::report::comparison::to_text;
use crate::report::figures::Figures;
use crate::report::folder::{self, Staging};
use crate::report::words;
use crate::scenario::{Alternative, Scenario, Share};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Examples:
  warpshare compare scenarios/quickstart.toml --policies best-effort,equal-share,fixed-share
  warpshare compare scenarios/quickstart.toml --policies all --against fixed-share
  warpshare compare my.toml --policies equal-share,equal-share+arr=false+slice=2ms
  warpshare compare my.toml --policies 'gvt-g+period_slices=20,gvt-g+period_slices=100+settled_after=1'
  warpshare compare my.toml --policies all --metrics response.p99,jain_progress
  warpshare compare my.toml --policies all --precision 2% --out results/study --store outcomes

Every policy sees the same arrivals and sizes, so differences are paired: what is left of chance is
what the policies make of it. Intervals of the primary metrics hold for all differences at once, p
values are adjusted for all; other metrics are exploratory. `all` takes every scheduler that may serve the tenants of the scenario and says which may not.
A policy can have values of its keys: NAME+KEY=VALUE+KEY=VALUE, with the keys of the `share` table that the
policy takes and those that it brings itself. The scenario's own keys stay where the policy has them. Results and
figures name the variant as it is written here. docs/policies.md describes the policies and their keys,
docs/statistics.md the statistics.

Exit codes:
  0    done
  1    failed while running or writing, or an invariant check of a run failed
  2    bad input (command line, scenario, catalogue, target folder)
  4    the precision was not reached with --most replications; the results are there
  130  interrupted (Ctrl-C); no half-written folder remains, and with --store nothing is lost";

/// Compares schedulers on one scenario: paired differences with intervals, a verdict, figures.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Scenario file (TOML).
    scenario: PathBuf,
    /// Schedulers, separated by commas, or `all`.
    #[arg(long, value_name = "NAMES", default_value = "all")]
    policies: String,
    /// What the others are compared with [default: the scenario's own scheduler, or else the first of
    /// the policies].
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// Primary metrics, separated by commas: what the comparison is about. They alone are one family of tests; all
    /// others are exploratory. Such as response.p99, antt, chat.first_token.p95 (of one guest) [default: ANTT, STP,
    /// both Jain indices, longest starvation, switching; throughput, slowdown, mean, p50, p95 and p99 of the response].
    #[arg(long, value_name = "NAMES")]
    metrics: Option<String>,
    /// Add replications until every primary metric is known to this, such as 2%.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    precision: Option<f64>,
    /// Replications at most, with --precision.
    #[arg(long, value_name = "R", default_value_t = 400, requires = "precision")]
    most: u32,
    /// Folder for the results [default: results/NAME-compare, with the scenario's name].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print nothing but errors: no tables, warnings or progress.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    figures: figures::Wanted,
    #[command(flatten)]
    simulation: Simulation,
}

fn percent(text: &str) -> Result<f64, String> {
    let wrong = || "write a percentage above 0 and below 100, such as 2%".to_owned();
    let number = text.strip_suffix('%').ok_or_else(wrong)?;
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if number > 0.0 && number < 100.0 {
        Ok(number / 100.0)
    } else {
        Err(wrong())
    }
}

/// Runs the command.
///
/// # Errors
///
/// Bad input before anything is simulated; failures to run or to write afterwards.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let base = args.simulation.load(&args.scenario, args.quiet)?;
    let target = match &args.out {
        Some(folder) => folder.clone(),
        None => Path::new("results").join(format!("{}-compare", base.name)),
    };
    folder::check_target(&target).map_err(|error| Failure::BadInput(error.to_string()))?;
    args.simulation.keep_apart(&target)?;
    let mut candidates = candidates(args, &base)?;
    let options = args
        .simulation
        .options()
        .map_err(|problem| bad(&problem.to_string()))?;
    let interrupt = Interrupt::install()?;
    let bar = Bar::new(args.quiet);
    let primary = match &args.metrics {
        Some(names) => Primary::parse(names, &base).map_err(|problem| bad(&problem))?,
        None => Primary::default(),
    };
    let plan = Plan {
        primary,
        precision: args.precision,
        most: args.most,
    };
    let outcome = compare::compare(&mut candidates, plan, &options, &bar);
    bar.clear();
    args.simulation.tell(&options, args.quiet);
    let comparison = interrupt
        .finish(|| outcome.map_err(|error| Failure::Running(format!("error: {error}"))))?;
    let figures = Figures::of_comparison(&comparison, args.figures.forms(&base, args.quiet));
    published(&target, &interrupt, |staging: &Staging| {
        staging.write_comparison(&comparison, &figures)
    })?;
    figures::draw(&figures, &target, &interrupt);
    if !args.quiet {
        print(&to_text(&comparison))?;
        note(&format!("results in {}", target.display()));
    }
    let mut broken = comparison.policies.iter().filter(|p| !p.broken.is_empty());
    if let Some(policy) = broken.next() {
        note(&format!(
            "error: {}: invariant checks failed: {}; do not use these results",
            policy.name,
            words::broken(policy.broken.iter().copied())
        ));
        return Ok(ExitCode::from(super::FAILED));
    }
    let undecided = comparison
        .sequential
        .as_ref()
        .filter(|found| !found.reached);
    Ok(match undecided {
        Some(found) => {
            note(&format!(
                "precision not reached: {} is known to {:.1} %",
                words::mean_of(found.worst_of.as_ref()),
                found.worst * 100.0
            ));
            ExitCode::from(super::UNDECIDED)
        }
        None => ExitCode::SUCCESS,
    })
}

/// The scenario under each policy; the one that the others are compared with comes first.
fn candidates(args: &Args, base: &Scenario) -> Result<Vec<Candidate>, Failure> {
    let all = args.policies.trim() == "all";
    let mut names: Vec<String> = if all {
        let turns = registry::names().iter();
        turns
            .chain(spatial::names())
            .map(|&name| name.to_owned())
            .collect()
    } else {
        let list = args.policies.split(',').map(str::trim);
        list.filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    if names.is_empty() {
        return Err(bad("--policies names no scheduler"));
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(bad(&format!("--policies names `{name}` twice")));
        }
        let same = |other: &&String| keys(other) == keys(name);
        if let Some(other) = names[..index].iter().find(same) {
            let title = format!("`{other}` and `{name}` of --policies are the same");
            return Err(bad(&title));
        }
    }
    let own = schedulers(base).first().cloned();
    let against = match &args.against {
        Some(name) => name.clone(),
        None => own
            .filter(|name| names.contains(name))
            .unwrap_or(names[0].clone()),
    };
    names.retain(|name| *name != against);
    names.insert(0, against);
    let mut candidates = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let alternative = Alternative::parse(name).map_err(|problem| bad(&problem))?;
        let quiet = args.quiet || index > 0;
        match args
            .simulation
            .load_with(&args.scenario, Some(alternative), quiet)
        {
            Ok(scenario) => candidates.push(Candidate {
                name: name.clone(),
                scheduler: name.split('+').next().unwrap_or(name).to_owned(),
                scenario,
            }),
            // Of all there are, those that cannot serve these tenants are left out.
            Err(Failure::BadInput(problem)) if all && index > 0 => {
                if !args.quiet {
                    let title = problem.lines().next().unwrap_or("").to_owned();
                    let reason = title.trim_start_matches("error: ");
                    note(&format!("left out: {name}: {reason}"));
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(candidates)
}

/// A policy and its keys in an order that does not depend on how they are written.
fn keys(variant: &str) -> (&str, Vec<&str>) {
    let mut parts = variant.split('+');
    let name = parts.next().unwrap_or("");
    let mut keys: Vec<&str> = parts.collect();
    keys.sort_unstable();
    (name, keys)
}

/// Schedulers of the domains that are shared in turns, and how clients of the others divide SMs.
fn schedulers(scenario: &Scenario) -> Vec<String> {
    let domains = scenario.gpus.iter().flat_map(|gpu| gpu.domains());
    domains
        .filter_map(|domain| match domain.share {
            Share::TimeSlice(config) => Some(config.scheduler.clone()),
            Share::Spatial(beside) => Some(beside.policy.name.to_owned()),
            Share::Exclusive => None,
        })
        .collect()
}

fn bad(problem: &str) -> Failure {
    Failure::BadInput(format!("error: {problem}"))
}
