//! By what names boards and vGPU types are known: identifiers, and what `nvidia-smi` and NVML print.
//!
//! The names are data: `data/gpu_names.csv`, the `name` column of `data/gpus.csv`, the spellings of
//! `data/gpu_id_aliases.csv`, and `names` in a user's boards file.

use super::cells;
use super::{Catalog, Gpu, VgpuType};
use serde::Deserialize;

/// The maker's word, which programs print or leave out.
const MAKER: &str = "nvidia ";

/// What a row of `gpu_names.csv` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Kind {
    /// A name of the board that programs print.
    #[serde(rename = "name")]
    Name,
    /// A PCI device id beside the one of `gpus.csv`.
    #[serde(rename = "pci")]
    Pci,
    /// Words that the driver prints before the names of vGPU types; of all boards if none is named.
    #[serde(rename = "type-prefix")]
    TypePrefix,
}

/// A row of `gpu_names.csv`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct NameRow {
    pub(super) gpu_id: Option<String>,
    pub(super) kind: Kind,
    #[serde(deserialize_with = "cells::text")]
    pub(super) name: String,
}

impl Catalog {
    /// Identifier of the board that `text` names: a board with a row of its own, or one that is known
    /// by its vGPU types only. Understood are identifiers and the names that programs print, upper and
    /// lower case alike, with or without the maker's name.
    ///
    /// ```
    /// let catalog = warpshare_input::catalog::Catalog::builtin()?;
    /// assert_eq!(catalog.board_id("a40"), Some("a40"));
    /// assert_eq!(catalog.board_id("Tesla T4"), Some("t4"));
    /// assert_eq!(catalog.board_id("nvidia h100 80gb hbm3"), Some("h100-sxm5-80gb"));
    /// assert_eq!(catalog.board_id("a100"), None); // four boards: which one?
    /// # Ok::<(), warpshare_input::catalog::CatalogError>(())
    /// ```
    pub fn board_id(&self, text: &str) -> Option<&str> {
        if let Some(gpu) = self.gpu(text) {
            return Some(&gpu.id);
        }
        let wanted = key(text);
        let same = |name: &str| key(name) == wanted;
        let own = self.own_names.iter().rev();
        let own = own
            .filter(|(_, name)| same(name))
            .map(|(id, _)| id.as_str());
        let gpus = &self.gpus.rows;
        let by_id = gpus.iter().filter(|gpu| same(&gpu.id)).map(|gpu| &*gpu.id);
        let by_name = gpus.iter().filter(|gpu| same(&gpu.name));
        let printed = self.printed(Kind::Name);
        let printed = printed.filter(|(_, name)| same(name)).map(|(id, _)| id);
        let spelt = self.aliases.iter().filter(|(spelling, _)| same(spelling));
        let types = self.types.rows.iter();
        let types = types.map(|t| t.gpu_id.as_str()).filter(|id| same(id));
        own.chain(by_id)
            .chain(by_name.map(|gpu| &*gpu.id))
            .chain(printed)
            .chain(spelt.map(|(spelling, id)| id.as_deref().unwrap_or(spelling)))
            .chain(types)
            .next()
    }

    /// The GPU that `text` names; see [`Catalog::board_id`].
    pub fn gpu_named(&self, text: &str) -> Option<&Gpu> {
        self.gpu(self.board_id(text)?)
    }

    /// Names of a GPU that programs print beside its `name`, the user's first.
    pub fn names_of<'a>(&'a self, gpu_id: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self.own_names.iter();
        let own = own.map(|(id, name)| (id.as_str(), name.as_str()));
        own.chain(self.printed(Kind::Name))
            .filter(move |(id, _)| *id == gpu_id)
            .map(|(_, name)| name)
    }

    /// PCI device ids of a GPU, four hexadecimal digits each: its own, and those of variants.
    pub fn pci_device_ids<'a>(&'a self, gpu_id: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self
            .gpu(gpu_id)
            .and_then(|gpu| gpu.pci_device_id.as_deref());
        let further = self.printed(Kind::Pci).filter(move |(id, _)| *id == gpu_id);
        own.into_iter().chain(further.map(|(_, id)| id))
    }

    /// The vGPU type of a GPU that `text` names: as the driver prints it, upper and lower case alike,
    /// with or without the words that it puts before (`NVIDIA A40-4Q`, `GRID T4-1Q`).
    ///
    /// ```
    /// let catalog = warpshare_input::catalog::Catalog::builtin()?;
    /// let found = catalog.vgpu_type_named("a40", "nvidia a40-4q").expect("it has one");
    /// assert_eq!(found.type_name, "A40-4Q");
    /// # Ok::<(), warpshare_input::catalog::CatalogError>(())
    /// ```
    pub fn vgpu_type_named(&self, gpu_id: &str, text: &str) -> Option<&VgpuType> {
        self.vgpu_type(gpu_id, text).or_else(|| {
            let wanted = self.bare_type(gpu_id, text);
            let mut types = self.vgpu_types(gpu_id);
            types.find(|t| t.type_name.eq_ignore_ascii_case(wanted))
        })
    }

    /// The name of a type without what the driver prints before it.
    pub(super) fn bare_type<'t>(&self, gpu_id: &str, text: &'t str) -> &'t str {
        let text = text.trim();
        // The longest that fits: those of one board begin with the maker's, which is of all boards.
        let prefixes = self.names.iter().filter(|row| {
            row.kind == Kind::TypePrefix && row.gpu_id.as_deref().is_none_or(|id| id == gpu_id)
        });
        prefixes
            .filter_map(|row| {
                let (head, rest) = text.split_at_checked(row.name.len())?;
                let fits = head.eq_ignore_ascii_case(&row.name) && rest.starts_with(' ');
                fits.then(|| rest.trim_start())
            })
            .min_by_key(|rest| rest.len())
            .unwrap_or(text)
    }

    fn printed(&self, kind: Kind) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().filter_map(move |row| {
            let id = row.gpu_id.as_deref()?;
            (row.kind == kind).then_some((id, row.name.as_str()))
        })
    }
}

/// Lower case, single blanks, without the maker.
fn key(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ").to_ascii_lowercase();
    text.strip_prefix(MAKER).unwrap_or(&text).to_owned()
}
