//! One GPU-instance profile of the catalogue.

use super::cells;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which media engines a profile takes beside its share; the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MediaExtensions {
    /// No ending, on boards whose profiles hold fixed numbers of media engines.
    #[serde(rename = "none")]
    None,
    /// No ending, on boards that also have profiles without media engines.
    #[serde(rename = "default")]
    Default,
    /// `+me`: the engines that exist once (optical flow, on some boards JPEG) besides its share.
    #[serde(rename = "+me")]
    Extended,
    /// `+me.all`: every media engine of the board.
    #[serde(rename = "+me.all")]
    All,
    /// `-me`: no media engine at all.
    #[serde(rename = "-me")]
    Without,
}

/// How well a row is attested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Grouped by family only.
    Low,
    /// One source, or the analogy of a family.
    Medium,
    /// A listing of real hardware agrees with a document or table.
    High,
}

impl fmt::Display for Confidence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        })
    }
}

/// A GPU-instance profile on one GPU model. Fields are named as the columns of
/// `data/mig_profiles.csv`; `None` means that no public source for the figure is known, never zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MigProfile {
    #[serde(deserialize_with = "cells::text")]
    pub gpu_id: String,
    /// Name such as `3g.20gb` or `1g.24gb+me.all`.
    #[serde(deserialize_with = "cells::text")]
    pub profile: String,
    /// Number that `nvidia-smi mig -lgip` prints. The same number means different profiles on
    /// different boards.
    pub profile_id: Option<u32>,
    /// Most instances of the profile on one GPU.
    pub max_instances: u32,
    /// Memory that the driver lists, GiB.
    pub memory_gib: Option<f64>,
    /// Memory slices, of [`MigProfile::memory_slices_total`]: the share of capacity and bandwidth.
    pub memory_slices: u32,
    pub memory_slices_total: u32,
    /// SM slices, of [`MigProfile::compute_slices_total`].
    pub compute_slices: u32,
    pub compute_slices_total: u32,
    /// Streaming multiprocessors; not a multiple of the one-slice count on Hopper and Blackwell.
    pub sm_count: Option<u32>,
    pub copy_engines: Option<u32>,
    pub decoders: Option<u32>,
    pub encoders: Option<u32>,
    pub jpeg: Option<u32>,
    /// Optical-flow accelerators.
    pub ofa: Option<u32>,
    /// Peer-to-peer copies between instances, as listed.
    #[serde(deserialize_with = "cells::yes_no")]
    pub p2p: Option<bool>,
    /// Where an instance may start, in units of [`MigProfile::placement_units_total`].
    #[serde(deserialize_with = "cells::list")]
    pub placement_starts: Option<Vec<u32>>,
    /// Units that an instance covers from its start.
    pub placement_size: Option<u32>,
    /// Units of the whole GPU: 8 on most boards, 4 on the A30, 12 on the RTX PRO 6000.
    pub placement_units_total: Option<u32>,
    pub media_extensions: MediaExtensions,
    /// `+gfx`: graphics APIs work, and vGPUs can live in the instance.
    #[serde(deserialize_with = "cells::yes_or_no")]
    pub graphics: bool,
    /// First driver branch with the profile, such as `R525`, where it is younger than the board's.
    pub min_driver: Option<String>,
    pub confidence: Confidence,
    #[serde(deserialize_with = "cells::text")]
    pub source: String,
    pub notes: Option<String>,
    /// Other names of the profile: rows of `data/mig_profile_aliases.csv`.
    #[serde(skip)]
    pub aliases: Vec<ProfileAlias>,
}

impl MigProfile {
    /// The other name of the profile that `text` is, letter case ignored.
    pub fn alias(&self, text: &str) -> Option<&ProfileAlias> {
        let same = |alias: &&ProfileAlias| alias.alias.eq_ignore_ascii_case(text);
        self.aliases.iter().find(same)
    }
}

/// A name that some drivers print for a profile in place of the usual one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProfileAlias {
    #[serde(deserialize_with = "cells::text")]
    pub gpu_id: String,
    /// As those drivers print it: `3g.39gb`.
    #[serde(deserialize_with = "cells::text")]
    pub alias: String,
    /// As the catalogue names it: `3g.40gb`.
    #[serde(deserialize_with = "cells::text")]
    pub profile: String,
    /// Which drivers.
    #[serde(deserialize_with = "cells::text")]
    pub drivers: String,
    #[serde(deserialize_with = "cells::text")]
    pub source: String,
    pub notes: Option<String>,
}
