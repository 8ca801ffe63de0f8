//! A cell: GPUs and guests that can influence each other, with a calendar of their own. What its events
//! do to jobs is in `jobs.rs` beside this file.
//!
//! The *plain path* takes every event from the calendar. With *run-ahead* a domain runs its turns
//! without the calendar up to the next event of anybody else, and a domain in which nobody has work
//! is not in the calendar at all: it catches up when it is next touched. With *round jump* it passes
//! over whole rounds of turns that repeat. All three process the same events in the same total
//! order, so they give the same results.
//!
//! A run can be cut anywhere: [`Cell::run_until`] stops before a time and goes on from there when it is called
//! again. No path runs ahead beyond a cut, and a cut changes nothing of what happens.

use super::commands::Plan;
use super::control::Control;
use super::coupling::Coupling;
use super::guest::{GuestState, PlannedKind};
use super::memory::Pool;
use super::observer::{Observer, Part, Probe};
use super::schedule::Schedule;
use crate::engine::calendar::{Calendar, Class, Key};
use crate::engine::time::{NEVER, Nanos};
use crate::gpu::{ComputeDomain, Finished, Served, Station};

/// How fast a cell runs: same results, different cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speed {
    /// Every event comes from the calendar.
    Plain,
    /// Turns run without the calendar up to the next event of anybody else.
    RunAhead,
    /// And rounds that repeat are taken at once.
    RoundJump,
}

/// What a source of the calendar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventSource {
    Domain(usize),
    /// What is planned: starts and commands.
    Commands,
    Station(usize),
    Arrivals(usize),
    /// The timer of a kind of guest.
    Due(usize),
    /// Waiting jobs leave.
    Timeouts(usize),
    Sampler,
}

/// See the [module documentation](self).
pub struct Cell<O> {
    pub(super) calendar: Calendar,
    pub(super) sources: Vec<EventSource>,
    pub(super) slots: Slots,
    pub(super) domains: Vec<ComputeDomain>,
    /// Whether a domain is a media engine with run lists.
    pub(super) is_engine: Vec<bool>,
    pub(super) couplings: Vec<Coupling>,
    /// Coupling of each domain.
    pub(super) coupling_of: Vec<Option<usize>>,
    pub(super) stations: Vec<Station>,
    pub(super) pools: Vec<Pool>,
    pub(super) guests: Vec<GuestState>,
    pub(super) plan: Plan,
    pub(super) control: Control,
    pub(super) schedule: Schedule,
    pub(super) speed: Speed,
    pub(super) observer: O,
    pub(super) state: RunState,
}

/// Calendar source of each part.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub domains: Vec<usize>,
    pub stations: Vec<usize>,
    pub arrivals: Vec<usize>,
    /// Of kinds of guests that have a timer.
    pub due: Vec<Option<usize>>,
    /// Of guests whose jobs leave.
    pub timeouts: Vec<Option<usize>>,
    pub commands: usize,
    pub sampler: usize,
}

/// What changes while a cell runs, apart from the models.
#[derive(Debug, Default)]
pub(super) struct RunState {
    next_edge: usize,
    /// Jobs of the window in the system.
    pub(super) pending: u64,
    finished: Vec<Finished>,
    served: Vec<Served>,
    backlog: Vec<u64>,
    /// Position in the total order of the event that is being handled.
    position: Option<Key>,
    /// Before which domains may run ahead: where the run is to stop.
    pub(super) cut: Key,
    /// Whether the calendar has been filled, and whether the run is over.
    pub(super) begun: bool,
    over: bool,
    /// The domain whose completion is being handled: it is scheduled at the end.
    pub(super) completing: Option<usize>,
}

impl<O: Observer> Cell<O> {
    /// Runs the cell to its end and returns its observer.
    pub fn run(mut self) -> O {
        self.run_until(NEVER);
        self.finish()
    }

    /// Processes every event before `time`, in the total order; whether the run goes on. What happens is the
    /// same wherever and however often a run is cut. Nothing happens if it has come as far already.
    pub fn run_until(&mut self, time: Nanos) -> bool {
        let cut = Key::first_at(time);
        self.state.cut = self.state.cut.max(cut);
        if !self.state.begun && time > 0 {
            self.state.begun = true;
            self.begin();
        }
        while !self.state.over
            && let Some(key) = self.calendar.next()
            && key < cut
        {
            self.step(key);
        }
        !self.state.over
    }

    /// Ends the run where it is and returns the observer.
    pub fn finish(mut self) -> O {
        let in_flight: Vec<u64> = self.guests.iter().map(GuestState::in_flight).collect();
        self.observer.closed(&in_flight);
        self.observer
    }

    /// When the next event of the calendar is, if the run is not over: no event is before it. Ends of turns
    /// that a domain takes without the calendar do not count.
    pub fn next_event(&self) -> Option<Nanos> {
        let next = self.calendar.next().map(Key::time);
        next.filter(|_| !self.state.over)
    }

    /// What has been told of the run so far.
    pub fn observer(&self) -> &O {
        &self.observer
    }

    /// Handles the next event.
    #[inline(always)]
    fn step(&mut self, key: Key) {
        let now = key.time();
        self.state.position = Some(key);
        match self.sources[key.source()] {
            EventSource::Domain(domain) => self.domain_event(domain, now, key.class()),
            EventSource::Station(station) => self.station_event(station, now),
            EventSource::Arrivals(guest) => self.arrival_event(guest, now),
            EventSource::Due(guest) => self.timer_due(guest, now),
            EventSource::Timeouts(guest) => self.timeout_event(guest, now),
            EventSource::Commands => self.commands_event(now),
            EventSource::Sampler => {
                self.sample_event(now);
                self.state.over |= now >= self.schedule.drain_end;
            }
        }
        self.after_work(now);
        self.state.over |=
            self.state.pending == 0 && now >= self.schedule.end && self.sampled_all();
    }

    fn sampled_all(&self) -> bool {
        self.state.next_edge == self.schedule.edges.len()
    }

    /// Fills the calendar: what is planned for 0 is done before anything happens.
    fn begin(&mut self) {
        self.obey(0);
        self.schedule_touched();
        for domain in 0..self.domains.len() {
            self.schedule_domain(domain);
        }
        for guest in 0..self.guests.len() {
            self.schedule_arrivals(guest);
        }
        self.schedule_commands();
        self.schedule_sampler();
    }

    // --- events -------------------------------------------------------------------------------

    fn domain_event(&mut self, index: usize, now: Nanos, class: Class) {
        if class == Class::Completion {
            let mut finished = std::mem::take(&mut self.state.finished);
            self.state.completing = Some(index);
            self.domains[index].complete(now, &mut finished);
            for done in finished.drain(..) {
                let elapsed = now - done.submitted;
                if self.is_engine[index] {
                    self.operation_ended(done.id, now, |parts| {
                        parts[Part::Engine as usize] += elapsed;
                    });
                    continue;
                }
                self.operation_ended(done.id, now, |parts| {
                    parts[Part::Gpu as usize] += done.on_sms;
                    parts[Part::Switch as usize] += done.switching;
                    parts[Part::SliceWait as usize] += elapsed - done.on_sms - done.switching;
                });
            }
            self.state.finished = finished;
            self.state.completing = None;
            self.domains[index].completed(now);
            self.after_work(now);
        } else {
            self.domains[index].grant_end(now);
        }
        if self.speed >= Speed::RunAhead && self.coupling_of[index].is_none() {
            let jump = self.speed == Speed::RoundJump;
            let slot = self.slots.domains[index];
            let limit = self.calendar.next_except(slot).earlier(self.state.cut);
            let calendar = &self.calendar;
            let before = limit.time();
            self.domains[index].advance(jump, |time, class| {
                time < before || (time == before && calendar.key(slot, time, class) < limit)
            });
        }
        self.schedule_domain(index);
    }

    fn station_event(&mut self, index: usize, now: Nanos) {
        let mut served = std::mem::take(&mut self.state.served);
        self.stations[index].complete(now, &mut served);
        for done in served.drain(..) {
            let operation =
                &self.guests[done.id.guest as usize].operations[done.id.operation as usize];
            let part = match operation.kind {
                PlannedKind::Copy { .. } => Part::Copy,
                PlannedKind::Media { .. } => Part::Engine,
                _ => Part::Host,
            };
            self.operation_ended(done.id, now, |parts| {
                parts[part as usize] += now - done.submitted;
            });
        }
        self.state.served = served;
        self.schedule_station(index);
    }

    fn arrival_event(&mut self, guest: usize, now: Nanos) {
        let job = self.guests[guest].take_arrival(now);
        self.schedule_arrivals(guest);
        self.job_arrived(guest, job);
    }

    fn sample_event(&mut self, now: Nanos) {
        for domain in 0..self.domains.len() {
            self.catch_up(domain);
            self.domains[domain].settle(now);
        }
        for station in &mut self.stations {
            station.settle(now);
        }
        if !self.sampled_all() {
            self.state.backlog.clear();
            self.state
                .backlog
                .extend(self.guests.iter().map(GuestState::backlog));
            let probe = Probe {
                now,
                domains: &self.domains,
                stations: &self.stations,
                pools: &self.pools,
                backlog: &self.state.backlog,
            };
            self.observer.edge(self.state.next_edge, &probe);
            self.state.next_edge += 1;
            if now == self.schedule.warmup {
                for domain in &mut self.domains {
                    domain.forget_waits();
                }
            }
        }
        self.schedule_sampler();
    }

    // --- keeping the calendar up to date --------------------------------------------------------

    /// Lets a domain that is not in the calendar process the turns that ended before the present
    /// event.
    #[inline]
    pub(super) fn catch_up(&mut self, domain: usize) {
        if let (true, Some(position)) = (self.speed >= Speed::RunAhead, self.state.position) {
            let (calendar, slot) = (&self.calendar, self.slots.domains[domain]);
            let jump = self.speed == Speed::RoundJump;
            self.domains[domain].advance(jump, |time, class| {
                calendar.key(slot, time, class) < position
            });
        }
    }

    /// Brings the calendar up to date after a change in a domain.
    #[inline]
    pub(super) fn schedule_domain(&mut self, domain: usize) {
        match self.coupling_of[domain] {
            None => self.set_domain_event(domain),
            Some(coupling) => self.rebalance(coupling, self.domains[domain].now()),
        }
    }

    #[inline(never)]
    fn rebalance(&mut self, coupling: usize, now: Nanos) {
        let domains = self.couplings[coupling].domains.clone();
        for domain in domains.clone() {
            self.catch_up(domain);
        }
        self.couplings[coupling].rebalance(&mut self.domains, now);
        for domain in domains {
            self.set_domain_event(domain);
        }
    }

    #[inline]
    fn set_domain_event(&mut self, domain: usize) {
        if O::WATCHES_TURNS {
            let turning = &self.domains[domain];
            let (holder, ready) = turning.holder();
            self.observer.turn(domain, holder, ready, turning.now());
        }
        let slot = self.slots.domains[domain];
        match self.domains[domain].next_event(self.speed >= Speed::RunAhead) {
            Some((time, class)) => self.calendar.set(slot, time, class),
            None => self.calendar.clear(slot),
        }
    }

    pub(super) fn schedule_station(&mut self, station: usize) {
        let slot = self.slots.stations[station];
        match self.stations[station].next_completion() {
            Some(time) => self.calendar.set(slot, time, Class::Completion),
            None => self.calendar.clear(slot),
        }
    }

    pub(super) fn schedule_arrivals(&mut self, guest: usize) {
        let time = self.guests[guest].next_arrival;
        let over = time >= self.schedule.end && !self.schedule.load_goes_on;
        let slot = self.slots.arrivals[guest];
        if time == NEVER || over {
            self.calendar.clear(slot);
        } else {
            self.calendar.set(slot, time, Class::Arrival);
        }
    }

    /// Behind the arrivals of the same moment: these still join.
    pub(super) fn schedule_due(&mut self, guest: usize) {
        let Some(slot) = self.slots.due[guest] else {
            return;
        };
        match self.guests[guest].due {
            NEVER => self.calendar.clear(slot),
            due => self.calendar.set(slot, due, Class::Control),
        }
    }

    fn schedule_sampler(&mut self) {
        let time = match self.schedule.edges.get(self.state.next_edge) {
            Some(&edge) => edge,
            None => self.schedule.drain_end,
        };
        self.calendar.set(self.slots.sampler, time, Class::Sample);
    }
}
