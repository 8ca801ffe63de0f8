//! Why something cannot be done, in words.

use super::driver::Driver;
use super::geometry::EngineKind;
use super::instances::Placed;
use std::fmt::{self, Display};

/// A reason against creating or destroying something. [`Display`] says it in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The board has no profile of this name.
    NoSuchProfile {
        name: String,
        gpu: String,
        nearest: Option<String>,
        valid: Vec<String>,
    },
    /// The profile cannot start there, whatever else exists.
    NotInTable {
        profile: String,
        start: u32,
        valid: Vec<u32>,
        size: u32,
        units: u32,
        most: u32,
    },
    /// The place is taken, in part or whole.
    Overlap {
        profile: String,
        start: u32,
        size: u32,
        with: Vec<Placed>,
        /// Starts of the profile that are free.
        free: Vec<u32>,
    },
    /// As many of the profile as there can be.
    MaxInstances {
        profile: String,
        most: u32,
        starts: Vec<u32>,
    },
    /// Fewer units are free than the profile covers.
    Memory {
        profile: String,
        size: u32,
        free_units: Vec<u32>,
        units: u32,
        free_compute: u32,
        held: Vec<Placed>,
    },
    /// Enough units are free, but every start of the profile is blocked.
    Fragmented {
        profile: String,
        size: u32,
        free_units: Vec<u32>,
        free_compute: u32,
        /// Each start with what blocks it.
        starts: Vec<(u32, Vec<Placed>)>,
    },
    /// The board has too few engines left.
    Engine {
        profile: String,
        lacking: Vec<Lacking>,
        /// The `+me.all` profile that is involved.
        all_media: Option<String>,
    },
    /// The driver is too old.
    Driver {
        what: String,
        needs: Driver,
        has: Driver,
    },
    /// No instance starts there.
    NoInstance { start: u32, existing: Vec<Placed> },
    /// A GPU instance with compute instances stays.
    HasCompute {
        instance: Placed,
        compute: Vec<String>,
    },
    /// A compute instance with clients stays.
    ComputeInUse {
        instance: Placed,
        compute: String,
        clients: u32,
    },
    /// The GPU instance has no compute instance of this ordinal.
    NoCompute { instance: Placed, ordinal: u32 },
    /// A compute instance without clients cannot lose one.
    NoClient { instance: Placed, compute: String },
    /// The GPU instance has no compute-instance profile of this name.
    NoSuchCompute {
        name: String,
        instance: Placed,
        valid: Vec<String>,
    },
    /// No source lists the compute-instance profiles of the board.
    ComputeUnknown { name: String, instance: Placed },
    /// As many compute instances of the profile as there can be.
    MaxCompute {
        profile: String,
        instance: Placed,
        most: u32,
    },
    /// More compute slices than the GPU instance has left.
    ComputeSlices {
        profile: String,
        instance: Placed,
        needs: u32,
        free: u32,
    },
    /// More SMs than the GPU instance has left.
    ComputeSms {
        profile: String,
        instance: Placed,
        needs: u32,
        free: u32,
    },
    /// MIG mode is off.
    ModeOff { gpu: String },
    /// MIG mode has been asked for and waits for a reset.
    ModePending { gpu: String },
    /// A client holds the whole GPU.
    HeldByClient { gpu: String, clients: u32 },
    /// vGPUs need graphics instances on this board.
    NotForVgpus { profile: String, hosts: Vec<String> },
}

/// Engines of one kind that are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    pub kind: EngineKind,
    pub needs: u32,
    /// Engines of the board.
    pub total: u32,
    /// Who has them.
    pub holders: Vec<(Placed, u32)>,
}

impl std::error::Error for Refusal {}

/// `0, 2 and 4`.
pub(super) fn and<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match words.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn quoted<T: Display>(items: &[T]) -> String {
    and(items.iter().map(|item| format!("`{item}`")))
}

fn plural(number: u32, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// `1-3 and 5-7`.
fn ranges(units: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &unit in units {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == unit => *end = unit,
            _ => runs.push((unit, unit)),
        }
    }
    and(runs.iter().map(|&(from, to)| {
        if from == to {
            from.to_string()
        } else {
            format!("{from}-{to}")
        }
    }))
}

fn range(start: u32, size: u32) -> String {
    match size {
        1 => format!("unit {start}"),
        _ => format!("units {start}-{}", start + size - 1),
    }
}

impl Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoSuchProfile {
                name,
                gpu,
                nearest,
                valid,
            } => {
                write!(out, "`{gpu}` has no profile `{name}`; ")?;
                match nearest {
                    Some(meant) => write!(out, "did you mean `{meant}`?"),
                    None => write!(out, "its profiles are {}", and(valid)),
                }
            }
            Refusal::NotInTable {
                profile,
                start,
                valid,
                size,
                units,
                most,
            } => {
                let table = match valid.as_slice() {
                    [only] => format!("{only} as its only start"),
                    starts => format!("the starts {} only", and(starts)),
                };
                write!(
                    out,
                    "`{profile}` cannot start at {start}: its placement table has {table} (size \
                     {size} of {units} units, {} at most)",
                    plural(*most, "instance")
                )
            }
            Refusal::Overlap {
                profile,
                start,
                size,
                with,
                free,
            } => {
                let held = with
                    .iter()
                    .map(|gi| format!("`{gi}` holds {}", range(gi.start, gi.size)));
                write!(
                    out,
                    "`{profile}` at {start} would cover {}, but {}; free starts of `{profile}`: {}",
                    range(*start, *size),
                    and(held),
                    and(free)
                )
            }
            Refusal::MaxInstances {
                profile,
                most,
                starts,
            } => write!(
                out,
                "a GPU holds at most {most} of `{profile}`, and {} there already (at {})",
                if *most == 1 {
                    "that one is".to_owned()
                } else {
                    format!("those {most} are")
                },
                and(starts)
            ),
            Refusal::Memory {
                profile,
                size,
                free_units,
                units,
                free_compute,
                held,
            } => {
                let free = free_units.len();
                write!(
                    out,
                    "no memory is left for `{profile}`: it covers {}, with {free} of {units} \
                     free; {} hold{} the rest",
                    plural(*size, "unit"),
                    quoted(held),
                    if held.len() == 1 { "s" } else { "" }
                )?;
                if *free_compute > 0 {
                    let slices = plural(*free_compute, "free compute slice");
                    write!(out, ", so the {slices} cannot be used")?;
                }
                Ok(())
            }
            Refusal::Fragmented {
                profile,
                size,
                free_units,
                free_compute,
                starts,
            } => {
                let blocked = starts
                    .iter()
                    .map(|(start, with)| format!("{start} is blocked by {}", quoted(with)));
                write!(
                    out,
                    "every start of `{profile}` (size {size}) is blocked, and nothing moves: {}; \
                     free are units {} and {}",
                    and(blocked),
                    ranges(free_units),
                    plural(*free_compute, "compute slice")
                )
            }
            Refusal::Engine {
                profile,
                lacking,
                all_media,
            } => {
                let lacking = lacking.iter().map(|engine| {
                    let held = engine
                        .holders
                        .iter()
                        .map(|(gi, number)| format!("`{gi}` has {number}"));
                    let needs = plural(engine.needs, &engine.kind.to_string());
                    format!("{needs} (of {}, {})", engine.total, and(held))
                });
                write!(
                    out,
                    "`{profile}` needs engines that others have: {}",
                    and(lacking)
                )?;
                match all_media {
                    Some(name) => write!(
                        out,
                        "; `{name}` takes every media engine, so instances beside it must be `-me`"
                    ),
                    None => Ok(()),
                }
            }
            Refusal::Driver { what, needs, has } => {
                write!(out, "{what} needs driver {needs} or newer, not {has}")
            }
            Refusal::NoInstance { start, existing } => write!(
                out,
                "no GPU instance starts at {start}; existing: {}",
                and(existing)
            ),
            Refusal::HasCompute { instance, compute } => write!(
                out,
                "`{instance}` is in use: its compute instances ({}) must be destroyed first",
                and(compute)
            ),
            Refusal::ComputeInUse {
                instance,
                compute,
                clients,
            } => write!(
                out,
                "compute instance `{compute}` of `{instance}` is in use by {}",
                plural(*clients, "client")
            ),
            Refusal::NoCompute { instance, ordinal } => {
                write!(out, "`{instance}` has no compute instance {ordinal}")
            }
            Refusal::NoClient { instance, compute } => write!(
                out,
                "compute instance `{compute}` of `{instance}` has no client"
            ),
            Refusal::NoSuchCompute {
                name,
                instance,
                valid,
            } => write!(
                out,
                "`{instance}` has no compute-instance profile `{name}`; it has {}",
                and(valid)
            ),
            Refusal::ComputeUnknown { name, instance } => write!(
                out,
                "whether `{instance}` has a compute-instance profile `{name}` is not known: no \
                 source lists those of this board; the default, the whole instance, is possible"
            ),
            Refusal::MaxCompute {
                profile,
                instance,
                most,
            } => write!(
                out,
                "`{instance}` holds at most {most} of compute-instance profile `{profile}`, and \
                 has as many"
            ),
            Refusal::ComputeSlices {
                profile,
                instance,
                needs,
                free,
            } => write!(
                out,
                "`{profile}` needs {}, and `{instance}` has {free} left",
                plural(*needs, "compute slice")
            ),
            Refusal::ComputeSms {
                profile,
                instance,
                needs,
                free,
            } => write!(
                out,
                "`{profile}` needs {}, and `{instance}` has {free} left",
                plural(*needs, "SM")
            ),
            Refusal::ModeOff { gpu } => write!(
                out,
                "MIG mode is off on {gpu}: there are no GPU instances without it"
            ),
            Refusal::ModePending { gpu } => write!(
                out,
                "MIG mode of {gpu} is pending: it takes effect with the next GPU reset"
            ),
            Refusal::HeldByClient { gpu, clients } => write!(
                out,
                "{gpu} is in use by {}: engines and memory must be idle and unclaimed",
                plural(*clients, "client")
            ),
            Refusal::NotForVgpus { profile, hosts } => write!(
                out,
                "`{profile}` has no graphics, and on this board only `+gfx` instances hold vGPUs: \
                 {}",
                and(hosts)
            ),
        }
    }
}
