//! The start of an instance for which none is given.

use super::geometry::{Geometry, Kind};
use super::instances::{GpuInstances, overlap};

/// Among free starts, the one that removes the fewest still-possible placements of standard
/// profiles; ties to the lowest. See [`super::START_RULE`].
pub(super) fn start(state: &GpuInstances, profile: usize) -> Option<u32> {
    let geometry = state.geometry();
    let wanted = &geometry.profiles()[profile];
    let mut best: Option<(usize, u32)> = None;
    for &start in &wanted.starts {
        if state.is_free(start, wanted.size) {
            let removed = removed(geometry, state, (start, wanted.size));
            if best.is_none_or(|(fewest, _)| removed < fewest) {
                best = Some((removed, start));
            }
        }
    }
    best.map(|(_, start)| start)
}

/// Placements of standard profiles that are possible now and not beside the given one.
fn removed(geometry: &Geometry, state: &GpuInstances, taken: (u32, u32)) -> usize {
    let standard = geometry.profiles().iter();
    standard
        .filter(|profile| profile.kind == Kind::Standard)
        .flat_map(|profile| profile.starts.iter().map(|&start| (start, profile.size)))
        .filter(|&place| state.is_free(place.0, place.1) && overlap(place, taken))
        .count()
}
