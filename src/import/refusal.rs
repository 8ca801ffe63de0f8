//! Why a configuration cannot be what it asks for, on one board.

use crate::mig::GeometryError;
use crate::vgpu::placement::NoPlace;

/// A reason against a config on one board. `Display` says it in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Filters decide by PCI id, and the catalogue has none for this board.
    #[error("line {line}: the filter names PCI device ids, and the id of `{gpu}` is not known")]
    UndecidedFilter { gpu: String, line: u64 },
    /// No entry is for this board.
    #[error("it is for other boards: no filter names {device}, the PCI device id of `{gpu}`")]
    OtherBoards { gpu: String, device: String },
    /// No entry is for this GPU of the node.
    #[error("it says nothing about GPU {device}{}", only(known))]
    NoSuchDevice {
        device: u32,
        /// The indices of which it does.
        known: Vec<u32>,
    },
    /// Which of several entries counts is not said.
    #[error("lines {first} and {second} both say what {device} is to be")]
    Contradiction {
        first: u64,
        second: u64,
        device: String,
    },
    /// The board is not divided, or its table is not known.
    #[error(transparent)]
    Geometry(GeometryError),
    /// The board has no such profile; MIG's own words.
    #[error("{0}")]
    UnknownProfile(String),
    /// Compute instances are named beside, or instead of, GPU instances.
    #[error(
        "`{name}` is a compute instance, and such a file says how a board is divided into GPU instances: name \
         `{whole}` there, and in a scenario give the instance `cis` with `profile = \"{compute}\"`"
    )]
    ComputeInstance {
        name: String,
        /// The GPU instance around it.
        whole: String,
        /// Its own part of the name.
        compute: String,
    },
    /// More than there can be of one profile.
    #[error("{wanted} × {profile}: a GPU has at most {most}")]
    TooMany {
        profile: String,
        wanted: u32,
        most: u32,
    },
    /// MIG's own reason against the instances.
    #[error("{wanted}: {reason}")]
    NoFit { wanted: String, reason: String },
    /// The board has no such type.
    #[error("`{gpu}` has no vGPU type `{type_name}`: {help}")]
    NoSuchType {
        gpu: String,
        type_name: String,
        /// A board that has it.
        owner: Option<String>,
        /// What may have been meant.
        help: String,
    },
    /// More vGPUs than the type's maximum.
    #[error("{wanted} × {type_name}: a GPU holds at most {most}")]
    TooManyVgpus {
        type_name: String,
        wanted: u32,
        most: u32,
    },
    /// Sizes that have no place together in mixed-size mode.
    #[error(transparent)]
    MixedSizes(NoPlace),
    /// The type's maximum has no public source.
    #[error("how many vGPUs of type {0} a GPU holds is not known")]
    UnknownMaximum(String),
    /// What the vGPU manager refuses, in its words.
    #[error("{0}")]
    NotAdmitted(String),
    /// The board's memory has no public source.
    #[error("the memory of `{0}` is not known, so not what each MPS client may use")]
    UnknownMemory(String),
    /// More replicas than there are percents.
    #[error("{0} replicas under MPS: each client would have less than 1 % of the SMs")]
    TooManyReplicas(u32),
    /// The device plugin shares MIG devices in time only (its README, MPS).
    #[error("the device plugin has no MPS on MIG devices, and {0} is one")]
    MpsOnMig(String),
    /// MIG is on for some and off for others.
    #[error("{0} needs MIG off and {1} needs it on")]
    MigOffAndOn(String, String),
}

fn only(known: &[u32]) -> String {
    let list: Vec<String> = known.iter().map(u32::to_string).collect();
    match list.as_slice() {
        [] => String::new(),
        list => format!(", only about {}", list.join(", ")),
    }
}
