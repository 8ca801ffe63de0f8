//! What is fitted: host work, GPU work, and how the GPU work stretches.
//!
//! A step takes
//!
//! ```text
//! latency = max( serial + max( beside, g · stretch(k, b) ),  g · stretch(k, b) · t · n / k,  g · m · t / b )
//! ```
//!
//! for one of `t` identical tenants on a part `k` of the SMs and `b` of the memory bandwidth, where
//! `g` is the GPU work of its batch alone on the whole board, `m` its memory-bound share, `n` the part of
//! the SMs that it can fill, at most `k`, and `stretch` is [`Shape::stretch`]. Host work is either in
//! front of the GPU work (`serial`) or goes on beside it (`beside`: a floor that no larger slice
//! undercuts). The other two terms are the saturated rate of tenants who are all busy, as the simulator
//! has it without interference: they take turns on the SMs, and together draw no more than the
//! bandwidth. With one tenant they are never the larger ones.

use crate::gpu::law::{ClockCurve, REACH, Shape};
use std::fmt;

/// SMs of a nominal board: need and share are parts of it, in steps of a billionth.
const WHOLE: f64 = (1u32 << 30) as f64;

/// Where a step ran.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Part of the board's SMs, above 0, at most 1.
    pub sms: f64,
    /// Part of the board's memory bandwidth, above 0, at most 1.
    pub bandwidth: f64,
    /// Identical tenants that share this part, at least 1.
    pub tenants: u32,
    /// Items of one step, at least 1.
    pub batch: u32,
}

/// A measured step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub at: Setting,
    /// Above 0 and finite; a file's are from 1 ns to 10⁹ ms.
    pub latency_ms: f64,
}

/// GPU work by batch, alone on the whole board, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// `fixed + per_item · batch`.
    Linear { fixed_ms: f64, per_item_ms: f64 },
    /// A value for each batch, by increasing batch.
    Each(Vec<(u32, f64)>),
}

impl Work {
    /// Work of one step; `None` for a batch of which nothing is known.
    pub fn of(&self, batch: u32) -> Option<f64> {
        match self {
            Work::Linear {
                fixed_ms,
                per_item_ms,
            } => Some(fixed_ms + per_item_ms * f64::from(batch)),
            Work::Each(known) => known.iter().find(|(of, _)| *of == batch).map(|(_, ms)| *ms),
        }
    }
}

/// A number that is fitted or given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// Host work before the GPU work of a step, ms.
    Serial,
    /// Host work beside the GPU work of a step, ms.
    Beside,
    /// GPU work of a step that does not depend on the batch, ms.
    Fixed,
    /// GPU work of one item, ms.
    PerItem,
    /// GPU work of a step with this batch, ms.
    OfBatch(u32),
    /// Part of the board's SMs that the GPU work can fill, above 0, at most 1.
    Need,
    /// Memory-bound share of the GPU work, 0 to 1.
    MemoryBound,
}

impl Parameter {
    /// The parameters that a user can give, by name.
    pub const NAMED: [(&'static str, Parameter); 6] = [
        ("serial_ms", Parameter::Serial),
        ("beside_ms", Parameter::Beside),
        ("gpu_fixed_ms", Parameter::Fixed),
        ("gpu_per_item_ms", Parameter::PerItem),
        ("sm_need", Parameter::Need),
        ("memory_bound", Parameter::MemoryBound),
    ];

    /// The value with which the parameter might as well not be there; `None` for the GPU work.
    pub fn neutral(self) -> Option<f64> {
        match self {
            Parameter::Serial | Parameter::Beside | Parameter::Fixed | Parameter::MemoryBound => {
                Some(0.0)
            }
            Parameter::Need => Some(1.0),
            Parameter::PerItem | Parameter::OfBatch(_) => None,
        }
    }

    /// Whether it is a part of something, 0 to 1, rather than a time.
    pub fn is_part(self) -> bool {
        matches!(self, Parameter::Need | Parameter::MemoryBound)
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Parameter::OfBatch(batch) = self {
            return write!(out, "gpu_ms of batch {batch}");
        }
        let mut named = Parameter::NAMED.iter();
        let name = named.find(|(_, parameter)| parameter == self);
        out.write_str(name.map_or("", |(name, _)| name))
    }
}

/// A workload's cost with every number known.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub serial_ms: f64,
    pub beside_ms: f64,
    pub work: Work,
    /// Part of the board's SMs that the GPU work can fill.
    pub need: f64,
    pub memory_bound: f64,
    /// SM clock by part of the SMs that are busy; none = the same clock everywhere.
    pub clock: Option<ClockCurve>,
    /// How many times its part of the SMs work can draw of the bandwidth; none = all of it.
    pub reach: Option<f64>,
}

impl Model {
    /// GPU work alone, a linear amount of it, on all SMs, without host work.
    pub fn gpu_only(work: Work) -> Model {
        Model {
            serial_ms: 0.0,
            beside_ms: 0.0,
            work,
            need: 1.0,
            memory_bound: 0.0,
            clock: None,
            reach: Some(REACH),
        }
    }

    /// GPU time over that alone on the whole board, of one of these tenants while all are busy.
    fn stretch(&self, at: &Setting, tenants: f64) -> f64 {
        let shape = Shape {
            memory_bound: self.memory_bound,
            reach: self.reach,
            ..Shape::compute((self.need * WHOLE) as u32)
        };
        let clock = match &self.clock {
            Some(curve) => curve.at(at.sms.min(self.need * tenants)),
            None => 1.0,
        };
        let alone = shape.stretch(at.sms * WHOLE, at.bandwidth, clock);
        let turns = (tenants * self.need.min(at.sms) / at.sms).max(1.0);
        let drawn = self.memory_bound * tenants / at.bandwidth;
        (alone * turns).max(drawn)
    }

    /// Time on the GPU of a step alone in this setting; `None` for an unknown batch.
    pub fn gpu_ms(&self, at: &Setting) -> Option<f64> {
        Some(self.work.of(at.batch)? * self.stretch(at, 1.0))
    }

    /// Latency of a step in this setting; `None` for an unknown batch.
    pub fn latency_ms(&self, at: &Setting) -> Option<f64> {
        let work = self.work.of(at.batch)?;
        let alone = work * self.stretch(at, 1.0);
        let own = self.serial_ms + self.beside_ms.max(alone);
        if at.tenants == 1 {
            return Some(own);
        }
        let even = work * self.stretch(at, f64::from(at.tenants));
        Some(own.max(even))
    }

    /// The value of a parameter; `None` if the model has no such parameter.
    pub fn get(&self, parameter: Parameter) -> Option<f64> {
        match (parameter, &self.work) {
            (Parameter::Serial, _) => Some(self.serial_ms),
            (Parameter::Beside, _) => Some(self.beside_ms),
            (Parameter::Need, _) => Some(self.need),
            (Parameter::MemoryBound, _) => Some(self.memory_bound),
            (Parameter::Fixed, Work::Linear { fixed_ms, .. }) => Some(*fixed_ms),
            (Parameter::PerItem, Work::Linear { per_item_ms, .. }) => Some(*per_item_ms),
            (Parameter::OfBatch(batch), Work::Each(_)) => self.work.of(batch),
            _ => None,
        }
    }

    /// Sets a parameter; one that the model does not have is left alone.
    pub fn set(&mut self, parameter: Parameter, value: f64) {
        match (parameter, &mut self.work) {
            (Parameter::Serial, _) => self.serial_ms = value,
            (Parameter::Beside, _) => self.beside_ms = value,
            (Parameter::Need, _) => self.need = value,
            (Parameter::MemoryBound, _) => self.memory_bound = value,
            (Parameter::Fixed, Work::Linear { fixed_ms, .. }) => *fixed_ms = value,
            (Parameter::PerItem, Work::Linear { per_item_ms, .. }) => *per_item_ms = value,
            (Parameter::OfBatch(batch), Work::Each(known)) => {
                if let Some((_, ms)) = known.iter_mut().find(|(of, _)| *of == batch) {
                    *ms = value;
                }
            }
            _ => {}
        }
    }
}

/// SM clock by SM share, from series of one workload each that compute alone limits: at each share
/// the median, over the series, of the rate per SM over that on the whole board.
///
/// A series is (share, latency) and must have a row with share 1. `None` if no series has one.
///
/// ```
/// use warpshare::calibrate::clock_curve;
/// // At half of the SMs the work takes 1.6 times as long, not twice.
/// let curve = clock_curve(&[vec![(1.0, 10.0), (0.5, 16.0)]]).unwrap();
/// assert_eq!(curve.points(), [(0.5, 1.25), (1.0, 1.0)]);
/// ```
pub fn clock_curve(series: &[Vec<(f64, f64)>]) -> Option<ClockCurve> {
    let mut ratios: Vec<(f64, f64)> = Vec::new();
    for rows in series {
        let Some((_, whole)) = rows.iter().find(|(share, _)| *share == 1.0) else {
            continue;
        };
        ratios.extend(
            rows.iter()
                .map(|(share, latency)| (*share, whole / latency / share)),
        );
    }
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let points = ratios
        .chunk_by(|a, b| a.0 == b.0)
        .map(|same| (same[0].0, middle(same)))
        .collect();
    ClockCurve::new(points)
}

/// Median of the second members, which are sorted.
fn middle(sorted: &[(f64, f64)]) -> f64 {
    let n = sorted.len();
    (sorted[(n - 1) / 2].1 + sorted[n / 2].1) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sms: f64, bandwidth: f64, tenants: u32) -> Setting {
        Setting {
            sms,
            bandwidth,
            tenants,
            batch: 8,
        }
    }

    fn close(a: Option<f64>, b: f64) {
        let a = a.expect("a known batch");
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }

    #[test]
    fn host_work_is_before_or_beside_gpu_work() {
        let mut model = Model::gpu_only(Work::Linear {
            fixed_ms: 2.0,
            per_item_ms: 1.0,
        });
        close(model.latency_ms(&at(1.0, 1.0, 1)), 10.0);
        model.serial_ms = 3.0;
        close(model.latency_ms(&at(0.5, 1.0, 1)), 23.0);
        model.beside_ms = 25.0;
        close(model.latency_ms(&at(0.5, 1.0, 1)), 28.0);
        model.memory_bound = 0.25;
        close(model.latency_ms(&at(1.0 / 7.0, 0.125, 1)), 75.5);
    }

    #[test]
    fn tenants_are_free_until_the_board_is_full() {
        let mut model = Model::gpu_only(Work::Each(vec![(8, 10.0)]));
        model.need = 0.25;
        model.serial_ms = 2.0;
        for (tenants, latency) in [(1, 12.0), (4, 12.0), (5, 12.5), (8, 20.0)] {
            close(model.latency_ms(&at(1.0, 1.0, tenants)), latency);
        }
        assert_eq!(
            model.latency_ms(&Setting {
                batch: 9,
                ..at(1.0, 1.0, 1)
            }),
            None
        );
    }

    #[test]
    fn a_clock_curve_is_a_median_over_series() {
        let series = [
            vec![(1.0, 10.0), (0.5, 18.0)],
            vec![(1.0, 10.0), (0.5, 16.0)],
            vec![(1.0, 20.0), (0.5, 20.0)],
            vec![(0.5, 1.0)],
        ];
        let curve = clock_curve(&series).expect("a curve");
        assert_eq!(curve.points(), [(0.5, 1.25), (1.0, 1.0)]);
        assert_eq!(clock_curve(&[vec![(0.5, 1.0)]]), None);
    }
}
