//! The scenario file as it is written: names, units in strings, nothing resolved.
//!
//! Every key is optional here; what is required, and what applies to what, is checked with places
//! in the text by the modules that resolve. The JSON Schema is generated from these types.

use crate::scenario::key::field::{Field, Key, Named, RawScalar, words};
use crate::scenario::key::units::{
    RawBandwidth, RawDuration, RawFrequency, RawPreemption, RawSize,
};
use crate::scenario::read::raw_workload::RawWorkload;
use crate::scenario::read::scheduler::{RawDivision, RawScheduler};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A warpshare scenario: boards, how they are shared, and who uses them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scenario")]
pub struct RawScenario {
    /// One line for reports.
    pub title: Key<String>,
    /// File with boards and vGPU types of your own, relative to the scenario.
    pub boards: Key<String>,
    /// `neutral` switches every real effect off: for comparison with theory.
    pub preset: Key<RawPreset>,
    /// How long, how often, from which seed.
    pub run: Key<RawRun>,
    /// The machine that the GPUs are in.
    pub host: Key<RawHost>,
    /// Physical GPUs by name.
    #[serde(default)]
    pub gpus: Named<RawGpu>,
    /// Groups of identical guests by name.
    #[serde(default)]
    pub guests: Named<RawGuest>,
    /// What guests do, by name.
    #[serde(default)]
    pub workloads: Named<RawWorkload>,
    /// Other values for named assumptions, by key, such as `"switch.restore" = "100us"`.
    #[serde(default)]
    pub assumptions: BTreeMap<String, Field<RawScalar>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Preset")]
pub enum RawPreset {
    /// No switch cost, free copies, no clamps, no assumptions.
    Neutral,
}

/// How the scenario is run.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Run")]
pub struct RawRun {
    /// `steady` (default): long-run behaviour, the warm-up is removed. `terminating`: a period that
    /// starts empty and ends.
    pub horizon: Key<RawHorizon>,
    /// Length of the measured window. Required.
    pub duration: Key<RawDuration>,
    /// Simulated before measurement starts; default 20 % of `duration`. Only for `steady`.
    pub warmup: Key<RawDuration>,
    /// How long jobs of the window may take to finish after it; default: one `duration`.
    pub drain: Key<RawDuration>,
    /// Independent repetitions, 1 to 10,000; default 5.
    #[schemars(range(min = 1, max = 10000))]
    pub replications: Key<u64>,
    /// Start of every random stream; default 1.
    pub seed: Key<u64>,
    /// Confidence level of every interval, between 0.5 and 0.9999; default 0.95.
    #[schemars(range(min = 0.5, max = 0.9999))]
    pub confidence: Key<f64>,
    /// Whether each guest is also run alone, for slowdown and interference; default true.
    pub baselines: Key<bool>,
    /// What is asked of every GPU, such as `"jain >= 0.9"`.
    pub objectives: Key<Vec<Field<String>>>,
    /// Bins of the timelines over warm-up and window, 1 to 10,000; default 120.
    #[schemars(range(min = 1, max = 10000))]
    pub timeline_bins: Key<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Horizon")]
pub enum RawHorizon {
    Steady,
    Terminating,
}

/// The machine that the GPUs are in.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Host")]
pub struct RawHost {
    /// Cores that all guests share; default unlimited (assumption `host.cores`).
    #[schemars(range(min = 1, max = 1000000))]
    pub cores: Key<u64>,
}

/// A physical GPU. Keys beside `board`, `share` and `switch` replace single facts of the catalogue.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Gpu")]
pub struct RawGpu {
    /// Identifier in the catalogue, such as `a40`; `neutral` under `preset = "neutral"`. Required
    /// unless `card` is there, or `config` is a capture, which names its board. Of a board with several
    /// GPUs (`a16`) it is one of them.
    pub board: Key<String>,
    /// A whole board with several GPUs, such as `a16`, instead of `board`: a card `a` is the GPUs `a.0`,
    /// `a.1` and so on, each as this table says.
    pub card: Key<String>,
    /// On which GPU of a card the next guest goes; default `breadth-first`.
    pub placement: Key<RawPlacement>,
    /// How the GPU is configured, from a file that exists already, relative to the scenario:
    /// `config.yaml#NAME` for a config of a mig-parted or vgpu-device-manager file (`#NAME@2` for
    /// GPU 2 where the config counts GPUs), `captured.xml#0` for a GPU of a captured
    /// `nvidia-smi -q -x`, by index or PCI bus id. Instead of `instances`.
    pub config: Key<String>,
    /// Which vGPUs may be on the GPU together: of one frame-buffer size (default), or of several.
    pub vgpu_sizes: Key<RawSizes>,
    /// Streaming multiprocessors, 1 to 100,000.
    #[schemars(range(min = 1, max = 100000))]
    pub sm_count: Key<u64>,
    /// Frame buffer.
    pub memory: Key<RawSize>,
    /// Copy engines by direction; default one each (assumption `copy.engines`).
    pub copy_engines: Key<RawCopyEngines>,
    /// Media engines, in place of the catalogue's numbers.
    pub engines: Key<RawEngines>,
    /// Run lists of NVENC, one turn for each vGPU; default: best effort, without lists.
    pub encoders: Key<RawEncoders>,
    /// SR-IOV virtual functions.
    #[schemars(range(min = 1, max = 100000))]
    pub max_vfs: Key<u64>,
    /// The PCIe slot: generation and lanes.
    pub pcie: Key<RawPcie>,
    /// Achieved bandwidth in each direction; replaces `pcie` and the efficiency assumption.
    pub pcie_bandwidth: Key<RawBandwidth>,
    /// Fixed cost of one copy (assumption `pcie.latency`).
    pub pcie_latency: Key<RawDuration>,
    /// Peak single precision in TFLOPS, for work whose reference is another board or that is given by
    /// its operations.
    pub fp32_tflops: Key<f64>,
    /// Peak of the tensor cores in dense half precision, in TFLOPS, for work that is given by its
    /// operations.
    pub fp16_tensor_tflops: Key<f64>,
    /// Peak memory bandwidth, for work whose reference is another board or that is given by its bytes.
    pub memory_bandwidth: Key<RawBandwidth>,
    /// SM clock relative to that of a fully busy board, by busy part of the SMs, such as
    /// `[[0.3, 1.27], [0.5, 1.22], [1.0, 1.0]]`: fewer busy SMs run faster. Default: one clock.
    pub clock_curve: Key<Vec<[f64; 2]>>,
    /// How the GPU is shared.
    pub share: Key<RawShare>,
    /// GPU instances by name: the GPU is divided by MIG, and each instance is shared on its own.
    #[serde(default)]
    pub instances: Named<RawInstance>,
    /// What it costs to change what runs.
    pub switch: Key<RawSwitch>,
    /// What is asked of the GPU, such as `"jain >= 0.9"` or `"utilisation < 80%"`.
    pub objectives: Key<Vec<Field<String>>>,
}

/// A GPU instance.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Instance")]
pub struct RawInstance {
    /// GPU-instance profile, such as `3g.20gb`, or `3g` for short. Required.
    pub profile: Key<String>,
    /// First memory slice; default: what the driver is assumed to choose (assumption `mig.start`).
    pub start: Key<u64>,
    /// Streaming multiprocessors, where the catalogue does not know them.
    #[schemars(range(min = 1, max = 100000))]
    pub sm_count: Key<u64>,
    /// Memory, where the catalogue does not know it.
    pub memory: Key<RawSize>,
    /// Media engines, in place of the catalogue's numbers.
    pub engines: Key<RawEngines>,
    /// How the instance is shared.
    pub share: Key<RawShare>,
    /// Compute instances by name; default: one that takes the whole instance.
    #[serde(default)]
    pub cis: Named<RawComputeInstance>,
}

/// A compute instance of a GPU instance.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ComputeInstance")]
pub struct RawComputeInstance {
    /// Compute-instance profile, such as `1c.3g.20gb`, or `1c` for short. Required.
    pub profile: Key<String>,
    /// Streaming multiprocessors, where the catalogue does not know them.
    #[schemars(range(min = 1, max = 100000))]
    pub sm_count: Key<u64>,
    /// How the compute instance is shared.
    pub share: Key<RawShare>,
}

/// Copy engines by direction.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CopyEngines")]
pub struct RawCopyEngines {
    #[schemars(range(min = 1, max = 1000))]
    pub host_to_device: Key<u64>,
    #[schemars(range(min = 1, max = 1000))]
    pub device_to_host: Key<u64>,
}

/// Media engines by kind, 0 to 1000.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Engines")]
pub struct RawEngines {
    /// Video decoders.
    #[schemars(range(max = 1000))]
    pub nvdec: Key<u64>,
    /// Video encoders.
    #[schemars(range(max = 1000))]
    pub nvenc: Key<u64>,
    /// JPEG decoders.
    #[schemars(range(max = 1000))]
    pub jpeg: Key<u64>,
    /// Optical-flow accelerators.
    #[schemars(range(max = 1000))]
    pub ofa: Key<u64>,
}

/// How vGPUs share the NVENC engines.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Encoders")]
pub struct RawEncoders {
    /// Required.
    pub scheduler: Key<RawEncoderScheduler>,
    /// Length of a slice (assumption `nvenc.slice`).
    pub slice: Key<RawDuration>,
    /// Turns in a fixed-share round; default: the vGPU type's maximum.
    #[schemars(range(min = 1, max = 100000))]
    pub reserved_turns: Key<u64>,
}

/// A PCIe slot.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Pcie")]
pub struct RawPcie {
    /// Generation, 1 to 6.
    #[schemars(range(min = 1, max = 6))]
    pub r#gen: Key<u64>,
    /// Lanes: 1, 2, 4, 8 or 16.
    #[schemars(range(min = 1, max = 16))]
    pub lanes: Key<u64>,
}

/// Running time in every period: `{ time = "2ms", every = "10ms" }`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Reservation")]
pub struct RawReservation {
    /// Required.
    pub time: Key<RawDuration>,
    /// The period; required.
    pub every: Key<RawDuration>,
}

/// How a GPU is shared.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Share", transform = crate::scenario::read::parameters::describe)]
pub struct RawShare {
    /// `time-slice` (default), `spatial` or `mps` for MPS, or `exclusive` for a single tenant.
    pub mode: Key<RawMode>,
    /// How much longer work takes while work of another client runs, beyond what SMs and bandwidth
    /// explain, 0 to 10; for `spatial` (assumption `mps.interference`).
    pub interference: Key<f64>,
    /// How the clients of `spatial` divide the SMs; default `mps-default`.
    pub division: Key<RawDivision>,
    /// Contexts that may share it, 1 to 1,000: replicas that a Kubernetes device plugin advertises.
    /// Default no limit.
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: Key<u64>,
    /// Default: `best-effort` for vGPUs, `round-robin` for CUDA contexts.
    pub scheduler: Key<RawScheduler>,
    /// Adaptive round robin, for `equal-share`, `weighted-share` and `fixed-share`; default on (off under `neutral`).
    pub arr: Key<bool>,
    /// Slices a second with ARR on: 63Hz to 960Hz; 0Hz = default.
    pub frequency: Key<RawFrequency>,
    /// Turns over which ARR repays an over-run: 1 to 60, default 33; 0 = default.
    pub averaging_factor: Key<u64>,
    /// Length of a slice, where ARR is off or does not exist.
    pub slice: Key<RawDuration>,
    /// What takes a turn: a tenant (default) or each of its channels.
    pub turns: Key<RawTurns>,
    /// Order of the runnable in work-conserving schedulers: `queue` (default) or `list`.
    pub rotation: Key<RawRotation>,
    /// Rest of a slice when a piece of work ends and more is there: `keep` (default) or `end`.
    pub on_completion: Key<RawOnCompletion>,
    /// Rest of a reserved slice without work: `hold` (default) or `end`.
    pub on_idle: Key<RawOnIdle>,
    /// Who is queued first when a slice ends at the instant of an arrival; default
    /// `preempted-first`.
    pub ties: Key<RawTies>,
    /// Turns in a fixed-share round; default: the vGPU type's maximum on the board.
    #[schemars(range(min = 1, max = 100000))]
    pub reserved_turns: Key<u64>,
    /// How much more than its own share a vGPU may have under `fixed-share` while fewer run than the type's
    /// maximum, as a part of that share: 0 (default) to 32.
    #[schemars(range(min = 0))]
    pub elastic_cap: Key<f64>,
    /// Parameters of policies, as `scenario::parameters` has put them aside.
    #[serde(default)]
    #[schemars(skip)]
    pub parameters: BTreeMap<String, Field<RawScalar>>,
}

/// An editor accepts what the program accepts.
fn with_mps(schema: &mut schemars::Schema) {
    if let Some(choices) = schema
        .get_mut("oneOf")
        .and_then(|choices| choices.as_array_mut())
    {
        choices.push(json!({ "const": "mps", "description": "The same as `spatial`." }));
    }
}

words! { #[schemars(transform = with_mps)] RawMode as "Mode" {
    /// One tenant owns the board.
    Exclusive = "exclusive",
    /// Tenants take turns on the whole board.
    TimeSlice = "time-slice",
    /// Processes run side by side: CUDA MPS. Also `mps`.
    #[serde(alias = "mps")]
    Spatial = "spatial",
}}
words! { RawEncoderScheduler as "EncoderScheduler" {
    /// Each engine takes what comes first.
    BestEffort = "best-effort",
    /// Each running vGPU has one turn in a round.
    EqualShare = "equal-share",
    /// A round has as many turns as vGPUs of the type fit.
    FixedShare = "fixed-share",
}}
words! { RawPlacement as "Placement" {
    /// The GPU with the fewest tenants of those that can take it.
    BreadthFirst = "breadth-first",
    /// The GPU with the most tenants of those that can take it.
    DepthFirst = "depth-first",
}}
words! { RawSizes as "VgpuSizes" {
    /// All of one frame-buffer size; series may mix.
    Equal = "equal",
    /// Several sizes, each type at its placement ids: `nvidia-smi vgpu -shm 1`.
    Mixed = "mixed",
}}
words! { RawTurns as "Turns" {
    /// One turn for each vGPU or context.
    PerTenant = "per-tenant",
    /// One turn for each stream: a hardware run list of all tenants' channels.
    PerChannel = "per-channel",
}}
words! { RawRotation as "Rotation" {
    /// Who becomes runnable, or whose slice ends, goes to the end of a queue.
    Queue = "queue",
    /// A fixed list is scanned in rank order.
    List = "list",
}}
words! { RawOnCompletion as "OnCompletion" {
    Keep = "keep",
    End = "end",
}}
words! { RawOnIdle as "OnIdle" {
    Hold = "hold",
    End = "end",
}}
words! { RawTies as "Ties" {
    PreemptedFirst = "preempted-first",
    ArrivalFirst = "arrival-first",
}}
words! { RawCharge as "Charge" {
    /// Before a turn of another tenant than the last.
    PerTenantChange = "per-tenant-change",
    /// Before a turn of another entry (stream) than the last.
    PerEntryChange = "per-entry-change",
    /// Before every turn with work.
    PerDispatch = "per-dispatch",
    /// At the start of every turn, out of its slice.
    PerSlot = "per-slot",
}}

/// What it costs to take the SMs from one tenant and give them to another.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Switch")]
pub struct RawSwitch {
    /// Delay during which the outgoing work still runs, or `kernel-boundary`
    /// (assumption `switch.preemption`).
    pub preemption: Key<RawPreemption>,
    /// Saving the outgoing context (assumption `switch.save`).
    pub save: Key<RawDuration>,
    /// Restoring the incoming context (assumption `switch.restore`).
    pub restore: Key<RawDuration>,
    /// The scheduler's own call (assumption `switch.scheduler_call`).
    pub scheduler_call: Key<RawDuration>,
    /// When save, restore and call are charged; default `per-tenant-change`.
    pub charge: Key<RawCharge>,
}

/// A group of identical guests: virtual machines with vGPUs, processes inside them, or processes with a
/// CUDA context on the bare GPU.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Guest")]
pub struct RawGuest {
    /// Name of the GPU, or of an instance of it: `a`, `a.big`, `a.big.x`; of a card, whose GPUs the group
    /// spans, or of one GPU of it: `a`, `a.0`. Required when there are several.
    pub on: Key<String>,
    /// vGPU type that each guest holds, such as `A40-4Q`.
    pub vgpu: Key<String>,
    /// Number of vGPUs of that type in each guest; default 1.
    #[schemars(range(min = 1, max = 1000))]
    pub vgpus: Key<u64>,
    /// Placement ids of its vGPUs on a GPU with `vgpu_sizes = "mixed"`, guest by guest; default: chosen.
    pub placement_ids: Key<Vec<u64>>,
    /// `true` for a CUDA context on the bare GPU, instead of `vgpu`.
    pub context: Key<bool>,
    /// Name of a guest with `vgpu`: this one is a process in each of its virtual machines, instead of
    /// `vgpu` and `context`.
    pub inside: Key<String>,
    /// How the guest's own workload and the processes inside it share its vGPUs: `time-slice` (default)
    /// with `round-robin` or `fifo`, or `spatial`.
    pub share: Key<RawShare>,
    /// Part of the SMs that the context or process may fill under MPS, in percent, above 0 to 100; rounded
    /// down to whole SMs, at least one. Default 100.
    #[schemars(range(min = 0, max = 100))]
    pub active_thread_percentage: Key<f64>,
    /// Memory that the guest allocates at its start and keeps (contexts, weights, buffers), in each of
    /// its vGPUs; default none.
    pub memory: Key<RawSize>,
    /// Most that an MPS client may allocate in all; default no limit of its own.
    pub memory_limit: Key<RawSize>,
    /// Guests in the group, of processes in each virtual machine, 1 to 100,000; default 1.
    #[schemars(range(min = 1, max = 100000))]
    pub count: Key<u64>,
    /// Rank among guests that start at the same time; default 0.
    pub order: Key<i64>,
    /// Share of the GPU relative to those of others, 1 to 10,000, for schedulers that go by it; default 1.
    #[schemars(range(min = 1, max = 10000))]
    pub weight: Key<u64>,
    /// Larger goes first, for schedulers that go by it; default 0.
    pub priority: Key<i64>,
    /// Running time in every period, for schedulers that go by it.
    pub reservation: Key<RawReservation>,
    /// When the guest starts; default 0s.
    pub start: Key<RawDuration>,
    /// Jobs in flight at once, 1 to 10,000; default 1.
    #[schemars(range(min = 1, max = 10000))]
    pub streams: Key<u64>,
    /// Jobs that may wait for a stream, more are dropped; default unbounded.
    pub queue: Key<u64>,
    /// A job that takes longer counts as late; `earliest-deadline` goes by it.
    pub deadline: Key<RawDuration>,
    /// What is asked of the guest, such as `"p95 < 50ms"`, `"late < 1%"`, `"throughput >= 95/s"`: metrics of
    /// docs/metrics.md.
    pub objectives: Key<Vec<Field<String>>>,
    /// `false` switches the frame-rate limiter of its vGPU type off (vGPU parameter
    /// `frame_rate_limiter=0`); default `true`. It acts under best effort only.
    pub frame_rate_limiter: Key<bool>,
    /// Name of the workload. Required.
    pub workload: Key<String>,
}
