//! Shortest remaining time first: an oracle that knows how long everything takes.
//!
//! No real scheduler can do this; it minimises the mean number of waiting pieces of work when switching
//! costs nothing, so it shows how far the others are from what is possible.
//!
//! Of a vGPU whose processes take turns inside, it sees the work of the process whose turn it is there, not
//! of those that wait.
//!
//! Source: L. E. Schrage and L. W. Miller, "The Queue M/G/1 with the Shortest Remaining Processing Time
//! Discipline", Operations Research 14 (1966).

use super::keyed::{LeastFirst, Rule};
use super::registered::Registered;
use super::{Entries, Entry, Preempts, Properties, Starvation, Terms, Weights, Work};
use crate::engine::time::{LONGEST, Nanos};

pub(super) const SHORTEST_REMAINING: Registered = Registered {
    name: "shortest-remaining",
    about: "the work that is done first goes first: an oracle",
    source: "Schrage and Miller, Operations Research 14, 1966",
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
    starvation: Starvation::Unbounded,
    preempts: Preempts::Urgent,
};

/// See the [module documentation](self).
pub struct ShortestRemaining {
    /// Running time that the work at the head of each entry had left when it was told.
    left: Entries<Nanos>,
}

pub(super) fn build() -> LeastFirst<ShortestRemaining> {
    LeastFirst::new(ShortestRemaining {
        left: Entries::new(),
    })
}

impl Rule for ShortestRemaining {
    type Key = Nanos;

    const SEES_WORK: bool = true;

    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        self.left.admit(entry, 0);
    }

    fn key(&self, entry: Entry) -> Nanos {
        self.left[entry]
    }

    /// To its end, or until shorter work comes.
    fn slice(&self, _entry: Entry) -> Nanos {
        LONGEST
    }

    fn work(&mut self, entry: Entry, work: Work) {
        self.left[entry] = work.left;
    }

    fn over_ran(&mut self, entry: Entry, time: Nanos) {
        let left = &mut self.left[entry];
        *left = left.saturating_sub(time);
    }

    fn preempts(&self, entry: Entry, holder: Entry, held: Nanos) -> bool {
        self.left[entry] < self.left[holder].saturating_sub(held)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::*;

    #[test]
    fn shorter_work_goes_first_and_takes_the_sms() {
        let mut policy = build();
        let work = |left| Work {
            deadline: 0,
            served: 0,
            left,
            oldest: 0,
            pieces: 1,
        };
        for (entry, left) in [(0, 50), (1, 20), (2, 30)] {
            policy.admit(entry, &Terms::default());
            policy.work(entry, work(left));
        }
        policy.ready(0);
        assert_eq!(policy.select(0).and_then(|grant| grant.entry), Some(0));
        policy.ready(2);
        assert!(policy.preempts(2, 10, 0), "30 against 40");
        policy.work(0, work(40));
        policy.turn_over(10, true);
        policy.ready(1);
        let mut order = Vec::new();
        while let Some(entry) = policy.select(0).and_then(|grant| grant.entry) {
            order.push(entry);
            policy.turn_over(0, false);
        }
        assert_eq!(order, [1, 2, 0]);
    }
}
