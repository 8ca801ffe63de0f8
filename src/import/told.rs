//! Which profiles the instances of a capture are: told by name, or by memory, SMs and engines.

use super::apply::Part;
use super::capture::{CapturedInstance, Slice};
use crate::mig::{EngineKind, Geometry, Kind, Profile};

/// How far, as a part, the memory of an instance may be from its profile's. Drivers reserve different
/// amounts, and names round up (1g.18gb of an H200 is listed with 16 GiB); sizes of different
/// profiles of one board are at least a factor of two apart in `data/mig_profiles.csv`.
const MEMORY_TOLERANCE: f64 = 0.2;

/// The profile of an instance: that which the table names, else the one that memory, SMs and engines
/// tell.
pub(super) fn told<'a>(
    geometry: &'a Geometry,
    instance: &CapturedInstance,
    notes: &mut Vec<String>,
) -> Result<&'a Profile, String> {
    let (gpu_id, id) = (&geometry.gpu_id, instance.gpu_instance_id);
    if let Some(name) = &instance.profile {
        return geometry
            .profile(name)
            .ok_or_else(|| match geometry.nearest(name) {
                Some(near) => format!("`{gpu_id}` has no profile `{name}`; did you mean `{near}`?"),
                None => format!("`{gpu_id}` has no profile `{name}`"),
            });
    }
    let like = candidates(geometry, instance);
    let standard = like.iter().filter(|p| p.kind == Kind::Standard);
    let standard: Vec<&&Profile> = standard.collect();
    let names: Vec<&str> = like.iter().map(|p| p.name()).collect();
    match (like.as_slice(), standard.as_slice()) {
        ([only], _) => Ok(only),
        (_, [only]) => {
            notes.push(format!(
                "GPU instance {id}: {} are alike in the capture; the plain one is taken.",
                names.join(", ")
            ));
            Ok(only)
        }
        ([], _) => Err(format!(
            "no profile of `{gpu_id}` is like GPU instance {id}"
        )),
        _ => Err(format!(
            "GPU instance {id} may be any of {}",
            names.join(", ")
        )),
    }
}

/// The compute instances of a GPU instance; none where one takes it all.
pub(super) fn parts(
    seen: &CapturedInstance,
    profile: &Profile,
    notes: &mut Vec<String>,
) -> Result<Vec<Part>, String> {
    let all = profile.facts.sm_count;
    if let [only] = seen.slices.as_slice() {
        let whole = match (&only.profile, only.sm_count) {
            (Some(name), _) => name.eq_ignore_ascii_case(profile.name()),
            (None, Some(sms)) => all.is_none_or(|all| sms == all),
            (None, None) => true,
        };
        if whole {
            return Ok(Vec::new());
        }
    }
    let mut made: Vec<Part> = Vec::new();
    for slice in &seen.slices {
        let (name, sm_count) = part(seen, slice, profile, notes)?;
        let stem = name.split('.').next().unwrap_or_default().to_owned();
        let number = 1 + made.iter().filter(|part| part.stem == stem).count();
        made.push(Part {
            name: format!("{stem}-{number}"),
            stem,
            profile: name,
            sm_count,
        });
    }
    Ok(made)
}

/// The compute-instance profile of one, and its SMs where the catalogue does not list that many.
fn part(
    seen: &CapturedInstance,
    slice: &Slice,
    profile: &Profile,
    notes: &mut Vec<String>,
) -> Result<(String, Option<u32>), String> {
    let id = seen.gpu_instance_id;
    if let Some(name) = &slice.profile {
        return Ok((name.clone(), None));
    }
    let Some(sms) = slice.sm_count else {
        return Err(format!(
            "GPU instance {id}: how many SMs a compute instance has is not said"
        ));
    };
    let listed = profile.compute.iter().find(|ci| ci.sm_count == Some(sms));
    if let Some(ci) = listed {
        return Ok((ci.ci_profile.clone(), None));
    }
    // SMs of a slice differ by a few; those of one slice more or less by a whole slice.
    let guess = profile.facts.sm_count.map(|all| {
        let slices = u64::from(profile.facts.compute_slices);
        let all = u64::from(all.max(1));
        (2 * u64::from(sms) * slices + all) / (2 * all)
    });
    let alike = profile
        .compute
        .iter()
        .find(|ci| ci.sm_count.is_none() && Some(u64::from(ci.compute_slices)) == guess);
    match (alike, profile.facts.sm_count) {
        (Some(ci), Some(all)) => {
            notes.push(format!(
                "GPU instance {id}: {sms} of {all} SMs are taken for {}, of which the catalogue has no \
                 number.",
                ci.ci_profile
            ));
            Ok((ci.ci_profile.clone(), Some(sms)))
        }
        _ => Err(format!(
            "GPU instance {id}: no compute instance of {} has {sms} SMs",
            profile.name()
        )),
    }
}

/// The profiles that an instance can be. Figures that either side lacks exclude nothing; among those
/// left, the ones with exactly its SMs come first, since compute instances need not fill an instance.
fn candidates<'a>(geometry: &'a Geometry, seen: &CapturedInstance) -> Vec<&'a Profile> {
    let memory = |profile: &Profile| match (memory_gib(profile), seen.memory_mib) {
        (Some(listed), Some(mib)) => {
            let gib = mib as f64 / 1024.0;
            (gib - listed).abs() <= MEMORY_TOLERANCE * listed
        }
        _ => true,
    };
    let engines = |profile: &Profile| {
        EngineKind::ALL.into_iter().all(|kind| {
            match (profile.engines.get(kind), seen.engines.get(kind)) {
                (Some(listed), Some(there)) => listed == there,
                _ => true,
            }
        })
    };
    let fits = |profile: &Profile| match (profile.facts.sm_count, seen.sm_count()) {
        (Some(listed), Some(there)) => there <= listed,
        _ => true,
    };
    let like: Vec<&Profile> = geometry
        .profiles()
        .iter()
        .filter(|p| memory(p) && engines(p) && fits(p))
        .collect();
    let full: Vec<&Profile> = like
        .iter()
        .copied()
        .filter(|p| p.facts.sm_count.is_some() && p.facts.sm_count == seen.sm_count())
        .collect();
    if full.is_empty() { like } else { full }
}

/// What the driver lists for a profile; where no source has that, what its name says.
fn memory_gib(profile: &Profile) -> Option<f64> {
    profile.facts.memory_gib.or_else(|| {
        let (_, rest) = profile.name().split_once('.')?;
        rest.get(..rest.find("gb")?)?.parse().ok()
    })
}
