//! The vGPU manager's refusals, each at the guest that it concerns.

use super::Holds;
use super::checker::Checker;
use super::gpus::Facts;
use super::guests::Placed;
use super::workloads::Resolved;
use crate::catalog::Catalog;
use crate::vgpu::admission::{GpuFacts, Holding, Request, admit};
use crate::workload::Needs;
use std::collections::BTreeMap;

/// Asks the vGPU manager whether the guests can stand on the GPU together.
///
/// Guests whose workload was refused ask for nothing but room.
pub(crate) fn check(
    c: &mut Checker,
    gpu: &str,
    facts: &Facts,
    vfs: Option<u32>,
    here: &[&Placed],
    workloads: &BTreeMap<&str, &Resolved>,
    catalog: &Catalog,
) {
    let Some(board) = catalog.gpu(&facts.id) else {
        return; // the neutral board admits everybody
    };
    let gpu_facts = GpuFacts {
        name: gpu.to_string(),
        board: facts.id.clone(),
        frame_buffer_mib: facts.frame_buffer_mib,
        vfs,
        nvenc: board.nvenc,
        vgpu_capable: board.vgpu_capable,
        types: catalog.vgpu_types(&facts.id).cloned().collect(),
    };
    let requests: Vec<Request> = here
        .iter()
        .filter_map(|placed| {
            let holds = match &placed.holds {
                Holds::Context | Holds::Client { .. } => Holding::Context,
                Holds::Vgpu {
                    type_name, number, ..
                } => {
                    let held = catalog.vgpu_type(&facts.id, type_name)?;
                    Holding::Vgpus(vec![(held.clone(), *number)])
                }
            };
            let workload = workloads.get(placed.name.as_str());
            Some(Request {
                guest: placed.name.clone(),
                count: placed.count,
                holds,
                needs: workload.map_or(Needs::default(), |w| w.workload.needs),
            })
        })
        .collect();
    let Err(refusals) = admit(&gpu_facts, false, &requests) else {
        return;
    };
    for refusal in refusals {
        let concerned = |placed: &&&Placed| refusal.guests.contains(&placed.name);
        // The last one in the text is the one too many.
        let place = here
            .iter()
            .filter(concerned)
            .max_by_key(|p| p.holds_span.start);
        let span = place.map_or(0..0, |placed| placed.holds_span.clone());
        let help = format!("{} (source: {})", refusal.remedy, refusal.rule.source());
        c.error(&span, refusal.problem, refusal.rule.fact(), help);
    }
}
