//! Fixed priorities: the ready entry with the largest priority goes first.
//!
//! *Preemptive*: an entry that becomes ready takes the SMs from one with a smaller priority; entries of
//! one priority take turns of a slice. *Non-preemptive*: a piece of work that has begun runs to its end; then
//! goes the piece with the largest priority, of equals the one that came first. Pieces of one tenant that
//! follow each other in this order run side by side.
//!
//! Source: A. Cobham, "Priority Assignment in Waiting Line Problems", Operations Research 2 (1954); L.
//! Kleinrock, "Queueing Systems", vol. 2, 1976 (§3.6).

use super::keyed::{LeastFirst, Rule};
use super::registered::{Registered, Use};
use super::{Entries, Entry, Preempts, Properties, Starvation, Terms, Weights, Work};
use crate::engine::time::{LONGEST, Nanos};
use std::cmp::Reverse;

pub(super) const PRIORITY: Registered = Registered {
    name: "priority",
    about: "the largest priority goes first and takes the SMs; equals take turns",
    source: "Cobham, Operations Research 2, 1954; Kleinrock 1976, section 3.6",
    slice: None,
    reserves: false,
    properties: PREEMPTIVE,
    uses: &[Use::Slice, Use::Priority],
    parameters: &[],
    build: |setup| Box::new(preemptive(setup.config.slice)),
};

pub(super) const PRIORITY_NON_PREEMPTIVE: Registered = Registered {
    name: "priority-non-preemptive",
    about: "the largest priority goes first when the SMs are free; work runs to its end",
    source: "Cobham, Operations Research 2, 1954; Kleinrock 1976, section 3.6",
    slice: None,
    reserves: false,
    properties: NON_PREEMPTIVE,
    uses: &[Use::Priority],
    parameters: &[],
    build: |_| Box::new(non_preemptive()),
};

pub(super) const PREEMPTIVE: Properties = Properties {
    work_conserving: true,
    weights: Weights::Other,
    starvation: Starvation::Unbounded,
    preempts: Preempts::Urgent,
};

pub(super) const NON_PREEMPTIVE: Properties = Properties {
    preempts: Preempts::Never,
    ..PREEMPTIVE
};

/// See the [module documentation](self).
pub struct Priority {
    slice: Nanos,
    priority: Entries<i32>,
}

/// See the [module documentation](self).
pub struct NonPreemptive {
    priority: Entries<i32>,
    /// The oldest piece of each entry.
    oldest: Entries<u64>,
}

pub(super) fn preemptive(slice: Nanos) -> LeastFirst<Priority> {
    LeastFirst::new(Priority {
        slice,
        priority: Entries::new(),
    })
}

pub(super) fn non_preemptive() -> LeastFirst<NonPreemptive> {
    LeastFirst::new(NonPreemptive {
        priority: Entries::new(),
        oldest: Entries::new(),
    })
}

impl Rule for Priority {
    type Key = Reverse<i32>;

    fn admit(&mut self, entry: Entry, terms: &Terms) {
        self.priority.admit(entry, terms.priority);
    }

    fn key(&self, entry: Entry) -> Reverse<i32> {
        Reverse(self.priority[entry])
    }

    fn slice(&self, _entry: Entry) -> Nanos {
        self.slice
    }

    fn preempts(&self, entry: Entry, holder: Entry, _held: Nanos) -> bool {
        self.priority[entry] > self.priority[holder]
    }
}

impl Rule for NonPreemptive {
    type Key = (Reverse<i32>, u64);

    const SEES_WORK: bool = true;
    const BY_PIECE: bool = true;

    fn admit(&mut self, entry: Entry, terms: &Terms) {
        self.priority.admit(entry, terms.priority);
        self.oldest.admit(entry, 0);
    }

    fn key(&self, entry: Entry) -> Self::Key {
        self.key_of(entry, self.oldest[entry])
    }

    fn key_of(&self, entry: Entry, piece: u64) -> Self::Key {
        (Reverse(self.priority[entry]), piece)
    }

    fn slice(&self, _entry: Entry) -> Nanos {
        LONGEST
    }

    fn work(&mut self, entry: Entry, work: Work) {
        self.oldest[entry] = work.oldest;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::super::keyed::turns_of;
    use super::*;

    fn terms(priority: i32) -> Terms {
        Terms {
            priority,
            ..Terms::default()
        }
    }

    #[test]
    fn equals_take_turns_and_the_rest_waits() {
        let all = [terms(1), terms(3), terms(3), terms(2)];
        assert_eq!(turns_of(&mut preemptive(10), &all, 5), [1, 2, 1, 2, 1]);
    }

    #[test]
    fn only_a_larger_priority_takes_the_sms_and_only_if_it_may() {
        let (mut may, mut may_not) = (preemptive(10), non_preemptive());
        let both: [(&mut dyn Policy, bool); 2] = [(&mut may, true), (&mut may_not, false)];
        for (policy, preempts) in both {
            for (entry, priority) in [2, 2, 5].into_iter().enumerate() {
                policy.admit(entry as Entry, &terms(priority));
            }
            policy.ready(0);
            policy.select(0);
            policy.ready(1);
            assert!(!policy.preempts(1, 3, 0));
            policy.ready(2);
            assert_eq!(policy.preempts(2, 3, 0), preempts);
            policy.turn_over(3, true);
            assert_eq!(policy.select(3).and_then(|grant| grant.entry), Some(2));
        }
    }

    /// Of equals the piece that came first; a piece that comes to the holder joins if it is before all others.
    #[test]
    fn pieces_of_one_priority_go_in_order_of_arrival() {
        let mut policy = non_preemptive();
        for (entry, (priority, oldest)) in [(1, 4), (1, 2), (2, 7)].into_iter().enumerate() {
            let entry = entry as Entry;
            policy.admit(entry, &terms(priority));
            let work = Work {
                deadline: 0,
                served: 0,
                left: 0,
                oldest,
                pieces: 1,
            };
            policy.work(entry, work);
            policy.ready(entry);
        }
        for (holder, joins) in [(2, [true, true]), (1, [true, false]), (0, [true, true])] {
            assert_eq!(policy.select(0).and_then(|grant| grant.entry), Some(holder));
            assert_eq!([3, 8].map(|piece| policy.joins(piece)), joins);
            policy.turn_over(5, false);
        }
    }
}
