//! The file that a user writes, checked and resolved to plain data.
//!
//! [`Scenario`] is the checked form: every unit converted, every default resolved, every name
//! found. Nothing after this module looks at text.

mod admit;
mod amounts;
pub mod assumptions;
mod canonical;
mod checker;
pub mod explain;
mod gpus;
mod guests;
pub mod legal;
mod load;
pub mod raw;
pub mod raw_workload;
mod run;
pub mod schema;
mod share;
mod text;
pub mod units;
mod workloads;

pub use load::{Loaded, load, parse};
pub use run::Overrides;

use crate::engine::time::Nanos;
use crate::gpu::Board;
use crate::policy::TimeSlice;
use crate::workload::Workload;

/// A checked scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: String,
    pub title: Option<String>,
    /// SHA-256 (hex) of the resolved scenario with seed, replications and data files; not of the text.
    pub hash: String,
    pub run: RunPlan,
    /// Sorted by name.
    pub gpus: Vec<Gpu>,
    /// Host cores shared by all guests; `None` = unlimited.
    pub host_cores: Option<u32>,
    /// Sorted by name.
    pub guests: Vec<Guest>,
    /// Every resolved value, in the order that `run --explain` prints.
    pub resolved: Vec<Resolved>,
    /// Remarks for the user: clamped values, unusual choices.
    pub notices: Vec<String>,
}

/// How the scenario is run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPlan {
    pub horizon: Horizon,
    /// Length of the part that is simulated before measurement starts (0 if terminating).
    pub warmup: Nanos,
    /// Length of the measured window, after the warm-up.
    pub window: Nanos,
    /// How long after the window jobs that arrived in it may take to finish.
    pub drain: Nanos,
    pub replications: u32,
    pub seed: u64,
    /// Confidence level of every interval, such as 0.95.
    pub confidence: f64,
    /// Whether slowdown and interference baselines are run.
    pub baselines: bool,
    /// Number of equal bins of the timelines over warm-up and window.
    pub timeline_bins: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Horizon {
    /// Long-run behaviour: the warm-up is removed, load goes on while the window's jobs finish.
    Steady,
    /// A period that starts empty and ends: nothing is removed, arrivals stop with the window.
    Terminating,
}

/// One physical GPU and how it is shared.
#[derive(Debug, Clone)]
pub struct Gpu {
    pub name: String,
    pub board: Board,
    pub share: Share,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Share {
    /// One tenant owns the board.
    Exclusive,
    TimeSlice(TimeSlice),
}

/// A group of `count` identical guests.
#[derive(Debug, Clone)]
pub struct Guest {
    pub name: String,
    pub count: u32,
    /// Index into [`Scenario::gpus`].
    pub gpu: usize,
    pub holds: Holds,
    /// When the guest's vGPUs or context start; its arrivals count from here.
    pub start: Nanos,
    /// Rank among entities of the same start time, before the name.
    pub order: i64,
    /// Jobs in flight at once.
    pub streams: u32,
    /// Jobs that may wait for a stream; more are dropped. `None` = unbounded.
    pub queue: Option<u32>,
    /// A job that takes longer counts as late.
    pub deadline: Option<Nanos>,
    pub workload: Workload,
}

/// What a guest holds on its GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// A CUDA context on the bare board.
    Context,
    /// `number` vGPUs of one type; stream i of the guest uses vGPU i mod number.
    Vgpu {
        type_name: String,
        number: u32,
        frame_buffer_mib: u64,
    },
}

impl Guest {
    /// Tenants that each guest of the group puts on its GPU.
    pub fn tenants(&self) -> u32 {
        match self.holds {
            Holds::Context => 1,
            Holds::Vgpu { number, .. } => number,
        }
    }

    /// Name of the guest with this ordinal: the group's own name when it has one member.
    pub fn member_name(&self, ordinal: u32) -> String {
        if self.count == 1 {
            self.name.clone()
        } else {
            format!("{}#{ordinal}", self.name)
        }
    }
}

/// One resolved value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Dotted path, such as `gpus.a.share.slice`.
    pub path: String,
    /// In the units of the scenario language, such as `2ms`.
    pub value: String,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Written in the scenario file, at this line.
    File { line: usize },
    /// From the catalogue; the source key or table.
    Catalogue { source: String },
    /// The language's default; no claim about hardware.
    Default,
    /// A named assumption about hardware, with its evidence.
    Assumption { key: String, evidence: String },
}

#[cfg(test)]
mod tests;
