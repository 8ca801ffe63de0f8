//! What is kept of a cell: counts, histograms and accounts, in memory that grows with the number of
//! guests and not with that of jobs.

use super::records::RecordPart;
use crate::engine::time::{NEVER, Nanos};
use crate::gpu::{Accounts, ComputeDomain};
use crate::scenario::Scenario;
use crate::sim::{JobEnd, Layout, Observer, PARTS, Part, Pool, Probe, Schedule, Token, Tokens};
use crate::stats::coarse::CoarseHistogram;
use crate::stats::histogram::LatencyHistogram;
use crate::workload::llm::Llm;
use std::io;

/// Time bins of the series from which the warm-up is judged.
pub(super) const SERIES_BINS: usize = 500;

/// One guest.
#[derive(Debug, Clone, Default)]
pub(super) struct MemberRecord {
    /// Jobs by arrival in the window.
    pub arrived: u64,
    pub completed: u64,
    pub dropped: u64,
    pub out_of_memory: u64,
    pub timed_out: u64,
    /// Ended by commands.
    pub lost: u64,
    /// Started with a request of the window as their oldest.
    pub batches: u64,
    /// Tokens generated in the window, and requests that were sent back to their engine's queue in it.
    pub generated: u64,
    pub preempted: u64,
    /// Of requests that ended, by arrival in the window: tokens, and how many met their objectives.
    pub prompt_tokens: u64,
    pub output_tokens: u64,
    pub good: u64,
    /// Jobs that ended at any time, and when the last of them did.
    pub ended: u64,
    pub last_end: Nanos,
    /// Jobs that ended in the window.
    pub ended_in_window: u64,
    pub late: u64,
    pub response: CoarseHistogram,
    pub service_ns: u128,
    pub parts_ns: [u128; PARTS],
    /// Running time in the window.
    pub ran: Nanos,
    pub longest_wait: Nanos,
    pub backlog_middle: u64,
    pub backlog_end: u64,
    /// Jobs that have come and not gone, whenever that was; below zero if one went twice.
    pub in_system: i64,
    /// As the guest itself had them at the end of the run: see invariant I3.
    pub in_flight: u64,
    /// Jobs whose times contradict each other: see invariant I4.
    pub contradictions: u64,
}

/// A group of guests.
#[derive(Debug, Clone)]
pub(super) struct GroupRecord {
    /// Index into the scenario's guests.
    pub group: usize,
    deadline: Option<Nanos>,
    pub response: LatencyHistogram,
    pub service: LatencyHistogram,
    /// (sum of responses, jobs) by time of arrival.
    pub series: Vec<(u128, u64)>,
    /// Responses of each class of jobs; empty where all are alike.
    pub classes: Vec<LatencyHistogram>,
    /// Of a group that serves a language model.
    pub tokens: Option<Box<TokenRecord>>,
}

impl GroupRecord {
    /// Adds what another cell recorded of the same group in the same replication.
    pub fn merge(&mut self, other: GroupRecord) {
        // Named one by one, so that what is added to a group is added here too.
        let GroupRecord {
            group: _,
            deadline: _,
            response,
            service,
            series,
            classes,
            tokens,
        } = other;
        self.response.merge(&response);
        self.service.merge(&service);
        for (own, (sum, jobs)) in self.series.iter_mut().zip(series) {
            own.0 += sum;
            own.1 += jobs;
        }
        for (own, class) in self.classes.iter_mut().zip(&classes) {
            own.merge(class);
        }
        if let (Some(own), Some(tokens)) = (&mut self.tokens, tokens) {
            own.first.merge(&tokens.first);
            own.between.merge(&tokens.between);
        }
    }
}

/// Times of tokens, and what is asked of them.
#[derive(Debug, Clone)]
pub(super) struct TokenRecord {
    pub first: LatencyHistogram,
    pub between: LatencyHistogram,
    first_objective: Nanos,
    between_objective: Nanos,
}

impl TokenRecord {
    fn new(llm: &Llm) -> Self {
        TokenRecord {
            first: LatencyHistogram::new(),
            between: LatencyHistogram::new(),
            first_objective: llm.first_token.unwrap_or(NEVER),
            between_objective: llm.between_tokens.unwrap_or(NEVER),
        }
    }

    /// Whether a request meets both objectives. One token has no gaps.
    fn good(&self, tokens: &Tokens) -> bool {
        let gaps = u128::from(tokens.output - 1);
        tokens.to_first <= self.first_objective
            && u128::from(tokens.to_last) <= gaps * u128::from(self.between_objective)
    }
}

/// One GPU at a sampling edge.
#[derive(Debug, Clone)]
pub(super) struct GpuEdge {
    pub time: Nanos,
    /// Of the whole GPU; SMs in no instance are idle.
    pub accounts: Accounts,
    /// Of each compute domain.
    pub domains: Vec<Accounts>,
    /// Server·ns by station of this GPU, in the order of [`Layout::engines`].
    pub engines: Vec<u128>,
}

/// The observer of a cell under measurement.
pub(super) struct Recorder {
    pub(super) layout: Layout,
    pub(super) schedule: Schedule,
    series_bin: Nanos,
    /// By local guest.
    pub(super) members: Vec<MemberRecord>,
    group_of: Vec<usize>,
    pub(super) groups: Vec<GroupRecord>,
    /// By local GPU and edge.
    pub(super) gpus: Vec<Vec<GpuEdge>>,
    /// Busy core·ns of shared host cores, by edge.
    pub(super) host: Vec<u128>,
    /// SMs of each local GPU.
    sms: Vec<u32>,
    /// Running time of each guest at the end of the warm-up.
    ran_before: Vec<Nanos>,
    /// Running time of all entries in the window, by local GPU.
    pub(super) entries_ran: Vec<Nanos>,
    /// Memory at the end of the window.
    pub(super) pools: Vec<Pool>,
    records: Option<RecordPart>,
    failure: Option<io::Error>,
}

impl Recorder {
    pub fn new(scenario: &Scenario, layout: &Layout) -> Self {
        let schedule = Schedule::new(&scenario.run);
        let mut groups: Vec<GroupRecord> = Vec::new();
        let mut group_of = Vec::new();
        for instance in &layout.guests {
            let known = groups
                .iter()
                .position(|record| record.group == instance.group);
            group_of.push(known.unwrap_or(groups.len()));
            if known.is_none() {
                groups.push(GroupRecord {
                    group: instance.group,
                    deadline: scenario.guests[instance.group].deadline,
                    response: LatencyHistogram::new(),
                    service: LatencyHistogram::new(),
                    series: vec![(0, 0); SERIES_BINS],
                    classes: vec![
                        LatencyHistogram::new();
                        scenario.guests[instance.group].workload.classes.len()
                    ],
                    tokens: scenario.guests[instance.group]
                        .workload
                        .discipline
                        .llm()
                        .map(|llm| Box::new(TokenRecord::new(llm))),
                });
            }
        }
        Recorder {
            series_bin: series_bin(&schedule),
            members: vec![MemberRecord::default(); layout.guests.len()],
            group_of,
            groups,
            gpus: vec![Vec::with_capacity(schedule.edges.len()); layout.gpus.len()],
            host: Vec::new(),
            sms: layout
                .gpus
                .iter()
                .map(|&gpu| scenario.gpus[gpu].board.sms)
                .collect(),
            ran_before: vec![0; layout.guests.len()],
            entries_ran: vec![0; layout.gpus.len()],
            pools: Vec::new(),
            records: None,
            failure: None,
            layout: layout.clone(),
            schedule,
        }
    }

    /// Also writes one row for each job.
    pub(super) fn set_records(&mut self, records: Option<RecordPart>) {
        self.records = records;
    }

    /// Ends the recording.
    ///
    /// # Errors
    ///
    /// The first error of writing the records, if there was one.
    pub(super) fn finish(mut self) -> io::Result<Self> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if let Some(records) = self.records.take() {
            records.finish()?;
        }
        Ok(self)
    }

    /// Running time of a local guest so far.
    fn ran(&self, guest: usize, probe: &Probe<'_>) -> Nanos {
        self.layout.tenants[guest]
            .iter()
            .map(|tenant| {
                let entries = probe.domains[tenant.domain].entries();
                entries[tenant.entry as usize].busy(tenant.client as usize)
            })
            .sum()
    }
}

/// Width of the bins of the warm-up series.
pub(super) fn series_bin(schedule: &Schedule) -> Nanos {
    schedule.end.div_ceil(SERIES_BINS as Nanos).max(1)
}

impl Observer for Recorder {
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

    fn token(&mut self, guest: usize, token: &Token) {
        let now = token.arrival + token.since_arrival;
        self.members[guest].generated += u64::from(self.schedule.in_window(now));
        let group = &mut self.groups[self.group_of[guest]];
        if let Some(record) = &mut group.tokens
            && self.schedule.in_window(token.arrival)
        {
            match token.since_last {
                None => record.first.record(token.since_arrival),
                Some(gap) => record.between.record(gap),
            }
        }
    }

    fn preempted(&mut self, guest: usize, now: Nanos, requests: u64) {
        if self.schedule.in_window(now) {
            self.members[guest].preempted += requests;
        }
    }

    fn served(&mut self, guest: usize, tokens: &Tokens) {
        if !self.schedule.in_window(tokens.arrival) {
            return;
        }
        let member = &mut self.members[guest];
        member.prompt_tokens += u64::from(tokens.prompt);
        member.output_tokens += u64::from(tokens.output);
        if let Some(record) = &self.groups[self.group_of[guest]].tokens {
            member.good += u64::from(record.good(tokens));
        }
    }

    #[inline]
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        let measured = self.schedule.in_window(job.arrival);
        let response = job.ended - job.arrival;
        let group = &mut self.groups[self.group_of[guest]];
        let member = &mut self.members[guest];
        if job.arrival < self.schedule.end {
            let bin = &mut group.series[(job.arrival / self.series_bin) as usize];
            bin.0 += u128::from(response);
            bin.1 += 1;
        }
        member.in_system -= 1;
        member.ended += 1;
        member.last_end = job.ended;
        member.ended_in_window += u64::from(self.schedule.in_window(job.ended));
        if measured {
            let service = response - job.parts[Part::Queue as usize];
            group.response.record(response);
            group.service.record(service);
            if let Some(class) = group.classes.get_mut(job.class as usize) {
                class.record(response);
            }
            member.response.record(response);
            member.completed += 1;
            member.service_ns += u128::from(service);
            for (sum, part) in member.parts_ns.iter_mut().zip(job.parts) {
                *sum += u128::from(part);
            }
            if group.deadline.is_some_and(|deadline| response > deadline) {
                member.late += 1;
            }
            let consistent = job.arrival <= job.started
                && job.started <= job.ended
                && job.parts.iter().sum::<Nanos>() == response;
            member.contradictions += u64::from(!consistent);
        }
        if let Some(records) = &mut self.records
            && let Err(error) = records.write(&self.layout.guests[guest], job, measured)
        {
            self.records = None;
            self.failure.get_or_insert(error);
        }
    }

    fn edge(&mut self, _edge: usize, probe: &Probe<'_>) {
        for gpu in 0..self.gpus.len() {
            let engines = self.layout.engines(gpu);
            let engines = engines.map(|station| {
                let lists = self.layout.listed(station);
                let encoded = lists.map(|domain| probe.domains[domain].accounts().useful);
                probe.stations[station].busy() + encoded.sum::<u128>()
            });
            let members = &probe.domains[self.layout.domains[gpu].clone()];
            let each: Vec<Accounts> = members.iter().map(ComputeDomain::accounts).collect();
            let assigned: u32 = members.iter().map(ComputeDomain::sms).sum();
            let mut accounts = each.iter().fold(Accounts::default(), Accounts::plus);
            let unassigned = self.sms[gpu].saturating_sub(assigned);
            accounts.idle += u128::from(unassigned) * u128::from(probe.now);
            self.gpus[gpu].push(GpuEdge {
                time: probe.now,
                accounts,
                domains: each,
                engines: engines.collect(),
            });
        }
        if let Some(station) = self.layout.host_cores() {
            self.host.push(probe.stations[station].busy());
        }
        let (start, middle, end) = (
            self.schedule.warmup,
            self.schedule.middle,
            self.schedule.end,
        );
        for (gpu, domains) in self.layout.domains.iter().enumerate() {
            let entries = probe.domains[domains.clone()]
                .iter()
                .flat_map(ComputeDomain::entries);
            let ran: Nanos = entries
                .map(|entry| entry.gpu_time() + entry.changing())
                .sum();
            if probe.now == start {
                self.entries_ran[gpu] = ran;
            }
            if probe.now == end {
                self.entries_ran[gpu] = ran - self.entries_ran[gpu];
            }
        }
        if probe.now == end {
            self.pools = probe.pools.to_vec();
        }
        for guest in 0..self.members.len() {
            if probe.now == start {
                self.ran_before[guest] = self.ran(guest, probe);
            }
            if probe.now == middle {
                self.members[guest].backlog_middle = probe.backlog[guest];
            }
            if probe.now == end {
                let ran = self.ran(guest, probe) - self.ran_before[guest];
                let longest_wait = self.layout.tenants[guest]
                    .iter()
                    .map(|tenant| {
                        probe.domains[tenant.domain].longest_wait(tenant.entry, tenant.client)
                    })
                    .max()
                    .unwrap_or(0);
                let member = &mut self.members[guest];
                member.ran = ran;
                member.longest_wait = longest_wait;
                member.backlog_end = probe.backlog[guest];
            }
        }
    }

    fn closed(&mut self, in_flight: &[u64]) {
        for (member, in_flight) in self.members.iter_mut().zip(in_flight) {
            member.in_flight = *in_flight;
        }
    }
}
