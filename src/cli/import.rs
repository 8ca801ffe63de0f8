//! `warpshare import`: configurations that an operator already has, as a scenario's GPUs.

use super::gpus::{gpu, json, load, render, table};
use super::{Failure, MISSED, note, print};
use crate::catalog::Catalog;
use crate::diagnostics::Diagnostics;
use crate::import::{
    self, Capture, Config, ConfigFile, ImportedGpu, SharedBy, Source, apply, scenario_text,
};
use comfy_table::ContentArrangement;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Columns of a terminal that lists are made for.
const WIDTH: u16 = 100;

/// Turn a configuration that you have into GPUs of a scenario: a file of mig-parted,
/// vgpu-device-manager or the Kubernetes device plugin (alone, in a ConfigMap or in Helm values), or
/// what `nvidia-smi` printed (`-q`, `-q -x`, `-L`, `mig -lgi`, `mig -lci`)
///
/// Prints `[gpus.NAME]` tables with their MIG instances and how they are shared; guests stand below as
/// a skeleton, in comments, since only you know their workload. A config that the board cannot have
/// is refused with exit code 3.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare import config.yaml --gpu a100-sxm4-40gb --list
  warpshare import config.yaml#all-balanced --gpu a100-sxm4-40gb
  nvidia-smi -q -x > node.xml && warpshare import node.xml
  nvidia-smi mig -lgi > node.txt && warpshare import node.txt --gpu a100-sxm4-40gb")]
pub struct Args {
    /// The file, and after `#` the config of it; a file with one config needs no `#`
    #[arg(value_name = "FILE[#CONFIG]")]
    file: String,
    /// Identifier of the board, as listed by `warpshare gpus`; most captures name their boards
    #[arg(long, value_name = "ID")]
    gpu: Option<String>,
    /// List the configs of the file and whether they fit the board
    #[arg(long)]
    list: bool,
    /// With --list: print JSON
    #[arg(long, requires = "list")]
    json: bool,
    /// Add the boards and vGPU types of this TOML file to the catalogue
    #[arg(long, value_name = "FILE")]
    boards: Option<PathBuf>,
}

/// Prints what the arguments ask for.
///
/// # Errors
///
/// [`Failure::BadInput`] for a file that cannot be read or understood, a config that it does not
/// have, and boards that the catalogue does not have.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let catalog = load(args.boards.as_deref())?;
    let (path, config) = import::split(&args.file, |path| Path::new(path).is_file());
    let bytes =
        std::fs::read(path).map_err(|error| bad(&format!("cannot read {path}: {error}"), None))?;
    let text = import::decode(path, bytes).map_err(all)?;
    match import::read(path, &text).map_err(all)? {
        Source::Capture(found) => capture(args, &catalog, &found, config),
        Source::Configs(file) => {
            if !file.warnings.is_empty() {
                note(&file.warnings.render());
            }
            configs(args, &catalog, &file, config)
        }
    }
}

fn capture(
    args: &Args,
    catalog: &Catalog,
    capture: &Capture,
    config: Option<&str>,
) -> Result<ExitCode, Failure> {
    let path = &capture.name;
    if config.is_some() || args.list {
        return Err(bad(
            &format!("{path} is a capture: it has no configs"),
            Some("leave out `#CONFIG` and `--list`"),
        ));
    }
    if let Some(id) = &args.gpu {
        if !capture.wants_board() {
            return Err(bad(
                &format!("{path} is a capture that names its boards itself"),
                Some("leave out `--gpu`"),
            ));
        }
        gpu(catalog, id)?;
    }
    let gpus = capture.boards(catalog, args.gpu.as_deref()).map_err(all)?;
    print(&scenario_text(&gpus))?;
    Ok(ExitCode::SUCCESS)
}

fn configs(
    args: &Args,
    catalog: &Catalog,
    file: &ConfigFile,
    config: Option<&str>,
) -> Result<ExitCode, Failure> {
    let board = match &args.gpu {
        Some(text) => Some(gpu(catalog, text)?.id.as_str()),
        None => None,
    };
    let chosen = config
        .map(|name| file.config(name))
        .transpose()
        .map_err(all)?;
    if args.list {
        return list(args, catalog, board, file, chosen);
    }
    let only = match file.configs.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    let Some(chosen) = chosen.or(only) else {
        return Err(bad(
            &format!(
                "{} has {} configs: which one?",
                file.name,
                file.configs.len()
            ),
            Some(&format!(
                "write `{}#CONFIG`; `warpshare import {} --list` lists them",
                file.name, file.name
            )),
        ));
    };
    let Some(id) = board else {
        return Err(bad(
            "such a file names no board",
            Some("say which with `--gpu ID`; `warpshare gpus` lists the identifiers"),
        ));
    };
    match apply(catalog, id, chosen) {
        Ok(gpus) => {
            let at = file.configs.iter().position(|config| config == chosen);
            let name = at.and_then(|at| file.names().into_iter().nth(at));
            let name = name.unwrap_or_else(|| chosen.name.clone());
            let from = format!("Config `{name}` of {}.", file.name);
            print(&format!("# {from}\n{}", scenario_text(&gpus)))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(reasons) => {
            for reason in &reasons {
                note(&format!(
                    "error: `{}` does not fit `{id}`: {reason}",
                    chosen.name
                ));
            }
            Ok(ExitCode::from(MISSED))
        }
    }
}

/// One config in `--list`.
#[derive(Serialize)]
struct Listed {
    config: String,
    /// Unknown without a board.
    fits: Option<bool>,
    /// What it makes, or why it does not fit.
    says: Vec<String>,
}

fn list(
    args: &Args,
    catalog: &Catalog,
    board: Option<&str>,
    file: &ConfigFile,
    chosen: Option<&Config>,
) -> Result<ExitCode, Failure> {
    let configs = file.configs.iter().zip(file.names());
    let listed: Vec<Listed> = configs
        .filter(|(config, _)| chosen.is_none_or(|chosen| chosen == *config))
        .map(|(config, name)| {
            let (fits, says) = match board {
                None => (None, Vec::new()),
                Some(id) => match apply(catalog, id, config) {
                    Ok(gpus) => (Some(true), gpus.iter().map(summary).collect()),
                    Err(reasons) => (
                        Some(false),
                        reasons.iter().map(ToString::to_string).collect(),
                    ),
                },
            };
            Listed {
                config: name,
                fits,
                says,
            }
        })
        .collect();
    if args.json {
        print(&json(&listed)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = if board.is_none() {
        listed
            .iter()
            .map(|row| format!("{}\n", row.config))
            .collect()
    } else {
        let head = ["Config", "Fits", "What it makes, or why not"];
        let mut rows = table(&head, &head);
        rows.set_content_arrangement(ContentArrangement::Dynamic);
        rows.set_width(WIDTH);
        for row in listed {
            let fits = if row.fits == Some(true) { "yes" } else { "no" };
            rows.add_row([row.config, fits.to_owned(), row.says.join("; ")]);
        }
        render(&rows)
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A GPU in one line: `3g.20gb@4 + 2g.10gb@2`, or `16 × T4-1Q`.
fn summary(gpu: &ImportedGpu) -> String {
    let mut parts: Vec<String> = Vec::new();
    for instance in &gpu.instances {
        parts.push(format!(
            "{}@{}",
            instance.placed.profile, instance.placed.start
        ));
    }
    let mut types: Vec<(&str, u32)> = Vec::new();
    for guests in &gpu.guests {
        match types.iter_mut().find(|(name, _)| *name == guests.type_name) {
            Some((_, count)) => *count += guests.count,
            None => types.push((&guests.type_name, guests.count)),
        }
    }
    parts.extend(
        types
            .iter()
            .map(|(name, count)| format!("{count} × {name}")),
    );
    if let Some(shared) = &gpu.shared {
        let by = match shared.by {
            SharedBy::TimeSlicing => "time slicing",
            SharedBy::Mps => "MPS",
        };
        parts.push(format!("{} replicas by {by}", shared.replicas));
    }
    if parts.is_empty() && !gpu.mig && !gpu.notes.is_empty() {
        parts.extend(
            gpu.notes
                .iter()
                .map(|note| note.trim_end_matches('.').to_owned()),
        );
    }
    let words = match (parts.is_empty(), gpu.mig) {
        (false, _) => parts.join(" + "),
        (true, true) => "MIG on, no instance".to_owned(),
        (true, false) => "MIG off".to_owned(),
    };
    match gpu.device {
        None => words,
        Some(index) => format!("GPU {index}: {words}"),
    }
}

fn bad(title: &str, help: Option<&str>) -> Failure {
    Failure::BadInput(match help {
        Some(help) => format!("error: {title}\nhelp: {help}"),
        None => format!("error: {title}"),
    })
}

fn all(wrong: Diagnostics) -> Failure {
    Failure::BadInput(wrong.render())
}
