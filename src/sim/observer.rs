//! The one door through which a simulation is observed.
//!
//! The world tells an observer what happens; it computes no statistic itself. Every method has an
//! empty default, so an observer costs what it uses.

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

/// Receives what happens in one cell. Guests are numbered locally, in rank order.
pub trait Observer {
    /// A job arrived at the guest; it may be dropped at once.
    #[inline]
    fn arrived(&mut self, guest: usize, now: Nanos) {
        let _ = (guest, now);
    }

    /// An arriving job found the guest's queue full.
    #[inline]
    fn dropped(&mut self, guest: usize, arrival: Nanos) {
        let _ = (guest, arrival);
    }

    /// A job found too little memory when it was to start: it failed.
    #[inline]
    fn out_of_memory(&mut self, guest: usize, arrival: Nanos) {
        let _ = (guest, arrival);
    }

    /// A job has waited too long for a stream, and left at `now`.
    #[inline]
    fn timed_out(&mut self, guest: usize, arrival: Nanos, now: Nanos) {
        let _ = (guest, arrival, now);
    }

    /// A command has ended a job before its time, at `now`.
    #[inline]
    fn lost(&mut self, guest: usize, arrival: Nanos, now: Nanos) {
        let _ = (guest, arrival, now);
    }

    /// A guest that batches has taken requests together; the oldest of them arrived at `arrival`.
    #[inline]
    fn batched(&mut self, guest: usize, arrival: Nanos) {
        let _ = (guest, arrival);
    }

    /// A request has one more token.
    #[inline]
    fn token(&mut self, guest: usize, token: &Token) {
        let _ = (guest, token);
    }

    /// A language-model engine sent so many requests back to its queue at `now`.
    #[inline]
    fn preempted(&mut self, guest: usize, now: Nanos, requests: u64) {
        let _ = (guest, now, requests);
    }

    /// A request has all its tokens; [`ended`](Self::ended) follows.
    #[inline]
    fn served(&mut self, guest: usize, tokens: &Tokens) {
        let _ = (guest, tokens);
    }

    /// A job ended.
    #[inline]
    fn ended(&mut self, guest: usize, job: &JobEnd) {
        let _ = (guest, job);
    }

    /// Whether [`turn`](Self::turn) is called: on the plain path only, for every turn.
    const WATCHES_TURNS: bool = false;

    /// The turn of a domain as it stands at `now`; many calls may be about one turn.
    #[inline]
    fn turn(&mut self, domain: usize, holder: Option<u32>, ready: Nanos, now: Nanos) {
        let _ = (domain, holder, ready, now);
    }

    /// Sampling edge number `edge` (0 is the beginning) was reached.
    fn edge(&mut self, edge: usize, probe: &Probe<'_>) {
        let _ = (edge, probe);
    }

    /// The run is over with so many jobs in the queue and on the streams of each guest.
    fn closed(&mut self, in_flight: &[u64]) {
        let _ = in_flight;
    }
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
