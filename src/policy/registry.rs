//! The registry: the schedulers that a scenario can name.

use super::run_list::RunList;
use super::{Policy, Rotation, TimeSlice, equal_share, fixed_share};
use crate::engine::time::NEVER;

/// A scheduler by name.
pub struct Registered {
    /// As written in scenarios.
    pub name: &'static str,
    /// One sentence for help and documentation.
    pub about: &'static str,
    /// Whether it reserves turns ([`Policy::reserves`]).
    pub reserves: bool,
    /// Builds the policy.
    pub build: fn(&TimeSlice) -> Box<dyn Policy>,
}

/// All schedulers, in the order in which help lists them.
pub const SCHEDULERS: &[Registered] = &[
    Registered {
        name: "best-effort",
        about: "vGPUs with work take turns; idle ones are skipped (the vendor's default)",
        reserves: false,
        build: |config| Box::new(RunList::new(config.slice, config.rotation)),
    },
    Registered {
        name: "equal-share",
        about: "running vGPUs have equal reserved shares, busy or idle",
        reserves: true,
        build: |config| Box::new(equal_share::build(config)),
    },
    Registered {
        name: "fixed-share",
        about: "every vGPU has 1 / (maximum of its type per GPU), however many run",
        reserves: true,
        build: |config| Box::new(fixed_share::build(config)),
    },
    Registered {
        name: "round-robin",
        about: "CUDA contexts with work take turns on a bare GPU",
        reserves: false,
        build: |config| Box::new(RunList::new(config.slice, config.rotation)),
    },
    Registered {
        name: "fifo",
        about: "each piece of work runs to its end in order of arrival (for comparison with theory)",
        reserves: false,
        build: |_| Box::new(RunList::new(NEVER, Rotation::Queue)),
    },
];

/// The scheduler of this name.
pub fn find(name: &str) -> Option<&'static Registered> {
    SCHEDULERS.iter().find(|scheduler| scheduler.name == name)
}
