//! Fixed priorities: the ready entry with the largest priority goes first.
//!
//! *Preemptive*: an entry that becomes ready takes the SMs from one with a smaller priority; entries of
//! one priority take turns of a slice. *Non-preemptive*: whoever has the SMs keeps them until its work is
//! done.
//!
//! Source: A. Cobham, "Priority Assignment in Waiting Line Problems", Operations Research 2 (1954); L.
//! Kleinrock, "Queueing Systems", vol. 2, 1976 (§3.6).

use super::keyed::{LeastFirst, Rule};
use super::{Entry, Properties, Starvation, Terms, Weights};
use crate::engine::time::{LONGEST, Nanos};
use std::cmp::Reverse;

pub(super) const PREEMPTIVE: Properties = Properties {
    work_conserving: true,
    weights: Weights::Other,
    starvation: Starvation::Unbounded,
    preempts: true,
};

pub(super) const NON_PREEMPTIVE: Properties = Properties {
    preempts: false,
    ..PREEMPTIVE
};

/// See the [module documentation](self).
pub struct Priority {
    slice: Nanos,
    preemptive: bool,
    priority: Vec<i32>,
}

pub(super) fn preemptive(slice: Nanos) -> LeastFirst<Priority> {
    LeastFirst::new(Priority {
        slice,
        preemptive: true,
        priority: Vec::new(),
    })
}

pub(super) fn non_preemptive() -> LeastFirst<Priority> {
    LeastFirst::new(Priority {
        slice: LONGEST,
        preemptive: false,
        priority: Vec::new(),
    })
}

impl Rule for Priority {
    type Key = Reverse<i32>;

    fn admit(&mut self, _entry: Entry, terms: &Terms) {
        self.priority.push(terms.priority);
    }

    fn key(&self, entry: Entry) -> Reverse<i32> {
        Reverse(self.priority[entry as usize])
    }

    fn slice(&self, _entry: Entry) -> Nanos {
        self.slice
    }

    fn preempts(&self, entry: Entry, holder: Entry, _held: Nanos) -> bool {
        self.preemptive && self.priority[entry as usize] > self.priority[holder as usize]
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
        for preemptive in [true, false] {
            let mut policy = if preemptive {
                self::preemptive(10)
            } else {
                non_preemptive()
            };
            for (entry, priority) in [2, 2, 5].into_iter().enumerate() {
                policy.admit(entry as Entry, &terms(priority));
            }
            policy.ready(0);
            policy.select(0);
            policy.ready(1);
            assert!(!policy.preempts(1, 3, 0));
            policy.ready(2);
            assert_eq!(policy.preempts(2, 3, 0), preemptive);
            policy.turn_over(3, true);
            assert_eq!(policy.select(3).and_then(|grant| grant.entry), Some(2));
        }
    }
}
