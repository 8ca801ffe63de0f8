//! Files of named configs: of mig-parted, of vgpu-device-manager and of the Kubernetes device plugin,
//! alone or inside a ConfigMap or Helm values.

use super::embedded;
use super::yaml::{Node, Reader};
use super::{partition, plugin};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity, nearest};
use std::sync::Arc;

/// A file of named configs, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// The file as the user named it.
    pub name: String,
    /// At least one.
    pub configs: Vec<Config>,
    /// What a user should know of a file that was read.
    pub warnings: Diagnostics,
    text: Arc<str>,
}

/// One named config: what each GPU of a node is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub name: String,
    /// The key of the ConfigMap or of the Helm values that holds the file.
    pub key: Option<String>,
    pub entries: Vec<Entry>,
}

/// What some GPUs of a node are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands, from 1.
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
    /// How many containers may share what.
    Replicas(Vec<Replicas>),
}

/// A resource of the Kubernetes device plugin that several containers share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replicas {
    /// Without its domain: `gpu`, or `mig-1g.5gb` for the MIG devices of a profile.
    pub resource: String,
    /// Replicas of each device, 1 or more.
    pub count: u32,
    pub by: SharedBy,
}

/// How containers share a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedBy {
    /// Their contexts take turns.
    TimeSlicing,
    /// They are clients of one MPS server, each with an equal part of SMs and memory.
    Mps,
}

impl ConfigFile {
    /// Reads a file of configs, alone or inside a ConfigMap or Helm values.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, with its place in the outer file: no YAML, unknown or missing
    /// keys, values of another kind, device filters that are no PCI ids, or nothing of a known kind.
    ///
    /// ```
    /// use warpshare_input::import::ConfigFile;
    /// let text = "version: v1\nmig-configs:\n  half:\n    - devices: all\n      mig-enabled: true\n      mig-devices:\n        3g.20gb: 2\n";
    /// let file = ConfigFile::read("config.yaml", text).map_err(|e| e.render())?;
    /// assert_eq!(file.configs[0].name, "half");
    /// # Ok::<(), String>(())
    /// ```
    pub fn read(name: &str, text: &str) -> Result<ConfigFile, Diagnostics> {
        let source: Arc<str> = Arc::from(text);
        let mut reader = Reader::new(name, &source);
        let mut configs = Vec::new();
        if let Some(documents) = reader.documents(text) {
            for document in &documents {
                embedded::search(&mut reader, document, None, &mut configs);
            }
            if configs.is_empty() && !reader.findings.has_errors() {
                let (title, help) = embedded::nothing_in(&documents);
                reader.findings.push(Diagnostic {
                    severity: Severity::Error,
                    title,
                    file: name.to_owned(),
                    source: Arc::clone(&source),
                    span: None,
                    label: String::new(),
                    help: Some(help),
                });
            }
        }
        let mut findings = reader.findings;
        findings.sort();
        if findings.has_errors() {
            return Err(findings);
        }
        Ok(ConfigFile {
            name: name.to_owned(),
            configs,
            warnings: findings,
            text: source,
        })
    }

    /// The names by which [`config`](Self::config()) finds each config: with the key of the
    /// ConfigMap before them where two keys have one of that name.
    pub fn names(&self) -> Vec<String> {
        let full = |config: &Config| match &config.key {
            Some(key) if self.alike(&config.name).count() > 1 => format!("{key}/{}", config.name),
            _ => config.name.clone(),
        };
        self.configs.iter().map(full).collect()
    }

    /// The config of this name; a key of the ConfigMap before it, as in `config.yaml/half`, says
    /// which is meant, and alone means the only one that it holds.
    ///
    /// # Errors
    ///
    /// With the nearest name of the file, if there is no such config, or not only one.
    pub fn config(&self, name: &str) -> Result<&Config, Diagnostics> {
        self.find(name).map_err(|missing| {
            let (title, help) = match missing {
                Missing::Several(full) => (
                    format!("`{name}` stands under several keys"),
                    format!("write {}", full.join(" or ")),
                ),
                Missing::None(Some(meant)) => (
                    format!("there is no config `{name}`"),
                    format!("did you mean `{meant}`?"),
                ),
                Missing::None(None) => (
                    format!("there is no config `{name}`"),
                    "`warpshare import FILE --list` lists the configs".to_owned(),
                ),
            };
            Diagnostics(vec![Diagnostic {
                severity: Severity::Error,
                title,
                file: self.name.clone(),
                source: Arc::clone(&self.text),
                span: None,
                label: String::new(),
                help: Some(help),
            }])
        })
    }

    /// As [`config`](Self::config()), with the reason against it.
    pub(crate) fn find(&self, wanted: &str) -> Result<&Config, Missing> {
        let alike: Vec<&Config> = self.alike(wanted).collect();
        match alike.as_slice() {
            [only] => return Ok(only),
            [] => {}
            several => {
                let full = several.iter().map(|config| match &config.key {
                    Some(key) => format!("`{key}/{wanted}`"),
                    None => format!("`{wanted}`"),
                });
                return Err(Missing::Several(full.collect()));
            }
        }
        let in_key = |config: &&Config| {
            let key = config.key.as_deref();
            key.is_some_and(|key| wanted.strip_prefix(key) == Some(&format!("/{}", config.name)))
        };
        if let Some(found) = self.configs.iter().find(in_key) {
            return Ok(found);
        }
        let mut held = self
            .configs
            .iter()
            .filter(|config| config.key.as_deref() == Some(wanted));
        if let (Some(only), None) = (held.next(), held.next()) {
            return Ok(only);
        }
        let names = self.names();
        let near = nearest(wanted, names.iter().map(String::as_str));
        Err(Missing::None(near.map(ToOwned::to_owned)))
    }

    fn alike<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Config> + use<'a, 'n> {
        self.configs
            .iter()
            .filter(move |config| config.name == name)
    }
}

/// Why a name does not say which config is meant.
pub(crate) enum Missing {
    /// No config has it; the nearest name.
    None(Option<String>),
    /// Configs under several keys have it: their full names, in quotes.
    Several(Vec<String>),
}

/// Reads one file of configs that stands at `node`; false if it is none.
pub(super) fn read_at(
    reader: &mut Reader,
    node: &Node,
    key: Option<&str>,
    configs: &mut Vec<Config>,
) -> bool {
    if node.get("mig-configs").is_some() || node.get("vgpu-configs").is_some() {
        partition::read(reader, node, key, configs);
        true
    } else if plugin::is_one(node) {
        plugin::read(reader, node, key, configs);
        true
    } else {
        false
    }
}
