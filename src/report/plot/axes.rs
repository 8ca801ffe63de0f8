//! Scales, ticks, and the frame of a panel.

use super::canvas::{Canvas, Drawn, Point, Type};
use super::look::{self, AXIS, BODY, FAINT_INK, GRID, INK, SMALLER, label};
use crate::report::units::{short, time_unit};
use plotters_backend::DrawingBackend;
use plotters_backend::text_anchor::HPos;

/// A mapping of values to places between two ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) logarithmic: bool,
}

/// A tick: where, and what stands there.
pub(super) type Tick = (f64, String);

impl Scale {
    pub(super) fn linear(low: f64, high: f64) -> Scale {
        Scale {
            low,
            high,
            logarithmic: false,
        }
    }

    /// Position of a value, 0 at the low end and 1 at the high end; values outside are moved to the ends.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        if self.logarithmic {
            libm::log(value / self.low) / libm::log(self.high / self.low)
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// Scale for times up to `high` ns, from 0, ending at a round value.
    pub(super) fn times(high: f64) -> Scale {
        let step = round_step(high.max(1.0) / 8.0, time_unit(high.max(1.0)).0);
        Scale::linear(0.0, (high.max(1.0) / step).ceil() * step)
    }

    /// Logarithmic scale that holds `low` to `high` ns.
    pub(super) fn log_times(low: f64, high: f64) -> Scale {
        let low = low.max(1.0);
        Scale {
            low: one_two_five(low, false),
            high: one_two_five(high.max(low * 2.0), true),
            logarithmic: true,
        }
    }

    /// Scale for numbers up to `high`, from 0, ending at a round value.
    pub(super) fn numbers(high: f64) -> Scale {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = round_step(high / 8.0, 1.0);
        Scale::linear(0.0, (high / step).ceil() * step)
    }

    /// Logarithmic scale that holds the numbers `low` to `high`, above 0.
    pub(super) fn log_numbers(low: f64, high: f64) -> Scale {
        let mut unit = 1.0;
        while unit > low {
            unit /= 10.0;
        }
        Scale {
            low: unit * one_two_five(low / unit, false),
            high: unit * one_two_five(high.max(low * 2.0) / unit, true),
            logarithmic: true,
        }
    }

    /// Ticks of an axis of plain numbers.
    pub(super) fn number_ticks(&self) -> Vec<Tick> {
        if self.logarithmic {
            let decades = libm::log10(self.high / self.low);
            let mut decade = 1.0;
            while decade > self.low {
                decade /= 10.0;
            }
            let mut ticks = Vec::new();
            while decade <= self.high * 1.000_001 {
                for digit in [1.0, 2.0, 5.0] {
                    let value = decade * digit;
                    let inside = value >= self.low * 0.999_999 && value <= self.high * 1.000_001;
                    if inside && (digit == 1.0 || decades < 3.0) {
                        ticks.push((value, short(value)));
                    }
                }
                decade *= 10.0;
            }
            return ticks;
        }
        let step = round_step((self.high - self.low) / 8.0, 1.0);
        let first = (self.low / step).ceil();
        let count = ((self.high - first * step) / step + 0.001) as u32;
        (0..=count)
            .map(|i| {
                let value = (first + f64::from(i)) * step;
                (value, short(value))
            })
            .collect()
    }

    /// Ticks of a time axis, in nanoseconds; the name of their unit, if they share one.
    pub(super) fn time_ticks(&self) -> (Vec<Tick>, Option<&'static str>) {
        if self.logarithmic {
            let decades = libm::log10(self.high / self.low);
            let mut ticks = Vec::new();
            let mut decade = 1.0;
            while decade <= self.high * 1.000_001 {
                for digit in [1.0, 2.0, 5.0] {
                    let value = decade * digit;
                    let inside = value >= self.low * 0.999_999 && value <= self.high * 1.000_001;
                    if inside && (digit == 1.0 || decades < 3.0) {
                        let (factor, unit) = time_unit(value);
                        ticks.push((value, format!("{} {unit}", short(value / factor))));
                    }
                }
                decade *= 10.0;
            }
            return (ticks, None);
        }
        let (factor, unit) = time_unit(self.high);
        let step = round_step((self.high - self.low) / 8.0, factor);
        let count = ((self.high - self.low) / step + 0.001) as u32;
        let ticks = (0..=count)
            .map(|i| {
                let value = self.low + step * f64::from(i);
                (value, short(value / factor))
            })
            .collect();
        (ticks, Some(unit))
    }
}

/// 0 %, 20 % … 100 % of a fraction.
pub(super) fn percent_ticks(step: u32) -> Vec<Tick> {
    (0..=100 / step)
        .map(|i| {
            let percent = i * step;
            (f64::from(percent) / 100.0, format!("{percent} %"))
        })
        .collect()
}

/// Smallest of 1, 2, 5 times a power of ten (of `unit`) that is at least `least`.
fn round_step(least: f64, unit: f64) -> f64 {
    let mut power = unit;
    while power > least {
        power /= 10.0;
    }
    while power * 10.0 <= least {
        power *= 10.0;
    }
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|&step| step >= least * 0.999_999)
        .unwrap_or(power * 10.0)
}

/// The next 1, 2 or 5 times a power of ten above or below `value`, at least 1.
fn one_two_five(value: f64, up: bool) -> f64 {
    let mut decade = 1.0;
    while decade * 10.0 <= value {
        decade *= 10.0;
    }
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * decade);
    if up {
        steps
            .into_iter()
            .find(|&s| s >= value * 0.999_999)
            .unwrap_or(decade * 10.0)
    } else {
        steps
            .into_iter()
            .rev()
            .find(|&s| s <= value * 1.000_001)
            .unwrap_or(decade)
    }
}

/// The rectangle that data are drawn in, with its two scales.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Panel {
    pub(super) fn at(&self, x: f64, y: f64) -> Point {
        (self.along(x), self.up(y))
    }

    pub(super) fn along(&self, x: f64) -> f64 {
        self.left + (self.right - self.left) * self.x.place(x)
    }

    pub(super) fn up(&self, y: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.y.place(y)
    }

    /// Grid lines and labels of the horizontal axis, and its name.
    pub(super) fn x_axis<B: DrawingBackend>(
        &self,
        canvas: &mut Canvas<B>,
        ticks: &[Tick],
        name: &str,
        grid: bool,
    ) -> Drawn<B> {
        for (value, text) in ticks {
            let x = self.along(*value);
            if grid {
                canvas.line(&[(x, self.top), (x, self.bottom)], 1.0, GRID)?;
            }
            canvas.line(&[(x, self.bottom), (x, self.bottom + 4.0)], 1.0, AXIS)?;
            canvas.text(
                text,
                (x, self.bottom + 14.0),
                label(SMALLER, INK, HPos::Center),
            )?;
        }
        canvas.line(
            &[(self.left, self.bottom), (self.right, self.bottom)],
            1.0,
            AXIS,
        )?;
        let middle = ((self.left + self.right) / 2.0, self.bottom + 36.0);
        canvas.text(name, middle, label(BODY, INK, HPos::Center))
    }

    /// Grid lines and labels of the vertical axis, and its name at the left margin.
    pub(super) fn y_axis<B: DrawingBackend>(
        &self,
        canvas: &mut Canvas<B>,
        ticks: &[Tick],
        name: &str,
    ) -> Drawn<B> {
        for (value, text) in ticks {
            let y = self.up(*value);
            canvas.line(&[(self.left, y), (self.right, y)], 1.0, GRID)?;
            canvas.text(text, (self.left - 8.0, y), label(SMALLER, INK, HPos::Right))?;
        }
        let style = Type {
            upright: true,
            ..label(BODY, INK, HPos::Center)
        };
        let middle = (look::MARGIN + 4.0, (self.top + self.bottom) / 2.0);
        canvas.text(name, middle, style)
    }

    /// A dashed vertical line with a word at its top.
    pub(super) fn mark_x<B: DrawingBackend>(
        &self,
        canvas: &mut Canvas<B>,
        value: f64,
        word: &str,
    ) -> Drawn<B> {
        let x = self.along(value);
        canvas.dashes(&[(x, self.top), (x, self.bottom)], 1.2, INK, (4.0, 3.0))?;
        canvas.text(
            word,
            (x, self.top - 9.0),
            label(SMALLER, FAINT_INK, HPos::Center),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_time_axes_end_at_round_values() {
        let scale = Scale::times(43.7e6);
        let (ticks, unit) = scale.time_ticks();
        let texts: Vec<&str> = ticks.iter().map(|t| t.1.as_str()).collect();
        assert_eq!(unit, Some("ms"));
        assert_eq!(texts, ["0", "10", "20", "30", "40", "50"]);
    }

    #[test]
    fn axes_of_numbers_end_at_round_values() {
        let texts = |scale: Scale| -> Vec<String> {
            scale.number_ticks().into_iter().map(|t| t.1).collect()
        };
        assert_eq!(
            texts(Scale::numbers(0.43)),
            ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]
        );
        assert_eq!(
            texts(Scale::linear(0.7, 3.2)),
            ["1", "1.5", "2", "2.5", "3"]
        );
        assert_eq!(
            texts(Scale::log_numbers(0.3, 7.0)),
            ["0.2", "0.5", "1", "2", "5", "10"]
        );
    }

    #[test]
    fn logarithmic_time_axes_name_each_tick() {
        let scale = Scale::log_times(3e6, 1.7e9);
        let texts: Vec<String> = scale.time_ticks().0.into_iter().map(|t| t.1).collect();
        assert_eq!(scale.low, 2e6);
        assert_eq!(scale.high, 2e9);
        assert_eq!(texts, ["10 ms", "100 ms", "1 s"]);
        assert_eq!(scale.place(2e6), 0.0);
        assert_eq!(scale.place(2e9), 1.0);
    }
}
