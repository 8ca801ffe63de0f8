//! Placement diagrams: on the terminal, and as SVG and PNG.

use crate::cli::Failure;
use crate::mig::{Geometry, Placed};
use crate::report::plot::{Diagram, DiagramBox, DiagramRow, PlotError, diagram_png, diagram_svg};
use std::path::{Path, PathBuf};

/// Columns of the terminal for the units of a GPU.
const UNITS_WIDTH: u32 = 72;

/// Where to draw besides the terminal.
#[derive(Debug, clap::Args)]
pub(super) struct Files {
    /// Draw the placement diagram into this SVG file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draw the placement diagram into this PNG file
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
}

/// One row of a diagram.
pub(super) struct Row<'a> {
    pub(super) label: String,
    pub(super) instances: &'a [Placed],
    pub(super) remark: String,
}

/// What [`used`] means.
pub(super) const USED: &str = "On the right: placement units (u) and compute slices (c) in use.";

/// `7/8 u  6/7 c`: how much of the GPU a set of instances uses.
pub(super) fn used(geometry: &Geometry, instances: &[Placed]) -> String {
    let units: u32 = instances.iter().map(|p| p.size).sum();
    let profiles = instances
        .iter()
        .filter_map(|p| geometry.profile(&p.profile));
    let compute: u32 = profiles.map(|p| p.facts.compute_slices).sum();
    let (all, slices) = (geometry.units, geometry.compute_slices);
    format!("{units}/{all} u  {compute}/{slices} c")
}

/// The diagram as text: a line of unit numbers, then one line a row.
pub(super) fn text(geometry: &Geometry, rows: &[Row<'_>]) -> String {
    let labels = rows.iter().map(|row| row.label.chars().count());
    let lead = labels.max().unwrap_or(0);
    let width = (UNITS_WIDTH / geometry.units.max(1)).clamp(2, 20) as usize;
    let mut text = " ".repeat(lead + 1);
    for unit in 0..geometry.units {
        text.push_str(&format!(" {unit:<fill$}", fill = width - 1));
    }
    let mut text = text.trim_end().to_owned();
    text.push('\n');
    for row in rows {
        let mut line = format!("{:>lead$} ", row.label);
        let mut at = 0;
        let mut sorted: Vec<&Placed> = row.instances.iter().collect();
        sorted.sort();
        for placed in sorted {
            gap(&mut line, placed.start.saturating_sub(at), width);
            let room = placed.size as usize * width - 1;
            let name = shown(geometry, &placed.profile, room);
            line.push_str(&format!("│{name:<room$}"));
            at = placed.start + placed.size;
        }
        gap(&mut line, geometry.units.saturating_sub(at), width);
        line.push_str("│ ");
        line.push_str(&row.remark);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Free units.
fn gap(line: &mut String, units: u32, width: usize) {
    for _ in 0..units {
        line.push_str(&format!("│{:·<fill$}", "", fill = width - 1));
    }
}

/// The profile's name, or its short name, or as much of that as there is room for.
fn shown(geometry: &Geometry, name: &str, room: usize) -> String {
    if name.chars().count() <= room {
        return name.to_owned();
    }
    let short = short(geometry, name);
    short.chars().take(room).collect()
}

fn short(geometry: &Geometry, name: &str) -> String {
    geometry
        .profile(name)
        .map_or_else(|| name.to_owned(), |profile| profile.short_name())
}

/// Draws the rows into the files that are asked for.
pub(super) fn write(
    files: &Files,
    geometry: &Geometry,
    title: String,
    rows: &[Row<'_>],
) -> Result<(), Failure> {
    if files.svg.is_none() && files.png.is_none() {
        return Ok(());
    }
    let diagram = Diagram {
        title,
        subtitle: format!(
            "{} · {} placement units, {} memory and {} compute slices",
            geometry.gpu_name, geometry.units, geometry.memory_slices, geometry.compute_slices
        ),
        units: geometry.units,
        rows: rows.iter().map(|row| drawn(geometry, row)).collect(),
    };
    let failed = |error: PlotError| Failure::Running(format!("error: {error}"));
    if let Some(path) = &files.svg {
        save(path, diagram_svg(&diagram).map_err(failed)?.as_bytes())?;
    }
    if let Some(path) = &files.png {
        save(path, &diagram_png(&diagram).map_err(failed)?)?;
    }
    Ok(())
}

fn drawn(geometry: &Geometry, row: &Row<'_>) -> DiagramRow {
    let boxes = row.instances.iter().map(|placed| DiagramBox {
        name: placed.profile.clone(),
        short_name: short(geometry, &placed.profile),
        start: placed.start,
        size: placed.size,
        // One colour for each number of compute slices.
        series: geometry.profile(&placed.profile).map_or(0, |profile| {
            let slices = profile.facts.compute_slices;
            let smaller = geometry.profiles().iter().map(|p| p.facts.compute_slices);
            let mut smaller: Vec<u32> = smaller.filter(|&other| other < slices).collect();
            smaller.sort_unstable();
            smaller.dedup();
            smaller.len()
        }),
    });
    DiagramRow {
        label: row.label.clone(),
        boxes: boxes.collect(),
        remark: row.remark.clone(),
    }
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| {
        let shown = path.display();
        Failure::Running(format!("error: cannot write {shown}: {error}"))
    })
}
