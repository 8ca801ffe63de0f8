//! Fixed share: every vGPU has 1 / (maximum of its type on the GPU), however many run.
//!
//! Slots that no vGPU has taken pass unused. Source: NVIDIA virtual GPU user guide 17.0, §8.6
//! (fixed share scheduler; a T4-4Q has a quarter of its T4 also when it is the only one).
//!
//! With an *elastic cap*, running vGPUs have what vacant slots would take, each up to the cap as a part of its
//! own share. Source: after `RmPVMRLElasticSchedulingCap` in the registry header of NVIDIA's open kernel
//! modules from 590.44.01 on (0x0003000A is 3/10 more; none if absent). That the extra time lengthens a
//! vGPU's own turns, and that a round takes as long as ever, are assumptions: the header states shares alone.
//! It is a key of this scheduler, because it is a setting of the same one in the driver, and because fixed
//! share keeps all that it promises: a vGPU has its own share at least, and waits no longer.

use super::TimeSlice;
use super::properties::RESERVED;
use super::registered::{NVIDIA, Registered, Use};
use super::reserved::Reserved;
use super::{Properties, Starvation};

pub(super) const FIXED_SHARE: Registered = Registered {
    name: "fixed-share",
    about: "every vGPU has 1 / (maximum of its type per GPU), however many run",
    source: NVIDIA,
    slice: None,
    reserves: true,
    properties: Properties {
        starvation: Starvation::ReservedTurns,
        ..RESERVED
    },
    uses: &[Use::Slice, Use::ReservedTurns],
    parameters: &[],
    build: |setup| Box::new(build(setup.config)),
};

/// The rotation of fixed share: one slot for each vGPU of the type that the GPU could hold.
pub fn build(config: &TimeSlice) -> Reserved {
    let vacant = config.reserved_turns.unwrap_or(0);
    Reserved::new(config.slice, config.arr_factor, vacant).elastic(config.extra)
}
