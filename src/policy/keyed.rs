//! Policies that serve the ready entry with the least key: what they have in common.
//!
//! A policy says by a [`Rule`] what the key of an entry is. Among equal keys the entry that has been
//! ready for longest goes first.

use super::waiting::Waiting;
use super::{Entry, Grant, Policy, Terms, Work};
use crate::engine::time::Nanos;

/// What is special about a policy that serves the least key.
pub trait Rule: Send {
    /// What the ready entry with the least of it goes by.
    type Key: Ord + Copy + Send;

    /// Whether keys depend on [`work`](Self::work).
    const SEES_WORK: bool = false;

    /// See [`Policy::by_piece`].
    const BY_PIECE: bool = false;

    /// See [`Policy::admit`].
    fn admit(&mut self, entry: Entry, terms: &Terms);

    /// See [`Policy::retire`]; it [sleeps](Self::sleeps). Nothing to do for rules that keep of an entry only what
    /// `admit` sets anew.
    fn retire(&mut self, entry: Entry) {
        let _ = entry;
    }

    /// The key of an entry that waits.
    fn key(&self, entry: Entry) -> Self::Key;

    /// How long the entry may have the SMs.
    fn slice(&self, entry: Entry) -> Nanos;

    /// The entry had no work, and has some.
    fn wakes(&mut self, entry: Entry) {
        let _ = entry;
    }

    /// The entry has no work left.
    fn sleeps(&mut self, entry: Entry) {
        let _ = entry;
    }

    /// The entry has got the SMs.
    fn chosen(&mut self, entry: Entry) {
        let _ = entry;
    }

    /// The entry has run.
    fn ran(&mut self, entry: Entry, time: Nanos) {
        let _ = (entry, time);
    }

    /// The entry has kept the SMs for so long after its turn.
    fn over_ran(&mut self, entry: Entry, time: Nanos) {
        self.ran(entry, time);
    }

    /// See [`Policy::work`].
    fn work(&mut self, entry: Entry, work: Work) {
        let _ = (entry, work);
    }

    /// The key of the entry if this piece were the oldest that waits there, for rules by piece.
    fn key_of(&self, entry: Entry, piece: u64) -> Self::Key {
        let _ = piece;
        self.key(entry)
    }

    /// Whether an entry that wakes takes the SMs from `holder`, who has had them for `held`.
    fn preempts(&self, entry: Entry, holder: Entry, held: Nanos) -> bool {
        let _ = (entry, holder, held);
        false
    }
}

/// See the [module documentation](self).
pub struct LeastFirst<R: Rule> {
    pub(super) rule: R,
    /// By key, then by order of becoming ready.
    ready: Waiting<(R::Key, u64)>,
    holder: Option<Entry>,
    queued: u64,
}

impl<R: Rule> LeastFirst<R> {
    /// A policy without entries.
    pub fn new(rule: R) -> Self {
        LeastFirst {
            rule,
            ready: Waiting::new(),
            holder: None,
            queued: 0,
        }
    }

    fn queue(&mut self, entry: Entry) {
        self.queued += 1;
        let key = (self.rule.key(entry), self.queued);
        self.ready.set(entry, key);
    }

    /// The key of a waiting entry may have changed; it keeps its place among equals.
    fn renew(&mut self, entry: Entry) {
        if let Some((_, since)) = self.ready.key(entry) {
            self.ready.set(entry, (self.rule.key(entry), since));
        }
    }
}

impl<R: Rule> Policy for LeastFirst<R> {
    fn admit(&mut self, entry: Entry, terms: &Terms) {
        self.ready.know(entry);
        self.rule.admit(entry, terms);
    }

    fn retire(&mut self, entry: Entry) {
        self.rule.retire(entry);
    }

    fn sees_work(&self) -> bool {
        R::SEES_WORK
    }

    fn work(&mut self, entry: Entry, work: Work) {
        self.rule.work(entry, work);
        self.renew(entry);
    }

    fn by_piece(&self) -> bool {
        R::BY_PIECE
    }

    /// Whether no other entry is before the piece.
    fn joins(&mut self, piece: u64) -> bool {
        let next = self.ready.first().map(|((key, _), _)| key);
        self.holder
            .is_some_and(|holder| next.is_none_or(|next| self.rule.key_of(holder, piece) < next))
    }

    fn ready(&mut self, entry: Entry) {
        self.rule.wakes(entry);
        self.queue(entry);
    }

    fn blocked(&mut self, entry: Entry) {
        self.ready.remove(entry);
        self.rule.sleeps(entry);
    }

    fn preempts(&mut self, entry: Entry, held: Nanos, _now: Nanos) -> bool {
        self.holder
            .is_some_and(|holder| self.rule.preempts(entry, holder, held))
    }

    fn turn_over(&mut self, held: Nanos, more: bool) {
        let Some(entry) = self.holder.take() else {
            return;
        };
        self.rule.ran(entry, held);
        if more {
            self.queue(entry);
        } else {
            self.rule.sleeps(entry);
        }
    }

    fn over_ran(&mut self, entry: Entry, extra: Nanos) {
        self.rule.over_ran(entry, extra);
        self.renew(entry);
    }

    fn select(&mut self, _now: Nanos) -> Option<Grant> {
        let entry = self.ready.take_first()?;
        self.holder = Some(entry);
        self.rule.chosen(entry);
        Some(Grant {
            entry: Some(entry),
            slice: self.rule.slice(entry),
        })
    }
}

/// Entries that always have work take `turns` turns of one slice each: who has them, for the tests of
/// the policies.
#[cfg(test)]
pub(super) fn turns_of(policy: &mut dyn Policy, terms: &[Terms], turns: usize) -> Vec<Entry> {
    for (entry, terms) in terms.iter().enumerate() {
        policy.admit(entry as Entry, terms);
        policy.ready(entry as Entry);
    }
    let mut now = 0;
    let mut taken = Vec::new();
    while taken.len() < turns {
        let grant = policy.select(now).expect("work is waiting");
        now += grant.slice;
        policy.turn_over(grant.slice, grant.entry.is_some());
        taken.extend(grant.entry);
    }
    taken
}

/// Terms with these weights.
#[cfg(test)]
pub(super) fn weights<const N: usize>(weights: [u32; N]) -> [Terms; N] {
    weights.map(|weight| Terms {
        weight,
        ..Terms::default()
    })
}
