//! Run-ahead: a domain takes its turns without the calendar.

use super::domain::{ComputeDomain, NOBODY, Turn};
use crate::engine::calendar::Class;
use crate::engine::time::Nanos;
use crate::policy::Grant;

impl ComputeDomain {
    /// Runs turns inside the domain as long as `due` says that their ends come before anything else;
    /// stops at the first completion. With `jump`, whole rounds that repeat are passed over at once.
    #[inline]
    pub fn advance(&mut self, jump: bool, due: impl Fn(Nanos, Class) -> bool) {
        self.rounds.restart(jump, self.entries.len());
        while let Some((time, class)) = self.next_event(false) {
            if class == Class::Completion || !due(time, class) {
                return;
            }
            self.grant_end(time);
            if self.rounds.turn_ends() {
                self.watch_rounds(&due, class);
            }
            if self.sprints {
                self.sprint(&due, class);
            }
        }
    }

    /// Takes turns of the commonest kind as [`grant_end`](Self::grant_end) would: the holder works to
    /// the end of its turn and makes way at once for one that has work. Few branches, and the state
    /// stays in registers; [`advance`](Self::advance) goes on where this stops.
    #[inline(always)]
    fn sprint(&mut self, due: &impl Fn(Nanos, Class) -> bool, class: Class) {
        let Turn {
            mut holder,
            begin,
            mut ready,
            mut until,
            ..
        } = self.turn;
        if begin < self.cursor || self.context != holder {
            return;
        }
        let Some(mut state) = self.entries.get_mut(holder as usize) else {
            return;
        };
        if !state.runs() {
            return; // a reserved turn without work has paid for nothing yet
        }
        let (mut cursor, mut tenant) = (self.cursor, self.context_tenant);
        let mut left = self.rounds.quiet_turns();
        while left > 0 && state.runs() && until - ready < state.left() && due(until, class) {
            let switching = ready - cursor;
            state.switched += switching;
            self.counters.switching += switching;
            let held = until - ready;
            state.run(held);
            self.counters.running += held;
            state.waiting_since = until;
            cursor = until;
            left -= 1;
            let grant = self.policy.rotate(held, true, cursor);
            let Some(Grant {
                entry: Some(next),
                slice,
            }) = grant
            else {
                return self.stop_sprinting(cursor, holder, tenant, grant, left);
            };
            state = &mut self.entries[next as usize];
            if !state.runs() {
                return self.stop_sprinting(cursor, holder, tenant, grant, left);
            }
            self.counters.turns += 1;
            let changes = state.tenant != tenant;
            self.counters.switches += u64::from(changes);
            if changes {
                state.restored(&self.rates);
            }
            let pays = (self.charge.tenant & changes)
                | (self.charge.entry & (next != holder))
                | self.charge.always;
            ready = cursor.saturating_add(if pays { self.switch_time } else { 0 });
            until = ready.saturating_add(slice);
            if next != holder {
                state.waited_until(ready);
            } else {
                state.goes_on(ready);
            }
            tenant = state.tenant;
            holder = next;
        }
        self.rounds.set_quiet_turns(left);
        self.context = holder;
        self.context_tenant = tenant;
        self.cursor = cursor;
        self.turn = Turn {
            holder,
            draining: NOBODY,
            drain_end: cursor,
            drain_completes: false,
            begin: ready,
            ready,
            until,
            charged: true,
        };
    }

    /// Starts a turn of another kind than those of [`sprint`](Self::sprint).
    #[inline(never)]
    fn stop_sprinting(
        &mut self,
        now: Nanos,
        outgoing: u32,
        tenant: u32,
        grant: Option<Grant>,
        quiet_turns: u64,
    ) {
        self.rounds.set_quiet_turns(quiet_turns);
        self.cursor = now;
        self.context = outgoing;
        self.context_tenant = tenant;
        self.begin_turn(now, grant, outgoing);
    }
}
