//! `warpshare mig layouts`: all ways to fill a GPU.

use super::Common;
use super::diagram::{self, Files, Row, USED, used};
use crate::cli::Failure;
use crate::cli::gpus::{json, wrap};
use crate::mig::{Kind, PLACEMENTS, maximal_layouts};

/// List the maximal layouts of a GPU, and draw them
///
/// A layout is maximal if no further GPU instance fits beside its own. Standard profiles only: a
/// profile with media engines or graphics (`+me`, `-me`, `+gfx`) stands where the plain one of its
/// size does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare mig layouts --gpu a100-sxm4-40gb
  warpshare mig layouts --gpu a100-sxm4-40gb --double-memory --json
  warpshare mig layouts --gpu a30 --svg a30.svg --png a30.png")]
pub(super) struct LayoutsArgs {
    #[command(flatten)]
    common: Common,
    /// Also layouts with double-memory profiles, such as 1g.10gb on a GPU of 40 GB
    #[arg(long)]
    double_memory: bool,
    #[command(flatten)]
    files: Files,
}

pub(super) fn layouts(args: &LayoutsArgs) -> Result<String, Failure> {
    let (_, geometry) = args.common.open()?;
    let kinds: &[Kind] = if args.double_memory {
        &[Kind::Standard, Kind::DoubleMemory]
    } else {
        &[Kind::Standard]
    };
    let layouts = maximal_layouts(&geometry, kinds);
    let rows: Vec<Row<'_>> = layouts
        .iter()
        .enumerate()
        .map(|(nth, layout)| Row {
            label: (nth + 1).to_string(),
            instances: &layout.instances,
            remark: used(&geometry, &layout.instances),
        })
        .collect();
    let title = format!("Maximal MIG layouts ({})", layouts.len());
    diagram::write(&args.files, &geometry, title, &rows)?;
    if args.common.json {
        return json(&layouts);
    }
    let mut text = format!("{} ({})\n\n", geometry.gpu_name, geometry.gpu_id);
    text.push_str(&diagram::text(&geometry, &rows));
    text.push('\n');
    let explained = format!(
        "{} maximal layouts. Columns are placement units, numbered as starts are; dots are units \
         that no instance can use. {USED}",
        layouts.len()
    );
    wrap(&mut text, "", 0, &explained);
    if geometry.placements_assumed {
        let lead = format!("Assumption {}: ", PLACEMENTS.key);
        wrap(&mut text, &lead, 2, PLACEMENTS.about);
    }
    Ok(text)
}
