//! Experiments: replications of a scenario, their baselines, and the estimates made from them.
//!
//! Replications and baselines run in parallel; what they found is put together in a fixed order, so
//! the number of threads never shows in a result.

mod baseline;
mod check;
mod collect;
pub mod compare;
mod estimate;
mod findings;
mod recorder;
mod records;
mod turns;

use crate::result::RunResult;
use crate::scenario::Scenario;
pub use crate::sim::Speed;
use crate::sim::{self, BuildError, Instance, Observer, Probe, Schedule, Variant};
use baseline::Alone;
use collect::{Baselines, Shared};
use rayon::prelude::*;
use recorder::Recorder;
pub use records::RECORD_COLUMNS;
use records::RecordFile;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use thiserror::Error;

/// How a run is carried out; nothing here changes its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Worker threads; `None` = one for each core.
    pub threads: Option<usize>,
    /// How far cells may run ahead of their calendar (faster, same bytes).
    pub speed: Speed,
    /// Where to write one row for each job.
    pub records: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: None,
            speed: Speed::RoundJump,
            records: None,
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

enum Outcome {
    Cell(Box<Recorder>),
    Alone(Alone),
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
    let edges = Schedule::new(&scenario.run).edges.len();
    let ticks = Ticks {
        done: AtomicU64::new(0),
        total: (tasks.len() * edges) as u64,
        progress,
    };
    let outcomes = threads.install(|| {
        tasks
            .par_iter()
            .map(|task| perform(scenario, &cells, *task, options, records.as_ref(), &ticks))
            .collect::<Result<Vec<_>, _>>()
    })?;
    if let Some(records) = records {
        records.join(scenario.run.replications, cells.len())?;
    }
    let mut shared = Vec::new();
    let mut alone = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Cell(recorder) => shared.push(*recorder),
            Outcome::Alone(baseline) => alone.push(baseline),
        }
    }
    Ok(collect::collect(
        scenario,
        &Shared::new(scenario, cells.len(), shared),
        &Baselines::new(members.len(), alone),
    ))
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
                    let mut recorder = Recorder::new(scenario, layout);
                    recorder.set_records(sink);
                    Ticking {
                        inner: recorder,
                        ticks,
                    }
                },
            )?;
            let recorder = built.run().inner.finish().map_err(|source| {
                let path = options.records.clone().unwrap_or_default();
                RunError::Records {
                    path: path.display().to_string(),
                    source,
                }
            })?;
            Ok(Outcome::Cell(Box::new(recorder)))
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
                Ticking {
                    inner: Alone::new(Schedule::new(&scenario.run)),
                    ticks,
                }
            })?;
            Ok(Outcome::Alone(built.run().inner))
        }
    }
}

/// Counts sampling edges of all tasks.
struct Ticks<'a> {
    done: AtomicU64,
    total: u64,
    progress: &'a dyn Progress,
}

/// Passes everything on and reports progress at sampling edges.
struct Ticking<'a, O> {
    inner: O,
    ticks: &'a Ticks<'a>,
}

impl<O: Observer> Observer for Ticking<'_, O> {
    #[inline]
    fn arrived(&mut self, guest: usize, now: u64) {
        self.inner.arrived(guest, now);
    }

    #[inline]
    fn dropped(&mut self, guest: usize, arrival: u64) {
        self.inner.dropped(guest, arrival);
    }

    fn out_of_memory(&mut self, guest: usize, arrival: u64) {
        self.inner.out_of_memory(guest, arrival);
    }

    fn timed_out(&mut self, guest: usize, arrival: u64, now: u64) {
        self.inner.timed_out(guest, arrival, now);
    }

    fn batched(&mut self, guest: usize, arrival: u64) {
        self.inner.batched(guest, arrival);
    }

    #[inline]
    fn token(&mut self, guest: usize, token: &sim::Token) {
        self.inner.token(guest, token);
    }

    fn preempted(&mut self, guest: usize, now: u64, requests: u64) {
        self.inner.preempted(guest, now, requests);
    }

    fn served(&mut self, guest: usize, tokens: &sim::Tokens) {
        self.inner.served(guest, tokens);
    }

    #[inline]
    fn ended(&mut self, guest: usize, job: &sim::JobEnd) {
        self.inner.ended(guest, job);
    }

    fn edge(&mut self, edge: usize, probe: &Probe<'_>) {
        self.inner.edge(edge, probe);
        let done = self.ticks.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.ticks
            .progress
            .advanced(done as f64 / self.ticks.total as f64);
    }

    fn closed(&mut self, in_flight: &[u64]) {
        self.inner.closed(in_flight);
    }
}
