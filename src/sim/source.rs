//! Where a guest's jobs come from: the arrival processes at run time.
//!
//! Every draw is a function of the guest's own stream of its purpose and of an index that counts the
//! process's own steps, so arrivals do not depend on anybody else.

use super::guest::{DrawKey, Job};
use super::replay::Rows;
use super::sessions::Sessions;
use crate::engine::random::Stream;
use crate::engine::time::{LONGEST, NEVER, Nanos};
use crate::workload::dist::Dist;
use crate::workload::{Arrivals, FirstArrival, Phase, Spacing, Workload};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// See the [module documentation](self).
#[derive(Debug)]
pub enum Source {
    Open(Open),
    Sessions(Sessions),
    Closed {
        think: Dist,
        draws: Stream,
        /// (end of thinking, user), earliest first.
        thinking: BinaryHeap<Reverse<(Nanos, u32)>>,
        /// Jobs that each user has submitted.
        submitted: Vec<u64>,
    },
    Trace {
        rows: Rows,
        /// Of the row that comes next.
        index: u64,
    },
}

/// An open process: arrivals of one job, or of several together.
#[derive(Debug)]
pub struct Open {
    start: Nanos,
    draws: Stream,
    /// Arrivals so far, and jobs.
    arrivals: u64,
    jobs: u64,
    /// Size of each arrival and where it is drawn from.
    batch: Option<(Dist, Stream)>,
    /// Jobs of the present arrival that are still to come.
    together: u64,
    /// Where a modulated process is.
    phase: usize,
    phase_begins: Nanos,
    phase_ends: Nanos,
    stays: Stream,
    /// Phases or windows entered so far.
    visits: u64,
    /// Where in the windows the guest enters.
    entry: Nanos,
    /// Gaps drawn so far, accepted or not; in windows and in regular phases: in the present one.
    gaps: u64,
    /// Which part of a gap is left when a window or a regular phase begins, and which arrivals of windows
    /// are kept.
    parts: Stream,
    thin: Stream,
    /// First beat of a paced process.
    beat: Nanos,
}

/// The sum of a time and a delay; [`NEVER`] beyond the range of time.
pub(super) fn later(time: Nanos, delay: Nanos) -> Nanos {
    match time.checked_add(delay) {
        Some(sum) if sum <= LONGEST => sum,
        _ => NEVER,
    }
}

impl Source {
    /// The source of a workload's jobs, counted from `start`, and the time of its first job.
    pub fn new(workload: &Workload, key: DrawKey<'_>, start: Nanos) -> (Source, Nanos) {
        match &workload.arrivals {
            Arrivals::Open { .. }
            | Arrivals::Paced { .. }
            | Arrivals::Modulated { .. }
            | Arrivals::Windowed { .. } => {
                let mut open = Open::new(workload, key, start);
                let first = open.first(&workload.arrivals, key);
                (Source::Open(open), first)
            }
            Arrivals::Sessions { .. } => {
                let (sessions, first) = Sessions::new(&workload.arrivals, key, start);
                (Source::Sessions(sessions), first)
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
            Arrivals::Trace { trace, replay } => {
                let (rows, (index, first)) = Rows::new(trace, replay, key, start);
                (Source::Trace { rows, index }, first)
            }
        }
    }

    /// The job that arrives at `now`, and the time of the next.
    pub fn take(&mut self, arrivals: &Arrivals, now: Nanos) -> (Job, Nanos) {
        match self {
            Source::Open(open) => open.take(arrivals, now),
            Source::Sessions(sessions) => sessions.take(arrivals, now),
            Source::Closed {
                thinking,
                submitted,
                ..
            } => {
                let user = match thinking.pop() {
                    Some(Reverse((_, user))) => user,
                    None => unreachable!("an arrival without a thinking user"),
                };
                let job = Job::of_user(user, submitted, now);
                submitted[user as usize] += 1;
                let next = thinking.peek().map_or(NEVER, |Reverse((time, _))| *time);
                (job, next)
            }
            Source::Trace { rows, index } => {
                let job = Job {
                    index: *index,
                    arrival: now,
                    user: 0,
                    class: 0,
                };
                let Arrivals::Trace { trace, replay } = arrivals else {
                    return (job, NEVER);
                };
                let next = rows.next(trace, replay);
                *index = next.0;
                (job, next.1)
            }
        }
    }
}

impl Open {
    fn new(workload: &Workload, key: DrawKey<'_>, start: Nanos) -> Open {
        Open {
            start,
            draws: key.stream("arrival"),
            arrivals: 0,
            jobs: 0,
            batch: workload
                .batch
                .clone()
                .map(|size| (size, key.stream("batch"))),
            together: 0,
            phase: 0,
            phase_begins: start,
            phase_ends: start,
            stays: key.stream("stay"),
            visits: 0,
            entry: 0,
            gaps: 0,
            parts: key.stream("part"),
            thin: key.stream("thin"),
            beat: start,
        }
    }

    fn first(&mut self, arrivals: &Arrivals, key: DrawKey<'_>) -> Nanos {
        let phase = || key.stream("phase").at(0).uniform();
        match arrivals {
            Arrivals::Open { gap, first } => {
                let first_gap = gap.sample_nanos(&self.draws, 0);
                let delay = match first {
                    FirstArrival::AfterGap => first_gap,
                    FirstArrival::AtStart => 0,
                    FirstArrival::RandomPhase => (phase() * first_gap as f64) as Nanos,
                };
                later(self.start, delay)
            }
            Arrivals::Paced { period, first, .. } => {
                let delay = match first {
                    FirstArrival::AfterGap => *period,
                    FirstArrival::AtStart => 0,
                    FirstArrival::RandomPhase => (phase() * *period as f64) as Nanos,
                };
                self.beat = later(self.start, delay);
                self.paced(arrivals, self.start)
            }
            Arrivals::Windowed { .. } => {
                self.enter_windows(arrivals, key);
                self.windowed(arrivals, self.start)
            }
            _ => {
                self.enter(arrivals, 0);
                self.modulated(arrivals, self.start)
            }
        }
    }

    fn take(&mut self, arrivals: &Arrivals, now: Nanos) -> (Job, Nanos) {
        if self.together == 0 {
            self.together = match &self.batch {
                Some((size, draws)) => {
                    let drawn = size.sample(draws, self.arrivals);
                    (libm::rint(drawn) as u64).max(1)
                }
                None => 1,
            };
            self.arrivals += 1;
        }
        let job = Job {
            index: self.jobs,
            arrival: now,
            user: 0,
            class: 0,
        };
        self.jobs += 1;
        self.together -= 1;
        let next = if self.together > 0 {
            now
        } else {
            match arrivals {
                Arrivals::Open { gap, .. } => {
                    later(now, gap.sample_nanos(&self.draws, self.arrivals))
                }
                Arrivals::Paced { .. } => self.paced(arrivals, now),
                Arrivals::Windowed { .. } => self.windowed(arrivals, now),
                _ => self.modulated(arrivals, now),
            }
        };
        (job, next)
    }

    /// The beat of the next arrival with its jitter, not before `now`.
    fn paced(&self, arrivals: &Arrivals, now: Nanos) -> Nanos {
        let Arrivals::Paced { period, jitter, .. } = arrivals else {
            return NEVER;
        };
        let Some(passed) = period.checked_mul(self.arrivals) else {
            return NEVER;
        };
        let delay = jitter.sample_nanos(&self.draws, self.arrivals);
        later(later(self.beat, passed), delay).max(now)
    }

    /// A phase begins at the end of the last.
    fn enter(&mut self, arrivals: &Arrivals, phase: usize) {
        if let Arrivals::Modulated { phases, .. } = arrivals {
            let stay = phases[phase].stay.sample_nanos(&self.stays, self.visits);
            self.phase = phase;
            self.visits += 1;
            self.phase_begins = self.phase_ends;
            self.phase_ends = later(self.phase_ends, stay);
        }
    }

    /// The next arrival after `now`: exponential gaps at the rate of the phase; one that would end in
    /// the next phase is drawn anew there, since it has no memory.
    fn modulated(&mut self, arrivals: &Arrivals, now: Nanos) -> Nanos {
        let Arrivals::Modulated { phases, spacing } = arrivals else {
            return NEVER;
        };
        if *spacing == Spacing::Regular {
            return self.regular(arrivals, phases);
        }
        let mut from = now;
        loop {
            if let Some(mean) = phases[self.phase].gap {
                let gap = Dist::Exponential { mean };
                let next = later(from, gap.sample_nanos(&self.draws, self.gaps));
                self.gaps += 1;
                if next < self.phase_ends || self.phase_ends == NEVER {
                    return next;
                }
            } else if self.phase_ends == NEVER {
                return NEVER;
            }
            from = self.phase_ends;
            self.enter(arrivals, (self.phase + 1) % phases.len());
        }
    }

    /// The next arrival at equal gaps: number k of a phase comes k gaps and a part of one after its
    /// beginning.
    fn regular(&mut self, arrivals: &Arrivals, phases: &[Phase]) -> Nanos {
        loop {
            if let Some(gap) = phases[self.phase].gap {
                let part = self.parts.at(self.visits).uniform();
                let passed = libm::rint((part + self.gaps as f64) * gap) as Nanos;
                let next = later(self.phase_begins, passed);
                self.gaps += 1;
                if next < self.phase_ends {
                    return next;
                }
            }
            if self.phase_ends == NEVER {
                return NEVER;
            }
            self.gaps = 0;
            self.enter(arrivals, (self.phase + 1) % phases.len());
        }
    }

    /// Goes to the window into which the guest enters.
    fn enter_windows(&mut self, arrivals: &Arrivals, key: DrawKey<'_>) {
        let Arrivals::Windowed { windows, replay } = arrivals else {
            return;
        };
        let (entry, delay) = replay.enter(key.ordinal, &key.stream("entry"));
        self.start = later(self.start, delay);
        self.entry = entry;
        self.visits = windows.partition_point(|window| window.ends <= entry) as u64;
    }

    /// The next arrival after `now`: each window begins with the rest of a gap of its own, and a gap
    /// that would end after it is dropped. Gap k of window w has index 2³² w + k, so that a window's
    /// arrivals do not depend on how many there were before.
    fn windowed(&mut self, arrivals: &Arrivals, now: Nanos) -> Nanos {
        let Arrivals::Windowed { windows, replay } = arrivals else {
            return NEVER;
        };
        let count = windows.len() as u64;
        let end = match replay.period {
            Some(_) => NEVER,
            None => later(self.start, replay.cycle),
        };
        let mut from = now;
        loop {
            let (round, place) = (self.visits / count, (self.visits % count) as usize);
            let Some(passed) = round.checked_mul(replay.cycle) else {
                return NEVER;
            };
            // The window into which the guest enters has begun before.
            let of = |in_round: Nanos| {
                let in_all = passed.saturating_add(in_round);
                later(self.start, in_all.saturating_sub(self.entry)).min(end)
            };
            let begins = of(match place {
                0 => 0,
                _ => windows[place - 1].ends,
            });
            if begins >= end {
                return NEVER;
            }
            let ends = of(windows[place].ends);
            from = from.max(begins);
            if let Some(gaps) = &windows[place].gaps {
                loop {
                    let index = (self.visits << 32).wrapping_add(self.gaps);
                    let gap = match self.gaps {
                        0 => gaps.rest(&self.draws, &self.parts, index),
                        _ => gaps.sample(&self.draws, index),
                    };
                    from = later(from, gap);
                    self.gaps += 1;
                    if from >= ends {
                        break;
                    }
                    if replay.keep >= 1.0 || self.thin.at(index).uniform() < replay.keep {
                        return from;
                    }
                }
            }
            from = ends;
            self.visits += 1;
            self.gaps = 0;
        }
    }
}
