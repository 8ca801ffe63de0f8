//! Periodic servers: every tenant may use its budget in each period, whenever work comes, and no more.
//!
//! Of the tenants with work and budget the one whose period ends first runs. A budget that is used up
//! comes back at the end of the period, and nobody gets more while the SMs are free: what a tenant
//! sees does not depend on the others. Over-run is taken off the next budget. A tenant without a
//! reservation has its weight in slices of every round of all weights. Periods count from time 0.
//!
//! Sources: J. K. Strosnider, J. P. Lehoczky and L. Sha, "The Deferrable Server Algorithm", IEEE
//! Transactions on Computers 44 (1995); I. Shin and I. Lee, "Periodic Resource Model for Compositional
//! Real-Time Guarantees", RTSS 2003 (a tenant waits for twice what is left of the period at most); order by
//! the end of the period after Liu and Layland 1973.

use super::entries::make_room;
use super::properties::total;
use super::registered::{Registered, Use};
use super::{
    Entries, Entry, Grant, Policy, Preempts, Properties, Reservation, Starvation, Terms, Weights,
};
use crate::engine::time::Nanos;

pub(super) const PERIODIC_SERVER: Registered = Registered {
    name: "periodic-server",
    about: "every tenant has its budget in each period and no more",
    source: "Strosnider, Lehoczky and Sha 1995; Shin and Lee, RTSS 2003",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::Weight, Use::Reservation],
    parameters: &[],
    build: |setup| Box::new(PeriodicServer::new(setup.config.slice)),
};

const PROPERTIES: Properties = Properties {
    work_conserving: false,
    weights: Weights::Proportional { slices: 2.0 },
    starvation: Starvation::Slices(|weights, own| 2.0 * (total(weights) - f64::from(weights[own]))),
    preempts: Preempts::Urgent,
};

struct Server {
    /// 0 for one that is not there.
    weight: u32,
    /// As asked for; `None` = by weight.
    asked: Option<Reservation>,
    budget: Reservation,
    /// What is left of the budget, less what was taken too much.
    left: i128,
    /// When the period ends.
    due: Nanos,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            weight: 0,
            asked: None,
            budget: Reservation { time: 1, period: 1 },
            left: 0,
            due: 0,
        }
    }
}

impl Server {
    fn has_budget(&self) -> bool {
        self.left > 0
    }

    fn refill(&mut self, now: Nanos) {
        if now >= self.due {
            let period = self.budget.period;
            self.due = (now / period + 1) * period;
            self.left = self.left.min(0) + i128::from(self.budget.time);
        }
    }
}

/// See the [module documentation](self).
pub struct PeriodicServer {
    slice: Nanos,
    servers: Entries<Server>,
    /// In order of becoming ready.
    ready: Vec<Entry>,
    holder: Option<Entry>,
}

impl PeriodicServer {
    pub fn new(slice: Nanos) -> Self {
        PeriodicServer {
            slice,
            servers: Entries::new(),
            ready: Vec::new(),
            holder: None,
        }
    }

    /// What those who are there have from their next periods on.
    fn set_budgets(&mut self) {
        let weights = self.servers.iter().map(|(_, s)| u64::from(s.weight));
        let all: u64 = weights.sum();
        let present = self.servers.iter_mut().filter(|(_, s)| s.weight > 0);
        for (_, server) in present {
            server.budget = server.asked.unwrap_or(Reservation {
                time: self.slice.saturating_mul(u64::from(server.weight)),
                period: self.slice.saturating_mul(all),
            });
        }
    }
}

impl Policy for PeriodicServer {
    fn admit(&mut self, entry: Entry, terms: &Terms) {
        let server = Server {
            weight: terms.weight,
            asked: terms.reservation,
            ..Server::default()
        };
        self.servers.admit(entry, server);
        make_room(&mut self.ready, entry);
        self.set_budgets();
    }

    fn retire(&mut self, entry: Entry) {
        self.servers[entry].weight = 0;
        self.set_budgets();
    }

    fn ready(&mut self, entry: Entry) {
        self.ready.push(entry);
    }

    fn blocked(&mut self, entry: Entry) {
        self.ready.retain(|&other| other != entry);
    }

    fn preempts(&mut self, entry: Entry, _held: Nanos, now: Nanos) -> bool {
        let server = &mut self.servers[entry];
        server.refill(now);
        let due = server.due;
        let holder = self.holder.map(|holder| self.servers[holder].due);
        self.servers[entry].has_budget() && holder.is_none_or(|other| due < other)
    }

    fn turn_over(&mut self, held: Nanos, more: bool) {
        let Some(entry) = self.holder.take() else {
            return;
        };
        self.servers[entry].left -= i128::from(held);
        if more {
            self.ready.push(entry);
        }
    }

    fn over_ran(&mut self, entry: Entry, extra: Nanos) {
        self.servers[entry].left -= i128::from(extra);
    }

    fn select(&mut self, now: Nanos) -> Option<Grant> {
        for &entry in &self.ready {
            self.servers[entry].refill(now);
        }
        let due = |entry: Entry| self.servers[entry].due;
        // Whoever is out of budget may be more urgent when it comes back.
        let first = self.ready.iter().map(|&entry| due(entry)).min()?;
        let ready = self.ready.iter().enumerate();
        let able = ready.filter(|&(_, &entry)| self.servers[entry].has_budget());
        let chosen = able.min_by_key(|&(place, &entry)| (due(entry), place));
        let Some((place, _)) = chosen else {
            return Some(Grant {
                entry: None,
                slice: first - now,
            });
        };
        let entry = self.ready.remove(place);
        self.holder = Some(entry);
        let left = Nanos::try_from(self.servers[entry].left).unwrap_or(Nanos::MAX);
        Some(Grant {
            entry: Some(entry),
            slice: left.min(first - now),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(time: Nanos, period: Nanos) -> Terms {
        Terms {
            reservation: Some(Reservation { time, period }),
            ..Terms::default()
        }
    }

    /// Two tenants that always have work, 2 of 5 and 3 of 10: by hand, to the end of the longer period.
    #[test]
    fn budgets_by_hand() {
        let mut policy = PeriodicServer::new(1);
        for (entry, terms) in [reserved(2, 5), reserved(3, 10)].iter().enumerate() {
            policy.admit(entry as Entry, terms);
            policy.ready(entry as Entry);
        }
        let (mut now, mut turns) = (0, Vec::new());
        while now < 10 {
            let grant = policy.select(now).expect("work is waiting");
            turns.push((now, grant.entry, grant.slice));
            now += grant.slice;
            policy.turn_over(grant.slice, true);
        }
        assert_eq!(
            turns,
            [
                (0, Some(0), 2),
                (2, Some(1), 3),
                (5, Some(0), 2),
                (7, None, 3), // 1 is out of budget until 10
            ]
        );
    }

    #[test]
    fn work_that_comes_late_finds_its_budget() {
        let mut policy = PeriodicServer::new(1);
        policy.admit(0, &reserved(2, 5));
        policy.admit(1, &reserved(3, 10));
        policy.ready(1);
        assert_eq!(policy.select(0).map(|grant| grant.slice), Some(3));
        policy.ready(0);
        assert!(policy.preempts(0, 1, 1), "its period ends first");
        policy.turn_over(1, true);
        assert_eq!(policy.select(1).and_then(|grant| grant.entry), Some(0));
        policy.turn_over(2, true);
        policy.over_ran(0, 1);
        assert_eq!(policy.select(4).and_then(|grant| grant.entry), Some(1));
        policy.turn_over(1, true);
        // What it took too much is gone from the next budget.
        let grant = policy.select(5).expect("work is waiting");
        assert_eq!((grant.entry, grant.slice), (Some(0), 1));
    }

    #[test]
    fn without_reservations_a_round_is_shared_by_weight() {
        let mut policy = PeriodicServer::new(10);
        for (entry, weight) in [3, 1].into_iter().enumerate() {
            let terms = Terms {
                weight,
                ..Terms::default()
            };
            policy.admit(entry as Entry, &terms);
            policy.ready(entry as Entry);
        }
        let slices: Vec<_> = [0, 30]
            .map(|now| {
                let grant = policy.select(now).expect("work is waiting");
                policy.turn_over(grant.slice, true);
                (grant.entry, grant.slice)
            })
            .into();
        assert_eq!(slices, [(Some(0), 30), (Some(1), 10)]);
    }
}
