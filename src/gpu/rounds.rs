//! Round jump: whole rounds of turns at once.
//!
//! While the same entries have work, a rotation repeats itself. One round is taken turn by turn and
//! recorded; if the domain is then where it was, but for the clock, its integer deltas are applied
//! as often as fits before the first completion and before the next event of anybody else. The round
//! that ends the jump is again taken turn by turn, so that the longest waits are seen as they are.

use super::Preemption;
use super::accounts::Counters;
use super::domain::{ComputeDomain, NOBODY, Turn};
use super::entry::EntryState;
use crate::engine::calendar::Class;
use crate::engine::time::Nanos;

/// Rounds that must fit before it pays to record one.
const WORTHWHILE: u64 = 4;

/// Turns until the next look after one that was in vain, at least.
const PATIENCE: u64 = 16;

/// The watch over a domain's rounds.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// Turns until the next look.
    countdown: u64,
    recording: Option<Start>,
    /// Of each entry at the start of the recording.
    clocks: Vec<Clocks>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clocks {
    ran: Nanos,
    switched: Nanos,
}

/// A domain at the start of a recorded round.
#[derive(Debug, Clone, Copy)]
struct Start {
    time: Nanos,
    turn: Turn,
    context: u32,
    counters: Counters,
}

impl Rounds {
    /// Something foreign has happened: what was recorded is void. A look costs time for each entry,
    /// so it waits for a number of turns that grows with them.
    #[inline(always)]
    pub fn restart(&mut self, watch: bool, entries: usize) {
        self.countdown = if watch {
            2 + entries as u64 / 8
        } else {
            u64::MAX
        };
        self.recording = None;
    }

    /// Counts a turn; whether it is time to look.
    #[inline(always)]
    pub fn turn_ends(&mut self) -> bool {
        self.countdown -= 1;
        self.countdown == 0
    }

    /// Turns that may end without a look.
    #[inline(always)]
    pub fn quiet_turns(&self) -> u64 {
        self.countdown - 1
    }

    #[inline(always)]
    pub fn set_quiet_turns(&mut self, turns: u64) {
        self.countdown = turns + 1;
    }
}

impl Turn {
    /// The same turn, `shift` later.
    fn later(self, shift: Nanos) -> Turn {
        Turn {
            drain_end: self.drain_end + shift,
            begin: self.begin + shift,
            ready: self.ready + shift,
            until: self.until + shift,
            ..self
        }
    }
}

impl ComputeDomain {
    /// Looks for a round to record at the start of a turn, or ends its recording.
    #[inline(never)]
    pub(super) fn watch_rounds(&mut self, due: &impl Fn(Nanos, Class) -> bool, class: Class) {
        let next_look = match self.rounds.recording.take() {
            Some(start) => {
                if self.turn == start.turn.later(self.cursor - start.time)
                    && self.context == start.context
                {
                    self.jump(&start, due, class);
                }
                self.patience()
            }
            None => match self.record(due, class) {
                Some(turns) => turns,
                None => self.patience(),
            },
        };
        self.rounds.countdown = next_look;
    }

    fn patience(&self) -> u64 {
        PATIENCE.max(self.entries.len() as u64)
    }

    /// Starts to record if rounds repeat and enough of them fit; returns the turns of one.
    fn record(&mut self, due: &impl Fn(Nanos, Class) -> bool, class: Class) -> Option<u64> {
        // Over-run changes what a reserved turn owes, and kernel boundaries fall where they fall.
        match self.rules.switch.preemption {
            Preemption::Delay(0) => {}
            Preemption::Delay(_) if !self.reserves => {}
            Preemption::Delay(_) | Preemption::KernelBoundary => return None,
        }
        // A turn under way since before the present moment is not a whole one.
        if self.turn.holder == NOBODY || self.turn.begin < self.cursor {
            return None;
        }
        let slice = self.turn.until - self.turn.begin;
        let enough = slice.checked_mul(WORTHWHILE)?;
        let busy = |entry: &EntryState| entry.runs() && entry.left() <= enough;
        if slice == 0 || self.entries.iter().any(busy) {
            return None;
        }
        let turns = self.policy.round()?;
        let end = enough.checked_mul(turns)?.checked_add(self.cursor)?;
        if !due(end, class) {
            return None;
        }
        let clocks = self.entries.iter().map(|entry| Clocks {
            ran: entry.ran,
            switched: entry.switched,
        });
        self.rounds.clocks.clear();
        self.rounds.clocks.extend(clocks);
        self.rounds.recording = Some(Start {
            time: self.cursor,
            turn: self.turn,
            context: self.context,
            counters: self.counters,
        });
        Some(turns)
    }

    /// Applies the recorded round as often as fits.
    fn jump(&mut self, start: &Start, due: &impl Fn(Nanos, Class) -> bool, class: Class) {
        let length = self.cursor - start.time;
        let fits_entries = self
            .entries
            .iter()
            .zip(&self.rounds.clocks)
            .filter(|(entry, before)| entry.ran > before.ran)
            .map(|(entry, before)| (entry.left() - 1) / (entry.ran - before.ran))
            .min()
            .unwrap_or(u64::MAX);
        // The last of the rounds is taken turn by turn.
        let rounds = fitting(fits_entries, |rounds| {
            rounds
                .checked_mul(length)
                .and_then(|shift| self.cursor.checked_add(shift))
                .is_some_and(|end| due(end, class))
        })
        .saturating_sub(1);
        if rounds == 0 {
            return;
        }
        let shift = rounds * length;
        for (entry, before) in self.entries.iter_mut().zip(&self.rounds.clocks) {
            let ran = rounds * (entry.ran - before.ran);
            let switched = rounds * (entry.switched - before.switched);
            entry.skip(ran, switched, shift);
        }
        self.counters.add(&start.counters, rounds);
        self.policy.skip_rounds(rounds);
        self.turn = self.turn.later(shift);
        self.cursor += shift;
    }
}

impl Counters {
    /// Counts what happened since `before` another `times`.
    fn add(&mut self, before: &Counters, times: u64) {
        self.running += (self.running - before.running) * times;
        self.switching += (self.switching - before.switching) * times;
        self.held_idle += (self.held_idle - before.held_idle) * times;
        self.idle += (self.idle - before.idle) * times;
        self.turns += (self.turns - before.turns) * times;
        self.switches += (self.switches - before.switches) * times;
    }
}

/// The largest number up to `most` that `fits`, which is true up to some number and false beyond.
fn fitting(most: u64, fits: impl Fn(u64) -> bool) -> u64 {
    let (mut number, mut step) = (0u64, 1u64);
    let fits = |number: u64| number <= most && fits(number);
    while fits(number.saturating_add(step)) {
        number += step;
        step = step.saturating_mul(2);
    }
    while step > 0 {
        if fits(number.saturating_add(step)) {
            number += step;
        }
        step /= 2;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::law::Shape;
    use crate::gpu::{Charge, OperationId, RateRules, SmOperation, SwitchCost, TurnRules, sm_work};
    use crate::policy::{
        OnCompletion, OnIdle, Rotation, Setup, Terms, Ties, TimeSlice, Turns, registry,
    };

    const MS: Nanos = 1_000_000;

    fn domain(scheduler: &str, preemption: Preemption) -> ComputeDomain {
        let config = TimeSlice {
            scheduler: scheduler.to_owned(),
            slice: MS,
            arr_factor: Some(33),
            reserved_turns: Some(4),
            extra: 0,
            turns: Turns::PerTenant,
            rotation: Rotation::Queue,
            on_completion: OnCompletion::Keep,
            on_idle: OnIdle::Hold,
            ties: Ties::PreemptedFirst,
            parameters: Vec::new(),
        };
        let rules = TurnRules {
            on_completion: config.on_completion,
            on_idle: config.on_idle,
            ties: config.ties,
            in_space: false,
            switch: SwitchCost {
                preemption,
                save: 20_000,
                restore: 30_000,
                scheduler_call: 0,
                charge: Charge::PerTenantChange,
            },
        };
        let draws = crate::engine::random::Stream::from_key(0);
        let setup = Setup {
            config: &config,
            draws,
        };
        let policy = (registry::find(scheduler).unwrap().build)(&setup);
        let mut domain = ComputeDomain::new(RateRules::whole(10), policy, rules);
        for (tenant, work) in [900 * MS, 500 * MS, 700 * MS].into_iter().enumerate() {
            let entry = domain.add_entry(tenant as u32, Terms::default());
            domain.add_client(entry, 10, &Terms::default(), 1);
            domain.admit(entry, 0);
            let operation = SmOperation {
                id: OperationId::default(),
                work: sm_work(work),
                speed: crate::engine::work::FULL_SPEED,
                shape: Shape::compute(4),
                client: 0,
                kernel: None,
                deadline: crate::engine::time::NEVER,
            };
            domain.submit(entry, operation, 0);
        }
        domain.start(0);
        domain
    }

    /// The state at `limit` and the number of turns that were taken one by one.
    fn run(mut domain: ComputeDomain, jump: bool, limit: Nanos) -> (String, u64) {
        let (mut taken, mut last) = (0, 0);
        while let Some((time, class)) = domain.next_event(false)
            && class != Class::Completion
            && time < limit
        {
            domain.grant_end(time);
            taken += 1;
            let ends = std::cell::Cell::new(0u64);
            domain.advance(jump, |time, _| {
                ends.set(ends.get() + 1);
                time < limit
            });
            taken += ends.get();
            assert!(domain.accounts().turns > last);
            last = domain.accounts().turns;
        }
        domain.settle(limit.min(domain.next_event(false).unwrap().0));
        let waits: Vec<_> = (0..3).map(|entry| domain.longest_wait(entry, 0)).collect();
        let state = format!(
            "{:?} {:?} {:?} {waits:?}",
            domain.accounts(),
            domain.entries(),
            domain.turn
        );
        (state, taken)
    }

    #[test]
    fn a_jump_leaves_the_domain_as_the_turns_would() {
        for scheduler in ["best-effort", "equal-share", "fixed-share", "round-robin"] {
            for preemption in [Preemption::Delay(0), Preemption::Delay(70_000)] {
                for limit in [300 * MS, 1_234_567_890, 5_000 * MS] {
                    let (slow, _) = run(domain(scheduler, preemption), false, limit);
                    let (fast, _) = run(domain(scheduler, preemption), true, limit);
                    assert_eq!(slow, fast, "{scheduler} {preemption:?} {limit}");
                }
            }
        }
    }

    #[test]
    fn a_jump_takes_few_turns_one_by_one() {
        let limit = 300 * MS;
        let (_, slow) = run(domain("equal-share", Preemption::Delay(0)), false, limit);
        let (_, fast) = run(domain("equal-share", Preemption::Delay(0)), true, limit);
        assert!(slow > 280, "{slow}");
        assert!(fast < 60, "{fast}");
    }

    #[test]
    fn the_largest_number_that_fits() {
        for bound in [0, 1, 2, 3, 6, 7, 8, 1_000] {
            assert_eq!(fitting(u64::MAX, |n| n <= bound), bound);
            assert_eq!(fitting(5, |n| n <= bound), bound.min(5));
        }
    }
}
