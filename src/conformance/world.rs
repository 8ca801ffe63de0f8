//! Scenarios for the checks, and what happens in them.

use super::choice::Choice;
use super::{SLICE, TURNS};
use crate::diagnostics::Diagnostics;
use crate::engine::time::{MILLISECOND, Nanos};
use crate::gpu::Accounts;
use crate::policy::Terms;
use crate::policy::registry::{Registered, Use};
use crate::scenario::{Guest, Overrides, Scenario, parse};
use crate::sim::{JobEnd, Layout, Observer, Probe, Speed, Variant, build, partition};
use crate::workload::dist::Dist;
use crate::workload::trace::Trace;
use crate::workload::{Arrivals, OperationKind, Replay, Size};
use std::sync::Arc;

/// A tenant and its requests.
#[derive(Clone)]
pub(super) struct Served {
    pub requests: Vec<(Nanos, Nanos)>,
    pub terms: Terms,
    pub start: Nanos,
    pub deadline: Option<Nanos>,
    pub queue: Option<u32>,
    pub streams: u32,
}

impl Served {
    pub fn drawn(choice: &mut Choice) -> Self {
        let requests = choice.requests();
        let terms = choice.terms();
        let late = choice.once_in(3);
        let start = if late {
            choice.between(0, 20 * MILLISECOND)
        } else {
            0
        };
        let deadline = choice
            .once_in(2)
            .then(|| choice.between(MILLISECOND, 50 * MILLISECOND));
        let queue = choice.once_in(2).then(|| choice.between(0, 2) as u32);
        Served {
            requests,
            terms,
            start,
            deadline,
            queue,
            streams: 1,
        }
    }

    pub fn plain(requests: &[(Nanos, Nanos)], terms: Terms) -> Self {
        Served {
            requests: requests.to_vec(),
            terms,
            start: 0,
            deadline: None,
            queue: None,
            streams: 1,
        }
    }
}

/// The text of a scenario on a device without costs, under the policy.
pub(super) fn text(policy: &Registered, run: &str, guests: &str, work: &str) -> String {
    let slice = match policy.uses.contains(&Use::Slice) {
        true => format!("slice = \"{SLICE}ns\"\n"),
        false => String::new(),
    };
    let turns = match policy.uses.contains(&Use::ReservedTurns) {
        true => format!("reserved_turns = {TURNS}\n"),
        false => String::new(),
    };
    format!(
        "preset = \"neutral\"\n[run]\nhorizon = \"terminating\"\n{run}\n[gpus.a]\nboard = \"neutral\"\n\
         [gpus.a.share]\nscheduler = \"{}\"\n{slice}{turns}{guests}\n[workloads.w]\n{work}\n",
        policy.name
    )
}

/// The text as a scenario.
pub(super) fn read(text: &str) -> Result<Scenario, String> {
    match parse("conformance", text, ".".as_ref(), &Overrides::default()) {
        Ok(loaded) => Ok(loaded.scenario),
        Err(findings) => Err(Diagnostics(findings).render()),
    }
}

/// A scenario with one guest, to be replaced.
fn template(policy: &Registered, window: Nanos) -> Result<Scenario, String> {
    let run = format!("duration = \"{window}ns\"\nreplications = 1\nbaselines = false");
    let guest = "[guests.g]\ncontext = true\nworkload = \"w\"\n";
    let work = "arrivals = { process = \"closed\" }\nstages.s.gpu.time = \"1ms\"";
    let mut scenario = read(&text(policy, &run, guest, work))?;
    scenario.run.drain = window;
    Ok(scenario)
}

/// Guests take the place of the template's: `change` makes each of them.
fn with(
    policy: &Registered,
    window: Nanos,
    number: usize,
    change: impl Fn(usize, &mut Guest),
) -> Result<Scenario, String> {
    let mut scenario = template(policy, window)?;
    let one = scenario.guests[0].clone();
    scenario.guests = (0..number)
        .map(|index| {
            let mut guest = one.clone();
            guest.name = format!("g{index}");
            change(index, &mut guest);
            guest
        })
        .collect();
    Ok(scenario)
}

/// How long an operation of the guest takes.
fn set_time(guest: &mut Guest, time: Size) {
    for operation in guest
        .workload
        .stages
        .iter_mut()
        .flat_map(|stage| &mut stage.operations)
    {
        if let OperationKind::Gpu(work) = &mut operation.kind {
            work.time = time.clone();
        }
    }
}

/// Tenants with requests.
pub(super) fn serving(
    policy: &Registered,
    tenants: &[Served],
    window: Nanos,
) -> Result<Scenario, String> {
    with(policy, window, tenants.len(), |index, guest| {
        let served = &tenants[index];
        let trace = Trace {
            arrivals: served.requests.iter().map(|request| request.0).collect(),
            columns: vec!["size".into()],
            values: served
                .requests
                .iter()
                .map(|request| request.1 as f64)
                .collect(),
            ..Trace::default()
        };
        let last = trace.arrivals.last().copied().unwrap_or(0);
        guest.workload.arrivals = Arrivals::Trace {
            trace: Arc::new(trace),
            replay: Replay::once(last + 1),
        };
        let time = Size::Sum {
            base: 0.0,
            per_item: 0.0,
            terms: vec![(0, 1.0)],
        };
        set_time(guest, time);
        guest.terms = served.terms;
        guest.start = served.start;
        guest.deadline = served.deadline;
        guest.queue = served.queue;
        guest.streams = served.streams;
    })
}

/// A tenant that always has work: its terms, deadline, order and the size of a piece.
#[derive(Clone, Copy)]
pub(super) struct Busy {
    pub terms: Terms,
    pub deadline: Option<Nanos>,
    pub order: i64,
    pub piece: f64,
}

impl Busy {
    /// One whose piece has no end.
    pub fn endless(terms: Terms) -> Self {
        Busy {
            terms,
            deadline: None,
            order: 0,
            piece: 1e12,
        }
    }

    pub fn weighted(weight: u32) -> Self {
        Busy::endless(Terms {
            weight,
            ..Terms::default()
        })
    }
}

/// Tenants that always have work.
pub(super) fn busy(
    policy: &Registered,
    tenants: &[Busy],
    window: Nanos,
    edges: u32,
) -> Result<Scenario, String> {
    let mut scenario = with(policy, window, tenants.len(), |index, guest| {
        let tenant = tenants[index];
        guest.terms = tenant.terms;
        guest.deadline = tenant.deadline;
        guest.order = tenant.order;
        set_time(guest, Size::Drawn(Dist::Constant(tenant.piece)));
    })?;
    scenario.run.timeline_bins = edges;
    Ok(scenario)
}

/// Everything that happened.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Log {
    pub layout: Layout,
    /// (place of the guest in the layout, job)
    pub jobs: Vec<(usize, JobEnd)>,
    pub arrived: Vec<u64>,
    pub dropped: Vec<u64>,
    /// Time, accounts, and running time of each entry, at each sampling edge.
    pub edges: Vec<(Nanos, Accounts, Vec<Nanos>)>,
    pub longest_waits: Vec<Nanos>,
    pub backlog: Vec<u64>,
}

impl Observer for Log {
    fn arrived(&mut self, guest: usize, _now: Nanos) {
        self.arrived[guest] += 1;
    }

    fn dropped(&mut self, guest: usize, _arrival: Nanos) {
        self.dropped[guest] += 1;
    }

    fn ended(&mut self, guest: usize, job: &JobEnd) {
        self.jobs.push((guest, *job));
    }

    fn edge(&mut self, _edge: usize, probe: &Probe<'_>) {
        let domain = &probe.domains[0];
        let ran = domain
            .entries()
            .iter()
            .map(|entry| entry.gpu_time() + entry.changing())
            .collect();
        self.edges.push((probe.now, domain.accounts(), ran));
        self.longest_waits = (0..domain.entries().len())
            .map(|entry| domain.longest_wait(entry as u32, 0))
            .collect();
        self.backlog = probe.backlog.to_vec();
    }
}

impl Log {
    /// The place in the layout of the guest with this number.
    pub fn place(&self, guest: usize) -> usize {
        let mut all = self.layout.guests.iter();
        all.position(|instance| instance.group == guest)
            .unwrap_or(guest)
    }

    /// When the first job of the guest with this number ended.
    pub fn first_end(&self, guest: usize) -> Option<Nanos> {
        let place = self.place(guest);
        let mut jobs = self.jobs.iter();
        jobs.find(|(of, job)| *of == place && job.index == 0)
            .map(|(_, job)| job.ended)
    }

    /// Running times of the guests by their numbers, at each edge.
    pub fn running_times(&self) -> Vec<Vec<Nanos>> {
        let entries: Vec<usize> = (0..self.layout.guests.len())
            .map(|guest| self.layout.tenants[self.place(guest)][0].entry as usize)
            .collect();
        let at = |ran: &[Nanos]| entries.iter().map(|&entry| ran[entry]).collect();
        self.edges.iter().map(|(_, _, ran)| at(ran)).collect()
    }
}

fn simulate_at(scenario: &Scenario, speed: Speed) -> Result<Log, String> {
    let gpus = partition(scenario).into_iter().next().unwrap_or_default();
    let observer = |layout: &Layout| Log {
        layout: layout.clone(),
        arrived: vec![0; layout.guests.len()],
        dropped: vec![0; layout.guests.len()],
        ..Log::default()
    };
    build(scenario, &gpus, 0, Variant::Shared, speed, observer)
        .map(|cell| cell.run())
        .map_err(|error| error.to_string())
}

/// What happens in the scenario, which is the same twice and at every speed.
pub(super) fn simulate(scenario: &Scenario) -> Result<Log, String> {
    let plain = simulate_at(scenario, Speed::Plain)?;
    for speed in [Speed::Plain, Speed::RunAhead, Speed::RoundJump] {
        if simulate_at(scenario, speed)? != plain {
            let on = match speed {
                Speed::Plain => "a second run differs from the first",
                Speed::RunAhead => "running ahead differs from the plain path",
                Speed::RoundJump => "jumping over rounds differs from the plain path",
            };
            return Err(on.to_owned());
        }
    }
    Ok(plain)
}
