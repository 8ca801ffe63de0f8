//! Where the time of jobs went, and whether what is said of them is consistent.

use crate::engine::time::Nanos;
use crate::sim::{JobEnd, Layout, Observer, PARTS, Schedule};

/// Of one guest; the fields are those of [`MemberRecord`](super::MemberRecord).
#[derive(Clone, Default)]
pub(super) struct MemberParts {
    pub parts_ns: [u128; PARTS],
    pub contradictions: u64,
}

/// Adds up the parts of jobs.
pub(crate) struct Parts {
    schedule: Schedule,
    pub(super) members: Vec<MemberParts>,
}

impl Parts {
    pub(super) fn new(layout: &Layout, schedule: &Schedule) -> Self {
        Parts {
            schedule: schedule.clone(),
            members: vec![MemberParts::default(); layout.guests.len()],
        }
    }
}

impl Observer for Parts {
    #[inline]
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        if !self.schedule.in_window(job.arrival) {
            return;
        }
        let member = &mut self.members[guest];
        for (sum, part) in member.parts_ns.iter_mut().zip(job.parts) {
            *sum += u128::from(part);
        }
        let consistent = job.arrival <= job.started
            && job.started <= job.ended
            && job.parts.iter().sum::<Nanos>() == job.ended - job.arrival;
        member.contradictions += u64::from(!consistent);
    }
}
