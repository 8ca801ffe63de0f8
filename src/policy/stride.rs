//! Stride scheduling: deterministic shares in proportion to weights.
//!
//! Every entry has a pass, which advances by its running time divided by its weight; the least pass
//! runs. A global pass advances by time divided by the weights of all that have work. Who falls idle
//! keeps its distance to the global pass and comes back at that distance, so that sleeping neither earns
//! nor loses time.
//!
//! Source: C. A. Waldspurger and W. E. Weihl, "Stride Scheduling: Deterministic Proportional-Share
//! Resource Management", MIT/LCS/TM-528, 1995 (§2, with fractional quanta; §3.1, dynamic participation).

use super::keyed::{LeastFirst, Rule};
use super::properties::LEAST_BY_WEIGHT;
use super::registered::{Registered, Use};
use super::{Entries, Entry, Properties, Terms};
use crate::engine::time::Nanos;

pub(super) const STRIDE: Registered = Registered {
    name: "stride",
    about: "the least running time per weight goes first",
    source: "Waldspurger and Weihl, MIT/LCS/TM-528, 1995",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::Weight],
    parameters: &[],
    build: |setup| Box::new(build(setup.config.slice)),
};

const PROPERTIES: Properties = LEAST_BY_WEIGHT;

/// Passes count running time in this unit, so that division by a weight loses next to nothing.
const UNIT: i128 = 1 << 32;

/// See the [module documentation](self).
pub struct Stride {
    slice: Nanos,
    /// Pass of an entry with work; distance to the global pass of one without.
    pass: Entries<i128>,
    weight: Entries<u32>,
    global: i128,
    /// Weights of those with work.
    active: u64,
}

pub(super) fn build(slice: Nanos) -> LeastFirst<Stride> {
    LeastFirst::new(Stride {
        slice,
        pass: Entries::new(),
        weight: Entries::new(),
        global: 0,
        active: 0,
    })
}

impl Rule for Stride {
    type Key = i128;

    fn admit(&mut self, entry: Entry, terms: &Terms) {
        self.pass.admit(entry, 0);
        self.weight.admit(entry, terms.weight);
    }

    fn key(&self, entry: Entry) -> i128 {
        self.pass[entry]
    }

    fn slice(&self, _entry: Entry) -> Nanos {
        self.slice
    }

    fn wakes(&mut self, entry: Entry) {
        self.pass[entry] += self.global;
        self.active += u64::from(self.weight[entry]);
    }

    fn sleeps(&mut self, entry: Entry) {
        self.pass[entry] -= self.global;
        self.active -= u64::from(self.weight[entry]);
    }

    fn ran(&mut self, entry: Entry, time: Nanos) {
        let time = i128::from(time) * UNIT;
        self.pass[entry] += time / i128::from(self.weight[entry]);
        self.global += time / i128::from(self.active.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::super::keyed::{turns_of, weights};
    use super::super::{Policy, Terms};
    use super::*;

    /// The paper's example of weights 3, 2 and 1: passes advance by 2, 3 and 6 and meet every six turns.
    #[test]
    fn weights_three_two_one() {
        let mut policy = build(6);
        let taken = turns_of(&mut policy, &weights([3, 2, 1]), 12);
        assert_eq!(taken[..6], [0, 1, 2, 0, 1, 0]);
        for (entry, turns) in [(0, 3), (1, 2), (2, 1)] {
            assert_eq!(taken[6..].iter().filter(|t| **t == entry).count(), turns);
        }
    }

    #[test]
    fn sleep_earns_nothing() {
        let mut policy = build(10);
        policy.admit(0, &Terms::default());
        policy.admit(1, &Terms::default());
        policy.ready(0);
        for turn in 0..100 {
            policy.select(turn * 10);
            policy.turn_over(10, true);
        }
        // 1 comes after 100 turns of 0, and they alternate at once.
        policy.ready(1);
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.push(policy.select(0).and_then(|grant| grant.entry));
            policy.turn_over(10, true);
        }
        assert_eq!(taken.iter().filter(|entry| **entry == Some(1)).count(), 2);
    }
}
