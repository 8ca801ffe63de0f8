//! A trace at run time: its rows from the place on where the guest enters it.
//!
//! Row r of round k has index k · rows + r, whoever replays it and wherever they entered: draws by this
//! index, and what a row says of sizes, go with the row. Of blocks, k counts the blocks.

use super::guest::DrawKey;
use super::source::later;
use crate::engine::random::Stream;
use crate::engine::time::{LONGEST, NEVER, Nanos};
use crate::workload::trace::Trace;
use crate::workload::{Entry, Replay};

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Rows {
    /// When the place of entry comes.
    begins: Nanos,
    /// The place of entry in the cycle, or that of the present block.
    entry: Nanos,
    /// The next row: its round and its place in the trace.
    round: u64,
    place: u64,
    /// Rows seen since the entry, or in the present block.
    seen: u64,
    /// The present block; 0 without blocks.
    block: u64,
    places: Stream,
    thin: Stream,
}

impl Rows {
    /// The rows for a guest that starts at `start`, and the index and the time of the first.
    pub fn new(
        trace: &Trace,
        replay: &Replay,
        key: DrawKey<'_>,
        start: Nanos,
    ) -> (Rows, (u64, Nanos)) {
        let places = key.stream("entry");
        let (entry, delay) = replay.enter(key.ordinal, &places);
        let mut rows = Rows {
            begins: later(start, delay),
            entry,
            round: 0,
            place: 0,
            seen: 0,
            block: 0,
            places,
            thin: key.stream("thin"),
        };
        match replay.entry {
            Entry::Blocks(_) => rows.enter_block(trace, replay),
            Entry::Start | Entry::Apart | Entry::Random => rows.enter(trace),
        }
        let first = rows.next(trace, replay);
        (rows, first)
    }

    /// Goes to the first row from the place of entry on.
    fn enter(&mut self, trace: &Trace) {
        let before = trace.arrivals.partition_point(|&time| time < self.entry);
        let rows = trace.arrivals.len();
        (self.round, self.place) = ((before / rows) as u64, (before % rows) as u64);
        self.seen = 0;
    }

    fn enter_block(&mut self, trace: &Trace, replay: &Replay) {
        self.entry = replay.place(&self.places, self.block);
        self.enter(trace);
    }

    /// Index and time of the next kept row; [`NEVER`] when there is none.
    pub fn next(&mut self, trace: &Trace, replay: &Replay) -> (u64, Nanos) {
        let rows = trace.arrivals.len() as u64;
        loop {
            let after = match replay.entry {
                Entry::Blocks(length) => self.in_block(trace, replay, length),
                Entry::Start | Entry::Apart | Entry::Random => self.in_order(trace, replay),
            };
            let Some(after) = after else {
                return (0, NEVER);
            };
            let counted = match replay.entry {
                Entry::Blocks(_) => self.block,
                Entry::Start | Entry::Apart | Entry::Random => self.round,
            };
            let index = counted.wrapping_mul(rows).wrapping_add(self.place);
            self.step(rows);
            if replay.keep >= 1.0 || self.thin.at(index).uniform() < replay.keep {
                return (index, later(self.begins, after));
            }
        }
    }

    fn step(&mut self, rows: u64) {
        self.seen += 1;
        self.place += 1;
        if self.place == rows {
            (self.round, self.place) = (self.round + 1, 0);
        }
    }

    /// From the place of entry to the next row.
    fn distance(&self, trace: &Trace, replay: &Replay) -> Option<Nanos> {
        let rounds = self.round.checked_mul(replay.cycle)?;
        let time = rounds.checked_add(trace.arrivals[self.place as usize])?;
        Some(time - self.entry)
    }

    /// Row after row, over and over or each once; how long after the entry.
    fn in_order(&self, trace: &Trace, replay: &Replay) -> Option<Nanos> {
        if replay.period.is_none() && self.seen == trace.arrivals.len() as u64 {
            return None;
        }
        let after = self.distance(trace, replay)?;
        (after <= LONGEST && self.begins <= LONGEST).then_some(after)
    }

    /// The rows of the present block, then those of the next; how long after the begin of the first.
    fn in_block(&mut self, trace: &Trace, replay: &Replay, length: Nanos) -> Option<Nanos> {
        let rows = trace.arrivals.len() as u64;
        loop {
            let block_begins = self.block.checked_mul(length)?;
            let ends = replay.period.map_or(replay.cycle, |_| LONGEST);
            if block_begins >= ends {
                return None;
            }
            let within = self.distance(trace, replay)?;
            if self.seen < rows && within < length {
                let after = block_begins.checked_add(within)?;
                return (after < ends).then_some(after);
            }
            self.block += 1;
            self.enter_block(trace, replay);
        }
    }
}
