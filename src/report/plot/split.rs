//! Where each GPU's SM time went: one stacked bar a GPU.

use super::axes::{Panel, Scale, percent_ticks};
use super::canvas::{Canvas, Drawn, Page, text_width};
use super::look::{
    self, ALARM, BODY, FAINT_INK, IDLE, INK, MARGIN, RESERVED_IDLE, SMALLER, SWITCHING, Swatch,
    USEFUL, WHITE, WIDTH, label,
};
use crate::report::units::{Shown, with_interval};
use crate::result::{Estimate, RunResult};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// Height of a GPU's row and of the bar in it.
const ROW: f64 = 84.0;
const BAR: f64 = 36.0;
const NAMES: f64 = 150.0;
/// Rows that one page shows.
const MOST: usize = 24;

pub(super) fn page(result: &RunResult) -> Page {
    let rows = ROW * result.gpus.len().min(MOST) as f64;
    Page {
        width: WIDTH,
        height: (look::below_legend(1) + rows + 46.0 + MARGIN) as u32,
    }
}

pub(super) fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, result: &RunResult) -> Drawn<B> {
    let more = match result.gpus.len() {
        n if n > MOST => format!("first {MOST} of {n} GPUs, {} more in gpus.csv", n - MOST),
        _ => String::new(),
    };
    let title = "Where the GPUs' SM time went";
    look::heading(canvas, &result.scenario, &result.plan, title, &more)?;
    look::legend(
        canvas,
        &[
            (Swatch::Area(USEFUL), "useful work"),
            (Swatch::Area(SWITCHING), "switching"),
            (Swatch::Area(RESERVED_IDLE), "reserved, unused"),
            (Swatch::Area(IDLE), "idle"),
            (Swatch::Pointer(INK), "GPU time (NVML utilisation)"),
        ],
    )?;
    let top = look::below_legend(1);
    let panel = Panel {
        left: MARGIN + NAMES,
        top,
        right: f64::from(WIDTH) - MARGIN - 16.0,
        bottom: top + ROW * result.gpus.len().min(MOST) as f64,
        x: Scale::linear(0.0, 1.0),
        y: Scale::linear(0.0, 1.0),
    };
    panel.x_axis(
        canvas,
        &percent_ticks(20),
        "SMs × wall time in the window",
        true,
    )?;
    for (n, gpu) in result.gpus.iter().take(MOST).enumerate() {
        let middle = top + ROW * (n as f64 + 0.5) - 3.0;
        let name = look::fit(&gpu.name, NAMES - 16.0, BODY);
        let x = panel.left - 12.0;
        canvas.text(
            &name,
            (x, middle - 8.0),
            look::bold(label(BODY, INK, HPos::Right)),
        )?;
        // All boards of the catalogue are of one vendor: its name would only crowd out the model's.
        let model = gpu.board_name.trim_start_matches("NVIDIA ");
        let board = look::fit(model, NAMES - 16.0, SMALLER);
        canvas.text(
            &board,
            (x, middle + 9.0),
            label(SMALLER, FAINT_INK, HPos::Right),
        )?;
        let split = &gpu.split;
        let (mut start, mut above) = (0.0, panel.left);
        for (part, colour, ink, outside) in [
            (&split.useful, USEFUL, WHITE, USEFUL),
            (&split.switching, SWITCHING, WHITE, ALARM),
            (&split.reserved_idle, RESERVED_IDLE, INK, look::AMBER_INK),
            (&split.idle, IDLE, INK, FAINT_INK),
        ] {
            let Some(value) = part.value else { continue };
            let (from, to) = (panel.along(start), panel.along(start + value));
            canvas.rectangle((from, middle - BAR / 2.0), (to, middle + BAR / 2.0), colour)?;
            start += value;
            if let Some(text) = inside(part, value, to - from) {
                let centre = ((from + to) / 2.0, middle);
                canvas.text(&text, centre, label(SMALLER, ink, HPos::Center))?;
            } else if value > 0.0 {
                // Too narrow: above the bar, clear of the label before it.
                let text = with_interval(value, part.half_width, Shown::Percent);
                let half = text_width(&text, SMALLER, false) / 2.0;
                let x = ((from + to) / 2.0).max(above + half + 12.0);
                let y = middle - BAR / 2.0 - 9.0;
                canvas.text(&text, (x, y), label(SMALLER, outside, HPos::Center))?;
                above = x + half;
            }
        }
        if let Some(time) = gpu.gpu_time.value {
            let x = panel.along(time);
            look::pointer(canvas, (x, middle + BAR / 2.0 + 2.0), INK)?;
            let text = with_interval(time, gpu.gpu_time.half_width, Shown::Percent);
            let width = text_width(&text, SMALLER, false);
            // Beside the pointer, on the side that has room.
            let beside = (x + 10.0, HPos::Left, x + 10.0 + width);
            let (x, align, _) = if beside.2 <= panel.right {
                beside
            } else {
                (x - 10.0, HPos::Right, x)
            };
            let under = middle + BAR / 2.0 + 8.0;
            canvas.text(&text, (x, under), label(SMALLER, INK, align))?;
        }
    }
    Ok(())
}

/// The label of a segment, if it fits inside.
fn inside(part: &Estimate, value: f64, width: f64) -> Option<String> {
    let text = with_interval(value, part.half_width, Shown::Percent);
    (text_width(&text, SMALLER, false) + 8.0 <= width).then_some(text)
}
