//! What the tables of a `share` have in common: who shares what, and where the table stands.

use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::Key;
use crate::scenario::read::parameters;
use crate::scenario::read::raw::RawShare;

/// What is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    WholeGpu,
    GpuInstance,
    ComputeInstance,
    /// Within the turns of one vGPU.
    Vgpu,
}

impl Part {
    /// The words of the documentation.
    pub fn words(self) -> &'static str {
        match self {
            Part::WholeGpu => "whole GPU",
            Part::GpuInstance => "GPU instance",
            Part::ComputeInstance => "compute instance",
            Part::Vgpu => "vGPU",
        }
    }
}

/// Who lives on the GPU, as far as sharing it is concerned.
#[derive(Debug, Clone)]
pub(crate) struct Tenancy {
    /// vGPUs, or else CUDA contexts.
    pub vgpus: bool,
    pub tenants: u64,
    /// Largest maximum per GPU of the vGPU types in use, with the type's name.
    pub type_maximum: Option<(u32, String)>,
    pub a100: bool,
    /// What they share.
    pub part: Part,
    /// Compute slices of an instance and of its board; `None` for a whole GPU and within a vGPU.
    pub slices: Option<(u32, u32)>,
    /// vGPUs of several sizes.
    pub mixed_sizes: bool,
}

/// Where a `share` table stands.
pub(crate) struct Place<'a> {
    pub share: &'a Key<RawShare>,
    /// Of the table that holds it.
    pub holder: &'a Span,
}

impl Place<'_> {
    /// The place of the table, or of its holder where there is none.
    pub(crate) fn span(&self) -> Span {
        let own = self.share.as_ref().map(|field| &field.span);
        own.unwrap_or(self.holder).clone()
    }
}

/// Refuses the keys that belong to turns.
pub(crate) fn no_turns(c: &mut Checker, raw: &RawShare, why: &str, instead: &str) {
    c.no_effect(&raw.scheduler, "scheduler", why, instead);
    c.no_effect(&raw.arr, "arr", why, instead);
    c.no_effect(&raw.frequency, "frequency", why, instead);
    c.no_effect(&raw.averaging_factor, "averaging_factor", why, instead);
    c.no_effect(&raw.slice, "slice", why, instead);
    c.no_effect(&raw.turns, "turns", why, instead);
    c.no_effect(&raw.rotation, "rotation", why, instead);
    c.no_effect(&raw.on_completion, "on_completion", why, instead);
    c.no_effect(&raw.on_idle, "on_idle", why, instead);
    c.no_effect(&raw.ties, "ties", why, instead);
    c.no_effect(&raw.reserved_turns, "reserved_turns", why, instead);
    c.no_effect(&raw.elastic_cap, "elastic_cap", why, instead);
    parameters::refuse(c, &raw.parameters, why, instead);
}

pub(crate) fn clamped(c: &mut Checker, path: &str, given: &str, used: &str, range: &str) {
    c.notices.push(format!(
        "{path}: {given} is outside the documented range {range}; {used} is used, as the product does"
    ));
}
