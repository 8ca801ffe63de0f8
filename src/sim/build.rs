//! Builds cells from a scenario.

use super::cell::{Cell, EventSource, RunState, Slots, Speed, Start};
use super::coupling::Coupling;
use super::guest::GuestState;
use super::layout::{Instance, Layout, StationRole, Tenant, Variant, instances};
use super::memory::Pool;
use super::observer::Observer;
use super::schedule::Schedule;
use crate::engine::calendar::Calendar;
use crate::engine::time::{NEVER, Nanos};
use crate::gpu::{
    Board, ComputeDomain, CopyEngines, MediaEngines, RateRules, Servers, Station, TurnRules,
};
use crate::policy::{OnCompletion, OnIdle, Rotation, Ties, TimeSlice, Turns, registry};
use crate::scenario::{Gpu, Guest, Holds, Scenario, Share};
use crate::workload::{Arrivals, Direction, MediaEngine};
use std::ops::Range;
use thiserror::Error;

/// A scenario that cannot be simulated. Files are checked before; this concerns scenarios that a
/// program has put together.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum BuildError {
    #[error("gpu `{gpu}`: there is no scheduler `{scheduler}`")]
    UnknownScheduler { gpu: String, scheduler: String },
    #[error("guest `{guest}`: a workload without stages, or a stage without operations")]
    EmptyWorkload { guest: String },
    #[error("guest `{guest}`: only one user can wait for a frame")]
    FrameUsers { guest: String },
    #[error("guest `{guest}`: the engine of a language model runs on one stream")]
    EngineStreams { guest: String },
    #[error("guest `{guest}`: needs at least one stream and, in a closed loop, one user")]
    NoStreams { guest: String },
    #[error(
        "guest `{guest}`: the speed {speed} of its board relative to the reference is out of range"
    )]
    Speed { guest: String, speed: String },
    #[error("guest `{guest}`: there is no gpu number {gpu}")]
    UnknownGpu { guest: String, gpu: usize },
    #[error("guest `{guest}`: users who do not think would try a job without memory for ever")]
    RetriesForEver { guest: String },
    #[error("guest `{guest}`: there is no {engine} engine where it is")]
    NoEngine { guest: String, engine: &'static str },
    #[error("guest `{guest}`: its gpu has no compute domain number {domain}")]
    UnknownDomain { guest: String, domain: usize },
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
        couplings: Vec::new(),
        coupling_of: Vec::new(),
        memory_of: Vec::new(),
        starts: Vec::new(),
        stations: Vec::new(),
        pools: Vec::new(),
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
        let station = Station::new(Servers::Limited {
            count: cores,
            capacity: cores,
        });
        builder.add_station(StationRole::HostCores, station);
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

pub(super) struct Builder<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) replication: u32,
    pub(super) variant: Variant,
    pub(super) layout: Layout,
    domains: Vec<ComputeDomain>,
    couplings: Vec<Coupling>,
    coupling_of: Vec<Option<usize>>,
    /// Memory domain of each domain within its GPU.
    pub(super) memory_of: Vec<u32>,
    starts: Vec<Vec<Start>>,
    pub(super) stations: Vec<Station>,
    pub(super) pools: Vec<Pool>,
    pub(super) guests: Vec<GuestState>,
}

impl Builder<'_> {
    fn add_gpu(&mut self, gpu: usize) -> Result<(), BuildError> {
        let configured = &self.scenario.gpus[gpu];
        let board = &configured.board;
        let first = self.domains.len();
        let mut memory_domains: Vec<Range<usize>> = Vec::new();
        let mut engines: Vec<(CopyEngines, MediaEngines)> = Vec::new();
        if matches!(self.variant, Variant::AloneOnBoard(_)) {
            self.add_domain(configured, board.sms, 1.0, &Share::Exclusive)?;
            memory_domains.push(first..first + 1);
            engines.push((board.copy_engines, board.media_engines));
        } else {
            let mut last = None;
            for domain in configured.domains() {
                let local = self.domains.len();
                self.add_domain(configured, domain.sms, domain.bandwidth, domain.share)?;
                let instance = domain.instance.map(|instance| instance.name.as_str());
                match memory_domains.last_mut() {
                    Some(memory) if last == Some(instance) => memory.end = local + 1,
                    _ => {
                        memory_domains.push(local..local + 1);
                        engines.push((domain.copy_engines, domain.media_engines));
                    }
                }
                last = Some(instance);
            }
        }
        for (memory, members) in memory_domains.iter().enumerate() {
            self.memory_of
                .extend(members.clone().map(|_| memory as u32));
        }
        let coupling = Coupling::new(memory_domains, configured.clock.is_some());
        let number = coupling.as_ref().map(|_| self.couplings.len());
        self.coupling_of
            .extend((first..self.domains.len()).map(|_| number));
        self.couplings.extend(coupling);
        self.layout.domains.push(first..self.domains.len());
        self.add_engines(board, &engines);
        self.layout.gpus.push(gpu);
        Ok(())
    }

    fn add_domain(
        &mut self,
        gpu: &Gpu,
        sms: u32,
        bandwidth: f64,
        share: &Share,
    ) -> Result<(), BuildError> {
        let Gpu { name, board, .. } = gpu;
        let rates = RateRules {
            sms,
            board_sms: board.sms,
            bandwidth,
            interference: match share {
                Share::Spatial { interference } => *interference,
                Share::Exclusive | Share::TimeSlice(_) => 0.0,
            },
            clock: gpu.clock.clone(),
        };
        let config = match share {
            Share::TimeSlice(config) => config.clone(),
            Share::Exclusive | Share::Spatial { .. } => undivided(),
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
        self.domains
            .push(ComputeDomain::new(rates, (scheduler.build)(&config), rules));
        self.starts.push(Vec::new());
        Ok(())
    }

    /// The engines of all memory domains. Copy engines share one link a direction, unless it has no
    /// limit; media engines share nothing.
    fn add_engines(&mut self, board: &Board, engines: &[(CopyEngines, MediaEngines)]) {
        let gpu = self.layout.gpus.len();
        let capacity = board.link.bytes_per_second.is_finite().then_some(1);
        for direction in [Direction::HostToDevice, Direction::DeviceToHost] {
            let count = |(engines, _): &(CopyEngines, MediaEngines)| match direction {
                Direction::HostToDevice => Some(engines.host_to_device),
                Direction::DeviceToHost => Some(engines.device_to_host),
            };
            let servers: Vec<_> = engines.iter().map(count).collect();
            let station = Station::grouped(&servers, capacity);
            self.add_station(StationRole::Copy { gpu, direction }, station);
        }
        for engine in MediaEngine::ALL {
            let counts = engines.iter().map(|(_, media)| media.count(engine));
            let servers: Vec<_> = counts.map(Some).collect();
            if servers.iter().any(|&count| count > Some(0)) {
                let station = Station::grouped(&servers, None);
                self.add_station(StationRole::Media { gpu, engine }, station);
            }
        }
    }

    pub(super) fn add_station(&mut self, role: StationRole, station: Station) -> usize {
        self.layout.stations.push(role);
        self.stations.push(station);
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
        let gpu = self
            .layout
            .gpus
            .iter()
            .position(|&gpu| gpu == guest.gpu)
            .unwrap_or(0);
        let domains = self.layout.domains[gpu].clone();
        let domain = match self.variant {
            Variant::AloneOnBoard(_) => domains.start,
            _ if guest.domain < domains.len() => domains.start + guest.domain,
            _ => {
                return Err(BuildError::UnknownDomain {
                    guest: guest.name.clone(),
                    domain: guest.domain,
                });
            }
        };
        let (tenants, tenant_of) = self.add_entries(guest, domain);
        let pools = self.add_memory(guest, instance, gpu, domain);
        let with_work = match self.variant {
            Variant::AloneOnShare(only) => only == instance,
            _ => true,
        };
        if with_work {
            self.layout.guests.push(instance);
            self.layout.tenants.push(tenants);
            let streams = tenant_of.into_iter().enumerate().map(|(index, tenant)| {
                let pool = if pools.is_empty() {
                    0
                } else {
                    pools[index % pools.len()]
                };
                (tenant, pool)
            });
            self.add_guest_state(guest, instance.ordinal, (gpu, domain), streams.collect())?;
        }
        Ok(())
    }

    /// Adds the entries of a guest's tenants; returns all of them and that of each stream.
    fn add_entries(&mut self, guest: &Guest, domain: usize) -> (Vec<Tenant>, Vec<Tenant>) {
        let alone = matches!(self.variant, Variant::AloneOnBoard(_));
        let domains = self.scenario.gpus[guest.gpu].domains();
        let share = domains[guest.domain].share;
        if matches!(share, Share::Spatial { .. }) && !alone {
            return self.add_client(guest, domain);
        }
        let config = match share {
            Share::TimeSlice(config) => Some(config),
            Share::Exclusive | Share::Spatial { .. } => None,
        };
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
        let caps = [target.sms()];
        let streams = guest.streams;
        let (entries, entry_of): (Vec<u32>, Vec<u32>) = if per_channel {
            // The channels of a tenant stay together in the list.
            let mut entry_of = vec![0; streams as usize];
            let mut entries = Vec::new();
            for tenant in 0..tenants {
                for stream in (0..streams).filter(|stream| stream % tenants == tenant) {
                    let entry = target.add_entry(first_tenant + tenant, 1, &caps);
                    entry_of[stream as usize] = entry;
                    entries.push(entry);
                }
            }
            (entries, entry_of)
        } else {
            let capacity = streams.div_ceil(tenants) as usize;
            let entries: Vec<u32> = (0..tenants)
                .map(|tenant| target.add_entry(first_tenant + tenant, capacity, &caps))
                .collect();
            let entry_of = (0..streams)
                .map(|stream| entries[(stream % tenants) as usize])
                .collect();
            (entries, entry_of)
        };
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
    fn add_client(&mut self, guest: &Guest, domain: usize) -> (Vec<Tenant>, Vec<Tenant>) {
        if self.domains[domain].entries().is_empty() {
            let entry = self.domains[domain].add_entry(0, 0, &[]);
            // The server is there from the beginning.
            self.start_at(domain, 0, &[entry]);
        }
        let sms = self.domains[domain].sms();
        let cap = match guest.holds {
            Holds::Client { sms: Some(cap) } => cap.clamp(1, sms),
            _ => sms,
        };
        let client = self.domains[domain].add_client(0, cap, guest.streams as usize);
        let tenant = Tenant {
            domain,
            entry: 0,
            client,
        };
        (vec![tenant], vec![tenant; guest.streams as usize])
    }

    fn start_at(&mut self, domain: usize, time: Nanos, entries: &[u32]) {
        let starts = &mut self.starts[domain];
        match starts.last_mut() {
            Some(start) if start.time == time => start.entries.extend(entries),
            _ => starts.push(Start {
                time,
                entries: entries.to_vec(),
            }),
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
            let state = &self.guests[guest];
            let waits = state.batcher.is_some() || state.frames.is_some();
            slots
                .due
                .push(waits.then(|| add(EventSource::Due(guest), guest)));
        }
        slots.sampler = add(EventSource::Sampler, 0);
        Cell {
            calendar: Calendar::new(ranks),
            sources,
            slots,
            domains: self.domains,
            couplings: self.couplings,
            coupling_of: self.coupling_of,
            starts: self.starts,
            stations: self.stations,
            pools: self.pools,
            guests: self.guests,
            schedule,
            speed,
            observer,
            state: RunState::default(),
        }
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
