//! Entries that wait, the one with the least key first.
//!
//! A binary heap whose entries know their places in it: entries are small dense numbers, so that every
//! step is an index and nothing is hashed or allocated once an entry is known.

use super::Entry;

/// Not in the heap.
const AWAY: u32 = u32::MAX;

/// See the [module documentation](self).
#[derive(Debug, Clone)]
pub struct Waiting<K> {
    heap: Vec<(K, Entry)>,
    /// Of each entry: where it is in the heap, or [`AWAY`].
    places: Vec<u32>,
}

impl<K: Ord + Copy> Waiting<K> {
    /// Nobody waits, and nobody is known.
    pub fn new() -> Self {
        Waiting {
            heap: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Makes room for entries up to this one.
    pub fn know(&mut self, entry: Entry) {
        let entries = (entry as usize + 1).max(self.places.len());
        self.places.resize(entries, AWAY);
        self.heap.reserve(entries - self.heap.len());
    }

    /// The first entry and its key.
    #[inline]
    pub fn first(&self) -> Option<(K, Entry)> {
        self.heap.first().copied()
    }

    /// The key of an entry that waits.
    #[inline]
    pub fn key(&self, entry: Entry) -> Option<K> {
        let place = self.places[entry as usize];
        (place != AWAY).then(|| self.heap[place as usize].0)
    }

    /// The entry waits from now on, or its key has changed.
    #[inline]
    pub fn set(&mut self, entry: Entry, key: K) {
        let mut place = self.places[entry as usize] as usize;
        if place == AWAY as usize {
            place = self.heap.len();
            self.heap.push((key, entry));
        } else {
            self.heap[place].0 = key;
        }
        self.settle(place);
    }

    /// The entry waits no more, if it did.
    #[inline]
    pub fn remove(&mut self, entry: Entry) {
        let place = self.places[entry as usize];
        if place == AWAY {
            return;
        }
        self.places[entry as usize] = AWAY;
        self.heap.swap_remove(place as usize);
        if (place as usize) < self.heap.len() {
            self.settle(place as usize);
        }
    }

    /// Takes the first entry out.
    #[inline]
    pub fn take_first(&mut self) -> Option<Entry> {
        let (_, entry) = self.first()?;
        self.remove(entry);
        Some(entry)
    }

    /// Moves what is at `place` up or down to where its key belongs.
    #[inline]
    fn settle(&mut self, mut place: usize) {
        let moved = self.heap[place];
        while place > 0 && moved.0 < self.heap[(place - 1) / 2].0 {
            self.put(place, self.heap[(place - 1) / 2]);
            place = (place - 1) / 2;
        }
        loop {
            let mut child = 2 * place + 1;
            if child + 1 < self.heap.len() && self.heap[child + 1].0 < self.heap[child].0 {
                child += 1;
            }
            if child >= self.heap.len() || moved.0 <= self.heap[child].0 {
                break;
            }
            self.put(place, self.heap[child]);
            place = child;
        }
        self.put(place, moved);
    }

    #[inline]
    fn put(&mut self, place: usize, entry: (K, Entry)) {
        self.heap[place] = entry;
        self.places[entry.1 as usize] = place as u32;
    }
}

impl<K: Ord + Copy> Default for Waiting<K> {
    fn default() -> Self {
        Waiting::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    const ENTRIES: u32 = 12;

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(20_261_202),
            ..ProptestConfig::default()
        })]

        /// Beside a list that is searched from end to end.
        #[test]
        fn the_first_is_the_least(steps in prop::collection::vec((0..4u8, 0..ENTRIES, 0..20u64), 1..200)) {
            let mut waiting = Waiting::new();
            waiting.know(ENTRIES - 1);
            let mut list = [None; ENTRIES as usize];
            for (step, entry, key) in steps {
                // Keys differ, as those of policies do.
                let key = (key, entry);
                match step {
                    0 | 1 => {
                        waiting.set(entry, key);
                        list[entry as usize] = Some(key);
                    }
                    2 => {
                        waiting.remove(entry);
                        list[entry as usize] = None;
                    }
                    _ => {
                        let least = list.iter().flatten().min().map(|key| key.1);
                        prop_assert_eq!(waiting.take_first(), least);
                        if let Some(least) = least {
                            list[least as usize] = None;
                        }
                    }
                }
                let least = list.iter().flatten().min().map(|&key| (key, key.1));
                prop_assert_eq!(waiting.first(), least);
                for entry in 0..ENTRIES {
                    prop_assert_eq!(waiting.key(entry), list[entry as usize]);
                }
            }
        }
    }
}
