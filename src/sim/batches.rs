//! Dynamic batching: an idle stream takes several waiting requests at once.
//!
//! Requests of one moment, such as the next ones of all users whose batch has just ended, are all there
//! before a batch is formed.

use super::cell::Cell;
use super::guest::{Batcher, Job};
use super::observer::Observer;
use super::source::later;
use crate::engine::time::{NEVER, Nanos};

impl<O: Observer> Cell<O> {
    /// A request joins the queue of a guest that batches, if there is room.
    pub(super) fn request_arrived(&mut self, guest: usize, job: Job, measured: bool) {
        let state = &mut self.guests[guest];
        if state.queue.len() < state.queue_bound {
            self.state.pending += u64::from(measured);
            state.enqueue(job);
            self.may_leave(guest, &job);
            self.form_batches(guest, job.arrival);
        } else {
            self.observer.dropped(guest, job.arrival);
            self.answer(guest, &job, job.arrival);
        }
    }

    /// Starts what can start, and notes when the next batch is due.
    pub(super) fn form_batches(&mut self, guest: usize, now: Nanos) {
        loop {
            let state = &mut self.guests[guest];
            let Some(Batcher { rule, held: false }) = state.batcher else {
                return;
            };
            state.due = NEVER;
            let (Some(oldest), Some(&stream)) = (state.oldest(), state.free.front()) else {
                break;
            };
            let (max, due) = (rule.max as usize, later(oldest, rule.delay));
            if state.queue.len() < max && now < due {
                state.due = due;
                break;
            }
            state.free.pop_front();
            self.start_batch(guest, stream as usize, max, now);
        }
        self.schedule_due(guest);
    }

    fn start_batch(&mut self, guest: usize, stream: usize, max: usize, now: Nanos) {
        let state = &mut self.guests[guest];
        let Some(first) = state.queue.pop_front() else {
            return;
        };
        let more = state.queue.len().min(max - 1);
        let rest = &mut state.streams[stream].rest;
        rest.clear();
        rest.extend(state.queue.drain(..more));
        state.streams[stream].job = first;
        if self.allocate(guest, stream, &first) {
            self.observer.batched(guest, first.arrival);
            self.start_job(guest, stream, first, now);
        } else {
            self.each_request(guest, stream, |cell, job| {
                cell.observer.out_of_memory(guest, job.arrival);
                cell.state.pending -= u64::from(cell.schedule.in_window(job.arrival));
            });
            self.release(guest, stream, now);
        }
    }

    /// A batch ended; its first request is accounted for.
    pub(super) fn batch_ended(&mut self, guest: usize, stream: usize, now: Nanos) {
        for index in 0..self.guests[guest].streams[stream].rest.len() {
            let job = self.guests[guest].streams[stream].rest[index];
            self.request_ended(guest, stream, &job, now);
        }
        self.release(guest, stream, now);
        self.form_batches(guest, now);
    }

    /// The stream is idle again, and the users of its batch have their answers.
    pub(super) fn release(&mut self, guest: usize, stream: usize, now: Nanos) {
        self.guests[guest].free.push_back(stream as u32);
        self.hold(guest, true);
        self.each_request(guest, stream, |cell, job| cell.answer(guest, &job, now));
        self.hold(guest, false);
    }

    fn hold(&mut self, guest: usize, held: bool) {
        if let Some(batcher) = &mut self.guests[guest].batcher {
            batcher.held = held;
        }
    }

    /// Does something for each request of a stream's batch, in order of arrival.
    fn each_request(&mut self, guest: usize, stream: usize, mut done: impl FnMut(&mut Self, Job)) {
        let first = self.guests[guest].streams[stream].job;
        done(self, first);
        for index in 0..self.guests[guest].streams[stream].rest.len() {
            let job = self.guests[guest].streams[stream].rest[index];
            done(self, job);
        }
    }
}
