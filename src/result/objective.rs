//! Objectives and whether they are met.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the value of a metric is asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Relation {
    #[serde(rename = "<")]
    Below,
    #[serde(rename = "<=")]
    AtMost,
    #[serde(rename = ">")]
    Above,
    #[serde(rename = ">=")]
    AtLeast,
}

impl Relation {
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
    Pass,
    Fail,
    Undecided,
}

/// What was asked, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveResult {
    /// `guest` or `gpu`.
    pub kind: String,
    /// Name of the guest group or GPU.
    pub of: String,
    /// As the scenario says it: `p95 < 50ms`.
    pub text: String,
    /// Full name of the metric: `response.p95`.
    pub metric: String,
    /// Unit of bound, value, margin and half-width.
    pub unit: String,
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
    pub note: Option<String>,
}
