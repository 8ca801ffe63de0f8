//! Figures of a result, of a comparison, of a calibration, lines over a number, and placement diagrams, each as SVG and
//! PNG from one drawing function.
//!
//! The backends of `plotters` do the drawing; everything that makes the figures look alike (palette,
//! type, axes, legends, sizes) is in `look` and `axes`. The typeface is bundled, so figures need
//! no font on the machine and are the same bytes everywhere.

mod agreement;
mod axes;
mod canvas;
mod comparison;
mod distribution;
mod latency;
mod lines;
mod look;
mod placement;
mod response;
mod split;
mod timeline;

pub use agreement::Agreement;
pub use comparison::ComparisonFigure;
pub use lines::{LinePoint, LineSeries, Lines, Marks};
pub use placement::{Diagram, DiagramBox, DiagramRow};

use crate::result::{ComparisonResult, RunResult};
use canvas::{Canvas, Page, SCALE};
use plotters::backend::{BitMapBackend, RGBPixel, SVGBackend};
use plotters_backend::DrawingBackend;
use std::error::Error;

/// The figures of a results folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Distribution of response times, one curve a guest group.
    LatencyCdf,
    /// Mean and 95th percentile, one bar a guest group (or a member, when there is one group).
    ResponseTimes,
    /// Where each GPU's SM time went.
    GpuSplit,
    /// The same over time, with the engines.
    Utilisation,
}

impl Figure {
    pub const ALL: [Figure; 4] = [
        Figure::LatencyCdf,
        Figure::ResponseTimes,
        Figure::GpuSplit,
        Figure::Utilisation,
    ];

    /// File name without its ending.
    pub fn file_stem(self) -> &'static str {
        match self {
            Figure::LatencyCdf => "latency_cdf",
            Figure::ResponseTimes => "response_times",
            Figure::GpuSplit => "gpu_split",
            Figure::Utilisation => "utilisation",
        }
    }

    /// What the figure shows, for the folder's README.
    pub fn what(self) -> &'static str {
        match self {
            Figure::LatencyCdf => "distribution of response times",
            Figure::ResponseTimes => "mean and 95th percentile of response times",
            Figure::GpuSplit => "where each GPU's SM time went",
            Figure::Utilisation => "SMs and engines over time",
        }
    }

    fn page(self, result: &RunResult) -> Page {
        match self {
            Figure::LatencyCdf => latency::page(result),
            Figure::ResponseTimes => response::page(result),
            Figure::GpuSplit => split::page(result),
            Figure::Utilisation => timeline::page(result),
        }
    }

    fn draw<B: DrawingBackend>(
        self,
        canvas: &mut Canvas<B>,
        result: &RunResult,
    ) -> Result<(), PlotError> {
        let drawn = match self {
            Figure::LatencyCdf => latency::draw(canvas, result),
            Figure::ResponseTimes => response::draw(canvas, result),
            Figure::GpuSplit => split::draw(canvas, result),
            Figure::Utilisation => timeline::draw(canvas, result),
        };
        drawn.and_then(|()| canvas.finish()).map_err(failed)
    }
}

/// Something that can be drawn.
#[derive(Clone, Copy)]
enum Drawing<'a> {
    Figure(Figure, &'a RunResult),
    Comparison(ComparisonFigure, &'a ComparisonResult),
    Diagram(&'a Diagram),
    Agreement(&'a Agreement),
    Lines(&'a Lines),
}

impl Drawing<'_> {
    fn page(self) -> Page {
        match self {
            Drawing::Figure(figure, result) => figure.page(result),
            Drawing::Comparison(figure, result) => figure.page(result),
            Drawing::Diagram(diagram) => placement::page(diagram),
            Drawing::Agreement(_) => agreement::page(),
            Drawing::Lines(_) => lines::page(),
        }
    }

    fn draw<B: DrawingBackend>(self, canvas: &mut Canvas<B>) -> Result<(), PlotError> {
        match self {
            Drawing::Figure(figure, result) => figure.draw(canvas, result),
            Drawing::Comparison(figure, result) => figure
                .draw(canvas, result)
                .and_then(|()| canvas.finish())
                .map_err(failed),
            Drawing::Diagram(diagram) => placement::draw(canvas, diagram)
                .and_then(|()| canvas.finish())
                .map_err(failed),
            Drawing::Agreement(agreement) => agreement::draw(canvas, agreement)
                .and_then(|()| canvas.finish())
                .map_err(failed),
            Drawing::Lines(what) => lines::draw(canvas, what)
                .and_then(|()| canvas.finish())
                .map_err(failed),
        }
    }
}

/// Why a figure could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the figure: {0}")]
pub struct PlotError(String);

fn failed(error: impl Error) -> PlotError {
    PlotError(error.to_string())
}

/// The figure as SVG. Text stays text; a viewer without the typeface uses its own sans-serif.
///
/// # Errors
///
/// What the drawing library reports.
pub fn svg(figure: Figure, result: &RunResult) -> Result<String, PlotError> {
    to_svg(Drawing::Figure(figure, result))
}

/// A figure of a comparison as SVG.
///
/// # Errors
///
/// What the drawing library reports.
pub fn comparison_svg(
    figure: ComparisonFigure,
    result: &ComparisonResult,
) -> Result<String, PlotError> {
    to_svg(Drawing::Comparison(figure, result))
}

/// A placement diagram as SVG.
///
/// # Errors
///
/// What the drawing library reports.
pub fn diagram_svg(diagram: &Diagram) -> Result<String, PlotError> {
    to_svg(Drawing::Diagram(diagram))
}

/// Predicted against measured times as SVG.
///
/// # Errors
///
/// What the drawing library reports.
pub fn agreement_svg(agreement: &Agreement) -> Result<String, PlotError> {
    to_svg(Drawing::Agreement(agreement))
}

/// Lines over a number as SVG.
///
/// # Errors
///
/// What the drawing library reports.
pub fn lines_svg(lines: &Lines) -> Result<String, PlotError> {
    to_svg(Drawing::Lines(lines))
}

fn to_svg(drawing: Drawing<'_>) -> Result<String, PlotError> {
    let page = drawing.page();
    let fine = (page.width * SCALE, page.height * SCALE);
    let mut text = String::new();
    {
        let mut canvas = Canvas::new(SVGBackend::with_string(&mut text, fine)).map_err(failed)?;
        drawing.draw(&mut canvas)?;
    }
    // Coordinates are whole numbers of a finer grid; only the size on the page is changed here.
    let drawn = format!(r#"width="{}" height="{}""#, fine.0, fine.1);
    let shown = format!(r#"width="{}" height="{}""#, page.width, page.height);
    Ok(text.replacen(&drawn, &shown, 1))
}

/// Pixels of the PNG for one unit of the SVG.
pub const PNG_SCALE: u32 = 2;

/// The figure as PNG, [`PNG_SCALE`] times the size of the SVG.
///
/// # Errors
///
/// What the drawing library or the encoder reports.
pub fn png(figure: Figure, result: &RunResult) -> Result<Vec<u8>, PlotError> {
    to_png(Drawing::Figure(figure, result))
}

/// A figure of a comparison as PNG, [`PNG_SCALE`] times the size of the SVG.
///
/// # Errors
///
/// What the drawing library or the encoder reports.
pub fn comparison_png(
    figure: ComparisonFigure,
    result: &ComparisonResult,
) -> Result<Vec<u8>, PlotError> {
    to_png(Drawing::Comparison(figure, result))
}

/// A placement diagram as PNG, [`PNG_SCALE`] times the size of the SVG.
///
/// # Errors
///
/// What the drawing library or the encoder reports.
pub fn diagram_png(diagram: &Diagram) -> Result<Vec<u8>, PlotError> {
    to_png(Drawing::Diagram(diagram))
}

/// Predicted against measured times as PNG, [`PNG_SCALE`] times the size of the SVG.
///
/// # Errors
///
/// What the drawing library or the encoder reports.
pub fn agreement_png(agreement: &Agreement) -> Result<Vec<u8>, PlotError> {
    to_png(Drawing::Agreement(agreement))
}

/// Lines over a number as PNG, [`PNG_SCALE`] times the size of the SVG.
///
/// # Errors
///
/// What the drawing library or the encoder reports.
pub fn lines_png(lines: &Lines) -> Result<Vec<u8>, PlotError> {
    to_png(Drawing::Lines(lines))
}

fn to_png(drawing: Drawing<'_>) -> Result<Vec<u8>, PlotError> {
    let page = drawing.page();
    let (width, height) = (page.width * SCALE, page.height * SCALE);
    let mut fine = vec![0; width as usize * height as usize * 3];
    {
        let backend = BitMapBackend::<RGBPixel>::with_buffer_and_format(&mut fine, (width, height))
            .map_err(failed)?;
        let mut canvas = Canvas::new(backend).map_err(failed)?;
        drawing.draw(&mut canvas)?;
    }
    let pixels = shrink(&fine, width as usize, (SCALE / PNG_SCALE) as usize);
    let mut bytes = Vec::new();
    let mut encoder =
        png::Encoder::new(&mut bytes, page.width * PNG_SCALE, page.height * PNG_SCALE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    // Rows of flat colour repeat the row above.
    encoder.set_filter(png::FilterType::Up);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// Averages blocks of `factor` x `factor` pixels: smooth edges for everything that was drawn.
fn shrink(fine: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let (row, block) = (width * 3, factor * factor);
    let height = fine.len() / row;
    let mut pixels = Vec::with_capacity(fine.len() / block);
    for top in (0..height).step_by(factor) {
        for left in (0..width).step_by(factor) {
            for channel in 0..3 {
                let mut sum = 0;
                for y in top..top + factor {
                    for x in left..left + factor {
                        sum += usize::from(fine[y * row + x * 3 + channel]);
                    }
                }
                pixels.push(((sum + block / 2) / block) as u8);
            }
        }
    }
    pixels
}
