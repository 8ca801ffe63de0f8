//! What is simulated, and what is where in a cell.

use super::memory::PoolRole;
use crate::scenario::{Holds, Scenario};
use crate::workload::{Direction, MediaEngine};
use std::ops::Range;

/// One guest of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// Index into [`Scenario::guests`].
    pub group: usize,
    pub ordinal: u32,
}

impl Instance {
    /// The virtual machine that a process is in.
    pub fn machine(self, scenario: &Scenario) -> Option<Instance> {
        match scenario.guests[self.group].holds {
            Holds::Process { machine, each, .. } => Some(Instance {
                group: machine,
                ordinal: self.ordinal / each.max(1),
            }),
            Holds::Context | Holds::Client { .. } | Holds::Vgpu { .. } => None,
        }
    }
}

/// All guests of a scenario, by group and ordinal.
pub fn instances(scenario: &Scenario) -> Vec<Instance> {
    (0..scenario.guests.len())
        .flat_map(|group| {
            (0..scenario.guests[group].count).map(move |ordinal| Instance { group, ordinal })
        })
        .collect()
}

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The scenario as it stands.
    Shared,
    /// One guest alone on its undivided board: the baseline of slowdown.
    AloneOnBoard(Instance),
    /// One guest on its board as shared, the other tenants there but without work: the baseline of
    /// interference.
    AloneOnShare(Instance),
}

/// What is where in a cell: local numbers to the scenario's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// GPUs of the scenario that are in the cell.
    pub gpus: Vec<usize>,
    /// Local indices of the compute domains of each of these GPUs.
    pub domains: Vec<Range<usize>>,
    /// Guests with work, by local index, in rank order.
    pub guests: Vec<Instance>,
    /// Where every tenant of each guest with work is.
    pub tenants: Vec<Vec<Tenant>>,
    pub stations: Vec<StationRole>,
    /// Media engines with run lists: compute domains beside those of the SMs.
    pub encoders: Vec<Encoder>,
    /// Memory from which guests allocate; only where some do.
    pub pools: Vec<PoolRole>,
}

impl Layout {
    /// The stations of the GPU with this local index: copies in, copies out, media engines by kind.
    pub fn engines(&self, gpu: usize) -> impl Iterator<Item = usize> {
        let of = move |role: &StationRole| match *role {
            StationRole::Copy { gpu: owner, .. } | StationRole::Media { gpu: owner, .. } => {
                owner == gpu
            }
            StationRole::HostCores | StationRole::OwnHost { .. } => false,
        };
        let stations = self.stations.iter().enumerate();
        stations.filter_map(move |(station, role)| of(role).then_some(station))
    }

    /// The engines of a station that are no servers of it, since they have run lists.
    pub fn listed(&self, station: usize) -> impl Iterator<Item = usize> {
        let owner = match self.stations[station] {
            StationRole::Media {
                gpu,
                engine: MediaEngine::Nvenc,
            } => Some(gpu),
            _ => None,
        };
        let encoders = self.encoders.iter();
        encoders.filter_map(move |encoder| (Some(encoder.gpu) == owner).then_some(encoder.domain))
    }

    /// The station of the host cores that all guests share, if they are limited.
    pub fn host_cores(&self) -> Option<usize> {
        self.stations
            .iter()
            .position(|&role| role == StationRole::HostCores)
    }
}

/// An NVENC engine on which vGPUs take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder {
    /// Local index of the GPU, and the memory domain within it.
    pub gpu: usize,
    pub memory: u32,
    /// Local index of its compute domain.
    pub domain: usize,
}

/// A tenant of a compute domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenant {
    /// Local index of the domain.
    pub domain: usize,
    pub entry: u32,
    pub client: u32,
}

/// What a station of a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StationRole {
    /// The copy engines of the GPU with this local index: a group for each memory domain.
    Copy { gpu: usize, direction: Direction },
    /// The media engines of one kind of the GPU with this local index: a group for each memory domain.
    Media { gpu: usize, engine: MediaEngine },
    /// The host cores that all guests share.
    HostCores,
    /// The unlimited host of one guest.
    OwnHost { guest: usize },
}

/// The GPUs of each cell: those that a shared station joins are in one.
pub fn partition(scenario: &Scenario) -> Vec<Vec<usize>> {
    let gpus = 0..scenario.gpus.len();
    if scenario.host_cores.is_some() {
        vec![gpus.collect()]
    } else {
        gpus.map(|gpu| vec![gpu]).collect()
    }
}
