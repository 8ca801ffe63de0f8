//! Captured `nvidia-smi -q -x`: which boards a node has, and how they are divided.

use super::apply::{ImportedGpu, place};
use super::partition::pci_device;
use crate::catalog::{Catalog, Gpu};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::mig::{EngineKind, Engines, Geometry, Kind, Profile};
use roxmltree::{Document, Node, ParsingOptions};
use std::ops::Range;
use std::sync::Arc;

/// How far, as a part, the memory of an instance may be from its profile's. Drivers reserve different
/// amounts, and names round up (1g.18gb of an H200 is listed with 16 GiB); sizes of different
/// profiles of one board are at least a factor of two apart in `data/mig_profiles.csv`.
const MEMORY_TOLERANCE: f64 = 0.2;

/// What `nvidia-smi -q -x` printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// The file as the user named it.
    pub name: String,
    pub driver_version: Option<String>,
    /// In the order of the output, which is that of the driver's indices.
    pub gpus: Vec<CapturedGpu>,
    text: Arc<str>,
}

/// One GPU of a capture; `None` where the output has no such element or says `N/A`.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedGpu {
    pub product_name: String,
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
    at: Range<usize>,
}

/// A GPU instance of a capture: its compute instances together.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedInstance {
    /// The driver's number of the instance, which is not its place.
    pub gpu_instance_id: u32,
    pub compute_instances: u32,
    /// SMs of all its compute instances.
    pub sm_count: Option<u32>,
    pub memory_mib: Option<u64>,
    pub engines: Engines,
    at: Range<usize>,
}

impl Capture {
    /// Reads the output of `nvidia-smi -q -x`.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, with its place: no XML, no `nvidia_smi_log`, no GPU, a GPU
    /// without a name, numbers that are none.
    pub fn read(name: &str, text: &str) -> Result<Capture, Diagnostics> {
        let source: Arc<str> = Arc::from(text);
        let finding =
            |at: Option<Range<usize>>, title: String| diagnostic(name, &source, at, title);
        let options = ParsingOptions {
            // The output names its DTD; nothing is fetched.
            allow_dtd: true,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(text, options).map_err(|error| {
            let at = error.pos();
            let line = text
                .split_inclusive('\n')
                .take(at.row.saturating_sub(1) as usize);
            let start = line.map(str::len).sum::<usize>() + at.col.saturating_sub(1) as usize;
            let place = format!(" at {at}");
            let title = error.to_string().replace(&place, "");
            Diagnostics(vec![finding(Some(start..start + 1), title)])
        })?;
        let root = document.root_element();
        if root.tag_name().name() != "nvidia_smi_log" {
            let mut wrong = finding(
                Some(root.range().start..root.range().start + 1),
                format!("`{}` is not `nvidia_smi_log`", root.tag_name().name()),
            );
            wrong.help = Some("capture with `nvidia-smi -q -x`".to_owned());
            return Err(Diagnostics(vec![wrong]));
        }
        let mut wrong = Diagnostics::default();
        let mut gpus = Vec::new();
        for node in children(root, "gpu") {
            match gpu(node) {
                Ok(read) => gpus.push(read),
                Err((at, title)) => wrong.push(finding(Some(at), title)),
            }
        }
        if gpus.is_empty() && wrong.is_empty() {
            wrong.push(finding(None, "the capture has no GPU".to_owned()));
        }
        if wrong.has_errors() {
            return Err(wrong);
        }
        Ok(Capture {
            name: name.to_owned(),
            driver_version: value(root, "driver_version"),
            gpus,
            text: source,
        })
    }

    /// Finds the boards and profiles of the catalogue. Captures have no placements: instances go
    /// where [`apply`](super::apply()) puts them.
    ///
    /// # Errors
    ///
    /// Every GPU whose board the catalogue does not have, and every instance whose profile cannot
    /// be told.
    pub fn boards(&self, catalog: &Catalog) -> Result<Vec<ImportedGpu>, Diagnostics> {
        let mut wrong = Diagnostics::default();
        let mut found = Vec::new();
        for (index, captured) in self.gpus.iter().enumerate() {
            let Some(board) = board(catalog, captured) else {
                let title = format!("no board `{}` is known", captured.product_name);
                let mut unknown = self.finding(captured.at.clone(), title);
                let near = catalog.boards_like(&captured.product_name);
                unknown.help = Some(match near.as_slice() {
                    [] => "`warpshare gpus` lists the boards, `--boards` adds your own".into(),
                    near => {
                        let near = near.join("`, `");
                        format!("the nearest is `{near}`; `--boards` adds your own")
                    }
                });
                wrong.push(unknown);
                continue;
            };
            let mut made = ImportedGpu::plain(&board.id);
            made.device = (self.gpus.len() > 1).then_some(index as u32);
            made.mig = captured.mig == Some(true);
            made.pcie = captured.pcie;
            made.seen = Some(seen(captured));
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
        let found = match which.parse::<usize>() {
            Ok(index) => self.gpus.get(index),
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

    fn instances(
        &self,
        catalog: &Catalog,
        gpu_id: &str,
        captured: &CapturedGpu,
        notes: &mut Vec<String>,
    ) -> Result<Vec<super::Instance>, Vec<Diagnostic>> {
        let geometry = Geometry::of(catalog, gpu_id)
            .map_err(|error| vec![self.finding(captured.at.clone(), error.to_string())])?;
        let mut wrong = Vec::new();
        let mut profiles: Vec<(String, u32)> = Vec::new();
        for instance in &captured.instances {
            let id = instance.gpu_instance_id;
            let like = candidates(&geometry, instance);
            let standard: Vec<&&Profile> =
                like.iter().filter(|p| p.kind == Kind::Standard).collect();
            let (profile, others) = match (like.as_slice(), standard.as_slice()) {
                ([only], _) => (*only, false),
                (_, [only]) => (**only, true),
                (several, _) => {
                    let names: Vec<&str> = several.iter().map(|p| p.name()).collect();
                    let title = if names.is_empty() {
                        format!("no profile of `{gpu_id}` is like GPU instance {id}")
                    } else {
                        format!("GPU instance {id} may be any of {}", names.join(", "))
                    };
                    wrong.push(self.finding(instance.at.clone(), title));
                    continue;
                }
            };
            if others {
                let names: Vec<&str> = like.iter().map(|p| p.name()).collect();
                notes.push(format!(
                    "GPU instance {id}: {} are alike in the capture; the plain one is taken.",
                    names.join(", ")
                ));
            }
            if instance.compute_instances > 1 {
                notes.push(format!(
                    "GPU instance {id} has {} compute instances, which are not imported.",
                    instance.compute_instances
                ));
            }
            match profiles.iter_mut().find(|(name, _)| name == profile.name()) {
                Some((_, count)) => *count += 1,
                None => profiles.push((profile.name().to_owned(), 1)),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        notes.push("The capture has no placements: starts are computed.".to_owned());
        place(&Arc::new(geometry), &profiles).map_err(|reasons| {
            let finding =
                |reason: super::Refusal| self.finding(captured.at.clone(), reason.to_string());
            reasons.into_iter().map(finding).collect()
        })
    }

    fn finding(&self, at: Range<usize>, title: String) -> Diagnostic {
        diagnostic(&self.name, &self.text, Some(at), title)
    }
}

fn diagnostic(
    name: &str,
    source: &Arc<str>,
    span: Option<Range<usize>>,
    title: String,
) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        title,
        file: name.to_owned(),
        source: Arc::clone(source),
        span,
        label: String::new(),
        help: None,
    }
}

/// Domain, bus, device and function of a PCI address such as `00000000:07:00.0` or `07:00.0`.
fn bus_address(text: &str) -> Option<[u32; 4]> {
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
fn board<'a>(catalog: &'a Catalog, captured: &CapturedGpu) -> Option<&'a Gpu> {
    catalog.gpu_named(&captured.product_name).or_else(|| {
        let id = captured.pci_device_id.as_deref()?;
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
    let mut facts = vec![captured.product_name.clone()];
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
    format!("Captured: {}.", facts.join(", "))
}

/// The profiles that an instance can be. Figures that either side lacks exclude nothing; among those
/// left, the ones with exactly its SMs come first, since compute instances need not fill an instance.
fn candidates<'a>(geometry: &'a Geometry, seen: &CapturedInstance) -> Vec<&'a Profile> {
    let memory = |profile: &Profile| match (memory_gib(profile), seen.memory_mib) {
        (Some(listed), Some(mib)) => {
            let gib = mib as f64 / 1024.0;
            (gib - listed).abs() <= MEMORY_TOLERANCE * listed
        }
        _ => true,
    };
    let engines = |profile: &Profile| {
        EngineKind::ALL.into_iter().all(|kind| {
            match (profile.engines.get(kind), seen.engines.get(kind)) {
                (Some(listed), Some(there)) => listed == there,
                _ => true,
            }
        })
    };
    let fits = |profile: &Profile| match (profile.facts.sm_count, seen.sm_count) {
        (Some(listed), Some(there)) => there <= listed,
        _ => true,
    };
    let like: Vec<&Profile> = geometry
        .profiles()
        .iter()
        .filter(|p| memory(p) && engines(p) && fits(p))
        .collect();
    let full: Vec<&Profile> = like
        .iter()
        .copied()
        .filter(|p| p.facts.sm_count.is_some() && p.facts.sm_count == seen.sm_count)
        .collect();
    if full.is_empty() { like } else { full }
}

/// What the driver lists for a profile; where no source has that, what its name says.
fn memory_gib(profile: &Profile) -> Option<f64> {
    profile.facts.memory_gib.or_else(|| {
        let (_, rest) = profile.name().split_once('.')?;
        rest.get(..rest.find("gb")?)?.parse().ok()
    })
}

type Wrong = (Range<usize>, String);

fn gpu(node: Node<'_, '_>) -> Result<CapturedGpu, Wrong> {
    let named = child(node, "product_name");
    let product_name = value(node, "product_name")
        .ok_or_else(|| (head(node), "this GPU has no `product_name`".to_owned()))?;
    let pci = child(node, "pci");
    let link = pci.and_then(|pci| child(pci, "pci_gpu_link_info"));
    let generation = link
        .and_then(|link| child(link, "pcie_gen"))
        .map_or(Ok(None), |found| number(found, "max_link_gen", ""))?;
    let lanes = link
        .and_then(|link| child(link, "link_widths"))
        .map_or(Ok(None), |widths| number(widths, "max_link_width", "x"))?;
    let modes = child(node, "gpu_virtualization_mode");
    let mode = |name| modes.and_then(|modes| value(modes, name));
    let mig = child(node, "mig_mode").and_then(|mode| value(mode, "current_mig"));
    let mig = match mig.as_deref() {
        None => None,
        Some("Enabled") => Some(true),
        Some("Disabled") => Some(false),
        Some(other) => return Err((head(node), format!("`current_mig` is `{other}`"))),
    };
    let mut instances: Vec<CapturedInstance> = Vec::new();
    for device in child(node, "mig_devices")
        .into_iter()
        .flat_map(|devices| children(devices, "mig_device"))
    {
        let more = instance(device)?;
        match instances
            .iter_mut()
            .find(|held| held.gpu_instance_id == more.gpu_instance_id)
        {
            Some(held) => {
                held.compute_instances += 1;
                held.sm_count = held
                    .sm_count
                    .zip(more.sm_count)
                    .map(|(a, b)| a.saturating_add(b));
            }
            None => instances.push(more),
        }
    }
    instances.sort_by_key(|held| held.gpu_instance_id);
    Ok(CapturedGpu {
        product_name,
        bus_id: node.attribute("id").map(ToOwned::to_owned),
        pci_device_id: pci
            .and_then(|pci| value(pci, "pci_device_id"))
            .and_then(|id| pci_device(&id)),
        mig,
        instances,
        frame_buffer_mib: child(node, "fb_memory_usage")
            .map_or(Ok(None), |memory| number(memory, "total", "MiB"))?
            .map(u64::from),
        virtualization: mode("virtualization_mode"),
        host_vgpu: mode("host_vgpu_mode"),
        pcie: generation.zip(lanes),
        at: named.map_or_else(|| head(node), |named| named.range()),
    })
}

fn instance(device: Node<'_, '_>) -> Result<CapturedInstance, Wrong> {
    let shared = child(device, "device_attributes").and_then(|all| child(all, "shared"));
    let attribute = |name| shared.map_or(Ok(None), |shared| number(shared, name, ""));
    Ok(CapturedInstance {
        gpu_instance_id: number(device, "gpu_instance_id", "")?
            .ok_or_else(|| (head(device), "no `gpu_instance_id`".to_owned()))?,
        compute_instances: 1,
        sm_count: attribute("multiprocessor_count")?,
        memory_mib: child(device, "fb_memory_usage")
            .map_or(Ok(None), |memory| number(memory, "total", "MiB"))?
            .map(u64::from),
        engines: Engines {
            copy: attribute("copy_engine_count")?,
            decode: attribute("decoder_count")?,
            encode: attribute("encoder_count")?,
            jpeg: attribute("jpg_count")?,
            optical_flow: attribute("ofa_count")?,
        },
        at: head(device),
    })
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children()
        .filter(move |child| child.has_tag_name(name))
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
    children(node, name).next()
}

/// The text of an element; nothing for `N/A` and empty ones.
fn value(node: Node<'_, '_>, name: &'static str) -> Option<String> {
    let text = child(node, name)?.text()?.trim();
    (!text.is_empty() && text != "N/A").then(|| text.to_owned())
}

/// A whole number with its unit behind it.
fn number(node: Node<'_, '_>, name: &'static str, unit: &str) -> Result<Option<u32>, Wrong> {
    let Some(text) = value(node, name) else {
        return Ok(None);
    };
    let digits = text.strip_suffix(unit).unwrap_or(&text).trim();
    digits.parse().map(Some).map_err(|_| {
        let at = child(node, name).map_or_else(|| head(node), |there| there.range());
        (at, format!("`{name}` is no number: `{text}`"))
    })
}

/// The start of an element: its whole text would be pages.
fn head(node: Node<'_, '_>) -> Range<usize> {
    let at = node.range().start;
    at..at + 1 + node.tag_name().name().len()
}
