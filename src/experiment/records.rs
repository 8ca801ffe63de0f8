//! The optional file with one row for each job.
//!
//! Every cell of every replication writes a part of its own beside the file; at the end the parts
//! are joined in order, and the file appears complete or not at all.

use super::RunError;
use crate::scenario::Scenario;
use crate::sim::{Instance, JobEnd, Layout, Observer, Schedule};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Columns of the file of job records, and what each holds. Instants are nanoseconds from the start of the
/// replication; `queue_ns` to `outside_ns` are the parts of the job's life along its critical path, and add up to
/// `ended_ns` less `arrival_ns`.
pub const RECORD_COLUMNS: &[(&str, &str)] = &[
    ("replication", "from 0"),
    ("guest", "name of the group in the scenario"),
    ("ordinal", "which guest of the group, from 0"),
    (
        "job",
        "which job of the guest, from 0, in the order of arrival",
    ),
    (
        "measured",
        "1 if it arrived in the window and counts in the metrics, 0 if before or after",
    ),
    ("arrival_ns", "when it arrived"),
    ("started_ns", "when a stream of the guest took it"),
    ("ended_ns", "when it ended"),
    ("queue_ns", "waiting for a stream of the guest"),
    (
        "slice_wait_ns",
        "work ready, another tenant (or nobody) on the SMs",
    ),
    ("switch_ns", "context switches towards the guest"),
    ("gpu_ns", "on the SMs"),
    ("copy_ns", "copying, with the wait for a copy engine"),
    ("host_ns", "on host cores, with the wait for one"),
    ("engine_ns", "on media engines, with the wait for one"),
    ("outside_ns", "in the network and at the client"),
];

/// The file to be.
pub(super) struct RecordFile {
    target: PathBuf,
    /// Holds the parts; removed with everything in it when dropped.
    parts: tempfile::TempDir,
    names: Vec<String>,
}

/// One part of it.
pub(super) struct RecordPart {
    replication: u32,
    names: Vec<String>,
    writer: csv::Writer<BufWriter<File>>,
}

/// Observes a cell and writes a row for each job that ends.
pub(super) struct Rows {
    guests: Vec<Instance>,
    schedule: Schedule,
    /// What has been written goes here until something goes wrong.
    part: io::Result<RecordPart>,
}

impl RecordFile {
    /// Prepares a records file; fails at once if its folder cannot be written to.
    pub fn create(scenario: &Scenario, target: &Path) -> Result<Self, RunError> {
        let folder = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parts = tempfile::Builder::new()
            .prefix(".warpshare-records-")
            .tempdir_in(folder)
            .map_err(|source| failure(target, source))?;
        Ok(RecordFile {
            target: target.to_owned(),
            parts,
            names: scenario.guests.iter().map(|g| g.name.clone()).collect(),
        })
    }

    fn part_path(&self, replication: u32, cell: usize) -> PathBuf {
        self.parts.path().join(format!("{replication}-{cell}.csv"))
    }

    /// The part of one cell of one replication.
    pub fn part(&self, replication: u32, cell: usize) -> Result<RecordPart, RunError> {
        let file = File::create(self.part_path(replication, cell))
            .map_err(|source| failure(&self.target, source))?;
        Ok(RecordPart {
            replication,
            names: self.names.clone(),
            writer: csv::WriterBuilder::new()
                .has_headers(false)
                .from_writer(BufWriter::new(file)),
        })
    }

    /// Joins all parts into the file.
    pub fn join(self, replications: u32, cells: usize) -> Result<(), RunError> {
        self.try_join(replications, cells)
            .map_err(|source| failure(&self.target, source))
    }

    fn try_join(&self, replications: u32, cells: usize) -> io::Result<()> {
        let whole = self.parts.path().join("whole.csv");
        let mut writer = BufWriter::new(File::create(&whole)?);
        let names: Vec<&str> = RECORD_COLUMNS.iter().map(|column| column.0).collect();
        writeln!(writer, "{}", names.join(","))?;
        for replication in 0..replications {
            for cell in 0..cells {
                let mut part = File::open(self.part_path(replication, cell))?;
                io::copy(&mut part, &mut writer)?;
            }
        }
        writer.flush()?;
        writer.get_ref().sync_all()?;
        fs::rename(&whole, &self.target)
    }
}

impl RecordPart {
    /// The observer that writes the rows of a cell.
    pub fn rows(self, layout: &Layout, schedule: Schedule) -> Rows {
        Rows {
            guests: layout.guests.clone(),
            schedule,
            part: Ok(self),
        }
    }

    fn write(&mut self, guest: &Instance, job: &JobEnd, measured: bool) -> io::Result<()> {
        let [queue, slice_wait, switch, gpu, copy, host, engine, outside] = job.parts;
        self.writer
            .serialize((
                self.replication,
                &self.names[guest.group],
                guest.ordinal,
                job.index,
                u8::from(measured),
                (job.arrival, job.started, job.ended),
                (queue, slice_wait, switch),
                (gpu, copy, host, engine, outside),
            ))
            .map_err(io::Error::from)
    }
}

impl Rows {
    /// Ends the part.
    ///
    /// # Errors
    ///
    /// The first error of writing.
    pub fn finish(self) -> io::Result<()> {
        self.part?.writer.flush()
    }
}

impl Observer for Rows {
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        if let Ok(part) = &mut self.part {
            let measured = self.schedule.in_window(job.arrival);
            if let Err(error) = part.write(&self.guests[guest], job, measured) {
                self.part = Err(error);
            }
        }
    }
}

fn failure(target: &Path, source: io::Error) -> RunError {
    RunError::Records {
        path: target.display().to_string(),
        source,
    }
}
