//! Frames by PresentMon (github.com/GameTechDev/PresentMon).
//!
//! Columns, by the README of its console application: a row is a frame that an application presented.
//! `MsGPUBusy` (2.x: `GPUBusy`) is how long at least one engine of the GPU executed work of the process for
//! the frame, `MsCPUBusy` (`CPUBusy`) how long the processor worked on it before presenting it;
//! `CPUStartTime` is when it began, and `MsBetweenPresents`, `MsBetweenAppStart` or `FrameTime` the distance
//! to another frame. PresentMon 1.x: `msGPUActive`, the GPU work of the frame, and `TimeInSeconds`, the time
//! of the present.

use super::{Frame, Log, Series, SeriesKind, Tool};
use crate::engine::time::{LONGEST, Nanos};
use crate::workload::table::Table;
use crate::workload::trace::{Errors, TimeFormat, TraceError};
use crate::workload::trace_time;

const GPU: [&str; 3] = ["MsGPUBusy", "GPUBusy", "msGPUActive"];
const CPU: [&str; 2] = ["MsCPUBusy", "CPUBusy"];
const DISTANCE: [&str; 4] = [
    "MsBetweenAppStart",
    "MsBetweenPresents",
    "msBetweenPresents",
    "FrameTime",
];
const LOGS: &str = "the logs that are read: PresentMon's CSV with GPU times, `nvidia-smi vgpu -u`, `nvidia-smi dmon`, \
                    `nvidia-smi pmon`; of any other CSV file with utilisation in per cent, name the column by \
                    --column";

/// Where the columns are.
struct Columns {
    application: usize,
    time: usize,
    gpu: usize,
    cpu: Option<usize>,
    distance: Option<usize>,
    format: TimeFormat,
}

impl Columns {
    fn find(table: &Table<'_>, errors: &mut Errors<'_>) -> Option<Columns> {
        let place = |name: &str| table.names.iter().position(|found| found == name);
        let any = |names: &[&str]| names.iter().find_map(|name| place(name));
        let named = [
            ("TimeInSeconds", TimeFormat::Seconds),
            ("CPUStartTime", TimeFormat::Milliseconds),
            ("CPUStartQPCTime", TimeFormat::Milliseconds),
            ("CPUStartDateTime", TimeFormat::Timestamp),
        ];
        let time = named
            .into_iter()
            .find_map(|(name, format)| Some((place(name)?, format)));
        let Some(application) = place("Application") else {
            let problem = "this is none of the logs that are read".to_owned();
            errors.push(Some(table.line), None, problem, Some(LOGS.to_owned()));
            return None;
        };
        let Some((time, format)) = time else {
            let problem = "there is no time of the frames".to_owned();
            let remedy = "PresentMon writes `CPUStartTime`, 1.x `TimeInSeconds`; `--qpc_time` counts in ticks of \
                          an unknown length";
            errors.push(Some(table.line), None, problem, Some(remedy.to_owned()));
            return None;
        };
        let Some(gpu) = any(&GPU) else {
            let problem = "there is no GPU time of the frames".to_owned();
            let remedy = "record without `--no_track_gpu` (1.x: with `-track_gpu`): without it nobody knows how \
                          much of a frame is the GPU's";
            errors.push(Some(table.line), None, problem, Some(remedy.to_owned()));
            return None;
        };
        Some(Columns {
            application,
            time,
            gpu,
            cpu: any(&CPU),
            distance: any(&DISTANCE),
            format,
        })
    }
}

/// A frame as it stands in the log.
struct Row {
    application: String,
    line: u64,
    time: i128,
    gpu: f64,
    cpu: Option<f64>,
    distance: Option<f64>,
}

/// Reads the rows.
pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Log, Vec<TraceError>> {
    let mut errors = Errors::new(path);
    let opened = Table::open(bytes, LOGS, &mut errors);
    let found = opened.and_then(|table| {
        let columns = Columns::find(&table, &mut errors)?;
        Some((table, columns))
    });
    let Some((mut table, columns)) = found else {
        return Err(errors.finish());
    };
    let names = table.names.clone();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut remarks = Vec::new();
    let (mut rows, mut without) = (Vec::new(), 0u64);
    let mut record = csv::ByteRecord::new();
    while let Some(line) = table.next(&names, &mut record, &mut errors) {
        match row(&record, line, &columns) {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => without += 1,
            Err((column, problem)) => {
                errors.push(Some(line), Some(names[column]), problem, None);
            }
        }
    }
    if errors.is_empty() && rows.is_empty() {
        let problem = "no frame has a GPU time".to_owned();
        errors.push(
            None,
            Some(names[columns.gpu]),
            problem,
            Some(LOGS.to_owned()),
        );
    }
    if !errors.is_empty() {
        return Err(errors.finish());
    }
    if without > 0 {
        remarks.push(format!("{without} frames without a GPU time are left out"));
    }
    rows.sort_by_key(|row| row.time); // stable
    if columns.format == TimeFormat::Milliseconds && in_seconds(&rows) {
        for row in &mut rows {
            row.time *= 1_000;
        }
        remarks.push(format!(
            "`{}` is taken as seconds: only so it agrees with the distances of the frames",
            names[columns.time]
        ));
    }
    let origin = rows.first().map_or(0, |row| row.time);
    let mut series: Vec<Series> = Vec::new();
    for row in rows {
        let time = Nanos::try_from(row.time - origin).ok();
        let Some(time) = time.filter(|&time| time <= LONGEST) else {
            let problem = "more than 292 years after the first frame".to_owned();
            errors.push(Some(row.line), Some(names[columns.time]), problem, None);
            continue;
        };
        let frame = Frame {
            time,
            gpu: row.gpu,
            cpu: row.cpu,
        };
        let known = series
            .iter_mut()
            .find(|series| series.name == row.application);
        match known.map(|series| &mut series.kind) {
            Some(SeriesKind::Frames(frames)) => frames.push(frame),
            _ => series.push(Series {
                name: row.application,
                kind: SeriesKind::Frames(vec![frame]),
            }),
        }
    }
    if !errors.is_empty() {
        return Err(errors.finish());
    }
    Ok(Log {
        tool: Tool::PresentMon,
        series,
        remarks,
    })
}

/// Whether times that were read as milliseconds are seconds: some versions write `CPUStartTime` so. The
/// distances of the frames of the application with most of them, in milliseconds by all versions, decide.
fn in_seconds(rows: &[Row]) -> bool {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for row in rows {
        match counts.iter_mut().find(|(name, _)| *name == row.application) {
            Some((_, count)) => *count += 1,
            None => counts.push((&row.application, 1)),
        }
    }
    let most = counts.iter().max_by_key(|(_, count)| *count);
    let Some(&(name, _)) = most else {
        return false;
    };
    let own: Vec<&Row> = rows.iter().filter(|row| row.application == name).collect();
    let (Some(first), Some(last)) = (own.first(), own.last()) else {
        return false;
    };
    let span = (last.time - first.time) as f64 / 1e6;
    let distances: f64 = own.iter().filter_map(|row| row.distance).sum();
    // A factor of 1,000 apart: any bound between them will do.
    distances > 0.0 && span > 0.0 && span * 30.0 < distances
}

/// `None` for a frame without a GPU time; column and problem of what is wrong.
fn row(
    record: &csv::ByteRecord,
    line: u64,
    columns: &Columns,
) -> Result<Option<Row>, (usize, String)> {
    let text = |place: usize| {
        let bytes = record.get(place).unwrap_or_default();
        String::from_utf8_lossy(bytes).trim().to_owned()
    };
    // `NA` where PresentMon knows nothing.
    let number = |place: usize| match text(place).as_str() {
        "NA" | "" => Ok(None),
        cell => match cell.parse::<f64>() {
            Ok(value) if value.is_finite() && (0.0..=1e9).contains(&value) => Ok(Some(value)),
            _ => Err((place, format!("`{cell}` is not a number of milliseconds"))),
        },
    };
    let time = trace_time::parse(&text(columns.time), columns.format)
        .map_err(|(problem, _)| (columns.time, problem))?;
    let Some(gpu) = number(columns.gpu)? else {
        return Ok(None);
    };
    let optional = |place: Option<usize>| place.map_or(Ok(None), number);
    // The distance may be negative or missing for the first frame; it only decides the unit.
    let distance = columns.distance.and_then(|place| text(place).parse().ok());
    Ok(Some(Row {
        application: text(columns.application),
        line,
        time,
        gpu,
        cpu: optional(columns.cpu)?,
        distance: distance.filter(|distance: &f64| distance.is_finite()),
    }))
}
