//! `[gpus.NAME.instances]`: GPU instances and their compute instances.
//!
//! Instances with a start are created first, then the others, largest first and by name, in the
//! order that fits: the order of tables in a file has no meaning.

use crate::catalog::Catalog;
use crate::gpu::{CopyEngines, MediaEngines};
use crate::mig::{Fit, Geometry, GeometryError, GpuInstances, Partition, Request, fit};
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::{ComputeInstance, GpuInstance, Share};
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::{Field, Named};
use crate::scenario::key::units::write_bytes;
use crate::scenario::read::raw::{RawComputeInstance, RawGpu, RawInstance};
use std::sync::Arc;

/// The instances of a GPU, in the order of their names; how they are shared is decided when their
/// guests are known. `Some` of an empty list for a GPU that is not divided.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    field: &Field<RawGpu>,
    facts: &Facts,
    catalog: &Catalog,
) -> Option<Vec<GpuInstance>> {
    let raw = &field.value;
    if raw.instances.is_empty() {
        return Some(Vec::new());
    }
    if let Some(share) = &raw.share {
        let title = "a GPU that is divided into instances is not shared as a whole";
        let help = format!("move it to an instance, such as [{path}.instances.NAME.share]");
        c.error(&share.span, title, "nobody holds the whole GPU", help);
    }
    let span = raw
        .board
        .as_ref()
        .map_or(&field.span, |board| &board.span)
        .clone();
    if facts.is_neutral() {
        let title = "the neutral board cannot be divided";
        c.error(&span, title, "has no placement table", "name a real board");
        return None;
    }
    let geometry = match Geometry::of(catalog, &facts.id) {
        Ok(geometry) => Arc::new(geometry),
        Err(error) => {
            let help = match &error {
                GeometryError::NoMig(_) => {
                    let boards: Vec<&str> = catalog.gpus_with_mig();
                    format!("boards with MIG: {}", boards.join(", "))
                }
                _ => String::new(),
            };
            c.error(
                &span,
                error.to_string(),
                "divided into instances here",
                help,
            );
            return None;
        }
    };
    let mut state = GpuInstances::new(geometry);
    let placed = place(c, path, &raw.instances, &mut state)?;
    let mut instances = Vec::new();
    let mut fine = true;
    for (name, start) in placed {
        let field = &raw.instances[name];
        let path = format!("{path}.instances.{name}");
        match instance(c, &path, name, field, &mut state, start) {
            Some(instance) => instances.push(instance),
            None => fine = false,
        }
    }
    instances.sort_by(|a: &GpuInstance, b| a.name.cmp(&b.name));
    fine.then_some(instances)
}

/// Creates all GPU instances; returns each with its start.
fn place<'a>(
    c: &mut Checker,
    path: &str,
    instances: &'a Named<RawInstance>,
    state: &mut GpuInstances,
) -> Option<Vec<(&'a str, u32)>> {
    let mut wanted = Vec::new();
    let mut fine = true;
    for (name, field) in instances {
        let path = format!("{path}.instances.{name}");
        let Some(profile) = &field.value.profile else {
            let names: Vec<&str> = state
                .geometry()
                .profiles()
                .iter()
                .map(|p| p.name())
                .collect();
            let help = format!("one of {}", names.join(", "));
            c.missing(&field.span, &path, "profile", help);
            fine = false;
            continue;
        };
        let Some(known) = state.geometry().profile(&profile.value) else {
            let help = match state.geometry().nearest(&profile.value) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let board = &state.geometry().gpu_id;
                    format!("`warpshare mig profiles --gpu {board}` lists the profiles")
                }
            };
            let title = format!(
                "`{}` has no profile `{}`",
                state.geometry().gpu_id,
                profile.value
            );
            c.error(&profile.span, title, "not a profile of this board", help);
            fine = false;
            continue;
        };
        let start = field.value.start.as_ref().map(|start| start.value);
        let start = start.map(|start| u32::try_from(start).unwrap_or(u32::MAX));
        let text = known.name().to_owned();
        let size = known.size;
        c.file_value(&format!("{path}.profile"), text.as_str(), &profile.span);
        wanted.push((name.as_str(), field, Request::new(text, start), size));
    }
    if !fine {
        return None;
    }
    // Those with a start first; then the largest first.
    wanted.sort_by_key(|(name, _, request, size)| {
        (request.start.is_none(), -i64::from(*size), *name)
    });
    let requests: Vec<Request> = wanted
        .iter()
        .map(|(_, _, request, _)| request.clone())
        .collect();
    let order: Vec<usize> = match fit(state, &requests) {
        Fit::Fits(_) => (0..requests.len()).collect(),
        Fit::No(no) => match no.other_order {
            Some(other) => other.order,
            None => {
                let (_, field, _, _) = &wanted[no.failing];
                let span = field
                    .value
                    .start
                    .as_ref()
                    .map(|start| &start.span)
                    .or(field.value.profile.as_ref().map(|profile| &profile.span))
                    .unwrap_or(&field.span)
                    .clone();
                let board = &state.geometry().gpu_id;
                let help =
                    format!("`warpshare mig layouts --gpu {board}` shows what fits together");
                c.error(
                    &span,
                    "the GPU instances do not fit",
                    no.reason.to_string(),
                    help,
                );
                return None;
            }
        },
    };
    let mut placed = Vec::new();
    for index in order {
        let (name, field, request, _) = &wanted[index];
        let path = format!("{path}.instances.{name}.start");
        match state.request(request) {
            Ok(place) => {
                match &field.value.start {
                    Some(start) if c.configured_by(&start.span).is_none() => {
                        c.file_value(&path, place.start.to_string(), &start.span);
                    }
                    // Neither the scenario nor the file of `config` has a start.
                    _ => {
                        c.assume(&path, "mig.start", Some(place.start.to_string()));
                    }
                }
                placed.push((*name, place.start));
            }
            Err(refusal) => {
                c.error(
                    &field.span,
                    "the GPU instances do not fit",
                    refusal.to_string(),
                    "",
                );
                return None;
            }
        }
    }
    Some(placed)
}

/// One GPU instance with what the catalogue or the file says about it.
fn instance(
    c: &mut Checker,
    path: &str,
    name: &str,
    field: &Field<RawInstance>,
    state: &mut GpuInstances,
    start: u32,
) -> Option<GpuInstance> {
    let raw = &field.value;
    let part = state.partition(start)?;
    let source = format!("mig_profiles.csv, {}", part.profile);
    let sm_path = format!("{path}.sm_count");
    let sms = match (&raw.sm_count, part.sm_count) {
        (Some(_), _) => c.count(&sm_path, &raw.sm_count, 1, 100_000, None),
        (None, Some(sms)) => {
            c.catalogue_value(&sm_path, sms.to_string(), &*source);
            Some(sms)
        }
        (None, None) => {
            unknown(c, field, &part, "number of SMs", &sm_path, "sm_count = 64");
            None
        }
    };
    let memory_path = format!("{path}.memory");
    let memory = match (&raw.memory, part.memory_gib) {
        (Some(memory), _) => {
            c.file_value(&memory_path, write_bytes(memory.value.exact), &memory.span);
            Some(memory.value.bytes >> 20)
        }
        (None, Some(gib)) => {
            c.catalogue_value(&memory_path, format!("{gib}GiB"), &*source);
            Some((gib * 1024.0).floor() as u64)
        }
        (None, None) => {
            unknown(
                c,
                field,
                &part,
                "memory",
                &memory_path,
                "memory = \"44GiB\"",
            );
            None
        }
    };
    let bandwidth = f64::from(part.memory_slices) / f64::from(part.memory_slices_total);
    let slices = format!(
        "{}/{} of the board's",
        part.memory_slices, part.memory_slices_total
    );
    c.catalogue_value(&format!("{path}.bandwidth"), slices, &*source);
    let copy_path = format!("{path}.copy_engines");
    let engines = match part.engines.copy {
        Some(engines) => {
            c.catalogue_value(&copy_path, engines.to_string(), &*source);
            engines
        }
        None => c.assume(&copy_path, "copy.engines", None).parse().ok()?,
    };
    let whole = (sms, part.compute_slices);
    let compute_instances = compute_instances(c, path, field, state, start, whole);
    Some(GpuInstance {
        name: name.to_owned(),
        profile: part.profile,
        start,
        bandwidth,
        frame_buffer_mib: memory?,
        sms: sms?,
        copy_engines: CopyEngines {
            host_to_device: engines.max(1),
            device_to_host: engines.max(1),
        },
        media_engines: MediaEngines::default(),
        compute_instances: compute_instances?,
    })
}

fn unknown(
    c: &mut Checker,
    field: &Field<RawInstance>,
    part: &Partition,
    what: &str,
    path: &str,
    example: &str,
) {
    let span = field
        .value
        .profile
        .as_ref()
        .map_or(&field.span, |profile| &profile.span);
    let title = format!(
        "the catalogue does not know the {what} of `{}`",
        part.profile
    );
    let help = format!("no public source is known; give `{path}`, such as {example}");
    c.error(&span.clone(), title, "needed for this scenario", help);
}

/// The compute instances: those of the file, or one that takes all.
fn compute_instances(
    c: &mut Checker,
    path: &str,
    field: &Field<RawInstance>,
    state: &mut GpuInstances,
    start: u32,
    (sms, slices): (Option<u32>, u32),
) -> Option<Vec<ComputeInstance>> {
    let raw = &field.value;
    if raw.cis.is_empty() {
        return Some(vec![ComputeInstance {
            name: None,
            sms: sms?,
            slices,
            share: Share::Exclusive,
        }]);
    }
    if let Some(share) = &raw.share {
        let title = "a GPU instance with compute instances is not shared as a whole";
        let help = format!("move it to a compute instance, such as [{path}.cis.NAME.share]");
        c.error(&share.span, title, "nobody holds the whole instance", help);
    }
    let mut made = Vec::new();
    let mut fine = raw.share.is_none();
    for (name, field) in &raw.cis {
        match compute_instance(c, &format!("{path}.cis.{name}"), name, field, state, start) {
            Some(instance) => made.push(instance),
            None => fine = false,
        }
    }
    fine.then_some(made)
}

fn compute_instance(
    c: &mut Checker,
    path: &str,
    name: &str,
    field: &Field<RawComputeInstance>,
    state: &mut GpuInstances,
    start: u32,
) -> Option<ComputeInstance> {
    let raw = &field.value;
    let Some(profile) = &raw.profile else {
        let help = "such as profile = \"1c\", or \"1c.3g.20gb\" in full";
        c.missing(&field.span, path, "profile", help);
        return None;
    };
    let created = match state.create_compute(start, Some(&profile.value)) {
        Ok(created) => created,
        Err(refusal) => {
            let board = state.geometry().gpu_id.clone();
            let help = format!("`warpshare mig compute-instances --gpu {board}` lists them");
            let title = format!("compute instance `{name}` cannot be created");
            c.error(&profile.span, title, refusal.to_string(), help);
            return None;
        }
    };
    c.file_value(&format!("{path}.profile"), &*created.profile, &profile.span);
    let sm_path = format!("{path}.sm_count");
    let sms = match (&raw.sm_count, created.sm_count) {
        (Some(_), _) => c.count(&sm_path, &raw.sm_count, 1, 100_000, None)?,
        (None, Some(sms)) => {
            let source = format!("mig_compute_instances.csv, {}", created.profile);
            c.catalogue_value(&sm_path, sms.to_string(), source);
            sms
        }
        (None, None) => {
            let title = format!(
                "the catalogue does not know the number of SMs of `{}`",
                created.profile
            );
            let help =
                format!("no public source is known; give `{sm_path}`, such as sm_count = 16");
            c.error(&profile.span, title, "needed for this scenario", help);
            return None;
        }
    };
    Some(ComputeInstance {
        name: Some(name.to_owned()),
        sms,
        slices: created.compute_slices,
        share: Share::Exclusive,
    })
}
