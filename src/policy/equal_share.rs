//! Equal share: every running vGPU has the same reserved share, busy or idle.
//!
//! The share is 1 / (running vGPUs) and changes with each start. Source: NVIDIA virtual GPU user
//! guide 17.0, §8.6 (equal share scheduler; an idle vGPU keeps its share).

use super::TimeSlice;
use super::reserved::Reserved;

/// The rotation of equal share: as many slots as vGPUs run.
pub fn build(config: &TimeSlice) -> Reserved {
    Reserved::new(config.slice, config.arr_factor, 0)
}
