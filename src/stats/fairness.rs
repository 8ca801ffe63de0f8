//! Fairness and multi-program performance.
//!
//! "Alone" and "shared" times are of the same work: mean responses for open guests, inverse
//! throughputs for closed ones. Progress is alone / shared, slowdown its inverse.

use super::moments::sum;

/// Jain's index (Σx)²/(n Σx²), from 1/n to 1 (Jain, Chiu & Hawe, DEC-TR-301, 1984). `None` for an
/// empty list, a value that is negative or not finite, or all zero.
pub fn jain_index(x: &[f64]) -> Option<f64> {
    let largest = largest(x)?;
    if largest == 0.0 || x.iter().any(|&v| v < 0.0) {
        return None;
    }
    // Relative to the largest, so that no square overflows.
    let total = sum(x.iter().map(|v| v / largest));
    let squares = sum(x.iter().map(|v| (v / largest) * (v / largest)));
    Some(total * total / (x.len() as f64 * squares))
}

/// Slowdowns shared/alone. `None` for lists of different lengths, an empty list, or a time that is
/// not positive and finite.
pub fn slowdowns(alone: &[f64], shared: &[f64]) -> Option<Vec<f64>> {
    let positive = |t: &f64| *t > 0.0 && t.is_finite();
    let usable = !alone.is_empty()
        && alone.len() == shared.len()
        && alone.iter().all(positive)
        && shared.iter().all(positive);
    usable.then(|| alone.iter().zip(shared).map(|(a, s)| s / a).collect())
}

/// Average normalised turnaround time: the mean slowdown (Eyerman & Eeckhout, IEEE Micro 28(3),
/// 2008). Lower is better, 1 is no interference. `None` for an empty list.
pub fn antt(slowdowns: &[f64]) -> Option<f64> {
    (!slowdowns.is_empty()).then(|| sum(slowdowns.iter().copied()) / slowdowns.len() as f64)
}

/// System throughput: the sum of progress rates 1/slowdown (same source). Higher is better, at most
/// n without superlinear effects. `None` for an empty list.
pub fn stp(slowdowns: &[f64]) -> Option<f64> {
    (!slowdowns.is_empty()).then(|| sum(slowdowns.iter().map(|s| 1.0 / s)))
}

/// Harmonic mean of the progress rates, 1/ANTT (Luo, Gummaraju & Franklin, ISPASS 2001).
pub fn harmonic_speedup(slowdowns: &[f64]) -> Option<f64> {
    antt(slowdowns).map(|antt| 1.0 / antt)
}

/// Largest over smallest value; 1 is equal treatment. `None` for an empty list or a value that is
/// not positive and finite. Its inverse is the fairness of Gabor, Weiss & Mendelson (2006).
pub fn max_min_ratio(x: &[f64]) -> Option<f64> {
    let largest = largest(x)?;
    let smallest = x.iter().copied().fold(f64::INFINITY, f64::min);
    (smallest > 0.0).then(|| largest / smallest)
}

/// `None` for an empty list or a value that is not finite.
fn largest(x: &[f64]) -> Option<f64> {
    let usable = !x.is_empty() && x.iter().all(|v| v.is_finite());
    usable.then(|| x.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// Weighted max-min fair allocation by water filling (Bertsekas & Gallager, Data Networks, 1992,
/// §6.5): nobody gets more than its demand, and what is left over goes to the others in proportion
/// to their weights.
///
/// `None` for lists of different lengths, a capacity or demand that is negative or NaN, an infinite
/// capacity, or a weight that is not positive and finite.
///
/// ```
/// use warpshare_model::stats::fairness::max_min_fair;
/// let shares = max_min_fair(12.0, &[2.0, 8.0, 8.0], &[1.0, 1.0, 1.0]);
/// assert_eq!(shares, Some(vec![2.0, 5.0, 5.0]));
/// ```
pub fn max_min_fair(capacity: f64, demands: &[f64], weights: &[f64]) -> Option<Vec<f64>> {
    let usable = demands.len() == weights.len()
        && (0.0..=f64::MAX).contains(&capacity)
        && demands.iter().all(|&d| d >= 0.0)
        && weights.iter().all(|&w| w > 0.0 && w.is_finite());
    if !usable {
        return None;
    }
    // Those that need the least per weight are satisfied first; ties by position.
    let level = |i: usize| demands[i] / weights[i];
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by(|&i, &j| level(i).total_cmp(&level(j)).then(i.cmp(&j)));
    let mut left = capacity;
    let mut shares = vec![0.0; demands.len()];
    for (place, &i) in order.iter().enumerate() {
        // Summed anew: subtracting weights one by one would leave rounding behind.
        let weight_left = sum(order[place..].iter().map(|&j| weights[j]));
        let fair = left * (weights[i] / weight_left);
        shares[i] = f64::min(demands[i], fair);
        left = f64::max(left - shares[i], 0.0);
    }
    Some(shares)
}

/// Dominant-resource fairness (Ghodsi et al., NSDI 2011) with divisible tasks: how many tasks each
/// user runs when all have the same dominant share and some resource is full.
///
/// `per_task[user][resource]` is what one task needs. `None` for an empty or ragged table, a
/// capacity that is not positive and finite, a need that is negative or not finite, or a user that
/// needs nothing. Exact where every user needs the resource that fills up first; users who do not
/// need it could still grow.
pub fn dominant_resource_fair(capacity: &[f64], per_task: &[Vec<f64>]) -> Option<Vec<f64>> {
    let usable = !per_task.is_empty()
        && capacity.iter().all(|&c| c > 0.0 && c.is_finite())
        && per_task.iter().all(|user| {
            user.len() == capacity.len()
                && user.iter().all(|&need| need >= 0.0 && need.is_finite())
                && user.iter().any(|&need| need > 0.0)
        });
    if !usable {
        return None;
    }
    let dominant: Vec<f64> = per_task
        .iter()
        .map(|user| {
            user.iter()
                .zip(capacity)
                .map(|(n, c)| n / c)
                .fold(0.0, f64::max)
        })
        .collect();
    let share = (0..capacity.len())
        .map(|r| {
            let per_share = sum(per_task.iter().zip(&dominant).map(|(user, d)| user[r] / d));
            capacity[r] / per_share
        })
        .fold(f64::INFINITY, f64::min);
    Some(dominant.iter().map(|d| share / d).collect())
}
