//! Time-outs: a job that no stream has taken in time leaves the queue. Who asked for it hears so, as if it
//! had failed.

use super::cell::Cell;
use super::guest::{DrawKey, Job};
use super::observer::Observer;
use super::source::later;
use crate::engine::calendar::Class;
use crate::engine::random::Stream;
use crate::engine::time::{NEVER, Nanos};
use crate::workload::dist::Dist;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// When the waiting jobs of a guest leave.
#[derive(Debug)]
pub struct Timeouts {
    size: Dist,
    draws: Stream,
    /// (when, arrival, index) of jobs that were put into the queue; most have left it for a stream.
    leaving: BinaryHeap<Reverse<(Nanos, Nanos, u64)>>,
}

impl Timeouts {
    pub fn new(size: &Dist, key: DrawKey<'_>) -> Self {
        Timeouts {
            size: size.clone(),
            draws: key.stream("timeout"),
            leaving: BinaryHeap::new(),
        }
    }
}

impl<O: Observer> Cell<O> {
    /// A job has been put into the queue.
    pub(super) fn may_leave(&mut self, guest: usize, job: &Job) {
        let state = &mut self.guests[guest];
        let Some(timeouts) = &mut state.timeouts else {
            return;
        };
        if state.queue.len() == 1 {
            // It waits alone: all others have been taken.
            timeouts.leaving.clear();
        }
        let wait = timeouts.size.sample_nanos(&timeouts.draws, job.index);
        let time = later(job.arrival, wait.max(1));
        if time != NEVER {
            let entry = (time, job.arrival, job.index);
            timeouts.leaving.push(Reverse(entry));
        }
        self.schedule_timeout(guest);
    }

    pub(super) fn timeout_event(&mut self, guest: usize, now: Nanos) {
        let mut left = false;
        while let Some(job) = self.next_to_leave(guest, now) {
            left = true;
            self.observer.timed_out(guest, job.arrival, now);
            self.state.pending -= u64::from(self.schedule.in_window(job.arrival));
            self.answer(guest, &job, now);
        }
        if left {
            self.form_batches(guest, now); // another request is the oldest
        }
        self.schedule_timeout(guest);
    }

    /// Takes a job from the queue whose time is over.
    fn next_to_leave(&mut self, guest: usize, now: Nanos) -> Option<Job> {
        let state = &mut self.guests[guest];
        let leaving = &mut state.timeouts.as_mut()?.leaving;
        let classes = state.classes.as_ref();
        while let Some(&Reverse((time, arrival, index))) = leaving.peek()
            && time <= now
        {
            leaving.pop();
            let key = |job: &Job| (job.class, job.arrival);
            let wanted = (classes.map_or(0, |classes| classes.of(index)), arrival);
            let first = state.queue.partition_point(|job| key(job) < wanted);
            let mut same =
                (first..state.queue.len()).take_while(|&place| key(&state.queue[place]) == wanted);
            if let Some(place) = same.find(|&place| state.queue[place].index == index) {
                return state.queue.remove(place);
            }
        }
        None
    }

    fn schedule_timeout(&mut self, guest: usize) {
        let state = &self.guests[guest];
        let (Some(slot), Some(timeouts)) = (self.slots.timeouts[guest], &state.timeouts) else {
            return;
        };
        match timeouts.leaving.peek() {
            Some(&Reverse((time, ..))) => self.calendar.set(slot, time, Class::Control),
            None => self.calendar.clear(slot),
        }
    }
}
