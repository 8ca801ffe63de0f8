//! When a cell is measured, sampled and ended.

use crate::engine::time::Nanos;
use crate::scenario::{Horizon, RunPlan};

/// The points in time that structure a replication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Sampling edges in increasing order, from 0 to the end of the window: the borders of the
    /// timeline's bins, the end of the warm-up, the middle of the window.
    pub edges: Vec<Nanos>,
    /// Width of a timeline bin.
    pub bin: Nanos,
    pub warmup: Nanos,
    /// Middle of the window.
    pub middle: Nanos,
    /// End of the window.
    pub end: Nanos,
    /// No job is waited for beyond this time.
    pub drain_end: Nanos,
    /// Whether load goes on after the window while its jobs finish.
    pub load_goes_on: bool,
}

impl Schedule {
    pub fn new(plan: &RunPlan) -> Self {
        let warmup = match plan.horizon {
            Horizon::Steady => plan.warmup,
            Horizon::Terminating => 0,
        };
        let end = warmup.saturating_add(plan.window);
        let middle = warmup + plan.window / 2;
        let bin = end.div_ceil(Nanos::from(plan.timeline_bins.max(1))).max(1);
        let mut edges: Vec<Nanos> = (0..=end / bin).map(|index| index * bin).collect();
        edges.extend([warmup, middle, end]);
        edges.sort_unstable();
        edges.dedup();
        Schedule {
            edges,
            bin,
            warmup,
            middle,
            end,
            drain_end: end.saturating_add(plan.drain),
            load_goes_on: plan.horizon == Horizon::Steady,
        }
    }

    /// Whether a job that arrived at this time is measured.
    #[inline]
    pub fn in_window(&self, arrival: Nanos) -> bool {
        self.warmup <= arrival && arrival < self.end
    }
}
