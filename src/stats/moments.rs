//! Sums and moments with controlled rounding.

/// The sum by Neumaier's compensated method (ZAMM 54, 1974).
///
/// ```
/// assert_eq!(warpshare_model::stats::moments::sum([1.0, 1e100, 1.0, -1e100]), 2.0);
/// ```
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut rest) = (0.0f64, 0.0);
    for x in values {
        let next = sum + x;
        rest += if sum.abs() >= x.abs() {
            (sum - next) + x
        } else {
            (x - next) + sum
        };
        sum = next;
    }
    sum + rest
}

/// The arithmetic mean; NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    sum(values.iter().copied()) / values.len() as f64
}

/// Sample variance with divisor n − 1; NaN for fewer than two values.
pub fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let mean = mean(values);
    sum(values.iter().map(|x| (x - mean) * (x - mean))) / (values.len() - 1) as f64
}

/// Sample skewness n/((n−1)(n−2)) Σ((x − mean)/s)³; NaN for fewer than three values, zero if all
/// are equal.
pub fn skewness(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if values.len() < 3 {
        return f64::NAN;
    }
    let (mean, s) = (mean(values), libm::sqrt(variance(values)));
    if s == 0.0 {
        return 0.0;
    }
    let cubes = sum(values.iter().map(|x| {
        let d = (x - mean) / s;
        d * d * d
    }));
    n / ((n - 1.0) * (n - 2.0)) * cubes
}

/// Count, mean and variance of a stream of numbers in constant memory (Welford, Technometrics 4,
/// 1962). The result depends on the order in its last bits: feed it in a fixed order.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    pub fn push(&mut self, x: f64) {
        self.count += 1;
        let before = x - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (x - self.mean);
    }

    /// Adds what another has seen (Chan, Golub & LeVeque 1979); merge in a fixed order.
    pub fn merge(&mut self, other: &Moments) {
        if other.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let gap = other.mean - self.mean;
        self.count += other.count;
        self.mean += gap * (b / (a + b));
        self.squares += other.squares + gap * gap * (a * b / (a + b));
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Sample variance with divisor n − 1; `None` for fewer than two values.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.squares / (self.count - 1) as f64)
    }
}

/// Exact count, sum, sum of squares and extremes of whole numbers. Order does not matter: merging
/// is exact and commutative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExactMoments {
    count: u64,
    sum: u128,
    squares: u128,
    min: u64,
    max: u64,
}

impl Default for ExactMoments {
    fn default() -> ExactMoments {
        ExactMoments {
            count: 0,
            sum: 0,
            squares: 0,
            min: u64::MAX,
            max: 0,
        }
    }
}

impl ExactMoments {
    /// The sum cannot overflow; the sum of squares saturates (with 2⁶⁰ ns, 36 years, after 256
    /// values; with one hour after 2 · 10¹³), and there is no variance from then on.
    #[inline]
    pub fn push(&mut self, value: u64) {
        let wide = u128::from(value);
        self.count += 1;
        self.sum += wide;
        self.squares = self.squares.saturating_add(wide * wide);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    pub fn merge(&mut self, other: &ExactMoments) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares = self.squares.saturating_add(other.squares);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Σ x²; `None` once it has saturated.
    pub fn sum_of_squares(&self) -> Option<u128> {
        (self.squares < u128::MAX).then_some(self.squares)
    }

    /// `None` of nothing.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// `None` of nothing.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| {
            let n = u128::from(self.count);
            (self.sum / n) as f64 + (self.sum % n) as f64 / self.count as f64
        })
    }

    /// Sample variance with divisor n − 1; `None` for fewer than two values or saturated squares.
    pub fn variance(&self) -> Option<f64> {
        let squares = self.sum_of_squares()?;
        if self.count < 2 {
            return None;
        }
        // Around the whole part m of the mean: Σ(x−m)² = Σx² − 2mΣx + nm² lies between 0 and Σx²,
        // so arithmetic modulo 2¹²⁸ gives it exactly. Then Σ(x−mean)² = Σ(x−m)² − r²/n, where
        // r = Σx − nm < n.
        let n = u128::from(self.count);
        let (m, r) = (self.sum / n, self.sum % n);
        let about_m = squares
            .wrapping_sub(m.wrapping_mul(self.sum).wrapping_mul(2))
            .wrapping_add(m.wrapping_mul(m).wrapping_mul(n));
        let (whole, rest) = (r * r / n, r * r % n);
        let deviation = (about_m - whole) as f64 - rest as f64 / self.count as f64;
        Some(deviation / (self.count - 1) as f64)
    }
}
