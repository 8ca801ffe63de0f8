//! GPreempt: two lengths of slices on the hardware's run list, so that urgent contexts preempt without any
//! preemption being asked for.
//!
//! Contexts with work take turns. An urgent one, of `priority` above 0, has slices of 1 s (`urgent_slice`), which it
//! never uses up; the others have slices of 1 µs, so they give way to it at once. Among the others, several
//! contexts with work change after every microsecond: the authors have all of them in one context, and so
//! should a scenario (one guest with several `streams`).
//!
//! Source: R. Fan et al., "GPreempt: GPU Preemptive Scheduling Made General and Efficient", USENIX ATC 2025
//! (abstract: a yield by time slices, 40 µs in all); its code, thustorage/GPreempt, `set_priority` in
//! `src/gpreempt.cpp`, has both lengths. What hardware makes of 1 µs is not known. Its hints, which begin
//! preemption while the urgent work still prepares its data, are not modelled: they hide part of the GPU's
//! [`switch`](crate::gpu::SwitchCost), which can be set to what is left.

use super::queue::Queue;
use super::registered::{Registered, Use};
use super::{
    Entries, Entry, Grant, Parameter, Policy, Preempts, Properties, Starvation, Terms, Values,
    Weights,
};
use crate::engine::time::{MICROSECOND, Nanos, SECOND};

pub(super) const GPREEMPT: Registered = Registered {
    name: "gpreempt",
    about: "urgent contexts (priority above 0) take long turns, the others very short ones",
    source: "Fan et al., USENIX ATC 2025, and its code",
    slice: Some(SLICE),
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Priority],
    parameters: &[URGENT],
    build: |setup| {
        let urgent = setup.setting(&URGENT).whole();
        Box::new(Gpreempt::new(setup.config.slice, urgent))
    },
};

const PROPERTIES: Properties = Properties {
    work_conserving: true,
    weights: Weights::Other,
    // A slice for a million of each urgent context is next to nothing.
    starvation: Starvation::Unbounded,
    // At the end of a slice only, short as it is.
    preempts: Preempts::Never,
};

/// Slice of contexts that are not urgent.
pub(super) const SLICE: Nanos = MICROSECOND;
const URGENT: Parameter = Parameter {
    name: "urgent_slice",
    about: "slice of urgent contexts",
    values: Values::Duration {
        low: 1,
        high: 3_600 * SECOND,
        default: SECOND,
    },
};

/// See the [module documentation](self).
pub struct Gpreempt {
    slice: Nanos,
    urgent_slice: Nanos,
    urgent: Entries<bool>,
    ready: Queue,
    holder: Option<Entry>,
}

impl Gpreempt {
    pub fn new(slice: Nanos, urgent_slice: Nanos) -> Self {
        Gpreempt {
            slice,
            urgent_slice,
            urgent: Entries::new(),
            ready: Queue::default(),
            holder: None,
        }
    }
}

impl Policy for Gpreempt {
    fn admit(&mut self, entry: Entry, terms: &Terms) {
        self.urgent.admit(entry, terms.priority > 0);
        self.ready.make_room(entry);
    }

    /// Nothing is kept but what [`admit`](Policy::admit) sets anew.
    fn retire(&mut self, _entry: Entry) {}

    fn ready(&mut self, entry: Entry) {
        self.ready.push(entry);
    }

    fn blocked(&mut self, entry: Entry) {
        self.ready.remove(entry);
    }

    fn turn_over(&mut self, _held: Nanos, more: bool) {
        if let (Some(entry), true) = (self.holder.take(), more) {
            self.ready.push(entry);
        }
    }

    fn select(&mut self, _now: Nanos) -> Option<Grant> {
        self.holder = self.ready.pop();
        self.holder.map(|entry| Grant {
            entry: Some(entry),
            slice: match self.urgent[entry] {
                true => self.urgent_slice,
                false => self.slice,
            },
        })
    }

    /// The holder and all who are ready.
    fn round(&self) -> Option<u64> {
        self.holder.map(|_| 1 + self.ready.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two that are not urgent change every microsecond; an urgent one waits for one slice of each at most, and
    /// then has a second.
    #[test]
    fn urgent_work_waits_for_microseconds() {
        let mut policy = Gpreempt::new(SLICE, SECOND);
        for (entry, priority) in [(0, 0), (1, -1), (2, 1)] {
            let terms = Terms {
                priority,
                ..Terms::default()
            };
            policy.admit(entry, &terms);
        }
        policy.ready(0);
        policy.ready(1);
        let mut turns = Vec::new();
        for turn in 0..6 {
            if turn == 2 {
                policy.ready(2);
            }
            let grant = policy.select(0).expect("work is waiting");
            turns.push((grant.entry.expect("a context"), grant.slice));
            policy.turn_over(grant.slice, true);
        }
        let (short, long) = (1_000, 1_000_000_000);
        let others = [(0, short), (1, short), (0, short), (1, short)];
        assert_eq!(turns[..4], others);
        assert_eq!(turns[4..], [(2, long), (0, short)]);
    }
}
