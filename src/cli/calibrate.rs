//! `warpshare calibrate`: from measured points to a workload that a scenario can name.

mod text;

use super::gpus::{gpu, json, load};
use super::{Failure, note, print};
use crate::calibrate::points::Reading;
use crate::calibrate::workload::{Fragment, table};
use crate::calibrate::{
    Baseline, Calibration, Errors, Options, Parameter, Points, Verdict, WorkForm, fit, points,
};
use crate::catalog::{Catalog, Gpu};
use crate::diagnostics::{Diagnostics, nearest};
use crate::gpu::law::ClockCurve;
use crate::report::plot::{Agreement, agreement_png, agreement_svg};
use crate::workload::data_file;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Columns:
  latency_ms or throughput_per_s   of one step, or items a second of one tenant
  sm_share, sm_percent, sm_ratio, sms or mig_profile
                                   the part of the board; none = all of it
  memory_share or memory_ratio     the part of the memory bandwidth; none = all of it
  tenants, batch                   1 where there is no such column
Any other column may be named by --only and --hold-out.

Examples:
  warpshare calibrate scenarios/calibrate/resnet50_mig.csv --gpu a100-sxm4-80gb
  warpshare calibrate scenarios/calibrate/resnet50_mig.csv --gpu a100-sxm4-80gb \\
      --hold-out mig_profile=1g.10gb --plot resnet50.svg --out resnet50.toml
  warpshare calibrate points.csv --only model=bert --fix memory_bound=0.33

docs/calibrate.md explains the model and what the data can show.

Exit codes:
  0    done
  1    a file could not be written
  2    bad input (command line, points, catalogue)";

/// Fits a workload's host time, GPU time, SM need and memory-bound share to measured points.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Measured points (CSV with named columns).
    file: PathBuf,
    /// Name of the workload [default: the file's name].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The board that was measured: for `sms` and `mig_profile`, and for the workload's `reference`.
    #[arg(long, value_name = "ID")]
    gpu: Option<String>,
    /// A catalogue file with boards of your own.
    #[arg(long, value_name = "FILE")]
    boards: Option<PathBuf>,
    /// Read only rows with this value; may be repeated, values of one column are alternatives.
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = pair)]
    only: Vec<(String, String)>,
    /// Do not calibrate on rows with this value, only predict them; may be repeated.
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = pair)]
    hold_out: Vec<(String, String)>,
    /// A parameter that is known: serial_ms, beside_ms, gpu_fixed_ms, gpu_per_item_ms, sm_need or
    /// memory_bound; may be repeated.
    #[arg(long, value_name = "PARAMETER=VALUE", value_parser = known)]
    fix: Vec<(Parameter, f64)>,
    /// GPU work by batch: linear, or a value for each batch [default: linear from three batches on].
    #[arg(long, value_name = "FORM", value_parser = form)]
    work: Option<WorkForm>,
    /// SM clock by busy part of the SMs, relative to all busy, such as 0.3=1.26,0.5=1.21,1=1.
    #[arg(long, value_name = "PART=CLOCK,…", value_parser = curve)]
    clock: Option<ClockCurve>,
    /// How many times its part of the SMs work can draw of the memory bandwidth [default: 2].
    #[arg(long, value_name = "TIMES", value_parser = reach)]
    reach: Option<f64>,
    /// Batch of the workload that --out writes [default: the largest that was calibrated on].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// Write the workload to this TOML file; an existing file is replaced.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a plot of predicted against measured: FILE.svg, FILE.png, or a folder for both.
    #[arg(long, value_name = "FILE|DIR")]
    plot: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, value)) if !column.is_empty() => Ok((column.to_owned(), value.to_owned())),
        _ => Err("write COLUMN=VALUE, such as mig_profile=1g.10gb".to_owned()),
    }
}

fn known(text: &str) -> Result<(Parameter, f64), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write PARAMETER=VALUE, such as memory_bound=0.33")?;
    let Some((_, parameter)) = Parameter::NAMED.into_iter().find(|(n, _)| *n == name) else {
        let names = Parameter::NAMED.map(|(name, _)| name);
        return Err(match nearest(name, names) {
            Some(meant) => format!("no parameter `{name}`; did you mean `{meant}`?"),
            None => format!("no parameter `{name}`; there are {}", names.join(", ")),
        });
    };
    let value: f64 = value
        .parse()
        .map_err(|_| format!("`{value}` is not a number"))?;
    let fine = match parameter {
        Parameter::Need => value > 0.0 && value <= 1.0,
        Parameter::MemoryBound => (0.0..=1.0).contains(&value),
        Parameter::PerItem => value > 0.0 && value.is_finite(),
        _ => value >= 0.0 && value.is_finite(),
    };
    if fine {
        Ok((parameter, value))
    } else if parameter.is_part() {
        Err(format!("{name} is a part of the whole, not {value}"))
    } else {
        Err(format!("{name} is a time in ms, not {value}"))
    }
}

fn form(text: &str) -> Result<WorkForm, String> {
    match text {
        "linear" => Ok(WorkForm::Linear),
        "each" => Ok(WorkForm::Each),
        _ => Err("the forms are linear and each".to_owned()),
    }
}

fn reach(text: &str) -> Result<f64, String> {
    let times = text.parse().ok().filter(|times| *times >= 1.0);
    times.ok_or_else(|| "a number from 1 on, such as 2; 1000 = no such limit".to_owned())
}

fn curve(text: &str) -> Result<ClockCurve, String> {
    let point = |part: &str| -> Option<(f64, f64)> {
        let (share, clock) = part.split_once('=')?;
        Some((share.trim().parse().ok()?, clock.trim().parse().ok()?))
    };
    let points: Option<Vec<(f64, f64)>> = text.split(',').map(point).collect();
    points.and_then(ClockCurve::new).ok_or_else(|| {
        "write PART=CLOCK pairs with parts that increase from 0 to 1 and clocks above 0, such as \
         0.5=1.2,1=1"
            .to_owned()
    })
}

/// Reads, fits, prints, and writes what was asked for.
///
/// # Errors
///
/// [`Failure::BadInput`] for points, names or a board that are not valid; [`Failure::Running`] if a file
/// cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let catalog = load(args.boards.as_deref())?;
    let board = match &args.gpu {
        Some(id) => Some(gpu(&catalog, id)?),
        None => None,
    };
    let name = workload_name(args)?;
    let file = args.file.display().to_string();
    let points = read(args, &catalog, board, &file)?;
    let options = Options {
        given: args.fix.clone(),
        work: args.work.unwrap_or_default(),
        clock: args.clock.clone(),
        reach: args.reach,
    };
    let rows = points.calibration();
    let calibration = fit(&rows, &options)
        .map_err(|error| Failure::BadInput(format!("error: {file}: {error}")))?;
    let batch = args
        .batch
        .or(rows.iter().map(|row| row.at.batch).max())
        .unwrap_or(1);
    let board_sms = board.and_then(|gpu| Some((gpu.id.as_str(), gpu.sm_count?)));
    let fragment = Fragment {
        name: &name,
        batch,
        board: board_sms,
        file: &file,
    };
    let Some(workload) = table(&calibration, &fragment) else {
        let known: Vec<String> = rows.iter().map(|row| row.at.batch.to_string()).collect();
        return Err(Failure::BadInput(format!(
            "error: --batch {batch}: no row has this batch, and there are too few for a line\n\
             help: batches of the rows: {}",
            distinct(known).join(", ")
        )));
    };

    let report = Report::new(&name, &file, &points, &calibration);
    if args.json {
        print(&json(&report)?)?;
    } else {
        print(&text::render(&report, &calibration, &points))?;
    }
    if let Some(out) = &args.out {
        write(out, workload.as_bytes())?;
        note(&format!("workload in {}", out.display()));
    }
    if let Some(target) = &args.plot {
        plot(target, &agreement(&name, &points, &calibration))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn distinct(mut texts: Vec<String>) -> Vec<String> {
    texts.dedup();
    texts
}

/// The workload's name: what TOML allows without quotes.
fn workload_name(args: &Args) -> Result<String, Failure> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if let Some(name) = &args.name {
        if name.is_empty() || !name.chars().all(fine) {
            return Err(Failure::BadInput(format!(
                "error: --name {name}: a workload's name has letters, digits, `-` and `_`"
            )));
        }
        return Ok(name.clone());
    }
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let name: String = stem
        .chars()
        .map(|c| if fine(c) { c } else { '-' })
        .collect();
    Ok(if name.is_empty() {
        "measured".to_owned()
    } else {
        name
    })
}

fn read(
    args: &Args,
    catalog: &Catalog,
    board: Option<&Gpu>,
    file: &str,
) -> Result<Points, Failure> {
    let bytes = data_file::read(&args.file)
        .map_err(|error| Failure::BadInput(format!("error: cannot read {file}: {error}")))?;
    let source = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::BadInput(format!("error: {file}: byte {} is not UTF-8 text", at + 1))
    })?;
    let profiles = board.map(|gpu| {
        move |name: &str| {
            let mut known = catalog.mig_profiles(&gpu.id);
            let profile = known.find(|profile| profile.profile == name)?;
            let part = |some: u32, of: u32| f64::from(some) / f64::from(of);
            let sms = match (profile.sm_count, gpu.sm_count) {
                (Some(sms), Some(of)) => part(sms, of),
                _ => part(profile.compute_slices, profile.compute_slices_total),
            };
            Some((
                sms,
                part(profile.memory_slices, profile.memory_slices_total),
            ))
        }
    });
    let how = Reading {
        board_sms: board.and_then(|gpu| gpu.sm_count),
        profiles: profiles.as_ref().map(|f| f as &points::ProfileParts<'_>),
        only: &args.only,
        hold_out: &args.hold_out,
    };
    points::read(file, &source, &how).map_err(|findings| {
        let number = findings.len();
        let ending = if number == 1 { "" } else { "s" };
        let mut findings = Diagnostics(findings);
        findings.sort();
        Failure::BadInput(format!("{}\n{number} error{ending}", findings.render()))
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::Running(format!("error: cannot write {}: {error}", path.display()))
    };
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, bytes).map_err(failed)
}

fn agreement(name: &str, points: &Points, calibration: &Calibration) -> Agreement {
    let group = |held_out: bool| {
        let rows = points.rows.iter().filter(|row| row.held_out == held_out);
        rows.filter_map(|row| {
            let predicted = calibration.model.latency_ms(&row.point.at)?;
            Some((1e6 * row.point.latency_ms, 1e6 * predicted))
        })
        .collect::<Vec<_>>()
    };
    let (fitted, held_back) = (group(false), group(true));
    Agreement {
        subtitle: format!(
            "{name} · {} rows to calibrate on · {} held back",
            fitted.len(),
            held_back.len()
        ),
        groups: vec![
            ("calibrated on".to_owned(), fitted),
            ("held back".to_owned(), held_back),
        ],
    }
}

fn plot(target: &Path, agreement: &Agreement) -> Result<(), Failure> {
    let failed =
        |error: crate::report::plot::PlotError| Failure::Running(format!("error: {error}"));
    let ending = target.extension().map(|e| e.to_ascii_lowercase());
    let (svg, png) = match ending.as_ref().and_then(|e| e.to_str()) {
        Some("svg") => (Some(target.to_owned()), None),
        Some("png") => (None, Some(target.to_owned())),
        _ => (
            Some(target.join("calibration.svg")),
            Some(target.join("calibration.png")),
        ),
    };
    if let Some(path) = svg {
        write(&path, agreement_svg(agreement).map_err(failed)?.as_bytes())?;
        note(&format!("plot in {}", path.display()));
    }
    if let Some(path) = png {
        write(&path, &agreement_png(agreement).map_err(failed)?)?;
        note(&format!("plot in {}", path.display()));
    }
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    workload: &'a str,
    file: &'a str,
    /// Relative scatter of the calibration rows about the model.
    scatter: Option<f64>,
    parameters: Vec<ParameterReport>,
    errors: Vec<ErrorsReport>,
    rows: Vec<RowReport>,
}

#[derive(Serialize)]
struct ParameterReport {
    name: String,
    value: f64,
    /// Values with which the rows fit as well.
    low: Option<f64>,
    high: Option<f64>,
    /// `given`, `fitted`, `a limit`, `not shown` or `not needed`.
    verdict: &'static str,
    remark: String,
}

#[derive(Serialize)]
struct ErrorsReport {
    rows: &'static str,
    model: &'static str,
    n: usize,
    mean: f64,
    median: f64,
    largest: f64,
    bias: f64,
}

#[derive(Serialize)]
struct RowReport {
    line: usize,
    sm_share: f64,
    memory_share: f64,
    tenants: u32,
    batch: u32,
    measured_ms: f64,
    /// `null` for a batch of which the calibration rows say nothing.
    predicted_ms: Option<f64>,
    held_out: bool,
}

impl<'a> Report<'a> {
    fn new(name: &'a str, file: &'a str, points: &Points, calibration: &Calibration) -> Report<'a> {
        let (known, held_back) = (points.calibration(), points.held_out());
        let mut errors = Vec::new();
        let mut add = |rows, model, found: Option<Errors>| {
            errors.extend(found.map(|e| ErrorsReport {
                rows,
                model,
                n: e.n,
                mean: e.mean,
                median: e.median,
                largest: e.largest,
                bias: e.bias,
            }));
        };
        add(
            "calibrated on",
            "law",
            Errors::of_model(&calibration.model, &known),
        );
        add(
            "held back",
            "law",
            Errors::of_model(&calibration.model, &held_back),
        );
        let mut lines = vec![Baseline::NoChange, Baseline::SmRatio];
        if held_back.iter().any(|row| row.at.tenants > 1) {
            lines.push(Baseline::EqualParts);
        }
        for line in lines {
            add("held back", line.name(), line.errors(&known, &held_back));
        }
        Report {
            workload: name,
            file,
            scatter: calibration.scatter,
            parameters: calibration.parameters.iter().map(parameter).collect(),
            errors,
            rows: points
                .rows
                .iter()
                .map(|row| RowReport {
                    line: row.line,
                    sm_share: row.point.at.sms,
                    memory_share: row.point.at.bandwidth,
                    tenants: row.point.at.tenants,
                    batch: row.point.at.batch,
                    measured_ms: row.point.latency_ms,
                    predicted_ms: calibration.model.latency_ms(&row.point.at),
                    held_out: row.held_out,
                })
                .collect(),
        }
    }
}

fn parameter(fitted: &crate::calibrate::Fitted) -> ParameterReport {
    let (verdict, remark) = match &fitted.verdict {
        Verdict::Given => ("given", String::new()),
        Verdict::Fitted => ("fitted", String::new()),
        Verdict::OnlyALimit => (
            "a limit",
            "the rows fit as well without any GPU work; do not use it as a value".to_owned(),
        ),
        Verdict::CannotShow(why) => ("not shown", (*why).to_owned()),
        Verdict::NotNeeded { instead: None } => {
            ("not needed", "the rows fit as well without it".to_owned())
        }
        Verdict::NotNeeded {
            instead: Some(other),
        } => (
            "not needed",
            format!("the rows fit as well with another {other}"),
        ),
    };
    ParameterReport {
        name: fitted.parameter.to_string(),
        value: fitted.value,
        low: fitted.range.map(|(low, _)| low),
        high: fitted.range.map(|(_, high)| high),
        verdict,
        remark,
    }
}
