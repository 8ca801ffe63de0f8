//! Who may share what, how, and under which scheduler: two tables, which `docs/scenario.md` repeats.

use crate::scenario::elements::sharing::{Part, Tenancy};
use crate::scenario::key::checker::Checker;
use crate::scenario::read::raw::{RawMode, RawShare};
use crate::scenario::read::scheduler::{Kind, RawScheduler};

/// One row of the table of modes: which ways of sharing a part there are for its tenants.
pub struct Modes {
    pub part: Part,
    /// vGPUs, or else CUDA contexts.
    pub vgpus: bool,
    pub modes: &'static [RawMode],
    pub why: &'static str,
}

const ALL_MODES: &[RawMode] = &[RawMode::Exclusive, RawMode::TimeSlice, RawMode::Spatial];

/// Who may share what, and how; `docs/scenario.md` holds the same table.
pub const MODES: &[Modes] = &[
    Modes {
        part: Part::WholeGpu,
        vgpus: true,
        modes: &[RawMode::Exclusive, RawMode::TimeSlice],
        why: "the vGPU manager schedules vGPUs in time",
    },
    Modes {
        part: Part::WholeGpu,
        vgpus: false,
        modes: ALL_MODES,
        why: "contexts of processes take turns, or run side by side as clients of MPS",
    },
    Modes {
        part: Part::GpuInstance,
        vgpus: true,
        modes: &[RawMode::Exclusive, RawMode::TimeSlice],
        why: "a MIG-backed vGPU owns its GPU instance; time-sliced types share one in turns, where \
              the board has such types",
    },
    Modes {
        part: Part::GpuInstance,
        vgpus: false,
        modes: ALL_MODES,
        why: "contexts and MPS work in an instance as on a GPU of its size",
    },
    Modes {
        part: Part::ComputeInstance,
        vgpus: true,
        modes: &[],
        why: "a vGPU holds a whole GPU instance, and makes compute instances itself",
    },
    Modes {
        part: Part::ComputeInstance,
        vgpus: false,
        modes: ALL_MODES,
        why: "a compute instance has SMs of its own and shares memory and engines with its siblings",
    },
    Modes {
        part: Part::Vgpu,
        vgpus: false,
        modes: &[RawMode::TimeSlice, RawMode::Spatial],
        why: "processes in a virtual machine take turns within those of its vGPU, or run side by side \
              as clients of MPS",
    },
];

/// The row of the table.
pub(crate) fn modes(part: Part, vgpus: bool) -> &'static Modes {
    let row = MODES
        .iter()
        .find(|row| row.part == part && row.vgpus == vgpus);
    row.unwrap_or(&MODES[0])
}

/// Whether CUDA contexts may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contexts {
    Yes,
    /// Only where the scenario says how many turns a round has.
    WithReservedTurns,
    NeutralOnly,
}

impl Contexts {
    /// The words of the documentation.
    pub fn words(self) -> &'static str {
        match self {
            Contexts::Yes => "yes",
            Contexts::WithReservedTurns => "with `reserved_turns`",
            Contexts::NeutralOnly => "neutral only",
        }
    }
}

/// One row of the table of legal combinations. Under the neutral preset everything is legal but inside a
/// vGPU.
pub struct Legal {
    /// Name in the registry; [`OTHERS`] for all that have no row.
    pub scheduler: &'static str,
    pub vgpus: bool,
    pub contexts: Contexts,
    /// Contexts within the turns of a vGPU, also under the neutral preset.
    pub inside: bool,
    pub why: &'static str,
}

/// Which scheduler may serve whom; `docs/scenario.md` holds the same table.
pub const LEGAL: &[Legal] = &[
    Legal {
        scheduler: "best-effort",
        vgpus: true,
        contexts: Contexts::NeutralOnly,
        inside: false,
        why: "best effort is a setting of the vGPU manager; contexts take turns as `round-robin`",
    },
    Legal {
        scheduler: "equal-share",
        vgpus: true,
        contexts: Contexts::NeutralOnly,
        inside: false,
        why: "equal share is a setting of the vGPU manager",
    },
    Legal {
        scheduler: "weighted-share",
        vgpus: true,
        contexts: Contexts::NeutralOnly,
        inside: false,
        why: "weighted share is a setting of the vGPU manager",
    },
    Legal {
        scheduler: "fixed-share",
        vgpus: true,
        contexts: Contexts::WithReservedTurns,
        inside: false,
        why: "the round is the vGPU type's maximum, which contexts do not have",
    },
    Legal {
        scheduler: "round-robin",
        vgpus: false,
        contexts: Contexts::Yes,
        inside: true,
        why: "vGPUs without a reserved share take turns under `best-effort`",
    },
    Legal {
        scheduler: "fifo",
        vgpus: true,
        contexts: Contexts::Yes,
        inside: true,
        why: "no product; a baseline from theory",
    },
    Legal {
        scheduler: OTHERS,
        vgpus: true,
        contexts: Contexts::Yes,
        inside: false,
        why: "no setting of the vendor's; those of research and of other vendors \
              ([policies.md](policies.md)) serve whole tenants",
    },
];

/// The row of all schedulers that have none of their own.
pub const OTHERS: &str = "any other";

/// Whether the scheduler may serve these tenants.
pub(crate) fn legal(
    c: &mut Checker,
    raw: &RawShare,
    scheduler: RawScheduler,
    tenancy: &Tenancy,
) -> bool {
    let Some(field) = &raw.scheduler else {
        return true; // the default fits
    };
    let row = LEGAL.iter().find(|row| row.scheduler == scheduler.word());
    let row = row.or(LEGAL.last());
    let inside = tenancy.part == Part::Vgpu;
    let fits = row.is_some_and(|row| match row.contexts {
        _ if inside => row.inside,
        _ if c.neutral => true,
        _ if tenancy.vgpus => row.vgpus,
        Contexts::Yes => true,
        Contexts::WithReservedTurns => raw.reserved_turns.is_some(),
        Contexts::NeutralOnly => false,
    });
    if fits {
        return true;
    }
    let whom = match (tenancy.vgpus, inside) {
        (true, _) => "vGPUs",
        (false, true) => "contexts inside a vGPU",
        (false, false) => "CUDA contexts",
    };
    let help = match (tenancy.vgpus, scheduler.kind()) {
        _ if inside => "use round-robin or fifo",
        (true, _) => "use best-effort, equal-share or fixed-share",
        (false, Kind::FixedShare) => {
            "say how many turns a round has with `reserved_turns`, or use round-robin"
        }
        (false, _) => "use round-robin; for a study of theory, preset = \"neutral\"",
    };
    c.error(
        &field.span,
        format!("scheduler `{}` does not serve {whom}", scheduler.word()),
        row.map_or("", |row| row.why),
        help,
    );
    false
}

/// Replicas that a Kubernetes device plugin advertises: how many contexts may be there. They isolate
/// nothing and reserve nothing. `None` after an error.
///
/// Source: NVIDIA GPU Operator, "Time-Slicing GPUs in Kubernetes"
/// (<https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-sharing.html>).
pub(crate) fn replicas(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    tenancy: &Tenancy,
) -> Option<()> {
    let Some(field) = &raw.replicas else {
        return Some(());
    };
    if tenancy.vgpus {
        let why = "replicas are for containers, not for vGPUs";
        let instead = "remove it: the vGPU type says how many there may be";
        c.no_effect(&raw.replicas, "replicas", why, instead);
        return None;
    }
    let most = c.count(&format!("{path}.replicas"), &raw.replicas, 1, 1000, None)?;
    if tenancy.tenants > u64::from(most) {
        let title = format!("{} contexts for {most} replicas", tenancy.tenants);
        let help = "fewer guests, or more replicas";
        c.error(&field.span, title, "each context takes one", help);
        return None;
    }
    Some(())
}
