//! Boards and vGPU types of the user's own, from a TOML file.

use super::columns::{self, Column};
use super::{Catalog, Record};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity, nearest};
use serde_spanned::Spanned;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

impl Catalog {
    /// Adds the boards and vGPU types of a user's TOML file, or changes figures of those that exist.
    ///
    /// `[boards.NAME]` holds columns of the GPU table by name. `like = "a40"` starts from a copy of
    /// that GPU, its vGPU types included; a `NAME` of the catalogue starts from its own row; any
    /// other starts with every figure unknown and must give `architecture`.
    /// `[vgpu_types.BOARD."TYPE"]` does the same for the types of a board, `like` naming another type
    /// of the same board. Figures of the file have the row's `source` text as their source, or the
    /// file and line.
    ///
    /// ```
    /// let mut catalog = warpshare_input::catalog::Catalog::builtin()?;
    /// let file = "[boards.lab]\nlike = \"a40\"\ncopy_engines = 2\n";
    /// catalog.add_user_file("boards.toml", file).expect("well formed");
    /// let lab = catalog.gpu("lab").expect("just added");
    /// assert_eq!(lab.copy_engines, Some(2));
    /// assert_eq!(lab.source_of("copy_engines"), Some("boards.toml:3"));
    /// assert!(catalog.vgpu_type("lab", "A40-4Q").is_some());
    /// # Ok::<(), warpshare_input::catalog::CatalogError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file; the catalogue is then unchanged.
    pub fn add_user_file(
        &mut self,
        path_for_messages: &str,
        text: &str,
    ) -> Result<(), Vec<Diagnostic>> {
        let mut reader = Reader {
            path: path_for_messages,
            text: Arc::from(text),
            catalog: self.clone(),
            found: Diagnostics::default(),
            failed: BTreeSet::new(),
        };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            reader.error(span, error.message().to_owned(), "", None);
        }
        if errors.is_empty() {
            reader.document(document.get_ref());
        }
        reader.found.sort();
        if !reader.found.is_empty() {
            return Err(reader.found.0);
        }
        *self = reader.catalog;
        Ok(())
    }
}

/// A table of the file: a board or a vGPU type.
struct Entry<'t> {
    name: &'t str,
    /// Where the name stands.
    span: Range<usize>,
    table: &'t DeTable<'t>,
    /// The value of `like`.
    like: Option<(&'t str, Range<usize>)>,
}

/// A cell that the user set.
struct Set {
    column: &'static str,
    cell: String,
    span: Range<usize>,
}

struct Reader<'a> {
    path: &'a str,
    text: Arc<str>,
    /// The catalogue with what was read so far; thrown away if anything is wrong.
    catalog: Catalog,
    found: Diagnostics,
    /// Boards, and types as `BOARD TYPE`, that are in error: what is like them needs no message.
    failed: BTreeSet<String>,
}

impl Reader<'_> {
    fn error(&mut self, span: Range<usize>, title: String, label: &str, help: Option<String>) {
        self.found.push(Diagnostic {
            severity: Severity::Error,
            title,
            file: self.path.to_owned(),
            source: Arc::clone(&self.text),
            span: Some(span),
            label: label.to_owned(),
            help,
        });
    }

    /// `FILE:LINE` of a place.
    fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(&self.text);
        format!("{}:{}", self.path, before.matches('\n').count() + 1)
    }

    fn document(&mut self, document: &DeTable<'_>) {
        const SECTIONS: [&str; 2] = ["boards", "vgpu_types"];
        for (key, value) in document {
            let name = key.get_ref().as_ref();
            if !SECTIONS.contains(&name) {
                let help = match nearest(name, SECTIONS) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => {
                        "the file has `[boards.NAME]` and `[vgpu_types.BOARD.\"TYPE\"]`".to_owned()
                    }
                };
                let title = format!("unknown key `{name}`");
                self.error(key.span(), title, "not part of a boards file", Some(help));
            } else if value.get_ref().as_table().is_none() {
                let title = format!("`{name}` is not a table");
                let help = format!("write `[{name}.NAME]` and the columns below it");
                self.error(value.span(), title, "a table is needed", Some(help));
            }
        }
        let section = |name: &str| document.get(name).and_then(|v| v.get_ref().as_table());
        if let Some(boards) = section("boards") {
            let entries = self.entries(boards, "board");
            self.in_order(entries, "board", Reader::board);
        }
        let Some(boards) = section("vgpu_types") else {
            return;
        };
        for (board, types) in boards {
            let id = board.get_ref().as_ref();
            let Some(known) = self.catalog.board_id(id).map(ToOwned::to_owned) else {
                // A board of this file that is itself in error would be reported twice.
                if section("boards").is_none_or(|own| !own.contains_key(id)) {
                    let help = self.catalog.suggest_gpu(id);
                    let help = help.unwrap_or_else(|| format!("add it as `[boards.{id}]`"));
                    let title = format!("there is no board `{id}`");
                    self.error(board.span(), title, "not in the catalogue", Some(help));
                }
                continue;
            };
            match types.get_ref().as_table() {
                Some(types) => {
                    let entries = self.entries(types, "vGPU type");
                    self.in_order(entries, "vGPU type", |reader, entry| {
                        reader.vgpu_type(&known, entry);
                    });
                }
                None => {
                    let title = format!("`vgpu_types.{id}` is not a table");
                    let help = format!("write `[vgpu_types.{id}.\"TYPE\"]`");
                    self.error(types.span(), title, "a table is needed", Some(help));
                }
            }
        }
    }

    /// The tables of a section that can be read at all.
    fn entries<'t>(&mut self, tables: &'t DeTable<'t>, what: &str) -> Vec<Entry<'t>> {
        let mut entries = Vec::new();
        for (key, value) in tables {
            let name = key.get_ref().as_ref();
            let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || !name.chars().all(legal) {
                let title = format!("`{name}` cannot be the name of a {what}");
                let help = "names have letters, digits, `-`, `_` and `.`".to_owned();
                self.error(key.span(), title, "", Some(help));
                continue;
            }
            let Some(table) = value.get_ref().as_table() else {
                let title = format!("{what} `{name}` is not a table");
                let help = "give its columns as keys of a table".to_owned();
                self.error(value.span(), title, "a table is needed", Some(help));
                continue;
            };
            let like = match table.get("like") {
                None => None,
                Some(value) => match value.get_ref().as_str() {
                    Some(like) => Some((like, value.span())),
                    None => {
                        let title = format!("`like` of {what} `{name}` is not a name");
                        let help = format!("name the {what} to start from, in quotes");
                        self.error(value.span(), title, "", Some(help));
                        continue;
                    }
                },
            };
            entries.push(Entry {
                name,
                span: key.span(),
                table,
                like,
            });
        }
        entries
    }

    /// Handles the entries so that each comes after the one it is like.
    fn in_order<'t>(
        &mut self,
        mut waiting: Vec<Entry<'t>>,
        what: &str,
        mut handle: impl FnMut(&mut Self, &Entry<'t>),
    ) {
        while !waiting.is_empty() {
            let names: Vec<&str> = waiting.iter().map(|entry| entry.name).collect();
            let (ready, later): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .partition(|entry| entry.like.as_ref().is_none_or(|(l, _)| !names.contains(l)));
            if ready.is_empty() {
                for entry in &later {
                    if let Some((like, span)) = &entry.like {
                        let title = format!("{what} `{}` is like itself", entry.name);
                        let label = format!("`{like}` leads back to it");
                        let help = format!("start from a {what} of the catalogue");
                        self.error(span.clone(), title, &label, Some(help));
                    }
                }
                return;
            }
            for entry in &ready {
                handle(self, entry);
            }
            waiting = later;
        }
    }

    /// The cells of a table; unknown keys and wrong values are reported.
    fn cells(&mut self, entry: &Entry<'_>, columns: &'static [Column]) -> Vec<Set> {
        let mut cells = Vec::new();
        for (key, value) in entry.table {
            let name = key.get_ref().as_ref();
            if name == "like" {
                continue;
            }
            let Some(column) = columns.iter().find(|column| column.name == name) else {
                self.unknown_column(key, entry, columns);
                continue;
            };
            match column.kind.cell(value.get_ref()) {
                Some(cell) => cells.push(Set {
                    column: column.name,
                    cell,
                    span: key.span(),
                }),
                None => {
                    let title = format!("`{name}` of `{}` has a value it cannot have", entry.name);
                    let expected = format!("expected {}", column.kind.expected());
                    let help = matches!(value.get_ref(), DeValue::String(text)
                        if text.eq_ignore_ascii_case("unknown"))
                    .then(|| "leave the key out: what is not given stays unknown".to_owned());
                    self.error(value.span(), title, &expected, help);
                }
            }
        }
        cells
    }

    fn unknown_column(
        &mut self,
        key: &Spanned<toml::de::DeString<'_>>,
        entry: &Entry<'_>,
        columns: &'static [Column],
    ) {
        let name = key.get_ref().as_ref();
        let names = || columns.iter().map(|c| c.name).chain(["like"]);
        let help = match nearest(name, names()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the columns are {}", names().collect::<Vec<_>>().join(", ")),
        };
        let title = format!("unknown key `{name}` in `{}`", entry.name);
        self.error(key.span(), title, "no such column", Some(help));
    }

    /// The error for `like` beside a name that has a row already.
    fn like_of_existing(&mut self, what: &str, entry: &Entry<'_>) {
        if let Some((_, span)) = &entry.like {
            let title = format!("{what} `{}` exists already", entry.name);
            let help = "leave `like` out to change single figures, or choose another name";
            let label = "only a new one can be like another";
            self.error(span.clone(), title, label, Some(help.to_owned()));
        }
    }

    /// Reports columns that a row without a model must give. Returns whether any is missing.
    fn missing(&mut self, entry: &Entry<'_>, cells: &[Set], required: &[&str], what: &str) -> bool {
        let missing: Vec<String> = required
            .iter()
            .filter(|name| {
                !cells.iter().any(|set| set.column == **name) && !entry.table.contains_key(**name)
            })
            .map(|name| format!("`{name}`"))
            .collect();
        if missing.is_empty() {
            return false;
        }
        let title = format!("{what} `{}` lacks {}", entry.name, missing.join(", "));
        let help = match self.catalog.board_id(entry.name) {
            Some(meant) if what == "board" => {
                format!("write `[boards.{meant}]` to change figures of `{meant}`")
            }
            _ => format!("give the missing keys, or start from another {what} with `like`"),
        };
        self.error(entry.span.clone(), title, "", Some(help));
        true
    }

    fn board(&mut self, entry: &Entry<'_>) {
        let cells = self.cells(entry, columns::GPU);
        let existing = self.catalog.row_of(entry.name);
        let model = match (&entry.like, existing) {
            (Some(_), Some(_)) => return self.like_of_existing("board", entry),
            (Some((like, span)), None) => {
                let id = self.catalog.board_id(like);
                let found = id.and_then(|id| self.catalog.row_of(id));
                if found.is_none() {
                    if self.failed.contains(*like) {
                        self.failed.insert(entry.name.to_owned());
                        return;
                    }
                    let help = self.catalog.suggest_gpu(like);
                    let help =
                        help.unwrap_or_else(|| "`warpshare gpus` lists the catalogue".to_owned());
                    let title = format!("there is no board `{like}`");
                    self.error(span.clone(), title, "not in the catalogue", Some(help));
                    return;
                }
                found
            }
            (None, existing) => existing,
        };
        if model.is_none() && self.missing(entry, &cells, &["architecture"], "board") {
            self.failed.insert(entry.name.to_owned());
            return;
        }
        let table = &self.catalog.gpus;
        let mut record: Vec<String> = match model {
            Some(row) => table.records[row].iter().map(str::to_owned).collect(),
            None => vec![String::new(); table.columns.len()],
        };
        let names: Vec<&str> = table.columns.iter().collect();
        let mut set = |column: &str, cell: &str| {
            if let Some(at) = names.iter().position(|name| *name == column) {
                cell.clone_into(&mut record[at]);
            }
        };
        set("id", entry.name);
        if model.is_none() {
            set("name", entry.name);
        }
        for cell in cells.iter().filter(|cell| cell.column != "source") {
            set(cell.column, &cell.cell);
        }
        let unknown: Vec<&str> = names
            .iter()
            .zip(&record)
            .filter(|(name, cell)| cell.is_empty() && super::is_figure(name))
            .map(|(name, _)| *name)
            .collect();
        let unknown = unknown.join(";");
        if let Some(at) = names.iter().position(|name| *name == "unknown_fields") {
            record[at] = unknown;
        }
        let record = Record::from(record);
        let mut gpu: super::Gpu = match record.deserialize(Some(&table.columns)) {
            Ok(gpu) => gpu,
            Err(error) => {
                let title = format!("board `{}`: {error}", entry.name);
                return self.error(entry.span.clone(), title, "", None);
            }
        };
        if let Some(row) = model {
            gpu.source = table.rows[row].source.clone();
        }
        let own = cells.iter().find(|cell| cell.column == "source");
        for cell in &cells {
            let source = own.map_or_else(|| self.place(cell.span.start), |own| own.cell.clone());
            if super::is_figure(cell.column) {
                gpu.source.set(cell.column, source);
            }
        }
        let measured = cells.iter().any(|cell| cell.column == "memory_gib");
        let from = model.map(|row| table.rows[row].id.clone());
        let names = cells.iter().find(|cell| cell.column == "names");
        let names = names.map_or(String::new(), |cell| cell.cell.clone());
        let inherited = from.as_ref().filter(|_| entry.like.is_some());
        if measured || inherited.is_some_and(|id| self.catalog.own_memory.contains(id)) {
            self.catalog.own_memory.insert(entry.name.to_owned());
        }
        match existing {
            Some(row) => self.catalog.gpus.replace(row, record, gpu),
            None => self.catalog.gpus.push(record, gpu),
        }
        if let (Some(_), Some(from)) = (&entry.like, from) {
            self.catalog.copy_types(&from, entry.name);
            self.catalog.copy_mig(&from, entry.name);
        }
        for name in names.split(columns::LIST).filter(|name| !name.is_empty()) {
            let own = (entry.name.to_owned(), name.to_owned());
            self.catalog.own_names.push(own);
        }
    }

    fn vgpu_type(&mut self, board: &str, entry: &Entry<'_>) {
        let errors_before = self.found.0.len();
        let cells = self.cells(entry, columns::VGPU_TYPE);
        let key = |name: &str| format!("{board} {name}");
        let row_of = |catalog: &Catalog, name: &str| {
            let mut rows = catalog.types.rows.iter();
            rows.position(|t| t.gpu_id == board && t.type_name == name)
        };
        let existing = row_of(&self.catalog, entry.name);
        let model = match (&entry.like, existing) {
            (Some(_), Some(_)) => return self.like_of_existing("vGPU type", entry),
            (Some((like, span)), None) => {
                let named = self.catalog.vgpu_type_named(board, like);
                let found = named.and_then(|t| row_of(&self.catalog, &t.type_name));
                if found.is_none() {
                    if self.failed.contains(&key(like)) {
                        self.failed.insert(key(entry.name));
                        return;
                    }
                    let help = self.catalog.suggest_vgpu_type(board, like);
                    let title = format!("board `{board}` has no vGPU type `{like}`");
                    let label = "`like` names a type of the same board";
                    self.error(span.clone(), title, label, Some(help));
                    return;
                }
                found
            }
            (None, existing) => existing,
        };
        if model.is_none() {
            let mut required = vec!["series", "mode", "frame_buffer_mib", "max_per_gpu"];
            let series = cells.iter().find(|cell| cell.column == "series");
            if series.is_some_and(|cell| matches!(cell.cell.as_str(), "Q" | "C")) {
                required.push("cuda"); // the other series never have it
            }
            self.missing(entry, &cells, &required, "vGPU type");
        }
        if self.found.0.len() > errors_before {
            self.failed.insert(key(entry.name));
            return; // a row with refused cells would only give follow-up errors
        }
        let table = &self.catalog.types;
        let mut record: Vec<String> = match model {
            Some(row) => table.records[row].iter().map(str::to_owned).collect(),
            None => vec![String::new(); table.columns.len()],
        };
        let place = self.place(entry.span.start);
        let mut set = |column: &str, cell: &str| {
            if let Some(at) = table.columns.iter().position(|name| name == column) {
                cell.clone_into(&mut record[at]);
            }
        };
        set("gpu_id", board);
        set("type_name", entry.name);
        for cell in &cells {
            set(cell.column, &cell.cell);
        }
        if !cells.iter().any(|cell| cell.column == "source") {
            let source = match model.map(|row| &table.rows[row]) {
                Some(base) => format!(
                    "{place}; the rest as {}: {}",
                    base.type_name,
                    base.source.as_deref().unwrap_or("unknown")
                ),
                None => place,
            };
            set("source", &source);
        }
        let record = Record::from(record);
        match record.deserialize(Some(&table.columns)) {
            Ok(row) => match existing {
                Some(at) => self.catalog.types.replace(at, record, row),
                None => self.catalog.types.push(record, row),
            },
            Err(error) => {
                let title = format!("vGPU type `{}`: {error}", entry.name);
                self.error(entry.span.clone(), title, "", None);
            }
        }
    }
}
