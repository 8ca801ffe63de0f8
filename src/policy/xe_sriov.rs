//! Intel Xe with SR-IOV: virtual functions take turns as long as their execution quantum, under one of three
//! priorities.
//!
//! The quantum of a function is its weight in slices, `longest_quantum` (the driver's 100 s) at most. Its `priority` is the number that the
//! firmware knows:
//!
//! - 0 *low*, the default: a turn only if it has work;
//! - 1 *normal*: a turn whether it has work or not; what it does not use passes unused. The firmware's
//!   policy "schedule if idle" is priority 1 for all;
//! - 2 *high*: if it has work, the turn after the one under way.
//!
//! Smaller numbers count as 0, larger ones as 2.
//!
//! Source: Linux, `drivers/gpu/drm/xe/abi/guc_klvs_abi.h` (`GUC_KLV_VF_CFG_EXEC_QUANTUM`,
//! `GUC_KLV_VF_CFG_SCHED_PRIORITY`, `GUC_KLV_VGT_POLICY_SCHED_IF_IDLE`) and
//! `Documentation/ABI/testing/sysfs-driver-intel-xe-sriov` (6.19). The scheduler itself is firmware. That low
//! and normal functions come in a circle, that a low or high one whose work is done gives way at once, and
//! that a high one that still has work goes before all others again, are assumptions: readings of those
//! texts. The kernel's default quantum is 0, without end: a function then keeps the GPU until its work is
//! done. A preemption timeout is not modelled: it ends in a reset, and its default is none.

use super::registered::{Registered, Use};
use super::{
    Entries, Entry, Grant, Parameter, Policy, Preempts, Properties, Starvation, Terms, Values,
    Weights,
};
use crate::engine::time::{Nanos, SECOND};

pub(super) const XE_SRIOV: Registered = Registered {
    name: "xe-sriov",
    about: "virtual functions take turns of their execution quantum; by priority also without work",
    source: "Linux, xe driver: guc_klvs_abi.h, sysfs-driver-intel-xe-sriov",
    slice: None,
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::Weight, Use::Priority],
    parameters: &[LONGEST_QUANTUM],
    build: |setup| {
        let longest = setup.setting(&LONGEST_QUANTUM).whole();
        Box::new(XeSriov::new(setup.config.slice, longest))
    },
};

const PROPERTIES: Properties = Properties {
    // With functions of normal priority.
    work_conserving: false,
    // Among functions of one priority: a circle of turns as long as weights say.
    weights: Weights::Proportional { slices: 1.0 },
    // Beside one of high priority.
    starvation: Starvation::Unbounded,
    preempts: Preempts::Never,
};

const LONGEST_QUANTUM: Parameter = Parameter {
    name: "longest_quantum",
    about: "execution quantum of a function at most, whatever its weight",
    values: Values::Duration {
        low: 1,
        high: 3_600 * SECOND,
        default: 100 * SECOND,
    },
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Level {
    #[default]
    Low,
    Normal,
    High,
}

#[derive(Default)]
struct Function {
    level: Level,
    quantum: Nanos,
    /// Has work and waits for a turn.
    ready: bool,
}

/// See the [module documentation](self).
pub struct XeSriov {
    slice: Nanos,
    longest_quantum: Nanos,
    functions: Entries<Function>,
    /// Functions that wait, and those among them of high priority.
    waiting: usize,
    high: usize,
    /// Functions of normal priority.
    normal: usize,
    /// Where the circle goes on, and that of functions of high priority.
    next: Entry,
    next_high: Entry,
    holder: Option<Entry>,
    /// Rest of the turn of a function of normal priority that has no work.
    unused: Option<(Entry, Nanos)>,
    /// Length of the turn under way.
    turn: Nanos,
}

impl XeSriov {
    pub fn new(slice: Nanos, longest_quantum: Nanos) -> Self {
        XeSriov {
            slice,
            longest_quantum,
            functions: Entries::new(),
            waiting: 0,
            high: 0,
            normal: 0,
            next: 0,
            next_high: 0,
            holder: None,
            unused: None,
            turn: 0,
        }
    }

    fn wait(&mut self, entry: Entry, ready: bool) {
        let function = &mut self.functions[entry];
        let (had, has) = (usize::from(function.ready), usize::from(ready));
        function.ready = ready;
        self.waiting = self.waiting + has - had;
        if function.level == Level::High {
            self.high = self.high + has - had;
        }
    }

    /// The first from `start` on, in a circle, that is wanted.
    fn first(&self, start: Entry, wanted: impl Fn(&Function) -> bool) -> Option<Entry> {
        let count = self.functions.count() as Entry;
        let mut circle = (0..count).map(|step| (start + step) % count);
        circle.find(|&entry| wanted(&self.functions[entry]))
    }

    fn run(&mut self, entry: Entry, slice: Nanos) -> Option<Grant> {
        self.wait(entry, false);
        self.holder = Some(entry);
        self.turn = slice;
        Some(Grant {
            entry: Some(entry),
            slice,
        })
    }

    fn leave_unused(&mut self, entry: Entry, slice: Nanos) -> Option<Grant> {
        self.unused = Some((entry, slice));
        Some(Grant { entry: None, slice })
    }
}

impl Policy for XeSriov {
    fn admit(&mut self, entry: Entry, terms: &Terms) {
        let level = match terms.priority {
            ..=0 => Level::Low,
            1 => Level::Normal,
            2.. => Level::High,
        };
        let quantum = self.slice.saturating_mul(u64::from(terms.weight));
        self.normal += usize::from(level == Level::Normal);
        let function = Function {
            level,
            quantum: quantum.min(self.longest_quantum),
            ready: false,
        };
        self.functions.admit(entry, function);
    }

    /// Of low priority without work it has no turns.
    fn retire(&mut self, entry: Entry) {
        self.normal -= usize::from(self.functions[entry].level == Level::Normal);
        self.functions[entry].level = Level::Low;
        self.unused = self.unused.filter(|&(owner, _)| owner != entry);
    }

    fn ready(&mut self, entry: Entry) {
        self.wait(entry, true);
    }

    fn blocked(&mut self, entry: Entry) {
        self.wait(entry, false);
    }

    /// Only the owner of a turn that passes unused.
    fn preempts(&mut self, entry: Entry, _held: Nanos, _now: Nanos) -> bool {
        self.unused.is_some_and(|(owner, _)| owner == entry)
    }

    fn turn_over(&mut self, held: Nanos, more: bool) {
        let Some(entry) = self.holder.take() else {
            self.unused = self
                .unused
                .map(|(owner, left)| (owner, left.saturating_sub(held)))
                .filter(|&(_, left)| left > 0);
            return;
        };
        if more {
            self.wait(entry, true);
        } else if self.functions[entry].level == Level::Normal && held < self.turn {
            self.unused = Some((entry, self.turn - held));
        }
    }

    fn select(&mut self, _now: Nanos) -> Option<Grant> {
        if let Some((owner, left)) = self.unused.take() {
            return match self.functions[owner].ready {
                true => self.run(owner, left),
                false => self.leave_unused(owner, left),
            };
        }
        if self.high > 0 {
            let waits = |function: &Function| function.level == Level::High && function.ready;
            let entry = self.first(self.next_high, waits)?;
            self.next_high = entry + 1;
            return self.run(entry, self.functions[entry].quantum);
        }
        if self.waiting == 0 && self.normal == 0 {
            return None;
        }
        let has_turn = |function: &Function| function.ready || function.level == Level::Normal;
        let entry = self.first(self.next, has_turn)?;
        self.next = entry + 1;
        let Function { quantum, ready, .. } = self.functions[entry];
        match ready {
            true => self.run(entry, quantum),
            false => self.leave_unused(entry, quantum),
        }
    }

    /// Functions of low priority go round while no others are there.
    fn round(&self) -> Option<u64> {
        let holder = self.holder?;
        let low = self.functions[holder].level == Level::Low;
        (low && self.high == 0 && self.normal == 0).then_some(1 + self.waiting as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keyed::turns_of;
    use super::*;

    fn functions(own: &[(u32, i32)]) -> XeSriov {
        let mut policy = XeSriov::new(10, 100 * SECOND);
        for (entry, &(weight, priority)) in own.iter().enumerate() {
            let terms = Terms {
                weight,
                priority,
                reservation: None,
            };
            policy.admit(entry as Entry, &terms);
        }
        policy
    }

    fn turns(policy: &mut XeSriov, count: usize) -> Vec<(Option<Entry>, Nanos)> {
        let turn = |_| {
            let grant = policy.select(0).expect("a turn");
            policy.turn_over(grant.slice, grant.entry.is_some());
            (grant.entry, grant.slice)
        };
        (0..count).map(turn).collect()
    }

    /// The bound of fairness in `PROPERTIES` is that of this circle.
    #[test]
    fn a_quantum_is_the_weight_in_slices() {
        let terms = [(1, 0), (3, 0), (2, -5)].map(|(weight, priority)| Terms {
            weight,
            priority,
            reservation: None,
        });
        let mut policy = XeSriov::new(10, 100 * SECOND);
        assert_eq!(turns_of(&mut policy, &terms, 4), [0, 1, 2, 0]);
        assert_eq!(
            turns(&mut policy, 3),
            [(Some(1), 30), (Some(2), 20), (Some(0), 10)]
        );
        let mut endless = functions(&[(10_000, 0)]);
        endless.slice = SECOND;
        endless.admit(
            1,
            &Terms {
                weight: 200,
                ..Terms::default()
            },
        );
        assert_eq!(endless.functions[1].quantum, 100 * SECOND);
    }

    /// 0 low, 1 and 2 normal, of which 2 has no work: its turn passes unused.
    #[test]
    fn normal_functions_have_their_turn_without_work() {
        let mut policy = functions(&[(1, 0), (1, 1), (1, 1)]);
        policy.ready(0);
        policy.ready(1);
        assert_eq!(
            turns(&mut policy, 4),
            [(Some(0), 10), (Some(1), 10), (None, 10), (Some(0), 10)]
        );
        // Without any work, the turns of 1 and 2 go on.
        let mut idle = functions(&[(1, 0), (2, 1), (1, 1)]);
        assert_eq!(turns(&mut idle, 3), [(None, 20), (None, 10), (None, 20)]);
    }

    /// 1 is done after 4 of 10: the rest passes unused until its next work comes, 3 later.
    #[test]
    fn a_normal_function_keeps_the_rest_of_its_turn() {
        let mut policy = functions(&[(1, 0), (1, 1)]);
        policy.ready(0);
        policy.ready(1);
        assert_eq!(turns(&mut policy, 1), [(Some(0), 10)]);
        assert_eq!(policy.select(0).and_then(|grant| grant.entry), Some(1));
        policy.turn_over(4, false);
        let rest = policy.select(0).expect("the rest");
        assert_eq!((rest.entry, rest.slice), (None, 6));
        assert!(!policy.preempts(0, 1, 0), "it is not its turn");
        policy.ready(1);
        assert!(policy.preempts(1, 3, 0));
        policy.turn_over(3, false);
        assert_eq!(turns(&mut policy, 2), [(Some(1), 3), (Some(0), 10)]);
    }

    /// A high function waits for the turn under way and no other, and goes on for as long as it has work; then
    /// the circle goes on where it was.
    #[test]
    fn a_high_function_has_the_next_turn() {
        let mut policy = functions(&[(1, 0), (1, 0), (1, 2)]);
        policy.ready(0);
        policy.ready(1);
        assert_eq!(policy.select(0).and_then(|grant| grant.entry), Some(0));
        policy.ready(2);
        assert!(!policy.preempts(2, 5, 0));
        policy.turn_over(10, true);
        assert_eq!(turns(&mut policy, 2), [(Some(2), 10), (Some(2), 10)]);
        policy.blocked(2);
        assert_eq!(turns(&mut policy, 2), [(Some(1), 10), (Some(0), 10)]);
    }

    /// 1 and 2 are normal and leave: 1 while the rest of its turn passes unused, which ends with it.
    #[test]
    fn turns_of_a_function_that_has_left_end() {
        let mut policy = functions(&[(1, 0), (1, 1), (1, 1)]);
        policy.ready(0);
        policy.ready(1);
        assert_eq!(turns(&mut policy, 1), [(Some(0), 10)]);
        assert_eq!(policy.select(0).and_then(|grant| grant.entry), Some(1));
        policy.turn_over(4, false);
        policy.retire(1);
        policy.retire(2);
        assert_eq!(turns(&mut policy, 2), [(Some(0), 10), (Some(0), 10)]);
        assert_eq!(policy.round(), None, "no turn is under way");
    }
}
