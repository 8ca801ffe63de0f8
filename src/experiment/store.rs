//! Keeps outcomes, so that what was simulated once is not simulated again: within one command in memory, from one
//! command to the next in a folder.
//!
//! A file of a folder is a gzip stream of two lines of JSON: a header that says which program wrote it in which
//! format and under which key, and the outcome. All its numbers are integers, so that what is read back is what was
//! written, to the bit. A file appears complete or not at all; one that another version wrote, or that is damaged, is
//! named in [`Store::remarks`] and replaced.

use super::Task;
use super::outcome::{Key, Outcome};
use crate::result::PROGRAM;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Changes with what an outcome holds, and whenever the same model gives other numbers.
const FORMAT: u32 = 1;

/// The file that makes a folder a store.
const MARKER: &str = ".warpshare-store";

/// Where outcomes are kept; results never depend on it.
#[derive(Debug)]
pub struct Store {
    place: Place,
    /// Whether it keeps those of cells too, or only baselines.
    cells: bool,
    taken: AtomicU64,
    simulated: AtomicU64,
    remarks: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
enum Place {
    Nowhere,
    /// As they would be in files: small, and the same in every respect.
    Memory(Mutex<BTreeMap<Key, Vec<u8>>>),
    Folder(PathBuf),
}

impl Store {
    fn new(place: Place, cells: bool) -> Self {
        Store {
            place,
            cells,
            taken: AtomicU64::new(0),
            simulated: AtomicU64::new(0),
            remarks: Mutex::default(),
        }
    }

    /// Keeps nothing.
    pub fn nothing() -> Self {
        Store::new(Place::Nowhere, false)
    }

    /// Keeps everything as long as it lives.
    pub fn in_memory() -> Self {
        Store::new(Place::Memory(Mutex::default()), true)
    }

    /// Keeps baselines as long as it lives: what runs of the same guests under several policies have in common.
    pub fn of_baselines() -> Self {
        Store::new(Place::Memory(Mutex::default()), false)
    }

    /// Keeps everything in a folder, which is made if it does not exist.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made, or has files in it and is no store.
    pub fn open(folder: &Path) -> io::Result<Self> {
        if folder.exists() && !folder.is_dir() {
            return Err(io::Error::other("it is a file, where a folder is wanted"));
        }
        fs::create_dir_all(folder)?;
        let marker = folder.join(MARKER);
        if !marker.exists() {
            if fs::read_dir(folder)?.next().is_some() {
                return Err(io::Error::other(
                    "the folder has files in it and is no store of warpshare",
                ));
            }
            fs::write(marker, "What tasks of warpshare found; may be deleted.\n")?;
        }
        Ok(Store::new(Place::Folder(folder.to_owned()), true))
    }

    /// How many outcomes were there.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many had to be simulated.
    pub fn simulated(&self) -> u64 {
        self.simulated.load(Ordering::Relaxed)
    }

    /// What could not be used or written, in the order of the text.
    pub fn remarks(&self) -> Vec<String> {
        locked(&self.remarks).iter().cloned().collect()
    }

    /// Whether it keeps anything at all.
    pub(super) fn keeps_something(&self) -> bool {
        !matches!(self.place, Place::Nowhere)
    }

    pub(super) fn keeps(&self, task: Task) -> bool {
        self.keeps_something() && (self.cells || matches!(task, Task::Alone { .. }))
    }

    pub(super) fn get(&self, key: &Key) -> Option<Outcome> {
        let found = match &self.place {
            Place::Nowhere => None,
            Place::Memory(known) => {
                let bytes = locked(known).get(key).cloned()?;
                decode(key, &bytes).ok()
            }
            Place::Folder(folder) => self.read(&path(folder, key), key),
        };
        self.taken
            .fetch_add(u64::from(found.is_some()), Ordering::Relaxed);
        found
    }

    fn read(&self, path: &Path, key: &Key) -> Option<Outcome> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                self.remark(path, &format!("{error}; simulated again"));
                return None;
            }
        };
        match decode(key, &bytes) {
            Ok(outcome) => Some(outcome),
            Err(Unusable::Stale) => {
                self.remark(path, "written by another version; simulated again");
                None
            }
            Err(Unusable::Damaged) => {
                self.remark(path, "damaged; simulated again");
                None
            }
        }
    }

    /// Keeps what a task has found.
    pub(super) fn put(&self, key: Key, outcome: &Outcome) {
        self.simulated.fetch_add(1, Ordering::Relaxed);
        let kept = encode(&key, outcome).and_then(|bytes| match &self.place {
            Place::Nowhere => Ok(()),
            Place::Memory(known) => {
                locked(known).insert(key, bytes);
                Ok(())
            }
            Place::Folder(folder) => write(&path(folder, &key), &bytes),
        });
        // The outcome is known all the same: a disk that is full costs the next command time, not this one its
        // result.
        if let (Err(error), Place::Folder(folder)) = (kept, &self.place) {
            self.remark(folder, &format!("cannot be written to: {error}"));
        }
    }

    fn remark(&self, path: &Path, what: &str) {
        locked(&self.remarks).insert(format!("{}: {what}", path.display()));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In a folder for each of 256 parts: some file systems are slow with very many files in one.
fn path(folder: &Path, key: &Key) -> PathBuf {
    let (part, rest) = key.as_str().split_at(2);
    folder.join(part).join(format!("{rest}.gz"))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".outcome-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// The first line of a file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    format: u32,
    program: String,
    key: String,
}

impl Header {
    fn new(key: &Key) -> Self {
        Header {
            format: FORMAT,
            program: format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION")),
            key: key.as_str().to_owned(),
        }
    }
}

/// Why a file is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unusable {
    /// Of another version of the program or of the format.
    Stale,
    Damaged,
}

fn encode(key: &Key, outcome: &Outcome) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    serde_json::to_writer(&mut out, &Header::new(key))?;
    out.write_all(b"\n")?;
    serde_json::to_writer(&mut out, outcome)?;
    out.finish()
}

fn decode(key: &Key, bytes: &[u8]) -> Result<Outcome, Unusable> {
    let mut text = Vec::new();
    let read = GzDecoder::new(bytes).read_to_end(&mut text);
    read.map_err(|_| Unusable::Damaged)?;
    let mut lines = text.splitn(2, |&byte| byte == b'\n');
    let (Some(header), Some(outcome)) = (lines.next(), lines.next()) else {
        return Err(Unusable::Damaged);
    };
    let header: Header = serde_json::from_slice(header).map_err(|_| Unusable::Damaged)?;
    let expected = Header::new(key);
    if header.key != expected.key {
        return Err(Unusable::Damaged);
    }
    if header != expected {
        return Err(Unusable::Stale);
    }
    serde_json::from_slice(outcome).map_err(|_| Unusable::Damaged)
}

#[cfg(test)]
mod tests;
