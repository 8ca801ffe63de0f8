//! A compute domain: a set of SMs and one arbiter that grants them in turns.
//!
//! A turn has up to three parts, one after the other:
//!
//! ```text
//! turn chosen      preempted        context ready                  until
//!     |--- draining ---|--- switching ---|--- running or held idle ---|
//! ```
//!
//! While *draining*, the outgoing entry still works (useful time, and over-run). *Switching* is
//! saving, restoring and the scheduler's own call. In the rest the holder runs, or a reserved turn
//! passes unused. Preemption needs no drain when the outgoing entry has nothing to run, and a holder
//! that is chosen again goes on at once.
//!
//! Accounts are integers: useful, switching, reserved-idle and idle SM·ns add up to SMs × wall. SMs
//! that a holder keeps from others but does not fill count as reserved-idle.

use super::accounts::Counters;
use super::contexts::ContextRules;
use super::entry::{Active, EntryState, Finished, SmOperation};
use super::rates::{Beside, RateRules};
use super::rounds::Rounds;
use super::{Charge, Preemption, SwitchCost};
use crate::engine::calendar::Class;
use crate::engine::time::{NEVER, Nanos};
use crate::policy::{Entry, Grant, OnCompletion, OnIdle, Policy, Terms, Ties};

/// Nobody holds the SMs.
pub(super) const NOBODY: u32 = u32::MAX;
/// A reserved turn without a vGPU.
const VACANT: u32 = u32::MAX - 1;

/// How a domain treats slices, apart from its policy.
#[derive(Debug, Clone, Copy)]
pub struct TurnRules {
    pub on_completion: OnCompletion,
    pub on_idle: OnIdle,
    pub ties: Ties,
    pub switch: SwitchCost,
    /// Whether a single entry always runs, whose clients share the SMs in space: nobody keeps those that
    /// it does not fill.
    pub in_space: bool,
}

/// A [`Charge`] taken apart: what makes a turn pay.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChargeRule {
    /// Another tenant's context is loaded.
    pub tenant: bool,
    /// Another entry ran last.
    pub entry: bool,
    /// The turn itself.
    pub always: bool,
    /// The cost comes out of the slice, whether there is work or not.
    pub in_slot: bool,
    /// A turn pays also if it comes to an entry without work.
    pub without_work: bool,
}

impl From<Charge> for ChargeRule {
    fn from(charge: Charge) -> Self {
        ChargeRule {
            tenant: charge == Charge::PerTenantChange,
            entry: charge == Charge::PerEntryChange,
            always: charge == Charge::PerDispatch || charge == Charge::PerSlot,
            in_slot: charge == Charge::PerSlot,
            without_work: charge == Charge::PerSlot,
        }
    }
}

/// See the [module documentation](self).
pub struct ComputeDomain {
    pub(super) rates: RateRules,
    pub(super) policy: Box<dyn Policy>,
    pub(super) reserves: bool,
    pub(super) rules: TurnRules,
    pub(super) charge: ChargeRule,
    /// Preemption takes no time.
    pub(super) preempts_at_once: bool,
    /// The policy is told of the work of entries.
    watched: bool,
    /// Turns are for pieces of work.
    pub(super) by_piece: bool,
    /// Turns may come to entries without work, and end there.
    visits: bool,
    /// Operations that have come.
    came: u64,
    /// Turns may be of the kind that [`advance`](Self::advance) takes in a sprint.
    pub(super) sprints: bool,
    /// Save, restore and scheduler call together.
    pub(super) switch_time: Nanos,
    pub(super) entries: Vec<EntryState>,
    /// Entries with work.
    pub(super) backlogged: u32,
    /// Clients that are set aside.
    pub(super) suspended: u32,
    pub(super) turn: Turn,
    /// Up to when everything is accounted.
    pub(super) cursor: Nanos,
    /// Entry whose context is loaded, and its tenant.
    pub(super) context: u32,
    pub(super) context_tenant: u32,
    pub(super) counters: Counters,
    /// A completion is being handled: the next turn is chosen at its end.
    pub(super) completing: bool,
    /// Whether an operation ended in it, and not only a turn within the entry.
    ended: bool,
    pub(super) rounds: Rounds,
}

/// The turn under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// An entry, [`VACANT`] or [`NOBODY`].
    pub holder: u32,
    /// The preempted entry, or [`NOBODY`].
    pub draining: u32,
    pub drain_end: Nanos,
    /// Whether an operation of the draining entry completes at `drain_end`.
    pub drain_completes: bool,
    /// From when the slice counts.
    pub begin: Nanos,
    /// From when the holder's context is ready.
    pub ready: Nanos,
    pub until: Nanos,
    /// Whether this turn has paid for its dispatch.
    pub charged: bool,
}

impl ComputeDomain {
    /// A domain without entries, idle from time 0.
    pub fn new(rates: RateRules, policy: Box<dyn Policy>, rules: TurnRules) -> Self {
        let reserves = policy.reserves();
        let watched = policy.sees_work();
        let by_piece = policy.by_piece();
        let visits = policy.visits();
        let mut charge = ChargeRule::from(rules.switch.charge);
        charge.without_work |= visits;
        let preempts_at_once = rules.switch.preemption == Preemption::Delay(0);
        ComputeDomain {
            rates,
            reserves,
            policy,
            switch_time: rules.switch.total(),
            watched,
            by_piece,
            visits,
            came: 0,
            sprints: preempts_at_once && !charge.in_slot && !watched,
            charge,
            preempts_at_once,
            rules,
            entries: Vec::new(),
            backlogged: 0,
            suspended: 0,
            turn: Turn {
                holder: NOBODY,
                draining: NOBODY,
                drain_end: 0,
                drain_completes: false,
                begin: 0,
                ready: 0,
                until: NEVER,
                charged: false,
            },
            cursor: 0,
            context: NOBODY,
            context_tenant: NOBODY,
            counters: Counters::default(),
            completing: false,
            ended: false,
            rounds: Rounds::default(),
        }
    }

    /// Adds an entry of a tenant, which takes part once it is admitted. Entries are added in rank order.
    pub fn add_entry(&mut self, tenant: u32, terms: Terms) -> Entry {
        self.entries.push(EntryState::new(tenant, terms));
        (self.entries.len() - 1) as Entry
    }

    /// Adds a client with at most `cap` SMs and `streams` streams to an entry; returns its
    /// number. An entry needs at least one.
    pub fn add_client(&mut self, entry: Entry, cap: u32, terms: &Terms, streams: usize) -> u32 {
        self.entries[entry as usize].add_client(cap, terms, streams)
    }

    /// How the clients of an entry run side by side.
    pub fn run_beside(&mut self, entry: Entry, beside: Beside) {
        self.entries[entry as usize].run_beside(beside);
    }

    /// Clients of an entry, still to be added, take turns within its running time.
    pub fn take_turns(&mut self, entry: Entry, policy: Box<dyn Policy>, rules: ContextRules) {
        self.entries[entry as usize].take_turns(policy, rules);
    }

    pub fn sms(&self) -> u32 {
        self.rates.sms
    }

    pub fn entries(&self) -> &[EntryState] {
        &self.entries
    }

    /// Up to when everything is accounted.
    pub fn now(&self) -> Nanos {
        self.cursor
    }

    /// Who holds the SMs with something to run, and from when its context is ready.
    pub fn holder(&self) -> (Option<Entry>, Nanos) {
        let state = self.entries.get(self.turn.holder as usize);
        let runs = state.is_some_and(EntryState::runs);
        (runs.then_some(self.turn.holder), self.turn.ready)
    }

    /// What rates depend on here.
    pub fn rates(&self) -> &RateRules {
        &self.rates
    }

    /// Longest wait of an entry with work for the SMs, one that is still going on included; of one of its
    /// clients, where they take turns within the entry.
    pub fn longest_wait(&self, entry: Entry, client: u32) -> Nanos {
        let running = self.turn.holder == entry || self.turn.draining == entry;
        self.entries[entry as usize].longest_wait(client, self.cursor, running)
    }

    /// Forgets the longest waits so far: measurement starts.
    pub fn forget_waits(&mut self) {
        for entry in &mut self.entries {
            entry.forget_waits(self.cursor);
        }
    }

    /// The next event of this domain and its class. With `lazy`, turns of a domain in which nobody
    /// has work are no events: [`advance`](Self::advance) catches up with them.
    #[inline(always)]
    pub fn next_event(&self, lazy: bool) -> Option<(Nanos, Class)> {
        let turn = &self.turn;
        if turn.drain_completes {
            return Some((turn.drain_end, Class::Completion));
        }
        if let Some(state) = self.entries.get(turn.holder as usize)
            && state.runs()
        {
            let end = self.cursor.max(turn.ready).saturating_add(state.left());
            if end <= turn.until {
                return (end != NEVER).then_some((end, Class::Completion));
            }
        } else if turn.holder == NOBODY || (lazy && self.backlogged == 0) {
            return None;
        } else if self.visits && turn.holder != VACANT {
            return Some((turn.ready, self.grant_end_class()));
        }
        (turn.until != NEVER).then_some((turn.until, self.grant_end_class()))
    }

    #[inline(always)]
    fn grant_end_class(&self) -> Class {
        match self.rules.ties {
            Ties::PreemptedFirst => Class::GrantEnd,
            Ties::ArrivalFirst => Class::LateGrantEnd,
        }
    }

    /// Brings accounts and progress up to `now`, which is not after the next event.
    #[inline(always)]
    pub fn settle(&mut self, now: Nanos) {
        if now <= self.cursor {
            return;
        }
        let mut from = self.cursor;
        if from < self.turn.ready {
            from = self.settle_before_run(now);
        }
        if from < now {
            let wall = now - from;
            match self.entries.get_mut(self.turn.holder as usize) {
                Some(state) if state.runs() => {
                    state.run(wall);
                    self.counters.running += wall;
                }
                None if self.turn.holder == NOBODY => self.counters.idle += wall,
                _ => self.counters.held_idle += wall,
            }
        }
        self.cursor = now;
    }

    /// Settles draining and switching up to `now`; returns up to when.
    #[inline(never)]
    fn settle_before_run(&mut self, now: Nanos) -> Nanos {
        let mut from = self.cursor;
        if from < self.turn.drain_end
            && let Some(state) = self.entries.get_mut(self.turn.draining as usize)
        {
            let to = now.min(self.turn.drain_end);
            state.run(to - from);
            self.counters.running += to - from;
            from = to;
        }
        let to = now.min(self.turn.ready);
        if from < to {
            self.counters.switching += to - from;
            if let Some(state) = self.entries.get_mut(self.turn.holder as usize)
                && state.has_work()
            {
                state.switched += to - from;
            }
            from = to;
        }
        from
    }

    /// Tells a policy that looks at work what is at the head of an entry.
    #[inline]
    pub(super) fn tell(&mut self, entry: Entry) {
        let state = &self.entries[entry as usize];
        if self.watched && state.admitted {
            self.policy.work(entry, state.work());
        }
    }

    /// An entry has become ready beside the holder of a turn: the policy may end that turn.
    fn claim(&mut self, entry: Entry, now: Nanos) {
        let turn = &mut self.turn;
        let held = now.saturating_sub(turn.begin);
        if self.policy.preempts(entry, held, now) {
            turn.until = turn.until.min(now.max(turn.ready));
        }
    }

    /// Chooses a holder if nobody holds the SMs: the first, or that in the place of one who has left.
    pub fn start(&mut self, now: Nanos) {
        self.settle(now);
        if self.turn.holder == NOBODY {
            self.choose(now);
        }
    }

    /// Gives an operation to an entry at `now`.
    pub fn submit(&mut self, entry: Entry, operation: SmOperation, now: Nanos) {
        self.settle(now);
        let number = self.came;
        self.came += 1;
        let state = &mut self.entries[entry as usize];
        let active = state.activate(operation, number, now);
        if self.suspended > 0 && state.is_aside(operation.client) {
            state.set_aside(active);
        } else {
            self.take(entry, active, now);
        }
    }

    /// Takes an operation in, of a client that is not set aside.
    #[inline(always)]
    pub(super) fn take(&mut self, entry: Entry, active: Active, now: Nanos) {
        let park = self.waits_for_a_turn(entry, active.number, now);
        let state = &mut self.entries[entry as usize];
        let had_work = state.has_work();
        state.submit(active, now, park, &self.rates);
        if had_work {
            if self.turn.holder != entry {
                self.tell(entry);
            }
            return;
        }
        self.backlogged += 1;
        if self.turn.holder == entry {
            if !self.completing {
                self.dispatch_within_turn(entry, now);
            }
            return;
        }
        let state = &mut self.entries[entry as usize];
        state.waiting_since = now;
        if state.admitted {
            self.tell(entry);
            self.policy.ready(entry);
            if self.turn.holder != NOBODY {
                self.claim(entry, now);
            } else if !self.completing {
                self.choose(now);
            }
        }
    }

    /// Work has come to the holder of a reserved turn that had none.
    fn dispatch_within_turn(&mut self, entry: Entry, now: Nanos) {
        let cost = self.load_context(entry, self.turn.charged);
        self.turn.charged = true;
        let free = self.turn.ready.max(now);
        self.turn.ready = free.saturating_add(cost).min(self.turn.until);
        let state = &mut self.entries[entry as usize];
        state.waiting_since = now;
        state.waited_until(self.turn.ready);
    }

    /// Handles a completion at `now`: finished operations are appended to `finished`; there are none where
    /// only a turn within the entry ends. The caller reacts to them (which may submit more work), then calls [`completed`](Self::completed).
    pub fn complete(&mut self, now: Nanos, finished: &mut Vec<Finished>) {
        self.settle(now);
        self.completing = true;
        let entry = if self.turn.drain_completes {
            self.turn.draining
        } else {
            self.turn.holder
        };
        let before = finished.len();
        let state = &mut self.entries[entry as usize];
        state.complete(now, &self.rates, finished);
        self.ended = finished.len() > before;
        if !state.has_work() {
            self.backlogged -= 1;
            if self.turn.drain_completes {
                // Its turn was over with work left, so the policy holds it for ready.
                self.policy.blocked(entry);
            }
        } else if self.turn.drain_completes {
            self.tell(entry);
        }
    }

    /// Ends the handling of a completion.
    pub fn completed(&mut self, now: Nanos) {
        self.completing = false;
        if self.turn.drain_completes {
            self.turn.drain_completes = false;
            self.turn.draining = NOBODY;
            return;
        }
        let state = &self.entries[self.turn.holder as usize];
        let ends = if self.by_piece {
            !state.runs()
        } else if state.has_work() {
            self.ended && self.rules.on_completion == OnCompletion::End
        } else {
            self.idle_ends_turns()
        };
        if ends {
            let more = state.has_work();
            if more {
                self.entries[self.turn.holder as usize].waiting_since = now;
                self.tell(self.turn.holder);
            }
            let held = now.saturating_sub(self.turn.begin);
            let grant = self.policy.rotate(held, more, now);
            self.begin_turn(now, grant, NOBODY);
        } else if now < self.turn.until {
            if self.by_piece {
                self.let_join(self.turn.holder, 0);
            }
            self.entries[self.turn.holder as usize].goes_on(now);
        }
    }

    /// Whether a turn is over when its holder has no work left.
    #[inline(always)]
    pub(super) fn idle_ends_turns(&self) -> bool {
        !self.reserves || self.rules.on_idle == OnIdle::End
    }

    /// Handles the end of the present turn at `now`.
    #[inline(always)]
    pub fn grant_end(&mut self, now: Nanos) {
        self.settle(now);
        let holder = self.turn.holder;
        let mut outgoing = NOBODY;
        if let Some(state) = self.entries.get_mut(holder as usize)
            && state.has_work()
        {
            state.waiting_since = now;
            outgoing = holder;
            self.tell(holder);
        }
        let held = now.saturating_sub(self.turn.begin);
        let grant = self.policy.rotate(held, outgoing != NOBODY, now);
        self.begin_turn(now, grant, outgoing);
    }

    /// Asks the policy for the next holder when nobody holds the SMs.
    fn choose(&mut self, now: Nanos) {
        let grant = self.policy.select(now);
        self.begin_turn(now, grant, NOBODY);
    }

    /// Starts a turn; `outgoing` is still running.
    #[inline(always)]
    pub(super) fn begin_turn(&mut self, now: Nanos, grant: Option<Grant>, outgoing: u32) {
        let Some(Grant { entry, slice }) = grant else {
            self.turn.holder = NOBODY;
            self.turn.draining = NOBODY;
            self.turn.drain_end = now;
            self.turn.ready = now;
            self.turn.until = NEVER;
            return;
        };
        let holder = entry.unwrap_or(VACANT);
        let mut drain_end = now;
        self.turn.draining = NOBODY;
        if outgoing != NOBODY && outgoing != holder && !self.preempts_at_once {
            drain_end = self.preempt(outgoing, now);
        }
        let mut cost = 0;
        let mut has_work = false;
        if self.by_piece && entry.is_some() {
            self.let_join(holder, 1);
        }
        if let Some(state) = self.entries.get_mut(holder as usize) {
            if !self.by_piece {
                state.unpark(&self.rates);
            }
            has_work = state.runs();
            if has_work || self.charge.without_work {
                cost = self.load_context(holder, false);
            }
        }
        self.counters.turns += 1;
        let turn = &mut self.turn;
        turn.holder = holder;
        turn.drain_end = drain_end;
        turn.charged = has_work || self.charge.without_work;
        turn.ready = drain_end.saturating_add(cost);
        if self.charge.in_slot {
            turn.begin = drain_end;
            turn.until = drain_end.saturating_add(slice);
            turn.ready = turn.ready.min(turn.until);
        } else {
            turn.begin = turn.ready;
            turn.until = turn.ready.saturating_add(slice);
        }
        if has_work {
            let ready = turn.ready;
            let state = &mut self.entries[holder as usize];
            if holder != outgoing {
                state.waited_until(ready);
            } else {
                state.goes_on(ready);
            }
        }
    }

    /// Makes the context of `entry` the loaded one; returns what that costs. A turn that is
    /// `charged` has paid for itself.
    #[inline(always)]
    fn load_context(&mut self, entry: Entry, charged: bool) -> Nanos {
        let tenant = self.entries[entry as usize].tenant;
        let first = self.context == NOBODY;
        let tenant_changes = !first && self.context_tenant != tenant;
        let entry_changes = !first && self.context != entry;
        self.counters.switches += u64::from(tenant_changes);
        if tenant_changes {
            self.entries[entry as usize].restored(&self.rates);
        }
        self.context = entry;
        self.context_tenant = tenant;
        let pays = (self.charge.tenant & tenant_changes)
            | (self.charge.entry & entry_changes)
            | (self.charge.always & !charged);
        if pays { self.switch_time } else { 0 }
    }

    /// Asks the outgoing entry to give way at `now`; returns when it has.
    #[inline(never)]
    fn preempt(&mut self, outgoing: u32, now: Nanos) -> Nanos {
        let state = &mut self.entries[outgoing as usize];
        let delay = match self.rules.switch.preemption {
            Preemption::Delay(delay) => delay,
            Preemption::KernelBoundary => state.to_kernel_boundary(),
        };
        // Preemption takes hold after the delay, or when an operation completes before.
        let extra = delay.min(state.left());
        if extra == 0 {
            return now;
        }
        state.goes_on(now);
        self.turn.draining = outgoing;
        self.turn.drain_completes = extra == state.left();
        state.waiting_since = now + extra;
        self.policy.over_ran(outgoing, extra);
        now + extra
    }
}
