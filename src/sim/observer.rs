//! The one door through which a simulation is observed.
//!
//! The world tells an observer what happens; it computes no statistic itself. Every method has an
//! empty default, and observers are composed statically: what none of them wants costs nothing.

use super::memory::Pool;
use crate::engine::time::Nanos;
use crate::gpu::{ComputeDomain, Station};

/// The parts of a job's life, in the order of [`JobEnd::parts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Part {
    /// Waiting for a stream of the guest.
    Queue = 0,
    /// GPU work ready, but not on the SMs.
    SliceWait = 1,
    /// The SMs switch to the job's tenant.
    Switch = 2,
    /// On the SMs.
    Gpu = 3,
    /// Copying, with the wait for a copy engine.
    Copy = 4,
    /// On host cores, with the wait for one.
    Host = 5,
    /// On a media engine, with the wait for one.
    Engine = 6,
    /// In the network and at the client.
    Outside = 7,
}

/// Number of [`Part`]s.
pub const PARTS: usize = 8;

/// A finished job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobEnd {
    /// Index of the job at its guest: the same under every way of sharing.
    pub index: u64,
    /// Place of its class in the workload, 0 where all jobs are alike.
    pub class: u32,
    pub arrival: Nanos,
    /// When a stream took it.
    pub started: Nanos,
    pub ended: Nanos,
    /// Where the time went along the critical path, by [`Part`]; the sum is `ended - arrival`.
    pub parts: [Nanos; PARTS],
}

/// The state of a cell at a sampling edge; everything is settled up to `now`.
pub struct Probe<'a> {
    pub now: Nanos,
    /// By local index of the GPU in the cell.
    pub domains: &'a [ComputeDomain],
    /// By local index of the station in the cell.
    pub stations: &'a [Station],
    /// By local index of the pool in the cell.
    pub pools: &'a [Pool],
    /// Jobs in the system, by local index of the guest in the cell.
    pub backlog: &'a [u64],
}

/// Defines [`Observer`] and its compositions from one list of events, so that none is forgotten in any of them.
macro_rules! events {
    ($($(#[$about:meta])* fn $event:ident($($name:ident: $type:ty),*);)*) => {
        /// Receives what happens in one cell. Guests are numbered locally, in rank order.
        ///
        /// Two observers make one: `(A, B)` is told everything that A or B wants to see, A first. An observer
        /// that is there or not is an `Option`.
        pub trait Observer {
            /// Whether it wants to be told of every [`turn`](Self::turn); a cell that is watched so takes every
            /// turn from the calendar.
            const WATCHES_TURNS: bool = false;
            $(
                $(#[$about])*
                #[inline]
                fn $event(&mut self, $($name: $type),*) {
                    let _ = ($($name,)*);
                }
            )*
        }

        impl<A: Observer, B: Observer> Observer for (A, B) {
            const WATCHES_TURNS: bool = A::WATCHES_TURNS || B::WATCHES_TURNS;
            $(
                #[inline]
                fn $event(&mut self, $($name: $type),*) {
                    self.0.$event($($name),*);
                    self.1.$event($($name),*);
                }
            )*
        }

        impl<O: Observer> Observer for Option<O> {
            const WATCHES_TURNS: bool = O::WATCHES_TURNS;
            $(
                #[inline]
                fn $event(&mut self, $($name: $type),*) {
                    if let Some(observer) = self {
                        observer.$event($($name),*);
                    }
                }
            )*
        }
    };
}

events! {
    /// A job arrived at the guest; it may be dropped at once.
    fn arrived(guest: usize, now: Nanos);

    /// An arriving job found the guest's queue full.
    fn dropped(guest: usize, arrival: Nanos);

    /// A job found too little memory when it was to start: it failed.
    fn out_of_memory(guest: usize, arrival: Nanos);

    /// A job has waited too long for a stream, and left at `now`.
    fn timed_out(guest: usize, arrival: Nanos, now: Nanos);

    /// A command has ended a job before its time, at `now`.
    fn lost(guest: usize, arrival: Nanos, now: Nanos);

    /// A guest that batches has taken requests together; the oldest of them arrived at `arrival`.
    fn batched(guest: usize, arrival: Nanos);

    /// A request has one more token.
    fn token(guest: usize, token: &Token);

    /// A language-model engine sent so many requests back to its queue at `now`.
    fn preempted(guest: usize, now: Nanos, requests: u64);

    /// A request has all its tokens; [`ended`](Self::ended) follows.
    fn served(guest: usize, tokens: &Tokens);

    /// A job ended.
    fn ended(guest: usize, job: &JobEnd);

    /// The turn of a domain as it stands at `now`; many calls may be about one turn. Only if
    /// [`WATCHES_TURNS`](Self::WATCHES_TURNS).
    fn turn(domain: usize, holder: Option<u32>, ready: Nanos, now: Nanos);

    /// Sampling edge number `edge` (0 is the beginning) was reached.
    fn edge(edge: usize, probe: &Probe<'_>);

    /// The run is over with so many jobs in the queue and on the streams of each guest.
    fn closed(in_flight: &[u64]);
}

/// A token of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Of its request.
    pub arrival: Nanos,
    pub since_arrival: Nanos,
    /// Since the token before it; `None` for the first.
    pub since_last: Option<Nanos>,
}

/// The tokens of a request that has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    pub arrival: Nanos,
    pub prompt: u32,
    pub output: u32,
    /// From arrival to the first token.
    pub to_first: Nanos,
    /// From the first to the last.
    pub to_last: Nanos,
}

/// Observes nothing.
pub struct Nobody;

impl Observer for Nobody {}
