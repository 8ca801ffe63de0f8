//! How many jobs came, went and were lost.

use crate::engine::time::Nanos;
use crate::sim::{JobEnd, Layout, Observer, Probe, Schedule};

/// The jobs of one guest; the fields are those of [`MemberRecord`](super::MemberRecord).
#[derive(Clone, Default)]
pub(super) struct MemberCounts {
    pub arrived: u64,
    pub completed: u64,
    pub dropped: u64,
    pub out_of_memory: u64,
    pub timed_out: u64,
    pub lost: u64,
    pub batches: u64,
    pub ended: u64,
    pub last_end: Nanos,
    pub ended_in_window: u64,
    pub backlog_middle: u64,
    pub backlog_end: u64,
    pub in_system: i64,
    pub in_flight: u64,
}

/// Counts the jobs of each guest.
pub(crate) struct Counts {
    schedule: Schedule,
    pub(super) members: Vec<MemberCounts>,
}

impl Counts {
    pub(super) fn new(layout: &Layout, schedule: &Schedule) -> Self {
        Counts {
            schedule: schedule.clone(),
            members: vec![MemberCounts::default(); layout.guests.len()],
        }
    }
}

impl Observer for Counts {
    #[inline]
    fn arrived(&mut self, guest: usize, now: Nanos) {
        let member = &mut self.members[guest];
        member.in_system += 1;
        member.arrived += u64::from(self.schedule.in_window(now));
    }

    fn dropped(&mut self, guest: usize, arrival: Nanos) {
        let member = &mut self.members[guest];
        member.in_system -= 1;
        member.dropped += u64::from(self.schedule.in_window(arrival));
    }

    fn out_of_memory(&mut self, guest: usize, arrival: Nanos) {
        let member = &mut self.members[guest];
        member.in_system -= 1;
        member.out_of_memory += u64::from(self.schedule.in_window(arrival));
    }

    fn timed_out(&mut self, guest: usize, arrival: Nanos, _now: Nanos) {
        let member = &mut self.members[guest];
        member.in_system -= 1;
        member.timed_out += u64::from(self.schedule.in_window(arrival));
    }

    fn lost(&mut self, guest: usize, arrival: Nanos, _now: Nanos) {
        let member = &mut self.members[guest];
        member.in_system -= 1;
        member.lost += u64::from(self.schedule.in_window(arrival));
    }

    fn batched(&mut self, guest: usize, arrival: Nanos) {
        self.members[guest].batches += u64::from(self.schedule.in_window(arrival));
    }

    #[inline]
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        let member = &mut self.members[guest];
        member.in_system -= 1;
        member.ended += 1;
        member.last_end = job.ended;
        member.ended_in_window += u64::from(self.schedule.in_window(job.ended));
        member.completed += u64::from(self.schedule.in_window(job.arrival));
    }

    fn edge(&mut self, _edge: usize, probe: &Probe<'_>) {
        for (member, backlog) in self.members.iter_mut().zip(probe.backlog) {
            if probe.now == self.schedule.middle {
                member.backlog_middle = *backlog;
            }
            if probe.now == self.schedule.end {
                member.backlog_end = *backlog;
            }
        }
    }

    fn closed(&mut self, in_flight: &[u64]) {
        for (member, in_flight) in self.members.iter_mut().zip(in_flight) {
            member.in_flight = *in_flight;
        }
    }
}
