//! How long jobs took, from their arrival and from their start.

use super::{GroupRecord, Groups, TokenRecord};
use crate::engine::time::Nanos;
use crate::scenario::Scenario;
use crate::sim::{JobEnd, Layout, Observer, Part, Schedule};
use crate::stats::coarse::CoarseHistogram;
use crate::stats::histogram::LatencyHistogram;

/// Time bins of the series from which the warm-up is judged.
pub(crate) const SERIES_BINS: usize = 500;

/// Width of the bins of the warm-up series.
pub(crate) fn series_bin(schedule: &Schedule) -> Nanos {
    schedule.end.div_ceil(SERIES_BINS as Nanos).max(1)
}

/// Of one guest; the fields are those of [`MemberRecord`](super::MemberRecord).
#[derive(Clone, Default)]
pub(super) struct MemberResponses {
    pub response: CoarseHistogram,
    pub service_ns: u128,
}

/// Of one group; the fields are those of [`GroupRecord`].
pub(super) struct GroupResponses {
    response: LatencyHistogram,
    service: LatencyHistogram,
    series: Vec<(u128, u64)>,
    classes: Vec<LatencyHistogram>,
}

impl GroupResponses {
    /// The record of the group, whose tokens are these.
    pub fn with(self, tokens: Option<Box<TokenRecord>>) -> GroupRecord {
        let GroupResponses {
            response,
            service,
            series,
            classes,
        } = self;
        GroupRecord {
            response,
            service,
            series,
            classes,
            tokens,
        }
    }
}

/// Keeps the responses of guests, of groups and of their classes.
pub(crate) struct Responses {
    schedule: Schedule,
    series_bin: Nanos,
    members: Vec<MemberResponses>,
    group_of: Vec<usize>,
    groups: Vec<GroupResponses>,
}

impl Responses {
    pub(super) fn new(scenario: &Scenario, layout: &Layout, schedule: &Schedule) -> Self {
        let Groups { groups, of } = Groups::new(layout);
        let groups = groups.into_iter().map(|group| GroupResponses {
            response: LatencyHistogram::new(),
            service: LatencyHistogram::new(),
            series: vec![(0, 0); SERIES_BINS],
            classes: vec![LatencyHistogram::new(); scenario.guests[group].workload.classes.len()],
        });
        Responses {
            series_bin: series_bin(schedule),
            schedule: schedule.clone(),
            members: vec![MemberResponses::default(); layout.guests.len()],
            group_of: of,
            groups: groups.collect(),
        }
    }

    pub(super) fn finish(self) -> (Vec<MemberResponses>, Vec<GroupResponses>) {
        (self.members, self.groups)
    }
}

impl Observer for Responses {
    #[inline]
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        let response = job.ended - job.arrival;
        let group = &mut self.groups[self.group_of[guest]];
        if job.arrival < self.schedule.end {
            let bin = &mut group.series[(job.arrival / self.series_bin) as usize];
            bin.0 += u128::from(response);
            bin.1 += 1;
        }
        if self.schedule.in_window(job.arrival) {
            let service = response - job.parts[Part::Queue as usize];
            group.response.record(response);
            group.service.record(service);
            if let Some(class) = group.classes.get_mut(job.class as usize) {
                class.record(response);
            }
            let member = &mut self.members[guest];
            member.response.record(response);
            member.service_ns += u128::from(service);
        }
    }
}
