//! How a GPU is shared, and what a guest holds of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the SMs of a GPU or of an instance are shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// One guest has them all.
    Exclusive,
    /// Guests run side by side.
    Spatial {
        /// Name of the policy that gives them SMs, as in the registry; `None` = what MPS does by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<String>,
    },
    /// Guests take turns.
    TimeSlice(TimeSlice),
    /// Divided into GPU instances, each of which is shared by itself.
    Mig {
        /// In the order of their starts.
        instances: Vec<PlacedInstance>,
    },
}

/// The terms of taking turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimeSlice {
    /// Name of the scheduler, as in the registry.
    pub scheduler: String,
    /// Whether the turn of a tenant without work passes unused. Only such schedulers average.
    pub reserves: bool,
    /// Averaging factor of adaptive round robin (ARR); `None` where over-run is not repaid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arr_factor: Option<u32>,
    /// Length of a turn, nanoseconds, above 0; `None` where a turn has no end of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice_ns: Option<u64>,
    /// What a turn may be longer by while nobody else has work, as a part of the slice, above 0; `None` = nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elastic_cap: Option<f64>,
}

/// A GPU instance at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlacedInstance {
    /// Such as `3g.20gb`.
    pub profile: String,
    /// First memory slice, from 0.
    pub start: u32,
}

/// What each guest of a group holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Holding {
    /// A CUDA context.
    Context {
        /// Name of the guest whose vGPU it is inside of, if it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inside: Option<String>,
    },
    /// An MPS client.
    Client {
        /// SMs at most; `None` = all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sms: Option<u32>,
        /// Name of the guest whose vGPU it is inside of, if it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inside: Option<String>,
    },
    /// vGPUs of one type.
    Vgpu {
        /// Such as `A40-4Q`.
        vgpu_type: String,
        /// How many, from 1.
        number: u32,
    },
}

/// Whether users wait for a job before they submit the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// Jobs arrive whatever becomes of earlier ones.
    Open,
    /// A slow GPU slows the arrivals.
    Closed,
}

/// Whose memory it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryOf {
    /// Of a whole GPU.
    Gpu,
    /// Of a GPU instance.
    Instance {
        /// Such as `3g.20gb`.
        profile: String,
    },
    /// Of each vGPU of a guest.
    Vgpu {
        /// Such as `A40-4Q`.
        vgpu_type: String,
    },
}
