//! warpshare with two more schedulers, `longest-idle-first` and `two-levels`, and one more way for MPS clients to
//! divide SMs, `smallest-first`: policies of your own in a crate of your own.
//!
//! ```text
//! cargo run --release --example own_policy -- run scenario.toml
//! ```
//!
//! has every command of warpshare, and scenarios may say `scheduler = "longest-idle-first"`, or
//! `scheduler = "two-levels"` with its own key `ratio`, or `division = "smallest-first"` where they share
//! with `mode = "spatial"`.

use std::process::ExitCode;
use warpshare::engine::time::Nanos;
use warpshare::policy::keyed::{LeastFirst, Rule};
use warpshare::policy::registry::{Registered, Use, extend};
use warpshare::policy::spatial::{self, Demand, Division, Spatial};
use warpshare::policy::{
    Entries, Entry, Grant, Parameter, Policy, Preempts, Properties, Starvation, Terms, Values,
    Weights, Work,
};

/// Registers the policies, and is warpshare from there on.
pub fn main() -> ExitCode {
    let schedulers = [LONGEST_IDLE_FIRST, TWO_LEVELS];
    let both = extend(&schedulers).and_then(|()| spatial::extend(&[SMALLEST_FIRST]));
    if let Err(error) = both {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    warpshare::cli::main()
}

pub const SMALLEST_FIRST: Spatial = Spatial {
    name: "smallest-first",
    about: "clients that want few SMs have them before those that want many",
    source: "an example: examples/own_policy.rs",
    fixed_parts: false,
    weighted: false,
    prioritized: false,
    division: &SmallestFirst,
};

/// Serves clients by what they want, the least first; of equal wants the first client.
#[derive(Debug)]
struct SmallestFirst;

impl Division for SmallestFirst {
    fn divide(&self, sms: f64, clients: &[Demand], granted: &mut Vec<f64>) {
        // What a client has is what is left of the SMs behind all that come before it.
        granted.extend((0..clients.len()).map(|client| {
            let own = (clients[client].wanted, client);
            let before = |&(place, other): &(usize, &Demand)| (other.wanted, place) < own;
            let ahead = clients.iter().enumerate().filter(before);
            let taken: f64 = ahead.map(|(_, other)| other.wanted).sum();
            own.0.min((sms - taken).max(0.0))
        }));
    }

    /// Where all want all SMs, the first client with work has them.
    fn slowdown(&self, client: usize, clients: &[Demand]) -> f64 {
        let first = clients.iter().position(|other| other.operations > 0);
        if first == Some(client) {
            1.0
        } else {
            f64::INFINITY
        }
    }
}

pub const LONGEST_IDLE_FIRST: Registered = Registered {
    name: "longest-idle-first",
    about: "whoever has been off the SMs for longest has two slices",
    source: "an example: examples/own_policy.rs",
    slice: None,
    reserves: false,
    properties: Properties {
        work_conserving: true,
        // Tenants that always have work take turns in a circle, two slices each.
        weights: Weights::Equal { slices: 2.0 },
        // Who has had a turn is behind all that wait, so each of the others has one turn at most.
        starvation: Starvation::Slices(|weights, _| 2.0 * (weights.len() as f64 - 1.0)),
        preempts: Preempts::Never,
    },
    uses: &[Use::Slice],
    parameters: &[],
    build: |setup| Box::new(LongestIdleFirst::new(setup.config.slice)),
};

/// Serves the entry whose last turn is longest ago, whether it waited since or had nothing to do: who comes
/// back from a pause goes first, which round robin would put at the end of its queue.
struct LongestIdleFirst {
    slice: Nanos,
    /// Number of the last turn of each entry; 0 = none yet.
    last: Entries<u64>,
    /// Number of turns so far.
    turns: u64,
    ready: Vec<Entry>,
    holder: Option<Entry>,
}

impl LongestIdleFirst {
    fn new(slice: Nanos) -> Self {
        LongestIdleFirst {
            slice,
            last: Entries::new(),
            turns: 0,
            ready: Vec::new(),
            holder: None,
        }
    }
}

impl Policy for LongestIdleFirst {
    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        self.last.admit(entry, 0);
        // Room for all, so that nothing is allocated while the simulation runs.
        self.ready
            .reserve(self.last.count().saturating_sub(self.ready.len()));
    }

    /// Nothing is kept of it but what `admit` sets anew.
    fn retire(&mut self, _entry: Entry) {}

    fn ready(&mut self, entry: Entry) {
        self.ready.push(entry);
    }

    fn blocked(&mut self, entry: Entry) {
        self.ready.retain(|&other| other != entry);
    }

    fn turn_over(&mut self, _held: Nanos, more: bool) {
        if let (Some(entry), true) = (self.holder.take(), more) {
            self.ready.push(entry);
        }
    }

    fn select(&mut self, _now: Nanos) -> Option<Grant> {
        let ready = self.ready.iter().enumerate();
        let (place, _) = ready.min_by_key(|&(_, &entry)| (self.last[entry], entry))?;
        let entry = self.ready.swap_remove(place);
        self.turns += 1;
        self.last[entry] = self.turns;
        self.holder = Some(entry);
        Some(Grant {
            entry: Some(entry),
            slice: self.slice.saturating_mul(2),
        })
    }
}

/// How long the slices of work are that has used up its first one.
const RATIO: Parameter = Parameter {
    name: "ratio",
    about: "how many times as long as the first slice of a piece of work all further ones are",
    values: Values::Count {
        low: 1,
        high: 1_000,
        default: 4,
    },
};

pub const TWO_LEVELS: Registered = Registered {
    name: "two-levels",
    about: "new work has one short slice first; what is left of it has long slices when there is no new work",
    source: "an example: examples/own_policy.rs; after Corbato et al., AFIPS 1962, with two levels",
    slice: None,
    reserves: false,
    properties: Properties {
        work_conserving: true,
        weights: Weights::Other,
        // Who always has new work is always first.
        starvation: Starvation::Unbounded,
        // New work takes the SMs from old work, and not from other new work.
        preempts: Preempts::Some,
    },
    uses: &[Use::Slice],
    parameters: &[RATIO],
    build: |setup| {
        Box::new(LeastFirst::new(TwoLevels {
            slice: setup.config.slice,
            ratio: setup.setting(&RATIO).whole(),
            served: Entries::new(),
            level: Entries::new(),
        }))
    },
};

/// A feedback queue of two levels, as a rule for the least key.
struct TwoLevels {
    slice: Nanos,
    ratio: u64,
    /// What the work at the head of each entry has had.
    served: Entries<Nanos>,
    /// Level of the present turn, or the last one, of each entry.
    level: Entries<u8>,
}

impl Rule for TwoLevels {
    /// The level: 0 for new work.
    type Key = u8;

    const SEES_WORK: bool = true;

    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        self.served.admit(entry, 0);
        self.level.admit(entry, 0);
    }

    fn key(&self, entry: Entry) -> u8 {
        u8::from(self.served[entry] >= self.slice)
    }

    fn slice(&self, entry: Entry) -> Nanos {
        match self.key(entry) {
            0 => self.slice - self.served[entry],
            _ => self.slice.saturating_mul(self.ratio),
        }
    }

    fn chosen(&mut self, entry: Entry) {
        self.level[entry] = self.key(entry);
    }

    fn work(&mut self, entry: Entry, work: Work) {
        self.served[entry] = work.served;
    }

    fn over_ran(&mut self, entry: Entry, time: Nanos) {
        self.served[entry] += time;
    }

    fn preempts(&self, entry: Entry, holder: Entry, _held: Nanos) -> bool {
        self.key(entry) < self.level[holder]
    }
}
