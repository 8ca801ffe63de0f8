//! NVENC engines with run lists: each engine is a compute domain with one "SM", in which every vGPU of its
//! memory domain has an entry. Sessions go to the engines in turn; those of a vGPU on one engine are
//! served in the order of their frames, and a frame once begun is encoded to its end.

use super::build::{BuildError, Builder};
use super::layout::{Encoder, Instance, Tenant};
use super::tenants::undivided;
use crate::engine::time::{NEVER, Nanos};
use crate::engine::work::FULL_SPEED;
use crate::gpu::law::{Compute, Shape};
use crate::gpu::{
    Charge, ContextRules, OperationId, Preemption, RateRules, SmOperation, SwitchCost, TurnRules,
    sm_work,
};
use crate::policy::OnCompletion;
use crate::scenario::{Gpu, Guest};
use crate::workload::{MediaEngine, OperationKind};

impl Builder<'_> {
    /// The encoders of a GPU that have run lists: so many in each memory domain.
    pub(super) fn add_encoders(&mut self, gpu: &Gpu, counts: &[u32]) -> Result<(), BuildError> {
        let Some(lists) = &gpu.encoders else {
            return Ok(());
        };
        let rates = RateRules {
            sms: 1,
            board_sms: 1,
            bandwidth: 1.0,
            clock: None,
        };
        let rules = TurnRules {
            on_completion: lists.turns.on_completion,
            on_idle: lists.turns.on_idle,
            ties: lists.turns.ties,
            switch: SwitchCost {
                preemption: Preemption::KernelBoundary,
                save: 0,
                restore: lists.change,
                scheduler_call: 0,
                charge: Charge::PerTenantChange,
            },
            in_space: false,
        };
        let owner = format!("{}.nvenc", gpu.name);
        let mut number = 0;
        for (memory, &count) in counts.iter().enumerate() {
            for _ in 0..count {
                self.push_domain(rates.clone(), rules, (&owner, number), &lists.turns)?;
                number += 1;
                self.memory_of.push(memory as u32);
                self.coupling_of.push(None);
                self.layout.encoders.push(Encoder {
                    gpu: self.layout.gpus.len(),
                    memory: memory as u32,
                    domain: self.domains.len() - 1,
                });
                self.sessions.push(0);
            }
        }
        Ok(())
    }

    /// The encoder of each stream of a guest, if its GPU's encoders have run lists; none for a guest that
    /// does not encode. Its vGPUs are in the lists either way.
    pub(super) fn add_sessions(
        &mut self,
        guest: &Guest,
        instance: Instance,
        (gpu, domain): (usize, usize),
    ) -> Result<Vec<Tenant>, BuildError> {
        let memory = self.memory_of[domain];
        let mut engines: Vec<usize> = (0..self.layout.encoders.len()).collect();
        engines.retain(|&engine| {
            let encoder = &self.layout.encoders[engine];
            encoder.gpu == gpu && encoder.memory == memory
        });
        if engines.is_empty() {
            return Ok(Vec::new());
        }
        let machine = instance.machine(self.scenario).unwrap_or(instance);
        let number = self.scenario.guests[machine.group].holds.tenants().max(1);
        if machine == instance {
            for &engine in &engines {
                let encoder = self.layout.encoders[engine].domain;
                let entries: Vec<u32> = (0..number)
                    .map(|_| self.add_encoder_entry(guest, encoder))
                    .collect::<Result<_, _>>()?;
                self.start_at(encoder, guest.start, &entries);
                self.encoding.insert((machine, encoder), entries);
            }
        }
        if !encodes(guest) {
            return Ok(Vec::new());
        }
        Ok((0..guest.streams)
            .map(|stream| {
                // Those with the fewest sessions, the first of them: in turn.
                let fewest = engines.iter().min_by_key(|&&engine| self.sessions[engine]);
                let engine = *fewest.unwrap_or(&engines[0]);
                self.sessions[engine] += 1;
                let domain = self.layout.encoders[engine].domain;
                let entry = self.encoding[&(machine, domain)][(stream % number) as usize];
                let client = self.domains[domain].add_client(entry, 1, &guest.terms, 1);
                Tenant {
                    domain,
                    entry,
                    client,
                }
            })
            .collect())
    }

    /// An entry whose sessions are served one after the other.
    fn add_encoder_entry(&mut self, guest: &Guest, encoder: usize) -> Result<u32, BuildError> {
        let tenant = self.next_tenant(encoder);
        let entry = self.domains[encoder].add_entry(tenant, guest.terms);
        let in_order = self.inner_policy(guest, &undivided())?;
        let rules = ContextRules {
            on_completion: OnCompletion::End,
            preemption: Preemption::KernelBoundary,
            change: 0,
        };
        self.domains[encoder].take_turns(entry, in_order, rules);
        Ok(entry)
    }
}

fn encodes(guest: &Guest) -> bool {
    let stages = guest.workload.stages.iter();
    let mut operations = stages.flat_map(|stage| &stage.operations);
    operations.any(|operation| {
        matches!(
            operation.kind,
            OperationKind::Media {
                engine: MediaEngine::Nvenc,
                ..
            }
        )
    })
}

/// A frame as work of the engine: one kernel.
pub(super) fn frame(id: OperationId, duration: Nanos, client: u32) -> SmOperation {
    SmOperation {
        id,
        work: sm_work(duration),
        speed: FULL_SPEED,
        shape: Shape {
            need: 1,
            memory_bound: 0.0,
            reach: None,
            compute: Compute::Proportional,
        },
        client,
        kernel: Some(duration.max(1)),
        deadline: NEVER,
    }
}
