//! The figures of a results folder: which are wanted, and drawing them into a folder that is already there.
//!
//! Results come first: figures are drawn when the folder is in its place, so that no figure can lose a finished
//! run. One that cannot be drawn, or would be larger than anybody wants to open, is left out with a remark.

use super::folder::{FolderError, replace_file};
use super::plot::{self, ComparisonFigure, Figure, PlotError};
use crate::result::{ComparisonResult, RunResult};
use std::path::Path;

/// Largest file of a figure, in bytes. The figures bound what they show so that they stay far below; this
/// is what a folder can rely on.
pub const LARGEST: usize = 1_000_000;

/// From this number of guests on, figures are drawn only where they are asked for.
pub const MANY_GUESTS: u64 = 500;

/// The forms in which figures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forms {
    None,
    Svg,
    Png,
    All,
}

impl Forms {
    fn svg(self) -> bool {
        matches!(self, Forms::Svg | Forms::All)
    }

    fn png(self) -> bool {
        matches!(self, Forms::Png | Forms::All)
    }

    /// The endings as a list of files shows them, such as `.svg, .png`.
    fn endings(self) -> &'static str {
        match self {
            Forms::None => "",
            Forms::Svg => ".svg",
            Forms::Png => ".png",
            Forms::All => ".svg, .png",
        }
    }
}

/// A drawing in one form, when it is asked for.
type Draw<'a> = Box<dyn Fn() -> Result<Vec<u8>, PlotError> + 'a>;

/// A figure that can be drawn.
struct Drawable<'a> {
    stem: &'static str,
    what: &'static str,
    svg: Draw<'a>,
    png: Draw<'a>,
}

/// The figures of one result, in the forms that are wanted.
pub struct Figures<'a> {
    forms: Forms,
    drawable: Vec<Drawable<'a>>,
}

impl<'a> Figures<'a> {
    /// The figures of a run.
    pub fn of_run(result: &'a RunResult, forms: Forms) -> Figures<'a> {
        let drawable = Figure::ALL.map(|figure| Drawable {
            stem: figure.file_stem(),
            what: figure.what(),
            svg: Box::new(move || plot::svg(figure, result).map(String::into_bytes)),
            png: Box::new(move || plot::png(figure, result)),
        });
        Figures {
            forms,
            drawable: drawable.into(),
        }
    }

    /// The figures of a comparison.
    pub fn of_comparison(result: &'a ComparisonResult, forms: Forms) -> Figures<'a> {
        let drawable = ComparisonFigure::ALL.map(|figure| Drawable {
            stem: figure.file_stem(),
            what: figure.what(),
            svg: Box::new(move || plot::comparison_svg(figure, result).map(String::into_bytes)),
            png: Box::new(move || plot::comparison_png(figure, result)),
        });
        Figures {
            forms,
            drawable: drawable.into(),
        }
    }

    /// Stems with their endings and what they show, for the file that names the files.
    pub(super) fn listed(&self) -> Vec<(String, &'static str)> {
        if self.forms == Forms::None {
            return Vec::new();
        }
        let endings = self.forms.endings();
        let named = self.drawable.iter();
        named
            .map(|figure| (format!("{}{endings}", figure.stem), figure.what))
            .collect()
    }

    /// Draws the figures into a results folder that is in its place; each file appears whole or not at all.
    /// `whole` surrounds what an interrupt must not cut in two.
    ///
    /// Returns a remark for each figure that is missing, with the reason.
    pub fn draw_into(
        &self,
        folder: &Path,
        mut whole: impl FnMut(&mut dyn FnMut() -> Result<(), FolderError>) -> Result<(), FolderError>,
    ) -> Vec<String> {
        let mut remarks = Vec::new();
        for figure in &self.drawable {
            for (wanted, ending, draw) in [
                (self.forms.svg(), "svg", &figure.svg),
                (self.forms.png(), "png", &figure.png),
            ] {
                if !wanted {
                    continue;
                }
                let name = format!("{}.{ending}", figure.stem);
                let missing = match draw() {
                    Ok(bytes) if bytes.len() > LARGEST => Some(format!(
                        "it would have {} bytes, and a figure has at most {LARGEST}",
                        bytes.len()
                    )),
                    Ok(bytes) => whole(&mut || replace_file(&folder.join(&name), &bytes))
                        .err()
                        .map(|error| error.to_string()),
                    Err(error) => Some(error.to_string()),
                };
                if let Some(reason) = missing {
                    remarks.push(format!(
                        "remark: {name} is left out: {reason}; the results are complete without it"
                    ));
                }
            }
        }
        remarks
    }
}
