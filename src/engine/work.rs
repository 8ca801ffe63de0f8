//! Exact work: time × rate, in integers.
//!
//! A rate is the speed relative to the reference in units of 2⁻³²; work is in 2⁻³² ns. Progress
//! over an interval is exactly `duration × rate`, so cutting an interval in two never changes a
//! result, and the only rounding is that of a completion, up to the next whole nanosecond.

use super::time::{NEVER, Nanos};

/// Speed in units of 2⁻³² of the reference.
pub type Rate = u64;

/// Amount of work in units of 2⁻³² ns.
pub type Work = u128;

/// The speed of the reference itself.
pub const FULL_SPEED: Rate = 1 << 32;

/// The work that takes `duration` at full speed.
pub const fn work_of(duration: Nanos) -> Work {
    (duration as Work) << 32
}

/// The work that `rate` does in `duration`.
pub const fn done_in(duration: Nanos, rate: Rate) -> Work {
    duration as Work * rate as Work
}

/// The time that `work` takes at `rate`, rounded up to whole nanoseconds; [`NEVER`] at rate 0 (and
/// for durations beyond the range of time).
pub fn time_for(work: Work, rate: Rate) -> Nanos {
    if rate == FULL_SPEED {
        return Nanos::try_from(work.div_ceil(1 << 32)).unwrap_or(NEVER);
    }
    if rate == 0 {
        return if work == 0 { 0 } else { NEVER };
    }
    Nanos::try_from(work.div_ceil(Work::from(rate))).unwrap_or(NEVER)
}

/// A relative speed as a rate, rounded to the nearest unit (at least one).
///
/// Returns `None` for values that are not finite, not positive, or beyond 2³¹ times the reference.
pub fn rate_of(speed: f64) -> Option<Rate> {
    if !(speed > 0.0 && speed < 2_147_483_648.0) {
        return None;
    }
    Some(((speed * FULL_SPEED as f64).round() as Rate).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_rounds_up_to_one_nanosecond() {
        assert_eq!(time_for(work_of(10), FULL_SPEED), 10);
        assert_eq!(time_for(work_of(10) + 1, FULL_SPEED), 11);
        assert_eq!(time_for(work_of(10), FULL_SPEED / 2), 20);
        assert_eq!(time_for(work_of(1), FULL_SPEED / 3), 4);
        assert_eq!(time_for(1, 0), NEVER);
    }

    #[test]
    fn cutting_an_interval_changes_nothing() {
        let rate = 3_141_592_653;
        for cut in [0, 1, 7, 999, 1_000] {
            assert_eq!(
                done_in(cut, rate) + done_in(1_000 - cut, rate),
                done_in(1_000, rate)
            );
        }
    }

    #[test]
    fn speeds_outside_the_range_are_refused() {
        assert_eq!(rate_of(1.0), Some(FULL_SPEED));
        assert_eq!(rate_of(0.5), Some(FULL_SPEED / 2));
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY, 3e9] {
            assert_eq!(rate_of(speed), None);
        }
    }
}
