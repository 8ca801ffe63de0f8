//! `warpshare workload from`: a log of a measured desktop as a workload that replays it.

use super::super::{Failure, note, print};
use crate::catalog::Catalog;
use crate::engine::time::Nanos;
use crate::scenario::units::{self, RawDuration, RawRate};
use crate::workload::data_file;
use crate::workload::measured::{self, Frame, How, Log, Sample, Series, SeriesKind, Tool};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What the user asks for.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The log, plain or packed by gzip
    #[arg(value_name = "LOG")]
    file: PathBuf,
    /// Write the frames or jobs to this new CSV file, which the workload replays
    #[arg(long, value_name = "FILE.csv")]
    trace: PathBuf,
    /// Which application, vGPU, process or GPU of the log; needed where it has several
    #[arg(long, value_name = "NAME")]
    of: Option<String>,
    /// Name of the workload; default: made from that of the application or the file
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Board that was measured on, as listed by `warpshare gpus`: times then carry over to other boards
    #[arg(long, value_name = "GPU")]
    on: Option<String>,
    /// Logs of utilisation: jobs (frames) a second that the work is divided into, such as 30/s
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// Logs of utilisation: time between samples
    #[arg(long, value_name = "TIME", default_value = "1s")]
    interval: String,
    /// The column with the utilisation in per cent, in a CSV file of another monitor
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
}

/// Most jobs that a log is divided into.
const MOST: u64 = 10_000_000;

/// Writes the trace, prints the workload.
///
/// # Errors
///
/// [`Failure::BadInput`] if the log cannot be read, is none of the known kinds or says too little;
/// [`Failure::Running`] if the trace cannot be written.
pub fn run(args: &Args, catalog: &Catalog) -> Result<(), Failure> {
    let shown = args.file.display().to_string();
    let bytes = data_file::read(&args.file)
        .map_err(|error| Failure::BadInput(format!("error: cannot read {shown}: {error}")))?;
    let how = How {
        column: args.column.clone(),
    };
    let log = measured::read(&shown, &bytes, &how).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::BadInput(lines.join("\n"))
    })?;
    if let Some(board) = &args.on {
        super::gpu(catalog, board)?; // a scenario takes every name that is accepted here
    }
    let series = chosen(&log, args.of.as_deref())?;
    let replay = match &series.kind {
        SeriesKind::Frames(frames) => {
            if args.rate.is_some() {
                let problem =
                    "error: `--rate` does not apply: the log has every frame\n = help: remove it";
                return Err(Failure::BadInput(problem.to_owned()));
            }
            of_frames(frames)
        }
        SeriesKind::Samples(samples) => of_samples(args, log.tool, samples)?,
    };
    write_new(&args.trace, &replay.rows)?;
    for remark in &log.remarks {
        note(&format!("note: {remark}"));
    }
    let name = name(args, series);
    print(&workload(args, (&log, series), &replay, &name)?)
}

/// The series that is meant.
fn chosen<'l>(log: &'l Log, of: Option<&str>) -> Result<&'l Series, Failure> {
    let listed = || {
        let names = log.series.iter().map(|series| {
            let rows = match &series.kind {
                SeriesKind::Frames(frames) => format!("{} frames", frames.len()),
                SeriesKind::Samples(samples) => format!("{} samples", samples.len()),
            };
            format!("\"{}\" ({rows})", series.name)
        });
        names.collect::<Vec<_>>().join(", ")
    };
    match (of, log.series.as_slice()) {
        (Some(name), all) => {
            let found = all
                .iter()
                .find(|series| series.name.eq_ignore_ascii_case(name));
            found.ok_or_else(|| {
                let (name, listed) = (escaped(name), escaped(&listed()));
                Failure::BadInput(format!(
                    "error: the log has no `{name}`\n = help: it has {listed}"
                ))
            })
        }
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::BadInput(format!(
            "error: the log has several series\n = help: choose one by --of: {}",
            escaped(&listed())
        ))),
    }
}

/// Text of a log without control characters.
fn escaped(text: &str) -> String {
    let shown = text
        .chars()
        .map(|ch| if ch.is_control() { '?' } else { ch });
    shown.collect()
}

/// Rows to replay.
struct Replay {
    /// A CSV file.
    rows: String,
    number: u64,
    /// Time of a round.
    cycle: Nanos,
    /// Stage, operation and column of what has any work.
    stages: Vec<(&'static str, &'static str, &'static str)>,
    frames: bool,
    remarks: Vec<String>,
}

/// Nanoseconds as milliseconds, exactly.
fn milliseconds(nanos: Nanos) -> String {
    format!("{}.{:06}", nanos / 1_000_000, nanos % 1_000_000)
}

fn of_frames(frames: &[Frame]) -> Replay {
    let with_cpu = frames.iter().all(|frame| frame.cpu.is_some());
    let mut rows = String::from(if with_cpu {
        "time_ms,cpu_ms,gpu_ms\n"
    } else {
        "time_ms,gpu_ms\n"
    });
    let first = frames.first().map_or(0, |frame| frame.time);
    for frame in frames {
        let time = milliseconds(frame.time - first);
        // Writing to a string cannot fail.
        let _ = match frame.cpu.filter(|_| with_cpu) {
            Some(cpu) => writeln!(rows, "{time},{cpu},{}", frame.gpu),
            None => writeln!(rows, "{time},{}", frame.gpu),
        };
    }
    let last = frames.last().map_or(0, |frame| frame.time - first);
    let number = frames.len() as u64;
    let mut stages = vec![("render", "gpu", "gpu_ms")];
    if with_cpu {
        stages.insert(0, ("prepare", "host", "cpu_ms"));
    }
    Replay {
        rows,
        number,
        cycle: last + (last / number.saturating_sub(1).max(1)).max(1),
        stages,
        frames: true,
        remarks: vec![
            "Frames are offered when the application offered them on the machine that was measured: its frame-rate \
             limiter, its display and its own slowness are in these times."
                .to_owned(),
            "GPU times are those of that machine. In a vGPU beside others they hold waiting for its turns: record \
             alone on the board."
                .to_owned(),
            "The log does not say how memory-bound the work is, how many SMs it fills, or how long encoding takes."
                .to_owned(),
        ],
    }
}

fn of_samples(args: &Args, tool: Tool, samples: &[Sample]) -> Result<Replay, Failure> {
    let Some(rate) = &args.rate else {
        return Err(Failure::BadInput(format!(
            "error: a log of utilisation does not say how many jobs or frames there were\n = help: {tool} says \
             which part of a second the GPU worked, not for what: give the frames a second by --rate, such as \
             --rate 30/s, from what the application or the display showed"
        )));
    };
    let bad = |what: &str, text: &str, like: &str| {
        let text = escaped(text);
        Failure::BadInput(format!(
            "error: `{text}` is not {what}\n = help: such as {like}"
        ))
    };
    let gap = units::parse::<RawRate>(rate)
        .ok()
        .map(|rate| rate.gap.round() as Nanos)
        .filter(|&gap| gap > 0)
        .ok_or_else(|| bad("a rate", rate, "30/s"))?;
    let interval = units::parse::<RawDuration>(&args.interval)
        .ok()
        .map(|interval| interval.nanos)
        .filter(|&nanos| nanos > 0)
        .ok_or_else(|| bad("a time between samples", &args.interval, "1s"))?;
    if gap > interval {
        let text = format!(
            "error: less than a job a sample\n = help: samples come every {}; a higher --rate",
            args.interval
        );
        return Err(Failure::BadInput(text));
    }
    let length = (samples.len() as u64).checked_mul(interval);
    let length = length.filter(|length| length / gap <= MOST).ok_or_else(|| {
        let text = format!("error: that would be more than {MOST} jobs\n = help: a lower --rate, or a shorter log");
        Failure::BadInput(text)
    })?;
    type Part = fn(&Sample) -> f64;
    let parts: [(&str, &str, &str, Part); 3] = [
        ("decode", "nvdec", "dec_ms", |sample| sample.decode),
        ("render", "gpu", "gpu_ms", |sample| sample.busy),
        ("encode", "nvenc", "enc_ms", |sample| sample.encode),
    ];
    let used: Vec<_> = parts
        .into_iter()
        .filter(|(.., part)| samples.iter().any(|sample| part(sample) > 0.0))
        .collect();
    if used.is_empty() {
        let text =
            "error: the log shows no work at all\n = help: choose another series or another log";
        return Err(Failure::BadInput(text.to_owned()));
    }
    let mut rows = String::from("time_ms");
    for (_, _, column, _) in &used {
        rows.push(',');
        rows.push_str(column);
    }
    rows.push('\n');
    let (mut number, mut time) = (0u64, 0);
    while time < length {
        let sample = &samples[(time / interval) as usize];
        if used.iter().any(|(.., part)| part(sample) > 0.0) {
            rows.push_str(&milliseconds(time));
            for (.., part) in &used {
                // Writing to a string cannot fail.
                let _ = write!(rows, ",{}", part(sample) * gap as f64 / 1e6);
            }
            rows.push('\n');
            number += 1;
        }
        time += gap;
    }
    let mut remarks = vec![
        format!(
            "ASSUMED: {rate} jobs while there is work, all alike within a sample of {}. The log does not tell frame \
             times, their scatter or how many there were: latencies of single frames rest on this alone.",
            args.interval
        ),
        "Per cent is the part of the time in which any kernel ran, whatever number of SMs it filled: how many, and \
         how memory-bound the work is, the log does not say."
            .to_owned(),
    ];
    match tool {
        Tool::SmiVgpu => remarks.push(
            "`vgpu -u` counts per cent of the whole physical GPU, so times hold on the whole board.".to_owned(),
        ),
        Tool::SmiDmon | Tool::SmiPmon => remarks.push(
            "Read on the host or on a bare GPU, per cent is that of the GPU; read in a guest, it is what the guest \
             was granted."
                .to_owned(),
        ),
        _ => {}
    }
    let full = samples.iter().filter(|sample| sample.busy >= 0.99).count();
    if full > 0 {
        remarks.push(format!(
            "{full} samples show a GPU that was busy all the time: users wanted as much or more, nobody knows how \
             much more."
        ));
    }
    Ok(Replay {
        rows,
        number,
        cycle: length,
        stages: used
            .iter()
            .map(|&(stage, kind, column, _)| (stage, kind, column))
            .collect(),
        frames: false,
        remarks,
    })
}

/// Name of the workload: letters, digits, `-` and `_`.
fn name(args: &Args, series: &Series) -> String {
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let from = match (&args.name, &series.kind) {
        (Some(name), _) => name.clone(),
        (None, SeriesKind::Frames(_)) => series.name.trim_end_matches(".exe").to_owned(),
        (None, SeriesKind::Samples(_)) => stem.into_owned(),
    };
    let fits = |ch: char| ch.is_ascii_alphanumeric() || ch == '-' || ch == '_';
    let name: String = from
        .chars()
        .map(|ch| if fits(ch) { ch } else { '-' })
        .take(64)
        .collect();
    match name.is_empty() {
        true => "measured".to_owned(),
        false => name,
    }
}

/// The table of a scenario.
fn workload(
    args: &Args,
    (log, series): (&Log, &Series),
    replay: &Replay,
    name: &str,
) -> Result<String, Failure> {
    let trace = args.trace.file_name().unwrap_or_default().to_string_lossy();
    let trace = serde_json::to_string(&trace)
        .map_err(|error| Failure::Running(format!("error: {error}")))?;
    let what = match replay.frames {
        true => "frames",
        false => "jobs",
    };
    let mut text = String::new();
    let mut comment = |what: &str| {
        let mut lines = String::new();
        super::wrap(&mut lines, "", 0, what);
        for line in lines.lines() {
            text.push_str(&format!("# {line}\n"));
        }
    };
    comment(&format!(
        "{} {what} of {} in {} ({}), {} in all. The file {} stands beside the scenario.",
        replay.number,
        escaped(&series.name),
        escaped(&args.file.file_name().unwrap_or_default().to_string_lossy()),
        log.tool,
        units::write_nanos(replay.cycle as f64),
        escaped(&trace),
    ));
    for remark in &replay.remarks {
        comment(remark);
    }
    text.push_str(&format!("[workloads.{name}]\n"));
    if replay.frames {
        text.push_str("needs = [\"graphics\"]\nframes = {}\n");
    }
    if let Some(board) = &args.on {
        text.push_str(&format!("reference = \"{board}\"\n"));
    }
    if replay.stages.len() > 1 {
        let stages: Vec<String> = replay
            .stages
            .iter()
            .map(|(stage, ..)| format!("\"{stage}\""))
            .collect();
        text.push_str(&format!("sequence = [{}]\n", stages.join(", ")));
    }
    text.push_str(&format!(
        "arrivals = {{ process = \"trace\", file = {trace}, time = \"time_ms\", time_format = \"milliseconds\", \
         repeat_every = \"{}ns\" }}\n",
        replay.cycle
    ));
    for (stage, kind, column) in &replay.stages {
        text.push_str(&format!(
            "stages.{stage}.{kind}.time = {{ per = {{ {column} = \"1ms\" }} }}\n"
        ));
    }
    Ok(text)
}

/// Writes a file that must not be there yet; it appears whole or not at all.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let shown = path.display();
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::BadInput(format!(
                "error: {shown} exists already\n = help: give --trace a new name, or remove the file"
            )),
            _ => Failure::Running(format!("error: cannot write {shown}: {error}")),
        }
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut aside =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    aside.write_all(text.as_bytes()).map_err(failed)?;
    aside
        .persist_noclobber(path)
        .map_err(|error| failed(error.error))?;
    Ok(())
}
