//! Frames: an application draws its newest picture whenever it may, and of those that wait for a stream only
//! the newest is worth showing.
//!
//! A frame-rate limiter holds the application up, not its pictures: what the application would have drawn
//! before the limiter lets it is never drawn, and so never arrives. A frame that has been drawn and waits
//! while the board is too slow makes way for the next one: it is dropped.

use super::cell::Cell;
use super::guest::Job;
use super::observer::Observer;
use super::source::later;
use crate::engine::time::{NEVER, Nanos};

impl<O: Observer> Cell<O> {
    /// The application would like to draw a frame.
    pub(super) fn frame_wanted(&mut self, guest: usize, job: Job) {
        let state = &mut self.guests[guest];
        match &mut state.frames {
            Some(frames) if job.arrival < frames.next => {
                frames.wanted = Some(job);
                state.due = frames.next;
                self.schedule_due(guest);
            }
            _ => self.frame_arrived(guest, job),
        }
    }

    /// The limiter lets the application go on, which draws what it would like to show now.
    pub(super) fn offer_wanted(&mut self, guest: usize, now: Nanos) {
        let state = &mut self.guests[guest];
        let Some(frames) = &mut state.frames else {
            return;
        };
        state.due = NEVER;
        let wanted = frames.wanted.take();
        let comes = self.schedule.load_goes_on || now < self.schedule.end;
        match wanted {
            Some(job) if comes => self.frame_arrived(
                guest,
                Job {
                    arrival: now,
                    ..job
                },
            ),
            _ => self.schedule_due(guest),
        }
    }

    /// A new frame takes the place of one that waits.
    fn frame_arrived(&mut self, guest: usize, job: Job) {
        self.observer.arrived(guest, job.arrival);
        let state = &mut self.guests[guest];
        if let Some(frames) = &mut state.frames {
            frames.wanted = None;
        }
        state.due = NEVER;
        self.schedule_due(guest);
        if let Some(old) = self.guests[guest].queue.pop_front() {
            self.observer.dropped(guest, old.arrival);
            self.state.pending -= u64::from(self.schedule.in_window(old.arrival));
        }
        self.state.pending += u64::from(self.schedule.in_window(job.arrival));
        self.guests[guest].queue.push_back(job);
        self.start_frame(guest, job.arrival);
    }

    /// Starts the frame that waits, if a stream is idle.
    pub(super) fn start_frame(&mut self, guest: usize, now: Nanos) {
        let state = &mut self.guests[guest];
        let Some(frames) = &mut state.frames else {
            return;
        };
        if let (Some(&frame), Some(&stream)) = (state.queue.front(), state.free.front()) {
            frames.next = later(now, frames.gap);
            state.queue.pop_front();
            state.free.pop_front();
            self.take_job(guest, stream as usize, frame, now);
        }
    }
}
