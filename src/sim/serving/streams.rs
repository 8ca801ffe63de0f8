//! Streams: each takes one job after the other, in the order of the queue.

use super::{New, Serve};
use crate::engine::time::Nanos;
use crate::sim::build::BuildError;
use crate::sim::cell::Cell;
use crate::sim::guest::Job;
use crate::sim::observer::Observer;

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Streams;

impl Streams {
    pub(super) fn new(_: &New<'_>) -> Result<Self, BuildError> {
        Ok(Streams)
    }
}

impl Serve for Streams {
    fn arrived<O: Observer>(cell: &mut Cell<O>, guest: usize, mut job: Job) {
        cell.observer.arrived(guest, job.arrival);
        let state = &mut cell.guests[guest];
        job.class = state.queue.class_of(job.index);
        match state.free.pop_front() {
            Some(stream) => {
                cell.enters(&job);
                cell.take_job(guest, stream as usize, job, job.arrival);
            }
            None => {
                cell.join_queue(guest, job);
            }
        }
    }

    fn start<O: Observer>(cell: &mut Cell<O>, guest: usize, now: Nanos) {
        loop {
            let state = &mut cell.guests[guest];
            if state.queue.is_empty() {
                return;
            }
            let Some(stream) = state.free.pop_front() else {
                return;
            };
            if let Some(job) = state.queue.pop() {
                cell.take_job(guest, stream as usize, job, now);
            }
        }
    }

    fn ended<O: Observer>(cell: &mut Cell<O>, guest: usize, stream: usize, now: Nanos) {
        let job = cell.job_ended(guest, stream, now);
        let state = &mut cell.guests[guest];
        match state.queue.pop() {
            Some(waiting) => cell.take_job(guest, stream, waiting, now),
            None => state.free.push_back(stream as u32),
        }
        cell.answer(guest, &job, now);
    }
}
