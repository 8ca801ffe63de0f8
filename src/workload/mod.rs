//! What guests do: when requests arrive, and of what operations a job consists.
//!
//! Plain, checked data; the simulator interprets it. Distributions live in [`dist`], traces in
//! [`trace`],
//! [`trace_format`] and [`windows`], profiles of kernels in [`kernels`], logs of desktops in [`measured`].

mod chance;
pub mod column;
pub mod data_file;
mod discipline;
pub mod dist;
pub mod kernels;
pub mod llm;
pub mod measured;
mod replay;
mod table;
pub mod trace;
pub mod trace_format;
mod trace_time;
pub mod windows;

use crate::engine::time::Nanos;
pub use discipline::{Batching, Discipline, Frames};
use dist::Dist;
pub use replay::{Entry, Replay};
use std::sync::Arc;
use trace::Trace;
use windows::Window;

/// A checked workload: arrivals and the stages of one job.
#[derive(Debug, Clone)]
pub struct Workload {
    pub name: String,
    /// What the workload needs from the type or board that it runs on.
    pub needs: Needs,
    pub arrivals: Arrivals,
    /// Jobs of a guest in all; `None` = no end.
    pub jobs: Option<u64>,
    /// Jobs that arrive together; `None` = one. At least one, whatever is drawn.
    pub batch: Option<Dist>,
    /// How long a job waits for a stream before it leaves, nanoseconds; `None` = for ever. At least one
    /// nanosecond, whatever is drawn.
    pub timeout: Option<Dist>,
    /// Classes of jobs, the most urgent first; empty where all are alike. Their parts add up to 1.
    pub classes: Vec<Class>,
    /// How its jobs are served.
    pub discipline: Discipline,
    /// Device memory of a job, bytes, from its start to its end.
    pub memory: Option<Size>,
    /// The stages of a job, in order; never empty.
    pub stages: Vec<Stage>,
}

/// Jobs that go before others, or behind them, when they wait for a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    pub name: String,
    /// Probability that a job is of this class, above 0.
    pub part: f64,
}

/// Capabilities that a workload declares; admission compares them with the vGPU type's series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    pub cuda: bool,
    pub graphics: bool,
    pub encode: bool,
}

/// How jobs come to a guest.
#[derive(Debug, Clone)]
pub enum Arrivals {
    /// An open stream: gaps between consecutive arrivals, whatever the guest still has to do.
    Open {
        /// Gap in nanoseconds.
        gap: Dist,
        first: FirstArrival,
    },
    /// An open stream with a beat: arrival k comes `jitter` after beat k, and never before arrival
    /// k - 1.
    Paced {
        period: Nanos,
        /// Nanoseconds.
        jitter: Dist,
        /// When the first beat is.
        first: FirstArrival,
    },
    /// A process whose rate changes: phases follow each other in this order, over and over. Of Poisson
    /// arrivals with exponential stays a Markov-modulated Poisson process; with constant ones a daily
    /// profile.
    Modulated {
        phases: Vec<Phase>,
        spacing: Spacing,
    },
    /// `users` independent users: each thinks, submits one job, waits for its end, and thinks again.
    /// Each user thinks before its first job.
    Closed {
        users: u32,
        /// Think time in nanoseconds.
        think: Dist,
    },
    /// Open sessions: each begins with a request and has further ones, `think` after each other,
    /// whatever becomes of them. Sessions may overlap.
    Sessions {
        /// From one beginning to the next, nanoseconds.
        gap: Dist,
        /// From one request to the next of the session, nanoseconds.
        think: Dist,
        length: SessionLength,
    },
    /// Arrivals at the times of a trace, counted from the guest's start.
    Trace { trace: Arc<Trace>, replay: Replay },
    /// A renewal process in each window, counted from the guest's start, independent of those in the
    /// other windows.
    Windowed {
        windows: Arc<[Window]>,
        replay: Replay,
    },
}

/// How long a session is.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionLength {
    /// A number of requests, at least one, whatever is drawn.
    Requests(Dist),
    /// Requests come for so long, nanoseconds; the first comes always.
    Time(Dist),
}

/// How arrivals follow each other within a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// As a Poisson process: exponential gaps.
    Random,
    /// As the pictures of an application that paces itself: equal gaps, the first after a uniform part of
    /// one.
    Regular,
}

/// A time with one arrival rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Mean gap between arrivals in nanoseconds; `None` = no arrivals.
    pub gap: Option<f64>,
    /// How long it lasts, nanoseconds.
    pub stay: Dist,
}

/// When the first job of an open stream arrives, counted from the guest's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstArrival {
    /// After one gap, as in a renewal process seen from an event. The default.
    AfterGap,
    /// At the guest's start.
    AtStart,
    /// After a uniform part of the first gap: frame-paced sources with independent phases.
    RandomPhase,
}

/// A stage starts all its operations together and ends with the last of them.
#[derive(Debug, Clone)]
pub struct Stage {
    pub name: String,
    /// Only every so manyth job of the guest passes it, at least 1; the first one to do so is the job of
    /// this number.
    pub every: u64,
    /// How often a job passes it, one time after the other; at least 1.
    pub repeat: u32,
    /// Never empty.
    pub operations: Vec<Operation>,
}

/// One operation of a stage, with the name that errors and random streams use.
#[derive(Debug, Clone)]
pub struct Operation {
    pub name: String,
    pub kind: OperationKind,
}

#[derive(Debug, Clone)]
pub enum OperationKind {
    /// Work on host cores, nanoseconds.
    Host { time: Size },
    /// Work on the SMs.
    Gpu(GpuWork),
    /// What an iteration of a language-model engine computes on the SMs.
    Iteration {
        /// As of [`GpuWork`].
        reach: Option<f64>,
        /// Whether memory bandwidth limits it on a slice and beside others.
        bandwidth: bool,
    },
    /// A transfer over PCIe by a copy engine, bytes.
    Copy { direction: Direction, bytes: Size },
    /// Work of one media engine, nanoseconds.
    Media {
        engine: MediaEngine,
        time: Size,
        /// On the time.
        factor: f64,
    },
}

/// Fixed-function engines beside the SMs. One operation runs on one engine from its start to its
/// end; the time-slice scheduler of the SMs has no say in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MediaEngine {
    /// Video decoder.
    Nvdec,
    /// Video encoder.
    Nvenc,
    /// JPEG decoder (NVJPG).
    Jpeg,
    /// Optical-flow accelerator.
    Ofa,
}

impl MediaEngine {
    pub const ALL: [MediaEngine; 4] = [
        MediaEngine::Nvdec,
        MediaEngine::Nvenc,
        MediaEngine::Jpeg,
        MediaEngine::Ofa,
    ];

    /// The word in scenario files.
    pub fn word(self) -> &'static str {
        match self {
            MediaEngine::Nvdec => "nvdec",
            MediaEngine::Nvenc => "nvenc",
            MediaEngine::Jpeg => "jpeg",
            MediaEngine::Ofa => "ofa",
        }
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            MediaEngine::Nvdec => "NVDEC",
            MediaEngine::Nvenc => "NVENC",
            MediaEngine::Jpeg => "JPEG",
            MediaEngine::Ofa => "OFA",
        }
    }
}

/// A launch of blocks that run side by side as far as SMs have room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    pub blocks: u64,
    /// Blocks that one SM holds at once.
    pub blocks_per_sm: u32,
}

impl Grid {
    /// Waves of blocks on `sms` SMs (any positive number of them).
    pub fn waves(&self, sms: f64) -> f64 {
        let at_once = (sms * f64::from(self.blocks_per_sm)).floor().max(1.0);
        (self.blocks as f64 / at_once).ceil().max(1.0)
    }

    /// SMs that the grid can fill.
    pub fn need(&self) -> u64 {
        self.blocks.div_ceil(u64::from(self.blocks_per_sm.max(1)))
    }
}

/// GPU work, described by how long it takes alone on a whole reference board.
#[derive(Debug, Clone)]
pub struct GpuWork {
    /// Nanoseconds alone on the reference board.
    pub time: Size,
    /// SMs that the work can fill; `None` fills whatever the board has.
    pub sms: Option<u32>,
    /// Part of the time alone on the whole board that memory bandwidth limits, 0 to 1.
    pub memory_bound: f64,
    /// How many times its part of the SMs it can draw of the memory bandwidth, at least 1; `None` = all
    /// of it, however few SMs.
    pub reach: Option<f64>,
    /// Wave quantisation in place of the proportional law; `sms` is then what the grid can fill.
    pub grid: Option<Grid>,
    /// Work under the roofline, without a grid: the part of the time that arithmetic takes, beside the
    /// memory traffic; one of this and `memory_bound` is 1.
    pub arithmetic: Option<f64>,
    /// Speed of the guest's board relative to the reference board; 1 when they are the same.
    pub speed: f64,
    /// Length of one kernel in nanoseconds alone on the reference board, where preemption waits for
    /// the end of a kernel; `None` if the work can be interrupted anywhere.
    pub kernel: Option<Nanos>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    HostToDevice,
    DeviceToHost,
}

/// How large an operation is.
#[derive(Debug, Clone)]
pub enum Size {
    /// Drawn for each job (each batch) from the guest's own stream of this operation.
    Drawn(Dist),
    /// `base + per_item × requests + Σ coefficient × column` of the trace rows of the requests.
    Sum {
        base: f64,
        /// For each request of a batch; a job without batching is one.
        per_item: f64,
        /// (column of the trace, coefficient)
        terms: Vec<(usize, f64)>,
    },
    /// A value for some numbers of requests, increasing and never empty; linear between them, the
    /// first value below and the last above.
    ByBatch(Vec<(u32, f64)>),
}

impl Size {
    /// Value of a table by batch.
    pub fn by_batch(table: &[(u32, f64)], requests: u32) -> f64 {
        let above = table.partition_point(|&(known, _)| known < requests);
        match (table.get(above.wrapping_sub(1)), table.get(above)) {
            (Some(&(low, from)), Some(&(high, to))) => {
                from + (to - from) * f64::from(requests - low) / f64::from(high - low)
            }
            (Some(&(_, value)), None) | (None, Some(&(_, value))) => value,
            (None, None) => 0.0,
        }
    }
}
