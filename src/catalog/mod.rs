//! Physical GPUs, their MIG profiles and vGPU types, with the sources of every figure.
//!
//! The tables of `data/` are part of the program ([`Catalog::builtin`]). Users add boards and types
//! of their own, or change figures, with a TOML file ([`Catalog::add_user_file`]). A figure without
//! a public source is `None`: whoever needs it either has a stated rule for it or reports it
//! missing.
//!
//! This module knows what exists, not what may be combined: that is [`crate::vgpu`] and
//! [`crate::mig`].

mod cells;
mod columns;
mod compute_instance;
mod gpu;
mod mig_profile;
mod names;
mod nearest;
mod sources;
mod suggest;
mod user;
mod vgpu_type;

pub use compute_instance::ComputeInstanceProfile;
pub use gpu::Gpu;
pub use mig_profile::{Confidence, MediaExtensions, MigProfile, ProfileAlias};
pub use sources::{FieldSources, Source, source_keys};
pub use vgpu_type::{Mode, Series, VgpuType};

use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The texts of the tables.
#[derive(Clone, Copy)]
struct Texts<'a> {
    gpus: &'a str,
    vgpu_types: &'a str,
    mig_profiles: &'a str,
    profile_aliases: &'a str,
    compute_instances: &'a str,
    aliases: &'a str,
    names: &'a str,
    sources: &'a str,
}

const BUILTIN: Texts<'static> = Texts {
    gpus: include_str!("../../data/gpus.csv"),
    vgpu_types: include_str!("../../data/vgpu_types.csv"),
    mig_profiles: include_str!("../../data/mig_profiles.csv"),
    profile_aliases: include_str!("../../data/mig_profile_aliases.csv"),
    compute_instances: include_str!("../../data/mig_compute_instances.csv"),
    aliases: include_str!("../../data/gpu_id_aliases.csv"),
    names: include_str!("../../data/gpu_names.csv"),
    sources: include_str!("../../data/sources.csv"),
};

/// Why a table of the catalogue could not be read. With the tables that come with the program this
/// is a defect of the program.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("{table}, line {line}: {cause}")]
    Row {
        table: &'static str,
        line: u64,
        cause: String,
    },
    #[error("{table}: `{key}` stands there twice")]
    Duplicate { table: &'static str, key: String },
    #[error("{table}: `{key}` is in no other table")]
    NoSuchRow { table: &'static str, key: String },
}

/// A row of one table: its cells by the table's columns. User files start from such rows.
type Record = csv::StringRecord;

/// One table: typed rows beside the cells that they were read from.
#[derive(Debug, Clone)]
struct Table<T> {
    columns: Record,
    records: Vec<Record>,
    rows: Vec<T>,
}

impl<T> Table<T> {
    fn push(&mut self, record: Record, row: T) {
        self.records.push(record);
        self.rows.push(row);
    }

    fn replace(&mut self, at: usize, record: Record, row: T) {
        self.records[at] = record;
        self.rows[at] = row;
    }
}

/// Whether a column of `gpus.csv` holds a figure: something that a source stands behind and that
/// `unknown_fields` names where it is empty.
fn is_figure(column: &str) -> bool {
    const OTHERS: [&str; 7] = [
        "id",
        "name",
        "names",
        "pci_device_id",
        "unknown_fields",
        "source",
        "notes",
    ];
    !OTHERS.contains(&column)
}

/// GPUs, MIG profiles, vGPU types and sources.
#[derive(Debug, Clone)]
pub struct Catalog {
    gpus: Table<Gpu>,
    types: Table<VgpuType>,
    mig_profiles: Vec<MigProfile>,
    compute_instances: Vec<ComputeInstanceProfile>,
    sources: BTreeMap<String, Source>,
    /// Spelling of a GPU in `vgpu_types.csv` → catalogue id, `None` for GPUs without a row.
    aliases: BTreeMap<String, Option<String>>,
    /// What programs call the GPUs of the program's table.
    names: Vec<names::NameRow>,
    /// GPU and a name that a user's file gives it.
    own_names: Vec<(String, String)>,
    /// GPUs whose memory is a user's figure.
    own_memory: BTreeSet<String>,
}

#[derive(Debug, serde::Deserialize)]
struct Alias {
    vgpu_types_gpu_id: String,
    gpu_id: Option<String>,
}

impl Catalog {
    /// The catalogue that is part of the program. Its tables are read once; who checks many scenarios
    /// copies what they say.
    ///
    /// # Errors
    ///
    /// [`CatalogError`] if an embedded table is malformed; the tests read all of them.
    pub fn builtin() -> Result<Catalog, CatalogError> {
        static READ: OnceLock<Catalog> = OnceLock::new();
        if let Some(catalog) = READ.get() {
            return Ok(catalog.clone());
        }
        let catalog = Catalog::from_tables(BUILTIN)?;
        Ok(READ.get_or_init(|| catalog).clone())
    }

    fn from_tables(texts: Texts<'_>) -> Result<Catalog, CatalogError> {
        let gpus: Table<Gpu> = read("gpus.csv", texts.gpus)?;
        unique("gpus.csv", gpus.rows.iter().map(|gpu| gpu.id.clone()))?;

        let alias_rows: Table<Alias> = read("gpu_id_aliases.csv", texts.aliases)?;
        let spellings = alias_rows.rows.iter().map(|a| a.vgpu_types_gpu_id.clone());
        unique("gpu_id_aliases.csv", spellings)?;
        let aliases: BTreeMap<_, _> = alias_rows
            .rows
            .into_iter()
            .map(|alias| (alias.vgpu_types_gpu_id, alias.gpu_id))
            .collect();

        let mut types: Table<VgpuType> = read("vgpu_types.csv", texts.vgpu_types)?;
        for vgpu_type in &mut types.rows {
            if let Some(Some(id)) = aliases.get(&vgpu_type.gpu_id) {
                vgpu_type.gpu_id.clone_from(id);
            }
        }
        let keys = types.rows.iter();
        let keys = keys.map(|row| format!("{} {}", row.gpu_id, row.type_name));
        unique("vgpu_types.csv", keys)?;

        let mut mig_profiles = read::<MigProfile>("mig_profiles.csv", texts.mig_profiles)?.rows;
        let keys = mig_profiles.iter();
        let keys = keys.map(|row| format!("{} {}", row.gpu_id, row.profile));
        unique("mig_profiles.csv", keys)?;

        let table = "mig_profile_aliases.csv";
        let names = read::<ProfileAlias>(table, texts.profile_aliases)?.rows;
        unique(
            table,
            names
                .iter()
                .map(|row| format!("{} {}", row.gpu_id, row.alias)),
        )?;
        for name in names {
            let of =
                |row: &&mut MigProfile| row.gpu_id == name.gpu_id && row.profile == name.profile;
            match mig_profiles.iter_mut().find(of) {
                Some(row) => row.aliases.push(name),
                None => {
                    let key = format!("{} {}", name.gpu_id, name.profile);
                    return Err(CatalogError::NoSuchRow { table, key });
                }
            }
        }

        let table = "mig_compute_instances.csv";
        let compute_instances =
            read::<ComputeInstanceProfile>(table, texts.compute_instances)?.rows;
        let keys = compute_instances.iter().map(|row| {
            let id = row.ci_profile_id.map_or(String::new(), |id| id.to_string());
            format!("{} {} {} {id}", row.gpu_id, row.gi_profile, row.ci_profile)
        });
        unique(table, keys)?;

        let names = read::<names::NameRow>("gpu_names.csv", texts.names)?.rows;
        let keys = names
            .iter()
            .map(|row| format!("{:?} {}", row.kind, row.name));
        unique("gpu_names.csv", keys)?;

        let source_rows: Table<Source> = read("sources.csv", texts.sources)?;
        let keys = source_rows.rows.iter().map(|source| source.key.clone());
        unique("sources.csv", keys)?;
        let sources = source_rows
            .rows
            .into_iter()
            .map(|source| (source.key.clone(), source))
            .collect();

        Ok(Catalog {
            gpus,
            types,
            mig_profiles,
            compute_instances,
            sources,
            aliases,
            names,
            own_names: Vec::new(),
            own_memory: BTreeSet::new(),
        })
    }

    /// All GPUs: those of the program in the order of its table, then the user's.
    pub fn gpus(&self) -> &[Gpu] {
        &self.gpus.rows
    }

    /// The GPU with exactly this id.
    pub fn gpu(&self, id: &str) -> Option<&Gpu> {
        self.gpus.rows.iter().find(|gpu| gpu.id == id)
    }

    /// Where the GPU with exactly this id stands in the table.
    fn row_of(&self, id: &str) -> Option<usize> {
        self.gpus.rows.iter().position(|gpu| gpu.id == id)
    }

    /// The vGPU types of a GPU, in the order of the table; empty for GPUs without any.
    pub fn vgpu_types(&self, gpu_id: &str) -> impl Iterator<Item = &VgpuType> {
        self.types.rows.iter().filter(move |t| t.gpu_id == gpu_id)
    }

    /// Ids of all GPUs with vGPU types, in the order of the table. Some have no row of their own
    /// in [`Catalog::gpus`].
    pub fn gpus_with_vgpu_types(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        for vgpu_type in &self.types.rows {
            if !ids.contains(&vgpu_type.gpu_id.as_str()) {
                ids.push(&vgpu_type.gpu_id);
            }
        }
        ids
    }

    /// The vGPU type of a GPU with exactly this name, such as `A40-4Q`, or with this number, as the
    /// driver (`558`) and its mediated devices (`nvidia-558`) give it.
    ///
    /// ```
    /// let catalog = warpshare_input::catalog::Catalog::builtin()?;
    /// let by_id = catalog.vgpu_type("a40", "nvidia-558").expect("a type of the board");
    /// assert_eq!(by_id.vgpu_type_id, Some(558));
    /// assert_eq!(catalog.vgpu_type("t4", "nvidia-558"), None);
    /// # Ok::<(), warpshare_input::catalog::CatalogError>(())
    /// ```
    pub fn vgpu_type(&self, gpu_id: &str, type_name: &str) -> Option<&VgpuType> {
        let named = self.vgpu_types(gpu_id).find(|t| t.type_name == type_name);
        named.or_else(|| {
            let id = type_name.strip_prefix("nvidia-").unwrap_or(type_name);
            let id: u32 = id.parse().ok()?;
            self.vgpu_types(gpu_id).find(|t| t.vgpu_type_id == Some(id))
        })
    }

    /// The GPU-instance profiles of a GPU, in the order of the table; empty for GPUs without MIG.
    pub fn mig_profiles(&self, gpu_id: &str) -> impl Iterator<Item = &MigProfile> {
        self.mig_profiles.iter().filter(move |p| p.gpu_id == gpu_id)
    }

    /// The compute-instance profiles inside one GPU-instance profile, in the order of the table;
    /// empty for GPUs whose list is not known.
    pub fn compute_instance_profiles(
        &self,
        gpu_id: &str,
        gi_profile: &str,
    ) -> impl Iterator<Item = &ComputeInstanceProfile> {
        self.compute_instances
            .iter()
            .filter(move |c| c.gpu_id == gpu_id && c.gi_profile == gi_profile)
    }

    /// Ids of all GPUs with MIG profiles, in the order of the table.
    ///
    /// ```
    /// let catalog = warpshare_input::catalog::Catalog::builtin()?;
    /// assert!(catalog.gpus_with_mig().contains(&"a30"));
    /// assert!(!catalog.gpus_with_mig().contains(&"a40"));
    /// # Ok::<(), warpshare_input::catalog::CatalogError>(())
    /// ```
    pub fn gpus_with_mig(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        for profile in &self.mig_profiles {
            if !ids.contains(&profile.gpu_id.as_str()) {
                ids.push(&profile.gpu_id);
            }
        }
        ids
    }

    /// The sources that a free `source` cell names, such as that of a MIG profile, in the order of
    /// the cell and each once.
    pub fn sources_named_in(&self, cell: &str) -> Vec<&Source> {
        let mut found: Vec<&Source> = Vec::new();
        for word in cell.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
            if let Some(source) = self.source(word)
                && found.iter().all(|known| known.key != source.key)
            {
                found.push(source);
            }
        }
        found
    }

    /// The source with this key.
    pub fn source(&self, key: &str) -> Option<&Source> {
        self.sources.get(key)
    }

    /// All sources by key.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.values()
    }

    /// Frame buffer that the vGPU manager divides on this GPU, in MiB; `None` if its memory is
    /// unknown.
    ///
    /// That is the GPU's memory. Two built-in GPUs have a type that is nominally larger: the name of
    /// GB200-189C dates from before production, when the GPU listed 189 GiB and not 186, and
    /// B300X-269C rounds up. There the documented type counts: a type that may exist once fits. A
    /// user's `memory_gib` stands as it is.
    pub fn frame_buffer_mib(&self, gpu_id: &str) -> Option<u64> {
        let gpu = self.gpu(gpu_id)?;
        let memory = (gpu.memory_gib? * 1024.0) as u64; // whole MiB, rounded down
        if self.own_memory.contains(gpu_id) {
            return Some(memory);
        }
        let largest = self
            .vgpu_types(gpu_id)
            .filter(|t| t.mode == Mode::TimeSliced && t.max_per_gpu == Some(1))
            .map(|t| t.frame_buffer_mib)
            .max();
        Some(memory.max(largest.unwrap_or(0)))
    }

    /// Gives GPU `to` the MIG profiles of GPU `from`.
    fn copy_mig(&mut self, from: &str, to: &str) {
        let profiles: Vec<MigProfile> = self.mig_profiles(from).cloned().collect();
        self.mig_profiles
            .extend(profiles.into_iter().map(|profile| MigProfile {
                gpu_id: to.to_owned(),
                ..profile
            }));
        let inside = self.compute_instances.iter().filter(|c| c.gpu_id == from);
        let inside: Vec<ComputeInstanceProfile> = inside.cloned().collect();
        self.compute_instances
            .extend(inside.into_iter().map(|profile| ComputeInstanceProfile {
                gpu_id: to.to_owned(),
                ..profile
            }));
    }

    /// Gives GPU `to` the vGPU types of GPU `from`.
    fn copy_types(&mut self, from: &str, to: &str) {
        let rows: Vec<usize> = (0..self.types.rows.len())
            .filter(|&row| self.types.rows[row].gpu_id == from)
            .collect();
        for row in rows {
            let mut vgpu_type = self.types.rows[row].clone();
            to.clone_into(&mut vgpu_type.gpu_id);
            self.types.push(self.types.records[row].clone(), vgpu_type);
        }
    }
}

/// Reads a CSV table into typed rows.
fn read<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<Table<T>, CatalogError> {
    let fail = |line: u64, cause: csv::Error| CatalogError::Row {
        table,
        line,
        cause: cause.to_string(),
    };
    // Rows of unequal length are errors: the reader is not flexible.
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().map_err(|e| fail(1, e))?.clone();
    let mut records = Vec::new();
    let mut rows = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(|e| fail(e.position().map_or(0, csv::Position::line), e))?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(
            record
                .deserialize(Some(&columns))
                .map_err(|e| fail(line, e))?,
        );
        records.push(record);
    }
    Ok(Table {
        columns,
        records,
        rows,
    })
}

fn unique(table: &'static str, keys: impl Iterator<Item = String>) -> Result<(), CatalogError> {
    let mut seen = std::collections::BTreeSet::new();
    for key in keys {
        if let Some(key) = seen.replace(key) {
            return Err(CatalogError::Duplicate { table, key });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_unequal_length_are_refused() {
        let error = read::<Alias>("x.csv", "vgpu_types_gpu_id,gpu_id\na,b\nc\n").unwrap_err();
        assert!(
            matches!(error, CatalogError::Row { line: 3, .. }),
            "{error}"
        );
    }

    #[test]
    fn cells_of_the_wrong_kind_are_refused_with_their_line() {
        let gpus = &BUILTIN.gpus.replacen(",108,", ",many,", 1);
        let error = Catalog::from_tables(Texts { gpus, ..BUILTIN }).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("gpus.csv, line 2: "), "{text}");
        assert!(
            text.contains("sm_count") || text.contains("field 7"),
            "{text}"
        );
    }

    #[test]
    fn duplicate_keys_are_refused() {
        let sources = &format!("{}TPU,a,b,c,d,e\n", BUILTIN.sources);
        let error = Catalog::from_tables(Texts { sources, ..BUILTIN }).unwrap_err();
        assert!(
            matches!(&error, CatalogError::Duplicate { key, .. } if key == "TPU"),
            "{error}"
        );
    }

    #[test]
    fn an_empty_cuda_cell_is_refused_where_the_series_has_no_rule() {
        let vgpu_types = &BUILTIN
            .vgpu_types
            .replacen(",60,1,,,,vWS", ",60,,,,,vWS", 1);
        assert_ne!(vgpu_types, BUILTIN.vgpu_types);
        let texts = Texts {
            vgpu_types,
            ..BUILTIN
        };
        let error = Catalog::from_tables(texts).unwrap_err();
        assert!(error.to_string().contains("`cuda`"), "{error}");
    }

    #[test]
    fn malformed_mig_rows_are_refused() {
        for (good, bad, said) in [
            (",0;4,4,8,", ",0;x,4,8,", "`x` is not a whole number"),
            (",none,no,", ",some,no,", "unknown variant `some`"),
            (",none,no,", ",none,,", "`yes` or `no` is needed"),
        ] {
            let mig_profiles = &BUILTIN.mig_profiles.replacen(good, bad, 1);
            assert_ne!(mig_profiles, BUILTIN.mig_profiles);
            let texts = Texts {
                mig_profiles,
                ..BUILTIN
            };
            let error = Catalog::from_tables(texts).unwrap_err().to_string();
            assert!(error.starts_with("mig_profiles.csv, line "), "{error}");
            assert!(error.contains(said), "{error}");
        }
    }
}
