//! The tables that people paste into reports: `nvidia-smi -L`, `nvidia-smi mig -lgi` and `-lci`.
//!
//! The forms are those that the driver prints, as public documentation and issues show them; other
//! lines (prompts, headings, frames) are passed over. Of several tables of one kind the last counts.

use super::capture::{Capture, CapturedGpu, CapturedInstance, Slice};
use super::yaml::Reader;
use crate::mig::Engines;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// One line of a table that says something.
enum Line<'a> {
    /// `GPU 0: NVIDIA A40 (UUID: GPU-…)`.
    Gpu { index: u32, name: &'a str },
    /// `  MIG 3g.20gb     Device  0: (UUID: MIG-…)`.
    Device { name: &'a str },
    /// The heading of a table.
    Heading,
    /// `|   0  MIG 1g.5gb          19        9          2:1     |`.
    Instance {
        gpu: u32,
        profile: &'a str,
        id: u32,
        start: Option<u32>,
    },
    /// `|   0      1       MIG 1c.3g.20gb       0         0          0:1     |`.
    Compute {
        gpu: u32,
        instance: u32,
        profile: &'a str,
        id: u32,
    },
}

/// Whether a text has such a table.
pub(super) fn is_one(text: &str) -> bool {
    text.lines().any(|line| read(line).is_some())
}

fn read(line: &str) -> Option<Line<'_>> {
    // Quoted in a message, or set in.
    let bare = line.trim_matches(|c: char| c.is_whitespace() || c == '>' || c == '|');
    if bare == "GPU instances:" || bare == "Compute instances:" {
        return Some(Line::Heading);
    }
    if let Some(rest) = bare.strip_prefix("GPU ")
        && let Some((index, rest)) = rest.split_once(':')
        && let Some((name, _)) = rest.split_once("(UUID")
        && let Ok(index) = index.trim().parse()
    {
        let name = name.trim();
        return Some(Line::Gpu { index, name });
    }
    let words: Vec<&str> = bare.split_whitespace().take(9).collect();
    let number = |word: &str| word.parse::<u32>().ok();
    match words.as_slice() {
        ["MIG", name, "Device", ..] => Some(Line::Device { name }),
        [gpu, "MIG", profile, _, id, rest @ ..] if rest.len() <= 1 => Some(Line::Instance {
            gpu: number(gpu)?,
            profile,
            id: number(id)?,
            start: match rest {
                [placement] => Some(number(placement.split_once(':')?.0)?),
                _ => None,
            },
        }),
        [gpu, instance, "MIG", profile, _, id, rest @ ..] if rest.len() <= 1 => {
            Some(Line::Compute {
                gpu: number(gpu)?,
                instance: number(instance)?,
                profile,
                id: number(id)?,
            })
        }
        _ => None,
    }
}

/// A row, and which table it stands in.
struct Row<T> {
    table: usize,
    at: Range<usize>,
    held: T,
}

/// A GPU instance: its profile, its id, and its first memory slice where the table has it.
type InstanceRow = Row<(String, u32, Option<u32>)>;
/// A compute instance: its profile and its id.
type ComputeRow = Row<(String, u32)>;

/// Reads the GPUs and instances of a text, into `capture`.
pub(super) fn gpus(reader: &mut Reader, text: &str, capture: &mut Capture) {
    let mut names: BTreeMap<u32, (String, Range<usize>)> = BTreeMap::new();
    let mut devices: BTreeMap<u32, Vec<(String, Range<usize>)>> = BTreeMap::new();
    let mut instances: BTreeMap<u32, Vec<InstanceRow>> = BTreeMap::new();
    let mut compute: BTreeMap<(u32, u32), Vec<ComputeRow>> = BTreeMap::new();
    let mut table = 0;
    let mut last = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let at = start + indent..start + indent + line.trim().len();
        start += line.len();
        match read(line) {
            None => {}
            Some(Line::Heading) => table += 1,
            Some(Line::Gpu { index, name }) => {
                names.insert(index, (name.to_owned(), at));
                devices.remove(&index);
                last = Some(index);
            }
            Some(Line::Device { name }) => match last {
                Some(gpu) => devices.entry(gpu).or_default().push((name.to_owned(), at)),
                None => reader.error(&at, "this MIG device stands below no GPU", None),
            },
            Some(Line::Instance {
                gpu,
                profile,
                id,
                start,
            }) => {
                let rows = instances.entry(gpu).or_default();
                rows.retain(|row| row.table == table);
                let held = (profile.to_owned(), id, start);
                rows.push(Row { table, at, held });
            }
            Some(Line::Compute {
                gpu,
                instance,
                profile,
                id,
            }) => {
                let rows = compute.entry((gpu, instance)).or_default();
                rows.retain(|row| row.table == table);
                let held = (profile.to_owned(), id);
                rows.push(Row { table, at, held });
            }
        }
    }
    let indices: BTreeSet<u32> = names.keys().chain(instances.keys()).copied().collect();
    for (gpu, instance) in compute.keys() {
        let known = instances.get(gpu);
        let known = known.is_some_and(|rows| rows.iter().any(|row| row.held.1 == *instance));
        if !known && let Some(row) = compute[&(*gpu, *instance)].first() {
            let title = format!("GPU instance {instance} of GPU {gpu} is not in the text");
            let help = "paste the table of `nvidia-smi mig -lgi` too: it has the places";
            reader.error(&row.at, title, Some(help.to_owned()));
        }
    }
    for index in indices {
        let named = names.get(&index);
        let rows = instances.remove(&index).unwrap_or_default();
        let at = named.map(|(_, at)| at.clone());
        let at = at.or_else(|| rows.first().map(|row| row.at.clone()));
        let mut gpu = CapturedGpu {
            index,
            product_name: named.map(|(name, _)| name.clone()),
            at: at.unwrap_or_default(),
            ..CapturedGpu::default()
        };
        if rows.is_empty() {
            // Without the table of instances the devices stand for them.
            for (id, (name, at)) in (0..).zip(devices.remove(&index).unwrap_or_default()) {
                if super::apply::compute_instance(&name).is_some() {
                    let title = format!("which GPU instance holds `{name}` is not said");
                    let help = "paste the tables of `nvidia-smi mig -lgi` and `-lci` too";
                    reader.error(&at, title, Some(help.to_owned()));
                    continue;
                }
                gpu.instances.push(instance(id, name, None, Vec::new(), at));
            }
        }
        let listed = compute.keys().any(|(of, _)| *of == index);
        for row in rows {
            let (profile, id, start) = row.held;
            let slices = compute.remove(&(index, id)).unwrap_or_default();
            if listed && slices.is_empty() {
                gpu.notes
                    .push(format!("GPU instance {id} has no compute instance."));
            }
            let slices = slices.into_iter().map(|row| Slice {
                id: Some(row.held.1),
                profile: Some(row.held.0),
                sm_count: None,
            });
            let slices = slices.collect();
            gpu.instances
                .push(instance(id, profile, start, slices, row.at));
        }
        gpu.mig = (!gpu.instances.is_empty()).then_some(true);
        gpu.instances.sort_by_key(|held| held.gpu_instance_id);
        capture.gpus.push(gpu);
    }
}

fn instance(
    id: u32,
    profile: String,
    start: Option<u32>,
    slices: Vec<Slice>,
    at: Range<usize>,
) -> CapturedInstance {
    CapturedInstance {
        gpu_instance_id: id,
        profile: Some(profile),
        start,
        slices,
        memory_mib: None,
        engines: Engines::default(),
        at,
    }
}
