//! Puts what replications and baselines found into one [`RunResult`].

use super::baseline::AloneRecord;
use super::check;
use super::recorder::{CellRecord, GpuEdge, GroupRecord, Groups, MemberRecord};
use crate::result::{
    self, AssumptionInfo, FORMAT, Meta, NoChance, PlanInfo, Replication, ReplicationGpu,
    ReplicationGuest, ReplicationLatency, ReplicationParts, RunResult, ScenarioInfo,
};
use crate::scenario::{Horizon, Origin, Scenario};
use crate::sim::{self, Instance, Layout, Part};
use crate::stats::histogram::LatencyHistogram;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

mod batches;
mod chance;
mod gpus;
mod growth;
mod guests;
mod memory;
mod objectives;
mod tokens;

/// Records of all cells of all replications, found by what they are of.
pub(super) struct Shared {
    pub replications: usize,
    /// By cell; the same in every replication.
    layouts: Vec<Layout>,
    records: Vec<CellRecord>,
    /// By replication and group, from all cells that a group has members in.
    groups: Vec<Vec<GroupRecord>>,
    /// (cell, local index) of each member and GPU.
    members: Vec<(usize, usize)>,
    gpus: Vec<(usize, usize)>,
    /// All members, group by group.
    pub instances: Vec<Instance>,
    /// Where each group begins among them, and where the last one ends.
    starts: Vec<usize>,
    /// Members by GPU, each list in their order.
    on_gpu: Vec<Vec<usize>>,
}

impl Shared {
    /// `records` are ordered by replication, then cell.
    pub fn new(scenario: &Scenario, layouts: Vec<Layout>, mut records: Vec<CellRecord>) -> Self {
        let instances = sim::instances(scenario);
        let cells = layouts.len().max(1);
        let known: Vec<Groups> = layouts.iter().map(Groups::new).collect();
        let groups = records.chunks_mut(cells).map(|of| groups(&known, of));
        let groups = groups.collect();
        let starts = starts(scenario);
        // Every part of a scenario is in a cell.
        let mut members = vec![(0, 0); instances.len()];
        let mut gpus = vec![(0, 0); scenario.gpus.len()];
        for (cell, layout) in layouts.iter().enumerate() {
            for (local, instance) in layout.guests.iter().enumerate() {
                members[starts[instance.group] + instance.ordinal as usize] = (cell, local);
            }
            for (local, gpu) in layout.gpus.iter().enumerate() {
                gpus[*gpu] = (cell, local);
            }
        }
        let mut on_gpu = vec![Vec::new(); scenario.gpus.len()];
        for (member, instance) in instances.iter().enumerate() {
            let guest = &scenario.guests[instance.group];
            on_gpu[guest.gpu_of(instance.ordinal)].push(member);
        }
        Shared {
            replications: records.len() / cells,
            layouts,
            records,
            groups,
            members,
            gpus,
            instances,
            starts,
            on_gpu,
        }
    }

    pub fn layout(&self, cell: usize) -> &Layout {
        &self.layouts[cell]
    }

    pub fn record(&self, replication: usize, cell: usize) -> &CellRecord {
        &self.records[replication * self.layouts.len() + cell]
    }

    pub fn group(&self, replication: usize, group: usize) -> &GroupRecord {
        &self.groups[replication][group]
    }

    pub fn member(&self, replication: usize, member: usize) -> &MemberRecord {
        let (cell, local) = self.members[member];
        &self.record(replication, cell).members[local]
    }

    pub fn edges(&self, replication: usize, gpu: usize) -> &[GpuEdge] {
        let (cell, local) = self.gpus[gpu];
        &self.record(replication, cell).gpus[local]
    }

    /// Running time of all entries of a GPU in the window.
    pub fn entries_ran(&self, replication: usize, gpu: usize) -> u64 {
        let (cell, local) = self.gpus[gpu];
        self.record(replication, cell).entries_ran[local]
    }

    /// Positions of a group's members among all members.
    pub fn members_of(&self, group: usize) -> Vec<usize> {
        (self.starts[group]..self.starts[group + 1]).collect()
    }

    /// Positions of the members on a GPU among all members.
    pub fn members_on(&self, gpu: usize) -> &[usize] {
        &self.on_gpu[gpu]
    }

    pub fn each_replication(&self) -> std::ops::Range<usize> {
        0..self.replications
    }
}

/// Where each group begins among all members, and where the last one ends.
fn starts(scenario: &Scenario) -> Vec<usize> {
    let mut starts = vec![0];
    for guest in &scenario.guests {
        starts.push(starts[starts.len() - 1] + guest.count as usize);
    }
    starts
}

/// The groups of one replication, in their order, out of the records of its cells.
fn groups(known: &[Groups], cells: &mut [CellRecord]) -> Vec<GroupRecord> {
    let mut found: BTreeMap<usize, GroupRecord> = BTreeMap::new();
    for (known, cell) in known.iter().zip(cells) {
        let records = std::mem::take(&mut cell.groups);
        for (&group, record) in known.groups.iter().zip(records) {
            match found.entry(group) {
                Entry::Vacant(place) => {
                    place.insert(record);
                }
                Entry::Occupied(mut held) => held.get_mut().merge(record),
            }
        }
    }
    found.into_values().collect()
}

/// Baselines of all members in all replications, if they were run.
pub(super) struct Baselines {
    members: usize,
    /// By replication, member, and board before share.
    alone: Vec<AloneRecord>,
}

impl Baselines {
    pub fn new(members: usize, alone: Vec<AloneRecord>) -> Self {
        Baselines { members, alone }
    }

    fn at(&self, replication: usize, member: usize, which: usize) -> Option<&AloneRecord> {
        self.alone
            .get(2 * (replication * self.members + member) + which)
    }

    /// Alone on the undivided board.
    pub fn on_board(&self, replication: usize, member: usize) -> Option<&AloneRecord> {
        self.at(replication, member, 0)
    }

    /// Alone on its own share.
    pub fn on_share(&self, replication: usize, member: usize) -> Option<&AloneRecord> {
        self.at(replication, member, 1)
    }
}

pub(super) fn collect(scenario: &Scenario, shared: &Shared, baselines: &Baselines) -> RunResult {
    let guests: Vec<_> = (0..scenario.guests.len())
        .map(|group| guests::group(scenario, shared, baselines, group))
        .collect();
    let no_chance = chance::missing(scenario);
    let mut result = RunResult {
        format: FORMAT,
        meta: Meta {
            program: crate::result::PROGRAM.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        scenario: ScenarioInfo {
            name: scenario.name.clone(),
            title: scenario.title.clone(),
            hash: scenario.hash.clone(),
        },
        plan: plan(scenario),
        assumptions: assumptions(scenario),
        notices: scenario.notices.clone(),
        growth: growth::growing(scenario, shared),
        no_chance: (no_chance != NoChance::default()).then_some(no_chance),
        objectives: Vec::new(),
        gpus: (0..scenario.gpus.len())
            .map(|gpu| gpus::gpu(scenario, shared, baselines, gpu))
            .collect(),
        host: gpus::host(scenario, shared),
        memory: memory::memory(scenario, shared),
        checks: check::checks(scenario, shared),
        replications: shared
            .each_replication()
            .map(|replication| one_replication(scenario, shared, baselines, replication))
            .collect(),
        guests,
    };
    result.objectives = objectives::judged(scenario, &result);
    result
}

fn plan(scenario: &Scenario) -> PlanInfo {
    let run = &scenario.run;
    PlanInfo {
        horizon: match run.horizon {
            Horizon::Steady => result::Horizon::Steady,
            Horizon::Terminating => result::Horizon::Terminating,
        },
        warmup_ns: match run.horizon {
            Horizon::Steady => run.warmup,
            Horizon::Terminating => 0,
        },
        window_ns: run.window,
        drain_ns: run.drain,
        replications: run.replications,
        seed: run.seed,
        confidence: run.confidence,
        no_chance: !scenario.has_chance(),
    }
}

/// Assumptions by key, each once.
fn assumptions(scenario: &Scenario) -> Vec<AssumptionInfo> {
    let mut found: Vec<AssumptionInfo> = Vec::new();
    for resolved in &scenario.resolved {
        if let Origin::Assumption { key, evidence } = &resolved.origin {
            let info = AssumptionInfo {
                key: key.clone(),
                value: resolved.value.clone(),
                evidence: evidence.clone(),
            };
            if !found.contains(&info) {
                found.push(info);
            }
        }
    }
    found.sort_by(|a, b| (&a.key, &a.value).cmp(&(&b.key, &b.value)));
    found
}

/// Length of the window in seconds.
pub(super) fn window_seconds(scenario: &Scenario) -> f64 {
    scenario.run.window as f64 / 1e9
}

fn one_replication(
    scenario: &Scenario,
    shared: &Shared,
    baselines: &Baselines,
    replication: usize,
) -> Replication {
    let guests = scenario
        .guests
        .iter()
        .enumerate()
        .map(|(group, guest)| {
            let members = shared.members_of(group);
            let record = shared.group(replication, group);
            let of = |field: fn(&MemberRecord) -> u64| -> u64 {
                let each = members
                    .iter()
                    .map(|&m| field(shared.member(replication, m)));
                each.sum()
            };
            let sums =
                |which| guests::slowdown_sums(shared, baselines, &members, replication, which);
            let closed = guests::is_closed(scenario, group);
            let parts = |part: Part| -> u128 {
                let each = members
                    .iter()
                    .map(|&m| shared.member(replication, m).parts_ns[part as usize]);
                each.sum()
            };
            let members_completed = guests::completed_all(guest, shared, &members, replication);
            ReplicationGuest {
                name: guest.name.clone(),
                jobs: guests::counts(shared, &members, [replication]),
                ended_in_window: of(|m| m.ended_in_window),
                response: latency(&record.response),
                classes: record.classes.iter().map(latency).collect(),
                service: latency(&record.service),
                parts: ReplicationParts {
                    queue_ns: parts(Part::Queue),
                    slice_wait_ns: parts(Part::SliceWait),
                    switch_ns: parts(Part::Switch),
                    gpu_ns: parts(Part::Gpu),
                    copy_ns: parts(Part::Copy),
                    host_ns: parts(Part::Host),
                    engine_ns: parts(Part::Engine),
                    outside_ns: parts(Part::Outside),
                },
                late: guest.deadline.map(|_| of(|m| m.late)),
                ran_ns: of(|m| m.ran),
                completion_ns: members_completed,
                tokens: tokens::once(scenario, shared, group, replication),
                slowdown: sums(guests::Against::Board).and_then(|s| guests::slowdown(closed, s)),
                interference: sums(guests::Against::Share)
                    .and_then(|s| guests::slowdown(closed, s)),
                longest_starvation_ns: members
                    .iter()
                    .map(|&m| shared.member(replication, m).longest_wait)
                    .max()
                    .unwrap_or(0),
                backlog_middle: of(|m| m.backlog_middle),
                backlog_end: of(|m| m.backlog_end),
            }
        })
        .collect();
    let gpus = scenario
        .gpus
        .iter()
        .enumerate()
        .map(|(gpu, configured)| {
            let window = gpus::window(scenario, shared, replication, gpu);
            let fairness = gpus::fairness_once(scenario, shared, baselines, (replication, gpu));
            ReplicationGpu {
                name: configured.name.clone(),
                total_sm_ns: window.total(),
                useful_sm_ns: window.useful,
                switching_sm_ns: window.switching,
                reserved_idle_sm_ns: window.reserved_idle,
                idle_sm_ns: window.idle,
                gpu_time_ns: window.gpu_time,
                turns: window.turns,
                switches: window.switches,
                jain_gpu_time: fairness.jain_gpu_time,
                jain_progress: fairness.jain_progress,
                max_min_ratio: fairness.max_min_ratio,
                antt: fairness.antt,
                stp: fairness.stp,
                longest_starvation_ns: fairness.longest_starvation_ns,
                engines: gpus::engines_once(scenario, shared, replication, gpu),
                instances: gpus::instances_once(scenario, shared, replication, gpu),
            }
        })
        .collect();
    Replication {
        index: replication as u32,
        guests,
        gpus,
        host: gpus::host_once(scenario, shared, replication),
    }
}

/// A latency of one replication.
fn latency(histogram: &LatencyHistogram) -> ReplicationLatency {
    let quantile = |p| histogram.quantile(p).map(|q| q.value);
    ReplicationLatency {
        count: histogram.count(),
        sum_ns: histogram.sum(),
        p50_ns: quantile(0.5),
        p90_ns: quantile(0.9),
        p95_ns: quantile(0.95),
        p99_ns: quantile(0.99),
        p999_ns: quantile(0.999),
        largest_ns: histogram.max(),
    }
}
