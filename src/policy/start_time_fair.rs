//! Start-time fair queueing: virtual start tags decide.
//!
//! A turn gets the start tag max(v, finish tag of the entry's turn before) and the finish tag
//! start + running time / weight; the least start tag runs. The virtual time v is the start tag of the
//! turn under way. What a turn takes need not be known before, which suits turns that end early or
//! over-run.
//!
//! Source: P. Goyal, H. M. Vin and H. Cheng, "Start-time Fair Queuing: A Scheduling Algorithm for
//! Integrated Services Packet Switching Networks", SIGCOMM 1996 (§2; theorem 1: normalised service of two
//! busy flows differs by at most one turn of each).

use super::keyed::{LeastFirst, Rule};
use super::properties::LEAST_BY_WEIGHT;
use super::registered::{Registered, Use};
use super::{Entries, Entry, Properties, Terms};
use crate::engine::time::Nanos;

pub(super) const START_TIME_FAIR: Registered = Registered {
    name: "start-time-fair",
    about: "the least virtual start tag goes first",
    source: "Goyal, Vin and Cheng, SIGCOMM 1996",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::Weight],
    parameters: &[],
    build: |setup| Box::new(build(setup.config.slice)),
};

const PROPERTIES: Properties = LEAST_BY_WEIGHT;

/// Tags count running time in this unit.
const UNIT: u128 = 1 << 32;

/// See the [module documentation](self).
pub struct StartTimeFair {
    slice: Nanos,
    weight: Entries<u32>,
    /// Tag of the turn that an entry waits for or has; finish tag of its last turn while it has no work.
    start: Entries<u128>,
    /// Start tag of the turn under way.
    virtual_time: u128,
}

pub(super) fn build(slice: Nanos) -> LeastFirst<StartTimeFair> {
    LeastFirst::new(StartTimeFair {
        slice,
        weight: Entries::new(),
        start: Entries::new(),
        virtual_time: 0,
    })
}

impl Rule for StartTimeFair {
    type Key = u128;

    fn admit(&mut self, entry: Entry, terms: &Terms) {
        self.weight.admit(entry, terms.weight);
        self.start.admit(entry, 0);
    }

    fn key(&self, entry: Entry) -> u128 {
        self.start[entry]
    }

    fn slice(&self, _entry: Entry) -> Nanos {
        self.slice
    }

    fn wakes(&mut self, entry: Entry) {
        let start = &mut self.start[entry];
        *start = self.virtual_time.max(*start);
    }

    fn chosen(&mut self, entry: Entry) {
        self.virtual_time = self.virtual_time.max(self.start[entry]);
    }

    /// The next turn starts where this one finishes.
    fn ran(&mut self, entry: Entry, time: Nanos) {
        self.start[entry] += u128::from(time) * UNIT / u128::from(self.weight[entry]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::super::keyed::{turns_of, weights};
    use super::*;

    /// Tags by hand, in slices: 0 starts at 0, 1/2, 1, 3/2, …; 1 at 0, 1, 2, …
    #[test]
    fn weights_two_to_one() {
        let taken = turns_of(&mut build(8), &weights([2, 1]), 6);
        assert_eq!(taken, [0, 1, 0, 1, 0, 0]);
    }

    /// Who was idle starts at the virtual time: it has no claim on what it did not use.
    #[test]
    fn sleep_earns_nothing() {
        let mut policy = build(10);
        let terms = weights([1, 1]);
        policy.admit(0, &terms[0]);
        policy.admit(1, &terms[1]);
        policy.ready(0);
        for _ in 0..100 {
            policy.select(0);
            policy.turn_over(10, true);
        }
        policy.ready(1);
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.extend(policy.select(0).and_then(|grant| grant.entry));
            policy.turn_over(10, true);
        }
        assert_eq!(taken, [1, 0, 1, 0]);
    }
}
