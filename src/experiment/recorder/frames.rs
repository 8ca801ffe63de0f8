//! Which jobs came too late for their deadline, such as frames.

use crate::engine::time::{NEVER, Nanos};
use crate::scenario::Scenario;
use crate::sim::{JobEnd, Layout, Observer, Schedule};

/// Counts late jobs.
pub(crate) struct Frames {
    schedule: Schedule,
    /// By local guest; [`NEVER`] where no job is late.
    deadline: Vec<Nanos>,
    /// Late jobs by arrival in the window, by local guest.
    pub(super) late: Vec<u64>,
}

impl Frames {
    pub(super) fn new(scenario: &Scenario, layout: &Layout, schedule: &Schedule) -> Self {
        let deadlines = layout
            .guests
            .iter()
            .map(|instance| scenario.guests[instance.group].deadline);
        Frames {
            schedule: schedule.clone(),
            deadline: deadlines
                .map(|deadline| deadline.unwrap_or(NEVER))
                .collect(),
            late: vec![0; layout.guests.len()],
        }
    }
}

impl Observer for Frames {
    #[inline]
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        let late = job.ended - job.arrival > self.deadline[guest];
        self.late[guest] += u64::from(late && self.schedule.in_window(job.arrival));
    }
}
