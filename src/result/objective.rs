//! Objectives and whether they are met.

use super::{Reason, SubjectKind, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the value of a metric is asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Relation {
    /// Less than the bound.
    #[serde(rename = "<")]
    Below,
    /// The bound, or less.
    #[serde(rename = "<=")]
    AtMost,
    /// More than the bound.
    #[serde(rename = ">")]
    Above,
    /// The bound, or more.
    #[serde(rename = ">=")]
    AtLeast,
}

impl Relation {
    /// As people write it: `<`, `<=`, `>` or `>=`.
    pub fn sign(self) -> &'static str {
        match self {
            Relation::Below => "<",
            Relation::AtMost => "<=",
            Relation::Above => ">",
            Relation::AtLeast => ">=",
        }
    }
}

/// Whether an objective is met, as far as the replications tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveVerdict {
    /// The whole interval meets it, or the value itself where nothing else decides.
    Pass,
    /// Nothing of the interval meets it.
    Fail,
    /// More replications are needed.
    Undecided,
}

/// What was asked, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveResult {
    /// Whether it is asked of a guest group or of a GPU.
    pub kind: SubjectKind,
    /// Name of the guest group or GPU.
    pub of: String,
    /// As the scenario says it: `p95 < 50ms`.
    pub text: String,
    /// Full name of the metric: `response.p95`.
    pub metric: String,
    /// Unit of bound, value, margin and half-width.
    pub unit: Unit,
    /// How the value is asked to be to the bound.
    pub relation: Relation,
    /// The bound, in `unit`.
    pub bound: f64,
    /// Whether it is met.
    pub verdict: ObjectiveVerdict,
    /// What the metric was found to be.
    pub value: Option<f64>,
    /// How far the value is on the good side of the bound; negative where it is on the other.
    pub margin: Option<f64>,
    /// Half-width of the interval of value and margin, at the plan's confidence.
    pub half_width: Option<f64>,
    /// Why it is undecided, or decided without an interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Grounds>,
}

/// Why an objective is undecided, or decided without an interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grounds {
    /// Missed without a value: the guest is overloaded.
    Overloaded,
    /// The guest is overloaded: the value is at least this, and grows.
    AtLeast,
    /// There is no value.
    NoValue,
    /// There is no interval.
    NoInterval,
    /// There is no value or no interval, for a reason of the metric.
    Missing(Reason),
    /// Decided by the value itself, since nothing in it is left to chance.
    NothingDrawn,
    /// Decided by the value itself, which every replication has.
    Same,
    /// Decided by the largest that was observed, which is no bound on longer runs.
    Largest,
    /// The interval covers the bound.
    Covers,
}
