//! A guest at run time: its arrivals, its queue, its streams.

use super::layout::Tenant;
use super::memory::JobMemory;
use super::observer::PARTS;
use super::queue::Queue;
use super::serving::Serving;
use super::source::{Source, later};
use crate::engine::random::Stream;
use crate::engine::time::{NEVER, Nanos};
use crate::gpu::law::Shape;
use crate::workload::{Arrivals, GpuWork, Size, Workload};
use std::cmp::Reverse;
use std::collections::VecDeque;

/// A job that waits for a stream, or is about to take one.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    pub index: u64,
    pub arrival: Nanos,
    /// The user who waits for it, in a closed loop.
    pub user: u32,
    /// Place of its class, 0 where all jobs are alike.
    pub class: u32,
}

impl Job {
    /// Job number m of user u has index m × users + u, whatever the other users do.
    pub fn of_user(user: u32, submitted: &[u64], arrival: Nanos) -> Job {
        Job {
            index: submitted[user as usize] * submitted.len() as u64 + u64::from(user),
            arrival,
            user,
            class: 0,
        }
    }
}

/// A stream of the guest: one job in flight.
#[derive(Debug, Clone)]
pub struct StreamState {
    /// Domain entry that its GPU work goes to, and the client of it.
    pub entry: u32,
    pub client: u32,
    /// Where it encodes, if NVENC has run lists.
    pub encoder: Option<Tenant>,
    pub job: Job,
    /// The other requests of its batch.
    pub rest: Vec<Job>,
    pub started: Nanos,
    pub stage: u32,
    /// How often the job has passed the stage before.
    pub round: u32,
    /// Operations of the stage that have not ended.
    pub pending: u32,
    pub parts: [Nanos; PARTS],
    /// Where its jobs allocate memory, and what the present one has.
    pub pool: u32,
    pub bytes: u64,
}

/// An operation of the workload with everything that is the same for each job.
#[derive(Debug, Clone)]
pub struct OperationPlan {
    pub kind: PlannedKind,
    /// Where its sizes are drawn from.
    pub draws: Stream,
}

#[derive(Debug, Clone)]
pub enum PlannedKind {
    Gpu {
        work: GpuWork,
        speed: u64,
        shape: Shape,
    },
    Copy {
        bytes: Size,
        /// Local index of the station, and the group of its servers.
        station: usize,
        group: u32,
        nanos_per_byte: f64,
        latency: Nanos,
    },
    /// An iteration of a language-model engine.
    Iteration {
        reach: Option<f64>,
        /// Whether memory bandwidth limits it.
        bandwidth: bool,
        need: u32,
    },
    Host {
        time: Size,
        station: usize,
    },
    Media {
        time: Size,
        factor: f64,
        station: usize,
        group: u32,
        /// On an engine of its stream with run lists, instead of the station.
        listed: bool,
    },
}

/// See the [module documentation](self).
pub struct GuestState {
    /// Local index of the domain.
    pub domain: usize,
    pub workload: Workload,
    /// From the arrival of a job; [`NEVER`] without a deadline.
    pub deadline: Nanos,
    pub operations: Vec<OperationPlan>,
    /// `None` if its jobs allocate nothing.
    pub memory: Option<JobMemory>,
    /// First operation of each stage in `operations`; one more at the end.
    pub stages: Vec<u32>,
    /// Jobs that may still come.
    pub to_come: u64,
    pub source: Source,
    /// When the next job arrives; [`NEVER`] if none is known.
    pub next_arrival: Nanos,
    pub queue: Queue,
    pub serving: Serving,
    /// When something happens of which the kind of guest alone knows, such as that a batch has waited long
    /// enough; [`NEVER`] if nothing does.
    pub due: Nanos,
    /// How much later than the end of a job the user sees it; nothing of the machine is held up.
    pub outside: Nanos,
    pub streams: Vec<StreamState>,
    /// Idle streams, in the order in which they became idle.
    pub free: VecDeque<u32>,
}

/// What names a guest's random streams.
#[derive(Debug, Clone, Copy)]
pub struct DrawKey<'a> {
    pub seed: u64,
    pub replication: u32,
    pub guest: &'a str,
    pub ordinal: u32,
}

impl DrawKey<'_> {
    /// The stream of one purpose.
    pub fn stream(&self, purpose: &str) -> Stream {
        Stream::new(
            self.seed,
            self.replication,
            self.guest,
            self.ordinal,
            purpose,
        )
    }
}

impl GuestState {
    /// Takes the job that arrives at `now` from the source and finds the time of the next.
    pub fn take_arrival(&mut self, now: Nanos) -> Job {
        let (job, next) = self.source.take(&self.workload.arrivals, now);
        self.to_come -= 1;
        self.next_arrival = if self.to_come > 0 { next } else { NEVER };
        job
    }

    /// The first stage from `from` on that a job passes.
    pub fn stage_from(&self, from: usize, job: &Job) -> Option<u32> {
        let mut stages = self.workload.stages.iter().enumerate().skip(from);
        let found = stages.find(|(_, stage)| (job.index + 1).is_multiple_of(stage.every));
        found.map(|(stage, _)| stage as u32)
    }

    /// A user of a closed loop has its answer at `now`: the next job if it follows at once,
    /// otherwise the user thinks.
    pub fn answer(&mut self, user: u32, now: Nanos) -> Option<Job> {
        let Source::Closed {
            think,
            draws,
            thinking,
            submitted,
        } = &mut self.source
        else {
            return None;
        };
        if self.to_come == 0 {
            return None;
        }
        let job = Job::of_user(user, submitted, now);
        let delay = think.sample_nanos(draws, job.index);
        if delay == 0 && self.outside == 0 {
            submitted[user as usize] += 1;
            self.to_come -= 1;
            return Some(job);
        }
        let time = later(later(now, self.outside), delay);
        if time != NEVER {
            thinking.push(Reverse((time, user)));
            self.next_arrival = self.next_arrival.min(time);
        }
        None
    }

    /// Jobs in the system: waiting or in flight.
    pub fn backlog(&self) -> u64 {
        let here = self.queue.len() + self.streams.len() - self.free.len();
        self.serving.kept().unwrap_or(here as u64)
    }

    /// Jobs in the system, each request of a batch for itself: found by looking where jobs can be.
    pub fn in_flight(&self) -> u64 {
        if let Some(kept) = self.serving.kept() {
            return kept;
        }
        let mut busy = vec![true; self.streams.len()];
        self.free
            .iter()
            .for_each(|&stream| busy[stream as usize] = false);
        let batches = self.streams.iter().zip(busy).filter(|(_, busy)| *busy);
        let on_streams: usize = batches.map(|(stream, _)| 1 + stream.rest.len()).sum();
        (self.queue.len() + on_streams) as u64
    }

    /// The size of an operation of a job and the `rest` of its batch, in its own unit (nanoseconds or
    /// bytes); a drawn one is draw number `draw` of its stream.
    pub fn size(&self, size: &Size, (draws, draw): (&Stream, u64), job: &Job, rest: &[Job]) -> f64 {
        match size {
            Size::Drawn(dist) => dist.sample(draws, draw),
            Size::Sum {
                base,
                per_item,
                terms,
            } => {
                let requests = 1 + rest.len();
                let sum = base + per_item * requests as f64;
                if terms.is_empty() {
                    return sum;
                }
                let Arrivals::Trace { trace, .. } = &self.workload.arrivals else {
                    unreachable!("sizes from a trace without a trace");
                };
                let all = std::iter::once(job).chain(rest);
                all.fold(sum, |sum, job| {
                    let row = job.index as usize % trace.arrivals.len() * trace.columns.len();
                    terms.iter().fold(sum, |sum, (column, coefficient)| {
                        sum + coefficient * trace.values[row + column]
                    })
                })
            }
            Size::ByBatch(table) => Size::by_batch(table, 1 + rest.len() as u32),
        }
    }
}
