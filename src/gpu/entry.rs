//! One entry of a compute domain: operations that share a grant of the SMs.
//!
//! While the entry runs, its operations run side by side at the rates that SMs and
//! bandwidth allow; while it does not run, nothing progresses. All bookkeeping is therefore in the
//! entry's *own running time* (`ran`): slices only move that clock, and rates change only when
//! operations come or go.
//!
//! Operations belong to clients. A tenant that takes turns is one client; under MPS one entry that
//! always runs has a client for each process.

use super::law::Shape;
use super::rates::{self, Client, Pressure, RateRules, Scratch};
use crate::engine::time::{NEVER, Nanos};
use crate::engine::work::{FULL_SPEED, Rate, Work, done_in, time_for, work_of};

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
}

/// A completed operation and where its time went; the rest was waiting for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    pub id: OperationId,
    pub submitted: Nanos,
    /// While the entry was on the SMs.
    pub on_sms: Nanos,
    /// While the SMs switched to the entry.
    pub switching: Nanos,
}

/// An operation on the SMs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Active {
    pub operation: SmOperation,
    left: Work,
    pub rate: Rate,
    /// Speed relative to alone on the whole board, if nobody else drew on the memory.
    pub unhindered: f64,
    /// The same without other clients.
    pub alone: f64,
    submitted: Nanos,
    /// `ran` and `switched` of the entry when the operation was submitted.
    ran: Nanos,
    switched: Nanos,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct EntryState {
    /// The tenant whose context the entry needs.
    pub tenant: u32,
    pub admitted: bool,
    /// Own running time so far.
    pub ran: Nanos,
    /// Value of `ran` at the first completion at present rates; [`NEVER`] without operations.
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
    pub longest_wait: Nanos,
    active: Vec<Active>,
    clients: Vec<Client>,
    /// What the rates take into account.
    pressure: Pressure,
    scratch: Scratch,
    /// Submitted while the entry was being preempted: they join with its next turn.
    parked: Vec<Active>,
    /// Value of `ran` up to which `left` of the active operations and `used` are exact.
    rated_at: Nanos,
}

impl EntryState {
    /// An entry of a tenant with one client for each cap on its SMs.
    pub fn new(tenant: u32, streams: usize, caps: &[u32]) -> Self {
        let client = |&cap: &u32| Client {
            cap,
            active: 0,
            busy: 0,
        };
        EntryState {
            tenant,
            admitted: false,
            ran: 0,
            finish: NEVER,
            sms_in_use: 0,
            used: 0,
            switched: 0,
            waiting_since: 0,
            longest_wait: 0,
            active: Vec::with_capacity(streams),
            clients: caps.iter().map(client).collect(),
            pressure: Pressure::NONE,
            scratch: Scratch::default(),
            parked: Vec::with_capacity(streams),
            rated_at: 0,
        }
    }

    /// Adds a client; returns its number.
    pub fn add_client(&mut self, cap: u32, streams: usize) -> u32 {
        self.active.reserve(self.active.len() + streams);
        self.clients.push(Client {
            cap,
            active: 0,
            busy: 0,
        });
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

    /// Running time until the first completion at present rates; beyond any time without operations.
    #[inline(always)]
    pub fn left(&self) -> Nanos {
        self.finish - self.ran
    }

    /// Runs for `wall`, at most up to the first completion.
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

    /// Adds an operation at `now`; the entry's clock is settled.
    pub fn submit(&mut self, operation: SmOperation, now: Nanos, park: bool, rules: &RateRules) {
        let active = Active {
            operation,
            left: operation.work,
            rate: 0,
            unhindered: 1.0,
            alone: 1.0,
            submitted: now,
            ran: self.ran,
            switched: self.switched,
        };
        if park {
            self.parked.push(active);
        } else {
            self.progress();
            self.clients[operation.client as usize].active += 1;
            self.active.push(active);
            self.rerate(rules);
        }
    }

    /// Lets operations join that were submitted while the entry was being preempted.
    #[inline(always)]
    pub fn unpark(&mut self, rules: &RateRules) {
        if !self.parked.is_empty() {
            self.join_parked(rules);
        }
    }

    #[inline(never)]
    fn join_parked(&mut self, rules: &RateRules) {
        self.progress();
        for parked in &self.parked {
            self.clients[parked.operation.client as usize].active += 1;
        }
        self.active.append(&mut self.parked);
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
    pub fn complete(&mut self, rules: &RateRules, finished: &mut Vec<Finished>) {
        self.progress();
        let (ran, switched) = (self.ran, self.switched);
        let clients = &mut self.clients;
        self.active.retain(|active| {
            if active.left > 0 {
                return true;
            }
            clients[active.operation.client as usize].active -= 1;
            finished.push(Finished {
                id: active.operation.id,
                submitted: active.submitted,
                on_sms: ran - active.ran,
                switching: switched - active.switched,
            });
            false
        });
        self.rerate(rules);
    }

    /// Running time until every active operation is at a kernel boundary (at most until the first
    /// completion).
    pub fn to_kernel_boundary(&self) -> Nanos {
        let elapsed = self.ran - self.rated_at;
        self.active
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
            .min(self.left())
    }

    /// Brings the remaining work of the active operations up to the entry's clock.
    fn progress(&mut self) {
        let elapsed = self.ran - self.rated_at;
        self.used = self.used();
        self.rated_at = self.ran;
        for client in &mut self.clients {
            if client.active > 0 {
                client.busy += elapsed;
            }
        }
        for active in &mut self.active {
            active.left = active.left.saturating_sub(done_in(elapsed, active.rate));
        }
    }

    /// Sets the rates anew and finds the next completion.
    fn rerate(&mut self, rules: &RateRules) {
        match self.active.as_mut_slice() {
            [] => {
                self.finish = NEVER;
                self.sms_in_use = 0;
                return;
            }
            [only] => {
                if let Some(rate) = rates::lone_rate(only, &self.clients, rules, &self.pressure) {
                    only.rate = rate;
                    self.sms_in_use = only.operation.shape.need;
                    self.finish = self.ran.saturating_add(time_for(only.left, rate));
                    return;
                }
            }
            _ => {}
        }
        self.sms_in_use = rates::rate(
            &mut self.active,
            &self.clients,
            rules,
            self.pressure,
            &mut self.scratch,
        );
        let left = self
            .active
            .iter()
            .map(|active| time_for(active.left, active.rate))
            .min()
            .unwrap_or(NEVER);
        self.finish = self.ran.saturating_add(left);
    }
}

/// The work of a whole number of nanoseconds at full speed; zero-length work counts as one.
pub fn sm_work(duration: Nanos) -> Work {
    Work::from(duration.max(1)) * Work::from(FULL_SPEED)
}
