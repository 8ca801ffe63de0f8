//! [`RunResult`]: everything that a run found out, in one serialisable, versioned structure.
//!
//! All that a report shows is in here; reports read it and never the simulator. It holds numbers, names
//! and kinds and no sentences: `report` makes the text. It holds no wall clock, path or host name: equal
//! input gives equal bytes. Times are nanoseconds from the start of the run unless a name says otherwise; SM
//! time is SM·ns; a fraction is from 0 to 1.

mod comparison;
mod estimate;
mod finding;
mod histogram;
mod objective;
mod reason;
mod replication;
mod sharing;
mod unit;

pub use comparison::{
    Best, Better, COMPARISON_FORMAT, ComparisonResult, Difference, GroupLatency, MeanOf,
    MemberSlowdown, MetricComparison, PolicyResult, PolicyValue, Sequential, Slice, SubjectKind,
    TurnRow, Verdict,
};
pub use estimate::{Estimate, QuantileEstimate};
pub use finding::{
    Check, Finding, FrameBuffer, Growth, Invariant, Overload, Overloaded, WarmupCheck,
    WarmupVerdict, Witness,
};
pub use histogram::LatencyHistogram;
pub use objective::{Grounds, ObjectiveResult, ObjectiveVerdict, Relation};
pub use reason::{Method, Reason, Remedy};
pub use replication::{
    Replication, ReplicationEngine, ReplicationGpu, ReplicationGuest, ReplicationInstance,
    ReplicationLatency, ReplicationParts, ReplicationTokens,
};
pub use sharing::{Holding, Load, MemoryOf, PlacedInstance, Sharing, TimeSlice};
pub use unit::Unit;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the program, in results and stored outcomes.
pub const PROGRAM: &str = "warpshare";

/// Version of this structure; a reader refuses other versions.
pub const FORMAT: u32 = 3;

/// What a run found out: `summary.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    /// [`FORMAT`].
    pub format: u32,
    /// About the program, not about the scenario; comparisons ignore it.
    pub meta: Meta,
    /// Which scenario was run.
    pub scenario: ScenarioInfo,
    /// How it was run.
    pub plan: PlanInfo,
    /// Named assumptions that the numbers rest on.
    pub assumptions: Vec<AssumptionInfo>,
    /// What the reader of the scenario remarked, in its words: clamped values and the like.
    pub notices: Vec<String>,
    /// Guest groups whose responses grow over a terminating window, in scenario order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub growth: Vec<Growth>,
    /// What cannot differ between replications, if anything: its numbers have no interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_chance: Option<NoChance>,
    /// What the scenario asks for and whether it holds: guests by name, then GPUs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveResult>,
    /// One entry for each guest group, in scenario order (by name).
    pub guests: Vec<GroupResult>,
    /// One entry for each GPU, in scenario order (by name).
    pub gpus: Vec<GpuResult>,
    /// Host cores, where the scenario limits them.
    pub host: Option<EngineResult>,
    /// Device memory, where guests allocate some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<MemoryResult>,
    /// Invariants that were checked in this run.
    pub checks: Vec<Check>,
    /// The same figures for each replication.
    pub replications: Vec<Replication>,
}

/// Which program wrote a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Meta {
    /// `warpshare`.
    pub program: String,
    /// Version of the program.
    pub version: String,
}

/// A scenario by name and meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioInfo {
    /// The name of its file, without the ending.
    pub name: String,
    /// One line for reports; no part of the scenario's meaning.
    pub title: Option<String>,
    /// SHA-256 of the resolved scenario, hexadecimal.
    pub hash: String,
}

/// How a scenario was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanInfo {
    /// Whether the window is of a system that goes on, or of one that ends.
    pub horizon: Horizon,
    /// Simulated before the window, and removed.
    pub warmup_ns: u64,
    /// The measured part, after the warm-up.
    pub window_ns: u64,
    /// How long after the window its jobs might take to end.
    pub drain_ns: u64,
    /// Independent replications.
    pub replications: u32,
    /// Master seed.
    pub seed: u64,
    /// Level of every interval, such as 0.95.
    pub confidence: f64,
    /// Nothing is drawn: all replications are the same, and there are no intervals ([`NoChance::everything`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_chance: bool,
}

/// What a run is to stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Horizon {
    /// A part of a system that goes on: the warm-up is removed.
    Steady,
    /// All there is: nothing is removed.
    Terminating,
}

/// Nothing that reaches these is drawn, so all replications give them the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoChance {
    /// Whether this holds for the whole scenario.
    pub everything: bool,
    /// Names of guest groups.
    pub guests: Vec<String>,
    /// Names of GPUs.
    pub gpus: Vec<String>,
}

/// A named assumption: a number without a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssumptionInfo {
    /// Its name, as in `[assumptions]` of a scenario.
    pub key: String,
    /// What it was taken to be, with its unit.
    pub value: String,
    /// What speaks for it.
    pub evidence: String,
}

/// A group of identical guests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupResult {
    /// Name of the group in the scenario.
    pub name: String,
    /// Guests of the group.
    pub count: u32,
    /// Name of the GPU in the scenario, or of the card whose GPUs the group spans.
    pub gpu: String,
    /// Names of its GPUs, where it spans several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<String>,
    /// Name of the instance in the GPU, where it is divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What each guest holds.
    pub holds: Holding,
    /// Name of the workload in the scenario.
    pub workload: String,
    /// Whether its users wait.
    pub load: Load,
    /// Jobs by arrival in the window, over all replications and members.
    pub jobs: JobCounts,
    /// Why latencies are lower bounds only, if they are: see `docs/metrics.md`.
    pub overload: Option<Overload>,
    /// Jobs that ended in the window, per second, for the whole group.
    pub throughput_per_s: Estimate,
    /// From arrival to end; the deadline's share of late jobs is in `late_fraction`.
    pub response: Latency,
    /// The response of each class of jobs, the most urgent first; empty where all jobs are alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassResult>,
    /// From the moment that a stream takes the job to its end: response without queueing.
    pub service: Latency,
    /// Mean time of a job in each part of its life; the parts add up to the mean response.
    pub parts: Parts,
    /// Of the guest's frames or jobs, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ns: Option<u64>,
    /// Jobs later than the deadline, of those that ended; where the guest has one.
    pub late_fraction: Option<Estimate>,
    /// Jobs that were dropped, of those that arrived.
    pub dropped_fraction: Estimate,
    /// Jobs that no stream took in time, of those that arrived; where the workload has a timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timed_out_fraction: Option<Estimate>,
    /// Jobs that failed for lack of device memory, of those that arrived; where jobs allocate some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_memory_fraction: Option<Estimate>,
    /// Frames that were delivered in the window, per second, for each guest; where jobs are frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames_per_s: Option<Estimate>,
    /// Completed requests over batches, where the guest batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<Estimate>,
    /// Mean response over that of the same draws alone on the undivided board (closed guests: the
    /// ratio of throughputs, alone over shared).
    pub slowdown: Estimate,
    /// The same, against the guest alone on its own share.
    pub interference: Estimate,
    /// Fraction of its GPU's wall time in which a member ran (mean over members).
    pub gpu_time_share: Estimate,
    /// One entry for each guest, by ordinal.
    pub members: Vec<Member>,
    /// MSER-5 on the mean response by arrival time, averaged over replications.
    pub warmup_check: WarmupCheck,
    /// From the start of a guest to the end of its last job, where the number of its jobs is given; mean
    /// over members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_ns: Option<Estimate>,
    /// Of a group that serves a language model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenResult>,
}

/// Jobs of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassResult {
    /// Name of the class in the scenario.
    pub name: String,
    /// Part of the jobs that are of this class, as the scenario says.
    pub part: f64,
    /// Of those that arrived in the window and ended.
    pub response: Latency,
}

/// What a language-model engine gave its users. Latencies are of requests that arrived in the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenResult {
    /// From arrival to the first token of a request.
    pub first_token: Latency,
    /// Between consecutive tokens of a request, every gap by itself.
    pub between_tokens: Latency,
    /// Mean tokens of a prompt, of requests that ended.
    pub prompt_tokens: Estimate,
    /// Mean tokens of an answer, of requests that ended.
    pub output_tokens: Estimate,
    /// Tokens that were generated in the window, per second, for the whole group.
    pub generated_per_s: Estimate,
    /// Requests that ended, met both objectives, and arrived in the window, per second of the window;
    /// the second objective is for the mean time between the tokens of a request. `None` without one.
    pub goodput_per_s: Option<Estimate>,
    /// Requests that lost their cache for lack of memory and were sent back to the queue, in the window.
    pub preemptions: u64,
}

/// Jobs that arrived in the window, and what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobCounts {
    /// Arrived in the window.
    pub arrived: u64,
    /// Of these, ended.
    pub completed: u64,
    /// Of these, turned away: the queue was full, or a frame was superseded.
    pub dropped: u64,
    /// Failed for lack of device memory.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub out_of_memory: u64,
    /// Left since they had waited too long for a stream.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub timed_out: u64,
    /// Batches of requests that were started together, where the guest batches.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub batches: u64,
    /// Still in the system when the drain bound was reached.
    pub unfinished: u64,
}

/// Times of jobs that arrived in the window and ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Mean.
    pub mean_ns: Estimate,
    /// p50, p90, p95, p99, p99.9 in this order.
    pub quantiles: Vec<QuantileEstimate>,
    /// Largest that was observed.
    pub largest_ns: Option<u64>,
    /// Merged over replications and members.
    pub histogram: LatencyHistogram,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Mean nanoseconds of a job in each part of its life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Parts {
    /// Waiting for a stream of the guest.
    pub queue_ns: Estimate,
    /// Work ready, another tenant (or nobody) on the SMs.
    pub slice_wait_ns: Estimate,
    /// Context switches towards the job's tenant.
    pub switch_ns: Estimate,
    /// On the SMs.
    pub gpu_ns: Estimate,
    /// Copying, with the wait for a copy engine.
    pub copy_ns: Estimate,
    /// On host cores, with the wait for one.
    pub host_ns: Estimate,
    /// On a media engine, with the wait for one; `None` if the workload uses none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_ns: Option<Estimate>,
    /// In the network and at the client; `None` where they add nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside_ns: Option<Estimate>,
}

impl GroupResult {
    /// Whether members of it are on this GPU.
    pub fn is_on(&self, gpu: &str) -> bool {
        self.gpu == gpu || self.gpus.iter().any(|own| own == gpu)
    }

    /// How many of them are.
    pub fn count_on(&self, gpu: &str) -> usize {
        match self.gpus.is_empty() {
            true if self.gpu == gpu => self.count as usize,
            true => 0,
            false => {
                let members = self.members.iter();
                members
                    .filter(|member| member.gpu.as_deref() == Some(gpu))
                    .count()
            }
        }
    }
}

/// One guest of a group; its figures are those of the group, of this guest alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Name of the group, with `#` and the ordinal where the group has several guests.
    pub name: String,
    /// Its GPU, where the group spans several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Jobs that arrived in the window, over all replications.
    pub jobs: JobCounts,
    /// Jobs that ended in the window, per second.
    pub throughput_per_s: Estimate,
    /// Mean response time.
    pub mean_response_ns: Estimate,
    /// 95th percentile of all response times, pooled; without an interval.
    pub p95_response_ns: Option<u64>,
    /// Largest response time that was observed.
    pub largest_response_ns: Option<u64>,
    /// Mean response over that alone on the undivided board.
    pub slowdown: Estimate,
    /// Mean response over that alone on its own share.
    pub interference: Estimate,
    /// Fraction of its GPU's wall time in which it ran.
    pub gpu_time_share: Estimate,
    /// Longest time with work ready and none of the SMs.
    pub longest_starvation_ns: u64,
}

/// A physical GPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GpuResult {
    /// Name of the GPU in the scenario.
    pub name: String,
    /// Catalogue identifier.
    pub board: String,
    /// Name of the board, as its vendor writes it.
    pub board_name: String,
    /// Streaming multiprocessors.
    pub sms: u32,
    /// Such as `time-slice: equal-share, ARR 33, 2.083333ms`.
    pub sharing: Sharing,
    /// Fractions of SMs x wall in the window; they add up to one.
    pub split: Split,
    /// Fraction of wall time with anything running on the SMs: what NVML calls utilisation. Of a
    /// GPU that is divided: the mean over its instances, weighted by their SMs.
    pub gpu_time: Estimate,
    /// Turns that started in the window, per second.
    pub turns_per_s: Estimate,
    /// Context switches in the window, per second.
    pub switches_per_s: Estimate,
    /// Over warm-up and window, mean over replications.
    pub timeline: Timeline,
    /// Copy engines by direction, then the media engines that its guests use.
    pub engines: Vec<EngineResult>,
    /// Fairness over its guests.
    pub fairness: Fairness,
    /// Compute domains of a GPU that is divided into GPU instances; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceResult>,
}

/// A compute instance, or a GPU instance with one that takes all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceResult {
    /// Name in the scenario: `big`, or `big.x` for a compute instance.
    pub name: String,
    /// Such as `3g.20gb`.
    pub profile: String,
    /// First memory slice.
    pub start: u32,
    /// Streaming multiprocessors.
    pub sms: u32,
    /// How it is shared, as of a GPU.
    pub sharing: Sharing,
    /// Fractions of its SMs x wall in the window.
    pub split: Split,
    /// Fraction of wall time with anything running on its SMs.
    pub gpu_time: Estimate,
    /// Turns that started in the window, per second.
    pub turns_per_s: Estimate,
    /// Context switches in the window, per second.
    pub switches_per_s: Estimate,
}

/// Where the time of SMs went: fractions that add up to one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Split {
    /// Work of guests.
    pub useful: Estimate,
    /// Context switches and the scheduler's own calls.
    pub switching: Estimate,
    /// Turns kept for guests that had no work.
    pub reserved_idle: Estimate,
    /// Nothing to do.
    pub idle: Estimate,
}

/// Fractions of SMs x bin width; equal bins from 0 to warm-up + window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Width of a bin.
    pub bin_ns: u64,
    /// Work of guests.
    pub useful: Vec<f64>,
    /// Context switches and the scheduler's own calls.
    pub switching: Vec<f64>,
    /// Turns kept for guests that had no work.
    pub reserved_idle: Vec<f64>,
    /// Nothing to do.
    pub idle: Vec<f64>,
}

/// Memory that guests allocate from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryResult {
    /// `a`, `a.big`, or the guest whose vGPUs it is.
    pub name: String,
    /// What that is.
    pub what: MemoryOf,
    /// `None` = unlimited (the neutral board).
    pub capacity_bytes: Option<u64>,
    /// Allocated from the beginning on.
    pub held_bytes: u64,
    /// Most that was allocated at any time up to the end of the window, over all replications (and
    /// vGPUs).
    pub largest_bytes: u64,
}

/// A station beside the SMs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EngineResult {
    /// `copy host to device`, `copy device to host`, `NVDEC`, `NVENC`, `JPEG`, `OFA`, `host cores`.
    pub name: String,
    /// Pieces of work that it serves at once.
    pub servers: u32,
    /// Fraction of servers x wall that were busy in the window.
    pub utilisation: Estimate,
    /// The same by bin, over warm-up and window.
    pub timeline: Vec<f64>,
}

/// Fairness over the tenants' guests of one GPU. `None` where it is undefined (one guest, no baseline).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fairness {
    /// Jain index of GPU time.
    pub jain_gpu_time: Estimate,
    /// Jain index of progress (1 / slowdown).
    pub jain_progress: Estimate,
    /// Largest over smallest progress.
    pub max_min_ratio: Estimate,
    /// Average normalised turnaround time: mean slowdown over guests.
    pub antt: Estimate,
    /// System throughput: sum of progress over guests.
    pub stp: Estimate,
    /// Longest time that a guest had work ready and none of the SMs.
    pub longest_starvation_ns: u64,
}
