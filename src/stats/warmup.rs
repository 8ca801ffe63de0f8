//! Where the start of a run stops to matter.

/// What MSER-5 says about a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mser5 {
    /// Leave out this many observations at the start (a multiple of 5, possibly zero).
    Truncate {
        observations: usize,
        /// The minimum that was found: an estimate of the squared standard error of the mean.
        statistic: f64,
    },
    /// The minimum lies in the second half: the run is too short to tell. Truncate nothing, run
    /// longer.
    TooShort,
    /// Fewer than [`LEAST_BATCHES`] batches of five, or a value that is not finite.
    NotEnoughData,
}

/// Fewer batches of five than this are no basis for a decision.
pub const LEAST_BATCHES: usize = 20;

/// This many batches always remain: the spread of fewer is small by chance too often (Hoad,
/// Robinson & Davies 2010 leave out five as well).
const ALWAYS_KEPT: usize = 5;

/// MSER-5: marginal standard error rule on means of five (White, Simulation 69, 1997; White, Cobb &
/// Spratt, WSC 2000).
///
/// Among all starts d it takes the first that minimises Σ_{i≥d} (b_i − mean)² / (n − d)² over the
/// batch means b. Feed it the average over the replications at equal index or time, never a single
/// run: inside one congested run it cuts away the congestion and so creates bias.
pub fn mser5(series: &[f64]) -> Mser5 {
    let batches: Vec<f64> = series
        .chunks_exact(5)
        .map(|five| five.iter().sum::<f64>() / 5.0)
        .collect();
    let n = batches.len();
    if n < LEAST_BATCHES || !batches.iter().all(|b| b.is_finite()) {
        return Mser5::NotEnoughData;
    }
    // From the end to the start, so that each step adds one batch (Welford).
    let (mut mean, mut squares) = (0.0, 0.0);
    let mut best = (0, f64::INFINITY);
    for d in (0..n).rev() {
        let kept = (n - d) as f64;
        let before = batches[d] - mean;
        mean += before / kept;
        squares += before * (batches[d] - mean);
        let statistic = squares / (kept * kept);
        // "Or equal": of equal minima the first in the series.
        if n - d >= ALWAYS_KEPT && statistic <= best.1 {
            best = (d, statistic);
        }
    }
    let (d, statistic) = best;
    if d > n / 2 {
        return Mser5::TooShort;
    }
    Mser5::Truncate {
        observations: 5 * d,
        statistic,
    }
}
