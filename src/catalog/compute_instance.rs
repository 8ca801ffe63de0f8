//! One compute-instance profile of the catalogue.

use super::cells;
use super::mig_profile::Confidence;
use serde::{Deserialize, Serialize};

/// A compute-instance profile inside a GPU-instance profile. Fields are named as the columns of
/// `data/mig_compute_instances.csv`; `None` means that no public source for the figure is known,
/// never zero.
///
/// A compute instance has SMs of its own. Memory, bandwidth and engines (`shared_*`) are those of
/// the GPU instance, for all its compute instances together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComputeInstanceProfile {
    #[serde(deserialize_with = "cells::text")]
    pub gpu_id: String,
    /// The GPU-instance profile, such as `3g.20gb`.
    #[serde(deserialize_with = "cells::text")]
    pub gi_profile: String,
    /// Name such as `1c.3g.20gb`. On Hopper two profiles of a 2g instance bear the same name; the
    /// number tells them apart.
    #[serde(deserialize_with = "cells::text")]
    pub ci_profile: String,
    /// Number that `nvidia-smi mig -lcip` prints.
    pub ci_profile_id: Option<u32>,
    /// The profile that is made when none is named.
    #[serde(deserialize_with = "cells::yes_or_no")]
    pub is_default: bool,
    /// Most compute instances of this profile in one GPU instance.
    pub max_instances: u32,
    /// SM slices, of those of the GPU instance.
    pub compute_slices: u32,
    pub sm_count: Option<u32>,
    pub shared_copy_engines: Option<u32>,
    pub shared_decoders: Option<u32>,
    pub shared_encoders: Option<u32>,
    pub shared_jpeg: Option<u32>,
    pub shared_ofa: Option<u32>,
    pub confidence: Confidence,
    #[serde(deserialize_with = "cells::text")]
    pub source: String,
    pub notes: Option<String>,
}
