//! Compute instances inside a GPU instance.

use super::geometry::Profile;
use super::instances::GpuInstances;
use super::refusal::Refusal;
use crate::catalog::ComputeInstanceProfile;
use serde::Serialize;

/// A compute instance: SMs of its own; memory, bandwidth and engines are those of its GPU instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComputeInstance {
    /// The lowest number that was free in its GPU instance.
    pub ordinal: u32,
    /// Name such as `1c.3g.20gb`.
    pub profile: String,
    pub profile_id: Option<u32>,
    pub compute_slices: u32,
    pub sm_count: Option<u32>,
    /// Processes that hold it.
    pub clients: u32,
}

impl GpuInstances {
    /// Creates a compute instance in the GPU instance that starts at `start`.
    ///
    /// `profile` is a name (`1c.3g.20gb`, or `1c` for short) or the number that `nvidia-smi mig
    /// -lcip` prints; a name that two profiles bear means the first of the list. `None` makes the
    /// default, the whole GPU instance; that is possible also where the list of profiles is unknown.
    ///
    /// # Errors
    ///
    /// The first reason against it; nothing is changed then.
    pub fn create_compute(
        &mut self,
        start: u32,
        profile: Option<&str>,
    ) -> Result<ComputeInstance, Refusal> {
        let Some(gi) = self.at(start) else {
            return Err(self.no_instance(start));
        };
        let instance = self.placed_of(gi);
        let parent = self.profile_of(gi);
        let facts = &parent.facts;
        let chosen = match profile {
            None => parent.compute.iter().find(|ci| ci.is_default),
            Some(name) if parent.compute.is_empty() => {
                return Err(Refusal::ComputeUnknown {
                    name: name.to_owned(),
                    instance,
                });
            }
            Some(name) => Some(named(parent, name).ok_or_else(|| {
                Refusal::NoSuchCompute {
                    name: name.to_owned(),
                    instance: instance.clone(),
                    valid: parent
                        .compute
                        .iter()
                        .map(|ci| ci.ci_profile.clone())
                        .collect(),
                }
            })?),
        };
        let (profile, profile_id, slices, sm_count, most) = match chosen {
            Some(ci) => (
                ci.ci_profile.clone(),
                ci.ci_profile_id,
                ci.compute_slices,
                ci.sm_count,
                ci.max_instances,
            ),
            None => (
                facts.profile.clone(),
                None,
                facts.compute_slices,
                facts.sm_count,
                1,
            ),
        };
        let same = |ci: &&ComputeInstance| ci.profile == profile && ci.profile_id == profile_id;
        if gi.compute.iter().filter(same).count() >= most as usize {
            return Err(Refusal::MaxCompute {
                profile,
                instance,
                most,
            });
        }
        let used: u32 = gi.compute.iter().map(|ci| ci.compute_slices).sum();
        let free = facts.compute_slices.saturating_sub(used);
        if slices > free {
            return Err(Refusal::ComputeSlices {
                profile,
                instance,
                needs: slices,
                free,
            });
        }
        // SM counts are not proportional to slices on Hopper: both must suffice, where known.
        let used: u32 = gi.compute.iter().filter_map(|ci| ci.sm_count).sum();
        if let (Some(needs), Some(all)) = (sm_count, facts.sm_count)
            && used + needs > all
        {
            return Err(Refusal::ComputeSms {
                profile,
                instance,
                needs,
                free: all.saturating_sub(used),
            });
        }
        let taken = |n: &u32| gi.compute.iter().any(|ci| ci.ordinal == *n);
        let made = ComputeInstance {
            ordinal: (0..).find(|n| !taken(n)).unwrap_or(u32::MAX),
            profile,
            profile_id,
            compute_slices: slices,
            sm_count,
            clients: 0,
        };
        for gi in self.held_mut().iter_mut().filter(|gi| gi.start == start) {
            gi.compute.push(made.clone());
            gi.compute.sort_by_key(|ci| ci.ordinal);
        }
        Ok(made)
    }

    /// Destroys a compute instance.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoInstance`], [`Refusal::NoCompute`], or [`Refusal::ComputeInUse`] while it has
    /// clients.
    pub fn destroy_compute(&mut self, start: u32, ordinal: u32) -> Result<(), Refusal> {
        let (instance, ci) = self.find_compute(start, ordinal)?;
        if ci.clients > 0 {
            return Err(Refusal::ComputeInUse {
                instance,
                compute: ci.profile.clone(),
                clients: ci.clients,
            });
        }
        for gi in self.held_mut().iter_mut().filter(|gi| gi.start == start) {
            gi.compute.retain(|ci| ci.ordinal != ordinal);
        }
        Ok(())
    }

    /// Lets one more client hold a compute instance.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoInstance`] or [`Refusal::NoCompute`].
    pub fn attach(&mut self, start: u32, ordinal: u32) -> Result<(), Refusal> {
        self.find_compute(start, ordinal)?;
        if let Some(ci) = self.compute_mut(start, ordinal) {
            ci.clients = ci.clients.saturating_add(1);
        }
        Ok(())
    }

    /// Lets one client of a compute instance go.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoInstance`], [`Refusal::NoCompute`], or [`Refusal::NoClient`].
    pub fn detach(&mut self, start: u32, ordinal: u32) -> Result<(), Refusal> {
        let (instance, ci) = self.find_compute(start, ordinal)?;
        if ci.clients == 0 {
            return Err(Refusal::NoClient {
                instance,
                compute: ci.profile.clone(),
            });
        }
        if let Some(ci) = self.compute_mut(start, ordinal) {
            ci.clients -= 1;
        }
        Ok(())
    }

    fn find_compute(
        &self,
        start: u32,
        ordinal: u32,
    ) -> Result<(super::Placed, &ComputeInstance), Refusal> {
        let Some(gi) = self.at(start) else {
            return Err(self.no_instance(start));
        };
        let instance = self.placed_of(gi);
        match gi.compute.iter().find(|ci| ci.ordinal == ordinal) {
            Some(ci) => Ok((instance, ci)),
            None => Err(Refusal::NoCompute { instance, ordinal }),
        }
    }

    fn compute_mut(&mut self, start: u32, ordinal: u32) -> Option<&mut ComputeInstance> {
        let gi = self.held_mut().iter_mut().find(|gi| gi.start == start)?;
        gi.compute.iter_mut().find(|ci| ci.ordinal == ordinal)
    }
}

/// The profile that a name, short name or number means.
fn named<'a>(parent: &'a Profile, name: &str) -> Option<&'a ComputeInstanceProfile> {
    let all = &parent.compute;
    if let Ok(id) = name.parse::<u32>() {
        return all.iter().find(|ci| ci.ci_profile_id == Some(id));
    }
    all.iter()
        .find(|ci| ci.ci_profile.eq_ignore_ascii_case(name))
        .or_else(|| {
            // `1c.3g.39gb` is `1c.3g.40gb` where the driver names the instance so.
            let (slices, rest) = name.split_once('.')?;
            let instance = &parent.facts.alias(rest)?.profile;
            all.iter().find(|ci| {
                ci.ci_profile
                    .eq_ignore_ascii_case(&format!("{slices}.{instance}"))
            })
        })
        .or_else(|| {
            let slices = name.strip_suffix(['c', 'C'])?.parse::<u32>().ok()?;
            all.iter().find(|ci| ci.compute_slices == slices)
        })
}
