//! Utilisation by `nvidia-smi`, and by any monitor that writes per cent into a CSV file.
//!
//! `nvidia-smi dmon`, `pmon` and `vgpu -u` print columns between blanks under two lines of names and units
//! that begin with `#` and come again every so many rows; `-` stands for nothing. By the manual of
//! `nvidia-smi`, `sm` is the per cent of the time of the last sample in which one or more kernels executed,
//! `enc` and `dec` those of the encoders and decoders; samples come every second unless `-d` says otherwise.
//! By the virtual GPU user guide, those of `vgpu -u` are per cent of the whole physical GPU, not of what
//! the vGPU may have.

use super::{Log, Sample, Series, SeriesKind, Tool};
use crate::workload::table::{Table, text_of};
use crate::workload::trace::{Errors, TraceError};

/// The columns of a log of `nvidia-smi`, by a line of names.
struct Columns {
    names: Vec<String>,
    tool: Tool,
}

impl Columns {
    /// `None` for a line that holds no names, such as that of the units.
    fn of(line: &str) -> Option<Columns> {
        let names: Vec<String> = line
            .trim_start_matches('#')
            .split_whitespace()
            .map(str::to_ascii_lowercase)
            .collect();
        let has = |name: &str| names.iter().any(|found| found == name);
        if !has("gpu") || !has("sm") {
            return None;
        }
        let tool = if has("vgpu") {
            Tool::SmiVgpu
        } else if has("pid") {
            Tool::SmiPmon
        } else {
            Tool::SmiDmon
        };
        Some(Columns { names, tool })
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|found| found == name)
    }
}

const NAMES: &str = "it starts with the line of column names that `nvidia-smi` prints, such as \
                     `# gpu   vgpu   sm   mem   enc   dec`; `sm` has to be among them (dmon: -s u)";

/// Reads a log of `nvidia-smi`.
pub(super) fn smi(path: &str, bytes: &[u8]) -> Result<Log, Vec<TraceError>> {
    let mut errors = Errors::new(path);
    let Some(bytes) = text_of(bytes, &mut errors) else {
        return Err(errors.finish());
    };
    let text = String::from_utf8_lossy(bytes);
    let mut columns: Option<Columns> = None;
    let mut rows: Vec<(String, Sample)> = Vec::new();
    let mut counts: Vec<(String, u64)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let at = Some(number as u64 + 1);
        if line.trim_start().starts_with('#') {
            if let Some(found) = Columns::of(line) {
                match &columns {
                    Some(known) if known.names != found.names => {
                        let problem = "other columns than before".to_owned();
                        errors.push(at, None, problem, Some("one log at a time".to_owned()));
                        break;
                    }
                    Some(_) => {}
                    None => columns = Some(found),
                }
            }
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let Some(columns) = &columns else {
            let problem = "a row before the names of columns".to_owned();
            errors.push(at, None, problem, Some(NAMES.to_owned()));
            break;
        };
        match row(line, columns) {
            // A GPU without a process, or a vGPU slot without a vGPU.
            Ok(None) => {}
            Ok(Some((name, sample))) => {
                let known = counts.iter_mut().find(|(found, _)| *found == name);
                let number = match known {
                    Some((_, count)) => {
                        *count += 1;
                        *count
                    }
                    None => {
                        counts.push((name.clone(), 0));
                        0
                    }
                };
                rows.push((name, Sample { number, ..sample }));
            }
            Err(problem) => errors.push(at, None, problem, Some(NAMES.to_owned())),
        }
    }
    let Some(columns) = columns else {
        let problem = "this is none of the logs that are read".to_owned();
        errors.push(Some(1), None, problem, Some(NAMES.to_owned()));
        return Err(errors.finish());
    };
    log(columns.tool, rows, errors)
}

/// The samples by their names.
fn log(
    tool: Tool,
    rows: Vec<(String, Sample)>,
    mut errors: Errors<'_>,
) -> Result<Log, Vec<TraceError>> {
    let mut series: Vec<Series> = Vec::new();
    for (name, sample) in rows {
        let known = series.iter_mut().find(|series| series.name == name);
        match known.map(|series| &mut series.kind) {
            Some(SeriesKind::Samples(samples)) => samples.push(sample),
            _ => series.push(Series {
                name,
                kind: SeriesKind::Samples(vec![sample]),
            }),
        }
    }
    if errors.is_empty() && series.is_empty() {
        let problem = "there are no samples".to_owned();
        errors.push(None, None, problem, None);
    }
    if !errors.is_empty() {
        return Err(errors.finish());
    }
    Ok(Log {
        tool,
        series,
        remarks: Vec::new(),
    })
}

/// Whose sample a row is, and the sample.
fn row(line: &str, columns: &Columns) -> Result<Option<(String, Sample)>, String> {
    let cells: Vec<&str> = line.split_whitespace().collect();
    // The command of a process stands last and may hold blanks.
    if cells.len() < columns.names.len() {
        return Err(format!(
            "the row has {} cells, the names are {}",
            cells.len(),
            columns.names.len()
        ));
    }
    let cell = |name: &str| columns.place(name).map(|place| cells[place]);
    let part = |name: &str| match cell(name) {
        None | Some("-" | "N/A") => Ok(0.0),
        Some(text) => per_cent(text),
    };
    let gpu = cell("gpu").unwrap_or_default();
    let name = match columns.tool {
        Tool::SmiVgpu => match cell("vgpu") {
            None | Some("-") => return Ok(None),
            Some(vgpu) => format!("gpu {gpu} vgpu {vgpu}"),
        },
        Tool::SmiPmon => match cell("pid") {
            None | Some("-") => return Ok(None),
            Some(pid) => format!("gpu {gpu} pid {pid}"),
        },
        _ => format!("gpu {gpu}"),
    };
    let sample = Sample {
        number: 0,
        busy: part("sm")?,
        encode: part("enc")?,
        decode: part("dec")?,
    };
    Ok(Some((name, sample)))
}

/// Per cent as a part, 0 to 1.
fn per_cent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value / 100.0),
        _ => Err(format!("`{text}` is not per cent, from 0 to 100")),
    }
}

/// Reads the samples of a column of a CSV file, one a row.
pub(super) fn named(path: &str, bytes: &[u8], column: &str) -> Result<Log, Vec<TraceError>> {
    let mut errors = Errors::new(path);
    let first = "the log starts with a line of column names";
    let Some(mut table) = Table::open(bytes, first, &mut errors) else {
        return Err(errors.finish());
    };
    let wanted = [column];
    let Some(place) = table.find(&wanted)[0] else {
        let listed: Vec<String> = table.names.iter().map(|name| format!("`{name}`")).collect();
        let problem = format!("there is no column `{column}`");
        let remedy = format!("the columns are {}", listed.join(", "));
        errors.push(Some(table.line), None, problem, Some(remedy));
        return Err(errors.finish());
    };
    let mut rows = Vec::new();
    let mut record = csv::ByteRecord::new();
    while let Some(line) = table.next(&wanted, &mut record, &mut errors) {
        let bytes = record.get(place).unwrap_or_default();
        match per_cent(&String::from_utf8_lossy(bytes)) {
            Ok(busy) => {
                let sample = Sample {
                    number: rows.len() as u64,
                    busy,
                    encode: 0.0,
                    decode: 0.0,
                };
                rows.push((column.to_owned(), sample));
            }
            Err(problem) => errors.push(Some(line), Some(column), problem, None),
        }
    }
    log(Tool::Other, rows, errors)
}
