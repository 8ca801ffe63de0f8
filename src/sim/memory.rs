//! Device memory from which guests allocate: of a board, a GPU instance or a vGPU.

use super::layout::Instance;
use crate::engine::random::Stream;
use crate::workload::Size;
use serde::{Deserialize, Serialize};

/// Whose memory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolRole {
    /// Of a memory domain: its number within the GPU with this local index.
    Domain { gpu: usize, memory: u32 },
    /// Of a vGPU of this guest.
    Vgpu(Instance),
}

/// Memory that is allocated and freed as a whole number of bytes; fragmentation is not modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// `u64::MAX` = unlimited.
    pub capacity: u64,
    /// Allocated from the beginning on.
    pub held: u64,
    pub used: u64,
    /// Most that was allocated at any time.
    pub largest: u64,
}

impl Pool {
    pub fn new(capacity: u64) -> Self {
        Pool {
            capacity,
            held: 0,
            used: 0,
            largest: 0,
        }
    }

    /// Allocates for ever; the scenario was checked, so it fits.
    pub fn hold(&mut self, bytes: u64) {
        self.held = self.held.saturating_add(bytes);
        self.used = self.used.saturating_add(bytes);
        self.largest = self.largest.max(self.used);
    }

    /// Allocates if there is room.
    pub fn allocate(&mut self, bytes: u64) -> bool {
        match self.used.checked_add(bytes) {
            Some(used) if used <= self.capacity => {
                self.used = used;
                self.largest = self.largest.max(used);
                true
            }
            _ => false,
        }
    }

    pub fn free(&mut self, bytes: u64) {
        self.used -= bytes;
    }
}

/// What the jobs of a guest allocate.
#[derive(Debug, Clone)]
pub struct JobMemory {
    pub size: Size,
    pub draws: Stream,
    /// Most that its jobs may have together.
    pub limit: u64,
    /// What they have.
    pub used: u64,
}
