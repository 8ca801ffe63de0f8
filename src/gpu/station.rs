//! Stations beside the SMs: copy engines and host cores.
//!
//! A station has groups of servers, each with one queue in order of arrival: the engines of a board,
//! or of each GPU instance. All servers may share a capacity, as copy engines share the PCIe link:
//! while more than `capacity` of them are busy, each runs at `capacity / busy`. Every operation in
//! service progresses at the same rate, so one virtual clock serves them all: an operation ends when
//! the clock reaches its tag.

use super::entry::OperationId;
use crate::engine::time::Nanos;
use crate::engine::work::{FULL_SPEED, Rate, Work, done_in, time_for, work_of};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// How many operations a station serves at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Servers {
    /// `count` servers that together do the work of at most `capacity` of them.
    Limited { count: u32, capacity: u32 },
    /// One for every operation.
    Unlimited,
}

/// A completed operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    pub id: OperationId,
    pub submitted: Nanos,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Station {
    groups: Vec<Group>,
    /// Servers whose work can be done at once; `None` = that of all.
    capacity: Option<u32>,
    /// (tag, order of start, operation, submitted), smallest first.
    serving: BinaryHeap<Reverse<(Work, u64, Waiting)>>,
    started: u64,
    /// Virtual clock: work that an operation in service since the beginning would have had done.
    clock: Work,
    rate: Rate,
    cursor: Nanos,
    /// Server·ns of service so far.
    busy: u128,
}

#[derive(Debug)]
struct Group {
    /// `None` = one for every operation.
    servers: Option<u32>,
    busy: u32,
    /// Operation, when it was submitted, how long it takes.
    waiting: VecDeque<(OperationId, Nanos, Nanos)>,
}

/// Orders equal tags by start only.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    id: OperationId,
    submitted: Nanos,
    group: u32,
}

impl PartialEq for Waiting {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl Station {
    /// A station with one group of servers.
    pub fn new(servers: Servers) -> Self {
        match servers {
            Servers::Limited { count, capacity } => {
                Station::grouped(&[Some(count)], Some(capacity))
            }
            Servers::Unlimited => Station::grouped(&[None], None),
        }
    }

    /// A station with a group for each number of servers (`None` = unlimited), which together do the
    /// work of at most `capacity` of them.
    pub fn grouped(servers: &[Option<u32>], capacity: Option<u32>) -> Self {
        let group = |&servers: &Option<u32>| Group {
            servers,
            busy: 0,
            waiting: VecDeque::new(),
        };
        Station {
            groups: servers.iter().map(group).collect(),
            capacity,
            serving: BinaryHeap::new(),
            started: 0,
            clock: 0,
            rate: FULL_SPEED,
            cursor: 0,
            busy: 0,
        }
    }

    /// Servers of a group; `None` = unlimited.
    pub fn servers(&self, group: usize) -> Option<u32> {
        self.groups[group].servers
    }

    /// Server·ns of service up to the last [`settle`](Self::settle).
    pub fn busy(&self) -> u128 {
        self.busy
    }

    /// When the next operation completes.
    pub fn next_completion(&self) -> Option<Nanos> {
        let Reverse((tag, _, _)) = self.serving.peek()?;
        let left = tag.saturating_sub(self.clock);
        Some(self.cursor.saturating_add(time_for(left, self.rate)))
    }

    /// Brings the clock up to `now`, which is not after the next completion.
    pub fn settle(&mut self, now: Nanos) {
        let wall = now.saturating_sub(self.cursor);
        self.clock += done_in(wall, self.rate);
        self.busy += u128::from(wall) * self.serving.len() as u128;
        self.cursor = self.cursor.max(now);
    }

    /// Submits an operation that takes `duration` of one server of a group.
    pub fn submit(&mut self, id: OperationId, group: u32, duration: Nanos, now: Nanos) {
        self.settle(now);
        let servers = &mut self.groups[group as usize];
        if servers.servers.is_none_or(|count| servers.busy < count) {
            servers.busy += 1;
            self.start(id, group, now, duration);
        } else {
            servers.waiting.push_back((id, now, duration));
        }
    }

    /// Appends the operations that complete at `now` to `served`, in order of start, and starts
    /// waiting ones in their place.
    pub fn complete(&mut self, now: Nanos, served: &mut Vec<Served>) {
        self.settle(now);
        while let Some(Reverse((tag, _, _))) = self.serving.peek()
            && *tag <= self.clock
            && let Some(Reverse((_, _, done))) = self.serving.pop()
        {
            served.push(Served {
                id: done.id,
                submitted: done.submitted,
            });
            let group = &mut self.groups[done.group as usize];
            match group.waiting.pop_front() {
                Some((id, submitted, duration)) => self.start(id, done.group, submitted, duration),
                None => {
                    group.busy -= 1;
                    self.rerate();
                }
            }
        }
    }

    /// The operations that `lost` names are gone, as far as they have come; waiting ones start in their place.
    pub fn abandon(&mut self, now: Nanos, lost: impl Fn(&OperationId) -> bool) {
        self.settle(now);
        for group in &mut self.groups {
            group.waiting.retain(|(id, ..)| !lost(id));
        }
        let mut freed = Vec::new();
        self.serving.retain(|Reverse((_, _, served))| {
            let goes = lost(&served.id);
            if goes {
                freed.push(served.group);
            }
            !goes
        });
        freed.sort_unstable();
        for number in freed {
            let group = &mut self.groups[number as usize];
            match group.waiting.pop_front() {
                Some((id, submitted, duration)) => self.start(id, number, submitted, duration),
                None => group.busy -= 1,
            }
        }
        self.rerate();
    }

    fn start(&mut self, id: OperationId, group: u32, submitted: Nanos, duration: Nanos) {
        self.started += 1;
        self.serving.push(Reverse((
            self.clock + work_of(duration),
            self.started,
            Waiting {
                id,
                submitted,
                group,
            },
        )));
        self.rerate();
    }

    fn rerate(&mut self) {
        self.rate = match self.capacity {
            Some(capacity) if self.serving.len() > capacity as usize => {
                FULL_SPEED * Rate::from(capacity) / self.serving.len() as Rate
            }
            _ => FULL_SPEED,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(operation: u32) -> OperationId {
        OperationId {
            operation,
            ..OperationId::default()
        }
    }

    /// Completion times of operations (arrival, duration) given in order of arrival.
    fn completions(servers: Servers, operations: &[(Nanos, Nanos)]) -> Vec<Nanos> {
        through(Station::new(servers), operations)
    }

    /// The same through a station; operation number i goes to group i mod the number of groups.
    fn through(mut station: Station, operations: &[(Nanos, Nanos)]) -> Vec<Nanos> {
        let groups = station.groups.len();
        let mut ends = vec![0; operations.len()];
        let mut arrivals = operations.iter().enumerate().peekable();
        let mut served = Vec::new();
        loop {
            let arrival = arrivals.peek().map(|(_, (time, _))| *time);
            match (station.next_completion(), arrival) {
                (Some(end), next) if next.is_none_or(|next| end <= next) => {
                    station.complete(end, &mut served);
                    for done in served.drain(..) {
                        ends[done.id.operation as usize] = end;
                    }
                }
                (_, Some(now)) => {
                    let (index, (_, duration)) = arrivals.next().unwrap();
                    station.submit(id(index as u32), (index % groups) as u32, *duration, now);
                }
                (_, None) => return ends,
            }
        }
    }

    #[test]
    fn one_engine_serves_in_order() {
        let one = Servers::Limited {
            count: 1,
            capacity: 1,
        };
        assert_eq!(completions(one, &[(0, 10), (2, 5), (30, 1)]), [10, 15, 31]);
    }

    #[test]
    fn engines_that_share_a_link_slow_each_other() {
        // Two engines on one link: 10 alone for 2, then both at half speed. At 12 the second has had
        // its 5; the first had 2 + 5 = 7 and has the link to itself again.
        let two = Servers::Limited {
            count: 2,
            capacity: 1,
        };
        assert_eq!(completions(two, &[(0, 10), (2, 5)]), [15, 12]);
    }

    /// Two instances with an engine each on one link: the second operation of an instance waits for
    /// its own engine, and whoever is served shares the link.
    #[test]
    fn engines_of_instances_share_the_link_and_not_their_queues() {
        let station = Station::grouped(&[Some(1), Some(1)], Some(1));
        let ends = through(station, &[(0, 10), (0, 10), (0, 5)]);
        // Both at half speed until 20, then the waiting one alone.
        assert_eq!(ends, [20, 20, 25]);
        let station = Station::grouped(&[Some(1), Some(1)], Some(1));
        assert_eq!(through(station, &[(0, 4), (4, 6), (4, 2)]), [4, 12, 8]);
    }

    #[test]
    fn dedicated_servers_do_not_disturb_each_other() {
        let two = Servers::Limited {
            count: 2,
            capacity: 2,
        };
        assert_eq!(
            completions(two, &[(0, 10), (2, 5), (3, 4), (3, 1)]),
            [10, 7, 11, 11]
        );
        assert_eq!(
            completions(Servers::Unlimited, &[(0, 10), (2, 5), (3, 4)]),
            [10, 7, 7]
        );
    }
}
