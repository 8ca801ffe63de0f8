//! Frames: an application draws its newest picture whenever it may, and of those that wait for a stream only
//! the newest is worth showing.
//!
//! A frame-rate limiter holds the application up, not its pictures: what the application would have drawn
//! before the limiter lets it is never drawn, and so never arrives. A frame that has been drawn and waits
//! while the board is too slow makes way for the next one: it is dropped.

use super::{New, Serve, State};
use crate::engine::time::{NEVER, Nanos};
use crate::sim::build::BuildError;
use crate::sim::cell::Cell;
use crate::sim::guest::Job;
use crate::sim::observer::Observer;
use crate::sim::source::later;
use crate::workload::{self, Arrivals};

/// What spaces frames.
#[derive(Debug)]
pub struct Frames {
    /// From the start of a frame to that of the next at least; 0 without a limiter.
    gap: Nanos,
    /// When the next frame may start.
    next: Nanos,
    /// The picture that the application would like to draw, and may not yet.
    wanted: Option<Job>,
}

impl Frames {
    pub(super) fn new(rule: &workload::Frames, new: &New<'_>) -> Result<Self, BuildError> {
        if let Arrivals::Closed { users: 2.., .. } = new.guest.workload.arrivals {
            return Err(BuildError::FrameUsers {
                guest: new.guest.name.clone(),
            });
        }
        Ok(Frames {
            gap: rule.gap,
            next: 0,
            wanted: None,
        })
    }
}

impl Serve for Frames {
    const TIMED: bool = true;
    const PACED: bool = true;

    /// The application would like to draw a frame.
    fn arrived<O: Observer>(cell: &mut Cell<O>, guest: usize, job: Job) {
        let state = &mut cell.guests[guest];
        let frames = Frames::of(&mut state.serving);
        if job.arrival < frames.next {
            frames.wanted = Some(job);
            state.due = frames.next;
            cell.schedule_due(guest);
        } else {
            drawn(cell, guest, job);
        }
    }

    /// Starts the frame that waits, if a stream is idle.
    fn start<O: Observer>(cell: &mut Cell<O>, guest: usize, now: Nanos) {
        let state = &mut cell.guests[guest];
        if state.queue.is_empty() {
            return;
        }
        let Some(stream) = state.free.pop_front() else {
            return;
        };
        let frames = Frames::of(&mut state.serving);
        frames.next = later(now, frames.gap);
        if let Some(frame) = state.queue.pop() {
            cell.take_job(guest, stream as usize, frame, now);
        }
    }

    fn ended<O: Observer>(cell: &mut Cell<O>, guest: usize, stream: usize, now: Nanos) {
        let job = cell.job_ended(guest, stream, now);
        cell.guests[guest].free.push_back(stream as u32);
        cell.answer(guest, &job, now);
        Self::start(cell, guest, now);
    }

    /// The wait that is under way counts from the start of the last frame.
    fn limit<O: Observer>(cell: &mut Cell<O>, guest: usize, gap: Nanos, now: Nanos) {
        let state = &mut cell.guests[guest];
        let frames = Frames::of(&mut state.serving);
        if frames.next > 0 {
            frames.next = later(frames.next - frames.gap, gap);
        }
        frames.gap = gap;
        if frames.wanted.is_some() {
            state.due = frames.next.max(now);
            cell.schedule_due(guest);
        }
    }

    fn closes(&mut self) {
        self.wanted = None;
    }

    /// The limiter lets the application go on, which draws what it would like to show now.
    fn due<O: Observer>(cell: &mut Cell<O>, guest: usize, now: Nanos) {
        let state = &mut cell.guests[guest];
        state.due = NEVER;
        let wanted = Frames::of(&mut state.serving).wanted.take();
        let comes = cell.schedule.load_goes_on || now < cell.schedule.end;
        match wanted {
            Some(job) if comes => drawn(
                cell,
                guest,
                Job {
                    arrival: now,
                    ..job
                },
            ),
            _ => cell.schedule_due(guest),
        }
    }
}

/// A new frame takes the place of one that waits.
fn drawn<O: Observer>(cell: &mut Cell<O>, guest: usize, job: Job) {
    cell.observer.arrived(guest, job.arrival);
    let state = &mut cell.guests[guest];
    Frames::of(&mut state.serving).wanted = None;
    state.due = NEVER;
    cell.schedule_due(guest);
    if let Some(old) = cell.guests[guest].queue.pop() {
        cell.observer.dropped(guest, old.arrival);
        cell.leaves(&old);
    }
    cell.enters(&job);
    cell.guests[guest].queue.push(job);
    Frames::start(cell, guest, job.arrival);
}
