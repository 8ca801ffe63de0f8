//! Earliest deadline first: whoever has to be done first runs until it is done, or until something more
//! urgent comes. Work without a deadline comes last, in the order in which it became ready.
//!
//! On one processor without switching costs it meets every deadline that any order could meet.
//!
//! Of a vGPU whose processes take turns inside, it sees the work of the process whose turn it is there, not
//! of those that wait.
//!
//! Source: C. L. Liu and J. W. Layland, "Scheduling Algorithms for Multiprogramming in a
//! Hard-Real-Time Environment", Journal of the ACM 20 (1973), §7.

use super::keyed::{LeastFirst, Rule};
use super::registered::{Registered, Use};
use super::{Entries, Entry, Preempts, Properties, Starvation, Terms, Weights, Work};
use crate::engine::time::{LONGEST, NEVER, Nanos};

pub(super) const EARLIEST_DEADLINE: Registered = Registered {
    name: "earliest-deadline",
    about: "the job with the earliest deadline goes first and takes the SMs",
    source: "Liu and Layland, Journal of the ACM 20, 1973",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Deadline],
    parameters: &[],
    build: |_| Box::new(build()),
};

const PROPERTIES: Properties = Properties {
    work_conserving: true,
    weights: Weights::Other,
    starvation: Starvation::Unbounded,
    preempts: Preempts::Urgent,
};

/// See the [module documentation](self).
pub struct EarliestDeadline {
    /// Deadline of the work at the head of each entry.
    deadline: Entries<Nanos>,
}

pub(super) fn build() -> LeastFirst<EarliestDeadline> {
    LeastFirst::new(EarliestDeadline {
        deadline: Entries::new(),
    })
}

impl Rule for EarliestDeadline {
    type Key = Nanos;

    const SEES_WORK: bool = true;

    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        self.deadline.admit(entry, NEVER);
    }

    fn key(&self, entry: Entry) -> Nanos {
        self.deadline[entry]
    }

    fn slice(&self, _entry: Entry) -> Nanos {
        LONGEST
    }

    fn work(&mut self, entry: Entry, work: Work) {
        self.deadline[entry] = work.deadline;
    }

    fn preempts(&self, entry: Entry, holder: Entry, _held: Nanos) -> bool {
        self.deadline[entry] < self.deadline[holder]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::*;

    #[test]
    fn the_most_urgent_goes_first_and_takes_the_sms() {
        let mut policy = build();
        let work = |deadline| Work {
            deadline,
            served: 0,
            left: 0,
            oldest: 0,
            pieces: 1,
        };
        for (entry, deadline) in [(0, NEVER), (1, 90), (2, 40)] {
            policy.admit(entry, &Terms::default());
            policy.work(entry, work(deadline));
        }
        policy.ready(0);
        assert_eq!(policy.select(0).and_then(|grant| grant.entry), Some(0));
        policy.ready(1);
        assert!(policy.preempts(1, 5, 0));
        policy.turn_over(5, true);
        assert_eq!(policy.select(5).and_then(|grant| grant.entry), Some(1));
        policy.ready(2);
        assert!(policy.preempts(2, 5, 0));
        policy.turn_over(5, true);
        // What 1 does next is urgent before its turn comes again.
        policy.work(1, work(30));
        let mut order = Vec::new();
        while let Some(entry) = policy.select(0).and_then(|grant| grant.entry) {
            order.push(entry);
            policy.turn_over(0, false);
        }
        assert_eq!(order, [1, 2, 0]);
    }
}
