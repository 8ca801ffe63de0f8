//! The accounts of GPUs, engines and memory, read at sampling edges.

use crate::engine::time::Nanos;
use crate::gpu::{Accounts, ComputeDomain};
use crate::scenario::Scenario;
use crate::sim::{Layout, Observer, Pool, Probe, Schedule};
use serde::{Deserialize, Serialize};

/// One GPU at a sampling edge.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GpuEdge {
    pub time: Nanos,
    /// Of the whole GPU; SMs in no instance are idle.
    pub accounts: Accounts,
    /// Of each compute domain.
    pub domains: Vec<Accounts>,
    /// Server·ns by station of this GPU, in the order of [`Layout::engines`].
    pub engines: Vec<u128>,
}

/// Of one guest; the fields are those of [`MemberRecord`](super::MemberRecord).
#[derive(Clone, Default)]
pub(super) struct MemberAccounts {
    pub ran: Nanos,
    pub longest_wait: Nanos,
}

/// Keeps the accounts of a cell; the fields are those of [`CellRecord`](super::CellRecord).
pub(crate) struct AccountKeeper {
    layout: Layout,
    schedule: Schedule,
    /// SMs of each local GPU.
    sms: Vec<u32>,
    /// Running time of each guest at the end of the warm-up.
    ran_before: Vec<Nanos>,
    pub(super) members: Vec<MemberAccounts>,
    pub(super) gpus: Vec<Vec<GpuEdge>>,
    pub(super) host: Vec<u128>,
    pub(super) entries_ran: Vec<Nanos>,
    pub(super) pools: Vec<Pool>,
}

impl AccountKeeper {
    pub(super) fn new(scenario: &Scenario, layout: &Layout, schedule: &Schedule) -> Self {
        let guests = layout.guests.len();
        let gpus = layout.gpus.iter();
        AccountKeeper {
            sms: gpus.map(|&gpu| scenario.gpus[gpu].board.sms).collect(),
            ran_before: vec![0; guests],
            members: vec![MemberAccounts::default(); guests],
            gpus: vec![Vec::with_capacity(schedule.edges.len()); layout.gpus.len()],
            host: Vec::new(),
            entries_ran: vec![0; layout.gpus.len()],
            pools: Vec::new(),
            layout: layout.clone(),
            schedule: schedule.clone(),
        }
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

    fn read_gpu(&self, gpu: usize, probe: &Probe<'_>) -> GpuEdge {
        let engines = self.layout.engines(gpu).map(|station| {
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
        GpuEdge {
            time: probe.now,
            accounts,
            domains: each,
            engines: engines.collect(),
        }
    }

    fn read_entries(&mut self, probe: &Probe<'_>) {
        for (gpu, domains) in self.layout.domains.iter().enumerate() {
            let entries = probe.domains[domains.clone()]
                .iter()
                .flat_map(ComputeDomain::entries);
            let ran: Nanos = entries
                .map(|entry| entry.gpu_time() + entry.changing())
                .sum();
            if probe.now == self.schedule.warmup {
                self.entries_ran[gpu] = ran;
            }
            if probe.now == self.schedule.end {
                self.entries_ran[gpu] = ran - self.entries_ran[gpu];
            }
        }
    }
}

impl Observer for AccountKeeper {
    fn edge(&mut self, _edge: usize, probe: &Probe<'_>) {
        for gpu in 0..self.gpus.len() {
            let edge = self.read_gpu(gpu, probe);
            self.gpus[gpu].push(edge);
        }
        if let Some(station) = self.layout.host_cores() {
            self.host.push(probe.stations[station].busy());
        }
        self.read_entries(probe);
        if probe.now == self.schedule.warmup {
            for guest in 0..self.members.len() {
                self.ran_before[guest] = self.ran(guest, probe);
            }
        }
        if probe.now == self.schedule.end {
            self.pools = probe.pools.to_vec();
            for guest in 0..self.members.len() {
                let waits = self.layout.tenants[guest].iter().map(|tenant| {
                    probe.domains[tenant.domain].longest_wait(tenant.entry, tenant.client)
                });
                self.members[guest] = MemberAccounts {
                    longest_wait: waits.max().unwrap_or(0),
                    ran: self.ran(guest, probe) - self.ran_before[guest],
                };
            }
        }
    }
}
