//! Equal share: every running vGPU has the same reserved share, busy or idle.
//!
//! The share is 1 / (running vGPUs) and changes with each start. Source: NVIDIA virtual GPU user
//! guide 17.0, §8.6 (equal share scheduler; an idle vGPU keeps its share).

use super::TimeSlice;
use super::properties::RESERVED;
use super::registered::{NVIDIA, Registered, Use};
use super::reserved::Reserved;

pub(super) const EQUAL_SHARE: Registered = Registered {
    name: "equal-share",
    about: "running vGPUs have equal reserved shares, busy or idle",
    source: NVIDIA,
    slice: None,
    reserves: true,
    properties: RESERVED,
    uses: &[Use::Slice],
    parameters: &[],
    build: |setup| Box::new(build(setup.config)),
};

/// The rotation of equal share: as many slots as vGPUs run.
pub fn build(config: &TimeSlice) -> Reserved {
    Reserved::new(config.slice, config.arr_factor, 0)
}
