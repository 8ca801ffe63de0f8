//! What a run found to be wrong or in doubt.

use super::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why latencies of a guest group are lower bounds only: see `docs/metrics.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overload {
    /// Jobs of the window were left when the drain bound was reached.
    Unfinished {
        /// Over all replications and members, above 0.
        jobs: u64,
    },
    /// The backlog grew over the last half of the window.
    Growing {
        /// Mean over replications, jobs, above 0.
        jobs: f64,
    },
}

/// Whether the warm-up was long enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarmupCheck {
    /// What MSER-5 would remove, from the start of the run; `None` if there is too little data.
    pub suggested_ns: Option<u64>,
    /// What that says of the warm-up.
    pub verdict: WarmupVerdict,
}

/// What MSER-5 says of a warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WarmupVerdict {
    /// It is at least as long as suggested.
    Adequate,
    /// It is shorter than suggested.
    TooShort,
    /// The run is too short for a suggestion.
    RunTooShort,
    /// There are too few jobs for a suggestion.
    NotEnoughData,
    /// A terminating run has no warm-up.
    Terminating,
}

impl WarmupVerdict {
    /// Whether a reader should know of it.
    pub fn in_doubt(self) -> bool {
        !matches!(self, WarmupVerdict::Adequate | WarmupVerdict::Terminating)
    }
}

/// Responses that grow over a terminating window: its figures are of that length and no other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Growth {
    /// Name of the guest group.
    pub guest: String,
    /// Mean response of the jobs that arrived in the first third of the window.
    pub first_ns: f64,
    /// Mean response of those that arrived in its last third.
    pub last_ns: f64,
    /// Length of the window.
    pub window_ns: u64,
}

/// An invariant of a run: see `docs/invariants.md`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Invariant {
    /// SM time is conserved.
    I1,
    /// Nobody runs while another holds the SMs.
    I2,
    /// Jobs are neither lost nor invented.
    I3,
    /// A cause precedes its effect.
    I4,
    /// Frame buffer is never oversubscribed.
    I5,
}

/// An invariant that was checked in the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Which one.
    pub id: Invariant,
    /// Whether it holds; if not, the result is not to be used.
    pub holds: bool,
    /// Figures behind the verdict.
    pub witness: Witness,
}

/// Figures behind the verdict on an invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// Sampling edges at which accounts were added up.
    Edges {
        /// Those at which the sum is not SMs × wall.
        wrong: u64,
        /// All of them.
        of: u64,
    },
    /// Two clocks of the same time.
    Clocks {
        /// Nanoseconds that they are apart, over GPUs and replications.
        apart_ns: u64,
    },
    /// Guests whose jobs were counted.
    Guests {
        /// Those whose counts disagree, in any replication.
        wrong: u64,
        /// Jobs of all of them.
        jobs: u64,
    },
    /// Jobs whose instants and parts were compared.
    Jobs {
        /// Those that contradict themselves.
        wrong: u64,
        /// All of them.
        of: u64,
    },
    /// Frame buffer of each GPU.
    FrameBuffer {
        /// In scenario order.
        gpus: Vec<FrameBuffer>,
    },
}

/// Frame buffer that vGPUs reserve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameBuffer {
    /// Name of the GPU.
    pub gpu: String,
    /// What its vGPUs reserve, MiB.
    pub reserved_mib: u64,
    /// What it has, MiB.
    pub of_mib: u64,
}

/// What a check of a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// An invariant does not hold.
    Invariant(Check),
    /// What the scenario's reader remarked, in its words.
    Remark(String),
    /// Responses grow over a terminating window.
    Growth(Growth),
    /// Nothing is drawn.
    NoChance(super::NoChance),
    /// Latencies of a guest are bounds.
    Overload(Overloaded),
    /// The warm-up looks too short, or cannot be judged.
    WarmUp {
        /// Name of the guest group.
        guest: String,
        /// What MSER-5 says.
        check: WarmupCheck,
    },
    /// Too little data for intervals of quantiles.
    Data {
        /// Name of the guest group.
        guest: String,
        /// The quantiles of its response, increasing, such as 0.99.
        quantiles: Vec<f64>,
        /// Why the last of them has no interval.
        why: Option<Reason>,
    },
}

/// A guest group that is overloaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overloaded {
    /// Its name.
    pub guest: String,
    /// Why it is.
    pub why: Overload,
}
