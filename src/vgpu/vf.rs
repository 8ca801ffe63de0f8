//! How many SR-IOV virtual functions a GPU has.

use crate::catalog::Catalog;

/// Number of virtual functions of a GPU, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VfTotal {
    /// Most vGPUs that can have a virtual function of their own; `None` = no such limit.
    pub value: Option<u32>,
    pub origin: VfOrigin,
}

/// How a number of virtual functions is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VfOrigin {
    /// The catalogue has the number; the source keys.
    Catalogue { source: String },
    /// The GPU has no SR-IOV: its vGPUs are mediated devices on the physical function.
    MediatedDevices { source: String },
    /// Not published; the named assumption [`VF_ASSUMPTION`] supplies the largest `max_per_gpu` of
    /// the GPU's types, which is the maximum of this type.
    Assumption { type_name: String },
    /// Not published, and the GPU has no vGPU types that would need one.
    NoTypes,
}

/// Key of the assumption about GPUs whose number of virtual functions is not published.
pub const VF_ASSUMPTION: &str = "vf.total";

/// The number of virtual functions of a GPU.
///
/// Where it is not published, the largest type maximum of the board is assumed (the smallest number
/// with which every documented configuration can exist; boards with a published number have at
/// least that many).
///
/// ```
/// use warpshare_input::catalog::Catalog;
/// use warpshare_input::vgpu::vf_total;
/// let catalog = Catalog::builtin()?;
/// assert_eq!(vf_total(&catalog, "a40").value, Some(32)); // published
/// assert_eq!(vf_total(&catalog, "t4").value, None);      // mediated devices
/// assert_eq!(vf_total(&catalog, "l4").value, Some(24));  // assumed: 24 L4-1Q fit
/// # Ok::<(), warpshare_input::catalog::CatalogError>(())
/// ```
pub fn vf_total(catalog: &Catalog, gpu_id: &str) -> VfTotal {
    if let Some(gpu) = catalog.gpu(gpu_id)
        && let Some(number) = gpu.max_vfs
    {
        let source = gpu.source_of("max_vfs").unwrap_or("unknown").to_owned();
        return match number {
            0 => VfTotal {
                value: None,
                origin: VfOrigin::MediatedDevices { source },
            },
            _ => VfTotal {
                value: Some(number),
                origin: VfOrigin::Catalogue { source },
            },
        };
    }
    let mut largest: Option<(u32, &str)> = None;
    for vgpu_type in catalog.vgpu_types(gpu_id) {
        if let Some(number) = vgpu_type.max_per_gpu
            && largest.is_none_or(|(held, _)| number > held)
        {
            largest = Some((number, &vgpu_type.type_name));
        }
    }
    match largest {
        Some((number, name)) => VfTotal {
            value: Some(number),
            origin: VfOrigin::Assumption {
                type_name: name.to_owned(),
            },
        },
        None => VfTotal {
            value: None,
            origin: VfOrigin::NoTypes,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_numbers_come_with_their_source() {
        let catalog = Catalog::builtin().unwrap();
        for (gpu, number, key) in [
            ("a100-sxm4-40gb", 16, "VFA100"),
            ("a2", 16, "HARV"),
            ("a10", 32, "VFA10"),
            ("a40", 32, "VFA40"),
            ("rtx-a5000", 24, "VFA5000"),
        ] {
            let total = vf_total(&catalog, gpu);
            assert_eq!(total.value, Some(number), "{gpu}");
            assert_eq!(total.origin, VfOrigin::Catalogue { source: key.into() });
        }
    }

    #[test]
    fn boards_without_sr_iov_have_no_limit() {
        let catalog = Catalog::builtin().unwrap();
        for gpu in ["t4", "v100-pcie-16gb", "v100-pcie-32gb", "v100-sxm2-32gb"] {
            let total = vf_total(&catalog, gpu);
            assert_eq!(total.value, None, "{gpu}");
            assert!(matches!(total.origin, VfOrigin::MediatedDevices { .. }));
        }
    }

    #[test]
    fn unpublished_numbers_are_the_largest_type_maximum() {
        let catalog = Catalog::builtin().unwrap();
        for (gpu, number) in [
            ("l40s", 32),
            ("a16", 16),
            ("h100-nvl-94gb", 23),
            ("gh200-96gb", 7),                 // a MIG type
            ("rtx-pro-6000-blackwell-se", 48), // a MIG type
        ] {
            let total = vf_total(&catalog, gpu);
            assert_eq!(total.value, Some(number), "{gpu}");
            assert!(matches!(total.origin, VfOrigin::Assumption { .. }), "{gpu}");
        }
        assert_eq!(vf_total(&catalog, "rtx-2000-ada").origin, VfOrigin::NoTypes);
    }

    #[test]
    fn the_assumption_never_exceeds_a_published_number() {
        let catalog = Catalog::builtin().unwrap();
        for gpu in catalog.gpus() {
            let Some(published) = gpu.max_vfs.filter(|&number| number > 0) else {
                continue;
            };
            let maxima = catalog.vgpu_types(&gpu.id).filter_map(|t| t.max_per_gpu);
            assert!(maxima.max().unwrap_or(0) <= published, "{}", gpu.id);
        }
    }
}
