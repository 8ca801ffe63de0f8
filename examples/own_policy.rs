//! warpshare with one more scheduler, `longest-idle-first`: a policy of your own in a crate of your own.
//!
//! ```text
//! cargo run --release --example own_policy -- run scenario.toml
//! ```
//!
//! has every command of warpshare, and scenarios may say `scheduler = "longest-idle-first"`.

use std::process::ExitCode;
use warpshare::engine::time::Nanos;
use warpshare::policy::registry::{Registered, Use, extend};
use warpshare::policy::{Entry, Grant, Policy, Properties, Starvation, Terms, Weights};

/// Registers the policy, and is warpshare from there on.
pub fn main() -> ExitCode {
    if let Err(error) = extend(&[LONGEST_IDLE_FIRST]) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    warpshare::cli::main()
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
        preempts: false,
    },
    uses: &[Use::Slice],
    build: |setup| Box::new(LongestIdleFirst::new(setup.config.slice)),
};

/// Serves the entry whose last turn is longest ago, whether it waited since or had nothing to do: who comes
/// back from a pause goes first, which round robin would put at the end of its queue.
struct LongestIdleFirst {
    slice: Nanos,
    /// Number of the last turn of each entry; 0 = none yet.
    last: Vec<u64>,
    /// Number of turns so far.
    turns: u64,
    ready: Vec<Entry>,
    holder: Option<Entry>,
}

impl LongestIdleFirst {
    fn new(slice: Nanos) -> Self {
        LongestIdleFirst {
            slice,
            last: Vec::new(),
            turns: 0,
            ready: Vec::new(),
            holder: None,
        }
    }
}

impl Policy for LongestIdleFirst {
    fn admit(&mut self, entry: Entry, _terms: &Terms) {
        self.last.push(0);
        // Room for all, so that nothing is allocated while the simulation runs.
        self.ready.reserve(entry as usize + 1 - self.ready.len());
    }

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
        let (place, _) = ready.min_by_key(|&(_, &entry)| (self.last[entry as usize], entry))?;
        let entry = self.ready.swap_remove(place);
        self.turns += 1;
        self.last[entry as usize] = self.turns;
        self.holder = Some(entry);
        Some(Grant {
            entry: Some(entry),
            slice: self.slice.saturating_mul(2),
        })
    }
}
