//! Builds cells from a scenario.

use super::cell::{Cell, EventSource, RunState, Slots, Speed};
use super::commands::Plan;
use super::control::{Control, Life, Stage};
use super::coupling::Coupling;
use super::guest::GuestState;
use super::guests::Seat;
use super::layout::{Instance, Layout, StationRole, Variant, instances};
use super::memory::Pool;
use super::observer::Observer;
use super::schedule::Schedule;
use super::tenants::undivided;
use crate::engine::calendar::Calendar;
use crate::engine::random::Stream;
use crate::engine::time::NEVER;
use crate::gpu::{
    Board, ComputeDomain, CopyEngines, MediaEngines, RateRules, Servers, Station, TurnRules,
};
use crate::policy::{Setup, TimeSlice, registry};
use crate::scenario::{Gpu, Scenario, Share};
use crate::workload::{Arrivals, Direction, MediaEngine};
use std::collections::BTreeMap;
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
    #[error(
        "guest `{guest}`: a job that finds its queue full would be tried again at once, for ever"
    )]
    AsksForEver { guest: String },
    #[error("guest `{guest}`: there is no {engine} engine where it is")]
    NoEngine { guest: String, engine: &'static str },
    #[error("guest `{guest}`: its gpu has no compute domain number {domain}")]
    UnknownDomain { guest: String, domain: usize },
    #[error("guest `{guest}`: it is inside no vGPU that processes share")]
    NoMachine { guest: String },
    #[error("guest `{guest}`: scheduler `{scheduler}` gives no turns within a vGPU")]
    InnerScheduler { guest: String, scheduler: String },
}

/// The cell that holds `gpus`, for one replication. An observer of turns has them one by one, whatever the speed.
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
        plan: Plan::default(),
        owned: Vec::new(),
        lives: Vec::new(),
        stations: Vec::new(),
        pools: Vec::new(),
        guests: Vec::new(),
        machines: BTreeMap::new(),
        encoding: BTreeMap::new(),
        sessions: Vec::new(),
    };
    let mut members = members(scenario, gpus, variant)?;
    members.sort_by_cached_key(|instance| rank(scenario, *instance));
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
    let speed = if O::WATCHES_TURNS {
        Speed::Plain
    } else {
        speed
    };
    Ok(builder.finish(Schedule::new(&scenario.run), speed, observer))
}

/// Start time, declared order, name, ordinal; processes come behind their machine. The order of entries
/// in a file is gone.
fn rank(scenario: &Scenario, instance: Instance) -> impl Ord {
    let own = |instance: Instance| {
        let guest = &scenario.guests[instance.group];
        (
            guest.start,
            guest.order,
            guest.name.clone(),
            instance.ordinal,
        )
    };
    match instance.machine(scenario) {
        Some(machine) => (own(machine), Some(own(instance))),
        None => (own(instance), None),
    }
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
        let gpu = guest.gpu_of(instance.ordinal);
        if gpu >= scenario.gpus.len() {
            return Err(BuildError::UnknownGpu {
                guest: guest.name.clone(),
                gpu,
            });
        }
        if instance
            .machine(scenario)
            .is_some_and(|machine| machine.group >= scenario.guests.len())
        {
            return Err(BuildError::NoMachine {
                guest: guest.name.clone(),
            });
        }
        if gpus.contains(&gpu) {
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
    pub(super) domains: Vec<ComputeDomain>,
    couplings: Vec<Coupling>,
    pub(super) coupling_of: Vec<Option<usize>>,
    /// Memory domain of each domain within its GPU.
    pub(super) memory_of: Vec<u32>,
    /// Starts of tenants.
    pub(super) plan: Plan,
    /// Entries of the guest that is being added.
    pub(super) owned: Vec<(usize, u32)>,
    lives: Vec<Life>,
    pub(super) stations: Vec<Station>,
    pub(super) pools: Vec<Pool>,
    pub(super) guests: Vec<GuestState>,
    /// The entries of each virtual machine whose vGPUs are shared within.
    pub(super) machines: BTreeMap<Instance, Vec<u32>>,
    /// The entries of each guest's vGPUs on each encoder with run lists.
    pub(super) encoding: BTreeMap<(Instance, usize), Vec<u32>>,
    /// Sessions on each encoder with run lists.
    pub(super) sessions: Vec<u32>,
}

impl Builder<'_> {
    fn add_gpu(&mut self, gpu: usize) -> Result<(), BuildError> {
        let configured = &self.scenario.gpus[gpu];
        let board = &configured.board;
        let first = self.domains.len();
        let mut memory_domains: Vec<Range<usize>> = Vec::new();
        let mut engines: Vec<(CopyEngines, MediaEngines)> = Vec::new();
        let mut encoders = Vec::new(); // with run lists
        if matches!(self.variant, Variant::AloneOnBoard(_)) {
            self.add_domain((configured, 0), board.sms, 1.0, &Share::Exclusive)?;
            memory_domains.push(first..first + 1);
            engines.push((board.copy_engines, board.media_engines));
        } else {
            let mut last = None;
            for domain in configured.domains() {
                let local = self.domains.len();
                let owner = (configured, local - first);
                self.add_domain(owner, domain.sms, domain.bandwidth, domain.share)?;
                let instance = domain.instance.map(|instance| instance.name.as_str());
                match memory_domains.last_mut() {
                    Some(memory) if last == Some(instance) => memory.end = local + 1,
                    _ => {
                        memory_domains.push(local..local + 1);
                        engines.push((domain.copy_engines, domain.media_engines));
                        encoders.push(match domain.share {
                            Share::TimeSlice(_) => domain.media_engines.count(MediaEngine::Nvenc),
                            Share::Exclusive | Share::Spatial(_) => 0,
                        });
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
        self.add_encoders(configured, &encoders)?;
        self.layout.gpus.push(gpu);
        Ok(())
    }

    /// Adds the `number`-th compute domain of a GPU.
    fn add_domain(
        &mut self,
        (gpu, number): (&Gpu, usize),
        sms: u32,
        bandwidth: f64,
        share: &Share,
    ) -> Result<(), BuildError> {
        let Gpu { name, board, .. } = gpu;
        let rates = RateRules {
            sms,
            board_sms: board.sms,
            bandwidth,
            clock: gpu.clock.clone(),
        };
        let config = match share {
            Share::TimeSlice(config) => config.clone(),
            Share::Exclusive | Share::Spatial(_) => undivided(),
        };
        let rules = TurnRules {
            on_completion: config.on_completion,
            on_idle: config.on_idle,
            ties: config.ties,
            switch: board.switch,
            in_space: matches!(share, Share::Spatial(_)),
        };
        self.push_domain(rates, rules, (name, number as u32), &config)
    }

    /// Adds a compute domain, the `number`-th of `owner`.
    pub(super) fn push_domain(
        &mut self,
        rates: RateRules,
        rules: TurnRules,
        (owner, number): (&str, u32),
        config: &TimeSlice,
    ) -> Result<(), BuildError> {
        let Some(scheduler) = registry::find(&config.scheduler) else {
            return Err(BuildError::UnknownScheduler {
                gpu: owner.to_owned(),
                scheduler: config.scheduler.clone(),
            });
        };
        let policy = (scheduler.build)(&self.setup(owner, number, config));
        self.domains.push(ComputeDomain::new(rates, policy, rules));
        Ok(())
    }

    /// What a policy is built from: its random draws depend on what it shares, not on the cell.
    pub(super) fn setup<'b>(&self, shared: &str, number: u32, config: &'b TimeSlice) -> Setup<'b> {
        let run = &self.scenario.run;
        Setup {
            config,
            draws: Stream::new(run.seed, self.replication, shared, number, "policy"),
        }
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
            .position(|&gpu| gpu == guest.gpu_of(instance.ordinal))
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
        let (tenants, tenant_of) = self.add_tenants(guest, instance, domain)?;
        let sessions = self.add_sessions(guest, instance, (gpu, domain))?;
        let pools = self.add_memory(guest, instance, gpu, domain);
        let owned = std::mem::take(&mut self.owned);
        let with_work = match self.variant {
            Variant::AloneOnShare(only) => only == instance,
            _ => true,
        };
        if with_work {
            let mut clients: Vec<_> = tenants.iter().chain(&sessions).copied().collect();
            clients.sort_unstable_by_key(|client| (client.domain, client.entry, client.client));
            clients.dedup();
            self.lives.push(Life {
                name: guest.name.clone(),
                ordinal: instance.ordinal,
                entries: owned,
                clients,
                inside: Vec::new(),
                starts: guest.start != NEVER,
                stage: Stage::Present,
            });
            self.layout.guests.push(instance);
            self.layout.tenants.push(tenants);
            let streams = tenant_of
                .into_iter()
                .enumerate()
                .map(|(index, tenant)| Seat {
                    tenant,
                    encoder: sessions.get(index).copied(),
                    pool: match pools.len() {
                        0 => 0,
                        number => pools[index % number],
                    },
                });
            self.add_guest_state(guest, instance.ordinal, (gpu, domain), streams.collect())?;
        }
        Ok(())
    }

    /// Notes which guests are processes in which.
    fn find_processes(&mut self) {
        let guests = self.layout.guests.iter().enumerate();
        let places: BTreeMap<Instance, usize> = guests
            .clone()
            .map(|(place, &guest)| (guest, place))
            .collect();
        for (place, guest) in guests {
            let machine = guest.machine(self.scenario);
            if let Some(&machine) = machine.and_then(|machine| places.get(&machine)) {
                self.lives[machine].inside.push(place);
            }
        }
    }

    /// Numbers the calendar's sources and closes the cell.
    fn finish<O: Observer>(mut self, schedule: Schedule, speed: Speed, observer: O) -> Cell<O> {
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
        }
        // Before all else of its class.
        slots.commands = add(EventSource::Commands, 0);
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
            let timed = state.serving.timed();
            slots
                .due
                .push(timed.then(|| add(EventSource::Due(guest), guest)));
            let leaves = state.queue.can_time_out();
            slots
                .timeouts
                .push(leaves.then(|| add(EventSource::Timeouts(guest), guest)));
        }
        slots.sampler = add(EventSource::Sampler, 0);
        self.find_processes();
        let entries = self.domains.iter().map(|domain| domain.entries().len());
        let draws = (self.scenario.run.seed, self.replication);
        let control = Control::new(self.lives, entries, draws);
        let mut is_engine = vec![false; self.domains.len()];
        for encoder in &self.layout.encoders {
            is_engine[encoder.domain] = true;
        }
        Cell {
            is_engine,
            calendar: Calendar::new(ranks),
            sources,
            slots,
            domains: self.domains,
            couplings: self.couplings,
            coupling_of: self.coupling_of,
            stations: self.stations,
            pools: self.pools,
            guests: self.guests,
            plan: self.plan,
            control,
            schedule,
            speed,
            observer,
            state: RunState::default(),
        }
    }
}
