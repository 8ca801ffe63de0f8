//! What is kept of a guest that runs alone.

use crate::sim::{JobEnd, Observer, Schedule};
use serde::{Deserialize, Serialize};

/// Sums over the jobs of one guest that runs alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AloneRecord {
    /// Jobs that arrived in the window and ended, and the sum of their responses.
    pub completed: u64,
    pub response_ns: u128,
    /// Jobs that ended in the window.
    pub ended_in_window: u64,
}

/// The observer of a guest that runs alone.
pub(super) struct Alone {
    schedule: Schedule,
    pub record: AloneRecord,
}

impl Alone {
    pub fn new(schedule: Schedule) -> Self {
        Alone {
            schedule,
            record: AloneRecord::default(),
        }
    }
}

impl Observer for Alone {
    #[inline]
    fn ended(&mut self, _guest: usize, job: &JobEnd) {
        let record = &mut self.record;
        if self.schedule.in_window(job.arrival) {
            record.completed += 1;
            record.response_ns += u128::from(job.ended - job.arrival);
        }
        record.ended_in_window += u64::from(self.schedule.in_window(job.ended));
    }
}
