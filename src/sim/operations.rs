//! The operations of a guest's jobs, each with what is the same for every job: where it goes, how fast
//! it runs there, what its sizes are drawn from.

use super::build::{BuildError, Builder};
use super::guest::{DrawKey, OperationPlan, PlannedKind};
use super::layout::StationRole;
use crate::engine::work::{FULL_SPEED, rate_of};
use crate::gpu::law::{Compute, Shape};
use crate::gpu::{Board, Servers, Station};
use crate::scenario::Guest;
use crate::workload::{MediaEngine, OperationKind};

impl Builder<'_> {
    pub(super) fn plan_operations(
        &mut self,
        guest: &Guest,
        (gpu, domain): (usize, usize),
        key: DrawKey<'_>,
    ) -> Result<(Vec<u32>, Vec<OperationPlan>), BuildError> {
        let scenario = self.scenario;
        let board = &scenario.gpus[guest.gpu_of(key.ordinal)].board;
        let mut stages = vec![0];
        let mut operations = Vec::new();
        let mut own_host = None;
        for stage in &guest.workload.stages {
            for operation in &stage.operations {
                let kind = match &operation.kind {
                    OperationKind::Gpu(work) => {
                        let speed = if work.speed == 1.0 {
                            FULL_SPEED
                        } else {
                            rate_of(work.speed).ok_or_else(|| BuildError::Speed {
                                guest: guest.name.clone(),
                                speed: work.speed.to_string(),
                            })?
                        };
                        PlannedKind::Gpu {
                            shape: Shape {
                                need: work.sms.unwrap_or(board.sms).clamp(1, board.sms),
                                memory_bound: work.memory_bound,
                                reach: work.reach,
                                compute: match (work.grid, work.arithmetic) {
                                    (Some(grid), _) => Compute::Waves(grid),
                                    (None, Some(part)) => Compute::Beside(part),
                                    (None, None) => Compute::Proportional,
                                },
                            },
                            work: work.clone(),
                            speed,
                        }
                    }
                    OperationKind::Iteration { reach, bandwidth } => PlannedKind::Iteration {
                        reach: *reach,
                        bandwidth: *bandwidth,
                        need: board.sms,
                    },
                    OperationKind::Copy { direction, bytes } => PlannedKind::Copy {
                        bytes: bytes.clone(),
                        station: self.station(StationRole::Copy {
                            gpu,
                            direction: *direction,
                        }),
                        group: self.memory_of[domain],
                        nanos_per_byte: nanos_per_byte(board),
                        latency: board.link.latency,
                    },
                    OperationKind::Host { time } => PlannedKind::Host {
                        time: time.clone(),
                        station: self.host_station(&mut own_host),
                    },
                    OperationKind::Media {
                        engine,
                        time,
                        factor,
                    } => PlannedKind::Media {
                        time: time.clone(),
                        factor: *factor,
                        station: self.media_station(guest, gpu, domain, *engine)?,
                        group: self.memory_of[domain],
                        listed: *engine == MediaEngine::Nvenc,
                    },
                };
                operations.push(OperationPlan {
                    kind,
                    draws: key.stream(&format!("{}.{}", stage.name, operation.name)),
                });
            }
            stages.push(operations.len() as u32);
        }
        let empty = stages.windows(2).any(|pair| pair[0] == pair[1]);
        let always = guest.workload.stages.iter().any(|stage| stage.every == 1);
        if !always || empty {
            return Err(BuildError::EmptyWorkload {
                guest: guest.name.clone(),
            });
        }
        Ok((stages, operations))
    }

    /// The station of a role that every GPU has.
    fn station(&self, role: StationRole) -> usize {
        let mut roles = self.layout.stations.iter();
        roles.position(|&other| other == role).unwrap_or(0)
    }

    /// The station of a kind of media engine, of which the guest's memory domain has at least one.
    fn media_station(
        &self,
        guest: &Guest,
        gpu: usize,
        domain: usize,
        engine: MediaEngine,
    ) -> Result<usize, BuildError> {
        let group = self.memory_of[domain] as usize;
        let role = StationRole::Media { gpu, engine };
        let mut roles = self.layout.stations.iter();
        roles
            .position(|&other| other == role)
            .filter(|&station| self.stations[station].servers(group) > Some(0))
            .ok_or_else(|| BuildError::NoEngine {
                guest: guest.name.clone(),
                engine: engine.name(),
            })
    }

    /// The host cores of all, or an unlimited host of the guest's own.
    fn host_station(&mut self, own: &mut Option<usize>) -> usize {
        match (self.layout.host_cores(), *own) {
            (Some(station), _) | (None, Some(station)) => station,
            (None, None) => {
                let guest = self.guests.len();
                let station = self.add_station(
                    StationRole::OwnHost { guest },
                    Station::new(Servers::Unlimited),
                );
                *own = Some(station);
                station
            }
        }
    }
}

fn nanos_per_byte(board: &Board) -> f64 {
    if board.link.bytes_per_second.is_finite() {
        1e9 / board.link.bytes_per_second
    } else {
        0.0
    }
}
