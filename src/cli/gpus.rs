//! `warpshare gpus`: the physical GPUs of the catalogue.

use super::{Failure, note, print};
use crate::catalog::{Catalog, Gpu, Source, source_keys};
use crate::diagnostics::Diagnostics;
use crate::vgpu::{VfOrigin, vf_total};
use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Columns of a terminal that the output is made for.
const WIDTH: usize = 100;

/// What stands for a figure without a public source.
pub(super) const UNKNOWN: &str = "unknown";

/// List the physical GPUs of the catalogue, or show one with the source of every figure.
///
/// A figure without a public source is printed as `unknown`, never as zero.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare gpus
  warpshare gpus show a40
  warpshare gpus --boards lab.toml show my-a40
  warpshare gpus --json | jq '.[] | select(.mig_capable) | .id'")]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Add the boards and vGPU types of this TOML file to the catalogue
    #[arg(long, global = true, value_name = "FILE")]
    boards: Option<PathBuf>,
    /// Print JSON; unknown figures are null
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show every figure of one GPU, with its sources
    #[command(after_help = "Example:\n  warpshare gpus show a100-sxm4-40gb")]
    Show {
        /// Identifier, as listed by `warpshare gpus`, or a name such as "Tesla T4"
        id: String,
    },
}

/// Prints what the arguments ask for.
///
/// # Errors
///
/// [`Failure::BadInput`] for an unknown GPU or a boards file that is not valid.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let catalog = load(args.boards.as_deref())?;
    let text = match &args.action {
        None if args.json => json(&catalog.gpus())?,
        None => list(&catalog),
        Some(Action::Show { id }) => {
            let gpu = gpu(&catalog, id)?;
            if args.json {
                json(&Shown::new(&catalog, gpu))?
            } else {
                show(&catalog, gpu)
            }
        }
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The catalogue, with a user's boards if a file is given.
pub(super) fn load(boards: Option<&Path>) -> Result<Catalog, Failure> {
    let mut catalog = Catalog::builtin()
        .map_err(|error| Failure::Running(format!("error: the built-in catalogue: {error}")))?;
    if let Some(path) = boards {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::BadInput(format!("error: cannot read {shown}: {error}")))?;
        catalog
            .add_user_file(&shown, &text)
            .map_err(|errors| Failure::BadInput(Diagnostics(errors).render()))?;
    }
    Ok(catalog)
}

/// The GPU that `text` names: an identifier, or a name that programs print.
///
/// # Errors
///
/// [`Failure::BadInput`] with what may have been meant.
pub(super) fn gpu<'c>(catalog: &'c Catalog, text: &str) -> Result<&'c Gpu, Failure> {
    let found = catalog.gpu_named(text);
    found.ok_or_else(|| no_such_gpu(catalog, text))
}

/// The message for a name that the catalogue does not have.
pub(super) fn no_such_gpu(catalog: &Catalog, id: &str) -> Failure {
    let help = catalog.suggest_gpu(id);
    let help = help.unwrap_or_else(|| "`warpshare gpus` lists the identifiers".to_owned());
    Failure::BadInput(format!("error: there is no GPU `{id}`\nhelp: {help}"))
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::Running(format!("error: cannot write JSON: {error}")))
}

/// A table without lines; columns named in `left` are aligned left, the others right.
pub(super) fn table(head: &[&str], left: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(head.iter().copied().map(Cell::new));
    for (index, name) in head.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((if index == 0 { 0 } else { 2 }, 0));
            if !left.contains(name) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table
}

/// The lines of a table, without blanks at their ends.
pub(super) fn render(table: &Table) -> String {
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// A figure, or `unknown`.
pub(super) fn or_unknown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string())
}

fn yes_no(value: Option<bool>) -> String {
    or_unknown(value.map(|yes| if yes { "yes" } else { "no" }))
}

fn list(catalog: &Catalog) -> String {
    let mut rows = table(
        &[
            "GPU", "Family", "SMs", "GiB", "GB/s", "TFLOPS", "CEs", "VFs", "MIG", "Types",
        ],
        &["GPU", "Family"],
    );
    for gpu in catalog.gpus() {
        let types = catalog.vgpu_types(&gpu.id).count();
        let instances = match gpu.mig_capable {
            Some(false) => "no".to_owned(),
            _ => or_unknown(gpu.mig_max_instances),
        };
        rows.add_row([
            gpu.id.clone(),
            // The first word says it, and leaves room for the figures.
            gpu.architecture
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
            or_unknown(gpu.sm_count),
            or_unknown(gpu.memory_gib.map(f64::round)),
            or_unknown(gpu.memory_bandwidth_gb_s),
            or_unknown(gpu.fp32_tflops),
            or_unknown(gpu.copy_engines),
            vfs(gpu),
            instances,
            types.to_string(),
        ]);
    }
    let mut text = render(&rows);
    text.push('\n');
    let explained = "TFLOPS: single precision. CEs: copy engines. VFs: SR-IOV virtual functions (mdev: \
                     none, vGPUs are mediated devices). MIG: most GPU instances. Types: vGPU types. Figures are per \
                     GPU; `warpshare gpus show GPU` prints all of one.";
    wrap(&mut text, "", 0, explained);
    let bare: Vec<&str> = catalog
        .gpus_with_vgpu_types()
        .into_iter()
        .filter(|id| catalog.gpu(id).is_none())
        .collect();
    if !bare.is_empty() {
        let lead = "Known by their vGPU types only: ";
        text.push('\n');
        wrap(&mut text, lead, 0, &bare.join(", "));
    }
    text
}

fn vfs(gpu: &Gpu) -> String {
    match gpu.max_vfs {
        Some(0) => "mdev".to_owned(),
        number => or_unknown(number),
    }
}

fn show(catalog: &Catalog, gpu: &Gpu) -> String {
    let mut text = format!("{} ({})\n\n", gpu.name, gpu.id);
    let mut rows = table(
        &["Figure", "Value", "Column", "Sources"],
        &["Figure", "Value", "Column", "Sources"],
    );
    for (label, value, column) in figures(gpu) {
        let named = match gpu.source_of(column) {
            Some(list) => source_keys(list).collect::<Vec<_>>().join(", "),
            None if value == UNKNOWN => String::new(),
            None => "-".to_owned(),
        };
        rows.add_row([label.to_owned(), value, column.to_owned(), named]);
    }
    text.push_str(&render(&rows));
    text.push_str("\n-: a figure for which the catalogue names no source of its own.\n");

    let named = |lead: &str, list: Vec<&str>, text: &mut String| {
        if !list.is_empty() {
            wrap(text, lead, 2, &list.join(", "));
        }
    };
    let names: Vec<&str> = catalog.names_of(&gpu.id).collect();
    named("Also called: ", names, &mut text);
    // The first is in the table.
    let own = usize::from(gpu.pci_device_id.is_some());
    let ids: Vec<&str> = catalog.pci_device_ids(&gpu.id).skip(own).collect();
    named("Further PCI device ids: ", ids, &mut text);
    let total = vf_total(catalog, &gpu.id);
    if let (Some(number), VfOrigin::Assumption { type_name }) = (total.value, &total.origin) {
        let remark = format!(
            "{number} unless you say otherwise, as many as there can be {type_name} \
             (assumption {})",
            crate::vgpu::VF_ASSUMPTION
        );
        wrap(&mut text, "Virtual functions: ", 2, &remark);
    }
    let types: Vec<_> = catalog.vgpu_types(&gpu.id).collect();
    let remark = match types.len() {
        0 => "none in the catalogue".to_owned(),
        n => format!("{n}, listed by `warpshare vgpu types --gpu {}`", gpu.id),
    };
    wrap(&mut text, "vGPU types: ", 2, &remark);
    if let Some(notes) = &gpu.notes {
        wrap(&mut text, "Notes: ", 2, notes);
    }

    let sources = sources(catalog, gpu);
    if !sources.is_empty() {
        text.push_str("\nSources\n");
        for source in sources {
            let about = format!("{}. {}", source.title, source.locator);
            let remarks = remarks(gpu, &source.key);
            wrap(
                &mut text,
                &format!("  {}{remarks}: ", source.key),
                6,
                &about,
            );
        }
    }
    text
}

/// Label, value and column of every figure, in the order in which they are read.
fn figures(gpu: &Gpu) -> Vec<(&'static str, String, &'static str)> {
    let unit = |value: String, unit: &str| match value.as_str() {
        UNKNOWN => value,
        _ => format!("{value} {unit}"),
    };
    vec![
        ("Architecture", gpu.architecture.clone(), "architecture"),
        ("Chip", or_unknown(gpu.chip.as_ref()), "chip"),
        (
            "PCI device id",
            or_unknown(gpu.pci_device_id.as_ref()),
            "pci_device_id",
        ),
        (
            "Compute capability",
            or_unknown(gpu.compute_capability.as_ref()),
            "compute_capability",
        ),
        (
            "GPUs per board",
            or_unknown(gpu.gpus_per_board),
            "gpus_per_board",
        ),
        ("SMs", or_unknown(gpu.sm_count), "sm_count"),
        ("GPCs", or_unknown(gpu.gpc_count), "gpc_count"),
        (
            "Memory",
            unit(or_unknown(gpu.memory_gib), "GiB"),
            "memory_gib",
        ),
        (
            "Memory that nvidia-smi shows",
            unit(or_unknown(gpu.visible_memory_mib), "MiB"),
            "visible_memory_mib",
        ),
        (
            "Memory bandwidth",
            unit(or_unknown(gpu.memory_bandwidth_gb_s), "GB/s"),
            "memory_bandwidth_gb_s",
        ),
        ("L2 cache", unit(or_unknown(gpu.l2_mib), "MiB"), "l2_mib"),
        (
            "Boost clock",
            unit(or_unknown(gpu.boost_clock_mhz), "MHz"),
            "boost_clock_mhz",
        ),
        (
            "FP32",
            unit(or_unknown(gpu.fp32_tflops), "TFLOPS"),
            "fp32_tflops",
        ),
        (
            "FP16 tensor, dense",
            unit(or_unknown(gpu.fp16_tensor_tflops_dense), "TFLOPS"),
            "fp16_tensor_tflops_dense",
        ),
        ("Copy engines", or_unknown(gpu.copy_engines), "copy_engines"),
        ("Decoders", or_unknown(gpu.nvdec), "nvdec"),
        ("Encoders", or_unknown(gpu.nvenc), "nvenc"),
        ("JPEG engines", or_unknown(gpu.nvjpg), "nvjpg"),
        ("Optical flow", or_unknown(gpu.ofa), "ofa"),
        ("PCIe generation", or_unknown(gpu.pcie_gen), "pcie_gen"),
        ("PCIe lanes", or_unknown(gpu.pcie_lanes), "pcie_lanes"),
        (
            "NVLink, both ways",
            unit(or_unknown(gpu.nvlink_gb_s), "GB/s"),
            "nvlink_gb_s",
        ),
        ("Board power", unit(or_unknown(gpu.tdp_w), "W"), "tdp_w"),
        ("MIG", yes_no(gpu.mig_capable), "mig_capable"),
        (
            "GPU instances, most",
            or_unknown(gpu.mig_max_instances),
            "mig_max_instances",
        ),
        ("vGPU", yes_no(gpu.vgpu_capable), "vgpu_capable"),
        ("Virtual functions", vfs(gpu), "max_vfs"),
    ]
}

/// The sources behind a GPU's figures, by key, each once.
fn sources<'a>(catalog: &'a Catalog, gpu: &Gpu) -> Vec<&'a Source> {
    let mut keys: Vec<&str> = gpu
        .source
        .iter()
        .flat_map(|(_, list)| source_keys(list))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .filter_map(|key| catalog.source(key))
        .collect()
}

/// What the GPU's row remarks about its use of a source, such as ` (7g row)`.
fn remarks(gpu: &Gpu, key: &str) -> String {
    let mut remarks: Vec<&str> = Vec::new();
    for (_, list) in gpu.source.iter() {
        for part in list.split(',').map(str::trim) {
            if let Some(remark) = part.strip_prefix(key)
                && remark.starts_with(" (")
                && !remarks.contains(&remark)
            {
                remarks.push(remark);
            }
        }
    }
    remarks.concat()
}

/// What `show --json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    gpu: &'a Gpu,
    /// What programs call it beside its name.
    names: Vec<&'a str>,
    pci_device_ids: Vec<&'a str>,
    vgpu_types: Vec<&'a str>,
    sources: Vec<&'a Source>,
}

impl<'a> Shown<'a> {
    fn new(catalog: &'a Catalog, gpu: &'a Gpu) -> Self {
        Shown {
            gpu,
            names: catalog.names_of(&gpu.id).collect(),
            pci_device_ids: catalog.pci_device_ids(&gpu.id).collect(),
            vgpu_types: catalog
                .vgpu_types(&gpu.id)
                .map(|t| t.type_name.as_str())
                .collect(),
            sources: sources(catalog, gpu),
        }
    }
}

/// Appends a paragraph, wrapped at [`WIDTH`]: `lead` on the first line, `indent` blanks on the
/// others. Words longer than a line stay whole.
pub(super) fn wrap(text: &mut String, lead: &str, indent: usize, words: &str) {
    let mut line = lead.to_owned();
    for word in words.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && !line.trim().is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
            line = " ".repeat(indent) + word;
        } else {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let _ = writeln!(text, "{line}");
}

/// Says on stderr that a GPU has no types.
pub(super) fn note_no_types(id: &str) {
    note(&format!("note: the catalogue has no vGPU types for `{id}`"));
}
