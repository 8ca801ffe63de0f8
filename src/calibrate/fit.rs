//! Fits a [`Model`] to measured points, and says which of its parameters the points call for.
//!
//! Three steps. *What the rows vary*: a parameter whose effect the settings cannot show (the memory
//! share when SMs and bandwidth always move together) gets its neutral value, with the reason.
//! *Fit*: all others at once, from a fixed list of starts. *What the rows call for*: a parameter without
//! which the rows fit as well within their scatter gets its neutral value too, the least missed first.
//! What remains gets a range ([`super::identify`]).

use super::identify::{self, Problem};
use super::model::{Model, Parameter, Point, Work};
use crate::gpu::law::{ClockCurve, REACH};
use std::collections::BTreeSet;

/// How GPU work depends on the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WorkForm {
    /// [`WorkForm::Linear`] from three batches on, or when one of its parameters is given.
    #[default]
    Auto,
    /// `gpu_fixed_ms + gpu_per_item_ms · batch`.
    Linear,
    /// A value for each batch; nothing is predicted of other batches.
    Each,
}

/// What is not left to the fit.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Parameters with a known value.
    pub given: Vec<(Parameter, f64)>,
    pub work: WorkForm,
    /// SM clock by part of the SMs that are busy.
    pub clock: Option<ClockCurve>,
    /// How many times its part of the SMs work can draw of the bandwidth, at least 1; none = the reach
    /// that the measurements give ([`REACH`]).
    pub reach: Option<f64>,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Given by the user.
    Given,
    /// Fitted, and the rows call for it.
    Fitted,
    /// The settings cannot show it: neutral value. The text says why.
    CannotShow(&'static str),
    /// GPU work that the rows never show: they fit as well with none, and the value is only a limit.
    OnlyALimit,
    /// The rows fit as well without it: neutral value. Another parameter takes its place.
    NotNeeded { instead: Option<Parameter> },
}

/// One parameter of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    pub parameter: Parameter,
    pub value: f64,
    /// Values with which the rows fit as well within their scatter; `None` where it was not fitted.
    pub range: Option<(f64, f64)>,
    pub verdict: Verdict,
}

/// The result of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub model: Model,
    pub parameters: Vec<Fitted>,
    /// Rows that were fitted.
    pub rows: usize,
    /// Relative scatter of the rows about the model: robust root of the mean square with `rows - p`
    /// degrees of freedom; `None` when no row is left over.
    pub scatter: Option<f64>,
}

/// There is nothing to fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no rows to calibrate on")]
pub struct NoRows;

/// Order in which parameters give way when there are fewer settings than parameters.
const LEAST_FIRST: [Parameter; 5] = [
    Parameter::Need,
    Parameter::MemoryBound,
    Parameter::Fixed,
    Parameter::Serial,
    Parameter::Beside,
];

const SAME_EVERYWHERE: &str = "all rows have one batch, SM share and number of tenants";
const ONE_SHARE: &str = "one SM share and one tenant: it looks like serial_ms";
const ONE_SHARE_NEED: &str = "all rows have one SM share and one tenant";
const LIKE_BESIDE: &str = "one batch and one tenant: it looks like beside_ms";
const LIKE_SERIAL: &str = "one batch and one bandwidth share: it looks like serial_ms";
const TOGETHER: &str = "SM share and memory share move together";
const TOO_FEW: &str = "fewer different settings than parameters";

/// What the settings vary.
struct Varied {
    batches: BTreeSet<u32>,
    sharing: bool,
    tenants: bool,
    bandwidth: bool,
    /// Whether SM share over bandwidth share differs between rows.
    ratio: bool,
    settings: usize,
}

impl Varied {
    fn of(points: &[Point]) -> Varied {
        let many = |key: fn(&Point) -> f64| {
            let keys: BTreeSet<u64> = points.iter().map(|p| key(p).to_bits()).collect();
            keys.len() > 1
        };
        let key = |p: &Point| {
            let at = &p.at;
            (
                at.sms.to_bits(),
                at.bandwidth.to_bits(),
                at.tenants,
                at.batch,
            )
        };
        let first = points.first().map_or(1.0, |p| p.at.sms / p.at.bandwidth);
        Varied {
            batches: points.iter().map(|p| p.at.batch).collect(),
            sharing: many(|p| p.at.sms),
            tenants: points.iter().any(|p| p.at.tenants > 1),
            bandwidth: many(|p| p.at.bandwidth),
            ratio: points
                .iter()
                .any(|p| (p.at.sms / p.at.bandwidth / first - 1.0).abs() > 1e-3),
            settings: points.iter().map(key).collect::<BTreeSet<_>>().len(),
        }
    }

    /// Why the settings cannot show a parameter; `None` if they can.
    fn hidden(&self, parameter: Parameter, beside_given: bool) -> Option<&'static str> {
        let (batches, slices) = (self.batches.len() > 1, self.sharing || self.tenants);
        match parameter {
            Parameter::Serial | Parameter::Beside if !batches && !slices => Some(SAME_EVERYWHERE),
            Parameter::Fixed if !slices => Some(ONE_SHARE),
            Parameter::Need if !slices => Some(ONE_SHARE_NEED),
            Parameter::Need if !batches && !self.tenants && !beside_given => Some(LIKE_BESIDE),
            Parameter::MemoryBound if !self.ratio => Some(TOGETHER),
            Parameter::MemoryBound if !batches && !self.bandwidth && !self.tenants => {
                Some(LIKE_SERIAL)
            }
            _ => None,
        }
    }
}

/// Fits the model to the points.
///
/// # Errors
///
/// If there are no points.
pub fn fit(points: &[Point], options: &Options) -> Result<Calibration, NoRows> {
    let varied = Varied::of(points);
    let given = |parameter: Parameter| {
        let mut all = options.given.iter().rev();
        all.find(|(of, _)| *of == parameter)
            .map(|(_, value)| *value)
    };
    let linear = match options.work {
        WorkForm::Linear => true,
        WorkForm::Each => false,
        WorkForm::Auto => {
            varied.batches.len() >= 3
                || given(Parameter::Fixed).is_some()
                || given(Parameter::PerItem).is_some()
        }
    };
    let mut parameters = vec![Parameter::Serial, Parameter::Beside];
    let work = if linear {
        parameters.extend([Parameter::Fixed, Parameter::PerItem]);
        Work::Linear {
            fixed_ms: 0.0,
            per_item_ms: 1.0,
        }
    } else {
        parameters.extend(varied.batches.iter().map(|&b| Parameter::OfBatch(b)));
        Work::Each(varied.batches.iter().map(|&b| (b, 1.0)).collect())
    };
    parameters.extend([Parameter::Need, Parameter::MemoryBound]);

    let mut model = Model {
        clock: options.clock.clone(),
        reach: Some(options.reach.unwrap_or(REACH)),
        ..Model::gpu_only(work)
    };
    let mut verdicts = Vec::new();
    let mut free = Vec::new();
    for &parameter in &parameters {
        if let Some(value) = given(parameter) {
            model.set(parameter, value);
            verdicts.push((parameter, Verdict::Given));
            continue;
        }
        let neutral = parameter.neutral();
        let hidden = varied.hidden(parameter, given(Parameter::Beside).is_some());
        match (neutral, hidden) {
            (Some(value), Some(why)) => {
                model.set(parameter, value);
                verdicts.push((parameter, Verdict::CannotShow(why)));
            }
            _ => free.push(parameter),
        }
    }
    for parameter in LEAST_FIRST {
        if free.len() <= varied.settings {
            break;
        }
        if let (Some(place), Some(value)) = (
            free.iter().position(|&p| p == parameter),
            parameter.neutral(),
        ) {
            free.remove(place);
            model.set(parameter, value);
            verdicts.push((parameter, Verdict::CannotShow(TOO_FEW)));
        }
    }

    let problem = Problem::new(points, model, free).ok_or(NoRows)?;
    let (simple, dropped) = identify::simplify(&problem);
    let ranges = identify::ranges(&simple);
    let mut fitted = Vec::new();
    for &parameter in &parameters {
        let value = simple.model.get(parameter).unwrap_or(0.0);
        let range = ranges
            .iter()
            .chain(dropped.iter().map(|d| &d.range))
            .find(|range| range.parameter == parameter)
            .map(|range| (range.low, range.high));
        let verdict = match verdicts.iter().find(|(of, _)| *of == parameter) {
            Some((_, verdict)) => verdict.clone(),
            None => match dropped.iter().find(|d| d.range.parameter == parameter) {
                Some(dropped) => Verdict::NotNeeded {
                    instead: dropped.instead,
                },
                None if !range.is_none_or(|(low, _)| low > 0.0)
                    && parameter.neutral().is_none() =>
                {
                    Verdict::OnlyALimit
                }
                None => Verdict::Fitted,
            },
        };
        fitted.push(Fitted {
            parameter,
            value,
            range,
            verdict,
        });
    }
    let left = points.len().saturating_sub(simple.free.len());
    Ok(Calibration {
        scatter: (left > 0).then(|| libm::sqrt(simple.cost / left as f64)),
        model: simple.model,
        parameters: fitted,
        rows: points.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::model::Setting;
    use super::*;

    /// Rows that a known model makes, without scatter.
    fn rows(model: &Model, settings: &[(f64, f64, u32, u32)]) -> Vec<Point> {
        let point = |&(sms, bandwidth, tenants, batch): &(f64, f64, u32, u32)| {
            let at = Setting {
                sms,
                bandwidth,
                tenants,
                batch,
            };
            let latency_ms = model.latency_ms(&at).expect("a known batch");
            Point { at, latency_ms }
        };
        settings.iter().map(point).collect()
    }

    fn mig(profiles: &[(f64, f64)], batches: &[u32]) -> Vec<(f64, f64, u32, u32)> {
        let mut all = Vec::new();
        for &(sms, bandwidth) in profiles {
            all.extend(batches.iter().map(|&batch| (sms, bandwidth, 1, batch)));
        }
        all
    }

    const ONE: (f64, f64) = (1.0 / 7.0, 0.125);
    const TWO: (f64, f64) = (2.0 / 7.0, 0.25);
    const THREE: (f64, f64) = (3.0 / 7.0, 0.5);
    const WHOLE: (f64, f64) = (1.0, 1.0);
    const BATCHES: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];

    fn truth() -> Model {
        Model {
            serial_ms: 1.5,
            beside_ms: 6.0,
            work: Work::Linear {
                fixed_ms: 0.8,
                per_item_ms: 0.4,
            },
            need: 1.0,
            memory_bound: 0.4,
            clock: None,
            reach: None,
        }
    }

    fn value(of: &Calibration, parameter: Parameter) -> f64 {
        of.model.get(parameter).expect("a parameter of the model")
    }

    fn verdict(of: &Calibration, parameter: Parameter) -> &Verdict {
        let mut all = of.parameters.iter();
        &all.find(|p| p.parameter == parameter).expect("it").verdict
    }

    #[test]
    fn every_slice_and_batch_give_the_truth_back() {
        let points = rows(&truth(), &mig(&[WHOLE, THREE, TWO, ONE], &BATCHES));
        let found = fit(&points, &Options::default()).expect("a fit");
        for (parameter, truth) in [
            (Parameter::Serial, 1.5),
            (Parameter::Beside, 6.0),
            (Parameter::Fixed, 0.8),
            (Parameter::PerItem, 0.4),
            (Parameter::MemoryBound, 0.4),
        ] {
            let value = value(&found, parameter);
            assert!((value / truth - 1.0).abs() < 1e-3, "{parameter}: {value}");
            assert_eq!(*verdict(&found, parameter), Verdict::Fitted, "{parameter}");
        }
        assert_eq!(value(&found, Parameter::Need), 1.0);
        assert!(matches!(
            verdict(&found, Parameter::Need),
            Verdict::NotNeeded { .. }
        ));
        for fitted in &found.parameters {
            let (low, high) = fitted.range.expect("all were free");
            assert!(low <= fitted.value && fitted.value <= high, "{fitted:?}");
        }
    }

    #[test]
    fn the_whole_board_alone_shows_neither_need_nor_memory() {
        let points = rows(&truth(), &mig(&[WHOLE], &BATCHES));
        let found = fit(&points, &Options::default()).expect("a fit");
        for (parameter, why) in [
            (Parameter::Fixed, ONE_SHARE),
            (Parameter::Need, ONE_SHARE_NEED),
            (Parameter::MemoryBound, TOGETHER),
        ] {
            assert_eq!(*verdict(&found, parameter), Verdict::CannotShow(why));
            assert_eq!(Some(value(&found, parameter)), parameter.neutral());
        }
        // The work that does not depend on the batch went into the serial part.
        assert!((value(&found, Parameter::Serial) - 2.3).abs() < 0.05);
        assert!((value(&found, Parameter::PerItem) - 0.4).abs() < 0.002);
    }

    #[test]
    fn two_rows_of_one_batch_give_a_floor_and_the_work() {
        let mut model = Model::gpu_only(Work::Each(vec![(4, 2.0)]));
        model.beside_ms = 20.0;
        let points = rows(&model, &[(1.0, 1.0, 1, 4), (0.05, 1.0, 1, 4)]);
        let found = fit(&points, &Options::default()).expect("a fit");
        assert!((value(&found, Parameter::OfBatch(4)) - 2.0).abs() < 1e-4);
        assert!((value(&found, Parameter::Beside) - 20.0).abs() < 1e-3);
        assert_eq!(found.scatter, None);
        assert_eq!(
            *verdict(&found, Parameter::Serial),
            Verdict::CannotShow(TOO_FEW)
        );
    }

    #[test]
    fn tenants_show_the_need() {
        let mut model = truth();
        model.need = 0.3;
        model.memory_bound = 0.0;
        let mut settings = Vec::new();
        for tenants in 1..=6 {
            settings.extend(BATCHES.map(|batch| (1.0, 1.0, tenants, batch)));
        }
        let found = fit(&rows(&model, &settings), &Options::default()).expect("a fit");
        assert!((value(&found, Parameter::Need) - 0.3).abs() < 0.003);
        assert!((value(&found, Parameter::PerItem) - 0.4).abs() < 0.004);
    }

    #[test]
    fn what_is_given_stays() {
        let points = rows(&truth(), &mig(&[WHOLE, TWO], &BATCHES));
        let options = Options {
            given: vec![(Parameter::MemoryBound, 0.4), (Parameter::Serial, 1.5)],
            ..Options::default()
        };
        let found = fit(&points, &options).expect("a fit");
        assert_eq!(value(&found, Parameter::MemoryBound), 0.4);
        assert_eq!(*verdict(&found, Parameter::Serial), Verdict::Given);
        assert!((value(&found, Parameter::Beside) - 6.0).abs() < 0.05);
    }

    #[test]
    fn a_floor_everywhere_leaves_the_work_open() {
        let mut model = truth();
        model.beside_ms = 1e3;
        let points = rows(&model, &mig(&[WHOLE, TWO, ONE], &BATCHES));
        let found = fit(&points, &Options::default()).expect("a fit");
        assert_eq!(*verdict(&found, Parameter::PerItem), Verdict::OnlyALimit);
    }

    #[test]
    fn one_row_gives_the_work_and_no_row_is_an_error() {
        let points = rows(&truth(), &mig(&[WHOLE], &[8]));
        let found = fit(&points, &Options::default()).expect("a fit");
        assert!((value(&found, Parameter::OfBatch(8)) / points[0].latency_ms - 1.0).abs() < 1e-6);
        assert_eq!(fit(&[], &Options::default()), Err(NoRows));
    }
}
