//! Configurations that an operator already has: files of NVIDIA's mig-parted and
//! vgpu-device-manager, and captured `nvidia-smi -q -x`.
//!
//! A partition file holds named configs for many boards ([`PartitionFile`]); [`apply`] says what a
//! config makes of one board of the catalogue, or why it cannot. A capture ([`Capture`]) holds
//! GPUs as they were. Both end as [`ImportedGpu`], which [`scenario_text`] writes in the language of
//! scenarios.
//!
//! The forms of the files are those of the programs' own examples (NVIDIA/mig-parted and
//! NVIDIA/vgpu-device-manager on GitHub) and of the driver's output.

mod apply;
mod capture;
mod partition;
mod refusal;
mod text;
mod vgpus;

pub use apply::{Guests, ImportedGpu, Instance, apply, apply_to, devices};
pub use capture::{Capture, CapturedGpu, CapturedInstance};
pub use partition::{Config, Content, Devices, Entry, PartitionFile};
pub use refusal::Refusal;
pub use text::scenario_text;

use std::path::Path;

/// The file and what is named of it: `config.yaml#all-balanced`. A file whose own name has a `#` is
/// found by its full name.
pub fn split(given: &str, is_file: impl Fn(&str) -> bool) -> (&str, Option<&str>) {
    if is_file(given) {
        return (given, None);
    }
    match given.rsplit_once('#') {
        Some((file, part)) => (file, Some(part)),
        None => (given, None),
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML of mig-parted or vgpu-device-manager.
    Partition,
    /// XML of `nvidia-smi -q -x`.
    Capture,
}

impl Format {
    /// By the first character that is not blank: XML begins with `<`, which YAML of this kind cannot.
    /// The ending of the name decides where there is no text.
    pub fn of(name: &str, text: &str) -> Format {
        let first = text.trim_start_matches('\u{feff}').trim_start();
        let xml = Path::new(name)
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("xml"));
        if first.starts_with('<') || (first.is_empty() && xml) {
            Format::Capture
        } else {
            Format::Partition
        }
    }
}
