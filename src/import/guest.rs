//! Captures from inside a virtual machine: what looks like a board there is a vGPU.

use super::capture::CapturedGpu;
use crate::catalog::{Catalog, VgpuType};

/// The title and the help of the finding that a GPU of a capture is a vGPU seen from its guest; `None`
/// for boards. It is one if the driver says so, or if its name is that of a type.
pub(super) fn seen_from_inside(catalog: &Catalog, gpu: &CapturedGpu) -> Option<(String, String)> {
    let name = gpu.product_name.as_deref().unwrap_or_default().trim();
    let mut known: Vec<&VgpuType> = Vec::new();
    for id in catalog.gpus_with_vgpu_types() {
        known.extend(catalog.vgpu_type_named(id, name));
    }
    let says_so = gpu
        .virtualization
        .as_deref()
        .is_some_and(|mode| mode.eq_ignore_ascii_case("vgpu"));
    if known.is_empty() && !says_so {
        return None;
    }
    let mib = known
        .first()
        .map(|held| held.frame_buffer_mib)
        .or(gpu.frame_buffer_mib);
    let size = match mib {
        Some(mib) if mib % 1024 == 0 => format!(" of {} GiB", mib / 1024),
        Some(mib) => format!(" of {mib} MiB"),
        None => String::new(),
    };
    let title = format!("`{name}` is a vGPU{size} seen from its guest, not a board");
    let boards: Vec<String> = known
        .iter()
        .map(|held| format!("`{}`", held.gpu_id))
        .collect();
    let help = match known.first() {
        None => "what else its board holds is not seen from there: capture on the host".to_owned(),
        Some(held) => format!(
            "what else its board holds is not seen from there: capture on the host, or write a guest \
             with vgpu = \"{}\" on a board {}",
            held.type_name,
            boards.join(" or ")
        ),
    };
    Some((title, help))
}
