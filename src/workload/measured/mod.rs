//! Logs of measured desktops: frames by PresentMon, utilisation by `nvidia-smi` and other monitors.
//!
//! [`read`] recognises a log by its columns. What each column means, by its source, stands with its
//! reader.

mod frames;
mod utilisation;

use crate::engine::time::Nanos;
use crate::workload::trace::TraceError;
use std::fmt;

/// A log.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    pub tool: Tool,
    /// One for each application, vGPU, process or GPU, in the order in which they come.
    pub series: Vec<Series>,
    /// What was left out of the log, or had to be guessed.
    pub remarks: Vec<String>,
}

/// What has written a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    PresentMon,
    /// `nvidia-smi vgpu -u`: per cent of the time of the whole physical GPU.
    SmiVgpu,
    /// `nvidia-smi dmon`: by GPU.
    SmiDmon,
    /// `nvidia-smi pmon`: by process.
    SmiPmon,
    /// A CSV file whose column of utilisation the user has named.
    Other,
}

impl fmt::Display for Tool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Tool::PresentMon => "PresentMon",
            Tool::SmiVgpu => "nvidia-smi vgpu -u",
            Tool::SmiDmon => "nvidia-smi dmon",
            Tool::SmiPmon => "nvidia-smi pmon",
            Tool::Other => "a monitor",
        })
    }
}

/// What one application, vGPU, process or GPU did.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Such as `sldworks.exe`, `gpu 0 vgpu 3251634213`.
    pub name: String,
    pub kind: SeriesKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SeriesKind {
    Frames(Vec<Frame>),
    Samples(Vec<Sample>),
}

/// A frame that an application presented.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// After the first of the log, nanoseconds.
    pub time: Nanos,
    /// Milliseconds during which the GPU worked on it.
    pub gpu: f64,
    /// Milliseconds during which the processor worked on it, where the log says so.
    pub cpu: Option<f64>,
}

/// Utilisation over a sampling interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Number of the interval.
    pub number: u64,
    /// Parts of the time, 0 to 1: of kernels, of the encoders, of the decoders.
    pub busy: f64,
    pub encode: f64,
    pub decode: f64,
}

/// How to read a log that says too little of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct How {
    /// The column with the utilisation in per cent, of a CSV file that is none of the known logs.
    pub column: Option<String>,
}

/// Reads a log.
///
/// # Errors
///
/// If it is none of the known kinds, or rows of it are malformed.
pub fn read(path: &str, bytes: &[u8], how: &How) -> Result<Log, Vec<TraceError>> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    // Byte-order marks and UTF-16 are dealt with by the reader of tables.
    if first == Some(&b'#') {
        utilisation::smi(path, bytes)
    } else if let Some(column) = &how.column {
        utilisation::named(path, bytes, column)
    } else {
        frames::read(path, bytes)
    }
}
