//! A GPU of a checked scenario: how it is divided, and how its parts are shared.

use crate::engine::time::Nanos;
use crate::gpu::law::ClockCurve;
use crate::gpu::{Board, CopyEngines, MediaEngines};
use crate::policy::TimeSlice;
use crate::policy::spatial::{self as division, Spatial};
use crate::workload::MediaEngine;

/// One physical GPU, how it is divided and how its parts are shared.
#[derive(Debug, Clone)]
pub struct Gpu {
    pub name: String,
    pub board: Board,
    /// SM clock by busy part of the board; `None` = the same at any load.
    pub clock: Option<ClockCurve>,
    pub division: Division,
    /// Run lists of NVENC wherever vGPUs take turns; `None` = best effort.
    pub encoders: Option<EncoderLists>,
}

/// How vGPUs take turns on the encoders.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderLists {
    pub turns: TimeSlice,
    /// What it costs an engine to go to another vGPU, in nanoseconds.
    pub change: Nanos,
}

/// What the SMs and the memory of a GPU are divided into.
#[derive(Debug, Clone, PartialEq)]
pub enum Division {
    /// One whole.
    Whole(Share),
    /// GPU instances, in the order of their names.
    Mig(Vec<GpuInstance>),
}

/// A GPU instance: its own memory, engines and SMs.
#[derive(Debug, Clone, PartialEq)]
pub struct GpuInstance {
    pub name: String,
    /// Such as `3g.20gb`.
    pub profile: String,
    /// First memory slice.
    pub start: u32,
    /// Part of the board's memory bandwidth.
    pub bandwidth: f64,
    pub frame_buffer_mib: u64,
    pub sms: u32,
    pub copy_engines: CopyEngines,
    /// Of the kinds that its guests use; zero of others.
    pub media_engines: MediaEngines,
    /// Never empty; in the order of their names.
    pub compute_instances: Vec<ComputeInstance>,
}

/// A compute instance: SMs of a GPU instance.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputeInstance {
    /// `None` where one compute instance takes all of its GPU instance.
    pub name: Option<String>,
    pub sms: u32,
    /// Compute slices, of those of the board.
    pub slices: u32,
    pub share: Share,
}

/// How the SMs of a GPU or compute instance are shared.
#[derive(Debug, Clone, PartialEq)]
pub enum Share {
    /// One tenant owns them.
    Exclusive,
    /// Tenants hold all of them in turns.
    TimeSlice(TimeSlice),
    /// Processes run side by side: MPS.
    Spatial(SideBySide),
}

/// How processes run side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct SideBySide {
    /// How they divide the SMs.
    pub policy: Spatial,
    /// By how much work takes longer beside work of another process.
    pub interference: f64,
}

impl SideBySide {
    /// As MPS does by itself, but for the interference.
    pub fn by_default(interference: f64) -> Self {
        SideBySide {
            policy: division::MPS_DEFAULT,
            interference,
        }
    }
}

/// A compute domain of a GPU: SMs with one arbiter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Domain<'a> {
    pub instance: Option<&'a GpuInstance>,
    pub compute_instance: Option<&'a ComputeInstance>,
    pub sms: u32,
    /// Part of the board's memory bandwidth that its memory domain has.
    pub bandwidth: f64,
    pub copy_engines: CopyEngines,
    pub media_engines: MediaEngines,
    /// Memory that contexts can allocate in its memory domain, bytes; `None` = unlimited (the neutral
    /// board).
    pub memory: Option<u64>,
    pub share: &'a Share,
}

impl Domain<'_> {
    /// `big`, `big.x`; empty for a whole GPU.
    pub fn path(&self) -> String {
        let instance = self.instance.map(|instance| instance.name.as_str());
        let compute = self
            .compute_instance
            .and_then(|compute| compute.name.as_deref());
        instance
            .into_iter()
            .chain(compute)
            .collect::<Vec<_>>()
            .join(".")
    }
}

impl Gpu {
    /// The card that it is on, where the scenario names a card: `a` of `a.0`.
    pub fn card(&self) -> Option<&str> {
        self.name.split_once('.').map(|(card, _)| card)
    }

    /// Media engines of the whole GPU, or of all its instances together.
    pub fn media_engines(&self) -> MediaEngines {
        let Division::Mig(instances) = &self.division else {
            return self.board.media_engines;
        };
        let mut total = MediaEngines::default();
        for engine in MediaEngine::ALL {
            let each = instances.iter().map(|i| i.media_engines.count(engine));
            total.set(engine, each.sum());
        }
        total
    }

    /// The compute domains, in the order that [`Guest::domain`](crate::scenario::Guest::domain) counts.
    pub fn domains(&self) -> Vec<Domain<'_>> {
        match &self.division {
            Division::Whole(share) => vec![Domain {
                instance: None,
                compute_instance: None,
                sms: self.board.sms,
                bandwidth: 1.0,
                copy_engines: self.board.copy_engines,
                media_engines: self.board.media_engines,
                memory: self.board.memory(),
                share,
            }],
            Division::Mig(instances) => instances
                .iter()
                .flat_map(|instance| {
                    instance.compute_instances.iter().map(|compute| Domain {
                        instance: Some(instance),
                        compute_instance: Some(compute),
                        sms: compute.sms,
                        bandwidth: instance.bandwidth,
                        copy_engines: instance.copy_engines,
                        media_engines: instance.media_engines,
                        memory: Some(instance.frame_buffer_mib << 20),
                        share: &compute.share,
                    })
                })
                .collect(),
        }
    }
}
