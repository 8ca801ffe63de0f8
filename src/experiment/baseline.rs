//! What is kept of a guest that runs alone.

use crate::sim::{JobEnd, Observer, Schedule};

/// Sums over the jobs of one guest that runs alone.
#[derive(Debug, Clone)]
pub(super) struct Alone {
    schedule: Schedule,
    /// Jobs that arrived in the window and ended, and the sum of their responses.
    pub completed: u64,
    pub response_ns: u128,
    /// Jobs that ended in the window.
    pub ended_in_window: u64,
}

impl Alone {
    pub fn new(schedule: Schedule) -> Self {
        Alone {
            schedule,
            completed: 0,
            response_ns: 0,
            ended_in_window: 0,
        }
    }
}

impl Observer for Alone {
    #[inline]
    fn ended(&mut self, _guest: usize, job: &JobEnd) {
        if self.schedule.in_window(job.arrival) {
            self.completed += 1;
            self.response_ns += u128::from(job.ended - job.arrival);
        }
        self.ended_in_window += u64::from(self.schedule.in_window(job.ended));
    }
}
