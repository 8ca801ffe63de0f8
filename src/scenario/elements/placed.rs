//! A guest whose place is known.

use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::GpuInstance;
use crate::scenario::elements::guest::Holds;
use crate::scenario::key::checker::Span;
use std::collections::BTreeMap;

/// A guest whose place is known; its workload is attached later.
pub(crate) struct Placed {
    pub name: String,
    pub gpu: String,
    /// Path of its domain in the GPU: empty, `big` or `big.x`.
    pub domain: String,
    /// Of the group, or of the part of it that is on this GPU.
    pub count: u32,
    /// The members on this GPU, by ordinal, of a group that spans a card; empty where all are here.
    pub ordinals: Vec<u32>,
    /// The card whose GPUs the group is still to be spread over; `gpu` is the first of them.
    pub card: Option<String>,
    pub holds: Holds,
    /// Placement ids of its vGPUs, guest by guest; empty where they are to be chosen.
    pub placement_ids: Vec<u32>,
    /// The guest in whose virtual machines it is.
    pub inside: Option<String>,
    /// Place of what it holds.
    pub holds_span: Span,
}

impl Placed {
    /// Tenants of the whole group.
    pub fn tenants(&self) -> u64 {
        u64::from(self.holds.tenants()) * u64::from(self.count)
    }
}

/// SMs of the domain of a guest; `None` where its GPU has a mistake in it.
pub(crate) fn domain_sms(
    boards: &BTreeMap<String, Facts>,
    instances: &BTreeMap<String, Vec<GpuInstance>>,
    placed: &Placed,
) -> Option<u32> {
    let paths = domain_paths(instances.get(&placed.gpu)?);
    if paths.is_empty() {
        return Some(boards.get(&placed.gpu)?.sms);
    }
    let mut paths = paths.into_iter();
    Some(paths.find(|(path, _)| *path == placed.domain)?.1)
}

/// Paths of the compute domains of a GPU as guests name them: `""`, or `big`, `big.x`.
pub(crate) fn domain_paths(instances: &[GpuInstance]) -> Vec<(String, u32)> {
    instances
        .iter()
        .flat_map(|instance| {
            instance.compute_instances.iter().map(|compute| {
                let path = match &compute.name {
                    Some(name) => format!("{}.{name}", instance.name),
                    None => instance.name.clone(),
                };
                (path, compute.sms)
            })
        })
        .collect()
}
