//! A checked scenario.

use crate::scenario::elements::gpu::Gpu;
use crate::scenario::elements::guest::Guest;
use crate::scenario::elements::objectives::Asked;
use crate::scenario::elements::run::RunPlan;
use crate::scenario::key::origin::Resolved;

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
