//! Least attained service, or foreground-background: whoever has had least of the SMs for its present
//! work goes first.
//!
//! Short work overtakes long work although nobody knows which is which. An entry that becomes ready
//! takes the SMs from one that has had more; entries that have had the same take turns.
//!
//! Of a vGPU whose processes take turns inside, it sees the work of the process whose turn it is there, not
//! of those that wait.
//!
//! Source: L. Kleinrock, "Queueing Systems", vol. 2, 1976 (§4.6); for jobs on GPUs J. Gu et al.,
//! "Tiresias", NSDI 2019 (§3.2, discretised two-dimensional least attained service).

use super::keyed::{LeastFirst, Rule};
use super::registered::{Registered, Use};
use super::{Entries, Entry, Preempts, Properties, Starvation, Terms, Weights, Work};
use crate::engine::time::Nanos;

pub(super) const LEAST_ATTAINED: Registered = Registered {
    name: "least-attained",
    about: "the work that has had least of the SMs goes first and takes them",
    source: "Kleinrock 1976, section 4.6; Gu et al. (Tiresias), NSDI 2019",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice],
    parameters: &[],
    build: |setup| Box::new(build(setup.config.slice)),
};

const PROPERTIES: Properties = Properties {
    work_conserving: true,
    weights: Weights::Other,
    starvation: Starvation::Unbounded,
    preempts: Preempts::Urgent,
};

/// See the [module documentation](self).
pub struct LeastAttained {
    slice: Nanos,
    /// What the work at the head of each entry has had.
    served: Entries<Nanos>,
}

pub(super) fn build(slice: Nanos) -> LeastFirst<LeastAttained> {
    LeastFirst::new(LeastAttained {
        slice,
        served: Entries::new(),
    })
}

impl Rule for LeastAttained {
    type Key = Nanos;

    const SEES_WORK: bool = true;

    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        self.served.admit(entry, 0);
    }

    fn key(&self, entry: Entry) -> Nanos {
        self.served[entry]
    }

    fn slice(&self, _entry: Entry) -> Nanos {
        self.slice
    }

    fn work(&mut self, entry: Entry, work: Work) {
        self.served[entry] = work.served;
    }

    fn over_ran(&mut self, entry: Entry, time: Nanos) {
        self.served[entry] += time;
    }

    fn preempts(&self, entry: Entry, holder: Entry, held: Nanos) -> bool {
        self.served[entry] < self.served[holder] + held
    }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::*;

    #[test]
    fn new_work_takes_the_sms_from_old_work() {
        let mut policy = build(10);
        let work = |served| Work {
            deadline: 0,
            served,
            left: 0,
            oldest: 0,
            pieces: 1,
        };
        for entry in 0..3 {
            policy.admit(entry, &Terms::default());
        }
        policy.work(0, work(0));
        policy.ready(0);
        assert_eq!(policy.select(0).and_then(|grant| grant.entry), Some(0));
        policy.work(1, work(25));
        policy.ready(1);
        assert!(!policy.preempts(1, 7, 0), "has had more");
        policy.work(2, work(5));
        policy.ready(2);
        assert!(policy.preempts(2, 7, 0), "has had less");
        policy.work(0, work(7));
        policy.turn_over(7, true);
        let mut order = Vec::new();
        for served in [15, 17, 25] {
            let entry = policy.select(0).and_then(|grant| grant.entry);
            let entry = entry.expect("work is waiting");
            order.push(entry);
            policy.work(entry, work(served));
            policy.turn_over(10, true);
        }
        assert_eq!(order, [2, 0, 2]);
    }
}
