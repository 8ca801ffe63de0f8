//! Predictions against measurements, and the models in one line that stand beside them.

use super::model::{Model, Point};

/// Relative errors, predicted over measured less one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Errors {
    pub n: usize,
    /// Mean, median and largest of the absolute values.
    pub mean: f64,
    pub median: f64,
    pub largest: f64,
    /// Mean with its sign: above 0 when predictions are too large.
    pub bias: f64,
}

impl Errors {
    /// Of pairs (predicted, measured); `None` if there are none.
    ///
    /// ```
    /// use warpshare::calibrate::Errors;
    /// let errors = Errors::of([(11.0, 10.0), (9.0, 10.0), (10.0, 10.0)]).unwrap();
    /// assert!((errors.mean - 0.2 / 3.0).abs() < 1e-12);
    /// assert!((errors.median - 0.1).abs() < 1e-12 && errors.bias.abs() < 1e-12);
    /// ```
    pub fn of(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Errors> {
        let signed: Vec<f64> = pairs.into_iter().map(|(p, m)| p / m - 1.0).collect();
        let n = signed.len();
        let mut sizes: Vec<f64> = signed.iter().map(|e| e.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let largest = *sizes.last()?;
        Some(Errors {
            n,
            mean: sizes.iter().sum::<f64>() / n as f64,
            median: (sizes[(n - 1) / 2] + sizes[n / 2]) / 2.0,
            largest,
            bias: signed.iter().sum::<f64>() / n as f64,
        })
    }

    /// Of a model at measured points; points of a batch that it does not know are left out.
    pub fn of_model(model: &Model, points: &[Point]) -> Option<Errors> {
        let pairs = points.iter();
        Errors::of(pairs.filter_map(|p| Some((model.latency_ms(&p.at)?, p.latency_ms))))
    }
}

/// A model in one line. Each starts from the calibration row of the same batch with most SMs and, of
/// these, fewest tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// The latency does not change.
    NoChange,
    /// The latency grows as the SMs shrink.
    SmRatio,
    /// The latency grows as the SMs shrink and as tenants are added: each has 1/n.
    EqualParts,
}

impl Baseline {
    /// The line that stands for it in tables.
    pub fn name(self) -> &'static str {
        match self {
            Baseline::NoChange => "no change",
            Baseline::SmRatio => "SM ratio",
            Baseline::EqualParts => "SM ratio, 1/n",
        }
    }

    /// Its latency at a point; `None` if no calibration row has the batch.
    pub fn latency_ms(self, calibration: &[Point], at: &Point) -> Option<f64> {
        let rows = calibration.iter().filter(|p| p.at.batch == at.at.batch);
        let from = rows.max_by(|a, b| {
            let (a, b) = (&a.at, &b.at);
            let by_tenants = b.tenants.cmp(&a.tenants);
            a.sms.total_cmp(&b.sms).then(by_tenants)
        })?;
        let sms = from.at.sms / at.at.sms;
        let tenants = f64::from(at.at.tenants) / f64::from(from.at.tenants);
        Some(match self {
            Baseline::NoChange => from.latency_ms,
            Baseline::SmRatio => from.latency_ms * sms,
            Baseline::EqualParts => from.latency_ms * sms * tenants,
        })
    }

    /// Its errors at points; `None` if no calibration row has one of their batches.
    pub fn errors(self, calibration: &[Point], points: &[Point]) -> Option<Errors> {
        let pairs = points.iter();
        Errors::of(pairs.filter_map(|p| Some((self.latency_ms(calibration, p)?, p.latency_ms))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Setting;
    use super::*;

    fn point(sms: f64, tenants: u32, batch: u32, latency_ms: f64) -> Point {
        let at = Setting {
            sms,
            bandwidth: 1.0,
            tenants,
            batch,
        };
        Point { at, latency_ms }
    }

    #[test]
    fn baselines_start_from_the_largest_row_of_the_batch() {
        let known = [
            point(1.0, 2, 8, 30.0),
            point(0.5, 1, 8, 20.0),
            point(1.0, 1, 8, 10.0),
            point(1.0, 1, 4, 5.0),
        ];
        let at = point(0.25, 2, 8, 80.0);
        let of = |baseline: Baseline| baseline.latency_ms(&known, &at);
        assert_eq!(of(Baseline::NoChange), Some(10.0));
        assert_eq!(of(Baseline::SmRatio), Some(40.0));
        assert_eq!(of(Baseline::EqualParts), Some(80.0));
        let other = point(0.25, 1, 16, 1.0);
        assert_eq!(Baseline::NoChange.latency_ms(&known, &other), None);
        assert_eq!(Baseline::NoChange.errors(&known, &[other]), None);
    }
}
