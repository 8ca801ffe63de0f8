//! Who takes part in the rotation of a domain, and work that goes without being done.
//!
//! Call [`start`](ComputeDomain::start) after the last change of an instant: until then nobody is chosen in the
//! place of a holder who has gone.

use super::domain::{ComputeDomain, NOBODY};
use super::entry::OperationId;
use crate::engine::time::{NEVER, Nanos};
use crate::policy::{Entry, Terms};

impl ComputeDomain {
    /// The tenant of `entry` has started: the entry joins the rotation at `now`, with the work that it has.
    pub fn admit(&mut self, entry: Entry, now: Nanos) {
        self.settle(now);
        let state = &mut self.entries[entry as usize];
        state.admitted = true;
        state.waiting_since = now;
        self.policy.admit(entry, &state.terms);
        if state.has_work() {
            self.tell(entry);
            self.policy.ready(entry);
        }
    }

    /// The entry leaves the rotation at `now`. What work it has waits until it is admitted again.
    pub fn leave(&mut self, entry: Entry, now: Nanos) {
        self.settle(now);
        if self.turn.draining == entry {
            self.stop_draining();
        }
        let state = &mut self.entries[entry as usize];
        if !std::mem::take(&mut state.admitted) {
            return;
        }
        let holds = self.turn.holder == entry;
        if state.has_work() && !holds {
            state.stops_waiting(now);
            self.policy.blocked(entry);
        }
        if holds {
            self.end_turn(false);
        }
        self.policy.retire(entry);
    }

    /// The tenant of `entry` has other terms: it joins the rotation anew.
    pub fn set_terms(&mut self, entry: Entry, terms: Terms, now: Nanos) {
        let state = &mut self.entries[entry as usize];
        state.terms = terms;
        if state.admitted {
            self.leave(entry, now);
            self.admit(entry, now);
        }
    }

    /// A client of `entry` has other terms, where clients share the SMs in space.
    pub fn set_client_terms(&mut self, entry: Entry, client: u32, terms: &Terms, now: Nanos) {
        self.settle(now);
        if self.turn.draining == entry {
            self.stop_draining();
        }
        self.entries[entry as usize].set_client_terms(client, terms, &self.rates);
    }

    /// The operations of a client of `entry` that `lost` names are gone, as far as they have come.
    pub fn abandon(
        &mut self,
        entry: Entry,
        client: u32,
        lost: impl Fn(&OperationId) -> bool,
        now: Nanos,
    ) {
        self.change_work(entry, now, |domain| {
            let state = &mut domain.entries[entry as usize];
            state.abandon(client, lost, now, &domain.rates);
        });
    }

    /// A client of `entry` is set aside until it is [resumed](Self::resume): with its operations, and with those
    /// that come to it.
    pub fn suspend(&mut self, entry: Entry, client: u32, now: Nanos) {
        self.change_work(entry, now, |domain| {
            let state = &mut domain.entries[entry as usize];
            domain.suspended += u32::from(state.suspend(client, now, &domain.rates));
        });
    }

    /// A client that was set aside goes on.
    pub fn resume(&mut self, entry: Entry, client: u32, now: Nanos) {
        self.settle(now);
        let Some(aside) = self.entries[entry as usize].resume(client) else {
            return;
        };
        self.suspended -= 1;
        for active in aside {
            self.take(entry, active, now);
        }
    }

    /// All operations that are here begin anew; no entry is in the rotation.
    pub fn restart(&mut self, now: Nanos) {
        self.settle(now);
        for state in &mut self.entries {
            state.restart(&self.rates);
        }
    }

    /// The operations that are here.
    pub fn operations(&self) -> impl Iterator<Item = OperationId> {
        self.entries.iter().flat_map(|entry| entry.operations())
    }

    /// Takes work from an entry, and does what follows for its turn.
    fn change_work(&mut self, entry: Entry, now: Nanos, change: impl FnOnce(&mut Self)) {
        self.settle(now);
        if self.turn.draining == entry {
            self.stop_draining();
        }
        let had_work = self.entries[entry as usize].has_work();
        change(self);
        if !had_work {
            return;
        }
        let holds = self.turn.holder == entry;
        let idle_ends_turns = self.idle_ends_turns();
        let state = &mut self.entries[entry as usize];
        if !state.has_work() {
            self.backlogged -= 1;
            if holds && idle_ends_turns {
                self.end_turn(false);
            } else if !holds && state.admitted {
                state.stops_waiting(now);
                self.policy.blocked(entry);
            }
        } else if holds && self.by_piece && !state.runs() {
            state.waiting_since = now;
            self.tell(entry);
            self.end_turn(true);
        } else if !holds {
            self.tell(entry);
        }
    }

    /// The turn is over before its time, and nobody has been chosen yet.
    fn end_turn(&mut self, more: bool) {
        self.stop_draining();
        let held = self.cursor.saturating_sub(self.turn.begin);
        self.policy.turn_over(held, more);
        self.begin_turn(self.cursor, None, NOBODY);
    }

    /// Preemption takes hold at once; the rest of the turn comes earlier by what it would have taken.
    fn stop_draining(&mut self) {
        let turn = &mut self.turn;
        let Some(state) = self.entries.get_mut(turn.draining as usize) else {
            return;
        };
        state.waiting_since = state.waiting_since.min(self.cursor);
        turn.draining = NOBODY;
        turn.drain_completes = false;
        let sooner = turn.drain_end.saturating_sub(self.cursor);
        turn.drain_end -= sooner;
        turn.begin -= sooner;
        turn.ready -= sooner;
        if turn.until != NEVER {
            turn.until -= sooner;
        }
    }
}
