//! [`ComparisonResult`]: schedulers side by side on one scenario, with the same draws.

use super::{
    Finding, Invariant, LatencyHistogram, Meta, Overloaded, PlanInfo, Reason, ScenarioInfo,
    Sharing, Unit,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the structure; a reader refuses other versions.
pub const COMPARISON_FORMAT: u32 = 3;

/// What a comparison found out. All differences are paired: replication r of every policy sees the same
/// arrivals and sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonResult {
    /// [`COMPARISON_FORMAT`].
    pub format: u32,
    /// About the program; comparisons ignore it.
    pub meta: Meta,
    /// The scenario as it stands; its hash is that of the file's own scheduler.
    pub scenario: ScenarioInfo,
    /// How the scenario was run under each policy.
    pub plan: PlanInfo,
    /// Name of the policy that the others are compared with: the first of `policies`.
    pub against: String,
    /// Names of the primary metrics, which alone are tested together: `response.p95`, or `chat.response.p95` for that of
    /// one guest or GPU.
    pub primary: Vec<String>,
    /// Differences of primary metrics that were tested together: intervals hold for all of them at once with the
    /// plan's confidence, and p values are adjusted for all.
    pub tested: u32,
    /// Differences of exploratory metrics, each tested by itself: of twenty that are none, one seems to be one.
    pub explored: u32,
    /// How replications were added, where a precision was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequential: Option<Sequential>,
    /// Slices by length, where policies take turns of different lengths; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// The policies, the one that the others are compared with first.
    pub policies: Vec<PolicyResult>,
    /// Metrics of GPUs, then of guests, in scenario order.
    pub metrics: Vec<MetricComparison>,
}

/// A length of turns, and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Slice {
    /// Length of a turn, nanoseconds.
    pub length_ns: u64,
    /// Names of policies, in their order, each once.
    pub policies: Vec<String>,
}

/// Replications were added until the figures were precise enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sequential {
    /// Relative half-width that was asked for, above 0, such as 0.05.
    pub precision: f64,
    /// Whether every mean is as precise as was asked for.
    pub reached: bool,
    /// Largest relative half-width of a mean that was reached, from 0.
    pub worst: f64,
    /// Whose it is; `None` where no mean has a half-width.
    pub worst_of: Option<MeanOf>,
    /// Replications after each look.
    pub looks: Vec<u32>,
}

/// A metric of a guest or GPU under a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeanOf {
    /// Such as `response.p95`.
    pub metric: String,
    /// Name of the GPU or guest group.
    pub of: String,
    /// Name of the policy.
    pub policy: String,
}

/// One policy on the scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyResult {
    /// As asked for: name of the scheduler, and keys that were set for it.
    pub name: String,
    /// What the policy does, as its entry in the registry says.
    pub about: String,
    /// Where it is described, as its entry says.
    pub source: String,
    /// How each GPU was shared, in scenario order.
    pub sharing: Vec<Sharing>,
    /// Hash of the scenario with this policy.
    pub hash: String,
    /// Guest groups that were overloaded, in scenario order.
    pub overloaded: Vec<Overloaded>,
    /// What the checks of a run found under this policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Invariants that do not hold; empty in a sound run.
    pub broken: Vec<Invariant>,
    /// Response times of each guest group, over all replications.
    pub response: Vec<GroupLatency>,
    /// Slowdown of each guest, in rank of groups and ordinals; `None` where it is not known.
    pub members: Vec<MemberSlowdown>,
    /// Turns of the first GPU that is shared in turns, at the beginning of replication 0; none where nobody takes
    /// turns.
    pub turns: Vec<TurnRow>,
}

/// Response times of a guest group under a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupLatency {
    /// Name of the group in the scenario.
    pub guest: String,
    /// Response times of all jobs that ended.
    pub histogram: LatencyHistogram,
    /// Jobs that did not end.
    pub unfinished: u64,
}

/// How much slower a guest was than alone on the undivided board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberSlowdown {
    /// Name of the guest.
    pub name: String,
    /// Mean over replications; `None` where it is not known.
    pub slowdown: Option<f64>,
}

/// The turns of one tenant: when it held the SMs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TurnRow {
    /// Name of the guest.
    pub tenant: String,
    /// From and until, nanoseconds; without the time of switching.
    pub turns: Vec<(u64, u64)>,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
}

/// What a metric of a comparison, or an objective, is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A physical GPU with all its guests.
    Gpu,
    /// A guest group.
    Guest,
}

impl SubjectKind {
    /// `gpu` or `guest`, as the tables and files write it.
    pub fn name(self) -> &'static str {
        match self {
            SubjectKind::Gpu => "gpu",
            SubjectKind::Guest => "guest",
        }
    }
}

/// A metric of one GPU or guest under all policies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricComparison {
    /// Name of the GPU or guest group.
    pub of: String,
    /// Which of the two.
    pub kind: SubjectKind,
    /// Such as `response.p95` or `antt`: see docs/metrics.md.
    pub metric: String,
    /// Unit of values, half-widths and differences.
    pub unit: Unit,
    /// Which way the metric is better.
    pub better: Better,
    /// One of those that the comparison is about; the others are exploratory.
    pub primary: bool,
    /// One for each policy, in their order.
    pub values: Vec<PolicyValue>,
    /// The best policies, as far as they can be told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
}

/// A metric under one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyValue {
    /// As `run` reports it: a quantile is that of all replications together.
    pub value: Option<f64>,
    /// Of the interval of this value alone, as `run` reports it.
    pub half_width: Option<f64>,
    /// Why there is no value or no interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Reason>,
    /// To the policy that the others are compared with; `None` for that one itself, and where a value is
    /// missing or only a bound.
    pub difference: Option<Difference>,
}

/// The paired difference, this policy less the one that it is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Of the two values.
    pub mean: f64,
    /// Lower end of the interval; those of primary metrics hold at once (Bonferroni), that of an exploratory one by
    /// itself. `None` where the difference is the same in every replication: there is nothing to be unsure of.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// Two-sided paired t, 0 to 1; `None` where nothing varies.
    pub p: Option<f64>,
    /// Adjusted for all differences of primary metrics (Holm), 0 to 1; `None` for exploratory ones.
    pub adjusted_p: Option<f64>,
    /// What the test says.
    pub verdict: Verdict,
    /// Variance of the difference over the sum of the variances: what the common draws achieved, below 1
    /// if they helped. `None` where nothing varies.
    pub variance_ratio: Option<f64>,
}

/// What a difference says of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Beyond chance, in the better direction.
    Better,
    /// Beyond chance, in the worse direction.
    Worse,
    /// The difference is zero in every replication.
    Same,
    /// The difference is the same in every replication, and not zero: a fact of these runs and not tested. With
    /// nothing drawn all differences are of this kind.
    Fixed,
    /// No difference was shown, which is not to say that there is none.
    Undecided,
}

/// Which policies may be the best: subset selection by paired differences, and the interval of the best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Best {
    /// The policy with the best value.
    pub policy: String,
    /// With the plan's confidence, no policy is better than it by more than this, in the unit of the metric, from 0.
    pub within: f64,
    /// Policies that may be the best, the one with the best value included, in the order of policies.
    pub candidates: Vec<String>,
}
