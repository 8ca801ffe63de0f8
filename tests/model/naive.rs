//! The domain of time slices beside a naive one: a loop that takes one microsecond after the other, with no
//! calendar, no clocks of entries, no run-ahead and no code in common. Guests that are suspended for a while are
//! part of it.
//!
//! A longer search from another seed: `NAIVE_SEED=7 NAIVE_CASES=20000 cargo test --test model naive`.

use crate::common::*;
use crate::paths::from_environment;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::VecDeque;
use warpshare::engine::time::Nanos;
use warpshare::gpu::Charge;
use warpshare::policy::{OnCompletion, OnIdle, Rotation, Ties, TimeSlice};
use warpshare::sim::Command;

/// One step of the naive loop.
const STEP: Nanos = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Who has work, in a queue.
    Queue,
    /// Who has work, in a circle.
    List,
    /// All in a circle, and so many turns that nobody has.
    Reserved(usize),
}

/// Everything in steps.
#[derive(Debug, Clone)]
struct Case {
    order: Order,
    slice: u64,
    switch: u64,
    end_on_completion: bool,
    end_on_idle: bool,
    arrivals_first: bool,
    /// Of each guest: (arrival, size), by arrival.
    guests: Vec<Vec<(u64, u64)>>,
    /// (when, guest, whether it is suspended from then on), by time.
    commands: Vec<(u64, usize, bool)>,
}

/// What the naive loop knows.
struct Naive<'a> {
    case: &'a Case,
    now: u64,
    /// Guests with work who wait for a turn, in the order in which they came.
    ready: VecDeque<usize>,
    /// The slot that has the turn, which is a guest or beyond the last of them.
    holder: Option<usize>,
    last_slot: usize,
    context: Option<usize>,
    /// From when the holder can run, and to when.
    from: u64,
    until: u64,
    left: Vec<u64>,
    waiting: Vec<VecDeque<u64>>,
    ends: Vec<Vec<u64>>,
    switching: u64,
    suspended: Vec<bool>,
}

impl<'a> Naive<'a> {
    fn new(case: &'a Case) -> Self {
        let guests = case.guests.len();
        Naive {
            case,
            now: 0,
            ready: VecDeque::new(),
            holder: None,
            last_slot: usize::MAX,
            context: None,
            from: 0,
            until: 0,
            left: vec![0; guests],
            waiting: vec![VecDeque::new(); guests],
            ends: vec![Vec::new(); guests],
            switching: 0,
            suspended: vec![false; guests],
        }
    }

    /// When each job ends, and the steps that went into switching.
    fn run(mut self) -> (Vec<Vec<u64>>, u64) {
        let jobs: usize = self.case.guests.iter().map(Vec::len).sum();
        if matches!(self.case.order, Order::Reserved(_)) {
            self.choose();
        }
        while self.ends.iter().map(Vec::len).sum::<usize>() < jobs {
            self.completion();
            if self.case.arrivals_first {
                self.arrivals();
                self.end_of_turn();
            } else {
                self.end_of_turn();
                self.arrivals();
            }
            self.commands();
            let has_work = self.running().is_some();
            self.switching += u64::from(has_work && self.now < self.from);
            if let Some(guest) = self.running().filter(|_| self.now >= self.from) {
                self.left[guest] -= 1;
            }
            self.now += 1;
        }
        (self.ends, self.switching)
    }

    /// The guest that holds the turn and has work.
    fn running(&self) -> Option<usize> {
        self.holder
            .filter(|&slot| slot < self.left.len() && self.left[slot] > 0)
    }

    fn completion(&mut self) {
        let Some(guest) = self.holder.filter(|&slot| slot < self.left.len()) else {
            return;
        };
        let ended = self.ends[guest].len() + self.waiting[guest].len();
        let came = self.case.guests[guest].iter();
        let came = came.filter(|(arrival, _)| *arrival < self.now).count();
        if self.left[guest] > 0 || ended == came {
            return; // nothing was running
        }
        self.ends[guest].push(self.now);
        let next = self.waiting[guest].pop_front();
        self.left[guest] = next.unwrap_or(0);
        let over = match (next, self.case.order) {
            (Some(_), _) => self.case.end_on_completion,
            (None, Order::Reserved(_)) => self.case.end_on_idle,
            (None, _) => true,
        };
        if over {
            self.turn_over();
        }
    }

    fn end_of_turn(&mut self) {
        if self.holder.is_some() && self.now == self.until {
            self.turn_over();
        }
    }

    fn turn_over(&mut self) {
        if let Some(guest) = self.running() {
            self.ready.push_back(guest);
        }
        self.choose();
    }

    fn choose(&mut self) {
        let guests = self.case.guests.len();
        let after = |slot: usize, slots: usize| slot.wrapping_add(1) % slots;
        self.holder = match self.case.order {
            Order::Queue => self.ready.pop_front(),
            Order::Reserved(vacant) => {
                self.ready.clear();
                Some(after(self.last_slot, guests + vacant))
            }
            Order::List => {
                let first = after(self.last_slot, guests);
                let circle = (0..guests).map(|step| (first + step) % guests);
                let found = circle.into_iter().find(|guest| self.ready.contains(guest));
                self.ready.retain(|&guest| Some(guest) != found);
                found
            }
        };
        let Some(slot) = self.holder else {
            return;
        };
        self.last_slot = slot;
        self.from = self.now;
        if let Some(guest) = self.running() {
            self.from += self.load(guest);
        }
        self.until = self.from + self.case.slice;
    }

    /// What it costs to make the guest's context the loaded one; the first is free.
    fn load(&mut self, guest: usize) -> u64 {
        let before = self.context.replace(guest);
        let changes = before.is_some_and(|before| before != guest);
        if changes { self.case.switch } else { 0 }
    }

    fn commands(&mut self) {
        let case = self.case;
        for &(time, guest, suspended) in &case.commands {
            if time != self.now || self.suspended[guest] == suspended {
                continue;
            }
            self.suspended[guest] = suspended;
            self.ready.retain(|&other| other != guest);
            if !suspended && self.left[guest] > 0 {
                self.ready.push_back(guest);
            }
            if suspended && self.holder == Some(guest) {
                self.holder = None;
            }
        }
        let now = |command: &(u64, usize, bool)| command.0 == self.now;
        if case.commands.iter().any(now) && self.holder.is_none() {
            self.choose();
        }
    }

    fn arrivals(&mut self) {
        for guest in 0..self.case.guests.len() {
            for &(arrival, size) in &self.case.guests[guest] {
                if arrival != self.now {
                    continue;
                }
                if self.left[guest] > 0 {
                    self.waiting[guest].push_back(size);
                    continue;
                }
                self.left[guest] = size;
                if self.holder == Some(guest) {
                    let cost = self.load(guest);
                    self.from = (self.from.max(self.now) + cost).min(self.until);
                } else if !self.suspended[guest] {
                    self.ready.push_back(guest);
                    if self.holder.is_none() {
                        self.choose();
                    }
                }
            }
        }
    }
}

/// The same case through the simulator, at every speed.
fn simulated(case: &Case) -> (Vec<Vec<u64>>, u64) {
    let (scheduler, rotation, vacant) = match case.order {
        Order::Queue => ("round-robin", Rotation::Queue, 0),
        Order::List => ("round-robin", Rotation::List, 0),
        Order::Reserved(0) => ("equal-share", Rotation::Queue, 0),
        Order::Reserved(vacant) => ("fixed-share", Rotation::Queue, vacant),
    };
    let slots = case.guests.len() + vacant;
    let share = TimeSlice {
        rotation,
        // In a circle; nobody over-runs, so nothing is ever averaged.
        arr_factor: Some(7),
        reserved_turns: Some(slots as u32),
        on_completion: match case.end_on_completion {
            true => OnCompletion::End,
            false => OnCompletion::Keep,
        },
        on_idle: match case.end_on_idle {
            true => OnIdle::End,
            false => OnIdle::Hold,
        },
        ties: match case.arrivals_first {
            true => Ties::ArrivalFirst,
            false => Ties::PreemptedFirst,
        },
        ..time_slice(scheduler, case.slice * STEP)
    };
    let mut device = gpu(share);
    device.board.switch = switch(case.switch * STEP, Charge::PerTenantChange);
    let names: Vec<String> = (0..case.guests.len()).map(|g| format!("g{g}")).collect();
    let guests = case.guests.iter().zip(&names).map(|(rows, name)| {
        let rows: Vec<_> = rows
            .iter()
            .map(|&(at, size)| (at * STEP, size * STEP))
            .collect();
        guest(name, requests(&rows))
    });
    let scenario = scenario(vec![device], guests.collect(), 20_000 * STEP);
    let orders = case.commands.iter().map(|&(time, guest, suspended)| {
        let command = match suspended {
            true => Command::Suspend { guest },
            false => Command::Resume { guest },
        };
        (time * STEP, 0, command)
    });
    let orders: Vec<_> = orders.collect();
    let log = crate::commands::run(&scenario, &orders);
    let ends = names.iter().map(|name| {
        let ends = log.ends(&scenario, name).into_iter();
        ends.map(|end| {
            assert_eq!(end % STEP, 0, "between two steps");
            end / STEP
        })
        .collect()
    });
    let switching = log.last_accounts().switching / u128::from(SMS) / u128::from(STEP);
    (ends.collect(), switching as u64)
}

fn case() -> impl Strategy<Value = Case> {
    let order = prop_oneof![
        Just(Order::Queue),
        Just(Order::List),
        (0usize..3).prop_map(Order::Reserved),
    ];
    let jobs = prop::collection::vec((0u64..80, 1u64..25), 1..8);
    let guests = prop::collection::vec(jobs, 1..5);
    let choices = (any::<bool>(), any::<bool>(), any::<bool>());
    let away = prop::collection::vec((0u64..90, 0usize..4, 1u64..40), 0..5);
    (order, 1u64..12, 0u64..4, choices, guests, away).prop_map(
        |(order, slice, switch, choices, mut guests, away)| {
            let mut commands = Vec::new();
            // Where turns are reserved, a circle of who is there would have to be kept here too.
            for (from, guest, length) in away {
                if !matches!(order, Order::Reserved(_)) {
                    let guest = guest % guests.len();
                    commands.extend([(from, guest, true), (from + length, guest, false)]);
                }
            }
            commands.sort_by_key(|command| command.0);
            guests
                .iter_mut()
                .for_each(|jobs| jobs.sort_by_key(|job| job.0));
            Case {
                order,
                slice,
                switch,
                end_on_completion: choices.0,
                end_on_idle: choices.1,
                arrivals_first: choices.2,
                guests,
                commands,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: from_environment("NAIVE_CASES", 400) as u32,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(from_environment("NAIVE_SEED", 20_261_201)),
        ..ProptestConfig::default()
    })]

    /// To the nanosecond, at every speed.
    #[test]
    fn a_naive_loop_ends_every_job_at_the_same_time(case in case()) {
        prop_assert_eq!(Naive::new(&case).run(), simulated(&case));
    }
}
