//! How every figure looks: palette, type, sizes, heading and legend.

use super::canvas::{Canvas, Colour, Drawn, Point, Type, text_width};
use crate::report::units::{length, replications};
use crate::result::{PlanInfo, ScenarioInfo};
use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;
use std::sync::LazyLock;

/// The bundled face first, then one with the same widths, then whatever the viewer has.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// Height of small and of capital letters of that face, in em.
pub(super) const SMALL: f64 = 0.547;
pub(super) const CAPITAL: f64 = 0.729;

/// Width of every figure.
pub(super) const WIDTH: u32 = 800;
/// Distance of everything from the edges.
pub(super) const MARGIN: f64 = 24.0;
/// Where the heading (title and subtitle) ends, and where a legend below it is centred.
pub(super) const HEADING: f64 = 70.0;
pub(super) const LEGEND: f64 = HEADING + 10.0;

pub(super) const TITLE: f64 = 16.0;
pub(super) const BODY: f64 = 12.0;
pub(super) const SMALLER: f64 = 11.0;

const fn rgb(r: u8, g: u8, b: u8) -> Colour {
    Colour {
        rgb: (r, g, b),
        alpha: 1.0,
    }
}

pub(super) const WHITE: Colour = rgb(255, 255, 255);
pub(super) const INK: Colour = rgb(34, 34, 34);
pub(super) const FAINT_INK: Colour = rgb(96, 96, 96);
pub(super) const GRID: Colour = rgb(228, 228, 228);
pub(super) const AXIS: Colour = rgb(130, 130, 130);
/// Text that belongs to [`RESERVED_IDLE`], dark enough to read on white.
pub(super) const AMBER_INK: Colour = rgb(140, 95, 0);
/// The first series, of values that are lower bounds only.
pub(super) const PALE: Colour = rgb(140, 188, 220);
pub(super) const ALARM: Colour = rgb(190, 70, 0);

/// Seven colours that people with any colour vision tell apart (Okabe & Ito 2008, without its
/// yellow, which is too light for lines on white).
pub(super) const SERIES: [Colour; 7] = [
    rgb(0, 114, 178),
    rgb(213, 94, 0),
    rgb(0, 158, 115),
    rgb(204, 121, 167),
    rgb(230, 159, 0),
    rgb(86, 180, 233),
    rgb(60, 60, 60),
];

/// The four parts of SM time; lightness falls in the same order, so they also print in grey.
pub(super) const USEFUL: Colour = rgb(0, 114, 178);
pub(super) const SWITCHING: Colour = rgb(213, 94, 0);
pub(super) const RESERVED_IDLE: Colour = rgb(244, 200, 110);
pub(super) const IDLE: Colour = rgb(236, 236, 236);

/// Colour and dashes of the n-th series: colours first, then the same colours dashed.
pub(super) fn series(n: usize) -> (Colour, Option<(f64, f64)>) {
    let dashes = match n / SERIES.len() % 3 {
        0 => None,
        1 => Some((7.0, 3.5)),
        _ => Some((2.5, 2.5)),
    };
    (SERIES[n % SERIES.len()], dashes)
}

pub(super) fn label(size: f64, colour: Colour, align: HPos) -> Type {
    Type {
        size,
        bold: false,
        colour,
        align,
        upright: false,
    }
}

pub(super) fn bold(style: Type) -> Type {
    Type {
        bold: true,
        ..style
    }
}

/// Title and the facts that every figure must carry when it leaves its folder.
pub(super) fn heading<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    scenario: &ScenarioInfo,
    plan: &PlanInfo,
    title: &str,
    more: &str,
) -> Drawn<B> {
    let runs = replications(plan);
    let text = format!(
        "{}{} · {} window · {runs}{}{more}",
        scenario.name,
        if plan.warmup_ns > 0 {
            format!(" · {} warm-up", length(plan.warmup_ns))
        } else {
            String::new()
        },
        length(plan.window_ns),
        if more.is_empty() { "" } else { " · " },
    );
    heading_of(canvas, title, &text)
}

/// A title and the line under it.
pub(super) fn heading_of<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    title: &str,
    subtitle: &str,
) -> Drawn<B> {
    let style = bold(label(TITLE, INK, HPos::Left));
    canvas.text(title, (MARGIN, MARGIN + 6.0), style)?;
    let text = fit(subtitle, f64::from(WIDTH) - 2.0 * MARGIN, BODY);
    let style = label(BODY, FAINT_INK, HPos::Left);
    canvas.text(&text, (MARGIN, MARGIN + 29.0), style)
}

/// The text, or as much of it as fits, with an ellipsis.
pub(super) fn fit(text: &str, width: f64, size: f64) -> String {
    if text_width(text, size, false) <= width {
        return text.to_owned();
    }
    let mut short: String = text.to_owned();
    while short.pop().is_some() {
        let tried = format!("{}…", short.trim_end());
        if text_width(&tried, size, false) <= width {
            return tried;
        }
    }
    String::new()
}

/// What stands before a name in a legend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Swatch {
    Area(Colour),
    Line(Colour, Option<(f64, f64)>),
    Dot(Colour),
    Ring(Colour),
    Pointer(Colour),
}

pub(super) fn swatch<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    (x, y): Point,
    swatch: Swatch,
) -> Drawn<B> {
    match swatch {
        Swatch::Area(colour) => canvas.rectangle((x, y - 5.5), (x + 18.0, y + 5.5), colour),
        Swatch::Line(colour, None) => canvas.line(&[(x, y), (x + 18.0, y)], 2.0, colour),
        Swatch::Line(colour, Some(dashes)) => {
            canvas.dashes(&[(x, y), (x + 18.0, y)], 2.0, colour, dashes)
        }
        Swatch::Dot(colour) => canvas.disc((x + 9.0, y), 4.0, colour),
        Swatch::Ring(colour) => ring(canvas, (x + 9.0, y), colour),
        Swatch::Pointer(colour) => pointer(canvas, (x + 9.0, y - 5.0), colour),
    }
}

/// A hollow marker, through which one beneath it shows.
pub(super) fn ring<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    (x, y): Point,
    colour: Colour,
) -> Drawn<B> {
    let corner = |n: u32| {
        let angle = f64::from(n) * std::f64::consts::TAU / 24.0;
        (x + 5.6 * libm::cos(angle), y + 5.6 * libm::sin(angle))
    };
    let circle: Vec<Point> = (0..=24).map(corner).collect();
    canvas.line(&circle, 1.8, colour)
}

/// A small triangle whose tip is at the point and that lies below it.
pub(super) fn pointer<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    (x, y): Point,
    colour: Colour,
) -> Drawn<B> {
    canvas.polygon(&[(x, y), (x + 5.5, y + 10.0), (x - 5.5, y + 10.0)], colour)
}

/// Width of one entry of a legend in a row.
fn entry_width(name: &str) -> f64 {
    24.0 + text_width(name, BODY, false) + 22.0
}

/// Rows that a legend needs between the margins.
pub(super) fn legend_rows(names: &[&str]) -> usize {
    let (mut x, mut rows) = (0.0, 1);
    for name in names {
        if x > 0.0 && x + entry_width(name) > f64::from(WIDTH) - 2.0 * MARGIN + 22.0 {
            x = 0.0;
            rows += 1;
        }
        x += entry_width(name);
    }
    rows
}

/// Height of one row of a legend.
pub(super) const LEGEND_ROW: f64 = 20.0;

/// Where drawing may begin below a legend of so many rows.
pub(super) fn below_legend(rows: usize) -> f64 {
    LEGEND + LEGEND_ROW * (rows as f64 - 0.5) + 8.0
}

/// A legend in rows under the heading.
pub(super) fn legend<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    entries: &[(Swatch, &str)],
) -> Drawn<B> {
    let (mut x, mut y) = (MARGIN, LEGEND);
    for (mark, name) in entries {
        if x > MARGIN && x + entry_width(name) > f64::from(WIDTH) - MARGIN + 22.0 {
            x = MARGIN;
            y += LEGEND_ROW;
        }
        swatch(canvas, (x, y), *mark)?;
        canvas.text(name, (x + 24.0, y), label(BODY, INK, HPos::Left))?;
        x += entry_width(name);
    }
    Ok(())
}

/// A sentence in the middle of a figure that has nothing to show.
pub(super) fn nothing<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    centre: Point,
    text: &str,
) -> Drawn<B> {
    canvas.text(text, centre, label(BODY, FAINT_INK, HPos::Center))
}

/// One weight of the bundled typeface.
pub(super) struct Face(Option<FontRef<'static>>);

static REGULAR: LazyLock<Face> =
    LazyLock::new(|| Face::load(include_bytes!("../../../data/fonts/DejaVuSans-subset.ttf")));
static BOLD: LazyLock<Face> = LazyLock::new(|| {
    Face::load(include_bytes!(
        "../../../data/fonts/DejaVuSans-Bold-subset.ttf"
    ))
});

impl Face {
    fn load(bytes: &'static [u8]) -> Face {
        // The bytes are part of the program; a test proves that they are a font.
        Face(FontRef::try_from_slice(bytes).ok())
    }

    pub(super) fn get(bold: bool) -> &'static Face {
        if bold { &BOLD } else { &REGULAR }
    }

    /// Calls `place` with each character's glyph and its distance from the start.
    fn walk(
        &self,
        text: &str,
        em: f64,
        mut place: impl FnMut(&FontRef<'static>, PxScale, ab_glyph::GlyphId, f32),
    ) -> f64 {
        let Some(font) = &self.0 else { return 0.0 };
        let units = font.units_per_em().unwrap_or(2048.0);
        let scale = PxScale::from(em as f32 * font.height_unscaled() / units);
        let scaled = font.as_scaled(scale);
        let mut x = 0.0;
        let mut previous = None;
        for character in text.chars() {
            let glyph = scaled.glyph_id(character);
            if let Some(previous) = previous {
                x += scaled.kern(previous, glyph);
            }
            place(font, scale, glyph, x);
            x += scaled.h_advance(glyph);
            previous = Some(glyph);
        }
        f64::from(x)
    }

    pub(super) fn width(&self, text: &str, em: f64) -> f64 {
        self.walk(text, em, |_, _, _, _| {})
    }

    /// Reports each pixel that the text covers, and how much of it (0 to 1).
    pub(super) fn glyphs(
        &self,
        text: &str,
        em: f64,
        baseline: f64,
        mut pixel: impl FnMut(i32, i32, f64),
    ) {
        self.walk(text, em, |font, scale, glyph, x| {
            let placed = glyph.with_scale_and_position(scale, point(x, baseline as f32));
            if let Some(outline) = font.outline_glyph(placed) {
                let corner = outline.px_bounds().min;
                outline.draw(|dx, dy, cover| {
                    pixel(
                        corner.x as i32 + dx as i32,
                        corner.y as i32 + dy as i32,
                        f64::from(cover.min(1.0)),
                    );
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_weights_are_fonts_with_every_sign_that_figures_use() {
        for face in [Face::get(false), Face::get(true)] {
            let font = face.0.as_ref().expect("the bundled font loads");
            for character in "AZaz09 .,:;%()[]#/+-±·×–—…≥≤µ→".chars() {
                assert_ne!(font.glyph_id(character).0, 0, "no glyph for {character:?}");
            }
        }
    }

    #[test]
    fn cut_texts_fit() {
        let long = "a title that is much too long for the place that it has";
        let cut = fit(long, 100.0, BODY);
        assert!(cut.ends_with('…'));
        assert!(text_width(&cut, BODY, false) <= 100.0);
        assert_eq!(fit("short", 100.0, BODY), "short");
    }
}
