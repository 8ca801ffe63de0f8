//! Entries that come and go: the policy by itself, called as a domain calls it, without a GPU around it.

use super::choice::Choice;
use super::{SLICE, TURNS, ensure};
use crate::engine::random::Stream;
use crate::engine::time::{MILLISECOND as MS, NEVER, Nanos};
use crate::policy::registry::Registered;
use crate::policy::{
    Entry, Grant, OnCompletion, OnIdle, Policy, Rotation, Setup, Starvation, Terms, Ties,
    TimeSlice, Turns, Weights, Work,
};

const ROUNDS: u32 = 30;
/// Changes of a round.
const CHANGES: u64 = 12;
/// Entries that may be there at once: fewer than the turns of a round.
const MOST: usize = 5;

/// An entry that is there.
struct Member {
    terms: Terms,
    /// What is left of its present work; 0 = it has none.
    left: Nanos,
    served: Nanos,
    /// When work comes next.
    wakes: Nanos,
    /// Number of its work.
    piece: u64,
    ran: Nanos,
    /// Since when it waits, or NEVER while it runs or has nothing to do.
    waits: Nanos,
}

impl Member {
    fn work(&self) -> Work {
        Work {
            deadline: NEVER,
            served: self.served,
            left: self.left,
            oldest: self.piece,
            pieces: 1,
        }
    }
}

/// How members work.
enum Kind {
    /// Now and then.
    Drawn,
    /// Always: their next work is there when the last ends.
    Busy,
}

/// A span without changes, once what was before it is over.
struct Span {
    from: Nanos,
    /// How far each has run, at some moments.
    ran: Vec<[Nanos; MOST]>,
    longest: [Nanos; MOST],
}

struct World {
    policy: Box<dyn Policy>,
    kind: Kind,
    choice: Choice,
    now: Nanos,
    members: [Option<Member>; MOST],
    /// The turn under way: whose it is, its begin and its end.
    turn: Option<(Option<Entry>, Nanos, Nanos)>,
    pieces: u64,
    conserving: bool,
    span: Span,
}

impl World {
    fn new(registered: &Registered, kind: Kind, arr_factor: Option<u32>, round: u32) -> World {
        let config = TimeSlice {
            scheduler: registered.name.to_owned(),
            slice: SLICE,
            arr_factor,
            reserved_turns: Some(TURNS),
            extra: 0,
            turns: Turns::PerTenant,
            rotation: Rotation::Queue,
            on_completion: OnCompletion::Keep,
            on_idle: OnIdle::Hold,
            ties: Ties::PreemptedFirst,
            parameters: Vec::new(),
        };
        let setup = Setup {
            config: &config,
            draws: Stream::new(20_261_201, round, "members", 0, "conformance"),
        };
        World {
            policy: (registered.build)(&setup),
            kind,
            choice: Choice::new("members", round),
            now: 0,
            members: [const { None }; MOST],
            turn: None,
            pieces: 0,
            conserving: registered.properties.work_conserving,
            span: Span {
                from: NEVER,
                ran: Vec::new(),
                longest: [0; MOST],
            },
        }
    }

    fn holder(&self) -> Option<Entry> {
        self.turn.and_then(|(holder, ..)| holder)
    }

    fn waiting(&self) -> bool {
        let holder = self.holder().map(|holder| holder as usize);
        let mut others = self.members.iter().enumerate();
        others.any(|(place, member)| {
            Some(place) != holder && member.as_ref().is_some_and(|member| member.left > 0)
        })
    }

    /// Tells a policy that looks at work what is at the head of the entry.
    fn tell(&mut self, entry: Entry) {
        if let Some(member) = &self.members[entry as usize]
            && self.policy.sees_work()
        {
            self.policy.work(entry, member.work());
        }
    }

    fn choose(&mut self) -> Result<(), String> {
        let grant = self.policy.select(self.now);
        self.begin(grant)
    }

    fn begin(&mut self, grant: Option<Grant>) -> Result<(), String> {
        self.turn = None;
        let Some(Grant { entry, slice }) = grant else {
            let reserves = self.policy.reserves() && self.members.iter().any(Option::is_some);
            ensure!(
                !self.waiting() && !reserves,
                "at {} ns it leaves work without a turn",
                self.now
            );
            return Ok(());
        };
        ensure!(
            self.members.iter().any(Option::is_some),
            "at {} ns there is a turn and nobody is there",
            self.now
        );
        let unused = entry.is_none() && self.conserving && self.waiting();
        ensure!(!unused, "at {} ns a turn is for nobody", self.now);
        if let Some(entry) = entry {
            let member = self
                .members
                .get_mut(entry as usize)
                .and_then(Option::as_mut);
            let Some(member) = member else {
                return Err(format!(
                    "at {} ns the turn is of {entry}, who has left",
                    self.now
                ));
            };
            ensure!(
                member.left > 0 || self.policy.reserves() || self.policy.visits(),
                "at {} ns the turn is of {entry}, who has no work",
                self.now
            );
            let wait = self.now.saturating_sub(member.waits);
            if member.waits >= self.span.from {
                let longest = &mut self.span.longest[entry as usize];
                *longest = wait.max(*longest);
            }
            member.waits = NEVER;
            if member.left == 0 && self.policy.visits() {
                // Nothing is there, and switching costs nothing here.
                self.turn = Some((Some(entry), self.now, self.now));
                return Ok(());
            }
        }
        self.turn = Some((entry, self.now, self.now.saturating_add(slice)));
        Ok(())
    }

    /// The turn under way ends: its holder, if it is still there, may have more work.
    fn end_turn(&mut self) -> Result<(), String> {
        let Some((holder, begin, _)) = self.turn else {
            return Ok(());
        };
        let mut more = false;
        if let Some(entry) = holder
            && let Some(member) = &mut self.members[entry as usize]
        {
            more = member.left > 0;
            if more {
                member.waits = self.now;
            }
        }
        if let (Some(entry), true) = (holder, more) {
            self.tell(entry);
        }
        let grant = self.policy.rotate(self.now - begin, more, self.now);
        self.begin(grant)
    }

    /// The entry has work and had none.
    fn comes(&mut self, entry: Entry) -> Result<(), String> {
        let size = match self.kind {
            Kind::Drawn => self.choice.between(1, 6 * MS),
            Kind::Busy => self.choice.between(MS / 2, 20 * MS),
        };
        self.pieces += 1;
        let (now, pieces) = (self.now, self.pieces);
        let Some(member) = &mut self.members[entry as usize] else {
            return Ok(());
        };
        let had = member.left > 0;
        (member.left, member.served, member.piece) = (size, 0, pieces);
        member.wakes = NEVER;
        if had || self.turn.is_some_and(|turn| turn.0 == Some(entry)) {
            return Ok(());
        }
        member.waits = now;
        self.tell(entry);
        self.policy.ready(entry);
        match self.turn {
            None => self.choose(),
            Some((_, begin, _)) => {
                if self.policy.preempts(entry, now - begin, now) {
                    return self.end_turn();
                }
                Ok(())
            }
        }
    }

    fn admit(&mut self, entry: Entry) -> Result<(), String> {
        let terms = match self.kind {
            Kind::Drawn => self.choice.terms(),
            Kind::Busy => Terms {
                weight: self.choice.between(1, 6) as u32,
                ..Terms::default()
            },
        };
        self.members[entry as usize] = Some(Member {
            terms,
            left: 0,
            served: 0,
            wakes: self.now,
            piece: 0,
            ran: 0,
            waits: NEVER,
        });
        self.policy.admit(entry, &terms);
        // As a domain does at a start: a reserved rotation begins with its first entry.
        match self.turn {
            None => self.choose(),
            Some(_) => Ok(()),
        }
    }

    fn retire(&mut self, entry: Entry) -> Result<(), String> {
        let gone = self.members[entry as usize].take();
        match self.turn {
            Some((Some(holder), begin, _)) if holder == entry => {
                self.turn = None;
                self.policy.turn_over(self.now - begin, false);
                self.policy.retire(entry);
                self.choose()
            }
            _ => {
                if gone.is_some_and(|member| member.left > 0) {
                    self.policy.blocked(entry);
                }
                self.policy.retire(entry);
                Ok(())
            }
        }
    }

    /// Lets everybody work up to `until`.
    fn run(&mut self, until: Nanos) -> Result<(), String> {
        loop {
            let wakes = self
                .members
                .iter()
                .flatten()
                .map(|member| member.wakes)
                .min();
            let holder = self
                .holder()
                .and_then(|entry| self.members[entry as usize].as_ref());
            let done = holder.map_or(NEVER, |member| match member.left {
                0 => NEVER,
                left => self.now + left,
            });
            let by_piece = self.policy.by_piece();
            let over = self.turn.map_or(NEVER, |(_, _, end)| end);
            let next = until
                .min(done)
                .min(over)
                .min(wakes.unwrap_or(NEVER))
                .max(self.now);
            self.pass(next - self.now);
            self.now = next;
            if next == until {
                return Ok(());
            }
            if done == next {
                self.done()?;
            } else if over == next && !(by_piece && done < NEVER) {
                self.end_turn()?;
            } else if let Some(entry) = (0..MOST as Entry).find(|&entry| {
                let member = self.members[entry as usize].as_ref();
                member.is_some_and(|member| member.wakes <= next)
            }) {
                self.comes(entry)?;
            }
            if self.now >= self.span.from {
                self.span.ran.push(self.ran());
            }
        }
    }

    fn pass(&mut self, time: Nanos) {
        if let Some(entry) = self.holder()
            && let Some(member) = &mut self.members[entry as usize]
            && member.left > 0
        {
            member.left -= time;
            member.served += time;
            member.ran += time;
        }
    }

    /// The holder's work is done.
    fn done(&mut self) -> Result<(), String> {
        let Some(entry) = self.holder() else {
            return Ok(());
        };
        match self.kind {
            Kind::Busy => {
                self.comes(entry)?;
                match self.policy.by_piece() {
                    true => self.end_turn(),
                    false => Ok(()),
                }
            }
            Kind::Drawn => {
                let pause = self.choice.between(0, 25 * MS);
                if let Some(member) = &mut self.members[entry as usize] {
                    member.wakes = self.now + pause;
                }
                match self.policy.reserves() {
                    true => Ok(()),
                    false => self.end_turn(),
                }
            }
        }
    }

    fn ran(&self) -> [Nanos; MOST] {
        let mut ran = [0; MOST];
        for (ran, member) in ran.iter_mut().zip(&self.members) {
            *ran = member.as_ref().map_or(0, |member| member.ran);
        }
        ran
    }

    /// Somebody comes or goes.
    fn change(&mut self) -> Result<(), String> {
        let entry = self.choice.between(0, MOST as u64 - 1) as Entry;
        match &self.members[entry as usize] {
            None => self.admit(entry),
            Some(_) => self.retire(entry),
        }
    }
}

/// Entries come and go at any time, with work or without, on the SMs or waiting, and their numbers come again:
/// turns are for those who are there and have work.
pub(super) fn come_and_go(policy: &Registered) -> Result<(), String> {
    for round in 0..ROUNDS {
        for arr_factor in [None, Some(33)] {
            let mut world = World::new(policy, Kind::Drawn, arr_factor, round);
            for _ in 0..CHANGES {
                world.change()?;
                let span = world.choice.between(0, 40 * MS);
                world.run(world.now + span)?;
            }
        }
    }
    Ok(())
}

/// Between two changes, once a few rounds have passed, what is declared of waits and shares holds for those who
/// are there.
pub(super) fn settle(policy: &Registered) -> Result<(), String> {
    for round in 0..ROUNDS {
        for arr_factor in [None, Some(33)] {
            let mut world = World::new(policy, Kind::Busy, arr_factor, round);
            for _ in 0..CHANGES {
                world.span.from = NEVER;
                world.change()?;
                let members = world.members.iter().flatten();
                let weights: u64 = members.map(|member| u64::from(member.terms.weight)).sum();
                // A few rounds, in the middle of a slice.
                world.run(world.now + (3 * weights + 3) * SLICE + SLICE / 3)?;
                world.span = Span {
                    from: world.now,
                    ran: vec![world.ran()],
                    longest: [0; MOST],
                };
                world.run(world.now + (6 * weights + 3) * SLICE)?;
                settled(policy, &world)?;
            }
        }
    }
    Ok(())
}

fn settled(policy: &Registered, world: &World) -> Result<(), String> {
    let there: Vec<usize> = (0..MOST)
        .filter(|&at| world.members[at].is_some())
        .collect();
    let weight = |at: usize| world.members[at].as_ref().map_or(1, |m| m.terms.weight);
    let weights: Vec<u32> = there.iter().map(|&at| weight(at)).collect();
    for (own, &at) in there.iter().enumerate() {
        let slices = match policy.properties.starvation {
            Starvation::Slices(slices) => slices(&weights, own),
            Starvation::ReservedTurns => f64::from(TURNS) - 1.0,
            Starvation::Before
            | Starvation::Visits
            | Starvation::Chance
            | Starvation::Unbounded => break,
        };
        let (wait, limit) = (world.span.longest[at], slices * SLICE as f64 + slices);
        ensure!(
            wait as f64 <= limit.ceil(),
            "after a change {wait} ns is more than {slices} slices, entry {own} of {weights:?}"
        );
    }
    let (slices, count) = match policy.properties.weights {
        Weights::Equal { slices } => (slices, false),
        Weights::Proportional { slices } => (slices, true),
        Weights::OnAverage | Weights::Other => return Ok(()),
    };
    let share = |ran: &[Nanos; MOST], at: usize| match count {
        true => ran[at] as f64 / f64::from(weight(at)),
        false => ran[at] as f64,
    };
    for (own, &one) in there.iter().enumerate() {
        for &other in &there[..own] {
            let ahead = |ran: &[Nanos; MOST]| share(ran, one) - share(ran, other);
            let each = || world.span.ran.iter().map(ahead);
            let apart =
                (each().fold(f64::MIN, f64::max) - each().fold(f64::MAX, f64::min)) / SLICE as f64;
            ensure!(
                apart <= slices + 1e-5,
                "after a change {apart} slices between entries {one} and {other} of {weights:?}"
            );
        }
    }
    Ok(())
}
