//! The YAML of mig-parted and of vgpu-device-manager.

use super::configs::{Config, Content, Devices, Entry};
use super::yaml::{Key, Node, Reader, Value, get};
use crate::diagnostics::Severity;

/// Reads the configs of a file that has `mig-configs` or `vgpu-configs`.
pub(super) fn read(reader: &mut Reader, file: &Node, key: Option<&str>, configs: &mut Vec<Config>) {
    let Some(map) = reader.map(file, "a partition file") else {
        return;
    };
    let known = ["version", "mig-configs", "vgpu-configs"];
    reader.only(Severity::Error, map, &known, "a partition file");
    version(reader, file, map);
    if let (Some(_), Some(second)) = (get(map, "mig-configs"), get(map, "vgpu-configs")) {
        let title = "both `mig-configs` and `vgpu-configs` in one file";
        let help = "mig-parted reads files with `mig-configs`, vgpu-device-manager files with \
                    `vgpu-configs`";
        reader.error(&second.span, title, Some(help.to_owned()));
        return;
    }
    for (name, read) in [
        (
            "mig-configs",
            mig as fn(&mut Reader, &[(Key, Node)]) -> Option<Content>,
        ),
        ("vgpu-configs", vgpus),
    ] {
        let Some(list) = get(map, name) else {
            continue;
        };
        let Some(list) = reader.map(list, &format!("`{name}`")) else {
            continue;
        };
        if list.is_empty() {
            reader.error(&file.span, format!("`{name}` has no configs"), None);
        }
        for (name, entries) in list {
            let what = format!("config `{}`", name.name);
            let Some(entries) = reader.list(entries, &what) else {
                continue;
            };
            let entries = entries.iter().filter_map(|node| entry(reader, node, read));
            configs.push(Config {
                name: name.name.clone(),
                key: key.map(ToOwned::to_owned),
                entries: entries.collect(),
            });
        }
    }
}

/// There is one form of these files so far.
pub(super) fn version(reader: &mut Reader, file: &Node, map: &[(Key, Node)]) {
    match get(map, "version") {
        None => reader.error(
            &file.span,
            "the file has no `version`",
            Some("write `version: v1`".to_owned()),
        ),
        Some(node) if node.text() == Some("v1") => {}
        Some(node) => {
            let title = format!("`version` is `v1`, not {}", node.value.shown());
            reader.error(&node.span, title, None);
        }
    }
}

/// Reads what an entry of a config asks for.
type ReadContent = fn(&mut Reader, &[(Key, Node)]) -> Option<Content>;

fn entry(reader: &mut Reader, node: &Node, read: ReadContent) -> Option<Entry> {
    let map = reader.map(node, "an entry of a config")?;
    let filter = get(map, "device-filter").map_or(Some(Vec::new()), |node| filter(reader, node));
    let devices = match get(map, "devices") {
        Some(node) => devices(reader, node),
        None => {
            let help = "write `devices: all`, or a list of indices";
            reader.error(
                &node.span,
                "this entry has no `devices`",
                Some(help.to_owned()),
            );
            None
        }
    };
    let content = read(reader, map);
    Some(Entry {
        line: node.line,
        filter: filter?,
        devices: devices?,
        content: content?,
    })
}

fn mig(reader: &mut Reader, map: &[(Key, Node)]) -> Option<Content> {
    let known = ["device-filter", "devices", "mig-enabled", "mig-devices"];
    let known = reader.only(Severity::Error, map, &known, "an entry of `mig-configs`");
    let enabled = match get(map, "mig-enabled") {
        Some(node) => {
            let enabled = flag(&node.value);
            if enabled.is_none() {
                let shown = node.value.shown();
                let title = format!("`mig-enabled` is true or false, not {shown}");
                reader.error(&node.span, title, None);
            }
            enabled
        }
        None => {
            // A key that nobody knows may be this one, misspelt.
            if let Some((first, _)) = map.first().filter(|_| known) {
                let title = "this entry has no `mig-enabled`";
                reader.error(&first.span, title, Some("write true or false".to_owned()));
            }
            None
        }
    };
    let profiles = match get(map, "mig-devices") {
        None => Some(Vec::new()),
        Some(node) => counts(reader, node, "mig-devices"),
    };
    Some(Content::Mig {
        enabled: enabled?,
        profiles: profiles?,
    })
}

/// Also the words of YAML 1.1, which the readers of these files take.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Flag(flag) => Some(*flag),
        Value::Text(word) => match word.to_ascii_lowercase().as_str() {
            "yes" | "on" => Some(true),
            "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn vgpus(reader: &mut Reader, map: &[(Key, Node)]) -> Option<Content> {
    let known = ["device-filter", "devices", "vgpu-devices"];
    let known = reader.only(Severity::Error, map, &known, "an entry of `vgpu-configs`");
    match get(map, "vgpu-devices") {
        Some(node) => counts(reader, node, "vgpu-devices").map(Content::Vgpus),
        None => {
            if let Some((first, _)) = map.first().filter(|_| known) {
                reader.error(&first.span, "this entry has no `vgpu-devices`", None);
            }
            None
        }
    }
}

/// Names and how many of each.
fn counts(reader: &mut Reader, node: &Node, what: &str) -> Option<Vec<(String, u32)>> {
    if matches!(node.value, Value::Null) {
        return Some(Vec::new());
    }
    let map = reader.map(node, &format!("`{what}`"))?;
    let mut list = Vec::with_capacity(map.len());
    for (name, count) in map {
        let what = format!("the number of `{}`", name.name);
        list.push((name.name.clone(), reader.count(count, &what)));
    }
    list.into_iter()
        .map(|(name, count)| Some((name, count?)))
        .collect()
}

fn filter(reader: &mut Reader, node: &Node) -> Option<Vec<String>> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut ids = Vec::with_capacity(items.len());
    for item in items {
        let id = match &item.value {
            Value::Text(id) => Some(id.clone()),
            // Without quotes it is a number.
            Value::Whole(id) => Some(format!("0x{id:08X}")),
            _ => None,
        };
        let id = id.filter(|id| pci_device(id).is_some());
        if id.is_none() {
            reader.error(
                &item.span,
                format!("{} is no PCI device id", item.value.shown()),
                Some("write device and vendor: `0x20B010DE`".to_owned()),
            );
        }
        ids.push(id);
    }
    ids.into_iter().collect()
}

fn devices(reader: &mut Reader, node: &Node) -> Option<Devices> {
    match &node.value {
        Value::Text(word) if word == "all" => Some(Devices::All),
        Value::List(items) => {
            let indices: Vec<Option<u32>> = items
                .iter()
                .map(|item| reader.count(item, "an index of `devices`"))
                .collect();
            indices
                .into_iter()
                .collect::<Option<_>>()
                .map(Devices::Some)
        }
        other => {
            let shown = other.shown();
            let title = format!("`devices` is `all` or a list of indices, not {shown}");
            reader.error(&node.span, title, None);
            None
        }
    }
}

/// The device half of a PCI id with NVIDIA as vendor: four hexadecimal digits in capitals.
pub(super) fn pci_device(id: &str) -> Option<String> {
    let digits = id.strip_prefix("0x").or_else(|| id.strip_prefix("0X"));
    let digits = digits.unwrap_or(id);
    let (device, vendor) = (digits.get(..4)?, digits.get(4..)?);
    let hexadecimal = device.chars().all(|c| c.is_ascii_hexdigit());
    (hexadecimal && vendor.eq_ignore_ascii_case("10DE")).then(|| device.to_ascii_uppercase())
}
