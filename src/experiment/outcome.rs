//! What one task of a run found, as a value, and the key by which it is known.
//!
//! A key is a hash of all that the numbers of the task depend on: of the scenario its model, which is the cell's
//! GPUs and guests and the times of the run; the replication; and who has work. Titles, objectives, the confidence,
//! the number of replications and other cells do not enter. The structures are taken apart where they are hashed, so
//! that a new field does not compile until somebody has decided; below that all fields are written as derived
//! `Debug` has them, floating-point numbers exactly.

use super::Task;
use super::baseline::AloneRecord;
use super::recorder::CellRecord;
use crate::scenario::{Gpu, Guest, Holds, RunPlan, Scenario};
use crate::sim::{Instance, Variant};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Write};

/// What one [`Task`] found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Outcome {
    Cell(Box<CellRecord>),
    Alone(AloneRecord),
}

/// SHA-256, hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(String);

impl Key {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The keys of the tasks of a scenario.
pub(super) struct Keys<'a> {
    scenario: &'a Scenario,
    cells: &'a [Vec<usize>],
    plan: String,
    /// Of each group, without its place.
    guests: Vec<String>,
    /// Of each cell, and of each GPU by itself.
    shared: Vec<String>,
    alone: BTreeMap<usize, String>,
}

impl<'a> Keys<'a> {
    pub fn new(scenario: &'a Scenario, cells: &'a [Vec<usize>]) -> Self {
        // Named one by one, so that what is added to a scenario is thought of here.
        let Scenario {
            name: _,
            title: _,
            hash: _,
            run,
            gpus,
            host_cores,
            guests,
            objectives: _,
            resolved: _,
            notices: _,
        } = scenario;
        let mut keys = Keys {
            scenario,
            cells,
            plan: plan(run, *host_cores),
            guests: guests
                .iter()
                .map(|guest| self::guest(scenario, guest))
                .collect(),
            shared: Vec::new(),
            alone: BTreeMap::new(),
        };
        keys.shared = cells.iter().map(|gpus| keys.model(gpus)).collect();
        if run.baselines {
            keys.alone = (0..gpus.len())
                .map(|gpu| (gpu, keys.model(&[gpu])))
                .collect();
        }
        keys
    }

    /// The model of these GPUs with all that is on them.
    fn model(&self, gpus: &[usize]) -> String {
        let mut text = Text::new();
        text.put("plan", &self.plan);
        for &gpu in gpus {
            let Gpu {
                name,
                board,
                clock,
                division,
                encoders,
            } = &self.scenario.gpus[gpu];
            text.put("gpu", &(name, board, clock));
            text.put("division", division);
            text.put("encoders", encoders);
        }
        for (guest, hash) in self.scenario.guests.iter().zip(&self.guests) {
            let place = |ordinal| gpus.iter().position(|&gpu| gpu == guest.gpu_of(ordinal));
            let places: Vec<Option<usize>> = (0..guest.count).map(place).collect();
            if places.iter().any(Option::is_some) {
                text.put("guest", hash);
                text.put("within", &guest.within);
                text.put("places", &(guest.domain, places));
            }
        }
        text.hash()
    }

    /// The model of a guest alone on its undivided board: neither how that is divided nor anybody else is in it.
    fn undivided(&self, instance: Instance) -> String {
        let gpu = self.scenario.guests[instance.group].gpu_of(instance.ordinal);
        let Gpu {
            name,
            board,
            clock,
            division: _,
            encoders: _,
        } = &self.scenario.gpus[gpu];
        let mut text = Text::new();
        text.put("plan", &self.plan);
        text.put("gpu", &(name, board, clock));
        text.put("guest", &self.guests[instance.group]);
        text.hash()
    }

    pub fn of(&self, task: Task) -> Key {
        let mut text = Text::new();
        let replication = match task {
            Task::Cell { replication, cell } => {
                text.put("shared", &(&self.shared[cell], self.cells[cell].len()));
                replication
            }
            Task::Alone {
                replication,
                variant,
            } => {
                match variant {
                    Variant::Shared => {}
                    Variant::AloneOnBoard(instance) => {
                        text.put("alone on board", &self.undivided(instance));
                        text.put("who", &self.who(instance));
                    }
                    Variant::AloneOnShare(instance) => {
                        let guest = &self.scenario.guests[instance.group];
                        let gpu = guest.gpu_of(instance.ordinal);
                        text.put("alone on share", &self.alone.get(&gpu));
                        text.put("who", &self.who(instance));
                    }
                }
                replication
            }
        };
        text.put("replication", &replication);
        Key(text.hash())
    }

    fn who(&self, instance: Instance) -> (&str, u32) {
        let guest = &self.scenario.guests[instance.group];
        (&guest.name, instance.ordinal)
    }
}

/// When things are measured, and what the cells have in common.
fn plan(run: &RunPlan, host_cores: Option<u32>) -> String {
    let RunPlan {
        horizon,
        warmup,
        window,
        drain,
        replications: _,
        seed,
        confidence: _,
        baselines: _,
        timeline_bins,
    } = run;
    let mut text = Text::new();
    text.put("times", &(horizon, warmup, window, drain, timeline_bins));
    text.put("seed", seed);
    text.put("host_cores", &host_cores);
    text.hash()
}

/// A group, without where it is.
fn guest(scenario: &Scenario, guest: &Guest) -> String {
    let Guest {
        name,
        count,
        gpu: _,
        spread: _,
        domain: _,
        holds,
        within: _,
        start,
        order,
        streams,
        queue,
        deadline,
        terms,
        memory,
        workload,
    } = guest;
    let mut text = Text::new();
    text.put("guest", &(name, count, start, order));
    text.put("holds", holds);
    if let Holds::Process { machine, .. } = holds {
        // The number of the machine means something in its scenario only.
        let machine = scenario.guests.get(*machine);
        text.put("machine", &machine.map(|guest| (&guest.name, &guest.holds)));
    }
    text.put("jobs", &(streams, queue, deadline));
    text.put("terms", terms);
    text.put("memory", memory);
    text.put("workload", workload);
    text.hash()
}

/// A text that is hashed as it is written.
struct Text(Sha256);

impl Text {
    fn new() -> Self {
        Text(Sha256::new())
    }

    /// Writes a line; derived `Debug` escapes line breaks, so that no value can look like another line.
    fn put(&mut self, what: &str, value: &impl Debug) {
        // Writing to a hash cannot fail.
        let _ = writeln!(self, "{what}={value:?}");
    }

    fn hash(self) -> String {
        let digest = self.0.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}
