//! What a policy keeps of each entry, by its number.

use super::Entry;
use std::ops::{Index, IndexMut};

/// A value for each entry. Numbers are small and dense, so a look at one is an index; room is made on admission
/// alone, in whatever order entries come and however often a number is given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries<T>(Vec<T>);

impl<T: Default> Entries<T> {
    /// Nobody is known.
    pub const fn new() -> Self {
        Entries(Vec::new())
    }

    /// The entry begins with this value, whatever an earlier one of its number left.
    pub fn admit(&mut self, entry: Entry, value: T) {
        let place = entry as usize;
        if place >= self.0.len() {
            self.0.resize_with(place + 1, T::default);
        }
        self.0[place] = value;
    }

    /// Of all numbers up to the largest that was admitted; of one that never was, the default.
    pub fn iter(&self) -> impl Iterator<Item = (Entry, &T)> {
        (0..).zip(&self.0)
    }

    /// [`iter`](Self::iter), to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Entry, &mut T)> {
        (0..).zip(&mut self.0)
    }

    /// One more than the largest number that was admitted.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl<T: Default> Default for Entries<T> {
    fn default() -> Self {
        Entries::new()
    }
}

impl<T> Index<Entry> for Entries<T> {
    type Output = T;

    #[inline]
    fn index(&self, entry: Entry) -> &T {
        &self.0[entry as usize]
    }
}

impl<T> IndexMut<Entry> for Entries<T> {
    #[inline]
    fn index_mut(&mut self, entry: Entry) -> &mut T {
        &mut self.0[entry as usize]
    }
}

/// Makes room for entries up to this one in a list in which each is at most once.
pub fn make_room(list: &mut Vec<Entry>, entry: Entry) {
    list.reserve((entry as usize + 1).saturating_sub(list.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_any_order_and_again() {
        let mut weights = Entries::new();
        weights.admit(2, 7);
        weights.admit(0, 3);
        assert_eq!(
            weights.iter().collect::<Vec<_>>(),
            [(0, &3), (1, &0), (2, &7)]
        );
        weights.admit(2, 1);
        assert_eq!((weights[2], weights.count()), (1, 3));
        let mut line = vec![4, 5, 6];
        make_room(&mut line, 1);
        make_room(&mut line, 9);
        assert!(line.capacity() >= 10);
    }
}
