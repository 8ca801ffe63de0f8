//! Sessions: requests that come in a row, from users who do not wait for answers.
//!
//! All draws are functions of the number of the session and of the request in it: a session is the same
//! whatever other sessions do.

use super::guest::{DrawKey, Job};
use super::source::later;
use crate::engine::random::Stream;
use crate::engine::time::{NEVER, Nanos};
use crate::workload::{Arrivals, SessionLength};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Sessions {
    gaps: Stream,
    lengths: Stream,
    thinks: Stream,
    /// The session that begins next, and when.
    session: u64,
    begins: Nanos,
    /// The next request of each session under way, earliest first.
    under_way: BinaryHeap<Reverse<Request>>,
    jobs: u64,
}

/// Ordered by time; of those at one time the older session goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    time: Nanos,
    session: u64,
    /// Counts from 0 in the session.
    number: u64,
    /// Requests of the session, or when it is over.
    end: u64,
}

impl Sessions {
    /// The sessions from `start` on, and the time of the first request.
    pub fn new(arrivals: &Arrivals, key: DrawKey<'_>, start: Nanos) -> (Sessions, Nanos) {
        let mut sessions = Sessions {
            gaps: key.stream("arrival"),
            lengths: key.stream("session"),
            thinks: key.stream("think"),
            session: 0,
            begins: start,
            under_way: BinaryHeap::new(),
            jobs: 0,
        };
        if let Arrivals::Sessions { gap, .. } = arrivals {
            sessions.begins = later(start, gap.sample_nanos(&sessions.gaps, 0));
        }
        let first = sessions.next(arrivals);
        (sessions, first)
    }

    /// The request that comes at `now`, and the time of the next.
    pub fn take(&mut self, arrivals: &Arrivals, now: Nanos) -> (Job, Nanos) {
        let job = Job {
            index: self.jobs,
            arrival: now,
            user: 0,
            class: 0,
        };
        self.jobs += 1;
        if let (Some(Reverse(request)), Arrivals::Sessions { think, length, .. }) =
            (self.under_way.pop(), arrivals)
        {
            let number = request.number + 1;
            let index = (request.session << 32).wrapping_add(number);
            let time = later(now, think.sample_nanos(&self.thinks, index));
            let goes_on = match length {
                SessionLength::Requests(_) => number < request.end && time != NEVER,
                SessionLength::Time(_) => time < request.end,
            };
            if goes_on {
                self.under_way.push(Reverse(Request {
                    time,
                    number,
                    ..request
                }));
            }
        }
        (job, self.next(arrivals))
    }

    /// Lets all sessions begin that do so before the next request; returns its time.
    fn next(&mut self, arrivals: &Arrivals) -> Nanos {
        let Arrivals::Sessions { gap, length, .. } = arrivals else {
            return NEVER;
        };
        loop {
            let known = self.under_way.peek();
            let known = known.map_or(NEVER, |Reverse(request)| request.time);
            if known < self.begins || self.begins == NEVER {
                return known;
            }
            let end = match length {
                SessionLength::Requests(requests) => {
                    libm::rint(requests.sample(&self.lengths, self.session)) as u64
                }
                SessionLength::Time(time) => {
                    later(self.begins, time.sample_nanos(&self.lengths, self.session))
                }
            };
            self.under_way.push(Reverse(Request {
                time: self.begins,
                session: self.session,
                number: 0,
                end,
            }));
            self.session += 1;
            let gap = gap.sample_nanos(&self.gaps, self.session);
            self.begins = later(self.begins, gap);
        }
    }
}
