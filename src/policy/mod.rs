//! Schedulers: who holds the SMs of a compute domain, and until when.
//!
//! A policy is one file and one line of the [`registry`]. It sees entries of a rotation (a vGPU, a
//! CUDA context, or one channel of either), their readiness, how long their turns were, and the
//! clock; it answers with grants.
//!
//! Architecture invariant: nothing here knows guests, results or reports.

mod equal_share;
mod fixed_share;
pub mod registry;
mod reserved;
mod run_list;
mod time_slice;

pub use time_slice::{OnCompletion, OnIdle, Rotation, Ties, TimeSlice, Turns};

use crate::engine::time::Nanos;

/// One entry of a rotation: an index that the domain gives out in rank order, from 0.
pub type Entry = u32;

/// The right to the SMs for one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Who holds the SMs; `None` for a reserved turn that no vGPU has taken.
    pub entry: Option<Entry>,
    /// Length of the turn, counted from the moment that the holder can run.
    pub slice: Nanos,
}

/// Decides who holds the SMs of a domain in turn.
///
/// The domain calls these in the order of simulated time. Calls never allocate after the last
/// [`admit`](Policy::admit).
pub trait Policy: Send {
    /// Whether turns are reserved: held by their tenant whether it has work or not. A policy that
    /// reserves nothing must be work-conserving.
    fn reserves(&self) -> bool;

    /// The entry joins the rotation: its vGPU or context has started. Entries come in rank order.
    fn admit(&mut self, entry: Entry);

    /// The entry has work; it had none, and does not hold the SMs.
    fn ready(&mut self, entry: Entry);

    /// The entry, which was ready and does not hold the SMs, has lost its last work.
    fn blocked(&mut self, entry: Entry);

    /// The turn of the last grant is over after `held`; `more` tells whether its holder still has
    /// work.
    fn turn_over(&mut self, held: Nanos, more: bool);

    /// The entry whose turn was over kept the SMs for another `extra`, until preemption took hold.
    fn over_ran(&mut self, entry: Entry, extra: Nanos);

    /// Chooses the next holder. A policy that reserves nothing answers `None` when no entry is
    /// ready; one that reserves answers `None` only before the first admission.
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
