//! What every command that simulates scenarios has in common: its options, reading, running.

use super::progress::Bar;
use super::{Failure, note};
use crate::experiment::{self, RunError, Store};
use crate::report::words;
use crate::result::RunResult;
use crate::scenario::{self, Alternative, Overrides, Scenario};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How scenarios are simulated.
#[derive(Debug, clap::Args)]
pub struct Simulation {
    /// Master seed, instead of the scenario's.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Independent replications, instead of the scenario's number.
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..))]
    replications: Option<u32>,
    /// A value in place of the scenario's, such as run.duration=10s or guests.desktop.count=8; may be
    /// repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Worker threads [default: one for each core]; never changes a result.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Simulate each turn through the calendar: slower, the same bytes.
    #[arg(long)]
    no_run_ahead: bool,
    /// Simulate each round of turns, also where rounds repeat: slower, the same bytes.
    #[arg(long)]
    no_round_jump: bool,
    /// Keep what each replication and baseline found in this folder, and simulate only what is not there: a
    /// command that was interrupted goes on where it was, another takes what they have in common; never changes
    /// a result.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Skip the runs of each guest alone; slowdown and interference are then not known.
    #[arg(long)]
    no_baselines: bool,
    /// A catalogue file with boards of your own.
    #[arg(long, value_name = "FILE")]
    boards: Option<PathBuf>,
}

impl experiment::Progress for Bar {
    fn advanced(&self, done: f64) {
        self.set(done);
    }
}

impl Simulation {
    /// Reads and checks a scenario; its warnings go to stderr.
    pub(super) fn load(&self, file: &Path, quiet: bool) -> Result<Scenario, Failure> {
        self.load_with(file, None, quiet)
    }

    /// The same with another scheduler in place of the scenario's.
    pub(super) fn load_with(
        &self,
        file: &Path,
        alternative: Option<Alternative>,
        quiet: bool,
    ) -> Result<Scenario, Failure> {
        let overrides = Overrides {
            seed: self.seed,
            replications: self.replications,
            set: self.set.clone(),
            boards: self.boards.clone(),
            alternative,
        };
        let loaded = scenario::load(file, &overrides).map_err(|errors| {
            let messages: Vec<String> = errors.iter().map(|error| error.render()).collect();
            Failure::BadInput(messages.join("\n"))
        })?;
        if !quiet {
            for warning in &loaded.warnings {
                note(&warning.render());
            }
        }
        let mut scenario = loaded.scenario;
        if self.no_baselines {
            scenario.run.baselines = false;
        }
        Ok(scenario)
    }

    /// Refuses a store in the folder of the results, which is replaced as a whole, the store with it.
    pub(super) fn keep_apart(&self, target: &Path) -> Result<(), Failure> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        if resolved(store).starts_with(resolved(target)) {
            return Err(Failure::BadInput(format!(
                "error: --store {}: outcomes cannot be kept in the folder of the results ({}), which is \
                 replaced as a whole\n  help: such as --store outcomes",
                store.display(),
                target.display()
            )));
        }
        Ok(())
    }

    /// How runs are carried out.
    ///
    /// # Errors
    ///
    /// If the folder of outcomes cannot be one.
    pub(super) fn options(&self) -> Result<experiment::Options, RunError> {
        let store = match &self.store {
            Some(folder) => Some(Store::open(folder).map_err(|source| RunError::Store {
                path: folder.display().to_string(),
                source,
            })?),
            None => None,
        };
        Ok(experiment::Options {
            threads: self.threads.map(NonZeroUsize::get),
            speed: match (self.no_run_ahead, self.no_round_jump) {
                (true, _) => experiment::Speed::Plain,
                (false, true) => experiment::Speed::RunAhead,
                (false, false) => experiment::Speed::RoundJump,
            },
            records: None,
            store: store.map(Arc::new),
        })
    }

    /// Says what came out of the store, and what in it was of no use.
    pub(super) fn tell(&self, options: &experiment::Options, quiet: bool) {
        let (Some(store), Some(folder)) = (&options.store, &self.store) else {
            return;
        };
        for remark in store.remarks() {
            note(&format!("warning: {remark}"));
        }
        if !quiet {
            note(&format!(
                "{} of {} outcomes were in {}",
                store.taken(),
                store.taken() + store.simulated(),
                folder.display()
            ));
        }
    }

    /// Runs a scenario, with a progress bar where somebody can watch it.
    pub(super) fn run(
        &self,
        scenario: &Scenario,
        records: Option<PathBuf>,
        quiet: bool,
    ) -> Result<RunResult, RunError> {
        let options = experiment::Options {
            records,
            ..self.options()?
        };
        let bar = Bar::new(quiet);
        let outcome = experiment::run(scenario, &options, &bar);
        bar.clear();
        self.tell(&options, quiet);
        outcome
    }
}

/// Where a path leads, by links of the part of it that exists; what is to come stands behind that as it is written.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for there in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), path.strip_prefix(there)) {
            // A last component of nothing would make one that is a file a folder.
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    path
}

/// Whether every invariant check of the run holds; if not, stderr says which do not. A broken one is a
/// fault of the simulator.
pub(super) fn invariants_hold(result: &RunResult) -> bool {
    let failed = result.checks.iter().filter(|check| !check.holds);
    let failed = words::broken(failed.map(|check| check.id));
    if !failed.is_empty() {
        note(&format!(
            "error: {}: invariant checks failed: {}; do not use these results",
            result.scenario.name, failed
        ));
    }
    failed.is_empty()
}
