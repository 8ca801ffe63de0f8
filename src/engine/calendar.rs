//! The calendar: what happens next.
//!
//! It is indexed by *source*: each source (a domain, a station, a guest's timer) has one entry, so
//! rescheduling replaces and nothing ever goes stale. The order of events is total:
//! (time, [`Class`], rank of the source, index of the source).
//!
//! Inside it is a winner tree with one leaf per source: an update walks from the leaf to the root
//! with one branch-free comparison a level, which on the sizes that occur is faster than any heap
//! (`benches/calendar.rs` measures it against a heap).

use super::time::{NEVER, Nanos};

/// What kind of event comes first among those at one instant. This list is the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Work ends.
    Completion = 0,
    /// A grant of the SMs ends.
    GrantEnd = 1,
    /// A request arrives.
    Arrival = 2,
    /// A grant ends in a domain that lets simultaneous arrivals go first.
    LateGrantEnd = 3,
    /// A command of the control plane, such as the start of a vGPU.
    Control = 4,
    /// Nothing changes: the state is sampled.
    Sample = 5,
}

impl Class {
    const ALL: [Class; 6] = [
        Class::Completion,
        Class::GrantEnd,
        Class::Arrival,
        Class::LateGrantEnd,
        Class::Control,
        Class::Sample,
    ];
}

/// A position in the total order: time, class, rank, source, packed so that one integer comparison
/// decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u128);

const RANK_BITS: u32 = 28;

impl Key {
    /// After every event.
    pub const LAST: Key = Key(u128::MAX);

    fn new(time: Nanos, class: Class, rank: u32, source: u32) -> Self {
        let order = ((class as u64) << RANK_BITS | u64::from(rank)) << 32 | u64::from(source);
        Key(u128::from(time) << 64 | u128::from(order))
    }

    /// Not after any event at `time` or later, and after all before.
    pub fn first_at(time: Nanos) -> Self {
        Key(u128::from(time) << 64)
    }

    pub fn time(self) -> Nanos {
        (self.0 >> 64) as Nanos
    }

    /// The earlier of two keys, without a branch: which one it is cannot be predicted.
    #[inline(always)]
    pub fn earlier(self, other: Key) -> Key {
        let mask = u128::from(self.0 < other.0).wrapping_neg();
        Key(other.0 ^ ((self.0 ^ other.0) & mask))
    }

    pub fn class(self) -> Class {
        Class::ALL[((self.0 as u64) >> (32 + RANK_BITS)) as usize]
    }

    pub fn source(self) -> usize {
        self.0 as u32 as usize
    }
}

/// The next event of every source.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Winner tree: leaves from `leaves` on, the parent of node i is i / 2, the root is 1.
    tree: Vec<Key>,
    leaves: usize,
    /// Rank of each source.
    ranks: Vec<u32>,
}

impl Calendar {
    /// A calendar for sources `0..ranks.len()`, all without an event.
    ///
    /// # Panics
    ///
    /// If there are 2²⁸ sources or more, or a rank does not fit in 28 bits.
    pub fn new(ranks: Vec<u32>) -> Self {
        assert!(ranks.len() < 1 << RANK_BITS, "too many sources");
        assert!(
            ranks.iter().all(|&rank| rank < 1 << RANK_BITS),
            "rank out of range"
        );
        let leaves = ranks.len().max(1).next_power_of_two();
        Calendar {
            tree: vec![Key::LAST; 2 * leaves],
            leaves,
            ranks,
        }
    }

    /// The key that an event of `source` would have.
    #[inline]
    pub fn key(&self, source: usize, time: Nanos, class: Class) -> Key {
        Key::new(time, class, self.ranks[source], source as u32)
    }

    /// Sets the event of `source`, replacing the one that it had.
    #[inline]
    pub fn set(&mut self, source: usize, time: Nanos, class: Class) {
        debug_assert!(time != NEVER, "an event at no time");
        let key = self.key(source, time, class);
        self.place(source, key);
    }

    /// Removes the event of `source`, if it has one.
    #[inline]
    pub fn clear(&mut self, source: usize) {
        self.place(source, Key::LAST);
    }

    /// The earliest event, which stays in the calendar.
    #[inline]
    pub fn next(&self) -> Option<Key> {
        let first = self.tree[1];
        // Half of the key decides: the other half need not have reached memory as one value.
        (first.time() != NEVER).then_some(first)
    }

    /// The earliest event of all sources but one; [`Key::LAST`] if there is none.
    #[inline]
    pub fn next_except(&self, source: usize) -> Key {
        let mut node = self.leaves + source;
        let mut first = Key::LAST;
        while node > 1 {
            first = first.earlier(self.tree[node ^ 1]);
            node /= 2;
        }
        first
    }

    #[inline]
    fn place(&mut self, source: usize, key: Key) {
        assert!(source < self.ranks.len(), "no such source");
        let mut node = self.leaves + source;
        let mut winner = key;
        self.tree[node] = winner;
        while node > 1 {
            winner = winner.earlier(self.tree[node ^ 1]);
            node /= 2;
            self.tree[node] = winner;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn simultaneous_events_come_by_class_then_rank_then_source() {
        let mut calendar = Calendar::new(vec![3, 2, 1, 1, 0]);
        calendar.set(0, 10, Class::Completion);
        calendar.set(1, 10, Class::Arrival);
        calendar.set(2, 10, Class::GrantEnd);
        calendar.set(3, 10, Class::GrantEnd);
        calendar.set(4, 11, Class::Completion);
        let mut order = Vec::new();
        while let Some(key) = calendar.next() {
            order.push((key.source(), key.class(), key.time()));
            calendar.clear(key.source());
        }
        assert_eq!(
            order,
            [
                (0, Class::Completion, 10),
                (2, Class::GrantEnd, 10),
                (3, Class::GrantEnd, 10),
                (1, Class::Arrival, 10),
                (4, Class::Completion, 11),
            ]
        );
    }

    /// What the calendar must be, in the plainest terms: a map from source to event, searched whole.
    #[derive(Default)]
    struct Reference(BTreeMap<usize, (Nanos, Class)>);

    impl Reference {
        fn next(&self, ranks: &[u32], except: Option<usize>) -> Option<(Nanos, Class, usize)> {
            self.0
                .iter()
                .filter(|(source, _)| Some(**source) != except)
                .map(|(&source, &(time, class))| (time, class, ranks[source], source))
                .min()
                .map(|(time, class, _, source)| (time, class, source))
        }
    }

    fn class() -> impl Strategy<Value = Class> {
        (0usize..Class::ALL.len()).prop_map(|i| Class::ALL[i])
    }

    proptest! {
        #[test]
        fn agrees_with_a_naive_reference(
            ranks in prop::collection::vec(0u32..4, 1..40),
            steps in prop::collection::vec((0usize..40, 0u64..6, class(), 0u8..4), 1..200),
        ) {
            let mut calendar = Calendar::new(ranks.clone());
            let mut reference = Reference::default();
            for (source, time, class, action) in steps {
                let source = source % ranks.len();
                if action == 0 {
                    calendar.clear(source);
                    reference.0.remove(&source);
                } else {
                    calendar.set(source, time, class);
                    reference.0.insert(source, (time, class));
                }
                let seen = calendar.next().map(|k| (k.time(), k.class(), k.source()));
                prop_assert_eq!(seen, reference.next(&ranks, None));
                let others = calendar.next_except(source);
                let others = (others != Key::LAST)
                    .then(|| (others.time(), others.class(), others.source()));
                prop_assert_eq!(others, reference.next(&ranks, Some(source)));
            }
        }
    }
}
