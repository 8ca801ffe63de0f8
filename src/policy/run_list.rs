//! Work-conserving rotation: best effort, and CUDA contexts.
//!
//! Entries with work take turns of one slice; entries without work are skipped; a lone entry goes
//! on without being preempted.
//!
//! Source: NVIDIA virtual GPU user guide and knowledge base (round robin on actual demand, a VM
//! without a task or with a used-up slice makes way for the next in the queue); the driver keeps
//! one hardware run list per engine when its software scheduler is off.

use super::properties::EVERYONE_IN_TURN;
use super::queue::Queue;
use super::registered::{NVIDIA, Registered, Use};
use super::{Entry, Grant, Policy, Rotation, Terms};
use crate::engine::time::Nanos;

pub(super) const BEST_EFFORT: Registered = Registered {
    name: "best-effort",
    about: "vGPUs with work take turns; idle ones are skipped (the vendor's default)",
    source: NVIDIA,
    slice: None,
    reserves: false,
    properties: EVERYONE_IN_TURN,
    uses: &[Use::Slice],
    parameters: &[],
    build: |setup| Box::new(RunList::new(setup.config.slice, setup.config.rotation)),
};

pub(super) const ROUND_ROBIN: Registered = Registered {
    name: "round-robin",
    about: "CUDA contexts with work take turns on a bare GPU",
    source: "time-sliced channel groups of NVIDIA's open kernel modules (kernel_fifo)",
    slice: None,
    reserves: false,
    properties: EVERYONE_IN_TURN,
    uses: &[Use::Slice],
    parameters: &[],
    build: |setup| Box::new(RunList::new(setup.config.slice, setup.config.rotation)),
};

/// See the [module documentation](self).
pub struct RunList {
    slice: Nanos,
    holder: Option<Entry>,
    ready: Ready,
}

/// The entries that are ready and do not hold the SMs, in one of two orders.
enum Ready {
    Queue(Queue),
    List(List),
}

impl RunList {
    pub fn new(slice: Nanos, rotation: Rotation) -> Self {
        RunList {
            slice,
            holder: None,
            ready: match rotation {
                Rotation::Queue => Ready::Queue(Queue::default()),
                Rotation::List => Ready::List(List::default()),
            },
        }
    }
}

impl Policy for RunList {
    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        match &mut self.ready {
            Ready::Queue(queue) => queue.make_room(entry),
            Ready::List(list) => list.make_room(entry),
        }
    }

    /// It is not in the list or queue, and nothing else is kept of it.
    fn retire(&mut self, _entry: Entry) {}

    #[inline(always)]
    fn ready(&mut self, entry: Entry) {
        match &mut self.ready {
            Ready::Queue(queue) => queue.push(entry),
            Ready::List(list) => list.insert(entry),
        }
    }

    fn blocked(&mut self, entry: Entry) {
        match &mut self.ready {
            Ready::Queue(queue) => queue.remove(entry),
            Ready::List(list) => list.remove(entry),
        }
    }

    #[inline(always)]
    fn turn_over(&mut self, _held: Nanos, more: bool) {
        if let Some(entry) = self.holder.take()
            && more
        {
            self.ready(entry);
        }
    }

    #[inline(always)]
    fn select(&mut self, _now: Nanos) -> Option<Grant> {
        self.holder = match &mut self.ready {
            Ready::Queue(queue) => queue.pop(),
            Ready::List(list) => list.take_next(),
        };
        self.holder.map(|entry| Grant {
            entry: Some(entry),
            slice: self.slice,
        })
    }

    fn rotate(&mut self, held: Nanos, more: bool, now: Nanos) -> Option<Grant> {
        if let (Ready::Queue(queue), Some(entry), true) = (&mut self.ready, self.holder, more) {
            let next = Some(queue.exchange(entry));
            self.holder = next;
            return Some(Grant {
                entry: next,
                slice: self.slice,
            });
        }
        self.turn_over(held, more);
        self.select(now)
    }

    /// The holder and all who are ready, in either order.
    fn round(&self) -> Option<u64> {
        self.holder?;
        let waiting = match &self.ready {
            Ready::Queue(queue) => queue.len() as u64,
            Ready::List(list) => list.words.iter().map(|w| u64::from(w.count_ones())).sum(),
        };
        Some(1 + waiting)
    }
}

/// A bit for each entry, scanned in a circle from behind the last one taken.
#[derive(Default)]
struct List {
    words: Vec<u64>,
    next: usize,
}

impl List {
    fn make_room(&mut self, entry: Entry) {
        let words = entry as usize / 64 + 1;
        if words > self.words.len() {
            self.words.resize(words, 0);
        }
    }

    #[inline(never)]
    fn insert(&mut self, entry: Entry) {
        self.words[entry as usize / 64] |= 1 << (entry % 64);
    }

    fn remove(&mut self, entry: Entry) {
        self.words[entry as usize / 64] &= !(1 << (entry % 64));
    }

    #[inline(never)]
    fn take_next(&mut self) -> Option<Entry> {
        let count = self.words.len();
        let start = self.next / 64;
        for step in 0..=count {
            let at = (start + step) % count.max(1);
            let mut word = *self.words.get(at)?;
            if step == 0 {
                word &= u64::MAX << (self.next % 64); // the part from the pointer on
            } else if step == count {
                word &= !(u64::MAX << (self.next % 64)); // the part that step 0 left out
            }
            if word != 0 {
                let entry = (at * 64) as Entry + word.trailing_zeros();
                self.remove(entry);
                self.next = (entry as usize + 1) % (count * 64);
                return Some(entry);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(rotation: Rotation, steps: &[(&str, Entry)]) -> Vec<Entry> {
        let mut policy = RunList::new(10, rotation);
        (0..70).for_each(|entry| policy.admit(entry, &Terms::default()));
        let mut taken = Vec::new();
        for &(step, entry) in steps {
            match step {
                "ready" => policy.ready(entry),
                "blocked" => policy.blocked(entry),
                "turn" => {
                    let grant = policy.select(0).unwrap();
                    taken.push(grant.entry.unwrap());
                    policy.turn_over(10, entry == 1);
                }
                other => panic!("unknown step {other}"),
            }
        }
        taken
    }

    #[test]
    fn a_queue_serves_in_order_of_becoming_ready() {
        let steps = [
            ("ready", 65),
            ("ready", 2),
            ("ready", 7),
            ("turn", 1),
            ("blocked", 7),
            ("turn", 0),
            ("turn", 0),
        ];
        assert_eq!(order(Rotation::Queue, &steps), [65, 2, 65]);
    }

    #[test]
    fn a_list_serves_in_rank_order_from_behind_the_last() {
        let steps = [
            ("ready", 65),
            ("ready", 2),
            ("turn", 1),
            ("ready", 7),
            ("turn", 1),
            ("turn", 0),
            ("turn", 0),
            ("ready", 64),
            ("turn", 0),
            ("turn", 0),
        ];
        assert_eq!(order(Rotation::List, &steps), [2, 7, 65, 2, 7, 64]);
    }
}
