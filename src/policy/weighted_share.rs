//! Weighted share: every running vGPU has a reserved share by its weight, busy or idle.
//!
//! The share is weight / (weights of all running vGPUs): equal share whose turns are as many slices long as
//! the weight says. Source: after bit 3 of `RmPVMRL` in the registry header of NVIDIA's open kernel modules
//! from 590.44.01 on, which turns on a weighted scheduler, and after the weight in NVML's scheduler log
//! (version 2). Which weight a vGPU type has is not published: a guest's `weight` says it, 1 by default, and
//! with equal weights this is equal share. That a weight lengthens turns is an assumption too.
//!
//! It is a scheduler of its own and no key of equal share, because it promises something else: shares by
//! weight, and waits that depend on the weights of others.

use super::properties::ONE_TURN_BY_WEIGHT;
use super::registered::{Registered, Use};
use super::reserved::Reserved;
use super::{Preempts, Properties, TimeSlice, Weights};

pub(super) const WEIGHTED_SHARE: Registered = Registered {
    name: "weighted-share",
    about: "running vGPUs have reserved shares by weight, busy or idle",
    source: "after NVIDIA open kernel modules 590.44.01, RmPVMRL bit 3",
    slice: None,
    reserves: true,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::Weight],
    parameters: &[],
    build: |setup| Box::new(build(setup.config)),
};

const PROPERTIES: Properties = Properties {
    work_conserving: false,
    weights: Weights::Proportional { slices: 1.0 },
    starvation: ONE_TURN_BY_WEIGHT,
    preempts: Preempts::Never,
};

/// The rotation of weighted share: as many slots as vGPUs run.
pub fn build(config: &TimeSlice) -> Reserved {
    Reserved::new(config.slice, config.arr_factor, 0).weighted()
}
