//! Which parameters the rows call for, and how far each may be moved before they object.
//!
//! "As well within their scatter" means: the sum of the robust squared residuals grows by at most four
//! times their variance, the 95 % bound of one parameter in a profile likelihood (Bates & Watts,
//! *Nonlinear Regression Analysis*, 1988, 6.1). The scatter counts as at least 1 %, since no published
//! latency is repeated to better than that; so exact fits of few rows claim no exactness.

use super::least_squares::{Minimum, minimise};
use super::model::{Model, Parameter, Point};

/// Least relative scatter that is assumed of a measurement.
const LEAST_SCATTER: f64 = 0.01;

/// Steps of bisection to an end of a range: a part in a thousand of the range searched.
const BISECTIONS: u32 = 10;

/// Parts are kept this far from 0 and 1 while they are fitted.
const EDGE: f64 = 1e-6;

/// A model with its free parameters at their best values.
pub(super) struct Problem<'a> {
    points: &'a [Point],
    measured: Vec<f64>,
    pub(super) model: Model,
    pub(super) free: Vec<Parameter>,
    pub(super) cost: f64,
    /// Least latency of the rows: the scale of host work.
    least_ms: f64,
    most_ms: f64,
}

/// Values of a parameter with which the rows fit as well.
pub(super) struct Range {
    pub(super) parameter: Parameter,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// A parameter that the rows do not call for.
pub(super) struct Dropped {
    pub(super) range: Range,
    /// The parameter that takes its place.
    pub(super) instead: Option<Parameter>,
}

/// Times are fitted by their logarithm, parts by their logit.
fn inward(parameter: Parameter, value: f64) -> f64 {
    if parameter.is_part() {
        let part = value.clamp(EDGE, 1.0 - EDGE);
        libm::log(part / (1.0 - part))
    } else {
        libm::log(value)
    }
}

fn outward(parameter: Parameter, x: f64) -> f64 {
    if parameter.is_part() {
        (1.0 / (1.0 + libm::exp(-x))).clamp(EDGE, 1.0)
    } else {
        libm::exp(x)
    }
}

impl<'a> Problem<'a> {
    /// Fits the free parameters; the model holds the values of the others. `None` without points.
    pub(super) fn new(points: &'a [Point], model: Model, free: Vec<Parameter>) -> Option<Self> {
        let latencies = || points.iter().map(|p| p.latency_ms);
        let mut problem = Problem {
            points,
            measured: latencies().collect(),
            model,
            free,
            cost: 0.0,
            least_ms: latencies().min_by(f64::total_cmp)?,
            most_ms: latencies().max_by(f64::total_cmp)?,
        };
        let found = problem.solve(&problem.model, &problem.free, &problem.starts(1))?;
        problem.cost = found.cost;
        problem.model = problem.with(&problem.model, &problem.free, &found.x);
        Some(problem)
    }

    fn with(&self, model: &Model, free: &[Parameter], x: &[f64]) -> Model {
        let mut model = model.clone();
        for (&parameter, &x) in free.iter().zip(x) {
            model.set(parameter, outward(parameter, x));
        }
        model
    }

    fn solve(&self, model: &Model, free: &[Parameter], starts: &[Vec<f64>]) -> Option<Minimum> {
        let predict = |x: &[f64], out: &mut Vec<f64>| {
            let model = self.with(model, free, x);
            let latencies = self.points.iter().map(|p| model.latency_ms(&p.at));
            // A batch without work cannot occur: the work has all batches of the points.
            out.extend(latencies.map(|latency| latency.unwrap_or(f64::NAN)));
        };
        minimise(&predict, &self.measured, starts)
    }

    /// The values to start a parameter from. Work: what the most crowded rows leave for it.
    fn levels(&self, parameter: Parameter) -> Vec<f64> {
        let bare = |row: &Point| {
            let at = &row.at;
            row.latency_ms * at.sms / f64::from(at.tenants)
        };
        let least = |values: &mut dyn Iterator<Item = f64>| {
            values.min_by(f64::total_cmp).unwrap_or(self.least_ms)
        };
        match parameter {
            Parameter::Serial => vec![0.03 * self.least_ms, 0.5 * self.least_ms],
            Parameter::Beside => vec![0.3 * self.least_ms, 0.95 * self.least_ms],
            Parameter::Fixed => {
                let work = least(&mut self.points.iter().map(bare));
                vec![0.05 * work, 0.5 * work]
            }
            Parameter::PerItem => {
                let mut each = self.points.iter().map(|p| bare(p) / f64::from(p.at.batch));
                vec![0.98 * least(&mut each)]
            }
            Parameter::OfBatch(batch) => {
                let mut of_batch = self.points.iter().filter(|p| p.at.batch == batch).map(bare);
                vec![0.98 * least(&mut of_batch)]
            }
            Parameter::Need => vec![0.9, 0.35],
            Parameter::MemoryBound => vec![0.2, 0.7],
        }
    }

    /// Every combination of levels, or each `stride`-th of them.
    fn starts(&self, stride: usize) -> Vec<Vec<f64>> {
        self.starts_of(&self.free, stride)
    }

    fn starts_of(&self, free: &[Parameter], stride: usize) -> Vec<Vec<f64>> {
        let mut starts: Vec<Vec<f64>> = vec![Vec::new()];
        for &parameter in free {
            let levels = self.levels(parameter);
            starts = starts
                .iter()
                .flat_map(|start| {
                    levels.iter().map(|&level| {
                        let mut longer = start.clone();
                        longer.push(inward(parameter, level));
                        longer
                    })
                })
                .collect();
        }
        starts.into_iter().step_by(stride).collect()
    }

    /// By how much the sum of squares may grow.
    fn slack(&self) -> f64 {
        let left = self.points.len().saturating_sub(self.free.len());
        let variance = match left {
            0 => 0.0,
            left => self.cost / left as f64,
        };
        4.0 * variance.max(LEAST_SCATTER * LEAST_SCATTER)
    }

    /// The best fit with one free parameter held at a value.
    fn held(&self, parameter: Parameter, value: f64, stride: usize) -> Option<(Model, f64)> {
        let mut model = self.model.clone();
        model.set(parameter, value);
        let others: Vec<Parameter> = self
            .free
            .iter()
            .copied()
            .filter(|&p| p != parameter)
            .collect();
        let mut here = Vec::with_capacity(others.len());
        for &other in &others {
            here.push(inward(other, self.model.get(other)?));
        }
        let mut starts = vec![here];
        if stride > 0 {
            starts.extend(self.starts_of(&others, stride));
        }
        let found = self.solve(&model, &others, &starts)?;
        Some((self.with(&model, &others, &found.x), found.cost))
    }

    /// The parameter, other than `but`, that differs most between two models.
    fn moved(&self, to: &Model, but: Parameter) -> Option<Parameter> {
        let mut most: Option<(f64, Parameter)> = None;
        for &parameter in self.free.iter().filter(|&&p| p != but) {
            let (from, to) = (self.model.get(parameter)?, to.get(parameter)?);
            let scale = if parameter.is_part() {
                1.0
            } else {
                from.max(to)
            };
            let change = (to - from).abs() / scale;
            if change > 0.02 && most.is_none_or(|(largest, _)| change > largest) {
                most = Some((change, parameter));
            }
        }
        most.map(|(_, parameter)| parameter)
    }

    /// The values of a free parameter with which the rows fit as well.
    fn range(&self, parameter: Parameter) -> Option<Range> {
        let best = self.model.get(parameter)?;
        let allowed = self.cost + self.slack();
        let fine = |value: f64| {
            let held = self.held(parameter, value, 0);
            held.is_some_and(|(_, cost)| cost <= allowed)
        };
        let (bottom, top) = match parameter {
            Parameter::Need => (1.0 / 256.0, 1.0),
            Parameter::MemoryBound => (0.0, 1.0),
            _ => (0.0, self.most_ms),
        };
        Some(Range {
            parameter,
            low: end(best, bottom, &fine),
            high: end(best, top.max(best), &fine),
        })
    }
}

/// The last fine value on the way from `from`, which is fine, to `to`.
fn end(from: f64, to: f64, fine: &dyn Fn(f64) -> bool) -> f64 {
    // GPU work of nothing makes a latency of nothing, which has no logarithm.
    if from == to || fine(to) {
        return to;
    }
    let (mut good, mut bad) = (from, to);
    // Upwards the end may be many times the value: close in by halving the distance.
    for _ in 0..BISECTIONS + 10 {
        let middle = (good + bad) / 2.0;
        if fine(middle) {
            good = middle;
        } else {
            bad = middle;
        }
        if (bad - good).abs() <= 1e-3 * from.abs() {
            break;
        }
    }
    good
}

/// Sets parameters to their neutral values, the least missed first, as long as the rows fit as well.
pub(super) fn simplify<'a>(full: &Problem<'a>) -> (Problem<'a>, Vec<Dropped>) {
    let allowed = full.cost + full.slack();
    let mut simple = full.copy();
    let mut dropped = Vec::new();
    loop {
        let mut least: Option<(Parameter, Model, f64)> = None;
        for &parameter in &simple.free {
            let Some(neutral) = parameter.neutral() else {
                continue;
            };
            let Some((model, cost)) = simple.held(parameter, neutral, 4) else {
                continue;
            };
            if cost <= allowed && least.as_ref().is_none_or(|(_, _, known)| cost < *known) {
                least = Some((parameter, model, cost));
            }
        }
        let Some((parameter, model, cost)) = least else {
            return (simple, dropped);
        };
        dropped.push(Dropped {
            instead: simple.moved(&model, parameter),
            range: full.range(parameter).unwrap_or(Range {
                parameter,
                low: 0.0,
                high: 1.0,
            }),
        });
        simple.free.retain(|&p| p != parameter);
        simple.model = model;
        simple.cost = cost;
    }
}

/// The ranges of all free parameters.
pub(super) fn ranges(problem: &Problem<'_>) -> Vec<Range> {
    let free = problem.free.iter();
    free.filter_map(|&parameter| problem.range(parameter))
        .collect()
}

impl<'a> Problem<'a> {
    fn copy(&self) -> Problem<'a> {
        Problem {
            points: self.points,
            measured: self.measured.clone(),
            model: self.model.clone(),
            free: self.free.clone(),
            ..*self
        }
    }
}
