//! Where the values of a scenario come from.

use std::ops::Range;

/// One resolved value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Dotted path, such as `gpus.a.share.slice`.
    pub path: String,
    /// In the units of the scenario language, such as `2ms`.
    pub value: String,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Written in the scenario file, at this line.
    File { line: usize },
    /// From the preset of a workload; with a line, that of a table of the file that the preset completes.
    Preset { preset: String, line: Option<usize> },
    /// From `--set`, `--seed` or `--replications`.
    CommandLine,
    /// From the file that a `config` key names; the key's value.
    Configuration { source: String },
    /// From the catalogue; the source key or table.
    Catalogue { source: String },
    /// The language's default; no claim about hardware.
    Default,
    /// A named assumption about hardware, with its evidence.
    Assumption { key: String, evidence: String },
}

/// What came from presets: for `--explain`, and for what is wrong with `replace`.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    /// Places of `preset` keys, which all that comes from them has, and the names of the presets.
    pub presets: Vec<(Range<usize>, String)>,
    /// Places of the scenario's own tables that a preset has completed, and its name.
    pub completed: Vec<(Range<usize>, String)>,
    /// Entries of `replace` that are no part of the preset: place, entry, and the parts that there are.
    pub unknown: Vec<(Range<usize>, String, Vec<String>)>,
}
