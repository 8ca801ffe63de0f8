//! What admission is told, and what it answers.

use super::rules::Rule;
use super::vf::vf_total;
use crate::catalog::{Catalog, Mode, VgpuType};
use crate::workload::Needs;
use std::fmt;

/// What admission needs to know of one GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuFacts {
    /// The GPU's name in messages.
    pub name: String,
    /// Identifier of the board in the catalogue.
    pub board: String,
    pub frame_buffer_mib: u64,
    /// Virtual functions; `None` = no limit.
    pub vfs: Option<u32>,
    /// NVENC engines; `None` = unknown.
    pub nvenc: Option<u32>,
    /// Whether the board supports vGPU; `None` = unknown, which refuses nothing.
    pub vgpu_capable: Option<bool>,
    /// Whether the GPU is in mixed-size mode.
    pub mixed_sizes: bool,
    /// GPUs on its board; `None` = unknown.
    pub gpus_per_board: Option<u32>,
    /// The board's vGPU types, for alternatives.
    pub types: Vec<VgpuType>,
}

/// A fact that admission cannot do without.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{column}` of board `{board}` is unknown; give it in a boards file")]
pub struct MissingFact {
    pub board: String,
    /// Column of the GPU table.
    pub column: &'static str,
}

impl GpuFacts {
    /// Facts of a board of the catalogue in equal-size mode; `name` is the GPU's name in messages.
    ///
    /// # Errors
    ///
    /// [`MissingFact`] if the catalogue lacks the board or the size of its memory.
    pub fn from_catalog(
        catalog: &Catalog,
        board: &str,
        name: &str,
    ) -> Result<GpuFacts, MissingFact> {
        let missing = |column| MissingFact {
            board: board.to_owned(),
            column,
        };
        let gpu = catalog.gpu(board).ok_or_else(|| missing("id"))?;
        let memory = catalog.frame_buffer_mib(board);
        Ok(GpuFacts {
            name: name.to_owned(),
            board: board.to_owned(),
            frame_buffer_mib: memory.ok_or_else(|| missing("memory_gib"))?,
            vfs: vf_total(catalog, board).value,
            nvenc: gpu.nvenc,
            vgpu_capable: gpu.vgpu_capable,
            mixed_sizes: false,
            gpus_per_board: gpu.gpus_per_board,
            types: catalog.vgpu_types(board).cloned().collect(),
        })
    }

    /// A time-sliced type that differs from `like` and passes `fits`: of the same series if there
    /// is one, else the first.
    pub(super) fn alternative(
        &self,
        like: &VgpuType,
        fits: impl Fn(&VgpuType) -> bool,
    ) -> Option<&VgpuType> {
        let mut found = self.types.iter().filter(|other| {
            other.type_name != like.type_name && other.mode == Mode::TimeSliced && fits(other)
        });
        let first = found.clone().next();
        found.find(|other| other.series == like.series).or(first)
    }
}

/// A group of identical VMs, or a context group, that wants to stand on the GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks: the guest's name.
    pub guest: String,
    /// How many identical VMs.
    pub count: u32,
    pub holds: Holding,
    /// Placement ids of its vGPUs in mixed-size mode, VM by VM; empty where they are to be chosen.
    pub placement_ids: Vec<u32>,
    /// What the work of each needs.
    pub needs: Needs,
}

/// What each VM of a request holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// A context on the bare board.
    Context,
    /// vGPUs: types and how many of each.
    Vgpus(Vec<(VgpuType, u32)>),
}

impl Request {
    /// Types and numbers per VM.
    pub(super) fn vgpus(&self) -> &[(VgpuType, u32)] {
        match &self.holds {
            Holding::Context => &[],
            Holding::Vgpus(vgpus) => vgpus,
        }
    }

    /// vGPUs of one VM.
    pub(super) fn per_vm(&self) -> u64 {
        self.vgpus()
            .iter()
            .map(|(_, number)| u64::from(*number))
            .sum()
    }

    /// Whether another type would serve these VMs as far as series and capabilities go.
    pub(super) fn accepts(&self, other: &VgpuType) -> bool {
        (!self.needs.cuda || other.cuda)
            && (!self.needs.graphics || other.series.graphics())
            && (self.per_vm() <= 1 || other.series.several_per_vm())
            && other.max_per_gpu.is_some()
    }
}

/// One thing that the vGPU manager refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub rule: Rule,
    /// Guests concerned, each once, in the order of the requests.
    pub guests: Vec<String>,
    /// What is wrong, in one line.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "error: {}\nnote: {} ({})\nhelp: {}",
            self.problem,
            self.rule.fact(),
            self.rule.source(),
            self.remedy
        )
    }
}

impl std::error::Error for Refusal {}
