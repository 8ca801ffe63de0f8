//! The `[workloads]` half of the file as it is written.

use crate::scenario::key::field::{Field, Key, Named, words};
use crate::scenario::key::units::{RawDuration, RawFlops, RawProbability, RawRate, RawSize};
use crate::scenario::read::raw_amount::RawAmount;
use crate::scenario::read::raw_llm::RawLlm;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a guest does: when jobs come, and of what stages a job consists.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Workload")]
pub struct RawWorkload {
    /// A built-in workload (`warpshare workload list`) that gives all keys that are not given here, in tables
    /// within tables too.
    pub preset: Key<String>,
    /// Parts of the preset that are not taken, such as `["stages", "arrivals.on"]`: what stands here in their
    /// place, if anything, is all.
    pub replace: Key<Vec<Field<String>>>,
    /// Capabilities that the vGPU type must have.
    pub needs: Key<Vec<Field<RawNeed>>>,
    /// How jobs come. Required.
    pub arrivals: Key<RawArrivals>,
    /// How long a job waits for a stream of its guest before it leaves: a number or a distribution, drawn
    /// for each job. Default: it waits for ever. A job that has started is not affected.
    pub timeout: Key<RawAmount<RawDuration>>,
    /// Classes of jobs, the most urgent first: whenever jobs wait for a stream, those of an earlier class go
    /// before the others. Default: all are alike.
    pub classes: Key<Vec<Field<RawClass>>>,
    /// Requests are served several at a time, as by the dynamic batcher of an inference server; default:
    /// one job on each stream.
    pub batching: Key<RawBatching>,
    /// Jobs are frames of a display: of those that wait only the newest is shown, and an application draws
    /// none before the frame-rate limiter of its vGPU, which acts under best effort, lets it.
    pub frames: Key<RawFrames>,
    /// Jobs are requests to a language model behind a serving engine, in place of `stages`.
    pub llm: Key<RawLlm>,
    /// Device memory that a job allocates when it starts and frees when it ends; default none. A job
    /// that finds too little left fails: out of memory.
    pub memory: Key<RawAmount<RawSize>>,
    /// Stages in the order in which a job passes them; may be left out with one stage.
    pub sequence: Key<Vec<Field<String>>>,
    /// Stages that only every so manyth job passes, such as `{ checkpoint = 100 }`.
    pub every: Key<BTreeMap<String, Field<u64>>>,
    /// Stages that a job passes so often, one time after the other, such as `{ kernel = 20 }`.
    pub repeat: Key<BTreeMap<String, Field<u64>>>,
    /// Catalogue id of the board on which GPU times hold; default: the guest's own board.
    pub reference: Key<String>,
    /// Stages by name; each is a table of operations that start together.
    #[serde(default)]
    pub stages: Named<BTreeMap<String, Field<RawOperation>>>,
}

/// A class of jobs: `{ name = "urgent", part = 0.1 }`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Class")]
pub struct RawClass {
    /// Required.
    pub name: Key<String>,
    /// Part of the jobs, above 0 and below 1, drawn for each; the last class has the rest.
    pub part: Key<f64>,
}

/// What frames are shown on.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Frames")]
pub struct RawFrames {
    /// Width and height of each display, default `1920x1080`. Times of `gpu` and `nvenc` are for one
    /// display of 1920x1080 and grow with the pixels.
    pub resolution: Key<String>,
    /// What the network adds to the latency of each frame, both ways together (assumption
    /// `frames.network`).
    pub network: Key<RawDuration>,
    /// What the client adds: decoding and the wait for its display (assumption `frames.client`).
    pub client: Key<RawDuration>,
    /// Displays of each guest, default 1.
    #[schemars(range(min = 1, max = 16))]
    pub displays: Key<u64>,
}

/// How waiting requests are taken together.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Batching")]
pub struct RawBatching {
    /// Requests of a batch at most. Required.
    #[schemars(range(min = 1, max = 65536))]
    pub max: Key<u64>,
    /// How long the first request of a batch waits for others at most; default 0s: an idle stream takes
    /// whatever waits.
    pub delay: Key<RawDuration>,
}

words! { RawNeed as "Need" {
    Cuda = "cuda",
    Graphics = "graphics",
    Encode = "encode",
}}

words! { RawProcess as "Process" {
    /// Open, exponential gaps: `rate`.
    Poisson = "poisson",
    /// Open, equal gaps: `period` or `rate`.
    Deterministic = "deterministic",
    /// Open, gamma gaps: `rate` and `cv`.
    Gamma = "gamma",
    /// Open, Weibull gaps: `rate` and `cv`.
    Weibull = "weibull",
    /// Open, gaps of any distribution: `gap`.
    Renewal = "renewal",
    /// Open, arrivals while `on`, none while `off`: `rate`, `on`, `off`.
    OnOff = "on-off",
    /// Open, at a rate that changes: `phases`.
    Modulated = "modulated",
    /// `users` who each think, submit a job and wait for its end.
    Closed = "closed",
    /// Open: sessions of several requests with think time between them.
    Sessions = "sessions",
    /// Arrival times from a CSV file.
    Trace = "trace",
}}

words! { RawFirst as "First" {
    /// After one gap (default).
    AfterGap = "after-gap",
    /// At the guest's start.
    AtStart = "at-start",
    /// After a uniform part of the first gap.
    RandomPhase = "random-phase",
}}

words! { RawSpacing as "Spacing" {
    /// Exponential gaps: a Poisson process.
    Random = "random",
    /// Equal gaps, the first after a random part of one.
    Regular = "regular",
}}

words! { RawTimeFormat as "TimeFormat" {
    /// Date and time of day, such as `2023-11-16 18:17:03.9799600`.
    Timestamp = "timestamp",
    Seconds = "seconds",
    Milliseconds = "milliseconds",
    Microseconds = "microseconds",
    Nanoseconds = "nanoseconds",
}}

words! { RawFormat as "Format" {
    /// A client of ServeGen: windows with a rate, a CV and a family of gaps.
    Servegen = "servegen",
    /// Requests of an Azure LLM inference trace; columns `ContextTokens`, `GeneratedTokens`.
    AzureLlm = "azure-llm",
    /// GPU pods of Alibaba's openb cluster; columns `cpu_milli`, `memory_mib`, `num_gpu`, `gpu_milli`,
    /// and `duration` and `gpu_time` in seconds.
    Openb = "openb",
    /// Jobs of Microsoft's Philly clusters; columns `num_gpus`, and `duration` and `gpu_time` in seconds.
    Philly = "philly",
    /// Requests of a Mooncake trace (JSON lines); columns `input_length`, `output_length`.
    Mooncake = "mooncake",
    /// Requests of a BurstGPT trace; columns `Request tokens`, `Response tokens`.
    BurstGpt = "burstgpt",
}}

/// How jobs come to a guest.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Arrivals")]
pub struct RawArrivals {
    /// Required.
    pub process: Key<RawProcess>,
    /// Mean arrival rate of one guest (poisson, deterministic, gamma, weibull); while on (on-off); of
    /// sessions, which then begin as a Poisson process (sessions).
    pub rate: Key<RawRate>,
    /// Gap between arrivals (deterministic).
    pub period: Key<RawDuration>,
    /// Coefficient of variation of the gaps (gamma, weibull).
    pub cv: Key<f64>,
    /// Distribution of the gaps (renewal); of those between beginnings of sessions (sessions).
    pub gap: Key<RawAmount<RawDuration>>,
    /// How long after its beat each job arrives, never before the one before it (deterministic).
    pub jitter: Key<RawAmount<RawDuration>>,
    /// How long arrivals last, and how long there are none (on-off).
    pub on: Key<RawAmount<RawDuration>>,
    pub off: Key<RawAmount<RawDuration>>,
    /// Phases in the order in which they follow each other, over and over (modulated).
    pub phases: Key<Vec<Field<RawPhase>>>,
    /// How arrivals of a phase follow each other (on-off, modulated); default `regular` for `frames`, which an
    /// application paces, otherwise `random`.
    pub spacing: Key<RawSpacing>,
    /// Jobs of a guest in all, then no more come; default no end.
    #[schemars(range(min = 1))]
    pub jobs: Key<u64>,
    /// Jobs that arrive together, default 1 (open processes).
    #[schemars(range(min = 1, max = 1000000))]
    pub batch: Key<u64>,
    /// Mean of a geometric number of jobs that arrive together, instead of `batch`; above 1.
    pub batch_mean: Key<f64>,
    /// When the first job arrives (poisson, deterministic, gamma, weibull, renewal).
    pub first: Key<RawFirst>,
    /// Users of one guest, default 1 (closed).
    #[schemars(range(min = 1, max = 100000))]
    pub users: Key<u64>,
    /// Requests of a session (sessions).
    #[schemars(range(min = 1, max = 1000000))]
    pub requests: Key<u64>,
    /// Mean of a geometric number of requests of a session, instead of `requests`; above 1.
    pub requests_mean: Key<f64>,
    /// How long a session has requests, instead of a number of them (sessions).
    pub lasts: Key<RawAmount<RawDuration>>,
    /// Think time, default 0s (closed); from one request of a session to the next (sessions).
    pub think: Key<RawAmount<RawDuration>>,
    /// CSV file, relative to the scenario (trace).
    pub file: Key<String>,
    /// Column with the arrival times (trace).
    pub time: Key<String>,
    /// How the times are written (trace).
    pub time_format: Key<RawTimeFormat>,
    /// A published trace whose columns are known, instead of `time` and `time_format` (trace).
    pub format: Key<RawFormat>,
    /// Probability with which each row is kept, default 1 (trace).
    pub keep: Key<RawProbability>,
    /// Factor on all times, default 1; 2 = half as fast (trace).
    pub stretch: Key<f64>,
    /// Where in the trace the guest begins, in the trace's own time; default 0s (trace).
    pub offset: Key<RawDuration>,
    /// The trace begins anew after this time; default: it ends (trace).
    pub repeat_every: Key<RawDuration>,
    /// Where guests of a group enter the trace (trace). Default `apart`; `start` with `keep` below 1 and
    /// for windows of ServeGen, which differ from guest to guest as it is.
    pub enter: Key<RawEnter>,
    /// Length of the pieces of a block bootstrap: arrivals are put together from pieces of the trace, each
    /// from a place drawn at random (trace).
    pub block: Key<RawDuration>,
    /// Whether the trace begins at its own first row, or keeps its distance to the other traces of the
    /// scenario (trace). Default: traces whose times overlap keep it.
    pub clock: Key<RawClock>,
}

words! { RawEnter as "Enter" {
    /// All at its begin, in step.
    Start = "start",
    /// The first guest of the group at its begin, each further one at a place drawn for it.
    Apart = "apart",
    /// Each at a place drawn for it in each replication: random windows of the trace.
    Random = "random",
}}

words! { RawClock as "Clock" {
    /// The trace begins with the guest.
    Own = "own",
    /// It begins as long after the earliest of these traces as it does on their clock.
    Common = "common",
}}

/// A phase of a modulated process.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Phase")]
pub struct RawPhase {
    /// How long it lasts. Required.
    pub stay: Key<RawAmount<RawDuration>>,
    /// Arrival rate in it; default none.
    pub rate: Key<RawRate>,
}

words! { RawKind as "Kind" {
    /// Work on host cores: `time`.
    Host = "host",
    /// Work on the SMs: `time`, or `flops`, `bytes` and `precision`; `sms` or `blocks` and `blocks_per_sm`, `memory_bound`, `kernel`.
    Gpu = "gpu",
    /// Host to device over PCIe: `bytes`.
    CopyIn = "copy-in",
    /// Device to host over PCIe: `bytes`.
    CopyOut = "copy-out",
    /// Video decoding on one NVDEC: `time`.
    Nvdec = "nvdec",
    /// Video encoding on one NVENC: `time`.
    Nvenc = "nvenc",
    /// JPEG decoding on one NVJPG: `time`.
    Jpeg = "jpeg",
    /// Optical flow on one OFA: `time`.
    Ofa = "ofa",
}}

words! { RawPrecision as "Precision" {
    /// Single precision on the CUDA cores.
    Fp32 = "fp32",
    /// Half precision on the tensor cores, dense.
    Fp16Tensor = "fp16-tensor",
}}

/// One operation of a stage.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Operation")]
pub struct RawOperation {
    /// Default: the operation's own name, when that is a kind.
    pub kind: Key<RawKind>,
    /// How long it takes; GPU work: alone on the whole reference board.
    pub time: Key<RawAmount<RawDuration>>,
    /// How much is copied; GPU work: how much memory traffic it has, beside `flops`.
    pub bytes: Key<RawAmount<RawSize>>,
    /// Operations of GPU work, with `bytes` and `precision` in place of `time`: it takes as long as
    /// the longer of its arithmetic and its memory traffic. A constant, as are its bytes.
    pub flops: Key<RawAmount<RawFlops>>,
    /// Which peak of the board counts for `flops`; of work given by its `time`: by which peak it carries
    /// over from the `reference` board, default `fp32`.
    pub precision: Key<RawPrecision>,
    /// Achieved part of the peak arithmetic, above 0 (assumption `roofline.flops`).
    pub flop_efficiency: Key<RawProbability>,
    /// Achieved part of the peak memory bandwidth, above 0 (assumption `roofline.bytes`).
    pub byte_efficiency: Key<RawProbability>,
    /// SMs that the GPU work can fill; default: all that the board has.
    #[schemars(range(min = 1, max = 100000))]
    pub sms: Key<u64>,
    /// Part of the GPU time that depends on memory bandwidth rather than on arithmetic; default 0.
    /// It decides how the work stretches on another board, on a slice, and beside other work.
    pub memory_bound: Key<RawProbability>,
    /// Blocks of the grid, with `blocks_per_sm`: time then goes in whole waves, and the work fills the
    /// SMs that its blocks need.
    #[schemars(range(min = 1))]
    pub blocks: Key<u64>,
    /// Blocks that one SM holds at once, 1 to 32.
    #[schemars(range(min = 1, max = 32))]
    pub blocks_per_sm: Key<u64>,
    /// Length of one kernel, where preemption waits for the end of a kernel.
    pub kernel: Key<RawDuration>,
    /// Profile of kernels in launch order, a CSV file of Orion, relative to the scenario. The kernels
    /// run one after another; nothing else stands beside the key, neither in its table nor in its stage.
    pub file: Key<String>,
}
