//! The tenants that guests put on their GPU: entries of a compute domain and clients of them.

use super::build::{BuildError, Builder};
use super::commands::Action;
use super::layout::{Instance, Tenant, Variant};
use crate::engine::time::{NEVER, Nanos};
use crate::gpu::{Beside, ContextRules};
use crate::policy::{OnCompletion, OnIdle, Policy, Rotation, Ties, TimeSlice, Turns, registry};
use crate::scenario::{Guest, Holds, Share, SideBySide, Within};

/// All tenants of a guest, and that of each of its streams.
pub(super) type Placed = (Vec<Tenant>, Vec<Tenant>);

impl Builder<'_> {
    pub(super) fn add_tenants(
        &mut self,
        guest: &Guest,
        instance: Instance,
        domain: usize,
    ) -> Result<Placed, BuildError> {
        let scenario = self.scenario;
        if matches!(self.variant, Variant::AloneOnBoard(_)) {
            return Ok(self.add_entries(guest, domain, 1));
        }
        if let Some(machine) = instance.machine(scenario) {
            return self.add_process(guest, machine, domain);
        }
        let number = guest.holds.tenants().max(1);
        if let Some(within) = &guest.within {
            return self.add_machine(guest, within, instance, (domain, number));
        }
        let gpu = guest.gpu_of(instance.ordinal);
        let share = scenario.gpus[gpu].domains()[guest.domain].share;
        Ok(match share {
            Share::Spatial(beside) => self.add_client(guest, beside, domain),
            Share::TimeSlice(config)
                if config.turns == Turns::PerChannel
                    && !registry::find(&config.scheduler).is_some_and(|found| found.reserves) =>
            {
                self.add_channels(guest, domain, number)
            }
            Share::TimeSlice(_) | Share::Exclusive => self.add_entries(guest, domain, number),
        })
    }

    /// The number of the next tenant of a domain.
    pub(super) fn next_tenant(&self, domain: usize) -> u32 {
        let last = self.domains[domain].entries().last();
        last.map_or(0, |entry| entry.tenant + 1)
    }

    /// Adds an entry for each of `number` tenants.
    fn add_entries(&mut self, guest: &Guest, domain: usize, number: u32) -> Placed {
        let first = self.next_tenant(domain);
        let target = &mut self.domains[domain];
        let (sms, streams) = (target.sms(), guest.streams.div_ceil(number) as usize);
        let entries: Vec<u32> = (first..first + number)
            .map(|tenant| {
                let entry = target.add_entry(tenant, guest.terms);
                target.add_client(entry, sms, &guest.terms, streams);
                entry
            })
            .collect();
        self.start_at(domain, guest.start, &entries);
        place(domain, guest, &entries, 0)
    }

    /// Adds an entry for each stream; the channels of a tenant stay together in the list.
    fn add_channels(&mut self, guest: &Guest, domain: usize, number: u32) -> Placed {
        let first = self.next_tenant(domain);
        let target = &mut self.domains[domain];
        let sms = target.sms();
        let mut entry_of = vec![0; guest.streams as usize];
        let mut entries = Vec::new();
        for tenant in 0..number {
            for stream in (0..guest.streams).filter(|stream| stream % number == tenant) {
                let entry = target.add_entry(first + tenant, guest.terms);
                target.add_client(entry, sms, &guest.terms, 1);
                entry_of[stream as usize] = entry;
                entries.push(entry);
            }
        }
        self.start_at(domain, guest.start, &entries);
        let tenant = |entry| Tenant {
            domain,
            entry,
            client: 0,
        };
        (
            entries.into_iter().map(tenant).collect(),
            entry_of.into_iter().map(tenant).collect(),
        )
    }

    /// Adds a client to the one entry of a domain that is shared in space.
    fn add_client(&mut self, guest: &Guest, beside: &SideBySide, domain: usize) -> Placed {
        if self.domains[domain].entries().is_empty() {
            let entry = self.domains[domain].add_entry(0, guest.terms);
            self.domains[domain].run_beside(entry, running(beside));
            // The server is there from the beginning.
            self.plan.add(0, 0, Action::Start { domain, entry });
        }
        let cap = match guest.holds {
            Holds::Client { sms } => sms,
            _ => None,
        };
        let client = self.add_capped(guest, cap, (domain, 0), 1);
        place(domain, guest, &[0], client)
    }

    /// Adds a virtual machine: an entry for each of its `number` vGPUs, with its own workload as the
    /// first client. Processes are clients of the same entries, however the board treats channels.
    fn add_machine(
        &mut self,
        guest: &Guest,
        within: &Within,
        instance: Instance,
        (domain, number): (usize, u32),
    ) -> Result<Placed, BuildError> {
        let first = self.next_tenant(domain);
        let mut entries = Vec::new();
        for tenant in first..first + number {
            let entry = self.domains[domain].add_entry(tenant, guest.terms);
            match &within.share {
                Share::Spatial(beside) => {
                    self.domains[domain].run_beside(entry, running(beside));
                }
                Share::TimeSlice(config) => {
                    let policy = self.inner_policy(guest, config)?;
                    let gpu = guest.gpu_of(instance.ordinal);
                    let switch = self.scenario.gpus[gpu].board.switch;
                    let rules = ContextRules {
                        on_completion: config.on_completion,
                        preemption: switch.preemption,
                        change: switch.total(),
                    };
                    self.domains[domain].take_turns(entry, policy, rules);
                }
                Share::Exclusive => return Err(no_machine(guest)),
            }
            self.add_capped(guest, within.sms, (domain, entry), number);
            entries.push(entry);
        }
        self.start_at(domain, guest.start, &entries);
        let placed = place(domain, guest, &entries, 0);
        self.machines.insert(instance, entries);
        Ok(placed)
    }

    /// Adds a process as a client of the vGPUs of its machine.
    fn add_process(
        &mut self,
        guest: &Guest,
        machine: Instance,
        domain: usize,
    ) -> Result<Placed, BuildError> {
        let entries = self.machines.get(&machine).cloned();
        let entries = entries.ok_or_else(|| no_machine(guest))?;
        let cap = match guest.holds {
            Holds::Process { sms, .. } => sms,
            _ => None,
        };
        let mut client = 0; // the same in each of them
        for &entry in &entries {
            client = self.add_capped(guest, cap, (domain, entry), entries.len() as u32);
        }
        Ok(place(domain, guest, &entries, client))
    }

    /// Adds a client to an entry that has one of `number` parts of the guest's streams.
    fn add_capped(
        &mut self,
        guest: &Guest,
        cap: Option<u32>,
        (domain, entry): (usize, u32),
        number: u32,
    ) -> u32 {
        let target = &mut self.domains[domain];
        let sms = target.sms();
        let cap = cap.map_or(sms, |cap| cap.clamp(1, sms));
        let streams = guest.streams.div_ceil(number) as usize;
        target.add_client(entry, cap, &guest.terms, streams)
    }

    /// The rotation of contexts within a vGPU.
    pub(super) fn inner_policy(
        &self,
        guest: &Guest,
        config: &TimeSlice,
    ) -> Result<Box<dyn Policy>, BuildError> {
        match registry::find(&config.scheduler) {
            Some(scheduler) if !scheduler.reserves => {
                Ok((scheduler.build)(&self.setup(&guest.name, 0, config)))
            }
            _ => Err(BuildError::InnerScheduler {
                guest: guest.name.clone(),
                scheduler: config.scheduler.clone(),
            }),
        }
    }

    /// Entries of the guest that is being added start with it.
    pub(super) fn start_at(&mut self, domain: usize, time: Nanos, entries: &[u32]) {
        for &entry in entries {
            self.plan.add(time, 0, Action::Start { domain, entry });
            self.owned.push((domain, entry));
        }
    }
}

fn running(beside: &SideBySide) -> Beside {
    Beside {
        division: beside.policy.division,
        interference: beside.interference,
    }
}

/// A guest with the same client in each entry: stream i uses entry i mod their number.
fn place(domain: usize, guest: &Guest, entries: &[u32], client: u32) -> Placed {
    let tenant = |entry: &u32| Tenant {
        domain,
        entry: *entry,
        client,
    };
    let streams = entries.iter().cycle().take(guest.streams as usize);
    (
        entries.iter().map(tenant).collect(),
        streams.map(tenant).collect(),
    )
}

fn no_machine(guest: &Guest) -> BuildError {
    BuildError::NoMachine {
        guest: guest.name.clone(),
    }
}

/// The rotation of a board that nobody shares.
pub(super) fn undivided() -> TimeSlice {
    TimeSlice {
        scheduler: "round-robin".to_owned(),
        slice: NEVER,
        arr_factor: None,
        reserved_turns: None,
        extra: 0,
        turns: Turns::PerTenant,
        rotation: Rotation::Queue,
        on_completion: OnCompletion::Keep,
        on_idle: OnIdle::Hold,
        ties: Ties::PreemptedFirst,
        parameters: Vec::new(),
    }
}
