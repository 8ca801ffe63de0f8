//! All ways to fill a GPU.

use super::geometry::{Geometry, Kind};
use super::instances::{GpuInstances, Placed};
use serde::Serialize;
use std::sync::Arc;

/// A set of GPU instances beside which nothing more fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// By start.
    pub instances: Vec<Placed>,
    /// Placement units that are covered.
    pub units_used: u32,
    pub units_total: u32,
    pub compute_slices_used: u32,
    pub compute_slices_total: u32,
}

/// Every maximal set of instances of profiles of the given kinds: sets to which no further instance
/// of these kinds can be added. Ordered by start, larger profiles first.
///
/// With [`Kind::Standard`] alone these are the placement diagrams of the MIG user guide.
///
/// ```
/// use std::sync::Arc;
/// use warpshare_input::{catalog::Catalog, mig::{Geometry, Kind, maximal_layouts}};
/// let a30 = Arc::new(Geometry::of(&Catalog::builtin()?, "a30")?);
/// assert_eq!(maximal_layouts(&a30, &[Kind::Standard]).len(), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn maximal_layouts(geometry: &Arc<Geometry>, kinds: &[Kind]) -> Vec<Layout> {
    let profiles = geometry.profiles().iter().enumerate();
    let mut places: Vec<(u32, usize)> = profiles
        .filter(|(_, profile)| kinds.contains(&profile.kind))
        .flat_map(|(index, profile)| profile.starts.iter().map(move |&start| (start, index)))
        .collect();
    // At one start the larger first: most compute, then most memory, then the catalogue's order.
    places.sort_by_key(|&(start, index)| {
        let facts = &geometry.profiles()[index].facts;
        let larger = (facts.compute_slices, facts.memory_slices);
        (start, std::cmp::Reverse(larger), index)
    });
    let mut search = Search {
        state: GpuInstances::new(Arc::clone(geometry)),
        places,
        found: Vec::new(),
    };
    search.extend(0);
    search.found
}

struct Search {
    state: GpuInstances,
    places: Vec<(u32, usize)>,
    found: Vec<Layout>,
}

impl Search {
    /// Tries every extension by places from `from` on: each set is visited once, in ascending order
    /// of its starts.
    fn extend(&mut self, from: usize) {
        let mut full = true;
        for at in 0..self.places.len() {
            let (start, profile) = self.places[at];
            if !self.state.possible(profile, start) {
                continue;
            }
            full = false;
            if at >= from {
                self.state.insert(profile, start);
                self.extend(at + 1);
                self.state.held_mut().retain(|gi| gi.start != start);
            }
        }
        if full {
            self.found.push(self.layout());
        }
    }

    fn layout(&self) -> Layout {
        let geometry = self.state.geometry();
        let held = self.state.instances();
        let compute = |gi| self.state.profile_of(gi).facts.compute_slices;
        Layout {
            instances: self.state.placed(),
            units_used: held.iter().map(|gi| gi.size).sum(),
            units_total: geometry.units,
            compute_slices_used: held.iter().map(compute).sum(),
            compute_slices_total: geometry.compute_slices,
        }
    }
}
