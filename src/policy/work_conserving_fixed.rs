//! Fixed share that wastes nothing: the turns of fixed share, but one that its owner cannot use goes to
//! the next entry with work.
//!
//! Every entry has the turns that fixed share reserves for it whenever it has work, and the rest is spread
//! in a circle. The difference to the vendor's fixed share is what that scheduler leaves unused.
//!
//! Source: the slots are those of [`super::fixed_share`]; giving unused turns away is the work-conserving
//! version of any round (L. Kleinrock, "Queueing Systems", vol. 2, 1976, §3.4). No product is known to do
//! this with fixed slots.

use super::registered::{Registered, Use};
use super::{Entries, Entry, Grant, Policy, Preempts, Properties, Starvation, Terms, Weights};
use crate::engine::time::Nanos;

pub(super) const FIXED_SHARE_WORK_CONSERVING: Registered = Registered {
    name: "fixed-share-work-conserving",
    about: "fixed share whose unused turns go to others: what the vendor's leaves on the table",
    source: "slots of fixed share; Kleinrock 1976, section 3.4",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::ReservedTurns],
    parameters: &[],
    build: |setup| {
        let turns = setup.config.reserved_turns.unwrap_or(0);
        let slice = setup.config.slice;
        Box::new(WorkConservingFixed::new(slice, turns))
    },
};

const PROPERTIES: Properties = Properties {
    work_conserving: true,
    // One for own turns and one for those that are spread.
    weights: Weights::Equal { slices: 2.0 },
    starvation: Starvation::Slices(|weights, _| 2.0 * (weights.len() as f64 - 1.0)),
    preempts: Preempts::Never,
};

/// See the [module documentation](self).
pub struct WorkConservingFixed {
    slice: Nanos,
    /// Turns of a round that there are whoever runs.
    fixed: usize,
    /// The owner of each turn of a round.
    slots: Vec<Option<Entry>>,
    /// Whether an entry waits for a turn.
    ready: Entries<bool>,
    waiting: usize,
    holder: Option<Entry>,
    /// The slot that comes next, and who comes next when its owner cannot use it.
    next: usize,
    spare: usize,
}

impl WorkConservingFixed {
    pub fn new(slice: Nanos, slots: u32) -> Self {
        WorkConservingFixed {
            slice,
            fixed: slots as usize,
            slots: vec![None; slots as usize],
            ready: Entries::new(),
            waiting: 0,
            holder: None,
            next: 0,
            spare: 0,
        }
    }

    fn wait(&mut self, entry: Entry, ready: bool) {
        let waits = &mut self.ready[entry];
        self.waiting = self.waiting + usize::from(ready) - usize::from(*waits);
        *waits = ready;
    }
}

impl Policy for WorkConservingFixed {
    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        self.ready.admit(entry, false);
        match self.slots.iter_mut().find(|slot| slot.is_none()) {
            Some(vacant) => *vacant = Some(entry),
            None => self.slots.push(Some(entry)),
        }
    }

    fn retire(&mut self, entry: Entry) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| **slot == Some(entry)) {
            *slot = None;
        }
        while self.slots.len() > self.fixed && self.slots.last() == Some(&None) {
            self.slots.pop();
        }
    }

    fn ready(&mut self, entry: Entry) {
        self.wait(entry, true);
    }

    fn blocked(&mut self, entry: Entry) {
        self.wait(entry, false);
    }

    fn turn_over(&mut self, _held: Nanos, more: bool) {
        if let (Some(entry), true) = (self.holder.take(), more) {
            self.wait(entry, true);
        }
    }

    fn select(&mut self, _now: Nanos) -> Option<Grant> {
        if self.waiting == 0 {
            return None;
        }
        let slot = self.next % self.slots.len();
        self.next = (slot + 1) % self.slots.len();
        let owner = self.slots[slot].filter(|&owner| self.ready[owner]);
        let entry = match owner {
            Some(owner) => owner,
            None => {
                let entries = self.ready.count();
                let mut places = (0..entries).map(|step| ((self.spare + step) % entries) as Entry);
                let taker = places.find(|&place| self.ready[place])?;
                self.spare = (taker as usize + 1) % entries;
                taker
            }
        };
        self.wait(entry, false);
        self.holder = Some(entry);
        Some(Grant {
            entry: Some(entry),
            slice: self.slice,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::keyed::{turns_of, weights};
    use super::*;

    /// Four turns for two tenants: own turns first, then the two that nobody has, one for each.
    #[test]
    fn vacant_turns_are_spread() {
        let mut policy = WorkConservingFixed::new(10, 4);
        let taken = turns_of(&mut policy, &weights([1, 1]), 8);
        assert_eq!(taken, [0, 1, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn who_comes_back_has_its_own_turn() {
        let mut policy = WorkConservingFixed::new(10, 3);
        for (entry, terms) in weights([1, 1, 1]).iter().enumerate() {
            policy.admit(entry as Entry, terms);
        }
        policy.ready(0);
        policy.ready(1);
        let mut taken = Vec::new();
        for turn in 0..7 {
            if turn == 4 {
                policy.ready(2);
            }
            taken.extend(policy.select(0).and_then(|grant| grant.entry));
            policy.turn_over(10, true);
        }
        // 0 and 1 in their turns, the third to 0, then 1 when it is vacant again; then it is 2's own.
        assert_eq!(taken, [0, 1, 0, 0, 1, 2, 0]);
    }
}
