//! First come, first served: pieces of work run to their ends in the order in which they come to the SMs.
//!
//! Pieces of one tenant that follow each other in that order run side by side, as the streams of a process
//! do. No piece waits for one that came after it.
//!
//! Source: queueing theory; D. R. Cox and W. L. Smith, "Queues", 1961 (chapter 2).

use super::keyed::{LeastFirst, Rule};
use super::registered::Registered;
use super::{Entries, Entry, Preempts, Properties, Starvation, Terms, Weights, Work};
use crate::engine::time::{LONGEST, Nanos};

pub(super) const FIFO: Registered = Registered {
    name: "fifo",
    about: "each piece of work runs to its end in order of arrival (for comparison with theory)",
    source: "queueing theory: first come, first served",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[],
    parameters: &[],
    build: |_| Box::new(build()),
};

const PROPERTIES: Properties = Properties {
    work_conserving: true,
    weights: Weights::Other,
    starvation: Starvation::Before,
    preempts: Preempts::Never,
};

/// See the [module documentation](self).
pub struct FirstCome {
    /// The oldest piece of each entry.
    oldest: Entries<u64>,
}

pub(super) fn build() -> LeastFirst<FirstCome> {
    LeastFirst::new(FirstCome {
        oldest: Entries::new(),
    })
}

impl Rule for FirstCome {
    type Key = u64;

    const SEES_WORK: bool = true;
    const BY_PIECE: bool = true;

    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        self.oldest.admit(entry, 0);
    }

    fn key(&self, entry: Entry) -> u64 {
        self.oldest[entry]
    }

    fn key_of(&self, _entry: Entry, piece: u64) -> u64 {
        piece
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
    use super::*;

    /// Pieces 0 and 3 of one entry, 1 of another, 2 of a third: the first has its second turn last, and a
    /// piece that comes during a turn joins it only if nobody was before it.
    #[test]
    fn pieces_go_in_the_order_in_which_they_came() {
        let mut policy = build();
        let work = |oldest| Work {
            deadline: 0,
            served: 0,
            left: 0,
            oldest,
            pieces: 1,
        };
        for entry in 0..3 {
            policy.admit(entry, &Terms::default());
        }
        for (entry, oldest) in [(1, 1), (2, 2), (0, 0)] {
            policy.work(entry, work(oldest));
            policy.ready(entry);
        }
        let next =
            |policy: &mut LeastFirst<FirstCome>| policy.select(0).and_then(|grant| grant.entry);
        assert_eq!(next(&mut policy), Some(0));
        assert!(!policy.joins(3));
        policy.work(0, work(3));
        policy.turn_over(5, true);
        assert_eq!(next(&mut policy), Some(1));
        assert!(!policy.joins(4));
        policy.turn_over(5, false);
        assert_eq!(next(&mut policy), Some(2));
        policy.turn_over(5, false);
        assert_eq!(next(&mut policy), Some(0));
        assert!(policy.joins(4));
    }
}
