//! Dynamic batching: an idle stream takes several waiting requests at once.
//!
//! Requests of one moment, such as the next ones of all users whose batch has just ended, are all there
//! before a batch is formed.

use super::{New, Serve, State};
use crate::engine::time::{NEVER, Nanos};
use crate::sim::build::BuildError;
use crate::sim::cell::Cell;
use crate::sim::guest::Job;
use crate::sim::observer::Observer;
use crate::sim::source::later;
use crate::workload::Batching;

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Batches {
    rule: Batching,
    /// Requests that come now wait for others of the same moment.
    held: bool,
}

impl Batches {
    pub(super) fn new(rule: &Batching, _: &New<'_>) -> Result<Self, BuildError> {
        Ok(Batches {
            rule: *rule,
            held: false,
        })
    }
}

impl Serve for Batches {
    const TIMED: bool = true;

    /// A request joins the queue, if there is room.
    fn arrived<O: Observer>(cell: &mut Cell<O>, guest: usize, mut job: Job) {
        cell.observer.arrived(guest, job.arrival);
        job.class = cell.guests[guest].queue.class_of(job.index);
        if cell.join_queue(guest, job) {
            Self::start(cell, guest, job.arrival);
        }
    }

    /// Starts what can start, and notes when the next batch is due.
    fn start<O: Observer>(cell: &mut Cell<O>, guest: usize, now: Nanos) {
        loop {
            let state = &mut cell.guests[guest];
            let Batches { rule, held } = *Batches::of(&mut state.serving);
            if held {
                return;
            }
            state.due = NEVER;
            let (Some(oldest), Some(&stream)) = (state.queue.oldest(), state.free.front()) else {
                break;
            };
            let (max, due) = (rule.max as usize, later(oldest, rule.delay));
            if state.queue.len() < max && now < due {
                state.due = due;
                break;
            }
            state.free.pop_front();
            start_batch(cell, guest, stream as usize, max, now);
        }
        cell.schedule_due(guest);
    }

    fn ended<O: Observer>(cell: &mut Cell<O>, guest: usize, stream: usize, now: Nanos) {
        cell.job_ended(guest, stream, now);
        for index in 0..cell.guests[guest].streams[stream].rest.len() {
            let job = cell.guests[guest].streams[stream].rest[index];
            cell.request_ended(guest, stream, &job, now);
        }
        release(cell, guest, stream, now);
        Self::start(cell, guest, now);
    }

    fn goes_on<O: Observer>(
        cell: &mut Cell<O>,
        guest: usize,
        stream: usize,
        _lost: &[Job],
        now: Nanos,
    ) {
        release(cell, guest, stream, now);
        Self::start(cell, guest, now);
    }

    fn together(&self) -> usize {
        self.rule.max as usize
    }
}

fn start_batch<O: Observer>(
    cell: &mut Cell<O>,
    guest: usize,
    stream: usize,
    max: usize,
    now: Nanos,
) {
    let state = &mut cell.guests[guest];
    let Some(first) = state.queue.pop() else {
        return;
    };
    let rest = &mut state.streams[stream].rest;
    rest.clear();
    rest.extend(state.queue.take(max - 1));
    state.streams[stream].job = first;
    if cell.allocate(guest, stream, &first) {
        cell.observer.batched(guest, first.arrival);
        cell.start_job(guest, stream, first, now);
    } else {
        each_request(cell, guest, stream, |cell, job| {
            cell.observer.out_of_memory(guest, job.arrival);
            cell.leaves(&job);
        });
        release(cell, guest, stream, now);
    }
}

/// The stream is idle again, and the users of its batch have their answers.
fn release<O: Observer>(cell: &mut Cell<O>, guest: usize, stream: usize, now: Nanos) {
    let state = &mut cell.guests[guest];
    state.free.push_back(stream as u32);
    Batches::of(&mut state.serving).held = true;
    each_request(cell, guest, stream, |cell, job| {
        cell.answer(guest, &job, now);
    });
    Batches::of(&mut cell.guests[guest].serving).held = false;
}

/// Does something for each request of a stream's batch, in order of arrival.
fn each_request<O: Observer>(
    cell: &mut Cell<O>,
    guest: usize,
    stream: usize,
    mut done: impl FnMut(&mut Cell<O>, Job),
) {
    let first = cell.guests[guest].streams[stream].job;
    done(cell, first);
    for index in 0..cell.guests[guest].streams[stream].rest.len() {
        let job = cell.guests[guest].streams[stream].rest[index];
        done(cell, job);
    }
}
