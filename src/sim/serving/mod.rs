//! How guests serve their jobs: each kind of guest in a file of its own.
//!
//! A job that arrives, an idle stream, a stream that has ended its work, a timer that is due: each of
//! the four meets one `match` over [`Serving`], made from the table at the end of this file. The rest of a cell
//! does not know which kind a guest is.
//!
//! # What excludes and what is orthogonal
//!
//! Kinds exclude each other, for each says what an idle stream takes next. These go beside them:
//!
//! - *Where jobs come from* (`source.rs`): a kind is told that a job arrives and gives answers.
//! - *The queue* (`queue.rs`): its bound, classes and time-outs say who waits, in which order and for how long,
//!   whoever takes from it. Streams and batches do. Of frames only the newest waits, so there is nobody to go
//!   before or to give up; an engine has a queue in its own order, to which the bound alone applies.
//! - *Memory of jobs* (`memory.rs`) and *stages* (`jobs.rs`): what a stream does with what it has taken. An
//!   engine's requests allocate from its cache instead.
//! - *What the user sees later* (`GuestState::outside`): added to each job's end.
//!
//! # A new kind of guest
//!
//! 1. A file beside this one: a type with the state of the kind, its `new`, which refuses what cannot be
//!    simulated, and [`Serve`]. Jobs that queue for streams use `GuestState::queue` and
//!    `Cell::join_queue`; a stream starts by `Cell::take_job` and ends by `Cell::job_ended`.
//! 2. A row in the table below, under the name of its rule in [`Discipline`].
//!
//! No other file of `sim` changes: `tests/program/architecture.rs` keeps it so. The rule itself, what a scenario
//! says of it, is a variant of [`Discipline`] in `workload/discipline.rs`.

mod batches;
mod frames;
mod llm;
mod streams;

use super::build::BuildError;
use super::cell::Cell;
use super::guest::{DrawKey, Job};
use super::observer::Observer;
use crate::engine::time::Nanos;
use crate::scenario::Guest;
use crate::workload::Discipline;
use batches::Batches;
use frames::Frames;
use llm::LanguageModel;
use streams::Streams;

/// What a kind of guest decides. Its state is in the cell, which may come back to the same guest while it answers
/// a user, so nothing here holds on to it.
pub(super) trait Serve: Sized {
    /// Whether `GuestState::due` may be set: the guest has a timer in the calendar.
    const TIMED: bool = false;

    /// A job arrives, at its time of arrival. To tell the observer of it is part of this.
    fn arrived<O: Observer>(cell: &mut Cell<O>, guest: usize, job: Job);

    /// Idle streams take what may start.
    fn start<O: Observer>(cell: &mut Cell<O>, guest: usize, now: Nanos);

    /// A stream has passed the last stage of what it had taken.
    fn ended<O: Observer>(cell: &mut Cell<O>, guest: usize, stream: usize, now: Nanos);

    /// The time of `GuestState::due` has come.
    fn due<O: Observer>(cell: &mut Cell<O>, guest: usize, now: Nanos) {
        Self::start(cell, guest, now);
    }

    /// What a stream had taken is lost, with its operations. It takes what may start next, and users hear of it.
    fn goes_on<O: Observer>(
        cell: &mut Cell<O>,
        guest: usize,
        stream: usize,
        lost: &[Job],
        now: Nanos,
    ) {
        cell.guests[guest].free.push_back(stream as u32);
        Self::start(cell, guest, now);
        for job in lost {
            cell.answer(guest, job, now);
        }
    }

    /// Whether there is a pace that [`limit`](Self::limit) sets.
    const PACED: bool = false;

    /// From the start of a job to that of the next it takes at least `gap` from now on.
    fn limit<O: Observer>(cell: &mut Cell<O>, guest: usize, gap: Nanos, now: Nanos) {
        let _ = (cell, guest, gap, now);
    }

    /// Nothing arrives any more.
    fn closes(&mut self) {}

    /// Takes out the jobs that run, of a kind that keeps them itself.
    fn lose_running(&mut self) -> Option<Vec<Job>> {
        None
    }

    /// Takes out the jobs that wait, of a kind that keeps them itself.
    fn lose_waiting(&mut self) -> Option<Vec<Job>> {
        None
    }

    /// Jobs that a stream takes at once, at most.
    fn together(&self) -> usize {
        1
    }

    /// Jobs in the system, of a kind that keeps them itself: neither in the queue nor on the streams.
    fn kept(&self) -> Option<u64> {
        None
    }
}

/// Where a kind finds its state.
trait State {
    /// The state of a guest of this kind.
    fn of(serving: &mut Serving) -> &mut Self;
}

/// The table of kinds: what each is, the name of its [`Discipline`] with the rule, the type of its state.
macro_rules! kinds {
    ($($(#[$text:meta])* $name:ident $(($rule:ident))? => $kind:ident,)+) => {
        /// The state of a kind of guest. See the [module documentation](self).
        #[derive(Debug)]
        pub enum Serving {
            $($(#[$text])* $name($kind),)+
        }

        impl Serving {
            /// The kind that the workload of a guest with so many streams asks for.
            pub fn new(guest: &Guest, streams: usize, key: DrawKey<'_>) -> Result<Self, BuildError> {
                let new = New { guest, streams, key };
                Ok(match &guest.workload.discipline {
                    $(Discipline::$name $(($rule))? => Serving::$name($kind::new($($rule,)? &new)?),)+
                })
            }

            /// See [`Serve::TIMED`].
            pub fn timed(&self) -> bool {
                match self {
                    $(Serving::$name(_) => $kind::TIMED,)+
                }
            }

            /// See [`Serve::together`].
            pub fn together(&self) -> usize {
                match self {
                    $(Serving::$name(kind) => kind.together(),)+
                }
            }

            /// See [`Serve::PACED`].
            pub fn paced(&self) -> bool {
                match self {
                    $(Serving::$name(_) => $kind::PACED,)+
                }
            }

            /// See [`Serve::closes`].
            pub fn closes(&mut self) {
                match self {
                    $(Serving::$name(kind) => kind.closes(),)+
                }
            }

            /// See [`Serve::lose_running`].
            pub fn lose_running(&mut self) -> Option<Vec<Job>> {
                match self {
                    $(Serving::$name(kind) => kind.lose_running(),)+
                }
            }

            /// See [`Serve::lose_waiting`].
            pub fn lose_waiting(&mut self) -> Option<Vec<Job>> {
                match self {
                    $(Serving::$name(kind) => kind.lose_waiting(),)+
                }
            }

            /// See [`Serve::kept`].
            pub fn kept(&self) -> Option<u64> {
                match self {
                    $(Serving::$name(kind) => kind.kept(),)+
                }
            }
        }

        impl<O: Observer> Cell<O> {
            /// See [`Serve::arrived`].
            pub(super) fn job_arrived(&mut self, guest: usize, job: Job) {
                match self.guests[guest].serving {
                    $(Serving::$name(_) => $kind::arrived(self, guest, job),)+
                }
            }

            /// See [`Serve::start`].
            pub(super) fn start_waiting(&mut self, guest: usize, now: Nanos) {
                match self.guests[guest].serving {
                    $(Serving::$name(_) => $kind::start(self, guest, now),)+
                }
            }

            /// See [`Serve::ended`].
            pub(super) fn stream_ended(&mut self, guest: usize, stream: usize, now: Nanos) {
                match self.guests[guest].serving {
                    $(Serving::$name(_) => $kind::ended(self, guest, stream, now),)+
                }
            }

            /// See [`Serve::goes_on`].
            pub(super) fn stream_goes_on(
                &mut self,
                guest: usize,
                stream: usize,
                lost: &[Job],
                now: Nanos,
            ) {
                match self.guests[guest].serving {
                    $(Serving::$name(_) => $kind::goes_on(self, guest, stream, lost, now),)+
                }
            }

            /// See [`Serve::limit`].
            pub(super) fn limit_pace(&mut self, guest: usize, gap: Nanos, now: Nanos) {
                match self.guests[guest].serving {
                    $(Serving::$name(_) => $kind::limit(self, guest, gap, now),)+
                }
            }

            /// See [`Serve::due`].
            pub(super) fn timer_due(&mut self, guest: usize, now: Nanos) {
                match self.guests[guest].serving {
                    $(Serving::$name(_) => $kind::due(self, guest, now),)+
                }
            }
        }

        $(impl State for $kind {
            fn of(serving: &mut Serving) -> &mut Self {
                match serving {
                    Serving::$name(kind) => kind,
                    _ => unreachable!("a guest of another kind"),
                }
            }
        })+
    };
}

/// What the state of a kind is made from, beside the rule.
struct New<'a> {
    guest: &'a Guest,
    streams: usize,
    key: DrawKey<'a>,
}

kinds! {
    /// One job after the other on each stream.
    Streams => Streams,
    /// Several requests at once on each stream.
    Batches(rule) => Batches,
    /// The newest picture, at the pace of a limiter.
    Frames(rule) => Frames,
    /// Requests to a language model, in the iterations of its engine.
    LanguageModel(rule) => LanguageModel,
}
