//! Results of device memory.

use super::Shared;
use crate::result::{MemoryOf, MemoryResult};
use crate::scenario::{Holds, Scenario};
use crate::sim::PoolRole;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Memory of GPUs and instances, and of each group's vGPUs, in the order in which guests first use it.
pub(super) fn memory(scenario: &Scenario, shared: &Shared) -> Vec<MemoryResult> {
    let mut found: Vec<MemoryResult> = Vec::new();
    let mut places: BTreeMap<(String, MemoryOf), usize> = BTreeMap::new();
    for replication in shared.each_replication() {
        for cell in 0..shared.layouts.len() {
            let (layout, record) = (shared.layout(cell), shared.record(replication, cell));
            for (role, pool) in layout.pools.iter().zip(&record.pools) {
                let (name, what) = match *role {
                    PoolRole::Domain { gpu, memory } => domain(scenario, layout.gpus[gpu], memory),
                    PoolRole::Vgpu(guest) => {
                        let guest = &scenario.guests[guest.group];
                        let vgpu_type = match &guest.holds {
                            Holds::Vgpu { type_name, .. } => type_name.clone(),
                            _ => String::new(),
                        };
                        (guest.name.clone(), MemoryOf::Vgpu { vgpu_type })
                    }
                };
                match places.entry((name, what)) {
                    Entry::Occupied(place) => {
                        let row = &mut found[*place.get()];
                        row.largest_bytes = row.largest_bytes.max(pool.largest);
                    }
                    Entry::Vacant(place) => {
                        let (name, what) = place.key().clone();
                        place.insert(found.len());
                        found.push(MemoryResult {
                            name,
                            what,
                            capacity_bytes: (pool.capacity != u64::MAX).then_some(pool.capacity),
                            held_bytes: pool.held,
                            largest_bytes: pool.largest,
                        });
                    }
                }
            }
        }
    }
    found
}

/// Name and kind of a memory domain.
fn domain(scenario: &Scenario, gpu: usize, memory: u32) -> (String, MemoryOf) {
    let gpu = &scenario.gpus[gpu];
    let mut instances = gpu
        .domains()
        .into_iter()
        .filter_map(|domain| domain.instance);
    let mut last = None;
    let mut number = None;
    let found = instances.find(|instance| {
        if last != Some(instance.name.as_str()) {
            last = Some(instance.name.as_str());
            number = Some(number.map_or(0, |number: u32| number + 1));
        }
        number == Some(memory)
    });
    match found {
        Some(instance) => (
            format!("{}.{}", gpu.name, instance.name),
            MemoryOf::Instance {
                profile: instance.profile.clone(),
            },
        ),
        None => (gpu.name.clone(), MemoryOf::Gpu),
    }
}
