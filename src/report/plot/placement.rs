//! Placement diagrams: what stands where on a GPU, one row a layout, one column a placement unit.

use super::canvas::{Canvas, Colour, Drawn, Page, text_width};
use super::look::{
    self, AXIS, BODY, FAINT_INK, GRID, INK, MARGIN, SERIES, SMALLER, TITLE, WIDTH, label,
};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// A figure of layouts, one under another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagram {
    pub title: String,
    pub subtitle: String,
    /// Placement units of the GPU.
    pub units: u32,
    pub rows: Vec<DiagramRow>,
}

/// One layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagramRow {
    /// Stands before the row.
    pub label: String,
    pub boxes: Vec<DiagramBox>,
    /// Stands after the row.
    pub remark: String,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagramBox {
    pub name: String,
    /// Used where the name is too wide.
    pub short_name: String,
    pub start: u32,
    pub size: u32,
    /// Boxes of one series have one colour.
    pub series: usize,
}

const ROW: f64 = 30.0;
const BOX: f64 = 24.0;
const AFTER: f64 = 130.0;
/// Height of the line of unit numbers.
const HEAD: f64 = 22.0;

pub(super) fn page(diagram: &Diagram) -> Page {
    let rows = ROW * diagram.rows.len() as f64;
    Page {
        width: WIDTH,
        height: (look::HEADING + HEAD + rows + MARGIN) as u32,
    }
}

pub(super) fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, diagram: &Diagram) -> Drawn<B> {
    let width = f64::from(WIDTH) - 2.0 * MARGIN;
    let title = look::fit(&diagram.title, width, TITLE);
    let style = look::bold(label(TITLE, INK, HPos::Left));
    canvas.text(&title, (MARGIN, MARGIN + 6.0), style)?;
    let subtitle = look::fit(&diagram.subtitle, width, BODY);
    let style = label(BODY, FAINT_INK, HPos::Left);
    canvas.text(&subtitle, (MARGIN, MARGIN + 29.0), style)?;

    let labels = diagram
        .rows
        .iter()
        .map(|row| text_width(&row.label, BODY, false));
    let left = MARGIN + labels.fold(0.0, f64::max) + 12.0;
    let right = f64::from(WIDTH) - MARGIN - AFTER;
    let unit = (right - left) / f64::from(diagram.units.max(1));
    let x = |at: u32| left + unit * f64::from(at);
    let top = look::HEADING + HEAD;
    for at in 0..diagram.units {
        let centre = (x(at) + unit / 2.0, look::HEADING + HEAD / 2.0 - 2.0);
        let style = label(SMALLER, FAINT_INK, HPos::Center);
        canvas.text(&at.to_string(), centre, style)?;
    }
    for (nth, row) in diagram.rows.iter().enumerate() {
        let middle = top + ROW * (nth as f64 + 0.5);
        let (above, below) = (middle - BOX / 2.0, middle + BOX / 2.0);
        let style = label(BODY, INK, HPos::Right);
        canvas.text(&row.label, (left - 10.0, middle), style)?;
        for at in 0..=diagram.units {
            canvas.line(&[(x(at), above), (x(at), below)], 1.0, GRID)?;
        }
        let frame = [
            (left, above),
            (right, above),
            (right, below),
            (left, below),
            (left, above),
        ];
        canvas.line(&frame, 1.0, AXIS)?;
        for part in &row.boxes {
            let colour = SERIES[part.series % SERIES.len()];
            let (from, to) = (x(part.start) + 1.5, x(part.start + part.size) - 1.5);
            let pale = Colour {
                alpha: 0.25,
                ..colour
            };
            canvas.rectangle((from, above + 1.5), (to, below - 1.5), pale)?;
            canvas.rectangle((from, above + 1.5), (from + 4.0, below - 1.5), colour)?;
            let room = to - from - 10.0;
            let name = if text_width(&part.name, SMALLER, false) <= room {
                part.name.clone()
            } else {
                look::fit(&part.short_name, room, SMALLER)
            };
            let centre = ((from + 4.0 + to) / 2.0, middle);
            canvas.text(&name, centre, label(SMALLER, INK, HPos::Center))?;
        }
        let remark = look::fit(&row.remark, AFTER - 10.0, SMALLER);
        let style = label(SMALLER, FAINT_INK, HPos::Left);
        canvas.text(&remark, (right + 10.0, middle), style)?;
    }
    Ok(())
}
