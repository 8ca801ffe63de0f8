//! Lottery scheduling: every turn is drawn, with a chance in proportion to the weights of those that are
//! ready.
//!
//! A tenant that used only part of its turn gets compensation tickets: its weight counts slice / used
//! times until it wins again, so that tenants with short work get their share too. Draws are a function
//! of seed, replication, GPU and the number of the turn.
//!
//! Source: C. A. Waldspurger and W. E. Weihl, "Lottery Scheduling: Flexible Proportional-Share Resource
//! Management", OSDI 1994 (§2, §3.4 compensation tickets).

use super::entries::make_room;
use super::registered::{Registered, Use};
use super::{Entries, Entry, Grant, Policy, Preempts, Properties, Starvation, Terms, Weights};
use crate::engine::random::Stream;
use crate::engine::time::Nanos;

pub(super) const LOTTERY: Registered = Registered {
    name: "lottery",
    about: "every turn is drawn by weight",
    source: "Waldspurger and Weihl, OSDI 1994",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::Weight, Use::Draws],
    parameters: &[],
    build: |setup| Box::new(Lottery::new(setup.config.slice, setup.draws)),
};

const PROPERTIES: Properties = Properties {
    work_conserving: true,
    weights: Weights::OnAverage,
    starvation: Starvation::Chance,
    preempts: Preempts::Never,
};

/// See the [module documentation](self).
pub struct Lottery {
    slice: Nanos,
    draws: Stream,
    /// Number of the next draw.
    draw: u64,
    weight: Entries<u32>,
    /// What each entry used of its last turn.
    used: Entries<Nanos>,
    /// In order of becoming ready.
    ready: Vec<Entry>,
    holder: Option<Entry>,
}

impl Lottery {
    pub fn new(slice: Nanos, draws: Stream) -> Self {
        Lottery {
            slice,
            draws,
            draw: 0,
            weight: Entries::new(),
            used: Entries::new(),
            ready: Vec::new(),
            holder: None,
        }
    }

    /// Tickets of an entry; a whole number, so that their sum does not depend on their order.
    fn tickets(&self, entry: Entry) -> u128 {
        let used = u128::from(self.used[entry].clamp(1, self.slice));
        (u128::from(self.weight[entry]) << 20) * u128::from(self.slice) / used
    }
}

impl Policy for Lottery {
    fn admit(&mut self, entry: Entry, terms: &Terms) {
        self.weight.admit(entry, terms.weight);
        self.used.admit(entry, self.slice);
        make_room(&mut self.ready, entry);
    }

    /// Nothing is kept but what [`admit`](Policy::admit) sets anew.
    fn retire(&mut self, _entry: Entry) {}

    fn ready(&mut self, entry: Entry) {
        self.ready.push(entry);
    }

    fn blocked(&mut self, entry: Entry) {
        self.ready.retain(|&other| other != entry);
    }

    fn turn_over(&mut self, held: Nanos, more: bool) {
        let Some(entry) = self.holder.take() else {
            return;
        };
        self.used[entry] = held;
        if more {
            self.ready.push(entry);
        }
    }

    fn over_ran(&mut self, entry: Entry, extra: Nanos) {
        self.used[entry] += extra;
    }

    fn select(&mut self, _now: Nanos) -> Option<Grant> {
        let all: u128 = self.ready.iter().map(|&entry| self.tickets(entry)).sum();
        if all == 0 {
            return None;
        }
        // 64 random bits: the bias is below all / 2^64.
        let word = u128::from(self.draws.at(self.draw).word());
        self.draw += 1;
        let mut winner = (word * (all >> 32) + ((word * (all & 0xffff_ffff)) >> 32)) >> 32;
        let place = self.ready.iter().position(|&entry| {
            let tickets = self.tickets(entry);
            let wins = winner < tickets;
            winner = winner.saturating_sub(tickets);
            wins
        });
        let entry = self.ready.remove(place.unwrap_or(self.ready.len() - 1));
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

    fn lottery() -> Lottery {
        Lottery::new(10, Stream::new(1, 0, "gpu", 0, "lottery"))
    }

    /// 4,000 turns with weights 3 and 1: the first wins 3,000 on average with a deviation of 27.4, and 4.5
    /// of them are exceeded by chance in 7 of a million seeds.
    #[test]
    fn weights_hold_on_average() {
        let taken = turns_of(&mut lottery(), &weights([3, 1]), 4_000);
        let first = taken.iter().filter(|entry| **entry == 0).count() as f64;
        assert!((first - 3_000.0).abs() < 4.5 * 27.4, "{first}");
    }

    /// One uses a tenth of its turns: with compensation it wins ten times as often, 10 of 11.
    #[test]
    fn who_uses_little_wins_more_often() {
        let mut policy = lottery();
        for (entry, terms) in weights([1, 1]).iter().enumerate() {
            policy.admit(entry as Entry, terms);
            policy.ready(entry as Entry);
        }
        let mut ran = [0u64; 2];
        for _ in 0..11_000 {
            let entry = policy.select(0).and_then(|grant| grant.entry);
            let entry = entry.expect("work is waiting") as usize;
            let held = [1, 10][entry];
            ran[entry] += held;
            policy.turn_over(held, true);
        }
        // Wins of the second are binomial with mean 1,000 and a deviation of 30: 4.5 of them.
        let second = ran[1] as f64 / 10.0;
        assert!((second - 1_000.0).abs() < 4.5 * 30.2, "{second}");
    }
}
