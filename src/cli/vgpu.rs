//! `warpshare vgpu`: the vGPU types of the catalogue.

use super::gpus::{json, load, no_such_gpu, note_no_types, or_unknown, render, table, wrap};
use super::{Failure, print};
use crate::catalog::{Catalog, Mode, Series, VgpuType};
use std::path::PathBuf;
use std::process::ExitCode;

/// Look up vGPU types.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the vGPU types of a GPU, as `nvidia-smi vgpu -s -v` does on the host
    ///
    /// The maximum is that of equal-size mode. A maximum or display limit without a public source is
    /// printed as `unknown`; `-` marks what does not apply to the type.
    #[command(after_help = "\
Examples:
  warpshare vgpu types --gpu a40
  warpshare vgpu types --gpu a40 --series Q
  warpshare vgpu types --gpu rtx-pro-6000-blackwell-se --time-sliced")]
    Types {
        /// Identifier of the GPU, as listed by `warpshare gpus`, or a name such as "Tesla T4"
        #[arg(long, value_name = "ID")]
        gpu: String,
        /// Only types of this series: Q, B, A or C
        #[arg(long, value_parser = series, value_name = "LETTER")]
        series: Option<Series>,
        /// Only types that share the whole GPU in time
        #[arg(long)]
        time_sliced: bool,
        /// Add the boards and vGPU types of this TOML file to the catalogue
        #[arg(long, value_name = "FILE")]
        boards: Option<PathBuf>,
        /// Print JSON; unknown figures are null
        #[arg(long)]
        json: bool,
    },
}

fn series(text: &str) -> Result<Series, String> {
    Series::ALL
        .into_iter()
        .find(|series| series.to_string().eq_ignore_ascii_case(text))
        .ok_or_else(|| "the series are Q, B, A and C".to_owned())
}

/// Prints what the arguments ask for.
///
/// # Errors
///
/// [`Failure::BadInput`] for an unknown GPU or a boards file that is not valid.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let Action::Types {
        gpu,
        series,
        time_sliced,
        boards,
        json: as_json,
    } = &args.action;
    let catalog = load(boards.as_deref())?;
    let gpu = catalog
        .board_id(gpu)
        .ok_or_else(|| no_such_gpu(&catalog, gpu))?;
    let all: Vec<&VgpuType> = catalog.vgpu_types(gpu).collect();
    if all.is_empty() {
        note_no_types(gpu);
    }
    let chosen: Vec<&VgpuType> = all
        .into_iter()
        .filter(|t| series.is_none_or(|series| t.series == series))
        .filter(|t| !time_sliced || t.mode == Mode::TimeSliced)
        .collect();
    if *as_json {
        print(&json(&chosen)?)?;
    } else if !chosen.is_empty() {
        print(&list(&catalog, gpu, &chosen))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(catalog: &Catalog, id: &str, types: &[&VgpuType]) -> String {
    let mig = types.iter().any(|t| t.mode != Mode::TimeSliced);
    let mut head = vec!["vGPU type", "ID", "FB MiB", "Max"];
    if mig {
        head.extend(["Max/GI", "GPU instance"]);
    }
    head.extend(["Heads", "Max resolution", "FRL", "CUDA"]);
    let mut rows = table(&head, &["vGPU type", "GPU instance"]);
    for vgpu_type in types {
        let mut row = vec![
            vgpu_type.type_name.clone(),
            or_unknown(vgpu_type.vgpu_type_id),
            vgpu_type.frame_buffer_mib.to_string(),
            or_unknown(vgpu_type.max_per_gpu),
        ];
        if mig {
            let of_instance = |value: String| match vgpu_type.mode {
                Mode::TimeSliced => "-".to_owned(),
                Mode::MigBacked | Mode::MigTimeSliced => value,
            };
            row.push(of_instance(or_unknown(vgpu_type.max_per_gi)));
            row.push(of_instance(or_unknown(vgpu_type.mig_profile.as_ref())));
        }
        row.extend([
            or_unknown(vgpu_type.max_displays),
            or_unknown(vgpu_type.max_resolution.as_ref()),
            or_unknown(vgpu_type.frame_rate_limit_fps),
            if vgpu_type.cuda { "yes" } else { "no" }.to_owned(),
        ]);
        rows.add_row(row);
    }
    let name = catalog.gpu(id).map_or(id, |gpu| gpu.name.as_str());
    let mut text = format!("{name} ({id})\n\n{}\n", render(&rows));
    let explained = "Max: most vGPUs of the type on one GPU when all have its size. FRL: frame-rate \
                     limit (frames a second; best-effort scheduler only).";
    wrap(&mut text, "", 0, explained);
    if mig {
        let explained = "GPU instance: profile that must exist; Max/GI: most vGPUs in one. Types \
                         without one (-) share the whole GPU in time, with MIG off.";
        wrap(&mut text, "", 0, explained);
    }
    let licences: Vec<String> = Series::ALL
        .into_iter()
        .filter_map(|series| {
            let mut of_series = types.iter().filter(|t| t.series == series);
            let edition = of_series.next()?.licence_edition.as_deref()?;
            Some(format!("{series} {edition}"))
        })
        .collect();
    if !licences.is_empty() {
        wrap(&mut text, "Licence by series: ", 2, &licences.join("; "));
    }
    let mut sources: Vec<&str> = types
        .iter()
        .filter_map(|t| t.source.as_deref())
        .flat_map(|list| list.split("; "))
        .collect();
    sources.sort_unstable();
    sources.dedup();
    if !sources.is_empty() {
        text.push_str("\nSources\n");
        for source in sources {
            wrap(&mut text, "  ", 6, source);
        }
    }
    text
}
