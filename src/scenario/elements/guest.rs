//! A group of guests of a checked scenario: where it is, what it holds, what it does.

use crate::engine::time::Nanos;
use crate::policy::Terms;
use crate::scenario::elements::gpu::{Gpu, Share};
use crate::workload::{Discipline, Workload};

/// A group of `count` identical guests.
#[derive(Debug, Clone)]
pub struct Guest {
    pub name: String,
    pub count: u32,
    /// Index into [`Scenario::gpus`](crate::scenario::Scenario::gpus); of a group that spans the GPUs of a card, that of its first member.
    pub gpu: usize,
    /// The GPU of each member by ordinal, of a group that spans several; empty where all are on one.
    pub spread: Vec<usize>,
    /// Index into [`Gpu::domains`].
    pub domain: usize,
    pub holds: Holds,
    /// How processes share its vGPUs with it; `None` where nobody is inside.
    pub within: Option<Within>,
    /// When the guest's vGPUs or context start; its arrivals count from here.
    pub start: Nanos,
    /// Rank among entities of the same start time, before the name.
    pub order: i64,
    /// Jobs in flight at once.
    pub streams: u32,
    /// Jobs that may wait for a stream, or for an iteration of an engine; more are lost. `None` = unbounded.
    pub queue: Option<u32>,
    /// A job that takes longer counts as late.
    pub deadline: Option<Nanos>,
    /// What the scheduler may go by.
    pub terms: Terms,
    /// `None` where neither the guest nor its jobs allocate anything.
    pub memory: Option<GuestMemory>,
    pub workload: Workload,
}

impl Guest {
    /// Jobs that find room at the same time; `None` = any number.
    pub fn room(&self) -> Option<u64> {
        let bound = u64::from(self.queue?);
        let served = match &self.workload.discipline {
            Discipline::LanguageModel(llm) => llm.max_requests,
            // Requests wait for the batch to be formed.
            Discipline::Batches(_) => 0,
            Discipline::Streams | Discipline::Frames(_) => self.streams,
        };
        Some(bound + u64::from(served))
    }
}

/// How the workload of a virtual machine and the processes inside it share its vGPUs.
#[derive(Debug, Clone, PartialEq)]
pub struct Within {
    /// Contexts in turns, without reserved ones, or clients of MPS.
    pub share: Share,
    /// SMs that the machine's own workload may fill at most, as a client of MPS; `None` = all.
    pub sms: Option<u32>,
}

/// What a guest may allocate; bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuestMemory {
    /// Allocated from the beginning on, in each of its vGPUs.
    pub held: u64,
    /// Most that it may have in all.
    pub limit: Option<u64>,
    /// Frame buffer that the guest sees in each of its vGPUs.
    pub vgpu: Option<u64>,
}

/// What a guest holds on its GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// A CUDA context on the bare board or instance.
    Context,
    /// A process under MPS.
    Client {
        /// SMs that it may fill at most; `None` = all.
        sms: Option<u32>,
    },
    /// `number` vGPUs of one type; stream i of the guest uses vGPU i mod number.
    Vgpu {
        type_name: String,
        number: u32,
        frame_buffer_mib: u64,
    },
    /// A process in a virtual machine: a context or a client of MPS in its vGPUs, as the machine's
    /// [`Within`] says. Stream i uses vGPU i mod their number.
    Process {
        /// Index into [`Scenario::guests`](crate::scenario::Scenario::guests) of the machines; each of them holds vGPUs.
        machine: usize,
        /// Processes in each machine: ordinal i is in the machine with ordinal i / `each`.
        each: u32,
        /// SMs that it may fill at most; `None` = all.
        sms: Option<u32>,
    },
}

impl Holds {
    /// Tenants that one guest puts on its GPU.
    pub fn tenants(&self) -> u32 {
        match self {
            Holds::Context | Holds::Client { .. } => 1,
            Holds::Vgpu { number, .. } => *number,
            Holds::Process { .. } => 0,
        }
    }

    pub fn is_vgpu(&self) -> bool {
        matches!(self, Holds::Vgpu { .. })
    }
}

impl Guest {
    /// The GPU of the guest with this ordinal: an index into [`Scenario::gpus`](crate::scenario::Scenario::gpus).
    pub fn gpu_of(&self, ordinal: u32) -> usize {
        let own = self.spread.get(ordinal as usize);
        own.copied().unwrap_or(self.gpu)
    }

    /// The GPUs of the group, each once, in the order of the scenario's.
    pub fn gpus(&self) -> Vec<usize> {
        let mut gpus = self.spread.clone();
        gpus.sort_unstable();
        gpus.dedup();
        if gpus.is_empty() {
            gpus.push(self.gpu);
        }
        gpus
    }

    /// Members on this GPU.
    pub fn count_on(&self, gpu: usize) -> u32 {
        if self.spread.is_empty() {
            return if self.gpu == gpu { self.count } else { 0 };
        }
        let here = self.spread.iter().filter(|&&other| other == gpu);
        u32::try_from(here.count()).unwrap_or(u32::MAX)
    }

    /// Name of the guest with this ordinal: the group's own name when it has one member.
    pub fn member_name(&self, ordinal: u32) -> String {
        if self.count == 1 {
            self.name.clone()
        } else {
            format!("{}#{ordinal}", self.name)
        }
    }
}

/// Memory that a guest finds: of its vGPU, GPU instance or GPU; `None` if that is not known.
pub(crate) fn capacity(gpus: &[Gpu], guest: &Guest) -> Option<u64> {
    let vgpu = guest.memory.and_then(|memory| memory.vgpu);
    vgpu.or_else(|| gpus[guest.gpu].domains()[guest.domain].memory)
}
