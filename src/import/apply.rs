//! What a config makes of a board.

use super::configs::{Config, Content, Devices, Entry};
use super::partition::pci_device;
use super::refusal::Refusal;
use super::sharing::{self, Shared};
use super::vgpus;
use crate::catalog::Catalog;
use crate::mig::{Fit, Geometry, GpuInstances, Placed, Request, fit};
use std::sync::Arc;

/// A GPU as an imported configuration wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedGpu {
    /// Catalogue id of the board.
    pub gpu_id: String,
    /// Index in the node; `None` for every GPU alike.
    pub device: Option<u32>,
    /// MIG mode; instances can exist only with it.
    pub mig: bool,
    /// GPU instances, largest first.
    pub instances: Vec<Instance>,
    pub guests: Vec<Guests>,
    /// Whether its vGPUs have several sizes.
    pub mixed_sizes: bool,
    /// How contexts share the whole GPU, where a config says so.
    pub shared: Option<Shared>,
    /// What a capture shows and a scenario does not take over, in one line.
    pub seen: Option<String>,
    /// Lines that a reader of the scenario should see beside it.
    pub notes: Vec<String>,
    /// Link of a captured GPU: PCIe generation and lanes.
    pub pcie: Option<(u32, u32)>,
}

/// A GPU instance with a name that is unique on its GPU, such as `1g-10gb-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub name: String,
    pub placed: Placed,
    /// Its compute instances; empty where one takes it all.
    pub parts: Vec<Part>,
}

/// A compute instance with a name that is unique in its GPU instance, such as `1c-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// The name without its number.
    pub(super) stem: String,
    /// Such as `1c.3g.20gb`.
    pub profile: String,
    /// SMs, where they are not those of the catalogue.
    pub sm_count: Option<u32>,
}

/// vGPUs of one type in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guests {
    /// As the catalogue spells it.
    pub type_name: String,
    pub count: u32,
    /// Which of [`ImportedGpu::instances`] holds them; `None` = the whole GPU.
    pub instance: Option<usize>,
}

/// What `config` makes of the GPUs of a node whose boards are all `gpu_id`.
///
/// One answer for all GPUs, or, where the config counts them, one for each that it names. Instances
/// go largest first where the driver would put them; if that order does not fit, in the first order
/// that does, or at starts that do.
///
/// # Errors
///
/// Every reason that stands against it.
pub fn apply(
    catalog: &Catalog,
    gpu_id: &str,
    config: &Config,
) -> Result<Vec<ImportedGpu>, Vec<Refusal>> {
    let entries = chosen(catalog, gpu_id, config).map_err(|refusal| vec![refusal])?;
    let mut wrong = Vec::new();
    let mut gpus = Vec::new();
    for (device, entry) in entries {
        let made = match &entry.content {
            Content::Mig { enabled, profiles } => {
                mig(catalog, gpu_id, *enabled, profiles).map(|instances| ImportedGpu {
                    mig: *enabled,
                    instances,
                    ..ImportedGpu::plain(gpu_id)
                })
            }
            Content::Vgpus(wanted) => vgpus::apply(catalog, gpu_id, wanted),
            Content::Replicas(list) => sharing::apply(catalog, gpu_id, list),
        };
        match made {
            Ok(gpu) => gpus.push(ImportedGpu { device, ..gpu }),
            Err(reasons) => {
                for reason in reasons {
                    if !wrong.contains(&reason) {
                        wrong.push(reason);
                    }
                }
            }
        }
    }
    if wrong.is_empty() {
        Ok(gpus)
    } else {
        Err(wrong)
    }
}

/// The GPUs of a node that `config` speaks of, where their boards are `gpu_id`: an index each, or
/// `None` for all alike.
///
/// # Errors
///
/// If it is not said, or said twice, what a GPU is to be.
pub fn devices(
    catalog: &Catalog,
    gpu_id: &str,
    config: &Config,
) -> Result<Vec<Option<u32>>, Refusal> {
    let entries = chosen(catalog, gpu_id, config)?;
    Ok(entries.into_iter().map(|(device, _)| device).collect())
}

/// What `config` makes of one GPU of a node: the one with this index, whose board is `gpu_id`. What
/// it says about others does not count, so that they may be other boards.
///
/// # Errors
///
/// Every reason that stands against it.
pub fn apply_to(
    catalog: &Catalog,
    gpu_id: &str,
    config: &Config,
    device: u32,
) -> Result<ImportedGpu, Vec<Refusal>> {
    let mut known = Vec::new();
    let mut own = Vec::new();
    for entry in &config.entries {
        match &entry.devices {
            Devices::All => own.push(entry.clone()),
            Devices::Some(list) if list.contains(&device) => own.push(Entry {
                devices: Devices::Some(vec![device]),
                ..entry.clone()
            }),
            Devices::Some(list) => known.extend(list),
        }
    }
    known.sort_unstable();
    known.dedup();
    let own = Config {
        entries: own,
        ..config.clone()
    };
    let made = if own.entries.is_empty() {
        Vec::new()
    } else {
        apply(catalog, gpu_id, &own)?
    };
    made.into_iter()
        .next()
        .ok_or_else(|| vec![Refusal::NoSuchDevice { device, known }])
}

impl ImportedGpu {
    /// A whole GPU of which nothing else is known.
    pub(super) fn plain(gpu_id: &str) -> ImportedGpu {
        ImportedGpu {
            gpu_id: gpu_id.to_owned(),
            device: None,
            mig: false,
            instances: Vec::new(),
            guests: Vec::new(),
            mixed_sizes: false,
            shared: None,
            seen: None,
            notes: Vec::new(),
            pcie: None,
        }
    }
}

/// The entry that counts for each GPU, by index; one without an index if it is for all of them.
fn chosen<'a>(
    catalog: &Catalog,
    gpu_id: &str,
    config: &'a Config,
) -> Result<Vec<(Option<u32>, &'a Entry)>, Refusal> {
    let own: Vec<String> = catalog
        .pci_device_ids(gpu_id)
        .map(str::to_ascii_uppercase)
        .collect();
    if own.is_empty()
        && let Some(entry) = config.entries.iter().find(|entry| !entry.filter.is_empty())
    {
        return Err(Refusal::UndecidedFilter {
            gpu: gpu_id.to_owned(),
            line: entry.line,
        });
    }
    let names = |entry: &Entry, own: &String| {
        let mut filter = entry.filter.iter();
        filter.any(|id| pci_device(id).as_ref() == Some(own))
    };
    // The id of a variant counts where no entry names the board's own.
    let id = own
        .iter()
        .find(|own| config.entries.iter().any(|entry| names(entry, own)));
    let meant = |entry: &&Entry| entry.filter.is_empty() || id.is_some_and(|own| names(entry, own));
    let for_board: Vec<&Entry> = config.entries.iter().filter(meant).collect();
    if for_board.is_empty() {
        return Err(Refusal::OtherBoards {
            gpu: gpu_id.to_owned(),
            device: own.join(" or "),
        });
    }
    let mut found: Vec<(Option<u32>, &Entry)> = Vec::new();
    for entry in for_board {
        let devices: Vec<Option<u32>> = match &entry.devices {
            Devices::All => vec![None],
            Devices::Some(list) => list.iter().copied().map(Some).collect(),
        };
        for device in devices {
            let meets = |held: Option<u32>| held.is_none() || device.is_none() || held == device;
            if let Some((held, first)) = found.iter().find(|(held, _)| meets(*held)) {
                return Err(Refusal::Contradiction {
                    first: first.line,
                    second: entry.line,
                    device: match device.or(*held) {
                        Some(index) => format!("GPU {index}"),
                        None => format!("`{gpu_id}`"),
                    },
                });
            }
            found.push((device, entry));
        }
    }
    found.sort_by_key(|(device, _)| *device);
    Ok(found)
}

fn mig(
    catalog: &Catalog,
    gpu_id: &str,
    enabled: bool,
    profiles: &[(String, u32)],
) -> Result<Vec<Instance>, Vec<Refusal>> {
    if !enabled {
        return Ok(Vec::new());
    }
    let geometry = Geometry::of(catalog, gpu_id).map_err(|e| vec![Refusal::Geometry(e)])?;
    place(&Arc::new(geometry), profiles)
}

/// Places as many instances of each profile as are wanted on an undivided GPU, largest first.
pub(super) fn place(
    geometry: &Arc<Geometry>,
    profiles: &[(String, u32)],
) -> Result<Vec<Instance>, Vec<Refusal>> {
    let empty = GpuInstances::new(Arc::clone(geometry));
    let mut wrong = Vec::new();
    let mut wanted: Vec<(u32, u32, &str)> = Vec::new();
    for (name, count) in profiles {
        let Some(profile) = geometry.profile(name) else {
            wrong.push(match compute_instance(name) {
                Some((slices, whole)) => Refusal::ComputeInstance {
                    name: name.clone(),
                    whole: whole.to_owned(),
                    compute: format!("{slices}c"),
                },
                None => unknown_profile(&empty, name),
            });
            continue;
        };
        let most = profile.facts.max_instances;
        if *count > most {
            wrong.push(Refusal::TooMany {
                profile: name.clone(),
                wanted: *count,
                most,
            });
            continue;
        }
        let size = (profile.facts.compute_slices, profile.size);
        wanted.extend((0..*count).map(|_| (size.0, size.1, profile.name())));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // The sort is stable: among equals the order of the file stays.
    wanted.sort_by_key(|(slices, size, _)| std::cmp::Reverse((*slices, *size)));
    let requests: Vec<Request> = wanted
        .iter()
        .map(|(_, _, name)| Request::new(*name, None))
        .collect();
    match fit(&empty, &requests) {
        Fit::Fits(placed) => Ok(named(placed)),
        Fit::No(no) => {
            let reason = no.reason.to_string();
            let other = no.other_order.map(|order| order.placed);
            other.or(no.with_starts).map(named).ok_or_else(|| {
                vec![Refusal::NoFit {
                    wanted: format!("instance {} of {}", no.failing + 1, requests.len()),
                    reason,
                }]
            })
        }
    }
}

/// Places instances where a listing has them, largest first.
pub(super) fn place_at(
    geometry: &Arc<Geometry>,
    wanted: &[(String, u32)],
) -> Result<Vec<Instance>, Vec<Refusal>> {
    let mut held = GpuInstances::new(Arc::clone(geometry));
    for (profile, start) in wanted {
        if let Err(reason) = held.create(profile, Some(*start)) {
            return Err(vec![Refusal::NoFit {
                wanted: format!("{profile} at {start}"),
                reason: reason.to_string(),
            }]);
        }
    }
    let size = |placed: &Placed| {
        let slices = geometry
            .profile(&placed.profile)
            .map_or(0, |p| p.facts.compute_slices);
        (slices, placed.size)
    };
    let mut placed = held.placed();
    placed.sort_by_key(|placed| std::cmp::Reverse(size(placed)));
    Ok(named(placed))
}

/// The slices and the GPU instance of a compute instance, which is named by both: `1c.3g.20gb`.
pub(super) fn compute_instance(name: &str) -> Option<(&str, &str)> {
    name.split_once("c.").filter(|(slices, whole)| {
        !slices.is_empty() && slices.chars().all(|c| c.is_ascii_digit()) && whole.contains('g')
    })
}

fn unknown_profile(empty: &GpuInstances, name: &str) -> Refusal {
    Refusal::UnknownProfile(match empty.clone().create(name, None) {
        Err(refusal) => refusal.to_string(),
        Ok(_) => format!("`{name}` is not known"),
    })
}

/// Names such as `1g-10gb-1`: the profile with only the characters that scenarios allow in names, and
/// a count.
fn named(placed: Vec<Placed>) -> Vec<Instance> {
    let mut stems: Vec<String> = Vec::new();
    placed
        .into_iter()
        .map(|placed| {
            let stem = placed.profile.replace(['.', '+'], "-");
            stems.push(stem.clone());
            let count = stems.iter().filter(|held| **held == stem).count();
            Instance {
                name: format!("{stem}-{count}"),
                placed,
                parts: Vec::new(),
            }
        })
        .collect()
}
