//! The vGPU manager's refusals, each at the guest that it concerns.

use crate::catalog::{Catalog, Mode, VgpuType};
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::GpuInstance;
use crate::scenario::elements::guest::Holds;
use crate::scenario::elements::placed::Placed;
use crate::scenario::elements::workloads::Resolved;
use crate::scenario::key::checker::Checker;
use crate::vgpu::Rule;
use crate::vgpu::admission::{GpuFacts, Holding, Refusal, Request, admit, lacks};
use crate::workload::Needs;
use std::collections::BTreeMap;

/// Asks the vGPU manager whether the guests can stand on the GPU together.
///
/// Guests whose workload was refused ask for nothing but room.
pub(crate) fn check(
    c: &mut Checker,
    (gpu, mixed_sizes): (&str, bool),
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
        nvenc: facts.nvenc,
        vgpu_capable: board.vgpu_capable,
        mixed_sizes,
        gpus_per_board: board.gpus_per_board,
        types: catalog.vgpu_types(&facts.id).cloned().collect(),
    };
    let find = |type_name: &str| catalog.vgpu_type(&facts.id, type_name).cloned();
    ask(c, &gpu_facts, here, workloads, find);
}

/// Asks the vGPU manager whether the guests can stand in the GPU instance together.
///
/// An instance is to its types what a GPU is to time-sliced types: they are counted by GPU
/// instance, and take turns on it where there may be several.
pub(crate) fn check_instance(
    c: &mut Checker,
    gpu: &str,
    (facts, own_nvenc): (&Facts, Option<u32>),
    instance: &GpuInstance,
    here: &[&Placed],
    workloads: &BTreeMap<&str, &Resolved>,
    catalog: &Catalog,
) {
    let types: Vec<VgpuType> = catalog
        .vgpu_types(&facts.id)
        .filter(|held| held.mig_profile.as_deref() == Some(&*instance.profile))
        .map(|held| VgpuType {
            max_per_gpu: held.max_per_gi,
            mode: Mode::TimeSliced,
            ..held.clone()
        })
        .collect();
    let mut fine = true;
    for placed in here {
        if let Holds::Vgpu { type_name, .. } = &placed.holds
            && !types.iter().any(|held| held.type_name == *type_name)
        {
            fine = false;
            let wants = catalog
                .vgpu_type(&facts.id, type_name)
                .and_then(|held| held.mig_profile.as_deref())
                .map_or("the whole GPU".to_owned(), |profile| format!("`{profile}`"));
            let title = format!(
                "`{type_name}` lives in {wants}, and `{gpu}.{}` is `{}`",
                instance.name, instance.profile
            );
            let names: Vec<&str> = types.iter().map(|held| held.type_name.as_str()).collect();
            let help = if names.is_empty() {
                format!(
                    "no vGPU type of `{}` lives in `{}`",
                    facts.id, instance.profile
                )
            } else {
                format!("types of this instance: {}", names.join(", "))
            };
            c.error(&placed.holds_span, title, Rule::MigType.fact(), help);
        }
    }
    if !fine {
        return;
    }
    // The listed memory binds where a type's nominal size rounds up.
    let nominal = types
        .iter()
        .map(|held| held.frame_buffer_mib * u64::from(held.max_per_gpu.unwrap_or(1)))
        .max()
        .unwrap_or(0);
    let gpu_facts = GpuFacts {
        name: format!("{gpu}.{}", instance.name),
        board: facts.id.clone(),
        frame_buffer_mib: instance.frame_buffer_mib.max(nominal),
        vfs: None, // of the whole GPU
        nvenc: own_nvenc.or(facts.nvenc),
        vgpu_capable: catalog.gpu(&facts.id).and_then(|board| board.vgpu_capable),
        mixed_sizes: false,
        gpus_per_board: None, // no card is divided
        types: types.clone(),
    };
    let find = |type_name: &str| {
        types
            .iter()
            .find(|held| held.type_name == type_name)
            .cloned()
    };
    ask(c, &gpu_facts, here, workloads, find);
}

/// Asks for all tenants together, and for each process what the vGPU of its machine offers it.
fn ask(
    c: &mut Checker,
    gpu: &GpuFacts,
    here: &[&Placed],
    workloads: &BTreeMap<&str, &Resolved>,
    find: impl Fn(&str) -> Option<VgpuType>,
) {
    let request = |placed: &Placed, holds: &Holds| {
        let holds = match holds {
            Holds::Vgpu {
                type_name, number, ..
            } => Holding::Vgpus(vec![(find(type_name)?, *number)]),
            Holds::Context | Holds::Client { .. } | Holds::Process { .. } => Holding::Context,
        };
        let workload = workloads.get(placed.name.as_str());
        Some(Request {
            guest: placed.name.clone(),
            count: placed.count,
            holds,
            placement_ids: placed.placement_ids.clone(),
            needs: workload.map_or(Needs::default(), |w| w.workload.needs),
        })
    };
    let (tenants, processes): (Vec<&Placed>, Vec<&Placed>) =
        here.iter().partition(|placed| placed.inside.is_none());
    let requests: Vec<Request> = tenants
        .iter()
        .filter_map(|p| request(p, &p.holds))
        .collect();
    say(
        c,
        here,
        admit(gpu, false, &requests).err().unwrap_or_default(),
    );
    for process in processes {
        let machine = tenants
            .iter()
            .find(|p| Some(&p.name) == process.inside.as_ref());
        if let Some(request) = machine.and_then(|machine| request(process, &machine.holds)) {
            say(c, here, lacks(gpu, &request));
        }
    }
}

/// Reports what was refused.
fn say(c: &mut Checker, here: &[&Placed], refusals: Vec<Refusal>) {
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
