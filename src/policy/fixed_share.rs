//! Fixed share: every vGPU has 1 / (maximum of its type on the GPU), however many run.
//!
//! Slots that no vGPU has taken pass unused. Source: NVIDIA virtual GPU user guide 17.0, §8.6
//! (fixed share scheduler; a T4-4Q has a quarter of its T4 also when it is the only one).

use super::TimeSlice;
use super::reserved::Reserved;

/// The rotation of fixed share: one slot for each vGPU of the type that the GPU could hold.
pub fn build(config: &TimeSlice) -> Reserved {
    Reserved::new(
        config.slice,
        config.arr_factor,
        config.reserved_turns.unwrap_or(0),
    )
}
