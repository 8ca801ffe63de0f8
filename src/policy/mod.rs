//! Schedulers: who holds the SMs of a compute domain, and until when.
//!
//! A policy is one file and one line of the [`registry`]. It sees entries of a rotation (a vGPU, a
//! CUDA context, or one channel of either), their readiness, how long their turns were, and the
//! clock; it answers with grants.
//!
//! Architecture invariant: nothing here knows guests, results or reports.

mod deficit_round_robin;
mod earliest_deadline;
mod eevdf;
mod entries;
mod equal_share;
mod first_come;
mod fixed_share;
mod gpreempt;
mod gvt_g;
pub mod keyed;
mod least_attained;
mod lottery;
pub mod parameter;
mod periodic_server;
mod polling;
mod priority;
mod properties;
mod queue;
mod registered;
pub mod registry;
mod reserved;
mod run_list;
mod shortest_remaining;
pub mod spatial;
mod start_time_fair;
mod stride;
mod time_slice;
mod waiting;
mod weighted_share;
mod work_conserving_fixed;
mod xe_sriov;

pub use entries::Entries;
pub use parameter::{Parameter, Setting, Values};
pub use properties::{Preempts, Properties, Starvation, Weights};
pub use registry::{Registered, Setup};
pub use time_slice::{OnCompletion, OnIdle, Rotation, Ties, TimeSlice, Turns};

use crate::engine::time::Nanos;

/// One entry of a rotation: an index that the domain gives out in rank order, from 0. That of an entry which has
/// left may be given again.
pub type Entry = u32;

/// What a tenant may claim, as its guest in the scenario says. Each policy says which of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Relative to the weights of others, at least 1.
    pub weight: u32,
    /// Larger goes first.
    pub priority: i32,
    /// So much running time in every period.
    pub reservation: Option<Reservation>,
}

/// Running time in every period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// At least 1, at most the period.
    pub time: Nanos,
    pub period: Nanos,
}

impl Default for Terms {
    fn default() -> Self {
        Terms {
            weight: 1,
            priority: 0,
            reservation: None,
        }
    }
}

/// The work at the head of an entry, for policies that [see it](Policy::sees_work).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// When its job has to be done; [`NEVER`](crate::engine::time::NEVER) without a deadline.
    pub deadline: Nanos,
    /// Running time that it has had.
    pub served: Nanos,
    /// Running time that is left: what no real scheduler knows.
    pub left: Nanos,
    /// The oldest of its pieces. Pieces of work are numbered in the order in which they come to the SMs.
    pub oldest: u64,
    /// Its pieces that have come to the SMs and are not done, running or not: the length of its queue there. Jobs
    /// that wait in the tenant for one of its streams have not come, and no scheduler sees them.
    pub pieces: u32,
}

/// The right to the SMs for one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Who holds the SMs; `None` for a turn that passes unused, be it reserved or because nobody with
    /// work may run.
    pub entry: Option<Entry>,
    /// Length of the turn, counted from the moment that the holder can run.
    pub slice: Nanos,
}

/// Decides who holds the SMs of a domain in turn.
///
/// The domain calls these in the order of simulated time. No call but [`admit`](Policy::admit) allocates.
pub trait Policy: Send {
    /// Whether turns are reserved: held by their tenant whether it has work or not. Otherwise a turn ends
    /// when its holder has no work left.
    fn reserves(&self) -> bool {
        false
    }

    /// The entry joins the rotation: its vGPU or context has started. A number that nobody has had comes in rank
    /// order; one whose entry has [left](Self::retire) may come again at any time, and begins as if nobody had
    /// had it.
    fn admit(&mut self, entry: Entry, terms: &Terms);

    /// The entry leaves the rotation for good: its vGPU or context has stopped. It has no work and no turn: if it
    /// was ready it has been [`blocked`](Self::blocked), if it held the SMs its [turn is over](Self::turn_over).
    /// From now on it gets no turns, and nothing that others get may depend on it.
    fn retire(&mut self, entry: Entry);

    /// Whether the policy looks at the work of entries: it is then told by [`work`](Self::work).
    fn sees_work(&self) -> bool {
        false
    }

    /// What is at the head of an entry: told before the entry becomes [`ready`](Self::ready), when more
    /// work comes to it while it waits, when part of its work is done, and before its turn is over.
    fn work(&mut self, entry: Entry, work: Work) {
        let _ = (entry, work);
    }

    /// Whether turns are for pieces of work: a turn runs the oldest piece of its holder, and others of the
    /// holder that may [`join`](Self::joins) it, to their ends, and is then over. Otherwise all work of
    /// the holder runs in its turn, side by side.
    fn by_piece(&self) -> bool {
        false
    }

    /// Whether turns may come to entries without work: the SMs then switch to the entry, and unless work has come to
    /// it until the switch is over the turn ends there, [over](Self::turn_over) after 0 without more. Otherwise a
    /// turn that is not [reserved](Self::reserves) is for an entry that is ready.
    fn visits(&self) -> bool {
        false
    }

    /// Whether the holder's piece of this number runs beside the work that has the present turn; otherwise
    /// it waits for a turn to come. Asked when a turn begins, and when more work comes to its holder.
    fn joins(&mut self, piece: u64) -> bool {
        let _ = piece;
        false
    }

    /// The entry has work; it had none, and does not hold the SMs.
    fn ready(&mut self, entry: Entry);

    /// The entry, which was ready and does not hold the SMs, has lost its last work.
    fn blocked(&mut self, entry: Entry);

    /// Whether `entry`, which has just become ready, takes the SMs from the holder of the present turn,
    /// who has had them for `held`. The turn is then over, and [`select`](Self::select) chooses. Also asked
    /// about a turn that has been granted to nobody.
    fn preempts(&mut self, entry: Entry, held: Nanos, now: Nanos) -> bool {
        let _ = (entry, held, now);
        false
    }

    /// The turn of the last grant is over after `held`; `more` tells whether its holder still has
    /// work.
    fn turn_over(&mut self, held: Nanos, more: bool);

    /// The entry whose turn was over kept the SMs for another `extra`, until preemption took hold.
    fn over_ran(&mut self, entry: Entry, extra: Nanos) {
        let _ = (entry, extra);
    }

    /// Chooses the next holder. `None` leaves the SMs to nobody until an entry becomes ready: right only
    /// if none is, or before the first admission. To keep entries with work waiting, grant a turn to
    /// nobody.
    fn select(&mut self, now: Nanos) -> Option<Grant>;

    /// Ends a turn and chooses the next holder: one call for what happens at every end of a turn.
    #[inline]
    fn rotate(&mut self, held: Nanos, more: bool, now: Nanos) -> Option<Grant> {
        self.turn_over(held, more);
        self.select(now)
    }

    /// The number of turns in a round, if from the present grant on rounds repeat: as long as the same
    /// entries are ready and every turn is held for its whole slice, the next grants are the present
    /// one and those that follow it, in a circle, and leave the policy equal but for what
    /// [`skip_rounds`](Policy::skip_rounds) brings up to date.
    fn round(&self) -> Option<u64> {
        None
    }

    /// Passes over `rounds` whole rounds, each as announced by [`round`](Policy::round).
    fn skip_rounds(&mut self, rounds: u64) {
        let _ = rounds;
    }
}
