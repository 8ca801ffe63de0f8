//! Simulated time: unsigned whole nanoseconds since the start of a replication.

/// A point in simulated time or a duration, in nanoseconds.
///
/// 64 bits reach 584 years; arithmetic on it is checked wherever a scenario's numbers enter.
pub type Nanos = u64;

/// "Never": later than every event.
pub const NEVER: Nanos = Nanos::MAX;

/// The largest time a scenario may name (half the range), so that sums of two never overflow.
pub const LONGEST: Nanos = Nanos::MAX / 2;

pub const MICROSECOND: Nanos = 1_000;
pub const MILLISECOND: Nanos = 1_000_000;
pub const SECOND: Nanos = 1_000_000_000;

/// Rounds a non-negative duration in nanoseconds to whole nanoseconds, ties to even.
///
/// Returns `None` for NaN, negative values and values beyond [`LONGEST`].
///
/// ```
/// use warpshare_model::engine::time::round_nanos;
/// assert_eq!(round_nanos(2.5), Some(2));
/// assert_eq!(round_nanos(3.5), Some(4));
/// assert_eq!(round_nanos(-1.0), None);
/// ```
pub fn round_nanos(value: f64) -> Option<Nanos> {
    if !(0.0..=LONGEST as f64).contains(&value) {
        return None;
    }
    let floor = value as Nanos; // truncation is exact: the value is in range
    let rest = value - floor as f64;
    let up = rest > 0.5 || (rest == 0.5 && floor % 2 == 1);
    Some(floor + Nanos::from(up))
}
