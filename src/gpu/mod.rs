//! The board: SMs, copy engines, the PCIe link, the cost of changing what runs.

mod accounts;
mod advance;
mod contexts;
pub mod domain;
pub mod entry;
pub mod law;
mod membership;
mod pieces;
mod pressure;
pub mod rates;
mod rounds;
pub mod station;
mod withdrawn;

pub use accounts::Accounts;
pub use contexts::ContextRules;
pub use domain::{ComputeDomain, TurnRules};
pub use entry::{EntryState, Finished, OperationId, SmOperation, sm_work};
pub use rates::{Beside, Pressure, RateRules};
pub use station::{Served, Servers, Station};

use crate::engine::time::Nanos;
use crate::workload::MediaEngine;

/// A board as the simulator needs it: every value resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// Identifier in the catalogue.
    pub id: String,
    /// Name that the driver prints.
    pub name: String,
    pub architecture: String,
    pub sms: u32,
    pub frame_buffer_mib: u64,
    /// SR-IOV virtual functions; `None` for boards whose vGPUs are mediated devices (no limit).
    pub vfs: Option<u32>,
    pub copy_engines: CopyEngines,
    /// Of the kinds that its guests use; zero of others.
    pub media_engines: MediaEngines,
    pub link: Link,
    pub switch: SwitchCost,
}

impl Board {
    /// Device memory in bytes; `None` = unlimited (the neutral board).
    pub fn memory(&self) -> Option<u64> {
        (self.frame_buffer_mib > 0).then_some(self.frame_buffer_mib << 20)
    }
}

/// Copy engines by direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyEngines {
    pub host_to_device: u32,
    pub device_to_host: u32,
}

/// Media engines by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MediaEngines([u32; MediaEngine::ALL.len()]);

impl MediaEngines {
    pub fn count(&self, engine: MediaEngine) -> u32 {
        self.0[engine as usize]
    }

    pub fn set(&mut self, engine: MediaEngine, count: u32) {
        self.0[engine as usize] = count;
    }
}

/// The PCIe link: full duplex, each direction shared by the copies under way in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// Achieved bytes a second in each direction; `f64::INFINITY` when copies take no time.
    pub bytes_per_second: f64,
    /// Fixed cost of one transfer.
    pub latency: Nanos,
}

/// What it costs to take the SMs from one entry and give them to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwitchCost {
    pub preemption: Preemption,
    /// Saving the outgoing context.
    pub save: Nanos,
    /// Restoring the incoming context.
    pub restore: Nanos,
    /// The scheduler's own call.
    pub scheduler_call: Nanos,
    pub charge: Charge,
}

impl SwitchCost {
    /// The time in which nothing runs.
    pub fn total(&self) -> Nanos {
        self.save + self.restore + self.scheduler_call
    }
}

/// How work on the SMs gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preemption {
    /// A fixed delay during which the outgoing entry still works (useful time, and over-run).
    Delay(Nanos),
    /// At the next kernel boundary of the outgoing work ([`crate::workload::GpuWork::kernel`]).
    KernelBoundary,
}

/// When save, restore and scheduler call are charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// Before a turn whose tenant differs from the one that ran last; an idle GPU keeps its last
    /// context, and the first dispatch of all is free. The default.
    PerTenantChange,
    /// As above, for every change of entry (stream) under per-channel turns.
    PerEntryChange,
    /// Before every turn with work, also when the same entry continues.
    PerDispatch,
    /// At the start of every turn, out of the slice itself: a slot of C leaves C − τ.
    PerSlot,
}
