//! Guests of a cell: the memory that they allocate from, their arrivals, queues and streams.

use super::build::{BuildError, Builder};
use super::guest::{DrawKey, GuestState, Job, StreamState};
use super::layout::{Instance, Tenant, Variant};
use super::memory::{JobMemory, Pool, PoolRole};
use super::observer::PARTS;
use super::queue::Queue;
use super::serving::Serving;
use super::source::Source;
use crate::engine::time::NEVER;
use crate::scenario::Guest;
use crate::workload::Arrivals;
use crate::workload::dist::Dist;

/// Where the operations of a stream go.
pub(super) struct Seat {
    pub tenant: Tenant,
    /// Where it encodes, if NVENC has run lists.
    pub encoder: Option<Tenant>,
    pub pool: u32,
}

impl Builder<'_> {
    /// The memory from which a guest allocates: a pool, or one for each of its vGPUs; none if it
    /// allocates nothing.
    pub(super) fn add_memory(
        &mut self,
        guest: &Guest,
        instance: Instance,
        gpu: usize,
        domain: usize,
    ) -> Vec<u32> {
        let Some(memory) = &guest.memory else {
            return Vec::new();
        };
        let alone = matches!(self.variant, Variant::AloneOnBoard(_));
        // A process allocates from the vGPUs of its machine.
        let owner = instance.machine(self.scenario).unwrap_or(instance);
        let number = self.scenario.guests[owner.group].holds.tenants().max(1);
        if let (Some(visible), false) = (memory.vgpu, alone) {
            let role = PoolRole::Vgpu(owner);
            let mut roles = self.layout.pools.iter();
            let first = roles.position(|&other| other == role).unwrap_or_else(|| {
                for _ in 0..number {
                    self.pools.push(Pool::new(visible));
                    self.layout.pools.push(role);
                }
                self.pools.len() - number as usize
            });
            let pools = first..first + number as usize;
            for pool in &mut self.pools[pools.clone()] {
                pool.hold(memory.held);
            }
            return pools.map(|pool| pool as u32).collect();
        }
        let configured = &self.scenario.gpus[guest.gpu_of(instance.ordinal)];
        let capacity = if alone {
            configured.board.memory()
        } else {
            configured.domains()[guest.domain].memory
        };
        let role = PoolRole::Domain {
            gpu,
            memory: self.memory_of[domain],
        };
        let mut roles = self.layout.pools.iter();
        let pool = roles.position(|&other| other == role).unwrap_or_else(|| {
            self.pools.push(Pool::new(capacity.unwrap_or(u64::MAX)));
            self.layout.pools.push(role);
            self.pools.len() - 1
        });
        self.pools[pool].hold(memory.held.saturating_mul(u64::from(number)));
        vec![pool as u32]
    }

    /// A job that fails or finds no room is followed at once by another.
    fn retries_at_once(guest: &Guest) -> bool {
        matches!(&guest.workload.arrivals, Arrivals::Closed { think, .. } if *think == Dist::Constant(0.0))
    }

    pub(super) fn add_guest_state(
        &mut self,
        guest: &Guest,
        ordinal: u32,
        (gpu, domain): (usize, usize),
        streams: Vec<Seat>,
    ) -> Result<(), BuildError> {
        let key = DrawKey {
            seed: self.scenario.run.seed,
            replication: self.replication,
            guest: &guest.name,
            ordinal,
        };
        let (stages, operations) = self.plan_operations(guest, (gpu, domain), key)?;
        let (source, next_arrival) = Source::new(&guest.workload, key, guest.start);
        let closed = matches!(source, Source::Closed { .. });
        if closed && Self::retries_at_once(guest) && lacks_room(guest) {
            return Err(BuildError::AsksForEver {
                guest: guest.name.clone(),
            });
        }
        let memory = match (&guest.workload.memory, &guest.memory) {
            (Some(_), _) if closed && Self::retries_at_once(guest) => {
                return Err(BuildError::RetriesForEver {
                    guest: guest.name.clone(),
                });
            }
            (Some(size), Some(memory)) => Some(JobMemory {
                size: size.clone(),
                draws: key.stream("memory"),
                limit: memory
                    .limit
                    .map_or(u64::MAX, |limit| limit.saturating_sub(memory.held)),
                used: 0,
            }),
            _ => None,
        };
        let serving = Serving::new(guest, streams.len(), key)?;
        let frames = guest.workload.discipline.frames();
        let streams = streams
            .into_iter()
            .map(|seat| StreamState {
                pool: seat.pool,
                bytes: 0,
                entry: seat.tenant.entry,
                client: seat.tenant.client,
                encoder: seat.encoder,
                job: Job {
                    index: 0,
                    arrival: 0,
                    user: 0,
                    class: 0,
                },
                rest: Vec::with_capacity(serving.together() - 1),
                started: 0,
                stage: 0,
                round: 0,
                pending: 0,
                parts: [0; PARTS],
            })
            .collect::<Vec<_>>();
        self.guests.push(GuestState {
            domain,
            workload: guest.workload.clone(),
            deadline: guest.deadline.unwrap_or(NEVER),
            operations,
            memory,
            stages,
            to_come: guest.workload.jobs.unwrap_or(u64::MAX),
            source,
            next_arrival,
            queue: Queue::new(guest, key),
            serving,
            due: NEVER,
            outside: frames.map_or(0, |frames| frames.outside),
            free: (0..streams.len() as u32).collect(),
            streams,
        });
        Ok(())
    }
}

/// Whether users of a closed loop can find the queue full.
fn lacks_room(guest: &Guest) -> bool {
    match (&guest.workload.arrivals, guest.room()) {
        (Arrivals::Closed { users, .. }, Some(room)) => u64::from(*users) > room,
        _ => false,
    }
}
