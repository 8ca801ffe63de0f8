//! One physical GPU of the catalogue.

use super::cells;
use super::sources::FieldSources;
use serde::{Deserialize, Serialize};

/// A physical GPU model. Fields are named as the columns of `data/gpus.csv`; `None` means that no
/// public source for the figure is known, never zero.
///
/// Figures are per GPU, also on boards that carry several ([`Gpu::gpus_per_board`]), with the
/// exception of [`Gpu::tdp_w`], which is for the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gpu {
    /// Identifier in scenarios, such as `a40`.
    #[serde(deserialize_with = "cells::text")]
    pub id: String,
    /// Name that the driver prints.
    #[serde(deserialize_with = "cells::text")]
    pub name: String,
    #[serde(deserialize_with = "cells::text")]
    pub architecture: String,
    pub chip: Option<String>,
    /// PCI device identifier, four hexadecimal digits.
    pub pci_device_id: Option<String>,
    /// CUDA compute capability, such as `8.6`.
    pub compute_capability: Option<String>,
    pub gpus_per_board: Option<u32>,
    /// Streaming multiprocessors.
    pub sm_count: Option<u32>,
    /// Graphics processing clusters.
    pub gpc_count: Option<u32>,
    /// Device memory, GiB.
    pub memory_gib: Option<f64>,
    /// What `nvidia-smi` shows as the total, MiB: less than nominal where ECC or firmware takes a part.
    pub visible_memory_mib: Option<u32>,
    /// Peak memory bandwidth, 10⁹ bytes a second.
    pub memory_bandwidth_gb_s: Option<f64>,
    pub l2_mib: Option<f64>,
    pub boost_clock_mhz: Option<u32>,
    /// Peak single precision, 10¹² operations a second.
    pub fp32_tflops: Option<f64>,
    /// Peak half precision on tensor cores, without sparsity, 10¹² operations a second.
    pub fp16_tensor_tflops_dense: Option<f64>,
    /// Copy engines; for GPUs with MIG the number in the profile of the whole GPU.
    pub copy_engines: Option<u32>,
    pub nvdec: Option<u32>,
    pub nvenc: Option<u32>,
    pub nvjpg: Option<u32>,
    /// Optical-flow accelerators.
    pub ofa: Option<u32>,
    pub pcie_gen: Option<u32>,
    pub pcie_lanes: Option<u32>,
    /// NVLink bandwidth of both directions together, 10⁹ bytes a second.
    pub nvlink_gb_s: Option<f64>,
    /// Board power limit, watts.
    pub tdp_w: Option<f64>,
    #[serde(deserialize_with = "cells::yes_no")]
    pub mig_capable: Option<bool>,
    /// Largest number of GPU instances; 0 without MIG.
    pub mig_max_instances: Option<u32>,
    #[serde(deserialize_with = "cells::yes_no")]
    pub vgpu_capable: Option<bool>,
    /// SR-IOV virtual functions; 0 for GPUs whose vGPUs are mediated devices on the physical
    /// function.
    pub max_vfs: Option<u32>,
    /// Columns without a figure.
    #[serde(deserialize_with = "cells::names")]
    pub unknown_fields: Vec<String>,
    /// Where each figure comes from.
    pub source: FieldSources,
    pub notes: Option<String>,
}

impl Gpu {
    /// Source keys of one figure as the catalogue lists them, such as `TPU,UPB`; `None` where the
    /// catalogue names none. A figure of a user's file answers with the `source` written there, or
    /// with the file and line.
    ///
    /// `pcie_gen` and `pcie_lanes` fall back to the common entry `pcie`, the MIG columns to `mig`.
    ///
    /// ```
    /// let catalog = warpshare_input::catalog::Catalog::builtin()?;
    /// let a40 = catalog.gpu("a40").expect("the catalogue has the A40");
    /// assert_eq!(a40.source_of("max_vfs"), Some("VFA40"));
    /// assert_eq!(a40.source_of("pcie_gen"), Some("TPU"));
    /// assert_eq!(a40.source_of("copy_engines"), None);
    /// # Ok::<(), warpshare_input::catalog::CatalogError>(())
    /// ```
    pub fn source_of(&self, field: &str) -> Option<&str> {
        let group = match field {
            "pcie_gen" | "pcie_lanes" => Some("pcie"),
            "mig_capable" | "mig_max_instances" => Some("mig"),
            _ => None,
        };
        self.source
            .get(field)
            .or_else(|| group.and_then(|group| self.source.get(group)))
    }
}
