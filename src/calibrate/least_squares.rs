//! Robust nonlinear least squares from several starts.
//!
//! The optimiser is Levenberg-Marquardt (`levenberg-marquardt`, after MINPACK; Moré 1978) with central
//! differences for the Jacobian. Residuals are logarithms of predicted over measured, so that 10 % too
//! much and 10 % too little count alike at 1 ms and at 1 s, under the soft-L1 loss (Charbonnier et al.,
//! IEEE TIP 6, 1997): a residual far above [`SCALE`] counts by its size and not by its square, so that
//! a few rows which the law does not reach do not bend the others.
//!
//! Only + − × ÷ √ and `libm` are used, so a fit is the same bytes everywhere: `nalgebra` is built
//! without `matrixmultiply`, and the optimiser's only `powi` are squares.

use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::{DMatrix, DVector, Dyn, Owned};

/// Residual from which rows count by their size: about what the law leaves on clean measurements.
pub const SCALE: f64 = 0.05;

/// Step of the central differences, on parameters that are of order one.
const STEP: f64 = 1e-5;

/// Of the square of this, the sum is minimised: the soft-L1 loss of `log_ratio`, signed.
fn soft(log_ratio: f64) -> f64 {
    let z = log_ratio / SCALE;
    let root = libm::sqrt(1.0 + z * z) + 1.0;
    // √(2 (√(1 + z²) − 1)), without the cancellation.
    z * SCALE * libm::sqrt(2.0 / root)
}

/// Predictions by parameters; all positive.
pub type Predictor<'a> = dyn Fn(&[f64], &mut Vec<f64>) + 'a;

struct Problem<'a> {
    predict: &'a Predictor<'a>,
    measured: &'a [f64],
    x: DVector<f64>,
}

impl Problem<'_> {
    fn at(&self, x: &[f64]) -> Option<DVector<f64>> {
        let mut predicted = Vec::with_capacity(self.measured.len());
        (self.predict)(x, &mut predicted);
        let pairs = predicted.iter().zip(self.measured);
        let residuals: Vec<f64> = pairs.map(|(p, m)| soft(libm::log(p / m))).collect();
        let fine = residuals.iter().all(|r| r.is_finite());
        fine.then(|| DVector::from_vec(residuals))
    }
}

impl LeastSquaresProblem<f64, Dyn, Dyn> for Problem<'_> {
    type ResidualStorage = Owned<f64, Dyn>;
    type JacobianStorage = Owned<f64, Dyn, Dyn>;
    type ParameterStorage = Owned<f64, Dyn>;

    fn set_params(&mut self, x: &DVector<f64>) {
        self.x.copy_from(x);
    }

    fn params(&self) -> DVector<f64> {
        self.x.clone()
    }

    fn residuals(&self) -> Option<DVector<f64>> {
        self.at(self.x.as_slice())
    }

    fn jacobian(&self) -> Option<DMatrix<f64>> {
        let mut jacobian = DMatrix::zeros(self.measured.len(), self.x.len());
        let mut x = self.x.as_slice().to_vec();
        for column in 0..x.len() {
            let here = x[column];
            x[column] = here + STEP;
            let above = self.at(&x)?;
            x[column] = here - STEP;
            let below = self.at(&x)?;
            x[column] = here;
            jacobian.set_column(column, &((above - below) / (2.0 * STEP)));
        }
        Some(jacobian)
    }
}

/// The best point that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    pub x: Vec<f64>,
    /// Sum of the robust squared residuals.
    pub cost: f64,
}

/// Minimises from each start and returns the best, ties to the earliest. `measured` must be positive
/// and have at least as many entries as a start has parameters. `None` if there is no start from which
/// predictions are finite and positive.
pub fn minimise(predict: &Predictor<'_>, measured: &[f64], starts: &[Vec<f64>]) -> Option<Minimum> {
    let mut best: Option<Minimum> = None;
    for start in starts {
        let problem = Problem {
            predict,
            measured,
            x: DVector::from_vec(start.clone()),
        };
        let solved = if start.is_empty() {
            problem
        } else {
            LevenbergMarquardt::new()
                .with_patience(40)
                .minimize(problem)
                .0
        };
        // A step to where there is no prediction ends the search: the start is then all there is.
        for x in [solved.x.as_slice(), start] {
            let Some(residuals) = solved.at(x) else {
                continue;
            };
            let cost = residuals.iter().map(|r| r * r).sum();
            if best.as_ref().is_none_or(|known| cost < known.cost) {
                let x = x.to_vec();
                best = Some(Minimum { x, cost });
            }
        }
    }
    best
}

/// Minimises over positive parameters: they are fitted by their logarithms.
pub fn minimise_positive(
    predict: &Predictor<'_>,
    measured: &[f64],
    starts: &[Vec<f64>],
) -> Option<Minimum> {
    let by_logarithm = |x: &[f64], out: &mut Vec<f64>| {
        let parameters: Vec<f64> = x.iter().map(|&x| libm::exp(x)).collect();
        predict(&parameters, out);
    };
    let starts: Vec<Vec<f64>> = starts
        .iter()
        .map(|start| start.iter().map(|&p| libm::log(p)).collect())
        .collect();
    let mut found = minimise(&by_logarithm, measured, &starts)?;
    for x in &mut found.x {
        *x = libm::exp(*x);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_line_is_found() {
        let batches = [1.0, 2.0, 4.0, 8.0, 16.0];
        let measured: Vec<f64> = batches.iter().map(|b| 3.0 + 0.5 * b).collect();
        let line = |p: &[f64], out: &mut Vec<f64>| out.extend(batches.map(|b| p[0] + p[1] * b));
        let found = minimise_positive(&line, &measured, &[vec![1.0, 1.0]]).expect("a minimum");
        assert!((found.x[0] - 3.0).abs() < 1e-6, "{found:?}");
        assert!((found.x[1] - 0.5).abs() < 1e-6, "{found:?}");
        assert!(found.cost < 1e-12);
    }

    /// One row in six is wrong by a factor of three; plain least squares would be off by 20 %.
    #[test]
    fn one_wild_row_hardly_moves_the_fit() {
        let measured = [10.0, 10.1, 9.9, 10.05, 9.95, 30.0];
        let constant = |p: &[f64], out: &mut Vec<f64>| out.extend([p[0]; 6]);
        let found = minimise_positive(&constant, &measured, &[vec![20.0]]).expect("a minimum");
        assert!((found.x[0] / 10.0 - 1.0).abs() < 0.015, "{found:?}");
    }

    #[test]
    fn starts_without_a_prediction_are_passed_over() {
        let measured = [1.0];
        let odd = |p: &[f64], out: &mut Vec<f64>| out.push(if p[0] > 0.0 { p[0] } else { -1.0 });
        assert_eq!(minimise(&odd, &measured, &[vec![-2.0]]), None);
        let found = minimise(&odd, &measured, &[vec![-2.0], vec![1.1]]).expect("a minimum");
        assert!((found.x[0] - 1.0).abs() < 1e-6, "{found:?}");
    }
}
