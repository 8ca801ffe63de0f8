//! Windows of time with a renewal process each: arrival processes that were fitted piece by piece, as
//! the clients of ServeGen were.

use super::dist::{Dist, DistError};
use super::table::{Lines, check_quotes, text_of};
use super::trace::{Errors, TraceError};
use crate::engine::random::Stream;
use crate::engine::time::{LONGEST, Nanos, round_nanos};

/// A stretch of time with one arrival process.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// When it ends, nanoseconds after the first window's begin. It begins where the one before ends.
    pub ends: Nanos,
    /// Gaps in nanoseconds; `None` = no arrivals.
    pub gaps: Option<Gaps>,
}

/// Gaps of a renewal process that is met at a random instant.
///
/// Such a process (an *equilibrium* renewal process; Cox, Renewal Theory, 1962, chapter 2) has on
/// average `length / mean` arrivals in a window, exactly and whatever the coefficient of variation:
/// its first gap is the rest of a gap that was under way. A process that starts with a whole gap has
/// about (cv² − 1) / 2 arrivals more.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaps {
    /// Nanoseconds.
    pub mean: f64,
    /// A whole gap in units of the mean.
    pub whole: Dist,
    /// The gap that a random instant falls into is `scale` · G^`power` means, G of this gamma
    /// distribution: long gaps are met more often, in proportion to their length.
    met: Dist,
    scale: f64,
    power: f64,
}

impl Gaps {
    /// Gamma gaps by mean (nanoseconds) and coefficient of variation.
    ///
    /// # Errors
    ///
    /// As [`Dist::gamma`].
    pub fn gamma(mean: f64, cv: f64) -> Result<Gaps, DistError> {
        let scale = cv * cv;
        Ok(Gaps {
            mean: Dist::gamma(mean, cv)?.mean(),
            whole: Dist::gamma(1.0, cv)?,
            met: Dist::Gamma {
                shape: 1.0 / scale + 1.0,
                scale: 1.0,
            },
            scale,
            power: 1.0,
        })
    }

    /// Weibull gaps by mean (nanoseconds) and coefficient of variation.
    ///
    /// # Errors
    ///
    /// As [`Dist::weibull`].
    pub fn weibull(mean: f64, cv: f64) -> Result<Gaps, DistError> {
        let whole = Dist::weibull(1.0, cv)?;
        let (power, scale) = match whole {
            Dist::Weibull { shape, scale } => (1.0 / shape, scale),
            _ => (1.0, 1.0),
        };
        Ok(Gaps {
            mean: Dist::weibull(mean, cv)?.mean(),
            whole,
            met: Dist::Gamma {
                shape: 1.0 + power,
                scale: 1.0,
            },
            scale,
            power,
        })
    }

    /// Gap number `index` of `stream`, nanoseconds.
    pub fn sample(&self, stream: &Stream, index: u64) -> Nanos {
        round_nanos(self.mean * self.whole.sample(stream, index)).unwrap_or(LONGEST)
    }

    /// What is left of the gap that a random instant falls into, nanoseconds: a uniform part of it.
    /// The gap is drawn from `stream`, the part from `parts`, both by the same index.
    pub fn rest(&self, stream: &Stream, parts: &Stream, index: u64) -> Nanos {
        let met = self.scale * libm::pow(self.met.sample(stream, index), self.power);
        let rest = self.mean * met * parts.at(index).uniform();
        round_nanos(rest).unwrap_or(LONGEST)
    }
}

/// Cells of a row: window start (s), rate (1/s), CV of the gaps, family, and two parameters.
const CELLS: usize = 6;

/// Reads a client of ServeGen (arXiv 2505.09999): windows of equal length without a header line.
///
/// What counts is the measured rate and the measured CV of the gaps. The two parameters at the end
/// are shape and scale of the fitted family. Those of a gamma fit have the measured CV, but the mean
/// gap between the first and the last request only; those of a Weibull fit maximise the likelihood,
/// and have neither the measured rate nor the measured CV. They are checked to be numbers, and not
/// used.
///
/// Returned with the begin of the first window on the file's clock, nanoseconds.
///
/// # Errors
///
/// All that is wrong with the rows.
pub fn read_servegen(path: &str, bytes: &[u8]) -> Result<(Nanos, Vec<Window>), Vec<TraceError>> {
    let mut errors = Errors::new(path);
    let bytes = text_of(bytes, &mut errors);
    let Some(bytes) = bytes.filter(|bytes| check_quotes(bytes, &mut errors).is_ok()) else {
        return Err(errors.finish());
    };
    let mut lines = Lines::new(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut record = csv::StringRecord::new();
    let mut starts: Vec<Nanos> = Vec::new();
    let mut gaps = Vec::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                errors.push(None, None, error.to_string(), None);
                return Err(errors.finish());
            }
        }
        let line = lines.of(record.as_byte_record());
        match window(&record) {
            Ok((start, gap)) => {
                spacing(&mut errors, line, &starts, start);
                starts.push(start);
                gaps.push(gap);
            }
            Err((problem, remedy)) => errors.push(Some(line), None, problem, Some(remedy.into())),
        }
    }
    if errors.is_empty() && starts.len() < 2 {
        let problem = format!("{} windows; at least two tell their length", starts.len());
        errors.push(None, None, problem, Some(ROW.into()));
    }
    if !errors.is_empty() {
        return Err(errors.finish());
    }
    let length = starts[1] - starts[0];
    let windows = starts.iter().zip(gaps).map(|(start, gaps)| Window {
        ends: start - starts[0] + length,
        gaps,
    });
    Ok((starts[0], windows.collect()))
}

/// Windows follow each other without holes.
fn spacing(errors: &mut Errors<'_>, line: u64, starts: &[Nanos], start: Nanos) {
    let Some(&last) = starts.last() else {
        return;
    };
    let seconds = |nanos: Nanos| nanos as f64 / 1e9;
    let problem = if start == last {
        format!("the window at {} s is there twice", seconds(start))
    } else if start < last {
        format!(
            "time goes backwards: the window before starts at {} s",
            seconds(last)
        )
    } else if starts.len() > 1 && start - last != starts[1] - starts[0] {
        format!(
            "the window starts {} s after the one before it, the second started {} s after the first",
            seconds(start - last),
            seconds(starts[1] - starts[0])
        )
    } else {
        return;
    };
    let remedy = "windows come in order of time and are equally long; one without requests is a row \
                  such as `1200,0,0,,0,0`";
    errors.push(Some(line), None, problem, Some(remedy.to_owned()));
}

const ROW: &str = "a row is start (s), rate (1/s), CV of the gaps, `Gamma`, `Weibull` or nothing, and \
                   two fitted parameters, such as `600,1.5,1.4,Gamma,0.51,1.3`, without a header line";

type Refusal = (String, &'static str);

fn window(record: &csv::StringRecord) -> Result<(Nanos, Option<Gaps>), Refusal> {
    if record.len() != CELLS {
        return Err((
            format!(
                "the row has {} cells, windows of ServeGen have {CELLS}",
                record.len()
            ),
            ROW,
        ));
    }
    let cell = |index: usize| record.get(index).unwrap_or_default().trim();
    let number = |index: usize, what: &str| match cell(index).parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err((
            format!("{what} `{}` is not a number, 0 or more", cell(index)),
            ROW,
        )),
    };
    let start = number(0, "the window start")?;
    let start = round_nanos(start * 1e9).ok_or_else(|| {
        (
            format!("the window start {start} s is beyond 292 years"),
            ROW,
        )
    })?;
    let (rate, cv) = (number(1, "the rate")?, number(2, "the CV")?);
    number(4, "the first parameter")?;
    number(5, "the second parameter")?;
    if rate == 0.0 {
        return Ok((start, None));
    }
    let mean = 1e9 / rate;
    let built = match cell(3) {
        "Gamma" => Gaps::gamma(mean, cv),
        "Weibull" => Gaps::weibull(mean, cv),
        "" => {
            let problem = format!("a rate of {rate} without a family of gaps");
            return Err((problem, ROW));
        }
        other => return Err((format!("`{other}` is not a family of gaps"), ROW)),
    };
    let gaps = built.map_err(|error| (error.to_string(), "correct the row"))?;
    Ok((start, Some(gaps)))
}

/// The windows from `offset` on, with all times multiplied by `factor`; empty when nothing is left.
pub fn cut(windows: &[Window], offset: Nanos, factor: f64) -> Vec<Window> {
    let left = windows.iter().filter(|window| window.ends > offset);
    left.map(|window| Window {
        ends: round_nanos((window.ends - offset) as f64 * factor).unwrap_or(LONGEST),
        gaps: window.gaps.as_ref().map(|gaps| Gaps {
            mean: gaps.mean * factor,
            ..gaps.clone()
        }),
    })
    .collect()
}
