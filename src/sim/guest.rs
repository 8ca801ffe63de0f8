//! A guest at run time: its arrivals, its queue, its streams.

use super::memory::JobMemory;
use super::observer::PARTS;
use crate::engine::random::Stream;
use crate::engine::time::{LONGEST, NEVER, Nanos};
use crate::gpu::law::Shape;
use crate::workload::dist::Dist;
use crate::workload::{Arrivals, FirstArrival, GpuWork, Size, Workload};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A job that waits for a stream, or is about to take one.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    pub index: u64,
    pub arrival: Nanos,
    /// The user who waits for it, in a closed loop.
    pub user: u32,
}

/// A stream of the guest: one job in flight.
#[derive(Debug, Clone)]
pub struct StreamState {
    /// Domain entry that its GPU work goes to, and the client of it.
    pub entry: u32,
    pub client: u32,
    pub job: Job,
    pub started: Nanos,
    pub stage: u32,
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
    Host {
        time: Size,
        station: usize,
    },
    Media {
        time: Size,
        station: usize,
        group: u32,
    },
}

/// Where the guest's jobs come from.
#[derive(Debug)]
pub enum Source {
    Open {
        gap: Dist,
        draws: Stream,
        index: u64,
    },
    Closed {
        think: Dist,
        draws: Stream,
        /// (end of thinking, user), earliest first.
        thinking: BinaryHeap<Reverse<(Nanos, u32)>>,
        /// Jobs that each user has submitted.
        submitted: Vec<u64>,
    },
    Trace {
        keep: f64,
        draws: Stream,
        row: usize,
        start: Nanos,
    },
}

/// See the [module documentation](self).
pub struct GuestState {
    /// Local index of the domain.
    pub domain: usize,
    pub workload: Workload,
    pub operations: Vec<OperationPlan>,
    /// `None` if its jobs allocate nothing.
    pub memory: Option<JobMemory>,
    /// First operation of each stage in `operations`; one more at the end.
    pub stages: Vec<u32>,
    pub source: Source,
    /// When the next job arrives; [`NEVER`] if none is known.
    pub next_arrival: Nanos,
    pub queue: VecDeque<Job>,
    pub queue_bound: usize,
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

impl Source {
    /// The source of `arrivals`, counted from `start`, and the time of its first job.
    pub fn new(arrivals: &Arrivals, key: DrawKey<'_>, start: Nanos) -> (Source, Nanos) {
        match arrivals {
            Arrivals::Open { gap, first } => {
                let draws = key.stream("arrival");
                let first_gap = gap.sample_nanos(&draws, 0);
                let delay = match first {
                    FirstArrival::AfterGap => first_gap,
                    FirstArrival::AtStart => 0,
                    FirstArrival::RandomPhase => {
                        let phase = key.stream("phase").at(0).uniform();
                        (phase * first_gap as f64) as Nanos
                    }
                };
                let source = Source::Open {
                    gap: gap.clone(),
                    draws,
                    index: 0,
                };
                (source, later(start, delay))
            }
            Arrivals::Closed { users, think } => {
                let draws = key.stream("think");
                let thinking: BinaryHeap<_> = (0..*users)
                    .map(|user| {
                        let delay = think.sample_nanos(&draws, u64::from(user));
                        Reverse((later(start, delay), user))
                    })
                    .collect();
                let first = thinking.peek().map_or(NEVER, |Reverse((time, _))| *time);
                let source = Source::Closed {
                    think: think.clone(),
                    draws,
                    thinking,
                    submitted: vec![0; *users as usize],
                };
                (source, first)
            }
            Arrivals::Trace { trace, keep } => {
                let mut source = Source::Trace {
                    keep: *keep,
                    draws: key.stream("thin"),
                    row: 0,
                    start,
                };
                let first = source.next_row(&trace.arrivals, 0);
                (source, first)
            }
        }
    }

    /// Moves a trace to its first kept row from `from` on; returns that row's time.
    fn next_row(&mut self, arrivals: &[Nanos], from: usize) -> Nanos {
        let Source::Trace {
            keep,
            draws,
            row,
            start,
        } = self
        else {
            return NEVER;
        };
        *row = from;
        while let Some(&time) = arrivals.get(*row) {
            if *keep >= 1.0 || draws.at(*row as u64).uniform() < *keep {
                return later(*start, time);
            }
            *row += 1;
        }
        NEVER
    }
}

/// The sum of a time and a delay; [`NEVER`] beyond the range of time.
fn later(time: Nanos, delay: Nanos) -> Nanos {
    match time.checked_add(delay) {
        Some(sum) if sum <= LONGEST => sum,
        _ => NEVER,
    }
}

impl GuestState {
    /// Takes the job that arrives at `now` from the source and finds the time of the next.
    pub fn take_arrival(&mut self, now: Nanos) -> Job {
        match &mut self.source {
            Source::Open { gap, draws, index } => {
                let job = Job {
                    index: *index,
                    arrival: now,
                    user: 0,
                };
                *index += 1;
                self.next_arrival = later(now, gap.sample_nanos(draws, *index));
                job
            }
            Source::Closed {
                thinking,
                submitted,
                ..
            } => {
                let user = match thinking.pop() {
                    Some(Reverse((_, user))) => user,
                    None => unreachable!("an arrival without a thinking user"),
                };
                self.next_arrival = thinking.peek().map_or(NEVER, |Reverse((time, _))| *time);
                let job = job_of(user, submitted, now);
                submitted[user as usize] += 1;
                job
            }
            Source::Trace { row, .. } => {
                let job = Job {
                    index: *row as u64,
                    arrival: now,
                    user: 0,
                };
                let from = *row + 1;
                if let Arrivals::Trace { trace, .. } = &self.workload.arrivals {
                    self.next_arrival = self.source.next_row(&trace.arrivals, from);
                }
                job
            }
        }
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
        let job = job_of(user, submitted, now);
        let delay = think.sample_nanos(draws, job.index);
        if delay == 0 {
            submitted[user as usize] += 1;
            return Some(job);
        }
        let time = later(now, delay);
        if time != NEVER {
            thinking.push(Reverse((time, user)));
            self.next_arrival = self.next_arrival.min(time);
        }
        None
    }

    /// Jobs in the system: waiting or in flight.
    pub fn backlog(&self) -> u64 {
        (self.queue.len() + self.streams.len() - self.free.len()) as u64
    }

    /// The size of an operation of a job, in its own unit (nanoseconds or bytes).
    pub fn size(&self, size: &Size, draws: &Stream, job: &Job) -> f64 {
        match size {
            Size::Drawn(dist) => dist.sample(draws, job.index),
            Size::FromTrace { base, terms } => {
                let Arrivals::Trace { trace, .. } = &self.workload.arrivals else {
                    unreachable!("sizes from a trace without a trace");
                };
                let row = job.index as usize * trace.columns.len();
                terms.iter().fold(*base, |sum, (column, coefficient)| {
                    sum + coefficient * trace.values[row + column]
                })
            }
        }
    }
}

/// Job number m of user u has index m × users + u, whatever the other users do.
fn job_of(user: u32, submitted: &[u64], now: Nanos) -> Job {
    Job {
        index: submitted[user as usize] * submitted.len() as u64 + u64::from(user),
        arrival: now,
        user,
    }
}
