//! What `nvidia-smi -q` says, in XML (`-x`) or as text: the same parts under the same names.

use super::capture::{Capture, CapturedGpu, CapturedInstance, Slice};
use super::partition::pci_device;
use super::yaml::Reader;
use crate::mig::Engines;
use roxmltree::{Document, ParsingOptions};
use std::ops::Range;

/// A part of the output: a value, or a heading with parts of its own.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// As XML names it. Headings of the text are brought to the same form: `FB Memory Usage` is
    /// `fb_memory_usage`.
    pub name: String,
    pub value: String,
    /// The address of a GPU.
    pub id: Option<String>,
    pub parts: Vec<Part>,
    /// Where it begins.
    pub head: Range<usize>,
}

impl Part {
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Part> {
        self.parts.iter().filter(move |part| part.name == name)
    }

    /// The first part with one of these names: XML has longer ones than the text.
    fn part(&self, names: &[&str]) -> Option<&Part> {
        self.parts
            .iter()
            .find(|part| names.contains(&part.name.as_str()))
    }

    /// The value of a part; nothing for `N/A` and empty ones.
    fn get(&self, names: &[&str]) -> Option<&str> {
        let value = self.part(names)?.value.trim();
        (!value.is_empty() && value != "N/A").then_some(value)
    }

    /// A whole number with its unit behind it.
    fn number(&self, names: &[&str], unit: &str) -> Result<Option<u32>, Wrong> {
        let Some(value) = self.get(names) else {
            return Ok(None);
        };
        let digits = value.strip_suffix(unit).unwrap_or(value).trim();
        digits.parse().map(Some).map_err(|_| {
            let at = self
                .part(names)
                .map_or_else(|| self.head.clone(), |part| part.head.clone());
            (
                at,
                format!("`{}` is no number: `{value}`", names.join("` or `")),
            )
        })
    }
}

type Wrong = (Range<usize>, String);

/// Parts within parts: the output has 8 levels. Deeper ones are nothing that is looked for.
const DEEPEST: usize = 16;

/// The root of the XML of `nvidia-smi -q -x`; `None` after an error.
pub(super) fn xml(reader: &mut Reader, text: &str) -> Option<Part> {
    let options = ParsingOptions {
        // The output names its DTD; nothing is fetched.
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(error) => {
            let at = error.pos();
            let lines = text
                .split_inclusive('\n')
                .take(at.row.saturating_sub(1) as usize);
            let start = lines.map(str::len).sum::<usize>() + at.col.saturating_sub(1) as usize;
            let title = error.to_string().replace(&format!(" at {at}"), "");
            reader.error(
                &(start..start + 1),
                format!("this is not well-formed XML: {title}"),
                None,
            );
            return None;
        }
    };
    Some(element(document.root_element(), 0))
}

fn element(node: roxmltree::Node<'_, '_>, depth: usize) -> Part {
    let range = node.range();
    let name = node.tag_name().name().to_owned();
    // The whole of a value; of what has parts the start, since all would be pages.
    let leaf = !node.children().any(|child| child.is_element());
    let end = if leaf {
        range.end
    } else {
        range.start + 1 + name.len()
    };
    Part {
        head: range.start..end,
        value: node.text().unwrap_or_default().trim().to_owned(),
        id: node.attribute("id").map(ToOwned::to_owned),
        parts: node
            .children()
            .filter(|child| child.is_element() && depth < DEEPEST)
            .map(|child| element(child, depth + 1))
            .collect(),
        name,
    }
}

/// The root of the text of `nvidia-smi -q`. Parts are told by their indentation.
pub(super) fn text(text: &str) -> Part {
    let mut root = Part::default();
    // Indentation of each open part, and where it is: a path of places from the root.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with("====") {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let head = start + indent..start + indent + bare.len();
        let mut part = match bare.split_once(" :") {
            Some((label, value)) => Part {
                name: label_name(label),
                value: value.trim().to_owned(),
                head,
                ..Part::default()
            },
            None => Part {
                name: label_name(bare),
                head,
                ..Part::default()
            },
        };
        if let Some(id) = bare
            .strip_prefix("GPU ")
            .filter(|id| super::capture::bus_address(id).is_some())
        {
            part.name = "gpu".to_owned();
            part.id = Some(id.to_owned());
            open.clear();
        }
        while open.last().is_some_and(|(held, _)| *held >= indent) {
            open.pop();
        }
        if open.len() >= DEEPEST {
            continue;
        }
        let mut parent = &mut root;
        for (_, child) in &open {
            parent = &mut parent.parts[*child];
        }
        parent.parts.push(part);
        open.push((indent, parent.parts.len() - 1));
    }
    root
}

fn label_name(label: &str) -> String {
    let mut name = String::new();
    for word in label
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !name.is_empty() {
            name.push('_');
        }
        name.push_str(&word.to_ascii_lowercase());
    }
    name
}

/// The GPUs below the root, into `capture`.
pub(super) fn gpus(reader: &mut Reader, root: &Part, capture: &mut Capture) {
    capture.driver_version = root.get(&["driver_version"]).map(ToOwned::to_owned);
    for (index, part) in (0..).zip(root.all("gpu")) {
        match gpu(part, index) {
            Ok(gpu) => capture.gpus.push(gpu),
            Err((at, title)) => reader.error(&at, title, None),
        }
    }
}

fn gpu(part: &Part, index: u32) -> Result<CapturedGpu, Wrong> {
    let Some(product_name) = part.get(&["product_name"]) else {
        return Err((part.head.clone(), "this GPU has no product name".to_owned()));
    };
    let pci = part.part(&["pci"]);
    let link = pci.and_then(|pci| pci.part(&["pci_gpu_link_info", "gpu_link_info"]));
    let generation = link
        .and_then(|link| link.part(&["pcie_gen", "pcie_generation"]))
        .map_or(Ok(None), |part| part.number(&["max_link_gen", "max"], ""))?;
    let lanes = link
        .and_then(|link| link.part(&["link_widths", "link_width"]))
        .map_or(Ok(None), |part| {
            part.number(&["max_link_width", "max"], "x")
        })?;
    let modes = part.part(&["gpu_virtualization_mode"]);
    let mode = |name| {
        modes
            .and_then(|modes| modes.get(&[name]))
            .map(ToOwned::to_owned)
    };
    let mig = part
        .part(&["mig_mode"])
        .and_then(|mode| mode.get(&["current_mig", "current"]));
    let mig = match mig {
        None => None,
        Some("Enabled") => Some(true),
        Some("Disabled") => Some(false),
        Some(other) => {
            return Err((
                part.head.clone(),
                format!("the MIG mode is `{other}`, neither Enabled nor Disabled"),
            ));
        }
    };
    let mut gpu = CapturedGpu {
        index,
        product_name: Some(product_name.to_owned()),
        bus_id: part.id.clone(),
        pci_device_id: pci
            .and_then(|pci| pci.get(&["pci_device_id", "device_id"]))
            .and_then(pci_device),
        mig,
        instances: Vec::new(),
        frame_buffer_mib: part
            .part(&["fb_memory_usage"])
            .map_or(Ok(None), |memory| memory.number(&["total"], "MiB"))?
            .map(u64::from),
        virtualization: mode("virtualization_mode"),
        host_vgpu: mode("host_vgpu_mode"),
        pcie: generation.zip(lanes),
        notes: Vec::new(),
        // A finding about a GPU shows its name.
        at: part
            .part(&["product_name"])
            .map_or_else(|| part.head.clone(), |name| name.head.clone()),
    };
    // In XML the devices have a list of their own, in the text they stand side by side.
    let listed = part.part(&["mig_devices"]).unwrap_or(part);
    for device in listed.all("mig_device") {
        add(&mut gpu, device)?;
    }
    gpu.instances.sort_by_key(|held| held.gpu_instance_id);
    Ok(gpu)
}

/// A MIG device is one compute instance; what it says of its GPU instance is the same for all.
fn add(gpu: &mut CapturedGpu, device: &Part) -> Result<(), Wrong> {
    let shared = device
        .part(&["device_attributes"])
        .and_then(|all| all.part(&["shared"]));
    let attribute = |name| shared.map_or(Ok(None), |shared| shared.number(&[name], ""));
    let id = device.number(&["gpu_instance_id"], "")?.ok_or_else(|| {
        (
            device.head.clone(),
            "this MIG device has no GPU instance id".to_owned(),
        )
    })?;
    let slice = Slice {
        id: device.number(&["compute_instance_id"], "")?,
        profile: None,
        sm_count: attribute("multiprocessor_count")?,
    };
    if let Some(held) = gpu
        .instances
        .iter_mut()
        .find(|held| held.gpu_instance_id == id)
    {
        held.slices.push(slice);
        return Ok(());
    }
    gpu.instances.push(CapturedInstance {
        gpu_instance_id: id,
        profile: None,
        start: None,
        slices: vec![slice],
        memory_mib: device
            .part(&["fb_memory_usage"])
            .map_or(Ok(None), |memory| memory.number(&["total"], "MiB"))?
            .map(u64::from),
        engines: Engines {
            copy: attribute("copy_engine_count")?,
            decode: attribute("decoder_count")?,
            encode: attribute("encoder_count")?,
            jpeg: attribute("jpg_count")?,
            optical_flow: attribute("ofa_count")?,
        },
        at: device.head.clone(),
    });
    Ok(())
}
