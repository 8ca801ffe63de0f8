//! How a recording is replayed: where guests enter it, and what is drawn.

use crate::engine::random::Stream;
use crate::engine::time::Nanos;

/// How a guest replays a recording: rows of a trace, or windows with a process each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replay {
    /// Probability with which an arrival is kept, above 0; decided by a draw of the guest's own.
    pub keep: f64,
    /// The recording begins anew after this time, which is not before its end; `None` = each of its
    /// rows comes once.
    pub period: Option<Nanos>,
    /// Length of one round: the period, or that of the recording itself. What comes behind its end is
    /// its begin again, for guests that enter it elsewhere.
    pub cycle: Nanos,
    pub entry: Entry,
    /// How long after the guest's start the recording begins, for guests that enter at its begin: what
    /// keeps several recordings on one clock.
    pub delay: Nanos,
}

/// Where in a recording guests enter it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// All at its begin.
    Start,
    /// The first guest of a group at its begin, each further one at a place of its own, drawn uniformly
    /// over the cycle in each replication.
    Apart,
    /// Each at a place of its own, drawn as by `Apart`.
    Random,
    /// Nowhere for long: pieces of this length follow each other, each from a place drawn uniformly over
    /// the cycle. At least the mean distance of rows, at most the cycle.
    Blocks(Nanos),
}

impl Replay {
    /// A replay from the begin, of all rows, once, in rounds of this length.
    pub fn once(cycle: Nanos) -> Replay {
        Replay {
            keep: 1.0,
            period: None,
            cycle,
            entry: Entry::Start,
            delay: 0,
        }
    }

    /// Where in the cycle the guest with this ordinal enters, and how long after its start.
    pub fn enter(&self, ordinal: u32, draws: &Stream) -> (Nanos, Nanos) {
        match self.entry {
            Entry::Apart if ordinal > 0 => (self.place(draws, 0), 0),
            Entry::Random => (self.place(draws, 0), 0),
            Entry::Start | Entry::Apart => (0, self.delay),
            Entry::Blocks(_) => (0, 0),
        }
    }

    /// Place number `index`, uniform over the cycle.
    pub fn place(&self, draws: &Stream, index: u64) -> Nanos {
        let place = draws.at(index).uniform() * self.cycle as f64;
        (place as Nanos).min(self.cycle.saturating_sub(1))
    }

    /// Whether the arrivals of a group of `guests` differ by chance between replications, beside what
    /// the recording itself draws.
    pub fn has_chance(&self, guests: u32) -> bool {
        self.keep < 1.0
            || match self.entry {
                Entry::Start => false,
                Entry::Apart => guests > 1,
                Entry::Random | Entry::Blocks(_) => true,
            }
    }
}
