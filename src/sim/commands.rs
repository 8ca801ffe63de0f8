//! Commands to a cell: what a control plane above the cells orders, each at its place in the total order.
//!
//! A command is of class [`Control`](crate::engine::calendar::Class::Control) and the first of it: behind all
//! completions, ends of turns and arrivals of its instant, before batches and frames that are due then and jobs
//! whose patience ends, and before the state is sampled. Commands of one instant come by rank, and of one rank in
//! the order in which they were given. When all of an instant have been obeyed, the domains that they concern
//! choose whom the SMs go to. Commands at time 0 come before everything.
//!
//! The starts that a scenario fixes are planned in the same list, with rank 0 before all others.

use crate::engine::time::{NEVER, Nanos};
use crate::policy::Terms;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use thiserror::Error;

/// What a cell is told to do. Guests and domains have the numbers of the [`Layout`](super::Layout). A command to
/// a guest that has retired does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The guest starts: its arrivals are counted from now on, and its tenants join the rotations. For guests
    /// whose start the scenario leaves open ([`NEVER`]); each can come once.
    Admit { guest: usize },
    /// The guest ends: nothing arrives any more, and when its work has come to an end its tenants leave the
    /// rotations. Processes in a virtual machine end with it. One that has not started never will.
    Retire { guest: usize, work: AtEnd },
    /// The guest has no turn until it is resumed. Arrivals go on, and jobs go on up to their next GPU work or
    /// encoding; that waits with what it has done already. A virtual machine takes its processes along.
    Suspend { guest: usize },
    /// A suspended guest takes part again; it comes back as if it had just started.
    Resume { guest: usize },
    /// Weight, priority and reservation of the guest change. Tenants with entries of their own leave the
    /// rotation and join it again with the new terms; whose turn it is gives it up.
    SetTerms { guest: usize, terms: Terms },
    /// From the start of a frame to that of the next it takes at least `gap` from now on, the present wait
    /// included; 0 lifts the limit. For guests that show frames.
    LimitFrames { guest: usize, gap: Nanos },
    /// The domain is reset, and for `outage` nothing runs there; then tenants start anew. Contexts that are
    /// loaded stay so, and engines beside the SMs go on.
    Reset {
        domain: usize,
        work: AtReset,
        outage: Nanos,
    },
}

/// What becomes of the jobs of a guest that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtEnd {
    /// All that are in the system are lost at once.
    Lost,
    /// They are served to their ends.
    Drained,
}

/// What becomes of the work in flight on a domain that is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtReset {
    /// The jobs that it belongs to are lost, the requests of a batch or iteration together; users hear so at once.
    Lost,
    /// Operations begin anew.
    Restarted,
}

/// A command that cannot be given.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum CommandError {
    #[error("a command at {time} ns, but the cell has come to {reached} ns")]
    Past { time: Nanos, reached: Nanos },
    #[error("a command at no time")]
    Never,
    #[error("the cell has no guest number {0}")]
    UnknownGuest(usize),
    #[error("the cell has no compute domain number {0}")]
    UnknownDomain(usize),
    #[error("guest number {0} has its start already")]
    HasStart(usize),
    #[error("guest number {0} shows no frames")]
    NoFrames(usize),
    #[error("a weight is at least 1, a reservation at least 1 ns and at most its period")]
    Terms,
}

/// What is to be done at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// An entry of a domain starts.
    Start {
        domain: usize,
        entry: u32,
    },
    /// An outage is over.
    Up {
        domain: usize,
    },
    Command(Command),
}

/// What is still to be done, in order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    actions: BinaryHeap<Reverse<Planned>>,
    came: u64,
}

#[derive(Debug)]
struct Planned {
    time: Nanos,
    rank: u32,
    /// How many were planned before.
    number: u64,
    action: Action,
}

impl Planned {
    fn place(&self) -> (Nanos, u32, u64) {
        (self.time, self.rank, self.number)
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}
impl Eq for Planned {}
impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}

impl Plan {
    /// Plans an action; one at [`NEVER`] is none.
    pub fn add(&mut self, time: Nanos, rank: u32, action: Action) {
        if time == NEVER {
            return;
        }
        self.actions.push(Reverse(Planned {
            time,
            rank,
            number: self.came,
            action,
        }));
        self.came += 1;
    }

    /// When the next action is.
    pub fn next(&self) -> Option<Nanos> {
        self.actions.peek().map(|Reverse(first)| first.time)
    }

    /// Takes the next action if it is at `now`.
    pub fn take(&mut self, now: Nanos) -> Option<Action> {
        if self.next() != Some(now) {
            return None;
        }
        self.actions.pop().map(|Reverse(first)| first.action)
    }
}

/// Whether a policy can be given these terms.
pub(super) fn are_terms(terms: &Terms) -> bool {
    let whole = terms
        .reservation
        .is_none_or(|part| part.time >= 1 && part.time <= part.period);
    terms.weight >= 1 && whole
}
