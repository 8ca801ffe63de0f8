//! The GPU instances of one GPU: created and destroyed by the rules.

use super::chosen;
use super::compute::ComputeInstance;
use super::driver::{self, Driver};
use super::geometry::{EngineKind, Engines, Geometry, Kind, Profile};
use super::refusal::{Lacking, Refusal};
use super::request::Request;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// An instance of a profile at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Placed {
    pub start: u32,
    pub size: u32,
    pub profile: String,
}

impl fmt::Display for Placed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.profile, self.start)
    }
}

/// A GPU instance that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct GpuInstance {
    /// Place of the profile in [`Geometry::profiles`].
    pub(super) profile: usize,
    pub start: u32,
    pub size: u32,
    /// Its compute instances, by ordinal.
    pub compute: Vec<ComputeInstance>,
}

impl GpuInstance {
    /// Whether a client works in one of its compute instances.
    pub fn in_use(&self) -> bool {
        self.compute.iter().any(|ci| ci.clients > 0)
    }
}

/// What a simulator needs of a GPU instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Partition {
    pub profile: String,
    pub start: u32,
    pub size: u32,
    /// Share of memory capacity and bandwidth: slices of [`Partition::memory_slices_total`].
    pub memory_slices: u32,
    pub memory_slices_total: u32,
    pub compute_slices: u32,
    pub compute_slices_total: u32,
    pub sm_count: Option<u32>,
    /// What the driver lists, GiB. This binds, not the rounded figure in the profile's name.
    pub memory_gib: Option<f64>,
    /// Engines of the instance alone, shared by its compute instances.
    pub engines: Engines,
    pub graphics: bool,
}

/// Whether two places (start, size) have a unit in common.
pub(super) fn overlap(a: (u32, u32), b: (u32, u32)) -> bool {
    a.0 < b.0 + b.1 && b.0 < a.0 + a.1
}

/// The GPU instances of one GPU.
///
/// ```
/// use std::sync::Arc;
/// use warpshare_input::{catalog::Catalog, mig::{Geometry, GpuInstances}};
/// let geometry = Geometry::of(&Catalog::builtin()?, "a100-sxm4-40gb")?;
/// let mut gpu = GpuInstances::new(Arc::new(geometry));
/// assert_eq!(gpu.create("3g.20gb", None)?.start, 4);
/// assert_eq!(gpu.create("4g.20gb", Some(0))?.start, 0);
/// assert!(gpu.create("1g.5gb", None).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GpuInstances {
    geometry: Arc<Geometry>,
    driver: Option<Driver>,
    held: Vec<GpuInstance>,
}

impl GpuInstances {
    /// An undivided GPU with MIG mode on.
    pub fn new(geometry: Arc<Geometry>) -> GpuInstances {
        GpuInstances {
            geometry,
            driver: None,
            held: Vec::new(),
        }
    }

    /// The same under a known driver: what is younger than it is refused. Without one, every
    /// profile and combination of the tables is allowed.
    pub fn with_driver(self, driver: Option<Driver>) -> GpuInstances {
        GpuInstances { driver, ..self }
    }

    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The instances, by start.
    pub fn instances(&self) -> &[GpuInstance] {
        &self.held
    }

    pub(super) fn held_mut(&mut self) -> &mut Vec<GpuInstance> {
        &mut self.held
    }

    /// The profile of an instance.
    pub fn profile_of(&self, instance: &GpuInstance) -> &Profile {
        &self.geometry.profiles()[instance.profile]
    }

    /// Where the instances are, by start.
    pub fn placed(&self) -> Vec<Placed> {
        self.held.iter().map(|gi| self.placed_of(gi)).collect()
    }

    pub(super) fn placed_of(&self, instance: &GpuInstance) -> Placed {
        Placed {
            start: instance.start,
            size: instance.size,
            profile: self.profile_of(instance).name().to_owned(),
        }
    }

    /// The instance that starts here.
    pub fn at(&self, start: u32) -> Option<&GpuInstance> {
        self.held.iter().find(|gi| gi.start == start)
    }

    /// What a simulator needs of the instance that starts here.
    pub fn partition(&self, start: u32) -> Option<Partition> {
        let gi = self.at(start)?;
        let profile = self.profile_of(gi);
        let facts = &profile.facts;
        Some(Partition {
            profile: facts.profile.clone(),
            start: gi.start,
            size: gi.size,
            memory_slices: facts.memory_slices,
            memory_slices_total: facts.memory_slices_total,
            compute_slices: facts.compute_slices,
            compute_slices_total: facts.compute_slices_total,
            sm_count: facts.sm_count,
            memory_gib: facts.memory_gib,
            engines: profile.engines,
            graphics: facts.graphics,
        })
    }

    /// Creates an instance of a profile (name, short name or number), at a start or where the rule
    /// of [`super::START_RULE`] puts it.
    ///
    /// # Errors
    ///
    /// The first reason that stands against it; nothing is changed then.
    pub fn create(&mut self, profile: &str, start: Option<u32>) -> Result<Placed, Refusal> {
        let index = self.index(profile)?;
        let start = self.check(index, start)?;
        Ok(self.insert(index, start))
    }

    /// As [`GpuInstances::create`], for a request.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn request(&mut self, request: &Request) -> Result<Placed, Refusal> {
        self.create(&request.profile, request.start)
    }

    /// Destroys the instance that starts here; its units are free at once.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoInstance`], or [`Refusal::HasCompute`] while it has a compute instance.
    pub fn destroy(&mut self, start: u32) -> Result<Placed, Refusal> {
        let Some(gi) = self.at(start) else {
            return Err(self.no_instance(start));
        };
        if !gi.compute.is_empty() {
            return Err(Refusal::HasCompute {
                instance: self.placed_of(gi),
                compute: gi.compute.iter().map(|ci| ci.profile.clone()).collect(),
            });
        }
        let placed = self.placed_of(gi);
        self.held.retain(|gi| gi.start != start);
        Ok(placed)
    }

    pub(super) fn no_instance(&self, start: u32) -> Refusal {
        Refusal::NoInstance {
            start,
            existing: self.placed(),
        }
    }

    pub(super) fn index(&self, profile: &str) -> Result<usize, Refusal> {
        let geometry = &self.geometry;
        geometry.index_of(profile).ok_or_else(|| {
            let names = geometry.profiles().iter().map(|p| p.name().to_owned());
            Refusal::NoSuchProfile {
                name: profile.to_owned(),
                gpu: geometry.gpu_id.clone(),
                nearest: geometry.nearest(profile).map(str::to_owned),
                valid: names.collect(),
            }
        })
    }

    pub(super) fn insert(&mut self, profile: usize, start: u32) -> Placed {
        let gi = GpuInstance {
            profile,
            start,
            size: self.geometry.profiles()[profile].size,
            compute: Vec::new(),
        };
        let placed = self.placed_of(&gi);
        self.held.push(gi);
        self.held.sort_by_key(|gi| gi.start);
        placed
    }

    /// Whether no instance covers a unit of this place.
    pub(super) fn is_free(&self, start: u32, size: u32) -> bool {
        self.held
            .iter()
            .all(|gi| !overlap((gi.start, gi.size), (start, size)))
    }

    /// Whether an instance of the profile can be created at this start of its table.
    pub(super) fn possible(&self, profile: usize, start: u32) -> bool {
        // The cheap test first: most places are taken.
        self.is_free(start, self.geometry.profiles()[profile].size)
            && self.check(profile, Some(start)).is_ok()
    }

    /// Starts at which an instance of a profile can be created now; empty for unknown names.
    pub fn possible_starts(&self, profile: &str) -> Vec<u32> {
        let Some(index) = self.geometry.index_of(profile) else {
            return Vec::new();
        };
        let starts = self.geometry.profiles()[index].starts.iter().copied();
        starts.filter(|&s| self.possible(index, s)).collect()
    }

    /// How many more instances of a profile can be created, with starts chosen well: the `Free`
    /// of `nvidia-smi mig -lgip`.
    pub fn free(&self, profile: &str) -> u32 {
        self.geometry
            .index_of(profile)
            .map_or(0, |index| self.clone().most(index, 0))
    }

    fn most(&mut self, profile: usize, from: u32) -> u32 {
        // Instances of one profile are alike: starts in ascending order are enough.
        let starts = self.geometry.profiles()[profile].starts.clone();
        let mut most = 0;
        for start in starts.into_iter().filter(|&start| start >= from) {
            if self.possible(profile, start) {
                self.insert(profile, start);
                most = most.max(1 + self.most(profile, start + 1));
                self.held.retain(|gi| gi.start != start);
            }
        }
        most
    }

    /// The start that an instance would get, or the first reason against it.
    pub(super) fn check(&self, index: usize, start: Option<u32>) -> Result<u32, Refusal> {
        let profile = &self.geometry.profiles()[index];
        self.driver_allows(profile)?;
        let alike = self.held.iter().filter(|gi| gi.profile == index);
        let alike: Vec<u32> = alike.map(|gi| gi.start).collect();
        if alike.len() >= profile.facts.max_instances as usize {
            return Err(Refusal::MaxInstances {
                profile: profile.name().to_owned(),
                most: profile.facts.max_instances,
                starts: alike,
            });
        }
        let start = self.place(index, start)?;
        self.pair_allowed(profile)?;
        self.engines_allow(profile)?;
        Ok(start)
    }

    fn driver_allows(&self, profile: &Profile) -> Result<(), Refusal> {
        let Some(driver) = self.driver else {
            return Ok(());
        };
        for (what, needs) in [
            (
                format!("MIG on {}", self.geometry.gpu_name),
                self.geometry.min_driver,
            ),
            (format!("`{}`", profile.name()), profile.min_driver),
        ] {
            if let Some(needs) = needs.filter(|&needs| driver < needs) {
                return Err(Refusal::Driver {
                    what,
                    needs,
                    has: driver,
                });
            }
        }
        Ok(())
    }

    /// A 3g beside a 4g needs a driver that knows the pair.
    fn pair_allowed(&self, profile: &Profile) -> Result<(), Refusal> {
        let Some(has) = self.driver.filter(|&d| d < driver::THREE_BESIDE_FOUR) else {
            return Ok(());
        };
        let slices = profile.facts.compute_slices;
        let other = self.held.iter().find(|gi| {
            let beside = self.profile_of(gi).facts.compute_slices;
            self.geometry.compute_slices == 7 && matches!((slices, beside), (3, 4) | (4, 3))
        });
        match other {
            Some(gi) => Err(Refusal::Driver {
                what: format!("`{}` beside `{}`", profile.name(), self.placed_of(gi)),
                needs: driver::THREE_BESIDE_FOUR,
                has,
            }),
            None => Ok(()),
        }
    }

    fn place(&self, index: usize, start: Option<u32>) -> Result<u32, Refusal> {
        let profile = &self.geometry.profiles()[index];
        let name = profile.name().to_owned();
        let blockers = |start: u32| -> Vec<Placed> {
            let place = (start, profile.size);
            let held = self.held.iter();
            held.filter(|gi| overlap((gi.start, gi.size), place))
                .map(|gi| self.placed_of(gi))
                .collect()
        };
        if let Some(start) = start {
            if !profile.starts.contains(&start) {
                return Err(Refusal::NotInTable {
                    profile: name,
                    start,
                    valid: profile.starts.clone(),
                    size: profile.size,
                    units: self.geometry.units,
                    most: profile.facts.max_instances,
                });
            }
            return match blockers(start) {
                with if with.is_empty() => Ok(start),
                with => Err(Refusal::Overlap {
                    profile: name,
                    start,
                    size: profile.size,
                    with,
                    free: self.free_starts(profile),
                }),
            };
        }
        if let Some(start) = chosen::start(self, index) {
            return Ok(start);
        }
        let free_units: Vec<u32> = (0..self.geometry.units)
            .filter(|&unit| self.is_free(unit, 1))
            .collect();
        let used = self.held.iter();
        let used: u32 = used
            .map(|gi| self.profile_of(gi).facts.compute_slices)
            .sum();
        let free_compute = self.geometry.compute_slices.saturating_sub(used);
        if free_units.len() < profile.size as usize {
            return Err(Refusal::Memory {
                profile: name,
                size: profile.size,
                free_units,
                units: self.geometry.units,
                free_compute,
                held: self.placed(),
            });
        }
        Err(Refusal::Fragmented {
            profile: name,
            size: profile.size,
            free_units,
            free_compute,
            starts: profile.starts.iter().map(|&s| (s, blockers(s))).collect(),
        })
    }

    fn free_starts(&self, profile: &Profile) -> Vec<u32> {
        let starts = profile.starts.iter().copied();
        starts.filter(|&s| self.is_free(s, profile.size)).collect()
    }

    fn engines_allow(&self, profile: &Profile) -> Result<(), Refusal> {
        let lacking: Vec<Lacking> = EngineKind::ALL
            .into_iter()
            .filter_map(|kind| self.lacking(profile, kind))
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let held = self.held.iter().map(|gi| self.profile_of(gi));
        let all_media = held.chain([profile]).find(|p| p.kind == Kind::AllMedia);
        Err(Refusal::Engine {
            profile: profile.name().to_owned(),
            lacking,
            all_media: all_media.map(|p| p.name().to_owned()),
        })
    }

    /// Engines of a kind that the profile needs and the board has not left. Where a number is
    /// unknown there is nothing to count.
    fn lacking(&self, profile: &Profile, kind: EngineKind) -> Option<Lacking> {
        let needs = profile.engines.get(kind).filter(|&needs| needs > 0)?;
        let total = self.geometry.engines.get(kind)?;
        let held = self.held.iter();
        let holders: Vec<(Placed, u32)> = held
            .filter_map(|gi| {
                let number = self.profile_of(gi).engines.get(kind)?;
                (number > 0).then(|| (self.placed_of(gi), number))
            })
            .collect();
        let taken: u32 = holders.iter().map(|&(_, number)| number).sum();
        (taken + needs > total).then_some(Lacking {
            kind,
            needs,
            total,
            holders,
        })
    }
}
