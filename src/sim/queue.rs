//! The queue of a guest: jobs that wait for a stream, by class, until one takes them or their time is over.
//! Who asked for a job that leaves hears so, as if it had failed.

use super::cell::Cell;
use super::guest::{DrawKey, Job};
use super::observer::Observer;
use super::source::later;
use crate::engine::calendar;
use crate::engine::random::Stream;
use crate::engine::time::{NEVER, Nanos};
use crate::scenario::Guest;
use crate::workload::Class;
use crate::workload::dist::Dist;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Queue {
    /// By class, and within a class by arrival.
    jobs: VecDeque<Job>,
    bound: usize,
    /// `None` if all jobs are alike.
    classes: Option<Classes>,
    /// `None` if its jobs wait for ever.
    timeouts: Option<Timeouts>,
}

impl Queue {
    pub fn new(guest: &Guest, key: DrawKey<'_>) -> Self {
        let timeout = guest.workload.timeout.as_ref();
        Queue {
            jobs: VecDeque::new(),
            bound: guest.queue.map_or(usize::MAX, |bound| bound as usize),
            classes: Classes::new(&guest.workload.classes, key),
            timeouts: timeout.map(|size| Timeouts::new(size, key)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Jobs that may wait.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// Whether jobs leave that wait too long.
    pub fn can_time_out(&self) -> bool {
        self.timeouts.is_some()
    }

    /// The class of a job by its index.
    pub fn class_of(&self, index: u64) -> u32 {
        let classes = self.classes.as_ref();
        classes.map_or(0, |classes| classes.of(index))
    }

    /// Puts a job behind those of its class, before those of later ones.
    pub fn push(&mut self, job: Job) {
        if self.classes.is_none() {
            return self.jobs.push_back(job);
        }
        let place = self.jobs.partition_point(|other| other.class <= job.class);
        self.jobs.insert(place, job);
    }

    /// Takes the job whose turn it is.
    pub fn pop(&mut self) -> Option<Job> {
        self.jobs.pop_front()
    }

    /// Takes up to `most` jobs, in their order.
    pub fn take(&mut self, most: usize) -> impl Iterator<Item = Job> + '_ {
        let number = self.jobs.len().min(most);
        self.jobs.drain(..number)
    }

    /// When the job arrived that waits longest.
    pub fn oldest(&self) -> Option<Nanos> {
        let mut oldest = self.jobs.front()?.arrival;
        let mut first = 0;
        while let Some(job) = self.jobs.get(first) {
            oldest = oldest.min(job.arrival);
            if self.classes.is_none() {
                break;
            }
            first = self.jobs.partition_point(|other| other.class <= job.class);
        }
        Some(oldest)
    }

    /// Takes a job whose time is over.
    fn next_to_leave(&mut self, now: Nanos) -> Option<Job> {
        let leaving = &mut self.timeouts.as_mut()?.leaving;
        let classes = self.classes.as_ref();
        while let Some(&Reverse((time, arrival, index))) = leaving.peek()
            && time <= now
        {
            leaving.pop();
            let key = |job: &Job| (job.class, job.arrival);
            let wanted = (classes.map_or(0, |classes| classes.of(index)), arrival);
            let first = self.jobs.partition_point(|job| key(job) < wanted);
            let mut same =
                (first..self.jobs.len()).take_while(|&place| key(&self.jobs[place]) == wanted);
            if let Some(place) = same.find(|&place| self.jobs[place].index == index) {
                return self.jobs.remove(place);
            }
        }
        None
    }
}

/// What draws the class of each job.
#[derive(Debug)]
struct Classes {
    /// Upper end of each class on the unit interval, but for the last.
    ends: Vec<f64>,
    draws: Stream,
}

impl Classes {
    /// `None` where all jobs are alike.
    fn new(classes: &[Class], key: DrawKey<'_>) -> Option<Self> {
        let (_, but_last) = classes.split_last()?;
        let ends = but_last.iter().scan(0.0, |end, class| {
            *end += class.part;
            Some(*end)
        });
        Some(Classes {
            ends: ends.collect(),
            draws: key.stream("class"),
        })
    }

    fn of(&self, index: u64) -> u32 {
        let drawn = self.draws.at(index).uniform();
        self.ends.partition_point(|&end| end <= drawn) as u32
    }
}

/// When waiting jobs leave.
#[derive(Debug)]
struct Timeouts {
    size: Dist,
    draws: Stream,
    /// (when, arrival, index) of jobs that were put into the queue; most have left it for a stream.
    leaving: BinaryHeap<Reverse<(Nanos, Nanos, u64)>>,
}

impl Timeouts {
    fn new(size: &Dist, key: DrawKey<'_>) -> Self {
        Timeouts {
            size: size.clone(),
            draws: key.stream("timeout"),
            leaving: BinaryHeap::new(),
        }
    }
}

impl<O: Observer> Cell<O> {
    /// An arriving job waits, or is dropped where there is no room; whether it waits.
    pub(super) fn join_queue(&mut self, guest: usize, job: Job) -> bool {
        let queue = &mut self.guests[guest].queue;
        if queue.jobs.len() >= queue.bound {
            self.observer.dropped(guest, job.arrival);
            self.answer(guest, &job, job.arrival);
            return false;
        }
        queue.push(job);
        self.enters(&job);
        self.may_leave(guest, &job);
        true
    }

    /// A job has been put into the queue.
    fn may_leave(&mut self, guest: usize, job: &Job) {
        let queue = &mut self.guests[guest].queue;
        let Some(timeouts) = &mut queue.timeouts else {
            return;
        };
        if queue.jobs.len() == 1 {
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
        while let Some(job) = self.guests[guest].queue.next_to_leave(now) {
            left = true;
            self.observer.timed_out(guest, job.arrival, now);
            self.leaves(&job);
            self.answer(guest, &job, now);
        }
        if left {
            self.start_waiting(guest, now); // another request is the oldest
        }
        self.schedule_timeout(guest);
    }

    fn schedule_timeout(&mut self, guest: usize) {
        let timeouts = &self.guests[guest].queue.timeouts;
        let (Some(slot), Some(timeouts)) = (self.slots.timeouts[guest], timeouts) else {
            return;
        };
        let class = calendar::Class::Control;
        match timeouts.leaving.peek() {
            Some(&Reverse((time, ..))) => self.calendar.set(slot, time, class),
            None => self.calendar.clear(slot),
        }
    }
}
