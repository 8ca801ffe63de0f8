//! Workloads that are built in (`data/workloads`), and how `preset` of a workload takes one.

use crate::scenario::key::origin::Merged;
use crate::scenario::read::merge;
use serde::Deserialize;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

/// Names and texts, by name.
const TEXTS: &[(&str, &str)] = &[
    (
        "bert-base-infer",
        include_str!("../../../data/workloads/bert-base-infer.toml"),
    ),
    (
        "bert-base-train",
        include_str!("../../../data/workloads/bert-base-train.toml"),
    ),
    (
        "cad-heavy",
        include_str!("../../../data/workloads/cad-heavy.toml"),
    ),
    (
        "cad-light",
        include_str!("../../../data/workloads/cad-light.toml"),
    ),
    (
        "cad-medium",
        include_str!("../../../data/workloads/cad-medium.toml"),
    ),
    (
        "densenet121-infer",
        include_str!("../../../data/workloads/densenet121-infer.toml"),
    ),
    (
        "densenet201-infer",
        include_str!("../../../data/workloads/densenet201-infer.toml"),
    ),
    (
        "hpc-nbody",
        include_str!("../../../data/workloads/hpc-nbody.toml"),
    ),
    (
        "inceptionv3-infer",
        include_str!("../../../data/workloads/inceptionv3-infer.toml"),
    ),
    (
        "llama-2-13b-chat",
        include_str!("../../../data/workloads/llama-2-13b-chat.toml"),
    ),
    (
        "llama-2-7b-chat",
        include_str!("../../../data/workloads/llama-2-7b-chat.toml"),
    ),
    (
        "llama-3-8b-chat",
        include_str!("../../../data/workloads/llama-3-8b-chat.toml"),
    ),
    (
        "llama-3-8b-code",
        include_str!("../../../data/workloads/llama-3-8b-code.toml"),
    ),
    (
        "office-knowledge-worker",
        include_str!("../../../data/workloads/office-knowledge-worker.toml"),
    ),
    (
        "office-power-user",
        include_str!("../../../data/workloads/office-power-user.toml"),
    ),
    (
        "office-task-worker",
        include_str!("../../../data/workloads/office-task-worker.toml"),
    ),
    (
        "resnet101-infer",
        include_str!("../../../data/workloads/resnet101-infer.toml"),
    ),
    (
        "resnet152-infer",
        include_str!("../../../data/workloads/resnet152-infer.toml"),
    ),
    (
        "resnet50-infer",
        include_str!("../../../data/workloads/resnet50-infer.toml"),
    ),
    (
        "resnet50-train",
        include_str!("../../../data/workloads/resnet50-train.toml"),
    ),
    (
        "transcode-1080p30",
        include_str!("../../../data/workloads/transcode-1080p30.toml"),
    ),
    (
        "transcode-batch",
        include_str!("../../../data/workloads/transcode-batch.toml"),
    ),
    (
        "vgg19-infer",
        include_str!("../../../data/workloads/vgg19-infer.toml"),
    ),
    (
        "vit-infer",
        include_str!("../../../data/workloads/vit-infer.toml"),
    ),
];

/// What a preset says about itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Preset {
    #[serde(skip)]
    pub name: &'static str,
    /// The file as it is.
    #[serde(skip)]
    pub text: &'static str,
    /// One line.
    pub about: String,
    /// `inference`, `llm`, `training`, `desktop`, `video` or `hpc`.
    pub kind: String,
    /// Where its numbers come from.
    pub sources: Vec<String>,
    /// What has no source.
    pub assumptions: Vec<String>,
    /// Streams of a guest that runs it.
    pub streams: u32,
    /// Jobs that may wait; all of them without it.
    pub queue: Option<u32>,
}

impl Preset {
    /// The table of the workload as the file writes it, without its heading.
    pub fn workload(&self) -> &'static str {
        self.text
            .split_once("[workload]\n")
            .map_or("", |(_, workload)| workload)
    }
}

/// All presets, by name.
///
/// # Errors
///
/// The message for a file that cannot be read; a test reads all of them.
pub fn all() -> Result<Vec<Preset>, String> {
    TEXTS
        .iter()
        .map(|&(name, text)| {
            let preset: Preset =
                toml::from_str(text).map_err(|error| format!("preset {name}: {error}"))?;
            Ok(Preset {
                name,
                text,
                ..preset
            })
        })
        .collect()
}

/// Names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(name, _)| *name)
}

/// Completes the workloads that name a preset. A name that is not known is left for the checks.
pub(crate) fn complete(tree: &mut DeTable<'_>) -> Merged {
    let mut merged = Merged::default();
    let Some(DeValue::Table(workloads)) = tree.get_mut("workloads").map(Spanned::get_mut) else {
        return merged;
    };
    for (_, workload) in workloads.iter_mut() {
        let DeValue::Table(workload) = workload.get_mut() else {
            continue;
        };
        let Some(preset) = workload.get("preset") else {
            continue;
        };
        let DeValue::String(name) = preset.get_ref() else {
            continue;
        };
        let span = preset.span();
        let Some((name, text)) = TEXTS.iter().find(|(known, _)| known == name) else {
            continue;
        };
        let Ok(file) = DeTable::parse(text) else {
            continue;
        };
        let given = file.into_inner().remove("workload");
        if let Some(DeValue::Table(given)) = given.map(Spanned::into_inner) {
            merge::complete(workload, given, (name, span), &mut merged);
        }
    }
    merged
}
