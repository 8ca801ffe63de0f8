//! Entries in the order in which they came: a ring in which each is at most once.

use super::Entry;

/// See the [module documentation](self).
#[derive(Default)]
pub(super) struct Queue {
    ring: Vec<Entry>,
    first: usize,
    len: usize,
}

impl Queue {
    /// Entries up to this one fit from now on.
    pub fn make_room(&mut self, entry: Entry) {
        let needed = (entry as usize + 1).next_power_of_two();
        if needed > self.ring.len() {
            let mut wider = vec![0; needed];
            for (place, slot) in wider.iter_mut().enumerate().take(self.len) {
                *slot = self.ring[(self.first + place) & (self.ring.len() - 1)];
            }
            self.ring = wider;
            self.first = 0;
        }
    }

    /// Entries in it.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The entry, which is not in it, comes last.
    #[inline(always)]
    pub fn push(&mut self, entry: Entry) {
        debug_assert!(self.len < self.ring.len());
        let mask = self.ring.len() - 1;
        self.ring[(self.first + self.len) & mask] = entry;
        self.len += 1;
    }

    /// Takes the first out.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<Entry> {
        if self.len == 0 {
            return None;
        }
        let entry = self.ring[self.first];
        self.first = (self.first + 1) & (self.ring.len() - 1);
        self.len -= 1;
        Some(entry)
    }

    /// [`push`](Self::push) and [`pop`](Self::pop) in one.
    #[inline(always)]
    pub fn exchange(&mut self, entry: Entry) -> Entry {
        let mask = self.ring.len() - 1;
        self.ring[(self.first + self.len) & mask] = entry;
        let next = self.ring[self.first];
        self.first = (self.first + 1) & mask;
        next
    }

    /// Takes the entry out, if it is in it.
    pub fn remove(&mut self, entry: Entry) {
        let mask = self.ring.len().wrapping_sub(1);
        let mut kept = 0;
        for place in 0..self.len {
            let other = self.ring[(self.first + place) & mask];
            if other != entry {
                self.ring[(self.first + kept) & mask] = other;
                kept += 1;
            }
        }
        self.len = kept;
    }
}
