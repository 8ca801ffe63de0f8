//! Captures: which boards a node has, and how they are divided, as `nvidia-smi` printed it.

use super::apply::{ImportedGpu, Instance, place, place_at};
use super::guest;
use super::kind::Kind;
use super::told::{parts, told};
use super::yaml::Reader;
use super::{listing, smi};
use crate::catalog::{Catalog, Gpu};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::mig::{Engines, Geometry, Profile};
use std::ops::Range;
use std::sync::Arc;

/// What `nvidia-smi` printed: with `-q`, as XML or as text, or the tables of `-L`, `mig -lgi` and
/// `mig -lci`.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// The file as the user named it.
    pub name: String,
    pub driver_version: Option<String>,
    /// In the order of the driver's indices.
    pub gpus: Vec<CapturedGpu>,
    text: Arc<str>,
}

/// One GPU of a capture; `None` where the output has no such element or says `N/A`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CapturedGpu {
    /// The driver's index.
    pub index: u32,
    /// `None` in tables of instances alone.
    pub product_name: Option<String>,
    /// Where it sits: `00000000:07:00.0`.
    pub bus_id: Option<String>,
    /// Device half of the PCI id: four hexadecimal digits.
    pub pci_device_id: Option<String>,
    /// MIG mode now; `None` for boards without MIG.
    pub mig: Option<bool>,
    /// By the driver's number.
    pub instances: Vec<CapturedInstance>,
    /// Frame buffer in all, MiB.
    pub frame_buffer_mib: Option<u64>,
    /// `Pass-Through`, `Host VGPU`, `None`, …
    pub virtualization: Option<String>,
    /// Whether the host's vGPUs use SR-IOV: `SR-IOV` or `Non SR-IOV`.
    pub host_vgpu: Option<String>,
    /// Largest PCIe generation and number of lanes that GPU and host have together.
    pub pcie: Option<(u32, u32)>,
    /// What the reader should know of it.
    pub(super) notes: Vec<String>,
    pub(super) at: Range<usize>,
}

/// A GPU instance of a capture.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedInstance {
    /// The driver's number of the instance, which is not its place.
    pub gpu_instance_id: u32,
    /// As a table names it.
    pub profile: Option<String>,
    /// Its place, where a table has it.
    pub start: Option<u32>,
    /// Its compute instances; empty where the capture does not list them.
    pub slices: Vec<Slice>,
    pub memory_mib: Option<u64>,
    pub engines: Engines,
    pub(super) at: Range<usize>,
}

/// A compute instance of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The driver's number within the GPU instance.
    pub id: Option<u32>,
    /// As a table names it.
    pub profile: Option<String>,
    pub sm_count: Option<u32>,
}

impl CapturedInstance {
    /// SMs of all its compute instances, where all are known.
    pub fn sm_count(&self) -> Option<u32> {
        if self.slices.is_empty() {
            return None;
        }
        let add = |sum: u32, slice: &Slice| Some(sum.saturating_add(slice.sm_count?));
        self.slices.iter().try_fold(0, add)
    }
}

impl Capture {
    /// Reads what `nvidia-smi` printed.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, with its place: no XML, no GPU, a GPU without a name, numbers
    /// that are none, compute instances of GPU instances that are not in the text.
    pub fn read(name: &str, text: &str) -> Result<Capture, Diagnostics> {
        let source: Arc<str> = Arc::from(text);
        let mut reader = Reader::new(name, &source);
        let mut capture = Capture {
            name: name.to_owned(),
            driver_version: None,
            gpus: Vec::new(),
            text: source,
        };
        match Kind::of(name, text) {
            Kind::SmiXml => {
                if let Some(root) = smi::xml(&mut reader, text) {
                    smi::gpus(&mut reader, &root, &mut capture);
                }
            }
            Kind::SmiText => smi::gpus(&mut reader, &smi::text(text), &mut capture),
            Kind::Listing => listing::gpus(&mut reader, text, &mut capture),
            other => return Err(other.refuse(name, text)),
        }
        let mut wrong = reader.findings;
        if capture.gpus.is_empty() && wrong.is_empty() {
            wrong.push(Diagnostic {
                span: None,
                ..capture.finding(0..0, "the capture has no GPU".to_owned())
            });
        }
        if wrong.has_errors() {
            return Err(wrong);
        }
        Ok(capture)
    }

    /// Whether a GPU of it has no name, so that its board must be given.
    pub fn wants_board(&self) -> bool {
        self.gpus.iter().any(|gpu| gpu.product_name.is_none())
    }

    /// Finds the boards and profiles of the catalogue; GPUs without a name are `board`s. Instances
    /// without a place go where [`apply`](super::apply()) puts them.
    ///
    /// # Errors
    ///
    /// Every GPU that is a vGPU seen from its guest, every one whose board the catalogue does not
    /// have, and every instance whose profile cannot be told.
    pub fn boards(
        &self,
        catalog: &Catalog,
        board: Option<&str>,
    ) -> Result<Vec<ImportedGpu>, Diagnostics> {
        let mut wrong = Diagnostics::default();
        let mut found = Vec::new();
        for captured in &self.gpus {
            if let Some((title, help)) = guest::seen_from_inside(catalog, captured) {
                let mut inside = self.finding(captured.at.clone(), title);
                inside.help = Some(help);
                wrong.push(inside);
                continue;
            }
            let Some(board) = self.board(catalog, captured, board, &mut wrong) else {
                continue;
            };
            let mut made = ImportedGpu::plain(&board.id);
            made.device = (self.gpus.len() > 1).then_some(captured.index);
            made.mig = captured.mig == Some(true);
            made.pcie = captured.pcie;
            made.seen = Some(seen(captured));
            made.notes.extend(captured.notes.iter().cloned());
            if !captured.instances.is_empty() {
                match self.instances(catalog, &board.id, captured, &mut made.notes) {
                    Ok(instances) => made.instances = instances,
                    Err(findings) => wrong.0.extend(findings),
                }
            }
            found.push(made);
        }
        if wrong.has_errors() {
            return Err(wrong);
        }
        Ok(found)
    }

    /// The capture of one of its GPUs alone: by index, or by PCI bus id, in which leading zeros and
    /// the domain 0 may be left out.
    pub fn only(&self, which: &str) -> Option<Capture> {
        let found = match which.parse::<u32>() {
            Ok(index) => self.gpus.iter().find(|gpu| gpu.index == index),
            Err(_) => {
                let wanted = bus_address(which)?;
                self.gpus.iter().find(|gpu| {
                    let own = gpu.bus_id.as_deref().and_then(bus_address);
                    own == Some(wanted)
                })
            }
        };
        Some(Capture {
            gpus: vec![found?.clone()],
            ..self.clone()
        })
    }

    fn board<'a>(
        &self,
        catalog: &'a Catalog,
        captured: &CapturedGpu,
        given: Option<&str>,
        wrong: &mut Diagnostics,
    ) -> Option<&'a Gpu> {
        let (found, title, help) = match &captured.product_name {
            Some(name) => (
                board(catalog, name, captured.pci_device_id.as_deref()),
                format!("no board `{name}` is known"),
                match catalog.boards_like(name).as_slice() {
                    [] => "`warpshare gpus` lists the boards, `--boards` adds your own".into(),
                    [near] => format!("the nearest is `{near}`; `--boards` adds your own"),
                    several => {
                        let near = several.join("`, `");
                        format!("the nearest are `{near}`; `--boards` adds your own")
                    }
                },
            ),
            None => (
                given.and_then(|id| catalog.gpu_named(id)),
                format!("the text does not name the board of GPU {}", captured.index),
                "give it with `--gpu ID`, or paste the lines of `nvidia-smi -L` too".to_owned(),
            ),
        };
        if found.is_none() {
            let mut unknown = self.finding(captured.at.clone(), title);
            unknown.help = Some(help);
            wrong.push(unknown);
        }
        found
    }

    fn instances(
        &self,
        catalog: &Catalog,
        gpu_id: &str,
        captured: &CapturedGpu,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Instance>, Vec<Diagnostic>> {
        let geometry = Geometry::of(catalog, gpu_id)
            .map_err(|error| vec![self.finding(captured.at.clone(), error.to_string())])?;
        let mut wrong = Vec::new();
        let mut wanted: Vec<(&CapturedInstance, &Profile)> = Vec::new();
        for instance in &captured.instances {
            match told(&geometry, instance, notes) {
                Ok(profile) => wanted.push((instance, profile)),
                Err(title) => wrong.push(self.finding(instance.at.clone(), title)),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let starts: Option<Vec<(String, u32)>> = wanted
            .iter()
            .map(|(seen, profile)| Some((profile.name().to_owned(), seen.start?)))
            .collect();
        let shared = Arc::new(geometry.clone());
        let placed = match starts {
            Some(starts) => place_at(&shared, &starts),
            None => {
                notes.push("The capture has no placements: starts are computed.".to_owned());
                let each = wanted
                    .iter()
                    .map(|(_, profile)| (profile.name().to_owned(), 1));
                place(&shared, &each.collect::<Vec<_>>())
            }
        };
        let mut placed = placed.map_err(|reasons| {
            let finding =
                |reason: super::Refusal| self.finding(captured.at.clone(), reason.to_string());
            reasons.into_iter().map(finding).collect::<Vec<_>>()
        })?;
        let mut free: Vec<bool> = vec![true; placed.len()];
        for (seen, profile) in &wanted {
            let fits = |instance: &Instance| {
                let placed = &instance.placed;
                placed.profile == profile.name() && seen.start.is_none_or(|at| at == placed.start)
            };
            let at = (0..placed.len()).find(|at| free[*at] && fits(&placed[*at]));
            if let Some(at) = at {
                free[at] = false;
                match parts(seen, profile, notes) {
                    Ok(parts) => placed[at].parts = parts,
                    Err(title) => wrong.push(self.finding(seen.at.clone(), title)),
                }
            }
        }
        if wrong.is_empty() {
            Ok(placed)
        } else {
            Err(wrong)
        }
    }

    fn finding(&self, at: Range<usize>, title: String) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            title,
            file: self.name.clone(),
            source: Arc::clone(&self.text),
            span: Some(at),
            label: String::new(),
            help: None,
        }
    }
}

/// Domain, bus, device and function of a PCI address such as `00000000:07:00.0` or `07:00.0`.
pub(super) fn bus_address(text: &str) -> Option<[u32; 4]> {
    let (rest, function) = text.trim().rsplit_once('.')?;
    let parts: Vec<&str> = rest.split(':').collect();
    let (domain, bus, device) = match parts.as_slice() {
        [domain, bus, device] => (*domain, *bus, *device),
        [bus, device] => ("0", *bus, *device),
        _ => return None,
    };
    let number = |digits: &str| u32::from_str_radix(digits, 16).ok();
    Some([
        number(domain)?,
        number(bus)?,
        number(device)?,
        number(function)?,
    ])
}

/// The board of the catalogue: by the driver's name; else by the PCI device id where only one board has
/// it.
fn board<'a>(catalog: &'a Catalog, name: &str, pci_device_id: Option<&str>) -> Option<&'a Gpu> {
    catalog.gpu_named(name).or_else(|| {
        let id = pci_device_id?;
        let same = |gpu: &&Gpu| {
            let mut ids = catalog.pci_device_ids(&gpu.id);
            ids.any(|own| own.eq_ignore_ascii_case(id))
        };
        let mut with_id = catalog.gpus().iter().filter(same);
        let only = with_id.next()?;
        with_id.next().is_none().then_some(only)
    })
}

/// What the scenario does not take over, for its reader.
fn seen(captured: &CapturedGpu) -> String {
    let mut facts: Vec<String> = captured.product_name.iter().cloned().collect();
    if let Some(memory) = captured.frame_buffer_mib {
        facts.push(format!("frame buffer {memory} MiB"));
    }
    if let Some(mig) = captured.mig {
        facts.push(format!("MIG {}", if mig { "on" } else { "off" }));
    }
    if let Some(mode) = &captured.virtualization {
        facts.push(format!("virtualization {mode}"));
    }
    if let Some(mode) = &captured.host_vgpu {
        facts.push(format!("host vGPU {mode}"));
    }
    if facts.is_empty() {
        facts.push(format!("GPU {}", captured.index));
    }
    format!("Captured: {}.", facts.join(", "))
}
