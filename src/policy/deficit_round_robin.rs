//! Deficit round robin: turns in a circle, each as long as the weight says, less what was taken too much.
//!
//! Every visit adds weight × slice to the deficit counter of an entry, which may then run until the
//! counter is used up. What a turn over-runs, because preemption takes time, is taken off the next; an
//! entry that falls idle loses what is left.
//!
//! Source: M. Shreedhar and G. Varghese, "Efficient Fair Queueing Using Deficit Round Robin", SIGCOMM
//! 1995 (§4; theorem 2: in any interval the normalised service of two busy flows differs by no more than
//! a visit and the largest packet). Time can be cut anywhere, so packets count as nothing.

use super::properties::ONE_TURN_BY_WEIGHT;
use super::queue::Queue;
use super::registered::{Registered, Use};
use super::{Entries, Entry, Grant, Policy, Preempts, Properties, Terms, Weights};
use crate::engine::time::Nanos;

pub(super) const DEFICIT_ROUND_ROBIN: Registered = Registered {
    name: "deficit-round-robin",
    about: "turns as long as weights say, less what was taken too much",
    source: "Shreedhar and Varghese, SIGCOMM 1995",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::Weight],
    parameters: &[],
    build: |setup| {
        let policy = DeficitRoundRobin::new(setup.config.slice);
        Box::new(policy)
    },
};

const PROPERTIES: Properties = Properties {
    work_conserving: true,
    weights: Weights::Proportional { slices: 1.0 },
    starvation: ONE_TURN_BY_WEIGHT,
    preempts: Preempts::Never,
};

/// See the [module documentation](self).
pub struct DeficitRoundRobin {
    slice: Nanos,
    quantum: Entries<i128>,
    deficit: Entries<i128>,
    ready: Queue,
    holder: Option<Entry>,
}

impl DeficitRoundRobin {
    pub fn new(slice: Nanos) -> Self {
        DeficitRoundRobin {
            slice,
            quantum: Entries::new(),
            deficit: Entries::new(),
            ready: Queue::default(),
            holder: None,
        }
    }
}

impl Policy for DeficitRoundRobin {
    fn admit(&mut self, entry: Entry, terms: &Terms) {
        self.quantum
            .admit(entry, i128::from(self.slice) * i128::from(terms.weight));
        self.deficit.admit(entry, 0);
        self.ready.make_room(entry);
    }

    /// Nothing is kept but what [`admit`](Policy::admit) sets anew.
    fn retire(&mut self, _entry: Entry) {}

    fn ready(&mut self, entry: Entry) {
        self.ready.push(entry);
    }

    fn blocked(&mut self, entry: Entry) {
        self.ready.remove(entry);
        self.deficit[entry] = self.deficit[entry].min(0);
    }

    fn turn_over(&mut self, held: Nanos, more: bool) {
        let Some(entry) = self.holder.take() else {
            return;
        };
        let deficit = &mut self.deficit[entry];
        *deficit -= i128::from(held);
        if more {
            self.ready.push(entry);
        } else {
            *deficit = (*deficit).min(0);
        }
    }

    fn over_ran(&mut self, entry: Entry, extra: Nanos) {
        self.deficit[entry] -= i128::from(extra);
    }

    fn select(&mut self, _now: Nanos) -> Option<Grant> {
        while let Some(entry) = self.ready.pop() {
            let deficit = &mut self.deficit[entry];
            *deficit += self.quantum[entry];
            if *deficit > 0 {
                self.holder = Some(entry);
                return Some(Grant {
                    entry: Some(entry),
                    slice: Nanos::try_from(*deficit).unwrap_or(Nanos::MAX),
                });
            }
            // It has run for more than a visit too much.
            self.ready.push(entry);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::keyed::{turns_of, weights};
    use super::*;

    #[test]
    fn a_visit_is_as_long_as_the_weight_says() {
        let mut policy = DeficitRoundRobin::new(10);
        assert_eq!(turns_of(&mut policy, &weights([3, 1]), 4), [0, 1, 0, 1]);
        assert_eq!(policy.select(0).map(|grant| grant.slice), Some(30));
    }

    #[test]
    fn over_run_is_taken_off_the_next_visits() {
        let mut policy = DeficitRoundRobin::new(10);
        for (entry, terms) in weights([1, 1]).iter().enumerate() {
            policy.admit(entry as Entry, terms);
            policy.ready(entry as Entry);
        }
        policy.select(0);
        policy.turn_over(10, true);
        policy.over_ran(0, 14);
        let mut turns = Vec::new();
        for _ in 0..4 {
            let grant = policy.select(0).expect("work is waiting");
            turns.push((grant.entry, grant.slice));
            policy.turn_over(grant.slice, true);
        }
        // 0 misses a visit and the next is 6 long.
        assert_eq!(
            turns,
            [(Some(1), 10), (Some(1), 10), (Some(0), 6), (Some(1), 10)]
        );
    }

    #[test]
    fn who_falls_idle_keeps_no_credit() {
        let mut policy = DeficitRoundRobin::new(10);
        policy.admit(0, &Terms::default());
        policy.ready(0);
        policy.select(0);
        policy.turn_over(2, false);
        policy.ready(0);
        assert_eq!(policy.select(2).map(|grant| grant.slice), Some(10));
    }
}
