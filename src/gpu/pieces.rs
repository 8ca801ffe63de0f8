//! Turns that are for pieces of work: which pieces of the holder have the turn.

use super::domain::ComputeDomain;
use crate::engine::time::Nanos;
use crate::policy::Entry;

impl ComputeDomain {
    /// Whether an operation that comes to `entry` waits for a turn to come, also where the entry has one.
    #[inline]
    pub(super) fn waits_for_a_turn(&mut self, entry: Entry, number: u64, now: Nanos) -> bool {
        if self.by_piece {
            self.turn.holder != entry || self.completing || !self.policy.joins(number)
        } else {
            self.turn.draining == entry && now < self.turn.drain_end
        }
    }

    /// Lets work of the holder join its turn: the first `surely` pieces that wait, and what the policy lets
    /// join behind them.
    pub(super) fn let_join(&mut self, holder: u32, surely: usize) {
        let state = &mut self.entries[holder as usize];
        let surely = surely.min(state.waiting().len());
        let others = state.waiting().skip(surely);
        let others = others.take_while(|&piece| self.policy.joins(piece)).count();
        if surely + others > 0 {
            state.join_parked(surely + others, &self.rates);
        }
    }
}
