//! The file that a user writes, checked and resolved to plain data.
//!
//! [`Scenario`] is the checked form: every unit converted, every default resolved, every name
//! found. Nothing after this module looks at text.

mod admit;
mod alternative;
mod amounts;
mod arrivals;
pub mod assumptions;
mod batching;
mod canonical;
mod cards;
mod chance;
mod checker;
mod classes;
mod configuration;
mod encoders;
pub mod explain;
mod frames;
mod gpus;
mod guests;
mod inside;
mod instances;
mod kernels;
pub mod legal;
mod llm;
mod load;
mod media;
mod memory;
mod merge;
mod mixed;
mod objectives;
mod on_host;
mod operations;
mod parameters;
mod placement;
pub mod preset;
mod queue;
pub mod raw;
pub mod raw_llm;
pub mod raw_workload;
mod recordings;
mod replicas;
mod roofline;
mod run;
pub mod scheduler;
pub mod schema;
mod set;
mod share;
mod slice;
mod spatial;
mod syntax;
mod terms;
mod text;
mod traces;
mod tree;
pub mod units;
mod workloads;

pub use alternative::Alternative;
pub use load::{Loaded, load, parse};
pub use objectives::{Asked, AskedOf};
pub use run::Overrides;

use crate::engine::time::Nanos;
use crate::gpu::law::ClockCurve;
use crate::gpu::{Board, CopyEngines, MediaEngines};
use crate::policy::spatial::{self as division, Spatial};
use crate::policy::{Terms, TimeSlice};
use crate::workload::{MediaEngine, Workload};

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
    /// What is asked of guests and GPUs.
    pub objectives: Vec<Asked>,
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

/// One physical GPU, how it is divided and how its parts are shared.
#[derive(Debug, Clone)]
pub struct Gpu {
    pub name: String,
    pub board: Board,
    /// SM clock by busy part of the board; `None` = the same at any load.
    pub clock: Option<ClockCurve>,
    pub division: Division,
    /// Run lists of NVENC wherever vGPUs take turns; `None` = best effort.
    pub encoders: Option<EncoderLists>,
}

/// How vGPUs take turns on the encoders.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderLists {
    pub turns: TimeSlice,
    /// What it costs an engine to go to another vGPU, in nanoseconds.
    pub change: Nanos,
}

/// What the SMs and the memory of a GPU are divided into.
#[derive(Debug, Clone, PartialEq)]
pub enum Division {
    /// One whole.
    Whole(Share),
    /// GPU instances, in the order of their names.
    Mig(Vec<GpuInstance>),
}

/// A GPU instance: its own memory, engines and SMs.
#[derive(Debug, Clone, PartialEq)]
pub struct GpuInstance {
    pub name: String,
    /// Such as `3g.20gb`.
    pub profile: String,
    /// First memory slice.
    pub start: u32,
    /// Part of the board's memory bandwidth.
    pub bandwidth: f64,
    pub frame_buffer_mib: u64,
    pub sms: u32,
    pub copy_engines: CopyEngines,
    /// Of the kinds that its guests use; zero of others.
    pub media_engines: MediaEngines,
    /// Never empty; in the order of their names.
    pub compute_instances: Vec<ComputeInstance>,
}

/// A compute instance: SMs of a GPU instance.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputeInstance {
    /// `None` where one compute instance takes all of its GPU instance.
    pub name: Option<String>,
    pub sms: u32,
    /// Compute slices, of those of the board.
    pub slices: u32,
    pub share: Share,
}

/// How the SMs of a GPU or compute instance are shared.
#[derive(Debug, Clone, PartialEq)]
pub enum Share {
    /// One tenant owns them.
    Exclusive,
    /// Tenants hold all of them in turns.
    TimeSlice(TimeSlice),
    /// Processes run side by side: MPS.
    Spatial(SideBySide),
}

/// How processes run side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct SideBySide {
    /// How they divide the SMs.
    pub policy: Spatial,
    /// By how much work takes longer beside work of another process.
    pub interference: f64,
}

impl SideBySide {
    /// As MPS does by itself, but for the interference.
    pub fn by_default(interference: f64) -> Self {
        SideBySide {
            policy: division::MPS_DEFAULT,
            interference,
        }
    }
}

/// A compute domain of a GPU: SMs with one arbiter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Domain<'a> {
    pub instance: Option<&'a GpuInstance>,
    pub compute_instance: Option<&'a ComputeInstance>,
    pub sms: u32,
    /// Part of the board's memory bandwidth that its memory domain has.
    pub bandwidth: f64,
    pub copy_engines: CopyEngines,
    pub media_engines: MediaEngines,
    /// Memory that contexts can allocate in its memory domain, bytes; `None` = unlimited (the neutral
    /// board).
    pub memory: Option<u64>,
    pub share: &'a Share,
}

impl Domain<'_> {
    /// `big`, `big.x`; empty for a whole GPU.
    pub fn path(&self) -> String {
        let instance = self.instance.map(|instance| instance.name.as_str());
        let compute = self
            .compute_instance
            .and_then(|compute| compute.name.as_deref());
        instance
            .into_iter()
            .chain(compute)
            .collect::<Vec<_>>()
            .join(".")
    }
}

impl Gpu {
    /// The card that it is on, where the scenario names a card: `a` of `a.0`.
    pub fn card(&self) -> Option<&str> {
        self.name.split_once('.').map(|(card, _)| card)
    }

    /// Media engines of the whole GPU, or of all its instances together.
    pub fn media_engines(&self) -> MediaEngines {
        let Division::Mig(instances) = &self.division else {
            return self.board.media_engines;
        };
        let mut total = MediaEngines::default();
        for engine in MediaEngine::ALL {
            let each = instances.iter().map(|i| i.media_engines.count(engine));
            total.set(engine, each.sum());
        }
        total
    }

    /// The compute domains, in the order that [`Guest::domain`] counts.
    pub fn domains(&self) -> Vec<Domain<'_>> {
        match &self.division {
            Division::Whole(share) => vec![Domain {
                instance: None,
                compute_instance: None,
                sms: self.board.sms,
                bandwidth: 1.0,
                copy_engines: self.board.copy_engines,
                media_engines: self.board.media_engines,
                memory: self.board.memory(),
                share,
            }],
            Division::Mig(instances) => instances
                .iter()
                .flat_map(|instance| {
                    instance.compute_instances.iter().map(|compute| Domain {
                        instance: Some(instance),
                        compute_instance: Some(compute),
                        sms: compute.sms,
                        bandwidth: instance.bandwidth,
                        copy_engines: instance.copy_engines,
                        media_engines: instance.media_engines,
                        memory: Some(instance.frame_buffer_mib << 20),
                        share: &compute.share,
                    })
                })
                .collect(),
        }
    }
}

/// A group of `count` identical guests.
#[derive(Debug, Clone)]
pub struct Guest {
    pub name: String,
    pub count: u32,
    /// Index into [`Scenario::gpus`]; of a group that spans the GPUs of a card, that of its first member.
    pub gpu: usize,
    /// The GPU of each member by ordinal, of a group that spans several; empty where all are on one.
    pub spread: Vec<usize>,
    /// Index into [`Gpu::domains`].
    pub domain: usize,
    pub holds: Holds,
    /// How processes share its vGPUs with it; `None` where nobody is inside.
    pub within: Option<Within>,
    /// When the guest's vGPUs or context start; its arrivals count from here.
    pub start: Nanos,
    /// Rank among entities of the same start time, before the name.
    pub order: i64,
    /// Jobs in flight at once.
    pub streams: u32,
    /// Jobs that may wait for a stream, or for an iteration of an engine; more are lost. `None` = unbounded.
    pub queue: Option<u32>,
    /// A job that takes longer counts as late.
    pub deadline: Option<Nanos>,
    /// What the scheduler may go by.
    pub terms: Terms,
    /// `None` where neither the guest nor its jobs allocate anything.
    pub memory: Option<GuestMemory>,
    pub workload: Workload,
}

impl Guest {
    /// Jobs that find room at the same time; `None` = any number.
    pub fn room(&self) -> Option<u64> {
        let bound = u64::from(self.queue?);
        let served = match (&self.workload.llm, &self.workload.batching) {
            (Some(llm), _) => llm.max_requests,
            // Requests wait for the batch to be formed.
            (None, Some(_)) => 0,
            (None, None) => self.streams,
        };
        Some(bound + u64::from(served))
    }
}

/// How the workload of a virtual machine and the processes inside it share its vGPUs.
#[derive(Debug, Clone, PartialEq)]
pub struct Within {
    /// Contexts in turns, without reserved ones, or clients of MPS.
    pub share: Share,
    /// SMs that the machine's own workload may fill at most, as a client of MPS; `None` = all.
    pub sms: Option<u32>,
}

/// What a guest may allocate; bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuestMemory {
    /// Allocated from the beginning on, in each of its vGPUs.
    pub held: u64,
    /// Most that it may have in all.
    pub limit: Option<u64>,
    /// Frame buffer that the guest sees in each of its vGPUs.
    pub vgpu: Option<u64>,
}

/// What a guest holds on its GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// A CUDA context on the bare board or instance.
    Context,
    /// A process under MPS.
    Client {
        /// SMs that it may fill at most; `None` = all.
        sms: Option<u32>,
    },
    /// `number` vGPUs of one type; stream i of the guest uses vGPU i mod number.
    Vgpu {
        type_name: String,
        number: u32,
        frame_buffer_mib: u64,
    },
    /// A process in a virtual machine: a context or a client of MPS in its vGPUs, as the machine's
    /// [`Within`] says. Stream i uses vGPU i mod their number.
    Process {
        /// Index into [`Scenario::guests`] of the machines; each of them holds vGPUs.
        machine: usize,
        /// Processes in each machine: ordinal i is in the machine with ordinal i / `each`.
        each: u32,
        /// SMs that it may fill at most; `None` = all.
        sms: Option<u32>,
    },
}

impl Holds {
    /// Tenants that one guest puts on its GPU.
    pub fn tenants(&self) -> u32 {
        match self {
            Holds::Context | Holds::Client { .. } => 1,
            Holds::Vgpu { number, .. } => *number,
            Holds::Process { .. } => 0,
        }
    }

    pub fn is_vgpu(&self) -> bool {
        matches!(self, Holds::Vgpu { .. })
    }
}

impl Guest {
    /// The GPU of the guest with this ordinal: an index into [`Scenario::gpus`].
    pub fn gpu_of(&self, ordinal: u32) -> usize {
        let own = self.spread.get(ordinal as usize);
        own.copied().unwrap_or(self.gpu)
    }

    /// The GPUs of the group, each once, in the order of the scenario's.
    pub fn gpus(&self) -> Vec<usize> {
        let mut gpus = self.spread.clone();
        gpus.sort_unstable();
        gpus.dedup();
        if gpus.is_empty() {
            gpus.push(self.gpu);
        }
        gpus
    }

    /// Members on this GPU.
    pub fn count_on(&self, gpu: usize) -> u32 {
        if self.spread.is_empty() {
            return if self.gpu == gpu { self.count } else { 0 };
        }
        let here = self.spread.iter().filter(|&&other| other == gpu);
        u32::try_from(here.count()).unwrap_or(u32::MAX)
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
    /// From the preset of a workload; with a line, that of a table of the file that the preset completes.
    Preset { preset: String, line: Option<usize> },
    /// From `--set`, `--seed` or `--replications`.
    CommandLine,
    /// From the file that a `config` key names; the key's value.
    Configuration { source: String },
    /// From the catalogue; the source key or table.
    Catalogue { source: String },
    /// The language's default; no claim about hardware.
    Default,
    /// A named assumption about hardware, with its evidence.
    Assumption { key: String, evidence: String },
}

#[cfg(test)]
mod tests;
