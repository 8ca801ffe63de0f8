//! Earliest eligible virtual deadline first.
//!
//! An entry asks for one slice at a time. The request is eligible once the entry has had no more than its
//! share, and its virtual deadline is the slice divided by the weight later; of the eligible requests the
//! one with the earliest deadline runs. The virtual time advances by time divided by the weights of all
//! that have work. Who falls idle takes its lag out of the competition: the virtual time moves by it, and
//! the entry comes back without a claim or a debt (strategy 2 of the paper).
//!
//! Source: I. Stoica, H. Abdel-Wahab, K. Jeffay, S. K. Baruah, J. E. Gehrke and C. G. Plaxton, "A
//! Proportional Share Resource Allocation Algorithm for Real-Time, Time-Shared Systems", RTSS 1996 (§3,
//! §4; corollary: with requests of one slice the lag stays within one slice, either way). Linux has used it
//! since 6.6.

use super::entries::make_room;
use super::properties::total;
use super::registered::{Registered, Use};
use super::{Entries, Entry, Grant, Policy, Preempts, Properties, Starvation, Terms, Weights};
use crate::engine::time::Nanos;

pub(super) const EEVDF: Registered = Registered {
    name: "eevdf",
    about: "the earliest virtual deadline of those that have had no more than their share goes first",
    source: "Stoica et al., RTSS 1996",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::Weight],
    parameters: &[],
    build: |setup| Box::new(Eevdf::new(setup.config.slice)),
};

const PROPERTIES: Properties = Properties {
    work_conserving: true,
    // Lags differ by two slices at most, divided by weights 2 / w + 2 / v: 3 between weights 1 and 2. Equal
    // weights have deadlines in turn, and are within 1.
    weights: Weights::Proportional { slices: 3.0 },
    starvation: Starvation::Slices(|weights, own| {
        // It is served before its deadline, a slice at the latest after its share of 1 slice is due.
        2.0 * total(weights) / f64::from(weights[own]) + 1.0
    }),
    preempts: Preempts::Never,
};

/// Virtual time counts running time in this unit.
const UNIT: i128 = 1 << 32;

/// See the [module documentation](self).
pub struct Eevdf {
    slice: Nanos,
    weight: Entries<u32>,
    /// When the request of an entry becomes eligible, in virtual time.
    eligible: Entries<i128>,
    /// What it has had of its request.
    used: Entries<Nanos>,
    /// In order of becoming ready.
    ready: Vec<Entry>,
    holder: Option<Entry>,
    now: i128,
    /// Weights of those with work.
    active: u64,
}

impl Eevdf {
    pub fn new(slice: Nanos) -> Self {
        Eevdf {
            slice,
            weight: Entries::new(),
            eligible: Entries::new(),
            used: Entries::new(),
            ready: Vec::new(),
            holder: None,
            now: 0,
            active: 0,
        }
    }

    fn per_weight(&self, entry: Entry, time: Nanos) -> i128 {
        i128::from(time) * UNIT / i128::from(self.weight[entry])
    }

    fn ran(&mut self, entry: Entry, time: Nanos) {
        self.now += i128::from(time) * UNIT / i128::from(self.active.max(1));
        let used = &mut self.used[entry];
        *used += time;
        // A request that is used up is followed by the next.
        let requests = *used / self.slice;
        *used -= requests * self.slice;
        self.eligible[entry] += self.per_weight(entry, requests.saturating_mul(self.slice));
    }

    fn sleeps(&mut self, entry: Entry) {
        let weight = u64::from(self.weight[entry]);
        self.active -= weight;
        let used = self.per_weight(entry, self.used[entry]);
        let lag = (self.now - self.eligible[entry] - used) * i128::from(weight);
        if self.active > 0 {
            self.now += lag / i128::from(self.active);
        }
    }
}

impl Policy for Eevdf {
    fn admit(&mut self, entry: Entry, terms: &Terms) {
        self.weight.admit(entry, terms.weight);
        self.eligible.admit(entry, 0);
        self.used.admit(entry, 0);
        make_room(&mut self.ready, entry);
    }

    /// Nothing is kept but what [`admit`](Policy::admit) sets anew.
    fn retire(&mut self, _entry: Entry) {}

    fn ready(&mut self, entry: Entry) {
        self.active += u64::from(self.weight[entry]);
        self.eligible[entry] = self.now;
        self.used[entry] = 0;
        self.ready.push(entry);
    }

    fn blocked(&mut self, entry: Entry) {
        self.ready.retain(|&other| other != entry);
        self.sleeps(entry);
    }

    fn turn_over(&mut self, held: Nanos, more: bool) {
        let Some(entry) = self.holder.take() else {
            return;
        };
        self.ran(entry, held);
        if more {
            self.ready.push(entry);
        } else {
            self.sleeps(entry);
        }
    }

    fn over_ran(&mut self, entry: Entry, extra: Nanos) {
        self.ran(entry, extra);
    }

    fn select(&mut self, _now: Nanos) -> Option<Grant> {
        let first = self.ready.iter().map(|&entry| self.eligible[entry]);
        // Rounding and over-run can leave nobody eligible: then the first to be so.
        let limit = self.now.max(first.min()?);
        let deadline = |entry: Entry| self.eligible[entry] + self.per_weight(entry, self.slice);
        let ready = self.ready.iter().enumerate();
        let eligible = ready.filter(|&(_, &entry)| self.eligible[entry] <= limit);
        let (place, _) = eligible.min_by_key(|&(place, &entry)| (deadline(entry), place))?;
        let entry = self.ready.remove(place);
        self.holder = Some(entry);
        Some(Grant {
            entry: Some(entry),
            slice: self.slice - self.used[entry],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::keyed::{turns_of, weights};
    use super::*;

    /// The example of the paper (figure 1): weights 2 and 2 with requests that are alike alternate. With
    /// 3 and 1, in slices: 0 has the deadlines 1/3, 2/3, 1, … and 1 has 1; 0 is not eligible for its third
    /// request, from 2/3 on, before the virtual time (a quarter a turn) is there.
    #[test]
    fn deadlines_and_eligibility() {
        let taken = turns_of(&mut Eevdf::new(12), &weights([2, 2]), 4);
        assert_eq!(taken, [0, 1, 0, 1]);
        let taken = turns_of(&mut Eevdf::new(12), &weights([3, 1]), 8);
        assert_eq!(taken, [0, 1, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn who_comes_back_has_neither_claim_nor_debt() {
        let mut policy = Eevdf::new(10);
        for (entry, terms) in weights([1, 1]).iter().enumerate() {
            policy.admit(entry as Entry, terms);
        }
        policy.ready(0);
        for _ in 0..50 {
            policy.select(0);
            policy.turn_over(10, true);
        }
        policy.ready(1);
        let mut turns = [0, 0];
        for _ in 0..6 {
            let entry = policy.select(0).and_then(|grant| grant.entry);
            turns[entry.expect("work is waiting") as usize] += 1;
            policy.turn_over(10, true);
        }
        assert_eq!(turns, [3, 3]);
    }
}
