//! What the checks draw.

use crate::engine::random::Stream;
use crate::engine::time::{MILLISECOND, Nanos};
use crate::policy::{Reservation, Terms};

/// Draws of one round of a check.
pub(super) struct Choice {
    draws: Stream,
    next: u64,
}

impl Choice {
    pub fn new(check: &str, round: u32) -> Self {
        Choice {
            draws: Stream::new(20_261_130, round, check, 0, "conformance"),
            next: 0,
        }
    }

    /// A whole number from `low` to `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let drawn = self.draws.at(self.next).uniform();
        self.next += 1;
        low + ((high - low + 1) as f64 * drawn) as u64
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.between(1, times) == 1
    }

    pub fn weights(&mut self) -> Vec<u32> {
        (0..self.between(2, 6))
            .map(|_| self.between(1, 6) as u32)
            .collect()
    }

    /// Requests of a tenant: (arrival, size).
    pub fn requests(&mut self) -> Vec<(Nanos, Nanos)> {
        let mut at = 0;
        let count = self.between(1, 11);
        let one = |_| {
            at += self.between(0, 25 * MILLISECOND);
            (at, self.between(1, 6 * MILLISECOND))
        };
        (0..count).map(one).collect()
    }

    pub fn terms(&mut self) -> Terms {
        let reservation = self.once_in(2).then(|| {
            let period = self.between(2, 19) * MILLISECOND;
            // Of five tenants, none has more than a fifth.
            let time = period / 5 * self.between(1, 100) / 100;
            Reservation {
                time: time.max(1),
                period,
            }
        });
        Terms {
            weight: self.between(1, 6) as u32,
            priority: self.between(0, 3) as i32 - 1,
            reservation,
        }
    }
}
