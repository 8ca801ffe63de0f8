//! Contexts of one tenant that take turns within its running time: processes in a virtual machine, whose
//! vGPU is one entry of the board's rotation.
//!
//! The entry is an arbiter of its own, bounded by its grant. All times here are on the entry's clock of
//! running time, which stands still while another entry holds the SMs; so what happens inside never
//! depends on when the turns of the entry come. A lone context goes on without a change, and contexts
//! without work are passed over. A change takes running time of the entry in which nothing runs, unless
//! the SMs come from another tenant meanwhile: then the switch to this one has loaded the context too.

use super::Preemption;
use super::entry::{Active, to_kernel_boundary};
use super::rates::Client;
use crate::engine::time::{NEVER, Nanos};
use crate::engine::work::time_for;
use crate::policy::{Grant, OnCompletion, Policy, Terms, Work};
use std::fmt;

/// No context.
const NONE: u32 = u32::MAX;

/// What a change between contexts of one tenant costs, and when there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextRules {
    pub on_completion: OnCompletion,
    pub preemption: Preemption,
    /// Save, restore and scheduler call together: running time in which nothing runs.
    pub change: Nanos,
}

/// See the [module documentation](self).
pub(super) struct Contexts {
    policy: Box<dyn Policy>,
    /// Turns are for pieces of work.
    by_piece: bool,
    rules: ContextRules,
    /// Operations of each context, on the SMs or not.
    work: Vec<u32>,
    /// Contexts with work.
    backlogged: u32,
    /// Whose turn it is, and whose state is loaded.
    current: u32,
    loaded: u32,
    slice: Nanos,
    /// From when the current context runs; it is being loaded before.
    begin: Nanos,
    /// End of its turn, while others wait; once it gives way, when it has.
    until: Nanos,
    giving_way: bool,
    /// Operations that are not on the SMs.
    waiting: Vec<Active>,
    /// Time spent on changes towards each context.
    changing: Vec<Nanos>,
    /// Simulated time since when each context has had work without running; [`NEVER`] if it has none, or
    /// runs whenever the entry does. Longest such wait that has ended.
    waiting_since: Vec<Nanos>,
    longest_wait: Vec<Nanos>,
    /// Changes so far, but for those that a switch between tenants brought about.
    pub changes: u64,
    /// Whether the current context is still being loaded.
    pub loading: bool,
}

impl Contexts {
    pub fn new(policy: Box<dyn Policy>, rules: ContextRules) -> Self {
        Contexts {
            by_piece: policy.by_piece(),
            policy,
            rules,
            work: Vec::new(),
            backlogged: 0,
            current: NONE,
            loaded: NONE,
            slice: 0,
            begin: 0,
            until: 0,
            giving_way: false,
            waiting: Vec::new(),
            changing: Vec::new(),
            waiting_since: Vec::new(),
            longest_wait: Vec::new(),
            changes: 0,
            loading: false,
        }
    }

    /// The client with the next number is a context with so many streams.
    pub fn add(&mut self, streams: usize) {
        self.policy.admit(self.work.len() as u32, &Terms::default());
        self.work.push(0);
        self.changing.push(0);
        self.waiting_since.push(NEVER);
        self.longest_wait.push(0);
        self.waiting
            .reserve_exact(self.waiting.capacity() + streams);
    }

    /// Time spent on changes towards a context up to the last [`progress`](Self::progress).
    pub fn changing(&self, context: u32) -> Nanos {
        self.changing[context as usize]
    }

    /// The context that is being loaded.
    pub fn incoming(&self) -> Option<u32> {
        self.loading.then_some(self.current)
    }

    /// The entry has run for `elapsed` without an event.
    pub fn progress(&mut self, elapsed: Nanos) {
        if self.loading {
            self.changing[self.current as usize] += elapsed;
        }
    }

    /// When something happens here, apart from completions.
    pub fn next_event(&self) -> Option<Nanos> {
        if self.loading {
            Some(self.begin)
        } else if self.current != NONE && (self.giving_way || self.backlogged > 1) {
            Some(self.until)
        } else {
            None
        }
    }

    /// An operation has come at `ran`, which is `now`; hands it back if it runs at once.
    pub fn join(&mut self, operation: Active, ran: Nanos, now: Nanos) -> Option<Active> {
        let context = operation.operation.client;
        let begins = self.current == NONE;
        let work = &mut self.work[context as usize];
        *work += 1;
        if *work == 1 {
            self.backlogged += 1;
            self.waiting_since[context as usize] = now;
            if self.current != NONE && self.until <= ran {
                // A lone context's turns followed each other without a trace.
                let turns = (ran - self.until) / self.slice + 1;
                self.until += turns * self.slice;
                self.begin = self.until - self.slice;
            }
            if self.by_piece {
                self.policy.work(context, piece(&operation, 1));
            }
            self.policy.ready(context);
            if self.current == NONE {
                let grant = self.policy.select(ran);
                self.begin_turn(grant, ran);
            }
        }
        if self.current == context
            && !self.loading
            && !self.giving_way
            && (!self.by_piece || begins || self.policy.joins(operation.number))
        {
            return Some(operation);
        }
        self.waiting.push(operation);
        None
    }

    /// An operation of a context has ended.
    pub fn ended(&mut self, operation: &Active) {
        self.work[operation.operation.client as usize] -= 1;
    }

    /// Operations of a context go without being done: `from_active` that were on the SMs, and those that `goes`
    /// names of the others. It is `now`, at `ran`.
    pub fn take_out(
        &mut self,
        context: u32,
        from_active: u32,
        mut goes: impl FnMut(&Active) -> bool,
        (ran, now): (Nanos, Nanos),
        (active, clients): (&mut Vec<Active>, &mut [Client]),
    ) {
        let mut gone = from_active;
        self.waiting.retain(|operation| {
            let goes = goes(operation);
            gone += u32::from(goes);
            !goes
        });
        let work = &mut self.work[context as usize];
        let had = *work > 0;
        *work -= gone;
        let more = *work > 0;
        if had && !more {
            self.backlogged -= 1;
            self.waiting_since[context as usize] = NEVER;
            if self.current != context {
                self.policy.blocked(context);
            }
        }
        let idle = self.by_piece && !self.loading && active.is_empty();
        if had && self.current == context && (!more || idle) {
            if more {
                self.wait_for_another_turn(now);
            }
            self.loading = false;
            self.giving_way = false;
            let held = ran.saturating_sub(self.begin);
            let grant = self.policy.rotate(held, more, ran);
            self.begin_turn(grant, ran);
            self.bring(active, clients);
        }
    }

    /// The operations that are not on the SMs.
    pub fn waiting(&self) -> &[Active] {
        &self.waiting
    }

    pub fn waiting_mut(&mut self) -> &mut [Active] {
        &mut self.waiting
    }

    /// What follows at an event at `ran`, which is `now`: `ended` if an operation has ended.
    pub fn step(
        &mut self,
        (ran, now): (Nanos, Nanos),
        ended: bool,
        active: &mut Vec<Active>,
        clients: &mut [Client],
    ) {
        if self.current == NONE {
            return;
        }
        if self.loading {
            self.loading = false;
            self.bring(active, clients);
            return;
        }
        let more = self.work[self.current as usize] > 0;
        if self.by_piece {
            if !active.is_empty() {
                return;
            }
            self.wait_for_another_turn(now);
        } else if more {
            let over = self.giving_way || (ended && self.rules.on_completion == OnCompletion::End);
            let over = over || (self.slice_is_over(ran) && !self.gives_way(ran, active));
            if !over {
                return;
            }
            clients[self.current as usize].active = 0;
            self.waiting.append(active);
            self.waiting_since[self.current as usize] = now;
        }
        if !more {
            self.backlogged -= 1;
        }
        let held = ran.saturating_sub(self.begin);
        let grant = self.policy.rotate(held, more, ran);
        self.begin_turn(grant, ran);
        self.bring(active, clients);
    }

    /// The pieces of work that had this turn are done; others may be left.
    fn wait_for_another_turn(&mut self, now: Nanos) {
        let current = self.current;
        let mut left = self.waiting.iter();
        if let Some(first) = left.find(|operation| operation.operation.client == current) {
            self.waiting_since[current as usize] = now;
            let pieces = self.work[current as usize];
            self.policy.work(current, piece(first, pieces));
        }
    }

    /// The switch to this tenant has loaded the context that was being loaded.
    pub fn restored(&mut self, ran: Nanos, active: &mut Vec<Active>, clients: &mut [Client]) {
        self.loading = false;
        self.changes -= 1;
        self.begin = ran;
        self.until = ran.saturating_add(self.slice);
        self.bring(active, clients);
    }

    /// The entry is on the SMs at `time`, for the first time since `left`: so is the current context.
    pub fn runs_from(&mut self, time: Nanos, left: Nanos) {
        if self.current != NONE && !self.loading {
            let current = self.current as usize;
            let since = self.waiting_since[current].min(left);
            let longest = &mut self.longest_wait[current];
            *longest = time.saturating_sub(since).max(*longest);
            self.waiting_since[current] = NEVER;
        }
    }

    /// Longest wait of a context up to `now`; `left` is since when the entry has had work without being
    /// on the SMs.
    pub fn longest_wait(&self, context: u32, now: Nanos, left: Option<Nanos>) -> Nanos {
        let own = self.waiting_since[context as usize];
        let since = match left {
            Some(left) if self.current == context => own.min(left),
            _ => own,
        };
        self.longest_wait[context as usize].max(now.saturating_sub(since))
    }

    /// Forgets the longest waits up to `now`.
    pub fn forget_waits(&mut self, now: Nanos) {
        self.longest_wait.fill(0);
        for since in &mut self.waiting_since {
            *since = (*since).max(now);
        }
    }

    fn slice_is_over(&self, ran: Nanos) -> bool {
        self.backlogged > 1 && ran >= self.until
    }

    /// Asks the current context to give way; whether that takes time.
    fn gives_way(&mut self, ran: Nanos, active: &[Active]) -> bool {
        let delay = match self.rules.preemption {
            Preemption::Delay(delay) => delay,
            Preemption::KernelBoundary => to_kernel_boundary(active, 0),
        };
        self.giving_way = delay > 0;
        self.until = ran.saturating_add(delay);
        self.giving_way
    }

    fn begin_turn(&mut self, grant: Option<Grant>, ran: Nanos) {
        let next = grant.and_then(|grant| Some((grant.entry?, grant.slice)));
        let Some((context, slice)) = next else {
            self.current = NONE;
            return;
        };
        let changes = self.loaded != NONE && self.loaded != context;
        let cost = if changes { self.rules.change } else { 0 };
        self.changes += u64::from(changes);
        self.current = context;
        self.loaded = context;
        self.slice = slice;
        self.begin = ran.saturating_add(cost);
        self.until = self.begin.saturating_add(slice);
        self.giving_way = false;
        self.loading = cost > 0;
    }

    /// Brings the operations of the current context onto the SMs, once it is loaded.
    fn bring(&mut self, active: &mut Vec<Active>, clients: &mut [Client]) {
        if self.current == NONE || self.loading {
            return;
        }
        let (current, by_piece, policy) = (self.current, self.by_piece, &mut self.policy);
        self.waiting.retain(|operation| {
            let stays = operation.operation.client != current
                || (by_piece && !active.is_empty() && !policy.joins(operation.number));
            if !stays {
                let client = &mut clients[current as usize];
                let mut operation = *operation;
                if by_piece {
                    // What ran meanwhile was other work.
                    operation.busy = client.busy;
                }
                client.active += 1;
                active.push(operation);
            }
            stays
        });
    }
}

/// A piece of work that has not run, as policies by pieces see it.
fn piece(operation: &Active, pieces: u32) -> Work {
    Work {
        deadline: operation.operation.deadline,
        served: 0,
        left: time_for(operation.left, operation.operation.speed),
        oldest: operation.number,
        pieces,
    }
}

impl fmt::Debug for Contexts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Contexts")
            .field("work", &self.work)
            .field("current", &self.current)
            .field("begin", &self.begin)
            .field("until", &self.until)
            .field("changing", &self.changing)
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}
