//! Intel GVT-g: time for each period by weight, whoever was served longest ago first, and a timer.
//!
//! Every `period_slices` = 100 slices (a slice is the timer's 1 ms, a period 100 ms) each vGPU is given its weight's
//! share of the period. What is left, or was taken too much, is added to the next share, and forgotten every
//! tenth period (`settled_after`). The bound of waiting in the properties is that of the kernel's 100 slices.
//! At each tick of the timer the vGPU that was served longest ago goes next, of those with work and time left.
//! Without time left nobody runs, though the GPU is free. Work that comes to a vGPU without any has the
//! scheduler choose at once, so it takes the SMs if it has time. Who falls idle is charged, and keeps
//! the others waiting, until the next tick or the next arrival.
//!
//! The kernel's vGPU types have weight 16 / (maximum of the type per GPU).
//!
//! Source: Linux, `drivers/gpu/drm/i915/gvt/sched_policy.c` (`gvt_balance_timeslice`, `find_busy_vgpu`,
//! `tbs_sched_func`, `intel_gvt_schedule`; `intel_vgpu_queue_workload` in `scheduler.c` is where work that
//! comes has it choose), weights in `vgpu.c`. Three things differ. The kernel waits for the end of a
//! request before it switches: say so with `switch.preemption = "kernel-boundary"`. It prefers a vGPU
//! for 2 s after its start, which bridges the time to its first share; here vGPUs are up when they start, and
//! shares are given anew at each start, and at each end of one. Requests that come to a vGPU that has some already have it choose too;
//! here they do not.

use super::properties::total;
use super::registered::{Registered, Use};
use super::{
    Entries, Entry, Grant, Parameter, Policy, Preempts, Properties, Starvation, Terms, Values,
    Weights,
};
use crate::engine::time::{MILLISECOND, Nanos};

pub(super) const GVT_G: Registered = Registered {
    name: "gvt-g",
    about: "vGPUs have time by weight in each period of slices, and no more",
    source: "Linux, i915 driver: gvt/sched_policy.c",
    slice: Some(MILLISECOND),
    reserves: false,
    properties: PROPERTIES,
    uses: &[Use::Slice, Use::Weight],
    parameters: &[PERIOD, STAGES],
    build: |setup| {
        let whole = |parameter| setup.setting(parameter).whole();
        let (slices, stages) = (whole(&PERIOD), whole(&STAGES));
        Box::new(GvtG::new(setup.config.slice, slices, stages))
    },
};

const PROPERTIES: Properties = Properties {
    work_conserving: false,
    // Debts are forgotten every tenth period, so no bound holds for ever.
    weights: Weights::OnAverage,
    starvation: Starvation::Slices(|weights, own| {
        let (all, mine) = (total(weights), f64::from(weights[own]));
        let others = weights.len() as f64 - 1.0;
        let share = SLICES as f64 * mine / all;
        // It has used up its share, less the slice that it owed at most, and waits for the next period, in
        // which those who have waited for longer go first. A debt of a slice takes 1 / share periods.
        let whole = SLICES as f64 * (1.0 / share).ceil();
        whole - share + 1.0 + others
    }),
    preempts: Preempts::Urgent,
};

/// Slices of a period, by the source.
const SLICES: u64 = 100;

const PERIOD: Parameter = Parameter {
    name: "period_slices",
    about: "slices of a period, in which each vGPU is given its share",
    values: Values::Count {
        low: 1,
        high: 1_000_000,
        default: SLICES,
    },
};
const STAGES: Parameter = Parameter {
    name: "settled_after",
    about: "periods after which nothing is carried over",
    values: Values::Count {
        low: 1,
        high: 1_000_000,
        default: 10,
    },
};

#[derive(Default)]
struct Vgpu {
    /// 0 for one that is not there.
    weight: u32,
    /// Of each period.
    share: i128,
    /// Of this period.
    left: i128,
    /// Has work and waits.
    ready: bool,
}

/// See the [module documentation](self).
pub struct GvtG {
    slice: Nanos,
    /// See [`PERIOD`] and [`STAGES`].
    slices: u64,
    stages: u64,
    vgpus: Entries<Vgpu>,
    /// Served longest ago first.
    order: Vec<Entry>,
    waiting: usize,
    holder: Option<Entry>,
    /// The tick at which the turn under way ends.
    tick: Nanos,
    /// Who fell idle before it, and since when: it is still charged.
    fell_idle: Option<(Entry, Option<Nanos>)>,
    /// Begin of the period, and how many have passed since nothing was carried over.
    period: Nanos,
    stage: u64,
}

impl GvtG {
    /// See [`PERIOD`] and [`STAGES`] for `slices` and `stages`.
    pub fn new(slice: Nanos, slices: u64, stages: u64) -> Self {
        GvtG {
            slice,
            slices,
            stages,
            vgpus: Entries::new(),
            order: Vec::new(),
            waiting: 0,
            holder: None,
            tick: 0,
            fell_idle: None,
            period: 0,
            stage: 0,
        }
    }

    fn period_length(&self) -> Nanos {
        self.slice.saturating_mul(self.slices)
    }

    /// Gives shares for the periods that have begun since.
    fn balance(&mut self, now: Nanos) {
        let length = self.period_length();
        let begun = (now - self.period) / length;
        if begun == 0 {
            return;
        }
        self.period += begun * length;
        self.stage += begun;
        let anew = self.stage >= self.stages;
        self.stage %= self.stages;
        for (_, vgpu) in self.vgpus.iter_mut() {
            vgpu.left = match anew {
                true => vgpu.share * i128::from(self.stage + 1),
                false => vgpu.left + vgpu.share * i128::from(begun),
            };
        }
    }

    /// Charges the vGPU that fell idle up to the tick.
    fn charge_idle(&mut self, now: Nanos) {
        if let Some((entry, Some(since))) = self.fell_idle.take() {
            let until = now.min(self.tick);
            self.vgpus[entry].left -= i128::from(until - since);
        }
    }

    /// The periods of those who are there begin anew.
    fn share_anew(&mut self) {
        let weights = self.vgpus.iter().map(|(_, v)| u64::from(v.weight));
        let all: u64 = weights.sum();
        let by_weight = self.period_length() / all.max(1);
        self.stage = 0;
        for (_, vgpu) in self.vgpus.iter_mut() {
            vgpu.share = i128::from(by_weight) * i128::from(vgpu.weight);
            vgpu.left = vgpu.share;
        }
    }

    fn wait(&mut self, entry: Entry, ready: bool) {
        let waits = &mut self.vgpus[entry].ready;
        self.waiting = self.waiting + usize::from(ready) - usize::from(*waits);
        *waits = ready;
    }

    fn may_run(&self, entry: Entry) -> bool {
        let vgpu = &self.vgpus[entry];
        vgpu.ready && vgpu.left > 0
    }
}

impl Policy for GvtG {
    fn admit(&mut self, entry: Entry, terms: &Terms) {
        let vgpu = Vgpu {
            weight: terms.weight,
            ..Vgpu::default()
        };
        self.vgpus.admit(entry, vgpu);
        self.order.insert(0, entry);
        self.share_anew();
    }

    fn retire(&mut self, entry: Entry) {
        self.vgpus[entry].weight = 0;
        self.order.retain(|&other| other != entry);
        self.fell_idle = self.fell_idle.filter(|&(idle, _)| idle != entry);
        self.share_anew();
    }

    fn ready(&mut self, entry: Entry) {
        self.wait(entry, true);
    }

    fn blocked(&mut self, entry: Entry) {
        self.wait(entry, false);
    }

    /// The holder has been served last, so anybody with time goes before it.
    fn preempts(&mut self, _entry: Entry, _held: Nanos, now: Nanos) -> bool {
        self.balance(now);
        self.order.iter().any(|&entry| self.may_run(entry))
    }

    fn turn_over(&mut self, held: Nanos, more: bool) {
        let Some(entry) = self.holder.take() else {
            return;
        };
        self.vgpus[entry].left -= i128::from(held);
        match more {
            true => self.wait(entry, true),
            false => self.fell_idle = Some((entry, None)),
        }
    }

    fn over_ran(&mut self, entry: Entry, extra: Nanos) {
        self.vgpus[entry].left -= i128::from(extra);
    }

    fn select(&mut self, now: Nanos) -> Option<Grant> {
        match &mut self.fell_idle {
            Some((_, since @ None)) if now < self.tick => {
                *since = Some(now);
                return (self.waiting > 0).then_some(Grant {
                    entry: None,
                    slice: self.tick - now,
                });
            }
            _ => self.charge_idle(now),
        }
        self.balance(now);
        if self.waiting == 0 {
            return None;
        }
        let place = self.order.iter().position(|&entry| self.may_run(entry));
        let Some(place) = place else {
            return Some(Grant {
                entry: None,
                slice: self.period + self.period_length() - now,
            });
        };
        self.order[place..].rotate_left(1);
        let entry = self.order[self.order.len() - 1];
        self.wait(entry, false);
        self.holder = Some(entry);
        self.tick = (now / self.slice + 1).saturating_mul(self.slice);
        Some(Grant {
            entry: Some(entry),
            slice: self.tick - now,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::keyed::weights;
    use super::*;

    /// Turns until `end`, with tenants that always have work.
    fn turns(policy: &mut GvtG, end: Nanos) -> Vec<(Option<Entry>, Nanos)> {
        let (mut now, mut turns) = (0, Vec::new());
        while now < end {
            let grant = policy.select(now).expect("work is waiting");
            turns.push((grant.entry, grant.slice));
            now += grant.slice;
            policy.turn_over(grant.slice, grant.entry.is_some());
        }
        turns
    }

    fn vgpus<const N: usize>(own: [u32; N]) -> GvtG {
        let mut policy = GvtG::new(10, SLICES, 10);
        for (entry, terms) in weights(own).iter().enumerate() {
            policy.admit(entry as Entry, terms);
        }
        policy
    }

    /// Weights 3 and 1: of 100 ticks 75 and 25. Turns alternate until the lighter one has had its 25; then
    /// the heavier one is alone.
    #[test]
    fn a_period_by_hand() {
        let mut policy = vgpus([3, 1]);
        policy.ready(0);
        policy.ready(1);
        let turns = turns(&mut policy, 2_000);
        let of = |entry, range: std::ops::Range<usize>| {
            let turns = &turns[range];
            turns.iter().filter(|turn| turn.0 == Some(entry)).count()
        };
        assert_eq!((of(0, 0..50), of(1, 0..50)), (25, 25));
        assert_eq!((of(0, 50..100), of(1, 50..100)), (50, 0));
        assert_eq!((of(0, 100..200), of(1, 100..200)), (75, 25));
    }

    /// Four slices a period: three and one.
    #[test]
    fn the_length_of_a_period_is_a_parameter() {
        let mut policy = GvtG::new(10, 4, 10);
        for (entry, terms) in weights([3, 1]).iter().enumerate() {
            policy.admit(entry as Entry, terms);
            policy.ready(entry as Entry);
        }
        let turns = turns(&mut policy, 80);
        assert_eq!(turns.iter().filter(|turn| turn.0 == Some(0)).count(), 6);
        assert_eq!(turns.iter().filter(|turn| turn.0 == Some(1)).count(), 2);
    }

    /// Alone with work, a vGPU of two has its half of each period: 50 ticks, then nothing until the next.
    #[test]
    fn without_time_left_nobody_runs() {
        let mut policy = vgpus([1, 1]);
        policy.ready(0);
        let turns = turns(&mut policy, 2_000);
        let ran: Nanos = turns
            .iter()
            .filter(|turn| turn.0 == Some(0))
            .map(|turn| turn.1)
            .sum();
        assert_eq!(ran, 1_000);
        assert_eq!(turns[50], (None, 500));
    }

    /// What 1 leaves in nine periods it has in the tenth; then all begin anew.
    #[test]
    fn time_is_carried_over_for_ten_periods() {
        let mut policy = vgpus([1, 1]);
        assert_eq!(policy.vgpus[1].left, 500);
        policy.balance(9_999);
        assert_eq!(policy.vgpus[1].left, 5_000);
        policy.balance(10_000);
        assert_eq!(policy.vgpus[1].left, 500);
        policy.balance(12_345);
        assert_eq!(policy.vgpus[1].left, 1_500);
        policy.balance(31_000);
        assert_eq!(policy.vgpus[1].left, 1_000);
    }

    /// 0 is done at 3 of its tick of 10: 1, which waits, runs from the tick on, and 0 is charged until then.
    #[test]
    fn who_falls_idle_is_charged_until_the_tick() {
        let mut policy = vgpus([1, 1]);
        policy.ready(0);
        assert_eq!(policy.select(0).and_then(|grant| grant.entry), Some(0));
        policy.ready(1);
        assert!(policy.preempts(1, 2, 2), "it was served longer ago");
        policy.turn_over(2, true);
        assert_eq!(
            policy.select(2).map(|g| (g.entry, g.slice)),
            Some((Some(1), 8))
        );
        policy.turn_over(1, false);
        assert_eq!(
            policy.select(3).map(|g| (g.entry, g.slice)),
            Some((None, 7))
        );
        policy.turn_over(7, false);
        assert_eq!(
            policy.select(10).map(|g| (g.entry, g.slice)),
            Some((Some(0), 10))
        );
        assert_eq!(policy.vgpus[1].left, 500 - 8);
        assert_eq!(policy.vgpus[0].left, 500 - 2);
    }

    /// 0 and 1 have a quarter each beside 2; when 2 leaves in its tick, without work, the others have halves and
    /// need not wait for the tick.
    #[test]
    fn who_leaves_makes_room_at_once() {
        let mut policy = vgpus([1, 1, 2]);
        policy.ready(2);
        assert_eq!(policy.select(0).and_then(|grant| grant.entry), Some(2));
        policy.ready(0);
        policy.turn_over(3, false);
        policy.retire(2);
        assert_eq!((policy.order.len(), policy.vgpus[1].left), (2, 500));
        let grant = policy.select(3).map(|grant| (grant.entry, grant.slice));
        assert_eq!(grant, Some((Some(0), 7)));
    }
}
