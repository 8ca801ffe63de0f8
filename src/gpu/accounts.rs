//! Accounts of a compute domain's SM time, in integers.

use super::domain::ComputeDomain;
use super::entry::EntryState;
use crate::engine::time::Nanos;
use serde::{Deserialize, Serialize};

/// Where the SM time went, in SM·ns, and what else happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    pub useful: u128,
    pub switching: u128,
    pub reserved_idle: u128,
    pub idle: u128,
    /// Wall time with anything running, by the clocks of the entries.
    pub gpu_time: Nanos,
    /// Wall time in which the domain let an entry run, as the domain itself counts it: what the clocks of the
    /// entries are held against. Changes of the context within an entry are in it.
    pub let_run: Nanos,
    pub turns: u64,
    /// Changes of the tenant whose context is loaded, and of the context within a tenant.
    pub switches: u64,
}

impl Accounts {
    /// The sum with the accounts of another domain; `gpu_time` is then a sum of wall times.
    #[must_use]
    pub fn plus(self, other: &Accounts) -> Accounts {
        Accounts {
            useful: self.useful + other.useful,
            switching: self.switching + other.switching,
            reserved_idle: self.reserved_idle + other.reserved_idle,
            idle: self.idle + other.idle,
            gpu_time: self.gpu_time + other.gpu_time,
            let_run: self.let_run + other.let_run,
            turns: self.turns + other.turns,
            switches: self.switches + other.switches,
        }
    }

    /// What happened since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Accounts) -> Accounts {
        Accounts {
            useful: self.useful - earlier.useful,
            switching: self.switching - earlier.switching,
            reserved_idle: self.reserved_idle - earlier.reserved_idle,
            idle: self.idle - earlier.idle,
            gpu_time: self.gpu_time - earlier.gpu_time,
            let_run: self.let_run - earlier.let_run,
            turns: self.turns - earlier.turns,
            switches: self.switches - earlier.switches,
        }
    }

    /// The sum of the four parts.
    pub fn total(&self) -> u128 {
        self.useful + self.switching + self.reserved_idle + self.idle
    }
}

/// What is counted as it happens; the rest of the [`Accounts`] follows from the entries' clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// Wall time in which an entry ran.
    pub running: Nanos,
    /// Wall time of switching, of turns whose holder had nothing to run, and without a holder.
    pub switching: Nanos,
    pub held_idle: Nanos,
    pub idle: Nanos,
    pub turns: u64,
    pub switches: u64,
}

impl ComputeDomain {
    /// Accounts up to the last [`settle`](Self::settle).
    pub fn accounts(&self) -> Accounts {
        let gpu_time: Nanos = self.entries.iter().map(EntryState::gpu_time).sum();
        let changing: Nanos = self.entries.iter().map(EntryState::changing).sum();
        let changes: u64 = self.entries.iter().map(EntryState::changes).sum();
        let useful: u128 = self.entries.iter().map(EntryState::used).sum();
        let Counters {
            running,
            switching,
            held_idle,
            idle,
            turns,
            switches,
        } = self.counters;
        let sms = u128::from(self.rates.sms);
        // SMs that nobody fills while something runs: kept from others by the holder of a turn, free
        // for any client where clients run side by side.
        let unfilled = u128::from(gpu_time) * sms - useful;
        let (kept, free) = if self.rules.in_space {
            (0, unfilled)
        } else {
            (unfilled, 0)
        };
        Accounts {
            useful,
            switching: u128::from(switching + changing) * sms,
            reserved_idle: u128::from(held_idle) * sms + kept,
            idle: u128::from(idle) * sms + free,
            gpu_time,
            let_run: running,
            turns,
            switches: switches + changes,
        }
    }
}
