//! Partition files: the YAML of mig-parted and of vgpu-device-manager.

use crate::diagnostics::{Diagnostic, Diagnostics, Severity, nearest};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

/// A file of named configs, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionFile {
    /// The file as the user named it.
    pub name: String,
    pub configs: Vec<Config>,
    text: Arc<str>,
}

/// One named config: what each GPU of a node is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub name: String,
    pub entries: Vec<Entry>,
}

/// What some GPUs of a node are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands, from 1; 0 if the reader does not know.
    pub line: u64,
    /// PCI device and vendor ids as written (`0x20B010DE`) of the boards it is for; empty = any.
    pub filter: Vec<String>,
    pub devices: Devices,
    pub content: Content,
}

/// Which GPUs of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Devices {
    All,
    /// Indices as `nvidia-smi` counts them.
    Some(Vec<u32>),
}

/// What a GPU is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// MIG mode, and how many GPU instances of each profile.
    Mig {
        enabled: bool,
        profiles: Vec<(String, u32)>,
    },
    /// How many vGPUs of each type.
    Vgpus(Vec<(String, u32)>),
}

impl PartitionFile {
    /// Reads a partition file of either kind.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, with its place: no YAML, unknown or missing keys, values of
    /// another kind, device filters that are no PCI ids, or neither `mig-configs` nor
    /// `vgpu-configs`.
    ///
    /// ```
    /// use warpshare::import::PartitionFile;
    /// let text = "version: v1\nmig-configs:\n  half:\n    - devices: all\n      mig-enabled: true\n      mig-devices:\n        3g.20gb: 2\n";
    /// let file = PartitionFile::read("config.yaml", text).map_err(|e| e.render())?;
    /// assert_eq!(file.configs[0].name, "half");
    /// # Ok::<(), String>(())
    /// ```
    pub fn read(name: &str, text: &str) -> Result<PartitionFile, Diagnostics> {
        let source: Arc<str> = Arc::from(text);
        let finding =
            |span: Option<Range<usize>>, title: String, help: Option<String>| Diagnostic {
                severity: Severity::Error,
                title,
                file: name.to_owned(),
                source: Arc::clone(&source),
                span,
                label: String::new(),
                help,
            };
        let raw: RawFile = serde_saphyr::from_str(text).map_err(|error| {
            let error = error.without_snippet();
            let at = error.location().and_then(|at| span(&at, text));
            Diagnostics(vec![finding(at, message(error), None)])
        })?;
        let mut wrong = Diagnostics::default();
        let mut configs = Vec::new();
        let both = raw.mig.is_some() && raw.vgpu.is_some();
        if both || (raw.mig.is_none() && raw.vgpu.is_none()) {
            let title = if both {
                "both `mig-configs` and `vgpu-configs` in one file"
            } else {
                "no `mig-configs` and no `vgpu-configs`: not a partition file"
            };
            let help = "mig-parted reads files with `mig-configs`, vgpu-device-manager files with \
                        `vgpu-configs`";
            wrong.push(finding(None, title.to_owned(), Some(help.to_owned())));
            return Err(wrong);
        }
        let mut add = |name: String, entries: Vec<(Location, Common, Content)>| {
            let mut read = Vec::with_capacity(entries.len());
            for (at, common, content) in entries {
                let filter = match common.filter {
                    None => Vec::new(),
                    Some(given) => {
                        let list = match given.value {
                            OneOrMany::One(one) => vec![one],
                            OneOrMany::Many(many) => many,
                        };
                        for id in list.iter().filter(|id| pci_device(id).is_none()) {
                            wrong.push(finding(
                                span(&given.referenced, text),
                                format!("`{id}` is no PCI device id"),
                                Some("write device and vendor: `0x20B010DE`".to_owned()),
                            ));
                        }
                        list
                    }
                };
                let devices = match common.devices.value {
                    RawDevices::Some(list) => Devices::Some(list),
                    RawDevices::Word(word) if word == "all" => Devices::All,
                    RawDevices::Word(word) => {
                        wrong.push(finding(
                            span(&common.devices.referenced, text),
                            format!("`devices` is `all` or a list of indices, not `{word}`"),
                            None,
                        ));
                        Devices::All
                    }
                };
                read.push(Entry {
                    line: at.line(),
                    filter,
                    devices,
                    content,
                });
            }
            configs.push(Config {
                name,
                entries: read,
            });
        };
        for (config, entries) in raw.mig.into_iter().flat_map(|pairs| pairs.0) {
            let entries = entries.into_iter().map(|entry| {
                let content = Content::Mig {
                    enabled: entry.value.enabled,
                    profiles: entry.value.profiles.unwrap_or_default().0,
                };
                let common = Common {
                    filter: entry.value.filter,
                    devices: entry.value.devices,
                };
                (entry.referenced, common, content)
            });
            add(config, entries.collect());
        }
        for (config, entries) in raw.vgpu.into_iter().flat_map(|pairs| pairs.0) {
            let entries = entries.into_iter().map(|entry| {
                let content = Content::Vgpus(entry.value.vgpus.0);
                let common = Common {
                    filter: entry.value.filter,
                    devices: entry.value.devices,
                };
                (entry.referenced, common, content)
            });
            add(config, entries.collect());
        }
        if wrong.has_errors() {
            wrong.sort();
            return Err(wrong);
        }
        Ok(PartitionFile {
            name: name.to_owned(),
            configs,
            text: source,
        })
    }

    /// The config with this name.
    ///
    /// # Errors
    ///
    /// With the nearest name of the file, if there is no such config.
    pub fn config(&self, name: &str) -> Result<&Config, Diagnostics> {
        if let Some(found) = self.configs.iter().find(|config| config.name == name) {
            return Ok(found);
        }
        let names = self.configs.iter().map(|config| config.name.as_str());
        Err(Diagnostics(vec![Diagnostic {
            severity: Severity::Error,
            title: format!("there is no config `{name}`"),
            file: self.name.clone(),
            source: Arc::clone(&self.text),
            span: None,
            label: String::new(),
            help: Some(match nearest(name, names) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "`warpshare import FILE --list` lists the configs".to_owned(),
            }),
        }]))
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

/// The bytes of a place, or nothing where the reader does not know it. A place without a length
/// marks one character.
fn span(at: &Location, text: &str) -> Option<Range<usize>> {
    if at.line() == 0 {
        return None;
    }
    let line_start: usize = text
        .split_inclusive('\n')
        .take(usize::try_from(at.line()).ok()?.saturating_sub(1))
        .map(str::len)
        .sum();
    let before = usize::try_from(at.column()).ok()?.saturating_sub(1);
    let line = text.get(line_start..)?.lines().next().unwrap_or_default();
    let start: usize = line.chars().take(before).map(char::len_utf8).sum();
    let word = line.get(start..)?.trim_end();
    Some(line_start + start..line_start + start + word.len().max(1))
}

/// The reader's words without the place, which the diagnostic shows.
fn message(error: &serde_saphyr::Error) -> String {
    let words = error.to_string();
    match error.location() {
        Some(at) => {
            let place = format!(" at line {}, column {}", at.line(), at.column());
            words.replace(&place, "").trim_end().to_owned()
        }
        None => words,
    }
}

/// A mapping in the order of the file.
#[derive(Debug)]
struct Pairs<V>(Vec<(String, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Pairs(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Collect<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Collect<V> {
            type Value = Pairs<V>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a mapping")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        source.deserialize_map(Collect(PhantomData))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    /// Of the form of the file; there is one so far.
    #[serde(rename = "version")]
    _version: Version,
    #[serde(rename = "mig-configs")]
    mig: Option<Pairs<Vec<Spanned<RawMig>>>>,
    #[serde(rename = "vgpu-configs")]
    vgpu: Option<Pairs<Vec<Spanned<RawVgpu>>>>,
}

#[derive(Deserialize)]
enum Version {
    #[serde(rename = "v1")]
    One,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMig {
    #[serde(rename = "device-filter")]
    filter: Option<Spanned<OneOrMany>>,
    devices: Spanned<RawDevices>,
    #[serde(rename = "mig-enabled")]
    enabled: bool,
    #[serde(rename = "mig-devices")]
    profiles: Option<Pairs<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVgpu {
    #[serde(rename = "device-filter")]
    filter: Option<Spanned<OneOrMany>>,
    devices: Spanned<RawDevices>,
    #[serde(rename = "vgpu-devices")]
    vgpus: Pairs<u32>,
}

/// What entries of both kinds have.
struct Common {
    filter: Option<Spanned<OneOrMany>>,
    devices: Spanned<RawDevices>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawDevices {
    Some(Vec<u32>),
    Word(String),
}
