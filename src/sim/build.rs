//! Builds cells from a scenario.

use super::cell::{Cell, EventSource, RunState, Slots, Speed, Start};
use super::guest::{DrawKey, GuestState, Job, OperationPlan, PlannedKind, Source, StreamState};
use super::observer::{Observer, PARTS};
use super::schedule::Schedule;
use crate::engine::calendar::Calendar;
use crate::engine::time::NEVER;
use crate::engine::work::{FULL_SPEED, rate_of};
use crate::gpu::{Board, ComputeDomain, Servers, Station, TurnRules};
use crate::policy::{OnCompletion, OnIdle, Rotation, Ties, TimeSlice, Turns, registry};
use crate::scenario::{Gpu, Guest, Scenario, Share};
use crate::workload::{Arrivals, Direction, OperationKind};
use std::collections::VecDeque;
use thiserror::Error;

/// A scenario that cannot be simulated. Files are checked before; this concerns scenarios that a
/// program has put together.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum BuildError {
    #[error("gpu `{gpu}`: there is no scheduler `{scheduler}`")]
    UnknownScheduler { gpu: String, scheduler: String },
    #[error("guest `{guest}`: a workload without stages, or a stage without operations")]
    EmptyWorkload { guest: String },
    #[error("guest `{guest}`: needs at least one stream and, in a closed loop, one user")]
    NoStreams { guest: String },
    #[error(
        "guest `{guest}`: the speed {speed} of its board relative to the reference is out of range"
    )]
    Speed { guest: String, speed: String },
    #[error("guest `{guest}`: there is no gpu number {gpu}")]
    UnknownGpu { guest: String, gpu: usize },
}

/// One guest of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// Index into [`Scenario::guests`].
    pub group: usize,
    pub ordinal: u32,
}

/// All guests of a scenario, by group and ordinal.
pub fn instances(scenario: &Scenario) -> Vec<Instance> {
    (0..scenario.guests.len())
        .flat_map(|group| {
            (0..scenario.guests[group].count).map(move |ordinal| Instance { group, ordinal })
        })
        .collect()
}

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The scenario as it stands.
    Shared,
    /// One guest alone on its undivided board: the baseline of slowdown.
    AloneOnBoard(Instance),
    /// One guest on its board as shared, the other tenants there but without work: the baseline of
    /// interference.
    AloneOnShare(Instance),
}

/// What is where in a cell: local numbers to the scenario's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// GPUs of the scenario, by local index of the domain.
    pub gpus: Vec<usize>,
    /// Guests with work, by local index, in rank order.
    pub guests: Vec<Instance>,
    /// (domain, entry) of every tenant of each guest with work.
    pub entries: Vec<Vec<(usize, u32)>>,
    pub stations: Vec<StationRole>,
}

impl Layout {
    /// The station of the host cores that all guests share, if they are limited.
    pub fn host_cores(&self) -> Option<usize> {
        self.stations
            .iter()
            .position(|&role| role == StationRole::HostCores)
    }
}

/// What a station of a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StationRole {
    /// The copy engines of the domain with this local index.
    Copy { domain: usize, direction: Direction },
    /// The host cores that all guests share.
    HostCores,
    /// The unlimited host of one guest.
    OwnHost { guest: usize },
}

/// The GPUs of each cell: those that a shared station joins are in one.
pub fn partition(scenario: &Scenario) -> Vec<Vec<usize>> {
    let gpus = 0..scenario.gpus.len();
    if scenario.host_cores.is_some() {
        vec![gpus.collect()]
    } else {
        gpus.map(|gpu| vec![gpu]).collect()
    }
}

/// The cell that holds `gpus`, for one replication.
///
/// # Errors
///
/// If the scenario was not checked and cannot be simulated.
pub fn build<O: Observer>(
    scenario: &Scenario,
    gpus: &[usize],
    replication: u32,
    variant: Variant,
    speed: Speed,
    observer: impl FnOnce(&Layout) -> O,
) -> Result<Cell<O>, BuildError> {
    let mut builder = Builder {
        scenario,
        replication,
        variant,
        layout: Layout::default(),
        domains: Vec::new(),
        starts: Vec::new(),
        stations: Vec::new(),
        guests: Vec::new(),
    };
    let mut members = members(scenario, gpus, variant)?;
    // Rank: start time, declared order, name, ordinal. The order of entries in a file is gone.
    members.sort_by_key(|instance| {
        let guest = &scenario.guests[instance.group];
        (
            guest.start,
            guest.order,
            guest.name.clone(),
            instance.ordinal,
        )
    });
    for &gpu in gpus {
        builder.add_gpu(gpu)?;
    }
    if let Some(cores) = scenario.host_cores {
        builder.add_station(
            StationRole::HostCores,
            Servers::Limited {
                count: cores,
                capacity: cores,
            },
        );
    }
    for instance in members {
        builder.add_guest(instance)?;
    }
    let observer = observer(&builder.layout);
    Ok(builder.finish(Schedule::new(&scenario.run), speed, observer))
}

/// The guests that have tenants in the cell.
fn members(
    scenario: &Scenario,
    gpus: &[usize],
    variant: Variant,
) -> Result<Vec<Instance>, BuildError> {
    let all = match variant {
        Variant::AloneOnBoard(instance) => vec![instance],
        Variant::Shared | Variant::AloneOnShare(_) => instances(scenario),
    };
    let mut members = Vec::new();
    for instance in all {
        let guest = &scenario.guests[instance.group];
        if guest.gpu >= scenario.gpus.len() {
            return Err(BuildError::UnknownGpu {
                guest: guest.name.clone(),
                gpu: guest.gpu,
            });
        }
        if gpus.contains(&guest.gpu) {
            members.push(instance);
        }
    }
    Ok(members)
}

struct Builder<'a> {
    scenario: &'a Scenario,
    replication: u32,
    variant: Variant,
    layout: Layout,
    domains: Vec<ComputeDomain>,
    starts: Vec<Vec<Start>>,
    stations: Vec<Station>,
    guests: Vec<GuestState>,
}

impl Builder<'_> {
    fn add_gpu(&mut self, gpu: usize) -> Result<(), BuildError> {
        let Gpu { name, board, share } = &self.scenario.gpus[gpu];
        let alone = matches!(self.variant, Variant::AloneOnBoard(_));
        let config = match share {
            Share::TimeSlice(config) if !alone => config.clone(),
            _ => undivided(),
        };
        let Some(scheduler) = registry::find(&config.scheduler) else {
            return Err(BuildError::UnknownScheduler {
                gpu: name.clone(),
                scheduler: config.scheduler,
            });
        };
        let rules = TurnRules {
            on_completion: config.on_completion,
            on_idle: config.on_idle,
            ties: config.ties,
            switch: board.switch,
        };
        let domain = self.domains.len();
        self.domains.push(ComputeDomain::new(
            board.sms,
            (scheduler.build)(&config),
            rules,
        ));
        self.starts.push(Vec::new());
        self.layout.gpus.push(gpu);
        let engines = board.copy_engines;
        for (direction, count) in [
            (Direction::HostToDevice, engines.host_to_device),
            (Direction::DeviceToHost, engines.device_to_host),
        ] {
            // One link a direction, which the engines share; a link without a limit is not shared.
            let capacity = if board.link.bytes_per_second.is_finite() {
                1
            } else {
                count
            };
            self.add_station(
                StationRole::Copy { domain, direction },
                Servers::Limited { count, capacity },
            );
        }
        Ok(())
    }

    fn add_station(&mut self, role: StationRole, servers: Servers) -> usize {
        self.layout.stations.push(role);
        self.stations.push(Station::new(servers));
        self.stations.len() - 1
    }

    fn add_guest(&mut self, instance: Instance) -> Result<(), BuildError> {
        let scenario = self.scenario;
        let guest = &scenario.guests[instance.group];
        let users = match &guest.workload.arrivals {
            Arrivals::Closed { users, .. } => *users,
            _ => 1,
        };
        if guest.streams == 0 || users == 0 {
            return Err(BuildError::NoStreams {
                guest: guest.name.clone(),
            });
        }
        let domain = self
            .layout
            .gpus
            .iter()
            .position(|&gpu| gpu == guest.gpu)
            .unwrap_or(0);
        let (tenants, entry_of) = self.add_entries(guest, domain);
        let with_work = match self.variant {
            Variant::AloneOnShare(only) => only == instance,
            _ => true,
        };
        if with_work {
            self.layout.guests.push(instance);
            self.layout
                .entries
                .push(tenants.into_iter().map(|entry| (domain, entry)).collect());
            self.add_guest_state(guest, instance.ordinal, domain, entry_of)?;
        }
        Ok(())
    }

    /// Adds the entries of a guest's tenants; returns all of them and that of each stream.
    fn add_entries(&mut self, guest: &Guest, domain: usize) -> (Vec<u32>, Vec<u32>) {
        let config = match &self.scenario.gpus[guest.gpu].share {
            Share::TimeSlice(config) => Some(config),
            Share::Exclusive => None,
        };
        let alone = matches!(self.variant, Variant::AloneOnBoard(_));
        let tenants = if alone { 1 } else { guest.tenants().max(1) };
        let reserves = config
            .and_then(|config| registry::find(&config.scheduler))
            .is_some_and(|scheduler| scheduler.reserves);
        let per_channel =
            config.is_some_and(|config| config.turns == Turns::PerChannel) && !alone && !reserves;
        let first_tenant = self.domains[domain]
            .entries()
            .last()
            .map_or(0, |entry| entry.tenant + 1);
        let target = &mut self.domains[domain];
        let streams = guest.streams;
        let (entries, entry_of): (Vec<u32>, Vec<u32>) = if per_channel {
            // The channels of a tenant stay together in the list.
            let mut entry_of = vec![0; streams as usize];
            let mut entries = Vec::new();
            for tenant in 0..tenants {
                for stream in (0..streams).filter(|stream| stream % tenants == tenant) {
                    let entry = target.add_entry(first_tenant + tenant, 1);
                    entry_of[stream as usize] = entry;
                    entries.push(entry);
                }
            }
            (entries, entry_of)
        } else {
            let capacity = streams.div_ceil(tenants) as usize;
            let entries: Vec<u32> = (0..tenants)
                .map(|tenant| target.add_entry(first_tenant + tenant, capacity))
                .collect();
            let entry_of = (0..streams)
                .map(|stream| entries[(stream % tenants) as usize])
                .collect();
            (entries, entry_of)
        };
        let starts = &mut self.starts[domain];
        match starts.last_mut() {
            Some(start) if start.time == guest.start => start.entries.extend(&entries),
            _ => starts.push(Start {
                time: guest.start,
                entries: entries.clone(),
            }),
        }
        (entries, entry_of)
    }

    fn add_guest_state(
        &mut self,
        guest: &Guest,
        ordinal: u32,
        domain: usize,
        entry_of: Vec<u32>,
    ) -> Result<(), BuildError> {
        let key = DrawKey {
            seed: self.scenario.run.seed,
            replication: self.replication,
            guest: &guest.name,
            ordinal,
        };
        let (stages, operations) = self.plan_operations(guest, domain, key)?;
        let (source, next_arrival) = Source::new(&guest.workload.arrivals, key, guest.start);
        let closed = matches!(source, Source::Closed { .. });
        let queue_bound = match guest.queue {
            Some(bound) if !closed => bound as usize,
            _ => usize::MAX,
        };
        let streams = entry_of
            .into_iter()
            .map(|entry| StreamState {
                entry,
                job: Job {
                    index: 0,
                    arrival: 0,
                    user: 0,
                },
                started: 0,
                stage: 0,
                pending: 0,
                stage_parts: [0; PARTS],
                parts: [0; PARTS],
            })
            .collect::<Vec<_>>();
        self.guests.push(GuestState {
            domain,
            workload: guest.workload.clone(),
            operations,
            stages,
            source,
            next_arrival,
            queue: VecDeque::new(),
            queue_bound,
            free: (0..streams.len() as u32).collect(),
            streams,
        });
        Ok(())
    }

    fn plan_operations(
        &mut self,
        guest: &Guest,
        domain: usize,
        key: DrawKey<'_>,
    ) -> Result<(Vec<u32>, Vec<OperationPlan>), BuildError> {
        let scenario = self.scenario;
        let board = &scenario.gpus[guest.gpu].board;
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
                            work: work.clone(),
                            speed,
                            need: work.sms.unwrap_or(board.sms).clamp(1, board.sms),
                        }
                    }
                    OperationKind::Copy { direction, bytes } => PlannedKind::Copy {
                        bytes: bytes.clone(),
                        station: self.copy_station(domain, *direction),
                        nanos_per_byte: nanos_per_byte(board),
                        latency: board.link.latency,
                    },
                    OperationKind::Host { time } => PlannedKind::Host {
                        time: time.clone(),
                        station: self.host_station(&mut own_host),
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
        if stages.len() == 1 || empty {
            return Err(BuildError::EmptyWorkload {
                guest: guest.name.clone(),
            });
        }
        Ok((stages, operations))
    }

    fn copy_station(&self, domain: usize, direction: Direction) -> usize {
        let role = StationRole::Copy { domain, direction };
        self.layout
            .stations
            .iter()
            .position(|&other| other == role)
            .unwrap_or(0)
    }

    /// The host cores of all, or an unlimited host of the guest's own.
    fn host_station(&mut self, own: &mut Option<usize>) -> usize {
        match (self.layout.host_cores(), *own) {
            (Some(station), _) | (None, Some(station)) => station,
            (None, None) => {
                let guest = self.guests.len();
                let station = self.add_station(StationRole::OwnHost { guest }, Servers::Unlimited);
                *own = Some(station);
                station
            }
        }
    }

    /// Numbers the calendar's sources and closes the cell.
    fn finish<O: Observer>(self, schedule: Schedule, speed: Speed, observer: O) -> Cell<O> {
        let mut sources = Vec::new();
        let mut ranks = Vec::new();
        let mut slots = Slots::default();
        let mut add = |source, rank: usize| {
            sources.push(source);
            ranks.push(rank as u32);
            sources.len() - 1
        };
        for domain in 0..self.domains.len() {
            slots.domains.push(add(EventSource::Domain(domain), domain));
            slots.starts.push(add(EventSource::Starts(domain), domain));
        }
        for station in 0..self.stations.len() {
            // Behind the domains: work on the SMs that ends first frees them first.
            let rank = self.domains.len() + station;
            slots
                .stations
                .push(add(EventSource::Station(station), rank));
        }
        for guest in 0..self.guests.len() {
            slots
                .arrivals
                .push(add(EventSource::Arrivals(guest), guest));
        }
        slots.sampler = add(EventSource::Sampler, 0);
        Cell {
            calendar: Calendar::new(ranks),
            sources,
            slots,
            domains: self.domains,
            starts: self.starts,
            stations: self.stations,
            guests: self.guests,
            schedule,
            speed,
            observer,
            state: RunState::default(),
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

/// The rotation of a board that nobody shares.
fn undivided() -> TimeSlice {
    TimeSlice {
        scheduler: "fifo".to_owned(),
        slice: NEVER,
        arr_factor: None,
        reserved_turns: None,
        turns: Turns::PerTenant,
        rotation: Rotation::Queue,
        on_completion: OnCompletion::Keep,
        on_idle: OnIdle::Hold,
        ties: Ties::PreemptedFirst,
    }
}
