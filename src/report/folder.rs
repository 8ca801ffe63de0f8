//! Results folders: they appear complete or not at all, and never over something that is not ours.
//!
//! A folder is written under a temporary name beside its target, flushed to disk, and renamed. An
//! older results folder is moved aside first and deleted only when the new one is in place; when a
//! step fails, the old one is put back.

use super::figures::Figures;
use super::{comparison, csv, json, text};
use crate::result::{ComparisonResult, Meta, RunResult, ScenarioInfo};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Name of the file that marks a folder as ours.
pub const MARKER: &str = ".warpshare-results";

/// Version of the folder's layout.
const LAYOUT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Marker {
    program: String,
    layout: u32,
}

/// Why a results folder cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The target is a folder without our marker, or no folder: bad input, known before the run.
    #[error("error: {}: {reason}\n  help: {help}", path.display())]
    Target {
        path: PathBuf,
        reason: String,
        help: &'static str,
    },
    /// The file system refused.
    #[error("error: cannot write results: {}: {}", path.display(), explain(source))]
    Io { path: PathBuf, source: io::Error },
    /// A view could not be made.
    #[error("error: cannot write results: {file}: {reason}")]
    View { file: String, reason: String },
}

/// What the usual failures of a file system mean to whoever has to cure them.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to write there".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::NotFound => "no such folder, or none that can be written to".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is a file, not a folder".to_owned(),
        _ => error.to_string(),
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { path, source }
}

/// A view that could not be made.
fn view<E: std::error::Error>(file: &str) -> impl FnOnce(E) -> FolderError {
    let file = file.to_owned();
    move |error| FolderError::View {
        file,
        reason: error.to_string(),
    }
}

/// Checks that results may be written to `target`: it does not exist, is empty, or is a results
/// folder, and the place beside it can be written to (a temporary folder comes and goes there). Called
/// before a run, so that no work is done in vain.
///
/// # Errors
///
/// [`FolderError::Target`] when something else is there, [`FolderError::Io`] when the file system
/// refuses.
pub fn check_target(target: &Path) -> Result<(), FolderError> {
    inspect(target)?;
    let existing = target.ancestors().skip(1).map(here).find(|a| a.is_dir());
    let place = existing.unwrap_or(Path::new("."));
    let probe = temporary("writing", place)?;
    probe.close().map_err(io_error(place))
}

/// A temporary folder of ours; its own name stays out of messages.
fn temporary(purpose: &str, parent: &Path) -> Result<TempDir, FolderError> {
    tempfile::Builder::new()
        .prefix(&format!(".warpshare-{purpose}-"))
        .tempdir_in(parent)
        .map_err(io_error(parent))
}

/// What is at the target, without changing anything.
fn inspect(target: &Path) -> Result<(), FolderError> {
    let refuse = |reason: &str, help| {
        Err(FolderError::Target {
            path: target.to_owned(),
            reason: reason.to_owned(),
            help,
        })
    };
    if target.file_name().is_none() {
        return refuse(
            "not the name of a folder",
            "name a folder of its own, such as results/mine",
        );
    }
    let kind = match fs::symlink_metadata(target) {
        Ok(kind) => kind,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return check_parent(target),
        Err(error) => return Err(io_error(target)(error)),
    };
    if kind.is_symlink() {
        return refuse(
            "is a symbolic link",
            "name the folder itself; a link would be replaced by a folder",
        );
    }
    if !kind.is_dir() {
        return refuse(
            "exists and is not a folder",
            "choose another folder with --out",
        );
    }
    let mut entries = fs::read_dir(target).map_err(io_error(target))?;
    if entries.next().is_none() {
        return Ok(());
    }
    let help = "choose another folder with --out, or empty this one yourself";
    match fs::read_to_string(target.join(MARKER)) {
        Ok(text) => match serde_json::from_str::<Marker>(&text) {
            Ok(_) => Ok(()),
            Err(_) => refuse(
                "exists, and its marker file .warpshare-results is damaged",
                help,
            ),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse("exists and was not written by warpshare", help)
        }
        Err(error) => Err(io_error(&target.join(MARKER))(error)),
    }
}

/// The nearest existing ancestor must be a folder.
fn check_parent(target: &Path) -> Result<(), FolderError> {
    for ancestor in target.ancestors().skip(1) {
        let ancestor = here(ancestor);
        match fs::metadata(ancestor) {
            Ok(kind) if kind.is_dir() => return Ok(()),
            Ok(_) => {
                return Err(FolderError::Target {
                    path: target.to_owned(),
                    reason: format!("{} is a file", ancestor.display()),
                    help: "choose another folder with --out",
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(ancestor)(error)),
        }
    }
    Ok(())
}

/// The parent of a bare name is the current folder.
fn here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

fn parent(target: &Path) -> &Path {
    here(target.parent().unwrap_or(Path::new(".")))
}

/// A results folder in the making, under a temporary name. Dropped without
/// [`publish`](Staging::publish), it disappears.
#[derive(Debug)]
pub struct Staging {
    folder: TempDir,
    target: PathBuf,
}

impl Staging {
    /// Creates the temporary folder beside `target`, and the folders above it where missing.
    ///
    /// # Errors
    ///
    /// Those of [`check_target`], and what the file system refuses.
    pub fn new(target: &Path) -> Result<Staging, FolderError> {
        inspect(target)?;
        let parent = parent(target);
        fs::create_dir_all(parent).map_err(io_error(parent))?;
        let folder = temporary("writing", parent)?;
        Ok(Staging {
            folder,
            target: target.to_owned(),
        })
    }

    /// The temporary folder, for whoever has to remove it when the process is interrupted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes every file of a run's folder but its figures, and flushes each to disk. The figures are drawn into
    /// the folder when it is in its place ([`Figures::draw_into`]).
    ///
    /// # Errors
    ///
    /// What the file system refuses; a view that cannot be made.
    pub fn write(&self, result: &RunResult, figures: &Figures<'_>) -> Result<(), FolderError> {
        self.put("summary.txt", text::to_text(result).as_bytes())?;
        self.json("summary.json", result)?;
        self.tables(csv::tables(result))?;
        let about = ("Results of", &result.scenario, &result.meta);
        let readme = readme(about, &FILES, figures);
        self.finish(&readme, &result.meta)
    }

    /// Writes the folder of a comparison as [`write`](Staging::write) does that of a run.
    ///
    /// # Errors
    ///
    /// What the file system refuses; a view that cannot be made.
    pub fn write_comparison(
        &self,
        result: &ComparisonResult,
        figures: &Figures<'_>,
    ) -> Result<(), FolderError> {
        self.put("summary.txt", comparison::to_text(result).as_bytes())?;
        self.json("comparison.json", result)?;
        self.tables(comparison::tables(result))?;
        let about = ("Comparison of policies on", &result.scenario, &result.meta);
        let readme = readme(about, &COMPARISON_FILES, figures);
        self.finish(&readme, &result.meta)
    }

    fn json<T: Serialize>(&self, name: &str, result: &T) -> Result<(), FolderError> {
        let json = json::to_json(result).map_err(view(name))?;
        self.put(name, json.as_bytes())
    }

    fn tables(&self, tables: Result<Vec<csv::File>, ::csv::Error>) -> Result<(), FolderError> {
        for (name, text) in tables.map_err(view("tables"))? {
            self.put(name, text.as_bytes())?;
        }
        Ok(())
    }

    /// The file that names the others, and the marker.
    fn finish(&self, readme: &str, meta: &Meta) -> Result<(), FolderError> {
        self.put("README.txt", readme.as_bytes())?;
        let marker = Marker {
            program: meta.program.clone(),
            layout: LAYOUT,
        };
        let mut marker = serde_json::to_string(&marker).map_err(view(MARKER))?;
        marker.push('\n');
        self.put(MARKER, marker.as_bytes())?;
        sync_folder(self.path())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        // Messages name the file as the user knows it, not under its temporary name.
        let shown = self.target.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.path().join(name))
            .map_err(io_error(&shown))?;
        file.write_all(bytes).map_err(io_error(&shown))?;
        file.sync_all().map_err(io_error(&shown))
    }

    /// Puts the folder in its place; an older results folder there is replaced.
    ///
    /// # Errors
    ///
    /// When renaming fails; the older folder is then where it was. Something foreign that appeared
    /// at the target since [`Staging::new`] is refused as by [`check_target`].
    pub fn publish(self) -> Result<(), FolderError> {
        let target = self.target;
        inspect(&target)?;
        let parent = parent(&target);
        open_to_others(self.folder.path()).map_err(io_error(&target))?;
        let old = if target.exists() {
            let aside = temporary("replaced", parent)?;
            fs::rename(&target, aside.path().join("old")).map_err(io_error(&target))?;
            Some(aside)
        } else {
            None
        };
        if let Err(source) = fs::rename(self.folder.path(), &target) {
            if let Some(aside) = old
                && let Err(second) = fs::rename(aside.path().join("old"), &target)
            {
                // Not deleted: these are the only copy of the older results.
                let kept = aside.keep().join("old");
                return Err(FolderError::View {
                    file: target.display().to_string(),
                    reason: format!(
                        "{source}; the older results could not be put back ({second}) and are now in {}",
                        kept.display()
                    ),
                });
            }
            return Err(io_error(&target)(source));
        }
        // Renamed away: there is nothing left under the temporary name to remove.
        let _moved = self.folder.keep();
        sync_folder(parent)?;
        if let Some(aside) = old {
            let path = aside.path().to_owned();
            aside.close().map_err(io_error(&path))?;
        }
        Ok(())
    }
}

/// Writes a file of a results folder that appears whole or not at all: aside, then renamed.
pub(super) fn replace_file(file: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let write = || -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".warpshare-writing-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut new = builder.tempfile_in(parent(file))?;
        new.write_all(bytes)?;
        new.as_file().sync_all()?;
        new.persist(file)?;
        Ok(())
    };
    write().map_err(io_error(file))
}

/// Temporary folders are private to their owner; results have the permissions of any new folder.
#[cfg(unix)]
fn open_to_others(folder: &Path) -> io::Result<()> {
    // A sibling made the ordinary way tells what the process's umask asks for.
    let probe = folder.join(".permissions");
    fs::create_dir(&probe)?;
    let permissions = fs::metadata(&probe)?.permissions();
    fs::remove_dir(&probe)?;
    fs::set_permissions(folder, permissions)
}

#[cfg(not(unix))]
fn open_to_others(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes names that were created in a folder durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), FolderError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io_error(folder))
}

/// Folders cannot be opened for flushing here.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), FolderError> {
    Ok(())
}

/// Files of a run's folder beside its figures, and what they hold.
const FILES: [(&str, &str); 9] = [
    ("summary.txt", "what the terminal showed"),
    (
        "summary.json",
        "everything, exactly; format version inside; compare all but \"meta\"",
    ),
    ("guests.csv", "one row per guest group and metric"),
    ("members.csv", "one row per guest and metric"),
    (
        "gpus.csv",
        "one row per GPU, station (SMs, copy engine) and metric",
    ),
    ("timeline.csv", "what the SMs and engines did over time"),
    (
        "latency_histogram.csv",
        "response and service times of all jobs",
    ),
    ("replications.csv", "the same figures for each replication"),
    ("objectives.csv", "what was asked, and whether it holds"),
];

/// The same of a comparison's folder.
const COMPARISON_FILES: [(&str, &str); 6] = [
    ("summary.txt", "what the terminal showed"),
    (
        "comparison.json",
        "everything, exactly; format version inside; compare all but \"meta\"",
    ),
    ("comparison.csv", "one row per metric and policy"),
    (
        "findings.csv",
        "what the checks of each run found: warm-up, overload, too little data, no chance",
    ),
    ("members.csv", "slowdown of each guest under each policy"),
    (
        "turns.csv",
        "turns of the first GPU that is shared in turns, as replication 0 begins",
    ),
];

/// The file that names the files: heading (what, scenario, program), files, and figures.
fn readme(
    (what, scenario, meta): (&str, &ScenarioInfo, &Meta),
    files: &[(&str, &str)],
    figures: &Figures<'_>,
) -> String {
    let mut text = format!(
        "{what} the scenario {} (hash {}), written by {} {}.\n\n",
        scenario.name, scenario.hash, meta.program, meta.version
    );
    let files = files.iter().map(|(name, what)| ((*name).to_owned(), *what));
    let all: Vec<(String, &str)> = files.chain(figures.listed()).collect();
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    for (name, what) in all {
        text.push_str(&format!("{name:<width$}{what}\n"));
    }
    text.push_str(
        "\nTimes are nanoseconds and fractions run from 0 to 1 unless a heading says otherwise.\n\
         docs/metrics.md defines every metric; docs/results.md every file and column.\n",
    );
    text
}
