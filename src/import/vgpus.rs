//! What a list of vGPUs makes of a board.

use super::apply::{Guests, ImportedGpu, place};
use super::refusal::Refusal;
use crate::catalog::{Catalog, Mode, VgpuType};
use crate::mig::Geometry;
use crate::vgpu::admission::{GpuFacts, Holding, Request, admit};
use crate::workload::Needs;
use std::sync::Arc;

/// Finds the types on the board, checks their numbers, and makes the GPU instances that MIG-backed
/// types need: one for each vGPU, or for as many as share one in time.
pub(super) fn apply(
    catalog: &Catalog,
    gpu_id: &str,
    wanted: &[(String, u32)],
) -> Result<ImportedGpu, Vec<Refusal>> {
    let mut wrong = Vec::new();
    let mut found: Vec<(&VgpuType, u32)> = Vec::new();
    for (name, count) in wanted {
        match vgpu_type(catalog, gpu_id, name) {
            Some(vgpu_type) => found.push((vgpu_type, *count)),
            None => wrong.push(no_such_type(catalog, gpu_id, name)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let in_time = found.iter().find(|(t, _)| t.mode == Mode::TimeSliced);
    let on_mig = found.iter().find(|(t, _)| t.mode != Mode::TimeSliced);
    match (in_time, on_mig) {
        (Some((off, _)), Some((on, _))) => Err(vec![Refusal::MigOffAndOn(
            off.type_name.clone(),
            on.type_name.clone(),
        )]),
        (_, None) => whole(catalog, gpu_id, &found),
        (None, Some(_)) => divided(catalog, gpu_id, &found),
    }
}

/// The type of a name. vgpu-device-manager ends types that live in a `+gfx` instance with `GFX`
/// where the catalogue, as the driver, has the type without an ending.
fn vgpu_type<'a>(catalog: &'a Catalog, gpu_id: &str, name: &str) -> Option<&'a VgpuType> {
    catalog.vgpu_type_named(gpu_id, name).or_else(|| {
        let plain = catalog.vgpu_type_named(gpu_id, name.strip_suffix("GFX")?)?;
        let profile = plain.mig_profile.as_deref()?;
        profile.ends_with("+gfx").then_some(plain)
    })
}

fn no_such_type(catalog: &Catalog, gpu_id: &str, name: &str) -> Refusal {
    let mut boards = catalog.gpus_with_vgpu_types().into_iter();
    let owner = boards.find(|id| vgpu_type(catalog, id, name).is_some());
    Refusal::NoSuchType {
        gpu: gpu_id.to_owned(),
        type_name: name.to_owned(),
        owner: owner.map(ToOwned::to_owned),
        help: catalog.suggest_vgpu_type(gpu_id, name),
    }
}

/// Time-sliced vGPUs on a whole GPU: what the vGPU manager admits, by the function that admits the guests
/// of a scenario.
fn whole(
    catalog: &Catalog,
    gpu_id: &str,
    found: &[(&VgpuType, u32)],
) -> Result<ImportedGpu, Vec<Refusal>> {
    let found: Vec<(&VgpuType, u32)> = found.iter().copied().filter(|(_, n)| *n > 0).collect();
    let mixed = found
        .iter()
        .any(|(t, _)| t.frame_buffer_mib != found[0].0.frame_buffer_mib);
    // With one size the type's own maximum is the reason to name.
    let wrong = if mixed { Vec::new() } else { too_many(&found) };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    match GpuFacts::from_catalog(catalog, gpu_id, gpu_id) {
        Ok(gpu) => admitted(&gpu, &found)?,
        // Of boards of which only the types are known, the types' own maximum is all there is.
        Err(_) if !mixed => {}
        Err(missing) => return Err(vec![Refusal::NotAdmitted(missing.to_string())]),
    }
    Ok(ImportedGpu {
        guests: found
            .iter()
            .map(|(t, count)| Guests {
                type_name: t.type_name.clone(),
                count: *count,
                instance: None,
            })
            .collect(),
        ..ImportedGpu::plain(gpu_id)
    })
}

/// Whether the vGPU manager admits all of them at once.
fn admitted(gpu: &GpuFacts, found: &[(&VgpuType, u32)]) -> Result<(), Vec<Refusal>> {
    let requests: Vec<Request> = found
        .iter()
        .map(|(vgpu_type, count)| Request {
            guest: format!("{count} × {}", vgpu_type.type_name),
            count: *count,
            holds: Holding::Vgpus(vec![((*vgpu_type).clone(), 1)]),
            needs: Needs {
                cuda: false,
                graphics: false,
                encode: false,
            },
        })
        .collect();
    admit(gpu, false, &requests).map_err(|refusals| {
        let words = refusals.into_iter().map(|refusal| refusal.problem);
        words.map(Refusal::NotAdmitted).collect()
    })
}

/// Types of which more are wanted than a GPU holds of that type alone.
fn too_many(found: &[(&VgpuType, u32)]) -> Vec<Refusal> {
    let mut wrong = Vec::new();
    for (vgpu_type, count) in found {
        let type_name = vgpu_type.type_name.clone();
        match vgpu_type.max_per_gpu {
            None => wrong.push(Refusal::UnknownMaximum(type_name)),
            Some(most) if *count > most => wrong.push(Refusal::TooManyVgpus {
                type_name,
                wanted: *count,
                most,
            }),
            Some(_) => {}
        }
    }
    wrong
}

/// vGPUs in GPU instances.
fn divided(
    catalog: &Catalog,
    gpu_id: &str,
    found: &[(&VgpuType, u32)],
) -> Result<ImportedGpu, Vec<Refusal>> {
    let geometry = Geometry::of(catalog, gpu_id).map_err(|e| vec![Refusal::Geometry(e)])?;
    let wrong = too_many(found);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // Each type: its profile, and how many vGPUs each of its instances holds.
    let mut held: Vec<(&VgpuType, &str, Vec<u32>)> = Vec::new();
    for (vgpu_type, count) in found {
        let (Some(profile), Some(most)) = (
            vgpu_type.mig_profile.as_deref(),
            vgpu_type.max_per_gi.filter(|most| *most > 0),
        ) else {
            return Err(vec![Refusal::UnknownMaximum(vgpu_type.type_name.clone())]);
        };
        let full = count / most;
        let rest = count % most;
        let mut each = vec![most; full as usize];
        each.extend((rest > 0).then_some(rest));
        held.push((vgpu_type, profile, each));
    }
    let mut profiles: Vec<(String, u32)> = Vec::new();
    for (_, profile, each) in &held {
        let more = each.len() as u32; // no more than the type's maximum, a u32
        match profiles.iter_mut().find(|(name, _)| name == profile) {
            Some((_, count)) => *count += more,
            None => profiles.push(((*profile).to_owned(), more)),
        }
    }
    let instances = place(&Arc::new(geometry), &profiles)?;
    let mut guests: Vec<Guests> = Vec::new();
    for (vgpu_type, profile, each) in &held {
        for count in each {
            let free = |at: &usize| guests.iter().all(|held| held.instance != Some(*at));
            let instance = (0..instances.len())
                .filter(|at| instances[*at].placed.profile == *profile)
                .find(free);
            guests.push(Guests {
                type_name: vgpu_type.type_name.clone(),
                count: *count,
                instance,
            });
        }
    }
    Ok(ImportedGpu {
        mig: true,
        instances,
        guests,
        ..ImportedGpu::plain(gpu_id)
    })
}
