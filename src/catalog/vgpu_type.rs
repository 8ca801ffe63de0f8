//! One vGPU type of the catalogue.

use super::cells;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The letter at the end of a type's name: what the type is for, and its licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Series {
    /// Virtual workstations.
    Q,
    /// Virtual desktops.
    B,
    /// Application streaming.
    A,
    /// Compute.
    C,
}

impl Series {
    pub const ALL: [Series; 4] = [Series::Q, Series::B, Series::A, Series::C];

    /// Whether the manager lets a VM hold several vGPUs of this series (A and B: no).
    ///
    /// Source: the attribute of each type in the vendor's `vgpuConfig.xml` of driver 550.
    pub fn several_per_vm(self) -> bool {
        matches!(self, Series::Q | Series::C)
    }

    /// Whether CUDA works in types of this series (A and B: no). Source as above.
    pub fn cuda(self) -> bool {
        matches!(self, Series::Q | Series::C)
    }

    /// Whether the types accelerate graphics. C-series types are made for compute: one display
    /// head, no workstation graphics (NVIDIA AI Enterprise documentation, vGPU types by
    /// architecture, remark on vGPU for Compute).
    pub fn graphics(self) -> bool {
        !matches!(self, Series::C)
    }
}

impl fmt::Display for Series {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Series::Q => "Q",
            Series::B => "B",
            Series::A => "A",
            Series::C => "C",
        })
    }
}

/// How vGPUs of a type divide the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// vGPUs take turns on the whole GPU.
    TimeSliced,
    /// Each vGPU owns a GPU instance.
    MigBacked,
    /// vGPUs take turns on a GPU instance.
    MigTimeSliced,
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::TimeSliced, Mode::MigBacked, Mode::MigTimeSliced];

    /// The word in the `mode` column.
    pub fn word(self) -> &'static str {
        match self {
            Mode::TimeSliced => "time_sliced",
            Mode::MigBacked => "mig_backed",
            Mode::MigTimeSliced => "mig_time_sliced",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Mode::TimeSliced => "time-sliced",
            Mode::MigBacked => "MIG-backed",
            Mode::MigTimeSliced => "time-sliced MIG",
        })
    }
}

/// A vGPU type on one GPU model. Fields are named as the columns of `data/vgpu_types.csv`; `None`
/// means unknown, or that the column does not apply to the type's mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VgpuType {
    /// Catalogue identifier of the GPU; GPUs that the catalogue does not describe keep the spelling
    /// of `vgpu_types.csv`.
    pub gpu_id: String,
    /// Short name, such as `A40-4Q`.
    pub type_name: String,
    pub series: Series,
    /// Number that the driver gives the type.
    pub vgpu_type_id: Option<u32>,
    pub mode: Mode,
    /// Nominal frame buffer: what the manager reserves at creation.
    pub frame_buffer_mib: u64,
    /// What the guest sees of it.
    pub guest_visible_fb_mib: Option<u64>,
    /// Most vGPUs of this type on one GPU when all have this size; unknown for a few types.
    pub max_per_gpu: Option<u32>,
    /// The same in mixed-size mode; 0 where the GPU lacks that mode.
    pub max_per_gpu_mixed_size: Option<u32>,
    /// Most vGPUs in one GPU instance.
    pub max_per_gi: Option<u32>,
    pub placement_region_gb: Option<u32>,
    pub placement_size_gb: Option<u32>,
    pub placement_ids_equal_size: Option<Vec<u32>>,
    pub placement_ids_mixed_size: Option<Vec<u32>>,
    pub max_displays: Option<u32>,
    /// Largest single display, such as `7680x4320`.
    pub max_resolution: Option<String>,
    /// Largest sum over all displays.
    pub max_total_pixels: Option<u64>,
    /// Default frame-rate limiter; acts under the best-effort scheduler only.
    pub frame_rate_limit_fps: Option<u32>,
    /// Whether CUDA works in the type. Where the column is empty the rule of the series decides
    /// ([`Series::cuda`]): only A and B have one.
    pub cuda: bool,
    /// GPU-instance profile that must exist.
    pub mig_profile: Option<String>,
    /// Compute slices of that profile.
    pub gi_slices: Option<u32>,
    /// Compute instances that the vGPU gets.
    pub ci_per_vgpu: Option<u32>,
    pub licence_edition: Option<String>,
    pub notes: Option<String>,
    pub source: Option<String>,
}

/// A row as it stands, before `cuda` is resolved.
#[derive(Deserialize)]
struct Row {
    #[serde(deserialize_with = "cells::text")]
    gpu_id: String,
    #[serde(deserialize_with = "cells::text")]
    type_name: String,
    series: Series,
    vgpu_type_id: Option<u32>,
    mode: Mode,
    frame_buffer_mib: u64,
    guest_visible_fb_mib: Option<u64>,
    max_per_gpu: Option<u32>,
    max_per_gpu_mixed_size: Option<u32>,
    max_per_gi: Option<u32>,
    placement_region_gb: Option<u32>,
    placement_size_gb: Option<u32>,
    #[serde(deserialize_with = "cells::numbers")]
    placement_ids_equal_size: Option<Vec<u32>>,
    #[serde(deserialize_with = "cells::numbers")]
    placement_ids_mixed_size: Option<Vec<u32>>,
    max_displays: Option<u32>,
    max_resolution: Option<String>,
    max_total_pixels: Option<u64>,
    frame_rate_limit_fps: Option<u32>,
    #[serde(deserialize_with = "cells::one_zero")]
    cuda: Option<bool>,
    mig_profile: Option<String>,
    gi_slices: Option<u32>,
    ci_per_vgpu: Option<u32>,
    licence_edition: Option<String>,
    notes: Option<String>,
    source: Option<String>,
}

impl<'de> Deserialize<'de> for VgpuType {
    fn deserialize<D: Deserializer<'de>>(record: D) -> Result<Self, D::Error> {
        let row = Row::deserialize(record)?;
        let cuda = match (row.cuda, row.series.cuda()) {
            (Some(cuda), _) => cuda,
            (None, false) => false,
            (None, true) => {
                return Err(D::Error::custom(format!(
                    "`cuda` of {} is empty, and {}-series has no rule for it",
                    row.type_name, row.series
                )));
            }
        };
        Ok(VgpuType {
            gpu_id: row.gpu_id,
            type_name: row.type_name,
            series: row.series,
            vgpu_type_id: row.vgpu_type_id,
            mode: row.mode,
            frame_buffer_mib: row.frame_buffer_mib,
            guest_visible_fb_mib: row.guest_visible_fb_mib,
            max_per_gpu: row.max_per_gpu,
            max_per_gpu_mixed_size: row.max_per_gpu_mixed_size,
            max_per_gi: row.max_per_gi,
            placement_region_gb: row.placement_region_gb,
            placement_size_gb: row.placement_size_gb,
            placement_ids_equal_size: row.placement_ids_equal_size,
            placement_ids_mixed_size: row.placement_ids_mixed_size,
            max_displays: row.max_displays,
            max_resolution: row.max_resolution,
            max_total_pixels: row.max_total_pixels,
            frame_rate_limit_fps: row.frame_rate_limit_fps,
            cuda,
            mig_profile: row.mig_profile,
            gi_slices: row.gi_slices,
            ci_per_vgpu: row.ci_per_vgpu,
            licence_edition: row.licence_edition,
            notes: row.notes,
            source: row.source,
        })
    }
}
