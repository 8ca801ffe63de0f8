//! What the comparisons of the law with measurements have in common.

use super::repository;
use std::collections::BTreeMap;
use warpshare::calibrate::{Baseline, Calibration, Errors, Options, Parameter, Point, fit};

pub type Line = BTreeMap<String, String>;

/// The rows of a file of `data/measurements`.
pub fn lines(file: &str) -> Vec<Line> {
    let path = repository("data/measurements").join(file);
    let mut reader = csv::Reader::from_path(path).expect("the measurements");
    let all = reader.deserialize().collect::<Result<_, _>>();
    all.expect("rows of equal length")
}

pub fn number(line: &Line, column: &str) -> f64 {
    line[column].parse().expect("a number")
}

/// SMs and memory slices of an instance of the seven-slice family, as parts of 7g.
pub fn parts(profile: &str) -> (f64, f64) {
    match profile.split_once("g.").expect("a profile").0 {
        "1" => (1.0 / 7.0, 1.0 / 8.0),
        "2" => (2.0 / 7.0, 2.0 / 8.0),
        "3" => (3.0 / 7.0, 4.0 / 8.0),
        "4" => (4.0 / 7.0, 4.0 / 8.0),
        "7" => (1.0, 1.0),
        other => panic!("a profile of {other} slices"),
    }
}

/// The rows of one workload.
#[derive(Debug, Clone)]
pub struct Series {
    pub calibration: Vec<Point>,
    pub held_back: Vec<Point>,
}

/// Sorts points by the name of their series; `None` for a row that is not used.
pub fn series(points: impl Iterator<Item = Option<(String, bool, Point)>>) -> Vec<Series> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    for (name, calibration, point) in points.flatten() {
        let one = all.entry(name).or_insert(Series {
            calibration: Vec::new(),
            held_back: Vec::new(),
        });
        if calibration {
            one.calibration.push(point);
        } else {
            one.held_back.push(point);
        }
    }
    all.into_values().collect()
}

impl Series {
    pub fn fit(&self, options: &Options) -> Calibration {
        fit(&self.calibration, options).expect("rows to calibrate on")
    }
}

/// A held-back row, what the law says of it, and how much of that is GPU time.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    pub point: Point,
    pub predicted_ms: f64,
    /// GPU part over host part: from 2 on, the row counts as saturated.
    pub gpu_over_host: f64,
}

/// Predictions of the held-back rows of a series.
pub fn outcomes(series: &Series, options: &Options) -> Vec<Outcome> {
    let model = series.fit(options).model;
    let rows = series.held_back.iter();
    rows.filter_map(|point| {
        let gpu = model.gpu_ms(&point.at)?;
        Some(Outcome {
            point: *point,
            predicted_ms: model.latency_ms(&point.at)?,
            gpu_over_host: gpu / (model.serial_ms + model.beside_ms),
        })
    })
    .collect()
}

pub fn errors(outcomes: &[Outcome]) -> Errors {
    let pairs = outcomes.iter();
    Errors::of(pairs.map(|o| (o.predicted_ms, o.point.latency_ms))).expect("some rows")
}

/// The errors of a model in one line on those rows of which it says something.
pub fn baseline(set: &[Series], which: Baseline, row: fn(&Point) -> bool) -> Errors {
    let mut pairs = Vec::new();
    for one in set {
        for point in one.held_back.iter().filter(|p| row(p)) {
            let said = which.latency_ms(&one.calibration, point);
            pairs.extend(said.map(|ms| (ms, point.latency_ms)));
        }
    }
    Errors::of(pairs).expect("some rows")
}

pub fn with_memory_bound(share: f64) -> Options {
    Options {
        given: vec![(Parameter::MemoryBound, share)],
        ..Options::default()
    }
}

/// Shares that are tried where one number is taken for a whole set.
pub fn shares() -> impl Iterator<Item = f64> {
    (0..=20).map(|step| f64::from(step) / 20.0)
}

/// The law with one memory-bound share for a set: that of each workload is the one that is best for the
/// held-back rows of all *other* workloads (leave one out).
pub struct LeaveOneOut {
    /// Outcomes of each series with memory-bound share 0.
    pub zero: Vec<Vec<Outcome>>,
    /// With the share of the others.
    pub others: Vec<Vec<Outcome>>,
    /// The shares that were taken, one a series.
    pub taken: Vec<f64>,
    /// The share that is best for all series together: for another set.
    pub best: f64,
}

pub fn leave_one_out(set: &[Series]) -> LeaveOneOut {
    let tried: Vec<Vec<Vec<Outcome>>> = set
        .iter()
        .map(|one| {
            let by_share = shares().map(|share| outcomes(one, &with_memory_bound(share)));
            by_share.collect()
        })
        .collect();
    let misfit = |rows: &[Outcome]| -> f64 {
        let each = rows.iter();
        each.map(|o| libm::fabs(libm::log(o.predicted_ms / o.point.latency_ms)))
            .sum()
    };
    let best_without = |place: Option<usize>| {
        let total = |share: usize| -> f64 {
            let rest = tried.iter().enumerate().filter(|(n, _)| Some(*n) != place);
            rest.map(|(_, by_share)| misfit(&by_share[share])).sum()
        };
        let all = 0..shares().count();
        all.min_by(|&a, &b| total(a).total_cmp(&total(b)))
            .expect("a share")
    };
    let share = |place: usize| shares().nth(place).expect("a share");
    let mut taken = Vec::new();
    let mut others = Vec::new();
    for (place, by_share) in tried.iter().enumerate() {
        let best = best_without(Some(place));
        taken.push(share(best));
        others.push(by_share[best].clone());
    }
    LeaveOneOut {
        zero: tried.iter().map(|by_share| by_share[0].clone()).collect(),
        others,
        taken,
        best: share(best_without(None)),
    }
}

/// The held-back rows of a set, with one memory-bound share that comes from elsewhere.
pub fn with_share(set: &[Series], share: f64) -> Vec<Vec<Outcome>> {
    let options = with_memory_bound(share);
    set.iter().map(|one| outcomes(one, &options)).collect()
}

/// Keeps the rows for which a condition holds.
pub fn chosen(all: &[Vec<Outcome>], row: fn(&Outcome) -> bool) -> Vec<Outcome> {
    all.iter().flatten().copied().filter(row).collect()
}
