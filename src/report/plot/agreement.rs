//! Predicted against measured times, row by row.

use super::axes::{Panel, Scale};
use super::canvas::{Canvas, Colour, Drawn, Page};
use super::look::{self, AXIS, FAINT_INK, MARGIN, SERIES, SMALLER, Swatch, WIDTH, label};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// One line under the title.
    pub subtitle: String,
    /// Name and pairs (measured, predicted) in nanoseconds, above 0. Later groups lie on top.
    pub groups: Vec<(String, Vec<(f64, f64)>)>,
}

const HEIGHT: u32 = 620;

/// Deviation that the band about the diagonal stands for.
const BAND: f64 = 0.10;

const BAND_COLOUR: Colour = Colour {
    rgb: (236, 241, 246),
    alpha: 1.0,
};

pub(super) fn page() -> Page {
    Page {
        width: WIDTH,
        height: HEIGHT,
    }
}

/// The band between two lines through the origin, which are parallel to the diagonal on these scales.
fn band<B: DrawingBackend>(canvas: &mut Canvas<B>, panel: &Panel) -> Drawn<B> {
    let (low, high) = (panel.x.low, panel.x.high);
    let (over, under) = (1.0 + BAND, 1.0 - BAND);
    // Where the lines leave the panel.
    let corners = [
        (low, low * over),
        (high / over, high),
        (high, high),
        (high, high * under),
        (low / under, low),
        (low, low),
    ];
    canvas.polygon(&corners.map(|(x, y)| panel.at(x, y)), BAND_COLOUR)
}

pub(super) fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, what: &Agreement) -> Drawn<B> {
    look::heading_of(canvas, "Predicted against measured latency", &what.subtitle)?;
    let shown: Vec<&(String, Vec<(f64, f64)>)> = what
        .groups
        .iter()
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let band_name = format!("within {:.0} %", 100.0 * BAND);
    let mut entries: Vec<(Swatch, &str)> = shown
        .iter()
        .enumerate()
        .map(|(n, (name, _))| (Swatch::Dot(SERIES[n % SERIES.len()]), name.as_str()))
        .collect();
    entries.push((Swatch::Area(BAND_COLOUR), &band_name));
    look::legend(canvas, &entries)?;

    let values = || {
        shown
            .iter()
            .flat_map(|(_, rows)| rows)
            .flat_map(|&(m, p)| [m, p])
    };
    let least = values().fold(f64::INFINITY, f64::min);
    let most = values().fold(0.0, f64::max);
    let top = look::below_legend(look::legend_rows(
        &entries.iter().map(|(_, name)| *name).collect::<Vec<_>>(),
    ));
    let bottom = f64::from(HEIGHT) - MARGIN - 46.0;
    if most == 0.0 {
        let centre = (f64::from(WIDTH) / 2.0, (top + bottom) / 2.0);
        return look::nothing(canvas, centre, "There are no rows.");
    }
    let scale = Scale::log_times(least, most);
    let panel = Panel {
        left: MARGIN + 78.0,
        top,
        right: f64::from(WIDTH) - MARGIN - 12.0,
        bottom,
        x: scale,
        y: scale,
    };
    band(canvas, &panel)?;
    let (ticks, _) = scale.time_ticks();
    panel.y_axis(canvas, &ticks, "predicted")?;
    panel.x_axis(canvas, &ticks, "measured", true)?;
    let diagonal = [
        panel.at(scale.low, scale.low),
        panel.at(scale.high, scale.high),
    ];
    canvas.line(&diagonal, 1.2, AXIS)?;
    for (n, (_, rows)) in shown.iter().enumerate() {
        for &(measured, predicted) in rows {
            canvas.disc(panel.at(measured, predicted), 4.6, look::WHITE)?;
            let colour = SERIES[n % SERIES.len()];
            canvas.disc(panel.at(measured, predicted), 3.6, colour)?;
        }
    }
    let corner = (panel.right - 8.0, panel.bottom - 12.0);
    let text = "above the line: predicted too slow";
    canvas.text(text, corner, label(SMALLER, FAINT_INK, HPos::Right))
}
