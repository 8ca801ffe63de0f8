//! What a GPU model can be divided into.

use super::driver::Driver;
use super::refusal::Refusal;
use crate::catalog::{Catalog, ComputeInstanceProfile, Gpu, MediaExtensions, MigProfile};
use crate::diagnostics::nearest;
use serde::Serialize;
use std::fmt;

/// A kind of fixed-function engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    Copy,
    Decode,
    Encode,
    Jpeg,
    OpticalFlow,
}

impl EngineKind {
    pub const ALL: [EngineKind; 5] = [
        EngineKind::Copy,
        EngineKind::Decode,
        EngineKind::Encode,
        EngineKind::Jpeg,
        EngineKind::OpticalFlow,
    ];
}

impl fmt::Display for EngineKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            EngineKind::Copy => "copy engine",
            EngineKind::Decode => "decoder",
            EngineKind::Encode => "encoder",
            EngineKind::Jpeg => "JPEG engine",
            EngineKind::OpticalFlow => "optical-flow engine",
        })
    }
}

/// Numbers of engines; `None` where no source gives the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Engines {
    pub copy: Option<u32>,
    pub decode: Option<u32>,
    pub encode: Option<u32>,
    pub jpeg: Option<u32>,
    pub optical_flow: Option<u32>,
}

impl Engines {
    /// How many of one kind.
    pub fn get(&self, kind: EngineKind) -> Option<u32> {
        match kind {
            EngineKind::Copy => self.copy,
            EngineKind::Decode => self.decode,
            EngineKind::Encode => self.encode,
            EngineKind::Jpeg => self.jpeg,
            EngineKind::OpticalFlow => self.optical_flow,
        }
    }

    fn of_profile(row: &MigProfile) -> Engines {
        Engines {
            copy: row.copy_engines,
            decode: row.decoders,
            encode: row.encoders,
            jpeg: row.jpeg,
            optical_flow: row.ofa,
        }
    }

    fn of_gpu(gpu: &Gpu) -> Engines {
        Engines {
            copy: gpu.copy_engines,
            decode: gpu.nvdec,
            encode: gpu.nvenc,
            jpeg: gpu.nvjpg,
            optical_flow: gpu.ofa,
        }
    }

    fn or(self, other: Engines) -> Engines {
        Engines {
            copy: self.copy.or(other.copy),
            decode: self.decode.or(other.decode),
            encode: self.encode.or(other.encode),
            jpeg: self.jpeg.or(other.jpeg),
            optical_flow: self.optical_flow.or(other.optical_flow),
        }
    }
}

/// What a profile adds to, or takes from, the plain division of the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The plain division: `1g.5gb`, `3g.20gb`.
    Standard,
    /// More memory slices than another standard profile of as many compute slices: `1g.10gb` on a
    /// GPU of 40 GB.
    DoubleMemory,
    /// `+me`: with the media engines that exist once.
    MediaExtended,
    /// `+me.all`: with every media engine.
    AllMedia,
    /// `-me`: without media engines.
    WithoutMedia,
    /// `+gfx`: with graphics, and for vGPUs.
    Graphics,
}

/// A GPU-instance profile, ready to be placed.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The row of the catalogue.
    pub facts: MigProfile,
    pub kind: Kind,
    pub engines: Engines,
    /// Valid starts, ascending.
    pub starts: Vec<u32>,
    /// Units that an instance covers.
    pub size: u32,
    /// First driver branch with the profile, where it is younger than the board's.
    pub min_driver: Option<Driver>,
    /// Compute instances that fit inside; empty where the list is not known.
    pub compute: Vec<ComputeInstanceProfile>,
}

impl Profile {
    /// The name, such as `3g.20gb`.
    pub fn name(&self) -> &str {
        &self.facts.profile
    }

    /// The name without the memory: `3g`, `1g+me`.
    pub fn short_name(&self) -> String {
        let name = self.name();
        let Some((head, rest)) = name.split_once('.') else {
            return name.to_owned();
        };
        let tail = rest.find("gb").map_or("", |at| &rest[at + 2..]);
        format!("{head}{tail}")
    }
}

/// Why there is no geometry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeometryError {
    /// The catalogue has no such GPU.
    #[error("there is no GPU `{0}`")]
    UnknownGpu(String),
    /// The GPU cannot be divided.
    #[error("`{0}` has no MIG")]
    NoMig(String),
    /// A fact is missing, and no rule stands in for it.
    #[error("the placements of `{profile}` on `{gpu}` are not known")]
    UnknownPlacements { gpu: String, profile: String },
}

/// The profiles of a GPU model and the units that they are placed on.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    pub gpu_id: String,
    pub gpu_name: String,
    pub architecture: String,
    /// Units of placement on the whole GPU.
    pub units: u32,
    pub memory_slices: u32,
    pub compute_slices: u32,
    /// Engines of the whole GPU: those of its largest profile, or of the GPU's row.
    pub engines: Engines,
    /// First driver branch with MIG on this board, where known.
    pub min_driver: Option<Driver>,
    /// Whether the placements are those of the assumption [`super::PLACEMENTS`].
    pub placements_assumed: bool,
    profiles: Vec<Profile>,
}

impl Geometry {
    /// The geometry of a GPU of the catalogue.
    ///
    /// # Errors
    ///
    /// [`GeometryError`] for unknown GPUs and for those that MIG does not divide.
    ///
    /// ```
    /// use warpshare_input::{catalog::Catalog, mig::Geometry};
    /// let geometry = Geometry::of(&Catalog::builtin()?, "a100-sxm4-40gb")?;
    /// let profile = geometry.profile("3g").expect("short names are understood");
    /// assert_eq!((profile.name(), profile.starts.as_slice()), ("3g.20gb", [0, 4].as_slice()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(catalog: &Catalog, gpu_id: &str) -> Result<Geometry, GeometryError> {
        let gpu = catalog
            .gpu(gpu_id)
            .ok_or_else(|| GeometryError::UnknownGpu(gpu_id.to_owned()))?;
        let rows: Vec<&MigProfile> = catalog.mig_profiles(gpu_id).collect();
        let Some(&whole) = rows
            .iter()
            .find(|row| row.compute_slices == row.compute_slices_total)
        else {
            return Err(GeometryError::NoMig(gpu_id.to_owned()));
        };
        let slices = (whole.memory_slices_total, whole.compute_slices_total);
        let placements_assumed =
            slices.0 == slices.1 && rows.iter().all(|row| row.placement_starts.is_none());
        let mut profiles = Vec::with_capacity(rows.len());
        for row in &rows {
            let placed = if placements_assumed {
                let size = row.memory_slices;
                let starts = (0..slices.0).step_by(size.max(1) as usize);
                Some((starts.filter(|s| s + size <= slices.0).collect(), size))
            } else {
                row.placement_starts.clone().zip(row.placement_size)
            };
            let Some((starts, size)) = placed else {
                return Err(GeometryError::UnknownPlacements {
                    gpu: gpu_id.to_owned(),
                    profile: row.profile.clone(),
                });
            };
            profiles.push(Profile {
                kind: kind(row, &rows),
                engines: Engines::of_profile(row),
                starts,
                size,
                min_driver: row.min_driver.as_deref().and_then(Driver::parse),
                compute: catalog
                    .compute_instance_profiles(gpu_id, &row.profile)
                    .cloned()
                    .collect(),
                facts: (*row).clone(),
            });
        }
        Ok(Geometry {
            gpu_id: gpu.id.clone(),
            gpu_name: gpu.name.clone(),
            architecture: gpu.architecture.clone(),
            units: whole.placement_units_total.unwrap_or(slices.0),
            memory_slices: slices.0,
            compute_slices: slices.1,
            engines: Engines::of_profile(whole).or(Engines::of_gpu(gpu)),
            min_driver: Driver::first_for(&gpu.name),
            placements_assumed,
            profiles,
        })
    }

    /// All profiles, in the order of the catalogue.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The profile that `text` names: its name, the name that some drivers give it (`3g.39gb`), its
    /// name without the memory (`3g`, `1g+me`; of two such the smaller memory), or the number that
    /// `nvidia-smi mig -lgip` prints.
    pub fn profile(&self, text: &str) -> Option<&Profile> {
        self.index_of(text).map(|index| &self.profiles[index])
    }

    pub(super) fn index_of(&self, text: &str) -> Option<usize> {
        let find = |test: &dyn Fn(&Profile) -> bool| self.profiles.iter().position(test);
        if let Ok(id) = text.parse::<u32>() {
            return find(&|p| p.facts.profile_id == Some(id));
        }
        let named = find(&|p| p.name().eq_ignore_ascii_case(text));
        named
            .or_else(|| find(&|p| p.facts.alias(text).is_some()))
            .or_else(|| {
                let short = |p: &Profile| p.short_name().eq_ignore_ascii_case(text);
                find(&|p| p.kind != Kind::DoubleMemory && short(p)).or_else(|| find(&|p| short(p)))
            })
    }

    /// The profile name that `text` most likely means: of a profile's name the one with as many compute
    /// slices, then with the same ending or none, then nearest in memory; else the nearest in spelling.
    pub fn nearest(&self, text: &str) -> Option<&str> {
        let names = || self.profiles.iter().map(Profile::name);
        let Some((slices, memory, ending)) = parts(text) else {
            return nearest(text, names());
        };
        names()
            .filter_map(|name| {
                let (own_slices, own_memory, own_ending) = parts(name)?;
                let variant = match own_ending {
                    same if same == ending => 0,
                    "" => 1,
                    _ => 2,
                };
                let near = (own_slices != slices, variant, own_memory.abs_diff(memory));
                Some((near, name))
            })
            .min_by_key(|(near, _)| *near)
            .map(|(_, name)| name)
    }

    /// Whether vGPUs can live in an instance of this profile: on boards with `+gfx` profiles only in
    /// those (vGPU documentation of the RTX PRO 6000 server board), elsewhere in all.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotForVgpus`] with the profiles that do.
    pub fn hosts_vgpus(&self, profile: &Profile) -> Result<(), Refusal> {
        let graphics = self.profiles.iter().filter(|p| p.facts.graphics);
        let hosts: Vec<String> = graphics.map(|p| p.name().to_owned()).collect();
        if profile.facts.graphics || hosts.is_empty() {
            return Ok(());
        }
        Err(Refusal::NotForVgpus {
            profile: profile.name().to_owned(),
            hosts,
        })
    }
}

fn kind(row: &MigProfile, all: &[&MigProfile]) -> Kind {
    let plain = |r: &MigProfile| {
        let media = r.media_extensions;
        !r.graphics && matches!(media, MediaExtensions::None | MediaExtensions::Default)
    };
    match row.media_extensions {
        MediaExtensions::Extended => Kind::MediaExtended,
        MediaExtensions::All => Kind::AllMedia,
        MediaExtensions::Without => Kind::WithoutMedia,
        MediaExtensions::None | MediaExtensions::Default if row.graphics => Kind::Graphics,
        MediaExtensions::None | MediaExtensions::Default => {
            let smaller = all.iter().any(|other| {
                plain(other)
                    && other.compute_slices == row.compute_slices
                    && other.memory_slices < row.memory_slices
            });
            if smaller {
                Kind::DoubleMemory
            } else {
                Kind::Standard
            }
        }
    }
}

/// Compute slices, GB and ending of a profile's name such as `1g.10gb+me`.
fn parts(name: &str) -> Option<(u32, u32, &str)> {
    let (slices, rest) = name.split_once("g.")?;
    let (memory, ending) = rest.split_once("gb")?;
    Some((slices.parse().ok()?, memory.parse().ok()?, ending))
}
