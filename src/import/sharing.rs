//! What a device plugin's replicas make of a board.

use super::apply::ImportedGpu;
use super::configs::{Replicas, SharedBy};
use super::refusal::Refusal;
use crate::catalog::Catalog;
use crate::mig::Geometry;

/// How contexts share a GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    pub by: SharedBy,
    /// Containers that may have the GPU at once.
    pub replicas: u32,
    /// What each client may use, under MPS.
    pub clients: Option<Clients>,
}

/// What the device plugin lets each MPS client use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clients {
    /// Part of the SMs, percent: 100 by the replicas, rounded down.
    pub percentage: u32,
    /// The board's nominal memory by the replicas, rounded down. The plugin divides the memory that
    /// the driver shows, which is a little less.
    pub memory_limit_mib: u64,
}

impl Shared {
    /// The `share` table of a scenario.
    pub(super) fn table(&self) -> String {
        let mode = match self.by {
            SharedBy::TimeSlicing => "time-slice",
            SharedBy::Mps => "spatial",
        };
        format!("{{ mode = \"{mode}\", replicas = {} }}", self.replicas)
    }
}

/// The GPU that `list` makes of a board.
pub(super) fn apply(
    catalog: &Catalog,
    gpu_id: &str,
    list: &[Replicas],
) -> Result<ImportedGpu, Vec<Refusal>> {
    let mut made = ImportedGpu::plain(gpu_id);
    let mut wrong = Vec::new();
    for held in list {
        match held.resource.strip_prefix("mig-") {
            None => match whole(catalog, gpu_id, held) {
                Ok(shared) => made.shared = Some(shared),
                Err(reason) => wrong.push(reason),
            },
            Some(profile) => match instances(catalog, gpu_id, profile, held) {
                Ok(note) => made.notes.push(note),
                Err(reason) => wrong.push(reason),
            },
        }
    }
    if list.is_empty() {
        made.notes
            .push("The plugin shares nothing: each container has a GPU of its own.".to_owned());
    }
    if wrong.is_empty() {
        Ok(made)
    } else {
        Err(wrong)
    }
}

fn whole(catalog: &Catalog, gpu_id: &str, held: &Replicas) -> Result<Shared, Refusal> {
    let clients = match held.by {
        SharedBy::TimeSlicing => None,
        SharedBy::Mps => {
            let memory = catalog.frame_buffer_mib(gpu_id);
            let memory = memory.ok_or_else(|| Refusal::UnknownMemory(gpu_id.to_owned()))?;
            let percentage = 100 / held.count.max(1);
            if percentage == 0 {
                return Err(Refusal::TooManyReplicas(held.count));
            }
            Some(Clients {
                percentage,
                memory_limit_mib: memory / u64::from(held.count.max(1)),
            })
        }
    };
    Ok(Shared {
        by: held.by,
        replicas: held.count,
        clients,
    })
}

/// Replicas of MIG devices: the plugin does not make these, so the scenario has to name them.
fn instances(
    catalog: &Catalog,
    gpu_id: &str,
    profile: &str,
    held: &Replicas,
) -> Result<String, Refusal> {
    // Kubernetes allows no `+` in the name of a resource.
    let profile = profile.replace(".me", "+me").replace(".gfx", "+gfx");
    let geometry = Geometry::of(catalog, gpu_id).map_err(Refusal::Geometry)?;
    let Some(known) = geometry.profile(&profile) else {
        let near = geometry
            .nearest(&profile)
            .map(|near| format!("; did you mean `{near}`?"));
        return Err(Refusal::UnknownProfile(format!(
            "`{gpu_id}` has no profile `{profile}`{}",
            near.unwrap_or_default()
        )));
    };
    if held.by == SharedBy::Mps {
        return Err(Refusal::MpsOnMig(known.name().to_owned()));
    }
    let shared = Shared {
        by: held.by,
        replicas: held.count,
        clients: None,
    };
    Ok(format!(
        "The plugin shares each MIG device of {}: write share = {} at these instances.",
        known.name(),
        shared.table()
    ))
}
