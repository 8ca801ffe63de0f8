//! Experiments: replications of a scenario, their baselines, and the estimates made from them.
//!
//! Replications and baselines run in parallel. What each of them found is a value, taken from a [`Store`] if it is
//! there; all are put together in a fixed order, so that neither the number of threads nor what was stored ever
//! shows in a result.

mod baseline;
mod check;
mod collect;
pub mod compare;
mod estimate;
mod findings;
mod outcome;
mod recorder;
mod records;
mod store;
mod turns;

use crate::result::RunResult;
use crate::scenario::Scenario;
pub use crate::sim::Speed;
use crate::sim::{self, BuildError, Instance, Layout, Observer, Probe, Schedule, Variant};
use baseline::Alone;
use collect::{Baselines, Shared};
use outcome::{Keys, Outcome};
use rayon::prelude::*;
pub use records::RECORD_COLUMNS;
use records::RecordFile;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
pub use store::Store;
use thiserror::Error;

/// How a run is carried out; nothing here changes its result.
#[derive(Debug, Clone)]
pub struct Options {
    /// Worker threads; `None` = one for each core.
    pub threads: Option<usize>,
    /// How far cells may run ahead of their calendar (faster, same bytes).
    pub speed: Speed,
    /// Where to write one row for each job.
    pub records: Option<PathBuf>,
    /// Where outcomes of replications and baselines are kept and looked for; `None` = what the command needs twice
    /// is kept in memory. With `records` every cell is simulated.
    pub store: Option<Arc<Store>>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: None,
            speed: Speed::RoundJump,
            records: None,
            store: None,
        }
    }
}

/// Is told how far a run has come.
pub trait Progress: Sync {
    /// `done` goes from 0 to 1; calls come from several threads.
    fn advanced(&self, done: f64);
}

/// Ignores progress.
pub struct Silent;

impl Progress for Silent {
    fn advanced(&self, _done: f64) {}
}

/// Why a run failed.
#[derive(Debug, Error)]
pub enum RunError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot write the records file `{path}`: {source}")]
    Records {
        path: String,
        source: std::io::Error,
    },
    #[error("cannot keep outcomes in `{path}`: {source}")]
    Store {
        path: String,
        source: std::io::Error,
    },
    #[error("there is nothing to compare")]
    NothingToCompare,
    #[error("cannot start the worker threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Something that can run by itself.
#[derive(Debug, Clone, Copy)]
enum Task {
    Cell { replication: u32, cell: usize },
    Alone { replication: u32, variant: Variant },
}

/// Runs all replications of a scenario, and the baselines if the plan asks for them.
///
/// # Errors
///
/// If the scenario cannot be simulated, the records file cannot be written, or threads cannot be
/// started.
pub fn run(
    scenario: &Scenario,
    options: &Options,
    progress: &dyn Progress,
) -> Result<RunResult, RunError> {
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.unwrap_or(0))
        .build()?;
    let cells = sim::partition(scenario);
    let members = sim::instances(scenario);
    let tasks = tasks(scenario, cells.len(), &members);
    let records = match &options.records {
        Some(path) => Some(RecordFile::create(scenario, path)?),
        None => None,
    };
    let edges = Schedule::new(&scenario.run).edges.len() as u64;
    let ticks = Ticks {
        done: AtomicU64::new(0),
        total: tasks.len() as u64 * edges,
        progress,
    };
    let layouts = cells
        .iter()
        .map(|gpus| layout(scenario, gpus))
        .collect::<Result<Vec<_>, _>>()?;
    let nothing = Store::nothing();
    let store = options.store.as_deref().unwrap_or(&nothing);
    let keys = store.keeps_something().then(|| Keys::new(scenario, &cells));
    let outcome = |&task: &Task| {
        let key = keys.as_ref().filter(|_| store.keeps(task));
        let key = key.map(|keys| keys.of(task));
        // Rows are of jobs, and only a simulation has jobs.
        let has_rows = records.is_some() && matches!(task, Task::Cell { .. });
        if let Some(key) = key.as_ref().filter(|_| !has_rows)
            && let Some(outcome) = store.get(key)
        {
            ticks.advance(edges);
            return Ok(outcome);
        }
        let outcome = perform(scenario, &cells, task, options, records.as_ref(), &ticks)?;
        if let Some(key) = key {
            store.put(key, &outcome);
        }
        Ok(outcome)
    };
    let outcomes = threads.install(|| {
        tasks
            .par_iter()
            .map(outcome)
            .collect::<Result<Vec<_>, RunError>>()
    })?;
    if let Some(records) = records {
        records.join(scenario.run.replications, cells.len())?;
    }
    Ok(merge(scenario, layouts, outcomes))
}

/// The result of a scenario from the outcomes of its [`tasks`], in their order.
fn merge(scenario: &Scenario, layouts: Vec<Layout>, outcomes: Vec<Outcome>) -> RunResult {
    let mut shared = Vec::new();
    let mut alone = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Cell(record) => shared.push(*record),
            Outcome::Alone(baseline) => alone.push(baseline),
        }
    }
    collect::collect(
        scenario,
        &Shared::new(scenario, layouts, shared),
        &Baselines::new(sim::instances(scenario).len(), alone),
    )
}

/// What is where in the cell of these GPUs.
fn layout(scenario: &Scenario, gpus: &[usize]) -> Result<Layout, BuildError> {
    let mut found = Layout::default();
    let variant = Variant::Shared;
    sim::build(scenario, gpus, 0, variant, Speed::RoundJump, |layout| {
        found = layout.clone();
        sim::Nobody
    })?;
    Ok(found)
}

/// Tasks in the order in which [`Shared`] and [`Baselines`] expect their outcomes.
fn tasks(scenario: &Scenario, cells: usize, members: &[Instance]) -> Vec<Task> {
    let replications = 0..scenario.run.replications;
    let mut tasks: Vec<Task> = replications
        .clone()
        .flat_map(|replication| (0..cells).map(move |cell| Task::Cell { replication, cell }))
        .collect();
    if scenario.run.baselines {
        for replication in replications {
            for &instance in members {
                for variant in [
                    Variant::AloneOnBoard(instance),
                    Variant::AloneOnShare(instance),
                ] {
                    tasks.push(Task::Alone {
                        replication,
                        variant,
                    });
                }
            }
        }
    }
    tasks
}

fn perform(
    scenario: &Scenario,
    cells: &[Vec<usize>],
    task: Task,
    options: &Options,
    records: Option<&RecordFile>,
    ticks: &Ticks<'_>,
) -> Result<Outcome, RunError> {
    match task {
        Task::Cell { replication, cell } => {
            let sink = match records {
                Some(file) => Some(file.part(replication, cell)?),
                None => None,
            };
            let built = sim::build(
                scenario,
                &cells[cell],
                replication,
                Variant::Shared,
                options.speed,
                |layout| {
                    let rows = sink.map(|part| part.rows(layout, Schedule::new(&scenario.run)));
                    (recorder::recorder(scenario, layout, rows), Ticking(ticks))
                },
            )?;
            let (recorder, _) = built.run();
            let record = recorder::finish(recorder).map_err(|source| {
                let path = options.records.clone().unwrap_or_default();
                RunError::Records {
                    path: path.display().to_string(),
                    source,
                }
            })?;
            Ok(Outcome::Cell(Box::new(record)))
        }
        Task::Alone {
            replication,
            variant,
        } => {
            let (Variant::AloneOnBoard(instance) | Variant::AloneOnShare(instance)) = variant
            else {
                unreachable!("a baseline is of one guest");
            };
            let gpus = [scenario.guests[instance.group].gpu_of(instance.ordinal)];
            let built = sim::build(scenario, &gpus, replication, variant, options.speed, |_| {
                (Alone::new(Schedule::new(&scenario.run)), Ticking(ticks))
            })?;
            let (alone, _) = built.run();
            Ok(Outcome::Alone(alone.record))
        }
    }
}

/// Counts sampling edges of all tasks.
struct Ticks<'a> {
    done: AtomicU64,
    total: u64,
    progress: &'a dyn Progress,
}

impl Ticks<'_> {
    fn advance(&self, edges: u64) {
        let done = self.done.fetch_add(edges, Ordering::Relaxed) + edges;
        self.progress.advanced(done as f64 / self.total as f64);
    }
}

/// Reports progress at sampling edges.
struct Ticking<'a>(&'a Ticks<'a>);

impl Observer for Ticking<'_> {
    fn edge(&mut self, _edge: usize, _probe: &Probe<'_>) {
        self.0.advance(1);
    }
}
