//! Polling: one server goes round the queues of all tenants in a fixed order, whether they have work or not.
//!
//! What it does at a queue is the key `service`:
//!
//! - *gated*: the pieces of work that it finds there when it comes;
//! - *exhaustive*: all, those that come meanwhile among them, until the queue is empty;
//! - *limited*: one piece.
//!
//! A queue is the work that a tenant has given to the GPU. A job that still waits in its guest for a stream is in
//! none, and comes too late for a visit whose last piece has ended.
//!
//! The SMs switch to a tenant without work too, which costs what a [switch](crate::gpu::SwitchCost) costs: work
//! that comes before the switch is over is served in this visit, and otherwise the next tenant has its turn. So
//! the tenants are visited in one order for ever, and nobody is overtaken twice. While nobody has any work
//! the server rests where it is. Pieces of one tenant that are served in one visit run side by side, as the
//! streams of a process do.
//!
//! Source: H. Takagi, "Analysis of Polling Systems", MIT Press 1986 (chapters 4 to 6: exhaustive, gated and limited
//! service). There the server goes on while all queues are empty; one that rests is the dormant server of
//! later work, and the same where switching costs nothing.

use super::registered::Registered;
use super::{
    Entries, Entry, Grant, Parameter, Policy, Preempts, Properties, Starvation, Terms, Values,
    Weights, Work,
};
use crate::engine::time::{LONGEST, Nanos};

pub(super) const POLLING: Registered = Registered {
    name: "polling",
    about: "tenants are visited in a circle, those without work too",
    source: "Takagi, Analysis of Polling Systems, MIT Press 1986",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[],
    parameters: &[SERVICE],
    build: |setup| {
        let service = Service::of(setup.setting(&SERVICE).whole());
        Box::new(Polling::new(service))
    },
};

const PROPERTIES: Properties = Properties {
    // Where visits to tenants without work cost nothing, as for all that is declared.
    work_conserving: true,
    weights: Weights::Other,
    // One visit to each of the others, as long as what it serves there.
    starvation: Starvation::Visits,
    preempts: Preempts::Never,
};

const SERVICES: &[&str] = &["gated", "exhaustive", "limited"];

const SERVICE: Parameter = Parameter {
    name: "service",
    about: "what is served in a visit: the work that it finds, all until there is none, or one piece",
    values: Values::Word {
        words: SERVICES,
        default: 0,
    },
};

/// What is served in a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Gated,
    Exhaustive,
    Limited,
}

impl Service {
    /// By the place of its word.
    pub(super) fn of(word: u64) -> Service {
        match word {
            1 => Service::Exhaustive,
            2 => Service::Limited,
            _ => Service::Gated,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Queue {
    /// Somebody is behind it.
    there: bool,
    /// Has work and waits.
    ready: bool,
    /// Pieces of work in it, when that was told.
    pieces: u32,
}

/// See the [module documentation](self).
pub struct Polling {
    service: Service,
    queues: Entries<Queue>,
    /// Queues with work that wait.
    waiting: usize,
    holder: Option<Entry>,
    /// Whom the server comes to next, if it is there.
    next: usize,
    /// Pieces that the visit under way still lets in.
    open: u32,
}

impl Polling {
    pub(super) fn new(service: Service) -> Self {
        Polling {
            service,
            queues: Entries::new(),
            waiting: 0,
            holder: None,
            next: 0,
            open: 0,
        }
    }

    fn wait(&mut self, entry: Entry, ready: bool) {
        let queue = &mut self.queues[entry];
        self.waiting = self.waiting + usize::from(ready) - usize::from(queue.ready);
        queue.ready = ready;
    }
}

impl Policy for Polling {
    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        let queue = Queue {
            there: true,
            ..Queue::default()
        };
        self.queues.admit(entry, queue);
    }

    fn retire(&mut self, entry: Entry) {
        self.queues[entry].there = false;
    }

    fn sees_work(&self) -> bool {
        true
    }

    fn work(&mut self, entry: Entry, work: Work) {
        self.queues[entry].pieces = work.pieces;
    }

    fn by_piece(&self) -> bool {
        true
    }

    fn visits(&self) -> bool {
        true
    }

    fn joins(&mut self, _piece: u64) -> bool {
        let joins = self.service == Service::Exhaustive || self.open > 0;
        self.open = self.open.saturating_sub(1);
        joins
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
        let count = self.queues.count();
        let mut circle = (0..count).map(|step| ((self.next + step) % count) as Entry);
        let entry = circle.find(|&entry| self.queues[entry].there)?;
        self.next = (entry as usize + 1) % count;
        let Queue { ready, pieces, .. } = self.queues[entry];
        // The first that is there needs no leave; where nobody is, the first that comes does.
        self.open = match (ready, self.service) {
            (false, _) => 1,
            (true, Service::Limited) => 0,
            (true, _) => pieces.saturating_sub(1),
        };
        self.wait(entry, false);
        self.holder = Some(entry);
        Some(Grant {
            entry: Some(entry),
            slice: LONGEST,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(policy: &mut Polling, entry: Entry, pieces: u32) {
        let work = Work {
            deadline: 0,
            served: 0,
            left: 0,
            oldest: 0,
            pieces,
        };
        policy.work(entry, work);
        policy.ready(entry);
    }

    /// Three queues with 2, 0 and 3 pieces. By hand: in the first visit the first piece needs no leave; gated
    /// service lets in one more, exhaustive all, limited none. The second queue is visited though it is empty,
    /// and a piece that comes while the SMs switch to it is let in.
    #[test]
    fn each_service_lets_in_what_it_says() {
        for (service, lets_in) in [
            (Service::Gated, [true, false]),
            (Service::Exhaustive, [true, true]),
            (Service::Limited, [false, false]),
        ] {
            let mut policy = Polling::new(service);
            for entry in 0..3 {
                policy.admit(entry, &Terms::default());
            }
            finds(&mut policy, 0, 2);
            finds(&mut policy, 2, 3);
            let next = |policy: &mut Polling| policy.select(0).and_then(|grant| grant.entry);
            assert_eq!(next(&mut policy), Some(0));
            assert_eq!([1, 7].map(|piece| policy.joins(piece)), lets_in);
            policy.turn_over(5, false);
            assert_eq!(next(&mut policy), Some(1), "a visit to an empty queue");
            assert!(policy.joins(8), "it came during the switch");
            policy.turn_over(0, false);
            assert_eq!(next(&mut policy), Some(2));
            policy.turn_over(5, true);
            assert_eq!(next(&mut policy), Some(0));
        }
    }

    /// Without any work the server rests, and goes on from there; who has left is passed over.
    #[test]
    fn the_server_rests_and_goes_on() {
        let mut policy = Polling::new(Service::Gated);
        for entry in 0..3 {
            policy.admit(entry, &Terms::default());
        }
        assert_eq!(policy.select(0), None);
        finds(&mut policy, 0, 1);
        policy.select(0);
        policy.turn_over(5, false);
        assert_eq!(policy.select(5), None);
        policy.retire(1);
        finds(&mut policy, 0, 1);
        let order: Vec<_> = (0..2)
            .map(|_| {
                let entry = policy.select(9).and_then(|grant| grant.entry);
                policy.turn_over(0, false);
                entry
            })
            .collect();
        assert_eq!(order, [Some(2), Some(0)]);
    }
}
