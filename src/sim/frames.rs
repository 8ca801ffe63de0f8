//! Frames: of those that wait only the newest is worth showing, and a frame-rate limiter spaces their
//! starts.

use super::cell::Cell;
use super::guest::Job;
use super::observer::Observer;
use super::source::later;
use crate::engine::time::{NEVER, Nanos};

impl<O: Observer> Cell<O> {
    /// A new frame takes the place of one that waits.
    pub(super) fn frame_arrived(&mut self, guest: usize, job: Job, measured: bool) {
        if let Some(old) = self.guests[guest].queue.pop_front() {
            self.observer.dropped(guest, old.arrival);
            self.state.pending -= u64::from(self.schedule.in_window(old.arrival));
        }
        self.state.pending += u64::from(measured);
        self.guests[guest].queue.push_back(job);
        self.start_frame(guest, job.arrival);
    }

    /// Starts the frame that waits, if a stream is idle and the limiter lets it.
    pub(super) fn start_frame(&mut self, guest: usize, now: Nanos) {
        let state = &mut self.guests[guest];
        let Some(frames) = &mut state.frames else {
            return;
        };
        state.due = NEVER;
        if let (Some(&frame), Some(&stream)) = (state.queue.front(), state.free.front()) {
            if now < frames.next {
                state.due = frames.next;
            } else {
                frames.next = later(now, frames.gap);
                state.queue.pop_front();
                state.free.pop_front();
                self.take_job(guest, stream as usize, frame, now);
            }
        }
        self.schedule_due(guest);
    }
}
