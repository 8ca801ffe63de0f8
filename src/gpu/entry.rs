//! One entry of a compute domain: operations that share a grant of the SMs.
//!
//! While the entry runs, its operations run side by side at the rates that SMs and
//! bandwidth allow; while it does not run, nothing progresses. All bookkeeping is therefore in the
//! entry's *own running time* (`ran`): slices only move that clock, and rates change only when
//! operations come or go.
//!
//! Operations belong to clients. A tenant that takes turns is one client; under MPS one entry that
//! always runs has a client for each process. A vGPU that processes share has a client for each of them:
//! they run side by side, or take turns within its running time (`super::contexts`).

use super::contexts::{ContextRules, Contexts};
use super::law::Shape;
use super::rates::{self, Beside, Client, Pressure, RateRules, Scratch};
use crate::engine::time::{NEVER, Nanos};
use crate::engine::work::{FULL_SPEED, Rate, Work, done_in, time_for, work_of};
use crate::policy::{self, Policy, Terms};

/// The owner of an operation, as the caller numbers guests, streams and operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OperationId {
    pub guest: u32,
    pub stream: u32,
    pub operation: u32,
}

/// An operation to be run on the SMs.
#[derive(Debug, Clone, Copy)]
pub struct SmOperation {
    pub id: OperationId,
    /// Alone on the reference board, in 2⁻³² ns; at least one nanosecond.
    pub work: Work,
    /// Speed alone on this whole board.
    pub speed: Rate,
    pub shape: Shape,
    /// Client of the entry.
    pub client: u32,
    /// Length of one kernel, alone on the reference board, where preemption waits for kernel
    /// boundaries.
    pub kernel: Option<Nanos>,
    /// When its job has to be done; [`NEVER`] without a deadline.
    pub deadline: Nanos,
}

/// A completed operation and where its time went; the rest was waiting for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    pub id: OperationId,
    pub submitted: Nanos,
    /// While its client was on the SMs.
    pub on_sms: Nanos,
    /// While the SMs switched to the entry, or within the entry to its client.
    pub switching: Nanos,
}

/// An operation on the SMs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Active {
    pub operation: SmOperation,
    pub left: Work,
    pub rate: Rate,
    /// Speed relative to alone on the whole board, if nobody else drew on the memory.
    pub unhindered: f64,
    /// The same without other clients.
    pub alone: f64,
    submitted: Nanos,
    /// [`EntryState::busy`] and [`EntryState::switched_to`] of the client when the operation was
    /// submitted.
    pub busy: Nanos,
    switched: Nanos,
    /// In the order in which operations came to the domain.
    pub number: u64,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct EntryState {
    /// The tenant whose context the entry needs.
    pub tenant: u32,
    pub terms: Terms,
    pub admitted: bool,
    /// Own running time so far.
    pub ran: Nanos,
    /// Value of `ran` at the first completion at present rates, or at the end of a turn of a client
    /// before; [`NEVER`] without operations.
    finish: Nanos,
    /// SMs in use while it runs.
    sms_in_use: u32,
    /// SM·ns in use up to `rated_at`.
    used: u128,
    /// Switching time towards this entry so far, while it had work.
    pub switched: Nanos,
    /// Since when it has had work without being on the SMs.
    pub waiting_since: Nanos,
    /// Longest such wait that has ended.
    pub(super) longest_wait: Nanos,
    pub(super) active: Vec<Active>,
    pub(super) clients: Vec<Client>,
    /// How clients run side by side.
    beside: Beside,
    /// Where clients take turns.
    pub(super) contexts: Option<Box<Contexts>>,
    /// What the rates take into account.
    pressure: Pressure,
    scratch: Scratch,
    /// Submitted while the entry was being preempted, or by a policy by pieces not let onto the SMs yet: they
    /// join with a turn to come.
    pub(super) parked: Vec<Active>,
    /// Of clients that are set aside.
    pub(super) aside: Vec<Active>,
    /// Value of `ran` up to which `left` of the active operations and `used` are exact.
    rated_at: Nanos,
}

impl EntryState {
    /// An entry of a tenant, without clients. Clients that are added run side by side.
    pub fn new(tenant: u32, terms: Terms) -> Self {
        EntryState {
            tenant,
            terms,
            admitted: false,
            ran: 0,
            finish: NEVER,
            sms_in_use: 0,
            used: 0,
            switched: 0,
            waiting_since: 0,
            longest_wait: 0,
            active: Vec::new(),
            clients: Vec::new(),
            beside: Beside::PLAIN,
            contexts: None,
            pressure: Pressure::NONE,
            scratch: Scratch::default(),
            parked: Vec::new(),
            aside: Vec::new(),
            rated_at: 0,
        }
    }

    /// How clients run side by side.
    pub fn run_beside(&mut self, beside: Beside) {
        self.beside = beside;
    }

    /// Clients that are added from now on take turns within the entry's running time.
    pub fn take_turns(&mut self, policy: Box<dyn Policy>, rules: ContextRules) {
        self.contexts = Some(Box::new(Contexts::new(policy, rules)));
    }

    /// Adds a client; returns its number.
    pub fn add_client(&mut self, cap: u32, terms: &Terms, streams: usize) -> u32 {
        self.active.reserve_exact(self.active.capacity() + streams);
        self.parked.reserve_exact(self.parked.capacity() + streams);
        self.clients.push(Client {
            cap,
            weight: f64::from(terms.weight.max(1)),
            priority: terms.priority,
            active: 0,
            busy: 0,
            aside: false,
        });
        if let Some(contexts) = &mut self.contexts {
            contexts.add(streams);
        }
        (self.clients.len() - 1) as u32
    }

    #[inline]
    pub fn has_work(&self) -> bool {
        self.runs() || !self.parked.is_empty()
    }

    /// Whether it would run if it held the SMs.
    #[inline(always)]
    pub fn runs(&self) -> bool {
        self.finish != NEVER
    }

    /// Running time until the first completion at present rates, or until a turn of a client ends before;
    /// beyond any time without operations.
    #[inline(always)]
    pub fn left(&self) -> Nanos {
        self.finish - self.ran
    }

    /// The work at its head, as policies see it: the earliest deadline, what the newest work has had, and
    /// the time to the first completion.
    pub fn work(&self) -> policy::Work {
        let all = || self.active.iter().chain(&self.parked);
        let alone = |active: &Active| time_for(active.left, active.operation.speed);
        let had = |active: &Active| self.busy(active.operation.client as usize) - active.busy;
        policy::Work {
            deadline: all()
                .map(|active| active.operation.deadline)
                .min()
                .unwrap_or(NEVER),
            served: all().map(had).min().unwrap_or(0),
            left: match self.runs() {
                true => self.left(),
                false => self.parked.iter().map(alone).min().unwrap_or(NEVER),
            },
            oldest: all().map(|active| active.number).min().unwrap_or(0),
            pieces: all().count() as u32,
        }
    }

    /// Numbers of the operations that wait for a turn to come, in their order.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = u64> {
        self.parked.iter().map(|active| active.number)
    }

    /// Runs for `wall`, at most for what is [`left`](Self::left).
    #[inline(always)]
    pub fn run(&mut self, wall: Nanos) {
        debug_assert!(wall <= self.left(), "ran past a completion");
        self.ran += wall;
    }

    /// SM·ns in use so far.
    pub fn used(&self) -> u128 {
        self.used + u128::from(self.ran - self.rated_at) * u128::from(self.sms_in_use)
    }

    /// Time passes without anything of note: whole rounds of turns in which the entry runs for `ran`
    /// and the SMs switch to it for `switched`; it goes on waiting as before, `shift` later.
    pub fn skip(&mut self, ran: Nanos, switched: Nanos, shift: Nanos) {
        debug_assert!(ran < self.left(), "skipped a completion");
        self.ran += ran;
        self.switched += switched;
        if self.admitted && self.has_work() {
            self.waiting_since += shift;
        }
    }

    /// The entry is on the SMs again at `time`.
    #[inline]
    pub fn waited_until(&mut self, time: Nanos) {
        let wait = time.saturating_sub(self.waiting_since);
        self.longest_wait = self.longest_wait.max(wait);
        if let Some(contexts) = &mut self.contexts {
            contexts.runs_from(time, self.waiting_since);
        }
    }

    /// The entry goes on running at `now`, perhaps with another of its clients.
    #[inline]
    pub fn goes_on(&mut self, now: Nanos) {
        if let Some(contexts) = &mut self.contexts {
            contexts.runs_from(now, now);
        }
    }

    /// Longest wait of a client with work for the SMs up to `now`, if the entry is not on them.
    pub fn longest_wait(&self, client: u32, now: Nanos, running: bool) -> Nanos {
        let waits = self.admitted && self.has_work() && !running;
        let left = waits.then_some(self.waiting_since);
        match &self.contexts {
            Some(contexts) => contexts.longest_wait(client, now, left),
            None => left
                .map_or(0, |left| now.saturating_sub(left))
                .max(self.longest_wait),
        }
    }

    /// Forgets the longest waits up to `now`.
    pub fn forget_waits(&mut self, now: Nanos) {
        self.longest_wait = 0;
        self.waiting_since = self.waiting_since.max(now);
        if let Some(contexts) = &mut self.contexts {
            contexts.forget_waits(now);
        }
    }

    /// Running time with an operation of this client so far: its GPU time.
    pub fn busy(&self, client: usize) -> Nanos {
        let client = &self.clients[client];
        let since = if client.active > 0 {
            self.ran - self.rated_at
        } else {
            0
        };
        client.busy + since
    }

    /// Switching time towards a client so far, to the entry and within it.
    fn switched_to(&self, client: usize) -> Nanos {
        let Some(contexts) = &self.contexts else {
            return self.switched;
        };
        let since = if contexts.incoming() == Some(client as u32) {
            self.ran - self.rated_at
        } else {
            0
        };
        self.switched + contexts.changing(client as u32) + since
    }

    /// Running time in which nothing ran, because one context made way for another.
    pub fn changing(&self) -> Nanos {
        let clients = 0..self.clients.len();
        clients
            .map(|client| self.switched_to(client) - self.switched)
            .sum()
    }

    /// Running time in which an operation ran.
    pub fn gpu_time(&self) -> Nanos {
        self.ran - self.changing()
    }

    /// Changes of the running context within the entry.
    pub fn changes(&self) -> u64 {
        self.contexts
            .as_ref()
            .map_or(0, |contexts| contexts.changes)
    }

    /// The SMs come from another tenant: that has loaded the context which was being loaded.
    #[inline(always)]
    pub fn restored(&mut self, rules: &RateRules) {
        if let Some(contexts) = &self.contexts
            && contexts.loading
        {
            self.end_change(rules);
        }
    }

    #[inline(never)]
    fn end_change(&mut self, rules: &RateRules) {
        self.progress();
        if let Some(contexts) = &mut self.contexts {
            contexts.restored(self.ran, &mut self.active, &mut self.clients);
        }
        self.rerate(rules);
    }

    /// The operation of this number as it comes at `now`; the entry's clock is settled.
    #[inline]
    pub(super) fn activate(&self, operation: SmOperation, number: u64, now: Nanos) -> Active {
        let client = operation.client as usize;
        Active {
            operation,
            left: operation.work,
            rate: 0,
            unhindered: 1.0,
            alone: 1.0,
            submitted: now,
            busy: self.busy(client),
            switched: self.switched_to(client),
            number,
        }
    }

    /// Takes an operation in at `now`.
    #[inline]
    pub(super) fn submit(&mut self, active: Active, now: Nanos, park: bool, rules: &RateRules) {
        if park {
            self.parked.push(active);
        } else {
            self.progress();
            self.join(active, now);
            self.rerate(rules);
        }
    }

    /// An operation goes onto the SMs, or waits for the turn of its client.
    #[inline]
    fn join(&mut self, active: Active, now: Nanos) {
        let runs = match &mut self.contexts {
            None => Some(active),
            Some(contexts) => contexts.join(active, self.ran, now),
        };
        if let Some(active) = runs {
            self.clients[active.operation.client as usize].active += 1;
            self.active.push(active);
        }
    }

    /// Lets all operations join that wait for a turn.
    #[inline(always)]
    pub fn unpark(&mut self, rules: &RateRules) {
        if !self.parked.is_empty() {
            self.join_parked(self.parked.len(), rules);
        }
    }

    /// Lets the first `count` operations join that wait for a turn.
    #[inline(never)]
    pub fn join_parked(&mut self, count: usize, rules: &RateRules) {
        self.progress();
        for index in 0..count {
            let mut parked = self.parked[index];
            // What ran meanwhile was other work.
            parked.busy = self.busy(parked.operation.client as usize);
            self.join(parked, parked.submitted);
        }
        self.parked.drain(..count);
        self.rerate(rules);
    }

    /// SMs that the entry uses while it runs.
    pub fn sms_in_use(&self) -> u32 {
        self.sms_in_use
    }

    /// Appends the bandwidth that its operations would draw if they had the memory to themselves,
    /// with `busy_elsewhere` SMs busy in other domains.
    pub fn bandwidth_demands(
        &mut self,
        rules: &RateRules,
        busy_elsewhere: u32,
        out: &mut Vec<f64>,
    ) {
        rates::unhindered(
            &mut self.active,
            &self.clients,
            self.beside.division,
            rules,
            busy_elsewhere,
            &mut self.scratch,
        );
        rates::demands(&self.active, out);
    }

    /// What runs in other domains may have changed.
    pub fn press(&mut self, pressure: Pressure, rules: &RateRules) {
        if self.pressure != pressure {
            self.progress();
            self.pressure = pressure;
            self.rerate(rules);
        }
    }

    /// Moves the finished operations to `finished`; [`left`](Self::left) has just reached zero.
    pub fn complete(&mut self, now: Nanos, rules: &RateRules, finished: &mut Vec<Finished>) {
        self.progress();
        let before = finished.len();
        let switched = self.switched;
        let (clients, contexts) = (&mut self.clients, &mut self.contexts);
        self.active.retain(|active| {
            if active.left > 0 {
                return true;
            }
            let client = active.operation.client;
            let state = &mut clients[client as usize];
            state.active -= 1;
            let mut switched = switched;
            if let Some(contexts) = contexts {
                contexts.ended(active);
                switched += contexts.changing(client);
            }
            finished.push(Finished {
                id: active.operation.id,
                submitted: active.submitted,
                on_sms: state.busy - active.busy,
                switching: switched - active.switched,
            });
            false
        });
        self.rerate(rules);
        if let Some(contexts) = &mut self.contexts {
            let ended = finished.len() > before;
            contexts.step((self.ran, now), ended, &mut self.active, &mut self.clients);
            self.rerate(rules);
        }
    }

    /// Running time until every active operation is at a kernel boundary (at most what is
    /// [`left`](Self::left)).
    pub fn to_kernel_boundary(&self) -> Nanos {
        to_kernel_boundary(&self.active, self.ran - self.rated_at).min(self.left())
    }

    /// Brings the remaining work of the active operations up to the entry's clock.
    pub(super) fn progress(&mut self) {
        let elapsed = self.ran - self.rated_at;
        self.used = self.used();
        self.rated_at = self.ran;
        for client in &mut self.clients {
            if client.active > 0 {
                client.busy += elapsed;
            }
        }
        if let Some(contexts) = &mut self.contexts {
            contexts.progress(elapsed);
        }
        for active in &mut self.active {
            active.left = active.left.saturating_sub(done_in(elapsed, active.rate));
        }
    }

    /// Sets the rates anew and finds the next event on the entry's clock.
    pub(super) fn rerate(&mut self, rules: &RateRules) {
        self.finish = match self.rate(rules) {
            NEVER => NEVER,
            left => self.ran.saturating_add(left),
        };
        if let Some(contexts) = &self.contexts
            && let Some(event) = contexts.next_event()
        {
            self.finish = self.finish.min(event);
        }
    }

    /// Sets the rates; returns the time to the first completion.
    #[inline]
    fn rate(&mut self, rules: &RateRules) -> Nanos {
        match self.active.as_mut_slice() {
            [] => {
                self.sms_in_use = 0;
                return NEVER;
            }
            [only] => {
                if let Some(rate) = rates::lone_rate(only, &self.clients, rules, &self.pressure) {
                    only.rate = rate;
                    self.sms_in_use = only.operation.shape.need;
                    return time_for(only.left, rate);
                }
            }
            _ => {}
        }
        self.sms_in_use = rates::rate(
            &mut self.active,
            &self.clients,
            self.beside,
            rules,
            self.pressure,
            &mut self.scratch,
        );
        let left = self
            .active
            .iter()
            .map(|active| time_for(active.left, active.rate));
        left.min().unwrap_or(NEVER)
    }
}

/// Running time until every operation is at a kernel boundary, `elapsed` after they were rated.
pub(super) fn to_kernel_boundary(active: &[Active], elapsed: Nanos) -> Nanos {
    active
        .iter()
        .map(|active| match active.operation.kernel {
            None => 0,
            Some(kernel) => {
                let kernel = work_of(kernel);
                let left = active.left.saturating_sub(done_in(elapsed, active.rate));
                let into = (active.operation.work - left) % kernel;
                let rest = if into == 0 { 0 } else { kernel - into };
                time_for(rest.min(left), active.rate)
            }
        })
        .max()
        .unwrap_or(0)
}

/// The work of a whole number of nanoseconds at full speed; zero-length work counts as one.
pub fn sm_work(duration: Nanos) -> Work {
    Work::from(duration.max(1)) * Work::from(FULL_SPEED)
}
