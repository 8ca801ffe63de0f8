//! A sheet to draw on, in units of one SVG pixel, whatever the backend.

use super::look::{self, Face};
use plotters_backend::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontFamily, FontStyle, FontTransform,
};
use std::convert::Infallible;

/// Steps of the backend's integer grid in one unit: fine enough for smooth curves.
pub(super) const SCALE: u32 = 4;

/// Size of a figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A point: right and down from the upper left corner.
pub(super) type Point = (f64, f64);

/// A colour with opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Colour {
    pub(super) rgb: (u8, u8, u8),
    pub(super) alpha: f64,
}

/// How text is set.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) colour: Colour,
    pub(super) align: HPos,
    /// Read from below to above.
    pub(super) upright: bool,
}

pub(super) type Drawn<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

pub(super) struct Canvas<B: DrawingBackend> {
    backend: B,
}

fn grid(value: f64) -> i32 {
    (value * f64::from(SCALE)).round() as i32
}

fn at(point: Point) -> BackendCoord {
    (grid(point.0), grid(point.1))
}

/// Colour and width of a line, in steps of the grid.
struct Pen {
    colour: Colour,
    width: u32,
}

impl BackendStyle for Pen {
    fn color(&self) -> BackendColor {
        BackendColor {
            alpha: self.colour.alpha,
            rgb: self.colour.rgb,
        }
    }

    fn stroke_width(&self) -> u32 {
        self.width
    }
}

impl<B: DrawingBackend> Canvas<B> {
    /// A white sheet.
    pub(super) fn new(mut backend: B) -> Result<Canvas<B>, DrawingErrorKind<B::ErrorType>> {
        backend.ensure_prepared()?;
        let (width, height) = backend.get_size();
        let white = Pen {
            colour: look::WHITE,
            width: 1,
        };
        backend.draw_rect((0, 0), (width as i32, height as i32), &white, true)?;
        Ok(Canvas { backend })
    }

    pub(super) fn finish(&mut self) -> Drawn<B> {
        self.backend.present()
    }

    pub(super) fn rectangle(&mut self, from: Point, to: Point, colour: Colour) -> Drawn<B> {
        let pen = Pen { colour, width: 1 };
        let ((x0, y0), (x1, y1)) = (at(from), at(to));
        if x0 == x1 || y0 == y1 {
            return Ok(());
        }
        self.backend.draw_rect((x0, y0), (x1, y1), &pen, true)
    }

    pub(super) fn line(&mut self, points: &[Point], width: f64, colour: Colour) -> Drawn<B> {
        let pen = Pen {
            colour,
            width: grid(width).max(1).unsigned_abs(),
        };
        // Points that fall on one grid point would give joints of no direction.
        let mut path: Vec<BackendCoord> = Vec::with_capacity(points.len());
        for &point in points {
            let point = at(point);
            if path.last() != Some(&point) {
                path.push(point);
            }
        }
        if path.len() < 2 {
            return Ok(());
        }
        self.backend.draw_path(path, &pen)
    }

    /// A line of dashes: `on` and `off` long.
    pub(super) fn dashes(
        &mut self,
        points: &[Point],
        width: f64,
        colour: Colour,
        (on, off): (f64, f64),
    ) -> Drawn<B> {
        let mut dash: Vec<Point> = points.first().copied().into_iter().collect();
        let (mut drawing, mut left) = (true, on);
        for pair in points.windows(2) {
            let (mut from, to) = (pair[0], pair[1]);
            loop {
                let (dx, dy) = (to.0 - from.0, to.1 - from.1);
                let length = (dx * dx + dy * dy).sqrt();
                if length < left {
                    left -= length;
                    dash.push(to);
                    break;
                }
                let part = left / length;
                from = (from.0 + dx * part, from.1 + dy * part);
                dash.push(from);
                if drawing {
                    self.line(&dash, width, colour)?;
                }
                dash.clear();
                dash.push(from);
                drawing = !drawing;
                left = if drawing { on } else { off };
            }
        }
        if drawing {
            self.line(&dash, width, colour)?;
        }
        Ok(())
    }

    pub(super) fn polygon(&mut self, points: &[Point], colour: Colour) -> Drawn<B> {
        let pen = Pen { colour, width: 1 };
        self.backend
            .fill_polygon(points.iter().map(|&p| at(p)), &pen)
    }

    pub(super) fn disc(&mut self, centre: Point, radius: f64, colour: Colour) -> Drawn<B> {
        let pen = Pen { colour, width: 1 };
        let radius = grid(radius).unsigned_abs();
        self.backend.draw_circle(at(centre), radius, &pen, true)
    }

    /// Text whose capitals are centred on the point's height; `align` says which end is there.
    pub(super) fn text(&mut self, text: &str, point: Point, style: Type) -> Drawn<B> {
        // Backends centre small letters; capitals and digits are this much taller (in em).
        let drop = style.size * (look::CAPITAL - look::SMALL) / 2.0;
        let point = if style.upright {
            (point.0 + drop, point.1)
        } else {
            (point.0, point.1 + drop)
        };
        self.backend.draw_text(text, &Setting(style), at(point))
    }
}

/// Width of a text in units.
pub(super) fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    Face::get(bold).width(text, size)
}

/// Ratio of a font's size in `plotters` to its em.
const SIZE_OF_EM: f64 = 1.24;

/// A text style whose metrics and glyphs come from the bundled face.
struct Setting(Type);

impl Setting {
    fn em(&self) -> f64 {
        self.0.size * f64::from(SCALE)
    }
}

impl BackendTextStyle for Setting {
    type FontError = Infallible;

    fn color(&self) -> BackendColor {
        BackendColor {
            alpha: self.0.colour.alpha,
            rgb: self.0.colour.rgb,
        }
    }

    fn size(&self) -> f64 {
        self.em() * SIZE_OF_EM
    }

    fn transform(&self) -> FontTransform {
        if self.0.upright {
            FontTransform::Rotate270
        } else {
            FontTransform::None
        }
    }

    fn style(&self) -> FontStyle {
        if self.0.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        }
    }

    fn anchor(&self) -> Pos {
        Pos::new(self.0.align, VPos::Center)
    }

    fn family(&self) -> FontFamily<'_> {
        FontFamily::Name(look::FAMILY)
    }

    /// Two em high, so that the middle is where SVG puts it: half a small letter above the baseline.
    fn layout_box(&self, text: &str) -> Result<((i32, i32), (i32, i32)), Infallible> {
        let width = Face::get(self.0.bold).width(text, self.em());
        Ok(((0, 0), (width.round() as i32, (2.0 * self.em()) as i32)))
    }

    fn draw<E, F: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        text: &str,
        (x, y): BackendCoord,
        mut draw: F,
    ) -> Result<Result<(), E>, Infallible> {
        let baseline = self.em() * (1.0 + look::SMALL / 2.0);
        let mut outcome = Ok(());
        Face::get(self.0.bold).glyphs(text, self.em(), baseline, |px, py, cover| {
            if outcome.is_ok() {
                let colour = BackendColor {
                    alpha: self.0.colour.alpha * cover,
                    rgb: self.0.colour.rgb,
                };
                outcome = draw(x + px, y + py, colour);
            }
        });
        Ok(outcome)
    }
}
